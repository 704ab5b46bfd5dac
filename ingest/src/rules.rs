//! The rules that all transports share. Name, data and options are checked by the pixel's own schema (the crate `oaiq`);
//! this module adds the rules for timestamps, IDs and hashed identifiers.

use std::borrow::Cow;
use std::fmt::Write;

use oaiq::explain::{ExplainedViolation, NO_SUCH_FIELD, explain_event, redact_identifiers};
use oaiq::schema::validate::ViolationKind;
use serde_json::{Map, Value};

use crate::remarks::Violation;

/// The maximum age of an event: 7 days.
pub use oaiq::protocol::MAX_EVENT_AGE_MS as MAX_AGE_MS;
/// How far a timestamp may be ahead of this machine's clock: 10 minutes.
pub const MAX_FUTURE_MS: u64 = 10 * 60 * 1000;
/// The longest event ID. A UUID has 36 bytes, and order numbers are rarely longer.
pub const MAX_ID_BYTES: usize = 1024;
/// The longest pixel ID.
pub const MAX_PIXEL_ID_BYTES: usize = 256;
/// How many violations of one event are reported.
pub const MAX_VIOLATIONS: usize = 100;

/// Replaces a value that may identify a person.
pub const REDACTED: &str = "(redacted)";

/// What a violation reports as found if the field is missing.
pub const MISSING: &str = "missing";

/// The longest quoted text, in characters.
const MAX_DISPLAY_CHARS: usize = 120;

/// Whether this is an event of the pixel itself: initialization, session marker or diagnostics.
pub fn is_internal(name: &str) -> bool {
    name.starts_with("openai::") || name.starts_with("oai::")
}

/// The name for deduplication: a custom event's own name in lowercase, otherwise the event's name.
pub fn dedup_name<'a>(name: &'a str, custom_event_name: Option<&str>) -> Cow<'a, str> {
    match custom_event_name {
        Some(own) if name == "custom" => own.to_ascii_lowercase().into(),
        _ => name.into(),
    }
}

/// The fields of an event that a page passes as options, except its ID.
pub fn options_among(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut options = Map::new();
    for option in ["custom_event_name", "opt_out"] {
        if let Some(value) = fields.get(option) {
            options.insert(option.to_owned(), value.clone());
        }
    }
    options
}

/// Checks an event against the pixel's schema: these are the violations that `measure` would report. `options` are the
/// fields of the event that a page passes as options.
pub fn schema_violations(
    name: &Value,
    data: Option<&Value>,
    options: &Map<String, Value>,
) -> Vec<Violation> {
    let name = compact(name);
    let data = data.map(compact).unwrap_or_default();
    let mut text = String::new();
    write_object(options, &mut text);
    explain_event(&name, &data, &text)
        .into_iter()
        .take(MAX_VIOLATIONS)
        .map(from_explained)
        .collect()
}

/// Converts a violation of a call in a page: in an event, the options are fields of its own.
fn from_explained(explained: ExplainedViolation) -> Violation {
    // By way of JSON, so that fields added to the pixel's violations reach `/events.json`.
    let mut violation: Violation = serde_json::to_value(&explained)
        .and_then(serde_json::from_value)
        .unwrap_or_else(|_| Violation::new(explained.field, explained.given, explained.expected));
    violation.field = match violation.field.as_str() {
        "the event's name" => "type".to_owned(),
        "options.event_id" => "id".to_owned(),
        other => truncate(other.strip_prefix("options.").unwrap_or(other)),
    };
    if violation.given == "undefined" {
        violation.given = MISSING.to_owned();
    }
    violation
}

/// Checks the timestamp of an event received at `now_ms`.
pub fn timestamp_violation(timestamp_ms: i128, now_ms: u64) -> Option<Violation> {
    let now = i128::from(now_ms);
    let mut code = "event_timestamp_too_old";
    let expected = if timestamp_ms > now + i128::from(MAX_FUTURE_MS) {
        code = "event_timestamp_in_future";
        format!("at most 10 minutes ahead of the server's clock ({now_ms})")
    } else if timestamp_ms >= now - i128::from(MAX_AGE_MS) {
        return None;
    } else if (now - i128::from(MAX_AGE_MS)..=now).contains(&(timestamp_ms * 1000)) {
        format!(
            "in milliseconds, such as {}; this looks like seconds",
            timestamp_ms * 1000
        )
    } else {
        format!("at most 7 days old; the server's clock is {now_ms}")
    };
    Some(Violation {
        api_code: Some(code),
        ..Violation::new("timestamp_ms", timestamp_ms.to_string(), expected).of_kind(code)
    })
}

/// Checks the length of an event ID.
pub fn id_violation(id: &str) -> Option<Violation> {
    (id.len() > MAX_ID_BYTES).then(|| {
        Violation::new(
            "id",
            format!("{} bytes long", id.len()),
            format!("at most {MAX_ID_BYTES} bytes long"),
        )
        .of_kind("id_too_long")
    })
}

/// Whether the text is a SHA-256 hash in hexadecimal.
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The violation of an identifier that is not hashed. Its value is never quoted.
pub fn not_hashed(field: impl Into<String>) -> Violation {
    Violation::new(
        field,
        REDACTED,
        "64 lowercase hexadecimal digits: hash the value with SHA-256 before sending it, and never send a raw identifier",
    )
    .of_kind("not_hashed")
}

