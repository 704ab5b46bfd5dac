//! Parses and checks the body of `POST /v1/sdk/events`: a batch of the pixel's script.

use oaiq::wire;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::http::error::ApiError;
use crate::remarks::Violation;
use crate::rules;

/// The longest `user`. It is listed with each event of its batch. The pixel sends at most 900 bytes.
const MAX_USER_BYTES: usize = 16 * 1024;

/// The longest `obref` or `oppref`. One is a UUID, the other comes from a URL.
const MAX_REFERENCE_BYTES: usize = 4 * 1024;

/// The fields of `user.in` that are not hashed: country, city, region and postal code.
const UNHASHED_FIELDS: [&str; 4] = ["co", "ct", "rg", "pc"];

/// A batch in the wire format. Its parts keep unknown fields, the order of keys and the notation of numbers.
#[derive(Debug)]
pub struct Batch {
    /// The browser ID.
    pub obref: Option<String>,
    /// The click ID.
    pub oppref: Option<String>,
    /// The user data, with possible raw identifiers redacted.
    pub user: Option<Box<RawValue>>,
    /// What is wrong with `user`; applies to every event.
    pub user_violations: Vec<Violation>,
    /// The events, at least one, in the order of the batch.
    pub events: Vec<Event>,
}

/// An event with the rules that it breaks.
#[derive(Debug)]
pub struct Event {
    /// The event, byte for byte as received.
    pub text: Box<RawValue>,
    /// The event's name.
    pub name: String,
    /// A custom event's own name.
    pub custom_event_name: Option<String>,
    /// The event's ID, for deduplication.
    pub id: String,
    /// The rules that it breaks. The pixel's own events are not checked.
    pub violations: Vec<Violation>,
}

/// The parts of a batch that are stored as received.
#[derive(Deserialize)]
struct RawBatch<'a> {
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// Parses a body received at `now_ms`. `declared_count` is the query parameter `ec`, the sender's number of events.
///
/// # Errors
/// 400 if the body is not in the wire format. Invalid events are no error; see [`Event::violations`].
pub fn parse(body: &[u8], declared_count: Option<&str>, now_ms: u64) -> Result<Batch, ApiError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ApiError::bad_request(format!("the body is not UTF-8: {error}")))?;
    let batch: wire::Batch = serde_json::from_str(text).map_err(|error| batch_error(&error))?;
    let raw_batch: RawBatch = serde_json::from_str(text).map_err(|error| batch_error(&error))?;

    let count = batch.events.len();
    if count == 0 {
        return Err(ApiError::bad_request("the batch has no events"));
    }
    if let Some(declared_count) = declared_count
        && declared_count.parse() != Ok(count)
    {
        return Err(ApiError::bad_request(format!(
            "the query has ec={}, but the number of events in the body is {count}",
            rules::truncate(declared_count)
        )));
    }
    check_length("obref", batch.obref.as_deref(), MAX_REFERENCE_BYTES)?;
    check_length("oppref", batch.oppref.as_deref(), MAX_REFERENCE_BYTES)?;
    let user = raw_batch.user.map(RawValue::get);
    check_length("user", user, MAX_USER_BYTES)?;
    for (i, event) in batch.events.iter().enumerate() {
        check_length(
            &format!("events[{i}].id"),
            Some(&event.id),
            rules::MAX_ID_BYTES,
        )?;
    }
    let (user, user_violations) = match (raw_batch.user, batch.user) {
        (Some(raw), Some(user)) => checked_user(raw, user)?,
        _ => (None, Vec::new()),
    };
    let events = batch.events.into_iter().zip(raw_batch.events);
    Ok(Batch {
        obref: batch.obref,
        oppref: batch.oppref,
        user,
        user_violations,
        events: events
            .map(|(event, text)| Event::checked(event, text, now_ms))
            .collect(),
    })
}

impl Event {
    fn checked(event: wire::Event, text: &RawValue, now_ms: u64) -> Self {
        let mut violations = Vec::new();
        if !rules::is_internal(&event.name) {
            let mut options = Map::new();
            options.insert("event_id".to_owned(), event.id.as_str().into());
            if let Some(name) = &event.custom_event_name {
                options.insert("custom_event_name".to_owned(), name.as_str().into());
            }
            if let Some(opt_out) = event.opt_out {
                options.insert("opt_out".to_owned(), opt_out.into());
            }
            let data = Value::Object(event.data);
            violations =
                rules::schema_violations(&event.name.as_str().into(), Some(&data), &options);
            violations.extend(rules::timestamp_violation(
                event.timestamp_ms.into(),
                now_ms,
            ));
        }
        Self {
            text: text.to_owned(),
            name: event.name,
            custom_event_name: event.custom_event_name,
            id: event.id,
            violations,
        }
    }
}

