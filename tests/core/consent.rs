//! Consent: where the answer is stored, and what a denial stops.

use oaiq::host::DebugEvent;
use oaiq::protocol::VERSION;

use crate::support::fake_browser::{FakeBrowser, LATENCY_MS, Network, PAINT_MS, SentRequest};
use crate::support::page::{
    CHECKOUT_URL, CONSENT_DENY, CONSENT_GRANT, EVENTS_URL, IDLE_FLUSH_MS, INIT_P, INIT_P_DEBUG,
    INIT_Q, INVALID_CALL, MAX_FLUSH_MS, Page, order,
};

const SHOP: &str = "shop.example.test";
const WITH_CLICK: &str = "https://shop.example.test/?oppref=click-1";
const STORED_BROWSER_ID: &str = "4e5e4050-f8cb-416c-9078-534b39100342";

/// A browser with a stored browser ID.
fn browser_with_identity() -> FakeBrowser {
    let browser = FakeBrowser::new();
    browser.set_cookie_on(
        SHOP,
        &format!("__obref={STORED_BROWSER_ID}; Domain=example.test"),
    );
    browser.set_cookie_on(SHOP, "__oppref=click-0; Domain=example.test");
    browser
}

/// Asserts that the only request is one anonymous diagnostic that reports the denial.
#[track_caller]
fn assert_only_the_denial_is_reported(page: &Page) {
    let sent = page.request();
    assert!(sent.is_anonymous && !sent.is_identified());
    assert_eq!(sent.names(), ["oai::diagnostic"]);
    let diagnostic = sent.diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["consent"], false);
    assert_eq!(diagnostic["is_first_visit_in_session"], true);
    assert_eq!(diagnostic.get("is_first_consent_grant_in_session"), None);
    assert_eq!(diagnostic["dropped_event_count"], 0);
}

#[test]
fn consent_is_granted_unless_denied() {
    let page = Page::open_idle();
    assert!(page.browser.cookie("__obref").is_some());
    assert_eq!(page.browser.cookie("__oaiq_consent"), None);
    assert!(page.browser.state().local.is_empty());
}

#[test]
fn consent_before_init_writes_only_the_consent_cookie() {
    for (call, answer) in [(CONSENT_DENY, "false"), (CONSENT_GRANT, "true")] {
        let mut page = Page::open(WITH_CLICK);
        page.call(call);
        page.advance(60_000);
        assert!(page.requests().is_empty());
        assert!(page.config_requests().is_empty());
        let state = page.browser.state();
        let stored = state.cookies.visible(&state.origin, state.now);
        let stored: Vec<_> = stored
            .map(|stored| (&*stored.name, &*stored.value))
            .collect();
        assert_eq!(stored, [("__oaiq_consent", answer)]);
        assert_eq!(state.local.len(), 1);
        assert_eq!(state.local["oaiq_consent"], answer);
        assert!(state.session.is_empty());
    }
}

#[test]
fn consent_answer_is_stored_for_thirty_days() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(CONSENT_DENY);
    assert_eq!(
        page.browser.cookie_writes("__oaiq_consent"),
        [
            "__oaiq_consent=false; Path=/; Max-Age=2592000; SameSite=Lax; Domain=example.test; Secure"
        ]
    );
}

#[test]
fn later_answer_replaces_the_stored_one_in_cookie_and_storage() {
    let browser = FakeBrowser::new();
    browser.set_cookie_on(SHOP, "__oaiq_consent=false");
    browser.set_cookie_on(SHOP, "__oaiq_consent=false; Domain=shop.example.test");
    browser.set_cookie_on(SHOP, "__oaiq_consent=true; Domain=example.test");
    let mut page = browser.open(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_GRANT]);
    assert_eq!(browser.cookie("__oaiq_consent").as_deref(), Some("true"));
    let mut page = page.navigate_to(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("a"));
    page.advance(5_000);
    assert_eq!(page.delivered_ids(), ["a"]);
}

