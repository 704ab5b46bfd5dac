//! When requests go, how they are cut, and when they are tried again.

use std::collections::BTreeSet;

use crate::support::fake_browser::{LATENCY, MAX_BODY, Network};
use crate::support::page::{CHECKOUT, INIT, LATEST, QUIET, REFUSED, Visit, large_order, order};

/// Larger than any event may be.
const MIB: usize = 1 << 20;

/// The times of the requests, in ticks after `began`.
fn times(visit: &Visit, began: u64) -> Vec<u64> {
    let requests = visit.requests();
    requests.iter().map(|sent| sent.at - began).collect()
}

fn ticks(visit: &Visit) -> u64 {
    visit.browser.look().ticks
}

#[test]
fn close_calls_share_one_request_a_second_after_the_last() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.advance(900);
    visit.call(&order("b"));
    let last = ticks(&visit);
    visit.advance(QUIET - 1);
    assert!(visit.requests().is_empty());
    visit.advance(1);
    assert_eq!(times(&visit, last), [QUIET]);
    assert_eq!(visit.measured(), [["a", "b"]]);
}

#[test]
fn a_steady_stream_goes_four_seconds_after_its_first() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    for i in 0..20 {
        visit.call(&order(&i.to_string()));
        visit.advance(500);
    }
    visit.settle_into(began, &[LATEST, 4_500 + LATEST, 9_500 + QUIET]);
    assert_eq!(visit.arrived().len(), 20);
}

#[test]
fn diagnostics_alone_wait_four_seconds() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    visit.call(REFUSED);
    visit.advance(3_000);
    visit.call(REFUSED);
    visit.settle_into(began, &[LATEST]);
}

#[test]
fn an_event_takes_waiting_diagnostics_along() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    visit.call(REFUSED);
    visit.advance(1_000);
    visit.call(&order("a"));
    visit.settle_into(began, &[1_000 + QUIET]);
    assert_eq!(
        visit.request().names(),
        ["order_created", "oai::diagnostic"]
    );
}

#[test]
fn an_event_that_follows_a_refused_call_waits_no_longer_than_four_seconds_after_that() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    visit.call(REFUSED);
    visit.advance(3_900);
    visit.call(&order("a"));
    visit.settle_into(began, &[LATEST]);
}

#[test]
fn a_page_where_nothing_is_measured_sends_one_request() {
    let mut visit = Visit::to(CHECKOUT);
    let began = ticks(&visit);
    visit.call(INIT);
    visit.advance(600_000);
    assert_eq!(times(&visit, began), [QUIET]);
}

#[test]
fn one_request_at_a_time_and_what_came_meanwhile_goes_when_it_has_arrived() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.advance(QUIET);
    visit.call(&order("b"));
    visit.advance(60_000);
    visit.call(&order("c"));
    visit.advance(60_000);
    assert_eq!(visit.measured(), [["a"]]);
    visit.arrive(0);
    visit.advance(0);
    assert_eq!(visit.measured(), [vec!["a"], vec!["b", "c"]]);
}

#[test]
fn an_event_measured_while_a_request_is_on_its_way_still_waits_its_second() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY / 2);
    visit.call(&order("b"));
    let second = QUIET + LATENCY / 2 + QUIET;
    visit.settle_into(began, &[QUIET, second]);
}

#[test]
fn a_request_that_fails_goes_again_after_doubling_pauses_with_the_same_ids() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    let began = ticks(&visit);
    visit.call(&order("a"));
    visit.call(r#"["measure","lead_created",{"type":"customer_action"}]"#);
    visit.call(REFUSED);
    visit.advance(2_000_000);
    let requests = visit.requests();
    let mut at = QUIET;
    for (sent, pause) in requests.iter().zip([
        5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000,
    ]) {
        assert_eq!(sent.at - began, at);
        assert_eq!(sent.body, requests[0].body);
        at += LATENCY + pause;
    }
    assert!(requests.len() >= 9);
    assert_ne!(requests[1].parameter("t"), requests[0].parameter("t"));
}

#[test]
fn what_is_measured_meanwhile_goes_with_the_next_try() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    let began = ticks(&visit);
    visit.call(&order("a"));
    visit.advance(QUIET);
    visit.call(&order("b"));
    visit.advance(LATENCY);
    visit.network(Network::Up);
    visit.call(&order("c"));
    visit.settle_into(began, &[QUIET, QUIET + LATENCY + 5_000]);
    assert_eq!(visit.measured(), [vec!["a"], vec!["a", "b", "c"]]);
    assert_eq!(visit.arrived(), ["a", "b", "c"]);
}

#[test]
fn once_a_request_has_arrived_the_pauses_begin_anew() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.advance(60_000);
    visit.network(Network::Up);
    visit.advance(60_000);
    assert_eq!(visit.arrived(), ["a"]);
    visit.settle();
    visit.network(Network::Down);
    let began = ticks(&visit);
    visit.call(&order("b"));
    visit.advance(QUIET + LATENCY + 5_000);
    assert_eq!(times(&visit, began), [QUIET, QUIET + LATENCY + 5_000]);
}