/// Checks `user`. Returns it with possible raw identifiers redacted, and its violations.
fn checked_user(
    raw: &RawValue,
    mut user: Map<String, Value>,
) -> Result<(Option<Box<RawValue>>, Vec<Violation>), ApiError> {
    let mut violations = Vec::new();
    if let Some(Value::Object(fields)) = user.get_mut("in") {
        for (name, value) in fields {
            let is_valid = match value {
                _ if UNHASHED_FIELDS.contains(&name.as_str()) => true,
                Value::String(text) => rules::is_sha256_hex(text),
                Value::Null => true,
                _ => false,
            };
            if !is_valid {
                violations.push(rules::not_hashed(format!(
                    "user.in.{}",
                    rules::truncate(name)
                )));
                *value = rules::REDACTED.into();
            }
        }
    }
    violations.truncate(rules::MAX_VIOLATIONS);
    let user = if violations.is_empty() {
        raw.to_owned()
    } else {
        to_raw_value(&user).map_err(|error| {
            ApiError::bad_request(format!("`user` cannot be serialized: {error}"))
        })?
    };
    Ok((Some(user), violations))
}

fn check_length(what: &str, text: Option<&str>, max: usize) -> Result<(), ApiError> {
    match text.map_or(0, str::len) {
        length if length > max => Err(ApiError::bad_request(format!(
            "`{what}` is {length} bytes long; the limit is {max}"
        ))),
        _ => Ok(()),
    }
}

fn batch_error(error: &serde_json::Error) -> ApiError {
    let what = match error.classify() {
        serde_json::error::Category::Data => "is JSON, but not a batch",
        _ => "is not JSON",
    };
    ApiError::bad_request(format!(
        "the body {what}: {}",
        without_quoted_strings(&error.to_string())
    ))
}

