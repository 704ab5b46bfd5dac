//! A browser pixel for OpenAI Ads that speaks the oaiq protocol.
//!
//! Everything outside `wasm` is plain Rust over the trait [`host::Host`], and is tested natively. A call arrives as text
//! ([`raw_json`]), becomes a command, changes the state of one pixel in [`Tracker`], waits in that pixel's queue, and is
//! sent in a request.

#![deny(unsafe_code)]
#![deny(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block
)]

mod command;
pub mod debug_log;
mod delivery;
#[cfg(feature = "explain")]
pub mod explain;
pub mod host;
#[allow(unsafe_code)]
pub mod mem;
pub mod protocol;
pub mod raw_json;
pub mod schema;
mod tracker;
mod visitor;
#[cfg(target_arch = "wasm32")]
mod wasm;
#[cfg(feature = "wire")]
pub mod wire;

pub use tracker::Tracker;
