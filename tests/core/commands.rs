//! The commands `init`, `measure`, `measureSingle` and `consent`, and unknown ones.

use oaiq::host::DebugEvent;

use crate::support::fake_browser::FakeBrowser;
use crate::support::page::{
    CHECKOUT_URL, IDLE_FLUSH_MS, INIT_P, INIT_Q, INVALID_CALL, Page, order,
};

/// Values that `init` must reject as a pixel ID.
const NO_ID: [&str; 8] = [
    r#""""#,
    "null",
    "5",
    "true",
    "[]",
    r#"["P"]"#,
    "{}",
    r#"x"symbol""#,
];

#[test]
fn two_calls_measure_a_page_view() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INIT_P, r#"["measure","page_viewed",{"type":"contents"}]"#]);
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request();
    assert_eq!(sent.pixel(), "P");
    assert_eq!(
        sent.names(),
        ["openai::sdk_init", "page_viewed", "oai::diagnostic"]
    );
    assert!(page.warnings().is_empty());
}

#[test]
fn initialize_is_an_alias_of_init() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(r#"["initialize",{"pixelId":"P"}]"#);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(
        page.request().names(),
        ["openai::sdk_init", "oai::diagnostic"]
    );
}

#[test]
fn every_event_of_the_table_is_accepted() {
    let mut page = Page::open_idle();
    for (names, shape) in [
        (
            &[
                "page_viewed",
                "contents_viewed",
                "items_added",
                "checkout_started",
                "order_created",
            ][..],
            "contents",
        ),
        (
            &[
                "lead_created",
                "registration_completed",
                "appointment_scheduled",
            ],
            "customer_action",
        ),
        (
            &["subscription_created", "trial_started"],
            "plan_enrollment",
        ),
    ] {
        for name in names {
            page.call(&format!(r#"["measure","{name}",{{"type":"{shape}"}}]"#));
        }
    }
    page.call(r#"["measure","custom",{"type":"custom"},{"custom_event_name":"spun-wheel"}]"#);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.request().names().len(), 11);
    assert!(page.request().diagnostic().is_none());
}

#[test]
fn server_only_events_are_rejected() {
    let mut page = Page::open_idle();
    for name in ["app_installed", "app_opened"] {
        page.call(&format!(r#"["measure","{name}",{{"type":"contents"}}]"#));
    }
    page.advance(10_000);
    assert_eq!(page.request().names(), ["oai::diagnostic"]);
    assert_eq!(page.warnings().len(), 2);
}

#[test]
fn unknown_command_does_nothing_and_is_traced() {
    for debug in ["u", r#"{"debug":true}"#] {
        let browser = FakeBrowser::new();
        let mut page = browser.open_with_config(debug);
        let commands = [
            r#"["track","order_created",{}]"#,
            r#"["Init",{"pixelId":"P"}]"#,
            r#"["init ",{"pixelId":"P"}]"#,
            r#"["measure_single","P","lead_created",{}]"#,
            r#"["__proto__"]"#,
            r#"["",1]"#,
            r#"[5,{"pixelId":"P"}]"#,
            r#"[null]"#,
            r#"[u]"#,
            r#"[["init"],{"pixelId":"P"}]"#,
            r#"[x"function"]"#,
            r#"["consent"]"#,
            r#"["consent",u]"#,
            r#"["consent",null]"#,
            r#"["consent","false"]"#,
            r#"["consent",0]"#,
            r#"["consent",{"granted":false}]"#,
            r#"["consent","denied"]"#,
        ];
        page.call_all(commands);
        page.advance(10_000);
        assert!(page.requests().is_empty());
        assert!(page.warnings().is_empty());
        let ignored = page.traced(DebugEvent::Ignored);
        assert_eq!(ignored.len(), commands.len());
        assert!(ignored[0].ends_with(r#""track","order_created",{}]"#));
        assert_eq!(browser.state().trace.len(), commands.len());
        assert_eq!(browser.state().cookies.written, [] as [String; 0]);
        assert!(browser.state().local.is_empty());
    }
}

#[test]
fn init_without_pixel_id_updates_the_first_pixel() {
    let mut page = Page::open(CHECKOUT_URL);
    let user = r#"["init",{"user":{"country":"DE"}}]"#;
    page.call_all([INIT_P, INIT_Q, user, r#"["init",{"pixelId":u}]"#]);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let user = |pixel| {
        let requests = page.requests_for(pixel);
        assert_eq!(requests.len(), 1);
        requests[0].batch().user
    };
    assert!(user("P").is_some());
    assert!(user("Q").is_none());
}

#[test]
fn init_without_pixel_id_is_rejected_before_any_pixel_starts() {
    for init in [r#"["init",{}]"#, r#"["init",{"pixelId":u,"user":{}}]"#] {
        let mut page = Page::open(CHECKOUT_URL);
        page.call(init);
        page.call(&order("a"));
        page.advance(60_000);
        assert!(page.requests().is_empty());
        assert!(page.config_requests().is_empty());
        assert_eq!(page.warnings().len(), 1);
    }
}

#[test]
fn init_with_invalid_pixel_id_is_rejected_after_a_pixel_started() {
    for id in NO_ID {
        let mut page = Page::open_idle();
        page.call(&format!(
            r#"["init",{{"pixelId":{id},"user":{{"country":"DE"}}}}]"#
        ));
        page.call(&order("a"));
        page.advance(60_000);
        assert_eq!(page.warnings().len(), 1, "{id}");
        assert_eq!(page.request().batch().user, None, "{id}");
    }
}

#[test]
fn init_without_an_object_is_rejected() {
    for given in [
        r#"["init""#,
        r#"["init",u"#,
        r#"["init",null"#,
        r#"["init","P""#,
    ]
    .into_iter()
    .chain([r#"["init",["P"]"#, r#"["init",5"#, r#"["init",x"function""#])
    {
        let browser = FakeBrowser::new();
        let mut page = browser.open_with_config(r#"{"pixelId":"P"}"#);
        page.call(&format!("{given}]"));
        page.advance(10_000);
        assert!(page.requests().is_empty(), "{given}");
        assert_eq!(page.warnings().len(), 1, "{given}");
    }
}

#[test]
fn rejected_init_leaves_earlier_events_to_the_next_init() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(&order("early"));
    for id in NO_ID {
        page.call(&format!(r#"["init",{{"pixelId":{id}}}]"#));
    }
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.measured_ids(), [["early"]]);
}

#[test]
fn init_ignores_unknown_fields() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(r#"["init",{"autoPageView":true,"pixelId":"P","__proto__":x"deep"}]"#);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.measured_ids(), [["a"]]);
    assert!(page.warnings().is_empty());
}

#[test]
fn repeated_init_starts_nothing() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INIT_P, INIT_P]);
    page.advance(2_000);
    page.call(INIT_P);
    page.advance(60_000);
    assert_eq!(
        page.request().names(),
        ["openai::sdk_init", "oai::diagnostic"]
    );
    assert_eq!(page.config_requests().len(), 1);
}

#[test]
fn call_before_init_goes_to_the_first_pixel() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(&order("early"));
    page.call_all([INIT_P, INIT_Q]);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.requests_for("P")[0].measured_ids(), ["early"]);
    assert_eq!(page.requests_for("Q")[0].measured_ids(), [] as [&str; 0]);
}

#[test]
fn call_before_init_keeps_its_time_and_url() {
    let mut page = Page::open(CHECKOUT_URL);
    let measured_at = page.browser.state().now;
    page.call(&order("early"));
    page.advance(60_000);
    page.push_state("https://shop.example.test/thanks");
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    let events = page.request().events();
    let early = events.iter().find(|event| event.id == "early").unwrap();
    assert_eq!(early.timestamp_ms, measured_at);
    assert_eq!(early.source_url.as_deref(), Some(CHECKOUT_URL));
}

#[test]
fn only_the_first_500_calls_before_init_are_queued() {
    let mut page = Page::open(CHECKOUT_URL);
    for i in 0..502 {
        page.call(&order(&i.to_string()));
    }
    assert_eq!(page.warnings().len(), 2);
    page.call(INIT_P);
    page.advance(60_000);
    let expected: Vec<_> = (0..500).map(|i| i.to_string()).collect();
    assert_eq!(page.delivered_ids(), expected);
}

#[test]
fn init_takes_missing_fields_from_oaiq_config() {
    let browser = FakeBrowser::new();
    let mut page = browser
        .open_with_config(r#"{"pixelId":"P","debug":true,"user":{"country":"DE"},"more":x"x"}"#);
    page.call(r#"["init",{}]"#);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request();
    assert_eq!(sent.pixel(), "P");
    assert!(sent.body.ends_with(r#","user":{"in":{"co":"DE"}}}"#));
    assert_eq!(page.traced(DebugEvent::PixelStarted), ["P"]);
}

#[test]
fn init_fields_override_oaiq_config() {
    let browser = FakeBrowser::new();
    let mut page =
        browser.open_with_config(r#"{"pixelId":"P","debug":true,"user":{"country":"DE"}}"#);
    page.call(r#"["init",{"pixelId":"Q","debug":false,"user":{"city":"Kiel"}}]"#);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request();
    assert_eq!(sent.pixel(), "Q");
    assert!(sent.body.ends_with(r#","user":{"in":{"ct":"Kiel"}}}"#));
    assert!(page.traced(DebugEvent::Queued).is_empty());
}

#[test]
fn oaiq_config_alone_starts_nothing() {
    let browser = FakeBrowser::new();
    let mut page = browser.open_with_config(r#"{"pixelId":"P"}"#);
    page.call(&order("a"));
    page.advance(60_000);
    assert!(page.requests().is_empty());
}

#[test]
fn oaiq_config_of_the_wrong_type_is_ignored() {
    for config in [
        "null",
        "5",
        "[]",
        r#"x"deep""#,
        r#"{"pixelId":5,"debug":"yes","user":"me"}"#,
        r#"{"pixelId":"","debug":u,"user":null}"#,
    ] {
        let browser = FakeBrowser::new();
        let mut page = browser.open_with_config(config);
        page.call(r#"["init",{}]"#);
        assert_eq!(page.warnings().len(), 1, "{config}");
        page.call_all([INIT_P, INVALID_CALL]);
        page.call(&order("a"));
        page.advance(IDLE_FLUSH_MS);
        assert_eq!(page.measured_ids(), [["a"]], "{config}");
        assert!(page.traced(DebugEvent::Queued).is_empty(), "{config}");
    }
}

#[test]
fn options_may_be_null_or_absent() {
    let mut page = Page::open_idle();
    for options in ["", ",u", ",null", ",{}", r#",{"event_id":u,"opt_out":u}"#] {
        page.call(&format!(
            r#"["measure","lead_created",{{"type":"customer_action"}}{options}]"#
        ));
    }
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.request().measured_ids().len(), 5);
}
