//! Memory: strings of one word, a scratch arena for them, a small vector and an allocator.
//!
//! All of the crate's `unsafe` code is here and in `wasm/page.rs`. Each type begins with its invariants, and each `unsafe`
//! block names the one that it relies on. What is visible outside this module cannot be misused from safe code.

#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
compile_error!("the arena, the allocator and the module's statics are for a single thread");

mod block;
mod mini_vec;
mod scratch;
#[cfg(any(test, all(target_arch = "wasm32", not(feature = "debug"))))]
pub(crate) mod size_class_alloc;
mod thin_str;

pub(crate) use mini_vec::MiniVec;
pub use scratch::{Scope, Scratch, ScratchString};
pub(crate) use thin_str::thin;
pub use thin_str::{ThinStr, ThinString};
