//! The Conversions API.

use oaiq_collector::Settings;
use serde_json::{Value, json};

use crate::server::{Server, conversion, header, json_of, now_ms, refusal, settings};

const PATH: &str = "/v1/events?pid=P";

fn with_key() -> Server {
    Server::with(Settings {
        key: Some("right key".to_owned()),
        ..settings()
    })
}

#[test]
fn events_of_a_server_are_taken_and_kept_letter_by_letter() {
    let server = Server::start();
    let mut order = conversion("order_created", "o-1");
    order["user"] = json!({ "email_sha256": ["ab".repeat(32)], "zip_code": "26757" });
    order["oppref"] = "click".into();
    let answer = server.convert(
        "P",
        &json!({ "events": [order, conversion("custom", "c-1")] }),
    );
    assert_eq!(answer.status(), 200);
    assert_eq!(
        json_of(answer),
        json!({ "accepted": 2, "counted": 2, "duplicates": 0 })
    );
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
fn a_key_is_asked_for_compared_and_never_told() {
    let server = with_key();
    let body = json!({ "events": [conversion("order_created", "1")] }).to_string();
    for (authorization, part) in [
        (None, "there is no key"),
        (Some("right key"), "not `Bearer KEY`"),
        (Some("Basic right key"), "not `Bearer KEY`"),
        (Some("Bearer "), "not `Bearer KEY`"),
        (Some("Bearer secret-typo"), "the key is wrong"),
    ] {
        let headers: Vec<_> = authorization
            .map(|value| ("Authorization", value))
            .into_iter()
            .collect();
        let answer = server.send("POST", PATH, &headers, body.as_str());
        assert_eq!(header(&answer, "www-authenticate"), "Bearer");
        let error = refusal(answer, 401);
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
    // without --key any will do
    let server = Server::start();
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
    refusal(server.post(PATH, &body), 401);
}

#[test]
fn one_event_at_fault_fails_them_all_and_each_is_told_why() {
    let server = Server::start();
    let mut wrong = conversion("order_created", "2");
    wrong["data"]["amount"] = json!(25.99);
    wrong["action_source"] = json!("website");
    let events = json!({ "events": [conversion("order_created", "1"), conversion("items_added", "1"), wrong] });
    let answer = server.convert("P", &events);
    assert_eq!(answer.status(), 400);
    let answer = json_of(answer);
    let error = answer["error"].as_str().unwrap();
    assert!(
        error.contains("1 of 3") && error.contains("events[2]."),
        "{error}"
    );
    let told: Vec<_> = answer["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| {
            (
                fault["event"].as_u64().unwrap(),
                fault["field"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (2, "data.amount"),
            (2, "data.currency"),
            (2, "action_source")
        ]
    );
    assert_eq!(answer["faults"][0]["given"], "25.99");

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
        "not taken, because events[2] of its request is at fault"
    );
    // the ids are still free
    let events = json!({ "events": [conversion("order_created", "1")] });
    assert_eq!(json_of(server.convert("P", &events))["counted"], 1);
}

#[test]
fn a_rehearsal_counts_nothing_and_takes_no_id() {
    let server = Server::start();
    let rehearsal = json!({ "validate_only": true, "events": [conversion("order_created", "1")] });
    assert_eq!(
        json_of(server.convert("P", &rehearsal)),
        json!({ "valid": 1 })
    );
    assert_eq!(server.entries("")[0]["verdict"], "valid");
    let events = json!({ "events": [conversion("order_created", "1")] });
    assert_eq!(json_of(server.convert("P", &events))["counted"], 1);
    let rehearsal = json!({ "validate_only": true, "events": [{}] });
    assert_eq!(server.convert("P", &rehearsal).status(), 400);
}

#[test]
fn a_thousand_events_are_taken_and_no_more() {
    let server = Server::start();
    let events = |count: usize| -> Value {
        let events: Vec<_> = (0..count)
            .map(|id| conversion("order_created", &id.to_string()))
            .collect();
        json!({ "events": events })
    };
    assert_eq!(json_of(server.convert("P", &events(1000)))["counted"], 1000);
    let error = refusal(server.convert("P", &events(1001)), 400);
    assert!(
        error.contains("1001 events") && error.contains("1000"),
        "{error}"
    );
    assert_eq!(server.entries("").len(), 1001);
}

#[test]
fn of_many_faults_a_hundred_are_told_and_the_rest_counted() {
    let server = Server::start();
    let answer = json_of(server.convert("P", &json!({ "events": vec![json!({}); 200] })));
    assert_eq!(answer["faults"].as_array().unwrap().len(), 100);
    assert!(
        answer["more_faults"].as_u64().unwrap() >= 700,
        "{}",
        answer["more_faults"]
    );
}

#[test]
fn a_body_that_is_none_is_refused_with_what_it_must_be() {
    let server = Server::start();
    for (body, part) in [
        (json!([]), r#"{"events": [...]}"#),
        (json!({ "event": [] }), "`event`"),
        (json!({ "events": [] }), "empty list"),
        (
            json!({ "events": [conversion("custom", "1")], "test_mode": 1 }),
            "`test_mode`",
        ),
    ] {
        let error = refusal(server.convert("P", &body), 400);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_raw_identifier_is_neither_told_nor_kept() {
    let server = Server::start();
    let mut order = conversion("order_created", "1");
    order["user"] = json!({ "email_sha256": "jane@example.com" });
    let answer = server.convert("P", &json!({ "events": [order] }));
    assert_eq!(answer.status(), 400);
    let answer = json_of(answer).to_string();
    assert!(
        answer.contains("raw identifier must never travel"),
        "{answer}"
    );
    let kept = json!(server.entries("")).to_string();
    assert!(!answer.contains("jane") && !kept.contains("jane"), "{kept}");
}

#[test]
fn numbers_are_taken_as_servers_spell_them() {
    let server = Server::start();
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
fn no_page_of_another_origin_may_read_its_answers() {
    let server = Server::start();
    let headers = [
        ("Origin", "https://shop.example"),
        ("Access-Control-Request-Method", "POST"),
    ];
    let answer = server.send("OPTIONS", PATH, &headers, ());
    assert!(
        answer
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
    let error = refusal(server.get(PATH), 405);
    assert!(error.contains("POST"), "{error}");
}
