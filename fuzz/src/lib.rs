//! A page for the fuzz targets: the tracker, the debug log, and a browser in memory that answers at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use oaiq::Tracker;
use oaiq::debug_log::DebugLog;
use oaiq::debug_log::payload::{RequestKey, RequestSent};
use oaiq::host::{DebugEvent, Host, IdentifierKind, Request, SendResult, WebStorage};
use oaiq::mem::{Scope, Scratch, ScratchString, ThinStr, ThinString};

/// The page's time, in milliseconds since the epoch.
pub const NOW_MS: u64 = 1_800_000_000_000;
/// A call that starts the pixel `P`.
pub const INIT: &str = r#"[1800000000000,"https://shop.example.test/","","init",{"pixelId":"P"}]"#;

#[derive(Default)]
struct State {
    monotonic_ms: u64,
    uuids: u64,
    cookies: BTreeMap<String, String>,
    local: BTreeMap<String, String>,
    session: BTreeMap<String, String>,
    /// The IDs of requests without a response.
    in_flight: Vec<u32>,
    takes_beacons: bool,
    recovers_outbox: bool,
    debug_log: DebugLog,
}

/// A browser that refuses nothing.
#[derive(Clone, Default)]
struct Browser(Rc<RefCell<State>>);

impl Host for Browser {
    fn unix_ms(&self) -> u64 {
        NOW_MS + self.monotonic_ms()
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.borrow().monotonic_ms
    }

    fn uuid<'s>(&mut self, s: Scratch<'s>) -> ScratchString<'s> {
        let state = &mut *self.0.borrow_mut();
        state.uuids += 1;
        s.copy_str(&format!("{:08x}-0000-4000-8000-000000000000", state.uuids))
    }

    fn cookie<'s>(&self, s: Scratch<'s>, name: ThinStr) -> ScratchString<'s> {
        let state = self.0.borrow();
        s.copy_str(state.cookies.get(name.as_str()).map_or("", String::as_str))
    }

    fn has_cookie(&self, name: ThinStr, value: ThinStr) -> bool {
        let state = self.0.borrow();
        state.cookies.get(name.as_str()).map(String::as_str) == Some(value.as_str())
    }

    fn set_cookie(&mut self, name: ThinStr, value: ThinStr, _days: u32) {
        let state = &mut *self.0.borrow_mut();
        let (name, value) = (name.as_str().into(), value.as_str().into());
        state.cookies.insert(name, value);
    }

    fn delete_cookie(&mut self, name: ThinStr) {
        self.0.borrow_mut().cookies.remove(name.as_str());
    }

    fn storage_get<'s>(
        &self,
        s: Scratch<'s>,
        storage: WebStorage,
        key: ThinStr,
    ) -> ScratchString<'s> {
        let state = self.0.borrow();
        let map = match storage {
            WebStorage::Local => &state.local,
            WebStorage::Session => &state.session,
        };
        s.copy_str(map.get(key.as_str()).map_or("", String::as_str))
    }

    fn storage_set(&mut self, storage: WebStorage, key: ThinStr, value: ThinStr) {
        let state = &mut *self.0.borrow_mut();
        let map = match storage {
            WebStorage::Local => &mut state.local,
            WebStorage::Session => &mut state.session,
        };
        map.insert(key.as_str().into(), value.as_str().into());
    }

    fn outbox_put(&mut self, _is_unloading: bool, _name: ThinStr, record: ThinStr) -> bool {
        record.as_str().len() < 4_096
    }

    fn recover_outbox(&mut self) {
        self.0.borrow_mut().recovers_outbox = true;
    }

    fn click_id<'s>(&self, s: Scratch<'s>) -> ScratchString<'s> {
        s.copy_str("click")
    }

    fn uri_encode<'s>(&self, s: Scratch<'s>, text: ThinStr) -> ScratchString<'s> {
        s.copy(text)
    }

    fn normalize_identifier<'s>(
        &self,
        s: Scratch<'s>,
        text: ThinStr,
        kind: IdentifierKind,
    ) -> ScratchString<'s> {
        match kind {
            IdentifierKind::Plain => s.copy(text),
            _ => s.copy_str("-").append(text),
        }
    }

    fn send(&mut self, request: Request) -> SendResult {
        let state = &mut *self.0.borrow_mut();
        for text in [request.pixel_id, request.body, request.outbox_record] {
            assert_eq!(text.as_str().len(), text.len(), "cut inside a character");
        }
        let url = format!(
            "https://e.test/v1/sdk/events?pid={}&ec={}",
            request.pixel_id.as_str(),
            request.event_count
        );
        let sent = RequestSent {
            key: RequestKey {
                number: request.id,
                flags: 0,
            },
            url: &url,
            body: request.body.as_str(),
        };
        state
            .debug_log
            .record(DebugEvent::RequestSent, &sent.encode());
        if request.is_unloading && !request.is_anonymous && state.takes_beacons {
            return SendResult::HandedOff;
        }
        state.in_flight.push(request.id);
        SendResult::InFlight
    }

    fn fetch_config(&mut self, _pixel: usize, _url: ThinStr) {}

    fn request_paint(&mut self) {}

    fn set_timer(&mut self, _ms: u32) {}

    fn warn(&mut self, line: ThinStr) {
        line.as_str();
    }

    fn warn_rejected(&mut self, name: ThinStr, reason: ThinStr) {
        assert!(!name.is_empty() && !reason.is_empty());
    }

    fn trace(&mut self, event: DebugEvent, about: ThinStr) {
        let state = &mut *self.0.borrow_mut();
        state.debug_log.record(event, about.as_str());
    }
}

