//! Texts as addresses.
//!
//! A `&str` is two numbers and a `String` three, and handing them about is most of what a module of this kind is
//! compiled to. Here a text is one number: the address of its first byte. A byte 0 ends it. Inside the pixel texts are
//! UTF-8 and, but for what is about to be hashed, JSON-escaped: they go from the page to the wire without being taken
//! apart, and never hold a 0 of their own.
//!
//! Nearly all texts are made while the page has entered the pixel and needed no longer than that. Giving each of them back
//! by itself was a thirteenth of the module, so a [`Draft`] is not given back, but all of them at once
//! ([`forget_drafts`]). What outlives that is a [`Kept`].

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use crate::mem::mini_vec::{allocated, block_size, free};

/// A text somewhere in memory.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Text<'a> {
    first: NonNull<u8>,
    lives: PhantomData<&'a u8>,
}

// SAFETY: a text does not change while it is borrowed
unsafe impl Sync for Text<'_> {}

/// A text that is written in the source.
macro_rules! t {
    ($text:expr) => {
        $crate::mem::thin_str::Text::new(concat!($text, "\0"))
    };
}
pub(crate) use t;

impl<'a> Text<'a> {
    /// The text before the 0 that this must end with.
    pub const fn new(ended: &'a str) -> Self {
        assert!(ended.as_bytes()[ended.len() - 1] == 0);
        // SAFETY: a reference is not null
        let first = unsafe { NonNull::new_unchecked(ended.as_ptr().cast_mut()) };
        Self {
            first,
            lives: PhantomData,
        }
    }

    /// Its first byte; 0 at the end.
    pub fn byte(self) -> u8 {
        // SAFETY: there is always a byte, if only the 0 at the end
        unsafe { *self.first.as_ptr() }
    }

    /// The text without so many bytes, of which none may be the end.
    pub const fn after(self, bytes: usize) -> Self {
        // SAFETY: callers have seen that the text goes on
        let first = unsafe { self.first.add(bytes) };
        Self { first, ..self }
    }

    /// Is there nothing in it?
    pub fn is_empty(self) -> bool {
        self.byte() == 0
    }

    /// Where it ends.
    pub fn end(self) -> Self {
        let mut at = self;
        while !at.is_empty() {
            at = at.after(1);
        }
        at
    }

    /// Its length in bytes.
    pub fn len(self) -> usize {
        self.end().behind(self)
    }

    /// How many bytes it begins behind the other, which it is a rest of.
    pub fn behind(self, other: Text) -> usize {
        self.first.as_ptr() as usize - other.first.as_ptr() as usize
    }

    /// If it begins so: what follows.
    pub fn behind_prefix(self, prefix: Text) -> Option<Self> {
        let mut at = self;
        let mut expected = prefix;
        while !expected.is_empty() {
            if at.byte() != expected.byte() {
                return None;
            }
            at = at.after(1);
            expected = expected.after(1);
        }
        Some(at)
    }

    #[inline(never)]
    fn is_same(self, other: Text) -> bool {
        self.behind_prefix(other).is_some_and(Text::is_empty)
    }

    /// From the first such byte on, or the end.
    pub fn find(self, byte: u8) -> Self {
        let mut at = self;
        while at.byte() != byte && !at.is_empty() {
            at = at.after(1);
        }
        at
    }

    /// Is there nothing but decimal digits?
    pub fn are_digits(self) -> bool {
        let mut at = self;
        while at.byte().is_ascii_digit() {
            at = at.after(1);
        }
        at.is_empty()
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
    pub fn address(self) -> *const u8 {
        self.first.as_ptr()
    }
}

impl PartialEq for Text<'_> {
    // so that no address of an address is handed about
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.is_same(*other)
    }
}

impl Eq for Text<'_> {}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// What stands before the first byte of a text that is not written in the source.
#[repr(C)]
#[derive(Clone, Copy)]
struct Head {
    /// The draft that was begun before this one.
    before: *mut Head,
    /// The text's length in bytes.
    len: usize,
}

impl Head {
    /// The size of a block for a text of that length.
    fn block_size(len: usize) -> usize {
        block_size(size_of::<Head>() + len + 1)
    }

    /// A text's head.
    fn of(first: NonNull<u8>) -> *mut Head {
        // SAFETY: the head is before the first byte
        unsafe { first.cast::<Head>().sub(1).as_ptr() }
    }

    /// A block for a text of that length, which has still to be written, and a 0 behind it; its first byte.
    fn begin(before: *mut Head, len: usize) -> NonNull<u8> {
        // SAFETY: the block is that long
        unsafe {
            let block = allocated(Self::block_size(len)).cast::<Head>();
            block.write(Head { before, len });
            block.add(1).cast()
        }
    }

