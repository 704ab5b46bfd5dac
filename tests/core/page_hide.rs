//! Page hide: what is sent when a page is hidden or unloaded.

use crate::support::fake_browser::{LATENCY_MS, MAX_BODY, Network, Transport};
use crate::support::page::{
    CHECKOUT_URL, CONSENT_DENY, IDLE_FLUSH_MS, INIT_P, INIT_Q, INVALID_CALL, MAX_FLUSH_MS, Page,
    order, order_of_size,
};

/// A page that was hidden with `b` queued while the request with `a` was in flight.
fn hidden_during_a_request() -> Page {
    let mut page = Page::open_idle();
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    page.call(&order("b"));
    page.hide();
    page
}

#[test]
fn visitor_who_leaves_at_once_is_counted() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("a"));
    page.hide();
    let sent = page.request();
    assert_eq!(sent.by, Transport::Beacon);
    assert!(sent.is_unloading);
    assert_eq!(
        sent.names(),
        ["openai::sdk_init", "order_created", "oai::diagnostic"]
    );
    assert!(sent.batch().obref.is_some());
}

#[test]
fn page_hide_sends_all_events_of_every_pixel() {
    let mut page = Page::open_idle();
    page.call(INIT_Q);
    page.drain();
    page.call(&order("a"));
    page.call(INVALID_CALL);
    page.hide();
    assert_eq!(page.transports(), [Transport::Beacon, Transport::Beacon]);
    for pixel in ["P", "Q"] {
        let requests = page.requests_for(pixel);
        assert_eq!(requests[0].names(), ["order_created", "oai::diagnostic"]);
    }
}

#[test]
fn page_hide_without_events_sends_nothing_and_reads_no_cookie() {
    let mut page = Page::open_idle();
    let reads = page.browser.state().cookies.reads.get();
    page.hide();
    assert!(page.requests().is_empty());
    assert_eq!(page.browser.state().cookies.reads.get(), reads);
}

#[test]
fn repeated_page_hide_sends_once() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    for _ in 0..3 {
        page.hide();
    }
    page.advance(60_000);
    assert_eq!(page.measured_ids(), [["a"]]);
}

#[test]
fn four_hundred_orders_before_page_hide_are_all_sent() {
    let mut page = Page::open_idle();
    let ids: Vec<_> = (0..400).map(|i| format!("order-{i}")).collect();
    for id in &ids {
        page.call(&order(id));
    }
    page.hide();
    assert_eq!(page.delivered_ids(), ids);
    for sent in page.requests() {
        assert_eq!(sent.by, Transport::Beacon);
        assert!(sent.body.len() <= MAX_BODY);
    }
}

#[test]
fn refused_beacon_falls_back_to_keepalive_fetch() {
    let mut page = Page::open_idle();
    page.browser.state_mut().accepts_beacons = false;
    page.call(&order("a"));
    page.hide();
    page.hide();
    let sent = page.request();
    assert_eq!((sent.by, sent.is_unloading), (Transport::Fetch, true));
    page.advance(60_000);
    assert_eq!(page.measured_ids(), [["a"]]);
}

#[test]
fn failed_page_hide_request_is_retried_when_the_page_stays() {
    let mut page = Page::open_idle();
    page.browser.state_mut().accepts_beacons = false;
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.hide();
    page.set_network(Network::Up);
    page.advance(LATENCY_MS + 5_000);
    assert_eq!(page.measured_ids(), [["a"], ["a"]]);
    assert!(!page.requests()[1].is_unloading);
    page.advance(600_000);
    assert_eq!(page.delivered_ids(), ["a"]);
}

#[test]
fn failed_page_hide_requests_are_retried_after_five_seconds() {
    let mut page = Page::open_idle();
    page.browser.state_mut().accepts_beacons = false;
    page.set_network(Network::Down);
    for i in 0..400 {
        page.call(&order(&i.to_string()));
    }
    page.hide();
    let together = page.requests().len();
    assert!(together > 1);
    page.set_network(Network::Up);
    page.advance(LATENCY_MS + 5_000);
    assert!(page.requests().len() > together);
}

#[test]
fn in_flight_events_are_not_sent_again_on_page_hide() {
    let mut page = hidden_during_a_request();
    assert_eq!(page.measured_ids(), [["a"], ["b"]]);
    assert_eq!(page.transports(), [Transport::Fetch, Transport::Beacon]);
    page.deliver(0);
    page.advance(600_000);
    assert_eq!(page.delivered_ids(), ["a", "b"]);
}

#[test]
fn request_that_fails_after_the_beacon_is_retried() {
    let mut page = hidden_during_a_request();
    page.set_network(Network::Up);
    page.fail(0);
    page.advance(5_000);
    assert_eq!(page.measured_ids(), [["a"], ["b"], ["a"]]);
}

#[test]
fn unconfirmed_beacon_stays_stored_until_a_later_response() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS);
    page.hide();
    assert_eq!(page.transports(), [Transport::Fetch, Transport::Beacon]);
    assert_eq!(page.browser.state().stored_ids(), ["a"]);
    page.set_network(Network::Up);
    page.advance(600_000);
    assert_eq!(
        page.transports(),
        [Transport::Fetch, Transport::Beacon, Transport::Fetch]
    );
    assert!(page.browser.state().stored_ids().is_empty());
}

#[test]
fn returning_visitor_is_measured_as_before() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.hide();
    page.advance(60_000);
    page.call(&order("b"));
    page.advance(IDLE_FLUSH_MS - 1);
    assert_eq!(page.measured_ids(), [["a"]]);
    page.call(&order("c"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.measured_ids(), [vec!["a"], vec!["b", "c"]]);
}

#[test]
fn event_too_large_for_a_beacon_goes_by_fetch() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.call(&order_of_size("large", 70_000));
    page.hide();
    assert_eq!(page.measured_ids(), [["a"], ["large"]]);
    assert_eq!(page.transports(), [Transport::Beacon, Transport::Fetch]);
}

#[test]
fn no_beacon_without_consent_because_it_would_carry_cookies() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.hide();
    let sent = page.request();
    assert_eq!(
        (sent.by, sent.is_anonymous, sent.is_unloading),
        (Transport::Fetch, true, true)
    );
}

#[test]
fn rejected_call_is_reported_on_page_hide() {
    let mut page = Page::open_idle();
    page.call(INVALID_CALL);
    page.hide();
    let diagnostic = page.request().diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["dropped_event_count"], 1);
    page.advance(MAX_FLUSH_MS);
    assert_eq!(page.requests().len(), 1);
}
