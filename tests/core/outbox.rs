//! The outbox: undelivered events are stored and resent by the visitor's next page.

use std::collections::BTreeMap;

use oaiq::host::DebugEvent;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::support::fake_browser::{
    FakeBrowser, LATENCY_MS, Network, OUTBOX_PREFIX, SentRequest, Transport,
};
use crate::support::page::{
    CHECKOUT_URL, CONSENT_DENY, CONSENT_GRANT, IDLE_FLUSH_MS, INIT_P, INIT_P_DEBUG, INIT_Q,
    INVALID_CALL, Page, SAVE_DELAY_MS, order, order_of_size,
};

/// Another page of the shop.
const NEXT: &str = "https://shop.example.test/thanks?order=7#top";
/// Landing pages of two ad clicks.
const LANDING_A: &str = "https://shop.example.test/?oppref=a";
const LANDING_B: &str = "https://shop.example.test/?oppref=b";

/// Longer than any backoff, in milliseconds.
const LONG_MS: u64 = 1_000_000;
const DAY: u64 = 24 * 60 * 60 * 1_000;
/// Maximum number of events in the outbox.
const MAX_EVENTS: usize = 500;
/// Maximum size of the outbox's events, in bytes.
const MAX_BYTES: usize = 256 << 10;

impl Page {
    fn orders<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            self.call(&order(id));
        }
    }

    /// Measures this many orders and returns their IDs.
    fn burst(&mut self, orders: usize) -> Vec<String> {
        let ids: Vec<_> = (0..orders).map(|i| format!("order-{i}")).collect();
        self.orders(ids.iter().map(String::as_str));
        ids
    }

    /// The IDs of the events in the outbox.
    fn stored_ids(&self) -> Vec<String> {
        self.browser.state().stored_ids()
    }

    /// Whether the outbox has no record at all.
    fn outbox_is_empty(&self) -> bool {
        let state = self.browser.state();
        !state.local.keys().any(|key| key.starts_with(OUTBOX_PREFIX))
    }

    /// Every record text that a page has stored or tried to store.
    fn stored_texts(&self) -> Vec<String> {
        let state = self.browser.state();
        let values = state.local.values().chain(state.session.values());
        state
            .written_records
            .iter()
            .chain(values)
            .cloned()
            .collect()
    }

    /// The events of all delivered requests.
    fn delivered_events(&self) -> Vec<oaiq::wire::Event> {
        let requests = self.requests().into_iter();
        let delivered = requests.filter(|sent| sent.delivered == Some(true));
        delivered.flat_map(|sent| sent.events()).collect()
    }

    /// The counts of all delivered diagnostics, by reason or by name.
    fn counted(&self, by: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for event in self.delivered_events() {
            let counted = event.data.get(&format!("dropped_event_{by}_counts"));
            for (label, count) in counted.and_then(Value::as_object).into_iter().flatten() {
                *counts.entry(label.clone()).or_default() += count.as_u64().expect("a count");
            }
        }
        counts
    }

    /// Whether the diagnostics count these and nothing else.
    #[track_caller]
    fn assert_counted(&self, by: &str, expected: &[(&str, u64)]) {
        let expected = expected
            .iter()
            .map(|(label, count)| (label.to_string(), *count));
        assert_eq!(self.counted(by), expected.collect());
    }

    /// The request that carried this event.
    #[track_caller]
    fn request_with(&self, id: &str) -> SentRequest {
        let requests = self.requests().into_iter();
        let mut with = requests.filter(|sent| sent.measured_ids().iter().any(|it| it == id));
        let sent = with.next().expect(id);
        assert!(with.next().is_none(), "{id} was sent twice");
        sent
    }

    /// The click ID sent with this event, and the IDs of the events in the same request.
    #[track_caller]
    fn click_of(&self, id: &str) -> (Option<String>, Vec<String>) {
        let sent = self.request_with(id);
        (sent.batch().oppref, sent.measured_ids())
    }

    /// Number of delivered events that match.
    fn delivered_where(&self, is_meant: impl Fn(&oaiq::wire::Event) -> bool) -> usize {
        let events = self.delivered_events();
        events.iter().filter(|event| is_meant(event)).count()
    }

    /// Rejects every request that contains one of these words, until nothing more is sent.
    fn reject_matching(&mut self, words: &[&str]) {
        for _ in 0..1_000 {
            let requests = self.requests().into_iter();
            let mut open = requests.filter(|sent| sent.delivered.is_none());
            if let Some(sent) = open.next() {
                let rejected = words.iter().any(|word| sent.body.contains(word));
                self.respond_with(sent.number, if rejected { 400 } else { 200 }, 0);
                self.advance(0);
            } else {
                let before = self.requests().len();
                self.advance(LONG_MS);
                if self.requests().len() == before {
                    return;
                }
            }
        }
        panic!("requests never stop");
    }
}

impl FakeBrowser {
    /// Stores a record in the outbox, as another page would.
    fn put_record(&self, name: &str, text: &str) {
        let key = format!("{OUTBOX_PREFIX}{name}");
        self.state_mut().local.insert(key, text.into());
    }

    /// Opens a page whose outbox has that record and starts pixel `P` with debug.
    fn recover_record(&self, text: &str) -> Page {
        self.put_record("left", text);
        let mut page = self.open(CHECKOUT_URL);
        page.call(INIT_P_DEBUG);
        page.advance(AFTER_RECOVERY_MS);
        page
    }
}

/// After first paint and recovery, but before the page's own events are flushed.
const AFTER_RECOVERY_MS: u64 = 200;

/// The wire format of an order with that ID.
fn wire_form(id: &str, time: u64) -> String {
    format!(
        r#"{{"type":"order_created","timestamp_ms":{time},"id":"{id}","source_url":"{CHECKOUT_URL}","data":{{"type":"contents"}}}}"#
    )
}

/// A record of pixel `P` with these events.
fn record_with(events: &str) -> String {
    format!(r#"{{"pixel":"P","events":[{events}]}}"#)
}

/// Starts `P` and sends everything.
fn start(page: &mut Page) {
    page.call(INIT_P);
    page.advance(LONG_MS);
}

// What is stored

#[test]
fn event_is_saved_within_100_ms_but_not_during_its_call() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    assert!(page.outbox_is_empty());
    page.advance(SAVE_DELAY_MS);
    assert_eq!(page.stored_ids(), ["a"]);
    assert!(page.requests().is_empty());
}

#[test]
fn first_events_of_a_page_are_saved_as_early() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P);
    page.call(&order("a"));
    page.advance(SAVE_DELAY_MS);
    assert_eq!(page.stored_ids(), ["a"]);
}

#[test]
fn calls_are_saved_together_without_being_postponed_by_a_steady_stream() {
    let mut page = Page::open_idle();
    page.orders(["a", "b"]);
    page.advance(30);
    page.call(&order("c"));
    page.advance(30);
    assert_eq!(page.browser.state().written_records.len(), 1);
    assert_eq!(page.stored_ids(), ["a", "b", "c"]);
    for i in 0..10 {
        page.call(&order(&i.to_string()));
        page.advance(50);
        let stored = page.stored_ids().len();
        assert!(stored >= 3 + i, "{i}: {stored}");
    }
}

#[test]
fn events_before_init_are_saved_once_the_pixel_starts() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(&order("early"));
    page.advance(500);
    page.call(INIT_P);
    page.advance(SAVE_DELAY_MS);
    assert!(page.requests().is_empty());
    assert_eq!(page.stored_ids(), ["early"]);
}

#[test]
fn delivered_events_leave_the_outbox_at_once() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS - 1);
    assert_eq!(page.stored_ids(), ["a"], "it is still in flight");
    page.advance(1);
    assert_eq!(page.delivered_ids(), ["a"]);
    assert!(page.outbox_is_empty());
}

