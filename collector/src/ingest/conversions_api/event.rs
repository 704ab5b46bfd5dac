//! One event of a server.

use std::ops::Range;

use oaiq::explain::redact_identifiers;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{data, scrub, user};
use crate::ingest::ordered_fields::OrderedFields;
use crate::ingest::rules;
use crate::store::record::{Notes, Violation, Warning};

/// Where an event may have happened.
const ACTION_SOURCES: [&str; 7] = [
    "web",
    "mobile_app",
    "offline",
    "physical_store",
    "phone_call",
    "email",
    "other",
];

/// The fields of an event. `obref` is there for older senders: its place is `user`.
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

/// An event of a server, with what is wrong with it.
#[derive(Debug)]
pub struct ServerEvent {
    /// As it came, byte for byte; only what may be a raw identifier is replaced.
    pub text: String,
    /// Its name; empty where it has none.
    pub name: String,
    /// What duplicates of a `custom` event are recognised by.
    pub custom_event_name: Option<String>,
    /// Its id; empty where it has none.
    pub id: String,
    /// Whether it says nothing of who the visitor is.
    pub stripped: bool,
    /// What is wrong with it.
    pub violations: Vec<Violation>,
    /// What else there is to say.
    pub notes: Notes,
}

/// A part of an event's text, and what is stored in its place.
type Replacement = (Range<usize>, String);

impl ServerEvent {
    /// Reads one that arrived at `now_ms`.
    pub fn read(text: &str, now_ms: u64) -> Self {
        let mut event = Self {
            text: String::new(),
            name: String::new(),
            custom_event_name: None,
            id: String::new(),
            stripped: true,
            violations: Vec::new(),
            notes: Notes::default(),
        };
        match serde_json::from_str::<OrderedFields<&RawValue>>(text) {
            Ok(fields) => {
                let replacements = event.check(text, &fields, now_ms);
                event.text = replaced(text, replacements);
            }
            Err(_) => {
                event.violation(
                    "event",
                    "not an object",
                    "an object, such as {\"type\": \"order_created\", …}",
                );
                // whatever it is, it may be about a person
                event.text = Value::from(rules::REDACTED).to_string();
            }
        }
        event.violations.truncate(rules::MAX_VIOLATIONS);
        event.notes.truncate(rules::MAX_VIOLATIONS);
        event
    }

    /// Gives what must not be stored as it came.
    fn check(
        &mut self,
        text: &str,
        raw: &OrderedFields<&RawValue>,
        now_ms: u64,
    ) -> Vec<Replacement> {
        for name in raw.duplicates() {
            let name = rules::display_name(name);
            self.violation(&name, "there more than once", "there once");
        }
        let mut replacements = Vec::new();
        let mut fields = Map::new();
        let mut unknown = Vec::new();
        // where the member before ends
        let mut end = 0;
        for (name, value) in &raw.0 {
            let json = value.get();
            let safe = if name == "user" {
                // each of several, so that all of it is seen
                self.check_user(json)
            } else {
                let (value, safe) = self.scrubbed(name, json);
                if !FIELDS.contains(&name.as_str()) {
                    unknown.push(unknown_field(name));
                } else if let Some(value) = value {
                    fields.insert(name.clone(), value);
                } else {
                    self.violation(name, "nested too deep", "nested at most 100 deep");
                }
                safe
            };
            let start = json.as_ptr() as usize - text.as_ptr() as usize;
            let safe_name = redact_identifiers(name);
            if safe_name != *name {
                // a value where a name should be
                let before = if end == 0 { '{' } else { ',' };
                let member = format!("{before}{}:", Value::from(safe_name));
                replacements.push((end..start, member));
            }
            end = start + json.len();
            if let Some(safe) = safe {
                replacements.push((start..end, safe));
            }
        }
        // what is null is not there
        fields.retain(|_, value| !value.is_null());
        self.check_fields(&fields, now_ms);
        self.violations.append(&mut unknown);
        replacements
    }

