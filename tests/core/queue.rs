//! The event queue: when batches are sent, how they are cut, and when they are retried.

use std::collections::BTreeSet;

use crate::support::fake_browser::{LATENCY_MS, MAX_BODY, Network};
use crate::support::page::{
    CHECKOUT_URL, IDLE_FLUSH_MS, INIT_P, INVALID_CALL, MAX_FLUSH_MS, Page, order, order_of_size,
};

/// Larger than the maximum event, in bytes.
const MIB: usize = 1 << 20;

/// The times of the requests, in milliseconds after `began`.
fn times(page: &Page, began: u64) -> Vec<u64> {
    let requests = page.requests();
    requests.iter().map(|sent| sent.at - began).collect()
}

fn monotonic_ms(page: &Page) -> u64 {
    page.browser.state().monotonic_ms
}

#[test]
fn close_calls_share_one_request_one_second_after_the_last() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.advance(900);
    page.call(&order("b"));
    let last = monotonic_ms(&page);
    page.advance(IDLE_FLUSH_MS - 1);
    assert!(page.requests().is_empty());
    page.advance(1);
    assert_eq!(times(&page, last), [IDLE_FLUSH_MS]);
    assert_eq!(page.measured_ids(), [["a", "b"]]);
}

#[test]
fn steady_stream_is_flushed_four_seconds_after_its_first_event() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    for i in 0..20 {
        page.call(&order(&i.to_string()));
        page.advance(500);
    }
    page.settle_into(
        began,
        &[MAX_FLUSH_MS, 4_500 + MAX_FLUSH_MS, 9_500 + IDLE_FLUSH_MS],
    );
    assert_eq!(page.delivered_ids().len(), 20);
}

#[test]
fn diagnostics_alone_are_flushed_after_four_seconds() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    page.call(INVALID_CALL);
    page.advance(3_000);
    page.call(INVALID_CALL);
    page.settle_into(began, &[MAX_FLUSH_MS]);
}

#[test]
fn queued_diagnostics_go_with_the_next_event() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    page.call(INVALID_CALL);
    page.advance(1_000);
    page.call(&order("a"));
    page.settle_into(began, &[1_000 + IDLE_FLUSH_MS]);
    assert_eq!(page.request().names(), ["order_created", "oai::diagnostic"]);
}

#[test]
fn event_after_a_rejected_call_is_flushed_within_four_seconds_of_it() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    page.call(INVALID_CALL);
    page.advance(3_900);
    page.call(&order("a"));
    page.settle_into(began, &[MAX_FLUSH_MS]);
}

#[test]
fn page_without_events_sends_one_request() {
    let mut page = Page::open(CHECKOUT_URL);
    let began = monotonic_ms(&page);
    page.call(INIT_P);
    page.advance(600_000);
    assert_eq!(times(&page, began), [IDLE_FLUSH_MS]);
}

#[test]
fn events_during_a_request_are_sent_after_its_response() {
    let mut page = Page::open_idle();
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    page.call(&order("b"));
    page.advance(60_000);
    page.call(&order("c"));
    page.advance(60_000);
    assert_eq!(page.measured_ids(), [["a"]]);
    page.deliver(0);
    page.advance(0);
    assert_eq!(page.measured_ids(), [vec!["a"], vec!["b", "c"]]);
}

#[test]
fn event_during_a_request_still_waits_one_second() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS / 2);
    page.call(&order("b"));
    let second = IDLE_FLUSH_MS + LATENCY_MS / 2 + IDLE_FLUSH_MS;
    page.settle_into(began, &[IDLE_FLUSH_MS, second]);
}

#[test]
fn failed_request_is_retried_with_doubling_backoff_and_the_same_ids() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    let began = monotonic_ms(&page);
    page.call(&order("a"));
    page.call(r#"["measure","lead_created",{"type":"customer_action"}]"#);
    page.call(INVALID_CALL);
    page.advance(2_000_000);
    let requests = page.requests();
    let mut at = IDLE_FLUSH_MS;
    for (sent, delay_ms) in requests.iter().zip([
        5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000,
    ]) {
        assert_eq!(sent.at - began, at);
        assert_eq!(sent.body, requests[0].body);
        at += LATENCY_MS + delay_ms;
    }
    assert!(requests.len() >= 9);
    assert_ne!(requests[1].parameter("t"), requests[0].parameter("t"));
}

#[test]
fn event_during_backoff_goes_with_the_retry() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    let began = monotonic_ms(&page);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    page.call(&order("b"));
    page.advance(LATENCY_MS);
    page.set_network(Network::Up);
    page.call(&order("c"));
    page.settle_into(began, &[IDLE_FLUSH_MS, IDLE_FLUSH_MS + LATENCY_MS + 5_000]);
    assert_eq!(page.measured_ids(), [vec!["a"], vec!["a", "b", "c"]]);
    assert_eq!(page.delivered_ids(), ["a", "b", "c"]);
}

#[test]
fn delivered_request_resets_the_backoff() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.advance(60_000);
    page.set_network(Network::Up);
    page.advance(60_000);
    assert_eq!(page.delivered_ids(), ["a"]);
    page.drain();
    page.set_network(Network::Down);
    let began = monotonic_ms(&page);
    page.call(&order("b"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS + 5_000);
    assert_eq!(
        times(&page, began),
        [IDLE_FLUSH_MS, IDLE_FLUSH_MS + LATENCY_MS + 5_000]
    );
}

