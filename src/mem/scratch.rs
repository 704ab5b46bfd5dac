//! The scratch arena: strings that live until the script's call into the module ends.
//!
//! Most strings are created during such a call and are not needed after it. Code to free each of them was a thirteenth of
//! the module. Here all of them are freed at once, when the [`Scope`] ends. This is phase-oriented allocation, as in the
//! crate bumpalo.
//!
//! Each string is a block of its own, and the blocks are a linked list:
//!
//! ```text
//!                                  ScratchString ─┐
//!                                                 ▼
//!              ┌──────┬───────────────┬─────────┬───┬───┬───┬───┬───┬──────┐
//!  last ──────▶│ prev │ capacity = 24 │ len = 4 │ o │ a │ i │ q │ 0 │ free │
//!              └──│───┴───────────────┴─────────┴───┴───┴───┴───┴───┴──────┘
//!                 ▼ the string that was created before
//! ```
//!
//! A bump arena (one chunk, freed by moving a pointer back) was tried: the module is 90 bytes larger with it (brotli),
//! because a string that grows has to find out whether it is the last one, and a full chunk has to be replaced.
//!
//! ```
//! # use oaiq::mem::Scope;
//! let scope = Scope::open();
//! let s = scope.scratch();
//! let text = s.string().append_u64(42);
//! assert_eq!(text.as_str(), "42");
//! ```
//!
//! A string cannot outlive its scope:
//!
//! ```compile_fail,E0597
//! # use oaiq::mem::Scope;
//! let text = {
//!     let scope = Scope::open();
//!     scope.scratch().string()
//! };
//! text.as_str();
//! ```

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use super::block;
use super::thin_str::{ThinStr, ThinString, thin};

/// What precedes the first byte of a scratch string.
#[repr(C)]
struct Header {
    /// The string that was created before this one; null for the first.
    prev: *mut Header,
    /// The block's size in bytes.
    capacity: usize,
    /// The string's length in bytes.
    len: usize,
}

const HEADER: usize = size_of::<Header>();

#[repr(C)]
struct Empty(Header, u8);

// SAFETY: it is not written to
unsafe impl Sync for Empty {}

static EMPTY: Empty = Empty(
    Header {
        prev: ptr::null_mut(),
        capacity: 0,
        len: 0,
    },
    0,
);

/// A thread's scratch strings.
///
/// Invariants:
/// 1. `is_open` tells whether there is a [`Scope`].
/// 2. `last` is null or the header of a block, and so is `prev` of each header that is reached from there. These are the
///    blocks of all strings that were created since a scope ended, each once.
struct Arena {
    last: Cell<*mut Header>,
    is_open: Cell<bool>,
}

impl Arena {
    const fn new() -> Self {
        Self {
            last: Cell::new(ptr::null_mut()),
            is_open: Cell::new(false),
        }
    }
}

/// The arena of this thread.
fn arena<T>(work: impl FnOnce(&Arena) -> T) -> T {
    #[cfg(not(target_arch = "wasm32"))]
    {
        thread_local! {
            static ARENA: Arena = const { Arena::new() };
        }
        ARENA.with(work)
    }
    #[cfg(target_arch = "wasm32")]
    {
        struct OneThread(Arena);
        // SAFETY: the module has no threads, or it would not compile (mem/mod.rs)
        unsafe impl Sync for OneThread {}
        static ARENA: OneThread = OneThread(Arena::new());
        work(&ARENA.0)
    }
}

/// While there is one, scratch strings can be created. When it ends, all of them are freed.
///
/// A thread has at most one: the end of an inner scope would free strings of the outer one.
#[derive(Debug)]
pub struct Scope {
    _not_send: PhantomData<*mut ()>,
}

impl Scope {
    /// Opens a scope.
    ///
    /// # Panics
    /// If the thread has one.
    pub fn open() -> Self {
        enter();
        Self {
            _not_send: PhantomData,
        }
    }

    /// The permission to create strings that live as long as this scope.
    pub fn scratch(&self) -> Scratch<'_> {
        Scratch {
            _scope: PhantomData,
        }
    }
}

impl Drop for Scope {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this is the only scope, and strings borrow it
        unsafe { leave() };
    }
}

// These do not take a reference to a scope: it would be an address on the stack, although a scope has no bytes.

#[inline(never)]
fn enter() {
    assert!(
        arena(|arena| !arena.is_open.replace(true)),
        "a scope in a scope"
    );
}

/// # Safety
/// No string is left.
#[inline(never)]
unsafe fn leave() {
    arena(|arena| {
        arena.is_open.set(false);
        let mut last = arena.last.take();
        while let Some(header) = NonNull::new(last) {
            // SAFETY: invariant 2; no string is left
            let &Header { prev, capacity, .. } = unsafe { header.as_ref() };
            last = prev;
            // SAFETY: the same
            unsafe { block::dealloc(header.cast(), capacity) };
        }
    });
}

