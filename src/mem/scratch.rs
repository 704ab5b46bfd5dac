//! The scratch arena: strings that live until the module is left.
//!
//! Nearly all strings are made while the page has entered the module, and are needed no longer than that. To free each of
//! them by itself was a thirteenth of the module, so they are freed all at once ([`reset_scratch`]).

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use super::thin_str::{Header, ThinStr, ThinString, empty, thin};

/// The draft that was begun last. The module has no threads; tests have.
mod scratch_head {
    use super::Header;
    use core::cell::Cell;

    #[cfg(target_arch = "wasm32")]
    struct Last(Cell<*mut Header>);

    // SAFETY: the module has no threads
    #[cfg(target_arch = "wasm32")]
    unsafe impl Sync for Last {}

    #[cfg(target_arch = "wasm32")]
    static LAST: Last = Last(Cell::new(core::ptr::null_mut()));

    #[cfg(not(target_arch = "wasm32"))]
    thread_local! {
        static LAST: Cell<*mut Header> = const { Cell::new(core::ptr::null_mut()) };
    }

    /// Puts another in its place.
    pub fn swap(head: *mut Header) -> *mut Header {
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
pub unsafe fn reset_scratch() {
    let mut next = scratch_head::swap(ptr::null_mut());
    while let Some(head) = NonNull::new(next) {
        // SAFETY: each was begun once
        unsafe {
            next = head.as_ref().prev;
            Header::dealloc(head);
        }
    }
}

/// Does some work whose drafts nobody needs afterwards, and gives back those and no others.
///
/// # Safety
/// What it returns holds none of them.
#[cfg(feature = "explain")]
pub(crate) unsafe fn with_nested_scratch<T>(work: impl FnOnce() -> T) -> T {
    let before = scratch_head::swap(ptr::null_mut());
    let done = work();
    // SAFETY: as the caller promises
    unsafe { reset_scratch() };
    scratch_head::swap(before);
    done
}

/// A text that is being made. It grows, and is there until [`reset_scratch`].
pub struct ScratchString {
    first: NonNull<u8>,
}

impl ScratchString {
    /// FieldType nothing.
    pub const fn new() -> Self {
        Self { first: empty() }
    }

    /// So many bytes 0, to be overwritten.
    pub fn with_zeroed_len(len: usize) -> Self {
        let this = Self::new().reserve_extra(len);
        // SAFETY: the block is that long
        unsafe { this.first.write_bytes(0, len + 1) };
        this
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        // SAFETY: each text has a head
        unsafe { (*Header::of(self.first)).len }
    }

    /// The same, longer by so many bytes. What is in them has still to be written, and a 0 behind them.
    fn reserve_extra(self, more: usize) -> Self {
        let len = self.len();
        let longer = len + more;
        if len > 0 && Header::block_size(longer) == Header::block_size(len) {
            // SAFETY: the block is this draft's alone
            unsafe { (*Header::of(self.first)).len = longer };
            return self;
        }
        let first = Header::alloc(ptr::null_mut(), longer);
        let head = Header::of(first);
        // SAFETY: the block is that long, and new
        unsafe {
            (*head).prev = scratch_head::swap(head);
            first.copy_from_nonoverlapping(self.first, len);
        }
        Self { first }
    }

    /// With this text at the end.
    pub fn append(self, text: ThinStr) -> Self {
        self.append_span(text, text.tail())
    }

    /// With a text up to where this rest of it begins.
    pub fn append_span(self, text: ThinStr, end: ThinStr) -> Self {
        let more = end.offset_from(text);
        if more == 0 {
            return self;
        }
        let len = self.len();
        let this = self.reserve_extra(more);
        // SAFETY: there is room, and a text is never in the block that it is added to
        unsafe {
            let at = this.first.add(len);
            at.copy_from_nonoverlapping(text.first, more);
            at.add(more).write(0);
        }
        this
    }

    /// With an ASCII character at the end.
    pub fn append_byte(self, byte: u8) -> Self {
        let pair = [byte, 0];
        let text = ThinStr {
            first: NonNull::from(&pair).cast(),
            lives: PhantomData,
        };
        self.append(text)
    }

    /// With a whole number at the end, in decimal.
    pub fn append_u64(mut self, number: u64) -> Self {
        if number >= 10 {
            self = self.append_u64(number / 10);
        }
        self.append_byte(b'0' + (number % 10) as u8)
    }

    /// With `"name":` at the end, after a comma unless it is an object's first.
    pub fn append_json_key(self, name: ThinStr) -> Self {
        let quote = if self.last_byte() == b'{' {
            thin!("\"")
        } else {
            thin!(",\"")
        };
        self.append(quote).append(name).append(thin!("\":"))
    }

    /// With a string at the end, which is escaped already.
    pub fn append_json_str(self, escaped: ThinStr) -> Self {
        self.append(thin!("\"")).append(escaped).append(thin!("\""))
    }

    /// With `true` or `false` at the end.
    pub fn append_bool(self, flag: bool) -> Self {
        self.append(if flag { thin!("true") } else { thin!("false") })
    }

    fn last_byte(&self) -> u8 {
        let len = self.len();
        // SAFETY: before the first byte is the head
        unsafe { *self.first.add(len).sub(1).as_ptr() }
    }

    /// The same text, to be kept.
    pub fn to_thin_string(&self) -> ThinString {
        ThinString::new(self.as_thin())
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

    /// As Rust has it.
    pub fn as_str(&self) -> &str {
        self.as_thin().as_str()
    }
}

impl PartialEq for ScratchString {
    fn eq(&self, other: &Self) -> bool {
        self.as_thin() == other.as_thin()
    }
}

impl Default for ScratchString {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ScratchString {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.as_thin().fmt(f)
    }
}

impl From<&str> for ScratchString {
    /// The text up to the first 0, if it has one.
    fn from(text: &str) -> Self {
        let mut this = Self::with_zeroed_len(text.len());
        // SAFETY: the block is that long
        unsafe { this.as_mut_ptr().copy_from(text.as_ptr(), text.len()) };
        this
    }
}

impl ScratchString {
    /// Where its bytes are, to be overwritten by as many of a text.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.first.as_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_separated_by_commas() {
        let object = ScratchString::new()
            .append(thin!("{"))
            .append_json_key(thin!("a"))
            .append_bool(true);
        let object = object
            .append_json_key(thin!("b"))
            .append_json_str(thin!("c"))
            .append_byte(b'}');
        assert_eq!(object.as_str(), r#"{"a":true,"b":"c"}"#);
    }

    proptest! {
        #[test]
        fn what_is_added_is_there_in_its_order(parts in prop::collection::vec("[^\0]{0,40}", 0..20)) {
            let mut whole = ScratchString::new();
            for part in &parts {
                whole = whole.append(ScratchString::from(part.as_str()).as_thin());
            }
            prop_assert_eq!(whole.as_str(), parts.concat());
            prop_assert_eq!(whole.len(), parts.concat().len());
            let kept = whole.to_thin_string();
            // SAFETY: no draft is looked at any more
            unsafe { reset_scratch() };
            prop_assert_eq!(kept.as_thin().as_str(), parts.concat());
            prop_assert_eq!(kept.len(), parts.concat().len());
        }

        #[test]
        fn numbers_read_as_rust_prints_them(number in any::<u64>()) {
            let written = ScratchString::new().append_u64(number);
            prop_assert_eq!(written.as_str(), number.to_string());
        }
    }
}
