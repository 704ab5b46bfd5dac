//! The wire format of the events endpoint, as serde types.
//!
//! The module writes its requests without serde, which would be larger than the rest of the pixel. These types are for
//! those who read requests: the collector and the tests.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The body of one `POST /v1/sdk/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The browser ID, a v4 UUID. Absent if the request is anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obref: Option<String>,
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The click ID. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oppref: Option<String>,
    /// The user data of the visitor: `{"in": {"em": "<sha256>", ...}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Map<String, Value>>,
}

/// One event of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The event's name, or `openai::sdk_init` or `oai::diagnostic`.
    #[serde(rename = "type")]
    pub name: String,
    /// When it was measured, in milliseconds since the epoch.
    pub timestamp_ms: u64,
    /// Its ID. Events of one pixel with the same name and ID are duplicates.
    pub id: String,
    /// The page's URL, without query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The URL of the page before, without query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer_url: Option<String>,
    /// The visitor has opted out of targeting by this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<bool>,
    /// The site's name for a `custom` event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_event_name: Option<String>,
    /// The event's data. Its shape is named by its `type`.
    #[serde(default)]
    pub data: Map<String, Value>,
}
