//! The rules of an event. Those of name, data and options are the pixel's own, from its own table and in its own
//! words; the rest is what holds on the way to a server.

use std::borrow::Cow;
use std::fmt::Write;

use oaiq::explain::{ExplainedViolation, NO_SUCH_FIELD, explain_event, redact_identifiers};
use oaiq::schema::validate::ViolationKind;
use serde_json::{Map, Value};

use crate::store::record::Violation;

/// How old an event may be: 7 days.
pub const MAX_AGE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// How far ahead of this machine's clock it may be: 10 minutes.
pub const MAX_FUTURE_MS: u64 = 10 * 60 * 1000;
/// The longest id of an event, in bytes. A UUID has 36, and an order's number is rarely longer.
pub const MAX_ID_BYTES: usize = 1024;
/// The longest id of a pixel, in bytes.
pub const MAX_PIXEL_ID_BYTES: usize = 256;
/// How many faults of one event are told.
pub const MAX_VIOLATIONS: usize = 100;

/// What stands in the place of a value that may be about a person.
pub const REDACTED: &str = "(not shown)";

/// The longest text that a fault shows, in characters.
const MAX_DISPLAY_CHARS: usize = 120;

/// Whether the pixel tells of itself by it: a start, a session marker, diagnostics.
pub fn is_internal(name: &str) -> bool {
    name.starts_with("openai::") || name.starts_with("oai::")
}

/// What duplicates are recognised by, besides pixel and id: a custom event's own name in lowercase, else the event's.
pub fn dedup_name<'a>(name: &'a str, custom_event_name: Option<&str>) -> Cow<'a, str> {
    match custom_event_name {
        Some(own) if name == "custom" => own.to_ascii_lowercase().into(),
        _ => name.into(),
    }
}

/// What the pixel would refuse a `measure` call for. `options` is what the wire carries of the call's.
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

/// The words are for a call in a page; in an event the options are its own fields.
fn from_explained(explained: ExplainedViolation) -> Violation {
    // as it says it on the console's way too, with all that it knows
    let mut violation: Violation = serde_json::to_value(&explained)
        .and_then(serde_json::from_value)
        .unwrap_or_else(|_| Violation::new(explained.field, explained.given, explained.expected));
    violation.field = match violation.field.as_str() {
        "the event's name" => "type".to_owned(),
        "options.event_id" => "id".to_owned(),
        other => truncate(other.strip_prefix("options.").unwrap_or(other)),
    };
    if violation.given == "undefined" {
        violation.given = "not there".to_owned();
    }
    violation
}

/// What is wrong with the time of an event that has arrived at `now_ms`.
pub fn timestamp_violation(timestamp_ms: i128, now_ms: u64) -> Option<Violation> {
    let now = i128::from(now_ms);
    let mut code = "event_timestamp_too_old";
    let expected = if timestamp_ms > now + i128::from(MAX_FUTURE_MS) {
        code = "event_timestamp_in_future";
        format!("at most 10 minutes ahead of the collector's clock, which shows {now_ms}")
    } else if timestamp_ms >= now - i128::from(MAX_AGE_MS) {
        return None;
    } else if (now - i128::from(MAX_AGE_MS)..=now).contains(&(timestamp_ms * 1000)) {
        format!(
            "in milliseconds, such as {}: this looks like seconds",
            timestamp_ms * 1000
        )
    } else {
        format!("at most 7 days ago; now is {now_ms}")
    };
    Some(Violation {
        api_code: Some(code),
        ..Violation::new("timestamp_ms", timestamp_ms.to_string(), expected).of_kind(code)
    })
}

/// What is wrong with the length of an event's id.
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

/// Is it a SHA-256, as hexadecimal digits?
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The fault of an identifier that is not hashed. Its value is never told.
pub fn not_hashed(field: impl Into<String>) -> Violation {
    Violation::new(
        field,
        REDACTED,
        "64 lowercase hexadecimal digits: hash it with SHA-256 before sending; a raw identifier must never travel",
    )
    .of_kind("not_hashed")
}

/// The violation of a field that does not exist. The value is not quoted, because it may identify a person.
pub fn unknown_field(name: impl Into<String>) -> Violation {
    Violation::new(name, REDACTED, NO_SUCH_FIELD).of_kind(ViolationKind::UnknownField.code())
}

/// A text as a fault shows it.
pub fn truncate(text: &str) -> String {
    match text.char_indices().nth(MAX_DISPLAY_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A field's name as a fault shows it. A misplaced value may stand where a name should.
pub fn display_name(name: &str) -> String {
    truncate(&redact_identifiers(name))
}

/// A value as a fault shows it.
pub fn display(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        // it may end up in a log: nobody's email address or phone number belongs there
        other => truncate(&redact_identifiers(&compact(other))),
    }
}

/// JSON as the pixel's table reads it: without white space, and whole numbers with all their digits, because a server
/// may write 2599.0 or 1e3 where a page's `JSON.stringify` never does.
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
            // writing to a String cannot fail
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

/// A number that is whole, however it is spelt, below 1e21: JavaScript prints larger ones with an exponent, and the
/// pixel takes none of those.
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
            panic!("no object")
        };
        schema_violations(&name.into(), Some(&data), &options)
            .into_iter()
            .map(|violation| violation.field)
            .collect()
    }

    #[test]
    fn whole_numbers_are_taken_however_a_server_spells_them() {
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
    fn faults_are_told_by_the_wires_names() {
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
        let faults = schema_violations(&"order_created".into(), Some(&data), &Map::new());
        let codes: Vec<_> = faults
            .iter()
            .map(|fault| serde_json::to_value(fault).unwrap()["code"].clone())
            .collect();
        assert_eq!(
            codes,
            ["amount_not_integer", "missing_currency", "unknown_field"]
        );
    }

    #[test]
    fn of_a_thousand_faults_a_hundred_are_told_and_each_is_short() {
        let data = json!({ "type": "contents", "contents": vec![1; 1000] });
        assert_eq!(
            fields("order_created", data, json!({})).len(),
            MAX_VIOLATIONS
        );
        let name = "ü".repeat(100_000);
        let told = fields(
            "order_created",
            json!({ "type": "contents", name: 1 }),
            json!({}),
        );
        assert!(told[0].len() < 1000, "{}", told[0].len());
    }

    #[test]
    fn an_event_of_last_week_or_of_a_wrong_clock_is_at_fault() {
        let now = 1_790_000_000_000;
        let expected =
            |timestamp| timestamp_violation(timestamp, now).map(|violation| violation.expected);
        let now_ms = i128::from(now);
        for fine in [
            now_ms,
            now_ms - i128::from(MAX_AGE_MS),
            now_ms + i128::from(MAX_FUTURE_MS),
        ] {
            assert_eq!(expected(fine), None);
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
