//! Several pixels on one page.

use oaiq::host::Step;

use crate::support::fake_browser::Network;
use crate::support::page::{CHECKOUT, INIT, INIT_Q, LATEST, QUIET, SETTINGS, Visit, order};

/// Two pixels that have sent what there was to send.
fn two_pixels() -> Visit {
    let mut visit = Visit::settled();
    visit.call(INIT_Q);
    visit.settle();
    visit
}

#[test]
fn one_measure_reaches_every_pixel_with_the_same_id() {
    let mut visit = two_pixels();
    visit.call(r#"["measure","page_viewed",{"type":"contents"}]"#);
    visit.advance(QUIET);
    let [p, q] = ["P", "Q"].map(|pixel| visit.requests_of(pixel));
    assert_eq!((p.len(), q.len()), (1, 1));
    assert_eq!(p[0].events(), q[0].events());
    assert_eq!(p[0].events().len(), 1);
}

#[test]
fn a_later_pixel_misses_what_was_measured_before() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("before"));
    visit.call(INIT_Q);
    visit.call(&order("after"));
    visit.advance(QUIET);
    assert_eq!(visit.requests_of("P")[0].measured(), ["before", "after"]);
    assert_eq!(visit.requests_of("Q")[0].measured(), ["after"]);
}

#[test]
fn each_pixel_introduces_itself() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([INIT, INIT_Q]);
    visit.advance(QUIET);
    let requests = visit.requests();
    assert_eq!(requests.len(), 2);
    for sent in &requests {
        assert_eq!(sent.names(), ["openai::sdk_init", "oai::diagnostic"]);
        assert_eq!(
            sent.batch().obref,
            visit.browser.cookie("__obref"),
            "one browser reference for all"
        );
    }
    assert_ne!(requests[0].events()[0].id, requests[1].events()[0].id);
    let asked = ["P", "Q"].map(|pixel| format!("{SETTINGS}/{pixel}.json"));
    assert_eq!(visit.settings_asked(), asked);
}

#[test]
fn each_pixel_has_a_user_of_its_own() {
    let mut visit = two_pixels();
    visit.calls([
        r#"["init",{"pixelId":"P","user":{"country":"DE"}}]"#,
        r#"["init",{"pixelId":"Q","user":{"country":"US"}}]"#,
    ]);
    visit.call(&order("a"));
    visit.advance(QUIET);
    for (pixel, country) in [("P", "DE"), ("Q", "US")] {
        let end = format!(r#","user":{{"in":{{"co":"{country}"}}}}}}"#);
        let requests = visit.requests_of(pixel);
        assert!(requests[0].body.ends_with(&end), "{}", requests[0].body);
    }
}

#[test]
fn measure_single_reaches_that_pixel_alone() {
    let mut visit = two_pixels();
    visit.call(
        r#"["measureSingle","Q","lead_created",{"type":"customer_action"},{"event_id":"only"}]"#,
    );
    visit.advance(QUIET);
    assert_eq!(visit.request().pixel(), "Q");
    assert_eq!(visit.measured(), [["only"]]);
}

#[test]
fn measure_single_of_an_unknown_pixel_is_dropped() {
    let mut visit = two_pixels();
    for id in [
        r#""R""#,
        r#""p""#,
        r#""""#,
        "null",
        "5",
        "u",
        r#"x"symbol""#,
    ] {
        visit.call(&format!(
            r#"["measureSingle",{id},"lead_created",{{"type":"customer_action"}}]"#
        ));
        visit.call(&format!(r#"["measureSingle",{id},"no_event",null]"#));
    }
    visit.advance(LATEST);
    assert!(visit.requests().is_empty());
    assert!(visit.warnings().is_empty());
}

#[test]
fn measure_single_of_an_unknown_pixel_is_told_with_debug() {
    let mut visit = two_pixels();
    visit.calls([
        r#"["init",{"debug":true}]"#,
        r#"["measureSingle","R","lead_created",{"type":"customer_action"}]"#,
    ]);
    assert_eq!(visit.told(Step::UnknownPixel), ["R"]);
}

#[test]
fn measure_single_before_the_pixel_s_init_is_dropped() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(r#"["measureSingle","P","lead_created",{"type":"customer_action"}]"#);
    visit.call(INIT);
    visit.advance(QUIET);
    assert_eq!(visit.request().measured(), [] as [&str; 0]);
}

#[test]
fn a_pixel_whose_requests_fail_holds_back_no_other() {
    let mut visit = two_pixels();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.advance(QUIET);
    let first_of_p = visit.requests_of("P")[0].number;
    let first_of_q = visit.requests_of("Q")[0].number;
    visit.answer(first_of_p, false);
    visit.answer(first_of_q, true);
    visit.network(Network::Up);
    visit.call(&order("b"));
    visit.advance(QUIET);
    assert_eq!(visit.requests_of("Q")[1].measured(), ["b"]);
    assert_eq!(visit.requests_of("P").len(), 1);
    visit.advance(5_000 - QUIET);
    assert_eq!(visit.requests_of("P")[1].measured(), ["a", "b"]);
}

#[test]
fn each_pixel_keeps_its_own_time() {
    let mut visit = two_pixels();
    let single = |pixel| {
        format!(r#"["measureSingle","{pixel}","lead_created",{{"type":"customer_action"}}]"#)
    };
    visit.call(&single("P"));
    visit.advance(700);
    visit.call(&single("Q"));
    let began = visit.browser.look().ticks;
    visit.advance(QUIET);
    let times = visit.requests().into_iter().map(|sent| sent.at);
    assert_eq!(
        times.collect::<Vec<_>>(),
        [began - 700 + QUIET, began + QUIET]
    );
}

#[test]
fn a_pixel_id_is_encoded_wherever_an_address_carries_it() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(r#"["init",{"pixelId":"a b/ü\u0022&?#'"}]"#);
    visit.advance(2_000);
    let encoded = "a%20b%2F%C3%BC%22%26%3F%23'";
    assert_eq!(visit.request().pixel(), encoded);
    assert_eq!(
        visit.settings_asked(),
        [format!("{SETTINGS}/{encoded}.json")]
    );
    let session = visit.browser.look().session.clone();
    assert_eq!(session[&format!("oaiq_cs:{encoded}")], "g");
    visit.call(r#"["measureSingle","a b/ü\u0022&?#'","lead_created",{"type":"customer_action"}]"#);
    visit.advance(QUIET);
    assert_eq!(visit.requests().len(), 2);
}
