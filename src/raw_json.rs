//! A page's JavaScript value, copied once, as text.
//!
//! The script hands each call over as one text: JSON without white space, and two tokens for what JSON cannot say:
//! `u` is `undefined`, and `x"why"` stands for a value that no event can carry (a function, a symbol,
//! a BigInt, `NaN`, a getter that threw, an object nested too deep or too large). That text is the copy
//! of the page's objects: it is what is checked and what is sent, so whatever the page changes later
//! changes nothing. A [`Value`] is a place in it. It is never taken apart into a tree: what a call has is looked up in
//! the text itself, strings stay as they are escaped there, and nothing is allocated.

use crate::mem::thin_str::{Draft, Text, t};

/// One value of a call: the text from its first byte on, with all that follows it.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a>(Text<'a>);

/// What kind of value it is: its first byte.
pub mod kind {
    /// `undefined`, or what was not given.
    pub const UNDEFINED: u8 = b'u';
    /// `null`.
    pub const NULL: u8 = b'n';
    /// `true`.
    pub const TRUE: u8 = b't';
    /// `false`.
    pub const FALSE: u8 = b'f';
    /// A string.
    pub const STRING: u8 = b'"';
    /// An array.
    pub const ARRAY: u8 = b'[';
    /// An object's own enumerable fields, in the page's order.
    pub const OBJECT: u8 = b'{';
    /// What no event can carry, with a word for what it was.
    pub const UNUSABLE: u8 = b'x';
}

/// `undefined`.
pub const UNDEFINED: Value = Value(t!("u"));

impl<'a> Value<'a> {
    /// The value that a text begins with.
    pub const fn new(text: Text<'a>) -> Self {
        Self(text)
    }

    /// The text that it begins, with all that follows.
    pub const fn text(self) -> Text<'a> {
        self.0
    }

    /// Its first byte, which says what [`kind`] it is.
    pub fn kind(self) -> u8 {
        self.0.byte()
    }

    /// Is it there?
    pub fn is_given(self) -> bool {
        self.kind() != kind::UNDEFINED
    }

    /// What follows it.
    #[inline(never)]
    pub fn end(self) -> Text<'a> {
        let mut at = self.0;
        let mut depth = 0;
        loop {
            match at.byte() {
                b'"' => {
                    at = at.after(1).find_quote();
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
            at = at.after(1);
        }
    }

    /// The first part of an array or an object, of which names and values are parts in turn.
    pub fn first(self) -> Option<Value<'a>> {
        match self.kind() {
            kind::ARRAY | kind::OBJECT => Value(self.0.after(1)).unless_closed(),
            _ => None,
        }
    }

    /// The part that follows this one.
    #[inline(never)]
    pub fn next(self) -> Option<Value<'a>> {
        let end = self.end();
        match end.byte() {
            b',' | b':' => Value(end.after(1)).unless_closed(),
            _ => None,
        }
    }

    fn unless_closed(self) -> Option<Value<'a>> {
        match self.kind() {
            b']' | b'}' | 0 => None,
            _ => Some(self),
        }
    }

    /// The part that follows, `undefined` if none does.
    pub fn value(self) -> Value<'a> {
        self.next().unwrap_or(UNDEFINED)
    }

    /// The field of that name. Absent and `undefined` are the same, and so is what is no object.
    pub fn get(self, name: Text) -> Value<'a> {
        let mut part = self.first();
        while self.kind() == kind::OBJECT
            && let Some(key) = part
        {
            let value = key.value();
            if key.is(name) && value.is_given() {
                return value;
            }
            part = value.next();
        }
        UNDEFINED
    }

    /// Is it this string, which needs no escapes?
    pub fn is(self, text: Text) -> bool {
        let rest = self.string().behind_prefix(text);
        self.kind() == kind::STRING && rest.is_some_and(|rest| rest.byte() == b'"')
    }

    /// Where the characters of a string begin, escaped and with all that follows; of all else the end of nothing.
    pub fn string(self) -> Text<'a> {
        if self.kind() == kind::STRING {
            self.0.after(1)
        } else {
            t!("\"")
        }
    }

    /// Is it a string that says something?
    pub fn says_something(self) -> bool {
        self.string().byte() != b'"'
    }

    /// A string's characters, still escaped; nothing of all else.
    pub fn owned(self) -> Draft {
        let string = self.string();
        Draft::new().with_until(string, string.find_quote())
    }

    /// Its text.
    #[cfg(feature = "explain")]
    pub fn raw(self) -> Draft {
        Draft::new().with_until(self.0, self.end())
    }

    /// Is it a whole number that JavaScript prints with all its digits (below 1e21)?
    pub fn is_integer(self) -> bool {
        let mut at = self.0;
        while at.byte().is_ascii_digit() || at.byte() == b'-' {
            at = at.after(1);
        }
        at.address() == self.end().address()
    }

    /// A whole number without a sign.
    pub fn number(self) -> u64 {
        let mut number = 0u64;
        let mut at = self.0;
        while at.byte().is_ascii_digit() {
            number = number
                .wrapping_mul(10)
                .wrapping_add(u64::from(at.byte() & 15));
            at = at.after(1);
        }
        number
    }

    /// Adds what has passed [`crate::schema::validate`] as JSON. Fields that are `undefined` are left out.
    pub fn write(self, mut out: Draft) -> Draft {
        let kind = self.kind();
        if kind != kind::ARRAY && kind != kind::OBJECT {
            return out.with_until(self.0, self.end());
        }
        let mut opening = kind;
        let mut next = self.first();
        while let Some(name) = next {
            let mut value = name;
            if kind == kind::OBJECT {
                value = name.value();
            }
            next = value.next();
            if value.is_given() {
                out = out.with_byte(opening);
                opening = b',';
                if kind == kind::OBJECT {
                    out = out.with_until(name.0, value.0);
                }
                out = value.write(out);
            }
        }
        if opening == kind {
            out = out.with_byte(kind);
        }
        // ] and } are two behind [ and {
        out.with_byte(kind + 2)
    }
}

