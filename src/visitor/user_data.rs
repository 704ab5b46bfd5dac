//! User data: identifiers that the site provides, normalized, hashed, and never sent raw.

use crate::host::IdentifierKind;
use crate::mem::{Scratch, ScratchString, ThinStr, thin};
use crate::raw_json::RawJson;
use crate::schema::user_fields::USER_FIELDS;
use crate::visitor::sha256::sha256_hex;

/// The `user` object of a site as a member of a request body: `,"user":{"in":{...}}`. Values that are not usable are left
/// out; if none is usable, this is empty. `normalize` is [`crate::host::Host::normalize_identifier`].
pub fn user_data_member<'s>(
    s: Scratch<'s>,
    user: RawJson,
    normalize: &impl Fn(ThinStr, IdentifierKind) -> ScratchString<'s>,
) -> ScratchString<'s> {
    let mut out = s.string();
    for field in &USER_FIELDS {
        let mut value = normalized_hash(s, user.get(field.name), field.kind, normalize);
        if value.is_empty() && field.name == thin!("postal_code") {
            value = normalized_hash(s, user.get(thin!("zip_code")), field.kind, normalize);
        }
        if !value.is_empty() {
            if out.is_empty() {
                out = out.append(thin!(",\"user\":{\"in\":{"));
            }
            out = out
                .append_json_key(field.wire_key)
                .append_json_str(value.as_thin());
        }
    }
    if !out.is_empty() {
        out = out.append(thin!("}}"));
    }
    out
}

/// What is sent for a value; empty if it is not usable.
fn normalized_hash<'s>(
    s: Scratch<'s>,
    value: RawJson,
    kind: IdentifierKind,
    normalize: &impl Fn(ThinStr, IdentifierKind) -> ScratchString<'s>,
) -> ScratchString<'s> {
    if !value.is_non_empty_str() {
        return s.string();
    }
    let text = normalize(value.to_scratch_string(s).as_thin(), kind);
    if text.is_empty() || kind == IdentifierKind::Plain {
        return text;
    }
    let what = text.as_thin().advance();
    if text.as_thin().first_byte() == b'#' {
        s.copy(what)
    } else {
        sha256_hex(s, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::{Scope, ThinString};
    use proptest::prelude::*;

    /// Normalizes strings without escapes. All of them are usable.
    fn normalize<'s>(s: Scratch<'s>, text: ThinStr, kind: IdentifierKind) -> ScratchString<'s> {
        let text = text.as_str();
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        s.copy_str(
            match kind {
                IdentifierKind::Plain => text.into(),
                _ if text.is_empty() => String::new(),
                _ if is_hash => format!("#{}", text.to_lowercase()),
                _ => format!("-{text}"),
            }
            .as_str(),
        )
    }

    fn wire(user: &str) -> Option<String> {
        let scope = Scope::open();
        let s = scope.scratch();
        let user = ThinString::from(user);
        let member = user_data_member(s, RawJson::new(user.as_thin()), &|text, kind| {
            normalize(s, text, kind)
        });
        let inner = member.as_str().strip_prefix(",\"user\":{\"in\":")?;
        Some(inner.strip_suffix('}')?.into())
    }

    fn hash(text: &str) -> String {
        let scope = Scope::open();
        let s = scope.scratch();
        sha256_hex(s, ThinString::from(text).as_thin())
            .as_str()
            .into()
    }

    #[test]
    fn hashes_and_places_are_unchanged_and_in_wire_order() {
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
    fn values_starting_with_our_prefixes_are_hashed() {
        for value in ["#1", "-1", "#", "-"] {
            assert_eq!(
                wire(&format!(r#"{{"external_id_sha256":"{value}"}}"#)),
                Some(format!(r#"{{"eid":"{}"}}"#, hash(value)))
            );
        }
    }

    #[test]
    fn unusable_values_are_omitted() {
        assert_eq!(wire("null"), None);
        assert_eq!(wire(r#"[1]"#), None);
        assert_eq!(
            wire(r#"{"country":5,"city":null,"region":u,"email_sha256":""}"#),
            None
        );
    }

    proptest! {
        #[test]
        fn no_raw_identifier_is_sent(field in prop::sample::select(vec!["external_id_sha256", "email_sha256", "phone_number_sha256", "first_name_sha256", "last_name_sha256"]), value in r#"[^\x00-\x1f"\\]{0,40}"#) {
            if let Some(sent) = wire(&format!(r#"{{"{field}":"{value}"}}"#)) {
                prop_assert!(sent.contains(&hash(&value)));
                prop_assert_eq!(sent.len(), 64 + r#"{"eid":""}"#.len() - usize::from(!sent.contains("eid")));
            }
        }
    }
}
