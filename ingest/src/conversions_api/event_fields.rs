//! The rules for the fields of a Conversions API event, except `user`.

use serde_json::{Map, Value};

use super::event::ServerEvent;
use super::{data, user_fields};
use crate::remarks::{Violation, Warning};
use crate::rules;

/// The values of `action_source`: where an event happened.
pub const ACTION_SOURCES: [&str; 7] = [
    "web",
    "mobile_app",
    "offline",
    "physical_store",
    "phone_call",
    "email",
    "other",
];

/// The fields of an event. `obref` is the legacy place of `user.obref`.
pub const FIELDS: [&str; 11] = [
    "type",
    "id",
    "timestamp_ms",
    "action_source",
    "source_url",
    "custom_event_name",
    "opt_out",
    "oppref",
    "obref",
    "user",
    "data",
];

impl ServerEvent {
    /// Checks all fields except `user`. None of them is null.
    pub(super) fn check_fields(&mut self, fields: &Map<String, Value>, now_ms: u64) {
        self.is_anonymous &= !fields.contains_key("oppref") && !fields.contains_key("obref");
        self.check_name_and_data(fields);
        self.id = self.check_string(fields, "id", true).unwrap_or_default();
        self.violations.extend(rules::id_violation(&self.id));
        self.check_timestamp(fields, now_ms);
        self.check_source(fields);
        self.check_string(fields, "oppref", false);
        if self.check_string(fields, "obref", false).is_some() {
            self.notes.warnings.push(Warning::deprecated(
                "obref",
                "user.obref",
                "This is a legacy place. Send user.obref instead.",
            ));
        }
    }

    fn check_name_and_data(&mut self, fields: &Map<String, Value>) {
        let Some(name) = fields.get("type") else {
            let violation = Violation::new("type", rules::MISSING, "set to the event's name");
            return self.violations.push(violation.of_kind("missing_field"));
        };
        let options = rules::options_among(fields);
        self.custom_event_name = fields
            .get("custom_event_name")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned);
        self.name = name.as_str().unwrap_or_default().to_owned();
        for violation in data::violations(name, fields.get("data"), options, &mut self.notes) {
            // The scrubber may have reported this field already.
            if !self
                .violations
                .iter()
                .any(|known| known.field == violation.field)
            {
                self.violations.push(violation);
            }
        }
    }

    fn check_timestamp(&mut self, fields: &Map<String, Value>, now_ms: u64) {
        let Some(value) = fields.get("timestamp_ms") else {
            return self.add_violation(
                "timestamp_ms",
                rules::MISSING,
                "set to the time of the event, in milliseconds since 1970, in UTC",
            );
        };
        match rules::as_whole_number(value) {
            Some(timestamp_ms) => {
                self.violations
                    .extend(rules::timestamp_violation(timestamp_ms, now_ms));
            }
            None => self.add_violation(
                "timestamp_ms",
                &rules::display(value),
                "a whole number of milliseconds since 1970, in UTC",
            ),
        }
    }

    /// Checks `action_source` and `source_url`, which depend on each other and on the event's name.
    fn check_source(&mut self, fields: &Map<String, Value>) {
        let is_app = data::APP_EVENTS.contains(&self.name.as_str());
        let source = self.check_string(fields, "action_source", false);
        match source.as_deref() {
            Some(source) if !ACTION_SOURCES.contains(&source) => {
                let expected = format!("one of {}", ACTION_SOURCES.join(", "));
                self.add_violation("action_source", &rules::display(&source.into()), &expected);
            }
            Some(source) if is_app && source != "mobile_app" => {
                self.require_mobile_app(&rules::display(&source.into()));
            }
            Some(_) => {}
            // Present, but not a string: reported already.
            None if fields.contains_key("action_source") => {}
            None if is_app => self.require_mobile_app(rules::MISSING),
            None => self.notes.warnings.push(Warning::new(
                "action_source",
                "This field is missing. Send where the event happened, for example \"action_source\": \"web\".",
            )),
        }
        let is_web = source.as_deref() == Some("web");
        if is_web && !fields.contains_key("source_url") {
            return self.add_violation(
                "source_url",
                rules::MISSING,
                "set to the page's URL, because action_source is \"web\"",
            );
        }
        if let Some(url) = self.check_string(fields, "source_url", false)
            && is_web
            && !has_scheme_and_host(&url)
        {
            self.add_violation(
                "source_url",
                &rules::display(&url.into()),
                "a URL with a scheme and a host, such as https://shop.example/thanks",
            );
        }
    }

    fn require_mobile_app(&mut self, given: &str) {
        let expected = format!("\"mobile_app\", because {} happens in an app", self.name);
        self.add_violation("action_source", given, &expected);
    }

    /// Returns the field's value if it is a non-empty string. Otherwise reports a violation, unless the field is missing
    /// and not required.
    fn check_string(
        &mut self,
        fields: &Map<String, Value>,
        name: &str,
        is_required: bool,
    ) -> Option<String> {
        match fields.get(name) {
            Some(Value::String(text)) if !text.is_empty() => return Some(text.clone()),
            Some(other) => self.add_violation(name, &rules::display(other), "a non-empty string"),
            None if is_required => self.add_violation(name, rules::MISSING, "a non-empty string"),
            None => {}
        }
        None
    }
}