#[test]
fn denial_before_init_sends_one_anonymous_diagnostic_only() {
    let mut page = Page::open(WITH_CLICK);
    page.call_all([
        CONSENT_DENY,
        r#"["init",{"pixelId":"P","user":{"country":"DE"}}]"#,
    ]);
    page.call(&order("a"));
    page.call(INVALID_CALL);
    page.advance(60_000);
    assert_only_the_denial_is_reported(&page);
    assert!(page.config_requests().is_empty());
    assert!(page.browser.cookie_writes("__obref").is_empty());
    assert!(page.browser.cookie_writes("__oppref").is_empty());
    assert_eq!(page.markers().as_deref(), Some("v"));
}

#[test]
fn stored_denial_silences_the_next_page() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.drain();
    let mut page = page.navigate_to(WITH_CLICK);
    page.call(INIT_P);
    page.call(&order("a"));
    page.advance(60_000);
    assert!(page.requests().is_empty());
    assert!(page.browser.cookie_writes("__obref").is_empty());
}

#[test]
fn denial_in_cookie_or_storage_wins_over_a_grant_in_the_other() {
    for (cookie, stored, denied) in [
        (Some("false"), None, true),
        (None, Some("false"), true),
        (Some("false"), Some("true"), true),
        (Some("true"), Some("false"), true),
        (Some("true"), Some("true"), false),
        (Some("true"), None, false),
        (Some("no"), Some("0"), false),
    ] {
        let browser = FakeBrowser::new();
        if let Some(answer) = cookie {
            browser.set_cookie_on(SHOP, &format!("__oaiq_consent={answer}"));
        }
        if let Some(answer) = stored {
            browser.store_consent(answer);
        }
        let mut page = browser.open(CHECKOUT_URL);
        page.call(INIT_P);
        page.call(&order("a"));
        page.advance(5_000);
        assert_eq!(
            page.delivered_ids().is_empty(),
            denied,
            "{cookie:?} {stored:?}"
        );
        assert_eq!(page.request().is_anonymous, denied, "{cookie:?} {stored:?}");
    }
}

#[test]
fn one_denial_among_two_cookies_is_enough() {
    let browser = FakeBrowser::new();
    browser.set_cookie_on(SHOP, "__oaiq_consent=false");
    browser.set_cookie_on(SHOP, "__oaiq_consent=true; Domain=example.test");
    let mut page = browser.open(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("a"));
    page.advance(PAINT_MS + IDLE_FLUSH_MS);
    assert_only_the_denial_is_reported(&page);
}

#[test]
fn stored_denial_deletes_identity() {
    let browser = browser_with_identity();
    browser.set_cookie_on(SHOP, "__oppref=click-2");
    browser.set_cookie_on(SHOP, "__obref=x; Domain=shop.example.test");
    browser.set_cookie_on(SHOP, "__oaiq_consent=false");
    browser.open(CHECKOUT_URL).advance(PAINT_MS);
    assert!(browser.cookies_by_name("__obref").is_empty());
    assert!(browser.cookies_by_name("__oppref").is_empty());
}

#[test]
fn denial_deletes_identity_on_every_domain() {
    let browser = browser_with_identity();
    for domain in ["", "; Domain=shop.example.test"] {
        browser.set_cookie_on(SHOP, &format!("__obref=x{domain}"));
        browser.set_cookie_on(SHOP, &format!("__oppref=x{domain}"));
    }
    let mut page = browser.open(WITH_CLICK);
    page.call_all([INIT_P, CONSENT_DENY]);
    assert!(browser.cookies_by_name("__obref").is_empty());
    assert!(browser.cookies_by_name("__oppref").is_empty());
}

