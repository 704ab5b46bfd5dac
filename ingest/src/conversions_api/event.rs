//! One event of a Conversions API request: its members are read in order, checked, and redacted for storage.
//!
//! [`super::event_fields`] has the rules for single fields.

use std::ops::Range;

use oaiq::explain::redact_identifiers;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::event_fields::{FIELDS, unknown_field};
use super::{scrub, user};
use crate::ordered_fields::OrderedFields;
use crate::remarks::{Notes, Violation, Warning};
use crate::rules;

/// An event of the Conversions API with the rules that it breaks.
#[derive(Debug)]
pub struct ServerEvent {
    /// The event, byte for byte as received, except that possible raw identifiers are redacted.
    pub text: String,
    /// The event's name; empty if it has none.
    pub name: String,
    /// The name of a `custom` event, for deduplication.
    pub custom_event_name: Option<String>,
    /// The event's ID; empty if it has none.
    pub id: String,
    /// Whether the event identifies no visitor.
    pub is_anonymous: bool,
    /// The rules that it breaks.
    pub violations: Vec<Violation>,
    /// Remarks that do not make it invalid.
    pub notes: Notes,
}

/// A range of an event's text, and the text to store in its place.
type Replacement = (Range<usize>, String);

impl ServerEvent {
    /// Parses and checks an event received at `now_ms`.
    pub fn parse(text: &str, now_ms: u64) -> Self {
        let mut event = Self {
            text: String::new(),
            name: String::new(),
            custom_event_name: None,
            id: String::new(),
            is_anonymous: true,
            violations: Vec::new(),
            notes: Notes::default(),
        };
        match serde_json::from_str::<OrderedFields<&RawValue>>(text) {
            Ok(members) => {
                let replacements = event.check(text, &members, now_ms);
                event.text = apply(text, replacements);
            }
            Err(_) => {
                event.add_violation(
                    "event",
                    "not an object",
                    "an object, such as {\"type\": \"order_created\", …}",
                );
                // A value of another type may be a raw identifier.
                event.text = Value::from(rules::REDACTED).to_string();
            }
        }
        event.violations.truncate(rules::MAX_VIOLATIONS);
        event.notes.truncate(rules::MAX_VIOLATIONS);
        event
    }

    /// Checks all members. Returns what to replace before the text is stored.
    fn check(
        &mut self,
        text: &str,
        members: &OrderedFields<&RawValue>,
        now_ms: u64,
    ) -> Vec<Replacement> {
        for name in members.duplicates() {
            let name = rules::display_name(name);
            self.add_violation(&name, "sent more than once", "sent once");
        }
        let mut replacements = Vec::new();
        let mut fields = Map::new();
        let mut unknown = Vec::new();
        // Where the previous member ends.
        let mut end = 0;
        for (name, value) in &members.0 {
            let json = value.get();
            let redacted = if name == "user" {
                // Every duplicate is checked, so that none is stored unchecked.
                self.check_user(json)
            } else {
                let (value, redacted) = self.scrub(name, json);
                if !FIELDS.contains(&name.as_str()) {
                    unknown.push(unknown_field(name));
                } else if let Some(value) = value {
                    fields.insert(name.clone(), value);
                } else {
                    self.add_violation(name, "nested too deeply", "nested at most 100 levels deep");
                }
                redacted
            };
            let start = json.as_ptr() as usize - text.as_ptr() as usize;
            let safe_name = redact_identifiers(name);
            if safe_name != *name {
                // An identifier was used as a name: replace everything from the previous member to the value.
                let separator = if end == 0 { '{' } else { ',' };
                let member = format!("{separator}{}:", Value::from(safe_name));
                replacements.push((end..start, member));
            }
            end = start + json.len();
            if let Some(redacted) = redacted {
                replacements.push((start..end, redacted));
            }
        }
        // `null` counts as missing.
        fields.retain(|_, value| !value.is_null());
        self.check_fields(&fields, now_ms);
        self.violations.append(&mut unknown);
        replacements
    }

