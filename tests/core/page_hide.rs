//! The visitor leaves: the page is hidden, or another takes its place.

use crate::support::fake_browser::{By, LATENCY, MAX_BODY, Network};
use crate::support::page::{
    CHECKOUT, DENY, INIT, INIT_Q, LATEST, QUIET, REFUSED, Visit, large_order, order,
};

#[test]
fn a_visitor_who_leaves_at_once_is_still_counted() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.leave();
    let sent = visit.request();
    assert_eq!(sent.by, By::Beacon);
    assert!(sent.leaving);
    assert_eq!(
        sent.names(),
        ["openai::sdk_init", "order_created", "oai::diagnostic"]
    );
    assert!(sent.batch().obref.is_some());
}

#[test]
fn everything_goes_at_once_for_every_pixel() {
    let mut visit = Visit::settled();
    visit.call(INIT_Q);
    visit.settle();
    visit.call(&order("a"));
    visit.call(REFUSED);
    visit.leave();
    assert_eq!(visit.ways(), [By::Beacon, By::Beacon]);
    for pixel in ["P", "Q"] {
        let requests = visit.requests_of(pixel);
        assert_eq!(requests[0].names(), ["order_created", "oai::diagnostic"]);
    }
}

#[test]
fn nothing_goes_and_no_cookie_is_read_where_nothing_waits() {
    let mut visit = Visit::settled();
    let reads = visit.browser.look().cookies.reads.get();
    visit.leave();
    assert!(visit.requests().is_empty());
    assert_eq!(visit.browser.look().cookies.reads.get(), reads);
}

#[test]
fn a_page_that_hears_thrice_of_its_end_sends_once() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    for _ in 0..3 {
        visit.leave();
    }
    visit.advance(60_000);
    assert_eq!(visit.measured(), [["a"]]);
}

#[test]
fn four_hundred_orders_before_leaving_all_go() {
    let mut visit = Visit::settled();
    let ids: Vec<_> = (0..400).map(|i| format!("order-{i}")).collect();
    for id in &ids {
        visit.call(&order(id));
    }
    visit.leave();
    assert_eq!(visit.arrived(), ids);
    for sent in visit.requests() {
        assert_eq!(sent.by, By::Beacon);
        assert!(sent.body.len() <= MAX_BODY);
    }
}

#[test]
fn where_beacons_are_refused_a_fetch_outlives_the_page() {
    let mut visit = Visit::settled();
    visit.browser.touch().takes_beacons = false;
    visit.call(&order("a"));
    visit.leave();
    visit.leave();
    let sent = visit.request();
    assert_eq!((sent.by, sent.leaving), (By::Fetch, true));
    visit.advance(60_000);
    assert_eq!(visit.measured(), [["a"]]);
}

#[test]
fn what_failed_on_leaving_goes_again_if_the_page_is_still_there() {
    let mut visit = Visit::settled();
    visit.browser.touch().takes_beacons = false;
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.leave();
    visit.network(Network::Up);
    visit.advance(LATENCY + 5_000);
    assert_eq!(visit.measured(), [["a"], ["a"]]);
    assert!(!visit.requests()[1].leaving);
    visit.advance(600_000);
    assert_eq!(visit.arrived(), ["a"]);
}

#[test]
fn requests_that_fail_together_on_leaving_are_tried_again_after_five_seconds() {
    let mut visit = Visit::settled();
    visit.browser.touch().takes_beacons = false;
    visit.network(Network::Down);
    for i in 0..400 {
        visit.call(&order(&i.to_string()));
    }
    visit.leave();
    let together = visit.requests().len();
    assert!(together > 1);
    visit.network(Network::Up);
    visit.advance(LATENCY + 5_000);
    assert!(visit.requests().len() > together);
}

#[test]
fn what_is_on_its_way_is_not_sent_twice() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.advance(QUIET);
    visit.call(&order("b"));
    visit.leave();
    assert_eq!(visit.measured(), [["a"], ["b"]]);
    assert_eq!(visit.ways(), [By::Fetch, By::Beacon]);
    visit.arrive(0);
    visit.advance(600_000);
    assert_eq!(visit.arrived(), ["a", "b"]);
}

#[test]
fn what_fails_after_the_beacon_goes_again() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.advance(QUIET);
    visit.call(&order("b"));
    visit.leave();
    visit.network(Network::Up);
    visit.fail(0);
    visit.advance(5_000);
    assert_eq!(visit.measured(), [["a"], ["b"], ["a"]]);
}

#[test]
fn after_a_failure_what_a_beacon_carries_is_kept_until_an_answer_says_that_it_has_arrived() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY);
    visit.leave();
    assert_eq!(visit.ways(), [By::Fetch, By::Beacon]);
    assert_eq!(visit.browser.look().kept(), ["a"]);
    visit.network(Network::Up);
    visit.advance(600_000);
    assert_eq!(visit.ways(), [By::Fetch, By::Beacon, By::Fetch]);
    assert!(visit.browser.look().kept().is_empty());
}

#[test]
fn a_visitor_who_comes_back_is_measured_as_before() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.leave();
    visit.advance(60_000);
    visit.call(&order("b"));
    visit.advance(QUIET - 1);
    assert_eq!(visit.measured(), [["a"]]);
    visit.call(&order("c"));
    visit.advance(QUIET);
    assert_eq!(visit.measured(), [vec!["a"], vec!["b", "c"]]);
}

#[test]
fn an_event_too_large_for_a_beacon_goes_by_fetch() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.call(&large_order("large", 70_000));
    visit.leave();
    assert_eq!(visit.measured(), [["a"], ["large"]]);
    assert_eq!(visit.ways(), [By::Beacon, By::Fetch]);
}

#[test]
fn without_consent_no_beacon_goes_because_it_would_carry_cookies() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.leave();
    let sent = visit.request();
    assert_eq!(
        (sent.by, sent.stripped, sent.leaving),
        (By::Fetch, true, true)
    );
}

#[test]
fn a_refused_call_is_told_of_on_leaving() {
    let mut visit = Visit::settled();
    visit.call(REFUSED);
    visit.leave();
    let told = visit.request().diagnostic().expect("a diagnostic");
    assert_eq!(told["dropped_event_count"], 1);
    visit.advance(LATEST);
    assert_eq!(visit.requests().len(), 1);
}
