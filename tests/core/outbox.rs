//! What has been measured and has not arrived: it is kept, and goes from the next page, whatever became of its own.

use std::collections::BTreeMap;

use oaiq::host::Step;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::support::fake_browser::{BOX, Browser, By, LATENCY, Network, Sent};
use crate::support::page::{
    CHECKOUT, DENY, GRANT, INIT, INIT_DEBUG, INIT_Q, QUIET, REFUSED, Visit, large_order, order,
};

/// Another page of the shop.
const NEXT: &str = "https://shop.example.test/thanks?order=7#top";
/// Pages that were reached by a click.
const CLICK_A: &str = "https://shop.example.test/?oppref=a";
const CLICK_B: &str = "https://shop.example.test/?oppref=b";

/// So soon after a call it is kept.
const KEPT: u64 = 100;
/// Pauses after failures are never as long.
const LONG: u64 = 1_000_000;
const DAY: u64 = 24 * 60 * 60 * 1_000;
/// The outbox takes no more events than this,
const MOST: usize = 500;
/// and no more bytes of them.
const MOST_BYTES: usize = 256 << 10;

impl Visit {
    fn orders<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            self.call(&order(id));
        }
    }

    /// Measures so many orders, and returns their ids.
    fn burst(&mut self, orders: usize) -> Vec<String> {
        let ids: Vec<_> = (0..orders).map(|i| format!("order-{i}")).collect();
        self.orders(ids.iter().map(String::as_str));
        ids
    }

    /// The ids of what stands in the outbox.
    fn kept(&self) -> Vec<String> {
        self.browser.look().kept()
    }

    /// Has the outbox nothing, not even a box?
    fn keeps_nothing(&self) -> bool {
        let state = self.browser.look();
        !state.local.keys().any(|key| key.starts_with(BOX))
    }

    /// Every text that a page has stored by now, or tried to.
    fn stored(&self) -> Vec<String> {
        let state = self.browser.look();
        let values = state.local.values().chain(state.session.values());
        state.texts.iter().chain(values).cloned().collect()
    }

    /// All events of a request that has arrived.
    fn arrived_events(&self) -> Vec<oaiq::wire::Event> {
        let requests = self.requests().into_iter();
        let arrived = requests.filter(|sent| sent.arrived == Some(true));
        arrived.flat_map(|sent| sent.events()).collect()
    }

    /// What all diagnostics that have arrived have counted, by reason or by name.
    fn counted(&self, by: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for event in self.arrived_events() {
            let counted = event.data.get(&format!("dropped_event_{by}_counts"));
            for (label, count) in counted.and_then(Value::as_object).into_iter().flatten() {
                *counts.entry(label.clone()).or_default() += count.as_u64().expect("a count");
            }
        }
        counts
    }

    /// Does it count these, and nothing else?
    #[track_caller]
    fn assert_counted(&self, by: &str, expected: &[(&str, u64)]) {
        let expected = expected
            .iter()
            .map(|(label, count)| (label.to_string(), *count));
        assert_eq!(self.counted(by), expected.collect());
    }

    /// The request that this event went with.
    #[track_caller]
    fn request_with(&self, id: &str) -> Sent {
        let requests = self.requests().into_iter();
        let mut with = requests.filter(|sent| sent.measured().iter().any(|it| it == id));
        let sent = with.next().expect(id);
        assert!(with.next().is_none(), "{id} went twice");
        sent
    }

    /// The click that this event went with, and the events that it shared the request with.
    #[track_caller]
    fn click_of(&self, id: &str) -> (Option<String>, Vec<String>) {
        let sent = self.request_with(id);
        (sent.batch().oppref, sent.measured())
    }

    /// How many events of that kind have arrived.
    fn arrived_where(&self, is_meant: impl Fn(&oaiq::wire::Event) -> bool) -> usize {
        let events = self.arrived_events();
        events.iter().filter(|event| is_meant(event)).count()
    }

    /// Lets an endpoint answer that refuses whatever holds one of these words, until nothing more is sent.
    fn endpoint_refuses(&mut self, words: &[&str]) {
        for _ in 0..1_000 {
            let requests = self.requests().into_iter();
            let mut open = requests.filter(|sent| sent.arrived.is_none());
            if let Some(sent) = open.next() {
                let refused = words.iter().any(|word| sent.body.contains(word));
                self.answer_with(sent.number, if refused { 400 } else { 200 }, 0);
                self.advance(0);
            } else {
                let before = self.requests().len();
                self.advance(LONG);
                if self.requests().len() == before {
                    return;
                }
            }
        }
        panic!("requests go round for ever");
    }
}

impl Browser {
    /// Puts a box into the outbox, as another page has left it.
    fn leave_box(&self, name: &str, text: &str) {
        let key = format!("{BOX}{name}");
        self.touch().local.insert(key, text.into());
    }

    /// Opens a page whose outbox has that box, and starts the pixel `P` with debug.
    fn find_box(&self, text: &str) -> Visit {
        self.leave_box("left", text);
        let mut visit = self.open(CHECKOUT);
        visit.call(INIT_DEBUG);
        visit.advance(PAST_ADOPTION);
        visit
    }
}

/// A page has painted, and has found what there is, but what it has measured itself waits.
const PAST_ADOPTION: u64 = 200;

/// The wire form of an order of that id.
fn wire_form(id: &str, time: u64) -> String {
    format!(
        r#"{{"type":"order_created","timestamp_ms":{time},"id":"{id}","source_url":"{CHECKOUT}","data":{{"type":"contents"}}}}"#
    )
}

/// A box of the pixel `P` with these events.
fn box_of(events: &str) -> String {
    format!(r#"{{"pixel":"P","events":[{events}]}}"#)
}

/// A page on which `P` has measured these orders, and which dies before it could send them. Another one opens.
fn crashed(url: &str, ids: &[&str], next: &str) -> Visit {
    let mut visit = Visit::to(url);
    visit.call(INIT);
    visit.orders(ids.iter().copied());
    visit.advance(KEPT);
    assert!(visit.requests().is_empty());
    visit.crash(next)
}

/// Starts `P` and lets everything go.
fn start(visit: &mut Visit) {
    visit.call(INIT);
    visit.advance(LONG);
}

// What is kept

#[test]
fn an_event_is_kept_within_a_tenth_of_a_second_but_not_while_its_page_waits_for_the_call() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    assert!(visit.keeps_nothing());
    visit.advance(KEPT);
    assert_eq!(visit.kept(), ["a"]);
    assert!(visit.requests().is_empty());
}

#[test]
fn the_first_events_of_a_page_are_kept_as_soon() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.advance(KEPT);
    assert_eq!(visit.kept(), ["a"]);
}

#[test]
fn calls_made_together_are_kept_together_and_a_steady_stream_does_not_put_it_off() {
    let mut visit = Visit::settled();
    visit.orders(["a", "b"]);
    visit.advance(30);
    visit.call(&order("c"));
    visit.advance(30);
    assert_eq!(visit.browser.look().texts.len(), 1);
    assert_eq!(visit.kept(), ["a", "b", "c"]);
    for i in 0..10 {
        visit.call(&order(&i.to_string()));
        visit.advance(50);
        let kept = visit.kept().len();
        assert!(kept >= 3 + i, "{i}: {kept}");
    }
}

