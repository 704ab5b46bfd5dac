//! The body of one `POST /v1/events`, the Conversions API, checked.
//!
//! Built from what is publicly known of it; `docs/collector.md` says where the real endpoint may differ.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::entry::Fault;
use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::rules;

/// How many events one request may bring.
pub const MOST_EVENTS: usize = 1_000;

/// Where an event may have happened.
pub const ACTION_SOURCES: [&str; 7] = [
    "web",
    "mobile_app",
    "offline",
    "physical_store",
    "phone_call",
    "email",
    "other",
];

/// The events that only an app's server sends.
pub const APP_EVENTS: [&str; 2] = ["app_installed", "app_opened"];

/// The fields of the body.
const BODY: [&str; 2] = ["events", "validate_only"];

/// The fields of an event.
const EVENT: [&str; 11] = [
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

/// The fields of `user` that hold hashed identifiers.
const HASHED: [&str; 5] = [
    "external_id_sha256",
    "email_sha256",
    "phone_number_sha256",
    "first_name_sha256",
    "last_name_sha256",
];

/// Those that say where somebody is.
const PLACES: [&str; 5] = ["country", "city", "region", "postal_code", "zip_code"];

/// Those of the visitor's device.
const DEVICE: [&str; 2] = ["client_ip_address", "client_user_agent"];

/// What a server sent.
#[derive(Debug)]
pub struct Conversions {
    /// Only a rehearsal: nothing is to be counted.
    pub validate_only: bool,
    /// The events, at least one, in the order of the request.
    pub events: Vec<Event>,
}

/// An event of a server, with what is wrong with it.
#[derive(Debug)]
pub struct Event {
    /// Letter by letter as it came; only what may be a raw identifier is not there any more.
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
    pub faults: Vec<Fault>,
}

/// Reads a body that arrived at `now_ms`.
///
/// # Errors
/// When its events cannot be told apart. What is wrong with an event is in its `faults`.
pub fn parse(body: &[u8], now_ms: u64) -> Result<Conversions, Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Refusal::bad_request(format!("the body is not UTF-8 text: {error}")))?;
    let fields: Fields<&RawValue> = serde_json::from_str(text).map_err(|error| {
        let problem = match error.classify() {
            serde_json::error::Category::Data => "is JSON, but no object".to_owned(),
            _ => format!("is not JSON: {error}"),
        };
        Refusal::bad_request(format!(
            r#"the body {problem}; it must be {{"events": [...]}}"#
        ))
    })?;
    if let Some((unknown, _)) = fields
        .0
        .iter()
        .find(|(name, _)| !BODY.contains(&name.as_str()))
    {
        return Err(Refusal::bad_request(format!(
            "the body has a field `{}`, which there is not: it has `events` and may have `validate_only`",
            rules::shortened(unknown)
        )));
    }
    if let Some(repeated) = fields.repeated().first() {
        return Err(Refusal::bad_request(format!(
            "the body has `{repeated}` more than once"
        )));
    }
    let validate_only = match fields.get("validate_only").map(|value| value.get()) {
        None | Some("null" | "false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(Refusal::bad_request(
                "`validate_only` must be true or false",
            ));
        }
    };
    let events = fields
        .get("events")
        .and_then(|events| serde_json::from_str::<Vec<&RawValue>>(events.get()).ok())
        .ok_or_else(|| Refusal::bad_request("the body has no `events`, a list of events"))?;
    match events.len() {
        0 => return Err(Refusal::bad_request("`events` is an empty list")),
        1..=MOST_EVENTS => {}
        count => {
            return Err(Refusal::bad_request(format!(
                "`events` has {count} events, and at most {MOST_EVENTS} are taken in one request: send them in several"
            )));
        }
    }
    Ok(Conversions {
        validate_only,
        events: events
            .into_iter()
            .map(|event| Event::read(event.get(), now_ms))
            .collect(),
    })
}

impl Event {
    fn read(text: &str, now_ms: u64) -> Self {
        let mut event = Self {
            text: text.to_owned(),
            name: String::new(),
            custom_event_name: None,
            id: String::new(),
            stripped: true,
            faults: Vec::new(),
        };
        match serde_json::from_str::<Fields<&RawValue>>(text) {
            Ok(fields) => event.check(text, &fields, now_ms),
            Err(_) => event.fault(
                "event",
                "no object",
                "an object, such as {\"type\": \"order_created\", …}",
            ),
        }
        event.faults.truncate(rules::MOST_FAULTS);
        event
    }

