//! Events for the tests of this module.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::event::ServerEvent;
use super::event_fields::FIELDS;

/// When the events are received.
pub const NOW: u64 = 1_790_000_000_000;

/// A valid event.
pub fn order() -> Value {
    json!({
        "type": "order_created",
        "id": "o-1",
        "timestamp_ms": NOW - 5_000,
        "action_source": "web",
        "source_url": "https://shop.example/thanks",
        "oppref": "click",
        "user": {
            "emails_sha256": ["ab".repeat(32)],
            "countries": ["DE"],
            "obref": "3f0e8a52-7f3b-4c68-9a3b-0d5d3c1f2a11",
            "ip_address": "203.0.113.7",
            "user_agent": "Mozilla/5.0",
        },
        "data": { "type": "contents", "amount": 2599, "currency": "EUR", "contents": [{ "id": "mug" }] },
    })
}

/// A valid event but for one field.
pub fn with(field: &str, value: Value) -> Value {
    let mut event = order();
    event[field] = value;
    event
}

/// A valid event without one field.
pub fn without(field: &str) -> Value {
    let mut event = order();
    event.as_object_mut().unwrap().remove(field);
    event
}

/// Parses an event received now.
pub fn parse(event: &Value) -> ServerEvent {
    ServerEvent::parse(&event.to_string(), NOW)
}

/// The violated fields, with the expectations.
pub fn violations(event: &Value) -> Vec<(String, String)> {
    parse(event)
        .violations
        .into_iter()
        .map(|violation| (violation.field, violation.expected))
        .collect()
}

/// Arbitrary JSON, often with names and values of the API.
pub fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        prop::sample::select(
            [
                FIELDS.as_slice(),
                &["contents", "amount", "currency", "group_id", "variant_dict"],
                &[
                    "emails_sha256",
                    "email_sha256",
                    "external_ids_sha256",
                    "email"
                ],
                &[
                    "countries",
                    "cities",
                    "postal_codes",
                    "ip_address",
                    "user_agent"
                ],
                &["android_advertising_id", "integration_source"],
            ]
            .concat()
        )
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        prop::sample::select(vec![
            "order_created",
            "custom",
            "app_opened",
            "web",
            "mobile_app",
            "contents",
            "customer_action",
            "eur",
            "::1",
            "DE",
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}
