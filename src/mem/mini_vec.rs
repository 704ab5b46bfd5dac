//! A minimal `Vec`. Growth is type-erased, so that all item types share one copy of it, and only what the pixel needs
//! exists.

use core::marker::PhantomData;
use core::mem::{align_of, needs_drop, size_of};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::block;

/// Items, one after the other.
///
/// Invariants:
/// 1. `byte_capacity` is 0, or `ptr` is a block that [`block::alloc`] has returned for as many bytes.
/// 2. `len` items fit into `byte_capacity` bytes.
/// 3. The first `len` items are initialized, and belong to this value alone.
#[derive(Debug)]
pub struct MiniVec<T> {
    ptr: NonNull<T>,
    len: usize,
    byte_capacity: usize,
    _marker: PhantomData<T>,
}

impl<T> MiniVec<T> {
    /// A vector without items, which needs no memory.
    pub const fn new() -> Self {
        const { assert!(align_of::<T>() <= block::ALIGN) };
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
        let capacity = block::growable(used + size_of::<T>());
        if capacity > self.byte_capacity {
            // SAFETY: invariants 1 and 2; what is copied is no longer used in the old block
            let ptr = unsafe { moved(self.ptr.cast(), used, self.byte_capacity, capacity) };
            self.ptr = ptr.cast();
            self.byte_capacity = capacity;
        }
        // SAFETY: the block has room for one more than `len`
        let end = unsafe { self.ptr.add(self.len) };
        // SAFETY: the same, and there is no item to be dropped
        unsafe { end.write(item) };
        self.len += 1;
    }

    /// Drops the items for which `wanted` returns false. Where it panics, those that are left leak.
    pub fn retain_mut(&mut self, wanted: &mut dyn FnMut(&mut T) -> bool) {
        let len = core::mem::take(&mut self.len);
        for i in 0..len {
            // SAFETY: invariant 2
            let mut item = unsafe { self.ptr.add(i) };
            // SAFETY: invariant 3, and each item is visited once
            if wanted(unsafe { item.as_mut() }) {
                // SAFETY: invariant 2; no more are wanted than have been visited
                let end = unsafe { self.ptr.add(self.len) };
                // SAFETY: what is at `end` has been dropped or moved, unless it is this item
                unsafe { end.copy_from(item, 1) };
                self.len += 1;
            } else {
                // SAFETY: invariant 3, and it is not visited again
                unsafe { item.drop_in_place() };
            }
        }
    }
}

impl<T> Deref for MiniVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: invariants 2 and 3
        unsafe { core::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for MiniVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: invariants 2 and 3
        unsafe { core::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> Drop for MiniVec<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            self.retain_mut(&mut |_| false);
        }
        if self.byte_capacity > 0 {
            // SAFETY: invariant 1
            unsafe { block::dealloc(self.ptr.cast(), self.byte_capacity) };
        }
    }
}

impl<T> Default for MiniVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A block of the new capacity, with the bytes that the old one used. The old block is freed; a capacity of 0 is none.
///
/// # Safety
/// The block has come from [`block::alloc`] for the old capacity, of which at least `used` bytes are initialized. The
/// new capacity is no smaller than `used`.
#[inline(never)]
unsafe fn moved(
    old: NonNull<u8>,
    used: usize,
    old_capacity: usize,
    capacity: usize,
) -> NonNull<u8> {
    let new = block::alloc(capacity);
    // SAFETY: as the caller promises; a new block overlaps no other
    unsafe { new.copy_from_nonoverlapping(old, used) };
    if old_capacity > 0 {
        // SAFETY: as the caller promises
        unsafe { block::dealloc(old, old_capacity) };
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::rc::Rc;

    proptest! {
        #[test]
        fn mini_vec_holds_what_was_pushed_and_retained(steps in prop::collection::vec((0u64..50, any::<bool>()), 0..200)) {
            let mut vec = MiniVec::new();
            let mut model = Vec::new();
            for (n, pushes) in steps {
                if pushes {
                    vec.push(Rc::new(n));
                    model.push(n);
                } else {
                    vec.retain_mut(&mut |item| **item % 7 != n % 7);
                    model.retain(|item| *item % 7 != n % 7);
                }
            }
            let items: Vec<_> = vec.iter().map(|item| **item).collect();
            prop_assert_eq!(items, model);
        }
    }

    #[test]
    fn mini_vec_drops_each_item_once() {
        let item = Rc::new(());
        let mut vec = MiniVec::new();
        for _ in 0..5 {
            vec.push(item.clone());
        }
        let mut left = 2;
        vec.retain_mut(&mut |_| {
            left -= 1;
            left >= 0
        });
        assert_eq!(Rc::strong_count(&item), 3);
        drop(vec);
        assert_eq!(Rc::strong_count(&item), 1);
    }
}