    fn check(&mut self, text: &str, raw: &Fields<&RawValue>, now_ms: u64) {
        for name in raw.repeated() {
            self.fault(name, "there more than once", "there once");
        }
        // `user` is looked at for itself, so that all of it is seen, also what is given twice
        for (_, user) in raw.0.iter().filter(|(name, _)| name == "user") {
            self.check_user(text, user);
        }
        let mut fields = Map::new();
        for (name, value) in &raw.0 {
            if !EVENT.contains(&name.as_str()) {
                self.faults.push(unknown_field("", name));
            } else if name != "user" {
                match serde_json::from_str(value.get()) {
                    Ok(value) => _ = fields.insert(name.clone(), value),
                    Err(_) => self.fault(name, "nested too deep", "nested at most 100 deep"),
                }
            }
        }
        // what is null is not there
        fields.retain(|_, value| !value.is_null());
        self.stripped &= !fields.contains_key("oppref") && !fields.contains_key("obref");

        let source = self.text_field(&fields, "action_source", true);
        self.check_name_and_data(&fields, source.as_deref());
        self.id = self.text_field(&fields, "id", true).unwrap_or_default();
        self.faults.extend(rules::id_fault(&self.id));
        match fields
            .get("timestamp_ms")
            .map(|time| (time, rules::whole_number(time)))
        {
            Some((_, Some(time))) => self.faults.extend(rules::time_fault(time, now_ms)),
            Some((other, None)) => {
                self.fault(
                    "timestamp_ms",
                    &rules::shown(other),
                    "a whole number of milliseconds since 1970, in UTC",
                );
            }
            None => self.fault(
                "timestamp_ms",
                "not there",
                "there: when it happened, in milliseconds since 1970, in UTC",
            ),
        }
        self.check_source(&fields, source.as_deref());
        for name in ["oppref", "obref"] {
            self.text_field(&fields, name, false);
        }
    }

