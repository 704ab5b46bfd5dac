//! What the site's own servers send, and how it finds its click.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::collector::{OPENAI_KEY, TestCollector};
use crate::support::events::{OBREF, batch, event, hash, server_event};
use crate::support::relay::{TestRelay, error_of, header, read_text};

#[test]
fn key_is_required() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("backend-key", &collector, "");
    let post = |bearer: Option<&str>| {
        let headers: Vec<(&str, &str)> = bearer
            .map(|bearer| ("Authorization", bearer))
            .into_iter()
            .collect();
        relay.send("POST", "v1/events?pid=p", &headers, r#"{"events":[]}"#)
    };
    assert!(error_of(post(None), 401).contains("missing key"));
    let openai = format!("Bearer {OPENAI_KEY}");
    assert!(error_of(post(Some(&openai)), 401).contains("not the one of OpenAI"));
    assert!(error_of(post(Some("Basic x")), 401).contains("missing key"));
    assert!(header(&post(None), "x-request-id").starts_with("req_"));
    assert!(header(&post(None), "www-authenticate").starts_with("Bearer"));
}

#[test]
fn faults_are_reported_as_openai_does() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("backend-faults", &collector, "");
    let mut invalid = server_event("order_created", "o-1");
    invalid["data"]["amount"] = json!(25.99);
    let body = json!({ "events": [server_event("order_created", "o-0"), invalid] });
    let answers: Vec<Value> = [&relay.address, &collector.address]
        .into_iter()
        .map(|address| {
            let path = if *address == relay.address {
                "/oaiq/v1/events"
            } else {
                "/v1/events"
            };
            let key = if *address == relay.address {
                crate::support::relay::BACKEND_KEY
            } else {
                OPENAI_KEY
            };
            let request = ureq::http::Request::builder()
                .method("POST")
                .uri(format!("http://{address}{path}?pid=p"))
                .header("Authorization", format!("Bearer {key}"))
                .body(body.to_string())
                .unwrap();
            let response = crate::support::relay::http_client().run(request).unwrap();
            assert_eq!(response.status(), 400);
            serde_json::from_str(&read_text(response)).unwrap()
        })
        .collect();
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["error"]["param"], "events[1]");
    assert_eq!(relay.metric(r#"oaiq_relay_outbox_events{pixel="p"}"#), 0.0);
    let response = relay.backend("v1/events?pid=other", &body);
    assert_eq!(response.status(), 403);
}

#[test]
fn validate_only_stores_nothing() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("validate-only", &collector, "");
    let body = json!({ "validate_only": true, "events": [server_event("order_created", "o-1")] });
    let response = relay.backend("v1/events?pid=p", &body);
    assert_eq!(response.status(), 200);
    relay.backend_ok(&[server_event("order_created", "o-2")]);
    assert_eq!(collector.counted(1)[0]["id"], "o-2");
}

#[test]
fn later_event_gets_the_click_by_each_identifier() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("join", &collector, "");
    let mut visit = batch(&[event("lead_created", "lead-1")]);
    visit["user"] =
        json!({ "in": { "eid": hash("e1"), "em": hash("a1") }, "fm": { "ph": [hash("f1")] } });
    relay.post_ok(&visit);
    collector.counted(1);
    // Two days later.
    relay.clock.advance(Duration::from_secs(2 * 86_400));
    let users = [
        ("event_id", "lead-1", json!({})),
        ("obref", "s-1", json!({ "obref": OBREF })),
        (
            "external_id",
            "s-2",
            json!({ "external_ids_sha256": [hash("e1")] }),
        ),
        (
            "email",
            "s-3",
            json!({ "emails_sha256": [hash("b1"), hash("a1")] }),
        ),
        (
            "phone",
            "s-4",
            json!({ "phone_numbers_sha256": [hash("f1")] }),
        ),
    ];
    let events: Vec<Value> = users
        .iter()
        .map(|(_, id, user)| {
            let mut event = server_event("subscription_created", id);
            event["user"] = user.clone();
            event
        })
        .chain([server_event("subscription_created", "unknown")])
        .collect();
    relay.backend_ok(&events);
    let counted = collector.counted(7);
    for event in &counted[1..] {
        let has_click = event["id"] != "unknown";
        assert_eq!(
            event["oppref"],
            if has_click {
                json!("click-1")
            } else {
                Value::Null
            },
            "{event}"
        );
        if has_click {
            assert_eq!(event["user"]["obref"], OBREF);
            assert_eq!(event["user"]["ip_address"], "203.0.113.7");
            assert_eq!(event["user"]["user_agent"], "Mozilla/5.0");
        }
    }
    for (by, ..) in users {
        assert_eq!(
            relay.metric(&format!(r#"oaiq_relay_joined_total{{by="{by}"}}"#)),
            1.0,
            "{by}"
        );
    }
}

#[test]
fn click_of_one_pixel_is_not_given_to_another() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("join-pixels", &collector, "");
    relay.post_ok(&batch(&[event("lead_created", "lead-1")]));
    let mut lead = server_event("lead_created", "lead-1");
    lead["user"] = json!({ "obref": OBREF });
    assert_eq!(
        relay
            .backend("v1/events?pid=q", &json!({ "events": [lead] }))
            .status(),
        200
    );
    let counted = collector.counted(2);
    assert_eq!(
        counted
            .iter()
            .filter(|event| event.get("oppref").is_some())
            .count(),
        1
    );
}

