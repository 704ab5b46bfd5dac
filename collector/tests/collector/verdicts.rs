//! The verdicts: counted, duplicate, refused, internal.

use oaiq_collector::Config;
use serde_json::{Value, json};

use crate::support::server::{
    TestServer, api_error, config, conversion_event, error_of, event, message_of, now_ms, read_json,
};

/// The entry of the newest event.
fn newest(server: &TestServer) -> Value {
    server.entries("?limit=1")[0].clone()
}

fn violated_fields(entry: &Value) -> Vec<&str> {
    let violations = entry["faults"].as_array().map(Vec::as_slice);
    violations
        .unwrap_or_default()
        .iter()
        .map(|violation| violation["field"].as_str().unwrap())
        .collect()
}

#[test]
fn first_event_of_a_pixel_name_and_id_is_counted() {
    let server = TestServer::start();
    for (pixel, name, id, verdict) in [
        ("P", "order_created", "1", "counted"),
        ("P", "order_created", "1", "duplicate"),
        ("P", "order_created", "2", "counted"),
        ("P", "items_added", "1", "counted"),
        ("Q", "order_created", "1", "counted"),
        ("P", "custom", "1", "counted"),
        ("P", "custom", "1", "duplicate"),
    ] {
        server.post_batch_ok(pixel, &json!({ "events": [event(name, id)] }));
        let entry = newest(&server);
        assert_eq!(entry["verdict"], verdict, "{entry}");
        if verdict == "duplicate" {
            let first = if name == "custom" { 6 } else { 1 };
            assert_eq!(entry["duplicate_of"], first);
        }
    }
    // Custom events are distinguished by their own names.
    let mut other = event("custom", "1");
    other["custom_event_name"] = "another".into();
    server.post_batch_ok("P", &json!({ "events": [other] }));
    assert_eq!(newest(&server)["verdict"], "counted");
    // Also within one request.
    server.post_batch_ok(
        "P",
        &json!({ "events": [event("order_created", "3"), event("order_created", "3")] }),
    );
    assert_eq!(newest(&server)["duplicate_of"], 9);
}

#[test]
fn page_image_tag_and_server_count_an_order_once() {
    let server = TestServer::start();
    server.post_batch_ok("P", &json!({ "events": [event("order_created", "o-1")] }));
    let response = server.post_conversions(
        "P",
        &json!({ "events": [conversion_event("order_created", "o-1")] }),
    );
    assert_eq!(read_json(response), json!({ "accepted_events": 1 }));
    let entry = newest(&server);
    assert_eq!(
        (&entry["transport"], &entry["duplicate_of"]),
        (&json!("server"), &json!(1))
    );
    server.get("/v1/sdk/events?pid=P&event=order_created&event_id=o-1&data[type]=contents");
    let entry = newest(&server);
    assert_eq!(
        (&entry["transport"], &entry["duplicate_of"]),
        (&json!("image"), &json!(1))
    );
    // In the other order.
    server.post_conversions(
        "P",
        &json!({ "events": [conversion_event("order_created", "o-2")] }),
    );
    server.post_batch_ok("P", &json!({ "events": [event("order_created", "o-2")] }));
    assert_eq!(newest(&server)["duplicate_of"], 4);
}

#[test]
fn custom_event_name_is_case_insensitive() {
    let server = TestServer::start();
    let named = |mut event: Value, name: &str| {
        event["custom_event_name"] = name.into();
        json!({ "events": [event] })
    };
    server.post_batch_ok("P", &named(event("custom", "1"), "Quote_Requested"));
    assert_eq!(newest(&server)["verdict"], "counted");
    server.post_conversions(
        "P",
        &named(conversion_event("custom", "1"), "quote_requested"),
    );
    assert_eq!(newest(&server)["duplicate_of"], 1);
    server.post_conversions(
        "P",
        &named(conversion_event("custom", "1"), "QUOTE_REQUESTED"),
    );
    assert_eq!(newest(&server)["duplicate_of"], 1);
    server.get("/v1/sdk/events?pid=P&event=custom&event_id=1&custom_event_name=Quote_requesteD&data[type]=custom");
    assert_eq!(newest(&server)["duplicate_of"], 1);
    server.post_conversions("P", &named(conversion_event("custom", "1"), "quote"));
    assert_eq!(newest(&server)["verdict"], "counted");
}

