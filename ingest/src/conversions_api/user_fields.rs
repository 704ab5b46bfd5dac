//! The fields of `user`: names, types and formats, with the legacy names and common mistakes.

use std::net::IpAddr;

use serde_json::Value;

use crate::rules;

/// The longest postal code, in characters.
const MAX_POSTAL_CODE_CHARS: usize = 32;

/// The longest city or region, in characters.
const MAX_PLACE_CHARS: usize = 128;

/// The fields of `user` and their types.
pub const FIELDS: [(&str, FieldType); 13] = [
    ("emails_sha256", FieldType::Hashes),
    ("phone_numbers_sha256", FieldType::Hashes),
    ("external_ids_sha256", FieldType::Hashes),
    ("first_names_sha256", FieldType::Hashes),
    ("last_names_sha256", FieldType::Hashes),
    (
        "countries",
        FieldType::Strings("a two-letter country code", is_country),
    ),
    ("regions", FieldType::Places),
    ("cities", FieldType::Places),
    (
        "postal_codes",
        FieldType::Strings(
            "at most 32 letters, digits, spaces and hyphens",
            is_postal_code,
        ),
    ),
    (
        "obref",
        FieldType::String("the browser ID, a string that is not blank", is_not_blank),
    ),
    (
        "ip_address",
        FieldType::String(
            "the visitor's IPv4 or IPv6 address, as a string",
            is_ip_address,
        ),
    ),
    (
        "user_agent",
        FieldType::String("the visitor's user agent, a non-empty string", is_not_empty),
    ),
    (
        "android_advertising_id",
        FieldType::String("a UUID, as a string", is_uuid),
    ),
];

/// The legacy names, their types and the names that replace them.
pub const LEGACY_FIELDS: [(&str, LegacyType, &str); 12] = [
    ("email_sha256", LegacyType::Hashes, "emails_sha256"),
    (
        "phone_number_sha256",
        LegacyType::Hashes,
        "phone_numbers_sha256",
    ),
    (
        "external_id_sha256",
        LegacyType::Hashes,
        "external_ids_sha256",
    ),
    (
        "first_name_sha256",
        LegacyType::Hashes,
        "first_names_sha256",
    ),
    ("last_name_sha256", LegacyType::Hashes, "last_names_sha256"),
    ("country", LegacyType::Strings, "countries"),
    ("region", LegacyType::Strings, "regions"),
    ("city", LegacyType::Strings, "cities"),
    ("postal_code", LegacyType::Strings, "postal_codes"),
    ("zip_code", LegacyType::Strings, "postal_codes"),
    ("client_ip_address", LegacyType::String, "ip_address"),
    ("client_user_agent", LegacyType::String, "user_agent"),
];

/// Names often sent by mistake, in the form of [`normalize_name`], and the names that are meant.
const ALIASES: [(&str, &str); 24] = [
    ("email", "emails_sha256"),
    ("emails", "emails_sha256"),
    ("em", "emails_sha256"),
    ("phone", "phone_numbers_sha256"),
    ("phones", "phone_numbers_sha256"),
    ("phonenumber", "phone_numbers_sha256"),
    ("phonenumbers", "phone_numbers_sha256"),
    ("ph", "phone_numbers_sha256"),
    ("firstname", "first_names_sha256"),
    ("firstnames", "first_names_sha256"),
    ("fn", "first_names_sha256"),
    ("lastname", "last_names_sha256"),
    ("lastnames", "last_names_sha256"),
    ("ln", "last_names_sha256"),
    ("externalid", "external_ids_sha256"),
    ("externalids", "external_ids_sha256"),
    ("userid", "external_ids_sha256"),
    ("zip", "postal_codes"),
    ("zipcodes", "postal_codes"),
    ("ip", "ip_address"),
    ("clientip", "ip_address"),
    ("useragentstring", "user_agent"),
    ("gaid", "android_advertising_id"),
    ("aaid", "android_advertising_id"),
];

/// Checks one string.
pub type Rule = fn(&str) -> bool;

