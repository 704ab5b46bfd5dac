//! Who the site says the visitor is: identifiers made comparable, hashed, and never sent raw.

use crate::sha256::sha256_hex;
use crate::text::{push_key, push_quoted, unescaped};
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

/// A site's `user` object as the wire carries it in `user.in`: a JSON object, or `None` where nothing in it is
/// usable. Whatever is not usable is left out, and the rest still goes.
///
/// `lowercase` lowercases as JavaScript does: a parameter, because a table of letters in the module would be
/// paid for by every visitor, and the browser has one.
pub fn wire_form(user: &Value, lowercase: &dyn Fn(&str) -> String) -> Option<String> {
    let mut out = String::from("{");
    for (key, field, kind) in FIELDS {
        let value = usable(user, field)
            .or_else(|| usable(user, POSTAL_CODE_ALIAS).filter(|_| key == "pc"))
            .and_then(|given| wire_value(given, kind, lowercase));
        if let Some(value) = value {
            push_key(&mut out, key);
            push_quoted(&mut out, &value);
        }
    }
    out.push('}');
    (out.len() > 2).then_some(out)
}

/// A non-empty string that is no longer than an identifier can be.
fn usable(user: &Value, field: &str) -> Option<String> {
    let text = unescaped(user.get(field)?.as_str()?);
    (!text.is_empty() && text.encode_utf16().count() <= MAX_LENGTH).then_some(text)
}

fn wire_value(given: String, kind: Kind, lowercase: &dyn Fn(&str) -> String) -> Option<String> {
    if let Kind::Plain = kind {
        return Some(given);
    }
    let trimmed = given.trim_matches(is_white_space);
    if trimmed.len() == 64 && trimmed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(trimmed.to_ascii_lowercase());
    }
    let raw = match kind {
        Kind::Email => email(&lowercase(trimmed)),
        Kind::Phone => phone(trimmed),
        Kind::PersonName => person_name(&lowercase(trimmed)),
        _ => Some(String::from(trimmed)),
    };
    raw.filter(|raw| !raw.is_empty())
        .map(|raw| sha256_hex(raw.as_bytes()))
}

/// One `@` between something and a domain with a dot inside, no white space, at most 254 bytes long.
fn email(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let inner = domain.get(1..domain.len().checked_sub(1)?)?;
    let is_address = !local.is_empty()
        && inner.contains('.')
        && !domain.contains('@')
        && !text.contains(is_white_space)
        && text.len() <= 254;
    is_address.then(|| String::from(text))
}

/// Digits with their country code: no punctuation, no `+`, no leading zeroes, 8 to 15 of them.
fn phone(text: &str) -> Option<String> {
    let mut digits = String::from(text);
    digits.retain(|c| !matches!(c, '(' | ')' | '.' | '-') && !is_white_space(c));
    let international = digits.strip_prefix('+');
    let dialled = international.unwrap_or(&digits);
    let number = dialled.trim_start_matches('0');
    // +1 and 001 are North America, where a number has eleven digits with its country code
    let north_american =
        number.starts_with('1') && (international.is_some() || dialled.len() == number.len() + 2);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(number.len(), 8..=15)
        && !(international.is_some() && dialled.starts_with('0'))
        && (!north_american || number.len() == 11);
    is_number.then(|| String::from(number))
}

/// Letters alone: a name is spelt with and without its spaces, hyphens and apostrophes.
fn person_name(lowercased: &str) -> Option<String> {
    let mut name = String::from(lowercased);
    name.retain(|c| !is_white_space(c) && !c.is_ascii_punctuation());
    (!name.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// White space as JavaScript's `\s` and `trim` have it.
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
        wire_form(&Value::parse(user).expect(user), &str::to_lowercase)
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
            wire(&format!(r#"{{"zip_code":"94107","phone_number_sha256":"{hash}","city":"San \"F","country":"US"}}"#)).unwrap(),
            format!(r#"{{"co":"US","ct":"San \"F","pc":"94107","ph":"{}"}}"#, "b".repeat(64))
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
