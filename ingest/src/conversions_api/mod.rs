//! Parses and checks requests to the Conversions API, by OpenAI's public documentation. `docs/collector.md` says which rules
//! are documented, which were observed, and which are choices of this project.

mod body;
mod data;
mod error_codes;
mod event;
mod event_fields;
#[cfg(test)]
mod fixtures;
mod rejection;
mod scrub;
mod user;
mod user_fields;

pub use body::{ConversionsBody, parse};
pub use error_codes::code;
pub use event::ServerEvent;
pub use rejection::rejection;
pub use user_fields::{current_name, is_valid_place};