/// Removes the strings that serde's message quotes, because they may identify a person.
fn without_quoted_strings(error: &str) -> String {
    match (error.split_once("string \""), error.rsplit_once('"')) {
        (Some((before, _)), Some((_, after))) => format!("{before}string{after}"),
        _ => rules::truncate(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENT: &str =
        r#"{"type":"page_viewed","timestamp_ms":1,"id":"e","z":1,"a":1.50,"data":{}}"#;

    fn error(body: &[u8], declared_count: Option<&str>) -> String {
        parse(body, declared_count, 1).unwrap_err().message
    }

    #[test]
    fn event_is_stored_byte_for_byte() {
        let hash = "ab".repeat(32);
        let user = format!(r#"{{"in":{{"em":"{hash}","co":"y"}}}}"#);
        let body = format!(r#"{{"events":[{EVENT}],"user":{user}}}"#);
        let batch = parse(body.as_bytes(), Some("1"), 1).unwrap();
        assert_eq!(batch.events[0].text.get(), EVENT);
        assert_eq!(batch.user.unwrap().get(), user);
        assert_eq!(batch.user_violations, []);
    }

    #[test]
    fn null_parts_count_as_absent() {
        let body = format!(r#"{{"obref":null,"events":[{EVENT}],"user":null}}"#);
        let batch = parse(body.as_bytes(), None, 1).unwrap();
        assert!(batch.obref.is_none() && batch.user.is_none());
    }

    #[test]
    fn each_event_has_its_own_violations() {
        let body = r#"{"events":[
            {"type":"order_created","timestamp_ms":900000000000,"id":"1","data":{"type":"contents","amount":1.5}},
            {"type":"oai::diagnostic","timestamp_ms":1,"id":"2","data":{"type":"diagnostic"}},
            {"type":"custom","timestamp_ms":900000000000,"id":"","data":{"type":"custom"},"custom_event_name":"a b"}
        ]}"#;
        let batch = parse(body.as_bytes(), None, 1_790_000_000_000).unwrap();
        let fields = |i: usize| -> Vec<String> {
            let violations = &batch.events[i].violations;
            violations
                .iter()
                .map(|violation| violation.field.clone())
                .collect()
        };
        assert_eq!(fields(0), ["data.amount", "data.currency", "timestamp_ms"]);
        assert_eq!(fields(1), [""; 0]);
        assert_eq!(fields(2), ["custom_event_name", "id", "timestamp_ms"]);
    }

    #[test]
    fn raw_identifier_is_a_violation_and_redacted() {
        let body =
            format!(r#"{{"events":[{EVENT}],"user":{{"in":{{"em":"jane@a.test","co":"DE"}}}}}}"#);
        let batch = parse(body.as_bytes(), None, 1).unwrap();
        assert_eq!(batch.user_violations[0].field, "user.in.em");
        assert!(!format!("{batch:?}").contains("jane"), "{batch:?}");
        assert!(batch.user.unwrap().get().contains(r#""co":"DE""#));
        let message = error(br#"{"events":[],"user":"jane@a.test"}"#, None);
        assert!(
            message.contains("a map") && !message.contains("jane"),
            "{message}"
        );
    }

    #[test]
    fn parse_error_reports_its_position() {
        let broken = error(b"{\"events\":[\n{]}", None);
        assert!(
            broken.contains("not JSON") && broken.contains("line 2 column 2"),
            "{broken}"
        );
        let shape = error(br#"{"events":[{"type":"a","timestamp_ms":"1"}]}"#, None);
        assert!(
            shape.contains("not a batch") && shape.contains("line 1 column"),
            "{shape}"
        );
        let field = error(br#"{"events":[{"type":"a","timestamp_ms":1}]}"#, None);
        assert!(field.contains("missing field `id`"), "{field}");
        let text = error(b"{\"events\":\"\xff\"}", None);
        assert!(
            text.contains("not UTF-8") && text.contains("index 11"),
            "{text}"
        );
    }

    #[test]
    fn wrong_declared_count_is_rejected() {
        let body = format!(r#"{{"events":[{EVENT},{EVENT}]}}"#);
        for wrong in ["1", "3", "", "two", "-2", "2.0"] {
            let text = error(body.as_bytes(), Some(wrong));
            assert!(
                text.contains(&format!("ec={wrong},")) && text.ends_with("is 2"),
                "{text}"
            );
        }
        assert!(parse(body.as_bytes(), Some("2"), 1).is_ok());
        assert!(error(br#"{"events":[]}"#, Some("0")).contains("has no events"));
    }

    #[test]
    fn oversized_field_is_rejected_by_name() {
        let long = "x".repeat(1_000_000);
        for body in [
            format!(r#"{{"events":[{{"type":"custom","timestamp_ms":1,"id":"{long}"}}]}}"#),
            format!(r#"{{"events":[{EVENT}],"oppref":"{long}"}}"#),
            format!(r#"{{"events":[{EVENT}],"obref":"{long}"}}"#),
            format!(r#"{{"events":[{EVENT}],"user":{{"in":{{"co":"{long}"}}}}}}"#),
        ] {
            let error = error(body.as_bytes(), None);
            assert!(error.contains("bytes long; the limit is"), "{error}");
            assert!(error.len() < 200);
        }
    }

    #[test]
    fn deep_nesting_is_rejected() {
        let deep = format!("{{\"events\":{}", "[".repeat(500_000));
        assert!(error(deep.as_bytes(), None).contains("line 1"));
        let data = format!(
            r#"{{"events":[{{"type":"a","timestamp_ms":1,"id":"e","data":{{"x":{}"#,
            "[".repeat(500_000)
        );
        assert!(error(data.as_bytes(), None).contains("recursion limit"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = parse(&body, None, 1);
        }

        #[test]
        fn arbitrary_text_of_batch_tokens_never_panics(
            text in r#"(\{|\}|\[|\]|,|:|"events"|"type"|"id"|"timestamp_ms"|"data"|"user"|"in"|"em"|"custom"|null|1|1\.5|-|\\|"|ü){0,64}"#
        ) {
            let _ = parse(text.as_bytes(), None, 1);
            let _ = parse(format!(r#"{{"events":[{{"type":"custom","timestamp_ms":1,"id":"1","data":{{{text}}}}}]}}"#).as_bytes(), Some("1"), 1);
        }

        #[test]
        fn arbitrary_event_is_stored_byte_for_byte(
            name in any::<String>(), id in any::<String>(), time in any::<u64>(), custom in any::<Option<String>>(),
            amount in any::<f64>(), text in any::<String>(), white in "[ \n\r\t]{0,4}",
        ) {
            let event = format!(
                "{{{white}\"type\":{},\"timestamp_ms\":{time},\"id\":{},\"custom_event_name\":{},\"data\":{{\"amount\":{},{}:[{}]}}{white}}}",
                Value::from(name.as_str()), Value::from(id), Value::from(custom), Value::from(amount),
                Value::from(text.as_str()), Value::from(text.as_str()),
            );
            let batch = parse(format!("{{\"events\":[{event}]}}").as_bytes(), Some("1"), 1).unwrap();
            prop_assert_eq!(batch.events[0].text.get(), event);
            for violation in &batch.events[0].violations {
                prop_assert!(!violation.expected.is_empty());
            }
        }
    }
}
