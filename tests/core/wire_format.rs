//! The form of a request, to the byte.

use crate::support::fake_browser::{Browser, uuid};
use crate::support::page::{
    CHECKOUT, DENY, EVENTS, GRANT, INIT, QUIET, REFUSED, SETTINGS, Visit, order,
};

/// The text of the only event of that name in a body, as it stands there.
fn raw_event<'a>(body: &'a str, name: &str) -> &'a str {
    let start = body.find(&format!(r#"{{"type":"{name}""#)).expect(body);
    let rest = &body[start..];
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
    values.next().expect(body).expect(body);
    &rest[..values.byte_offset()]
}

#[test]
fn a_first_request_to_the_byte() {
    let browser = Browser::new();
    let mut visit = browser.open_from(
        "https://shop.example.test/checkout?oppref=click-1#top",
        "https://news.example/story?id=5",
        "u",
    );
    let at = browser.look().now;
    visit.call(r#"["init",{"pixelId":"P","user":{"city":"Kiel","country":"DE"}}]"#);
    visit.call(
        r#"["measure","custom",{"contents":[{"quantity":1,"id":"ü\u0022\u005c"}],"type":"custom","amount":-5,"currency":"eUr"},{"eventId":"order 7","opt_out":true,"custom_event_name":"Spun_Wheel"}]"#,
    );
    visit.advance(QUIET);
    let now = at + QUIET;
    let sent = visit.request();
    assert_eq!(
        sent.url,
        format!("{EVENTS}?pid=P&st=oaiq-web&sv=0.1.41&t={now}&ec=3")
    );
    let urls = r#""source_url":"https://shop.example.test/checkout","referrer_url":"https://news.example/story""#;
    // the third is the name of the box in which the event is kept
    let (init, browser, diagnostic) = (uuid(1), uuid(2), uuid(4));
    let expected = [
        format!(r#"{{"obref":"{browser}","events":["#),
        format!(r#"{{"type":"openai::sdk_init","timestamp_ms":{at},"id":"{init}",{urls},"#),
        r#""data":{"type":"sdk_lifecycle"}},"#.into(),
        format!(r#"{{"type":"custom","timestamp_ms":{at},"id":"order 7",{urls},"#),
        r#""opt_out":true,"custom_event_name":"Spun_Wheel","#.into(),
        r#""data":{"contents":[{"quantity":1,"id":"ü\u0022\u005c"}],"type":"custom","amount":-5,"currency":"eUr"}},"#.into(),
        format!(r#"{{"type":"oai::diagnostic","timestamp_ms":{now},"id":"{diagnostic}","#),
        r#""data":{"type":"diagnostic","schema_version":1,"dropped_event_count":0,"#.into(),
        r#""dropped_event_reason_counts":{},"dropped_event_name_counts":{},"dropped_event_phase_counts":{},"#.into(),
        r#""consent":true,"is_first_visit_in_session":true,"is_first_consent_grant_in_session":true}}],"#.into(),
        r#""oppref":"click-1","user":{"in":{"co":"DE","ct":"Kiel"}}}"#.into(),
    ];
    assert_eq!(sent.body, expected.concat());
    assert!(!sent.stripped && !sent.leaving);
}

#[test]
fn a_request_of_session_markers_alone_is_stripped() {
    let mut visit = Visit::to("https://shop.example.test/?oppref=click-1");
    visit.calls([DENY, r#"["init",{"pixelId":"P","user":{"country":"DE"}}]"#]);
    visit.settle();
    visit.call(GRANT);
    visit.advance(QUIET);
    let sent = visit.request();
    assert!(sent.stripped);
    assert!(sent.body.starts_with(r#"{"events":[{"type":"oai::d"#));
    assert!(sent.body.ends_with("}]}"));
    assert!(visit.browser.cookie("__obref").is_some());
}

#[test]
fn a_request_that_is_more_than_a_session_marker_is_not_stripped() {
    let mut visit = Visit::settled();
    visit.call(REFUSED);
    visit.advance(10_000);
    let sent = visit.request();
    assert_eq!(sent.names(), ["oai::diagnostic"]);
    assert!(!sent.stripped);
    assert!(sent.batch().obref.is_some());
    assert!(sent.batch().user.is_none());
}

#[test]
fn diagnostics_carry_no_address() {
    let mut visit = Visit::settled();
    visit.call(REFUSED);
    visit.advance(10_000);
    let sent = visit.request();
    let event = raw_event(&sent.body, "oai::diagnostic");
    assert!(!event.contains("url"), "{event}");
}

#[test]
fn the_address_says_when_a_request_goes_and_an_event_when_it_was_measured() {
    let mut visit = Visit::settled();
    let at = visit.browser.look().now;
    visit.call(&order("a"));
    visit.advance(300);
    visit.call(&order("b"));
    visit.advance(QUIET);
    let sent = visit.request();
    assert_eq!(sent.parameter("t"), (at + 300 + QUIET).to_string());
    let times = sent.events().into_iter().map(|event| event.timestamp_ms);
    assert_eq!(times.collect::<Vec<_>>(), [at, at + 300]);
}

#[test]
fn an_event_takes_event_id_before_event_id_s_alias_and_else_a_uuid() {
    let mut visit = Visit::settled();
    for options in [
        r#"{"event_id":"a"}"#,
        r#"{"eventId":"b"}"#,
        r#"{"eventId":"no","event_id":"c"}"#,
        r#"{"eventId":"d","event_id":u}"#,
        r#"{"event_id":"\u0022ü\u005c"}"#,
        "{}",
    ] {
        visit.call(&format!(
            r#"["measure","lead_created",{{"type":"customer_action"}},{options}]"#
        ));
    }
    visit.advance(QUIET);
    let measured = visit.request().measured();
    assert_eq!(measured[..5], ["a", "b", "c", "d", "\"ü\\"]);
    assert_eq!(measured[5].len(), 36);
    let body = visit.request().body;
    let event = raw_event(&body, "lead_created");
    assert!(!event.contains("eventId") && !event.contains("event_id"));
}

#[test]
fn what_is_undefined_is_left_out() {
    let mut visit = Visit::settled();
    visit.call(
        r#"["measure","order_created",{"amount":u,"type":"contents","contents":[{"id":u,"name":"n"}],"currency":u},{"event_id":"a","opt_out":u,"custom_event_name":u}]"#,
    );
    visit.advance(QUIET);
    let body = visit.request().body;
    let event = raw_event(&body, "order_created");
    let end = r#""id":"a","source_url":"https://shop.example.test/checkout","data":{"type":"contents","contents":[{"name":"n"}]}}"#;
    assert!(event.ends_with(end), "{event}");
}

#[test]
fn of_a_page_s_address_origin_and_path_are_told() {
    for (url, told) in [
        (
            "https://shop.example.test/checkout?email=a%40b.c#card",
            Some(CHECKOUT),
        ),
        (
            "https://me:secret@shop.example.test:8443/a/b",
            Some("https://shop.example.test:8443/a/b"),
        ),
        (
            "https://shop.example.test/k%C3%A4se/%3Fx",
            Some("https://shop.example.test/k%C3%A4se/%3Fx"),
        ),
        ("http://localhost:8080/#x", Some("http://localhost:8080/")),
        ("http://[::1]:8080/x", Some("http://[::1]:8080/x")),
        ("file:///home/me/secret.html", Some("file://")),
        ("about:blank", Some("about:blank")),
        ("data:text/html,secret", Some("data:")),
        ("content://secret", Some("content://")),
        ("about:srcdoc", None),
        ("blob:https://shop.example.test/1", None),
        ("chrome-extension://abc/popup.html", None),
        ("", None),
    ] {
        let browser = Browser::new();
        let mut visit = browser.open_from(url, url, "u");
        visit.call(INIT);
        visit.call(&order("a"));
        visit.advance(QUIET);
        let sent = visit.request();
        for event in &sent.events()[..2] {
            assert_eq!(event.source_url.as_deref(), told, "{url}");
            assert_eq!(event.referrer_url.as_deref(), told, "{url}");
        }
        assert!(!sent.body.contains("secret"), "{url}");
    }
}

#[test]
fn an_event_is_of_the_address_at_which_it_was_measured() {
    let mut visit = Visit::settled();
    for path in ["cart", "checkout?step=2", "thanks#top"] {
        visit.push_state(&format!("https://shop.example.test/{path}"));
        visit.call(&order(path));
    }
    visit.advance(QUIET);
    let events = visit.request().events();
    let urls = events.into_iter().flat_map(|event| event.source_url);
    let expected = ["cart", "checkout", "thanks"];
    assert_eq!(
        urls.collect::<Vec<_>>(),
        expected.map(|path| format!("https://shop.example.test/{path}"))
    );
}

#[test]
fn an_endpoint_with_a_query_of_its_own_keeps_it() {
    let browser = Browser::new();
    let mut visit = browser.open_raw(&format!(
        r#"["http://localhost:9/events?tenant=a","{SETTINGS}",u]"#
    ));
    visit.call(INIT);
    visit.advance(QUIET);
    let sent = visit.request();
    let start = "http://localhost:9/events?tenant=a&pid=P&st=oaiq-web&";
    assert!(sent.url.starts_with(start), "{}", sent.url);
}

#[test]
fn the_address_counts_the_events() {
    let mut visit = Visit::settled();
    for id in ["a", "b", "c"] {
        visit.call(&order(id));
    }
    visit.call(REFUSED);
    visit.advance(QUIET);
    assert_eq!(visit.request().parameter("ec"), "4");
}
