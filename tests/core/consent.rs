//! The visitor's answer: where it is kept, and what it stops.

use oaiq::host::Step;

use crate::support::fake_browser::{Browser, LATENCY, Network, PAINT, Sent};
use crate::support::page::{
    CHECKOUT, DENY, EVENTS, GRANT, INIT, INIT_DEBUG, INIT_Q, LATEST, QUIET, REFUSED, Visit, order,
};

const SHOP: &str = "shop.example.test";
const WITH_CLICK: &str = "https://shop.example.test/?oppref=click-1";
const KEPT_BROWSER: &str = "4e5e4050-f8cb-416c-9078-534b39100342";

/// A browser that has been here before.
fn known_browser() -> Browser {
    let browser = Browser::new();
    browser.set_cookie_at(
        SHOP,
        &format!("__obref={KEPT_BROWSER}; Domain=example.test"),
    );
    browser.set_cookie_at(SHOP, "__oppref=click-0; Domain=example.test");
    browser
}

/// Has nothing gone but one stripped diagnostic, which says that consent is denied?
#[track_caller]
fn assert_only_a_denial_is_told(visit: &Visit) {
    let sent = visit.request();
    assert!(sent.stripped && !sent.has_identity());
    assert_eq!(sent.names(), ["oai::diagnostic"]);
    let told = sent.diagnostic().expect("a diagnostic");
    assert_eq!(told["consent"], false);
    assert_eq!(told["is_first_visit_in_session"], true);
    assert_eq!(told.get("is_first_consent_grant_in_session"), None);
    assert_eq!(told["dropped_event_count"], 0);
}

#[test]
fn consent_is_granted_unless_denied() {
    let visit = Visit::settled();
    assert!(visit.browser.cookie("__obref").is_some());
    assert_eq!(visit.browser.cookie("__oaiq_consent"), None);
    assert!(visit.browser.look().local.is_empty());
}

#[test]
fn an_answer_before_init_writes_consent_alone() {
    for (call, answer) in [(DENY, "false"), (GRANT, "true")] {
        let mut visit = Visit::to(WITH_CLICK);
        visit.call(call);
        visit.advance(60_000);
        assert!(visit.requests().is_empty());
        assert!(visit.settings_asked().is_empty());
        let state = visit.browser.look();
        let kept = state.cookies.visible(&state.origin, state.now);
        let kept: Vec<_> = kept.map(|kept| (&*kept.name, &*kept.value)).collect();
        assert_eq!(kept, [("__oaiq_consent", answer)]);
        assert_eq!(state.local.len(), 1);
        assert_eq!(state.local["oaiq_consent"], answer);
        assert!(state.session.is_empty());
    }
}

#[test]
fn an_answer_is_kept_for_thirty_days() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(DENY);
    assert_eq!(
        visit.browser.written("__oaiq_consent"),
        [
            "__oaiq_consent=false; Path=/; Max-Age=2592000; SameSite=Lax; Domain=example.test; Secure"
        ]
    );
}

