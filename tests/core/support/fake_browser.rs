//! A browser for one page at a time, whose clock, network and storage the test controls.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use oaiq::host::{DebugEvent, Host, IdentifierKind, Request, SendResult, WebStorage};
use oaiq::mem::{Scratch, ScratchString, ThinStr};
use oaiq::wire::{Batch, Event};
use serde_json::{Map, Value};

use crate::support::cookie_jar::{Cookie, CookieJar, Origin, accepted_domain};
use crate::support::page::{CONFIG_URL, EVENTS_URL};
use crate::support::page::{escape_json, unescape_json};

/// Time until a response, in milliseconds.
pub const LATENCY_MS: u64 = 20;
/// Time until first paint, in milliseconds.
pub const PAINT_MS: u64 = 16;
/// Maximum size of a beacon, in bytes.
const MAX_BEACON: usize = 64 * 1024;
/// Maximum size of a request with more than one event, in bytes.
pub const MAX_BODY: usize = 60_000;

/// How requests to the events endpoint end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Delivered after [`LATENCY_MS`].
    Up,
    /// Failed after [`LATENCY_MS`].
    Down,
    /// A response after [`LATENCY_MS`] with this status and Retry-After in seconds.
    Status(u32, u32),
    /// The test responds.
    Manual,
}

/// How a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Fetch,
    Beacon,
    /// The keepalive worker, which outlives the page.
    Worker,
}

/// An event that is due to reach the page.
#[derive(Debug, Clone)]
pub enum BrowserEvent {
    Timer,
    FirstPaint,
    Response(u32, u32, u32),
    /// The page finds another page's outbox record; its key.
    RecordFound(String),
    ConfigResponse(usize, u16, String),
}

/// A handle on the browser: the tracker owns one, the test another.
#[derive(Debug, Clone)]
pub struct FakeBrowser(Rc<RefCell<BrowserState>>);

/// The browser's state.
#[derive(Debug)]
pub struct BrowserState {
    /// Milliseconds since the epoch.
    pub now: u64,
    /// Milliseconds since the page opened.
    pub monotonic_ms: u64,
    uuids: u64,
    /// Origin of the open page.
    pub origin: Origin,
    /// Its current URL.
    pub url: String,
    /// The URL that it was opened with.
    pub landing: String,
    pub cookies: CookieJar,
    pub local: BTreeMap<String, String>,
    pub session: BTreeMap<String, String>,
    pub storage_blocked: bool,
    /// Number of storage reads.
    pub storage_reads: Cell<u32>,
    pub network: Network,
    pub accepts_beacons: bool,
    /// Whether the keepalive worker is available.
    pub has_workers: bool,
    /// Whether the last request was delivered, as far as the page knows.
    pub last_delivered: bool,
    /// Keys of the outbox records that belong to this page.
    pub own_records: BTreeSet<String>,
    /// Every text that was to be stored in a record.
    pub written_records: Vec<String>,
    pub requests: Vec<SentRequest>,
    /// Responses to the next config requests; later requests get none.
    pub config_responses: VecDeque<(u16, &'static str)>,
    /// Time in milliseconds since the page opened, and URL, of each config request.
    pub config_requests: Vec<(u64, String)>,
    pub warnings: Vec<String>,
    pub trace: Vec<(DebugEvent, String)>,
    timer_at: Option<u64>,
    pub scheduled: Vec<(u64, BrowserEvent)>,
}

/// A request to the events endpoint.
#[derive(Debug, Clone)]
pub struct SentRequest {
    pub number: u32,
    /// Milliseconds since the page opened.
    pub at: u64,
    pub url: String,
    pub body: String,
    pub may_have_user: bool,
    pub is_anonymous: bool,
    pub is_unloading: bool,
    pub by: Transport,
    /// Whether it is a beacon that the page cannot trust to arrive.
    pub is_unconfirmed: bool,
    /// `None` until there is a response.
    pub delivered: Option<bool>,
}

impl SentRequest {
    /// The body, parsed as the collector parses it.
    pub fn batch(&self) -> Batch {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {}", self.body))
    }

    pub fn events(&self) -> Vec<Event> {
        self.batch().events
    }

    /// A query parameter of the URL, still encoded.
    pub fn parameter(&self, name: &str) -> &str {
        let (_, query) = self.url.split_once('?').expect("a query");
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).expect(name).1
    }

    pub fn pixel(&self) -> &str {
        self.parameter("pid")
    }

    /// The names of all events.
    pub fn names(&self) -> Vec<String> {
        let events = self.events().into_iter();
        events.map(|event| event.name).collect()
    }

