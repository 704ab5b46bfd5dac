//! Session markers: the first visit and the first grant of a session are reported once.

use crate::support::fake_browser::{FakeBrowser, LATENCY_MS, Network, SentRequest};
use crate::support::page::{
    CHECKOUT_URL, CONSENT_DENY, CONSENT_GRANT, IDLE_FLUSH_MS, INIT_P, INIT_Q, INVALID_CALL,
    MAX_FLUSH_MS, Page, order,
};

/// `(consent, first visit, first grant)` of each marker.
fn markers(requests: &[SentRequest]) -> Vec<(bool, bool, bool)> {
    let markers = requests.iter().filter_map(|sent| {
        let diagnostic = sent.diagnostic()?;
        let consent = diagnostic.get("consent")?.as_bool()?;
        let is_set = |key: &str| {
            diagnostic
                .get(key)
                .map(|set| assert_eq!(set, true))
                .is_some()
        };
        let first_visit = is_set("is_first_visit_in_session");
        Some((
            consent,
            first_visit,
            is_set("is_first_consent_grant_in_session"),
        ))
    });
    markers.collect()
}

/// A page in a session that has already reported these markers.
fn page_after(reported: &str) -> Page {
    let browser = FakeBrowser::new();
    browser
        .state_mut()
        .session
        .insert("oaiq_cs:P".into(), reported.into());
    browser.open(CHECKOUT_URL)
}

#[test]
fn first_page_of_a_session_reports_both_markers() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.advance(60_000);
    assert_eq!(markers(&page.requests()), [(true, true, true)]);
    assert_eq!(page.markers().as_deref(), Some("g"));
}

#[test]
fn second_page_reports_no_marker() {
    let page = Page::open_idle();
    let mut page = page.navigate_to(CHECKOUT_URL);
    let began = page.browser.state().monotonic_ms;
    page.call(INIT_P);
    page.advance(60_000);
    let sent = page.request();
    assert_eq!(sent.names(), ["openai::sdk_init"]);
    assert_eq!(sent.at - began, IDLE_FLUSH_MS);
    assert!(sent.batch().obref.is_some());
}

#[test]
fn new_session_reports_the_markers_again() {
    let page = Page::open_idle();
    page.browser.state_mut().session.clear();
    let mut page = page.navigate_to(CHECKOUT_URL);
    page.call(INIT_P);
    page.advance(60_000);
    assert_eq!(markers(&page.requests()), [(true, true, true)]);
}

#[test]
fn marker_is_stored_once_its_request_is_delivered() {
    let mut page = Page::open(CHECKOUT_URL);
    page.set_network(Network::Manual);
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.markers(), None);
    page.fail(0);
    assert_eq!(page.markers(), None);
    page.advance(5_000);
    assert_eq!(markers(&page.requests()).len(), 2, "the same one again");
    assert_eq!(page.markers(), None);
    page.deliver(1);
    assert_eq!(page.markers().as_deref(), Some("g"));
}

#[test]
fn marker_sent_by_beacon_is_stored_at_once() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.hide();
    assert_eq!(page.markers().as_deref(), Some("g"));
    let mut page = page.navigate_to(CHECKOUT_URL);
    page.call(INIT_P);
    page.advance(60_000);
    assert_eq!(markers(&page.requests()).len(), 1);
}

#[test]
fn page_hidden_before_the_response_leaves_markers_to_the_next_page() {
    let mut page = Page::open(CHECKOUT_URL);
    page.set_network(Network::Manual);
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    let mut page = page.navigate_to(CHECKOUT_URL);
    page.set_network(Network::Up);
    page.call(INIT_P);
    page.advance(60_000);
    assert_eq!(page.markers().as_deref(), Some("g"));
}

#[test]
fn denied_session_reports_the_visit_and_later_the_grant() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.advance(10_000);
    assert_eq!(page.markers().as_deref(), Some("v"));
    page.call(CONSENT_GRANT);
    page.advance(10_000);
    assert_eq!(
        markers(&page.requests()),
        [(false, true, false), (true, false, true)]
    );
    assert!(page.requests().iter().all(|sent| sent.is_anonymous));
    assert_eq!(page.markers().as_deref(), Some("g"));
}

#[test]
fn grant_during_the_visit_request_reports_only_the_grant() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.advance(IDLE_FLUSH_MS + LATENCY_MS / 2);
    page.call(CONSENT_GRANT);
    page.advance(10_000);
    assert_eq!(
        markers(&page.requests()),
        [(false, true, false), (true, false, true)]
    );
    assert_eq!(page.markers().as_deref(), Some("g"));
}

#[test]
fn session_that_begins_denied_reports_the_grant_on_a_later_page() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.drain();
    let mut page = page.navigate_to(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_GRANT]);
    page.advance(10_000);
    assert_eq!(markers(&page.requests()), [(true, false, true)]);
    let mut page = page.navigate_to(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_DENY, CONSENT_GRANT]);
    page.advance(10_000);
    assert_eq!(markers(&page.requests()).len(), 1);
}

#[test]
fn reported_markers_are_not_reported_again() {
    for (reported, expected, stored) in [
        ("", Some((true, true, true)), "g"),
        ("v", Some((true, false, true)), "g"),
        ("c", Some((true, true, false)), "g"),
        ("g", None, "g"),
        ("nonsense", Some((true, true, true)), "g"),
    ] {
        let mut page = page_after(reported);
        page.call(INIT_P);
        page.advance(60_000);
        assert_eq!(
            markers(&page.requests()),
            Vec::from_iter(expected),
            "{reported}"
        );
        assert_eq!(page.markers().as_deref(), Some(stored), "{reported}");
    }
}

#[test]
fn each_pixel_has_its_own_markers() {
    let mut page = Page::open_idle();
    page.call(INIT_Q);
    page.advance(60_000);
    assert_eq!(page.request().pixel(), "Q");
    assert_eq!(markers(&page.requests()), [(true, true, true)]);
    assert_eq!(page.browser.state().session["oaiq_cs:Q"], "g");
}

#[test]
fn page_without_storage_reports_markers_once() {
    let browser = FakeBrowser::new();
    browser.state_mut().storage_blocked = true;
    let mut page = browser.open(CHECKOUT_URL);
    page.call(INIT_P);
    page.advance(10_000);
    page.call_all([CONSENT_DENY, CONSENT_GRANT, INIT_P]);
    page.call(&order("a"));
    page.advance(60_000);
    assert_eq!(markers(&page.requests()).len(), 1);
}

#[test]
fn rejected_calls_share_the_marker_s_request() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INVALID_CALL, INIT_P, INVALID_CALL]);
    page.advance(MAX_FLUSH_MS);
    let diagnostic = page.request().diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["dropped_event_count"], 2);
    assert_eq!(markers(&page.requests()), [(true, true, true)]);
}