#[test]
fn a_diagnostic_that_failed_keeps_its_id_and_later_refusals_get_one_of_their_own() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    visit.call(REFUSED);
    visit.advance(LATEST + LATENCY);
    visit.network(Network::Up);
    visit.call(REFUSED);
    visit.advance(10_000);
    let [first, second] = [0, 1].map(|place| visit.requests()[place].events());
    assert_eq!(first[0], second[0]);
    assert_eq!(second.len(), 2);
    assert_eq!(second[1].data["dropped_event_count"], 1);
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.advance(QUIET);
    let number = visit.request().number;
    for other in [0, number + 1, u32::MAX] {
        visit.answer(other, true);
        visit.answer(other, false);
    }
    visit.answer(number, true);
    visit.answer(number, false);
    visit.advance(600_000);
    assert_eq!(visit.measured(), [["a"]]);
}

#[test]
fn an_alarm_that_rings_too_early_sends_nothing() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    visit.call(&order("a"));
    for _ in 0..3 {
        visit.advance(400);
        visit.wake_early();
    }
    visit.settle_into(began, &[QUIET]);
}

#[test]
fn four_hundred_orders_in_one_burst_all_go_each_once() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    let ids: Vec<_> = (0..400).map(|i| format!("order-{i}")).collect();
    for id in &ids {
        visit.call(&order(id));
    }
    visit.advance(10_000);
    assert_eq!(visit.arrived(), ids);
    let requests = visit.requests();
    assert!(requests.len() > 1);
    for (i, sent) in requests.iter().enumerate() {
        assert!(sent.body.len() <= MAX_BODY);
        // one at a time, but without a pause
        assert_eq!(sent.at - began, QUIET + i as u64 * LATENCY);
        let is_last = i + 1 == requests.len();
        assert!(is_last || sent.body.len() > MAX_BODY - 500, "cut too early");
    }
}

#[test]
fn the_rest_of_a_burst_does_not_wait_for_what_is_measured_meanwhile() {
    let mut visit = Visit::settled();
    let began = ticks(&visit);
    for i in 0..400 {
        visit.call(&order(&i.to_string()));
    }
    visit.advance(QUIET + LATENCY / 2);
    visit.call(&order("meanwhile"));
    visit.settle_into(began, &[QUIET, QUIET + LATENCY]);
}

#[test]
fn a_burst_survives_a_network_that_fails_every_other_request() {
    let mut visit = Visit::settled();
    let ids: BTreeSet<_> = (0..400).map(|i| format!("order-{i}")).collect();
    for id in &ids {
        visit.call(&order(id));
    }
    for round in 0..40 {
        visit.network(if round % 2 == 0 {
            Network::Down
        } else {
            Network::Up
        });
        visit.advance(5_000);
    }
    let arrived = visit.arrived();
    assert_eq!(arrived.len(), ids.len());
    assert_eq!(arrived.into_iter().collect::<BTreeSet<_>>(), ids);
}

#[test]
fn a_large_user_and_a_long_click_leave_less_room_for_events() {
    let click = "c".repeat(5_000);
    let mut visit = Visit::to(&format!("https://shop.example.test/?oppref={click}"));
    let place = r"\u0022".repeat(1_000);
    visit.call(&format!(
        r#"["init",{{"pixelId":"P","user":{{"country":"{place}","city":"{place}","region":"{place}","zip_code":"{place}"}}}}]"#
    ));
    for i in 0..400 {
        visit.call(&order(&i.to_string()));
    }
    visit.advance(10_000);
    assert_eq!(visit.arrived().len(), 400);
    for sent in visit.requests() {
        assert!(sent.body.len() <= MAX_BODY, "{}", sent.body.len());
        assert_eq!(sent.batch().oppref.as_deref(), Some(click.as_str()));
    }
}

#[test]
fn an_event_of_any_size_near_the_limit_is_cut_rightly() {
    for letters in (58_900..60_100).step_by(7) {
        let mut visit = Visit::settled();
        visit.call(&large_order("a", letters));
        visit.call(&order("b"));
        visit.advance(5_000);
        assert_eq!(visit.arrived(), ["a", "b"]);
        for sent in visit.requests() {
            let fits = sent.body.len() <= MAX_BODY;
            assert!(fits || sent.events().len() == 1, "{letters}");
        }
    }
}

#[test]
fn an_event_too_large_to_outlive_the_page_goes_alone() {
    let mut visit = Visit::settled();
    visit.call(&order("before"));
    visit.call(&large_order("large", 70_000));
    visit.call(&order("after"));
    visit.advance(5_000);
    assert_eq!(visit.measured(), [["before"], ["large"], ["after"]]);
}

#[test]
fn an_event_above_one_mebibyte_is_refused_and_counted() {
    let mut visit = Visit::settled();
    visit.call(&large_order("too large", MIB));
    visit.call(&large_order("large", MIB - 1_000));
    assert_eq!(visit.warnings().len(), 1);
    visit.advance(5_000);
    assert_eq!(visit.arrived(), ["large"]);
    let told = visit
        .requests()
        .into_iter()
        .find_map(|sent| sent.diagnostic());
    let told = told.expect("a diagnostic");
    assert_eq!(told["dropped_event_count"], 1);
    let reasons = &told["dropped_event_reason_counts"];
    assert_eq!(reasons["invalid_event_props"], 1);
    assert_eq!(told["dropped_event_name_counts"]["order_created"], 1);
}

impl Visit {
    /// Lets time pass until nothing waits; the requests must have gone at these ticks after `began`.
    #[track_caller]
    fn settle_into(&mut self, began: u64, expected: &[u64]) {
        self.advance(30_000);
        assert_eq!(times(self, began), expected);
    }
}
