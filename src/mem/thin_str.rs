//! Texts as addresses.
//!
//! A `&str` is two numbers and a `String` three, and handing them about is most of what a module of this kind is
//! compiled to. Here a text is one number: the address of its first byte. A byte 0 ends it. Inside the pixel texts are
//! UTF-8 and, but for what is about to be hashed, JSON-escaped: they go from the page to the wire without being taken
//! apart, and never hold a 0 of their own.
//!
//! Nearly all texts are made while the page has entered the pixel and needed no longer than that. Giving each of them back
//! by itself was a thirteenth of the module, so a [`ScratchString`] is not given back, but all of them at once
//! ([`reset_scratch`]). What outlives that is a [`ThinString`].

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use super::mini_vec::{alloc_block, block_size_for, dealloc_block};

/// A text somewhere in memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct ThinStr<'a> {
    pub(super) first: NonNull<u8>,
    pub(super) lives: PhantomData<&'a u8>,
}

// SAFETY: a text does not change while it is borrowed
unsafe impl Sync for ThinStr<'_> {}

/// A text that is written in the source.
macro_rules! thin {
    ($text:expr) => {
        $crate::mem::ThinStr::from_nul_terminated(concat!($text, "\0"))
    };
}
pub(crate) use thin;

impl<'a> ThinStr<'a> {
    /// The text before the 0 that this must end with.
    pub const fn from_nul_terminated(ended: &'a str) -> Self {
        assert!(ended.as_bytes()[ended.len() - 1] == 0);
        // SAFETY: a reference is not null
        let first = unsafe { NonNull::new_unchecked(ended.as_ptr().cast_mut()) };
        Self {
            first,
            lives: PhantomData,
        }
    }

    /// Its first byte; 0 at the end.
    pub const fn first_byte(self) -> u8 {
        // SAFETY: there is always a byte, if only the 0 at the end
        unsafe { *self.first.as_ptr() }
    }

    /// The string without its first byte; the empty string stays what it is.
    pub const fn advance(self) -> Self {
        if self.is_empty() {
            return self;
        }
        // SAFETY: the string goes on as far as its NUL
        let first = unsafe { self.first.add(1) };
        Self { first, ..self }
    }

    /// The string without that many of its first bytes, or its end where it has no more.
    pub const fn skip(self, bytes: usize) -> Self {
        let mut at = self;
        let mut left = bytes;
        while left > 0 {
            at = at.advance();
            left -= 1;
        }
        at
    }

    /// Is there nothing in it?
    pub const fn is_empty(self) -> bool {
        self.first_byte() == 0
    }

    /// Where it ends.
    pub fn tail(self) -> Self {
        let mut at = self;
        while !at.is_empty() {
            at = at.advance();
        }
        at
    }

    /// Its length in bytes.
    pub fn len(self) -> usize {
        self.tail().offset_from(self)
    }

    /// How many bytes it begins behind the other, which it is a rest of.
    pub fn offset_from(self, other: ThinStr) -> usize {
        self.first.as_ptr() as usize - other.first.as_ptr() as usize
    }

    /// If it begins so: what follows.
    pub fn strip_prefix(self, prefix: ThinStr) -> Option<Self> {
        let mut at = self;
        let mut expected = prefix;
        while !expected.is_empty() {
            if at.first_byte() != expected.first_byte() {
                return None;
            }
            at = at.advance();
            expected = expected.advance();
        }
        Some(at)
    }

    #[inline(never)]
    fn is_same(self, other: ThinStr) -> bool {
        self.strip_prefix(other).is_some_and(ThinStr::is_empty)
    }

    /// From the first such byte on, or the end.
    pub fn find_byte(self, byte: u8) -> Self {
        let mut at = self;
        while at.first_byte() != byte && !at.is_empty() {
            at = at.advance();
        }
        at
    }

    /// As Rust has it.
    pub fn as_str(self) -> &'a str {
        // SAFETY: so many bytes are there, and pieces are cut at ASCII characters alone
        unsafe {
            core::str::from_utf8_unchecked(core::slice::from_raw_parts(
                self.first.as_ptr(),
                self.len(),
            ))
        }
    }

    /// Its address.
    pub fn as_ptr(self) -> *const u8 {
        self.first.as_ptr()
    }
}

