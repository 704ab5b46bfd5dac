//! A page with the tracker, and what the page's script, the visitor and the network do to it.

use oaiq::Tracker;
use oaiq::host::DebugEvent;
use oaiq::mem::{Scope, Scratch, ThinStr, ThinString};
use oaiq::raw_json::RawJson;

use crate::support::cookie_jar::Origin;
use crate::support::fake_browser::{
    BrowserEvent, FakeBrowser, Network, OUTBOX_PREFIX, SentRequest, Transport,
};

/// A page of a shop.
pub const CHECKOUT_URL: &str = "https://shop.example.test/checkout";
/// Starts the pixel `P`.
pub const INIT_P: &str = r#"["init",{"pixelId":"P"}]"#;
/// Starts it with debug.
pub const INIT_P_DEBUG: &str = r#"["init",{"pixelId":"P","debug":true}]"#;
/// Starts the pixel `Q`.
pub const INIT_Q: &str = r#"["init",{"pixelId":"Q"}]"#;
/// A call that is rejected.
pub const INVALID_CALL: &str = r#"["measure","order_created",null]"#;
/// The visitor's consent answers.
pub const CONSENT_DENY: &str = r#"["consent",false]"#;
pub const CONSENT_GRANT: &str = r#"["consent",true]"#;

/// A batch is sent 1 s after its last event; the queue is polled every 250 ms.
pub const IDLE_FLUSH_MS: u64 = 1_250;
/// A batch is sent at most 4 s after its first event; so is a batch of diagnostics only.
pub const MAX_FLUSH_MS: u64 = 4_250;
/// An event is saved this long after its call, in milliseconds.
pub const SAVE_DELAY_MS: u64 = 100;

pub const EVENTS_URL: &str = "https://bzr.openai.com/v1/sdk/events";
pub const CONFIG_URL: &str = "https://bzrcdn.openai.com/pixel-config/v1";

/// A call that measures an order with that ID.
pub fn order(id: &str) -> String {
    format!(
        r#"["measure","order_created",{{"type":"contents","amount":2599,"currency":"USD"}},{{"event_id":"{id}"}}]"#
    )
}

/// A call that measures an order of about that many bytes.
pub fn order_of_size(id: &str, letters: usize) -> String {
    let name = "n".repeat(letters);
    format!(
        r#"["measure","order_created",{{"type":"contents","contents":[{{"name":"{name}"}}]}},{{"event_id":"{id}"}}]"#
    )
}

/// A JSON string as the script writes it (`www/pixel/serialize-call.js`).
pub fn quote_json(text: &str) -> String {
    format!("\"{}\"", escape_json(text))
}

/// The characters of a JSON string.
pub fn escape_json(text: &str) -> String {
    let escape_json = text.chars().map(|c| match c {
        '"' | '\\' | '\0'..='\x1f' => format!("\\u{:04x}", u32::from(c)),
        _ => c.into(),
    });
    escape_json.collect()
}

/// Reverses [`escape_json`].
pub fn unescape_json(text: &str) -> String {
    let mut parts = text.split("\\u00");
    let mut out = String::from(parts.next().unwrap_or(""));
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or(("", part));
        let code = u8::from_str_radix(code, 16).unwrap_or(b'?');
        out.push(code.into());
        out.push_str(rest);
    }
    out
}

/// An open page.
pub struct Page {
    /// The test's handle on the browser.
    pub browser: FakeBrowser,
    tracker: Tracker<FakeBrowser>,
    url: String,
    referrer: String,
}

impl Page {
    /// Opens a page in a new browser.
    pub fn open(url: &str) -> Self {
        FakeBrowser::new().open(url)
    }

    /// A page whose pixel `P` has started and has sent everything.
    pub fn open_idle() -> Self {
        let mut page = Self::open(CHECKOUT_URL);
        page.call(INIT_P);
        page.drain();
        page
    }

    /// Sends everything queued, and clears the recorded requests.
    pub fn drain(&mut self) {
        self.advance(10_000);
        self.browser.state_mut().requests.clear();
    }

