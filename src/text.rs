//! Writing and reading text without `format!` and without searching by `char`, whose machinery would cost visitors
//! more than all of this.

/// Appends text. Never inlined: there are a hundred places that do.
#[inline(never)]
pub fn add(out: &mut String, text: &str) {
    out.push_str(text);
}

/// These, one after the other.
pub fn joined(parts: &[&str]) -> String {
    let mut out = String::new();
    for part in parts {
        add(&mut out, part);
    }
    out
}

/// Appends one ASCII character; of a greater byte the lower half is taken.
pub fn add_ascii(out: &mut String, byte: u8) {
    // SAFETY: a byte below 0x80 is UTF-8 wherever it stands between characters
    unsafe { out.as_mut_vec() }.push(byte & 0x7f);
}

/// Appends a whole number in decimal.
pub fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    add_ascii(out, b'0' + (number % 10) as u8);
}

/// Appends `"name":`, with a comma before it unless it is an object's first.
pub fn push_key(out: &mut String, name: &str) {
    add(out, if out.ends_with('{') { "\"" } else { ",\"" });
    add(out, name);
    add(out, "\":");
}

/// Appends a JSON string, escaped.
pub fn push_quoted(out: &mut String, text: &str) {
    add(out, "\"");
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < b' ' || byte == b'"' || byte == b'\\')
    {
        let (before, special) = rest.split_at(at);
        add(out, before);
        add(out, "\\u00");
        push_hex(out, special.as_bytes()[0]);
        rest = &special[1..];
    }
    add(out, rest);
    add(out, "\"");
}

/// Appends a byte as two lowercase hexadecimal digits.
pub fn push_hex(out: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        let first = if digit < 10 { b'0' } else { b'a' - 10 };
        add_ascii(out, first + digit);
    }
}

/// The string that a JSON escaped one stands for, as far as the script escapes: ASCII, as `\u00xx`. What else JSON can
/// escape is no part of a name, an id or an address.
pub fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let (before, Some(escape)) = cut(rest, b'\\') {
        add(&mut out, before);
        let code = escape
            .get(1..5)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        add_ascii(&mut out, code.unwrap_or(b'?'));
        rest = escape.get(5..).unwrap_or("");
    }
    add(&mut out, rest);
    out
}

/// Is there nothing but decimal digits?
pub fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is before the first of these (ASCII) bytes, and what is behind it, if it is there.
#[inline(never)]
pub fn cut(text: &str, at: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == at) {
        Some(i) => (&text[..i], Some(&text[i + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn a_broken_escape_never_stops_the_reading() {
        for (escaped, plain) in [
            (r"a\u0022\u005cé", "a\"\\é"),
            (r"\ud83ex", "?x"),
            (r"\u12", "?"),
            (r"\uééé", "?é"),
            (r"\", "?"),
        ] {
            assert_eq!(unescaped(escaped), plain, "{escaped}");
        }
    }

    proptest! {
        #[test]
        fn numbers_read_as_rust_prints_them(number in any::<u64>()) {
            prop_assert_eq!(made(|out| push_number(out, number)), number.to_string());
        }

        #[test]
        fn any_text_quoted_is_that_text_in_json(text in any::<String>()) {
            let quoted = made(|out| push_quoted(out, &text));
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text.clone());
            prop_assert_eq!(unescaped(&quoted[1..quoted.len() - 1]), text);
        }

        #[test]
        fn any_text_at_all_can_be_unescaped(text in any::<String>()) {
            let _ = unescaped(&text);
        }
    }
}
