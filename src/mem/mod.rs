//! Strings of one word, a small vector and an allocator: all of the core's `unsafe` code.

mod mini_vec;
mod scratch;
#[cfg(any(test, all(target_arch = "wasm32", not(feature = "debug"))))]
pub(crate) mod size_class_alloc;
mod thin_str;

pub(crate) use mini_vec::MiniVec;
#[cfg(feature = "explain")]
pub(crate) use scratch::with_nested_scratch;
pub use scratch::{ScratchString, reset_scratch};
pub(crate) use thin_str::thin;
pub use thin_str::{ThinStr, ThinString};