    /// The IDs of the page's own events.
    pub fn measured_ids(&self) -> Vec<String> {
        let events = self.events().into_iter();
        let measured = events.filter(|event| !event.name.contains("::"));
        measured.map(|event| event.id).collect()
    }

    /// The data of its diagnostic, if it has one.
    pub fn diagnostic(&self) -> Option<Map<String, Value>> {
        let mut events = self.events().into_iter();
        let diagnostic = events.find(|event| event.name == "oai::diagnostic");
        diagnostic.map(|event| event.data)
    }

    /// Whether it carries a browser ID, a click ID or user data.
    pub fn is_identified(&self) -> bool {
        let batch = self.batch();
        batch.obref.is_some() || batch.oppref.is_some() || batch.user.is_some()
    }
}

impl FakeBrowser {
    /// A new browser with a working network.
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(BrowserState {
            now: 1_800_000_000_000,
            monotonic_ms: 0,
            uuids: 0,
            origin: Origin::default(),
            url: String::new(),
            landing: String::new(),
            cookies: CookieJar::default(),
            local: BTreeMap::new(),
            session: BTreeMap::new(),
            storage_blocked: false,
            storage_reads: Cell::new(0),
            network: Network::Up,
            accepts_beacons: true,
            has_workers: false,
            last_delivered: true,
            own_records: BTreeSet::new(),
            written_records: Vec::new(),
            requests: Vec::new(),
            config_responses: VecDeque::new(),
            config_requests: Vec::new(),
            warnings: Vec::new(),
            trace: Vec::new(),
            timer_at: None,
            scheduled: Vec::new(),
        })))
    }

    pub fn state(&self) -> Ref<'_, BrowserState> {
        self.0.borrow()
    }

    pub fn state_mut(&self) -> RefMut<'_, BrowserState> {
        self.0.borrow_mut()
    }

    /// Opens a page; everything outstanding of the previous page is discarded.
    pub fn navigate(&self, origin: Origin, url: &str) {
        let mut state = self.state_mut();
        state.origin = origin;
        state.url = url.into();
        state.landing = url.into();
        // scripts run some time after navigation starts
        state.monotonic_ms = 40;
        state.timer_at = None;
        state.last_delivered = true;
        state.own_records.clear();
        state.scheduled.clear();
    }

    /// Sets a cookie as another page of that host.
    pub fn set_cookie_on(&self, host: &str, cookie: &str) {
        let origin = Origin {
            host: host.into(),
            https: true,
        };
        let mut state = self.state_mut();
        let now = state.now;
        state.cookies.write(&origin, now, cookie);
        state.cookies.written.clear();
    }

    /// Stores a consent answer as another tab does. The page gets no event.
    pub fn store_consent(&self, answer: &str) {
        let mut state = self.state_mut();
        state.local.insert("oaiq_consent".into(), answer.into());
    }

    /// The cookies of that name that the page can read.
    pub fn cookies_by_name(&self, name: &str) -> Vec<Cookie> {
        let state = self.state();
        let visible = state.cookies.visible(&state.origin, state.now);
        visible
            .filter(|cookie| cookie.name == name)
            .cloned()
            .collect()
    }

    /// The value of the only cookie of that name, if there is one.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let mut found = self.cookies_by_name(name);
        assert!(found.len() <= 1, "{found:?}");
        found.pop().map(|cookie| cookie.value)
    }

    /// The texts by which the page tried to set that cookie, without deletions.
    pub fn cookie_writes(&self, name: &str) -> Vec<String> {
        let state = self.state();
        let written = state.cookies.written.iter();
        let of_name = written.filter(|text| text.split('=').next() == Some(name));
        of_name
            .filter(|text| !text.contains("Max-Age=0;"))
            .cloned()
            .collect()
    }

    /// Records the response to a request; only the first counts.
    pub fn record_response(&self, number: u32, delivered: bool) {
        let mut state = self.state_mut();
        state.last_delivered = delivered;
        // request IDs start at 1 on each page
        let mut youngest_first = state.requests.iter_mut().rev();
        if let Some(sent) = youngest_first.find(|sent| sent.number == number) {
            sent.delivered.get_or_insert(delivered);
        }
    }

    /// Advances the clock to the next event, if it is due by `end`.
    pub fn step_until(&self, end: u64) -> Option<BrowserEvent> {
        let mut state = self.state_mut();
        let timer_at = state.timer_at.filter(|at| *at <= end);
        let next = (0..state.scheduled.len()).min_by_key(|i| state.scheduled[*i].0);
        let next = next.filter(|i| state.scheduled[*i].0 <= end);
        let (at, event) = match (timer_at, next) {
            (None, None) => return None,
            (Some(at), None) => (at, BrowserEvent::Timer),
            (Some(at), Some(i)) if at < state.scheduled[i].0 => (at, BrowserEvent::Timer),
            (_, Some(i)) => state.scheduled.remove(i),
        };
        if let BrowserEvent::Timer = event {
            state.timer_at = None;
        }
        state.advance_to(at);
        Some(event)
    }
}