    /// Checks `user`. Returns what to store instead, if it must be redacted.
    fn check_user(&mut self, json: &str) -> Option<String> {
        if json == "null" {
            return None;
        }
        self.is_anonymous = false;
        let mut checked = user::check(json);
        self.violations.append(&mut checked.violations);
        self.notes.warnings.append(&mut checked.notes.warnings);
        self.notes.normalized.append(&mut checked.notes.normalized);
        checked.redacted.map(|redacted| redacted.to_string())
    }

    /// Finds raw identifiers outside `user`. Returns the value as received, unless it is nested too deeply, and what to
    /// store instead, if it must be redacted.
    fn scrub(&mut self, name: &str, json: &str) -> (Option<Value>, Option<String>) {
        let Ok(value) = serde_json::from_str::<Value>(json) else {
            return (None, Some(Value::from(rules::REDACTED).to_string()));
        };
        let mut redacted = value.clone();
        let mut found = Vec::new();
        scrub::scrub(name, &mut redacted, &rules::display_name(name), &mut found);
        if found.is_empty() {
            return (Some(value), None);
        }
        found.truncate(rules::MAX_VIOLATIONS);
        for (path, must_be_hashed) in found {
            if must_be_hashed {
                self.violations.push(Violation {
                    advice: Some("send it in `user`".to_owned()),
                    ..rules::not_hashed(path)
                });
            } else {
                let message = "This may be a raw identifier, so it was not stored. Hash it with SHA-256 and send it in `user`.";
                self.notes.warnings.push(Warning::new(path, message));
            }
        }
        (Some(value), Some(redacted.to_string()))
    }

    pub(super) fn add_violation(&mut self, field: &str, given: &str, expected: &str) {
        self.violations.push(Violation::new(field, given, expected));
    }
}

