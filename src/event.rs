//! The one table of event names, data shapes and fields, and an event's form on the wire.

use crate::address;
use crate::text::{add, push_key, push_number};
use crate::value::Value;

/// What an event's `data` looks like; `data.type` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Things viewed, added or bought.
    Contents,
    /// Something that a customer did.
    CustomerAction,
    /// A plan begun.
    PlanEnrollment,
    /// Whatever the site calls by a name of its own.
    Custom,
}

impl Shape {
    /// The `data.type` of this shape.
    pub const fn name(self) -> &'static str {
        match self {
            Shape::Contents => "contents",
            Shape::CustomerAction => "customer_action",
            Shape::PlanEnrollment => "plan_enrollment",
            Shape::Custom => "custom",
        }
    }

    /// The fields that its `data` may have.
    pub const fn fields(self) -> &'static [&'static str] {
        const ALL: &[&str] = &["plan_id", "type", "amount", "currency", "contents"];
        match self {
            Shape::Contents => ALL.split_at(1).1,
            Shape::CustomerAction => ALL.split_at(1).1.split_at(3).0,
            Shape::PlanEnrollment | Shape::Custom => ALL,
        }
    }
}

/// Each event that a page can measure, with its shape.
pub const EVENTS: [(&str, Shape); 11] = [
    ("page_viewed", Shape::Contents),
    ("contents_viewed", Shape::Contents),
    ("items_added", Shape::Contents),
    ("checkout_started", Shape::Contents),
    ("order_created", Shape::Contents),
    ("lead_created", Shape::CustomerAction),
    ("registration_completed", Shape::CustomerAction),
    ("appointment_scheduled", Shape::CustomerAction),
    ("subscription_created", Shape::PlanEnrollment),
    ("trial_started", Shape::PlanEnrollment),
    (CUSTOM, Shape::Custom),
];

/// The diagnostic event that the pixel sends about itself begins like any other; this is its name.
pub const DIAGNOSTIC: &str = "oai::diagnostic";

/// The event of a pixel's first `init`.
pub const SDK_INIT: &str = "openai::sdk_init";

/// The event that takes a name of the site's own.
pub const CUSTOM: &str = "custom";

/// The fields of each of `data.contents`, all optional.
pub const ITEM_FIELDS: [&str; 6] = [
    "id",
    "name",
    "content_type",
    "quantity",
    "amount",
    "currency",
];

/// What `measure` takes as options. `eventId` is an alias of `event_id`.
pub const OPTIONS: [&str; 4] = ["event_id", "eventId", "custom_event_name", "opt_out"];

/// The table's own copy of the name and its shape, or `None` for a name that is no event.
pub fn find(name: &str) -> Option<(&'static str, Shape)> {
    EVENTS.into_iter().find(|(known, _)| *known == name)
}

/// Where and when something was measured.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Milliseconds since the epoch.
    pub time: u64,
    /// The page's address, JSON-escaped.
    pub url: &'a str,
    /// The address of the page before, JSON-escaped; empty where there is none.
    pub referrer: &'a str,
}

/// The parts that all events on the wire begin with: `{"type":…,"timestamp_ms":…,"id":…`.
pub fn begin(name: &str, time: u64, id: &str) -> String {
    let mut out = String::from("{\"type\":\"");
    add(&mut out, name);
    add(&mut out, "\",\"timestamp_ms\":");
    push_number(&mut out, time);
    add(&mut out, ",\"id\":\"");
    add(&mut out, id);
    add(&mut out, "\"");
    out
}

/// An event's wire form. `id` is JSON-escaped; `options` and `data` have passed [`crate::validate`].
pub fn write(name: &str, moment: Moment, id: &str, options: &Value, data: &Value) -> String {
    let mut out = begin(name, moment.time, id);
    for (key, url) in [
        ("source_url", moment.url),
        ("referrer_url", moment.referrer),
    ] {
        if let Some(parts) = address::public(url) {
            push_key(&mut out, key);
            add(&mut out, "\"");
            for part in parts {
                add(&mut out, part);
            }
            add(&mut out, "\"");
        }
    }
    for key in ["opt_out", "custom_event_name"] {
        if let Some(value) = options.get(key) {
            push_key(&mut out, key);
            value.write(&mut out);
        }
    }
    push_key(&mut out, "data");
    data.write(&mut out);
    add(&mut out, "}");
    out
}