/// A page with the tracker and debug on.
pub struct Session {
    browser: Browser,
    tracker: Tracker<Browser>,
}

impl Session {
    /// Opens a page without `oaiq.config`.
    pub fn start() -> Self {
        let browser = Browser::default();
        let setup = "[u,false]";
        let scope = Scope::open();
        let setup = ThinString::from(setup);
        let tracker = Tracker::new(scope.scratch(), browser.clone(), setup.as_thin());
        drop(scope);
        let mut session = Self { browser, tracker };
        session.tracker.set_debug(true);
        session
    }

    /// One line of a script: an event of the page, which starts with `!`, or a call as the script passes it.
    pub fn step(&mut self, line: &str) {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("!paint", _) => self.with_tracker(|tracker, s| tracker.on_first_paint(s)),
            ("!replayed", _) => self.tracker.on_replay_done(),
            ("!wait", ms) => {
                let ms = ms.parse::<u32>().unwrap_or(1_000);
                self.browser.0.borrow_mut().monotonic_ms += u64::from(ms);
                self.with_tracker(|tracker, s| tracker.on_timer(s));
            }
            ("!hide", _) => self.tracker.on_page_hide(),
            ("!beacons", _) => self.browser.0.borrow_mut().takes_beacons ^= true,
            ("!online", _) => self.tracker.on_online(),
            ("!storage", value) => {
                let state = &mut *self.browser.0.borrow_mut();
                state.local.insert("oaiq_consent".into(), value.into());
            }
            ("!storage-event", _) => self.with_tracker(|tracker, s| tracker.on_storage_event(s)),
            ("!config", status) => {
                let status = status.parse().unwrap_or(200);
                self.tracker.on_config_response(0, status, Some(true));
            }
            ("!respond", status) => {
                let status = status.parse().unwrap_or(200);
                let request = self.browser.0.borrow_mut().in_flight.pop();
                if let Some(id) = request {
                    self.with_tracker(|tracker, s| tracker.on_response(s, id, status, 1));
                }
            }
            ("!record", record) => self.recover(record),
            _ => {
                let call = ThinString::from(line);
                self.with_tracker(|tracker, s| tracker.on_call(s, call.as_thin()));
            }
        }
    }

    /// Passes another page's outbox record to the tracker, if the tracker has asked for such records.
    pub fn recover(&mut self, record: &str) {
        if !self.browser.0.borrow().recovers_outbox {
            return;
        }
        let text = ThinString::from(format!(r#"["name",{record}]"#).as_str());
        self.with_tracker(|tracker, s| tracker.recover_record(s, text.as_thin()));
    }

    /// Sends what is queued, fails and resends it, and leaves the page.
    pub fn end(mut self) {
        for line in [
            "!paint",
            "!wait 5000",
            "!respond 0",
            "!wait 9000",
            "!respond 200",
        ] {
            self.step(line);
        }
        self.step("!hide");
        let state = &*self.browser.0.borrow();
        state.debug_log.state();
        state.debug_log.tables();
        state.debug_log.tab_history();
    }

    fn with_tracker(&mut self, work: impl FnOnce(&mut Tracker<Browser>, Scratch)) {
        let scope = Scope::open();
        work(&mut self.tracker, scope.scratch());
    }
}
