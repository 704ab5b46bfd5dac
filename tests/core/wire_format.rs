//! The wire format of requests, byte for byte.

use oaiq::protocol::VERSION;

use crate::support::fake_browser::{FakeBrowser, uuid};
use crate::support::page::{
    CHECKOUT_URL, CONSENT_DENY, CONSENT_GRANT, EVENTS_URL, IDLE_FLUSH_MS, INIT_P, INVALID_CALL,
    Page, order,
};

/// The JSON of the only event of that name in a body, verbatim.
fn raw_event<'a>(body: &'a str, name: &str) -> &'a str {
    let start = body.find(&format!(r#"{{"type":"{name}""#)).expect(body);
    let rest = &body[start..];
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
    values.next().expect(body).expect(body);
    &rest[..values.byte_offset()]
}

#[test]
fn first_request_matches_byte_for_byte() {
    let browser = FakeBrowser::new();
    let mut page = browser.open_with_referrer(
        "https://shop.example.test/checkout?oppref=click-1#top",
        "https://news.example/story?id=5",
        "u",
    );
    let at = browser.state().now;
    page.call(r#"["init",{"pixelId":"P","user":{"city":"Kiel","country":"DE"}}]"#);
    page.call(
        r#"["measure","custom",{"contents":[{"quantity":1,"id":"ü\u0022\u005c"}],"type":"custom","amount":-5,"currency":"eUr"},{"eventId":"order 7","opt_out":true,"custom_event_name":"Spun_Wheel"}]"#,
    );
    page.advance(IDLE_FLUSH_MS);
    let now = at + IDLE_FLUSH_MS;
    let sent = page.request();
    assert_eq!(
        sent.url,
        format!("{EVENTS_URL}?pid=P&st=oaiq-web&sv={VERSION}&t={now}&ec=3")
    );
    let urls = r#""source_url":"https://shop.example.test/checkout","referrer_url":"https://news.example/story""#;
    // the third UUID is the key of the outbox record
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
    assert!(!sent.is_anonymous && !sent.is_unloading);
}

#[test]
fn request_of_markers_only_is_anonymous() {
    let mut page = Page::open("https://shop.example.test/?oppref=click-1");
    page.call_all([
        CONSENT_DENY,
        r#"["init",{"pixelId":"P","user":{"country":"DE"}}]"#,
    ]);
    page.drain();
    page.call(CONSENT_GRANT);
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request();
    assert!(sent.is_anonymous);
    assert!(sent.body.starts_with(r#"{"events":[{"type":"oai::d"#));
    assert!(sent.body.ends_with("}]}"));
    assert!(page.browser.cookie("__obref").is_some());
}

#[test]
fn request_with_more_than_markers_is_not_anonymous() {
    let mut page = Page::open_idle();
    page.call(INVALID_CALL);
    page.advance(10_000);
    let sent = page.request();
    assert_eq!(sent.names(), ["oai::diagnostic"]);
    assert!(!sent.is_anonymous);
    assert!(sent.batch().obref.is_some());
    assert!(sent.batch().user.is_none());
}

#[test]
fn diagnostics_carry_no_url() {
    let mut page = Page::open_idle();
    page.call(INVALID_CALL);
    page.advance(10_000);
    let sent = page.request();
    let event = raw_event(&sent.body, "oai::diagnostic");
    assert!(!event.contains("url"), "{event}");
}

#[test]
fn url_has_the_send_time_and_events_their_call_time() {
    let mut page = Page::open_idle();
    let at = page.browser.state().now;
    page.call(&order("a"));
    page.advance(300);
    page.call(&order("b"));
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request();
    assert_eq!(sent.parameter("t"), (at + 300 + IDLE_FLUSH_MS).to_string());
    let times = sent.events().into_iter().map(|event| event.timestamp_ms);
    assert_eq!(times.collect::<Vec<_>>(), [at, at + 300]);
}

#[test]
fn event_id_wins_over_its_alias_and_defaults_to_a_uuid() {
    let mut page = Page::open_idle();
    for options in [
        r#"{"event_id":"a"}"#,
        r#"{"eventId":"b"}"#,
        r#"{"eventId":"no","event_id":"c"}"#,
        r#"{"eventId":"d","event_id":u}"#,
        r#"{"event_id":"\u0022ü\u005c"}"#,
        "{}",
    ] {
        page.call(&format!(
            r#"["measure","lead_created",{{"type":"customer_action"}},{options}]"#
        ));
    }
    page.advance(IDLE_FLUSH_MS);
    let measured = page.request().measured_ids();
    assert_eq!(measured[..5], ["a", "b", "c", "d", "\"ü\\"]);
    assert_eq!(measured[5].len(), 36);
    let body = page.request().body;
    let event = raw_event(&body, "lead_created");
    assert!(!event.contains("eventId") && !event.contains("event_id"));
}

#[test]
fn undefined_fields_are_left_out() {
    let mut page = Page::open_idle();
    page.call(
        r#"["measure","order_created",{"amount":u,"type":"contents","contents":[{"id":u,"name":"n"}],"currency":u},{"event_id":"a","opt_out":u,"custom_event_name":u}]"#,
    );
    page.advance(IDLE_FLUSH_MS);
    let body = page.request().body;
    let event = raw_event(&body, "order_created");
    let end = r#""id":"a","source_url":"https://shop.example.test/checkout","data":{"type":"contents","contents":[{"name":"n"}]}}"#;
    assert!(event.ends_with(end), "{event}");
}

#[test]
fn source_url_is_origin_and_path() {
    for (url, expected) in [
        (
            "https://shop.example.test/checkout?email=a%40b.c#card",
            Some(CHECKOUT_URL),
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
        let browser = FakeBrowser::new();
        let mut page = browser.open_with_referrer(url, url, "u");
        page.call(INIT_P);
        page.call(&order("a"));
        page.advance(IDLE_FLUSH_MS);
        let sent = page.request();
        for event in &sent.events()[..2] {
            assert_eq!(event.source_url.as_deref(), expected, "{url}");
            assert_eq!(event.referrer_url.as_deref(), expected, "{url}");
        }
        assert!(!sent.body.contains("secret"), "{url}");
    }
}

#[test]
fn event_carries_the_url_of_its_call() {
    let mut page = Page::open_idle();
    for path in ["cart", "checkout?step=2", "thanks#top"] {
        page.push_state(&format!("https://shop.example.test/{path}"));
        page.call(&order(path));
    }
    page.advance(IDLE_FLUSH_MS);
    let events = page.request().events();
    let urls = events.into_iter().flat_map(|event| event.source_url);
    let expected = ["cart", "checkout", "thanks"];
    assert_eq!(
        urls.collect::<Vec<_>>(),
        expected.map(|path| format!("https://shop.example.test/{path}"))
    );
}

#[test]
fn url_counts_the_events() {
    let mut page = Page::open_idle();
    for id in ["a", "b", "c"] {
        page.call(&order(id));
    }
    page.call(INVALID_CALL);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.request().parameter("ec"), "4");
}
