//! The module's allocator: one list of free blocks for each power of two.
//!
//! Allocating and freeing take the same few instructions however much is allocated, and a freed block serves the next request of
//! its size, so that a long-lived page's memory does not grow. std's own allocator for WebAssembly is larger than all of this
//! crate's text handling; a first-fit list gets slower with every event that is queued.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::null_mut;

/// Blocks have 2^3 to 2^31 bytes.
const CLASSES: usize = 32;
const PAGE: usize = 1 << 16;
/// All blocks are aligned to this, which is the smallest of their sizes.
const ALIGN: usize = 8;

/// Where memory comes from.
///
/// # Safety
/// [`Grow::grow`] returns null, or that many pages of 64 KiB, aligned to 8 bytes, which nothing else uses.
pub unsafe trait Grow {
    /// Provides further pages; null if there are none.
    fn grow(pages: usize) -> *mut u8;
}

/// Allocates for one thread. It has no memory for what needs a greater alignment than [`ALIGN`]: nothing in the module does.
///
/// Invariants:
/// 1. `free[class]` is null or a block of 2^class bytes that is not in use and holds the address of the next such block, or
///    null. A block is in at most one list, once.
/// 2. From `fresh` on there are `fresh_bytes` that have never been allocated, and `fresh` is aligned to [`ALIGN`].
pub struct SizeClassAllocator<G> {
    free: [Cell<*mut u8>; CLASSES],
    fresh: Cell<*mut u8>,
    fresh_bytes: Cell<usize>,
    _source: PhantomData<G>,
}

// SAFETY: the module has no threads, or it would not compile (mem/mod.rs)
#[cfg(target_arch = "wasm32")]
unsafe impl<G> Sync for SizeClassAllocator<G> {}

impl<G: Grow> SizeClassAllocator<G> {
    /// An allocator without memory.
    pub const fn new() -> Self {
        Self {
            free: [const { Cell::new(null_mut()) }; CLASSES],
            fresh: Cell::new(null_mut()),
            fresh_bytes: Cell::new(0),
            _source: PhantomData,
        }
    }

    /// The power of two that is the size of the layout's block.
    fn size_class(layout: Layout) -> usize {
        let size = layout.size().max(ALIGN);
        (usize::BITS - (size - 1).leading_zeros()) as usize
    }

    /// The next bytes that have never been allocated; null if there are none. `size` is a multiple of [`ALIGN`].
    fn bump(&self, size: usize) -> *mut u8 {
        if size > self.fresh_bytes.get() {
            let pages = size.div_ceil(PAGE);
            let grown = G::grow(pages);
            if grown.is_null() {
                return null_mut();
            }
            // what is left of pages that are not next to these is lost
            if grown != self.fresh.get().wrapping_add(self.fresh_bytes.get()) {
                self.fresh.set(grown);
                self.fresh_bytes.set(0);
            }
            self.fresh_bytes.set(self.fresh_bytes.get() + pages * PAGE);
        }
        let block = self.fresh.get();
        self.fresh.set(block.wrapping_add(size));
        self.fresh_bytes.set(self.fresh_bytes.get() - size);
        block
    }
}

// SAFETY: by the invariants a block is as large as its layout says, aligned to ALIGN, and not in use twice
unsafe impl<G: Grow> GlobalAlloc for SizeClassAllocator<G> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = Self::size_class(layout);
        if layout.align() > ALIGN || class >= CLASSES {
            return null_mut();
        }
        let free = &self.free[class];
        let block = free.get();
        if block.is_null() {
            return self.bump(1 << class);
        }
        // SAFETY: invariant 1
        free.set(unsafe { block.cast::<*mut u8>().read() });
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let free = &self.free[Self::size_class(layout) % CLASSES];
        // SAFETY: the caller has this block from `alloc`, with this layout; so it has room for an address and is aligned for it
        unsafe { block.cast::<*mut u8>().write(free.get()) };
        free.set(block);
    }
}

#[cfg(test)]
#[allow(clippy::multiple_unsafe_ops_per_block)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::RefCell;

    /// Pages from the system, none next to another. The thread frees them when it ends.
    struct Scattered;

    struct Pages(*mut u8, Layout);

    impl Drop for Pages {
        fn drop(&mut self) {
            // SAFETY: `Scattered` has allocated them with this layout
            unsafe { std::alloc::dealloc(self.0, self.1) };
        }
    }

    thread_local! {
        static PAGES: RefCell<Vec<Pages>> = const { RefCell::new(Vec::new()) };
    }

    // SAFETY: the pages come from the system, and are freed when nothing uses them any more
    unsafe impl Grow for Scattered {
        fn grow(pages: usize) -> *mut u8 {
            let layout = Layout::from_size_align((pages + 1) * PAGE, PAGE).unwrap();
            // SAFETY: the size is not zero
            let start = unsafe { std::alloc::alloc(layout) };
            PAGES.with_borrow_mut(|all| all.push(Pages(start, layout)));
            start
        }
    }

    struct Nothing;

    // SAFETY: there are no pages
    unsafe impl Grow for Nothing {
        fn grow(_: usize) -> *mut u8 {
            null_mut()
        }
    }

    proptest! {
        #[test]
        fn blocks_do_not_overlap(steps in prop::collection::vec((0usize..24, 1usize..5000, 0u32..4), 1..200)) {
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
    fn freed_block_serves_the_next_of_its_size() {
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
    fn alloc_returns_null_when_memory_is_exhausted() {
        let allocator = SizeClassAllocator::<Nothing>::new();
        // SAFETY: the layout's size is not zero
        unsafe {
            assert!(allocator.alloc(Layout::new::<u64>()).is_null());
        }
    }

    #[test]
    fn alloc_returns_null_for_a_greater_alignment() {
        let allocator = SizeClassAllocator::<Scattered>::new();
        // SAFETY: the layout's size is not zero
        unsafe {
            let layout = Layout::from_size_align(16, 16).unwrap();
            assert!(allocator.alloc(layout).is_null());
        }
    }
}
