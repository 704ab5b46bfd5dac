//! A page's JavaScript value, copied once, as plain Rust.
//!
//! The script hands each call over as one text: JSON, and two tokens for what JSON cannot say:
//! `u` is `undefined`, and `x"why"` stands for a value that no event can carry (a function, a symbol,
//! a BigInt, `NaN`, a getter that threw, an object nested too deep or too large). That text is the copy
//! of the page's objects: it is what is checked and what is sent, so whatever the page changes later
//! changes nothing. Values borrow from it and keep strings as they are escaped there, so that a string
//! goes from the page to the wire without being taken apart.

use crate::text::add;

/// Deeper nesting than any call has is refused by the parser, so that hostile text cannot exhaust the stack.
const MAX_DEPTH: u32 = 8;

/// One value of a call.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(PartialEq))]
pub enum Value<'a> {
    /// `undefined`, or an argument that was not given.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number as JavaScript prints it: `2599`, `25.99`, `1e+21`.
    Number(&'a str),
    /// A string, still JSON-escaped and without its quotes.
    String(&'a str),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object's own enumerable fields, in the page's order.
    Object(Vec<(&'a str, Value<'a>)>),
    /// What no event can carry, with a word for what it was.
    Unusable(&'a str),
}

impl<'a> Value<'a> {
    /// Reads a whole text. `None` where it is no such text.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.skip_space();
        (reader.at == text.len()).then_some(value)
    }

    /// The field of that name. Absent and `undefined` are the same, and so is what is no object.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        let Value::Object(fields) = self else {
            return None;
        };
        fields
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .filter(|value| !matches!(value, Value::Undefined))
    }

    /// The string, still escaped.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Is it a whole number that JavaScript prints with all its digits (below 1e21)?
    pub fn is_integer(&self) -> bool {
        matches!(self, Value::Number(text)
            if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
    }

    /// Appends the value as JSON. Fields that are `undefined` are left out; what no JSON can say is `null`.
    pub fn write(&self, out: &mut String) {
        match self {
            Value::Bool(true) => add(out, "true"),
            Value::Bool(false) => add(out, "false"),
            Value::Number(text) => add(out, text),
            Value::String(text) => push_raw(out, text),
            Value::Array(items) => {
                add(out, "[");
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        add(out, ",");
                    }
                    item.write(out);
                }
                add(out, "]");
            }
            Value::Object(fields) => {
                add(out, "{");
                let mut comma = false;
                for (key, value) in fields {
                    if let Value::Undefined = value {
                        continue;
                    }
                    if comma {
                        add(out, ",");
                    }
                    comma = true;
                    push_raw(out, key);
                    add(out, ":");
                    value.write(out);
                }
                add(out, "}");
            }
            _ => add(out, "null"),
        }
    }
}

fn push_raw(out: &mut String, escaped: &str) {
    add(out, "\"");
    add(out, escaped);
    add(out, "\"");
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Steps over the byte if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        self.text.get(self.at..)?.strip_prefix(word)?;
        self.at += word.len();
        Some(value)
    }

    fn value(&mut self, depth: u32) -> Option<Value<'a>> {
        self.skip_space();
        match self.peek() {
            b'"' => self.string().map(Value::String),
            b'u' => self.word("u", Value::Undefined),
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'x' => {
                self.at += 1;
                self.string().map(Value::Unusable)
            }
            b'[' if depth < MAX_DEPTH => self.array(depth),
            b'{' if depth < MAX_DEPTH => self.object(depth),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    /// From the opening quote to behind the closing one.
    fn string(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut end = start;
        if *bytes.get(self.at)? != b'"' {
            return None;
        }
        loop {
            match *bytes.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                0..0x20 => return None,
                _ => end += 1,
            }
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        // a leading digit, then whatever JavaScript or JSON puts in a number
        if !self.peek().is_ascii_digit() {
            return None;
        }
        while matches!(self.peek(), b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-') {
            self.at += 1;
        }
        self.text.get(start..self.at).map(Value::Number)
    }

    fn array(&mut self, depth: u32) -> Option<Value<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Some(Value::Array(items));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn object(&mut self, depth: u32) -> Option<Value<'a>> {
        self.at += 1;
        let mut fields = Vec::new();
        if self.take(b'}') {
            return Some(Value::Object(fields));
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            if !self.take(b':') {
                return None;
            }
            fields.push((key, self.value(depth + 1)?));
            if self.take(b'}') {
                return Some(Value::Object(fields));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = String::new();
        Value::parse(text).expect(text).write(&mut out);
        out
    }

    #[test]
    fn an_order_is_sent_as_the_page_gave_it() {
        let order = r#"{"type":"contents","amount":2599,"contents":[{"id":"ü\u0022\\","quantity":-1}],"n":null,"t":true,"f":false}"#;
        assert_eq!(written(order), order);
    }

    #[test]
    fn undefined_fields_are_left_out() {
        assert_eq!(written(r#"{"a":u,"b":1,"c":u}"#), r#"{"b":1}"#);
        assert_eq!(Value::parse(r#"{"a":u}"#).unwrap().get("a"), None);
    }

    #[test]
    fn what_no_event_can_carry_is_named() {
        let value = Value::parse(r#"[x"symbol",x"NaN"]"#).unwrap();
        assert_eq!(
            value,
            Value::Array(vec![Value::Unusable("symbol"), Value::Unusable("NaN")])
        );
    }

    #[test]
    fn only_whole_numbers_with_all_their_digits_are_integers() {
        for (text, integer) in [
            ("2599", true),
            ("-1", true),
            ("0", true),
            ("25.99", false),
            ("1e+21", false),
            ("1e-7", false),
            ("\"1\"", false),
        ] {
            assert_eq!(Value::parse(text).unwrap().is_integer(), integer, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_value_is_refused() {
        for text in [
            "", "{", "[1,]", "{\"a\"}", "\"", "\"\\", "x", "-", "nul", "1 2", "{a:1}", "\"\n\"",
        ] {
            assert_eq!(Value::parse(text), None, "{text}");
        }
        assert_eq!(Value::parse(&"[".repeat(100_000)), None);
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
        fn any_text_at_all_is_read_or_refused(text in any::<String>()) {
            let _ = Value::parse(&text);
        }

        #[test]
        fn text_made_of_json_s_own_characters_is_read_or_refused(text in r#"[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#) {
            let _ = Value::parse(&text);
        }

        #[test]
        fn any_json_is_sent_unchanged(value in json()) {
            let text = value.to_string();
            let out = written(&text);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), value);
        }
    }
}