    fn check_fields(&mut self, fields: &Map<String, Value>, now_ms: u64) {
        self.stripped &= !fields.contains_key("oppref") && !fields.contains_key("obref");
        self.check_name_and_data(fields);
        self.id = self.string_field(fields, "id", true).unwrap_or_default();
        self.violations.extend(rules::id_violation(&self.id));
        match fields
            .get("timestamp_ms")
            .map(|time| (time, rules::as_whole_number(time)))
        {
            Some((_, Some(time))) => self
                .violations
                .extend(rules::timestamp_violation(time, now_ms)),
            Some((other, None)) => {
                self.violation(
                    "timestamp_ms",
                    &rules::display(other),
                    "a whole number of milliseconds since 1970, in UTC",
                );
            }
            None => self.violation(
                "timestamp_ms",
                "not there",
                "there: when it happened, in milliseconds since 1970, in UTC",
            ),
        }
        self.check_source(fields);
        self.string_field(fields, "oppref", false);
        if self.string_field(fields, "obref", false).is_some() {
            self.notes.warnings.push(Warning::deprecated(
                "obref",
                "user.obref",
                "This place is of an older generation. Send user.obref instead.",
            ));
        }
    }

    fn check_name_and_data(&mut self, fields: &Map<String, Value>) {
        let Some(name) = fields.get("type") else {
            let violation = Violation::new("type", "not there", "there: the event's name");
            return self.violations.push(violation.of_kind("missing_field"));
        };
        let mut options = Map::new();
        for option in ["custom_event_name", "opt_out"] {
            if let Some(value) = fields.get(option) {
                options.insert(option.to_owned(), value.clone());
            }
        }
        self.custom_event_name = fields
            .get("custom_event_name")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned);
        self.name = name.as_str().unwrap_or_default().to_owned();
        for violation in data::violations(name, fields.get("data"), options, &mut self.notes) {
            // a field that must hold hashes has been named already
            if !self
                .violations
                .iter()
                .any(|known| known.field == violation.field)
            {
                self.violations.push(violation);
            }
        }
    }

    fn check_source(&mut self, fields: &Map<String, Value>) {
        let is_app = data::APP_EVENTS.contains(&self.name.as_str());
        let source = self.string_field(fields, "action_source", false);
        match source.as_deref() {
            Some(source) if !ACTION_SOURCES.contains(&source) => {
                let expected = format!("one of {}", ACTION_SOURCES.join(", "));
                self.violation("action_source", &rules::display(&source.into()), &expected);
            }
            Some(source) if is_app && source != "mobile_app" => {
                self.require_mobile_app(&rules::display(&source.into()));
            }
            Some(_) => {}
            // it is there and no string, which is a fault already
            None if fields.contains_key("action_source") => {}
            None if is_app => self.require_mobile_app("not there"),
            None => self.notes.warnings.push(Warning::new(
                "action_source",
                "Not there. Say where the event happened, for example \"action_source\": \"web\".",
            )),
        }
        let is_web = source.as_deref() == Some("web");
        if is_web && !fields.contains_key("source_url") {
            return self.violation(
                "source_url",
                "not there",
                "there, because action_source is \"web\": the page's address",
            );
        }
        if let Some(url) = self.string_field(fields, "source_url", false)
            && is_web
            && !has_scheme_and_host(&url)
        {
            self.violation(
                "source_url",
                &rules::display(&url.into()),
                "an address with a scheme and a host, such as https://shop.example/thanks",
            );
        }
    }

    fn require_mobile_app(&mut self, given: &str) {
        let expected = format!("\"mobile_app\", because {} happens in an app", self.name);
        self.violation("action_source", given, &expected);
    }

    /// A string that is not empty.
    fn string_field(
        &mut self,
        fields: &Map<String, Value>,
        name: &str,
        required: bool,
    ) -> Option<String> {
        match fields.get(name) {
            Some(Value::String(text)) if !text.is_empty() => return Some(text.clone()),
            Some(other) => {
                self.violation(name, &rules::display(other), "a string that is not empty")
            }
            None if required => {
                self.violation(name, "not there", "there: a string that is not empty")
            }
            None => {}
        }
        None
    }

    /// Gives what may be stored instead, if that is necessary.
    fn check_user(&mut self, json: &str) -> Option<String> {
        if json == "null" {
            return None;
        }
        self.stripped = false;
        let mut checked = user::check(json);
        self.violations.append(&mut checked.violations);
        self.notes.warnings.append(&mut checked.notes.warnings);
        self.notes.normalized.append(&mut checked.notes.normalized);
        checked.safe.map(|safe| safe.to_string())
    }

    /// Looks for raw identifiers where none belong. Gives the value as it came, unless it is nested too deep, and what
    /// may be stored instead, where that is necessary.
    fn scrubbed(&mut self, name: &str, json: &str) -> (Option<Value>, Option<String>) {
        let Ok(value) = serde_json::from_str::<Value>(json) else {
            let not_shown = Value::from(rules::REDACTED);
            return (None, Some(not_shown.to_string()));
        };
        let mut safe = value.clone();
        let mut found = Vec::new();
        scrub::scrub(name, &mut safe, &rules::display_name(name), &mut found);
        if found.is_empty() {
            return (Some(value), None);
        }
        found.truncate(rules::MAX_VIOLATIONS);
        for (place, must_be_hashed) in found {
            if must_be_hashed {
                self.violations.push(Violation {
                    advice: Some("its place is `user`".to_owned()),
                    ..rules::not_hashed(place)
                });
            } else {
                let message = "It may hold a raw identifier, so it is not stored here. Hash it with SHA-256 and send it in `user`.";
                self.notes.warnings.push(Warning::new(place, message));
            }
        }
        (Some(value), Some(safe.to_string()))
    }

    fn violation(&mut self, field: &str, given: &str, expected: &str) {
        self.violations.push(Violation::new(field, given, expected));
    }
}