#[test]
fn grant_after_denial_measures_later_events() {
    let mut page = Page::open(WITH_CLICK);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.call(&order("blocked"));
    page.advance(800);
    page.call(CONSENT_GRANT);
    page.call(&order("allowed"));
    page.advance(10_000);
    let sent = page.request();
    assert_eq!(sent.names(), ["order_created", "oai::diagnostic"]);
    assert_eq!(sent.measured_ids(), ["allowed"]);
    assert_eq!(sent.batch().oppref.as_deref(), Some("click-1"));
    assert_eq!(sent.batch().obref, page.browser.cookie("__obref"));
    let diagnostic = sent.diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["consent"], true);
    assert_eq!(diagnostic["is_first_visit_in_session"], true);
    assert_eq!(diagnostic["is_first_consent_grant_in_session"], true);
    assert_eq!(page.config_requests().len(), 1);
    assert_eq!(page.markers().as_deref(), Some("g"));
}

#[test]
fn grant_after_denial_creates_a_new_browser_id() {
    let browser = browser_with_identity();
    let mut page = browser.open(CHECKOUT_URL);
    page.call(INIT_P);
    page.drain();
    page.call_all([CONSENT_DENY, CONSENT_GRANT]);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let batch = page.request().batch();
    assert_ne!(batch.obref.as_deref(), Some(STORED_BROWSER_ID));
    assert_eq!(batch.obref, browser.cookie("__obref"));
    assert_eq!(batch.oppref, None, "the click ID was in a cookie only");
}

#[test]
fn grant_on_a_later_page_reads_only_that_page_s_click_id() {
    let mut page = Page::open(WITH_CLICK);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.drain();
    let mut page = page.navigate_to(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_GRANT]);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.request().batch().oppref, None);
    assert!(page.request().batch().obref.is_some());
}

#[test]
fn click_id_survives_a_url_change_before_consent() {
    let mut page = Page::open(WITH_CLICK);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.push_state(CHECKOUT_URL);
    page.call(CONSENT_GRANT);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.request().batch().oppref.as_deref(), Some("click-1"));
}

#[test]
fn grant_replaces_a_stored_denial() {
    let browser = FakeBrowser::new();
    browser.store_consent("false");
    browser.set_cookie_on(SHOP, "__oaiq_consent=false");
    let mut page = browser.open(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_GRANT]);
    page.call(&order("a"));
    page.advance(10_000);
    assert_eq!(page.delivered_ids(), ["a"]);
    assert!(!page.request().is_anonymous);
}

#[test]
fn denial_drops_queued_events() {
    let mut page = Page::open_idle();
    page.call(&order("waiting"));
    page.call(INVALID_CALL);
    page.advance(500);
    page.call(CONSENT_DENY);
    page.call(&order("after"));
    page.call(INVALID_CALL);
    page.advance(60_000);
    page.hide();
    assert!(page.requests().is_empty());
}

#[test]
fn denial_drops_events_measured_before_init() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(&order("early"));
    page.call(INVALID_CALL);
    page.call_all([CONSENT_DENY, CONSENT_GRANT, INIT_P]);
    page.call(&order("a"));
    page.advance(10_000);
    assert_eq!(page.measured_ids(), [["a"]]);
    let diagnostic = page.request().diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["dropped_event_count"], 0);
}

#[test]
fn dropped_events_are_not_sent_after_a_later_grant() {
    let mut page = Page::open_idle();
    page.call(&order("before"));
    page.call(CONSENT_DENY);
    page.call(&order("denied"));
    page.call(CONSENT_GRANT);
    page.call(&order("after"));
    page.advance(60_000);
    assert_eq!(page.measured_ids(), [["after"]]);
}

#[test]
fn in_flight_request_is_not_retried_after_denial() {
    let mut page = Page::open_idle();
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    page.call(CONSENT_DENY);
    page.fail(0);
    page.set_network(Network::Up);
    page.advance(600_000);
    page.call(CONSENT_GRANT);
    page.advance(600_000);
    assert_eq!(page.requests().len(), 1);
}

#[test]
fn denial_drops_events_waiting_for_a_retry() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS);
    page.set_network(Network::Up);
    page.call_all([CONSENT_DENY, CONSENT_GRANT]);
    page.call(&order("b"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.measured_ids(), [["a"], ["b"]]);
    page.advance(600_000);
    assert_eq!(page.requests().len(), 2);
}

