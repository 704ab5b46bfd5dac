//! Texts as addresses.
//!
//! A `&str` is two numbers and a `String` three, and handing them about is most of what a module of this kind is
//! compiled to. Here a text is one number: the address of its first byte. A byte 0 ends it. Inside the pixel texts are
//! UTF-8 and, but for what is about to be hashed, JSON-escaped: they go from the page to the wire without being taken
//! apart, and never hold a 0 of their own.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::list::{block_size, free, resized};

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
        $crate::text::Text::new(concat!($text, "\0"))
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
    fn eq(&self, other: &Self) -> bool {
        self.behind_prefix(*other).is_some_and(Text::is_empty)
    }
}

impl Eq for Text<'_> {}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A text of one's own, which grows. Where nothing is written into it, nothing is allocated.
pub struct Owned {
    /// The first byte. Its length is before it.
    first: NonNull<u8>,
}

const HEAD: usize = size_of::<usize>();

#[repr(C)]
struct Empty(usize, u8);

static EMPTY: Empty = Empty(0, 0);

impl Owned {
    /// Holds nothing.
    pub const fn new() -> Self {
        // SAFETY: a reference is not null
        let first = unsafe { NonNull::new_unchecked((&raw const EMPTY.1).cast_mut()) };
        Self { first }
    }

    /// So many bytes 0, to be overwritten.
    pub fn zeroed(len: usize) -> Self {
        if len == 0 {
            return Self::new();
        }
        let this = Self::new().grown(len);
        // SAFETY: the block is that long
        unsafe { this.first.write_bytes(0, len + 1) };
        this
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        // SAFETY: it is before the first byte
        unsafe { *self.block().cast().as_ptr() }
    }

    /// Of the block that a text of that length is in: only one that holds something is in one of its own.
    fn size(len: usize) -> usize {
        if len == 0 {
            0
        } else {
            block_size(HEAD + len + 1)
        }
    }

    fn block(&self) -> NonNull<u8> {
        // SAFETY: the length is before the first byte
        unsafe { self.first.sub(HEAD) }
    }

    /// The same, longer by so many bytes, at least one. What is in them has still to be written, and a 0 behind them.
    fn grown(self, more: usize) -> Self {
        let len = self.len();
        let (old_size, new_size) = (Self::size(len), Self::size(len + more));
        // SAFETY: the block begins with the length
        unsafe {
            let block = resized(self.block(), HEAD + len, old_size, new_size);
            core::mem::forget(self);
            *block.cast().as_ptr() = len + more;
            Self {
                first: block.add(HEAD),
            }
        }
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

impl PartialEq for Owned {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the block has that size
        unsafe { free(self.block(), Self::size(self.len())) };
    }
}

impl Clone for Owned {
    fn clone(&self) -> Self {
        Self::new().with(self.text())
    }
}

impl Default for Owned {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl From<&str> for Owned {
    /// The text up to the first 0, if it has one.
    fn from(text: &str) -> Self {
        let mut this = Self::zeroed(text.len());
        // SAFETY: the block is that long
        unsafe { this.bytes().copy_from(text.as_ptr(), text.len()) };
        this
    }
}

impl Owned {
    /// Where its bytes are, to be overwritten by as many of a text.
    pub fn bytes(&mut self) -> *mut u8 {
        self.first.as_ptr()
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
        let object = Owned::new().with(t!("{")).with_key(t!("a")).with_flag(true);
        let object = object
            .with_key(t!("b"))
            .with_string(t!("c"))
            .with_byte(b'}');
        assert_eq!(object.as_str(), r#"{"a":true,"b":"c"}"#);
    }

    proptest! {
        #[test]
        fn what_is_added_is_there_in_its_order(parts in prop::collection::vec("[^\0]{0,40}", 0..20)) {
            let mut whole = Owned::new();
            for part in &parts {
                whole = whole.with(Owned::from(part.as_str()).text());
            }
            prop_assert_eq!(whole.as_str(), parts.concat());
            prop_assert_eq!(whole.len(), parts.concat().len());
            let copy = whole.clone();
            prop_assert_eq!(copy.as_str(), whole.as_str());
        }

        #[test]
        fn numbers_read_as_rust_prints_them(number in any::<u64>()) {
            let written = Owned::new().with_number(number);
            prop_assert_eq!(written.as_str(), number.to_string());
        }
    }
}
