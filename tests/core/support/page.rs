//! A visit to a page: what the page's script, the visitor and the network do, in words.

use oaiq::Tracker;
use oaiq::host::Step;
use oaiq::mem::{ScratchString, reset_scratch};

use crate::support::cookie_jar::Origin;
use crate::support::fake_browser::{BOX, Browser, By, Happening, Network, Sent};

/// A page of a shop.
pub const CHECKOUT: &str = "https://shop.example.test/checkout";
/// Starts the pixel `P`.
pub const INIT: &str = r#"["init",{"pixelId":"P"}]"#;
/// Starts it with debug.
pub const INIT_DEBUG: &str = r#"["init",{"pixelId":"P","debug":true}]"#;
/// Starts the pixel `Q`.
pub const INIT_Q: &str = r#"["init",{"pixelId":"Q"}]"#;
/// A call that breaks a rule.
pub const REFUSED: &str = r#"["measure","order_created",null]"#;
/// The visitor's answers.
pub const DENY: &str = r#"["consent",false]"#;
pub const GRANT: &str = r#"["consent",true]"#;

/// A batch goes 1 s after its last event, and is looked at every 250 ms.
pub const QUIET: u64 = 1_250;
/// A batch goes 4 s after its first event; so does one of diagnostics alone.
pub const LATEST: u64 = 4_250;

pub const EVENTS: &str = "https://bzr.openai.com/v1/sdk/events";
pub const SETTINGS: &str = "https://bzrcdn.openai.com/pixel-config/v1";

/// A call that measures an order of that id.
pub fn order(id: &str) -> String {
    format!(
        r#"["measure","order_created",{{"type":"contents","amount":2599,"currency":"USD"}},{{"event_id":"{id}"}}]"#
    )
}

/// A call that measures an order with that many letters in it.
pub fn large_order(id: &str, letters: usize) -> String {
    let name = "n".repeat(letters);
    format!(
        r#"["measure","order_created",{{"type":"contents","contents":[{{"name":"{name}"}}]}},{{"event_id":"{id}"}}]"#
    )
}

/// A string as the script writes it (`www/pixel/serialize-call.js`).
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The characters of such a string.
pub fn escaped(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' | '\0'..='\x1f' => format!("\\u{:04x}", u32::from(c)),
        _ => c.into(),
    });
    escaped.collect()
}