    /// Gives the block back.
    ///
    /// # Safety
    /// It has come from [`Head::begin`].
    unsafe fn free(head: NonNull<Head>) {
        // SAFETY: see above
        unsafe { free(head.cast(), Self::block_size(head.as_ref().len)) };
    }
}

#[repr(C)]
struct Empty(Head, u8);

// SAFETY: nobody writes into it
unsafe impl Sync for Empty {}

static EMPTY: Empty = Empty(
    Head {
        before: ptr::null_mut(),
        len: 0,
    },
    0,
);

/// The first byte of nothing, which is in no block.
const fn nothing() -> NonNull<u8> {
    // SAFETY: a reference is not null
    unsafe { NonNull::new_unchecked((&raw const EMPTY.1).cast_mut()) }
}

/// The draft that was begun last. The module has no threads; tests have.
mod last {
    use super::Head;
    use core::cell::Cell;

    #[cfg(target_arch = "wasm32")]
    struct Last(Cell<*mut Head>);

    // SAFETY: the module has no threads
    #[cfg(target_arch = "wasm32")]
    unsafe impl Sync for Last {}

    #[cfg(target_arch = "wasm32")]
    static LAST: Last = Last(Cell::new(core::ptr::null_mut()));

    #[cfg(not(target_arch = "wasm32"))]
    thread_local! {
        static LAST: Cell<*mut Head> = const { Cell::new(core::ptr::null_mut()) };
    }

    /// Puts another in its place.
    pub fn replace(head: *mut Head) -> *mut Head {
        #[cfg(target_arch = "wasm32")]
        return LAST.0.replace(head);
        #[cfg(not(target_arch = "wasm32"))]
        LAST.replace(head)
    }
}

/// Gives all drafts back.
///
/// # Safety
/// None of them is looked at again.
pub unsafe fn forget_drafts() {
    let mut next = last::replace(ptr::null_mut());
    while let Some(head) = NonNull::new(next) {
        // SAFETY: each was begun once
        unsafe {
            next = head.as_ref().before;
            Head::free(head);
        }
    }
}

/// Does some work whose drafts nobody needs afterwards, and gives back those and no others.
///
/// # Safety
/// What it returns holds none of them.
#[cfg(feature = "explain")]
pub(crate) unsafe fn with_drafts_of_its_own<T>(work: impl FnOnce() -> T) -> T {
    let before = last::replace(ptr::null_mut());
    let done = work();
    // SAFETY: as the caller promises
    unsafe { forget_drafts() };
    last::replace(before);
    done
}

/// A text that is being made. It grows, and is there until [`forget_drafts`].
pub struct Draft {
    first: NonNull<u8>,
}

impl Draft {
    /// Holds nothing.
    pub const fn new() -> Self {
        Self { first: nothing() }
    }

    /// So many bytes 0, to be overwritten.
    pub fn zeroed(len: usize) -> Self {
        let this = Self::new().grown(len);
        // SAFETY: the block is that long
        unsafe { this.first.write_bytes(0, len + 1) };
        this
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        // SAFETY: each text has a head
        unsafe { (*Head::of(self.first)).len }
    }

    /// The same, longer by so many bytes. What is in them has still to be written, and a 0 behind them.
    fn grown(self, more: usize) -> Self {
        let len = self.len();
        let longer = len + more;
        if len > 0 && Head::block_size(longer) == Head::block_size(len) {
            // SAFETY: the block is this draft's alone
            unsafe { (*Head::of(self.first)).len = longer };
            return self;
        }
        let first = Head::begin(ptr::null_mut(), longer);
        let head = Head::of(first);
        // SAFETY: the block is that long, and new
        unsafe {
            (*head).before = last::replace(head);
            first.copy_from_nonoverlapping(self.first, len);
        }
        Self { first }
    }

    /// With this text at the end.
    pub fn with(self, text: Text) -> Self {
        self.with_until(text, text.end())
    }

    /// With a text up to where this rest of it begins.
    pub fn with_until(self, text: Text, end: Text) -> Self {
        let more = end.behind(text);
        if more == 0 {
            return self;
        }
        let len = self.len();
        let this = self.grown(more);
        // SAFETY: there is room, and a text is never in the block that it is added to
        unsafe {
            let at = this.first.add(len);
            at.copy_from_nonoverlapping(text.first, more);
            at.add(more).write(0);
        }
        this
    }

    /// With an ASCII character at the end.
    pub fn with_byte(self, byte: u8) -> Self {
        let pair = [byte, 0];
        let text = Text {
            first: NonNull::from(&pair).cast(),
            lives: PhantomData,
        };
        self.with(text)
    }

