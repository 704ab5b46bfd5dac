//! The tables of events and user fields, and the validation of events. Types, documentation and the inspector are
//! generated from them.

pub mod events;
pub mod user_fields;
pub mod validate;
