//! Checks the field `user` of a Conversions API event.
//!
//! [`super::user_fields`] has the tables of fields.

use serde_json::{Map, Value};

use super::user_fields::{
    FIELDS, FieldType, LEGACY_FIELDS, LegacyType, Rule, all_strings, intended, is_all_zeros,
    is_lowercase_sha256_hex, is_not_empty, is_place,
};
use crate::ordered_fields::OrderedFields;
use crate::remarks::{Notes, Violation, Warning};
use crate::rules;

/// How many values of a list of hashes count.
const MAX_HASHES: usize = 3;

/// The result of checking `user`.
#[derive(Debug, Default)]
pub struct Checked {
    /// The rules that it breaks. No violation quotes a value.
    pub violations: Vec<Violation>,
    /// Remarks that do not make it invalid.
    pub notes: Notes,
    /// What to store instead, if it is invalid and may hold raw identifiers.
    pub redacted: Option<Value>,
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
        checked.redacted = Some(rules::REDACTED.into());
        return checked;
    };
    for name in fields.duplicates() {
        let field = format!("user.{}", rules::display_name(name));
        checked
            .violations
            .push(Violation::new(field, "sent more than once", "sent once"));
    }
    let mut redacted = Map::new();
    for (name, mut value) in fields.0 {
        let violations_before = checked.violations.len();
        if !value.is_null() {
            checked.check_field(&name, &value);
        }
        if checked.violations.len() > violations_before {
            value = rules::REDACTED.into();
        }
        redacted.insert(rules::display_name(&name), value);
    }
    if !checked.violations.is_empty() {
        checked.redacted = Some(redacted.into());
    }
    checked
}

impl Checked {
    fn check_field(&mut self, name: &str, value: &Value) {
        let field = format!("user.{}", rules::display_name(name));
        if let Some((_, field_type)) = FIELDS.iter().find(|(known, _)| *known == name) {
            match *field_type {
                FieldType::Hashes => self.check_hashes(&field, value),
                FieldType::Places => self.check_places(&field, value),
                FieldType::Strings(expected, rule) => {
                    self.check_each(&field, value, expected, rule)
                }
                FieldType::String(expected, rule) => {
                    if !value.as_str().is_some_and(rule) {
                        self.add_violation(field, expected);
                    } else if name == "android_advertising_id" && is_all_zeros(value) {
                        let message = "An ID of zeros is ignored, because the device has no advertising ID. Omit the field.";
                        self.notes.warnings.push(Warning::new(field, message));
                    }
                }
            }
        } else if let Some((_, legacy_type, replacement)) =
            LEGACY_FIELDS.iter().find(|(known, ..)| *known == name)
        {
            self.check_legacy(&field, value, *legacy_type, replacement);
        } else {
            let advice = intended(name).map(|intended| match intended.ends_with("_sha256") {
                true => format!("send `{intended}`, a list of SHA-256 hashes"),
                false => format!("send `{intended}`"),
            });
            self.violations.push(Violation {
                advice,
                ..rules::unknown_field(field)
            });
        }
    }

