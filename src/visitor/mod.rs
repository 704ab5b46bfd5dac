//! What the pixel knows of a visitor: their consent, their click and browser IDs, and what is sent about them.

pub mod consent_store;
pub mod identity;
pub mod public_url;
mod sha256;
pub mod user_data;
