//! A browser whose clock, network, cookies and storage a test controls, and the pages that it opens.

pub mod cookie_jar;
pub mod fake_browser;
pub mod page;
