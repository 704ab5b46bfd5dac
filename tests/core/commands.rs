//! The four commands, and what is none.

use oaiq::host::Step;

use crate::support::fake_browser::Browser;
use crate::support::page::{CHECKOUT, INIT, INIT_Q, QUIET, REFUSED, Visit, order};

/// What `init` must not take as a pixel id.
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
fn a_page_view_is_measured_with_two_lines() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([INIT, r#"["measure","page_viewed",{"type":"contents"}]"#]);
    visit.advance(QUIET);
    let sent = visit.request();
    assert_eq!(sent.pixel(), "P");
    assert_eq!(
        sent.names(),
        ["openai::sdk_init", "page_viewed", "oai::diagnostic"]
    );
    assert!(visit.warnings().is_empty());
}

#[test]
fn initialize_is_another_name_for_init() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(r#"["initialize",{"pixelId":"P"}]"#);
    visit.advance(QUIET);
    assert_eq!(
        visit.request().names(),
        ["openai::sdk_init", "oai::diagnostic"]
    );
}

#[test]
fn every_event_of_the_table_is_measured() {
    let mut visit = Visit::settled();
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
            visit.call(&format!(r#"["measure","{name}",{{"type":"{shape}"}}]"#));
        }
    }
    visit.call(r#"["measure","custom",{"type":"custom"},{"custom_event_name":"spun-wheel"}]"#);
    visit.advance(QUIET);
    assert_eq!(visit.request().names().len(), 11);
    assert!(visit.request().diagnostic().is_none());
}

#[test]
fn events_of_servers_are_not_a_page_s() {
    let mut visit = Visit::settled();
    for name in ["app_installed", "app_opened"] {
        visit.call(&format!(r#"["measure","{name}",{{"type":"contents"}}]"#));
    }
    visit.advance(10_000);
    assert_eq!(visit.request().names(), ["oai::diagnostic"]);
    assert_eq!(visit.warnings().len(), 2);
}

#[test]
fn what_is_no_command_does_nothing_and_is_traced() {
    for debug in ["u", r#"{"debug":true}"#] {
        let browser = Browser::new();
        let mut visit = browser.open_with(debug);
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
        visit.calls(commands);
        visit.advance(10_000);
        assert!(visit.requests().is_empty());
        assert!(visit.warnings().is_empty());
        let ignored = visit.told(Step::Ignored);
        assert_eq!(ignored.len(), commands.len());
        assert!(ignored[0].ends_with(r#""track","order_created",{}]"#));
        assert_eq!(browser.look().trace.len(), commands.len());
        assert_eq!(browser.look().cookies.written, [] as [String; 0]);
        assert!(browser.look().local.is_empty());
    }
}

#[test]
fn an_init_without_a_pixel_id_means_the_first_pixel() {
    let mut visit = Visit::to(CHECKOUT);
    let user = r#"["init",{"user":{"country":"DE"}}]"#;
    visit.calls([INIT, INIT_Q, user, r#"["init",{"pixelId":u}]"#]);
    visit.call(&order("a"));
    visit.advance(QUIET);
    let user = |pixel| {
        let requests = visit.requests_of(pixel);
        assert_eq!(requests.len(), 1);
        requests[0].batch().user
    };
    assert!(user("P").is_some());
    assert!(user("Q").is_none());
}

#[test]
fn an_init_without_a_pixel_id_is_refused_where_there_is_no_pixel() {
    for init in [r#"["init",{}]"#, r#"["init",{"pixelId":u,"user":{}}]"#] {
        let mut visit = Visit::to(CHECKOUT);
        visit.call(init);
        visit.call(&order("a"));
        visit.advance(60_000);
        assert!(visit.requests().is_empty());
        assert!(visit.settings_asked().is_empty());
        assert_eq!(visit.warnings().len(), 1);
    }
}

#[test]
fn an_init_with_a_wrong_pixel_id_is_refused_even_where_there_is_a_pixel() {
    for id in NO_ID {
        let mut visit = Visit::settled();
        visit.call(&format!(
            r#"["init",{{"pixelId":{id},"user":{{"country":"DE"}}}}]"#
        ));
        visit.call(&order("a"));
        visit.advance(60_000);
        assert_eq!(visit.warnings().len(), 1, "{id}");
        assert_eq!(visit.request().batch().user, None, "{id}");
    }
}

#[test]
fn an_init_that_is_given_no_object_is_refused() {
    for given in [
        r#"["init""#,
        r#"["init",u"#,
        r#"["init",null"#,
        r#"["init","P""#,
    ]
    .into_iter()
    .chain([r#"["init",["P"]"#, r#"["init",5"#, r#"["init",x"function""#])
    {
        let browser = Browser::new();
        let mut visit = browser.open_with(r#"{"pixelId":"P"}"#);
        visit.call(&format!("{given}]"));
        visit.advance(10_000);
        assert!(visit.requests().is_empty(), "{given}");
        assert_eq!(visit.warnings().len(), 1, "{given}");
    }
}

#[test]
fn a_refused_init_keeps_what_was_measured_for_the_one_that_follows() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(&order("early"));
    for id in NO_ID {
        visit.call(&format!(r#"["init",{{"pixelId":{id}}}]"#));
    }
    visit.call(INIT);
    visit.advance(QUIET);
    assert_eq!(visit.measured(), [["early"]]);
}

#[test]
fn a_field_that_init_does_not_know_is_harmless() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(r#"["init",{"autoPageView":true,"pixelId":"P","__proto__":x"deep"}]"#);
    visit.call(&order("a"));
    visit.advance(QUIET);
    assert_eq!(visit.measured(), [["a"]]);
    assert!(visit.warnings().is_empty());
}

#[test]
fn an_init_of_a_pixel_that_has_started_starts_nothing() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([INIT, INIT]);
    visit.advance(2_000);
    visit.call(INIT);
    visit.advance(60_000);
    assert_eq!(
        visit.request().names(),
        ["openai::sdk_init", "oai::diagnostic"]
    );
    assert_eq!(visit.settings_asked().len(), 1);
}

#[test]
fn a_call_before_any_init_goes_to_the_first_pixel() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(&order("early"));
    visit.calls([INIT, INIT_Q]);
    visit.advance(QUIET);
    assert_eq!(visit.requests_of("P")[0].measured(), ["early"]);
    assert_eq!(visit.requests_of("Q")[0].measured(), [] as [&str; 0]);
}

#[test]
fn a_call_before_any_init_keeps_its_time_and_address() {
    let mut visit = Visit::to(CHECKOUT);
    let measured_at = visit.browser.look().now;
    visit.call(&order("early"));
    visit.advance(60_000);
    visit.push_state("https://shop.example.test/thanks");
    visit.call(INIT);
    visit.advance(QUIET);
    let events = visit.request().events();
    let early = events.iter().find(|event| event.id == "early").unwrap();
    assert_eq!(early.timestamp_ms, measured_at);
    assert_eq!(early.source_url.as_deref(), Some(CHECKOUT));
}

#[test]
fn of_very_many_calls_before_init_the_first_500_are_kept_and_the_rest_warned_of() {
    let mut visit = Visit::to(CHECKOUT);
    for i in 0..502 {
        visit.call(&order(&i.to_string()));
    }
    assert_eq!(visit.warnings().len(), 2);
    visit.call(INIT);
    visit.advance(60_000);
    let expected: Vec<_> = (0..500).map(|i| i.to_string()).collect();
    assert_eq!(visit.arrived(), expected);
}

#[test]
fn what_init_leaves_out_is_taken_from_the_config_that_the_page_left() {
    let browser = Browser::new();
    let mut visit =
        browser.open_with(r#"{"pixelId":"P","debug":true,"user":{"country":"DE"},"more":x"x"}"#);
    visit.call(r#"["init",{}]"#);
    visit.call(&order("a"));
    visit.advance(QUIET);
    let sent = visit.request();
    assert_eq!(sent.pixel(), "P");
    assert!(sent.body.ends_with(r#","user":{"in":{"co":"DE"}}}"#));
    assert_eq!(visit.told(Step::Started), ["P"]);
}

#[test]
fn what_init_gives_goes_before_the_config() {
    let browser = Browser::new();
    let mut visit = browser.open_with(r#"{"pixelId":"P","debug":true,"user":{"country":"DE"}}"#);
    visit.call(r#"["init",{"pixelId":"Q","debug":false,"user":{"city":"Kiel"}}]"#);
    visit.call(&order("a"));
    visit.advance(QUIET);
    let sent = visit.request();
    assert_eq!(sent.pixel(), "Q");
    assert!(sent.body.ends_with(r#","user":{"in":{"ct":"Kiel"}}}"#));
    assert!(visit.told(Step::Queued).is_empty());
}

#[test]
fn a_config_alone_starts_nothing() {
    let browser = Browser::new();
    let mut visit = browser.open_with(r#"{"pixelId":"P"}"#);
    visit.call(&order("a"));
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
}

#[test]
fn a_config_of_the_wrong_kind_is_harmless() {
    for config in [
        "null",
        "5",
        "[]",
        r#"x"deep""#,
        r#"{"pixelId":5,"debug":"yes","user":"me"}"#,
        r#"{"pixelId":"","debug":u,"user":null}"#,
    ] {
        let browser = Browser::new();
        let mut visit = browser.open_with(config);
        visit.call(r#"["init",{}]"#);
        assert_eq!(visit.warnings().len(), 1, "{config}");
        visit.calls([INIT, REFUSED]);
        visit.call(&order("a"));
        visit.advance(QUIET);
        assert_eq!(visit.measured(), [["a"]], "{config}");
        assert!(visit.told(Step::Queued).is_empty(), "{config}");
    }
}

#[test]
fn options_may_be_null_or_left_out() {
    let mut visit = Visit::settled();
    for options in ["", ",u", ",null", ",{}", r#",{"event_id":u,"opt_out":u}"#] {
        visit.call(&format!(
            r#"["measure","lead_created",{{"type":"customer_action"}}{options}]"#
        ));
    }
    visit.advance(QUIET);
    assert_eq!(visit.request().measured().len(), 5);
}
