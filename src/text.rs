//! Writing and reading text without `format!`, whose machinery would cost visitors more than all of this.

/// Appends a whole number in decimal.
pub fn push_number(out: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    for digit in &digits[at..] {
        out.push(char::from(*digit));
    }
}

/// Appends `"name":`, with a comma before it unless it is an object's first.
pub fn push_key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
}

/// Appends a JSON string, escaped.
pub fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\0'..='\x1f' => {
                out.push_str("\\u00");
                push_hex(out, c as u8);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a byte as two lowercase hexadecimal digits.
pub fn push_hex(out: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
    }
}

/// The string that a JSON escaped one stands for. Half a surrogate pair becomes U+FFFD.
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    let mut high: Option<u32> = None;
    while let Some(c) = rest.next() {
        let code = if c != '\\' {
            c as u32
        } else {
            match rest.next() {
                Some('u') => {
                    let code = rest.as_str().get(..4);
                    rest.by_ref().take(4).for_each(drop);
                    code.and_then(|hex| u32::from_str_radix(hex, 16).ok())
                        .unwrap_or(0xfffd)
                }
                Some('b') => 8,
                Some('t') => 9,
                Some('n') => 10,
                Some('f') => 12,
                Some('r') => 13,
                Some(other) => other as u32,
                None => 0xfffd,
            }
        };
        if let (Some(lead), 0xdc00..=0xdfff) = (high, code) {
            high = None;
            let pair = 0x10000u32 + ((lead - 0xd800) << 10) + (code - 0xdc00);
            out.push(char::from_u32(pair).unwrap_or('\u{fffd}'));
            continue;
        }
        if high.take().is_some() {
            out.push('\u{fffd}');
        }
        match code {
            0xd800..=0xdbff => high = Some(code),
            _ => out.push(char::from_u32(code).unwrap_or('\u{fffd}')),
        }
    }
    if high.is_some() {
        out.push('\u{fffd}');
    }
    out
}

/// Appends the text as `encodeURIComponent` writes it.
pub fn push_uri_component(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            let start = out.len();
            push_hex(out, byte);
            out[start..].make_ascii_uppercase();
        }
    }
}

/// Undoes percent-encoding. What is no such encoding stays as it is, and bytes that are no UTF-8 become U+FFFD.
pub fn uri_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| core::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
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
            (r"\u00e9\n\/", "é\n/"),
            (r"\ud83e\uddc0", "🧀"),
            (r"\ud83e", "\u{fffd}"),
            (r"\ud83ex", "\u{fffd}x"),
            (r"\u12", "\u{fffd}"),
            (r"\", "\u{fffd}"),
        ] {
            assert_eq!(unescaped(escaped), plain, "{escaped}");
        }
    }

    #[test]
    fn a_broken_percent_sign_stays() {
        assert_eq!(uri_decoded("100%&%2&%zz&%41"), "100%&%2&%zz&A");
        assert_eq!(uri_decoded("%ff"), "\u{fffd}");
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

        #[test]
        fn any_text_survives_a_cookie(text in any::<String>()) {
            let encoded = made(|out| push_uri_component(out, &text));
            prop_assert!(encoded.is_ascii());
            prop_assert_eq!(uri_decoded(&encoded), text);
        }
    }
}