    fn check_name_and_data(&mut self, fields: &Map<String, Value>, source: Option<&str>) {
        let Some(name) = fields.get("type") else {
            return self.fault("type", "not there", "there: the event's name");
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
        if APP_EVENTS.contains(&self.name.as_str()) {
            return self.check_app_event(fields, options, source);
        }
        let mut faults = rules::table_faults(name, fields.get("data"), &options);
        for fault in &mut faults {
            if fault.field == "type" {
                fault.expected += ", or for an app app_installed, app_opened";
            }
        }
        self.faults.append(&mut faults);
    }

    /// An app's event has the fields of `custom`; its `data.type` is `custom` or its own name.
    fn check_app_event(
        &mut self,
        fields: &Map<String, Value>,
        mut options: Map<String, Value>,
        source: Option<&str>,
    ) {
        if source.is_some_and(|source| source != "mobile_app") {
            let expected = format!("\"mobile_app\": {} happens in no other place", self.name);
            self.fault(
                "action_source",
                &source
                    .map(|source| rules::shown(&source.into()))
                    .unwrap_or_default(),
                &expected,
            );
        }
        if options.remove("custom_event_name").is_some() {
            self.fault(
                "custom_event_name",
                "there",
                "left out: only the event \"custom\" takes it",
            );
        }
        // the table's `custom` needs one
        options.insert("custom_event_name".to_owned(), "app".into());
        let mut data = fields.get("data").cloned();
        if let Some(kind) = data.as_mut().and_then(|data| data.get_mut("type"))
            && kind.as_str() == Some(&self.name)
        {
            *kind = "custom".into();
        }
        let mut faults = rules::table_faults(&"custom".into(), data.as_ref(), &options);
        for fault in &mut faults {
            if fault.field == "data.type" {
                fault.expected = format!("\"custom\" or \"{}\"", self.name);
                // it would be about `custom`
                fault.advice = None;
            }
        }
        self.faults.append(&mut faults);
    }

    fn check_source(&mut self, fields: &Map<String, Value>, source: Option<&str>) {
        if let Some(source) = source
            && !ACTION_SOURCES.contains(&source)
        {
            let expected = format!("one of {}", ACTION_SOURCES.join(", "));
            self.fault("action_source", &rules::shown(&source.into()), &expected);
        }
        let is_web = source == Some("web");
        if is_web && !fields.contains_key("source_url") {
            return self.fault(
                "source_url",
                "not there",
                "there, because action_source is \"web\": the page's address",
            );
        }
        if let Some(url) = self.text_field(fields, "source_url", false)
            && is_web
            && !is_web_address(&url)
        {
            self.fault(
                "source_url",
                &rules::shown(&url.into()),
                "an address that begins with https:// or http://",
            );
        }
    }

    /// A string that is not empty.
    fn text_field(
        &mut self,
        fields: &Map<String, Value>,
        name: &str,
        required: bool,
    ) -> Option<String> {
        match fields.get(name) {
            Some(Value::String(text)) if !text.is_empty() => return Some(text.clone()),
            Some(other) => self.fault(name, &rules::shown(other), "a string that is not empty"),
            None if required => self.fault(name, "not there", "there: a string that is not empty"),
            None => {}
        }
        None
    }

    fn check_user(&mut self, text: &str, raw: &RawValue) {
        if raw.get() == "null" {
            return;
        }
        self.stripped = false;
        let before = self.faults.len();
        let mut clean = Map::new();
        match serde_json::from_str::<Fields<Value>>(raw.get()) {
            Err(_) => self.fault(
                "user",
                rules::NOT_SHOWN,
                "an object with fields such as email_sha256",
            ),
            Ok(fields) => {
                for name in fields.repeated() {
                    self.fault(
                        &format!("user.{}", rules::shortened(name)),
                        "there more than once",
                        "there once",
                    );
                }
                for (name, mut value) in fields.0 {
                    if let Some(fault) = user_fault(&name, &value) {
                        self.faults.push(fault);
                        value = rules::NOT_SHOWN.into();
                    }
                    clean.insert(name, value);
                }
            }
        }
        if self.faults.len() > before {
            // what is kept is shown: it must not hold what should never have travelled
            let clean = if clean.is_empty() {
                Value::from(rules::NOT_SHOWN)
            } else {
                clean.into()
            };
            let rest = text.len() - (raw.get().as_ptr() as usize - text.as_ptr() as usize);
            let at = self.text.len() - rest;
            self.text
                .replace_range(at..at + raw.get().len(), &clean.to_string());
        }
    }

    fn fault(&mut self, field: &str, given: &str, expected: &str) {
        self.faults.push(Fault::new(field, given, expected));
    }
}

fn is_web_address(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        (scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
            && rest.starts_with(|first: char| first.is_alphanumeric() || first == '[')
    })
}

/// What is wrong with a field of `user`. Nothing that was given is told.
fn user_fault(name: &str, value: &Value) -> Option<Fault> {
    let field = format!("user.{}", rules::shortened(name));
    let expected = if HASHED.contains(&name) {
        if each_text(value, rules::is_sha256) {
            return None;
        }
        return Some(rules::not_hashed(field));
    } else if PLACES.contains(&name) {
        if each_text(value, |text| !text.is_empty()) {
            return None;
        }
        "a string that is not empty, or a list of such"
    } else if DEVICE.contains(&name) {
        if value.is_null() || value.as_str().is_some_and(|text| !text.is_empty()) {
            return None;
        }
        "a string that is not empty"
    } else {
        return Some(unknown_field("user.", name));
    };
    Some(Fault::new(field, rules::NOT_SHOWN, expected))
}

/// The fault of a field that there is not, with the one that was meant, if that can be guessed. What is in it may be about
/// anybody, and is not told.
fn unknown_field(within: &str, name: &str) -> Fault {
    let hashed = format!("{name}_sha256");
    let meant = match name {
        "event_id" | "eventId" => "its name here is `id`".to_owned(),
        "event" | "name" | "event_name" => "its name here is `type`".to_owned(),
        "timestamp" | "event_time" => "its name here is `timestamp_ms`, in milliseconds".to_owned(),
        "phone" => "send `phone_number_sha256`, hashed with SHA-256".to_owned(),
        _ if HASHED.contains(&hashed.as_str()) => format!("send `{hashed}`, hashed with SHA-256"),
        _ => String::new(),
    };
    Fault {
        advice: (!meant.is_empty()).then_some(meant),
        ..Fault::new(
            format!("{within}{}", rules::shortened(name)),
            rules::NOT_SHOWN,
            "left out, because there is no such field",
        )
    }
}

