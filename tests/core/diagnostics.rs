//! Diagnostics: rejected calls and their counts.

use serde_json::{Map, Value, json};

use crate::support::page::{
    CHECKOUT_URL, CONSENT_DENY, IDLE_FLUSH_MS, INIT_P, INIT_Q, INVALID_CALL, MAX_FLUSH_MS, Page,
    order,
};

/// The diagnostic that pixel `P` sends for these calls, made after `init`.
fn reported_for(calls: &[&str]) -> Map<String, Value> {
    let mut page = Page::open_idle();
    page.call_all(calls.iter().copied());
    page.advance(MAX_FLUSH_MS);
    page.request().diagnostic().expect("a diagnostic")
}

#[test]
fn rejected_call_is_counted_under_one_reason() {
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
            INVALID_CALL,
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
        let diagnostic = reported_for(&[call]);
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
        assert_eq!(Value::Object(diagnostic), expected, "{call}");
    }
}

#[test]
fn rejected_calls_share_one_diagnostic() {
    let diagnostic = reported_for(&[
        INVALID_CALL,
        r#"["measure","order_created",{"type":"contents","amount":0.5,"currency":"EUR"}]"#,
        r#"["measure","purchase",{}]"#,
        INVALID_CALL,
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
    assert_eq!(Value::Object(diagnostic), expected);
}

#[test]
fn diagnostic_fields_keep_the_wire_order() {
    let mut page = Page::open(CHECKOUT_URL);
    page.browser
        .state_mut()
        .config_responses
        .extend([(500, ""), (200, "{}")]);
    page.call_all([INVALID_CALL, INIT_P]);
    page.advance(MAX_FLUSH_MS);
    let body = page.request().body;
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
fn call_rejected_before_init_counts_for_the_first_pixel() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INVALID_CALL, INIT_P, INIT_Q, INVALID_CALL]);
    page.advance(MAX_FLUSH_MS);
    for (pixel, phases) in [
        ("P", json!({"before_init": 1, "after_init": 1})),
        ("Q", json!({"after_init": 1})),
    ] {
        let diagnostic = page.requests_for(pixel)[0].diagnostic().unwrap();
        assert_eq!(diagnostic["dropped_event_phase_counts"], phases, "{pixel}");
    }
}

#[test]
fn rejected_call_counts_for_each_pixel_it_addressed() {
    let mut page = Page::open_idle();
    page.call(INIT_Q);
    page.drain();
    page.call_all([
        INVALID_CALL,
        r#"["measureSingle","Q","order_created",null]"#,
        r#"["measureSingle","R","order_created",null]"#,
    ]);
    page.advance(MAX_FLUSH_MS);
    for (pixel, count) in [("P", 1), ("Q", 2)] {
        let diagnostic = page.requests_for(pixel)[0].diagnostic().unwrap();
        assert_eq!(diagnostic["dropped_event_count"], count, "{pixel}");
    }
}

#[test]
fn denial_suppresses_counts_and_warnings() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INVALID_CALL, INIT_P, INVALID_CALL]);
    page.advance(60_000);
    let diagnostic = page.request().diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["dropped_event_count"], 0);
    assert_eq!(diagnostic["schema_version"], 1);
    assert!(page.warnings().is_empty());
}

#[test]
fn reported_rejections_are_not_reported_again() {
    let mut page = Page::open_idle();
    page.call(INVALID_CALL);
    page.advance(10_000);
    page.call_all([INVALID_CALL, INVALID_CALL]);
    page.advance(10_000);
    let counts = page.requests().into_iter().filter_map(|sent| {
        let diagnostic = sent.diagnostic()?;
        diagnostic["dropped_event_count"].as_u64()
    });
    assert_eq!(counts.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn rejected_call_affects_no_other_call() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.call(r#"["measure","order_created",{"type":"contents","amount":1},{"event_id":"b"}]"#);
    page.call(&order("c"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.measured_ids(), [["a", "c"]]);
}

#[test]
fn rejected_call_warns_in_one_line_without_page_data() {
    let mut page = Page::open_idle();
    page.call_all([
        r#"["measure","order_created",{"type":"contents","amount":"jane@example.com"}]"#,
        r#"["measure","jane@example.com",{}]"#,
    ]);
    let warnings = page.warnings();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("order_created"), "{warnings:?}");
    assert!(warnings[0].contains("invalid_event_props"), "{warnings:?}");
    assert!(!warnings.concat().contains("jane"), "{warnings:?}");
    page.advance(MAX_FLUSH_MS);
    assert!(!page.request().body.contains("jane"));
}
