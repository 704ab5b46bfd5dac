//! Refused calls, counted.

use serde_json::{Map, Value, json};

use crate::support::page::{CHECKOUT, DENY, INIT, INIT_Q, LATEST, QUIET, REFUSED, Visit, order};

/// What the pixel `P` tells of these calls, made after it has started.
fn told_of(calls: &[&str]) -> Map<String, Value> {
    let mut visit = Visit::settled();
    visit.calls(calls.iter().copied());
    visit.advance(LATEST);
    visit.request().diagnostic().expect("a diagnostic")
}

#[test]
fn a_refused_call_is_counted_under_one_reason() {
    for (call, reason, name, detail) in [
        (
            r#"["measure","purchase",{"type":"contents"}]"#,
            "unsupported_event_name",
            "unknown",
            Some(("unknown_event_type", "type")),
        ),
        (
            r#"["measure",u,u]"#,
            "unsupported_event_name",
            "unknown",
            None,
        ),
        (r#"["measure"]"#, "unsupported_event_name", "unknown", None),
        (
            r#"["measure","order_created"]"#,
            "missing_event_props",
            "order_created",
            Some(("missing_required_field", "data")),
        ),
        (
            REFUSED,
            "missing_event_props",
            "order_created",
            Some(("missing_required_field", "data")),
        ),
        (
            r#"["measure","order_created",x"function"]"#,
            "invalid_event_props",
            "order_created",
            Some(("invalid_field_type", "data")),
        ),
        (
            r#"["measure","order_created",{"type":"contents","amount":25.99,"currency":"EUR"}]"#,
            "invalid_event_props",
            "order_created",
            Some(("invalid_amount", "data.amount")),
        ),
        (
            r#"["measure","order_created",{"type":"contents","contents":[{},{"quantity":"2"}]}]"#,
            "invalid_event_props",
            "order_created",
            Some(("invalid_field_type", "data.contents[].quantity")),
        ),
        (
            r#"["measure","order_created",{"type":"contents","color":u}]"#,
            "invalid_event_props",
            "order_created",
            None,
        ),
        (
            r#"["measure","lead_created",{"type":"customer_action"},{"opt_out":1}]"#,
            "invalid_event_options",
            "lead_created",
            Some(("invalid_field_type", "opt_out")),
        ),
        (
            r#"["measure","lead_created",{"type":"customer_action"},{"event_id":""}]"#,
            "invalid_event_options",
            "lead_created",
            None,
        ),
        (
            r#"["measure","custom",{"type":"custom"}]"#,
            "invalid_event_options",
            "custom",
            Some(("custom_event_name_required", "custom_event_name")),
        ),
    ] {
        let told = told_of(&[call]);
        let mut expected = json!({
            "type": "diagnostic",
            "schema_version": 1,
            "dropped_event_count": 1,
            "dropped_event_reason_counts": {reason: 1},
            "dropped_event_name_counts": {name: 1},
            "dropped_event_phase_counts": {"after_init": 1},
        });
        if let Some((code, field)) = detail {
            expected["schema_version"] = 2.into();
            expected["dropped_event_details"] =
                json!([{"reason": reason, "code": code, "field": field, "count": 1}]);
        }
        assert_eq!(Value::Object(told), expected, "{call}");
    }
}

#[test]
fn refused_calls_are_counted_together() {
    let told = told_of(&[
        REFUSED,
        r#"["measure","order_created",{"type":"contents","amount":0.5,"currency":"EUR"}]"#,
        r#"["measure","purchase",{}]"#,
        REFUSED,
        r#"["measureSingle","P","lead_created",{"type":"customer_action"},5]"#,
    ]);
    let expected = json!({
        "type": "diagnostic",
        "schema_version": 2,
        "dropped_event_count": 5,
        "dropped_event_reason_counts": {
            "missing_event_props": 2,
            "invalid_event_props": 1,
            "unsupported_event_name": 1,
            "invalid_event_options": 1,
        },
        "dropped_event_name_counts": {"order_created": 3, "unknown": 1, "lead_created": 1},
        "dropped_event_phase_counts": {"after_init": 5},
        "dropped_event_details": [
            {"reason": "missing_event_props", "code": "missing_required_field", "field": "data", "count": 2},
            {"reason": "invalid_event_props", "code": "invalid_amount", "field": "data.amount", "count": 1},
            {"reason": "unsupported_event_name", "code": "unknown_event_type", "field": "type", "count": 1},
        ],
    });
    assert_eq!(Value::Object(told), expected);
}

#[test]
fn the_parts_of_a_diagnostic_go_in_the_order_of_the_wire() {
    let mut visit = Visit::to(CHECKOUT);
    visit
        .browser
        .touch()
        .settings_answers
        .extend([(500, ""), (200, "{}")]);
    visit.calls([REFUSED, INIT]);
    visit.advance(LATEST);
    let body = visit.request().body;
    let expected = [
        r#""data":{"type":"diagnostic","schema_version":2,"dropped_event_count":1,"#,
        r#""dropped_event_reason_counts":{"missing_event_props":1},"#,
        r#""dropped_event_name_counts":{"order_created":1},"#,
        r#""dropped_event_phase_counts":{"before_init":1},"#,
        r#""dropped_event_details":[{"reason":"missing_event_props","code":"missing_required_field","field":"data","count":1}],"#,
        r#""consent":true,"is_first_visit_in_session":true,"is_first_consent_grant_in_session":true,"#,
        r#""config":{"automatic_advanced_matching":"invalid","retry_attempted":true,"retry_succeeded":true}}}]}"#,
    ];
    assert!(body.ends_with(&expected.concat()), "{body}");
}

#[test]
fn a_call_refused_before_init_counts_to_the_first_pixel() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([REFUSED, INIT, INIT_Q, REFUSED]);
    visit.advance(LATEST);
    for (pixel, phases) in [
        ("P", json!({"before_init": 1, "after_init": 1})),
        ("Q", json!({"after_init": 1})),
    ] {
        let told = visit.requests_of(pixel)[0].diagnostic().unwrap();
        assert_eq!(told["dropped_event_phase_counts"], phases, "{pixel}");
    }
}

