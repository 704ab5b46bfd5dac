//! Strings of one word.
//!
//! ```text
//!             ThinStr ─┐                     ThinString ─┐
//!                      ▼                                 ▼
//!              ┌───┬───┬───┬───┬───┐       ┌─────────┬───┬───┬───┬───┬───┐
//!              │ … │ o │ a │ i │ 0 │       │ len = 4 │ o │ a │ i │ q │ 0 │
//!              └───┴───┴───┴───┴───┘       └─────────┴───┴───┴───┴───┴───┘
//! ```
//!
//! A `&str` is two words and a `String` three, and passing them around was a third of the module: it took 14.5 kB with
//! them and takes 10.2 kB with these. A NUL ends each string. Strings are UTF-8 and, except for what is about to be hashed,
//! escaped as in JSON: they go from the page to the wire without being decoded, so that they never contain a NUL.

use core::ffi::CStr;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::block;

/// A borrowed string of one word.
///
/// Invariant: from `first` up to and including the next NUL, all bytes may be read and do not change during `'a`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct ThinStr<'a> {
    first: NonNull<u8>,
    _bytes: PhantomData<&'a u8>,
}

// SAFETY: by the invariant this is a shared reference to bytes
unsafe impl Send for ThinStr<'_> {}
// SAFETY: the same
unsafe impl Sync for ThinStr<'_> {}

/// A literal as a [`ThinStr`]. A NUL inside it does not compile.
macro_rules! thin {
    ($text:expr) => {
        const {
            match core::ffi::CStr::from_bytes_with_nul(concat!($text, "\0").as_bytes()) {
                Ok(text) => $crate::mem::ThinStr::from_c_str(text),
                Err(_) => panic!("a NUL inside the string"),
            }
        }
    };
}
pub(crate) use thin;

impl<'a> ThinStr<'a> {
    /// The string in a `CStr`.
    pub const fn from_c_str(text: &'a CStr) -> Self {
        // SAFETY: a reference is not null
        let first = unsafe { NonNull::new_unchecked(text.as_ptr().cast_mut()) };
        // SAFETY: a CStr ends with a NUL, and is borrowed for 'a
        unsafe { Self::from_ptr(first.cast()) }
    }

    /// The string that begins at an address.
    ///
    /// # Safety
    /// The type's invariant holds.
    pub(super) const unsafe fn from_ptr(first: NonNull<u8>) -> Self {
        Self {
            first,
            _bytes: PhantomData,
        }
    }

    /// Its first byte; 0 at the end.
    pub const fn first_byte(self) -> u8 {
        // SAFETY: there is always a byte to read, if only the NUL
        unsafe { self.first.read() }
    }

    /// The string without its first byte. The empty string stays as it is.
    pub const fn advance(self) -> Self {
        let step = !self.is_empty() as usize;
        // SAFETY: a string that is not empty continues after its first byte
        let first = unsafe { self.first.add(step) };
        Self { first, ..self }
    }

    /// The string without that many of its first bytes; the empty string if it has no more.
    pub const fn skip(self, bytes: usize) -> Self {
        let mut at = self;
        let mut left = bytes;
        while left > 0 {
            at = at.advance();
            left -= 1;
        }
        at
    }

    /// True for the empty string.
    pub const fn is_empty(self) -> bool {
        self.first_byte() == 0
    }

    /// The empty string at its end.
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

    /// The number of bytes from the start of `other` to the start of this string, which is a later part of `other`. If it is
    /// not, the number is meaningless.
    pub fn offset_from(self, other: ThinStr) -> usize {
        (self.first.as_ptr() as usize).wrapping_sub(other.first.as_ptr() as usize)
    }

    /// What follows the prefix, if the string begins with it.
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

    /// The string from the first such byte on, or its end.
    pub fn find_byte(self, byte: u8) -> Self {
        let mut at = self;
        while at.first_byte() != byte && !at.is_empty() {
            at = at.advance();
        }
        at
    }

    /// The part before `end`, a later part of it; all of it if `end` is no part of it.
    #[cfg(feature = "explain")]
    pub fn until(self, end: ThinStr) -> &'a str {
        let len = end.offset_from(self).min(self.len());
        self.as_str().get(..len).unwrap_or("")
    }

    /// Its bytes, without the NUL.
    pub fn as_bytes(self) -> &'a [u8] {
        // SAFETY: the invariant, for the bytes before the NUL
        unsafe { core::slice::from_raw_parts(self.first.as_ptr(), self.len()) }
    }

    /// As a `&str`. A string that was cut inside a character ends before it.
    pub fn as_str(self) -> &'a str {
        let bytes = self.as_bytes();
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
        }
    }

    /// The address of its first byte.
    pub fn as_ptr(self) -> *const u8 {
        self.first.as_ptr()
    }
}

impl PartialEq for ThinStr<'_> {
    // inlined, so that strings are not passed by reference
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