impl PartialEq for ThinStr<'_> {
    // so that no address of an address is handed about
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.is_same(*other)
    }
}

impl Eq for ThinStr<'_> {}

impl fmt::Debug for ThinStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// What stands before the first byte of a text that is not written in the source.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Header {
    /// The draft that was begun before this one.
    pub(super) prev: *mut Header,
    /// The text's length in bytes.
    pub(super) len: usize,
}

impl Header {
    /// The size of a block for a text of that length.
    pub(super) fn block_size(len: usize) -> usize {
        block_size_for(size_of::<Header>() + len + 1)
    }

    /// A text's head.
    pub(super) fn of(first: NonNull<u8>) -> *mut Header {
        // SAFETY: the head is before the first byte
        unsafe { first.cast::<Header>().sub(1).as_ptr() }
    }

    /// A block for a text of that length, which has still to be written, and a 0 behind it; its first byte.
    pub(super) fn alloc(prev: *mut Header, len: usize) -> NonNull<u8> {
        // SAFETY: the block is that long
        unsafe {
            let block = alloc_block(Self::block_size(len)).cast::<Header>();
            block.write(Header { prev, len });
            block.add(1).cast()
        }
    }

    /// Gives the block back.
    ///
    /// # Safety
    /// It has come from [`Header::alloc`].
    pub(super) unsafe fn dealloc(head: NonNull<Header>) {
        // SAFETY: see above
        unsafe { dealloc_block(head.cast(), Self::block_size(head.as_ref().len)) };
    }
}

#[repr(C)]
struct Empty(Header, u8);

// SAFETY: nobody writes into it
unsafe impl Sync for Empty {}

static EMPTY: Empty = Empty(
    Header {
        prev: ptr::null_mut(),
        len: 0,
    },
    0,
);

/// The first byte of nothing, which is in no block.
pub(super) const fn empty() -> NonNull<u8> {
    // SAFETY: a reference is not null
    unsafe { NonNull::new_unchecked((&raw const EMPTY.1).cast_mut()) }
}

/// A text that is kept for as long as somebody has it.
pub struct ThinString {
    pub(super) first: NonNull<u8>,
}

impl ThinString {
    /// A copy of that text.
    #[inline(never)]
    pub fn new(text: ThinStr) -> Self {
        let len = text.len();
        if len == 0 {
            return Self::default();
        }
        let first = Header::alloc(ptr::null_mut(), len);
        // SAFETY: the block is that long
        unsafe { first.copy_from_nonoverlapping(text.first, len + 1) };
        Self { first }
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        // SAFETY: each text has a head
        unsafe { (*Header::of(self.first)).len }
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.as_thin().is_empty()
    }

    /// What it holds.
    pub fn as_thin(&self) -> ThinStr<'_> {
        ThinStr {
            first: self.first,
            lives: PhantomData,
        }
    }
}

impl Drop for ThinString {
    #[inline(never)]
    fn drop(&mut self) {
        if !self.is_empty() {
            // SAFETY: a head is not null, and what is not empty has a block of its own
            unsafe { Header::dealloc(NonNull::new_unchecked(Header::of(self.first))) };
        }
    }
}

impl Clone for ThinString {
    fn clone(&self) -> Self {
        Self::new(self.as_thin())
    }
}

impl Default for ThinString {
    fn default() -> Self {
        Self { first: empty() }
    }
}

impl PartialEq for ThinString {
    fn eq(&self, other: &Self) -> bool {
        self.as_thin() == other.as_thin()
    }
}

impl fmt::Debug for ThinString {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.as_thin().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_is_found_by_its_beginning() {
        let rest = thin!("data.amount").strip_prefix(thin!("data."));
        assert_eq!(rest, Some(thin!("amount")));
        assert_eq!(thin!("da").strip_prefix(thin!("data.")), None);
        assert_ne!(thin!("data"), thin!("data."));
        assert_ne!(thin!("data."), thin!("data"));
        assert_eq!(thin!("a;b").find_byte(b';'), thin!(";b"));
        assert_eq!(thin!("ab").find_byte(b';'), thin!(""));
    }
}