#[test]
fn a_later_answer_takes_the_place_of_the_kept_one_wherever_that_is() {
    let browser = Browser::new();
    browser.set_cookie_at(SHOP, "__oaiq_consent=false");
    browser.set_cookie_at(SHOP, "__oaiq_consent=false; Domain=shop.example.test");
    browser.set_cookie_at(SHOP, "__oaiq_consent=true; Domain=example.test");
    let mut visit = browser.open(CHECKOUT);
    visit.calls([INIT, GRANT]);
    assert_eq!(browser.cookie("__oaiq_consent").as_deref(), Some("true"));
    let mut visit = visit.next_page(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.advance(5_000);
    assert_eq!(visit.arrived(), ["a"]);
}

#[test]
fn denied_before_init_one_stripped_diagnostic_is_all_that_goes() {
    let mut visit = Visit::to(WITH_CLICK);
    visit.calls([DENY, r#"["init",{"pixelId":"P","user":{"country":"DE"}}]"#]);
    visit.call(&order("a"));
    visit.call(REFUSED);
    visit.advance(60_000);
    assert_only_a_denial_is_told(&visit);
    assert!(visit.settings_asked().is_empty());
    assert!(visit.browser.written("__obref").is_empty());
    assert!(visit.browser.written("__oppref").is_empty());
    assert_eq!(visit.marked().as_deref(), Some("v"));
}

#[test]
fn a_kept_denial_holds_on_the_next_page_which_tells_nothing() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.settle();
    let mut visit = visit.next_page(WITH_CLICK);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
    assert!(visit.browser.written("__obref").is_empty());
}

#[test]
fn a_denial_in_either_place_wins_over_a_grant_in_the_other() {
    for (cookie, stored, denied) in [
        (Some("false"), None, true),
        (None, Some("false"), true),
        (Some("false"), Some("true"), true),
        (Some("true"), Some("false"), true),
        (Some("true"), Some("true"), false),
        (Some("true"), None, false),
        (Some("no"), Some("0"), false),
    ] {
        let browser = Browser::new();
        if let Some(answer) = cookie {
            browser.set_cookie_at(SHOP, &format!("__oaiq_consent={answer}"));
        }
        if let Some(answer) = stored {
            let mut state = browser.touch();
            state.local.insert("oaiq_consent".into(), answer.into());
        }
        let mut visit = browser.open(CHECKOUT);
        visit.call(INIT);
        visit.call(&order("a"));
        visit.advance(5_000);
        assert_eq!(visit.arrived().is_empty(), denied, "{cookie:?} {stored:?}");
        assert_eq!(visit.request().stripped, denied, "{cookie:?} {stored:?}");
    }
}

#[test]
fn of_two_cookies_one_denial_is_enough() {
    let browser = Browser::new();
    browser.set_cookie_at(SHOP, "__oaiq_consent=false");
    browser.set_cookie_at(SHOP, "__oaiq_consent=true; Domain=example.test");
    let mut visit = browser.open(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.advance(PAINT + QUIET);
    assert_only_a_denial_is_told(&visit);
}

#[test]
fn a_kept_denial_deletes_what_tells_who_the_visitor_is() {
    let browser = known_browser();
    browser.set_cookie_at(SHOP, "__oppref=click-2");
    browser.set_cookie_at(SHOP, "__obref=x; Domain=shop.example.test");
    browser.set_cookie_at(SHOP, "__oaiq_consent=false");
    browser.open(CHECKOUT).advance(PAINT);
    assert!(browser.cookies_named("__obref").is_empty());
    assert!(browser.cookies_named("__oppref").is_empty());
}

#[test]
fn a_denial_deletes_what_tells_who_the_visitor_is_on_every_domain() {
    let browser = known_browser();
    for domain in ["", "; Domain=shop.example.test"] {
        browser.set_cookie_at(SHOP, &format!("__obref=x{domain}"));
        browser.set_cookie_at(SHOP, &format!("__oppref=x{domain}"));
    }
    let mut visit = browser.open(WITH_CLICK);
    visit.calls([INIT, DENY]);
    assert!(browser.cookies_named("__obref").is_empty());
    assert!(browser.cookies_named("__oppref").is_empty());
}

#[test]
fn denied_then_granted_measures_from_then_on() {
    let mut visit = Visit::to(WITH_CLICK);
    visit.calls([DENY, INIT]);
    visit.call(&order("blocked"));
    visit.advance(800);
    visit.call(GRANT);
    visit.call(&order("allowed"));
    visit.advance(10_000);
    let sent = visit.request();
    assert_eq!(sent.names(), ["order_created", "oai::diagnostic"]);
    assert_eq!(sent.measured(), ["allowed"]);
    assert_eq!(sent.batch().oppref.as_deref(), Some("click-1"));
    assert_eq!(sent.batch().obref, visit.browser.cookie("__obref"));
    let told = sent.diagnostic().expect("a diagnostic");
    assert_eq!(told["consent"], true);
    assert_eq!(told["is_first_visit_in_session"], true);
    assert_eq!(told["is_first_consent_grant_in_session"], true);
    assert_eq!(visit.settings_asked().len(), 1);
    assert_eq!(visit.marked().as_deref(), Some("g"));
}

#[test]
fn a_visitor_who_grants_again_is_a_new_browser() {
    let browser = known_browser();
    let mut visit = browser.open(CHECKOUT);
    visit.call(INIT);
    visit.settle();
    visit.calls([DENY, GRANT]);
    visit.call(&order("a"));
    visit.advance(QUIET);
    let batch = visit.request().batch();
    assert_ne!(batch.obref.as_deref(), Some(KEPT_BROWSER));
    assert_eq!(batch.obref, browser.cookie("__obref"));
    assert_eq!(batch.oppref, None, "the click was kept in a cookie alone");
}

#[test]
fn a_grant_on_a_later_page_reads_the_click_of_that_page_or_none() {
    let mut visit = Visit::to(WITH_CLICK);
    visit.calls([DENY, INIT]);
    visit.settle();
    let mut visit = visit.next_page(CHECKOUT);
    visit.calls([INIT, GRANT]);
    visit.call(&order("a"));
    visit.advance(QUIET);
    assert_eq!(visit.request().batch().oppref, None);
    assert!(visit.request().batch().obref.is_some());
}

#[test]
fn a_click_is_not_lost_when_the_page_changes_its_address_before_the_visitor_answers() {
    let mut visit = Visit::to(WITH_CLICK);
    visit.calls([DENY, INIT]);
    visit.push_state(CHECKOUT);
    visit.call(GRANT);
    visit.call(&order("a"));
    visit.advance(QUIET);
    assert_eq!(visit.request().batch().oppref.as_deref(), Some("click-1"));
}

#[test]
fn a_grant_over_a_kept_denial_measures() {
    let browser = Browser::new();
    browser
        .touch()
        .local
        .insert("oaiq_consent".into(), "false".into());
    browser.set_cookie_at(SHOP, "__oaiq_consent=false");
    let mut visit = browser.open(CHECKOUT);
    visit.calls([INIT, GRANT]);
    visit.call(&order("a"));
    visit.advance(10_000);
    assert_eq!(visit.arrived(), ["a"]);
    assert!(!visit.request().stripped);
}

#[test]
fn a_denial_drops_what_waits() {
    let mut visit = Visit::settled();
    visit.call(&order("waiting"));
    visit.call(REFUSED);
    visit.advance(500);
    visit.call(DENY);
    visit.call(&order("after"));
    visit.call(REFUSED);
    visit.advance(60_000);
    visit.leave();
    assert!(visit.requests().is_empty());
}

#[test]
fn a_denial_drops_what_was_measured_before_any_init() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(&order("early"));
    visit.call(REFUSED);
    visit.calls([DENY, GRANT, INIT]);
    visit.call(&order("a"));
    visit.advance(10_000);
    assert_eq!(visit.measured(), [["a"]]);
    let told = visit.request().diagnostic().expect("a diagnostic");
    assert_eq!(told["dropped_event_count"], 0);
}

#[test]
fn what_was_dropped_is_not_sent_when_consent_comes_back() {
    let mut visit = Visit::settled();
    visit.call(&order("before"));
    visit.call(DENY);
    visit.call(&order("denied"));
    visit.call(GRANT);
    visit.call(&order("after"));
    visit.advance(60_000);
    assert_eq!(visit.measured(), [["after"]]);
}

#[test]
fn what_is_on_its_way_when_consent_is_denied_is_not_tried_again() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.advance(QUIET);
    visit.call(DENY);
    visit.fail(0);
    visit.network(Network::Up);
    visit.advance(600_000);
    visit.call(GRANT);
    visit.advance(600_000);
    assert_eq!(visit.requests().len(), 1);
}

#[test]
fn what_waits_for_another_try_when_consent_is_denied_is_dropped() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY);
    visit.network(Network::Up);
    visit.calls([DENY, GRANT]);
    visit.call(&order("b"));
    visit.advance(QUIET);
    assert_eq!(visit.measured(), [["a"], ["b"]]);
    visit.advance(600_000);
    assert_eq!(visit.requests().len(), 2);
}