#[test]
fn failed_diagnostic_keeps_its_id_and_later_rejections_get_a_new_one() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    page.call(INVALID_CALL);
    page.advance(MAX_FLUSH_MS + LATENCY_MS);
    page.set_network(Network::Up);
    page.call(INVALID_CALL);
    page.advance(10_000);
    let [first, second] = [0, 1].map(|place| page.requests()[place].events());
    assert_eq!(first[0], second[0]);
    assert_eq!(second.len(), 2);
    assert_eq!(second[1].data["dropped_event_count"], 1);
}

#[test]
fn response_to_an_unknown_request_changes_nothing() {
    let mut page = Page::open_idle();
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    let number = page.request().number;
    for other in [0, number + 1, u32::MAX] {
        page.respond(other, true);
        page.respond(other, false);
    }
    page.respond(number, true);
    page.respond(number, false);
    page.advance(600_000);
    assert_eq!(page.measured_ids(), [["a"]]);
}

#[test]
fn early_timer_sends_nothing() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    page.call(&order("a"));
    for _ in 0..3 {
        page.advance(400);
        page.fire_timer_early();
    }
    page.settle_into(began, &[IDLE_FLUSH_MS]);
}

#[test]
fn burst_of_400_orders_is_sent_once_each() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    let ids: Vec<_> = (0..400).map(|i| format!("order-{i}")).collect();
    for id in &ids {
        page.call(&order(id));
    }
    page.advance(10_000);
    assert_eq!(page.delivered_ids(), ids);
    let requests = page.requests();
    assert!(requests.len() > 1);
    for (i, sent) in requests.iter().enumerate() {
        assert!(sent.body.len() <= MAX_BODY);
        // one at a time, without a pause between them
        assert_eq!(sent.at - began, IDLE_FLUSH_MS + i as u64 * LATENCY_MS);
        let is_last = i + 1 == requests.len();
        assert!(is_last || sent.body.len() > MAX_BODY - 500, "cut too early");
    }
}

#[test]
fn rest_of_a_burst_does_not_wait_for_later_events() {
    let mut page = Page::open_idle();
    let began = monotonic_ms(&page);
    for i in 0..400 {
        page.call(&order(&i.to_string()));
    }
    page.advance(IDLE_FLUSH_MS + LATENCY_MS / 2);
    page.call(&order("meanwhile"));
    page.settle_into(began, &[IDLE_FLUSH_MS, IDLE_FLUSH_MS + LATENCY_MS]);
}

#[test]
fn burst_survives_every_second_request_failing() {
    let mut page = Page::open_idle();
    let ids: BTreeSet<_> = (0..400).map(|i| format!("order-{i}")).collect();
    for id in &ids {
        page.call(&order(id));
    }
    for round in 0..40 {
        page.set_network(if round % 2 == 0 {
            Network::Down
        } else {
            Network::Up
        });
        page.advance(5_000);
    }
    let delivered = page.delivered_ids();
    assert_eq!(delivered.len(), ids.len());
    assert_eq!(delivered.into_iter().collect::<BTreeSet<_>>(), ids);
}

#[test]
fn large_user_data_and_click_id_reduce_the_events_of_a_batch() {
    let click = "c".repeat(5_000);
    let mut page = Page::open(&format!("https://shop.example.test/?oppref={click}"));
    let place = r"\u0022".repeat(1_000);
    page.call(&format!(
        r#"["init",{{"pixelId":"P","user":{{"country":"{place}","city":"{place}","region":"{place}","zip_code":"{place}"}}}}]"#
    ));
    for i in 0..400 {
        page.call(&order(&i.to_string()));
    }
    page.advance(10_000);
    assert_eq!(page.delivered_ids().len(), 400);
    for sent in page.requests() {
        assert!(sent.body.len() <= MAX_BODY, "{}", sent.body.len());
        assert_eq!(sent.batch().oppref.as_deref(), Some(click.as_str()));
    }
}

#[test]
fn batches_respect_the_limit_at_every_event_size() {
    for letters in (58_900..60_100).step_by(7) {
        let mut page = Page::open_idle();
        page.call(&order_of_size("a", letters));
        page.call(&order("b"));
        page.advance(5_000);
        assert_eq!(page.delivered_ids(), ["a", "b"]);
        for sent in page.requests() {
            let fits = sent.body.len() <= MAX_BODY;
            assert!(fits || sent.events().len() == 1, "{letters}");
        }
    }
}

#[test]
fn event_over_the_keepalive_limit_is_sent_alone() {
    let mut page = Page::open_idle();
    page.call(&order("before"));
    page.call(&order_of_size("large", 70_000));
    page.call(&order("after"));
    page.advance(5_000);
    assert_eq!(page.measured_ids(), [["before"], ["large"], ["after"]]);
}

#[test]
fn event_over_one_mebibyte_is_rejected_and_counted() {
    let mut page = Page::open_idle();
    page.call(&order_of_size("too large", MIB));
    page.call(&order_of_size("large", MIB - 1_000));
    assert_eq!(page.warnings().len(), 1);
    page.advance(5_000);
    assert_eq!(page.delivered_ids(), ["large"]);
    let diagnostic = page
        .requests()
        .into_iter()
        .find_map(|sent| sent.diagnostic());
    let diagnostic = diagnostic.expect("a diagnostic");
    assert_eq!(diagnostic["dropped_event_count"], 1);
    let reasons = &diagnostic["dropped_event_reason_counts"];
    assert_eq!(reasons["invalid_event_props"], 1);
    assert_eq!(diagnostic["dropped_event_name_counts"]["order_created"], 1);
}

impl Page {
    /// Advances until the queue is empty and asserts the send times, in milliseconds after `began`.
    #[track_caller]
    fn settle_into(&mut self, began: u64, expected: &[u64]) {
        self.advance(30_000);
        assert_eq!(times(self, began), expected);
    }
}