    /// Calls the tracker in a scope of its own, as each export of the module does.
    fn with_tracker(&mut self, work: impl FnOnce(&mut Tracker<FakeBrowser>, Scratch)) {
        let scope = Scope::open();
        work(&mut self.tracker, scope.scratch());
    }

    /// Makes a call as the page does, without time and URLs: `["measure", ...]`.
    pub fn call(&mut self, arguments: &str) {
        let arguments = arguments.strip_prefix('[').expect(arguments);
        let now = self.browser.state().now;
        let [url, referrer] = [&self.url, &self.referrer].map(|url| quote_json(url));
        if arguments.starts_with("\"init") {
            self.apply_debug_option(arguments);
        }
        self.call_raw(&format!("[{now},{url},{referrer},{arguments}"));
    }

    /// Switches debug as the script does (www/pixel/entry.js), which reads the option itself.
    fn apply_debug_option(&mut self, options: &str) {
        for on in [true, false] {
            if options.contains(&format!("\"debug\":{on}")) {
                self.debug(on);
            }
        }
    }

    /// Marks the end of the calls that were queued before the script loaded.
    fn replayed(&mut self) {
        self.with_tracker(|tracker, _| tracker.on_replay_done());
    }

    /// Switches debug on or off.
    pub fn debug(&mut self, on: bool) {
        self.with_tracker(|tracker, _| tracker.set_debug(on));
    }

