//! Delivery while OpenAI is out, refuses, or is slow.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::support::collector::{OPENAI_KEY, TestCollector};
use crate::support::events::{batch, event, server_event, wait_for};
use crate::support::relay::TestRelay;
use crate::support::scripted::{Request, Scripted};

fn ids(events: &[Value]) -> BTreeSet<String> {
    events
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

fn undelivered(relay: &TestRelay) -> f64 {
    relay.metric(r#"oaiq_relay_outbox_events{pixel="p"}"#)
}

#[test]
fn events_are_delivered_after_an_outage_and_a_restart() {
    let collector = TestCollector::start();
    let address = collector.address;
    drop(collector);
    let relay = TestRelay::with_upstream("outage", &format!("http://{address}"), "");
    for i in 0..20 {
        relay.post_ok(&batch(&[
            event("order_created", &format!("{i}-a")),
            event("order_created", &format!("{i}-b")),
        ]));
    }
    wait_for("failures", || {
        (relay.metric(r#"oaiq_relay_upstream_failures_total{pixel="p"}"#) >= 2.0).then_some(())
    });
    assert_eq!(undelivered(&relay), 40.0);
    let (dir, clock) = relay.stop();
    let collector = TestCollector::with(address, &["p"], OPENAI_KEY);
    let relay = TestRelay::restart(dir, clock, Duration::from_secs(10));
    assert_eq!(ids(&collector.counted(40)).len(), 40);
    wait_for("an empty outbox", || {
        (undelivered(&relay) == 0.0).then_some(())
    });
    // Each was sent once.
    assert_eq!(collector.entries().len(), 40);
}

#[test]
fn event_at_fault_becomes_a_dead_letter_and_the_others_arrive() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("dead", &collector, "[hold]\norder_created = \"1s\"");
    // It becomes too old for OpenAI only on the way.
    relay.post_ok(&batch(&[
        event("order_created", "o-1"),
        event("order_created", "o-2"),
    ]));
    let connection = rusqlite::Connection::open(relay.dir.join("relay.sqlite")).unwrap();
    let bad = r#"UPDATE outbox SET event = json_set(event, '$.data.amount', 1.5) WHERE event LIKE '%"o-2"%'"#;
    assert_eq!(connection.execute(bad, []).unwrap(), 1);
    relay.clock.advance(Duration::from_secs(1));
    assert_eq!(
        ids(&collector.counted(1)),
        BTreeSet::from(["o-1".to_owned()])
    );
    wait_for("the dead letter", || {
        (relay.metric(r#"oaiq_relay_dead_letters{pixel="p"}"#) == 1.0).then_some(())
    });
    let (code, field, request_id): (String, String, String) = connection
        .query_row("SELECT code, field, request_id FROM dead", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(
        (code.as_str(), field.as_str()),
        ("invalid_event_data_amount", "data.amount")
    );
    assert!(request_id.starts_with("req_"), "{request_id}");
    // Repaired and sent again, it is not taken for a duplicate.
    relay.post_ok(&batch(&[event("order_created", "o-2")]));
    relay.clock.advance(Duration::from_secs(2));
    relay.post_ok(&batch(&[event("page_viewed", "v")]));
    assert!(ids(&collector.counted(3)).contains("o-2"));
}

#[test]
fn wrong_key_pauses_the_pixel_until_it_is_accepted() {
    let collector = TestCollector::with("127.0.0.1:0".parse().unwrap(), &["p", "q"], "another-key");
    let address = collector.address;
    let relay = TestRelay::start("wrong-key", &collector, "");
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    wait_for("the pause", || {
        (relay.metric(r#"oaiq_relay_paused{pixel="p"}"#) == 1.0).then_some(())
    });
    assert_eq!(undelivered(&relay), 1.0);
    drop(collector);
    let collector = TestCollector::with(address, &["p", "q"], OPENAI_KEY);
    collector.counted(1);
    wait_for("the end of the pause", || {
        (relay.metric(r#"oaiq_relay_paused{pixel="p"}"#) == 0.0).then_some(())
    });
}

#[test]
fn paused_or_slow_pixel_delays_no_other() {
    let upstream = Scripted::start(|_, (path, _): &Request| -> Response {
        if path.contains("pid=p") {
            std::thread::sleep(Duration::from_secs(3));
            return StatusCode::FORBIDDEN.into_response();
        }
        StatusCode::OK.into_response()
    });
    let relay = TestRelay::with_upstream("side-by-side", &upstream.url(), "");
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    let body = json!({ "events": [server_event("order_created", "o-2")] });
    assert_eq!(relay.backend("v1/events?pid=q", &body).status(), 200);
    let start = std::time::Instant::now();
    wait_for("the other pixel's event", || {
        (relay.metric(r#"oaiq_relay_delivered_total{pixel="q"}"#) == 1.0).then_some(())
    });
    assert!(start.elapsed() < Duration::from_millis(2_500));
}

#[test]
fn unnamed_fault_is_found_by_halves() {
    let upstream = Scripted::start(|_, (_, body): &Request| {
        let is_bad = body["events"]
            .as_array()
            .unwrap()
            .iter()
            .any(|event| event["id"] == "bad");
        match is_bad {
            true => (
                StatusCode::BAD_REQUEST,
                r#"{"error":{"message":"no","code":"odd"}}"#,
            ),
            false => (StatusCode::OK, "{}"),
        }
    });
    let relay = TestRelay::with_upstream(
        "halves",
        &upstream.url(),
        "max_batch = 1000\n[hold]\norder_created = \"5s\"",
    );
    for chunk in 0..10 {
        let events: Vec<Value> = (0..100)
            .map(|i| {
                let id = match (chunk, i) {
                    (7, 13) => "bad".to_owned(),
                    _ => format!("{chunk}-{i}"),
                };
                event("order_created", &id)
            })
            .collect();
        relay.post_ok(&batch(&events));
    }
    relay.clock.advance(Duration::from_secs(5));
    relay.post_ok(&batch(&[event("page_viewed", "v")]));
    wait_for("the deliveries", || {
        (relay.metric(r#"oaiq_relay_delivered_total{pixel="p"}"#) == 1_000.0).then_some(())
    });
    assert_eq!(relay.metric(r#"oaiq_relay_dead_total{pixel="p"}"#), 1.0);
    // The request that failed, eleven further ones, and one for the event that woke the worker.
    assert!(
        upstream.requests().len() <= 13,
        "{}",
        upstream.requests().len()
    );
}

#[test]
fn retry_after_is_respected() {
    let upstream = Scripted::start(|before, _| match before {
        0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "2")], ""),
        _ => (StatusCode::OK, [("x", "")], "{}"),
    });
    let relay = TestRelay::with_upstream("retry-after", &upstream.url(), "");
    let start = std::time::Instant::now();
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    wait_for("the delivery", || {
        (relay.metric(r#"oaiq_relay_delivered_total{pixel="p"}"#) == 1.0).then_some(())
    });
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(upstream.requests()[0], upstream.requests()[1]);
}

#[test]
fn breaker_sends_one_event_at_a_time_after_twenty_failures() {
    let upstream = Scripted::start(|before, _| match before {
        0..21 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    });
    let relay = TestRelay::with_upstream("breaker", &upstream.url(), "");
    let events: Vec<Value> = (0..5)
        .map(|i| event("order_created", &i.to_string()))
        .collect();
    relay.post_ok(&batch(&events));
    wait_for("the deliveries", || {
        (relay.metric(r#"oaiq_relay_delivered_total{pixel="p"}"#) == 5.0).then_some(())
    });
    let sizes: Vec<usize> = upstream
        .requests()
        .iter()
        .map(|(_, body)| body["events"].as_array().unwrap().len())
        .collect();
    assert_eq!(&sizes[..20], [5; 20]);
    assert_eq!(&sizes[20..], [1, 1, 4]);
    assert_eq!(relay.metric(r#"oaiq_relay_breaker_open{pixel="p"}"#), 0.0);
}

#[test]
fn event_that_cannot_be_delivered_for_seven_days_expires() {
    let upstream = Scripted::start(|_, _| StatusCode::SERVICE_UNAVAILABLE);
    let relay = TestRelay::with_upstream("expired", &upstream.url(), "");
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    wait_for("a failure", || {
        (relay.metric(r#"oaiq_relay_upstream_failures_total{pixel="p"}"#) >= 1.0).then_some(())
    });
    relay.clock.advance(Duration::from_secs(7 * 86_400 + 1));
    wait_for("the dead letter", || {
        (relay.metric(r#"oaiq_relay_dead_total{pixel="p"}"#) == 1.0).then_some(())
    });
    let connection = rusqlite::Connection::open(relay.dir.join("relay.sqlite")).unwrap();
    let code: String = connection
        .query_row("SELECT code FROM dead", [], |row| row.get(0))
        .unwrap();
    assert_eq!(code, "expired");
}

#[test]
fn stop_delivers_what_is_due() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("drain", &collector, "");
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    relay.stop();
    assert_eq!(collector.counted(1)[0]["id"], "o-1");
}
