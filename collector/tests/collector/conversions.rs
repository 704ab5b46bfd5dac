//! The Conversions API.

use oaiq_collector::Config;
use serde_json::{Value, json};

use crate::support::server::{
    TestServer, api_error, api_message, config, conversion_event, header, now_ms, read_json,
};

const PATH: &str = "/v1/events?pid=P";

fn start_with_key() -> TestServer {
    TestServer::with(Config {
        key: Some("right key".to_owned()),
        ..config()
    })
}

/// Posts an event that must be accepted. Returns it as `/events.json` lists it.
fn post_accepted(server: &TestServer, event: &Value) -> Value {
    let response = server.post_conversions("P", &json!({ "events": [event] }));
    assert_eq!(response.status(), 200);
    assert_eq!(read_json(response), json!({ "accepted_events": 1 }));
    server.entries("?limit=1")[0].clone()
}

/// A request with each member that OpenAI documents.
fn documented_request() -> Value {
    let hash = |byte: &str| byte.repeat(32);
    json!({
        "validate_only": false,
        "integration_source": " Example-Integration_1.0 ",
        "events": [{
            "id": "order_12345",
            "type": "order_created",
            "timestamp_ms": now_ms(),
            "action_source": "web",
            "source_url": "https://shop.example/checkout/thanks",
            "oppref": "the-click-reference",
            "opt_out": false,
            "user": {
                "emails_sha256": [hash("a1"), hash("a2")],
                "phone_numbers_sha256": [hash("b1")],
                "external_ids_sha256": [hash("c1")],
                "first_names_sha256": [hash("d1")],
                "last_names_sha256": [hash("e1")],
                "countries": ["US"],
                "regions": ["California"],
                "cities": ["San Francisco"],
                "postal_codes": ["94107"],
                "obref": "3f0e8a52-7f3b-4c68-9a3b-0d5d3c1f2a11",
                "ip_address": "203.0.113.7",
                "user_agent": "Mozilla/5.0",
                "android_advertising_id": "38400000-8cf0-11bd-b23e-10b96e40000d",
            },
            "data": {
                "type": "contents",
                "amount": 2599,
                "currency": "usd",
                "contents": [{
                    "id": "sku_123",
                    "name": "Mug",
                    "content_type": "product",
                    "quantity": 1,
                    "amount": 2599,
                    "currency": "USD",
                    "group_id": "mugs",
                    "variant_dict": { "color": "red", "size": "M" },
                }],
            },
        }],
    })
}

#[test]
fn documented_request_is_counted_without_warnings() {
    let server = TestServer::start();
    let body = documented_request();
    let response = server.post_conversions("P", &body);
    assert_eq!(response.status(), 200);
    assert_eq!(read_json(response), json!({ "accepted_events": 1 }));
    let entry = &server.entries("")[0];
    assert_eq!(entry["verdict"], "counted");
    assert_eq!(entry["event"], body["events"][0]);
    assert_eq!(entry.get("warnings"), None);
    assert_eq!(entry["integration_source"], "example-integration_1.0");
    assert_eq!(entry["stripped"], false);
    assert_eq!(
        entry["normalized"],
        json!([
            { "field": "user.cities[0]", "value": "san francisco" },
            { "field": "user.regions[0]", "value": "california" },
            { "field": "data.currency", "value": "USD" },
        ])
    );
}

#[test]
fn app_event_with_customer_action_is_counted() {
    let server = TestServer::start();
    for name in ["app_installed", "app_opened"] {
        let mut event = json!({
            "id": "1", "type": name, "timestamp_ms": now_ms(), "action_source": "mobile_app",
            "data": { "type": "customer_action" },
        });
        let entry = post_accepted(&server, &event);
        assert_eq!(entry["verdict"], "counted");
        assert_eq!(entry.get("warnings"), None);
        event["action_source"] = "web".into();
        event["source_url"] = "https://shop.example/".into();
        let error = api_error(
            server.post_conversions("P", &json!({ "events": [event] })),
            400,
        );
        assert_eq!(error["errors"][0]["param"], "events[0].action_source");
    }
}