#[test]
fn denial_applies_to_every_pixel() {
    let mut page = Page::open_idle();
    page.call(INIT_Q);
    page.drain();
    page.call(&order("a"));
    page.call(CONSENT_DENY);
    page.advance(60_000);
    assert!(page.requests().is_empty());
    page.call(CONSENT_GRANT);
    page.call(&order("b"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.measured_ids(), [["b"], ["b"]]);
}

#[test]
fn denial_in_another_tab_applies_here() {
    let browser = browser_with_identity();
    let mut page = browser.open(CHECKOUT_URL);
    page.call(INIT_P);
    page.drain();
    page.call(&order("waiting"));
    page.set_in_other_tab("false");
    assert!(browser.cookies_by_name("__obref").is_empty());
    assert!(browser.cookies_by_name("__oppref").is_empty());
    page.call(&order("after"));
    page.advance(60_000);
    assert!(page.requests().is_empty());
    assert_eq!(
        browser.cookie("__oaiq_consent"),
        None,
        "this page stores no answer"
    );
}

#[test]
fn other_storage_changes_of_another_tab_are_ignored() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.set_in_other_tab("true");
    page.set_in_other_tab("nonsense");
    page.advance(5_000);
    assert_eq!(page.delivered_ids(), ["a"]);
    assert!(page.browser.cookie("__obref").is_some());
}

#[test]
fn denial_stored_by_another_tab_is_found_before_its_event() {
    let mut page = Page::open_idle();
    page.browser.store_consent("false");
    page.call(&order("a"));
    page.call(INIT_Q);
    page.advance(60_000);
    assert_only_the_denial_is_reported(&page);
    assert_eq!(page.request().pixel(), "Q");
    assert_eq!(page.config_requests().len(), 1);

    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.browser.store_consent("false");
    page.advance(60_000);
    assert!(page.requests().is_empty());

    let mut page = Page::open(WITH_CLICK);
    page.browser.store_consent("false");
    page.call(INIT_P);
    assert!(page.browser.state().cookies.written.is_empty());
    page.browser.store_consent("false");
    page.call(&order("blocked"));
    page.call(CONSENT_GRANT);
    page.browser.store_consent("false");
    page.call(&order("blocked"));
    page.call(CONSENT_GRANT);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    assert_eq!(page.measured_ids(), [["a"]]);
}

#[test]
fn cookie_denial_is_checked_before_each_request() {
    let browser = browser_with_identity();
    let mut page = browser.open(CHECKOUT_URL);
    page.call(INIT_P);
    page.drain();
    page.call(&order("a"));
    browser.set_cookie_on("example.test", "__oaiq_consent=false; Domain=example.test");
    page.advance(60_000);
    assert!(page.requests().is_empty());
    assert!(browser.cookies_by_name("__obref").is_empty());
    assert!(browser.cookies_by_name("__oppref").is_empty());
}

#[test]
fn cookie_denial_is_checked_on_page_hide() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.browser
        .set_cookie_on(SHOP, "__oaiq_consent=false; Domain=example.test");
    page.hide();
    page.advance(60_000);
    assert!(page.requests().is_empty());
}

#[test]
fn cookie_denial_is_checked_before_a_retry() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS);
    page.browser
        .set_cookie_on(SHOP, "__oaiq_consent=false; Domain=example.test");
    page.set_network(Network::Up);
    page.advance(600_000);
    assert_eq!(page.requests().len(), 1);
}

#[test]
fn denial_long_before_init_is_honored() {
    for in_cookie in [true, false] {
        let mut page = Page::open(WITH_CLICK);
        page.call(&order("early"));
        if in_cookie {
            page.browser
                .set_cookie_on(SHOP, "__oaiq_consent=false; Domain=example.test");
        } else {
            page.set_in_other_tab("false");
        }
        page.call(INIT_P);
        page.advance(60_000);
        assert_only_the_denial_is_reported(&page);
        assert!(page.browser.cookies_by_name("__obref").is_empty());
        assert!(page.browser.cookies_by_name("__oppref").is_empty());
    }
}