    /// A value that may be a raw identifier is a violation. Any other invalid value is ignored, as the API does, unless no
    /// valid value is left.
    fn check_hashes(&mut self, field: &str, value: &Value) {
        let Value::Array(values) = value else {
            return match value.as_str() {
                Some(text) if rules::is_sha256_hex(text) => {
                    self.add_violation(field, "a list, such as [\"…\"]");
                }
                _ => self.violations.push(rules::not_hashed(field)),
            };
        };
        let mut valid: Vec<&str> = Vec::new();
        let mut ignored = Vec::new();
        for (i, value) in values.iter().enumerate() {
            let path = format!("{field}[{i}]");
            match value.as_str() {
                Some(text) if is_lowercase_sha256_hex(text) => {
                    // More than one above the limit need not be remembered.
                    if valid.len() <= MAX_HASHES && !valid.contains(&text) {
                        valid.push(text);
                    }
                }
                Some(text) if text.trim().is_empty() || rules::is_sha256_hex(text) => {
                    ignored.push(path)
                }
                _ => self.violations.push(rules::not_hashed(path)),
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
        for path in ignored {
            let message = "Ignored, because it is not 64 lowercase hexadecimal digits.";
            self.notes.warnings.push(Warning::new(path, message));
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
        const EXPECTED: &str =
            "a string of 1 to 128 characters, not counting white space at both ends";
        self.check_each(field, value, EXPECTED, is_place);
        for (i, value) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(text) = value.as_str() {
                let normalized = text.trim().to_lowercase();
                self.notes
                    .normalize(format!("{field}[{i}]"), text, &normalized);
            }
        }
    }

    fn check_each(&mut self, field: &str, value: &Value, expected: &str, rule: Rule) {
        let Value::Array(values) = value else {
            return self.add_violation(field, format!("a list; each value must be {expected}"));
        };
        let invalid = values
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.as_str().is_some_and(rule))
            .map(|(i, _)| format!("{field}[{i}]"));
        for path in invalid.take(rules::MAX_VIOLATIONS) {
            self.add_violation(path, expected);
        }
    }

    fn check_legacy(
        &mut self,
        field: &str,
        value: &Value,
        legacy_type: LegacyType,
        replacement: &str,
    ) {
        let is_valid = match legacy_type {
            LegacyType::Hashes if !all_strings(value, rules::is_sha256_hex) => {
                return self.violations.push(rules::not_hashed(field));
            }
            LegacyType::Hashes => true,
            LegacyType::Strings => all_strings(value, is_not_empty),
            LegacyType::String => value.as_str().is_some_and(is_not_empty),
        };
        if !is_valid {
            let expected = match legacy_type {
                LegacyType::String => "a non-empty string",
                _ => "a non-empty string, or a list of them",
            };
            return self.add_violation(field, expected);
        }
        let list = match legacy_type {
            LegacyType::String => "",
            _ => ", a list,",
        };
        let replacement = format!("user.{replacement}");
        let message = format!("This is a legacy name. Send {replacement}{list} instead.");
        self.notes
            .warnings
            .push(Warning::deprecated(field, &replacement, message));
    }

    fn add_violation(&mut self, field: impl Into<String>, expected: impl Into<String>) {
        self.violations
            .push(Violation::new(field, rules::REDACTED, expected));
    }
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
    fn documented_fields_are_accepted_without_warnings() {
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
        assert_eq!(checked.redacted, None);
    }

    #[test]
    fn broken_rule_reports_its_path_but_not_the_value() {
        let long = "x".repeat(129);
        for (name, value, path, expected) in [
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
            ("user_agent", json!(""), "", "non-empty"),
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
            assert_eq!(fields(&checked), [format!("user.{name}{path}")], "{value}");
            let violation = &checked.violations[0];
            assert!(
                violation.expected.contains(expected),
                "{value}: {violation:?}"
            );
            assert_eq!(violation.given, rules::REDACTED);
            let redacted = checked.redacted.unwrap();
            assert_eq!(redacted[name], rules::REDACTED, "{redacted}");
        }
        for valid in [
            json!("::1"),
            json!("2001:db8::7"),
            json!("::ffff:203.0.113.7"),
        ] {
            assert_eq!(fields(&one("ip_address", valid)), [""; 0]);
        }
        assert_eq!(
            fields(&one("cities", json!([format!("  {}  ", "ü".repeat(128))]))),
            [""; 0]
        );
    }

    #[test]
    fn fourth_hash_is_a_warning() {
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
    fn blank_or_uppercase_hash_is_ignored_next_to_a_valid_one() {
        let checked = one("emails_sha256", json!(["", hash("AB"), hash("ab")]));
        assert_eq!(checked.violations, []);
        let ignored: Vec<_> = checked
            .notes
            .warnings
            .iter()
            .map(|warning| warning.field.as_str())
            .collect();
        assert_eq!(ignored, ["user.emails_sha256[0]", "user.emails_sha256[1]"]);
        // Not if no valid hash is left.
        for none in [json!([""]), json!([hash("AB")])] {
            assert_eq!(
                fields(&one("emails_sha256", none)),
                ["user.emails_sha256[0]"]
            );
        }
        assert_eq!(fields(&one("emails_sha256", json!([]))), [""; 0]);
    }

    #[test]
    fn raw_identifier_after_three_hashes_is_a_violation() {
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
    fn cities_and_regions_are_normalized() {
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
    fn advertising_id_of_zeros_is_a_warning() {
        let zeros = json!("00000000-0000-0000-0000-000000000000");
        let checked = one("android_advertising_id", zeros);
        assert_eq!(checked.violations, []);
        assert_eq!(
            checked.notes.warnings[0].field,
            "user.android_advertising_id"
        );
    }

    #[test]
    fn legacy_field_is_accepted_with_its_replacement() {
        for (name, legacy_type, replacement) in LEGACY_FIELDS {
            let valid = match legacy_type {
                LegacyType::Hashes => vec![json!(hash("ab")), json!([hash("AB"), hash("ab")])],
                LegacyType::Strings => vec![json!("x"), json!(["x", "y"])],
                LegacyType::String => vec![json!("x")],
            };
            for value in valid {
                let checked = one(name, value);
                assert_eq!(checked.violations, [], "{name}");
                let [warning] = &checked.notes.warnings[..] else {
                    panic!("{name}: {checked:?}")
                };
                assert_eq!(warning.field, format!("user.{name}"));
                let expected = format!("user.{replacement}");
                assert_eq!(warning.replacement.as_deref(), Some(&*expected));
                assert!(warning.message.contains(&expected));
            }
            for invalid in [json!(""), json!(1), json!({}), json!([1]), json!([""])] {
                let checked = one(name, invalid);
                assert_eq!(fields(&checked), [format!("user.{name}")]);
                assert_eq!(checked.notes.warnings, []);
            }
        }
    }

    #[test]
    fn null_counts_as_missing() {
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
    fn unknown_field_suggests_the_intended_one() {
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
    fn duplicate_field_does_not_leak_a_raw_identifier() {
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
        fn raw_identifier_is_never_reported_or_stored(
            name in prop::sample::select(HASHED.to_vec()),
            legacy in prop::sample::select(vec!["email_sha256", "phone_number_sha256", "last_name_sha256"]),
            raw in "[a-z]{3,12}@[a-z]{3,12}\\.example|\\+?[0-9]{8,15}|[a-fA-F]{3,8}",
            place in 0..5_usize,
        ) {
            let mut values = vec![hash("a1"), hash("b2"), hash("c3"), hash("d4")];
            values.insert(place.min(values.len()), raw.clone());
            for user in [json!({ name: values }), json!({ name: raw }), json!({ legacy: raw }), json!({ legacy: values })] {
                let checked = checked(&user);
                prop_assert!(!checked.violations.is_empty());
                let stored = checked.redacted.as_ref().unwrap().to_string();
                prop_assert!(!stored.contains(&raw));
                for violation in &checked.violations {
                    prop_assert_eq!(&violation.given, rules::REDACTED);
                }
            }
        }
    }
}
