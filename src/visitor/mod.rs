//! The visitor: consent, click ID and browser ID, user data, and the public part of URLs.

pub mod consent_store;
pub mod identity;
pub mod public_url;
mod sha256;
pub mod user_data;
