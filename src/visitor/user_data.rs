//! Who the site says the visitor is: identifiers made comparable, hashed, and never sent raw.

use crate::host::Kind;
use crate::mem::thin_str::{Draft, Text, t};
use crate::raw_json::Value;
use crate::visitor::sha256::sha256_hex;

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
/// it is usable. Whatever is not usable is left out, and the rest still goes. `comparable` is [`crate::host::Host::comparable`].
pub fn member(user: Value, comparable: &impl Fn(Text, Kind) -> Draft) -> Draft {
    let mut out = Draft::new();
    for (key, field, kind) in &FIELDS {
        let mut value = wire_value(user.get(*field), *kind, comparable);
        if value.is_empty() && *field == t!("postal_code") {
            value = wire_value(user.get(t!("zip_code")), *kind, comparable);
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
fn wire_value(given: Value, kind: Kind, comparable: &impl Fn(Text, Kind) -> Draft) -> Draft {
    if !given.says_something() {
        return Draft::new();
    }
    let text = comparable(given.owned().text(), kind);
    if text.is_empty() || kind == Kind::Plain {
        return text;
    }
    let what = text.text().after(1);
    if text.text().byte() == b'#' {
        Draft::new().with(what)
    } else {
        sha256_hex(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// For texts without escapes; every one is usable.
    fn comparable(text: Text, kind: Kind) -> Draft {
        let text = text.as_str();
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Draft::from(
            match kind {
                Kind::Plain => text.into(),
                _ if text.is_empty() => String::new(),
                _ if is_hash => format!("#{}", text.to_lowercase()),
                _ => format!("-{text}"),
            }
            .as_str(),
        )
    }

    fn wire(user: &str) -> Option<String> {
        let user = Draft::from(user);
        let member = member(Value::new(user.text()), &comparable);
        let inner = member.as_str().strip_prefix(",\"user\":{\"in\":")?;
        Some(inner.strip_suffix('}')?.into())
    }

    fn hash(text: &str) -> String {
        sha256_hex(Draft::from(text).text()).as_str().into()
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

    #[test]
    fn what_looks_like_a_mark_of_ours_is_hashed_all_the_same() {
        for given in ["#1", "-1", "#", "-"] {
            assert_eq!(
                wire(&format!(r#"{{"external_id_sha256":"{given}"}}"#)),
                Some(format!(r#"{{"eid":"{}"}}"#, hash(given)))
            );
        }
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        assert_eq!(wire("null"), None);
        assert_eq!(wire(r#"[1]"#), None);
        assert_eq!(
            wire(r#"{"country":5,"city":null,"region":u,"email_sha256":""}"#),
            None
        );
    }

    proptest! {
        #[test]
        fn no_raw_identifier_ever_leaves(field in prop::sample::select(vec!["external_id_sha256", "email_sha256", "phone_number_sha256", "first_name_sha256", "last_name_sha256"]), given in r#"[^\x00-\x1f"\\]{0,40}"#) {
            if let Some(sent) = wire(&format!(r#"{{"{field}":"{given}"}}"#)) {
                prop_assert!(sent.contains(&hash(&given)));
                prop_assert_eq!(sent.len(), 64 + r#"{"eid":""}"#.len() - usize::from(!sent.contains("eid")));
            }
        }
    }
}