impl<'a> Text<'a> {
    /// The quote that ends a string, from inside it, or the end.
    pub fn find_quote(self) -> Self {
        let mut at = self;
        loop {
            match at.byte() {
                b'"' | 0 => return at,
                b'\\' if !at.after(1).is_empty() => at = at.after(2),
                _ => at = at.after(1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let text = Draft::from(text);
        let out = Value::new(text.text()).write(Draft::new());
        out.as_str().into()
    }

    /// Visits everything in a value that can be asked for.
    fn look_at_all(value: Value, depth: usize) {
        let _ = (value.kind(), value.is_integer(), value.number());
        let _ = (value.owned(), value.says_something(), value.get(t!("a")));
        let mut next = value.first().filter(|_| depth < 100);
        while let Some(part) = next {
            look_at_all(part, depth + 1);
            next = part.next();
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
        assert!(!Value::new(t!(r#"{"a":u}"#)).get(t!("a")).is_given());
    }

    #[test]
    fn a_field_is_found_by_its_whole_name_in_its_own_object() {
        let value = Value::new(t!(r#"{"ab":1,"x":{"a":2},"a":"{\"a\":3","b":4}"#));
        assert_eq!(value.get(t!("b")).number(), 4);
        assert_eq!(value.get(t!("x")).get(t!("a")).number(), 2);
        assert!(value.get(t!("a")).string().behind_prefix(t!("{")).is_some());
        assert!(!Value::new(t!(r#"["a",1]"#)).get(t!("a")).is_given());
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
            let given = Draft::from(text);
            assert_eq!(Value::new(given.text()).is_integer(), integer, "{text}");
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
            let text = Draft::from(text.as_str());
            look_at_all(Value::new(text.text()), 0);
        }

        #[test]
        fn text_made_of_json_s_own_characters_is_read_as_something(text in r#"[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#) {
            let text = Draft::from(text.as_str());
            look_at_all(Value::new(text.text()), 0);
        }

        #[test]
        fn any_json_is_sent_unchanged(value in json()) {
            let text = value.to_string();
            prop_assert_eq!(written(&text), text);
        }
    }
}