    pub fn call_all<'a>(&mut self, calls: impl IntoIterator<Item = &'a str>) {
        for call in calls {
            self.call(call);
        }
    }

    /// Passes any text to the tracker as a call.
    pub fn call_raw(&mut self, text: &str) {
        self.with_tracker(|tracker, s| tracker.on_call(s, ThinString::from(text).as_thin()));
    }

    /// Advances the clock by this many milliseconds and dispatches everything due.
    pub fn advance(&mut self, ms: u64) {
        let end = self.browser.state().monotonic_ms + ms;
        let mut events = 0;
        while let Some(event) = self.browser.step_until(end) {
            events += 1;
            assert!(events < 100_000, "the pixel does not come to rest");
            self.dispatch(event);
        }
        self.browser.state_mut().advance_to(end);
    }

    fn dispatch(&mut self, event: BrowserEvent) {
        match event {
            BrowserEvent::Timer => self.with_tracker(|tracker, s| tracker.on_timer(s)),
            BrowserEvent::FirstPaint => self.with_tracker(|tracker, s| tracker.on_first_paint(s)),
            BrowserEvent::Response(number, status, after) => {
                self.browser
                    .record_response(number, (1..400).contains(&status));
                self.with_tracker(|tracker, s| tracker.on_response(s, number, status, after));
            }
            BrowserEvent::RecordFound(name) => self.recover_from(&name),
            BrowserEvent::ConfigResponse(pixel, status, body) => {
                self.config_response(pixel, status, &body);
            }
        }
    }

    /// Responds to a request by its ID.
    pub fn respond(&mut self, number: u32, delivered: bool) {
        self.respond_with(number, u32::from(delivered), 0);
    }

    /// Responds with a status and Retry-After in seconds.
    pub fn respond_with(&mut self, number: u32, status: u32, after: u32) {
        self.dispatch(BrowserEvent::Response(number, status, after));
    }

    /// Recovers another page's record by its key. Like the script, it passes valid JSON through unchanged.
    pub fn recover_from(&mut self, name: &str) {
        let mut state = self.browser.state_mut();
        let Some(text) = state.local.get(&format!("{OUTBOX_PREFIX}{name}")).cloned() else {
            return;
        };
        state.own_records.insert(name.into());
        drop(state);
        let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        let record = if is_json { &text } else { "u" };
        self.recover_raw(&format!("[{},{record}]", quote_json(name)));
    }

    /// Passes any text to the tracker as a record, as the script does: its wire forms become calls.
    pub fn recover_raw(&mut self, text: &str) {
        let text = with_calls(ThinString::from(text).as_thin());
        self.with_tracker(|tracker, s| {
            tracker.recover_record(s, ThinString::from(&*text).as_thin());
        });
    }

    /// The page `next` of a visitor whose page `url` crashed with saved orders before it sent anything.
    pub fn after_crash(url: &str, ids: &[&str], next: &str) -> Self {
        let mut page = Self::open(url);
        page.call(INIT_P);
        for id in ids {
            page.call(&order(id));
        }
        page.advance(SAVE_DELAY_MS);
        assert!(page.requests().is_empty());
        page.crash(next)
    }

    /// The page crashes, and another one opens.
    pub fn crash(self, url: &str) -> Self {
        self.browser.open(url)
    }

    /// The browser fires `online`.
    pub fn online(&mut self) {
        self.with_tracker(|tracker, _| tracker.on_online());
    }

    /// Delivers the request at that index of [`Page::requests`].
    pub fn deliver(&mut self, place: usize) {
        self.respond(self.requests()[place].number, true);
    }

    /// Fails the request at that index of [`Page::requests`].
    pub fn fail(&mut self, place: usize) {
        self.respond(self.requests()[place].number, false);
    }

    /// Responds to the config request of the nth pixel.
    pub fn config_response(&mut self, pixel: usize, status: u16, body: &str) {
        let config: Option<serde_json::Value> = serde_json::from_str(body).ok();
        let enabled = config.and_then(|it| it["automatic_advanced_matching_enabled"].as_bool());
        self.with_tracker(|tracker, _| tracker.on_config_response(pixel, status, enabled));
    }

    /// The timer fires too early, as browsers' timers may.
    pub fn fire_timer_early(&mut self) {
        self.with_tracker(|tracker, s| tracker.on_timer(s));
    }

    /// The page is hidden or unloaded.
    pub fn hide(&mut self) {
        self.tracker.on_page_hide();
    }

    /// Another tab of the site stores a consent answer, and this page gets a storage event.
    pub fn set_in_other_tab(&mut self, answer: &str) {
        self.browser.store_consent(answer);
        self.with_tracker(|tracker, s| tracker.on_storage_event(s));
    }

    /// `history.pushState`
    pub fn push_state(&mut self, url: &str) {
        self.url = url.into();
        self.browser.state_mut().url = url.into();
    }

    /// Follows a link.
    pub fn navigate_to(mut self, url: &str) -> Self {
        self.hide();
        self.browser.open_with_referrer(url, &self.url, "u")
    }

    /// Sets how requests end from now on.
    pub fn set_network(&mut self, network: Network) {
        self.browser.state_mut().network = network;
    }

    /// All requests to the events endpoint.
    pub fn requests(&self) -> Vec<SentRequest> {
        self.browser.state().requests.clone()
    }

    /// All requests of that pixel.
    pub fn requests_for(&self, pixel: &str) -> Vec<SentRequest> {
        let mut requests = self.requests();
        requests.retain(|sent| sent.pixel() == pixel);
        requests
    }

    /// The only request.
    #[track_caller]
    pub fn request(&self) -> SentRequest {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.into_iter().next().expect("a request")
    }

    /// The IDs of the page's own events, by request.
    pub fn measured_ids(&self) -> Vec<Vec<String>> {
        self.requests()
            .iter()
            .map(SentRequest::measured_ids)
            .collect()
    }

    /// The IDs of the page's own events that were delivered.
    pub fn delivered_ids(&self) -> Vec<String> {
        let requests = self.requests();
        let delivered = requests.iter().filter(|sent| sent.delivered == Some(true));
        delivered.flat_map(SentRequest::measured_ids).collect()
    }

    /// The transport of each request, in order.
    pub fn transports(&self) -> Vec<Transport> {
        self.requests().iter().map(|sent| sent.by).collect()
    }

    pub fn warnings(&self) -> Vec<String> {
        self.browser.state().warnings.clone()
    }

    /// The URLs of all config requests.
    pub fn config_requests(&self) -> Vec<String> {
        let state = self.browser.state();
        let requests = state.config_requests.iter();
        requests.map(|(_, url)| url.clone()).collect()
    }

    /// The details of all debug events of that kind.
    pub fn traced(&self, event: DebugEvent) -> Vec<String> {
        let state = self.browser.state();
        let events = state.trace.iter().filter(|(traced, _)| *traced == event);
        events.map(|(_, about)| about.clone()).collect()
    }

    /// The session markers of `P` in `sessionStorage`.
    pub fn markers(&self) -> Option<String> {
        self.browser.state().session.get("oaiq_cs:P").cloned()
    }
}

