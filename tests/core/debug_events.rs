//! The debug events that are traced, with debug and without.

use oaiq::host::DebugEvent;

use crate::support::fake_browser::{FakeBrowser, LATENCY_MS, Network};
use crate::support::page::{
    CHECKOUT_URL, CONSENT_DENY, CONSENT_GRANT, IDLE_FLUSH_MS, INIT_P, INIT_P_DEBUG, INIT_Q,
    INVALID_CALL, Page, order,
};

/// A page whose pixel was started with debug.
fn with_debug() -> Page {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P_DEBUG);
    page.drain();
    page.browser.state_mut().trace.clear();
    page
}

fn traced_events(page: &Page) -> Vec<DebugEvent> {
    let state = page.browser.state();
    state.trace.iter().map(|(event, _)| *event).collect()
}

#[test]
fn only_rare_debug_events_are_traced_without_debug() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("a"));
    page.call_all([INVALID_CALL, CONSENT_DENY, r#"["init",{}]"#]);
    page.call(&order("b"));
    page.call_all([CONSENT_GRANT, r#"["measureSingle","Q","x"]"#]);
    page.drain();
    page.set_network(Network::Down);
    page.call(&order("c"));
    page.advance(60_000);
    page.hide();
    assert_eq!(
        traced_events(&page),
        [
            DebugEvent::PixelStarted,
            DebugEvent::Rejected,
            DebugEvent::ConsentChanged,
            DebugEvent::ConsentChanged,
            DebugEvent::UnknownPixel
        ]
    );
    assert_eq!(page.warnings().len(), 1, "the rejected call");
}

#[test]
fn debug_traces_queueing_saving_and_removal_of_an_event() {
    let mut page = with_debug();
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS);
    assert_eq!(
        traced_events(&page),
        [
            DebugEvent::Queued,
            DebugEvent::OutboxSaved,
            DebugEvent::OutboxSaved
        ]
    );
    let queued = page.traced(DebugEvent::Queued).remove(0);
    assert!(
        page.request().body.contains(&queued),
        "its wire form: {queued}"
    );
    let saved = page.traced(DebugEvent::OutboxSaved);
    assert!(saved[0].contains(&queued) && saved[0].contains(r#""pixel":"P""#));
    assert_eq!(saved[1], "");
}

#[test]
fn debug_and_events_read_no_storage_before_init() {
    let mut page = Page::open(CHECKOUT_URL);
    // while a page waits for consent, first paint is not reported to the tracker
    page.browser.step_until(u64::MAX);
    page.debug(true);
    page.call(&order("a"));
    page.advance(60_000);
    let state = page.browser.state();
    assert_eq!(state.storage_reads.get(), 0);
    assert_eq!(state.cookies.reads.get(), 0);
}

#[test]
fn switching_debug_on_traces_queued_events() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("before"));
    page.debug(true);
    page.advance(100);
    assert_eq!(
        traced_events(&page),
        [DebugEvent::PixelStarted, DebugEvent::OutboxSaved]
    );
    assert!(page.traced(DebugEvent::OutboxSaved)[0].contains("before"));
}

#[test]
fn debug_traces_a_failure_with_the_seconds_until_the_retry() {
    let mut page = with_debug();
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.advance(30_000);
    assert_eq!(page.traced(DebugEvent::RetryScheduled), ["5", "10", "20"]);
}

#[test]
fn debug_traces_a_rejected_call_once_without_the_short_warning() {
    let mut page = with_debug();
    page.call(INIT_Q);
    page.call(INVALID_CALL);
    let rejected = page.traced(DebugEvent::Rejected);
    assert_eq!(
        rejected.len(),
        1,
        "however many pixels it would have reached"
    );
    assert!(rejected[0].ends_with(r#""measure","order_created",null]"#));
    assert!(page.warnings().is_empty());
}

#[test]
fn debug_traces_each_init_and_each_started_pixel() {
    let mut page = with_debug();
    page.call_all([
        INIT_Q,
        INIT_P,
        r#"["init",{"pixelId":"R","autoPageView":1,"debug":true,"User":2}]"#,
        r#"["init",{"pixelId":5}]"#,
    ]);
    assert_eq!(page.traced(DebugEvent::PixelStarted), ["Q", "R"]);
    let inits = page.traced(DebugEvent::Init);
    assert_eq!(inits.len(), 4);
    assert!(inits[3].ends_with(r#""init",{"pixelId":5}]"#));
    assert_eq!(page.warnings().len(), 1, "the last is rejected");
}

#[test]
fn init_without_debug_leaves_debug_unchanged() {
    let mut page = with_debug();
    page.call_all([
        INIT_P,
        r#"["init",{"debug":u}]"#,
        r#"["init",{"debug":"no"}]"#,
    ]);
    page.call(&order("a"));
    assert_eq!(page.traced(DebugEvent::Queued).len(), 1);
    page.call(r#"["init",{"debug":false}]"#);
    page.call(&order("b"));
    assert_eq!(page.traced(DebugEvent::Queued).len(), 1);
}

#[test]
fn debug_in_oaiq_config_traces_calls_before_init() {
    let browser = FakeBrowser::new();
    let mut page = browser.open_with_config(r#"{"debug":true}"#);
    page.call(&order("early"));
    page.call(INVALID_CALL);
    assert_eq!(
        traced_events(&page),
        [DebugEvent::Queued, DebugEvent::Rejected]
    );
}

#[test]
fn debug_alone_touches_no_storage() {
    let mut page = Page::open(CHECKOUT_URL);
    page.browser.state_mut().scheduled.clear();
    page.debug(true);
    // first paint is not reported while consent is pending
    page.advance(60_000);
    let state = page.browser.state();
    assert_eq!(state.storage_reads.get(), 0);
    assert!(state.cookies.written.is_empty() && state.local.is_empty());
}

#[test]
fn debug_traces_an_event_without_an_id_from_the_page() {
    let mut page = with_debug();
    page.call_all([
        r#"["measure","lead_created",{"type":"customer_action"}]"#,
        r#"["measure","lead_created",{"type":"customer_action"},{"eventId":"a"}]"#,
        r#"["measure","lead_created",{"type":"customer_action"},{"event_id":"b"}]"#,
    ]);
    assert_eq!(
        traced_events(&page)[..2],
        [DebugEvent::MissingEventId, DebugEvent::Queued]
    );
    assert_eq!(page.traced(DebugEvent::MissingEventId), ["lead_created"]);
}

#[test]
fn stored_denial_is_traced_without_debug() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INIT_P, CONSENT_DENY]);
    let mut next = page.browser.open(CHECKOUT_URL);
    next.call(INIT_P);
    next.browser.state_mut().trace.clear();
    next.advance(10_000);
    assert_eq!(next.traced(DebugEvent::ConsentChanged), ["denied"]);
}

#[test]
fn debug_does_not_change_requests() {
    let sent = |init| {
        let mut page = Page::open("https://shop.example.test/?oppref=click-1");
        page.call(init);
        page.call(&order("a"));
        page.call(INVALID_CALL);
        page.advance(60_000);
        let requests = page.requests().into_iter();
        let sent = requests.map(|sent| (sent.at, sent.url, sent.body));
        sent.collect::<Vec<_>>()
    };
    assert_eq!(sent(INIT_P), sent(INIT_P_DEBUG));
}
