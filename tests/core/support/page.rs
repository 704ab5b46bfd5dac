//! A visit to a page: what the page's script, the visitor and the network do, in words.

use oaiq::Tracker;
use oaiq::host::DebugEvent;
use oaiq::mem::{ScratchString, reset_scratch};

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
/// A call that breaks a rule.
pub const INVALID_CALL: &str = r#"["measure","order_created",null]"#;
/// The visitor's answers.
pub const CONSENT_DENY: &str = r#"["consent",false]"#;
pub const CONSENT_GRANT: &str = r#"["consent",true]"#;

/// A batch goes 1 s after its last event, and is looked at every 250 ms.
pub const IDLE_FLUSH_MS: u64 = 1_250;
/// A batch goes 4 s after its first event; so does one of diagnostics alone.
pub const MAX_FLUSH_MS: u64 = 4_250;

pub const EVENTS_URL: &str = "https://bzr.openai.com/v1/sdk/events";
pub const CONFIG_URL: &str = "https://bzrcdn.openai.com/pixel-config/v1";

/// A call that measures an order of that id.
pub fn order(id: &str) -> String {
    format!(
        r#"["measure","order_created",{{"type":"contents","amount":2599,"currency":"USD"}},{{"event_id":"{id}"}}]"#
    )
}

/// A call that measures an order with that many letters in it.
pub fn order_of_size(id: &str, letters: usize) -> String {
    let name = "n".repeat(letters);
    format!(
        r#"["measure","order_created",{{"type":"contents","contents":[{{"name":"{name}"}}]}},{{"event_id":"{id}"}}]"#
    )
}

/// A string as the script writes it (`www/pixel/serialize-call.js`).
pub fn quote_json(text: &str) -> String {
    format!("\"{}\"", escape_json(text))
}

/// The characters of such a string.
pub fn escape_json(text: &str) -> String {
    let escape_json = text.chars().map(|c| match c {
        '"' | '\\' | '\0'..='\x1f' => format!("\\u{:04x}", u32::from(c)),
        _ => c.into(),
    });
    escape_json.collect()
}

/// Undoes [`escaped`].
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

/// A page that is open.
pub struct Page {
    /// The test's handle.
    pub browser: FakeBrowser,
    pixels: Tracker<FakeBrowser>,
    url: String,
    referrer: String,
}

impl Page {
    /// Opens a page in a browser that has never been used.
    pub fn open(url: &str) -> Self {
        FakeBrowser::new().open(url)
    }

    /// A page whose pixel `P` has started, and has sent what there was to send.
    pub fn open_idle() -> Self {
        let mut page = Self::open(CHECKOUT_URL);
        page.call(INIT_P);
        page.drain();
        page
    }

    /// Lets everything that waits go, and forgets the requests so far.
    pub fn drain(&mut self) {
        self.advance(10_000);
        self.browser.state_mut().requests.clear();
    }

    /// The page enters the pixel; what that leaves behind is given back, as in the module.
    fn enter(&mut self, work: impl FnOnce(&mut Tracker<FakeBrowser>)) {
        work(&mut self.pixels);
        // SAFETY: the pixel keeps its own, and so does the browser
        unsafe { reset_scratch() };
    }

    /// A call as the page makes it, without time and addresses: `["measure", ...]`.
    pub fn call(&mut self, arguments: &str) {
        let arguments = arguments.strip_prefix('[').expect(arguments);
        let now = self.browser.state().now;
        let [url, referrer] = [&self.url, &self.referrer].map(|url| quote_json(url));
        if arguments.starts_with("\"init") {
            self.apply_debug_option(arguments);
        }
        self.call_raw(&format!("[{now},{url},{referrer},{arguments}"));
    }

    /// As the script does (www/pixel/entry.js), which reads this wish itself.
    fn apply_debug_option(&mut self, given: &str) {
        for on in [true, false] {
            if given.contains(&format!("\"debug\":{on}")) {
                self.debug(on);
            }
        }
    }

