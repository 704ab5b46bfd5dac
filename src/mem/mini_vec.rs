//! A row of items in one block of memory, as `Vec` is; but all rows share the code that makes room, and there is nothing
//! of what a visitor would download for nobody's use.

use core::marker::PhantomData;
use core::mem::{needs_drop, size_of};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use std::alloc::{Layout, alloc, dealloc};

/// Items, one after the other.
#[derive(Debug)]
pub struct MiniVec<T> {
    ptr: NonNull<T>,
    len: usize,
    /// The block's size in bytes; 0 where there is none.
    byte_capacity: usize,
    _marker: PhantomData<T>,
}

impl<T> MiniVec<T> {
    /// FieldType nothing.
    pub const fn new() -> Self {
        Self {
            ptr: NonNull::dangling(),
            len: 0,
            byte_capacity: 0,
            _marker: PhantomData,
        }
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        let used = self.len * size_of::<T>();
        let size = self
            .byte_capacity
            .max(block_size_for(used + size_of::<T>()));
        // SAFETY: so much of the block is used, and it then has room for one more
        unsafe {
            self.ptr = grow_block(self.ptr.cast(), used, self.byte_capacity, size).cast();
            self.ptr.add(self.len).write(item);
        }
        self.byte_capacity = size;
        self.len += 1;
    }

    /// Drops those that are not wanted.
    pub fn retain_mut(&mut self, wanted: &mut dyn FnMut(&mut T) -> bool) {
        let len = core::mem::take(&mut self.len);
        for i in 0..len {
            // SAFETY: each item is looked at once, and moved to where one before it was
            unsafe {
                let mut item = self.ptr.add(i);
                if wanted(item.as_mut()) {
                    self.ptr.add(self.len).copy_from(item, 1);
                    self.len += 1;
                } else {
                    item.drop_in_place();
                }
            }
        }
    }
}

impl<T> Deref for MiniVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: so many items are there
        unsafe { core::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for MiniVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: so many items are there
        unsafe { core::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> Drop for MiniVec<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            self.retain_mut(&mut |_| false);
        }
        // SAFETY: the block has that size
        unsafe { dealloc_block(self.ptr.cast(), self.byte_capacity) };
    }
}

impl<T> Default for MiniVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// What blocks are aligned to: no item needs more.
const ALIGN: usize = 8;

const fn layout(size: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and no block is nearly as large as the address space
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}

/// The size of a block that holds so many bytes: a power of two, so that a row that grows seldom moves.
pub fn block_size_for(bytes: usize) -> usize {
    bytes.next_power_of_two()
}

/// A block of the new size in the place of one of the old, with the bytes that were used. A size of 0 is no block.
///
/// # Safety
/// The block has come from here and has the old size. The new one is not smaller.
#[inline(never)]
pub unsafe fn grow_block(
    block: NonNull<u8>,
    used: usize,
    old_size: usize,
    new_size: usize,
) -> NonNull<u8> {
    if new_size == old_size {
        return block;
    }
    // SAFETY: the new size is greater, and so not zero
    unsafe {
        let moved = alloc_block(new_size);
        moved.copy_from_nonoverlapping(block, used);
        dealloc_block(block, old_size);
        moved
    }
}

/// A block of that size.
///
/// # Safety
/// The size is not zero.
#[inline(never)]
pub unsafe fn alloc_block(size: usize) -> NonNull<u8> {
    // SAFETY: see above
    match NonNull::new(unsafe { alloc(layout(size)) }) {
        Some(block) => block,
        None => std::process::abort(),
    }
}

/// Gives a block back.
///
/// # Safety
/// The block has come from [`grow_block`] or [`alloc_block`] and has that size.
pub unsafe fn dealloc_block(block: NonNull<u8>, size: usize) {
    if size > 0 {
        // SAFETY: see above
        unsafe { dealloc(block.as_ptr(), layout(size)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::rc::Rc;

    proptest! {
        #[test]
        fn a_list_holds_what_was_added_and_is_still_wanted(steps in prop::collection::vec((0u64..50, any::<bool>()), 0..200)) {
            let mut list = MiniVec::new();
            let mut model = Vec::new();
            for (n, adds) in steps {
                if adds {
                    list.push(Rc::new(n));
                    model.push(n);
                } else {
                    list.retain_mut(&mut |item| **item % 7 != n % 7);
                    model.retain(|item| *item % 7 != n % 7);
                }
            }
            let held: Vec<_> = list.iter().map(|item| **item).collect();
            prop_assert_eq!(held, model);
        }
    }

    #[test]
    fn what_is_no_longer_wanted_is_dropped_once() {
        let item = Rc::new(());
        let mut list = MiniVec::new();
        for _ in 0..5 {
            list.push(item.clone());
        }
        let mut left = 2;
        list.retain_mut(&mut |_| {
            left -= 1;
            left >= 0
        });
        assert_eq!(Rc::strong_count(&item), 3);
        drop(list);
        assert_eq!(Rc::strong_count(&item), 1);
    }
}