    /// With a whole number at the end, in decimal.
    pub fn with_number(mut self, number: u64) -> Self {
        if number >= 10 {
            self = self.with_number(number / 10);
        }
        self.with_byte(b'0' + (number % 10) as u8)
    }

    /// With `"name":` at the end, after a comma unless it is an object's first.
    pub fn with_key(self, name: Text) -> Self {
        let quote = if self.last() == b'{' {
            t!("\"")
        } else {
            t!(",\"")
        };
        self.with(quote).with(name).with(t!("\":"))
    }

    /// With a string at the end, which is escaped already.
    pub fn with_string(self, escaped: Text) -> Self {
        self.with(t!("\"")).with(escaped).with(t!("\""))
    }

    /// With `true` or `false` at the end.
    pub fn with_flag(self, flag: bool) -> Self {
        self.with(if flag { t!("true") } else { t!("false") })
    }

    fn last(&self) -> u8 {
        let len = self.len();
        // SAFETY: before the first byte is the head
        unsafe { *self.first.add(len).sub(1).as_ptr() }
    }

    /// The same text, to be kept.
    pub fn kept(&self) -> Kept {
        Kept::new(self.text())
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// What it holds.
    pub fn text(&self) -> Text<'_> {
        Text {
            first: self.first,
            lives: PhantomData,
        }
    }

    /// As Rust has it.
    pub fn as_str(&self) -> &str {
        self.text().as_str()
    }
}

impl PartialEq for Draft {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl From<&str> for Draft {
    /// The text up to the first 0, if it has one.
    fn from(text: &str) -> Self {
        let mut this = Self::zeroed(text.len());
        // SAFETY: the block is that long
        unsafe { this.bytes().copy_from(text.as_ptr(), text.len()) };
        this
    }
}

impl Draft {
    /// Where its bytes are, to be overwritten by as many of a text.
    pub fn bytes(&mut self) -> *mut u8 {
        self.first.as_ptr()
    }
}

/// A text that is kept for as long as somebody has it.
pub struct Kept {
    first: NonNull<u8>,
}

impl Kept {
    /// A copy of that text.
    #[inline(never)]
    pub fn new(text: Text) -> Self {
        let len = text.len();
        if len == 0 {
            return Self::default();
        }
        let first = Head::begin(ptr::null_mut(), len);
        // SAFETY: the block is that long
        unsafe { first.copy_from_nonoverlapping(text.first, len + 1) };
        Self { first }
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        // SAFETY: each text has a head
        unsafe { (*Head::of(self.first)).len }
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// What it holds.
    pub fn text(&self) -> Text<'_> {
        Text {
            first: self.first,
            lives: PhantomData,
        }
    }
}

impl Drop for Kept {
    #[inline(never)]
    fn drop(&mut self) {
        if !self.is_empty() {
            // SAFETY: a head is not null, and what is not empty has a block of its own
            unsafe { Head::free(NonNull::new_unchecked(Head::of(self.first))) };
        }
    }
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self::new(self.text())
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { first: nothing() }
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.text().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_found_by_its_beginning() {
        let rest = t!("data.amount").behind_prefix(t!("data."));
        assert_eq!(rest, Some(t!("amount")));
        assert_eq!(t!("da").behind_prefix(t!("data.")), None);
        assert_ne!(t!("data"), t!("data."));
        assert_ne!(t!("data."), t!("data"));
        assert_eq!(t!("a;b").find(b';'), t!(";b"));
        assert_eq!(t!("ab").find(b';'), t!(""));
    }

    #[test]
    fn keys_are_separated_by_commas() {
        let object = Draft::new().with(t!("{")).with_key(t!("a")).with_flag(true);
        let object = object
            .with_key(t!("b"))
            .with_string(t!("c"))
            .with_byte(b'}');
        assert_eq!(object.as_str(), r#"{"a":true,"b":"c"}"#);
    }

    proptest! {
        #[test]
        fn what_is_added_is_there_in_its_order(parts in prop::collection::vec("[^\0]{0,40}", 0..20)) {
            let mut whole = Draft::new();
            for part in &parts {
                whole = whole.with(Draft::from(part.as_str()).text());
            }
            prop_assert_eq!(whole.as_str(), parts.concat());
            prop_assert_eq!(whole.len(), parts.concat().len());
            let kept = whole.kept();
            // SAFETY: no draft is looked at any more
            unsafe { forget_drafts() };
            prop_assert_eq!(kept.text().as_str(), parts.concat());
            prop_assert_eq!(kept.len(), parts.concat().len());
        }

        #[test]
        fn numbers_read_as_rust_prints_them(number in any::<u64>()) {
            let written = Draft::new().with_number(number);
            prop_assert_eq!(written.as_str(), number.to_string());
        }
    }
}
