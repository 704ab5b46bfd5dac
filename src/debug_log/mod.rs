//! What the console prints with debug, and the state that `oaiq.debug()` returns.
//!
//! The pixel traces debug events ([`crate::host::DebugEvent`]), each with a text ([`payload`]). A [`DebugLog`] turns each into a
//! [`LogLine`] and collects what its tables and its state show. The reader wants to know why an event did not arrive, and
//! need not be a programmer.

pub mod payload;

#[cfg(feature = "explain")]
mod event;
#[cfg(feature = "explain")]
mod log;
#[cfg(feature = "explain")]
mod messages;
#[cfg(feature = "explain")]
mod tables;

#[cfg(feature = "explain")]
pub use log::DebugLog;
#[cfg(feature = "explain")]
pub use messages::LogLine;
#[cfg(feature = "explain")]
pub use tables::{PixelState, State, Table};
