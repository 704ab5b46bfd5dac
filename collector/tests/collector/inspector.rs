//! The received events, as the inspector and tests read them.

use serde_json::{Value, json};

use crate::support::server::{SseMessage, SseMessages, TestServer, error_of, event};

fn seqs(entries: &[Value]) -> Vec<u64> {
    entries
        .iter()
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect()
}

#[test]
fn entry_describes_the_event_and_its_request() {
    let server = TestServer::start();
    let mut order = event("order_created", "o-1");
    order["a_later_field"] = json!([1, null]);
    let batch = json!({
        "obref": "b-1",
        "events": [event("page_viewed", "p-1"), order],
        "oppref": "c-1",
        "user": { "in": { "em": "ab".repeat(32) } },
    });
    let headers = [
        ("Content-Type", "text/plain;charset=UTF-8"),
        ("Referer", "http://localhost/shop/"),
    ];
    let body = batch.to_string();
    server.send("POST", "/v1/sdk/events?pid=P%20X", &headers, body.as_str());

    let entries = server.entries("");
    assert_eq!(seqs(&entries), [2, 1]);
    let mut newest = entries[0].clone();
    assert!(newest["received_ms"].as_u64().unwrap() > 1_700_000_000_000);
    newest["received_ms"] = 0.into();
    let expected = json!({
        "seq": 2,
        "batch": 1,
        "received_ms": 0,
        "pixel": "P X",
        "transport": "beacon",
        "bytes": body.len(),
        "batch_size": 2,
        "stripped": false,
        "obref": "b-1",
        "oppref": "c-1",
        "user": { "in": { "em": "ab".repeat(32) } },
        "referer": "http://localhost/shop/",
        "status": 202,
        "verdict": "counted",
        "event": order,
    });
    assert_eq!(newest, expected);
}

#[test]
fn anonymous_request_is_marked_stripped() {
    let server = TestServer::start();
    server.post_batch_ok("P", &json!({ "events": [event("page_viewed", "1")] }));
    let entry = &server.entries("")[0];
    assert_eq!(entry["stripped"], true);
    assert_eq!(entry["transport"], "fetch");
    for absent in ["obref", "oppref", "user", "referer"] {
        assert!(entry.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn event_is_listed_byte_for_byte() {
    let server = TestServer::start();
    let event = r#"{"type":"custom","timestamp_ms":1,"id":"e","data":{"z":1.50,"a":12345678901234567890123}}"#;
    server.post("/v1/sdk/events?pid=P", format!("{{\"events\":[{event}]}}"));
    let mut listing = server.get("/events.json");
    let text = listing.body_mut().read_to_string().unwrap();
    assert!(text.contains(event), "{text}");
}

#[test]
fn list_can_be_filtered_by_pixel_and_limited() {
    let server = TestServer::start();
    for pixel in ["a", "b", "a"] {
        server.post_batch_ok(pixel, &json!({ "events": [event("page_viewed", "1")] }));
    }
    assert_eq!(seqs(&server.entries("?pixel=a")), [3, 1]);
    assert_eq!(seqs(&server.entries("?pixel=a&limit=1")), [3]);
    assert_eq!(seqs(&server.entries("?limit=2")), [3, 2]);
    let error = error_of(server.get("/events.json?limit=few"), 400);
    assert!(error.contains("limit=few"), "{error}");
}

#[test]
fn delete_empties_the_list_but_numbering_continues() {
    let server = TestServer::start();
    let batch = json!({ "events": [event("page_viewed", "1")] });
    server.post_batch_ok("P", &batch);
    assert_eq!(server.send("DELETE", "/events.json", &[], ()).status(), 204);
    assert!(server.entries("").is_empty());
    server.post_batch_ok("P", &batch);
    let entry = &server.entries("")[0];
    assert_eq!((&entry["seq"], &entry["batch"]), (&json!(2), &json!(2)));
}

#[test]
fn stream_has_one_message_per_request() {
    let server = TestServer::start();
    server.post_batch_ok("P", &json!({ "events": [event("page_viewed", "before")] }));
    let mut messages = SseMessages::new(server.get("/events/stream"));
    server.post_batch_ok(
        "P",
        &json!({ "events": [event("custom", "1"), event("custom", "2")] }),
    );
    server.get("/v1/sdk/events?pid=P&event=custom");
    server.send("DELETE", "/events.json", &[], ());

    let batch = messages.next().unwrap();
    assert_eq!((batch.event.as_str(), batch.id.as_str()), ("batch", "3"));
    let listing: Value = serde_json::from_str(&batch.data).unwrap();
    let mut reported = listing["events"].as_array().unwrap().clone();
    assert_eq!(seqs(&reported), [2, 3]);
    assert_eq!(reported[0]["event"]["id"], "1");
    assert_eq!(reported[0]["pixel"], "P");

    let image = messages.next().unwrap();
    assert_eq!((image.event.as_str(), image.id.as_str()), ("batch", "4"));
    reported.push(serde_json::from_str::<Value>(&image.data).unwrap()["events"][0].clone());
    assert_eq!(seqs(&reported), [2, 3, 4]);

    let cleared = SseMessage {
        event: "cleared".to_owned(),
        data: "{}".to_owned(),
        ..SseMessage::default()
    };
    assert_eq!(messages.next(), Some(cleared));
}

#[test]
fn stream_reaches_every_subscriber() {
    let server = TestServer::start();
    let mut first = SseMessages::new(server.get("/events/stream"));
    drop(SseMessages::new(server.get("/events/stream")));
    let mut third = SseMessages::new(server.get("/events/stream"));
    for id in ["1", "2"] {
        server.post_batch_ok("P", &json!({ "events": [event("custom", id)] }));
        assert_eq!(first.next().unwrap().id, id);
        assert_eq!(third.next().unwrap().id, id);
    }
}

#[test]
fn responses_have_no_cors_headers() {
    let server = TestServer::start();
    let headers = [
        ("Origin", "https://shop.example"),
        ("Access-Control-Request-Method", "DELETE"),
    ];
    for (method, path) in [
        ("OPTIONS", "/events.json"),
        ("GET", "/events.json"),
        ("GET", "/events/stream"),
    ] {
        let response = server.send(method, path, &headers, ());
        assert!(
            response
                .headers()
                .get("access-control-allow-origin")
                .is_none(),
            "{path}"
        );
    }
}
