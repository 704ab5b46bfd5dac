//! Properties that hold for any sequence of calls, network conditions and visitor actions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::support::fake_browser::{FakeBrowser, MAX_BODY, Network, SentRequest};
use crate::support::page::{CONSENT_DENY, CONSENT_GRANT, INVALID_CALL, Page, order, order_of_size};

const PIXELS: [&str; 3] = ["P", "Q", "R S/ü"];
const HOST: &str = "shop.example.test";
/// The clock is set by less than this, so that no cookie expires.
const HOURS: i64 = 6 * 60 * 60 * 1_000;

/// One step of a scenario.
#[derive(Debug, Clone)]
enum Act {
    Init(usize),
    /// Sets user data with `init`.
    Identify(usize),
    Order,
    /// An order of that size, in bytes.
    Large(usize),
    Burst(usize),
    Single(usize),
    InvalidCall,
    Advance(u64),
    Network(Network),
    Beacons(bool),
    /// Responds to one of the outstanding requests.
    Respond(usize, bool),
    Leave,
    PushState(usize),
    /// Sets the clock.
    Clock(i64),
    /// Responds to a pixel's config request.
    ConfigResponse(usize, u16),
    Grant,
    Deny,
    /// Another tab stores a denial, and this page gets a storage event.
    OtherTabDenies,
    /// A denial is stored in a cookie, without an event.
    CookieDenies,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..PIXELS.len()).prop_map(Act::Init),
        1 => (0..PIXELS.len()).prop_map(Act::Identify),
        6 => Just(Act::Order),
        1 => prop_oneof![1..2_000usize, 15_000..75_000usize].prop_map(Act::Large),
        1 => (1..120usize).prop_map(Act::Burst),
        2 => (0..PIXELS.len()).prop_map(Act::Single),
        2 => Just(Act::InvalidCall),
        8 => prop_oneof![0..30u64, 0..2_000u64, 0..400_000u64].prop_map(Act::Advance),
        2 => prop_oneof![Just(Network::Up), Just(Network::Down), Just(Network::Manual)]
            .prop_map(Act::Network),
        1 => any::<bool>().prop_map(Act::Beacons),
        2 => (0..4usize, any::<bool>()).prop_map(|(nth, delivered)| Act::Respond(nth, delivered)),
        2 => Just(Act::Leave),
        1 => (0..3usize).prop_map(Act::PushState),
        1 => (-HOURS..HOURS).prop_map(Act::Clock),
        1 => (0..PIXELS.len(), prop_oneof![Just(0), Just(200), Just(404), Just(500)])
            .prop_map(|(pixel, status)| Act::ConfigResponse(pixel, status)),
    ]
}

/// Acts that include consent changes.
fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => act(),
        1 => Just(Act::Grant),
        1 => Just(Act::Deny),
        1 => Just(Act::OtherTabDenies),
        1 => Just(Act::CookieDenies),
    ]
}

/// A visit and the expected outcome.
struct Scenario {
    page: Page,
    started: Vec<usize>,
    /// Each measured event with its pixel; `None` for events before any `init`.
    measured: Vec<(Option<usize>, String)>,
    rejected: Vec<Option<usize>>,
    measured_so_far: usize,
    granted: bool,
    /// Whether a cookie holds a denial that the page may not have read yet.
    cookie_denies: bool,
    /// IDs that no request may carry any more.
    dropped: BTreeSet<String>,
    /// Number of requests and of config requests that have been checked.
    seen: usize,
    requested: usize,
}

impl Scenario {
    /// A visit on which these acts have taken place, with cookies and storage blocked or not.
    fn after(acts: &[Act], blocked: (bool, bool)) -> Self {
        let mut scenario = Self::new(blocked.0, blocked.1);
        for act in acts {
            scenario.act(act);
        }
        scenario
    }