/// Prefix of the outbox's keys in `localStorage`.
pub const OUTBOX_PREFIX: &str = "oaiq_outbox.1:";

impl BrowserState {
    /// The outbox's records by key.
    pub fn outbox(&self) -> BTreeMap<String, Value> {
        let records = self.local.iter().filter_map(|(key, text)| {
            let name = key.strip_prefix(OUTBOX_PREFIX)?;
            let text = serde_json::from_str(text).unwrap_or(Value::Null);
            Some((name.into(), text))
        });
        records.collect()
    }

    /// The IDs of all events in the outbox.
    pub fn stored_ids(&self) -> Vec<String> {
        let records = self.outbox();
        let events = records.values().filter_map(|it| it["events"].as_array());
        let ids = events.flatten().map(|event| event["id"].as_str());
        ids.map(|id| id.expect("an id").into()).collect()
    }

    /// The encoded values of the cookies of that name, in order of creation.
    fn cookie_values(&self, name: &str) -> Vec<String> {
        let read = self.cookies.read(&self.origin, self.now);
        let pairs = read.split("; ").filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value.into())
            .collect()
    }

    /// The candidate cookie domains of this host, widest first.
    fn domains(&self) -> Vec<String> {
        let host = &self.origin.host;
        let is_address =
            host.ends_with(']') || host.bytes().all(|byte| b"0123456789.".contains(&byte));
        let labels: Vec<_> = host.split('.').collect();
        let count = if is_address { 0 } else { labels.len() };
        (2..=count)
            .map(|last| labels[count - last..].join("."))
            .collect()
    }

    /// Sets a cookie with an encoded value for that domain; an empty domain means host-only.
    fn set_cookie(&mut self, name: &str, value: &str, days: u32, domain: &str) {
        let seconds = days * 24 * 60 * 60;
        let mut text = format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax");
        if !domain.is_empty() {
            text += &format!("; Domain={domain}");
        }
        if self.origin.https {
            text += "; Secure";
        }
        self.cookies.write(&self.origin, self.now, &text);
    }

    fn delete_cookie(&mut self, name: &str) {
        if self.cookie_values(name).is_empty() {
            return;
        }
        self.set_cookie(name, "", 0, "");
        for domain in self.domains() {
            self.set_cookie(name, "", 0, &domain);
        }
    }

    /// Advances the clock; never backwards.
    pub fn advance_to(&mut self, monotonic_ms: u64) {
        let passed = monotonic_ms.saturating_sub(self.monotonic_ms);
        self.monotonic_ms += passed;
        self.now += passed;
    }

    fn schedule(&mut self, ms: u64, event: BrowserEvent) {
        self.scheduled.push((self.monotonic_ms + ms, event));
    }
}

impl Host for FakeBrowser {
    fn unix_ms(&self) -> u64 {
        self.state().now
    }

    fn monotonic_ms(&self) -> u64 {
        self.state().monotonic_ms
    }

