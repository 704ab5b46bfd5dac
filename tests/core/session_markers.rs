//! What is told once a session: the first visit, and the first time that consent was granted.

use crate::support::fake_browser::{Browser, LATENCY, Network, Sent};
use crate::support::page::{
    CHECKOUT, DENY, GRANT, INIT, INIT_Q, LATEST, QUIET, REFUSED, Visit, order,
};

/// `(consent, first visit, first grant)` as each marker tells.
fn markers(requests: &[Sent]) -> Vec<(bool, bool, bool)> {
    let told = requests.iter().filter_map(|sent| {
        let told = sent.diagnostic()?;
        let consent = told.get("consent")?.as_bool()?;
        let is_set = |key: &str| told.get(key).map(|set| assert_eq!(set, true)).is_some();
        let first_visit = is_set("is_first_visit_in_session");
        Some((
            consent,
            first_visit,
            is_set("is_first_consent_grant_in_session"),
        ))
    });
    told.collect()
}

/// A page in a session that has these first times behind it.
fn page_after(kept: &str) -> Visit {
    let browser = Browser::new();
    browser
        .touch()
        .session
        .insert("oaiq_cs:P".into(), kept.into());
    browser.open(CHECKOUT)
}

#[test]
fn a_session_s_first_page_tells_of_both_first_times() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.advance(60_000);
    assert_eq!(markers(&visit.requests()), [(true, true, true)]);
    assert_eq!(visit.marked().as_deref(), Some("g"));
}

#[test]
fn the_second_page_tells_of_none() {
    let visit = Visit::settled();
    let mut visit = visit.next_page(CHECKOUT);
    let began = visit.browser.look().ticks;
    visit.call(INIT);
    visit.advance(60_000);
    let sent = visit.request();
    assert_eq!(sent.names(), ["openai::sdk_init"]);
    assert_eq!(sent.at - began, QUIET);
    assert!(sent.batch().obref.is_some());
}

#[test]
fn a_new_session_begins_anew() {
    let visit = Visit::settled();
    visit.browser.touch().session.clear();
    let mut visit = visit.next_page(CHECKOUT);
    visit.call(INIT);
    visit.advance(60_000);
    assert_eq!(markers(&visit.requests()), [(true, true, true)]);
}

#[test]
fn each_first_time_is_marked_once_its_request_has_arrived() {
    let mut visit = Visit::to(CHECKOUT);
    visit.network(Network::Held);
    visit.call(INIT);
    visit.advance(QUIET);
    assert_eq!(visit.marked(), None);
    visit.fail(0);
    assert_eq!(visit.marked(), None);
    visit.advance(5_000);
    assert_eq!(markers(&visit.requests()).len(), 2, "the same one again");
    assert_eq!(visit.marked(), None);
    visit.arrive(1);
    assert_eq!(visit.marked().as_deref(), Some("g"));
}

#[test]
fn a_marker_that_went_by_beacon_is_marked_at_once() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.leave();
    assert_eq!(visit.marked().as_deref(), Some("g"));
    let mut visit = visit.next_page(CHECKOUT);
    visit.call(INIT);
    visit.advance(60_000);
    assert_eq!(markers(&visit.requests()).len(), 1);
}

#[test]
fn a_page_that_was_left_before_the_answer_leaves_the_first_times_to_the_next() {
    let mut visit = Visit::to(CHECKOUT);
    visit.network(Network::Held);
    visit.call(INIT);
    visit.advance(QUIET);
    let mut visit = visit.next_page(CHECKOUT);
    visit.network(Network::Up);
    visit.call(INIT);
    visit.advance(60_000);
    assert_eq!(visit.marked().as_deref(), Some("g"));
}

#[test]
fn without_consent_the_visit_is_told_and_a_later_grant_by_itself() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.advance(10_000);
    assert_eq!(visit.marked().as_deref(), Some("v"));
    visit.call(GRANT);
    visit.advance(10_000);
    assert_eq!(
        markers(&visit.requests()),
        [(false, true, false), (true, false, true)]
    );
    assert!(visit.requests().iter().all(|sent| sent.stripped));
    assert_eq!(visit.marked().as_deref(), Some("g"));
}

#[test]
fn a_grant_while_the_visit_is_on_its_way_tells_of_the_grant_alone() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.advance(QUIET + LATENCY / 2);
    visit.call(GRANT);
    visit.advance(10_000);
    assert_eq!(
        markers(&visit.requests()),
        [(false, true, false), (true, false, true)]
    );
    assert_eq!(visit.marked().as_deref(), Some("g"));
}

#[test]
fn a_session_that_begins_denied_tells_of_the_grant_on_the_later_page() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.settle();
    let mut visit = visit.next_page(CHECKOUT);
    visit.calls([INIT, GRANT]);
    visit.advance(10_000);
    assert_eq!(markers(&visit.requests()), [(true, false, true)]);
    let mut visit = visit.next_page(CHECKOUT);
    visit.calls([INIT, DENY, GRANT]);
    visit.advance(10_000);
    assert_eq!(markers(&visit.requests()).len(), 1);
}

#[test]
fn what_the_session_has_told_is_not_told_again() {
    for (kept, told, then) in [
        ("", Some((true, true, true)), "g"),
        ("v", Some((true, false, true)), "g"),
        ("c", Some((true, true, false)), "g"),
        ("g", None, "g"),
        ("nonsense", Some((true, true, true)), "g"),
    ] {
        let mut visit = page_after(kept);
        visit.call(INIT);
        visit.advance(60_000);
        assert_eq!(markers(&visit.requests()), Vec::from_iter(told), "{kept}");
        assert_eq!(visit.marked().as_deref(), Some(then), "{kept}");
    }
}

#[test]
fn each_pixel_has_first_times_of_its_own() {
    let mut visit = Visit::settled();
    visit.call(INIT_Q);
    visit.advance(60_000);
    assert_eq!(visit.request().pixel(), "Q");
    assert_eq!(markers(&visit.requests()), [(true, true, true)]);
    assert_eq!(visit.browser.look().session["oaiq_cs:Q"], "g");
}

#[test]
fn where_nothing_can_be_stored_a_page_tells_once() {
    let browser = Browser::new();
    browser.touch().storage_blocked = true;
    let mut visit = browser.open(CHECKOUT);
    visit.call(INIT);
    visit.advance(10_000);
    visit.calls([DENY, GRANT, INIT]);
    visit.call(&order("a"));
    visit.advance(60_000);
    assert_eq!(markers(&visit.requests()).len(), 1);
}

#[test]
fn refused_calls_ride_along_with_a_marker() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([REFUSED, INIT, REFUSED]);
    visit.advance(LATEST);
    let told = visit.request().diagnostic().expect("a diagnostic");
    assert_eq!(told["dropped_event_count"], 2);
    assert_eq!(markers(&visit.requests()), [(true, true, true)]);
}
