//! Who the site says the visitor is: identifiers made comparable, hashed, and never sent raw.

use crate::host::Fold;
use crate::sha256::sha256_hex;
use crate::text::{Draft, Text, t};
use crate::value::Value;

/// What two spellings of one value have in common depends on what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Sent as it is.
    Plain,
    ExternalId,
    Email,
    Phone,
    PersonName,
}

/// Wire key, field of `init`'s `user`, and kind, in the order of the wire.
static FIELDS: [(Text, Text, Kind); 9] = [
    (t!("eid"), t!("external_id_sha256"), Kind::ExternalId),
    (t!("co"), t!("country"), Kind::Plain),
    (t!("ct"), t!("city"), Kind::Plain),
    (t!("rg"), t!("region"), Kind::Plain),
    (t!("pc"), t!("postal_code"), Kind::Plain),
    (t!("em"), t!("email_sha256"), Kind::Email),
    (t!("ph"), t!("phone_number_sha256"), Kind::Phone),
    (t!("fn"), t!("first_name_sha256"), Kind::PersonName),
    (t!("ln"), t!("last_name_sha256"), Kind::PersonName),
];

/// A site's `user` object as the wire carries it, a member of a body: `,"user":{"in":{...}}`. Nothing where nothing in
/// it is usable. Whatever is not usable is left out, and the rest still goes. `fold` is [`crate::host::Host::folded`].
pub fn member(user: Value, fold: &impl Fn(Text, Fold) -> Draft) -> Draft {
    let mut out = Draft::new();
    for (key, field, kind) in &FIELDS {
        let mut value = wire_value(user.get(*field), *kind, fold);
        if value.is_empty() && *field == t!("postal_code") {
            value = wire_value(user.get(t!("zip_code")), *kind, fold);
        }
        if !value.is_empty() {
            if out.is_empty() {
                out = out.with(t!(",\"user\":{\"in\":{"));
            }
            out = out.with_key(*key).with_string(value.text());
        }
    }
    if !out.is_empty() {
        out = out.with(t!("}}"));
    }
    out
}

/// What is sent for a value; empty if it is not usable.
fn wire_value(given: Value, kind: Kind, fold: &impl Fn(Text, Fold) -> Draft) -> Draft {
    if !given.says_something() {
        return Draft::new();
    }
    let how = match kind {
        Kind::Plain => Fold::Usable,
        Kind::Email | Kind::PersonName => Fold::TrimLowercase,
        _ => Fold::Trim,
    };
    let mut raw = fold(given.owned().text(), how);
    if kind == Kind::Plain {
        return raw;
    }
    if is_hash(raw.text()) {
        return fold(raw.text(), Fold::TrimLowercase);
    }
    let mut is_usable = true;
    match kind {
        Kind::Email => {
            is_usable =
                is_email(raw.text()) && fold(raw.text(), Fold::NoWhiteSpace).len() == raw.len();
        }
        Kind::Phone => raw = phone(fold(raw.text(), Fold::NoPhoneMarks).text()),
        Kind::PersonName => {
            // a name is spelt with and without its spaces, hyphens and apostrophes
            raw = fold(raw.text(), Fold::NoPunctuation);
            is_usable = !raw.text().are_digits();
        }
        _ => {}
    }
    if is_usable && !raw.is_empty() {
        sha256_hex(raw.text())
    } else {
        Draft::new()
    }
}

/// 64 hexadecimal digits.
fn is_hash(text: Text) -> bool {
    let mut at = text;
    while at.byte().is_ascii_hexdigit() {
        at = at.after(1);
    }
    at.is_empty() && at.behind(text) == 64
}

/// One `@` between something and a domain with a dot inside, at most 254 bytes long.
fn is_email(text: Text) -> bool {
    let at = text.find(b'@');
    if at.is_empty() || at.behind(text) == 0 {
        return false;
    }
    let domain = at.after(1);
    if domain.is_empty() || !domain.find(b'@').is_empty() || text.len() > 254 {
        return false;
    }
    let dot = domain.after(1).find(b'.');
    !dot.is_empty() && !dot.after(1).is_empty()
}

/// Digits with their country code: no `+`, no leading zeroes, 8 to 15 of them. Empty if it is no such number.
fn phone(dialled: Text) -> Draft {
    let international = dialled.byte() == b'+';
    let mut number = dialled;
    if international {
        number = number.after(1);
    }
    let mut zeroes = 0;
    while number.byte() == b'0' {
        number = number.after(1);
        zeroes += 1;
    }
    // +1 and 001 are North America, where a number has eleven digits with its country code
    let north_american = number.byte() == b'1' && (international || zeroes == 2);
    let is_number = number.are_digits()
        && matches!(number.len(), 8..=15)
        && !(international && zeroes > 0)
        && (!north_american || number.len() == 11);
    if is_number {
        Draft::new().with(number)
    } else {
        Draft::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the browser does it, for texts without escapes.
    fn fold(text: Text, how: Fold) -> Draft {
        let text = text.as_str();
        let is_space = |c: char| c == '\u{feff}' || c.is_whitespace();
        let without = |left_out: &dyn Fn(char) -> bool| {
            text.chars().filter(|c| !left_out(*c)).collect::<String>()
        };
        let folded = match how {
            Fold::Usable => text.into(),
            Fold::Trim => text.trim_matches(is_space).into(),
            Fold::TrimLowercase => text.trim_matches(is_space).to_lowercase(),
            Fold::NoWhiteSpace => without(&is_space),
            Fold::NoPhoneMarks => without(&|c| is_space(c) || "().-".contains(c)),
            Fold::NoPunctuation => without(&|c| is_space(c) || c.is_ascii_punctuation()),
        };
        Draft::from(folded.as_str())
    }

    fn wire(user: &str) -> Option<String> {
        let user = Draft::from(user);
        let member = member(Value::new(user.text()), &fold);
        let inner = member.as_str().strip_prefix(",\"user\":{\"in\":")?;
        Some(inner.strip_suffix('}')?.into())
    }

    fn one(field: &str, value: &str) -> Option<String> {
        let wire = wire(&format!("{{\"{field}\":\"{value}\"}}"))?;
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&wire).unwrap();
        assert_eq!(fields.len(), 1);
        fields.values().next()?.as_str().map(String::from)
    }

    fn hash(text: &str) -> Option<String> {
        Some(sha256_hex(Draft::from(text).text()).as_str().into())
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
        fn no_raw_identifier_ever_leaves(field in prop::sample::select(vec!["external_id_sha256", "email_sha256", "phone_number_sha256", "first_name_sha256", "last_name_sha256"]), given in r#"[^\x00-\x1f"\\]{0,40}"#) {
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