impl FakeBrowser {
    /// Opens a page without referrer and without `oaiq.config`.
    pub fn open(&self, url: &str) -> Page {
        self.open_with_referrer(url, "", "u")
    }

    /// Opens a page with that `oaiq.config`.
    pub fn open_with_config(&self, config: &str) -> Page {
        self.open_with_referrer(CHECKOUT_URL, "", config)
    }

    /// Opens a page.
    pub fn open_with_referrer(&self, url: &str, referrer: &str, config: &str) -> Page {
        let mut page = self.begin(url, referrer, config, false);
        page.replayed();
        page
    }

    /// Opens a page whose snippet queued these calls before the script loaded.
    pub fn open_with_queue(&self, url: &str, queue: &[&str]) -> Page {
        let mut page = self.begin(url, "", "u", false);
        page.call_all(queue.iter().copied());
        page.replayed();
        page
    }

    /// Opens a page with diagnostics switched off while consent is denied.
    pub fn open_without_diagnostics(&self, url: &str) -> Page {
        let mut page = self.begin(url, "", "u", true);
        page.replayed();
        page
    }

    fn begin(&self, url: &str, referrer: &str, config: &str, silent: bool) -> Page {
        let setup = format!(r#"[{config},{silent}]"#);
        let mut page = self.start_tracker(url, referrer, &setup);
        page.apply_debug_option(config);
        page
    }

    /// Opens a page whose script passes any text as the setup.
    pub fn open_with_setup(&self, setup: &str) -> Page {
        self.start_tracker(CHECKOUT_URL, "", setup)
    }

    fn start_tracker(&self, url: &str, referrer: &str, setup: &str) -> Page {
        self.navigate(origin(url), url);
        let scope = Scope::open();
        Page {
            browser: self.clone(),
            tracker: Tracker::new(
                scope.scratch(),
                self.clone(),
                ThinString::from(setup).as_thin(),
            ),
            url: url.into(),
            referrer: referrer.into(),
        }
    }
}

/// What `readRecordText` of www/recovery/entry.js makes of `[name, record]`.
fn with_calls(text: ThinStr) -> String {
    let name = RawJson::new(text)
        .first_child()
        .unwrap_or(RawJson::UNDEFINED);
    let record = name.next_or_undefined();
    let events = record.get(ThinStr::from_c_str(c"events"));
    if !events.is_array() {
        return text.as_str().into();
    }
    let mut calls = Vec::new();
    let mut next = events.first_child();
    while let Some(event) = next {
        next = event.next_sibling();
        calls.push(to_call(event));
    }
    format!(
        r#"[{},{{"pixel":{},"oppref":{},"events":[{}]}}]"#,
        raw_text(name),
        raw_text(record.get(ThinStr::from_c_str(c"pixel"))),
        raw_text(record.get(ThinStr::from_c_str(c"oppref"))),
        calls.join(",")
    )
}

/// What `toCall` of www/recovery/entry.js makes of an event.
fn to_call(event: RawJson) -> String {
    if !event.is_object() {
        return raw_text(event).into();
    }
    let member = |name| raw_text(event.get(ThinStr::from_c_str(name)));
    let url = |name| {
        let url = event.get(ThinStr::from_c_str(name));
        if url.is_nullish() {
            "\"\""
        } else {
            raw_text(url)
        }
    };
    format!(
        r#"[{},{},{},"measure",{},{},{{"event_id":{},"custom_event_name":{},"opt_out":{}}}]"#,
        member(c"timestamp_ms"),
        url(c"source_url"),
        url(c"referrer_url"),
        member(c"type"),
        member(c"data"),
        member(c"id"),
        member(c"custom_event_name"),
        member(c"opt_out"),
    )
}

/// A value's own text, without what follows.
fn raw_text(value: RawJson<'_>) -> &str {
    value.as_thin().until(value.end())
}

/// The origin of a URL.
fn origin(url: &str) -> Origin {
    let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = match authority.rfind(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next().unwrap_or(""),
    };
    Origin {
        host: host.into(),
        https: scheme == "https",
    }
}