#[test]
fn a_refused_call_counts_to_each_pixel_that_it_would_have_reached() {
    let mut visit = Visit::settled();
    visit.call(INIT_Q);
    visit.settle();
    visit.calls([
        REFUSED,
        r#"["measureSingle","Q","order_created",null]"#,
        r#"["measureSingle","R","order_created",null]"#,
    ]);
    visit.advance(LATEST);
    for (pixel, count) in [("P", 1), ("Q", 2)] {
        let told = visit.requests_of(pixel)[0].diagnostic().unwrap();
        assert_eq!(told["dropped_event_count"], count, "{pixel}");
    }
}

#[test]
fn while_consent_is_denied_nothing_is_counted_and_nobody_warned() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, REFUSED, INIT, REFUSED]);
    visit.advance(60_000);
    let told = visit.request().diagnostic().expect("a diagnostic");
    assert_eq!(told["dropped_event_count"], 0);
    assert_eq!(told["schema_version"], 1);
    assert!(visit.warnings().is_empty());
}

#[test]
fn what_has_been_told_is_not_told_again() {
    let mut visit = Visit::settled();
    visit.call(REFUSED);
    visit.advance(10_000);
    visit.calls([REFUSED, REFUSED]);
    visit.advance(10_000);
    let counts = visit.requests().into_iter().filter_map(|sent| {
        let told = sent.diagnostic()?;
        told["dropped_event_count"].as_u64()
    });
    assert_eq!(counts.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_refused_call_is_dropped_whole_and_harms_no_other() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.call(r#"["measure","order_created",{"type":"contents","amount":1},{"event_id":"b"}]"#);
    visit.call(&order("c"));
    visit.advance(QUIET);
    assert_eq!(visit.measured(), [["a", "c"]]);
}

#[test]
fn a_refused_call_is_warned_of_in_one_line_without_what_the_page_gave() {
    let mut visit = Visit::settled();
    visit.calls([
        r#"["measure","order_created",{"type":"contents","amount":"jane@example.com"}]"#,
        r#"["measure","jane@example.com",{}]"#,
    ]);
    let warnings = visit.warnings();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("order_created"), "{warnings:?}");
    assert!(warnings[0].contains("invalid_event_props"), "{warnings:?}");
    assert!(!warnings.concat().contains("jane"), "{warnings:?}");
    visit.advance(LATEST);
    assert!(!visit.request().body.contains("jane"));
}