/// What precedes the first byte of an owned string.
#[repr(C)]
struct Header {
    /// The string's length in bytes.
    len: usize,
}

const HEADER: usize = size_of::<Header>();

/// The size of the block of an owned string, in bytes.
fn block_bytes(len: usize) -> usize {
    len + HEADER + 1
}

#[repr(C)]
struct Empty(Header, u8);

static EMPTY: Empty = Empty(Header { len: 0 }, 0);

/// An owned string of one word.
///
/// Invariants:
/// 1. A [`Header`] precedes `first`. From `first` on, `len + 1` bytes are initialized; the last is a NUL, and no other.
/// 2. If `len` is not 0, all of this is a block of [`block_bytes`] that belongs to this value alone; otherwise it is
///    [`EMPTY`], which is not written to.
pub struct ThinString {
    first: NonNull<u8>,
}

// SAFETY: by invariant 2 the block belongs to this value alone
unsafe impl Send for ThinString {}
// SAFETY: nothing is changed through a shared reference
unsafe impl Sync for ThinString {}

impl ThinString {
    /// The empty string, which needs no memory.
    pub const fn new() -> Self {
        let empty = (&raw const EMPTY).cast::<u8>().cast_mut();
        // SAFETY: a static is not null
        let header = unsafe { NonNull::new_unchecked(empty) };
        Self {
            // SAFETY: the header is followed by the NUL
            first: unsafe { header.add(HEADER) },
        }
    }

    fn header(&self) -> NonNull<Header> {
        // SAFETY: invariant 1
        unsafe { self.first.sub(HEADER) }.cast()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        // SAFETY: invariant 1
        unsafe { self.header().as_ref() }.len
    }

    /// True for the empty string.
    pub fn is_empty(&self) -> bool {
        self.as_thin().is_empty()
    }

    /// Borrowed.
    pub fn as_thin(&self) -> ThinStr<'_> {
        // SAFETY: invariant 1, as long as this value is borrowed
        unsafe { ThinStr::from_ptr(self.first) }
    }

    /// As a `&str`.
    pub fn as_str(&self) -> &str {
        self.as_thin().as_str()
    }
}

impl From<ThinStr<'_>> for ThinString {
    #[inline(never)]
    fn from(text: ThinStr) -> Self {
        let len = text.len();
        if len == 0 {
            return Self::new();
        }
        let block = block::alloc(block_bytes(len));
        // SAFETY: the block is large enough for the header, and aligned to more than it needs
        unsafe { block.cast().write(Header { len }) };
        // SAFETY: the block continues after the header
        let first = unsafe { block.add(HEADER) };
        // SAFETY: the text has this many bytes including its NUL; the block is new and has as many after the header
        unsafe { first.copy_from_nonoverlapping(text.first, len + 1) };
        Self { first }
    }
}

impl From<&str> for ThinString {
    /// The text up to its first NUL.
    fn from(text: &str) -> Self {
        let mut bytes: Vec<u8> = text.bytes().take_while(|byte| *byte != 0).collect();
        bytes.push(0);
        CStr::from_bytes_until_nul(&bytes)
            .map_or(Self::new(), |text| ThinStr::from_c_str(text).into())
    }
}

impl Drop for ThinString {
    #[inline(never)]
    fn drop(&mut self) {
        let len = self.len();
        if len > 0 {
            // SAFETY: invariant 2
            unsafe { block::dealloc(self.header().cast(), block_bytes(len)) };
        }
    }
}

impl Clone for ThinString {
    fn clone(&self) -> Self {
        self.as_thin().into()
    }
}

impl Default for ThinString {
    fn default() -> Self {
        Self::new()
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
    use super::*;

    #[test]
    fn thin_str_is_compared_and_searched_up_to_its_nul() {
        let rest = thin!("data.amount").strip_prefix(thin!("data."));
        assert_eq!(rest, Some(thin!("amount")));
        assert_eq!(thin!("da").strip_prefix(thin!("data.")), None);
        assert_ne!(thin!("data"), thin!("data."));
        assert_ne!(thin!("data."), thin!("data"));
        assert_eq!(thin!("a;b").find_byte(b';'), thin!(";b"));
        assert_eq!(thin!("ab").find_byte(b';'), thin!(""));
    }

    #[test]
    fn thin_str_stays_at_its_end() {
        assert_eq!(thin!("").advance().first_byte(), 0);
        assert_eq!(thin!("ab").skip(9).first_byte(), 0);
        assert_eq!(thin!("abc").skip(2), thin!("c"));
    }

    #[test]
    fn thin_str_cut_inside_a_character_ends_before_it() {
        assert_eq!(thin!("ü").advance().as_str(), "");
        assert_eq!(thin!("aü").as_str(), "aü");
    }

    #[test]
    fn thin_string_ends_at_the_first_nul() {
        let text = ThinString::from("a\0b");
        assert_eq!(text.as_thin(), thin!("a"));
        assert_eq!(text.len(), 1);
    }
}