#[test]
fn a_denial_reaches_every_pixel() {
    let mut visit = Visit::settled();
    visit.call(INIT_Q);
    visit.settle();
    visit.call(&order("a"));
    visit.call(DENY);
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
    visit.call(GRANT);
    visit.call(&order("b"));
    visit.advance(QUIET);
    assert_eq!(visit.measured(), [["b"], ["b"]]);
}

#[test]
fn a_denial_in_another_tab_is_one_here() {
    let browser = known_browser();
    let mut visit = browser.open(CHECKOUT);
    visit.call(INIT);
    visit.settle();
    visit.call(&order("waiting"));
    visit.another_tab_stores("false");
    assert!(browser.cookies_named("__obref").is_empty());
    assert!(browser.cookies_named("__oppref").is_empty());
    visit.call(&order("after"));
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
    assert_eq!(browser.cookie("__oaiq_consent"), None, "only told here");
}

#[test]
fn what_else_another_tab_stores_changes_nothing() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.another_tab_stores("true");
    visit.another_tab_stores("nonsense");
    visit.advance(5_000);
    assert_eq!(visit.arrived(), ["a"]);
    assert!(visit.browser.cookie("__obref").is_some());
}

#[test]
fn a_denial_that_another_tab_stored_is_honoured_before_this_one_hears_of_it() {
    let store = |visit: &Visit| {
        let mut state = visit.browser.touch();
        state.local.insert("oaiq_consent".into(), "false".into());
    };
    let mut visit = Visit::settled();
    store(&visit);
    visit.call(&order("a"));
    visit.call(INIT_Q);
    visit.advance(60_000);
    assert_only_a_denial_is_told(&visit);
    assert_eq!(visit.request().pixel(), "Q");
    assert_eq!(visit.settings_asked().len(), 1);

    let mut visit = Visit::settled();
    visit.call(&order("a"));
    store(&visit);
    visit.advance(60_000);
    assert!(visit.requests().is_empty());

    let mut visit = Visit::to(WITH_CLICK);
    store(&visit);
    visit.call(INIT);
    assert!(visit.browser.look().cookies.written.is_empty());
    store(&visit);
    visit.call(&order("blocked"));
    visit.call(GRANT);
    store(&visit);
    visit.call(&order("blocked"));
    visit.call(GRANT);
    visit.call(&order("a"));
    visit.advance(QUIET);
    assert_eq!(visit.measured(), [["a"]]);
}

