//! A page's JavaScript value, copied once, as text.
//!
//! The script hands each call over as one text: JSON without white space, and two tokens for what JSON cannot say:
//! `u` is `undefined`, and `x"why"` stands for a value that no event can carry (a function, a symbol,
//! a BigInt, `NaN`, a getter that threw, an object nested too deep or too large). That text is the copy
//! of the page's objects: it is what is checked and what is sent, so whatever the page changes later
//! changes nothing. A [`RawJson`] is a place in it. It is never taken apart into a tree: what a call has is looked up in
//! the text itself, strings stay as they are escaped there, and nothing is allocated.

#[cfg(feature = "explain")]
use crate::mem::ThinString;
use crate::mem::{Scratch, ScratchString, ThinStr, thin};

/// One value of a call: the text from its first byte on, with all that follows it.
#[derive(Debug, Clone, Copy)]
pub struct RawJson<'a>(ThinStr<'a>);

/// The type of a value, which its first byte tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `undefined`, or an argument that the call does not have.
    Undefined,
    /// `null`.
    Null,
    /// `true`.
    True,
    /// `false`.
    False,
    /// A number.
    Number,
    /// A string.
    Str,
    /// An array.
    Array,
    /// An object's own enumerable fields, in the page's order.
    Object,
    /// A value that no event can carry, followed by a word for what it was.
    Unserializable,
    /// Nothing that the script writes, or the end of the text.
    Invalid,
}

impl<'a> RawJson<'a> {
    /// `undefined`.
    pub const UNDEFINED: RawJson<'static> = RawJson(thin!("u"));

    /// The value at the start of a text.
    pub const fn new(text: ThinStr<'a>) -> Self {
        Self(text)
    }