    /// The calls that were queued before the script have been made.
    fn replayed(&mut self) {
        self.enter(|tracker| tracker.on_replay_done());
    }

    /// Somebody switches debug on or off.
    pub fn debug(&mut self, on: bool) {
        self.enter(|tracker| tracker.set_debug(on));
    }

    pub fn call_all<'a>(&mut self, calls: impl IntoIterator<Item = &'a str>) {
        for call in calls {
            self.call(call);
        }
    }

    /// Hands the pixel a text that no script has written.
    pub fn call_raw(&mut self, text: &str) {
        self.enter(|tracker| tracker.on_call(ScratchString::from(text).as_thin()));
    }

    /// Lets so many milliseconds pass, with all that happens in them.
    pub fn advance(&mut self, ms: u64) {
        let end = self.browser.state().ticks + ms;
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
            BrowserEvent::Timer => self.enter(|tracker| tracker.on_timer()),
            BrowserEvent::FirstPaint => self.enter(|tracker| tracker.on_first_paint()),
            BrowserEvent::Response(number, status, after) => {
                self.browser
                    .record_response(number, (1..400).contains(&status));
                self.enter(|tracker| tracker.on_response(number, status, after));
            }
            BrowserEvent::RecordFound(name) => self.recover_from(&name),
            BrowserEvent::ConfigResponse(pixel, status, body) => {
                self.config_response(pixel, status, &body);
            }
        }
    }

    /// Answers a request by its number.
    pub fn respond(&mut self, number: u32, delivered: bool) {
        self.respond_with(number, u32::from(delivered), 0);
    }

    /// Answers it with a status and so many seconds of Retry-After.
    pub fn respond_with(&mut self, number: u32, status: u32, after: u32) {
        self.dispatch(BrowserEvent::Response(number, status, after));
    }

    /// The page finds a box that another page has left. What the script reads as JSON, it hands over as it stands there.
    pub fn recover_from(&mut self, name: &str) {
        let mut state = self.browser.state_mut();
        let Some(text) = state.local.get(&format!("{OUTBOX_PREFIX}{name}")).cloned() else {
            return;
        };
        state.boxes.insert(name.into());
        drop(state);
        let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        let left = if is_json { &text } else { "u" };
        self.recover_raw(&format!("[{},{left}]", quote_json(name)));
    }

    /// Hands the pixel a box, as no script may have written it.
    pub fn recover_raw(&mut self, left: &str) {
        self.enter(|tracker| tracker.recover_record(ScratchString::from(left).as_thin()));
    }

    /// The page dies without a word, and another one opens.
    pub fn crash(self, url: &str) -> Self {
        self.browser.open(url)
    }

    /// The network is there again, as the browser says.
    pub fn online(&mut self) {
        self.enter(|tracker| tracker.on_online());
    }

    /// The request at that place of [`Visit::requests`] arrives.
    pub fn deliver(&mut self, place: usize) {
        self.respond(self.requests()[place].number, true);
    }

    /// The request at that place of [`Visit::requests`] fails.
    pub fn fail(&mut self, place: usize) {
        self.respond(self.requests()[place].number, false);
    }

    /// Answers settings by hand, those of the nth pixel.
    pub fn config_response(&mut self, pixel: usize, status: u16, body: &str) {
        let settings: Option<serde_json::Value> = serde_json::from_str(body).ok();
        let enabled = settings.and_then(|it| it["automatic_advanced_matching_enabled"].as_bool());
        self.enter(|tracker| tracker.on_config_response(pixel, status, enabled));
    }

    /// The alarm rings too early, as browsers' timers may.
    pub fn fire_timer_early(&mut self) {
        self.enter(|tracker| tracker.on_timer());
    }

    /// The page is hidden, or the visitor goes to another.
    pub fn hide(&mut self) {
        self.enter(|tracker| tracker.on_page_hide());
    }

    /// The visitor answers a page of the same site in another tab, of which this one hears.
    pub fn set_in_other_tab(&mut self, answer: &str) {
        let mut state = self.browser.state_mut();
        state.local.insert("oaiq_consent".into(), answer.into());
        drop(state);
        self.enter(|tracker| tracker.on_storage_event());
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

    /// What becomes of the requests from now on.
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

    /// The ids of the page's events, request by request.
    pub fn measured_ids(&self) -> Vec<Vec<String>> {
        self.requests()
            .iter()
            .map(SentRequest::measured_ids)
            .collect()
    }

    /// The ids of the page's events that have arrived.
    pub fn delivered_ids(&self) -> Vec<String> {
        let requests = self.requests();
        let arrived = requests.iter().filter(|sent| sent.delivered == Some(true));
        arrived.flat_map(SentRequest::measured_ids).collect()
    }

    /// The beacons and fetches, in their order.
    pub fn transports(&self) -> Vec<Transport> {
        self.requests().iter().map(|sent| sent.by).collect()
    }

    pub fn warnings(&self) -> Vec<String> {
        self.browser.state().warnings.clone()
    }

    /// The addresses of the settings that were asked for.
    pub fn config_requests(&self) -> Vec<String> {
        let state = self.browser.state();
        let asked = state.config_requests.iter();
        asked.map(|(_, url)| url.clone()).collect()
    }

    /// The steps of that kind that were told.
    pub fn traced(&self, step: DebugEvent) -> Vec<String> {
        let state = self.browser.state();
        let steps = state.trace.iter().filter(|(told, _)| *told == step);
        steps.map(|(_, about)| about.clone()).collect()
    }

    /// What `sessionStorage` keeps of the first times of `P`.
    pub fn markers(&self) -> Option<String> {
        self.browser.state().session.get("oaiq_cs:P").cloned()
    }
}