#[test]
fn a_denial_found_only_in_a_cookie_is_honoured_before_the_request() {
    let browser = known_browser();
    let mut visit = browser.open(CHECKOUT);
    visit.call(INIT);
    visit.settle();
    visit.call(&order("a"));
    browser.set_cookie_at("example.test", "__oaiq_consent=false; Domain=example.test");
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
    assert!(browser.cookies_named("__obref").is_empty());
    assert!(browser.cookies_named("__oppref").is_empty());
}

#[test]
fn a_denial_found_only_in_a_cookie_is_honoured_on_leaving() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit
        .browser
        .set_cookie_at(SHOP, "__oaiq_consent=false; Domain=example.test");
    visit.leave();
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
}

#[test]
fn a_denial_found_only_in_a_cookie_is_honoured_before_a_second_try() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY);
    visit
        .browser
        .set_cookie_at(SHOP, "__oaiq_consent=false; Domain=example.test");
    visit.network(Network::Up);
    visit.advance(600_000);
    assert_eq!(visit.requests().len(), 1);
}

#[test]
fn a_page_that_waits_long_before_init_still_hears_of_a_denial() {
    for in_cookie in [true, false] {
        let mut visit = Visit::to(WITH_CLICK);
        visit.call(&order("early"));
        if in_cookie {
            visit
                .browser
                .set_cookie_at(SHOP, "__oaiq_consent=false; Domain=example.test");
        } else {
            visit.another_tab_stores("false");
        }
        visit.call(INIT);
        visit.advance(60_000);
        assert_only_a_denial_is_told(&visit);
        assert!(visit.browser.cookies_named("__obref").is_empty());
        assert!(visit.browser.cookies_named("__oppref").is_empty());
    }
}

