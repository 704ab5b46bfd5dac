//! What is kept and shown of an event: the event itself, its request, and what became of it.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// What is known of a request besides its events.
#[derive(Debug, Serialize)]
pub struct RequestMeta {
    /// When it arrived, in milliseconds since the epoch.
    pub received_ms: u64,
    /// The pixel's id, `pid`. Empty where the request names none.
    pub pixel: String,
    /// How it was sent.
    pub transport: Transport,
    /// The size of its body, in bytes; 0 for an image tag.
    pub bytes: usize,
    /// How many events it brought; 0 where they could not be told apart.
    pub batch_size: usize,
    /// Whether it says nothing of who the visitor is: neither `obref` nor `oppref` nor `user`.
    #[serde(rename = "stripped")]
    pub is_anonymous: bool,
    /// The browser reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obref: Option<String>,
    /// The click reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oppref: Option<String>,
    /// Who the site says the visitor is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Box<RawValue>>,
    /// The header `Referer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referer: Option<String>,
    /// Who sent it on behalf of an advertiser, normalised. Only the Conversions API has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_source: Option<String>,
    /// The answer's `x-request-id`. Only the Conversions API has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What its sender was answered with.
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
    /// A picture's address.
    Image,
    /// The Conversions API.
    Server,
}

/// One thing that is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Violation {
    /// The stable code of the kind of violation (`oaiq::explain::codes`), if the collector knows it.
    #[serde(rename = "code", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'static, str>>,
    /// Where: `data.contents[1].amount`.
    pub field: String,
    /// What was found there; never an identifier.
    pub given: String,
    /// What must be there, to follow "it must be".
    pub expected: String,
    /// What to do, where that can be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The code that the Conversions API answers with, where it does not follow from the field.
    #[serde(skip)]
    pub api_code: Option<&'static str>,
}

impl Violation {
    /// Without advice.
    pub fn new(
        field: impl Into<String>,
        given: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            kind: None,
            field: field.into(),
            given: given.into(),
            expected: expected.into(),
            advice: None,
            api_code: None,
        }
    }

    /// Adds the code of its kind.
    #[must_use]
    pub fn of_kind(self, kind: &'static str) -> Self {
        Self {
            kind: Some(kind.into()),
            ..self
        }
    }

    /// All of it as one sentence, about the field at `path`.
    pub fn to_sentence(&self, path: &str) -> String {
        let Self {
            given,
            expected,
            advice,
            ..
        } = self;
        match advice {
            Some(advice) => format!("{path} is {given}; it must be {expected}: {advice}"),
            None => format!("{path} is {given}; it must be {expected}"),
        }
    }
}

/// Something in an accepted event that its sender should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where: `user.email_sha256`.
    pub field: String,
    /// The field to send replacement, where `field` is the name of an older generation.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// What is the matter and what to do, as whole sentences.
    pub message: String,
}

impl Warning {
    /// About a field that keeps its name.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            replacement: None,
            message: message.into(),
        }
    }

    /// About a field's older name or form.
    pub fn deprecated(
        field: impl Into<String>,
        replacement: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            replacement: Some(replacement.to_owned()),
            ..Self::new(field, message)
        }
    }
}

/// A value that counts in another form than the one in which it was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Normalized {
    /// Where: `data.currency`.
    pub field: String,
    /// What it counts as.
    pub value: Value,
}

/// What there is to say about an event besides its verdict.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Notes {
    /// What its sender should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// What the API changes in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub normalized: Vec<Normalized>,
}

impl Notes {
    /// Notes that a value counts as another, if it does.
    pub fn normalize(&mut self, field: impl Into<String>, sent: &str, normalized: &str) {
        if sent != normalized {
            self.normalized.push(Normalized {
                field: field.into(),
                value: normalized.into(),
            });
        }
    }

    /// Keeps at most `most` of each kind, so that a hostile event does not grow without bounds.
    pub fn truncate(&mut self, max: usize) {
        self.warnings.truncate(max);
        self.normalized.truncate(max);
    }
}

/// A verdict with its notes, as one object.
#[derive(Debug, Serialize)]
pub struct Outcome<'a> {
    /// What became of the event.
    #[serde(flatten)]
    pub verdict: &'a Verdict,
    /// What else there is to say.
    #[serde(flatten)]
    pub notes: &'a Notes,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// It is the first of its pixel, name and id.
    Counted,
    /// It is a later one.
    Duplicate {
        /// The `seq` of the first.
        duplicate_of: u64,
    },
    /// It breaks a rule.
    Refused {
        /// Each of its own faults.
        #[serde(rename = "faults", skip_serializing_if = "Vec::is_empty")]
        violations: Vec<Violation>,
        /// A sentence, where the fault is not in one of its fields.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The pixel tells of itself: starts, session markers, diagnostics.
    Internal,
    /// A rehearsal (`validate_only`) of an event that would have been taken.
    Valid,
}

impl Verdict {
    /// Refused for a reason that is none of its own fields'.
    pub fn refused(error: impl Into<String>) -> Self {
        Self::Refused {
            violations: Vec::new(),
            error: Some(error.into()),
        }
    }
}

/// An event as `/events.json` lists it, in pieces of JSON: most are never looked at, and as text they are small.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// Counts the events received, from 1, also over restarts.
    pub seq: u64,
    /// Counts the requests received, from 1, also over restarts.
    pub batch: u64,
    /// The [`RequestMeta`], which the events of one request share.
    pub request: Arc<str>,
    /// The [`Outcome`].
    pub verdict: Box<str>,
    /// The event, letter by letter as it was received; `null` where there is none.
    pub event: Box<str>,
}

impl EventRecord {
    /// About how long [`EventRecord::write_json`] makes it.
    pub fn json_size(&self) -> usize {
        // the seq, the batch and the names of the three
        const REST: usize = 64;
        self.request.len() + self.verdict.len() + self.event.len() + REST
    }

    /// Adds it as one object.
    pub fn write_json(&self, out: &mut String) {
        // writing to a String cannot fail
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

/// What stands between the braces of an object that has fields.
fn members(object: &str) -> &str {
    object.get(1..object.len().saturating_sub(1)).unwrap_or("")
}

/// A list of records: `{"events":[…]}`.
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
    use serde_json::{Value, json};

    #[test]
    fn an_entry_is_one_object_of_its_three_parts() {
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
    fn a_refusal_tells_its_faults_or_a_sentence() {
        let told = serde_json::to_value(Verdict::refused("why")).unwrap();
        assert_eq!(told, json!({ "verdict": "refused", "error": "why" }));
    }

    #[test]
    fn notes_are_listed_beside_the_verdict_and_only_where_there_are_some() {
        let outcome = |notes: &Notes| {
            serde_json::to_value(Outcome {
                verdict: &Verdict::Counted,
                notes,
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