/// Undoes [`escaped`].
pub fn unescaped(text: &str) -> String {
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
pub struct Visit {
    /// The test's handle.
    pub browser: Browser,
    pixels: Tracker<Browser>,
    url: String,
    referrer: String,
}

impl Visit {
    /// Opens a page in a browser that has never been used.
    pub fn to(url: &str) -> Self {
        Browser::new().open(url)
    }

    /// A page whose pixel `P` has started, and has sent what there was to send.
    pub fn settled() -> Self {
        let mut visit = Self::to(CHECKOUT);
        visit.call(INIT);
        visit.settle();
        visit
    }

    /// Lets everything that waits go, and forgets the requests so far.
    pub fn settle(&mut self) {
        self.advance(10_000);
        self.browser.touch().requests.clear();
    }

    /// The page enters the pixel; what that leaves behind is given back, as in the module.
    fn enter(&mut self, work: impl FnOnce(&mut Tracker<Browser>)) {
        work(&mut self.pixels);
        // SAFETY: the pixel keeps its own, and so does the browser
        unsafe { reset_scratch() };
    }

    /// A call as the page makes it, without time and addresses: `["measure", ...]`.
    pub fn call(&mut self, arguments: &str) {
        let arguments = arguments.strip_prefix('[').expect(arguments);
        let now = self.browser.look().now;
        let [url, referrer] = [&self.url, &self.referrer].map(|url| quoted(url));
        if arguments.starts_with("\"init") {
            self.obey_debug(arguments);
        }
        self.raw_call(&format!("[{now},{url},{referrer},{arguments}"));
    }

    /// As the script does (www/pixel/entry.js), which reads this wish itself.
    fn obey_debug(&mut self, given: &str) {
        for on in [true, false] {
            if given.contains(&format!("\"debug\":{on}")) {
                self.debug(on);
            }
        }
    }

    /// The calls that were queued before the script have been made.
    fn replayed(&mut self) {
        self.enter(|tracker| tracker.replayed());
    }

    /// Somebody switches debug on or off.
    pub fn debug(&mut self, on: bool) {
        self.enter(|tracker| tracker.set_debug(on));
    }

    pub fn calls<'a>(&mut self, calls: impl IntoIterator<Item = &'a str>) {
        for call in calls {
            self.call(call);
        }
    }

    /// Hands the pixel a text that no script has written.
    pub fn raw_call(&mut self, text: &str) {
        self.enter(|tracker| tracker.on_call(ScratchString::from(text).as_thin()));
    }

    /// Lets so many milliseconds pass, with all that happens in them.
    pub fn advance(&mut self, ms: u64) {
        let end = self.browser.look().ticks + ms;
        let mut happenings = 0;
        while let Some(happening) = self.browser.turn_to_next(end) {
            happenings += 1;
            assert!(happenings < 100_000, "the pixel does not come to rest");
            self.happens(happening);
        }
        self.browser.touch().turn_to(end);
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Woken => self.enter(|tracker| tracker.on_timer()),
            Happening::Painted => self.enter(|tracker| tracker.on_first_paint()),
            Happening::Answered(number, status, after) => {
                self.browser.note_answer(number, (1..400).contains(&status));
                self.enter(|tracker| tracker.on_response(number, status, after));
            }
            Happening::Found(name) => self.find(&name),
            Happening::SettingsAnswered(pixel, status, body) => {
                self.settings_arrive(pixel, status, &body);
            }
        }
    }

    /// Answers a request by its number.
    pub fn answer(&mut self, number: u32, arrived: bool) {
        self.answer_with(number, u32::from(arrived), 0);
    }

    /// Answers it with a status and so many seconds of Retry-After.
    pub fn answer_with(&mut self, number: u32, status: u32, after: u32) {
        self.happens(Happening::Answered(number, status, after));
    }

    /// The page finds a box that another page has left. What the script reads as JSON, it hands over as it stands there.
    pub fn find(&mut self, name: &str) {
        let mut state = self.browser.touch();
        let Some(text) = state.local.get(&format!("{BOX}{name}")).cloned() else {
            return;
        };
        state.boxes.insert(name.into());
        drop(state);
        let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        let left = if is_json { &text } else { "u" };
        self.adopt(&format!("[{},{left}]", quoted(name)));
    }

    /// Hands the pixel a box, as no script may have written it.
    pub fn adopt(&mut self, left: &str) {
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
    pub fn arrive(&mut self, place: usize) {
        self.answer(self.requests()[place].number, true);
    }

    /// The request at that place of [`Visit::requests`] fails.
    pub fn fail(&mut self, place: usize) {
        self.answer(self.requests()[place].number, false);
    }

    /// Answers settings by hand, those of the nth pixel.
    pub fn settings_arrive(&mut self, pixel: usize, status: u16, body: &str) {
        let settings: Option<serde_json::Value> = serde_json::from_str(body).ok();
        let enabled = settings.and_then(|it| it["automatic_advanced_matching_enabled"].as_bool());
        self.enter(|tracker| tracker.on_config_response(pixel, status, enabled));
    }

    /// The alarm rings too early, as browsers' timers may.
    pub fn wake_early(&mut self) {
        self.enter(|tracker| tracker.on_timer());
    }

    /// The page is hidden, or the visitor goes to another.
    pub fn leave(&mut self) {
        self.enter(|tracker| tracker.on_page_hide());
    }

    /// The visitor answers a page of the same site in another tab, of which this one hears.
    pub fn another_tab_stores(&mut self, answer: &str) {
        let mut state = self.browser.touch();
        state.local.insert("oaiq_consent".into(), answer.into());
        drop(state);
        self.enter(|tracker| tracker.on_storage_event());
    }

    /// `history.pushState`
    pub fn push_state(&mut self, url: &str) {
        self.url = url.into();
        self.browser.touch().url = url.into();
    }

    /// Follows a link.
    pub fn next_page(mut self, url: &str) -> Self {
        self.leave();
        self.browser.open_from(url, &self.url, "u")
    }

    /// What becomes of the requests from now on.
    pub fn network(&mut self, network: Network) {
        self.browser.touch().network = network;
    }

    /// All requests to the events endpoint.
    pub fn requests(&self) -> Vec<Sent> {
        self.browser.look().requests.clone()
    }

    /// All requests of that pixel.
    pub fn requests_of(&self, pixel: &str) -> Vec<Sent> {
        let mut requests = self.requests();
        requests.retain(|sent| sent.pixel() == pixel);
        requests
    }

    /// The only request.
    #[track_caller]
    pub fn request(&self) -> Sent {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.into_iter().next().expect("a request")
    }

    /// The ids of the page's events, request by request.
    pub fn measured(&self) -> Vec<Vec<String>> {
        self.requests().iter().map(Sent::measured).collect()
    }

    /// The ids of the page's events that have arrived.
    pub fn arrived(&self) -> Vec<String> {
        let requests = self.requests();
        let arrived = requests.iter().filter(|sent| sent.arrived == Some(true));
        arrived.flat_map(Sent::measured).collect()
    }

    /// The beacons and fetches, in their order.
    pub fn ways(&self) -> Vec<By> {
        self.requests().iter().map(|sent| sent.by).collect()
    }

    pub fn warnings(&self) -> Vec<String> {
        self.browser.look().warnings.clone()
    }

    /// The addresses of the settings that were asked for.
    pub fn settings_asked(&self) -> Vec<String> {
        let state = self.browser.look();
        let asked = state.settings_asked.iter();
        asked.map(|(_, url)| url.clone()).collect()
    }

    /// The steps of that kind that were told.
    pub fn told(&self, step: Step) -> Vec<String> {
        let state = self.browser.look();
        let steps = state.trace.iter().filter(|(told, _)| *told == step);
        steps.map(|(_, about)| about.clone()).collect()
    }

    /// What `sessionStorage` keeps of the first times of `P`.
    pub fn marked(&self) -> Option<String> {
        self.browser.look().session.get("oaiq_cs:P").cloned()
    }
}