    /// The text that the value starts, with all that follows.
    pub const fn as_thin(self) -> ThinStr<'a> {
        self.0
    }

    /// The value's type.
    pub fn tag(self) -> Tag {
        match self.0.first_byte() {
            b'u' => Tag::Undefined,
            b'n' => Tag::Null,
            b't' => Tag::True,
            b'f' => Tag::False,
            b'0'..=b'9' | b'-' => Tag::Number,
            b'"' => Tag::Str,
            b'[' => Tag::Array,
            b'{' => Tag::Object,
            b'x' => Tag::Unserializable,
            _ => Tag::Invalid,
        }
    }

    /// False for `undefined`, and for a field or an argument that is absent.
    pub fn is_defined(self) -> bool {
        self.0.first_byte() != b'u'
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        self.0.first_byte() == b'n'
    }

    /// True for `null`, for `undefined`, and for what is absent.
    pub fn is_nullish(self) -> bool {
        self.is_null() || !self.is_defined()
    }

    /// True for `true`.
    pub fn is_true(self) -> bool {
        self.0.first_byte() == b't'
    }

    /// True for `true` and `false`.
    pub fn is_bool(self) -> bool {
        matches!(self.0.first_byte(), b't' | b'f')
    }

    /// True for a string.
    pub fn is_string(self) -> bool {
        self.0.first_byte() == b'"'
    }

    /// True for an array.
    pub fn is_array(self) -> bool {
        self.0.first_byte() == b'['
    }

    /// True for an object.
    pub fn is_object(self) -> bool {
        self.0.first_byte() == b'{'
    }

    /// What follows it.
    #[inline(never)]
    pub fn end(self) -> ThinStr<'a> {
        let mut at = self.0;
        let mut depth = 0;
        loop {
            match at.first_byte() {
                b'"' => {
                    at = at.advance().find_closing_quote();
                    if at.is_empty() {
                        return at;
                    }
                }
                b'[' | b'{' => depth += 1,
                b',' | b':' if depth == 0 => return at,
                b']' | b'}' => {
                    if depth == 0 {
                        return at;
                    }
                    depth -= 1;
                }
                0 => return at,
                _ => {}
            }
            at = at.advance();
        }
    }

    /// The first part of an array or an object, of which names and values are parts in turn.
    pub fn first_child(self) -> Option<RawJson<'a>> {
        if self.is_array() || self.is_object() {
            RawJson(self.0.advance()).unless_closed()
        } else {
            None
        }
    }

    /// The part that follows this one.
    #[inline(never)]
    pub fn next_sibling(self) -> Option<RawJson<'a>> {
        let end = self.end();
        match end.first_byte() {
            b',' | b':' => RawJson(end.advance()).unless_closed(),
            _ => None,
        }
    }

    fn unless_closed(self) -> Option<RawJson<'a>> {
        match self.0.first_byte() {
            b']' | b'}' | 0 => None,
            _ => Some(self),
        }
    }

    /// The part that follows, `undefined` if none does.
    pub fn next_or_undefined(self) -> RawJson<'a> {
        self.next_sibling().unwrap_or(RawJson::UNDEFINED)
    }

    /// The field of that name. Absent and `undefined` are the same, and so is what is no object.
    pub fn get(self, name: ThinStr) -> RawJson<'a> {
        let mut part = self.first_child();
        while self.is_object()
            && let Some(key) = part
        {
            let value = key.next_or_undefined();
            if key.is_str(name) && value.is_defined() {
                return value;
            }
            part = value.next_sibling();
        }
        RawJson::UNDEFINED
    }

    /// Is it this string, which needs no escapes?
    pub fn is_str(self, text: ThinStr) -> bool {
        let rest = self.str_contents().strip_prefix(text);
        self.is_string() && rest.is_some_and(|rest| rest.first_byte() == b'"')
    }

    /// Where the characters of a string begin, escaped and with all that follows; of all else the end of nothing.
    pub fn str_contents(self) -> ThinStr<'a> {
        if self.is_string() {
            self.0.advance()
        } else {
            thin!("\"")
        }
    }

    /// Is it a string that says something?
    pub fn is_non_empty_str(self) -> bool {
        self.str_contents().first_byte() != b'"'
    }

    /// A string's contents, still escaped; empty for any other type.
    pub fn to_scratch_string(self, s: Scratch) -> ScratchString {
        let contents = self.str_contents();
        s.string()
            .append_until(contents, contents.find_closing_quote())
    }

    /// The same, owned.
    #[cfg(feature = "explain")]
    pub fn to_thin_string(self) -> ThinString {
        let contents = self.str_contents();
        contents.until(contents.find_closing_quote()).into()
    }

    /// The value's own text, without what follows.
    #[cfg(feature = "explain")]
    pub fn raw_text(self) -> ThinString {
        self.0.until(self.end()).into()
    }

    /// Is it a whole number that JavaScript prints with all its digits (below 1e21)?
    pub fn is_integer(self) -> bool {
        let mut at = self.0;
        while at.first_byte().is_ascii_digit() || at.first_byte() == b'-' {
            at = at.advance();
        }
        at.as_ptr() == self.end().as_ptr()
    }

    /// A whole number without a sign.
    pub fn as_u64(self) -> u64 {
        let mut number = 0u64;
        let mut at = self.0;
        while at.first_byte().is_ascii_digit() {
            number = number
                .wrapping_mul(10)
                .wrapping_add(u64::from(at.first_byte() & 15));
            at = at.advance();
        }
        number
    }

    /// Adds what has passed [`crate::schema::validate`] as JSON. Fields that are `undefined` are left out.
    pub fn write_json<'s>(self, mut out: ScratchString<'s>) -> ScratchString<'s> {
        let is_object = self.is_object();
        if !is_object && !self.is_array() {
            return out.append_until(self.0, self.end());
        }
        let bracket = self.0.first_byte();
        let mut opening = bracket;
        let mut next = self.first_child();
        while let Some(name) = next {
            let mut value = name;
            if is_object {
                value = name.next_or_undefined();
            }
            next = value.next_sibling();
            if value.is_defined() {
                out = out.append_byte(opening);
                opening = b',';
                if is_object {
                    out = out.append_until(name.0, value.0);
                }
                out = value.write_json(out);
            }
        }
        if opening == bracket {
            out = out.append_byte(bracket);
        }
        // ] and } are two behind [ and {
        out.append_byte(bracket + 2)
    }
}