/// The permission to create [`ScratchString`]s. It is passed down to where they are created, and takes no memory.
#[derive(Debug, Clone, Copy)]
pub struct Scratch<'s> {
    _scope: PhantomData<&'s Scope>,
}

impl<'s> Scratch<'s> {
    /// The permission for strings that are created outside of a scope.
    ///
    /// # Safety
    /// They are not used after the scope has ended that is open now, or else the next.
    #[cfg(all(target_arch = "wasm32", not(feature = "debug")))]
    pub(crate) const unsafe fn without_scope() -> Self {
        Self {
            _scope: PhantomData,
        }
    }

    /// An empty string, to be appended to.
    pub const fn string(self) -> ScratchString<'s> {
        let empty = (&raw const EMPTY).cast::<u8>().cast_mut();
        // SAFETY: a static is not null
        let header = unsafe { NonNull::new_unchecked(empty) };
        ScratchString {
            // SAFETY: the header is followed by the NUL
            first: unsafe { header.add(HEADER) },
            _scratch: PhantomData,
        }
    }

    /// A copy of a string.
    pub fn copy(self, text: ThinStr) -> ScratchString<'s> {
        self.string().append(text)
    }

    /// A copy of a string up to its first NUL.
    pub fn copy_str(self, text: &str) -> ScratchString<'s> {
        self.copy(ThinString::from(text).as_thin())
    }
}

/// A string that can be appended to, and that lives in the arena.
///
/// Invariants:
/// 1. A [`Header`] precedes `first`. From `first` on, `len + 1` bytes are initialized; the last is a NUL.
/// 2. If `capacity` is not 0, this is a block of that size in the arena of this thread, which no other string uses;
///    otherwise it is [`EMPTY`], which is not written to.
/// 3. The block is freed no sooner than 's ends, because a scope is borrowed for 's.
pub struct ScratchString<'s> {
    first: NonNull<u8>,
    _scratch: PhantomData<Scratch<'s>>,
}

impl<'s> ScratchString<'s> {
    fn header(&self) -> NonNull<Header> {
        // SAFETY: invariant 1
        unsafe { self.first.sub(HEADER) }.cast()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        // SAFETY: invariant 1
        unsafe { self.header().as_ref() }.len
    }

    /// The same string, longer by that many bytes. The caller writes these, and a NUL after them.
    fn reserve_extra(self, extra: usize) -> Self {
        let mut header = self.header();
        // SAFETY: invariant 1
        let &Header { capacity, len, .. } = unsafe { header.as_ref() };
        let longer = len + extra;
        let needed = HEADER + longer + 1;
        if needed <= capacity {
            // SAFETY: invariants 1 and 2, as `EMPTY` has no capacity
            unsafe { header.as_mut() }.len = longer;
            return self;
        }
        let capacity = block::growable(needed);
        let block = block::alloc(capacity);
        let header = block.cast::<Header>();
        let prev = arena(|arena| arena.last.replace(header.as_ptr()));
        let new = Header {
            prev,
            capacity,
            len: longer,
        };
        // SAFETY: the block is large enough for the header, and aligned as it needs
        unsafe { header.write(new) };
        // SAFETY: the block continues after the header
        let first = unsafe { block.add(HEADER) };
        // SAFETY: the new block has room for more than the old string, which it does not overlap
        unsafe { first.copy_from_nonoverlapping(self.first, len) };
        Self { first, ..self }
    }

    /// A string of that many NULs, to be overwritten at [`as_ptr`](ThinStr::as_ptr) by the script.
    #[cfg(all(target_arch = "wasm32", not(feature = "debug")))]
    pub(crate) fn with_zeroed_len(s: Scratch<'s>, len: usize) -> Self {
        assert!(len < block::MAX_BYTES);
        let this = s.string().reserve_extra(len);
        // SAFETY: `reserve_extra` leaves room for these bytes and the NUL
        unsafe { this.first.write_bytes(0, len + 1) };
        this
    }

    /// Appends a string.
    pub fn append(self, text: ThinStr) -> Self {
        self.append_until(text, thin!(""))
    }

    /// Appends a string up to where `end`, a later part of it, begins; all of it if `end` is no part of it.
    pub fn append_until(self, text: ThinStr, end: ThinStr) -> Self {
        let mut at = text;
        while at.as_ptr() != end.as_ptr() && !at.is_empty() {
            at = at.advance();
        }
        let extra = at.offset_from(text);
        if extra == 0 {
            return self;
        }
        let len = self.len();
        let this = self.reserve_extra(extra);
        // SAFETY: the old string has this length, and there is now room after it
        let at = unsafe { this.first.add(len) };
        // SAFETY: the text has this many bytes; while borrowed it is not in the block of a string that is moved in here
        unsafe { at.as_ptr().copy_from_nonoverlapping(text.as_ptr(), extra) };
        // SAFETY: `reserve_extra` leaves room for these bytes and the NUL
        let nul = unsafe { at.add(extra) };
        // SAFETY: the same
        unsafe { nul.write(0) };
        this
    }

