//! What the console gets, with debug and without.

use oaiq::host::Step;

use crate::support::fake_browser::{Browser, LATENCY, Network};
use crate::support::page::{
    CHECKOUT, DENY, INIT, INIT_DEBUG, INIT_Q, QUIET, REFUSED, Visit, order,
};

/// A page whose pixel has started with debug, and has told so.
fn with_debug() -> Visit {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT_DEBUG);
    visit.settle();
    visit.browser.touch().trace.clear();
    visit
}

fn steps(visit: &Visit) -> Vec<Step> {
    let state = visit.browser.look();
    state.trace.iter().map(|(step, _)| *step).collect()
}

#[test]
fn without_debug_only_rare_steps_are_traced_for_debug_that_is_switched_on_later() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.calls([REFUSED, r#"["consent",false]"#, r#"["init",{}]"#]);
    visit.call(&order("b"));
    visit.calls([r#"["consent",true]"#, r#"["measureSingle","Q","x"]"#]);
    visit.settle();
    visit.network(Network::Down);
    visit.call(&order("c"));
    visit.advance(60_000);
    visit.leave();
    assert_eq!(
        steps(&visit),
        [
            Step::Started,
            Step::Refused,
            Step::Consent,
            Step::Consent,
            Step::UnknownPixel
        ]
    );
    assert_eq!(visit.warnings().len(), 1, "the refused call");
}

#[test]
fn with_debug_an_event_is_told_of_as_it_waits_is_kept_and_is_kept_no_more() {
    let mut visit = with_debug();
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY);
    assert_eq!(steps(&visit), [Step::Queued, Step::Kept, Step::Kept]);
    let queued = visit.told(Step::Queued).remove(0);
    assert!(
        visit.request().body.contains(&queued),
        "its wire form: {queued}"
    );
    let kept = visit.told(Step::Kept);
    assert!(kept[0].contains(&queued) && kept[0].contains(r#""pixel":"P""#));
    assert_eq!(kept[1], "");
}

#[test]
fn before_a_pixel_starts_neither_debug_nor_an_event_reads_a_cookie_or_a_store() {
    let mut visit = Visit::to(CHECKOUT);
    // a page that waits for consent does not pass its paint on
    visit.browser.turn_to_next(u64::MAX);
    visit.debug(true);
    visit.call(&order("a"));
    visit.advance(60_000);
    let state = visit.browser.look();
    assert_eq!(state.stores_read.get(), 0);
    assert_eq!(state.cookies.reads.get(), 0);
}

#[test]
fn what_waits_already_is_told_when_debug_is_switched_on() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("before"));
    visit.debug(true);
    visit.advance(100);
    assert_eq!(steps(&visit), [Step::Started, Step::Kept]);
    assert!(visit.told(Step::Kept)[0].contains("before"));
}

#[test]
fn with_debug_a_failure_is_told_with_the_seconds_until_the_next_try() {
    let mut visit = with_debug();
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.advance(30_000);
    assert_eq!(visit.told(Step::Failed), ["5", "10", "20"]);
}

#[test]
fn with_debug_a_refused_call_is_told_whole_once_and_not_warned_of_besides() {
    let mut visit = with_debug();
    visit.call(INIT_Q);
    visit.call(REFUSED);
    let refused = visit.told(Step::Refused);
    assert_eq!(
        refused.len(),
        1,
        "however many pixels it would have reached"
    );
    assert!(refused[0].ends_with(r#""measure","order_created",null]"#));
    assert!(visit.warnings().is_empty());
}

#[test]
fn with_debug_each_init_is_told_and_each_pixel_that_starts() {
    let mut visit = with_debug();
    visit.calls([
        INIT_Q,
        INIT,
        r#"["init",{"pixelId":"R","autoPageView":1,"debug":true,"User":2}]"#,
        r#"["init",{"pixelId":5}]"#,
    ]);
    assert_eq!(visit.told(Step::Started), ["Q", "R"]);
    let inits = visit.told(Step::Init);
    assert_eq!(inits.len(), 4);
    assert!(inits[3].ends_with(r#""init",{"pixelId":5}]"#));
    assert_eq!(visit.warnings().len(), 1, "the last is refused");
}

#[test]
fn debug_stays_as_it_is_where_an_init_leaves_it_out() {
    let mut visit = with_debug();
    visit.calls([
        INIT,
        r#"["init",{"debug":u}]"#,
        r#"["init",{"debug":"no"}]"#,
    ]);
    visit.call(&order("a"));
    assert_eq!(visit.told(Step::Queued).len(), 1);
    visit.call(r#"["init",{"debug":false}]"#);
    visit.call(&order("b"));
    assert_eq!(visit.told(Step::Queued).len(), 1);
}

#[test]
fn debug_in_the_page_s_config_tells_of_calls_before_init() {
    let browser = Browser::new();
    let mut visit = browser.open_with(r#"{"debug":true}"#);
    visit.call(&order("early"));
    visit.call(REFUSED);
    assert_eq!(steps(&visit), [Step::Queued, Step::Refused]);
}

#[test]
fn debug_alone_reads_and_writes_nothing_that_the_browser_stores() {
    let mut visit = Visit::to(CHECKOUT);
    visit.browser.touch().coming.clear();
    visit.debug(true);
    // the page's paint is held back while consent is pending
    visit.advance(60_000);
    let state = visit.browser.look();
    assert_eq!(state.stores_read.get(), 0);
    assert!(state.cookies.written.is_empty() && state.local.is_empty());
}

#[test]
fn with_debug_an_event_to_which_the_page_gives_no_id_is_traced_as_such() {
    let mut visit = with_debug();
    visit.calls([
        r#"["measure","lead_created",{"type":"customer_action"}]"#,
        r#"["measure","lead_created",{"type":"customer_action"},{"eventId":"a"}]"#,
        r#"["measure","lead_created",{"type":"customer_action"},{"event_id":"b"}]"#,
    ]);
    assert_eq!(steps(&visit)[..2], [Step::NoId, Step::Queued]);
    assert_eq!(visit.told(Step::NoId), ["lead_created"]);
}

#[test]
fn a_denial_that_is_stored_is_traced_also_without_debug() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([INIT, DENY]);
    let mut next = visit.browser.open(CHECKOUT);
    next.call(INIT);
    next.browser.touch().trace.clear();
    next.advance(10_000);
    assert_eq!(next.told(Step::Consent), ["denied"]);
}

#[test]
fn debug_changes_nothing_of_what_is_sent() {
    let sent = |init| {
        let mut visit = Visit::to("https://shop.example.test/?oppref=click-1");
        visit.call(init);
        visit.call(&order("a"));
        visit.call(REFUSED);
        visit.advance(60_000);
        let requests = visit.requests().into_iter();
        let sent = requests.map(|sent| (sent.at, sent.url, sent.body));
        sent.collect::<Vec<_>>()
    };
    assert_eq!(sent(INIT), sent(INIT_DEBUG));
}