impl<'a> ThinStr<'a> {
    /// The quote that ends a string, from inside it, or the end.
    pub fn find_closing_quote(self) -> Self {
        let mut at = self;
        loop {
            match at.first_byte() {
                b'"' | 0 => return at,
                b'\\' if !at.advance().is_empty() => at = at.advance().advance(),
                _ => at = at.advance(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::Scope;
    use crate::mem::ThinString;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let scope = Scope::open();
        let s = scope.scratch();
        let text = ThinString::from(text);
        let out = RawJson::new(text.as_thin()).write_json(s.string());
        out.as_str().into()
    }

    /// Visits everything in a value that can be asked for.
    fn look_at_all(s: Scratch, value: RawJson, depth: usize) {
        let _ = (value.tag(), value.is_integer(), value.as_u64());
        let _ = (
            value.to_scratch_string(s),
            value.is_non_empty_str(),
            value.get(thin!("a")),
        );
        let mut next = value.first_child().filter(|_| depth < 100);
        while let Some(part) = next {
            look_at_all(s, part, depth + 1);
            next = part.next_sibling();
        }
    }

    #[test]
    fn an_order_is_sent_as_the_page_gave_it() {
        let order = r#"{"type":"contents","amount":2599,"contents":[{"id":"ü\u0022]","quantity":-1},{}],"n":[],"t":true}"#;
        assert_eq!(written(order), order);
    }

    #[test]
    fn undefined_fields_are_left_out() {
        assert_eq!(written(r#"{"a":u,"b":1,"c":u}"#), r#"{"b":1}"#);
        assert_eq!(written(r#"{"a":u}"#), "{}");
        assert!(
            !RawJson::new(thin!(r#"{"a":u}"#))
                .get(thin!("a"))
                .is_defined()
        );
    }

    #[test]
    fn a_field_is_found_by_its_whole_name_in_its_own_object() {
        let value = RawJson::new(thin!(r#"{"ab":1,"x":{"a":2},"a":"{\"a\":3","b":4}"#));
        assert_eq!(value.get(thin!("b")).as_u64(), 4);
        assert_eq!(value.get(thin!("x")).get(thin!("a")).as_u64(), 2);
        assert!(
            value
                .get(thin!("a"))
                .str_contents()
                .strip_prefix(thin!("{"))
                .is_some()
        );
        assert!(
            !RawJson::new(thin!(r#"["a",1]"#))
                .get(thin!("a"))
                .is_defined()
        );
    }

    #[test]
    fn only_whole_numbers_with_all_their_digits_are_integers() {
        for (text, integer) in [
            ("2599,", true),
            ("-1]", true),
            ("0", true),
            ("25.99", false),
            ("1e+21", false),
            ("1e-7", false),
            ("\"1\"", false),
            ("[1]", false),
        ] {
            let given = ThinString::from(text);
            assert_eq!(
                RawJson::new(given.as_thin()).is_integer(),
                integer,
                "{text}"
            );
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::hash_map(any::<String>(), inner, 0..8)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_at_all_is_read_as_something(text in any::<String>()) {
            let text = ThinString::from(text.as_str());
            let scope = Scope::open();
            look_at_all(scope.scratch(), RawJson::new(text.as_thin()), 0);
        }

        #[test]
        fn text_made_of_json_s_own_characters_is_read_as_something(text in r#"[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#) {
            let text = ThinString::from(text.as_str());
            let scope = Scope::open();
            look_at_all(scope.scratch(), RawJson::new(text.as_thin()), 0);
        }

        #[test]
        fn any_json_is_sent_unchanged(value in json()) {
            let text = value.to_string();
            prop_assert_eq!(written(&text), text);
        }
    }
}
