//! The field `user` of a server's event: who the visitor is.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::ingest::ordered_fields::OrderedFields;
use crate::ingest::rules;
use crate::store::record::{Notes, Violation, Warning};

/// How many values of a list of hashes count.
const MAX_HASHES: usize = 3;

/// The longest city or region, in characters.
const MAX_PLACE_CHARS: usize = 128;

/// The longest postal code, in characters.
const MAX_POSTAL_CODE_CHARS: usize = 32;

/// The fields, with what each holds.
const FIELDS: [(&str, FieldType); 13] = [
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
        FieldType::String(
            "the visitor's user agent, a string that is not empty",
            is_not_empty,
        ),
    ),
    (
        "android_advertising_id",
        FieldType::String("a UUID, as a string", is_uuid),
    ),
];

/// The names of an older generation, with what each holds and the name of today.
const LEGACY_FIELDS: [(&str, LegacyType, &str); 12] = [
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

/// What is often sent in their place, in lowercase and without `_` and `-`.
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

type Rule = fn(&str) -> bool;

/// What a field holds.
#[derive(Clone, Copy)]
enum FieldType {
    /// A list of SHA-256, of which the first three valid unique ones count.
    Hashes,
    /// A list of places as people write them.
    Places,
    /// A list of strings, each of which follows the rule.
    Strings(&'static str, Rule),
    /// One string that follows the rule.
    String(&'static str, Rule),
}

/// What a field of an older generation holds.
#[derive(Clone, Copy)]
enum LegacyType {
    /// A SHA-256, or a list of such.
    Hashes,
    /// A string that is not empty, or a list of such.
    Strings,
    /// A string that is not empty.
    String,
}

/// What is known of a `user`.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong with it. No fault shows a value.
    pub violations: Vec<Violation>,
    /// What else there is to say.
    pub notes: Notes,
    /// What may be stored in its place, where it cannot be stored as it came.
    pub safe: Option<Value>,
}

/// Checks a `user` that is not null.
pub fn check(json: &str) -> Checked {
    let mut checked = Checked::default();
    let Ok(fields) = serde_json::from_str::<OrderedFields<Value>>(json) else {
        checked.violations.push(Violation::new(
            "user",
            rules::REDACTED,
            "an object with fields such as emails_sha256",
        ));
        checked.safe = Some(rules::REDACTED.into());
        return checked;
    };
    for name in fields.duplicates() {
        let field = format!("user.{}", rules::display_name(name));
        checked
            .violations
            .push(Violation::new(field, "there more than once", "there once"));
    }
    let mut safe = Map::new();
    for (name, mut value) in fields.0 {
        let violations_before = checked.violations.len();
        if !value.is_null() {
            checked.check_field(&name, &value);
        }
        if checked.violations.len() > violations_before {
            value = rules::REDACTED.into();
        }
        safe.insert(rules::display_name(&name), value);
    }
    if !checked.violations.is_empty() {
        checked.safe = Some(safe.into());
    }
    checked
}

impl Checked {
    fn check_field(&mut self, name: &str, value: &Value) {
        let field = format!("user.{}", rules::display_name(name));
        if let Some((_, holds)) = FIELDS.iter().find(|(known, _)| *known == name) {
            match *holds {
                FieldType::Hashes => self.check_hashes(&field, value),
                FieldType::Places => self.check_places(&field, value),
                FieldType::Strings(expected, rule) => {
                    self.check_each(&field, value, expected, rule)
                }
                FieldType::String(expected, rule) => {
                    if !value.as_str().is_some_and(rule) {
                        self.violation(field, expected);
                    } else if name == "android_advertising_id" && is_all_zeros(value) {
                        let message = "An ID of zeros alone is ignored: the device has none. Leave the field out.";
                        self.notes.warnings.push(Warning::new(field, message));
                    }
                }
            }
        } else if let Some((_, holds, instead)) =
            LEGACY_FIELDS.iter().find(|(known, ..)| *known == name)
        {
            self.check_legacy(&field, value, *holds, instead);
        } else {
            let meant = match meant(name) {
                Some(meant) if meant.ends_with("_sha256") => {
                    Some(format!("send `{meant}`, a list of SHA-256 hashes"))
                }
                Some(meant) => Some(format!("its name is `{meant}`")),
                None => None,
            };
            self.violations.push(Violation {
                advice: meant,
                ..rules::unknown_field(field)
            });
        }
    }

    /// What may be a raw identifier fails the event. What cannot be one is ignored, as by the API, as long as anything
    /// is left that counts.
    fn check_hashes(&mut self, field: &str, value: &Value) {
        let Value::Array(values) = value else {
            return match value.as_str() {
                Some(text) if rules::is_sha256_hex(text) => {
                    self.violation(field, "a list, such as [\"…\"]");
                }
                _ => self.violations.push(rules::not_hashed(field)),
            };
        };
        let mut valid: Vec<&str> = Vec::new();
        let mut ignored = Vec::new();
        for (i, value) in values.iter().enumerate() {
            let at = format!("{field}[{i}]");
            match value.as_str() {
                Some(text) if is_lowercase_sha256_hex(text) => {
                    // further ones do not count anyway
                    if valid.len() <= MAX_HASHES && !valid.contains(&text) {
                        valid.push(text);
                    }
                }
                Some(text) if text.trim().is_empty() || rules::is_sha256_hex(text) => {
                    ignored.push(at)
                }
                _ => self.violations.push(rules::not_hashed(at)),
            }
            if self.violations.len() > rules::MAX_VIOLATIONS {
                return;
            }
        }
        if valid.is_empty() && !ignored.is_empty() {
            self.violations.push(rules::not_hashed(&ignored[0]));
            return;
        }
        ignored.truncate(rules::MAX_VIOLATIONS);
        for at in ignored {
            let message = "Ignored, because it is not 64 lowercase hexadecimal digits.";
            self.notes.warnings.push(Warning::new(at, message));
        }
        if valid.len() > MAX_HASHES {
            let message = format!(
                "{} values were sent. The first {MAX_HASHES} different valid ones count, and the others are ignored.",
                values.len()
            );
            self.notes.warnings.push(Warning::new(field, message));
        }
    }

    fn check_places(&mut self, field: &str, value: &Value) {
        const EXPECTED: &str = "a string of 1 to 128 characters, besides white space at its ends";
        self.check_each(field, value, EXPECTED, |text| {
            let place = text.trim();
            !place.is_empty() && place.chars().count() <= MAX_PLACE_CHARS
        });
        for (i, value) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(text) = value.as_str() {
                let counts_as = text.trim().to_lowercase();
                self.notes
                    .normalize(format!("{field}[{i}]"), text, &counts_as);
            }
        }
    }

    fn check_each(&mut self, field: &str, value: &Value, expected: &str, rule: Rule) {
        let Value::Array(values) = value else {
            return self.violation(
                field,
                format!("a list; each of its values must be {expected}"),
            );
        };
        let wrong = values
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.as_str().is_some_and(rule))
            .map(|(i, _)| format!("{field}[{i}]"));
        for at in wrong.take(rules::MAX_VIOLATIONS) {
            self.violation(at, expected);
        }
    }

    fn check_legacy(&mut self, field: &str, value: &Value, holds: LegacyType, instead: &str) {
        let is_right = match holds {
            LegacyType::Hashes if !all_strings(value, rules::is_sha256_hex) => {
                return self.violations.push(rules::not_hashed(field));
            }
            LegacyType::Hashes => true,
            LegacyType::Strings => all_strings(value, is_not_empty),
            LegacyType::String => value.as_str().is_some_and(is_not_empty),
        };
        if !is_right {
            let expected = match holds {
                LegacyType::String => "a string that is not empty",
                _ => "a string that is not empty, or a list of such",
            };
            return self.violation(field, expected);
        }
        let list = match holds {
            LegacyType::String => "",
            _ => ", a list,",
        };
        let instead = format!("user.{instead}");
        let message = format!("This name is of an older generation. Send {instead}{list} instead.");
        self.notes
            .warnings
            .push(Warning::deprecated(field, &instead, message));
    }

    fn violation(&mut self, field: impl Into<String>, expected: impl Into<String>) {
        self.violations
            .push(Violation::new(field, rules::REDACTED, expected));
    }
}

