//! What is stored and listed for an event: the event itself, its request and its verdict.
//!
//! The serialized form is the public format of `/events.json`; where a Rust name differs, `serde(rename)` has the public
//! one.

use std::fmt::Write;
use std::sync::Arc;

use oaiq_ingest::remarks::{Notes, Violation};
use serde::Serialize;
use serde_json::value::RawValue;

/// A request without its events.
#[derive(Debug, Serialize)]
pub struct RequestMeta {
    /// When it was received, in milliseconds since the Unix epoch.
    pub received_ms: u64,
    /// The pixel ID, `pid`. Empty if the request has none.
    pub pixel: String,
    /// How it was sent.
    pub transport: Transport,
    /// The size of the body in bytes; 0 for an image tag.
    pub bytes: usize,
    /// The number of events; 0 if the body could not be parsed.
    pub batch_size: usize,
    /// Whether it identifies no visitor: it has neither `obref` nor `oppref` nor `user`.
    #[serde(rename = "stripped")]
    pub is_anonymous: bool,
    /// The browser ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obref: Option<String>,
    /// The click ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oppref: Option<String>,
    /// The user data of an SDK batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Box<RawValue>>,
    /// The `Referer` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referer: Option<String>,
    /// The normalized `integration_source`. Conversions API only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_source: Option<String>,
    /// The `x-request-id` of the response. Conversions API only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The status of the response.
    pub status: u16,
}

/// How a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// `fetch`, or any other client.
    Fetch,
    /// `navigator.sendBeacon`.
    Beacon,
    /// An image tag.
    Image,
    /// The Conversions API.
    Server,
}

/// A verdict and its notes, serialized as one object.
#[derive(Debug, Serialize)]
pub struct Outcome<'a> {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: &'a Verdict,
    /// The remarks.
    #[serde(flatten)]
    pub notes: &'a Notes,
    /// What `oaiq-relay` says about the event: who has sent it (`browser`, `backend`, `both`), and how it has found the click
    /// (`+event_id`, `+obref`, `+external_id`, `+email`, `+phone`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<&'a str>,
}

/// What the collector decided about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// The first valid event with this pixel, name and ID.
    Counted,
    /// An event with the same pixel, name and ID was counted before.
    Duplicate {
        /// The `seq` of the counted event.
        duplicate_of: u64,
    },
    /// The event or its request is invalid.
    Refused {
        /// The rules that the event breaks.
        #[serde(rename = "faults", skip_serializing_if = "Vec::is_empty")]
        violations: Vec<Violation>,
        /// A sentence, if the cause is not one of the event's fields.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The pixel's own event: initialization, session marker or diagnostics.
    Internal,
    /// Valid, in a request with `validate_only`.
    Valid,
}

impl Verdict {
    /// Refused for a reason other than the event's fields.
    pub fn refused(error: impl Into<String>) -> Self {
        Self::Refused {
            violations: Vec::new(),
            error: Some(error.into()),
        }
    }
}

/// An entry of `/events.json`, as pieces of JSON text. Most are never read, and text is compact.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// The event's number, from 1, never reused, not even after a restart.
    pub seq: u64,
    /// The request's number, likewise.
    pub batch: u64,
    /// The [`RequestMeta`], shared by the events of one request.
    pub request: Arc<str>,
    /// The [`Outcome`].
    pub verdict: Box<str>,
    /// The event, byte for byte as received; `null` if there is none.
    pub event: Box<str>,
}

impl EventRecord {
    /// The approximate size of the output of [`EventRecord::write_json`], in bytes.
    pub fn json_size(&self) -> usize {
        // `seq`, `batch` and the three names.
        const REST: usize = 64;
        self.request.len() + self.verdict.len() + self.event.len() + REST
    }

    /// Appends it to `out` as one JSON object.
    pub fn write_json(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            r#"{{"seq":{},"batch":{},{},{},"event":{}}}"#,
            self.seq,
            self.batch,
            members(&self.request),
            members(&self.verdict),
            self.event,
        );
    }
}

/// The text between an object's braces.
fn members(object: &str) -> &str {
    object.get(1..object.len().saturating_sub(1)).unwrap_or("")
}

/// Serializes records as `{"events":[…]}`.
pub fn to_json_list(records: &[EventRecord]) -> String {
    let mut json =
        String::with_capacity(records.iter().map(EventRecord::json_size).sum::<usize>() + 16);
    json.push_str(r#"{"events":["#);
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        record.write_json(&mut json);
    }
    json.push_str("]}");
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use oaiq_ingest::remarks::Warning;
    use serde_json::{Value, json};

    #[test]
    fn record_serializes_as_one_object() {
        let record = EventRecord {
            seq: 7,
            batch: 3,
            request: r#"{"pixel":"P","status":202}"#.into(),
            verdict: serde_json::to_string(&Verdict::Duplicate { duplicate_of: 2 })
                .unwrap()
                .into(),
            event: r#"{"z":1.50}"#.into(),
        };
        let json = to_json_list(&[record.clone(), record]);
        assert!(json.contains(r#""event":{"z":1.50}"#), "{json}");
        let listed: Value = serde_json::from_str(&json).unwrap();
        let expected = json!({
            "seq": 7, "batch": 3, "pixel": "P", "status": 202,
            "verdict": "duplicate", "duplicate_of": 2, "event": { "z": 1.5 },
        });
        assert_eq!(listed["events"], json!([expected, expected]));
    }

    #[test]
    fn refused_verdict_serializes_its_error() {
        let json = serde_json::to_value(Verdict::refused("why")).unwrap();
        assert_eq!(json, json!({ "verdict": "refused", "error": "why" }));
    }

    #[test]
    fn notes_are_serialized_next_to_the_verdict_when_present() {
        let outcome = |notes: &Notes| {
            serde_json::to_value(Outcome {
                verdict: &Verdict::Counted,
                notes,
                relay: None,
            })
            .unwrap()
        };
        let mut notes = Notes::default();
        notes.normalize("data.currency", "EUR", "EUR");
        assert_eq!(outcome(&notes), json!({ "verdict": "counted" }));
        notes.normalize("data.currency", "eur", "EUR");
        notes
            .warnings
            .push(Warning::deprecated("a", "b", "Send b."));
        assert_eq!(
            outcome(&notes),
            json!({
                "verdict": "counted",
                "warnings": [{ "field": "a", "use": "b", "message": "Send b." }],
                "normalized": [{ "field": "data.currency", "value": "EUR" }],
            })
        );
    }
}