#[test]
fn what_was_measured_before_init_is_kept_once_its_pixel_starts() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(&order("early"));
    visit.advance(500);
    visit.call(INIT);
    visit.advance(KEPT);
    assert!(visit.requests().is_empty());
    assert_eq!(visit.kept(), ["early"]);
}

#[test]
fn what_has_arrived_leaves_the_outbox_at_once_and_an_empty_box_is_no_box() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY - 1);
    assert_eq!(visit.kept(), ["a"], "it is still on its way");
    visit.advance(1);
    assert_eq!(visit.arrived(), ["a"]);
    assert!(visit.keeps_nothing());
}

#[test]
fn of_a_burst_what_has_arrived_leaves_the_outbox_and_the_rest_stays() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    let ids = visit.burst(MOST);
    visit.advance(QUIET);
    let first = visit.request().measured().len();
    visit.arrive(0);
    assert_eq!(visit.kept(), ids[first..]);
}

#[test]
fn what_is_believed_to_go_by_a_beacon_leaves_the_outbox_at_once() {
    let mut visit = Visit::settled();
    visit.call(&order("a"));
    visit.advance(KEPT);
    visit.leave();
    assert_eq!(visit.ways(), [By::Beacon]);
    assert!(visit.keeps_nothing());
}

#[test]
fn what_a_leaving_page_sends_by_fetch_is_kept_before_the_page_is_gone() {
    let mut visit = Visit::settled();
    visit.browser.touch().takes_beacons = false;
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.leave();
    assert_eq!(visit.kept(), ["a"]);
}

#[test]
fn what_a_courier_takes_stays_in_a_box_of_its_own_until_it_has_arrived() {
    for (network, kept) in [(Network::Up, vec![]), (Network::Down, vec!["b", "c"])] {
        let mut visit = Visit::settled();
        visit.network(Network::Held);
        visit.call(&order("a"));
        visit.advance(QUIET);
        visit.orders(["b", "c"]);
        visit.advance(KEPT);
        visit.network(network);
        visit.browser.touch().has_couriers = true;
        visit.leave();
        assert_eq!(visit.ways(), [By::Fetch, By::Courier]);
        let mut boxes: Vec<_> = visit.browser.look().outbox().into_values().collect();
        boxes.retain(|it| it["events"][0]["id"] != "a");
        let events = boxes.iter().flat_map(|it| it["events"].as_array().cloned());
        let ids: Vec<_> = events.flatten().map(|event| event["id"].clone()).collect();
        assert_eq!(ids, kept);
        assert!(visit.kept().contains(&"a".into()), "its answer is open");
    }
}

#[test]
fn what_no_courier_could_deliver_goes_from_the_next_page_with_its_click() {
    let mut visit = Visit::to(CLICK_A);
    visit.browser.touch().has_couriers = true;
    visit.network(Network::Down);
    visit.call(INIT);
    visit.call(&order("a"));
    visit.leave();
    assert_eq!(visit.ways(), [By::Courier]);
    let mut visit = visit.next_page(CLICK_B);
    visit.network(Network::Up);
    visit.browser.touch().requests.clear();
    start(&mut visit);
    assert_eq!(visit.click_of("a"), (Some("a".into()), vec!["a".into()]));
    assert!(visit.keeps_nothing());
}

#[test]
fn nothing_of_ours_and_nothing_of_the_user_is_ever_stored() {
    for has_couriers in [false, true] {
        never_stored(has_couriers);
    }
}

fn never_stored(has_couriers: bool) {
    let init =
        r#"["init",{"pixelId":"P","user":{"email_sha256":"jane@example.com","city":"Kiel"}}]"#;
    let mut visit = Visit::to(CLICK_A);
    visit.browser.touch().has_couriers = has_couriers;
    visit.network(Network::Down);
    for next in [NEXT, CHECKOUT] {
        visit.calls([init, REFUSED]);
        visit.call(&order(next));
        visit.advance(60_000);
        visit.leave();
        assert!(visit.kept().contains(&next.into()));
        visit = visit.crash(next);
    }
    let digest = Sha256::digest(b"jane@example.com");
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        visit
            .requests()
            .iter()
            .any(|sent| sent.body.contains(&hash))
    );
    for text in visit.stored() {
        for never in [&*hash, "jane", "Kiel", "user", "openai::", "oai::"] {
            assert!(!text.contains(never), "{text}");
        }
    }
}

#[test]
fn a_page_that_measures_nothing_keeps_nothing() {
    let mut visit = Visit::to(CLICK_A);
    visit.network(Network::Down);
    visit.calls([INIT, REFUSED]);
    visit.advance(60_000);
    visit.leave();
    assert!(visit.browser.look().texts.is_empty());
}

// The next page

#[test]
fn what_a_crashed_page_has_measured_goes_from_the_next_as_it_was_once() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT_DEBUG);
    visit.call(&order(r"a\u0022b"));
    visit.push_state("https://shop.example.test/b?c#d");
    visit.call(&view("page_viewed", "v"));
    visit
        .call(r#"["measure","custom",{"type":"custom"},{"custom_event_name":"z","opt_out":true}]"#);
    visit.advance(KEPT);
    let measured = visit.told(Step::Queued);
    assert_eq!(measured.len(), 3);

    let mut visit = visit.crash(NEXT);
    visit.browser.touch().now += DAY;
    start(&mut visit);
    let requests = visit.requests().into_iter();
    let with: Vec<_> = requests
        .filter(|sent| !sent.measured().is_empty())
        .collect();
    assert_eq!(with.len(), 1);
    let expected = format!(r#""events":[{}]"#, measured.join(","));
    assert!(with[0].body.contains(&expected), "{}", with[0].body);
    assert!(visit.keeps_nothing());
    assert!(
        visit
            .browser
            .look()
            .texts
            .iter()
            .all(|text| !text.contains("z?"))
    );
}

#[test]
fn what_the_next_page_takes_over_does_not_wait_and_stays_kept_until_it_has_arrived() {
    let mut visit = crashed(CHECKOUT, &["a"], NEXT);
    visit.network(Network::Down);
    visit.call(INIT);
    visit.advance(PAST_ADOPTION);
    assert_eq!(visit.measured(), [["a"]]);
    assert_eq!(visit.kept(), ["a"]);
    visit.network(Network::Up);
    visit.advance(LONG);
    assert_eq!(visit.arrived(), ["a"]);
    assert!(visit.keeps_nothing());
}

#[test]
fn it_goes_as_well_when_the_next_page_crashes_at_any_moment() {
    for after in [0, 10, 17, 18, 50, 200, 3_000] {
        let mut visit = crashed(CHECKOUT, &["a"], NEXT);
        visit.network(Network::Held);
        visit.call(INIT);
        visit.call(&order("b"));
        visit.advance(after);
        assert!(visit.kept().contains(&"a".into()), "{after}");
        let mut visit = visit.crash(CHECKOUT);
        visit.network(Network::Up);
        start(&mut visit);
        let mut arrived = visit.arrived();
        arrived.sort();
        let both = if after >= KEPT { 2 } else { arrived.len() };
        assert_eq!(arrived, ["a", "b"][..both], "{after}");
        assert!(visit.keeps_nothing());
    }
}

#[test]
fn what_pages_before_the_last_have_left_goes_as_well() {
    let mut visit = crashed(CHECKOUT, &["a"], NEXT);
    visit.network(Network::Down);
    for id in ["b", "c"] {
        visit.call(INIT);
        visit.call(&order(id));
        visit.advance(20_000);
        visit = visit.crash(NEXT);
    }
    visit.network(Network::Up);
    start(&mut visit);
    let mut arrived = visit.arrived();
    arrived.sort();
    assert_eq!(arrived, ["a", "b", "c"]);
    assert!(visit.keeps_nothing());
}

#[test]
fn each_of_two_pixels_gets_what_was_measured_for_it() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([INIT, INIT_Q]);
    visit.call(&order("both"));
    visit.call(
        r#"["measureSingle","Q","lead_created",{"type":"customer_action"},{"event_id":"q"}]"#,
    );
    visit.advance(KEPT);
    let mut visit = visit.crash(NEXT);
    visit.calls([INIT, INIT_Q]);
    visit.advance(LONG);
    for (pixel, expected) in [("P", vec!["both"]), ("Q", vec!["both", "q"])] {
        let requests = visit.requests_of(pixel).into_iter();
        let measured: Vec<_> = requests.flat_map(|sent| sent.measured()).collect();
        assert_eq!(measured, expected, "{pixel}");
    }
    assert!(visit.keeps_nothing());
}

