//! People set clocks, and machines sleep.

use crate::support::fake_browser::{LATENCY, Network};
use crate::support::page::{QUIET, Visit, order};

const HOUR: i64 = 60 * 60 * 1_000;
const YEAR: i64 = 365 * 24 * HOUR;

/// By how much somebody sets the clock.
const JUMPS: [i64; 4] = [-YEAR, -HOUR, HOUR, YEAR];

fn set_clock(visit: &Visit, by: i64) {
    let mut state = visit.browser.touch();
    state.now = state.now.saturating_add_signed(by);
}

#[test]
fn a_clock_that_is_set_neither_delays_nor_hastens_a_batch() {
    for jump in JUMPS {
        let mut visit = Visit::settled();
        visit.call(&order("a"));
        visit.advance(500);
        set_clock(&visit, jump);
        visit.advance(QUIET - 501);
        assert!(visit.requests().is_empty(), "{jump}");
        visit.advance(1);
        assert_eq!(visit.measured(), [["a"]], "{jump}");
    }
}

#[test]
fn a_clock_that_is_set_neither_delays_nor_hastens_a_second_try() {
    for jump in JUMPS {
        let mut visit = Visit::settled();
        visit.network(Network::Down);
        visit.call(&order("a"));
        visit.advance(QUIET + LATENCY);
        visit.network(Network::Up);
        set_clock(&visit, jump);
        visit.advance(4_999);
        assert_eq!(visit.requests().len(), 1, "{jump}");
        visit.advance(1);
        assert_eq!(visit.requests().len(), 2, "{jump}");
    }
}

#[test]
fn a_clock_that_is_set_leaves_the_settings_held() {
    for jump in JUMPS {
        let mut visit = Visit::settled();
        set_clock(&visit, jump);
        visit.call(r#"["init",{}]"#);
        visit.advance(1_000);
        assert_eq!(visit.settings_asked().len(), 1, "{jump}");
    }
}

#[test]
fn an_event_tells_the_time_that_the_clock_showed() {
    let mut visit = Visit::settled();
    let before = visit.browser.look().now;
    visit.call(&order("a"));
    set_clock(&visit, -HOUR);
    visit.call(&order("b"));
    visit.advance(QUIET);
    let sent = visit.request();
    let times = sent.events().into_iter().map(|event| event.timestamp_ms);
    let set_back = before.saturating_add_signed(-HOUR);
    assert_eq!(times.collect::<Vec<_>>(), [before, set_back]);
    assert_eq!(sent.parameter("t"), (set_back + QUIET).to_string());
}

#[test]
fn a_page_that_is_open_for_months_measures_as_on_its_first_day() {
    let mut visit = Visit::settled();
    visit.advance(90 * 24 * HOUR as u64);
    visit.call(&order("a"));
    visit.advance(QUIET - 1);
    assert!(visit.requests().is_empty());
    visit.advance(1);
    assert_eq!(visit.measured(), [["a"]]);
}

#[test]
fn a_machine_that_slept_sends_when_it_wakes() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    // timers stood still meanwhile, and the alarm has not rung yet
    {
        let mut state = visit.browser.touch();
        let woken = state.ticks + 8 * HOUR as u64;
        state.turn_to(woken);
    }
    visit.wake_early();
    assert_eq!(visit.measured(), [["a"]]);
}
