//! The event table, its data shapes and their validation: the one source of what a measured event may hold.

pub mod events;
pub mod user_fields;
pub mod validate;