/// Whether a URL begins with `scheme://host`: <https://www.rfc-editor.org/rfc/rfc3986#section-3>.
fn has_scheme_and_host(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && rest.starts_with(|first: char| first.is_alphanumeric() || first == '[')
    })
}

/// The violation of an unknown field, with advice if the intended field can be guessed. The value is not quoted, because it
/// may identify a person.
pub fn unknown_field(name: &str) -> Violation {
    let advice = match name {
        "event_id" | "eventId" => Some("send `id`".to_owned()),
        "event" | "name" | "event_name" => Some("send `type`".to_owned()),
        "timestamp" | "event_time" => Some("send `timestamp_ms`, in milliseconds".to_owned()),
        "url" | "event_source_url" => Some("send `source_url`".to_owned()),
        "amount" | "currency" | "contents" | "plan_id" => Some("send it in `data`".to_owned()),
        "validate_only" | "integration_source" => Some("send it next to `events`".to_owned()),
        _ if user_fields::is_field(name) => Some("send it in `user`".to_owned()),
        _ => user_fields::intended(name).map(|intended| format!("send `user.{intended}`")),
    };
    Violation {
        advice,
        ..rules::unknown_field(rules::display_name(name))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{NOW, any_json, parse, violations, with, without};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn broken_rule_reports_its_field() {
        for (event, field, expected) in [
            (json!(1), "event", "an object"),
            (json!({}), "id", "non-empty"),
            (without("type"), "type", "the event's name"),
            (with("type", json!("purchase")), "type", "app_opened"),
            (with("id", json!("")), "id", "non-empty"),
            (with("id", json!(7)), "id", "non-empty"),
            (without("id"), "id", "non-empty"),
            (
                with("id", json!("x".repeat(2000))),
                "id",
                "at most 1024 bytes",
            ),
            (
                with("timestamp_ms", json!(NOW / 1000)),
                "timestamp_ms",
                "looks like seconds",
            ),
            (
                with("timestamp_ms", json!("now")),
                "timestamp_ms",
                "whole number",
            ),
            (
                with("timestamp_ms", json!(NOW as f64 + 0.5)),
                "timestamp_ms",
                "whole number",
            ),
            (
                with("timestamp_ms", json!(NOW + 600_001)),
                "timestamp_ms",
                "10 minutes",
            ),
            (
                with("timestamp_ms", json!(NOW - 7 * 86_400_000 - 1)),
                "timestamp_ms",
                "7 days",
            ),
            (without("timestamp_ms"), "timestamp_ms", "set to"),
            (
                with("action_source", json!("website")),
                "action_source",
                "physical_store",
            ),
            (
                with("action_source", json!(1)),
                "action_source",
                "a non-empty string",
            ),
            (without("source_url"), "source_url", "\"web\""),
            (
                with("source_url", json!("/thanks")),
                "source_url",
                "a scheme and a host",
            ),
            (
                with("source_url", json!("shop.example/thanks")),
                "source_url",
                "a scheme and a host",
            ),
            (
                with("source_url", json!("https://")),
                "source_url",
                "a scheme and a host",
            ),
            (with("oppref", json!("")), "oppref", "non-empty"),
            (with("obref", json!(1)), "obref", "non-empty"),
            (
                with("custom_event_name", json!("x")),
                "custom_event_name",
                "omitted",
            ),
            (with("opt_out", json!("no")), "opt_out", "true or false"),
            (with("event_id", json!("o-1")), "event_id", "no such field"),
            (
                with("referrer_url", json!("https://a.test/")),
                "referrer_url",
                "no such field",
            ),
            (with("user", json!([])), "user", "an object"),
            (
                with("user", json!({ "email": "x" })),
                "user.email",
                "no such field",
            ),
            (
                with("user", json!({ "cities": [""] })),
                "user.cities[0]",
                "1 to 128",
            ),
            (without("data"), "data", "an object"),
            (
                with(
                    "data",
                    json!({ "type": "contents", "amount": 25.99, "currency": "EUR" }),
                ),
                "data.amount",
                "whole number",
            ),
            (
                with("type", json!("custom")),
                "custom_event_name",
                "a name of their own",
            ),
        ] {
            let found = violations(&event);
            assert!(
                found
                    .iter()
                    .any(|(at, text)| at == field && text.contains(expected)),
                "{event}: {found:?}"
            );
        }
    }

    #[test]
    fn source_url_is_required_for_web_only() {
        for source in ACTION_SOURCES {
            let mut event = without("source_url");
            event["action_source"] = source.into();
            assert_eq!(violations(&event).is_empty(), source != "web", "{source}");
        }
        for url in [
            "http://a",
            "HTTPS://shop.example/?a=b",
            "https://[::1]:8787/",
        ] {
            assert_eq!(violations(&with("source_url", json!(url))), []);
        }
    }

    #[test]
    fn missing_action_source_is_a_warning() {
        let event = parse(&without("action_source"));
        assert_eq!(event.violations, []);
        assert_eq!(event.notes.warnings[0].field, "action_source");
    }

    #[test]
    fn null_counts_as_missing() {
        for field in ["oppref", "obref", "user", "opt_out", "custom_event_name"] {
            assert_eq!(violations(&with(field, Value::Null)), [], "{field}");
        }
        assert!(!violations(&with("data", Value::Null)).is_empty());
    }

    #[test]
    fn app_events_require_mobile_app() {
        for name in data::APP_EVENTS {
            let mut event = with("type", json!(name));
            event["data"] = json!({ "type": "customer_action" });
            assert_eq!(violations(&event)[0].0, "action_source");
            event["action_source"] = Value::Null;
            assert_eq!(violations(&event)[0].0, "action_source");
            event["action_source"] = json!("nowhere");
            assert_eq!(violations(&event).len(), 1);
            event["action_source"] = json!("mobile_app");
            assert_eq!(violations(&event), []);
            // source_url is not required.
            event["source_url"] = Value::Null;
            assert_eq!(violations(&event), []);
        }
        // Other events may come from apps too.
        assert_eq!(violations(&with("action_source", json!("mobile_app"))), []);
    }

    #[test]
    fn obref_outside_user_is_a_warning() {
        let event = parse(&with("obref", json!("b-1")));
        assert_eq!(event.violations, []);
        let [warning] = &event.notes.warnings[..] else {
            panic!("{event:?}")
        };
        assert_eq!(
            (warning.field.as_str(), warning.replacement.as_deref()),
            ("obref", Some("user.obref"))
        );
    }

    proptest! {
        #[test]
        fn arbitrary_extra_field_of_custom_is_accepted(name in "[a-z]{1,5}_[0-9]", value in any_json()) {
            let mut event = with("type", json!("custom"));
            event["custom_event_name"] = json!("quiz");
            event["data"] = json!({ "type": "custom", name.as_str(): value });
            let violations = violations(&event);
            // Except a field whose name ends in _sha256 and that holds no hash.
            prop_assert!(violations.iter().all(|(field, _)| field.ends_with("_sha256")), "{:?}", violations);
        }
    }
}