#[test]
fn a_pixel_that_the_next_page_does_not_start_gets_its_events_and_nothing_else() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT_Q);
    visit.call(&order("a"));
    visit.advance(KEPT);
    let mut visit = visit.crash(NEXT);
    visit.browser.touch().settings_asked.clear();
    visit.call(INIT);
    visit.advance(PAST_ADOPTION);
    // what the next page measures is not for it
    visit.call(&order("b"));
    visit.advance(LONG);
    let to_q: Vec<_> = visit.requests_of("Q").iter().map(Sent::names).collect();
    assert_eq!(to_q, [["order_created"]]);
    let to_p = visit.requests_of("P").into_iter();
    let to_p: Vec<_> = to_p.flat_map(|sent| sent.measured()).collect();
    assert_eq!(to_p, ["b"]);
    assert_eq!(visit.settings_asked().len(), 1);
    let state = visit.browser.look();
    assert_eq!(state.session.keys().collect::<Vec<_>>(), ["oaiq_cs:P"]);
}

#[test]
fn what_is_taken_over_needs_no_second_start_no_second_marker_and_no_second_settings() {
    for settled in [false, true] {
        let mut visit = Visit::to(CHECKOUT);
        visit.call(INIT);
        if settled {
            visit.settle();
        }
        visit.browser.touch().settings_asked.clear();
        visit.call(&order("a"));
        visit.advance(KEPT);
        let asked = visit.settings_asked().len();
        let mut visit = visit.crash(NEXT);
        visit.network(Network::Down);
        visit.call(INIT);
        visit.advance(60_000);
        visit.network(Network::Up);
        visit.advance(LONG);
        assert_eq!(visit.arrived(), ["a"]);
        assert_eq!(visit.settings_asked().len(), asked + 1);
        assert_eq!(
            visit.arrived_where(|event| event.name == "openai::sdk_init"),
            1
        );
        let is_marker =
            |event: &oaiq::wire::Event| event.data.contains_key("is_first_visit_in_session");
        assert_eq!(visit.arrived_where(is_marker), usize::from(!settled));
    }
}

// Who it is from

#[test]
fn events_of_different_clicks_never_share_a_request() {
    let mut visit = crashed(CLICK_A, &["a"], CLICK_B);
    visit.call(INIT);
    visit.call(&order("b"));
    visit.advance(LONG);
    for id in ["a", "b"] {
        assert_eq!(visit.click_of(id), (Some(id.into()), vec![id.into()]));
    }
}

#[test]
fn events_of_different_clicks_are_still_apart_two_crashes_later() {
    let mut visit = crashed(CLICK_A, &["a"], CLICK_B);
    visit.network(Network::Held);
    visit.call(INIT);
    visit.call(&order("b"));
    visit.advance(PAST_ADOPTION);
    let mut visit = visit.crash(CHECKOUT);
    visit.browser.touch().requests.clear();
    visit.network(Network::Up);
    visit.call(INIT);
    visit.call(&order("c"));
    visit.advance(LONG);
    for (id, click) in [("a", "a"), ("b", "b"), ("c", "b")] {
        assert_eq!(visit.click_of(id), (Some(click.into()), vec![id.into()]));
    }
}

#[test]
fn what_was_measured_before_any_click_goes_without_one() {
    let mut visit = crashed(CHECKOUT, &["a"], CLICK_B);
    start(&mut visit);
    assert_eq!(visit.click_of("a"), (None, vec!["a".into()]));
}

#[test]
fn a_click_of_odd_characters_is_kept_as_it_was() {
    let mut visit = crashed(
        "https://shop.example.test/?oppref=%22%5C%0A%C3%BC",
        &["a"],
        CLICK_B,
    );
    start(&mut visit);
    assert_eq!(visit.click_of("a").0.as_deref(), Some("\"\\\nü"));
}