#[test]
fn only_delivered_events_of_a_burst_leave_the_outbox() {
    let mut page = Page::open_idle();
    page.set_network(Network::Manual);
    let ids = page.burst(MAX_EVENTS);
    page.advance(IDLE_FLUSH_MS);
    let first = page.request().measured_ids().len();
    page.deliver(0);
    assert_eq!(page.stored_ids(), ids[first..]);
}

#[test]
fn trusted_beacon_empties_the_outbox_at_once() {
    let mut page = Page::open_idle();
    page.call(&order("a"));
    page.advance(SAVE_DELAY_MS);
    page.hide();
    assert_eq!(page.transports(), [Transport::Beacon]);
    assert!(page.outbox_is_empty());
}

#[test]
fn fetch_on_page_hide_is_saved_before_the_page_ends() {
    let mut page = Page::open_idle();
    page.browser.state_mut().accepts_beacons = false;
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.hide();
    assert_eq!(page.stored_ids(), ["a"]);
}

#[test]
fn worker_request_keeps_its_record_until_delivered() {
    for (network, stored) in [(Network::Up, vec![]), (Network::Down, vec!["b", "c"])] {
        let mut page = Page::open_idle();
        page.set_network(Network::Manual);
        page.call(&order("a"));
        page.advance(IDLE_FLUSH_MS);
        page.orders(["b", "c"]);
        page.advance(SAVE_DELAY_MS);
        page.set_network(network);
        page.browser.state_mut().has_workers = true;
        page.hide();
        assert_eq!(page.transports(), [Transport::Fetch, Transport::Worker]);
        let mut records: Vec<_> = page.browser.state().outbox().into_values().collect();
        records.retain(|it| it["events"][0]["id"] != "a");
        let events = records
            .iter()
            .flat_map(|it| it["events"].as_array().cloned());
        let ids: Vec<_> = events.flatten().map(|event| event["id"].clone()).collect();
        assert_eq!(ids, stored);
        assert!(
            page.stored_ids().contains(&"a".into()),
            "its response is outstanding"
        );
    }
}

#[test]
fn undelivered_worker_request_is_resent_by_the_next_page_with_its_click_id() {
    let mut page = Page::open(LANDING_A);
    page.browser.state_mut().has_workers = true;
    page.set_network(Network::Down);
    page.call(INIT_P);
    page.call(&order("a"));
    page.hide();
    assert_eq!(page.transports(), [Transport::Worker]);
    let mut page = page.navigate_to(LANDING_B);
    page.set_network(Network::Up);
    page.browser.state_mut().requests.clear();
    start(&mut page);
    assert_eq!(page.click_of("a"), (Some("a".into()), vec!["a".into()]));
    assert!(page.outbox_is_empty());
}

#[test]
fn outbox_holds_no_internal_event_and_no_user_data() {
    for has_workers in [false, true] {
        never_stored(has_workers);
    }
}

fn never_stored(has_workers: bool) {
    let init =
        r#"["init",{"pixelId":"P","user":{"email_sha256":"jane@example.com","city":"Kiel"}}]"#;
    let mut page = Page::open(LANDING_A);
    page.browser.state_mut().has_workers = has_workers;
    page.set_network(Network::Down);
    for next in [NEXT, CHECKOUT_URL] {
        page.call_all([init, INVALID_CALL]);
        page.call(&order(next));
        page.advance(60_000);
        page.hide();
        assert!(page.stored_ids().contains(&next.into()));
        page = page.crash(next);
    }
    let digest = Sha256::digest(b"jane@example.com");
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(page.requests().iter().any(|sent| sent.body.contains(&hash)));
    for text in page.stored_texts() {
        for never in [&*hash, "jane", "Kiel", "user", "openai::", "oai::"] {
            assert!(!text.contains(never), "{text}");
        }
    }
}

#[test]
fn page_without_events_stores_nothing() {
    let mut page = Page::open(LANDING_A);
    page.set_network(Network::Down);
    page.call_all([INIT_P, INVALID_CALL]);
    page.advance(60_000);
    page.hide();
    assert!(page.browser.state().written_records.is_empty());
}

// The next page

#[test]
fn crashed_page_s_events_are_sent_once_by_the_next_page() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P_DEBUG);
    page.call(&order(r"a\u0022b"));
    page.push_state("https://shop.example.test/b?c#d");
    page.call(&view("page_viewed", "v"));
    page.call(r#"["measure","custom",{"type":"custom"},{"custom_event_name":"z","opt_out":true}]"#);
    page.advance(SAVE_DELAY_MS);
    let measured = page.traced(DebugEvent::Queued);
    assert_eq!(measured.len(), 3);

    let mut page = page.crash(NEXT);
    page.browser.state_mut().now += DAY;
    start(&mut page);
    let requests = page.requests().into_iter();
    let with: Vec<_> = requests
        .filter(|sent| !sent.measured_ids().is_empty())
        .collect();
    assert_eq!(with.len(), 1);
    let expected = format!(r#""events":[{}]"#, measured.join(","));
    assert!(with[0].body.contains(&expected), "{}", with[0].body);
    assert!(page.outbox_is_empty());
    assert!(
        page.browser
            .state()
            .written_records
            .iter()
            .all(|text| !text.contains("z?"))
    );
}

#[test]
fn recovered_events_are_sent_at_once_and_stay_stored_until_delivered() {
    let mut page = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
    page.set_network(Network::Down);
    page.call(INIT_P);
    page.advance(AFTER_RECOVERY_MS);
    assert_eq!(page.measured_ids(), [["a"]]);
    assert_eq!(page.stored_ids(), ["a"]);
    page.set_network(Network::Up);
    page.advance(LONG_MS);
    assert_eq!(page.delivered_ids(), ["a"]);
    assert!(page.outbox_is_empty());
}

#[test]
fn recovered_events_survive_a_crash_at_any_moment() {
    for after in [0, 10, 17, 18, 50, 200, 3_000] {
        let mut page = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
        page.set_network(Network::Manual);
        page.call(INIT_P);
        page.call(&order("b"));
        page.advance(after);
        assert!(page.stored_ids().contains(&"a".into()), "{after}");
        let mut page = page.crash(CHECKOUT_URL);
        page.set_network(Network::Up);
        start(&mut page);
        let mut delivered = page.delivered_ids();
        delivered.sort();
        let both = if after >= SAVE_DELAY_MS {
            2
        } else {
            delivered.len()
        };
        assert_eq!(delivered, ["a", "b"][..both], "{after}");
        assert!(page.outbox_is_empty());
    }
}

#[test]
fn records_of_several_earlier_pages_are_recovered() {
    let mut page = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
    page.set_network(Network::Down);
    for id in ["b", "c"] {
        page.call(INIT_P);
        page.call(&order(id));
        page.advance(20_000);
        page = page.crash(NEXT);
    }
    page.set_network(Network::Up);
    start(&mut page);
    let mut delivered = page.delivered_ids();
    delivered.sort();
    assert_eq!(delivered, ["a", "b", "c"]);
    assert!(page.outbox_is_empty());
}

#[test]
fn recovered_events_go_to_their_own_pixel() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([INIT_P, INIT_Q]);
    page.call(&order("both"));
    page.call(
        r#"["measureSingle","Q","lead_created",{"type":"customer_action"},{"event_id":"q"}]"#,
    );
    page.advance(SAVE_DELAY_MS);
    let mut page = page.crash(NEXT);
    page.call_all([INIT_P, INIT_Q]);
    page.advance(LONG_MS);
    for (pixel, expected) in [("P", vec!["both"]), ("Q", vec!["both", "q"])] {
        let requests = page.requests_for(pixel).into_iter();
        let measured: Vec<_> = requests.flat_map(|sent| sent.measured_ids()).collect();
        assert_eq!(measured, expected, "{pixel}");
    }
    assert!(page.outbox_is_empty());
}