#[test]
fn legacy_fields_are_counted_with_their_replacements() {
    let server = TestServer::start();
    let mut order = conversion_event("order_created", "o-1");
    order["obref"] = "b-1".into();
    order["user"] = json!({
        "email_sha256": "ab".repeat(32),
        "country": ["DE"],
        "client_ip_address": "203.0.113.7",
        "phone_numbers_sha256": ["ab".repeat(32)],
    });
    let entry = post_accepted(&server, &order);
    assert_eq!(entry["verdict"], "counted");
    assert_eq!(entry["event"], order);
    let warnings: Vec<_> = entry["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| {
            assert!(warning["message"].as_str().unwrap().contains("Send "));
            (
                warning["field"].as_str().unwrap(),
                warning["use"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        warnings,
        [
            ("user.client_ip_address", "user.ip_address"),
            ("user.country", "user.countries"),
            ("user.email_sha256", "user.emails_sha256"),
            ("obref", "user.obref"),
        ]
    );
}

#[test]
fn fourth_hash_and_extra_custom_fields_are_accepted() {
    let server = TestServer::start();
    let mut event = conversion_event("custom", "c-1");
    event["custom_event_name"] = "Quiz_Taken".into();
    let hashes = ["a1", "b2", "c3", "d4"].map(|byte| byte.repeat(32));
    event["user"] = json!({
        "emails_sha256": hashes,
        "android_advertising_id": "00000000-0000-0000-0000-000000000000",
    });
    event["data"] = json!({ "type": "custom", "score": 4.5, "responses": [{ "q": null }, true] });
    let entry = post_accepted(&server, &event);
    assert_eq!(entry["event"], event);
    let fields: Vec<_> = entry["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        ["user.android_advertising_id", "user.emails_sha256"]
    );
    assert_eq!(
        entry["normalized"],
        json!([{ "field": "custom_event_name", "value": "quiz_taken" }])
    );
}

#[test]
fn too_old_event_returns_422() {
    let server = TestServer::start();
    let mut old = conversion_event("order_created", "1");
    old["timestamp_ms"] = (now_ms() - 7 * 86_400_000 - 60_000).into();
    let events = json!({ "events": [conversion_event("order_created", "2"), old] });
    let error = api_error(server.post_conversions("P", &events), 422);
    assert_eq!(error["code"], "event_timestamp_too_old");
    assert_eq!(error["param"], "events[1].timestamp_ms");
    assert_eq!(error["errors"][0]["code"], "event_timestamp_too_old");
    for entry in server.entries("") {
        assert_eq!(
            (&entry["verdict"], &entry["status"]),
            (&json!("refused"), &json!(422))
        );
    }
    // With another violation the status is 400.
    let mut wrong = old.clone();
    wrong["action_source"] = "website".into();
    let error = api_error(
        server.post_conversions("P", &json!({ "events": [wrong] })),
        400,
    );
    assert_eq!(error["code"], "invalid_event");
    assert_eq!(error["errors"].as_array().unwrap().len(), 2);
    // A timestamp in the future has another code.
    old["timestamp_ms"] = (now_ms() + 11 * 60_000).into();
    let error = api_error(
        server.post_conversions("P", &json!({ "events": [old] })),
        400,
    );
    assert_eq!(error["errors"][0]["code"], "event_timestamp_in_future");
    // Timestamps within the limits.
    for timestamp in [now_ms() - 7 * 86_400_000 + 60_000, now_ms() + 9 * 60_000] {
        let mut event = conversion_event("order_created", &timestamp.to_string());
        event["timestamp_ms"] = timestamp.into();
        assert_eq!(post_accepted(&server, &event)["verdict"], "counted");
    }
}

#[test]
fn missing_pixel_id_returns_400() {
    let server = TestServer::start();
    for path in ["/v1/events", "/v1/events?pid="] {
        let headers = [("Authorization", "Bearer key")];
        let error = api_error(server.send("POST", path, &headers, "{}"), 400);
        assert_eq!(
            (&error["param"], &error["code"]),
            (&json!("pid"), &json!("missing_pid"))
        );
    }
}

#[test]
fn every_response_has_a_unique_request_id() {
    let server = TestServer::start();
    let events = json!({ "events": [conversion_event("order_created", "1")] });
    let mut ids = Vec::new();
    for (body, key, status) in [
        (&events, "Bearer key", 200),
        (&events, "Bearer key", 200),
        (&json!({}), "Bearer key", 400),
        (&events, "", 401),
    ] {
        let headers = [("Authorization", key)];
        let response = server.send("POST", PATH, &headers, body.to_string().as_str());
        assert_eq!(response.status(), status);
        let id = header(&response, "x-request-id").to_owned();
        assert_eq!(server.entries("?limit=1")[0]["request_id"], id.as_str());
        ids.push(id);
    }
    ids.push(header(&server.get(PATH), "x-request-id").to_owned());
    assert!(
        ids.iter()
            .all(|id| id.len() == 36 && id.starts_with("req_"))
    );
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn invalid_integration_source_is_rejected() {
    let server = TestServer::start();
    for wrong in [
        json!(""),
        json!("-x"),
        json!("a b"),
        json!(1),
        json!("a".repeat(65)),
    ] {
        let events = json!({ "events": [conversion_event("order_created", "1")], "integration_source": wrong });
        let error = api_error(server.post_conversions("P", &events), 400);
        assert_eq!(error["param"], "integration_source");
        assert_eq!(error["code"], "invalid_integration_source");
    }
}

#[test]
fn server_events_are_stored_byte_for_byte() {
    let server = TestServer::start();
    let mut order = conversion_event("order_created", "o-1");
    order["user"] = json!({ "emails_sha256": ["ab".repeat(32)], "postal_codes": ["26757"] });
    order["oppref"] = "click".into();
    let response = server.post_conversions(
        "P",
        &json!({ "events": [order, conversion_event("custom", "c-1")] }),
    );
    assert_eq!(response.status(), 200);
    assert_eq!(read_json(response), json!({ "accepted_events": 2 }));
    let entry = &server.entries("")[1];
    assert_eq!(entry["event"], order);
    assert_eq!(entry["transport"], "server");
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["verdict"], "counted");
    assert_eq!(
        (&entry["batch_size"], &entry["stripped"]),
        (&json!(2), &json!(false))
    );
}

#[test]
fn key_is_required_and_never_revealed() {
    let server = start_with_key();
    let body = json!({ "events": [conversion_event("order_created", "1")] }).to_string();
    for (authorization, part) in [
        (None, "missing API key"),
        (Some("right key"), "must have the form `Bearer KEY`"),
        (Some("Basic right key"), "must have the form `Bearer KEY`"),
        (Some("Bearer "), "must have the form `Bearer KEY`"),
        (Some("Bearer secret-typo"), "wrong API key"),
    ] {
        let headers: Vec<_> = authorization
            .map(|value| ("Authorization", value))
            .into_iter()
            .collect();
        let response = server.send("POST", PATH, &headers, body.as_str());
        assert_eq!(header(&response, "www-authenticate"), "Bearer");
        let error = api_message(response, 401);
        assert!(error.contains(part), "{error}");
        assert!(
            !error.contains("right") && !error.contains("secret-typo"),
            "{error}"
        );
    }
    assert!(
        !json!(server.entries(""))
            .to_string()
            .contains("secret-typo")
    );
    let right = [("Authorization", "bearer right key")];
    assert_eq!(
        server.send("POST", PATH, &right, body.as_str()).status(),
        200
    );
    // Without --key, any key is accepted.
    let server = TestServer::start();
    assert_eq!(
        server
            .send(
                "POST",
                PATH,
                &[("Authorization", "Bearer x")],
                body.as_str()
            )
            .status(),
        200
    );
    api_error(server.post(PATH, &body), 401);
}

#[test]
fn one_invalid_event_rejects_the_request() {
    let server = TestServer::start();
    let mut wrong = conversion_event("order_created", "2");
    wrong["data"]["amount"] = json!(25.99);
    wrong["action_source"] = json!("website");
    let events = json!({ "events": [conversion_event("order_created", "1"), conversion_event("items_added", "1"), wrong] });
    let response = server.post_conversions("P", &events);
    let error = api_error(response, 400);
    assert_eq!(error["type"], "invalid_request_error");
    assert_eq!(error["param"], "events[2]");
    assert_eq!(error["code"], "invalid_event");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("1 of 3") && message.contains("events[2].data.amount is 25.99"),
        "{message}"
    );
    let reported: Vec<_> = error["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| {
            let message = detail["message"].as_str().unwrap();
            let param = detail["param"].as_str().unwrap();
            assert!(message.starts_with(param), "{message}");
            (param, detail["code"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        reported,
        [
            ("events[2].data.amount", "invalid_event_data_amount"),
            ("events[2].data.currency", "missing_event_data_currency"),
            ("events[2].action_source", "invalid_event_action_source"),
        ]
    );

    let entries = server.entries("");
    assert_eq!(entries.len(), 3);
    for entry in &entries {
        assert_eq!(
            (&entry["verdict"], &entry["status"]),
            (&json!("refused"), &json!(400))
        );
    }
    assert_eq!(entries[0]["faults"].as_array().unwrap().len(), 3);
    assert_eq!(
        entries[2]["error"],
        "not accepted, because events[2] in the same request is invalid"
    );
    // Their IDs can still be counted.
    assert_eq!(
        post_accepted(&server, &conversion_event("order_created", "1"))["verdict"],
        "counted"
    );
}

#[test]
fn validate_only_counts_nothing() {
    let server = TestServer::start();
    let dry_run =
        json!({ "validate_only": true, "events": [conversion_event("order_created", "1")] });
    assert_eq!(
        read_json(server.post_conversions("P", &dry_run)),
        json!({ "accepted_events": 1 })
    );
    assert_eq!(server.entries("")[0]["verdict"], "valid");
    assert_eq!(
        post_accepted(&server, &conversion_event("order_created", "1"))["verdict"],
        "counted"
    );
    let dry_run = json!({ "validate_only": true, "events": [{}] });
    assert_eq!(server.post_conversions("P", &dry_run).status(), 400);
}

#[test]
fn request_may_have_a_thousand_events() {
    let server = TestServer::start();
    let events = |count: usize| -> Value {
        let events: Vec<_> = (0..count)
            .map(|id| conversion_event("order_created", &id.to_string()))
            .collect();
        json!({ "events": events })
    };
    assert_eq!(
        read_json(server.post_conversions("P", &events(1000))),
        json!({ "accepted_events": 1000 })
    );
    let error = api_message(server.post_conversions("P", &events(1001)), 400);
    assert!(
        error.contains("1001 events") && error.contains("1000"),
        "{error}"
    );
    assert_eq!(server.entries("").len(), 1001);
}

#[test]
fn response_reports_a_hundred_violations_and_counts_the_rest() {
    let server = TestServer::start();
    let error = api_error(
        server.post_conversions("P", &json!({ "events": vec![json!({}); 200] })),
        400,
    );
    assert_eq!(error["errors"].as_array().unwrap().len(), 100);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("200 of 200")
            && message.contains("99 more in `errors`, and 500 not listed"),
        "{message}"
    );
}

#[test]
fn malformed_body_is_rejected_with_the_expected_shape() {
    let server = TestServer::start();
    for (body, part) in [
        (json!([]), r#"{"events": [...]}"#),
        (json!({ "event": [] }), "`event`"),
        (json!({ "events": [] }), "empty list"),
        (
            json!({ "events": [conversion_event("custom", "1")], "test_mode": 1 }),
            "`test_mode`",
        ),
    ] {
        let error = api_message(server.post_conversions("P", &body), 400);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn raw_identifier_is_neither_reported_nor_stored() {
    let server = TestServer::start();
    let mut order = conversion_event("order_created", "1");
    order["user"] = json!({ "emails_sha256": ["jane@example.com"] });
    let response = server.post_conversions("P", &json!({ "events": [order] }));
    assert_eq!(response.status(), 400);
    let response = read_json(response).to_string();
    assert!(
        response.contains("never send a raw identifier"),
        "{response}"
    );
    let stored = json!(server.entries("")).to_string();
    assert!(
        !response.contains("jane") && !stored.contains("jane"),
        "{stored}"
    );
}

#[test]
fn whole_numbers_are_accepted_in_any_notation() {
    let server = TestServer::start();
    let event = format!(
        r#"{{"type":"order_created","id":"1","timestamp_ms":{}.0,"action_source":"offline","data":{{"type":"contents","amount":2599.0,"currency":"EUR"}}}}"#,
        now_ms()
    );
    let body = format!(r#"{{"events":[{event}]}}"#);
    let headers = [("Authorization", "Bearer x")];
    assert_eq!(
        server.send("POST", PATH, &headers, body.as_str()).status(),
        200
    );
}

#[test]
fn response_has_no_cors_headers() {
    let server = TestServer::start();
    let headers = [
        ("Origin", "https://shop.example"),
        ("Access-Control-Request-Method", "POST"),
    ];
    let response = server.send("OPTIONS", PATH, &headers, ());
    assert!(
        response
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
    let error = api_message(server.get(PATH), 405);
    assert!(error.contains("POST"), "{error}");
}