impl Browser {
    /// Opens a page that was reached by no link and left no `oaiq.config`.
    pub fn open(&self, url: &str) -> Visit {
        self.open_from(url, "", "u")
    }

    /// Opens a page with the `oaiq.config` that it left.
    pub fn open_with(&self, config: &str) -> Visit {
        self.open_from(CHECKOUT, "", config)
    }

    /// Opens a page.
    pub fn open_from(&self, url: &str, referrer: &str, config: &str) -> Visit {
        let mut visit = self.begin(url, referrer, config, false);
        visit.replayed();
        visit
    }

    /// Opens a page whose snippet has queued these calls before the script has loaded.
    pub fn open_with_queue(&self, url: &str, queue: &[&str]) -> Visit {
        let mut visit = self.begin(url, "", "u", false);
        visit.calls(queue.iter().copied());
        visit.replayed();
        visit
    }

    /// Opens a page that asks for no diagnostics while consent is denied.
    pub fn open_without_diagnostics(&self, url: &str) -> Visit {
        let mut visit = self.begin(url, "", "u", true);
        visit.replayed();
        visit
    }

    fn begin(&self, url: &str, referrer: &str, config: &str, silent: bool) -> Visit {
        self.navigate(origin(url), url);
        let setup = format!(r#"["{EVENTS}","{SETTINGS}",{config},{silent}]"#);
        let mut visit = Visit {
            browser: self.clone(),
            pixels: Tracker::new(self.clone(), ScratchString::from(setup.as_str()).as_thin()),
            url: url.into(),
            referrer: referrer.into(),
        };
        visit.obey_debug(config);
        visit
    }

    /// Begins with a setup that no script has written.
    pub fn open_raw(&self, setup: &str) -> Visit {
        self.navigate(origin(CHECKOUT), CHECKOUT);
        Visit {
            browser: self.clone(),
            pixels: Tracker::new(self.clone(), ScratchString::from(setup).as_thin()),
            url: CHECKOUT.into(),
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