/// A text with some of its parts replaced. They are in the order of the text, and apart.
fn replaced(text: &str, replacements: Vec<Replacement>) -> String {
    let mut out = text.to_owned();
    for (range, safe) in replacements.into_iter().rev() {
        out.replace_range(range, &safe);
    }
    out
}

/// `scheme://host`: <https://www.rfc-editor.org/rfc/rfc3986#section-3>.
fn has_scheme_and_host(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && rest.starts_with(|first: char| first.is_alphanumeric() || first == '[')
    })
}

/// The fault of a field that does not exist, with the one that was meant, if that can be guessed. What is in it may be
/// about anybody, and is not shown.
fn unknown_field(name: &str) -> Violation {
    let meant = match name {
        "event_id" | "eventId" => "its name here is `id`".to_owned(),
        "event" | "name" | "event_name" => "its name here is `type`".to_owned(),
        "timestamp" | "event_time" => "its name here is `timestamp_ms`, in milliseconds".to_owned(),
        "url" | "event_source_url" => "its name here is `source_url`".to_owned(),
        "amount" | "currency" | "contents" | "plan_id" => "its place is `data`".to_owned(),
        "validate_only" | "integration_source" => "its place is beside `events`".to_owned(),
        _ if user::is_field(name) => "its place is `user`".to_owned(),
        _ => match user::meant(name) {
            Some(meant) => format!("send `user.{meant}`"),
            None => String::new(),
        },
    };
    Violation {
        advice: (!meant.is_empty()).then_some(meant),
        ..rules::unknown_field(rules::display_name(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: u64 = 1_790_000_000_000;

    fn order() -> Value {
        json!({
            "type": "order_created",
            "id": "o-1",
            "timestamp_ms": NOW - 5_000,
            "action_source": "web",
            "source_url": "https://shop.example/thanks",
            "oppref": "click",
            "user": {
                "emails_sha256": ["ab".repeat(32)],
                "countries": ["DE"],
                "obref": "3f0e8a52-7f3b-4c68-9a3b-0d5d3c1f2a11",
                "ip_address": "203.0.113.7",
                "user_agent": "Mozilla/5.0",
            },
            "data": { "type": "contents", "amount": 2599, "currency": "EUR", "contents": [{ "id": "mug" }] },
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut event = order();
        event[field] = value;
        event
    }

    fn without(field: &str) -> Value {
        let mut event = order();
        event.as_object_mut().unwrap().remove(field);
        event
    }

    fn read(event: &Value) -> ServerEvent {
        ServerEvent::read(&event.to_string(), NOW)
    }

    /// The fields at fault, with what is expected.
    fn violations(event: &Value) -> Vec<(String, String)> {
        read(event)
            .violations
            .into_iter()
            .map(|violation| (violation.field, violation.expected))
            .collect()
    }

    #[test]
    fn an_order_is_taken_byte_for_byte_and_without_a_warning() {
        let spaced = r#"{"type" : "order_created"}"#;
        assert_eq!(ServerEvent::read(spaced, NOW).text, spaced);
        let event = read(&order());
        assert_eq!(event.violations, []);
        assert_eq!(event.notes, Notes::default());
        assert_eq!(
            (event.name.as_str(), event.id.as_str()),
            ("order_created", "o-1")
        );
        assert!(!event.stripped);
    }

    #[test]
    fn each_rule_names_its_field() {
        for (event, field, expected) in [
            (json!(1), "event", "an object"),
            (json!({}), "id", "not empty"),
            (without("type"), "type", "the event's name"),
            (with("type", json!("purchase")), "type", "app_opened"),
            (with("id", json!("")), "id", "not empty"),
            (with("id", json!(7)), "id", "not empty"),
            (without("id"), "id", "there"),
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
            (without("timestamp_ms"), "timestamp_ms", "there"),
            (
                with("action_source", json!("website")),
                "action_source",
                "physical_store",
            ),
            (with("action_source", json!(1)), "action_source", "a string"),
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
            (with("oppref", json!("")), "oppref", "not empty"),
            (with("obref", json!(1)), "obref", "not empty"),
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
    fn only_the_web_needs_a_page_and_every_source_is_taken() {
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
    fn an_event_without_an_action_source_is_taken_with_a_warning() {
        let event = read(&without("action_source"));
        assert_eq!(event.violations, []);
        assert_eq!(event.notes.warnings[0].field, "action_source");
    }

    #[test]
    fn what_is_null_counts_as_not_there() {
        for field in ["oppref", "obref", "user", "opt_out", "custom_event_name"] {
            assert_eq!(violations(&with(field, Value::Null)), [], "{field}");
        }
        assert!(!violations(&with("data", Value::Null)).is_empty());
    }

    #[test]
    fn apps_events_come_from_apps_alone() {
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
            // no page is needed for it
            event["source_url"] = Value::Null;
            assert_eq!(violations(&event), []);
        }
        // other events may come from apps too
        assert_eq!(violations(&with("action_source", json!("mobile_app"))), []);
    }

    #[test]
    fn a_browser_id_beside_the_user_is_taken_and_names_its_place() {
        let event = read(&with("obref", json!("b-1")));
        assert_eq!(event.violations, []);
        let [warning] = &event.notes.warnings[..] else {
            panic!("{event:?}")
        };
        assert_eq!(
            (warning.field.as_str(), warning.replacement.as_deref()),
            ("obref", Some("user.obref"))
        );
    }

    #[test]
    fn a_raw_identifier_is_refused_and_neither_told_nor_stored() {
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
            let event = read(&with("user", user.clone()));
            assert_eq!(event.violations.len(), 1, "{user}");
            assert!(!format!("{event:?}").contains(raw), "{event:?}");
            let stored: Value = serde_json::from_str(&event.text).unwrap();
            assert_eq!(stored["data"], order()["data"]);
        }
        let twice = format!(
            r#"{{"user":{{"emails_sha256":["{raw}"]}},"id":"ü","us\u0065r":{{"email":"{raw}"}},"type":"custom"}}"#
        );
        let event = ServerEvent::read(&twice, NOW);
        assert!(!format!("{event:?}").contains(raw), "{event:?}");
        let stored: Value = serde_json::from_str(&event.text).unwrap();
        assert_eq!(stored["id"], "ü");
    }

    #[test]
    fn a_raw_identifier_in_a_wrong_place_is_not_stored_either() {
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
            let event = read(&with(field, value.clone()));
            assert!(!event.violations.is_empty(), "{value}");
            assert!(!event.text.contains(raw), "{}", event.text);
            assert!(!format!("{:?}", event.violations).contains(raw), "{value}");
            let stored: Value = serde_json::from_str(&event.text).unwrap();
            assert_eq!(stored["id"], "o-1");
        }
        for list in [json!([{ "user": { "email": raw } }]), json!(raw)] {
            assert!(!format!("{:?}", read(&list)).contains(raw));
        }
    }

    #[test]
    fn a_custom_events_own_field_may_be_called_email_and_is_not_stored() {
        let mut event = with("type", json!("custom"));
        event["custom_event_name"] = json!("quiz");
        event["data"] = json!({ "type": "custom", "email": "jane@example.com", "score": 4 });
        let read_event = read(&event);
        assert_eq!(read_event.violations, []);
        assert_eq!(read_event.notes.warnings[0].field, "data.email");
        assert!(!format!("{read_event:?}").contains("jane"));
        // a name that promises a hash is another matter
        event["data"] = json!({ "type": "custom", "email_sha256": "jane@example.com" });
        let read_event = read(&event);
        assert_eq!(read_event.violations[0].field, "data.email_sha256");
        assert!(!format!("{read_event:?}").contains("jane"));
        event["data"] = json!({ "type": "custom", "email_sha256": "ab".repeat(32) });
        assert_eq!(violations(&event), []);
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        for field in ["data", "user", "id", "unknown"] {
            let deep = format!(
                r#"{{"{field}":{}{}}}"#,
                "[".repeat(200_000),
                "]".repeat(200_000)
            );
            let event = ServerEvent::read(&deep, NOW);
            assert!(!event.violations.is_empty());
            assert!(event.text.len() < 100, "{}", event.text.len());
        }
    }

    /// Any JSON, often with the names that matter.
    fn any_json() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            prop::sample::select(
                [
                    FIELDS.as_slice(),
                    &["contents", "amount", "currency", "group_id", "variant_dict"],
                    &[
                        "emails_sha256",
                        "email_sha256",
                        "external_ids_sha256",
                        "email"
                    ],
                    &[
                        "countries",
                        "cities",
                        "postal_codes",
                        "ip_address",
                        "user_agent"
                    ],
                    &["android_advertising_id", "integration_source"],
                ]
                .concat()
            )
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
            prop::sample::select(vec![
                "order_created",
                "custom",
                "app_opened",
                "web",
                "mobile_app",
                "contents",
                "customer_action",
                "eur",
                "::1",
                "DE",
            ])
            .prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::vec((name.clone(), inner), 0..8)
                    .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_event_is_stored_as_json_and_every_fault_says_what_must_be_there(event in any_json()) {
            let event = read(&event);
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
        fn any_user_is_stored_as_json(user in any_json()) {
            let event = read(&with("user", user));
            prop_assert!(serde_json::from_str::<Value>(&event.text).is_ok());
        }

        #[test]
        fn names_that_are_not_stored_leave_the_rest_as_it_came(
            names in prop::collection::vec("[a-z]{1,3}(@a\\.test)?|ü{130}", 1..6), white in "[ \n]{0,2}",
        ) {
            let members: Vec<_> = names.iter().enumerate().map(|(i, name)| format!("{white}{}{white}:{white}[{i}, 1.50]{white}", json!(name))).collect();
            let event = ServerEvent::read(&format!("{{{}}}", members.join(",")), NOW);
            prop_assert!(!event.text.contains('@'));
            let stored: OrderedFields<&RawValue> = serde_json::from_str(&event.text).unwrap();
            prop_assert_eq!(stored.0.len(), names.len());
            for (i, (_, value)) in stored.0.iter().enumerate() {
                prop_assert_eq!(value.get(), format!("[{i}, 1.50]"));
            }
        }

        #[test]
        fn any_further_field_of_custom_is_taken(name in "[a-z]{1,5}_[0-9]", value in any_json()) {
            let mut event = with("type", json!("custom"));
            event["custom_event_name"] = json!("quiz");
            event["data"] = json!({ "type": "custom", name.as_str(): value });
            let violations = violations(&event);
            // a hash that is none is refused wherever it stands
            prop_assert!(violations.iter().all(|(field, _)| field.ends_with("_sha256")), "{:?}", violations);
        }
    }
}