#[test]
fn first_received_event_wins_even_with_less_data() {
    let server = TestServer::start();
    let mut thin = event("order_created", "o-1");
    thin["data"] = json!({ "type": "contents" });
    server.post_batch_ok("P", &json!({ "events": [thin] }));
    let mut rich = conversion_event("order_created", "o-1");
    rich["data"] = json!({ "type": "contents", "amount": 2599, "currency": "EUR" });
    rich["user"] = json!({ "emails_sha256": ["ab".repeat(32)] });
    server.post_conversions("P", &json!({ "events": [rich] }));
    let entries = server.entries("");
    assert_eq!(entries[0]["duplicate_of"], 1);
    assert_eq!(entries[1]["verdict"], "counted");
    assert_eq!(entries[1]["event"]["data"], json!({ "type": "contents" }));
}

#[test]
fn invalid_event_is_refused_and_not_counted() {
    let server = TestServer::start();
    let mut wrong = event("order_created", "o-1");
    wrong["data"] = json!({ "type": "contents", "amount": 25.99, "sku": "x" });
    server.post_batch_ok(
        "P",
        &json!({ "events": [wrong, event("order_created", "o-1")] }),
    );
    let entries = server.entries("");
    assert_eq!(entries[0]["verdict"], "counted");
    assert_eq!(entries[1]["verdict"], "refused");
    assert_eq!(entries[1]["status"], 202);
    assert_eq!(
        violated_fields(&entries[1]),
        ["data.amount", "data.currency", "data.sku"]
    );
    let amount = &entries[1]["faults"][0];
    assert_eq!(amount["given"], "25.99");
    assert!(
        amount["expected"]
            .as_str()
            .unwrap()
            .contains("whole number")
    );
}

#[test]
fn name_timestamp_and_id_are_checked() {
    let server = TestServer::start();
    for (field, value, invalid_field) in [
        ("type", json!("purchase"), "type"),
        ("id", json!(""), "id"),
        (
            "timestamp_ms",
            json!(now_ms() - 8 * 86_400_000),
            "timestamp_ms",
        ),
        (
            "timestamp_ms",
            json!(now_ms() + 11 * 60_000),
            "timestamp_ms",
        ),
        ("custom_event_name", json!("x"), "custom_event_name"),
    ] {
        let mut wrong = event("order_created", "o-1");
        wrong[field] = value;
        server.post_batch_ok("P", &json!({ "events": [wrong] }));
        assert_eq!(violated_fields(&newest(&server)), [invalid_field]);
    }
}

#[test]
fn internal_event_is_never_counted() {
    let server = TestServer::start();
    for name in ["openai::sdk_init", "oai::diagnostic"] {
        let mut internal = event(name, "1");
        internal["data"] = json!({ "type": "whatever" });
        server.post_batch_ok("P", &json!({ "events": [internal.clone(), internal] }));
        for entry in server.entries("?limit=2") {
            assert_eq!(entry["verdict"], "internal");
        }
    }
}

