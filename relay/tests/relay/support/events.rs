//! Events, batches and waiting.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

pub const SHOP: &str = "https://shop.example";
pub const OBREF: &str = "3f0e8a52-7f3b-4c68-9a3b-0d5d3c1f2a11";

pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since_epoch.as_millis().try_into().unwrap()
}

pub fn hash(byte: &str) -> String {
    byte.repeat(32)
}

/// An event as the pixel sends it.
pub fn event(name: &str, id: &str) -> Value {
    let kind = match name {
        "lead_created" => "customer_action",
        "subscription_created" => "plan_enrollment",
        _ => "contents",
    };
    json!({
        "type": name, "timestamp_ms": now_ms(), "id": id,
        "source_url": "https://shop.example/thanks",
        "data": { "type": kind, "amount": 2599, "currency": "EUR" },
    })
}

/// A batch of a visitor with an ad click.
pub fn batch(events: &[Value]) -> Value {
    json!({ "obref": OBREF, "oppref": "click-1", "events": events })
}

/// An event as the backend sends it.
pub fn server_event(name: &str, id: &str) -> Value {
    let mut event = event(name, id);
    event["action_source"] = "web".into();
    event
}

/// Waits until `get` returns a value.
pub fn wait_for<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = get() {
            return value;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
