//! What the buckets contain.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{Click, Half, merge};
use crate::key::Key;
use crate::store::handover::StoredEvent;

/// The value of an event that was delivered. Nothing of the event is left.
pub const DELIVERED: &[u8] = b"delivered";

/// An event in the bucket.
#[derive(Debug, Clone)]
pub enum State {
    /// It is to be delivered.
    Pending(StoredEvent),
    /// It was.
    Delivered,
}

#[derive(Serialize, Deserialize)]
struct Value {
    pixel: String,
    due_ms: u64,
    waits_for_backend: bool,
    halves: u8,
    received_ms: u64,
    timestamp_ms: u64,
    key: Key,
    visitor: Option<Key>,
    event: Box<RawValue>,
}

/// An event as a value of the bucket.
pub fn encode(event: &StoredEvent) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Value {
        pixel: event.pixel.clone(),
        due_ms: event.due_ms,
        waits_for_backend: event.waits_for_backend,
        halves: event.halves,
        received_ms: event.received_ms,
        timestamp_ms: event.timestamp_ms,
        key: event.key,
        visitor: event.visitor,
        event: RawValue::from_string(event.json.clone())?,
    })
}

/// Reads what [`encode`] has written.
pub fn decode(bytes: &[u8]) -> serde_json::Result<State> {
    if bytes == DELIVERED {
        return Ok(State::Delivered);
    }
    let value: Value = serde_json::from_slice(bytes)?;
    Ok(State::Pending(StoredEvent {
        seq: 0,
        pixel: value.pixel,
        due_ms: value.due_ms,
        waits_for_backend: value.waits_for_backend,
        halves: value.halves,
        received_ms: value.received_ms,
        timestamp_ms: value.timestamp_ms,
        key: value.key,
        visitor: value.visitor,
        json: value.event.get().to_owned(),
    }))
}

/// The event with the other half, as in the store. None if `ours` adds no half.
pub fn with_other_half(
    known: &StoredEvent,
    ours: &StoredEvent,
    now_ms: u64,
) -> Option<StoredEvent> {
    if ours.halves & !known.halves == 0 {
        return None;
    }
    let json = if known.halves & !ours.halves == 0 {
        // The other half was merged in this relay's file.
        ours.json.clone()
    } else if ours.halves & Half::Backend.bit() != 0 {
        merge(&ours.json, &known.json)
    } else {
        merge(&known.json, &ours.json)
    };
    Some(StoredEvent {
        halves: known.halves | ours.halves,
        // Nothing is left to wait for.
        waits_for_backend: false,
        due_ms: known.due_ms.min(ours.due_ms).min(now_ms),
        visitor: known.visitor.or(ours.visitor),
        json,
        ..known.clone()
    })
}

/// A click in the bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClickValue {
    /// The visitor, if the click has a browser ID.
    pub visitor: Option<Key>,
    /// When it was first seen.
    pub first_ms: u64,
    /// The click.
    pub click: Click,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(halves: u8, json: &str) -> StoredEvent {
        StoredEvent {
            seq: 0,
            pixel: "p".to_owned(),
            due_ms: 100,
            waits_for_backend: halves == 1,
            halves,
            received_ms: 40,
            timestamp_ms: 30,
            key: Key::event("p", "order_created", "1"),
            visitor: (halves == 1).then(|| Key::visitor("v")),
            json: json.to_owned(),
        }
    }

    #[test]
    fn event_is_read_as_it_was_written() {
        let written = event(1, r#"{"id":"1"}"#);
        let State::Pending(read) = decode(&encode(&written).unwrap()).unwrap() else {
            panic!()
        };
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
        assert!(matches!(decode(DELIVERED).unwrap(), State::Delivered));
    }

    #[test]
    fn other_half_is_merged_and_due_at_once() {
        let (browser, backend) = (
            event(1, r#"{"id":"1","oppref":"o"}"#),
            event(2, r#"{"id":"1","x":1}"#),
        );
        for (known, ours) in [(&browser, &backend), (&backend, &browser)] {
            let merged = with_other_half(known, ours, 50).unwrap();
            assert_eq!(
                (merged.halves, merged.due_ms, merged.waits_for_backend),
                (3, 50, false)
            );
            assert_eq!(merged.json, r#"{"id":"1","oppref":"o","x":1}"#);
            assert_eq!(merged.visitor, browser.visitor);
            assert!(with_other_half(&merged, ours, 60).is_none());
        }
        assert!(with_other_half(&browser, &browser, 50).is_none());
    }
}