#[test]
fn the_user_of_the_next_page_does_not_go_with_what_an_earlier_one_has_measured() {
    let user = r#""user":{"city":"Kiel"}"#;
    for config in ["u".into(), format!("{{{user}}}")] {
        let browser = crashed(CHECKOUT, &["a"], NEXT).browser;
        let mut visit = browser.open_with(&config);
        visit.call(&format!(r#"["init",{{"pixelId":"P",{user}}}]"#));
        visit.call(&order("b"));
        visit.advance(LONG);
        assert_eq!(visit.request_with("a").batch().user, None);
        assert!(visit.request_with("b").batch().user.is_some());
    }
}

// More than the outbox takes

/// A call that measures a view, of a page or of something on it.
fn view(name: &str, id: &str) -> String {
    format!(r#"["measure","{name}",{{"type":"contents"}},{{"event_id":"{id}"}}]"#)
}

#[test]
fn when_requests_fail_the_oldest_views_go_first_and_then_the_oldest_of_all() {
    let mut visit = Visit::settled();
    visit.call(INIT_DEBUG);
    visit.network(Network::Down);
    visit.call(&order("first"));
    let orders = visit.burst(MOST - 3);
    visit.call(&view("page_viewed", "v"));
    visit.call(&view("contents_viewed", "w"));
    visit.call(&view("page_viewed", "x"));
    visit.advance(10_000);
    assert_eq!(visit.kept().len(), MOST);
    let lost = || visit.told(Step::Lost);
    assert_eq!(lost().len(), 1);
    assert!(lost()[0].starts_with(r#"outbox_full {"type":"page_viewed""#));
    assert!(lost()[0].contains(r#""id":"v""#));

    visit.orders(["more-1", "more-2", "more-3", "more-4"]);
    visit.advance(KEPT);
    let kept = visit.kept();
    assert_eq!(kept.len(), MOST);
    assert!(
        !kept
            .iter()
            .any(|id| ["w", "x", "first", "order-0"].contains(&id.as_str()))
    );
    assert_eq!(visit.told(Step::Lost).len(), 5);

    visit.network(Network::Up);
    visit.advance(LONG);
    let mut expected = orders[1..].to_vec();
    expected.extend((1..5).map(|i| format!("more-{i}")));
    assert_eq!(visit.arrived(), expected);
    visit.assert_counted("reason", &[("outbox_full", 5)]);
    visit.assert_counted(
        "name",
        &[
            ("contents_viewed", 1),
            ("order_created", 2),
            ("page_viewed", 2),
        ],
    );
}

#[test]
fn when_requests_fail_no_more_than_256_kib_are_kept() {
    let mut visit = Visit::settled();
    visit.call(INIT_DEBUG);
    visit.network(Network::Down);
    for i in 0..40 {
        visit.call(&large_order(&i.to_string(), 10_000));
    }
    let forms = visit.told(Step::Queued);
    visit.advance(30_000);
    let kept = visit.kept();
    let first = 40 - kept.len();
    let ids: Vec<_> = (first..40).map(|i| i.to_string()).collect();
    assert_eq!(kept, ids, "the youngest");
    let bytes = |from: usize| forms[from..].iter().map(String::len).sum::<usize>();
    assert!(bytes(first) <= MOST_BYTES && bytes(first - 1) > MOST_BYTES);

    visit.network(Network::Up);
    visit.advance(LONG);
    assert_eq!(visit.arrived(), ids);
    visit.assert_counted("reason", &[("outbox_full", first as u64)]);
    visit.assert_counted("name", &[("order_created", first as u64)]);
}

#[test]
fn what_was_taken_over_counts_as_well_and_is_dropped_before_what_is_newer() {
    let browser = Visit::to(CHECKOUT).browser;
    let now = browser.look().now;
    let old: Vec<_> = (0..300)
        .map(|i| wire_form(&format!("old-{i}"), now - 1))
        .collect();
    browser.touch().network = Network::Down;
    let mut visit = browser.find_box(&box_of(&old.join(",")));
    let ids = visit.burst(300);
    visit.advance(30_000);
    assert_eq!(visit.kept().len(), MOST);
    visit.network(Network::Up);
    visit.advance(LONG);
    let mut arrived = visit.arrived();
    arrived.sort();
    let mut expected: Vec<_> = (100..300).map(|i| format!("old-{i}")).collect();
    expected.extend(ids);
    expected.sort();
    assert_eq!(arrived, expected);
}

#[test]
fn of_two_pixels_the_oldest_events_are_dropped_whichever_they_are_for() {
    let mut visit = Visit::settled();
    visit.call(INIT_Q);
    visit.settle();
    visit.network(Network::Down);
    for (pixel, count) in [("P", 300), ("Q", 300)] {
        for i in 0..count {
            visit.call(&format!(
                r#"["measureSingle","{pixel}","lead_created",{{"type":"customer_action"}},{{"event_id":"{pixel}{i}"}}]"#
            ));
        }
        visit.advance(10_000);
    }
    let kept = visit.kept();
    assert_eq!(kept.len(), MOST);
    let of_p = kept.iter().filter(|id| id.starts_with('P')).count();
    assert_eq!(of_p, 200, "all of Q are younger than all of P");
}

#[test]
fn a_burst_arrives_whole_while_requests_do_not_fail_though_the_outbox_holds_no_more_than_500() {
    let mut visit = Visit::settled();
    let ids = visit.burst(700);
    visit.advance(KEPT);
    assert_eq!(visit.kept(), ids[..MOST]);
    visit.advance(10_000);
    assert_eq!(visit.arrived(), ids);
    for text in visit.browser.look().texts.iter() {
        let text: Value = serde_json::from_str(text).expect("JSON");
        assert!(text["events"].as_array().expect("events").len() <= MOST);
    }
    assert!(visit.counted("reason").is_empty());
    assert!(visit.keeps_nothing());
}

#[test]
fn a_large_burst_arrives_whole_though_the_outbox_holds_no_more_than_256_kib() {
    let mut visit = Visit::settled();
    for i in 0..40 {
        visit.call(&large_order(&i.to_string(), 10_000));
    }
    visit.advance(10_000);
    assert_eq!(visit.arrived().len(), 40);
    let state = visit.browser.look();
    let largest = state.texts.iter().map(String::len).max();
    assert!((MOST_BYTES - 11_000..=MOST_BYTES).contains(&largest.expect("a text")));
}

#[test]
fn the_boxes_of_all_pixels_together_hold_no_more_than_500() {
    let mut visit = Visit::settled();
    visit.call(INIT_Q);
    visit.settle();
    visit.burst(400);
    visit.advance(KEPT);
    assert!(visit.kept().len() <= MOST, "{}", visit.kept().len());
}

// What is too old

#[test]
fn what_is_older_than_seven_days_is_dropped_and_told_and_what_is_younger_goes() {
    let browser = Browser::new();
    let now = browser.look().now;
    let events = [
        wire_form("old", now - 7 * DAY),
        wire_form("young", now - 7 * DAY + 1_000),
    ];
    let mut visit = browser.find_box(&box_of(&events.join(",")));
    visit.advance(LONG);
    assert_eq!(visit.arrived(), ["young"]);
    visit.assert_counted("reason", &[("too_old", 1)]);
    visit.assert_counted("name", &[("order_created", 1)]);
    let lost = visit.told(Step::Lost);
    assert_eq!(lost, [format!("too_old {}", events[0])]);
    assert!(visit.keeps_nothing());
}

#[test]
fn what_was_dropped_as_too_old_is_not_found_and_counted_again() {
    let browser = Browser::new();
    let now = browser.look().now;
    let events = [wire_form("old", now - 8 * DAY), wire_form("young", now)];
    browser.touch().network = Network::Held;
    let visit = browser.find_box(&box_of(&events.join(",")));
    assert_eq!(visit.kept(), ["young"]);
}

#[test]
fn a_page_that_crashed_seven_days_ago_is_forgotten_and_one_of_the_day_after_is_not() {
    for (later, arrives) in [(7 * DAY + 1_000, false), (7 * DAY - 1_000, true)] {
        let mut visit = crashed(CHECKOUT, &["a"], NEXT);
        visit.browser.touch().now += later;
        start(&mut visit);
        assert_eq!(visit.arrived().len(), usize::from(arrives));
        assert_eq!(visit.counted("reason").contains_key("too_old"), !arrives);
        assert!(visit.keeps_nothing());
    }
}

#[test]
fn a_clock_that_was_set_back_before_the_next_page_does_not_matter() {
    for back in [1, 30 * DAY, 1_800_000_000_000] {
        let mut visit = crashed(CHECKOUT, &["a"], NEXT);
        let mut state = visit.browser.touch();
        state.now = state.now.saturating_sub(back);
        drop(state);
        start(&mut visit);
        assert_eq!(visit.arrived(), ["a"], "{back}");
        assert!(visit.keeps_nothing());
    }
}

// Denial

/// Opens further pages, grants, and looks whether anything is ever sent.
#[track_caller]
fn assert_gone(mut visit: Visit) {
    assert!(visit.keeps_nothing());
    visit.network(Network::Up);
    visit.browser.touch().requests.clear();
    for _ in 0..2 {
        visit.advance(LONG);
        visit.calls([INIT, GRANT]);
        visit.advance(LONG);
        visit = visit.crash(NEXT);
    }
    assert!(
        visit.measured().concat().is_empty(),
        "{:?}",
        visit.measured()
    );
    assert!(visit.keeps_nothing());
}

/// Pages that have something in the outbox: what waits, what has failed, what is on its way, what was taken over; and
/// a box that another page has left since.
fn pages_with_an_outbox() -> Vec<Visit> {
    let networks = [Network::Up, Network::Down, Network::Held];
    let mut pages: Vec<_> = networks
        .map(|network| {
            let mut visit = Visit::settled();
            visit.network(network);
            visit.call(&order("a"));
            visit.advance(if network == Network::Up { KEPT } else { 2_000 });
            visit
        })
        .into();
    let mut heir = crashed(CHECKOUT, &["a"], NEXT);
    heir.network(Network::Down);
    heir.call(INIT);
    heir.advance(PAST_ADOPTION);
    pages.push(heir);
    for visit in &pages {
        assert_eq!(visit.kept(), ["a"]);
        let now = visit.browser.look().now;
        visit
            .browser
            .leave_box("other", &box_of(&wire_form("other", now)));
    }
    pages
}

#[test]
fn a_denial_empties_the_outbox_at_once_and_nothing_of_it_is_ever_sent() {
    for mut visit in pages_with_an_outbox() {
        visit.call(DENY);
        assert_gone(visit);
    }
}

#[test]
fn so_does_a_denial_in_another_tab() {
    for mut visit in pages_with_an_outbox() {
        visit.another_tab_stores("false");
        assert_gone(visit);
    }
}

#[test]
fn so_does_a_denial_that_the_next_page_finds_though_it_starts_no_pixel() {
    for in_cookie in [false, true] {
        for visit in pages_with_an_outbox() {
            let mut visit = visit.crash(NEXT);
            if in_cookie {
                let denial = "__oaiq_consent=false; Domain=example.test";
                visit.browser.set_cookie_at("shop.example.test", denial);
            } else {
                let mut state = visit.browser.touch();
                state.local.insert("oaiq_consent".into(), "false".into());
            }
            visit.advance(PAST_ADOPTION);
            assert_gone(visit);
        }
    }
}

#[test]
fn a_denial_stored_while_the_next_page_takes_over_is_one_for_what_it_takes_over() {
    let mut visit = crashed(CHECKOUT, &["a"], NEXT);
    visit.call(INIT);
    visit.advance(16);
    let mut state = visit.browser.touch();
    state.local.insert("oaiq_consent".into(), "false".into());
    drop(state);
    visit.advance(LONG);
    assert!(visit.measured().concat().is_empty());
    assert_gone(visit);
}

#[test]
fn what_is_under_way_when_consent_is_denied_is_not_kept_again_when_it_fails() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.advance(QUIET);
    visit.call(DENY);
    visit.fail(0);
    visit.advance(KEPT);
    assert_gone(visit);
}

#[test]
fn without_consent_nothing_is_kept() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.call(&order("a"));
    visit.advance(KEPT);
    visit.leave();
    assert!(visit.browser.look().texts.is_empty());
}

#[test]
fn a_box_that_is_found_while_consent_is_denied_is_gone() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.advance(PAST_ADOPTION);
    let now = visit.browser.look().now;
    visit
        .browser
        .leave_box("other", &box_of(&wire_form("other", now)));
    visit.find("other");
    assert_gone(visit);
}

#[test]
fn what_other_pages_have_left_is_taken_over_when_consent_is_granted_later() {
    let mut visit = Visit::to(CHECKOUT);
    visit.calls([DENY, INIT]);
    visit.settle();
    let now = visit.browser.look().now;
    visit
        .browser
        .leave_box("other", &box_of(&wire_form("other", now)));
    visit.advance(LONG);
    assert!(visit.measured().concat().is_empty());
    visit.call(GRANT);
    visit.advance(LONG);
    assert_eq!(visit.arrived(), ["other"]);
    assert!(visit.keeps_nothing());
}

#[test]
fn a_page_that_starts_no_pixel_leaves_the_boxes_to_one_that_does() {
    let mut visit = crashed(CHECKOUT, &["a"], NEXT);
    visit.advance(LONG);
    assert_eq!(visit.kept(), ["a"]);
    assert!(visit.requests().is_empty());
    let mut visit = visit.next_page(CHECKOUT);
    start(&mut visit);
    assert_eq!(visit.arrived(), ["a"]);
}

// Damaged boxes

/// Is the box gone, and does what the page measures itself go on?
#[track_caller]
fn assert_recovers(mut visit: Visit) -> Visit {
    visit.call(&order("own"));
    visit.advance(LONG);
    assert!(visit.keeps_nothing(), "{:?}", visit.browser.look().outbox());
    let requests = visit.requests_of("P").into_iter();
    let with = requests.filter(|sent| sent.body.contains(r#""id":"own""#));
    let own: Vec<_> = with.map(|sent| sent.measured()).collect();
    assert_eq!(own, [["own"]]);
    for sent in visit.requests() {
        let body: Result<Value, _> = serde_json::from_str(&sent.body);
        assert!(body.is_ok(), "{}", sent.body);
    }
    visit
}

#[test]
fn a_box_without_events_is_told_of_and_gone() {
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
        let visit = Browser::new().find_box(text);
        assert_eq!(visit.told(Step::Damaged), ["left"], "{text}");
        let visit = assert_recovers(visit);
        assert_eq!(visit.arrived(), ["own"], "{text}");
    }
}

#[test]
fn of_a_box_that_is_told_of_as_damaged_nothing_is_sent() {
    let now = Browser::new().look().now;
    let events = format!(r#"{{"0":{}}}"#, wire_form("x", now));
    let visit = Browser::new().find_box(&format!(r#"{{"pixel":"P","events":{events}}}"#));
    assert_eq!(visit.told(Step::Damaged), ["left"]);
    let visit = assert_recovers(visit);
    assert_eq!(visit.arrived(), ["own"]);
    visit.assert_counted("reason", &[]);
}

#[test]
fn an_empty_box_is_no_damage() {
    let visit = Browser::new().find_box(r#"{"pixel":"P","events":[]}"#);
    assert!(visit.told(Step::Damaged).is_empty());
    assert_recovers(visit);
}

#[test]
fn what_is_no_event_is_dropped_from_a_box_and_its_events_go() {
    let now = Browser::new().look().now;
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
        let visit = Browser::new().find_box(&box_of(&events));
        assert!(visit.told(Step::Damaged).is_empty());
        let visit = assert_recovers(visit);
        let mut arrived = visit.arrived();
        arrived.sort();
        assert_eq!(arrived, ["good", "own"], "{other}");
    }
}

#[test]
fn deep_and_weird_values_in_a_box_stop_nothing() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let deep_fields = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    let now = Browser::new().look().now;
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
            box_of(weird),
            box_of(&format!(
                r#"{{"type":{weird},"timestamp_ms":{now},"id":"x","data":{weird}}}"#
            )),
            box_of(&format!(
                r#"[{now},{weird},{weird},"measure",{weird},{weird}]"#
            )),
            box_of(&format!(r#"[{now},"","","init",{weird}]"#)),
        ] {
            assert_recovers(Browser::new().find_box(&text));
        }
    }
}

#[test]
fn what_the_script_could_not_copy_from_a_box_spoils_no_request() {
    // so it hands over what lies too deep, and numbers that are none
    for unusable in [r#"x"object""#, r#"x"Infinity""#] {
        let mut visit = Browser::new().open(CHECKOUT);
        visit.call(INIT_DEBUG);
        visit.advance(PAST_ADOPTION);
        let now = visit.browser.look().now;
        let good = wire_form("good", now);
        let bad = good
            .replace("good", "bad")
            .replace(r#""contents""#, unusable);
        visit.adopt(&format!(r#"["left",{}]"#, box_of(&format!("{bad},{good}"))));
        let visit = assert_recovers(visit);
        assert!(visit.arrived().contains(&"good".into()));
    }
}

#[test]
fn a_box_that_names_no_pixel_sends_no_request_that_names_none() {
    let now = Browser::new().look().now;
    for pixel in ["", r#""pixel":"","#, r#""pixel":7,"#] {
        let text = format!(r#"{{{pixel}"events":[{}]}}"#, wire_form("a", now));
        let visit = assert_recovers(Browser::new().find_box(&text));
        assert!(visit.requests_of("").is_empty(), "{text}");
    }
}

/// JSON that has something of a box, or nothing.
fn any_box() -> impl Strategy<Value = Value> {
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
    fn a_box_of_any_json_is_gone_and_stops_no_pixel(text in any_box()) {
        assert_recovers(Browser::new().find_box(&text.to_string()));
    }

    #[test]
    fn a_box_of_any_text_is_gone_and_stops_no_pixel(text in any::<String>()) {
        assert_recovers(Browser::new().find_box(&text));
    }

    #[test]
    fn any_text_in_the_place_of_a_box_stops_no_pixel(
        text in prop_oneof![
            any::<String>(),
            any::<String>().prop_map(|text| format!("[\"left\",{text}]")),
            r#"\["left",[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#,
            r#"\["left",\{"pixel":"P","events":\[[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#,
            r#"\["left",\{"events":\[\[1800000000000,"a","b","(init|measure)",[\[\]{}",:ux\\0-9a.e+\- ]{0,64}"#,
        ],
        debug in any::<bool>(),
    ) {
        let mut visit = Visit::to(CHECKOUT);
        visit.call(if debug { INIT_DEBUG } else { INIT });
        visit.advance(PAST_ADOPTION);
        visit.adopt(&text);
        visit.adopt(&text);
        visit.call(&order("own"));
        visit.advance(LONG);
        let requests = visit.requests_of("P").into_iter();
        let own = requests.filter(|sent| sent.body.contains(r#""id":"own""#));
        let own: Vec<_> = own.map(|sent| (sent.arrived, sent.measured())).collect();
        prop_assert_eq!(own, [(Some(true), vec![String::from("own")])]);
    }
}

// Calls that were made before the script had loaded

/// When they were made: some time before the browser of a test is opened.
const THEN: u64 = 1_799_999_990_000;

/// A call as the install snippet saves it, at a time of its own.
fn saved(time: u64, arguments: &str) -> String {
    format!(r#"[{time},"https://shop.example.test/a?x=1#y","https://ref.test/?q",{arguments}]"#)
}

/// An order among the saved calls.
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

/// The box that the snippet leaves.
fn saved_box(calls: &[String]) -> String {
    format!(
        r#"{{"oppref":"x","c":null,"events":[{}]}}"#,
        calls.join(",")
    )
}

#[test]
fn what_was_called_before_the_script_had_loaded_goes_from_the_next_page_as_it_was() {
    let calls = [saved_init("Q"), saved_order("e")];
    let mut visit = Browser::new().find_box(&saved_box(&calls));
    visit.advance(LONG);
    let sent = visit.request_with("e");
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
    assert_eq!(visit.settings_asked().len(), 1);
    assert_eq!(visit.requests_of("Q").len(), 1);
    assert!(visit.keeps_nothing());
}

#[test]
fn a_click_that_was_none_is_none() {
    for oppref in ["null", r#""""#] {
        let text = saved_box(&[saved_order("e")]).replace(r#""x""#, oppref);
        let browser = Browser::new();
        browser.leave_box("left", &text);
        let mut visit = browser.open(CLICK_B);
        start(&mut visit);
        assert_eq!(visit.request_with("e").batch().oppref, None);
    }
}

#[test]
fn saved_calls_that_break_a_rule_are_refused_and_counted() {
    let calls = [
        saved_init("P"),
        saved(THEN, r#""measure","order_created",null"#),
        saved(THEN, r#""measure","no_event""#),
        saved_order("e"),
    ];
    let mut visit = Browser::new().find_box(&saved_box(&calls));
    assert_eq!(visit.told(Step::Refused).len(), 2);
    visit.advance(LONG);
    assert_eq!(visit.arrived(), ["e"]);
    visit.assert_counted("name", &[("order_created", 1), ("unknown", 1)]);
    assert!(visit.keeps_nothing());
}

#[test]
fn saved_calls_that_are_all_refused_leave_no_box() {
    let calls = [saved_init("P"), saved(THEN, r#""measure","no_event""#)];
    let mut visit = Browser::new().find_box(&saved_box(&calls));
    assert!(visit.keeps_nothing());
    visit.advance(LONG);
    visit.assert_counted("name", &[("unknown", 1)]);
}

#[test]
fn a_saved_answer_about_consent_changes_nothing() {
    for answer in ["true", "false"] {
        let calls = [
            saved(THEN, &format!(r#""consent",{answer}"#)),
            saved_order("e"),
        ];
        let mut visit = Browser::new().find_box(&saved_box(&calls));
        visit.call(&order("own"));
        visit.advance(LONG);
        assert_eq!(visit.arrived(), ["e", "own"]);
        assert_eq!(visit.browser.cookie("__oaiq_consent"), None);
        assert!(visit.told(Step::Consent).is_empty());

        let mut visit = Visit::to(CHECKOUT);
        visit.calls([DENY, INIT]);
        visit.advance(PAST_ADOPTION);
        visit.browser.leave_box("left", &saved_box(&calls));
        visit.find("left");
        visit.call(&order("own"));
        visit.advance(LONG);
        assert!(visit.measured().concat().is_empty());
        assert!(visit.keeps_nothing());
    }
}

#[test]
fn what_was_measured_before_a_saved_init_goes_to_its_pixel_or_else_to_the_page_s_first() {
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
        let mut visit = Browser::new().find_box(&saved_box(&calls));
        visit.call(INIT_Q);
        visit.advance(LONG);
        let requests = visit.requests().into_iter();
        let with = requests.filter(|sent| sent.measured() == ["e"]);
        let went: Vec<_> = with.map(|sent| sent.pixel().to_string()).collect();
        assert_eq!(went, pixels, "{calls:?}");
        assert!(visit.keeps_nothing());
    }
}

#[test]
fn saved_calls_go_with_the_same_ids_from_the_page_after_a_crash_of_the_one_that_took_them_over() {
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
    let browser = Browser::new();
    browser.touch().network = Network::Held;
    let mut visit = browser.find_box(&saved_box(&calls));
    visit.advance(QUIET);
    let forms = |visit: &Visit, pixel| {
        let requests = visit.requests_of(pixel).into_iter();
        let events = requests.flat_map(|sent| sent.events());
        let measured = events.filter(|event| !event.name.contains("::"));
        measured
            .map(|event| serde_json::to_string(&event).expect("JSON"))
            .collect::<Vec<_>>()
    };
    let [p, q] = ["P", "Q"].map(|pixel| forms(&visit, pixel));
    assert_eq!((p.len(), q.len()), (2, 2));
    let mut visit = visit.crash(NEXT);
    visit.browser.touch().requests.clear();
    visit.network(Network::Up);
    start(&mut visit);
    assert_eq!(forms(&visit, "P"), p);
    assert_eq!(forms(&visit, "Q"), q);
    assert_eq!(visit.click_of_pixel("Q").as_deref(), Some("x"));
    assert!(visit.keeps_nothing());
}

#[test]
fn of_saved_calls_only_events_can_be_too_old() {
    let calls = [saved_init("P"), saved_order("e")];
    let browser = Browser::new();
    browser.touch().now += 8 * DAY;
    let mut visit = browser.find_box(&saved_box(&calls));
    visit.advance(LONG);
    assert!(visit.arrived().is_empty());
    visit.assert_counted("reason", &[("too_old", 1)]);
    assert!(visit.keeps_nothing());
}

impl Visit {
    /// The click that the only request of a pixel went with.
    fn click_of_pixel(&self, pixel: &str) -> Option<String> {
        let requests = self.requests_of(pixel);
        assert_eq!(requests.len(), 1);
        requests[0].batch().oppref
    }
}

// Endpoints that answer

#[test]
fn what_may_arrive_another_time_is_tried_again_after_the_pause() {
    for status in [500, 502, 503, 599, 408, 429, 0] {
        let mut visit = Visit::settled();
        visit.network(Network::Answers(status, 0));
        visit.orders(["a", "b"]);
        visit.advance(QUIET + LATENCY + 4_999);
        assert_eq!(visit.requests().len(), 1, "{status}");
        visit.network(Network::Up);
        visit.advance(1);
        assert_eq!(visit.measured(), [["a", "b"], ["a", "b"]], "{status}");
        assert_eq!(visit.kept(), ["a", "b"]);
        visit.advance(LONG);
        assert_eq!(visit.requests().len(), 2);
        assert!(visit.keeps_nothing());
    }
}

#[test]
fn any_other_answer_but_a_refusal_has_taken_the_events() {
    for status in [1, 200, 202, 204, 302, 399] {
        let mut visit = Visit::settled();
        visit.network(Network::Answers(status, 60));
        visit.call(&order("a"));
        visit.advance(LONG);
        assert_eq!(visit.measured(), [["a"]], "{status}");
        assert!(visit.keeps_nothing());
    }
}

#[test]
fn an_endpoint_that_asks_for_a_longer_pause_gets_it_and_for_a_shorter_one_does_not() {
    for (status, after, pause) in [(429, 60, 60_000), (503, 7_200, 7_200_000), (429, 1, 5_000)] {
        let mut visit = Visit::settled();
        visit.network(Network::Answers(status, after));
        visit.call(&order("a"));
        visit.advance(QUIET + LATENCY);
        visit.network(Network::Up);
        visit.advance(pause - 1);
        assert_eq!(visit.requests().len(), 1, "{status} {after}");
        visit.advance(1);
        assert_eq!(visit.requests().len(), 2, "{status} {after}");
    }
}

#[test]
fn of_a_refused_batch_all_but_the_events_at_fault_arrive() {
    for (bad, count) in [
        (vec![7], 20),
        (vec![0], 2),
        (vec![1], 2),
        (vec![3, 4], 30),
        (vec![0, 39], 40),
        (vec![0], 1),
    ] {
        let mut visit = Visit::settled();
        visit.call(INIT_DEBUG);
        visit.network(Network::Held);
        let ids: Vec<_> = (0..count)
            .map(|i| format!("{}-{i}", if bad.contains(&i) { "bad" } else { "good" }))
            .collect();
        visit.orders(ids.iter().map(String::as_str));
        visit.advance(QUIET);
        visit.endpoint_refuses(&["bad"]);
        let good: Vec<_> = ids
            .iter()
            .filter(|id| id.starts_with("good"))
            .cloned()
            .collect();
        assert_eq!(visit.arrived(), good);
        let lost = visit.told(Step::Lost);
        assert_eq!(lost.len(), bad.len(), "{lost:?}");
        for (lost, i) in lost.iter().zip(&bad) {
            assert!(
                lost.starts_with(r#"refused_by_endpoint {"type":"order_created""#),
                "{lost}"
            );
            assert!(lost.contains(&format!(r#""id":"bad-{i}""#)), "{lost}");
        }
        visit.assert_counted("reason", &[("refused_by_endpoint", bad.len() as u64)]);
        visit.assert_counted("name", &[("order_created", bad.len() as u64)]);
        assert!(visit.keeps_nothing());
        // halves, not one by one
        assert!(
            visit.requests().len() <= 2 + 16 * bad.len(),
            "{}",
            visit.requests().len()
        );
    }
}

#[test]
fn a_refused_batch_does_not_wait_before_it_is_halved() {
    let mut visit = Visit::settled();
    visit.call(INIT_DEBUG);
    visit.orders(["a", "b", "c", "d"]);
    visit.network(Network::Held);
    visit.advance(QUIET);
    visit.network(Network::Up);
    visit.answer_with(visit.request().number, 400, 0);
    visit.advance(2 * LATENCY);
    assert_eq!(visit.arrived(), ["a", "b", "c", "d"]);
    assert_eq!(visit.measured()[1], ["a", "b"]);
    assert_eq!(visit.told(Step::Halved).len(), 1);
}

#[test]
fn what_is_refused_from_a_box_is_dropped_from_it_too() {
    let browser = Browser::new();
    let now = browser.look().now;
    browser.touch().network = Network::Held;
    let events = ["good-1", "bad", "good-2"].map(|id| wire_form(id, now));
    let mut visit = browser.find_box(&box_of(&events.join(",")));
    visit.endpoint_refuses(&["bad"]);
    assert_eq!(visit.arrived(), ["good-1", "good-2"]);
    assert!(visit.keeps_nothing());
    visit.assert_counted("reason", &[("refused_by_endpoint", 1)]);
}

#[test]
fn a_diagnostic_that_is_refused_does_not_go_round_for_ever_and_holds_up_nothing() {
    let mut visit = Visit::to(CHECKOUT);
    visit.network(Network::Held);
    visit.calls([INIT_DEBUG, REFUSED]);
    visit.orders(["a", "bad", "b"]);
    visit.advance(QUIET);
    visit.endpoint_refuses(&["bad", "oai::diagnostic"]);
    assert_eq!(visit.arrived(), ["a", "b"]);
    assert_eq!(
        visit.told(Step::Lost).len(),
        1,
        "only what the page has measured"
    );
    assert!(visit.requests().len() < 12, "{}", visit.requests().len());
    assert!(visit.keeps_nothing());
}

// The network is there again, or is not

#[test]
fn what_waits_after_a_failure_goes_at_once_when_the_browser_is_online_again() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.advance(100_000);
    let tries = visit.requests().len();
    visit.network(Network::Up);
    visit.advance(1_000);
    assert_eq!(visit.requests().len(), tries);
    visit.call(&order("b"));
    visit.online();
    visit.advance(0);
    assert_eq!(visit.measured().last(), Some(&vec!["a".into(), "b".into()]));
    visit.advance(LATENCY);
    assert_eq!(visit.arrived(), ["a", "b"]);
}

#[test]
fn being_online_hastens_nothing_that_has_not_failed_and_sends_nothing_twice() {
    let mut visit = Visit::settled();
    visit.network(Network::Held);
    visit.call(&order("a"));
    visit.online();
    visit.advance(QUIET - 1);
    assert!(visit.requests().is_empty());
    visit.advance(1);
    visit.online();
    visit.advance(LONG);
    assert_eq!(visit.measured(), [["a"]]);
}

#[test]
fn after_a_failure_what_a_beacon_carries_goes_again_from_the_next_page() {
    let mut visit = Visit::settled();
    visit.network(Network::Down);
    visit.call(&order("a"));
    visit.advance(QUIET + LATENCY);
    visit.call(&order("b"));
    let mut visit = visit.next_page(NEXT);
    assert!(visit.requests()[1].doubted);
    assert_eq!(visit.kept(), ["a", "b"]);
    visit.network(Network::Up);
    visit.browser.touch().requests.clear();
    start(&mut visit);
    assert_eq!(visit.arrived(), ["a", "b"]);
    assert!(visit.keeps_nothing());
}

// Storage that is blocked

#[test]
fn where_nothing_can_be_stored_everything_still_goes_and_only_debug_tells_of_it() {
    for (init, tells) in [(INIT, false), (INIT_DEBUG, true)] {
        let browser = Browser::new();
        browser.touch().storage_blocked = true;
        let mut visit = browser.open(CHECKOUT);
        visit.call(init);
        visit.network(Network::Down);
        let ids = visit.burst(100);
        visit.advance(KEPT);
        assert_eq!(visit.told(Step::NotKept).len(), usize::from(tells));
        visit.advance(60_000);
        visit.network(Network::Up);
        visit.advance(LONG);
        assert_eq!(visit.arrived(), ids);
        assert!(visit.warnings().is_empty());
        assert_eq!(visit.told(Step::Queued).is_empty(), !tells);
        visit.call(&order("last"));
        visit.leave();
        assert!(visit.arrived().contains(&"last".into()));
    }
}

#[test]
fn where_it_can_be_stored_nothing_is_told() {
    let mut visit = Visit::to(CHECKOUT);
    visit.call(INIT_DEBUG);
    visit.call(&order("a"));
    visit.advance(60_000);
    assert!(visit.told(Step::NotKept).is_empty());
}

// Whatever happens

/// Something that happens in a visit of several pages.
#[derive(Debug, Clone)]
enum Act {
    Order,
    Advance(u64),
    Network(Network),
    Beacons(bool),
    Couriers(bool),
    Online,
    /// The page is hidden, and stays.
    Leave,
    /// Another page opens: after a crash, or after an orderly leave.
    Crash,
    NextPage,
}

fn act() -> impl Strategy<Value = Act> {
    let networks = vec![
        Network::Up,
        Network::Down,
        Network::Held,
        Network::Answers(503, 9),
    ];
    prop_oneof![
        8 => Just(Act::Order),
        8 => prop_oneof![0..130u64, 0..3_000u64, 0..400_000u64].prop_map(Act::Advance),
        3 => prop::sample::select(networks).prop_map(Act::Network),
        1 => any::<bool>().prop_map(Act::Beacons),
        1 => any::<bool>().prop_map(Act::Couriers),
        1 => Just(Act::Online),
        2 => Just(Act::Leave),
        2 => Just(Act::Crash),
        2 => Just(Act::NextPage),
    ]
}

/// An event of the page of that number.
struct Measured {
    page: usize,
    at: u64,
    /// Its page has been left in an orderly way since, or has lived long enough.
    is_safe: bool,
}

proptest! {
    #[test]
    fn whatever_becomes_of_its_page_every_event_arrives_once_with_its_own_click(
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let browser = Browser::new();
        let url = |page| format!("https://shop.example.test/{page}?oppref=click-{page}");
        let mut page = 0;
        let mut visit = browser.open(&url(page));
        visit.call(INIT);
        let mut measured: Vec<Measured> = Vec::new();
        for act in acts.iter().chain([&Act::Network(Network::Up), &Act::Beacons(true), &Act::Crash]) {
            let now = browser.look().now;
            let is_end = matches!(act, Act::Crash | Act::NextPage);
            let is_orderly = matches!(act, Act::Leave | Act::NextPage);
            for event in measured.iter_mut().filter(|event| event.page == page) {
                event.is_safe |= is_orderly || is_end && now - event.at > KEPT;
            }
            match act {
                Act::Order => {
                    let id = measured.len().to_string();
                    measured.push(Measured { page, at: now, is_safe: false });
                    visit.call(&order(&id));
                }
                Act::Advance(ms) => visit.advance(*ms),
                Act::Network(network) => visit.network(*network),
                Act::Beacons(taken) => browser.touch().takes_beacons = *taken,
                Act::Couriers(there) => browser.touch().has_couriers = *there,
                Act::Online => visit.online(),
                Act::Leave => visit.leave(),
                Act::Crash => visit = visit.crash(&url(page + 1)),
                Act::NextPage => visit = visit.next_page(&url(page + 1)),
            }
            if is_end {
                page += 1;
                visit.call(INIT);
            }
        }
        visit.advance(20 * 60 * 1_000);

        let requests = visit.requests();
        for sent in &requests {
            for id in sent.measured() {
                let of = measured[id.parse::<usize>().expect("a number")].page;
                prop_assert_eq!(sent.batch().oppref, Some(format!("click-{of}")));
            }
        }
        // what was on its way when its page ended, or went by a beacon that nobody can believe in, goes again
        let arrived = requests.iter().filter(|sent| sent.arrived == Some(true) && !sent.doubted);
        let mut times = vec![0; measured.len()];
        for id in arrived.flat_map(Sent::measured) {
            times[id.parse::<usize>().expect("a number")] += 1;
        }
        for (id, event) in measured.iter().enumerate() {
            prop_assert!(times[id] == 1 || times[id] == 0 && !event.is_safe, "{}: {}", id, times[id]);
        }
        prop_assert!(visit.keeps_nothing());
    }
}
