//! Who the site says the visitor is: identifiers made comparable, hashed, and never sent raw.

use crate::sha256::sha256_hex;
use crate::text::{add, are_digits, cut, push_key, push_quoted, unescaped};
use crate::value::Value;

/// A longer value (in UTF-16 units, as a page counts) is no identifier.
const MAX_LENGTH: usize = 1024;

/// What two spellings of one value have in common depends on what it is.
#[derive(Clone, Copy)]
enum Kind {
    /// Sent as it is.
    Plain,
    ExternalId,
    Email,
    Phone,
    PersonName,
}

/// Wire key, field of `init`'s `user`, and kind, in the order of the wire.
const FIELDS: [(&str, &str, Kind); 9] = [
    ("eid", "external_id_sha256", Kind::ExternalId),
    ("co", "country", Kind::Plain),
    ("ct", "city", Kind::Plain),
    ("rg", "region", Kind::Plain),
    ("pc", "postal_code", Kind::Plain),
    ("em", "email_sha256", Kind::Email),
    ("ph", "phone_number_sha256", Kind::Phone),
    ("fn", "first_name_sha256", Kind::PersonName),
    ("ln", "last_name_sha256", Kind::PersonName),
];

/// What stands in for a `postal_code` that is not usable.
const POSTAL_CODE_ALIAS: &str = "zip_code";

/// Trims as JavaScript does, and lowercases if that is wanted. A parameter, because tables of letters in the module
/// would be paid for by every visitor, and the browser has them.
pub type Fold<'a> = &'a dyn Fn(&str, bool) -> String;

/// A site's `user` object as the wire carries it in `user.in`: a JSON object, or nothing where nothing in it is
/// usable. Whatever is not usable is left out, and the rest still goes.
pub fn wire_form(user: &Value, fold: Fold) -> String {
    let mut out = String::from("{");
    for (key, field, kind) in FIELDS {
        let mut given = usable(user, field);
        if given.is_empty() && key == "pc" {
            given = usable(user, POSTAL_CODE_ALIAS);
        }
        let value = wire_value(given, kind, fold);
        if !value.is_empty() {
            push_key(&mut out, key);
            push_quoted(&mut out, &value);
        }
    }
    if out.len() == 1 {
        return String::new();
    }
    add(&mut out, "}");
    out
}

/// A string that is no longer than an identifier can be; otherwise empty.
fn usable(user: &Value, field: &str) -> String {
    let text = unescaped(user.get(field).and_then(Value::as_str).unwrap_or(""));
    let mut length = 0;
    for byte in text.bytes() {
        // a character's first byte counts; one of four bytes is two units of UTF-16
        length += usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0);
    }
    if length > MAX_LENGTH {
        String::new()
    } else {
        text
    }
}

/// What is sent for a value; empty if it is not usable.
fn wire_value(given: String, kind: Kind, fold: Fold) -> String {
    if let Kind::Plain = kind {
        return given;
    }
    let text = fold(&given, matches!(kind, Kind::Email | Kind::PersonName));
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return text.to_ascii_lowercase();
    }
    let raw = match kind {
        Kind::Email => email(text),
        Kind::Phone => phone(&text),
        Kind::PersonName => person_name(&text),
        _ => text,
    };
    if raw.is_empty() {
        raw
    } else {
        sha256_hex(raw.as_bytes())
    }
}

/// One `@` between something and a domain with a dot inside, no white space, at most 254 bytes long.
fn email(text: String) -> String {
    let (local, domain) = cut(&text, b'@');
    let domain = domain.unwrap_or("").as_bytes();
    let is_address = !local.is_empty()
        && domain.len() > 2
        && !domain[1..domain.len() - 1].iter().all(|byte| *byte != b'.')
        && domain.iter().all(|byte| *byte != b'@')
        && without(&text, is_white_space).len() == text.len()
        && text.len() <= 254;
    if is_address { text } else { String::new() }
}

/// Digits with their country code: no punctuation, no `+`, no leading zeroes, 8 to 15 of them.
fn phone(text: &str) -> String {
    let digits = without(text, |c| {
        matches!(c, '(' | ')' | '.' | '-') || is_white_space(c)
    });
    let international = digits.starts_with('+');
    let dialled = &digits[usize::from(international)..];
    let mut zeroes = 0;
    while dialled.as_bytes().get(zeroes) == Some(&b'0') {
        zeroes += 1;
    }
    let number = &dialled[zeroes..];
    // +1 and 001 are North America, where a number has eleven digits with its country code
    let north_american = number.starts_with('1') && (international || zeroes == 2);
    let is_number = are_digits(number)
        && matches!(number.len(), 8..=15)
        && !(international && zeroes > 0)
        && (!north_american || number.len() == 11);
    String::from(if is_number { number } else { "" })
}

/// Letters alone: a name is spelt with and without its spaces, hyphens and apostrophes.
fn person_name(lowercased: &str) -> String {
    let name = without(lowercased, |c| {
        c.is_ascii_punctuation() || is_white_space(c)
    });
    if are_digits(&name) {
        String::new()
    } else {
        name
    }
}