    fn new(cookies_blocked: bool, storage_blocked: bool) -> Self {
        let browser = FakeBrowser::new();
        browser.state_mut().cookies.blocked = cookies_blocked;
        browser.state_mut().storage_blocked = storage_blocked;
        Self {
            page: browser.open("https://shop.example.test/?oppref=click-1#top"),
            started: Vec::new(),
            measured: Vec::new(),
            rejected: Vec::new(),
            measured_so_far: 0,
            granted: true,
            cookie_denies: false,
            dropped: BTreeSet::new(),
            seen: 0,
            requested: 0,
        }
    }

    /// The pixels that `measure` addresses.
    fn recipients(&self) -> Vec<Option<usize>> {
        if self.started.is_empty() {
            return vec![None];
        }
        self.started.iter().copied().map(Some).collect()
    }

    fn measure(&mut self, recipients: Vec<Option<usize>>, call: impl FnOnce(&str) -> String) {
        let id = format!("id-{}", self.measured_so_far);
        self.measured_so_far += 1;
        self.page.call(&call(&id));
        if !self.granted {
            self.dropped.insert(id.clone());
        }
        let measured = recipients.into_iter().map(|pixel| (pixel, id.clone()));
        self.measured.extend(measured);
    }

    fn deny(&mut self) {
        self.granted = false;
        let ids = self.measured.iter().map(|(_, id)| id.clone());
        self.dropped.extend(ids);
    }

