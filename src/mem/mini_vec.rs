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
/// 1. `len` items fit into the buffer. A buffer without bytes holds items without bytes.
/// 2. The first `len` items are initialized, and belong to this value alone.
#[derive(Debug)]
pub struct MiniVec<T> {
    buffer: Buffer,
    len: usize,
    _items: PhantomData<T>,
}

/// A block that grows.
///
/// Invariant: `capacity` is 0, or `ptr` is a block that [`block::alloc`] has returned for as many bytes, and that belongs to
/// this value alone.
#[derive(Debug)]
struct Buffer {
    ptr: NonNull<u8>,
    capacity: usize,
}

impl Buffer {
    /// Makes room for that many bytes, and moves those that are used.
    ///
    /// # Safety
    /// The first `used` bytes are in the block.
    #[inline(never)]
    unsafe fn reserve(&mut self, used: usize, needed: usize) {
        if needed <= self.capacity {
            return;
        }
        let capacity = block::growable(needed);
        let ptr = block::alloc(capacity);
        // SAFETY: as the caller promises; the new block is larger, and overlaps no other
        unsafe { ptr.copy_from_nonoverlapping(self.ptr, used) };
        *self = Self { ptr, capacity };
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.capacity > 0 {
            // SAFETY: the invariant
            unsafe { block::dealloc(self.ptr, self.capacity) };
        }
    }
}

impl<T> MiniVec<T> {
    /// A vector without items, which needs no memory.
    pub const fn new() -> Self {
        const { assert!(align_of::<T>() <= block::ALIGN) };
        Self {
            buffer: Buffer {
                // so that it is aligned for all items
                ptr: NonNull::<u64>::dangling().cast(),
                capacity: 0,
            },
            len: 0,
            _items: PhantomData,
        }
    }

    fn items(&self) -> NonNull<T> {
        self.buffer.ptr.cast()
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        let used = self.len * size_of::<T>();
        // SAFETY: invariant 1
        unsafe { self.buffer.reserve(used, used + size_of::<T>()) };
        // SAFETY: the buffer has room for one more than `len`
        let end = unsafe { self.items().add(self.len) };
        // SAFETY: the same, and there is no item to be dropped
        unsafe { end.write(item) };
        self.len += 1;
    }

    /// Drops the items for which `wanted` returns false. If it panics, the remaining items leak.
    pub fn retain_mut(&mut self, wanted: &mut dyn FnMut(&mut T) -> bool) {
        let len = core::mem::take(&mut self.len);
        for i in 0..len {
            // SAFETY: invariant 1
            let mut item = unsafe { self.items().add(i) };
            // SAFETY: invariant 2, and each item is visited once
            if wanted(unsafe { item.as_mut() }) {
                // SAFETY: invariant 1; no more are wanted than have been visited
                let end = unsafe { self.items().add(self.len) };
                // SAFETY: what is at `end` has been dropped or moved, unless it is this item
                unsafe { end.copy_from(item, 1) };
                self.len += 1;
            } else {
                // SAFETY: invariant 2, and it is not visited again
                unsafe { item.drop_in_place() };
            }
        }
    }
}

impl<T> Deref for MiniVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: invariants 1 and 2
        unsafe { core::slice::from_raw_parts(self.items().as_ptr(), self.len) }
    }
}

impl<T> DerefMut for MiniVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: invariants 1 and 2
        unsafe { core::slice::from_raw_parts_mut(self.items().as_ptr(), self.len) }
    }
}

impl<T> Drop for MiniVec<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            self.retain_mut(&mut |_| false);
        }
    }
}

impl<T> Default for MiniVec<T> {
    fn default() -> Self {
        Self::new()
    }
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