#[test]
fn where_nothing_can_be_kept_the_answer_holds_for_the_page() {
    let browser = Browser::new();
    browser.touch().cookies.blocked = true;
    browser.touch().storage_blocked = true;
    let mut visit = browser.open(CHECKOUT);
    visit.calls([INIT, DENY]);
    visit.call(&order("a"));
    visit.advance(60_000);
    assert_only_a_denial_is_told(&visit);
    visit.call(GRANT);
    visit.call(&order("b"));
    visit.advance(5_000);
    assert_eq!(visit.arrived().last().map(String::as_str), Some("b"));
}

#[test]
fn a_grant_of_what_is_granted_changes_nothing() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.call(GRANT);
    visit.advance(60_000);
    assert_eq!(visit.request().names(), ["order_created"]);
    assert_eq!(visit.settings_asked().len(), 1);
}

#[test]
fn a_visitor_who_denies_twice_is_told_of_once() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.advance(QUIET);
    // its answer is still to come
    visit.call(DENY);
    visit.advance(60_000);
    assert_only_a_denial_is_told(&visit);
}

#[test]
fn a_tab_that_hears_of_every_change_tells_of_a_denial_once() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    for _ in 0..20 {
        visit.advance(500);
        // another tab stores something of its own
        visit.another_tab_stores("false");
    }
    visit.advance(60_000);
    assert_only_a_denial_is_told(&visit);
    assert_eq!(visit.requests()[0].at, 40 + QUIET);
}

#[test]
fn a_denial_while_a_marker_is_on_its_way_tells_of_the_first_visit_once() {
    let mut visit = Visit::to(CHECKOUT);
    visit.network(Network::Held);
    visit.call(INIT);
    visit.advance(QUIET);
    visit.call(DENY);
    visit.arrive(0);
    visit.network(Network::Up);
    visit.advance(60_000);
    let first_visits = |sent: &Sent| {
        let told = sent.diagnostic();
        told.is_some_and(|told| told.contains_key("is_first_visit_in_session"))
    };
    let requests = visit.requests();
    assert_eq!(
        requests.iter().filter(|sent| first_visits(sent)).count(),
        1,
        "{requests:#?}"
    );
}

#[test]
fn a_first_visit_whose_request_fails_after_a_denial_is_told_without_identity() {
    let mut visit = Visit::to(CHECKOUT);
    visit.network(Network::Held);
    visit.call(INIT);
    visit.advance(QUIET);
    visit.call(DENY);
    visit.fail(0);
    visit.network(Network::Up);
    visit.browser.touch().requests.clear();
    visit.advance(60_000);
    assert_only_a_denial_is_told(&visit);
    assert_eq!(visit.marked().as_deref(), Some("v"));
}

#[test]
fn each_change_of_consent_is_told_once_with_debug() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([INIT_DEBUG, DENY, DENY]);
    visit.call(&order("a"));
    visit.calls([GRANT, GRANT]);
    assert_eq!(visit.told(Step::Consent), ["denied", "granted"]);
    assert_eq!(visit.told(Step::Blocked), ["order_created"]);
}

#[test]
fn without_consent_a_request_goes_to_the_same_address() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.advance(QUIET);
    let sent = visit.request();
    let now = sent.parameter("t");
    assert_eq!(
        sent.url,
        format!("{EVENTS}?pid=P&st=oaiq-web&sv=0.1.41&t={now}&ec=1")
    );
    visit.advance(LATEST);
    assert_eq!(visit.requests().len(), 1);
}

/// What a consent library documents for the page of a visitor who has agreed.
const DENIED_THEN_GRANTED: [&str; 3] = [DENY, INIT, GRANT];

