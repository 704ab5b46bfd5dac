//! Clocks that are set while a page is open, and machines that sleep.

use crate::support::fake_browser::{LATENCY_MS, Network};
use crate::support::page::{IDLE_FLUSH_MS, Page, order};

const HOUR: i64 = 60 * 60 * 1_000;
const YEAR: i64 = 365 * 24 * HOUR;

/// How far the clock is set, in milliseconds.
const JUMPS: [i64; 4] = [-YEAR, -HOUR, HOUR, YEAR];

fn set_clock(page: &Page, by: i64) {
    let mut state = page.browser.state_mut();
    state.now = state.now.saturating_add_signed(by);
}

#[test]
fn setting_the_clock_does_not_move_the_flush() {
    for jump in JUMPS {
        let mut page = Page::open_idle();
        page.call(&order("a"));
        page.advance(500);
        set_clock(&page, jump);
        page.advance(IDLE_FLUSH_MS - 501);
        assert!(page.requests().is_empty(), "{jump}");
        page.advance(1);
        assert_eq!(page.measured_ids(), [["a"]], "{jump}");
    }
}

#[test]
fn setting_the_clock_does_not_move_the_retry() {
    for jump in JUMPS {
        let mut page = Page::open_idle();
        page.set_network(Network::Down);
        page.call(&order("a"));
        page.advance(IDLE_FLUSH_MS + LATENCY_MS);
        page.set_network(Network::Up);
        set_clock(&page, jump);
        page.advance(4_999);
        assert_eq!(page.requests().len(), 1, "{jump}");
        page.advance(1);
        assert_eq!(page.requests().len(), 2, "{jump}");
    }
}

#[test]
fn setting_the_clock_does_not_expire_the_pixel_config() {
    for jump in JUMPS {
        let mut page = Page::open_idle();
        set_clock(&page, jump);
        page.call(r#"["init",{}]"#);
        page.advance(1_000);
        assert_eq!(page.config_requests().len(), 1, "{jump}");
    }
}

#[test]
fn event_carries_the_clock_time_of_its_call() {
    let mut page = Page::open_idle();
    let before = page.browser.state().now;
    page.call(&order("a"));
    set_clock(&page, -HOUR);
    page.call(&order("b"));
    page.advance(IDLE_FLUSH_MS);
    let sent = page.request();
    let times = sent.events().into_iter().map(|event| event.timestamp_ms);
    let set_back = before.saturating_add_signed(-HOUR);
    assert_eq!(times.collect::<Vec<_>>(), [before, set_back]);
    assert_eq!(sent.parameter("t"), (set_back + IDLE_FLUSH_MS).to_string());
}

#[test]
fn page_open_for_months_still_measures() {
    let mut page = Page::open_idle();
    page.advance(90 * 24 * HOUR as u64);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS - 1);
    assert!(page.requests().is_empty());
    page.advance(1);
    assert_eq!(page.measured_ids(), [["a"]]);
}

#[test]
fn machine_sends_after_sleep() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    // timers were suspended during the sleep, so the timer has not fired yet
    {
        let mut state = page.browser.state_mut();
        let resumed_at = state.monotonic_ms + 8 * HOUR as u64;
        state.advance_to(resumed_at);
    }
    page.fire_timer_early();
    assert_eq!(page.measured_ids(), [["a"]]);
}