/// Replaces ranges of a text. They must be sorted and must not overlap.
fn apply(text: &str, replacements: Vec<Replacement>) -> String {
    let mut out = text.to_owned();
    for (range, replacement) in replacements.into_iter().rev() {
        out.replace_range(range, &replacement);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{NOW, any_json, order, parse, violations, with};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn valid_event_is_stored_byte_for_byte_without_warnings() {
        let spaced = r#"{"type" : "order_created"}"#;
        assert_eq!(ServerEvent::parse(spaced, NOW).text, spaced);
        let event = parse(&order());
        assert_eq!(event.violations, []);
        assert_eq!(event.notes, Notes::default());
        assert_eq!(
            (event.name.as_str(), event.id.as_str()),
            ("order_created", "o-1")
        );
        assert!(!event.is_anonymous);
    }

    #[test]
    fn raw_identifier_in_user_is_a_violation_and_redacted() {
        let raw = "jane.doe@example.com";
        for user in [
            json!({ "emails_sha256": raw }),
            json!({ "emails_sha256": ["ab".repeat(32), raw] }),
            json!({ "emails_sha256": { "value": raw } }),
            json!({ "email_sha256": [raw] }),
            json!({ "email": raw }),
            json!({ "cities": [raw, 1] }),
            json!({ raw: 1 }),
            json!(raw),
        ] {
            let event = parse(&with("user", user.clone()));
            assert_eq!(event.violations.len(), 1, "{user}");
            assert!(!format!("{event:?}").contains(raw), "{event:?}");
            let stored: Value = serde_json::from_str(&event.text).unwrap();
            assert_eq!(stored["data"], order()["data"]);
        }
        let twice = format!(
            r#"{{"user":{{"emails_sha256":["{raw}"]}},"id":"ü","us\u0065r":{{"email":"{raw}"}},"type":"custom"}}"#
        );
        let event = ServerEvent::parse(&twice, NOW);
        assert!(!format!("{event:?}").contains(raw), "{event:?}");
        let stored: Value = serde_json::from_str(&event.text).unwrap();
        assert_eq!(stored["id"], "ü");
    }

    #[test]
    fn raw_identifier_outside_user_is_redacted() {
        let raw = "jane.doe@example.com";
        for (field, value) in [
            ("email", json!(raw)),
            ("emails_sha256", json!([raw])),
            ("customer", json!({ "firstName": raw })),
            ("user_data", json!([{ "email_sha256": raw }])),
            (raw, json!(1)),
            (
                "data",
                json!({ "type": "contents", "user": { "emails_sha256": [raw] } }),
            ),
            ("data", json!({ "type": "contents", "email": raw })),
            (
                "data",
                json!({ "type": "contents", "contents": [{ "email": raw }] }),
            ),
        ] {
            let event = parse(&with(field, value.clone()));
            assert!(!event.violations.is_empty(), "{value}");
            assert!(!event.text.contains(raw), "{}", event.text);
            assert!(!format!("{:?}", event.violations).contains(raw), "{value}");
            let stored: Value = serde_json::from_str(&event.text).unwrap();
            assert_eq!(stored["id"], "o-1");
        }
        for list in [json!([{ "user": { "email": raw } }]), json!(raw)] {
            assert!(!format!("{:?}", parse(&list)).contains(raw));
        }
    }

    #[test]
    fn email_field_of_a_custom_event_is_accepted_but_redacted() {
        let mut event = with("type", json!("custom"));
        event["custom_event_name"] = json!("quiz");
        event["data"] = json!({ "type": "custom", "email": "jane@example.com", "score": 4 });
        let parsed = parse(&event);
        assert_eq!(parsed.violations, []);
        assert_eq!(parsed.notes.warnings[0].field, "data.email");
        assert!(!format!("{parsed:?}").contains("jane"));
        // A field whose name ends in _sha256 must hold a hash.
        event["data"] = json!({ "type": "custom", "email_sha256": "jane@example.com" });
        let parsed = parse(&event);
        assert_eq!(parsed.violations[0].field, "data.email_sha256");
        assert!(!format!("{parsed:?}").contains("jane"));
        event["data"] = json!({ "type": "custom", "email_sha256": "ab".repeat(32) });
        assert_eq!(violations(&event), []);
    }

    #[test]
    fn deep_nesting_is_a_violation() {
        for field in ["data", "user", "id", "unknown"] {
            let deep = format!(
                r#"{{"{field}":{}{}}}"#,
                "[".repeat(200_000),
                "]".repeat(200_000)
            );
            let event = ServerEvent::parse(&deep, NOW);
            assert!(!event.violations.is_empty());
            assert!(event.text.len() < 100, "{}", event.text.len());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_event_is_stored_as_json_with_complete_violations(event in any_json()) {
            let event = parse(&event);
            prop_assert!(serde_json::from_str::<Value>(&event.text).is_ok());
            prop_assert!(event.violations.len() <= rules::MAX_VIOLATIONS);
            for violation in &event.violations {
                prop_assert!(!violation.expected.is_empty() && !violation.given.is_empty());
                prop_assert!(violation.field.len() < 2000 && violation.given.len() < 1000);
            }
            for warning in &event.notes.warnings {
                prop_assert!(!warning.message.is_empty() && warning.field.len() < 2000);
            }
        }

        #[test]
        fn arbitrary_user_is_stored_as_json(user in any_json()) {
            let event = parse(&with("user", user));
            prop_assert!(serde_json::from_str::<Value>(&event.text).is_ok());
        }

        #[test]
        fn redacted_names_leave_values_unchanged(
            names in prop::collection::vec("[a-z]{1,3}(@a\\.test)?|ü{130}", 1..6), white in "[ \n]{0,2}",
        ) {
            let members: Vec<_> = names.iter().enumerate().map(|(i, name)| format!("{white}{}{white}:{white}[{i}, 1.50]{white}", json!(name))).collect();
            let event = ServerEvent::parse(&format!("{{{}}}", members.join(",")), NOW);
            prop_assert!(!event.text.contains('@'));
            let stored: OrderedFields<&RawValue> = serde_json::from_str(&event.text).unwrap();
            prop_assert_eq!(stored.0.len(), names.len());
            for (i, (_, value)) in stored.0.iter().enumerate() {
                prop_assert_eq!(value.get(), format!("[{i}, 1.50]"));
            }
        }
    }
}