    fn act(&mut self, act: &Act) {
        let page = &mut self.page;
        match *act {
            Act::Init(i) | Act::Identify(i) => {
                let user = match act {
                    Act::Init(_) => "",
                    _ => {
                        r#","user":{"email_sha256":" Jane@Example.com ","external_id_sha256":"jane@example.com","city":"Kiel","phone_number_sha256":"jane@example.com"}"#
                    }
                };
                page.call(&format!(r#"["init",{{"pixelId":"{}"{user}}}]"#, PIXELS[i]));
                if self.started.is_empty() {
                    for (pixel, _) in &mut self.measured {
                        pixel.get_or_insert(i);
                    }
                    for pixel in &mut self.rejected {
                        pixel.get_or_insert(i);
                    }
                }
                if !self.started.contains(&i) {
                    self.started.push(i);
                }
            }
            Act::Order => self.measure(self.recipients(), order),
            Act::Large(letters) => self.measure(self.recipients(), |id| order_of_size(id, letters)),
            Act::Burst(orders) => {
                for _ in 0..orders {
                    self.measure(self.recipients(), order);
                }
            }
            Act::Single(i) => {
                let recipients = self.started.contains(&i).then_some(Some(i));
                self.measure(Vec::from_iter(recipients), |id| {
                    format!(
                        r#"["measureSingle","{}","lead_created",{{"type":"customer_action"}},{{"event_id":"{id}"}}]"#,
                        PIXELS[i]
                    )
                });
            }
            Act::InvalidCall => {
                page.call(INVALID_CALL);
                let recipients = self.recipients();
                self.rejected.extend(recipients);
            }
            Act::Advance(ms) => page.advance(ms),
            Act::Network(network) => page.set_network(network),
            Act::Beacons(accepted) => page.browser.state_mut().accepts_beacons = accepted,
            Act::Respond(nth, delivered) => {
                let open = page.requests().into_iter();
                let mut open = open.filter(|sent| sent.delivered.is_none());
                if let Some(sent) = open.nth(nth) {
                    page.respond(sent.number, delivered);
                }
            }
            Act::Leave => page.hide(),
            Act::PushState(n) => page.push_state(
                [
                    "https://shop.example.test/a?email=jane@example.com",
                    "https://jane:pass@shop.example.test/b?x#jane@example.com",
                    "about:blank#jane@example.com",
                ][n],
            ),
            Act::Clock(by) => {
                let mut state = page.browser.state_mut();
                state.now = state.now.saturating_add_signed(by);
            }
            Act::ConfigResponse(pixel, status) => page.config_response(pixel, status, "{}"),
            Act::Grant => {
                page.call(CONSENT_GRANT);
                self.granted = true;
                self.cookie_denies = false;
            }
            Act::Deny => {
                page.call(CONSENT_DENY);
                self.deny();
            }
            Act::OtherTabDenies => {
                page.set_in_other_tab("false");
                if !self.page.browser.state().storage_blocked {
                    self.deny();
                }
            }
            Act::CookieDenies => {
                let browser = &page.browser;
                browser.set_cookie_on(HOST, "__oaiq_consent=false; Max-Age=31536000");
                self.cookie_denies = !browser.state().cookies.blocked;
            }
        }
        self.check_requests();
    }

    fn is_denied(&self) -> bool {
        !self.granted || self.cookie_denies
    }

    /// Checks the requests of the last act.
    fn check_requests(&mut self) {
        let new = self.page.browser.state().requests[self.seen..].to_vec();
        for sent in &new {
            self.check_request(sent);
        }
        self.seen += new.len();
        let requested = self.page.config_requests().len();
        assert!(
            !self.is_denied() || requested == self.requested,
            "config request"
        );
        self.requested = requested;
        let browser = &self.page.browser;
        if !self.granted {
            assert!(browser.cookies_by_name("__obref").is_empty());
            assert!(browser.cookies_by_name("__oppref").is_empty());
        }
    }

    fn check_request(&self, sent: &SentRequest) {
        let events = sent.events();
        assert_eq!(sent.parameter("ec"), events.len().to_string());
        assert!(!events.is_empty());
        assert!(sent.body.len() <= MAX_BODY || events.len() == 1);
        for event in &events {
            for url in [&event.source_url, &event.referrer_url]
                .into_iter()
                .flatten()
            {
                assert!(!url.contains(['?', '#']), "{url}");
            }
        }
        let body = sent.body.to_lowercase();
        assert!(!body.contains("jane") && !body.contains('@'), "{body}");
        if self.is_denied() {
            assert!(sent.is_anonymous, "{body}");
            assert!(sent.names().iter().all(|name| name == "oai::diagnostic"));
        }
        assert!(!(sent.is_anonymous && sent.is_identified()), "{body}");
        for id in sent.measured_ids() {
            assert!(!self.dropped.contains(&id), "{id} was dropped");
        }
    }

    /// Restores the network and lets the page send everything.
    fn settle_all(&mut self, delivered: bool) {
        let page = &mut self.page;
        page.set_network(Network::Up);
        page.browser.state_mut().accepts_beacons = true;
        for sent in page.requests() {
            if sent.delivered.is_none() {
                page.respond(sent.number, delivered);
            }
        }
        page.advance(1_000_000);
        self.check_requests();
    }
}

/// Counts equal items.
fn counted<T: Ord>(things: impl IntoIterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    counts
}

/// The pixel's ID as it is encoded in a URL.
fn encoded(pixel: usize) -> &'static str {
    ["P", "Q", "R%20S%2F%C3%BC"][pixel]
}

proptest! {
    #[test]
    fn every_event_is_delivered_once_or_reported_once_the_network_works(
        acts in prop::collection::vec(act(), 1..40),
        blocked in any::<(bool, bool)>(),
        delivered in any::<bool>(),
    ) {
        let mut scenario = Scenario::after(&acts, blocked);
        scenario.settle_all(delivered);

        let requests = scenario.page.requests();
        // unconfirmed beacons are sent again
        let confirmed: Vec<_> = requests.iter().filter(|sent| sent.delivered == Some(true) && !sent.is_unconfirmed).collect();
        let measured = confirmed.iter().flat_map(|sent| {
            sent.measured_ids().into_iter().map(|id| (sent.pixel().to_string(), id))
        });
        let expected = scenario.measured.iter().filter_map(|(pixel, id)| {
            pixel.map(|pixel| (encoded(pixel).to_string(), id.clone()))
        });
        let (measured, expected) = (counted(measured), counted(expected));
        prop_assert!(measured.values().all(|times| *times == 1));
        prop_assert!(measured.keys().all(|event| expected.contains_key(event)));
        // while requests fail, events over the outbox's limits are dropped and counted
        let events = confirmed.iter().flat_map(|sent| sent.events());
        let dropped: u64 = events
            .filter_map(|event| event.data.get("dropped_event_reason_counts")?["outbox_full"].as_u64())
            .sum();
        prop_assert_eq!(measured.len() as u64 + dropped, expected.len() as u64);

        for pixel in &scenario.started {
            let of_pixel = confirmed.iter().filter(|sent| sent.pixel() == encoded(*pixel));
            let events: Vec<_> = of_pixel.flat_map(|sent| sent.events()).collect();
            let inits = events.iter().filter(|event| event.name == "openai::sdk_init");
            prop_assert_eq!(inits.count(), 1);
            let visits = events.iter().filter(|event| event.data.contains_key("is_first_visit_in_session"));
            prop_assert_eq!(visits.count(), 1);
            let reasons = events.iter().filter_map(|event| event.data.get("dropped_event_reason_counts")?.as_object());
            let rejected = reasons.flatten().filter(|(reason, _)| *reason != "outbox_full");
            let counted = rejected.filter_map(|(_, count)| count.as_u64()).sum::<u64>();
            let rejected = scenario.rejected.iter().filter(|of| **of == Some(*pixel));
            prop_assert_eq!(counted, rejected.count() as u64);
        }
    }

    #[test]
    fn denial_sends_no_identity_and_no_earlier_event(
        acts in prop::collection::vec(any_act(), 1..40),
        blocked in any::<(bool, bool)>(),
        delivered in any::<bool>(),
    ) {
        // every request is checked when it is sent
        let mut scenario = Scenario::after(&acts, blocked);
        scenario.settle_all(delivered);
    }

    #[test]
    fn first_visit_is_reported_once_and_first_grant_at_most_once(
        acts in prop::collection::vec(any_act(), 1..40),
        blocked in any::<(bool, bool)>(),
        delivered in any::<bool>(),
    ) {
        let mut scenario = Scenario::after(&acts, blocked);
        scenario.settle_all(delivered);
        for pixel in &scenario.started {
            let requests = scenario.page.requests_for(encoded(*pixel)).into_iter();
            let confirmed = requests.filter(|sent| sent.delivered == Some(true) && !sent.is_unconfirmed);
            let events: Vec<_> = confirmed.flat_map(|sent| sent.events()).collect();
            let count = |key| events.iter().filter(|event| event.data.contains_key(key)).count();
            prop_assert_eq!(count("is_first_visit_in_session"), 1);
            let grants = count("is_first_consent_grant_in_session");
            prop_assert!(grants <= 1);
            prop_assert!(grants == 1 || scenario.is_denied());
        }
    }

    #[test]
    fn visitor_who_finally_grants_is_measured(
        acts in prop::collection::vec(any_act(), 0..20),
        blocked in any::<(bool, bool)>(),
    ) {
        let mut scenario = Scenario::after(&acts, blocked);
        scenario.act(&Act::Init(0));
        scenario.act(&Act::Grant);
        scenario.page.call(&order("in the end"));
        scenario.settle_all(false);
        let delivered = scenario.page.requests_for("P").into_iter().filter(|sent| sent.delivered == Some(true));
        let ids = delivered.flat_map(|sent| sent.measured_ids()).filter(|id| id == "in the end");
        prop_assert_eq!(ids.count(), 1);
    }

    #[test]
    fn only_one_request_is_in_flight_until_page_hide(
        acts in prop::collection::vec(act().prop_filter("no page hide", |act| !matches!(act, Act::Leave)), 1..40),
    ) {
        let mut scenario = Scenario::new(false, false);
        for act in &acts {
            scenario.act(act);
            let state = scenario.page.browser.state();
            let open = state.requests.iter().filter(|sent| sent.delivered.is_none());
            let open = counted(open.map(|sent| sent.pixel()));
            prop_assert!(open.values().all(|count| *count == 1), "{:?}", open);
        }
    }
}