#[test]
fn halves_of_a_conversion_arrive_as_one() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("hold", &collector, "[hold]\norder_created = \"60s\"");
    let mut order = server_event("order_created", "o-1");
    order["user"] = json!({ "emails_sha256": [hash("a1")] });
    relay.backend_ok(&[order]);
    assert_eq!(
        relay.metric(r#"oaiq_relay_outbox_held_events{pixel="p"}"#),
        1.0
    );
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    let order = &collector.counted(1)[0];
    assert_eq!(order["oppref"], "click-1");
    assert_eq!(order["user"]["emails_sha256"], json!([hash("a1")]));
    assert_eq!(order["user"]["user_agent"], "Mozilla/5.0");
    assert_eq!(relay.metric("oaiq_relay_merged_total"), 1.0);
    // A third copy is a duplicate.
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    assert_eq!(relay.metric("oaiq_relay_duplicates_total"), 1.0);
    collector.counted(1);
}

#[test]
fn copy_of_a_browser_alone_is_not_forwarded_where_the_backend_is_trusted() {
    let collector = TestCollector::start();
    let relay = TestRelay::start(
        "trust",
        &collector,
        "[trust]\nsubscription_created = \"backend\"",
    );
    relay.post_ok(&batch(&[
        event("subscription_created", "s-1"),
        event("subscription_created", "forged"),
    ]));
    relay.backend_ok(&[server_event("subscription_created", "s-1")]);
    let subscription = &collector.counted(1)[0];
    assert_eq!(
        (&subscription["id"], &subscription["oppref"]),
        (&json!("s-1"), &json!("click-1"))
    );
    // A day later the other one is dropped.
    relay.clock.advance(Duration::from_secs(86_400));
    relay.backend_ok(&[server_event("lead_created", "l-1")]);
    collector.counted(2);
    crate::support::events::wait_for("the drop", || {
        (relay.metric(r#"oaiq_relay_unconfirmed_total{pixel="p"}"#) == 1.0).then_some(())
    });
    assert_eq!(relay.metric(r#"oaiq_relay_outbox_events{pixel="p"}"#), 0.0);
}

#[test]
fn backend_may_delete_a_person() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("forget", &collector, "[hold]\norder_created = \"60s\"");
    let mut visit = batch(&[event("order_created", "o-1")]);
    visit["user"] = json!({ "in": { "em": "8d8dd82ba5e1fd0a0e3b1e4e5d0f2e0e2c3d0b1a9f8e7d6c5b4a392817161504" } });
    relay.post_ok(&visit);
    let find = |text: &str| {
        relay
            .stored_bytes()
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(find(OBREF) && find("click-1"));
    let hash = "8D8dd82ba5e1fd0a0e3b1e4e5d0f2e0e2c3d0b1a9f8e7d6c5b4a392817161504";
    let response = relay.backend("v1/forget", &json!({ "email": hash }));
    assert_eq!(response.status(), 200);
    let deleted: Value = serde_json::from_str(&read_text(response)).unwrap();
    assert_eq!(
        (&deleted["deleted"]["clicks"], &deleted["deleted"]["events"]),
        (&json!(1), &json!(1))
    );
    assert!(!find(OBREF) && !find("click-1"));
    for (body, expected) in [
        (json!({}), "name the person"),
        (json!({ "email": "jane" }), "not an email address"),
        (json!({ "name": "jane" }), "must be JSON"),
    ] {
        let message = error_of(relay.backend("v1/forget", &body), 400);
        assert!(
            message.contains(expected) && !message.contains("jane"),
            "{message}"
        );
    }
    assert_eq!(relay.send("POST", "v1/forget", &[], "{}").status(), 401);
}