/// The violation of a field that does not exist. The value is not quoted, because it may identify a person.
pub fn unknown_field(name: impl Into<String>) -> Violation {
    Violation::new(name, REDACTED, NO_SUCH_FIELD).of_kind(ViolationKind::UnknownField.code())
}

/// Cuts a text for quoting.
pub fn truncate(text: &str) -> String {
    match text.char_indices().nth(MAX_DISPLAY_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A field name for quoting. A misplaced identifier may have been used as a name.
pub fn display_name(name: &str) -> String {
    truncate(&redact_identifiers(name))
}

/// A value for quoting.
pub fn display(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        // The message may be logged, so it must not contain email addresses or phone numbers.
        other => truncate(&redact_identifiers(&compact(other))),
    }
}

/// JSON in the form that the pixel's schema expects: without white space and with whole numbers in plain digits. A server
/// may write `2599.0` or `1e3`; a page's `JSON.stringify` never does.
fn compact(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => write_object(fields, out),
        other => match as_whole_number(other) {
            // Writing to a String cannot fail.
            Some(number) => _ = write!(out, "{number}"),
            None => _ = write!(out, "{other}"),
        },
    }
}

fn write_object(fields: &Map<String, Value>, out: &mut String) {
    out.push('{');
    for (i, (name, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        let _ = write!(out, "{}:", serde_json::Value::from(name.as_str()));
        write_value(value, out);
    }
    out.push('}');
}

/// The value of a whole number in any notation, below 1e21. JavaScript prints larger numbers with an exponent, which the
/// pixel rejects.
pub fn as_whole_number(value: &Value) -> Option<i128> {
    if let Some(number) = value.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = value.as_u64() {
        return Some(number.into());
    }
    let number = value.as_f64()?;
    let whole = number as i128;
    (number.fract() == 0.0 && number.abs() < 1e21).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(name: &str, data: Value, options: Value) -> Vec<String> {
        let Value::Object(options) = options else {
            panic!("options are an object")
        };
        schema_violations(&name.into(), Some(&data), &options)
            .into_iter()
            .map(|violation| violation.field)
            .collect()
    }

    #[test]
    fn whole_numbers_are_accepted_in_any_notation() {
        for amount in ["2599", "2599.0", "2.599e3", "-0.0", "1e20"] {
            let data = format!(r#"{{"type":"contents","amount":{amount},"currency":"USD"}}"#);
            let data = serde_json::from_str(&data).unwrap();
            assert!(
                fields("order_created", data, json!({})).is_empty(),
                "{amount}"
            );
        }
        for amount in ["25.99", "1e21", "\"2599\"", "null"] {
            let data = format!(r#"{{"type":"contents","amount":{amount},"currency":"USD"}}"#);
            let data = serde_json::from_str(&data).unwrap();
            assert_eq!(
                fields("order_created", data, json!({})),
                ["data.amount"],
                "{amount}"
            );
        }
    }

    #[test]
    fn violations_name_the_fields_of_the_wire_format() {
        assert_eq!(fields("purchase", json!({}), json!({})), ["type"]);
        assert_eq!(
            fields(
                "custom",
                json!({ "type": "custom", "sku": 1 }),
                json!({ "opt_out": 1, "event_id": "" })
            ),
            ["data.sku", "custom_event_name", "opt_out", "id"]
        );
    }

    #[test]
    fn schema_violation_has_a_code() {
        let data = json!({ "type": "contents", "amount": 25.99, "sku": 1 });
        let codes: Vec<_> = schema_violations(&"order_created".into(), Some(&data), &Map::new())
            .iter()
            .map(|violation| serde_json::to_value(violation).unwrap()["code"].clone())
            .collect();
        assert_eq!(
            codes,
            ["amount_not_integer", "missing_currency", "unknown_field"]
        );
    }

    #[test]
    fn violations_are_limited_in_number_and_length() {
        let data = json!({ "type": "contents", "contents": vec![1; 1000] });
        assert_eq!(
            fields("order_created", data, json!({})).len(),
            MAX_VIOLATIONS
        );
        let name = "ü".repeat(100_000);
        let found = fields(
            "order_created",
            json!({ "type": "contents", name: 1 }),
            json!({}),
        );
        assert!(found[0].len() < 1000, "{}", found[0].len());
    }

    #[test]
    fn timestamp_outside_the_window_is_a_violation() {
        let now = 1_790_000_000_000;
        let expected =
            |timestamp| timestamp_violation(timestamp, now).map(|violation| violation.expected);
        let now_ms = i128::from(now);
        for valid in [
            now_ms,
            now_ms - i128::from(MAX_AGE_MS),
            now_ms + i128::from(MAX_FUTURE_MS),
        ] {
            assert_eq!(expected(valid), None);
        }
        assert!(
            expected(now_ms - i128::from(MAX_AGE_MS) - 1)
                .unwrap()
                .contains("7 days")
        );
        assert!(
            expected(now_ms + i128::from(MAX_FUTURE_MS) + 1)
                .unwrap()
                .contains("10 minutes")
        );
        assert!(
            expected(now_ms / 1000)
                .unwrap()
                .contains("looks like seconds")
        );
        assert!(expected(-5).unwrap().contains("7 days"));
    }
}