/// A string or a list of strings, each of which is as it must be.
fn each_text(value: &Value, is_right: impl Fn(&str) -> bool) -> bool {
    let is_right = |value: &Value| value.as_str().is_some_and(&is_right);
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().all(is_right),
        one => is_right(one),
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
            "user": { "email_sha256": ["AB".repeat(32)], "country": "DE", "client_ip_address": "203.0.113.7" },
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

    fn read(event: &Value) -> Event {
        Event::read(&event.to_string(), NOW)
    }

    /// The fields at fault, with what is expected.
    fn faults(event: &Value) -> Vec<(String, String)> {
        read(event)
            .faults
            .into_iter()
            .map(|fault| (fault.field, fault.expected))
            .collect()
    }

    fn error(body: impl ToString) -> String {
        parse(body.to_string().as_bytes(), NOW).unwrap_err().error
    }

    #[test]
    fn an_order_is_taken_letter_by_letter() {
        let body = format!("{{ \"events\": [ {} ] }}", r#"{"type" : "order_created"}"#);
        let conversions = parse(body.as_bytes(), NOW).unwrap();
        assert!(!conversions.validate_only);
        assert_eq!(conversions.events[0].text, r#"{"type" : "order_created"}"#);
        let event = read(&order());
        assert_eq!(event.faults, []);
        assert_eq!(
            (event.name.as_str(), event.id.as_str()),
            ("order_created", "o-1")
        );
        assert!(!event.stripped);
    }

    #[test]
    fn a_body_of_another_shape_is_refused_with_what_it_must_be() {
        assert!(error("{").contains("not JSON"));
        assert!(error("[]").contains("no object"));
        assert!(error("{}").contains("no `events`"));
        assert!(error(json!({ "events": {} })).contains("no `events`"));
        assert!(error(json!({ "events": [] })).contains("empty list"));
        assert!(error(json!({ "events": [1], "validate": true })).contains("`validate`"));
        assert!(error(json!({ "events": [1], "validate_only": "yes" })).contains("true or false"));
        assert!(error(json!({ "events": vec![1; 1001] })).contains("1001 events"));
        assert!(error(r#"{"events":[1],"events":[2]}"#).contains("more than once"));
        let validated = json!({ "events": [order()], "validate_only": true });
        assert!(
            parse(validated.to_string().as_bytes(), NOW)
                .unwrap()
                .validate_only
        );
    }

    #[test]
    fn each_rule_names_its_field() {
        for (event, field, expected) in [
            (json!(1), "event", "an object"),
            (json!({}), "action_source", "not empty"),
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
                with("timestamp_ms", json!(NOW + 700_000)),
                "timestamp_ms",
                "10 minutes",
            ),
            (
                with("timestamp_ms", json!(NOW - 8 * 86_400_000)),
                "timestamp_ms",
                "7 days",
            ),
            (without("timestamp_ms"), "timestamp_ms", "there"),
            (without("action_source"), "action_source", "there"),
            (
                with("action_source", json!("website")),
                "action_source",
                "physical_store",
            ),
            (without("source_url"), "source_url", "\"web\""),
            (
                with("source_url", json!("/thanks")),
                "source_url",
                "https://",
            ),
            (
                with("source_url", json!("https://")),
                "source_url",
                "https://",
            ),
            (with("oppref", json!("")), "oppref", "not empty"),
            (with("obref", json!(1)), "obref", "not empty"),
            (
                with("custom_event_name", json!("x")),
                "custom_event_name",
                "left out",
            ),
            (with("opt_out", json!("no")), "opt_out", "true or false"),
            (with("event_id", json!("o-1")), "event_id", "no such field"),
            (with("user", json!([])), "user", "an object"),
            (
                with("user", json!({ "email": "x" })),
                "user.email",
                "no such field",
            ),
            (
                with("user", json!({ "city": [""] })),
                "user.city",
                "not empty",
            ),
            (
                with("user", json!({ "client_ip_address": ["::1"] })),
                "user.client_ip_address",
                "a string",
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
            let found = faults(&event);
            assert!(
                found
                    .iter()
                    .any(|(at, text)| at == field && text.contains(expected)),
                "{event}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_null_counts_as_not_there() {
        for field in ["oppref", "obref", "user", "opt_out", "custom_event_name"] {
            assert_eq!(faults(&with(field, Value::Null)), [], "{field}");
        }
        assert!(!faults(&with("data", Value::Null)).is_empty());
    }

    #[test]
    fn apps_events_come_from_apps_alone() {
        let mut event = with("type", json!("app_opened"));
        event["data"] = json!({ "type": "app_opened" });
        assert_eq!(faults(&event)[0].0, "action_source");
        event["action_source"] = json!("mobile_app");
        assert_eq!(faults(&event), []);
        event["data"] = json!({ "type": "custom", "plan_id": "p" });
        assert_eq!(faults(&event), []);
        event["data"] = json!({ "type": "contents" });
        assert!(faults(&event)[0].1.contains("\"app_opened\""));
        event["data"] = json!({ "type": "custom" });
        event["custom_event_name"] = json!("mine");
        assert_eq!(faults(&event)[0].0, "custom_event_name");
    }

    #[test]
    fn a_raw_identifier_is_refused_and_neither_told_nor_kept() {
        let raw = "jane.doe@example.com";
        for user in [
            json!({ "email_sha256": raw }),
            json!({ "email_sha256": ["ab".repeat(32), raw] }),
            json!({ "email_sha256": { "value": raw } }),
            json!({ "email": raw }),
            json!({ "city": [raw, 1] }),
            json!(raw),
        ] {
            let event = read(&with("user", user.clone()));
            assert_eq!(event.faults.len(), 1, "{user}");
            assert!(!format!("{event:?}").contains(raw), "{event:?}");
            let kept: Value = serde_json::from_str(&event.text).unwrap();
            assert_eq!(kept["data"], order()["data"]);
        }
        let hashed = &faults(&with("user", json!({ "phone_number_sha256": "+49 30 1" })))[0];
        assert!(
            hashed.1.contains("raw identifier must never travel"),
            "{hashed:?}"
        );
        let twice = format!(
            r#"{{"user":{{"email_sha256":"{raw}"}},"id":"ü","user":{{"email":"{raw}"}},"type":"custom"}}"#
        );
        let event = Event::read(&twice, NOW);
        assert!(!format!("{event:?}").contains(raw), "{event:?}");
        assert!(
            serde_json::from_str::<Value>(&event.text).is_ok(),
            "{}",
            event.text
        );
        let inside = format!(
            r#"{{"user":{{"email_sha256":"{raw}","email_sha256":"{}"}}}}"#,
            "ab".repeat(32)
        );
        assert!(!format!("{:?}", Event::read(&inside, NOW)).contains(raw));
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        for field in ["data", "user", "id"] {
            let deep = format!(
                r#"{{"{field}":{}{}}}"#,
                "[".repeat(200_000),
                "]".repeat(200_000)
            );
            assert!(!Event::read(&deep, NOW).faults.is_empty());
        }
        assert!(error("[".repeat(500_000)).contains("JSON"));
    }

    /// Any JSON, often with the names that matter.
    fn any_json() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            prop::sample::select(
                [
                    EVENT.as_slice(),
                    &HASHED,
                    &["contents", "amount", "currency"]
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
                "contents",
                "EUR"
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
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = parse(&body, NOW);
        }

        #[test]
        fn any_text_of_jsons_own_letters_is_read_or_refused(body in r#"\{"events":\[[\[\]{}",:ux\\0-9a.e+\- ]{0,64}\]\}"#) {
            let _ = parse(body.as_bytes(), NOW);
        }

        #[test]
        fn any_event_is_kept_as_json_and_every_fault_says_what_must_be_there(event in any_json()) {
            let event = read(&event);
            prop_assert!(serde_json::from_str::<Value>(&event.text).is_ok());
            prop_assert!(event.faults.len() <= rules::MOST_FAULTS);
            for fault in &event.faults {
                prop_assert!(!fault.expected.is_empty() && !fault.given.is_empty());
                prop_assert!(fault.field.len() < 1000 && fault.given.len() < 1000);
            }
        }

        #[test]
        fn no_raw_identifier_is_told_or_kept(field in prop::sample::select(HASHED.to_vec()), raw in "[a-z]{3,12}@[a-z]{3,12}\\.example") {
            let mut user = Map::new();
            user.insert(field.to_owned(), raw.clone().into());
            let event = read(&with("user", user.into()));
            prop_assert!(!event.faults.is_empty());
            let told = format!("{event:?}");
            prop_assert!(!told.contains(&raw));
        }
    }
}