#[test]
fn pixel_not_started_by_the_next_page_gets_only_its_recovered_events() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_Q);
    page.call(&order("a"));
    page.advance(SAVE_DELAY_MS);
    let mut page = page.crash(NEXT);
    page.browser.state_mut().config_requests.clear();
    page.call(INIT_P);
    page.advance(AFTER_RECOVERY_MS);
    // the next page's events are not for that pixel
    page.call(&order("b"));
    page.advance(LONG_MS);
    let to_q: Vec<_> = page
        .requests_for("Q")
        .iter()
        .map(SentRequest::names)
        .collect();
    assert_eq!(to_q, [["order_created"]]);
    let to_p = page.requests_for("P").into_iter();
    let to_p: Vec<_> = to_p.flat_map(|sent| sent.measured_ids()).collect();
    assert_eq!(to_p, ["b"]);
    assert_eq!(page.config_requests().len(), 1);
    let state = page.browser.state();
    assert_eq!(state.session.keys().collect::<Vec<_>>(), ["oaiq_cs:P"]);
}

#[test]
fn recovery_repeats_no_init_marker_or_config_request() {
    for settled in [false, true] {
        let mut page = Page::open(CHECKOUT_URL);
        page.call(INIT_P);
        if settled {
            page.drain();
        }
        page.browser.state_mut().config_requests.clear();
        page.call(&order("a"));
        page.advance(SAVE_DELAY_MS);
        let requested = page.config_requests().len();
        let mut page = page.crash(NEXT);
        page.set_network(Network::Down);
        page.call(INIT_P);
        page.advance(60_000);
        page.set_network(Network::Up);
        page.advance(LONG_MS);
        assert_eq!(page.delivered_ids(), ["a"]);
        assert_eq!(page.config_requests().len(), requested + 1);
        assert_eq!(
            page.delivered_where(|event| event.name == "openai::sdk_init"),
            1
        );
        let is_marker =
            |event: &oaiq::wire::Event| event.data.contains_key("is_first_visit_in_session");
        assert_eq!(page.delivered_where(is_marker), usize::from(!settled));
    }
}

// Identity of recovered events

#[test]
fn events_of_different_click_ids_never_share_a_request() {
    let mut page = Page::after_crash(LANDING_A, &["a"], LANDING_B);
    page.call(INIT_P);
    page.call(&order("b"));
    page.advance(LONG_MS);
    for id in ["a", "b"] {
        assert_eq!(page.click_of(id), (Some(id.into()), vec![id.into()]));
    }
}

#[test]
fn events_of_different_click_ids_stay_apart_after_two_crashes() {
    let mut page = Page::after_crash(LANDING_A, &["a"], LANDING_B);
    page.set_network(Network::Manual);
    page.call(INIT_P);
    page.call(&order("b"));
    page.advance(AFTER_RECOVERY_MS);
    let mut page = page.crash(CHECKOUT_URL);
    page.browser.state_mut().requests.clear();
    page.set_network(Network::Up);
    page.call(INIT_P);
    page.call(&order("c"));
    page.advance(LONG_MS);
    for (id, click) in [("a", "a"), ("b", "b"), ("c", "b")] {
        assert_eq!(page.click_of(id), (Some(click.into()), vec![id.into()]));
    }
}

#[test]
fn event_before_any_click_id_is_recovered_without_one() {
    let mut page = Page::after_crash(CHECKOUT_URL, &["a"], LANDING_B);
    start(&mut page);
    assert_eq!(page.click_of("a"), (None, vec!["a".into()]));
}

#[test]
fn click_id_with_odd_characters_survives_the_outbox() {
    let mut page = Page::after_crash(
        "https://shop.example.test/?oppref=%22%5C%0A%C3%BC",
        &["a"],
        LANDING_B,
    );
    start(&mut page);
    assert_eq!(page.click_of("a").0.as_deref(), Some("\"\\\nü"));
}