/// Is it a field of `user`, of either generation?
pub fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|(known, _)| *known == name)
        || LEGACY_FIELDS.iter().any(|(known, ..)| *known == name)
}

/// The field that was meant by another name.
pub fn meant(name: &str) -> Option<&'static str> {
    let plain = plain(name);
    let is_that = |known: &str| self::plain(known) == plain;
    if let Some((_, meant)) = ALIASES.iter().find(|(other, _)| *other == plain) {
        return Some(meant);
    }
    if let Some((known, _)) = FIELDS.iter().find(|(known, _)| is_that(known)) {
        return Some(known);
    }
    LEGACY_FIELDS
        .iter()
        .find(|(known, ..)| is_that(known))
        .map(|(_, _, instead)| *instead)
}

/// Must a field of this name hold hashes, wherever it stands?
pub fn is_hashed(name: &str) -> bool {
    is_field(name) && name.ends_with("_sha256")
}

/// A name in lowercase and without what joins its words.
pub fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// A string or a list of strings, each of which is as it must be.
pub fn all_strings(value: &Value, is_right: impl Fn(&str) -> bool) -> bool {
    let is_right = |value: &Value| value.as_str().is_some_and(&is_right);
    match value {
        Value::Array(values) => values.iter().all(is_right),
        one => is_right(one),
    }
}

