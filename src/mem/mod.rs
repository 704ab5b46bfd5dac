//! Strings of one word, a small vector and an allocator: all of the core's `unsafe` code.

pub(crate) mod mini_vec;
#[cfg(any(test, all(target_arch = "wasm32", not(feature = "debug"))))]
pub(crate) mod size_class_alloc;
pub mod thin_str;