impl FakeBrowser {
    /// Opens a page that was reached by no link and left no `oaiq.config`.
    pub fn open(&self, url: &str) -> Page {
        self.open_with_referrer(url, "", "u")
    }

    /// Opens a page with the `oaiq.config` that it left.
    pub fn open_with_config(&self, config: &str) -> Page {
        self.open_with_referrer(CHECKOUT_URL, "", config)
    }

    /// Opens a page.
    pub fn open_with_referrer(&self, url: &str, referrer: &str, config: &str) -> Page {
        let mut page = self.begin(url, referrer, config, false);
        page.replayed();
        page
    }

    /// Opens a page whose snippet has queued these calls before the script has loaded.
    pub fn open_with_queue(&self, url: &str, queue: &[&str]) -> Page {
        let mut page = self.begin(url, "", "u", false);
        page.call_all(queue.iter().copied());
        page.replayed();
        page
    }

    /// Opens a page that asks for no diagnostics while consent is denied.
    pub fn open_without_diagnostics(&self, url: &str) -> Page {
        let mut page = self.begin(url, "", "u", true);
        page.replayed();
        page
    }

    fn begin(&self, url: &str, referrer: &str, config: &str, silent: bool) -> Page {
        self.navigate(origin(url), url);
        let setup = format!(r#"["{EVENTS_URL}","{CONFIG_URL}",{config},{silent}]"#);
        let mut page = Page {
            browser: self.clone(),
            pixels: Tracker::new(self.clone(), ScratchString::from(setup.as_str()).as_thin()),
            url: url.into(),
            referrer: referrer.into(),
        };
        page.apply_debug_option(config);
        page
    }

    /// Begins with a setup that no script has written.
    pub fn open_with_boot_text(&self, setup: &str) -> Page {
        self.navigate(origin(CHECKOUT_URL), CHECKOUT_URL);
        Page {
            browser: self.clone(),
            pixels: Tracker::new(self.clone(), ScratchString::from(setup).as_thin()),
            url: CHECKOUT_URL.into(),
            referrer: String::new(),
        }
    }
}

/// Who a page's cookies belong to.
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