    /// Appends an ASCII character other than NUL.
    pub fn append_byte(self, byte: u8) -> Self {
        let text = [byte, 0];
        // SAFETY: the array ends with a NUL and is borrowed until this returns
        let text = unsafe { ThinStr::from_ptr(NonNull::from(&text).cast()) };
        self.append(text)
    }

    /// Appends a number in decimal.
    pub fn append_u64(mut self, number: u64) -> Self {
        if number >= 10 {
            self = self.append_u64(number / 10);
        }
        self.append_byte(b'0' + (number % 10) as u8)
    }

    /// Appends `"name":`, after a comma unless it is the first of its object.
    pub fn append_json_key(self, name: ThinStr) -> Self {
        let quote = if self.last_byte() == b'{' {
            thin!("\"")
        } else {
            thin!(",\"")
        };
        self.append(quote).append(name).append(thin!("\":"))
    }

    /// Appends a string in quotes; it is escaped already.
    pub fn append_json_str(self, escaped: ThinStr) -> Self {
        self.append(thin!("\"")).append(escaped).append(thin!("\""))
    }

    /// Appends `true` or `false`.
    pub fn append_bool(self, value: bool) -> Self {
        self.append(if value { thin!("true") } else { thin!("false") })
    }

    /// Its last byte; of the empty string, any byte.
    fn last_byte(&self) -> u8 {
        let len = self.len();
        // SAFETY: invariant 1
        let end = unsafe { self.first.add(len) };
        // SAFETY: the header is in front of the first byte
        let last = unsafe { end.sub(1) };
        // SAFETY: the same
        unsafe { last.read() }
    }

    /// An owned copy.
    pub fn to_thin_string(&self) -> ThinString {
        self.as_thin().into()
    }

    /// True for the empty string.
    pub fn is_empty(&self) -> bool {
        self.as_thin().is_empty()
    }

    /// Borrowed.
    pub fn as_thin(&self) -> ThinStr<'_> {
        // SAFETY: invariants 1 and 3; to change the string it must not be borrowed
        unsafe { ThinStr::from_ptr(self.first) }
    }

    /// As a `&str`.
    pub fn as_str(&self) -> &str {
        self.as_thin().as_str()
    }
}

impl PartialEq for ScratchString<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_thin() == other.as_thin()
    }
}

impl fmt::Debug for ScratchString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.as_thin().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_keys_are_separated_by_commas() {
        let scope = Scope::open();
        let object = scope
            .scratch()
            .copy(thin!("{"))
            .append_json_key(thin!("a"))
            .append_bool(true)
            .append_json_key(thin!("b"))
            .append_json_str(thin!("c"))
            .append_byte(b'}');
        assert_eq!(object.as_str(), r#"{"a":true,"b":"c"}"#);
    }

    #[test]
    fn append_until_stops_at_the_end_of_the_string() {
        let scope = Scope::open();
        let s = scope.scratch();
        let text = thin!("abc");
        assert_eq!(s.string().append_until(text, text.skip(2)).as_str(), "ab");
        assert_eq!(s.string().append_until(text, thin!("x")).as_str(), "abc");
    }

    #[test]
    fn copy_str_ends_at_the_first_nul() {
        let scope = Scope::open();
        let text = scope.scratch().copy_str("a\0b");
        assert_eq!(text.len(), 1);
        assert_eq!(text.append(thin!("c")).as_str(), "ac");
    }

    #[test]
    fn scope_cannot_be_opened_twice() {
        let _scope = Scope::open();
        assert!(std::panic::catch_unwind(Scope::open).is_err());
    }

    #[test]
    fn scope_is_closed_by_a_panic() {
        let panics = || {
            let scope = Scope::open();
            let _text = scope.scratch().copy(thin!("a"));
            panic!();
        };
        assert!(std::panic::catch_unwind(panics).is_err());
        assert!(!arena(|arena| arena.is_open.get()));
        assert!(arena(|arena| arena.last.get().is_null()));
    }

    proptest! {
        #[test]
        fn appended_parts_are_in_order(parts in prop::collection::vec("[^\0]{0,40}", 0..20)) {
            let expected = parts.concat();
            let copy = {
                let scope = Scope::open();
                let s = scope.scratch();
                let mut whole = s.string();
                for part in &parts {
                    whole = whole.append(s.copy_str(part).as_thin());
                }
                prop_assert_eq!(whole.as_str(), &expected);
                prop_assert_eq!(whole.len(), expected.len());
                whole.to_thin_string()
            };
            prop_assert_eq!(copy.as_thin().as_str(), &expected);
            prop_assert_eq!(copy.len(), expected.len());
        }

        #[test]
        fn numbers_are_written_as_rust_prints_them(number in any::<u64>()) {
            let scope = Scope::open();
            let written = scope.scratch().string().append_u64(number);
            prop_assert_eq!(written.as_str(), number.to_string());
        }
    }
}