    fn uuid<'s>(&mut self, s: Scratch<'s>) -> ScratchString<'s> {
        self.state_mut().uuids += 1;
        s.copy_str(&uuid(self.state().uuids))
    }

    fn cookie<'s>(&self, s: Scratch<'s>, name: ThinStr) -> ScratchString<'s> {
        let found = self.state().cookie_values(name.as_str());
        let value = found.last().map_or(String::new(), |value| decoded(value));
        s.copy_str(&escape_json(&value))
    }

    fn has_cookie(&self, name: ThinStr, value: ThinStr) -> bool {
        let found = self.state().cookie_values(name.as_str());
        found.contains(&encoded(&unescape_json(value.as_str())))
    }

    /// The real implementation is www/pixel/cookies.js, tested by tests/e2e/chromium/cookies.test.mjs.
    fn set_cookie(&mut self, name: ThinStr, value: ThinStr, days: u32) {
        let state = &mut *self.state_mut();
        let value = encoded(&unescape_json(value.as_str()));
        let domains = state.domains().into_iter();
        let mut taken = domains.filter(|domain| accepted_domain(&state.origin, domain).is_ok());
        let widest = taken.next().unwrap_or_default();
        state.set_cookie(name.as_str(), &value, days, &widest);
    }

    fn delete_cookie(&mut self, name: ThinStr) {
        self.state_mut().delete_cookie(name.as_str());
    }

    fn storage_get<'s>(
        &self,
        s: Scratch<'s>,
        storage: WebStorage,
        key: ThinStr,
    ) -> ScratchString<'s> {
        let state = self.state();
        state.storage_reads.set(state.storage_reads.get() + 1);
        let map = match storage {
            WebStorage::Local => &state.local,
            WebStorage::Session => &state.session,
        };
        let found = map.get(key.as_str()).filter(|_| !state.storage_blocked);
        s.copy_str(found.map_or("", String::as_str))
    }

    fn storage_set(&mut self, storage: WebStorage, key: ThinStr, value: ThinStr) {
        let mut state = self.state_mut();
        if state.storage_blocked {
            return;
        }
        let map = match storage {
            WebStorage::Local => &mut state.local,
            WebStorage::Session => &mut state.session,
        };
        map.insert(key.as_str().into(), value.as_str().into());
    }

    fn outbox_put(&mut self, _is_unloading: bool, name: ThinStr, text: ThinStr) -> bool {
        let state = &mut *self.state_mut();
        let (name, text) = (name.as_str(), text.as_str());
        if name.is_empty() {
            state.own_records.clear();
            state.local.retain(|key, _| !key.starts_with(OUTBOX_PREFIX));
        } else if text.is_empty() {
            state.own_records.remove(name);
            state.local.remove(&format!("{OUTBOX_PREFIX}{name}"));
        } else {
            state.own_records.insert(name.into());
            state.written_records.push(text.into());
            if state.storage_blocked {
                return false;
            }
            state
                .local
                .insert(format!("{OUTBOX_PREFIX}{name}"), text.into());
        }
        true
    }

    fn recover_outbox(&mut self) {
        let mut state = self.state_mut();
        let names: Vec<_> = state.outbox().into_keys().collect();
        for name in names {
            if !state.own_records.contains(&name) {
                state.schedule(1, BrowserEvent::RecordFound(name));
            }
        }
    }

    fn click_id<'s>(&self, s: Scratch<'s>) -> ScratchString<'s> {
        let state = self.state();
        let mut click = click_id_in(&state.url);
        if click.is_empty() {
            click = click_id_in(&state.landing);
        }
        s.copy_str(&escape_json(&click))
    }

    fn uri_encode<'s>(&self, s: Scratch<'s>, text: ThinStr) -> ScratchString<'s> {
        s.copy_str(&encoded(&unescape_json(text.as_str())))
    }

    /// The real rules are in www/pixel/normalize-identifier.js, tested by tests/unit/normalize-identifier.test.mjs.
    fn normalize_identifier<'s>(
        &self,
        s: Scratch<'s>,
        text: ThinStr,
        kind: IdentifierKind,
    ) -> ScratchString<'s> {
        let raw = unescape_json(text.as_str());
        let trimmed = raw.trim();
        let is_hash = trimmed.len() == 64 && trimmed.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_usable = raw.encode_utf16().count() <= 1024
            && !raw.contains('\0')
            && !trimmed.is_empty()
            && (kind != IdentifierKind::Email || is_hash || trimmed.contains('@'))
            && (kind != IdentifierKind::Plain || !raw.contains('@'));
        let without = |is_removed: fn(&char) -> bool| {
            let all = trimmed.chars();
            all.filter(|c| !is_removed(c)).collect::<String>()
        };
        s.copy_str(&match kind {
            _ if !is_usable => String::new(),
            IdentifierKind::Plain => text.as_str().into(),
            _ if is_hash => format!("#{}", trimmed.to_lowercase()),
            IdentifierKind::ExternalId => format!("-{trimmed}"),
            IdentifierKind::Email => format!("-{}", trimmed.to_lowercase()),
            IdentifierKind::Phone => format!("-{}", without(|c| !c.is_ascii_digit())),
            IdentifierKind::PersonName => {
                let name = without(|c| c.is_whitespace() || c.is_ascii_punctuation());
                format!("-{}", name.to_lowercase())
            }
        })
    }

    fn send(&mut self, request: Request) -> SendResult {
        let mut state = self.state_mut();
        let record = request.outbox_record.as_str();
        let by = if !request.is_unloading || request.is_anonymous {
            Transport::Fetch
        } else if state.has_workers && !record.is_empty() {
            Transport::Worker
        } else if state.accepts_beacons && request.body.len() <= MAX_BEACON {
            Transport::Beacon
        } else {
            Transport::Fetch
        };
        let delivered = match by {
            Transport::Fetch => None,
            Transport::Beacon => Some(true),
            Transport::Worker => Some(state.network == Network::Up),
        };
        let sent = SentRequest {
            number: request.id,
            at: state.monotonic_ms,
            url: format!(
                "{EVENTS_URL}?pid={}&st=oaiq-web&sv={}&t={}&ec={}",
                request.pixel_id.as_str(),
                oaiq::protocol::VERSION,
                state.now,
                request.event_count
            ),
            body: request.body.as_str().into(),
            may_have_user: request.may_have_user,
            is_anonymous: request.is_anonymous,
            is_unloading: request.is_unloading,
            by,
            is_unconfirmed: by == Transport::Beacon && !state.last_delivered,
            delivered,
        };
        state.requests.push(sent);
        if by == Transport::Worker {
            state.written_records.push(record.into());
            if state.network != Network::Up {
                let name = format!("worker-{}", state.requests.len());
                state
                    .local
                    .insert(format!("{OUTBOX_PREFIX}{name}"), record.into());
                // a page that stays open recovers it like any other record
                state.schedule(9_000, BrowserEvent::RecordFound(name));
            }
            return SendResult::HandedOff;
        }
        if by == Transport::Beacon {
            if state.last_delivered {
                return SendResult::HandedOff;
            }
            // its response will never be known
            state.schedule(1_000, BrowserEvent::Response(request.id, 0, 0));
            return SendResult::InFlight;
        }
        let (status, after) = match state.network {
            Network::Manual => return SendResult::InFlight,
            Network::Up => (1, 0),
            Network::Down => (0, 0),
            Network::Status(status, after) => (status, after),
        };
        let response = BrowserEvent::Response(request.id, status, after);
        state.schedule(LATENCY_MS, response);
        SendResult::InFlight
    }

    fn fetch_config(&mut self, pixel: usize, id: ThinStr) {
        let mut state = self.state_mut();
        let url = format!("{CONFIG_URL}/{}.json", id.as_str());
        let request = (state.monotonic_ms, url);
        state.config_requests.push(request);
        if let Some((status, body)) = state.config_responses.pop_front() {
            let response = BrowserEvent::ConfigResponse(pixel, status, body.into());
            state.schedule(LATENCY_MS, response);
        }
    }

    fn request_paint(&mut self) {
        self.state_mut()
            .schedule(PAINT_MS, BrowserEvent::FirstPaint);
    }

    fn set_timer(&mut self, ms: u32) {
        let mut state = self.state_mut();
        state.timer_at = Some(state.monotonic_ms + u64::from(ms));
    }

    fn warn(&mut self, line: ThinStr) {
        let line = line.as_str();
        assert!(!line.contains('\n'), "{line}");
        self.state_mut().warnings.push(line.into());
    }

    fn warn_rejected(&mut self, name: ThinStr, reason: ThinStr) {
        let line = format!("{} was not measured: {}", name.as_str(), reason.as_str());
        self.state_mut().warnings.push(line);
    }

    fn trace(&mut self, event: DebugEvent, about: ThinStr) {
        self.state_mut().trace.push((event, about.as_str().into()));
    }
}

