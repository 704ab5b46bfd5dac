//! Blocks of memory, each a power of two in size, so that what grows seldom moves.

use core::ptr::NonNull;
use std::alloc::{Layout, alloc as global_alloc, dealloc as global_dealloc};

/// What all blocks are aligned to.
pub(super) const ALIGN: usize = 8;

/// No block is larger, in bytes. The script passes strings of up to 1 MiB, and stores hold about 5 MB, so only a fault asks
/// for more; it ends the module. The limit keeps all sums of lengths within `usize`, and all sizes within `Layout`.
const MAX_BYTES: usize = 1 << 30;

/// The size of a block for that many bytes; at least 1.
pub(super) fn size_for(bytes: usize) -> usize {
    if bytes > MAX_BYTES {
        std::process::abort();
    }
    bytes.next_power_of_two()
}

fn layout(size: usize) -> Layout {
    // SAFETY: ALIGN is a power of two, and `size_for` returns at most MAX_BYTES
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}

/// A new block for that many bytes, which are not initialized.
#[inline(never)]
pub(super) fn alloc(bytes: usize) -> NonNull<u8> {
    // SAFETY: `size_for` never returns 0
    let block = unsafe { global_alloc(layout(size_for(bytes))) };
    match NonNull::new(block) {
        Some(block) => block,
        None => std::process::abort(),
    }
}

/// Frees a block.
///
/// # Safety
/// [`alloc`] has returned it for as many bytes, or for as many as have the same [`size_for`]. It is not used afterwards.
pub(super) unsafe fn dealloc(block: NonNull<u8>, bytes: usize) {
    // SAFETY: as the caller promises
    unsafe { global_dealloc(block.as_ptr(), layout(size_for(bytes))) };
}
