//! Blocks of memory.

use core::ptr::NonNull;
use std::alloc::{Layout, alloc as global_alloc, dealloc as global_dealloc};

/// The alignment of all blocks, in bytes.
pub(super) const ALIGN: usize = 8;

/// No block is larger, in bytes. The script passes strings of up to 1 MiB, and stores hold about 5 MB, so that only a bug
/// asks for more; it ends the module. The limit keeps each sum of two lengths within `usize`, and each size within `Layout`.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// The size of a block with room for that many bytes and for growth: a power of two.
pub(super) fn growable(bytes: usize) -> usize {
    // above the largest power of two this is 0, or panics; `alloc` rejects 0
    bytes.next_power_of_two()
}

fn layout(bytes: usize) -> Layout {
    // SAFETY: ALIGN is a power of two, and `alloc` takes at most MAX_BYTES
    unsafe { Layout::from_size_align_unchecked(bytes, ALIGN) }
}

/// A new block of that many bytes, which are not initialized.
#[inline(never)]
pub(super) fn alloc(bytes: usize) -> NonNull<u8> {
    if bytes.wrapping_sub(1) >= MAX_BYTES {
        std::process::abort();
    }
    // SAFETY: the size is not 0
    let block = unsafe { global_alloc(layout(bytes)) };
    match NonNull::new(block) {
        Some(block) => block,
        None => std::process::abort(),
    }
}

/// Frees a block.
///
/// # Safety
/// [`alloc`] has returned it for as many bytes, and it is not used afterwards.
pub(super) unsafe fn dealloc(block: NonNull<u8>, bytes: usize) {
    // SAFETY: as the caller promises
    unsafe { global_dealloc(block.as_ptr(), layout(bytes)) };
}