#[test]
fn answer_holds_for_the_page_where_nothing_can_be_stored() {
    let browser = FakeBrowser::new();
    browser.state_mut().cookies.blocked = true;
    browser.state_mut().storage_blocked = true;
    let mut page = browser.open(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_DENY]);
    page.call(&order("a"));
    page.advance(60_000);
    assert_only_the_denial_is_reported(&page);
    page.call(CONSENT_GRANT);
    page.call(&order("b"));
    page.advance(5_000);
    assert_eq!(page.delivered_ids().last().map(String::as_str), Some("b"));
}

#[test]
fn repeated_grant_changes_nothing() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.call(CONSENT_GRANT);
    page.advance(60_000);
    assert_eq!(page.request().names(), ["order_created"]);
    assert_eq!(page.config_requests().len(), 1);
}

#[test]
fn repeated_denial_is_reported_once() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.advance(IDLE_FLUSH_MS);
    // its response is still outstanding
    page.call(CONSENT_DENY);
    page.advance(60_000);
    assert_only_the_denial_is_reported(&page);
}

#[test]
fn denial_seen_through_several_storage_events_is_reported_once() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    for _ in 0..20 {
        page.advance(500);
        // another tab stores an unrelated value
        page.set_in_other_tab("false");
    }
    page.advance(60_000);
    assert_only_the_denial_is_reported(&page);
    assert_eq!(page.requests()[0].at, 40 + IDLE_FLUSH_MS);
}

#[test]
fn denial_during_a_marker_request_reports_the_first_visit_once() {
    let mut page = Page::open(CHECKOUT_URL);
    page.set_network(Network::Manual);
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    page.call(CONSENT_DENY);
    page.deliver(0);
    page.set_network(Network::Up);
    page.advance(60_000);
    let first_visits = |sent: &SentRequest| {
        let diagnostic = sent.diagnostic();
        diagnostic.is_some_and(|diagnostic| diagnostic.contains_key("is_first_visit_in_session"))
    };
    let requests = page.requests();
    assert_eq!(
        requests.iter().filter(|sent| first_visits(sent)).count(),
        1,
        "{requests:#?}"
    );
}

#[test]
fn first_visit_is_reported_anonymously_when_its_request_fails_after_denial() {
    let mut page = Page::open(CHECKOUT_URL);
    page.set_network(Network::Manual);
    page.call(INIT_P);
    page.advance(IDLE_FLUSH_MS);
    page.call(CONSENT_DENY);
    page.fail(0);
    page.set_network(Network::Up);
    page.browser.state_mut().requests.clear();
    page.advance(60_000);
    assert_only_the_denial_is_reported(&page);
    assert_eq!(page.markers().as_deref(), Some("v"));
}

#[test]
fn debug_reports_each_consent_change_once() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INIT_P_DEBUG, CONSENT_DENY, CONSENT_DENY]);
    page.call(&order("a"));
    page.call_all([CONSENT_GRANT, CONSENT_GRANT]);
    assert_eq!(
        page.traced(DebugEvent::ConsentChanged),
        ["denied", "granted"]
    );
    assert_eq!(page.traced(DebugEvent::BlockedByConsent), ["order_created"]);
}

#[test]
fn anonymous_request_uses_the_same_url() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request();
    let now = sent.parameter("t");
    assert_eq!(
        sent.url,
        format!("{EVENTS_URL}?pid=P&st=oaiq-web&sv={VERSION}&t={now}&ec=1")
    );
    page.advance(MAX_FLUSH_MS);
    assert_eq!(page.requests().len(), 1);
}

/// The calls that a consent library documents for a visitor who has agreed.
const DENIED_THEN_GRANTED: [&str; 3] = [CONSENT_DENY, INIT_P, CONSENT_GRANT];

