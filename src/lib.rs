//! A browser pixel for OpenAI Ads that speaks the oaiq protocol.
//!
//! Everything outside `browser` is plain Rust over the trait [`host::Host`], and is tested natively. A call enters as
//! a text ([`value`]), becomes a command, changes one pixel's state in [`Pixels`], waits in its batch, and leaves as a
//! request.

mod address;
#[cfg(feature = "explain")]
mod advice;
#[cfg(any(test, all(target_arch = "wasm32", not(feature = "debug"))))]
mod allocator;
mod batch;
#[cfg(target_arch = "wasm32")]
mod browser;
mod command;
mod consent;
#[cfg(feature = "explain")]
pub mod console;
mod diagnostics;
pub mod event;
#[cfg(feature = "explain")]
pub mod explain;
pub mod host;
#[cfg(feature = "explain")]
mod identifiers;
mod identity;
mod list;
#[cfg(feature = "explain")]
mod money;
mod pixel;
mod settings;
mod sha256;
pub mod text;
mod user;
pub mod validate;
pub mod value;
#[cfg(feature = "wire")]
pub mod wire;

pub use pixel::Pixels;