#[test]
fn a_denial_that_the_same_queue_takes_back_deletes_no_cookie() {
    let browser = Browser::new();
    let mut identities = Vec::new();
    for url in [WITH_CLICK, CHECKOUT] {
        let order = order("o");
        let mut queue = DENIED_THEN_GRANTED.to_vec();
        queue.push(&order);
        let mut visit = browser.open_with_queue(url, &queue);
        visit.advance(LATEST);
        assert_eq!(visit.arrived(), ["o"]);
        let requests = visit.requests();
        let sent = requests.iter().find(|sent| sent.measured() == ["o"]);
        let batch = sent.expect("a batch with the order").batch();
        assert_eq!(batch.oppref.as_deref(), Some("click-1"));
        assert_eq!(batch.obref, browser.cookie("__obref"));
        identities.push((browser.cookie("__oppref"), browser.cookie("__obref")));
        browser.touch().requests.clear();
    }
    assert_eq!(identities[0].0.as_deref(), Some("click-1"));
    assert_eq!(identities[0], identities[1]);
}

#[test]
fn an_event_between_two_answers_of_one_queue_is_dropped() {
    let (between, after) = (order("between"), order("after"));
    let queue = [DENY, INIT, &between, GRANT, &after];
    let mut visit = Browser::new().open_with_queue(CHECKOUT, &queue);
    visit.advance(LATEST);
    assert_eq!(visit.arrived(), ["after"]);
}

#[test]
fn an_event_before_a_denial_of_the_same_queue_is_dropped() {
    let (before, after) = (order("before"), order("after"));
    let queue = [INIT, &before, DENY, GRANT, &after];
    let mut visit = Browser::new().open_with_queue(CHECKOUT, &queue);
    visit.advance(LATEST);
    assert_eq!(visit.arrived(), ["after"]);
}

#[test]
fn a_denial_that_the_queue_does_not_take_back_deletes_the_cookies() {
    for queue in [&[INIT, DENY][..], &[DENY, GRANT, INIT, DENY]] {
        let browser = known_browser();
        let visit = browser.open_with_queue(CHECKOUT, queue);
        assert_eq!(visit.browser.cookie("__obref"), None, "{queue:?}");
        assert_eq!(visit.browser.cookie("__oppref"), None, "{queue:?}");
    }
}

#[test]
fn a_denial_that_the_queue_takes_back_leaves_undelivered_events_of_earlier_pages() {
    let browser = Browser::new();
    let mut first = browser.open(CHECKOUT);
    first.call(INIT);
    browser.touch().network = Network::Down;
    first.call(&order("undelivered"));
    first.advance(QUIET);
    assert_eq!(browser.look().outbox().len(), 1);
    browser.open_with_queue(CHECKOUT, &DENIED_THEN_GRANTED);
    assert_eq!(browser.look().outbox().len(), 1);
    browser.open_with_queue(CHECKOUT, &[INIT, DENY]);
    assert_eq!(browser.look().outbox().len(), 0);
}

#[test]
fn a_later_denial_deletes_the_cookies_at_once() {
    let browser = known_browser();
    let mut visit = browser.open_with_queue(CHECKOUT, &DENIED_THEN_GRANTED);
    visit.advance(LATEST);
    assert!(visit.browser.cookie("__obref").is_some());
    visit.call(DENY);
    assert_eq!(visit.browser.cookie("__obref"), None);
    assert_eq!(visit.browser.cookie("__oppref"), None);
}

#[test]
fn without_diagnostics_nothing_is_sent_while_consent_is_denied() {
    let browser = Browser::new();
    let mut visit = browser.open_without_diagnostics(CHECKOUT);
    visit.calls([INIT, DENY, REFUSED]);
    visit.advance(60_000);
    assert!(visit.requests().is_empty());
    visit.call(GRANT);
    visit.advance(60_000);
    let told = visit.request().diagnostic().expect("a diagnostic");
    assert_eq!(told["consent"], true);
    assert_eq!(told["is_first_visit_in_session"], true);
}