#[test]
fn recovered_events_carry_no_user_data_of_the_next_page() {
    let user = r#""user":{"city":"Kiel"}"#;
    for config in ["u".into(), format!("{{{user}}}")] {
        let browser = Page::after_crash(CHECKOUT_URL, &["a"], NEXT).browser;
        let mut page = browser.open_with_config(&config);
        page.call(&format!(r#"["init",{{"pixelId":"P",{user}}}]"#));
        page.call(&order("b"));
        page.advance(LONG_MS);
        assert_eq!(page.request_with("a").batch().user, None);
        assert!(page.request_with("b").batch().user.is_some());
    }
}

// Limits

/// A call that measures a view of a page or of contents.
fn view(name: &str, id: &str) -> String {
    format!(r#"["measure","{name}",{{"type":"contents"}},{{"event_id":"{id}"}}]"#)
}

#[test]
fn full_outbox_drops_oldest_views_first_then_oldest_events() {
    let mut page = Page::open_idle();
    page.call(INIT_P_DEBUG);
    page.set_network(Network::Down);
    page.call(&order("first"));
    let orders = page.burst(MAX_EVENTS - 3);
    page.call(&view("page_viewed", "v"));
    page.call(&view("contents_viewed", "w"));
    page.call(&view("page_viewed", "x"));
    page.advance(10_000);
    assert_eq!(page.stored_ids().len(), MAX_EVENTS);
    let dropped = || page.traced(DebugEvent::Dropped);
    assert_eq!(dropped().len(), 1);
    assert!(dropped()[0].starts_with(r#"outbox_full {"type":"page_viewed""#));
    assert!(dropped()[0].contains(r#""id":"v""#));

    page.orders(["more-1", "more-2", "more-3", "more-4"]);
    page.advance(SAVE_DELAY_MS);
    let stored = page.stored_ids();
    assert_eq!(stored.len(), MAX_EVENTS);
    assert!(
        !stored
            .iter()
            .any(|id| ["w", "x", "first", "order-0"].contains(&id.as_str()))
    );
    assert_eq!(page.traced(DebugEvent::Dropped).len(), 5);

    page.set_network(Network::Up);
    page.advance(LONG_MS);
    let mut expected = orders[1..].to_vec();
    expected.extend((1..5).map(|i| format!("more-{i}")));
    assert_eq!(page.delivered_ids(), expected);
    page.assert_counted("reason", &[("outbox_full", 5)]);
    page.assert_counted(
        "name",
        &[
            ("contents_viewed", 1),
            ("order_created", 2),
            ("page_viewed", 2),
        ],
    );
}

#[test]
fn outbox_holds_up_to_256_kib_while_requests_fail() {
    let mut page = Page::open_idle();
    page.call(INIT_P_DEBUG);
    page.set_network(Network::Down);
    for i in 0..40 {
        page.call(&order_of_size(&i.to_string(), 10_000));
    }
    let forms = page.traced(DebugEvent::Queued);
    page.advance(30_000);
    let stored = page.stored_ids();
    let first = 40 - stored.len();
    let ids: Vec<_> = (first..40).map(|i| i.to_string()).collect();
    assert_eq!(stored, ids, "the youngest");
    let bytes = |from: usize| forms[from..].iter().map(String::len).sum::<usize>();
    assert!(bytes(first) <= MAX_BYTES && bytes(first - 1) > MAX_BYTES);

    page.set_network(Network::Up);
    page.advance(LONG_MS);
    assert_eq!(page.delivered_ids(), ids);
    page.assert_counted("reason", &[("outbox_full", first as u64)]);
    page.assert_counted("name", &[("order_created", first as u64)]);
}

#[test]
fn recovered_events_count_towards_the_limit_and_are_dropped_first() {
    let browser = Page::open(CHECKOUT_URL).browser;
    let now = browser.state().now;
    let old: Vec<_> = (0..300)
        .map(|i| wire_form(&format!("old-{i}"), now - 1))
        .collect();
    browser.state_mut().network = Network::Down;
    let mut page = browser.recover_record(&record_with(&old.join(",")));
    let ids = page.burst(300);
    page.advance(30_000);
    assert_eq!(page.stored_ids().len(), MAX_EVENTS);
    page.set_network(Network::Up);
    page.advance(LONG_MS);
    let mut delivered = page.delivered_ids();
    delivered.sort();
    let mut expected: Vec<_> = (100..300).map(|i| format!("old-{i}")).collect();
    expected.extend(ids);
    expected.sort();
    assert_eq!(delivered, expected);
}

#[test]
fn oldest_events_are_dropped_across_pixels() {
    let mut page = Page::open_idle();
    page.call(INIT_Q);
    page.drain();
    page.set_network(Network::Down);
    for (pixel, count) in [("P", 300), ("Q", 300)] {
        for i in 0..count {
            page.call(&format!(
                r#"["measureSingle","{pixel}","lead_created",{{"type":"customer_action"}},{{"event_id":"{pixel}{i}"}}]"#
            ));
        }
        page.advance(10_000);
    }
    let stored = page.stored_ids();
    assert_eq!(stored.len(), MAX_EVENTS);
    let of_p = stored.iter().filter(|id| id.starts_with('P')).count();
    assert_eq!(of_p, 200, "all of Q are younger than all of P");
}

#[test]
fn burst_of_over_500_events_is_delivered_while_requests_succeed() {
    let mut page = Page::open_idle();
    let ids = page.burst(700);
    page.advance(SAVE_DELAY_MS);
    assert_eq!(page.stored_ids(), ids[..MAX_EVENTS]);
    page.advance(10_000);
    assert_eq!(page.delivered_ids(), ids);
    for text in page.browser.state().written_records.iter() {
        let text: Value = serde_json::from_str(text).expect("JSON");
        assert!(text["events"].as_array().expect("events").len() <= MAX_EVENTS);
    }
    assert!(page.counted("reason").is_empty());
    assert!(page.outbox_is_empty());
}

#[test]
fn burst_of_over_256_kib_is_delivered_while_requests_succeed() {
    let mut page = Page::open_idle();
    for i in 0..40 {
        page.call(&order_of_size(&i.to_string(), 10_000));
    }
    page.advance(10_000);
    assert_eq!(page.delivered_ids().len(), 40);
    let state = page.browser.state();
    let largest = state.written_records.iter().map(String::len).max();
    assert!((MAX_BYTES - 11_000..=MAX_BYTES).contains(&largest.expect("a text")));
}

#[test]
fn records_of_all_pixels_hold_up_to_500_events_together() {
    let mut page = Page::open_idle();
    page.call(INIT_Q);
    page.drain();
    page.burst(400);
    page.advance(SAVE_DELAY_MS);
    assert!(
        page.stored_ids().len() <= MAX_EVENTS,
        "{}",
        page.stored_ids().len()
    );
}

// Expiry

#[test]
fn event_older_than_seven_days_is_dropped_and_reported() {
    let browser = FakeBrowser::new();
    let now = browser.state().now;
    let events = [
        wire_form("old", now - 7 * DAY),
        wire_form("young", now - 7 * DAY + 1_000),
    ];
    let mut page = browser.recover_record(&record_with(&events.join(",")));
    page.advance(LONG_MS);
    assert_eq!(page.delivered_ids(), ["young"]);
    page.assert_counted("reason", &[("too_old", 1)]);
    page.assert_counted("name", &[("order_created", 1)]);
    let dropped = page.traced(DebugEvent::Dropped);
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    assert!(dropped[0].starts_with(&format!("too_old [{},", now - 7 * DAY)));
    assert!(dropped[0].contains(r#""old""#));
    assert!(page.outbox_is_empty());
}

#[test]
fn expired_event_is_reported_once() {
    let browser = FakeBrowser::new();
    let now = browser.state().now;
    let events = [wire_form("old", now - 8 * DAY), wire_form("young", now)];
    browser.state_mut().network = Network::Manual;
    let page = browser.recover_record(&record_with(&events.join(",")));
    assert_eq!(page.stored_ids(), ["young"]);
}

#[test]
fn record_of_seven_days_ago_expires_and_a_younger_one_does_not() {
    for (later, is_delivered) in [(7 * DAY + 1_000, false), (7 * DAY - 1_000, true)] {
        let mut page = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
        page.browser.state_mut().now += later;
        start(&mut page);
        assert_eq!(page.delivered_ids().len(), usize::from(is_delivered));
        assert_eq!(
            page.counted("reason").contains_key("too_old"),
            !is_delivered
        );
        assert!(page.outbox_is_empty());
    }
}

#[test]
fn clock_set_back_before_the_next_page_does_not_matter() {
    for back in [1, 30 * DAY, 1_800_000_000_000] {
        let mut page = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
        let mut state = page.browser.state_mut();
        state.now = state.now.saturating_sub(back);
        drop(state);
        start(&mut page);
        assert_eq!(page.delivered_ids(), ["a"], "{back}");
        assert!(page.outbox_is_empty());
    }
}

// Denial

/// Opens further pages, grants consent, and asserts that nothing is ever sent.
#[track_caller]
fn assert_gone(mut page: Page) {
    assert!(page.outbox_is_empty());
    page.set_network(Network::Up);
    page.browser.state_mut().requests.clear();
    for _ in 0..2 {
        page.advance(LONG_MS);
        page.call_all([INIT_P, CONSENT_GRANT]);
        page.advance(LONG_MS);
        page = page.crash(NEXT);
    }
    assert!(
        page.measured_ids().concat().is_empty(),
        "{:?}",
        page.measured_ids()
    );
    assert!(page.outbox_is_empty());
}

/// Pages with events in the outbox: queued, failed, in flight and recovered ones, and
/// a record that another page has stored since.
fn pages_with_an_outbox() -> Vec<Page> {
    let networks = [Network::Up, Network::Down, Network::Manual];
    let mut pages: Vec<_> = networks
        .map(|network| {
            let mut page = Page::open_idle();
            page.set_network(network);
            page.call(&order("a"));
            page.advance(if network == Network::Up {
                SAVE_DELAY_MS
            } else {
                2_000
            });
            page
        })
        .into();
    let mut heir = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
    heir.set_network(Network::Down);
    heir.call(INIT_P);
    heir.advance(AFTER_RECOVERY_MS);
    pages.push(heir);
    for page in &pages {
        assert_eq!(page.stored_ids(), ["a"]);
        let now = page.browser.state().now;
        page.browser
            .put_record("other", &record_with(&wire_form("other", now)));
    }
    pages
}

#[test]
fn denial_empties_the_outbox_at_once() {
    for mut page in pages_with_an_outbox() {
        page.call(CONSENT_DENY);
        assert_gone(page);
    }
}

#[test]
fn denial_in_another_tab_empties_the_outbox() {
    for mut page in pages_with_an_outbox() {
        page.set_in_other_tab("false");
        assert_gone(page);
    }
}

#[test]
fn stored_denial_empties_the_outbox_on_a_page_without_pixel() {
    for in_cookie in [false, true] {
        for page in pages_with_an_outbox() {
            let mut page = page.crash(NEXT);
            if in_cookie {
                let denial = "__oaiq_consent=false; Domain=example.test";
                page.browser.set_cookie_on("shop.example.test", denial);
            } else {
                page.browser.store_consent("false");
            }
            page.advance(AFTER_RECOVERY_MS);
            assert_gone(page);
        }
    }
}

#[test]
fn denial_during_recovery_applies_to_recovered_events() {
    let mut page = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
    page.call(INIT_P);
    page.advance(16);
    page.browser.store_consent("false");
    page.advance(LONG_MS);
    assert!(page.measured_ids().concat().is_empty());
    assert_gone(page);
}

#[test]
fn failed_request_is_not_saved_after_denial() {
    let mut page = Page::open_idle();
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS);
    page.call(CONSENT_DENY);
    page.fail(0);
    page.advance(SAVE_DELAY_MS);
    assert_gone(page);
}

#[test]
fn nothing_is_stored_without_consent() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.call(&order("a"));
    page.advance(SAVE_DELAY_MS);
    page.hide();
    assert!(page.browser.state().written_records.is_empty());
}

#[test]
fn record_found_while_denied_is_deleted() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.advance(AFTER_RECOVERY_MS);
    let now = page.browser.state().now;
    page.browser
        .put_record("other", &record_with(&wire_form("other", now)));
    page.recover_from("other");
    assert_gone(page);
}

#[test]
fn later_grant_recovers_records_of_other_pages() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call_all([CONSENT_DENY, INIT_P]);
    page.drain();
    let now = page.browser.state().now;
    page.browser
        .put_record("other", &record_with(&wire_form("other", now)));
    page.advance(LONG_MS);
    assert!(page.measured_ids().concat().is_empty());
    page.call(CONSENT_GRANT);
    page.advance(LONG_MS);
    assert_eq!(page.delivered_ids(), ["other"]);
    assert!(page.outbox_is_empty());
}

#[test]
fn page_without_pixel_leaves_records_for_a_later_page() {
    let mut page = Page::after_crash(CHECKOUT_URL, &["a"], NEXT);
    page.advance(LONG_MS);
    assert_eq!(page.stored_ids(), ["a"]);
    assert!(page.requests().is_empty());
    let mut page = page.navigate_to(CHECKOUT_URL);
    start(&mut page);
    assert_eq!(page.delivered_ids(), ["a"]);
}

// Corrupt records

/// Asserts that the record is deleted and that the page's own events are still sent.
#[track_caller]
fn assert_recovers(mut page: Page) -> Page {
    page.call(&order("own"));
    page.advance(LONG_MS);
    assert!(
        page.outbox_is_empty(),
        "{:?}",
        page.browser.state().outbox()
    );
    let requests = page.requests_for("P").into_iter();
    let with = requests.filter(|sent| sent.body.contains(r#""id":"own""#));
    let own: Vec<_> = with.map(|sent| sent.measured_ids()).collect();
    assert_eq!(own, [["own"]]);
    for sent in page.requests() {
        let body: Result<Value, _> = serde_json::from_str(&sent.body);
        assert!(body.is_ok(), "{}", sent.body);
    }
    page
}

#[test]
fn record_without_events_is_traced_and_deleted() {
    for text in [
        "",
        "{",
        "nonsense",
        "null",
        "true",
        "7",
        r#""events""#,
        "[]",
        r#"[{"events":[]}]"#,
        "{}",
        r#"{"pixel":"P"}"#,
        r#"{"pixel":"P","events":null}"#,
        r#"{"pixel":"P","events":"[]"}"#,
        r#"{"pixel":"P","events":{}}"#,
    ] {
        let page = FakeBrowser::new().recover_record(text);
        assert_eq!(page.traced(DebugEvent::OutboxCorrupt), ["left"], "{text}");
        let page = assert_recovers(page);
        assert_eq!(page.delivered_ids(), ["own"], "{text}");
    }
}

#[test]
fn corrupt_record_sends_nothing() {
    let now = FakeBrowser::new().state().now;
    let events = format!(r#"{{"0":{}}}"#, wire_form("x", now));
    let page = FakeBrowser::new().recover_record(&format!(r#"{{"pixel":"P","events":{events}}}"#));
    assert_eq!(page.traced(DebugEvent::OutboxCorrupt), ["left"]);
    let page = assert_recovers(page);
    assert_eq!(page.delivered_ids(), ["own"]);
    page.assert_counted("reason", &[]);
}

#[test]
fn empty_record_is_not_corrupt() {
    let page = FakeBrowser::new().recover_record(r#"{"pixel":"P","events":[]}"#);
    assert!(page.traced(DebugEvent::OutboxCorrupt).is_empty());
    assert_recovers(page);
}

#[test]
fn invalid_entries_of_a_record_are_dropped_and_its_events_sent() {
    let now = FakeBrowser::new().state().now;
    let good = wire_form("good", now);
    for other in [
        "null",
        "true",
        "7",
        r#""text""#,
        "[]",
        "{}",
        r#"[{"timestamp_ms":1800000000000}]"#,
        r#"[1800000000000,"u","r"]"#,
        r#"[1800000000000,"u","r","reset"]"#,
        r#"[1800000000000,7,null,"measure","order_created",7,"x"]"#,
        r#"{"type":"order_created","timestamp_ms":"1800000000000","id":"x"}"#,
        r#"{"type":"order_created","timestamp_ms":-1,"id":"x"}"#,
        r#"{"type":7,"timestamp_ms":1.8e-12,"id":[]}"#,
    ] {
        let events = format!("{other},{good},{other}");
        let page = FakeBrowser::new().recover_record(&record_with(&events));
        assert!(page.traced(DebugEvent::OutboxCorrupt).is_empty());
        let page = assert_recovers(page);
        let mut delivered = page.delivered_ids();
        delivered.sort();
        assert_eq!(delivered, ["good", "own"], "{other}");
    }
}

#[test]
fn deep_or_odd_values_in_a_record_stop_nothing() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let deep_fields = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    let now = FakeBrowser::new().state().now;
    for weird in [
        &*deep,
        &*deep_fields,
        "-1e300",
        r#""\u0000\ud83e""#,
        r#"{"":{"":""}}"#,
    ] {
        for text in [
            weird.into(),
            format!(
                r#"{{"pixel":{weird},"oppref":{weird},"events":[{}]}}"#,
                wire_form("x", now)
            ),
            format!(r#"{{"pixel":"P","oppref":"","events":{weird}}}"#),
            record_with(weird),
            record_with(&format!(
                r#"{{"type":{weird},"timestamp_ms":{now},"id":"x","data":{weird}}}"#
            )),
            record_with(&format!(
                r#"[{now},{weird},{weird},"measure",{weird},{weird}]"#
            )),
            record_with(&format!(r#"[{now},"","","init",{weird}]"#)),
        ] {
            assert_recovers(FakeBrowser::new().recover_record(&text));
        }
    }
}

#[test]
fn unserializable_record_value_spoils_no_request() {
    // values that are nested too deeply and numbers that are not finite
    for unusable in [r#"x"object""#, r#"x"Infinity""#] {
        let mut page = FakeBrowser::new().open(CHECKOUT_URL);
        page.call(INIT_P_DEBUG);
        page.advance(AFTER_RECOVERY_MS);
        let now = page.browser.state().now;
        let good = wire_form("good", now);
        let bad = good
            .replace("good", "bad")
            .replace(r#""contents""#, unusable);
        page.recover_raw(&format!(
            r#"["left",{}]"#,
            record_with(&format!("{bad},{good}"))
        ));
        let page = assert_recovers(page);
        assert!(page.delivered_ids().contains(&"good".into()));
    }
}

#[test]
fn record_without_pixel_id_sends_no_request_without_one() {
    let now = FakeBrowser::new().state().now;
    for pixel in ["", r#""pixel":"","#, r#""pixel":7,"#] {
        let text = format!(r#"{{{pixel}"events":[{}]}}"#, wire_form("a", now));
        let page = assert_recovers(FakeBrowser::new().recover_record(&text));
        assert!(page.requests_for("").is_empty(), "{text}");
    }
}

/// JSON that partly resembles a record, or not at all.
fn any_record() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "P",
        "Q",
        "init",
        "measure",
        "measureSingle",
        "consent",
        "order_created",
        "page_viewed",
        "contents",
        "https://shop.example.test/?x#y",
        "oai::diagnostic",
        "\u{0}",
        "\"\\",
    ]);
    let leaf = prop_oneof![
        2 => words.prop_map(Value::from),
        2 => (1_799_000_000_000..1_801_000_000_000u64).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
    ];
    let names = vec![
        "pixel",
        "oppref",
        "events",
        "type",
        "timestamp_ms",
        "id",
        "data",
        "pixelId",
        "debug",
        "user",
        "event_id",
        "",
    ];
    let name = prop_oneof![
        8 => prop::sample::select(names).prop_map(String::from),
        1 => any::<String>(),
    ];
    let json = leaf.prop_recursive(4, 40, 6, move |inner| {
        let fields = prop::collection::vec((name.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            fields.prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    });
    let event = prop_oneof![
        json.clone(),
        (json.clone(), json.clone()).prop_map(|(kind, data)| {
            json!({"type": kind, "timestamp_ms": 1_800_000_000_000u64, "id": "x", "data": data})
        }),
        prop::collection::vec(json.clone(), 1..5).prop_map(|mut call| {
            call[0] = json!(1_800_000_000_000u64);
            call.into()
        }),
        (json.clone(), json.clone()).prop_map(|(name, data)| {
            json!([
                1_800_000_000_000u64,
                "https://a.test/?b",
                "",
                "measure",
                name,
                data
            ])
        }),
    ];
    prop_oneof![
        1 => json.clone(),
        3 => (json.clone(), json, prop::collection::vec(event, 0..6)).prop_map(
            |(pixel, oppref, events)| json!({"pixel": pixel, "oppref": oppref, "events": events})
        ),
    ]
}

proptest! {
    #[test]
    fn record_of_any_json_is_deleted_and_does_not_stop_the_tracker(text in any_record()) {
        assert_recovers(FakeBrowser::new().recover_record(&text.to_string()));
    }

    #[test]
    fn record_of_any_text_is_deleted_and_does_not_stop_the_tracker(text in any::<String>()) {
        assert_recovers(FakeBrowser::new().recover_record(&text));
    }

    #[test]
    fn any_text_instead_of_a_record_does_not_stop_the_tracker(
        text in prop_oneof![
            any::<String>(),
            any::<String>().prop_map(|text| format!("[\"left\",{text}]")),
            r#"\["left",[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#,
            r#"\["left",\{"pixel":"P","events":\[[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#,
            r#"\["left",\{"events":\[\[1800000000000,"a","b","(init|measure)",[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#,
        ],
        debug in any::<bool>(),
    ) {
        let mut page = Page::open(CHECKOUT_URL);
        page.call(if debug { INIT_P_DEBUG } else { INIT_P });
        page.advance(AFTER_RECOVERY_MS);
        page.recover_raw(&text);
        page.recover_raw(&text);
        page.call(&order("own"));
        page.advance(LONG_MS);
        let requests = page.requests_for("P").into_iter();
        let own = requests.filter(|sent| sent.body.contains(r#""id":"own""#));
        let own: Vec<_> = own.map(|sent| (sent.delivered, sent.measured_ids())).collect();
        prop_assert_eq!(own, [(Some(true), vec![String::from("own")])]);
    }
}

// Calls saved before the script loaded

/// Time of the saved calls: before the test's browser opens.
const THEN: u64 = 1_799_999_990_000;

/// A call as the install snippet saves it, with its time.
fn saved(time: u64, arguments: &str) -> String {
    format!(r#"[{time},"https://shop.example.test/a?x=1#y","https://ref.test/?q",{arguments}]"#)
}

/// A saved call that measures an order.
fn saved_order(id: &str) -> String {
    saved(
        THEN,
        &format!(
            r#""measure","order_created",{{"type":"contents","amount":1,"currency":"USD"}},{{"event_id":"{id}"}}"#
        ),
    )
}

fn saved_init(pixel: &str) -> String {
    saved(THEN, &format!(r#""init",{{"pixelId":"{pixel}","user":0}}"#))
}

/// The record that the snippet stores.
fn saved_record(calls: &[String]) -> String {
    format!(
        r#"{{"oppref":"x","c":null,"events":[{}]}}"#,
        calls.join(",")
    )
}

#[test]
fn calls_saved_before_the_script_loaded_are_recovered_unchanged() {
    let calls = [saved_init("Q"), saved_order("e")];
    let mut page = FakeBrowser::new().recover_record(&saved_record(&calls));
    page.advance(LONG_MS);
    let sent = page.request_with("e");
    assert_eq!(sent.pixel(), "Q");
    assert_eq!(sent.batch().oppref.as_deref(), Some("x"));
    assert_eq!(
        sent.names(),
        ["order_created"],
        "no second start and no marker"
    );
    let event = sent.events().remove(0);
    assert_eq!(event.timestamp_ms, THEN);
    assert_eq!(
        event.source_url.as_deref(),
        Some("https://shop.example.test/a")
    );
    assert_eq!(event.referrer_url.as_deref(), Some("https://ref.test/"));
    assert_eq!(event.data["amount"], 1);
    assert_eq!(page.config_requests().len(), 1);
    assert_eq!(page.requests_for("Q").len(), 1);
    assert!(page.outbox_is_empty());
}

#[test]
fn record_without_click_recovers_without_click() {
    for oppref in ["null", r#""""#] {
        let text = saved_record(&[saved_order("e")]).replace(r#""x""#, oppref);
        let browser = FakeBrowser::new();
        browser.put_record("left", &text);
        let mut page = browser.open(LANDING_B);
        start(&mut page);
        assert_eq!(page.request_with("e").batch().oppref, None);
    }
}

#[test]
fn invalid_saved_calls_are_rejected_and_counted() {
    let calls = [
        saved_init("P"),
        saved(THEN, r#""measure","order_created",null"#),
        saved(THEN, r#""measure","no_event""#),
        saved_order("e"),
    ];
    let mut page = FakeBrowser::new().recover_record(&saved_record(&calls));
    assert_eq!(page.traced(DebugEvent::Rejected).len(), 2);
    page.advance(LONG_MS);
    assert_eq!(page.delivered_ids(), ["e"]);
    page.assert_counted("name", &[("order_created", 1), ("unknown", 1)]);
    assert!(page.outbox_is_empty());
}

#[test]
fn record_of_rejected_calls_only_is_deleted() {
    let calls = [saved_init("P"), saved(THEN, r#""measure","no_event""#)];
    let mut page = FakeBrowser::new().recover_record(&saved_record(&calls));
    assert!(page.outbox_is_empty());
    page.advance(LONG_MS);
    page.assert_counted("name", &[("unknown", 1)]);
}

#[test]
fn saved_consent_call_is_ignored() {
    for answer in ["true", "false"] {
        let calls = [
            saved(THEN, &format!(r#""consent",{answer}"#)),
            saved_order("e"),
        ];
        let mut page = FakeBrowser::new().recover_record(&saved_record(&calls));
        page.call(&order("own"));
        page.advance(LONG_MS);
        assert_eq!(page.delivered_ids(), ["e", "own"]);
        assert_eq!(page.browser.cookie("__oaiq_consent"), None);
        assert!(page.traced(DebugEvent::ConsentChanged).is_empty());

        let mut page = Page::open(CHECKOUT_URL);
        page.call_all([CONSENT_DENY, INIT_P]);
        page.advance(AFTER_RECOVERY_MS);
        page.browser.put_record("left", &saved_record(&calls));
        page.recover_from("left");
        page.call(&order("own"));
        page.advance(LONG_MS);
        assert!(page.measured_ids().concat().is_empty());
        assert!(page.outbox_is_empty());
    }
}

#[test]
fn saved_events_before_a_saved_init_go_to_its_pixel_or_the_first() {
    for (calls, pixels) in [
        (
            vec![saved_order("e"), saved_init("Q"), saved_init("R")],
            vec!["Q"],
        ),
        (
            vec![saved_init("Q"), saved_init("R"), saved_order("e")],
            vec!["Q", "R"],
        ),
        (vec![saved_order("e")], vec!["P"]),
        (
            vec![saved_order("e"), saved(THEN, r#""init",{}"#)],
            vec!["P"],
        ),
    ] {
        let mut page = FakeBrowser::new().recover_record(&saved_record(&calls));
        page.call(INIT_Q);
        page.advance(LONG_MS);
        let requests = page.requests().into_iter();
        let with = requests.filter(|sent| sent.measured_ids() == ["e"]);
        let went: Vec<_> = with.map(|sent| sent.pixel().to_string()).collect();
        assert_eq!(went, pixels, "{calls:?}");
        assert!(page.outbox_is_empty());
    }
}

#[test]
fn saved_calls_keep_their_ids_after_a_crash_during_recovery() {
    let without_id = saved(
        THEN,
        r#""measure","lead_created",{"type":"customer_action"}"#,
    );
    let calls = [
        saved_init("P"),
        saved_init("Q"),
        saved_order("e"),
        without_id,
    ];
    let browser = FakeBrowser::new();
    browser.state_mut().network = Network::Manual;
    let mut page = browser.recover_record(&saved_record(&calls));
    page.advance(IDLE_FLUSH_MS);
    let forms = |page: &Page, pixel| {
        let requests = page.requests_for(pixel).into_iter();
        let events = requests.flat_map(|sent| sent.events());
        let measured = events.filter(|event| !event.name.contains("::"));
        measured
            .map(|event| serde_json::to_string(&event).expect("JSON"))
            .collect::<Vec<_>>()
    };
    let [p, q] = ["P", "Q"].map(|pixel| forms(&page, pixel));
    assert_eq!((p.len(), q.len()), (2, 2));
    let mut page = page.crash(NEXT);
    page.browser.state_mut().requests.clear();
    page.set_network(Network::Up);
    start(&mut page);
    assert_eq!(forms(&page, "P"), p);
    assert_eq!(forms(&page, "Q"), q);
    assert_eq!(page.click_of_pixel("Q").as_deref(), Some("x"));
    assert!(page.outbox_is_empty());
}

#[test]
fn only_saved_events_expire() {
    let calls = [saved_init("P"), saved_order("e")];
    let browser = FakeBrowser::new();
    browser.state_mut().now += 8 * DAY;
    let mut page = browser.recover_record(&saved_record(&calls));
    page.advance(LONG_MS);
    assert!(page.delivered_ids().is_empty());
    page.assert_counted("reason", &[("too_old", 1)]);
    assert!(page.outbox_is_empty());
}

impl Page {
    /// The click ID of the pixel's only request.
    fn click_of_pixel(&self, pixel: &str) -> Option<String> {
        let requests = self.requests_for(pixel);
        assert_eq!(requests.len(), 1);
        requests[0].batch().oppref
    }
}

// Responses

#[test]
fn transient_failure_is_retried_after_the_backoff() {
    for status in [500, 502, 503, 599, 408, 429, 0] {
        let mut page = Page::open_idle();
        page.set_network(Network::Status(status, 0));
        page.orders(["a", "b"]);
        page.advance(IDLE_FLUSH_MS + LATENCY_MS + 4_999);
        assert_eq!(page.requests().len(), 1, "{status}");
        page.set_network(Network::Up);
        page.advance(1);
        assert_eq!(page.measured_ids(), [["a", "b"], ["a", "b"]], "{status}");
        assert_eq!(page.stored_ids(), ["a", "b"]);
        page.advance(LONG_MS);
        assert_eq!(page.requests().len(), 2);
        assert!(page.outbox_is_empty());
    }
}

#[test]
fn any_response_but_a_rejection_counts_as_delivered() {
    for status in [1, 200, 202, 204, 302, 399] {
        let mut page = Page::open_idle();
        page.set_network(Network::Status(status, 60));
        page.call(&order("a"));
        page.advance(LONG_MS);
        assert_eq!(page.measured_ids(), [["a"]], "{status}");
        assert!(page.outbox_is_empty());
    }
}

#[test]
fn retry_after_lengthens_but_never_shortens_the_backoff() {
    for (status, after, delay_ms) in [(429, 60, 60_000), (503, 7_200, 7_200_000), (429, 1, 5_000)] {
        let mut page = Page::open_idle();
        page.set_network(Network::Status(status, after));
        page.call(&order("a"));
        page.advance(IDLE_FLUSH_MS + LATENCY_MS);
        page.set_network(Network::Up);
        page.advance(delay_ms - 1);
        assert_eq!(page.requests().len(), 1, "{status} {after}");
        page.advance(1);
        assert_eq!(page.requests().len(), 2, "{status} {after}");
    }
}

#[test]
fn rejected_batch_delivers_all_but_the_invalid_events() {
    for (bad, count) in [
        (vec![7], 20),
        (vec![0], 2),
        (vec![1], 2),
        (vec![3, 4], 30),
        (vec![0, 39], 40),
        (vec![0], 1),
    ] {
        let mut page = Page::open_idle();
        page.call(INIT_P_DEBUG);
        page.set_network(Network::Manual);
        let ids: Vec<_> = (0..count)
            .map(|i| format!("{}-{i}", if bad.contains(&i) { "bad" } else { "good" }))
            .collect();
        page.orders(ids.iter().map(String::as_str));
        page.advance(IDLE_FLUSH_MS);
        page.reject_matching(&["bad"]);
        let good: Vec<_> = ids
            .iter()
            .filter(|id| id.starts_with("good"))
            .cloned()
            .collect();
        assert_eq!(page.delivered_ids(), good);
        let dropped = page.traced(DebugEvent::Dropped);
        assert_eq!(dropped.len(), bad.len(), "{dropped:?}");
        for (dropped, i) in dropped.iter().zip(&bad) {
            assert!(
                dropped.starts_with(r#"refused_by_endpoint {"type":"order_created""#),
                "{dropped}"
            );
            assert!(dropped.contains(&format!(r#""id":"bad-{i}""#)), "{dropped}");
        }
        page.assert_counted("reason", &[("refused_by_endpoint", bad.len() as u64)]);
        page.assert_counted("name", &[("order_created", bad.len() as u64)]);
        assert!(page.outbox_is_empty());
        // the batch is halved, not sent event by event
        assert!(
            page.requests().len() <= 2 + 16 * bad.len(),
            "{}",
            page.requests().len()
        );
    }
}

#[test]
fn rejected_batch_is_split_at_once() {
    let mut page = Page::open_idle();
    page.call(INIT_P_DEBUG);
    page.orders(["a", "b", "c", "d"]);
    page.set_network(Network::Manual);
    page.advance(IDLE_FLUSH_MS);
    page.set_network(Network::Up);
    page.respond_with(page.request().number, 400, 0);
    page.advance(2 * LATENCY_MS);
    assert_eq!(page.delivered_ids(), ["a", "b", "c", "d"]);
    assert_eq!(page.measured_ids()[1], ["a", "b"]);
    assert_eq!(page.traced(DebugEvent::BatchSplit).len(), 1);
}

#[test]
fn rejected_recovered_event_leaves_its_record() {
    let browser = FakeBrowser::new();
    let now = browser.state().now;
    browser.state_mut().network = Network::Manual;
    let events = ["good-1", "bad", "good-2"].map(|id| wire_form(id, now));
    let mut page = browser.recover_record(&record_with(&events.join(",")));
    page.reject_matching(&["bad"]);
    assert_eq!(page.delivered_ids(), ["good-1", "good-2"]);
    assert!(page.outbox_is_empty());
    page.assert_counted("reason", &[("refused_by_endpoint", 1)]);
}

#[test]
fn rejected_diagnostic_is_dropped_and_blocks_nothing() {
    let mut page = Page::open(CHECKOUT_URL);
    page.set_network(Network::Manual);
    page.call_all([INIT_P_DEBUG, INVALID_CALL]);
    page.orders(["a", "bad", "b"]);
    page.advance(IDLE_FLUSH_MS);
    page.reject_matching(&["bad", "oai::diagnostic"]);
    assert_eq!(page.delivered_ids(), ["a", "b"]);
    assert_eq!(
        page.traced(DebugEvent::Dropped).len(),
        1,
        "only the page's own event"
    );
    assert!(page.requests().len() < 12, "{}", page.requests().len());
    assert!(page.outbox_is_empty());
}

// Network recovery

#[test]
fn online_event_retries_failed_batches_at_once() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.advance(100_000);
    let tries = page.requests().len();
    page.set_network(Network::Up);
    page.advance(1_000);
    assert_eq!(page.requests().len(), tries);
    page.call(&order("b"));
    page.online();
    page.advance(0);
    assert_eq!(
        page.measured_ids().last(),
        Some(&vec!["a".into(), "b".into()])
    );
    page.advance(LATENCY_MS);
    assert_eq!(page.delivered_ids(), ["a", "b"]);
}

#[test]
fn online_event_changes_nothing_without_a_failure() {
    let mut page = Page::open_idle();
    page.set_network(Network::Manual);
    page.call(&order("a"));
    page.online();
    page.advance(IDLE_FLUSH_MS - 1);
    assert!(page.requests().is_empty());
    page.advance(1);
    page.online();
    page.advance(LONG_MS);
    assert_eq!(page.measured_ids(), [["a"]]);
}

#[test]
fn beacon_after_a_failure_is_resent_by_the_next_page() {
    let mut page = Page::open_idle();
    page.set_network(Network::Down);
    page.call(&order("a"));
    page.advance(IDLE_FLUSH_MS + LATENCY_MS);
    page.call(&order("b"));
    let mut page = page.navigate_to(NEXT);
    assert!(page.requests()[1].is_unconfirmed);
    assert_eq!(page.stored_ids(), ["a", "b"]);
    page.set_network(Network::Up);
    page.browser.state_mut().requests.clear();
    start(&mut page);
    assert_eq!(page.delivered_ids(), ["a", "b"]);
    assert!(page.outbox_is_empty());
}

// Blocked storage

#[test]
fn blocked_storage_loses_no_event_and_is_traced_only_with_debug() {
    for (init, has_debug) in [(INIT_P, false), (INIT_P_DEBUG, true)] {
        let browser = FakeBrowser::new();
        browser.state_mut().storage_blocked = true;
        let mut page = browser.open(CHECKOUT_URL);
        page.call(init);
        page.set_network(Network::Down);
        let ids = page.burst(100);
        page.advance(SAVE_DELAY_MS);
        assert_eq!(
            page.traced(DebugEvent::StorageUnavailable).len(),
            usize::from(has_debug)
        );
        page.advance(60_000);
        page.set_network(Network::Up);
        page.advance(LONG_MS);
        assert_eq!(page.delivered_ids(), ids);
        assert!(page.warnings().is_empty());
        assert_eq!(page.traced(DebugEvent::Queued).is_empty(), !has_debug);
        page.call(&order("last"));
        page.hide();
        assert!(page.delivered_ids().contains(&"last".into()));
    }
}

#[test]
fn working_storage_traces_no_storage_problem() {
    let mut page = Page::open(CHECKOUT_URL);
    page.call(INIT_P_DEBUG);
    page.call(&order("a"));
    page.advance(60_000);
    assert!(page.traced(DebugEvent::StorageUnavailable).is_empty());
}

// Properties

/// One step of a visit with several pages.
#[derive(Debug, Clone)]
enum Act {
    Order,
    Advance(u64),
    Network(Network),
    Beacons(bool),
    Workers(bool),
    Online,
    /// The page is hidden but not unloaded.
    Leave,
    /// Another page opens, after a crash or after page hide.
    Crash,
    NextPage,
}

fn act() -> impl Strategy<Value = Act> {
    let networks = vec![
        Network::Up,
        Network::Down,
        Network::Manual,
        Network::Status(503, 9),
    ];
    prop_oneof![
        8 => Just(Act::Order),
        8 => prop_oneof![0..130u64, 0..3_000u64, 0..400_000u64].prop_map(Act::Advance),
        3 => prop::sample::select(networks).prop_map(Act::Network),
        1 => any::<bool>().prop_map(Act::Beacons),
        1 => any::<bool>().prop_map(Act::Workers),
        1 => Just(Act::Online),
        2 => Just(Act::Leave),
        2 => Just(Act::Crash),
        2 => Just(Act::NextPage),
    ]
}

/// A measured event, and the number of its page.
struct Measured {
    page_number: usize,
    at: u64,
    /// Whether its page was hidden since, or stayed open long enough to save it.
    is_safe: bool,
}

proptest! {
    #[test]
    fn every_event_is_delivered_once_with_its_own_click_id_whatever_happens_to_its_page(
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let browser = FakeBrowser::new();
        let url = |page| format!("https://shop.example.test/{page}?oppref=click-{page}");
        let mut number = 0;
        let mut page = browser.open(&url(number));
        page.call(INIT_P);
        let mut measured: Vec<Measured> = Vec::new();
        for act in acts.iter().chain([&Act::Network(Network::Up), &Act::Beacons(true), &Act::Crash]) {
            let now = browser.state().now;
            let is_end = matches!(act, Act::Crash | Act::NextPage);
            let is_orderly = matches!(act, Act::Leave | Act::NextPage);
            for event in measured.iter_mut().filter(|event| event.page_number == number) {
                event.is_safe |= is_orderly || is_end && now - event.at > SAVE_DELAY_MS;
            }
            match act {
                Act::Order => {
                    let id = measured.len().to_string();
                    measured.push(Measured { page_number: number, at: now, is_safe: false });
                    page.call(&order(&id));
                }
                Act::Advance(ms) => page.advance(*ms),
                Act::Network(network) => page.set_network(*network),
                Act::Beacons(accepted) => browser.state_mut().accepts_beacons = *accepted,
                Act::Workers(available) => browser.state_mut().has_workers = *available,
                Act::Online => page.online(),
                Act::Leave => page.hide(),
                Act::Crash => page = page.crash(&url(number + 1)),
                Act::NextPage => page = page.navigate_to(&url(number + 1)),
            }
            if is_end {
                number += 1;
                page.call(INIT_P);
            }
        }
        page.advance(20 * 60 * 1_000);

        let requests = page.requests();
        for sent in &requests {
            for id in sent.measured_ids() {
                let of = measured[id.parse::<usize>().expect("a number")].page_number;
                prop_assert_eq!(sent.batch().oppref, Some(format!("click-{of}")));
            }
        }
        // requests in flight when the page ended and unconfirmed beacons are sent again
        let delivered = requests.iter().filter(|sent| sent.delivered == Some(true) && !sent.is_unconfirmed);
        let mut times = vec![0; measured.len()];
        for id in delivered.flat_map(SentRequest::measured_ids) {
            times[id.parse::<usize>().expect("a number")] += 1;
        }
        for (id, event) in measured.iter().enumerate() {
            prop_assert!(times[id] == 1 || times[id] == 0 && !event.is_safe, "{}: {}", id, times[id]);
        }
        prop_assert!(page.outbox_is_empty());
    }
}
