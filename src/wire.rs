//! What travels to the events endpoint, as serde types.
//!
//! The module itself writes its requests without serde, which would cost visitors more than the rest
//! of the pixel. These types serve whoever reads requests: the collector and the tests.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The body of one `POST /v1/sdk/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The browser reference, a v4 UUID. Absent when the request is stripped of identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obref: Option<String>,
    /// What was measured, oldest first.
    pub events: Vec<Event>,
    /// The click reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oppref: Option<String>,
    /// Who the site says the visitor is: `{"in": {"em": "<sha256>", ...}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Map<String, Value>>,
}

/// One event of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The event's name, `openai::sdk_init` or `oai::diagnostic`.
    #[serde(rename = "type")]
    pub name: String,
    /// When it was measured, in milliseconds since the epoch.
    pub timestamp_ms: u64,
    /// What duplicates are recognised by, together with pixel and name.
    pub id: String,
    /// The page, without query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The page before it, without query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer_url: Option<String>,
    /// The visitor's own choice not to be targeted by this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<bool>,
    /// The site's own name of a `custom` event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_event_name: Option<String>,
    /// The event's data, of the shape that its `type` names.
    #[serde(default)]
    pub data: Map<String, Value>,
}