/// What a field holds.
#[derive(Clone, Copy)]
pub enum FieldType {
    /// A list of SHA-256 hashes. The first three valid and different ones count.
    Hashes,
    /// A list of place names, not hashed.
    Places,
    /// A list of strings: what each must be, and the rule.
    Strings(&'static str, Rule),
    /// One string: what it must be, and the rule.
    String(&'static str, Rule),
}

/// What a legacy field holds.
#[derive(Clone, Copy)]
pub enum LegacyType {
    /// A SHA-256 hash or a list of them.
    Hashes,
    /// A non-empty string or a list of them.
    Strings,
    /// A non-empty string.
    String,
}

/// Whether `user` has a field of this name, current or legacy.
pub fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|(known, _)| *known == name)
        || LEGACY_FIELDS.iter().any(|(known, ..)| *known == name)
}

/// The field that was probably meant by an unknown name.
pub fn intended(name: &str) -> Option<&'static str> {
    let normalized = normalize_name(name);
    let matches = |known: &str| normalize_name(known) == normalized;
    if let Some((_, intended)) = ALIASES.iter().find(|(alias, _)| *alias == normalized) {
        return Some(intended);
    }
    if let Some((known, _)) = FIELDS.iter().find(|(known, _)| matches(known)) {
        return Some(known);
    }
    LEGACY_FIELDS
        .iter()
        .find(|(known, ..)| matches(known))
        .map(|(_, _, replacement)| *replacement)
}

/// The name that replaces a legacy name.
pub fn current_name(name: &str) -> Option<&'static str> {
    LEGACY_FIELDS
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, _, replacement)| *replacement)
}

/// Whether the API takes this text as a value of `countries`, `regions`, `cities` or `postal_codes`.
pub fn is_valid_place(name: &str, text: &str) -> bool {
    FIELDS
        .iter()
        .find(|(known, _)| *known == name)
        .is_some_and(|(_, kind)| match kind {
            FieldType::Strings(_, rule) => rule(text),
            FieldType::Places => is_place(text),
            FieldType::Hashes | FieldType::String(..) => false,
        })
}

/// Whether the text is a city or region.
pub fn is_place(text: &str) -> bool {
    let place = text.trim();
    !place.is_empty() && place.chars().count() <= MAX_PLACE_CHARS
}

/// Whether a field of this name must hold hashes, in `user` or elsewhere.
pub fn is_hashed(name: &str) -> bool {
    is_field(name) && name.ends_with("_sha256")
}

/// A name in lowercase, without `_`, `-` and spaces.
pub fn normalize_name(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Whether the value is a string, or a list of strings, that follow the rule.
pub fn all_strings(value: &Value, rule: impl Fn(&str) -> bool) -> bool {
    let is_valid = |value: &Value| value.as_str().is_some_and(&rule);
    match value {
        Value::Array(values) => values.iter().all(is_valid),
        one => is_valid(one),
    }
}

/// Whether the text is a SHA-256 hash in lowercase hexadecimal.
pub fn is_lowercase_sha256_hex(text: &str) -> bool {
    rules::is_sha256_hex(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_postal_code(text: &str) -> bool {
    text.chars().count() <= MAX_POSTAL_CODE_CHARS
        && is_not_blank(text)
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'))
}

fn is_not_blank(text: &str) -> bool {
    !text.trim().is_empty()
}

/// Whether the text is not empty.
pub fn is_not_empty(text: &str) -> bool {
    !text.is_empty()
}

fn is_ip_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// Five groups of hexadecimal digits: <https://www.rfc-editor.org/rfc/rfc9562#section-4>.
fn is_uuid(text: &str) -> bool {
    let mut lengths = [8, 4, 4, 4, 12].into_iter();
    let is_group = |group: &str| {
        lengths.next() == Some(group.len()) && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    text.len() == 36 && text.split('-').all(is_group)
}

/// Whether a UUID consists of zeros alone.
pub fn is_all_zeros(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.bytes().all(|byte| matches!(byte, b'0' | b'-')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn uuid_has_five_groups_of_hexadecimal_digits(text in "[0-9a-fA-F-]{30,40}") {
            let groups: Vec<usize> = text.split('-').map(str::len).collect();
            prop_assert_eq!(is_uuid(&text), groups == [8, 4, 4, 4, 12]);
        }
    }
}