fn without(text: &str, left_out: fn(char) -> bool) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    loop {
        let here = rest.as_str();
        let Some(c) = rest.next() else {
            return out;
        };
        if !left_out(c) {
            add(&mut out, &here[..c.len_utf8()]);
        }
    }
}

/// White space as JavaScript's `\s` has it.
fn is_white_space(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}'
            | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(user: &str) -> Option<String> {
        let fold = |text: &str, lowercase| {
            let trimmed = text.trim_matches(is_white_space);
            if lowercase {
                trimmed.to_lowercase()
            } else {
                trimmed.into()
            }
        };
        let wire = wire_form(&Value::parse(user).expect(user), &fold);
        (!wire.is_empty()).then_some(wire)
    }

    fn one(field: &str, value: &str) -> Option<String> {
        let mut user = format!("{{\"{field}\":");
        push_quoted(&mut user, value);
        user.push('}');
        let wire = wire(&user)?;
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&wire).unwrap();
        assert_eq!(fields.len(), 1);
        fields.values().next()?.as_str().map(String::from)
    }

    fn hash(text: &str) -> Option<String> {
        Some(sha256_hex(text.as_bytes()))
    }

    #[test]
    fn two_spellings_of_one_identifier_are_one_hash() {
        for (field, given, hashed) in [
            ("external_id_sha256", " USER-TEST-0001 ", "USER-TEST-0001"),
            ("email_sha256", "  Test@Example.COM ", "test@example.com"),
            ("email_sha256", "a@b.c", "a@b.c"),
            ("phone_number_sha256", "+49 (170) 123-4567", "491701234567"),
            ("phone_number_sha256", "0049 170.1234567", "491701234567"),
            ("phone_number_sha256", "0170 1234567", "1701234567"),
            ("phone_number_sha256", "+1 415 555 2671", "14155552671"),
            ("phone_number_sha256", "001 415 555 2671", "14155552671"),
            ("phone_number_sha256", "415 555 2671", "4155552671"),
            ("first_name_sha256", "Max", "max"),
            ("last_name_sha256", "O'Müster Mann", "omüstermann"),
            ("last_name_sha256", "X Æ A-12", "xæa12"),
        ] {
            assert_eq!(one(field, given), hash(hashed), "{given}");
        }
    }

    #[test]
    fn what_is_no_identifier_is_left_out() {
        for (field, given) in [
            ("external_id_sha256", "   "),
            ("external_id_sha256", ""),
            ("email_sha256", "not an email"),
            ("email_sha256", "a@b"),
            ("email_sha256", "a@@b.c"),
            ("email_sha256", "a@b.c@d.e"),
            ("email_sha256", "@b.c"),
            ("email_sha256", "a@.c"),
            ("email_sha256", "a@c."),
            ("email_sha256", "a b@c.d"),
            ("phone_number_sha256", "12"),
            ("phone_number_sha256", "1234567890123456"),
            ("phone_number_sha256", "+0170 1234567"),
            ("phone_number_sha256", "+1 415 555 267"),
            ("phone_number_sha256", "001 415 555 26711"),
            ("phone_number_sha256", "49+1701234567"),
            ("phone_number_sha256", "call me maybe"),
            ("first_name_sha256", "123"),
            ("first_name_sha256", " - "),
        ] {
            assert_eq!(one(field, given), None, "{given}");
        }
        assert_eq!(
            one("email_sha256", &format!("{}@example.com", "a".repeat(243))),
            None
        );
        assert_eq!(one("city", &"a".repeat(1025)), None);
        assert_eq!(wire("null"), None);
        assert_eq!(wire(r#"[1]"#), None);
        assert_eq!(wire(r#"{"country":5,"city":null,"region":u}"#), None);
    }

    #[test]
    fn hashes_and_places_go_as_given_in_the_order_of_the_wire() {
        let hash = "B".repeat(64);
        assert_eq!(
            wire(&format!(r#"{{"zip_code":"94107","phone_number_sha256":"{hash}","city":"San \u0022F","country":"US"}}"#)).unwrap(),
            format!(r#"{{"co":"US","ct":"San \u0022F","pc":"94107","ph":"{}"}}"#, "b".repeat(64))
        );
        assert_eq!(
            wire(r#"{"zip_code":"1","postal_code":"2"}"#).unwrap(),
            r#"{"pc":"2"}"#
        );
    }

    proptest! {
        #[test]
        fn no_raw_identifier_ever_leaves(field in prop::sample::select(vec!["external_id_sha256", "email_sha256", "phone_number_sha256", "first_name_sha256", "last_name_sha256"]), given in any::<String>()) {
            if let Some(sent) = one(field, &given) {
                prop_assert!(sent.len() == 64 && sent.bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
        }

        #[test]
        fn digits_of_every_kind_are_a_number_or_none(given in "[+0-9 ().-]{0,24}") {
            let _ = one("phone_number_sha256", &given);
        }
    }
}
