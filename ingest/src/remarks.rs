//! What is remarked on an event: the rules that it breaks, and notes that do not make it invalid.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One rule that an event breaks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Violation {
    /// The stable code of the kind of violation (`oaiq::explain::codes`), if the collector knows it.
    #[serde(rename = "code", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'static, str>>,
    /// The field: `data.contents[1].amount`.
    pub field: String,
    /// What was found there, never a raw identifier.
    pub given: String,
    /// What it must be; completes the sentence "it must be …".
    pub expected: String,
    /// How to fix it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The Conversions API's error code, if it does not follow from the field.
    #[serde(skip)]
    pub api_code: Option<&'static str>,
}

impl Violation {
    /// A violation without advice.
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

    /// The violation as one sentence, with `path` as the field's name.
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

/// A problem that does not make an event invalid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The field: `user.email_sha256`.
    pub field: String,
    /// What to send instead, if `field` has a legacy name, place or value.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// What is wrong and what to do, in complete sentences.
    pub message: String,
}

impl Warning {
    /// A warning without a replacement.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            replacement: None,
            message: message.into(),
        }
    }

    /// A warning about a legacy name, place or value.
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

/// A value that counts in another form than it was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Normalized {
    /// The field: `data.currency`.
    pub field: String,
    /// The value that counts.
    pub value: Value,
}

/// Remarks on an event besides its verdict.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Notes {
    /// Problems that do not make it invalid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Values that the API normalizes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub normalized: Vec<Normalized>,
}

impl Notes {
    /// Records that `sent` counts as `normalized`, if the two differ.
    pub fn normalize(&mut self, field: impl Into<String>, sent: &str, normalized: &str) {
        if sent != normalized {
            self.normalized.push(Normalized {
                field: field.into(),
                value: normalized.into(),
            });
        }
    }

    /// Limits each list to `max` entries, so that a hostile event cannot produce unbounded output.
    pub fn truncate(&mut self, max: usize) {
        self.warnings.truncate(max);
        self.normalized.truncate(max);
    }
}
