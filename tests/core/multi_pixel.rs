//! Several pixels on one page.

use oaiq::host::DebugEvent;

use crate::support::fake_browser::Network;
use crate::support::page::{
    CHECKOUT_URL, CONFIG_URL, IDLE_FLUSH_MS, INIT_P, INIT_Q, MAX_FLUSH_MS, Page, order,
};

/// A page with two pixels and no queued events.
fn two_pixels() -> Page {
    let mut page = Page::open_idle();
    page.call(INIT_Q);
    page.drain();
    page
}

#[test]
fn measure_reaches_every_pixel_with_one_id() {
    let mut page = two_pixels();
    page.call(r#"["measure","page_viewed",{"type":"contents"}]"#);
    page.advance(IDLE_FLUSH_MS);
    let [p, q] = ["P", "Q"].map(|pixel| page.requests_for(pixel));
    assert_eq!((p.len(), q.len()), (1, 1));
    assert_eq!(p[0].events(), q[0].events());
    assert_eq!(p[0].events().len(), 1);
}

#[test]
fn later_pixel_misses_earlier_events() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("before"));
    page.call(INIT_Q);
    page.call(&order("after"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(
        page.requests_for("P")[0].measured_ids(),
        ["before", "after"]
    );
    assert_eq!(page.requests_for("Q")[0].measured_ids(), ["after"]);
}

#[test]
fn each_pixel_sends_its_session_markers() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INIT_P, INIT_Q]);
    page.advance(IDLE_FLUSH_MS);
    let requests = page.requests();
    assert_eq!(requests.len(), 2);
    for sent in &requests {
        assert_eq!(sent.names(), ["openai::sdk_init", "oai::diagnostic"]);
        assert_eq!(
            sent.batch().obref,
            page.browser.cookie("__obref"),
            "one browser reference for all"
        );
    }
    assert_ne!(requests[0].events()[0].id, requests[1].events()[0].id);
    let requested = ["P", "Q"].map(|pixel| format!("{CONFIG_URL}/{pixel}.json"));
    assert_eq!(page.config_requests(), requested);
}

#[test]
fn each_pixel_has_its_own_user_data() {
    let mut page = two_pixels();
    page.call_all([
        r#"["init",{"pixelId":"P","user":{"country":"DE"}}]"#,
        r#"["init",{"pixelId":"Q","user":{"country":"US"}}]"#,
    ]);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    for (pixel, country) in [("P", "DE"), ("Q", "US")] {
        let end = format!(r#","user":{{"in":{{"co":"{country}"}}}}}}"#);
        let requests = page.requests_for(pixel);
        assert!(requests[0].body.ends_with(&end), "{}", requests[0].body);
    }
}

#[test]
fn measure_single_reaches_only_that_pixel() {
    let mut page = two_pixels();
    page.call(
        r#"["measureSingle","Q","lead_created",{"type":"customer_action"},{"event_id":"only"}]"#,
    );
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.request().pixel(), "Q");
    assert_eq!(page.measured_ids(), [["only"]]);
}

#[test]
fn measure_single_for_an_unknown_pixel_is_dropped() {
    let mut page = two_pixels();
    for id in [
        r#""R""#,
        r#""p""#,
        r#""""#,
        "null",
        "5",
        "u",
        r#"x"symbol""#,
    ] {
        page.call(&format!(
            r#"["measureSingle",{id},"lead_created",{{"type":"customer_action"}}]"#
        ));
        page.call(&format!(r#"["measureSingle",{id},"no_event",null]"#));
    }
    page.advance(MAX_FLUSH_MS);
    assert!(page.requests().is_empty());
    assert!(page.warnings().is_empty());
}

#[test]
fn measure_single_for_an_unknown_pixel_is_traced_with_debug() {
    let mut page = two_pixels();
    page.call_all([
        r#"["init",{"debug":true}]"#,
        r#"["measureSingle","R","lead_created",{"type":"customer_action"}]"#,
    ]);
    assert_eq!(page.traced(DebugEvent::UnknownPixel), ["R"]);
}

#[test]
fn measure_single_before_that_pixel_s_init_is_dropped() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(r#"["measureSingle","P","lead_created",{"type":"customer_action"}]"#);
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.request().measured_ids(), [] as [&str; 0]);
}

#[test]
fn failing_pixel_does_not_delay_another() {
    let mut page = two_pixels();
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let first_of_p = page.requests_for("P")[0].number;
    let first_of_q = page.requests_for("Q")[0].number;
    page.respond(first_of_p, false);
    page.respond(first_of_q, true);
    page.set_network(Network::Up);
    page.call(&order("b"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.requests_for("Q")[1].measured_ids(), ["b"]);
    assert_eq!(page.requests_for("P").len(), 1);
    page.advance(5_000 - IDLE_FLUSH_MS);
    assert_eq!(page.requests_for("P")[1].measured_ids(), ["a", "b"]);
}

#[test]
fn each_pixel_has_its_own_flush_time() {
    let mut page = two_pixels();
    let single = |pixel| {
        format!(r#"["measureSingle","{pixel}","lead_created",{{"type":"customer_action"}}]"#)
    };
    page.call(&single("P"));
    page.advance(700);
    page.call(&single("Q"));
    let began = page.browser.state().monotonic_ms;
    page.advance(IDLE_FLUSH_MS);
    let times = page.requests().into_iter().map(|sent| sent.at);
    assert_eq!(
        times.collect::<Vec<_>>(),
        [began - 700 + IDLE_FLUSH_MS, began + IDLE_FLUSH_MS]
    );
}

#[test]
fn pixel_id_is_percent_encoded_in_every_url() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(r#"["init",{"pixelId":"a b/ü\u0022&?#'"}]"#);
    page.advance(2_000);
    let encoded = "a%20b%2F%C3%BC%22%26%3F%23'";
    assert_eq!(page.request().pixel(), encoded);
    assert_eq!(
        page.config_requests(),
        [format!("{CONFIG_URL}/{encoded}.json")]
    );
    let session = page.browser.state().session.clone();
    assert_eq!(session[&format!("oaiq_cs:{encoded}")], "g");
    page.call(r#"["measureSingle","a b/ü\u0022&?#'","lead_created",{"type":"customer_action"}]"#);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.requests().len(), 2);
}