#[test]
fn image_tag_is_checked_like_a_batch() {
    let server = TestServer::start();
    let tag = "/v1/sdk/events?pid=P&event=order_created";
    for (query, verdict, invalid_field) in [
        ("&event_id=1&data[type]=contents", "counted", ""),
        ("&event_id=1&data[type]=contents", "duplicate", ""),
        ("&data[type]=contents", "counted", ""),
        ("&data[type]=contents", "counted", ""),
        ("", "refused", "data.type"),
        (
            "&data[type]=contents&data[amount]=25.99&data[currency]=EUR",
            "refused",
            "data.amount",
        ),
    ] {
        assert_eq!(server.get(&format!("{tag}{query}")).status(), 200);
        let entry = newest(&server);
        assert_eq!(entry["verdict"], verdict, "{query}: {entry}");
        assert_eq!(
            violated_fields(&entry).first().copied().unwrap_or(""),
            invalid_field
        );
    }
    let custom =
        "/v1/sdk/events?pid=P&event=custom&event_id=1&custom_event_name=quote&data[type]=custom";
    for verdict in ["counted", "duplicate"] {
        server.get(custom);
        assert_eq!(newest(&server)["verdict"], verdict);
    }
}

#[test]
fn raw_identifier_is_refused_and_never_listed() {
    let server = TestServer::start();
    let user = json!({ "in": { "em": "jane@example.com", "co": "DE" } });
    server.post_batch_ok(
        "P",
        &json!({ "events": [event("page_viewed", "1")], "user": user }),
    );
    let entry = newest(&server);
    assert_eq!(violated_fields(&entry), ["user.in.em"]);
    assert!(!entry.to_string().contains("jane"), "{entry}");
    assert_eq!(entry["user"]["in"]["co"], "DE");
}

#[test]
fn unknown_pixel_is_refused() {
    let server = TestServer::with(Config {
        pixels: vec!["P".to_owned(), "Q".to_owned()],
        ..config()
    });
    let batch = json!({ "events": [event("page_viewed", "1"), event("oai::diagnostic", "2")] });
    server.post_batch_ok("typo", &batch);
    for entry in server.entries("") {
        assert_eq!(entry["verdict"], "refused");
        let error = entry["error"].as_str().unwrap();
        assert!(
            error.contains("unknown pixel ID") && error.contains("P, Q"),
            "{error}"
        );
    }
    assert_eq!(
        server.get("/v1/sdk/events?pid=typo&event=custom").status(),
        200
    );
    assert_eq!(newest(&server)["verdict"], "refused");
    let error = api_error(server.post_conversions("typo", &batch), 403);
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("pid"), &json!("unknown_pid"))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("unknown pixel ID"),
        "{error}"
    );
    let error = error_of(server.get("/pixel-config/v1/typo.json"), 404);
    assert!(error.contains("unknown pixel ID"), "{error}");
    server.post_batch_ok("Q", &batch);
    assert_eq!(newest(&server)["verdict"], "internal");
    assert_eq!(server.get("/pixel-config/v1/Q.json").status(), 200);
}

#[test]
fn rejected_request_is_listed_with_its_error() {
    let server = TestServer::start();
    let long = format!("/v1/sdk/events?pid={}", "p".repeat(1000));
    for (path, body, status, part) in [
        ("/v1/sdk/events?pid=P", "{", 400, "not JSON"),
        (
            "/v1/sdk/events?pid=P&ec=2",
            r#"{"events":[]}"#,
            400,
            "has no events",
        ),
        ("/v1/sdk/events", "{}", 400, "`pid`"),
        (long.as_str(), "{}", 400, "1000 bytes long"),
        ("/v1/events?pid=P", "{}", 401, "missing API key"),
    ] {
        let response = server.post(path, body);
        let error = message_of(path, response, status);
        assert!(error.contains(part), "{error}");
        let entry = newest(&server);
        assert_eq!(entry["verdict"], "refused");
        assert_eq!(entry["event"], Value::Null);
        assert_eq!(entry["status"], status);
        assert_eq!(entry["batch_size"], 0);
        assert_eq!(entry["bytes"], body.len());
        assert_eq!(entry["error"], error);
        assert!(entry.to_string().len() < 1000);
    }
    error_of(server.get("/v1/sdk/events?pid=P"), 400);
    assert_eq!(newest(&server)["transport"], "image");
}
