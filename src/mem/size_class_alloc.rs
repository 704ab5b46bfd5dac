//! The module's allocator: one list of free blocks for each power of two.
//!
//! Every step takes the same few instructions however much waits, and a freed block serves the next of its size, so
//! that a long-lived page's memory does not grow. std's own allocator is larger than all of this crate's text handling;
//! a first-fit list gets slower with every event that waits.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr::null_mut;

/// Blocks have 2^3 to 2^31 bytes.
const CLASSES: usize = 32;
const PAGE: usize = 1 << 16;
/// All blocks are aligned to this, which is the smallest of their sizes.
const ALIGN: usize = 8;

/// Where memory comes from.
pub trait Grow {
    /// The address of that many further pages of 64 KiB, or 0 if there are none.
    fn grow(pages: usize) -> usize;
}

/// Allocates for one thread. It has no memory for what needs a greater alignment than [`ALIGN`]: nothing in the module does.
pub struct SizeClassAllocator<G> {
    free: UnsafeCell<[*mut u8; CLASSES]>,
    /// What has never been handed out: from the first address up to the second.
    fresh: UnsafeCell<(usize, usize)>,
    source: PhantomData<G>,
}

// SAFETY: a module without threads has nobody to share with
unsafe impl<G> Sync for SizeClassAllocator<G> {}

impl<G: Grow> SizeClassAllocator<G> {
    /// Has nothing yet.
    pub const fn new() -> Self {
        Self {
            free: UnsafeCell::new([null_mut(); CLASSES]),
            fresh: UnsafeCell::new((0, 0)),
            source: PhantomData,
        }
    }

    /// The power of two that holds the layout.
    fn size_class(layout: Layout) -> usize {
        let size = layout.size().max(ALIGN);
        (usize::BITS - (size - 1).leading_zeros()) as usize
    }

    /// # Safety
    /// Only one thread, and not from within itself.
    unsafe fn bump(&self, size: usize) -> *mut u8 {
        // SAFETY: see above
        let (next, end) = unsafe { &mut *self.fresh.get() };
        let mut start = *next;
        if start + size > *end {
            let pages = size.div_ceil(PAGE);
            let reserve_extra = G::grow(pages);
            if reserve_extra == 0 {
                return null_mut();
            }
            if reserve_extra != *end {
                start = reserve_extra;
            }
            *end = reserve_extra + pages * PAGE;
        }
        *next = start + size;
        start as *mut u8
    }
}

// SAFETY: blocks of different classes never overlap, as `fresh` only moves up; a block is in at most one list
unsafe impl<G: Grow> GlobalAlloc for SizeClassAllocator<G> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGN {
            return null_mut();
        }
        let class = Self::size_class(layout);
        // SAFETY: single-threaded; a free block holds the address of the next free one
        unsafe {
            let free = &mut (*self.free.get())[class % CLASSES];
            if free.is_null() {
                return self.bump(1 << class);
            }
            let block = *free;
            *free = *block.cast::<*mut u8>();
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: single-threaded; the block is of this class and holds at least an address
        unsafe {
            let free = &mut (*self.free.get())[Self::size_class(layout) % CLASSES];
            *block.cast::<*mut u8>() = *free;
            *free = block;
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are those of `alloc` and `dealloc`
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            if Self::size_class(wanted) == Self::size_class(layout) {
                return block;
            }
            let new = self.alloc(wanted);
            if !new.is_null() {
                block.copy_to_nonoverlapping(new, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pages from the system, none next to another.
    struct Scattered;

    impl Grow for Scattered {
        fn grow(pages: usize) -> usize {
            let layout = Layout::from_size_align((pages + 1) * PAGE, PAGE).unwrap();
            // SAFETY: the size is not zero
            unsafe { std::alloc::alloc(layout) as usize }
        }
    }

    struct Nothing;

    impl Grow for Nothing {
        fn grow(_: usize) -> usize {
            0
        }
    }

    proptest! {
        #[test]
        fn blocks_keep_what_is_written_to_them(steps in prop::collection::vec((0usize..24, 1usize..5000, 0u32..4), 1..200)) {
            let allocator = SizeClassAllocator::<Scattered>::new();
            let mut blocks: Vec<Option<(*mut u8, Layout, u8)>> = vec![None; 24];
            for (n, (slot, size, align)) in steps.into_iter().enumerate() {
                let mark = n as u8;
                // SAFETY: each block is used within its layout and freed once
                unsafe {
                    if let Some((block, layout, mark)) = blocks[slot].take() {
                        for i in 0..layout.size() {
                            prop_assert_eq!(*block.add(i), mark);
                        }
                        if n % 3 == 0 {
                            let block = allocator.realloc(block, layout, size);
                            for i in 0..layout.size().min(size) {
                                prop_assert_eq!(*block.add(i), mark);
                            }
                            let layout = Layout::from_size_align(size, layout.align()).unwrap();
                            block.write_bytes(mark, size);
                            blocks[slot] = Some((block, layout, mark));
                            continue;
                        }
                        allocator.dealloc(block, layout);
                    }
                    let layout = Layout::from_size_align(size, 1 << align).unwrap();
                    let block = allocator.alloc(layout);
                    prop_assert!(!block.is_null());
                    prop_assert_eq!(block as usize % layout.align(), 0);
                    block.write_bytes(mark, size);
                    blocks[slot] = Some((block, layout, mark));
                }
            }
        }
    }

    #[test]
    fn a_freed_block_serves_the_next_of_its_size() {
        let allocator = SizeClassAllocator::<Scattered>::new();
        let layout = Layout::from_size_align(100, 1).unwrap();
        // SAFETY: freed once, with its layout
        unsafe {
            let first = allocator.alloc(layout);
            allocator.dealloc(first, layout);
            assert_eq!(allocator.alloc(layout), first);
        }
    }

    #[test]
    fn where_no_memory_is_left_nothing_is_handed_out() {
        let allocator = SizeClassAllocator::<Nothing>::new();
        // SAFETY: the layout's size is not zero
        unsafe {
            assert!(allocator.alloc(Layout::new::<u64>()).is_null());
        }
    }

    #[test]
    fn nothing_is_handed_out_for_a_greater_alignment_than_blocks_have() {
        let allocator = SizeClassAllocator::<Scattered>::new();
        // SAFETY: the layout's size is not zero
        unsafe {
            let layout = Layout::from_size_align(16, 16).unwrap();
            assert!(allocator.alloc(layout).is_null());
        }
    }
}
