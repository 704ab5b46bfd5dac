//! What an answer of the Conversions API means.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::store::claim::Reason;

/// The longest message that is kept, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// The longest code, field or request ID that is kept, in characters.
const MAX_NAME_CHARS: usize = 200;

/// What an answer means for the events of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// OpenAI has them.
    Accepted,
    /// It may work later.
    TryLater {
        /// How long OpenAI asks to wait.
        after: Option<Duration>,
        /// Why, for the log.
        why: String,
    },
    /// These are at fault, by their index in the request. The others were not accepted either.
    Invalid(BTreeMap<usize, Reason>),
    /// At least one is at fault, but the answer does not say which.
    OneIsInvalid(Reason),
    /// The request is too large.
    TooLarge(Reason),
    /// The pixel, its key or the whole request is refused: no event of this pixel can be delivered.
    Refused(Reason),
}

#[derive(Deserialize)]
struct Body {
    error: Error,
}

#[derive(Deserialize, Default)]
struct Error {
    message: Option<String>,
    param: Option<String>,
    code: Option<String>,
    #[serde(default)]
    errors: Vec<Detail>,
}

#[derive(Deserialize, Default)]
struct Detail {
    message: Option<String>,
    param: Option<String>,
    code: Option<String>,
}

/// A response, as far as it matters.
#[derive(Debug, Default)]
pub struct RawResponse {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The header `x-request-id`.
    pub request_id: Option<String>,
    /// The header `Date`.
    pub date: Option<String>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// What it means for a request with this many events.
    pub fn answer(&self, count: usize) -> Answer {
        let error = serde_json::from_slice::<Body>(&self.body)
            .map(|body| body.error)
            .unwrap_or_default();
        match self.status {
            200..=299 => Answer::Accepted,
            408 | 425 | 429 | 500..=599 => Answer::TryLater {
                after: self.retry_after(),
                why: format!("OpenAI answered {}{}", self.status, in_brackets(&error)),
            },
            413 => Answer::TooLarge(self.reason(&error)),
            400 | 422 => self.invalid(&error, count),
            _ => Answer::Refused(self.reason(&error)),
        }
    }

    fn invalid(&self, error: &Error, count: usize) -> Answer {
        let mut named = BTreeMap::new();
        for detail in &error.errors {
            if let Some(i) = index_of(detail.param.as_deref(), count) {
                named.entry(i).or_insert_with(|| Reason {
                    field: shorten(field_of(detail.param.as_deref())),
                    code: short(detail.code.as_deref().or(error.code.as_deref())),
                    message: message(detail.message.as_deref().or(error.message.as_deref())),
                    ..self.reason(error)
                });
            }
        }
        if let Some(i) = index_of(error.param.as_deref(), count) {
            named.entry(i).or_insert_with(|| self.reason(error));
        }
        if !named.is_empty() {
            return Answer::Invalid(named);
        }
        match error.param.as_deref() {
            // A fault of the request itself, such as a missing `pid`: it is not the events' fault.
            Some(param) if !param.is_empty() && !param.starts_with("events") => {
                Answer::Refused(self.reason(error))
            }
            _ => Answer::OneIsInvalid(self.reason(error)),
        }
    }

    fn reason(&self, error: &Error) -> Reason {
        Reason {
            status: self.status,
            code: short(error.code.as_deref()),
            field: shorten(field_of(error.param.as_deref())),
            message: message(error.message.as_deref()),
            request_id: shorten(self.request_id.as_deref()),
        }
    }