fn is_lowercase_sha256_hex(text: &str) -> bool {
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

fn is_not_empty(text: &str) -> bool {
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

fn is_all_zeros(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.bytes().all(|byte| matches!(byte, b'0' | b'-')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const HASHED: [&str; 5] = [
        "emails_sha256",
        "phone_numbers_sha256",
        "external_ids_sha256",
        "first_names_sha256",
        "last_names_sha256",
    ];

    fn checked(user: &Value) -> Checked {
        check(&user.to_string())
    }

    fn one(name: &str, value: Value) -> Checked {
        let mut user = Map::new();
        user.insert(name.to_owned(), value);
        checked(&user.into())
    }

    fn fields(checked: &Checked) -> Vec<&str> {
        let violations = checked.violations.iter();
        violations
            .map(|violation| violation.field.as_str())
            .collect()
    }

    fn hash(byte: &str) -> String {
        byte.repeat(32)
    }

    #[test]
    fn every_documented_field_is_taken_without_a_word() {
        let user = json!({
            "emails_sha256": [hash("a1"), hash("b2"), hash("c3")],
            "phone_numbers_sha256": [hash("a1")],
            "external_ids_sha256": [hash("a1")],
            "first_names_sha256": [hash("a1")],
            "last_names_sha256": [hash("a1")],
            "countries": ["DE", "us"],
            "regions": ["niedersachsen", "x".repeat(128)],
            "cities": ["köln"],
            "postal_codes": ["26757", "SW1A 1AA", "12345-6789"],
            "obref": "3f0e8a52-7f3b-4c68-9a3b-0d5d3c1f2a11",
            "ip_address": "203.0.113.7",
            "user_agent": "Mozilla/5.0",
            "android_advertising_id": "38400000-8cf0-11bd-b23e-10b96e40000d",
        });
        assert_eq!(user.as_object().unwrap().len(), FIELDS.len());
        let checked = checked(&user);
        assert_eq!(checked.violations, []);
        assert_eq!(checked.notes, Notes::default());
        assert_eq!(checked.safe, None);
    }

    #[test]
    fn a_field_that_breaks_its_rule_is_named_with_its_place_and_without_its_value() {
        let long = "x".repeat(129);
        for (name, value, at, expected) in [
            ("emails_sha256", json!(hash("a1")), "", "a list"),
            ("emails_sha256", json!([5]), "[0]", "64 lowercase"),
            ("emails_sha256", json!({}), "", "64 lowercase"),
            ("countries", json!("DE"), "", "a list"),
            ("countries", json!(["DE", "DEU"]), "[1]", "two-letter"),
            ("countries", json!(["D1"]), "[0]", "two-letter"),
            ("countries", json!([" DE"]), "[0]", "two-letter"),
            ("regions", json!([" "]), "[0]", "1 to 128"),
            ("cities", json!([long]), "[0]", "1 to 128"),
            ("cities", json!([1]), "[0]", "1 to 128"),
            ("postal_codes", json!(["123_45"]), "[0]", "hyphens"),
            ("postal_codes", json!(["1".repeat(33)]), "[0]", "at most 32"),
            ("postal_codes", json!([" "]), "[0]", "letters"),
            ("obref", json!(" \t"), "", "not blank"),
            ("obref", json!(["x"]), "", "not blank"),
            ("ip_address", json!("203.0.113.256"), "", "IPv6"),
            ("ip_address", json!(["::1"]), "", "IPv6"),
            ("ip_address", json!("203.0.113.7, 10.0.0.1"), "", "IPv6"),
            ("user_agent", json!(""), "", "not empty"),
            (
                "android_advertising_id",
                json!("384000008cf011bdb23e10b96e40000d"),
                "",
                "UUID",
            ),
            (
                "android_advertising_id",
                json!("3840000-08cf0-11bd-b23e-10b96e40000d"),
                "",
                "UUID",
            ),
            (
                "android_advertising_id",
                json!("38400000-8cf0-11bd-b23e-10b96e40000g"),
                "",
                "UUID",
            ),
        ] {
            let checked = one(name, value.clone());
            assert_eq!(fields(&checked), [format!("user.{name}{at}")], "{value}");
            let violation = &checked.violations[0];
            assert!(
                violation.expected.contains(expected),
                "{value}: {violation:?}"
            );
            assert_eq!(violation.given, rules::REDACTED);
            let safe = checked.safe.unwrap();
            assert_eq!(safe[name], rules::REDACTED, "{safe}");
        }
        for right in [
            json!("::1"),
            json!("2001:db8::7"),
            json!("::ffff:203.0.113.7"),
        ] {
            assert_eq!(fields(&one("ip_address", right)), [""; 0]);
        }
        assert_eq!(
            fields(&one("cities", json!([format!("  {}  ", "ü".repeat(128))]))),
            [""; 0]
        );
    }

    #[test]
    fn of_a_list_of_hashes_the_first_three_different_ones_count_and_others_are_no_fault() {
        for name in HASHED {
            let repeated = json!([hash("a1"), hash("a1"), hash("b2"), hash("c3"), hash("a1")]);
            let checked = one(name, repeated);
            assert_eq!(checked.violations, []);
            assert_eq!(checked.notes, Notes::default());
            let many = json!([hash("a1"), hash("b2"), hash("c3"), hash("d4"), hash("e5")]);
            let checked = one(name, many);
            assert_eq!(checked.violations, []);
            assert_eq!(checked.notes.warnings.len(), 1);
            assert!(checked.notes.warnings[0].message.starts_with("5 values"));
        }
    }

    #[test]
    fn what_cannot_be_a_raw_identifier_is_ignored_beside_a_valid_hash() {
        let checked = one("emails_sha256", json!(["", hash("AB"), hash("ab")]));
        assert_eq!(checked.violations, []);
        let ignored: Vec<_> = checked
            .notes
            .warnings
            .iter()
            .map(|warning| warning.field.as_str())
            .collect();
        assert_eq!(ignored, ["user.emails_sha256[0]", "user.emails_sha256[1]"]);
        // but not where nothing is left
        for none in [json!([""]), json!([hash("AB")])] {
            assert_eq!(
                fields(&one("emails_sha256", none)),
                ["user.emails_sha256[0]"]
            );
        }
        assert_eq!(fields(&one("emails_sha256", json!([]))), [""; 0]);
    }

    #[test]
    fn a_raw_identifier_behind_three_hashes_is_refused_all_the_same() {
        let values = json!([
            hash("a1"),
            hash("b2"),
            hash("c3"),
            hash("d4"),
            "jane@example.com"
        ]);
        let checked = one("emails_sha256", values);
        assert_eq!(fields(&checked), ["user.emails_sha256[4]"]);
        assert!(!format!("{checked:?}").contains("jane"));
    }

    #[test]
    fn cities_and_regions_count_trimmed_and_in_lowercase() {
        let checked = checked(&json!({ "cities": ["  New York ", "köln"], "regions": ["NY"] }));
        assert_eq!(checked.violations, []);
        let normalized: Vec<_> = checked
            .notes
            .normalized
            .iter()
            .map(|one| (one.field.as_str(), one.value.as_str().unwrap()))
            .collect();
        assert_eq!(
            normalized,
            [("user.cities[0]", "new york"), ("user.regions[0]", "ny")]
        );
    }

    #[test]
    fn an_advertising_id_of_zeros_is_ignored_with_a_warning() {
        let zeros = json!("00000000-0000-0000-0000-000000000000");
        let checked = one("android_advertising_id", zeros);
        assert_eq!(checked.violations, []);
        assert_eq!(
            checked.notes.warnings[0].field,
            "user.android_advertising_id"
        );
    }

    #[test]
    fn a_field_of_the_older_generation_is_taken_and_names_the_one_of_today() {
        for (name, holds, instead) in LEGACY_FIELDS {
            let right = match holds {
                LegacyType::Hashes => vec![json!(hash("ab")), json!([hash("AB"), hash("ab")])],
                LegacyType::Strings => vec![json!("x"), json!(["x", "y"])],
                LegacyType::String => vec![json!("x")],
            };
            for value in right {
                let checked = one(name, value);
                assert_eq!(checked.violations, [], "{name}");
                let [warning] = &checked.notes.warnings[..] else {
                    panic!("{name}: {checked:?}")
                };
                assert_eq!(warning.field, format!("user.{name}"));
                let expected = format!("user.{instead}");
                assert_eq!(warning.replacement.as_deref(), Some(&*expected));
                assert!(warning.message.contains(&expected));
            }
            for wrong in [json!(""), json!(1), json!({}), json!([1]), json!([""])] {
                let checked = one(name, wrong);
                assert_eq!(fields(&checked), [format!("user.{name}")]);
                assert_eq!(checked.notes.warnings, []);
            }
        }
    }

    #[test]
    fn a_null_counts_as_left_out() {
        for (name, _) in FIELDS {
            assert_eq!(fields(&one(name, Value::Null)), [""; 0], "{name}");
        }
        for (name, ..) in LEGACY_FIELDS {
            let checked = one(name, Value::Null);
            assert_eq!(
                (checked.violations, checked.notes),
                (vec![], Notes::default())
            );
        }
    }

    #[test]
    fn another_name_is_refused_with_the_one_that_was_meant() {
        for (name, part) in [
            ("email", "`emails_sha256`"),
            ("emailSha256", "`emails_sha256`"),
            ("Phone-Number", "`phone_numbers_sha256`"),
            ("ipAddress", "`ip_address`"),
            ("zip", "`postal_codes`"),
        ] {
            let checked = one(name, json!("jane@example.com"));
            let advice = checked.violations[0].advice.as_deref().unwrap_or_default();
            assert!(advice.contains(part), "{name}: {advice}");
            assert!(!format!("{checked:?}").contains("jane"));
        }
        let checked = one("jane@example.com", json!(1));
        assert_eq!(checked.violations.len(), 1);
        assert!(!format!("{checked:?}").contains("jane"), "{checked:?}");
    }

    #[test]
    fn a_value_given_twice_is_not_stored_by_its_second() {
        for pair in [("jane@a.test", &*hash("ab")), (&*hash("ab"), "jane@a.test")] {
            let user = format!(
                r#"{{"emails_sha256":["{}"],"emails_sha256":["{}"]}}"#,
                pair.0, pair.1
            );
            let checked = check(&user);
            assert_eq!(checked.violations.len(), 2);
            assert!(!format!("{checked:?}").contains("jane"), "{checked:?}");
        }
    }

    proptest! {
        #[test]
        fn no_raw_identifier_is_told_or_stored(
            name in prop::sample::select(HASHED.to_vec()),
            older in prop::sample::select(vec!["email_sha256", "phone_number_sha256", "last_name_sha256"]),
            raw in "[a-z]{3,12}@[a-z]{3,12}\\.example|\\+?[0-9]{8,15}|[a-fA-F]{3,8}",
            place in 0..5_usize,
        ) {
            let mut values = vec![hash("a1"), hash("b2"), hash("c3"), hash("d4")];
            values.insert(place.min(values.len()), raw.clone());
            for user in [json!({ name: values }), json!({ name: raw }), json!({ older: raw }), json!({ older: values })] {
                let checked = checked(&user);
                prop_assert!(!checked.violations.is_empty());
                let stored = checked.safe.as_ref().unwrap().to_string();
                prop_assert!(!stored.contains(&raw));
                for violation in &checked.violations {
                    prop_assert_eq!(&violation.given, rules::REDACTED);
                }
            }
        }

        #[test]
        fn only_uuids_are_uuids(text in "[0-9a-fA-F-]{30,40}") {
            let groups: Vec<usize> = text.split('-').map(str::len).collect();
            prop_assert_eq!(is_uuid(&text), groups == [8, 4, 4, 4, 12]);
        }
    }
}