/// `encodeURIComponent`.
fn encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => char::from(byte).into(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).into(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// Reverses [`encoded`].
fn decoded(text: &str) -> String {
    // where decodeURIComponent throws, the script takes the text unchanged
    let is_broken = text.split('%').skip(1).any(|rest| {
        let hex = rest.as_bytes().get(..2);
        hex.is_none_or(|hex| !hex.iter().all(u8::is_ascii_hexdigit))
    });
    match String::from_utf8(percent_decode(text)) {
        Ok(decoded) if !is_broken => decoded,
        _ => text.into(),
    }
}

/// The `oppref` parameter of a URL, form-decoded.
fn click_id_in(url: &str) -> String {
    let url = url.split('#').next().unwrap_or("");
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let decoded = pairs.map(|pair| {
        let [key, value] = [pair.0, pair.1].map(|part| percent_decode(&part.replace('+', " ")));
        (lossy(key), lossy(value))
    });
    let mut found = decoded.filter(|(key, _)| key == "oppref");
    found.next().map(|(_, value)| value).unwrap_or_default()
}

/// The nth UUID of a browser.
pub fn uuid(n: u64) -> String {
    format!("{n:08x}-0000-4000-8000-{n:012x}")
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, more @ ..] = rest {
        let hex = more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = hex.filter(|_| *byte == b'%');
        let decoded = decoded.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { &more[2..] } else { more };
    }
    out
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