    /// Seconds or a date: <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>.
    fn retry_after(&self) -> Option<Duration> {
        let text = self.retry_after.as_deref()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

/// `events[3].data.amount` names the event 3, if the request has it.
fn index_of(param: Option<&str>, count: usize) -> Option<usize> {
    let (index, _) = param?.strip_prefix("events[")?.split_once(']')?;
    index.parse().ok().filter(|index| *index < count)
}

/// The field of an event, without the event's index in a request that nobody sees.
fn field_of(param: Option<&str>) -> Option<&str> {
    let param = param?;
    match param
        .strip_prefix("events[")
        .and_then(|rest| rest.split_once(']'))
    {
        Some((_, field)) => Some(field.trim_start_matches('.')).filter(|field| !field.is_empty()),
        None => Some(param),
    }
}

fn in_brackets(error: &Error) -> String {
    match error.code.as_deref() {
        Some(code) => format!(" ({})", short(Some(code))),
        None => String::new(),
    }
}

fn shorten(text: Option<&str>) -> Option<String> {
    text.map(|text| short(Some(text)))
}

fn short(text: Option<&str>) -> String {
    text.unwrap_or("unknown")
        .chars()
        .take(MAX_NAME_CHARS)
        .collect()
}

/// OpenAI's words may quote what was sent.
fn message(text: Option<&str>) -> String {
    let text = oaiq::explain::redact_identifiers(text.unwrap_or("OpenAI gave no reason."));
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answer(status: u16, body: &Value) -> Answer {
        RawResponse {
            status,
            body: body.to_string().into_bytes(),
            ..RawResponse::default()
        }
        .answer(3)
    }

    fn indexes(answer: Answer) -> Vec<usize> {
        match answer {
            Answer::Invalid(named) => named.into_keys().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn named_events_are_invalid_with_their_codes() {
        let body = json!({ "error": {
            "message": "2 are invalid", "type": "invalid_request_error", "param": "events[1]", "code": "invalid_event",
            "errors": [
                { "message": "a", "param": "events[1].data.type", "code": "missing_event_data_type" },
                { "message": "b", "param": "events[2]", "code": "x" },
                { "message": "c", "param": "events[9]", "code": "beyond" },
            ],
        }});
        let Answer::Invalid(named) = answer(400, &body) else {
            panic!()
        };
        assert_eq!(named.keys().copied().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(named[&1].code, "missing_event_data_type");
        assert_eq!(named[&1].field.as_deref(), Some("data.type"));
        assert_eq!((named[&2].field.as_deref(), named[&2].status), (None, 400));
        let body = json!({ "error": { "param": "events[0].timestamp_ms", "code": "event_timestamp_too_old" } });
        assert_eq!(indexes(answer(422, &body)), [0]);
    }

    #[test]
    fn answer_without_a_name_leaves_open_which_event_is_invalid() {
        for body in [
            json!({ "error": { "message": "no" } }),
            json!({ "error": { "param": "events" } }),
            json!({ "error": { "param": "events[7]" } }),
            json!({ "error": { "param": null } }),
            json!("nonsense"),
        ] {
            assert!(
                matches!(answer(400, &body), Answer::OneIsInvalid(_)),
                "{body}"
            );
        }
    }

    #[test]
    fn fault_of_the_request_is_not_the_events_fault() {
        let body = json!({ "error": { "param": "pid", "code": "missing_pid" } });
        assert!(matches!(answer(400, &body), Answer::Refused(_)));
        for status in [301, 401, 403, 404, 405] {
            assert!(
                matches!(answer(status, &json!({})), Answer::Refused(_)),
                "{status}"
            );
        }
    }

    #[test]
    fn overload_and_server_errors_are_tried_later() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(
                matches!(answer(status, &json!({})), Answer::TryLater { .. }),
                "{status}"
            );
        }
        assert_eq!(
            answer(200, &json!({ "accepted_events": 3 })),
            Answer::Accepted
        );
        assert_eq!(answer(204, &Value::Null), Answer::Accepted);
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_date() {
        let after = |text: &str| {
            let response = RawResponse {
                status: 429,
                retry_after: Some(text.to_owned()),
                ..RawResponse::default()
            };
            match response.answer(1) {
                Answer::TryLater { after, .. } => after,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(after("17"), Some(Duration::from_secs(17)));
        assert_eq!(after("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn quoted_identifiers_are_not_kept() {
        let body = json!({ "error": { "message": "bad jane@shop.example", "code": "c" } });
        let Answer::OneIsInvalid(reason) = answer(400, &body) else {
            panic!()
        };
        assert!(!reason.message.contains("jane"), "{}", reason.message);
    }
}
