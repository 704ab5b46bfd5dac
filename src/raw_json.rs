//! A JavaScript value of the page, as text.
//!
//! The script passes each call as text: JSON without white space, with two tokens for what JSON lacks. `u` is `undefined`,
//! and `x"why"` is a value that no event can contain (a function, a symbol, a BigInt, `NaN`, a getter that threw, an
//! object that is too deep or too large). The text is a copy of the page's objects: later changes to them change nothing.
//!
//! A [`RawJson`] is a position in that text. It is not parsed into a tree: fields are looked up in the text, strings stay
//! escaped, and nothing is allocated.

#[cfg(feature = "explain")]
use crate::mem::ThinString;
use crate::mem::{Scratch, ScratchString, ThinStr, thin};

/// How deep values may be nested (www/pixel/serialize-call.js): the pair of an outbox record and its name, the record, its
/// events, an event, its data, its contents, an item. The script passes a deeper value as `x"object"`.
pub const MAX_DEPTH: usize = 7;

/// A value: the text from its first byte on, with all that follows.
#[derive(Debug, Clone, Copy)]
pub struct RawJson<'a>(ThinStr<'a>);

/// The type of a value, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `undefined`, or an argument that is absent.
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
    /// An object: its own enumerable fields, in the page's order.
    Object,
    /// A value that no event can contain, followed by a word for what it was.
    Unserializable,
    /// Not written by the script, or the end of the text.
    Invalid,
}

impl<'a> RawJson<'a> {
    /// `undefined`.
    pub const UNDEFINED: RawJson<'static> = RawJson(thin!("u"));

    /// The value at the start of a text.
    pub const fn new(text: ThinStr<'a>) -> Self {
        Self(text)
    }

    /// The text from the value on.
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

    /// The text after the value.
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

    /// The first element of an array, or the first key of an object. Keys and values are siblings.
    pub fn first_child(self) -> Option<RawJson<'a>> {
        if self.is_array() || self.is_object() {
            RawJson(self.0.advance()).unless_closed()
        } else {
            None
        }
    }

    /// The next sibling.
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

    /// The next sibling, or `undefined`.
    pub fn next_or_undefined(self) -> RawJson<'a> {
        self.next_sibling().unwrap_or(RawJson::UNDEFINED)
    }

    /// The value of a field; `undefined` if it is absent or this is not an object.
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

    /// True for this string, which has no escapes.
    pub fn is_str(self, text: ThinStr) -> bool {
        let rest = self.str_contents().strip_prefix(text);
        self.is_string() && rest.is_some_and(|rest| rest.first_byte() == b'"')
    }

    /// The string's contents, still escaped and unterminated. For any other type: a lone closing quote, i.e. an empty
    /// string.
    pub fn str_contents(self) -> ThinStr<'a> {
        if self.is_string() {
            self.0.advance()
        } else {
            thin!("\"")
        }
    }

    /// True for a string that is not empty.
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

    /// True for an integer that JavaScript prints with all its digits (below 1e21).
    pub fn is_integer(self) -> bool {
        let mut at = self.0;
        while at.first_byte().is_ascii_digit() || at.first_byte() == b'-' {
            at = at.advance();
        }
        at.as_ptr() == self.end().as_ptr()
    }

    /// The value of an unsigned integer. Wraps if it is too large.
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

    /// Appends the value as JSON, without fields that are `undefined`.
    ///
    /// This calls itself for each level of nesting, on the module's small stack. The script passes at most [`MAX_DEPTH`]
    /// levels.
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
        // in ASCII, ] and } come two after [ and {
        out.append_byte(bracket + 2)
    }
}

impl<'a> ThinStr<'a> {
    /// From inside a string: its closing quote, or the end of the text.
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
    use crate::mem::{Scope, ThinString};
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let scope = Scope::open();
        let s = scope.scratch();
        let text = ThinString::from(text);
        let out = RawJson::new(text.as_thin()).write_json(s.string());
        out.as_str().into()
    }

    /// Calls all methods of a value and of the values inside it.
    fn visit_all(s: Scratch, value: RawJson, depth: usize) {
        let _ = (value.tag(), value.is_integer(), value.as_u64());
        let _ = (
            value.to_scratch_string(s),
            value.is_non_empty_str(),
            value.get(thin!("a")),
        );
        let mut next = value.first_child().filter(|_| depth < 100);
        while let Some(part) = next {
            visit_all(s, part, depth + 1);
            next = part.next_sibling();
        }
    }

    #[test]
    fn order_is_written_unchanged() {
        let order = r#"{"type":"contents","amount":2599,"contents":[{"id":"ü\u0022]","quantity":-1},{}],"n":[],"t":true}"#;
        assert_eq!(written(order), order);
    }

    #[test]
    fn values_of_the_greatest_depth_are_written() {
        let (open, close) = ("[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        let deepest = format!("{open}1{close}");
        assert_eq!(written(&deepest), deepest);
    }

    #[test]
    fn undefined_fields_are_omitted() {
        assert_eq!(written(r#"{"a":u,"b":1,"c":u}"#), r#"{"b":1}"#);
        assert_eq!(written(r#"{"a":u}"#), "{}");
        assert!(
            !RawJson::new(thin!(r#"{"a":u}"#))
                .get(thin!("a"))
                .is_defined()
        );
    }

    #[test]
    fn get_compares_whole_names_in_one_object() {
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
    fn is_integer_requires_all_digits() {
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
            let owned = ThinString::from(text);
            assert_eq!(
                RawJson::new(owned.as_thin()).is_integer(),
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
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let text = ThinString::from(text.as_str());
            let scope = Scope::open();
            visit_all(scope.scratch(), RawJson::new(text.as_thin()), 0);
        }

        #[test]
        fn json_punctuation_is_read_without_panic(text in r#"[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#) {
            let text = ThinString::from(text.as_str());
            let scope = Scope::open();
            visit_all(scope.scratch(), RawJson::new(text.as_thin()), 0);
        }

        #[test]
        fn any_json_is_written_unchanged(value in json()) {
            let text = value.to_string();
            prop_assert_eq!(written(&text), text);
        }
    }
}