#[test]
fn denial_reversed_within_the_queue_deletes_no_cookie() {
    let browser = FakeBrowser::new();
    let mut identities = Vec::new();
    for url in [WITH_CLICK, CHECKOUT_URL] {
        let order = order("o");
        let mut queue = DENIED_THEN_GRANTED.to_vec();
        queue.push(&order);
        let mut page = browser.open_with_queue(url, &queue);
        page.advance(MAX_FLUSH_MS);
        assert_eq!(page.delivered_ids(), ["o"]);
        let requests = page.requests();
        let sent = requests.iter().find(|sent| sent.measured_ids() == ["o"]);
        let batch = sent.expect("a batch with the order").batch();
        assert_eq!(batch.oppref.as_deref(), Some("click-1"));
        assert_eq!(batch.obref, browser.cookie("__obref"));
        identities.push((browser.cookie("__oppref"), browser.cookie("__obref")));
        browser.state_mut().requests.clear();
    }
    assert_eq!(identities[0].0.as_deref(), Some("click-1"));
    assert_eq!(identities[0], identities[1]);
}

#[test]
fn event_between_denial_and_grant_of_one_queue_is_dropped() {
    let (between, after) = (order("between"), order("after"));
    let queue = [CONSENT_DENY, INIT_P, &between, CONSENT_GRANT, &after];
    let mut page = FakeBrowser::new().open_with_queue(CHECKOUT_URL, &queue);
    page.advance(MAX_FLUSH_MS);
    assert_eq!(page.delivered_ids(), ["after"]);
}

#[test]
fn event_before_a_denial_of_the_same_queue_is_dropped() {
    let (before, after) = (order("before"), order("after"));
    let queue = [INIT_P, &before, CONSENT_DENY, CONSENT_GRANT, &after];
    let mut page = FakeBrowser::new().open_with_queue(CHECKOUT_URL, &queue);
    page.advance(MAX_FLUSH_MS);
    assert_eq!(page.delivered_ids(), ["after"]);
}

#[test]
fn denial_at_the_end_of_the_queue_deletes_cookies() {
    for queue in [
        &[INIT_P, CONSENT_DENY][..],
        &[CONSENT_DENY, CONSENT_GRANT, INIT_P, CONSENT_DENY],
    ] {
        let browser = browser_with_identity();
        let page = browser.open_with_queue(CHECKOUT_URL, queue);
        assert_eq!(page.browser.cookie("__obref"), None, "{queue:?}");
        assert_eq!(page.browser.cookie("__oppref"), None, "{queue:?}");
    }
}

#[test]
fn denial_reversed_within_the_queue_keeps_the_outbox() {
    let browser = FakeBrowser::new();
    let mut first = browser.open(CHECKOUT_URL);
    first.call(INIT_P);
    browser.state_mut().network = Network::Down;
    first.call(&order("undelivered"));
    first.advance(IDLE_FLUSH_MS);
    assert_eq!(browser.state().outbox().len(), 1);
    browser.open_with_queue(CHECKOUT_URL, &DENIED_THEN_GRANTED);
    assert_eq!(browser.state().outbox().len(), 1);
    browser.open_with_queue(CHECKOUT_URL, &[INIT_P, CONSENT_DENY]);
    assert_eq!(browser.state().outbox().len(), 0);
}

#[test]
fn denial_after_the_queue_deletes_cookies_at_once() {
    let browser = browser_with_identity();
    let mut page = browser.open_with_queue(CHECKOUT_URL, &DENIED_THEN_GRANTED);
    page.advance(MAX_FLUSH_MS);
    assert!(page.browser.cookie("__obref").is_some());
    page.call(CONSENT_DENY);
    assert_eq!(page.browser.cookie("__obref"), None);
    assert_eq!(page.browser.cookie("__oppref"), None);
}

#[test]
fn diagnostics_off_sends_nothing_while_denied() {
    let browser = FakeBrowser::new();
    let mut page = browser.open_without_diagnostics(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_DENY, INVALID_CALL]);
    page.advance(60_000);
    assert!(page.requests().is_empty());
    page.call(CONSENT_GRANT);
    page.advance(60_000);
    let diagnostic = page.request().diagnostic().expect("a diagnostic");
    assert_eq!(diagnostic["consent"], true);
    assert_eq!(diagnostic["is_first_visit_in_session"], true);
}
