//! What the console says with debug, and the state that `oaiq.debug()` shows.
//!
//! The pixel traces its steps ([`DebugEvent`]); a [`Console`] turns each into a line, and keeps what the tables and the state
//! show. Whoever reads them wants to know why an event did not arrive, and is no programmer.

use std::collections::VecDeque;

use serde::Serialize;

use crate::command::{self, Command};
use crate::explain::identifiers::{exposed, ignored, raw_names, user_faults};
use crate::explain::{Explained, faults, shortened, shown, without_identifiers};
use crate::explain::{codes, money};
use crate::host::{DebugEvent, send_flags};
use crate::mem::{ScratchString, thin, with_nested_scratch};
use crate::raw_json::RawJson;

/// The tables show this many delivered events, and this many rejected calls and lost events.
const MOST_SHOWN: usize = 50;
/// The names and ids of this many events are remembered, to recognise those that are measured again.
const MOST_REMEMBERED: usize = 200;
/// A longer line would hide the others.
const LONGEST_LIST: usize = 5;
/// The same event with the same data within this many milliseconds is most likely one that was measured twice.
const AT_ONCE: u64 = 1_000;
/// How an event was sent by `sendBeacon`.
const HANDED_OVER: &str = "handed to the browser on page hide";
/// How an event was sent by a courier.
const CARRIED: &str =
    "handed to a worker that outlives the page; if it does not arrive, the next page resends it";
/// Events that should be counted once however often their page is reloaded.
const CONVERSIONS: [&str; 6] = [
    "order_created",
    "subscription_created",
    "trial_started",
    "registration_completed",
    "lead_created",
    "appointment_scheduled",
];

/// One line for the console.
#[derive(Debug, PartialEq, Serialize)]
pub struct Line {
    /// Something is wrong, and somebody should act.
    pub warns: bool,
    /// The line, without the prefix.
    pub text: String,
    /// Each thing that is wrong with a call.
    pub faults: Vec<Explained>,
}

/// Rows of named columns.
#[derive(Debug, PartialEq, Serialize)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// Each row's columns, in their order.
    pub rows: Vec<Vec<(&'static str, String)>>,
}

/// What `oaiq.debug()` returns.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The pixels that have started.
    pub pixels: Vec<PixelState>,
    /// `granted`, `denied` or `pending`, and why.
    pub consent: String,
    /// The beginning of the click ID, and where it was found.
    pub click_id: String,
    /// The beginning of the browser ID.
    pub browser_id: String,
    /// Calls that wait for the visitor's answer.
    pub waiting_for_consent: usize,
    /// Events that wait to be sent.
    pub queued: usize,
    /// Events in requests that have not been answered.
    pub in_flight: usize,
    /// Events delivered since the page started; one that two pixels have delivered counts twice.
    pub delivered: usize,
    /// Calls of `measure` that broke a rule.
    pub rejected: usize,
    /// Calls that do nothing: no such command, or a `consent` that is neither true nor false.
    pub ignored: usize,
    /// Events that were dropped.
    pub lost: usize,
    /// What these numbers do not include.
    pub not_recorded: String,
}

/// A pixel in the [`State`].
#[derive(Debug, PartialEq, Serialize)]
pub struct PixelState {
    /// Its id.
    pub id: String,
    /// What is known of its config.
    pub config: String,
    /// Events delivered for it.
    pub delivered: usize,
}

/// What the steps so far have told.
#[derive(Debug, Default)]
pub struct Console {
    pixels: Vec<Pixel>,
    /// `granted`, `denied` or `pending`, and in words why. Empty while nothing is known.
    consent: String,
    click: String,
    browser: String,
    /// The click ID of the last request that had one.
    sent_click: String,
    /// Where requests go.
    endpoint: String,
    /// Calls that wait for the visitor's answer.
    held: usize,
    /// Events that are queued or in flight.
    waiting: Vec<Event>,
    requests: Vec<Request>,
    delivered: VecDeque<Delivery>,
    rejected: VecDeque<Rejection>,
    rejected_calls: usize,
    lost_events: usize,
    /// Calls that do nothing, each of which is named once.
    ignored: Vec<String>,
    ignored_calls: usize,
    /// Has a person asked for debug, rather than the page's code?
    asked: bool,
    /// The last line about the outbox.
    outbox: String,
    /// Names and ids of what has been measured in this tab, also by earlier pages.
    remembered: VecDeque<String>,
    /// Those of earlier pages alone.
    of_earlier_pages: Vec<String>,
    /// What this page has measured, to recognise what is measured twice.
    measured: VecDeque<Measured>,
    /// The next event was given no id by the page.
    has_no_id: bool,
    has_told_of_ids: bool,
    /// Fields of events that hold an identifier, each of which is named once.
    exposed: Vec<String>,
    /// Names of the visitor that the page has given, in lowercase.
    names: Vec<String>,
    not_recorded: String,
}

#[derive(Debug)]
struct Pixel {
    id: String,
    config: String,
    delivered: usize,
}

/// An event as its wire form shows it.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    name: String,
    id: String,
    shape: String,
    /// When it was measured, in milliseconds since the epoch.
    time: u64,
}

/// What two events have in common that are one, measured twice.
#[derive(Debug)]
struct Measured {
    name: String,
    address: String,
    data: String,
    time: u64,
}

#[derive(Debug, Clone)]
struct Request {
    number: u32,
    pixel: String,
    beacon: bool,
    events: Vec<Event>,
    click: String,
}

#[derive(Debug)]
struct Delivery {
    pixel: String,
    how: String,
    click: String,
    event: Event,
}

/// One fault of a call, or a lost event.
#[derive(Debug)]
struct Rejection {
    event: String,
    field: String,
    given: String,
    advice: String,
}

impl Event {
    fn read(wire: RawJson) -> Self {
        let text = |name| without_identifiers(wire.get(name).to_scratch_string().as_str());
        let kind = text(thin!("type"));
        let custom = text(thin!("custom_event_name"));
        Self {
            id: text(thin!("id")),
            shape: shape(wire.get(thin!("data"))),
            time: wire.get(thin!("timestamp_ms")).as_u64(),
            name: if custom.is_empty() {
                kind
            } else {
                format!("custom \"{custom}\"")
            },
        }
    }

    /// One of the pixel's own, about which people need not care.
    fn is_internal(&self) -> bool {
        self.name.starts_with("openai::") || self.name.starts_with("oai::")
    }

    fn shown(&self) -> String {
        format!("{} \"{}\"", self.name, shortened(self.id.clone(), 40))
    }

    /// What duplicates are recognised by.
    fn key(&self) -> String {
        format!("{} {}", self.name, self.id).replace('\n', " ")
    }
}

impl Measured {
    fn read(wire: RawJson) -> Self {
        let name = wire.get(thin!("type")).to_scratch_string();
        let custom = wire.get(thin!("custom_event_name")).to_scratch_string();
        Self {
            name: format!("{} {}", name.as_str(), custom.as_str()),
            address: wire
                .get(thin!("source_url"))
                .to_scratch_string()
                .as_str()
                .into(),
            data: wire.get(thin!("data")).raw_text().as_str().into(),
            time: wire.get(thin!("timestamp_ms")).as_u64(),
        }
    }
}

/// `contents, USD 25.99, 2 items`
fn shape(data: RawJson) -> String {
    let mut parts = vec![
        data.get(thin!("type"))
            .to_scratch_string()
            .as_str()
            .to_owned(),
    ];
    let amount = data.get(thin!("amount"));
    if amount.is_defined()
        && let Ok(minor) = amount.raw_text().as_str().parse()
    {
        let currency = data.get(thin!("currency")).to_scratch_string();
        parts.push(money::shown(minor, currency.as_str()));
    }
    let plan = data.get(thin!("plan_id"));
    if plan.is_defined() {
        parts.push(format!("plan {}", shown(plan)));
    }
    let contents = data.get(thin!("contents"));
    if contents.is_defined() {
        let mut count = 0;
        let mut next = contents.first_child();
        while let Some(item) = next {
            count += 1;
            next = item.next_sibling();
        }
        parts.push(counted(count, "item"));
    }
    parts.retain(|part| !part.is_empty());
    without_identifiers(&parts.join(", "))
}

/// `1 event`, `2 events`
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// One form of a word for one, and another for all other numbers.
fn by_number<'a>(count: usize, one: &'a str, more: &'a str) -> &'a str {
    if count == 1 { one } else { more }
}

/// The events of a request, in words.
fn list(events: &[Event]) -> String {
    let (own, measured): (Vec<_>, Vec<_>) = events.iter().partition(|event| event.is_internal());
    let mut parts: Vec<_> = measured
        .iter()
        .take(LONGEST_LIST)
        .map(|event| event.shown())
        .collect();
    if measured.len() > LONGEST_LIST {
        parts.push(format!("{} more", measured.len() - LONGEST_LIST));
    }
    if !own.is_empty() {
        parts.push("pixel status (not a conversion)".into());
    }
    parts.join(", ")
}

fn size(bytes: usize) -> String {
    if bytes < 1_000 {
        counted(bytes, "byte")
    } else {
        format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100)
    }
}

/// The beginning of an ID: enough to compare, too little to use.
fn beginning(id: &str) -> String {
    shortened(id.into(), 8)
}

/// A pixel's id as the page gave it, from an address.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, more @ ..] = rest {
        let hex = more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if *byte == b'%' => {
                bytes.push(code);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn line(text: impl Into<String>) -> Line {
    Line {
        warns: false,
        text: text.into(),
        faults: Vec::new(),
    }
}

fn warning(text: impl Into<String>) -> Line {
    Line {
        warns: true,
        ..line(text)
    }
}

/// A line, which warns if there is anything to remark.
fn with_remarks(text: String, remarks: &[String]) -> Line {
    if remarks.is_empty() {
        return line(text);
    }
    warning(format!("{text}\n  {}", remarks.join("\n  ")))
}

impl Console {
    /// What a step means; `about` is what [`DebugEvent`] says that the step carries. Some have no line.
    pub fn tell(&mut self, step: DebugEvent, about: &str) -> Option<Line> {
        let work = || self.line_of(step, about);
        // SAFETY: a line has texts of its own
        let mut line = unsafe { with_nested_scratch(work) }?;
        line.text = without_identifiers(&line.text);
        Some(line)
    }

    /// A person has asked for debug.
    pub fn ask(&mut self) {
        self.asked = true;
    }

    /// Has a person asked for debug? Consoles hide what is only for debugging, and people look for what they asked for.
    pub fn was_asked_for(&self) -> bool {
        self.asked
    }

    fn line_of(&mut self, step: DebugEvent, about: &str) -> Option<Line> {
        self.asked |= step == DebugEvent::DebugRequested;
        Some(match step {
            DebugEvent::PixelStarted => return self.started(about),
            DebugEvent::Init => return self.init(about),
            DebugEvent::ConsentChanged => return self.consent_changed(about),
            DebugEvent::Queued => return self.queued(about),
            DebugEvent::Recovered => {
                let event = Event::read(RawJson::new(ScratchString::from(about).as_thin()));
                let text = format!("{} of an earlier page is queued again", event.shown());
                self.waiting.push(event);
                line(text)
            }
            DebugEvent::Rejected => self.refused(about),
            DebugEvent::UnknownPixel => warning(format!(
                "measureSingle names the pixel \"{about}\", which no init has started, so nothing was measured{}",
                self.pixels_there()
            )),
            DebugEvent::OutboxSaved => return self.kept(about),
            DebugEvent::BlockedByConsent => warning(format!(
                "{about} was not measured, because consent is denied"
            )),
            DebugEvent::RequestSent => self.sent(about)?,
            DebugEvent::ResponseReceived => self.answered(about)?,
            DebugEvent::RetryScheduled => line(format!(
                "the next try is in {about} s, or as soon as the browser is online again"
            )),
            DebugEvent::ConfigReceived => return self.config(about),
            DebugEvent::BatchSplit => warning(
                "the endpoint rejected a request: its events are resent, half as many at a time, until the one at fault is alone",
            ),
            DebugEvent::Dropped => self.lost(about),
            DebugEvent::OutboxCorrupt => warning(format!(
                "the outbox had a record that cannot be read; it was moved to \"oaiq_outbox.damaged\" in localStorage (record {about})"
            )),
            DebugEvent::StorageUnavailable => warning(
                "localStorage is full or not allowed: queued events are lost if this page ends before they are sent",
            ),
            DebugEvent::DebugRequested => match about {
                "false" => line("debug is off"),
                "true" => line("debug is on for this page; oaiq.debug() shows the state"),
                _ if self.pixels.is_empty() && self.held == 0 => warning(
                    "no pixel has started: the page has not called oaiq(\"init\", { pixelId: \"...\" })",
                ),
                _ => return None,
            },
            DebugEvent::HeldForConsent => return self.held(about),
            DebugEvent::ClickId => self.click(about),
            DebugEvent::ConsentState => self.consent_known(about),
            DebugEvent::CspViolation => return self.forbidden(about),
            DebugEvent::TabHistory => return self.remember(about),
            DebugEvent::Ignored => return self.ignored(about),
            DebugEvent::MissingEventId => {
                self.has_no_id = true;
                return None;
            }
            // what it allows to read is told by other steps
            DebugEvent::StateLoaded => return None,
            DebugEvent::NoPixelStarted => return self.unstarted(),
            DebugEvent::ConfigUser => return self.user(about, "oaiq.config"),
            DebugEvent::ScriptElement => element(about),
            DebugEvent::NotRecorded => {
                self.not_recorded = about.into();
                return None;
            }
        })
    }

    /// What [`DebugEvent::TabHistory`] gives to the console of the tab's next page.
    pub fn remembered(&self) -> String {
        let lines: Vec<_> = self.remembered.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    fn remember(&mut self, of_earlier_pages: &str) -> Option<Line> {
        self.of_earlier_pages = of_earlier_pages.lines().map(Into::into).collect();
        // this page may have measured some already
        let of_this_page = core::mem::take(&mut self.remembered);
        let again: Vec<_> = self
            .waiting
            .iter()
            .filter(|event| self.of_earlier_pages.contains(&event.key()))
            .map(Event::shown)
            .collect();
        self.remembered = self.of_earlier_pages.iter().cloned().collect();
        for key in of_this_page {
            self.note(key);
        }
        (!again.is_empty()).then(|| {
            warning(format!(
                "{}: an earlier page of this tab has measured {} with the same id, so OpenAI counts {} once: right for a page that was reloaded, otherwise give each event its own event_id",
                again.join(", "),
                by_number(again.len(), "it", "them"),
                by_number(again.len(), "it", "each"),
            ))
        })
    }

    fn note(&mut self, key: String) {
        if self.remembered.contains(&key) {
            return;
        }
        self.remembered.push_back(key);
        if self.remembered.len() > MOST_REMEMBERED {
            self.remembered.pop_front();
        }
    }

    /// What is wrong with an `init`, or that it came a second time.
    fn init(&mut self, call: &str) -> Option<Line> {
        let call = ScratchString::from(call);
        let given = command::parse_call(RawJson::new(call.as_thin())).first_arg;
        if !given.is_object() {
            // what was given may be about a person
            return Some(warning(
                "init was given no object; call oaiq(\"init\", { pixelId: \"...\" }) with the pixel ID from the ads manager",
            ));
        }
        let id = given.get(thin!("pixelId"));
        if id.is_defined() && !id.is_non_empty_str() {
            return Some(warning(format!(
                "init was given {} as pixelId; it must be the pixel ID from the ads manager, in quotes",
                without_identifiers(&shown(id))
            )));
        }
        let mut remarks = Vec::new();
        let mut unknown = Vec::new();
        let mut next = given.first_child();
        while let Some(field) = next {
            let name = field.to_scratch_string().as_str().to_owned();
            if !["pixelId", "debug", "user", "consent"].contains(&name.as_str()) {
                unknown.push(name);
            }
            next = field.next_or_undefined().next_sibling();
        }
        if !unknown.is_empty() {
            remarks.push(format!(
                "init does not know {}; it knows pixelId, debug, user and consent",
                unknown.join(", ")
            ));
        }
        let user = given.get(thin!("user"));
        self.names.extend(raw_names(user));
        remarks.extend(user_faults(user));
        let id = id.to_scratch_string();
        let known = match id.as_str() {
            "" => self.pixels.first(),
            id => self.pixels.iter().find(|pixel| pixel.id == id),
        };
        let Some(known) = known else {
            return (!remarks.is_empty()).then(|| warning(remarks.join("\n  ")));
        };
        if !user.is_defined() {
            remarks.push(
                "a second init changes nothing unless it has a user: is the snippet on this page twice, or in a tag manager as well?".into(),
            );
        }
        let text = format!("pixel \"{}\" was initialized again on this page", known.id);
        Some(with_remarks(text, &remarks))
    }

    /// What is wrong with a user that the page has given otherwise than to `init`.
    fn user(&mut self, user: &str, place: &str) -> Option<Line> {
        let user = ScratchString::from(user);
        let user = RawJson::new(user.as_thin());
        self.names.extend(raw_names(user));
        let faults = user_faults(user);
        (!faults.is_empty()).then(|| {
            let faults: Vec<_> = faults
                .iter()
                .map(|fault| format!("{place}.{fault}"))
                .collect();
            warning(faults.join("\n  "))
        })
    }

    fn ignored(&mut self, call: &str) -> Option<Line> {
        let call = ScratchString::from(call);
        let time = RawJson::new(call.as_thin())
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        let command = time
            .next_or_undefined()
            .next_or_undefined()
            .next_or_undefined();
        self.ignored_call(command, command.next_or_undefined())
    }

    fn ignored_call(&mut self, command: RawJson, first: RawJson) -> Option<Line> {
        let found = ignored(command, first)?;
        // a call that waits for consent is ignored again once it is known
        self.ignored_calls += 1;
        if self.ignored.contains(&found.call) {
            return None;
        }
        if self.ignored.len() < MOST_SHOWN {
            self.ignored.push(found.call.clone());
        }
        let rejection = Rejection {
            event: found.call.clone(),
            field: "the command".into(),
            given: String::new(),
            advice: found.advice.clone(),
        };
        push_limited(&mut self.rejected, rejection);
        Some(warning(format!(
            "{} was ignored: {}",
            found.call, found.advice
        )))
    }

    fn unstarted(&self) -> Option<Line> {
        if !self.pixels.is_empty() || self.waiting.is_empty() || self.held > 0 {
            return None;
        }
        Some(warning(format!(
            "no pixel has been initialized, so {} {} queued and not sent: call oaiq(\"init\", {{ pixelId: \"...\" }}) on this page",
            counted(self.waiting.len(), "event"),
            by_number(self.waiting.len(), "is", "are"),
        )))
    }

    /// What is stored shows events that were measured before debug was on.
    fn kept(&mut self, held: &str) -> Option<Line> {
        let held = ScratchString::from(held);
        let held = RawJson::new(held.as_thin());
        let pixel = held
            .get(thin!("pixel"))
            .to_scratch_string()
            .as_str()
            .to_owned();
        let mut count = 0;
        let mut next = held.get(thin!("events")).first_child();
        while let Some(event) = next {
            let read = Event::read(event);
            count += 1;
            if !self.waiting.contains(&read) {
                self.waiting.push(read);
            }
            next = event.next_sibling();
        }
        if !pixel.is_empty() {
            self.pixel(&pixel);
        }
        let told = match count {
            0 => "the outbox is empty: every event has been sent".to_owned(),
            _ => format!(
                "the outbox stores {} of pixel \"{pixel}\" until {} arrived",
                counted(count, "event"),
                by_number(count, "it has", "they have"),
            ),
        };
        if told == self.outbox {
            return None;
        }
        self.outbox = told.clone();
        Some(line(told))
    }

    /// The pixel of that id, which is added if it is not known.
    fn pixel(&mut self, id: &str) -> &mut Pixel {
        let known = self.pixels.iter().position(|pixel| pixel.id == id);
        let place = known.unwrap_or_else(|| {
            self.pixels.push(Pixel {
                id: id.into(),
                config: "not known yet".into(),
                delivered: 0,
            });
            self.held = 0;
            self.pixels.len() - 1
        });
        &mut self.pixels[place]
    }

    fn started(&mut self, id: &str) -> Option<Line> {
        // what an earlier page has left has pixels of its own
        if self.pixels.iter().any(|pixel| pixel.id == id) {
            return None;
        }
        self.pixel(id);
        Some(line(format!("pixel \"{id}\" has started")))
    }

    fn pixels_there(&self) -> String {
        let ids: Vec<_> = self
            .pixels
            .iter()
            .map(|pixel| format!("\"{}\"", pixel.id))
            .collect();
        match ids.len() {
            0 => String::new(),
            _ => format!("; started: {}", ids.join(", ")),
        }
    }

    fn consent_changed(&mut self, state: &str) -> Option<Line> {
        if state == "granted" {
            self.consent = "granted, by a call of the page".into();
            return Some(line("consent is granted: from now on events are measured"));
        }
        self.consent = "denied, by a call of the page or a stored answer".into();
        let dropped = self.waiting.len();
        self.waiting.clear();
        let dropped = match dropped {
            0 => String::new(),
            _ => format!("; {} dropped", were(dropped, "queued event")),
        };
        Some(warning(format!(
            "consent is denied, by a call of the page or a stored answer (cookie __oaiq_consent or localStorage oaiq_consent): nothing is measured until oaiq(\"consent\", true){dropped}"
        )))
    }

    fn consent_known(&mut self, about: &str) -> Line {
        let (state, source) = about.split_once(' ').unwrap_or((about, ""));
        let why = match source {
            "nobody" => "because no answer is stored and none is waited for".into(),
            "stored" => "as stored (cookie __oaiq_consent or localStorage oaiq_consent)".into(),
            "call" => "by a call of the page".into(),
            _ => format!("by {source}"),
        };
        self.consent = format!("{state}, {why}");
        match state {
            "denied" => warning(format!(
                "consent is denied, {why}: nothing is measured until oaiq(\"consent\", true)"
            )),
            "pending" => line(format!(
                "consent is pending: calls wait until {} answers, and nothing is stored or sent",
                if source == "call" {
                    "oaiq(\"consent\", true or false)"
                } else {
                    source
                }
            )),
            _ => line(format!("consent is {state}, {why}")),
        }
    }

    fn click(&mut self, about: &str) -> Line {
        let (place, id) = about.split_once(' ').unwrap_or((about, ""));
        let id = beginning(id);
        match place {
            "address" => {
                self.click = format!("{id} from the address");
                line(format!(
                    "click ID {id} found in the page's address: events are attributed to this ad click"
                ))
            }
            "long" => {
                self.click = format!("{id} from the address, too long for a cookie");
                warning(format!(
                    "click ID {id} in the page's address is too long for a cookie (4 kB), so only this page sends it: events of later pages are not attributed to this ad click. Shorten oppref in the ad's link"
                ))
            }
            "cookie" => {
                self.click = format!("{id} from the cookie __oppref");
                line(format!(
                    "click ID {id} found in the cookie __oppref, from an ad click of the last 30 days"
                ))
            }
            _ => {
                self.click = "none in this page's address or cookie".into();
                line(
                    "no click ID in this page's address or cookie; a redirect or a frame may have lost it (to try one, add ?oppref=test to the address)",
                )
            }
        }
    }

    fn held(&mut self, call: &str) -> Option<Line> {
        let call = ScratchString::from(call);
        let command = RawJson::new(call.as_thin()).first_child()?;
        // the page's paint waits as well, which is no call
        if !command.is_defined() {
            return None;
        }
        let first = command.next_or_undefined();
        if ignored(command, first).is_some() {
            return self.ignored_call(command, first);
        }
        self.held += 1;
        let what = if command.is_str(thin!("measure")) {
            without_identifiers(&shown(first))
        } else {
            shown(command)
        };
        Some(line(format!("{what} waits until consent is known")))
    }

    fn forbidden(&mut self, about: &str) -> Option<Line> {
        let (directive, what) = about.split_once(' ')?;
        let is_ours = what.contains("/pixel-config/")
            || !self.endpoint.is_empty() && what.starts_with(&self.endpoint);
        let origin = what.split('/').take(3).collect::<Vec<_>>().join("/");
        is_ours.then(|| {
            warning(format!(
                "the page's Content-Security-Policy blocks requests to {origin}: add {origin} to its {directive}"
            ))
        })
    }

    fn queued(&mut self, wire: &str) -> Option<Line> {
        let wire = ScratchString::from(wire);
        let wire = RawJson::new(wire.as_thin());
        let has_no_id = core::mem::take(&mut self.has_no_id);
        let event = Event::read(wire);
        // told again, after debug has been switched on again
        if self.waiting.contains(&event) {
            return None;
        }
        let mut remarks = Vec::new();
        let key = event.key();
        if self.remembered.contains(&key) {
            let place = if self.of_earlier_pages.contains(&key) {
                "an earlier page of this tab"
            } else {
                "this page"
            };
            remarks.push(format!(
                "{place} has measured it before, with the same id, so OpenAI counts it once: right for a page that was reloaded, otherwise give each event its own event_id"
            ));
        } else {
            remarks.extend(self.twice(Measured::read(wire)));
            self.note(key);
        }
        if has_no_id && !self.has_told_of_ids && CONVERSIONS.contains(&event.name.as_str()) {
            self.has_told_of_ids = true;
            remarks.push(
                "it has no event_id of your own, so it is counted again if this page is reloaded: give the order's number, or the like, as { event_id: \"...\" } in the last argument".into(),
            );
        }
        for (field, what) in exposed(wire, &self.names) {
            let place = format!("{} {field}", event.name);
            if !self.exposed.contains(&place) {
                remarks.push(format!(
                    "{field} holds {what}, which is sent as it is: send something that identifies nobody"
                ));
                self.exposed.push(place);
            }
        }
        let text = format!("{} is queued: {}", event.shown(), event.shape);
        self.waiting.push(event);
        Some(with_remarks(text, &remarks))
    }

    /// Whether this page has measured the same already, under another id.
    fn twice(&mut self, event: Measured) -> Option<String> {
        let same = |it: &&Measured| it.name == event.name && it.data == event.data;
        let is_view = event.name.starts_with("page_viewed");
        let remark = if self
            .measured
            .iter()
            .filter(same)
            .any(|it| event.time.abs_diff(it.time) <= AT_ONCE)
        {
            Some(
                "this page has measured the same event with the same data within the last second: is the snippet, or this call, on the page twice?",
            )
        } else if is_view
            && self
                .measured
                .iter()
                .any(|it| it.name == event.name && it.address == event.address)
        {
            Some(
                "this page has measured page_viewed before: once for each page is enough. Is the snippet on the page twice?",
            )
        } else {
            None
        };
        self.measured.push_back(event);
        if self.measured.len() > MOST_REMEMBERED {
            self.measured.pop_front();
        }
        remark.map(Into::into)
    }

    fn refused(&mut self, call: &str) -> Line {
        let call = ScratchString::from(call);
        let command::Call {
            command,
            name,
            data,
            options,
            ..
        } = command::parse_call(RawJson::new(call.as_thin()));
        self.rejected_calls += 1;
        // an id that was to be made up belongs to no later event
        self.has_no_id = false;
        let mut faults = faults(name, data, options);
        if faults.is_empty() {
            faults.push(Explained {
                code: codes::TOO_LARGE,
                field: "data".into(),
                given: "more than 1 MiB".into(),
                expected: "an event of at most 1 MiB".into(),
                advice: None,
            });
        }
        let command = if command == Command::MeasureSingle {
            "measureSingle"
        } else {
            "measure"
        };
        let name = without_identifiers(&shown(name));
        let sentences: Vec<_> = faults.iter().map(Explained::sentence).collect();
        for fault in &faults {
            let rejection = Rejection {
                event: name.trim_matches('"').into(),
                field: fault.field.clone(),
                given: fault.given.clone(),
                advice: match &fault.advice {
                    Some(advice) => advice.clone(),
                    None => format!("must be {}", fault.expected),
                },
            };
            push_limited(&mut self.rejected, rejection);
        }
        Line {
            warns: true,
            text: format!(
                "{command} {name} was rejected, nothing was measured:\n  {}",
                sentences.join("\n  ")
            ),
            faults,
        }
    }

    fn sent(&mut self, about: &str) -> Option<Line> {
        let mut parts = about.splitn(3, ' ');
        let way: u32 = parts.next()?.parse().ok()?;
        let (url, body) = (parts.next()?, parts.next()?);
        let number = way >> 3;
        let bytes = body.len();
        let body = ScratchString::from(body);
        let body = RawJson::new(body.as_thin());
        let mut events = Vec::new();
        let mut next = body.get(thin!("events")).first_child();
        while let Some(event) = next {
            events.push(Event::read(event));
            next = event.next_sibling();
        }
        let is = |flag| way & flag != 0;
        let carried = is(send_flags::VIA_WORKER);
        let beacon = is(send_flags::UNLOADING) && !is(send_flags::ANONYMOUS) && !carried;
        let pixel = url
            .split(['?', '&'])
            .find_map(|part| part.strip_prefix("pid="))
            .map_or(String::new(), decoded);
        if !pixel.is_empty() {
            self.pixel(&pixel);
        }
        let click = body.get(thin!("oppref")).to_scratch_string();
        let ids = match click.as_str() {
            _ if is(send_flags::ANONYMOUS) => ", without cookies and IDs".to_owned(),
            "" => ", without a click ID".to_owned(),
            click => format!(", with click ID {}", beginning(click)),
        };
        let changed = match (self.sent_click.as_str(), click.as_str()) {
            (_, "") => String::new(),
            (before, now) => {
                let changed = if before.is_empty() || before == now {
                    String::new()
                } else {
                    format!("; the click ID was {} before", beginning(before))
                };
                self.sent_click = now.into();
                changed
            }
        };
        let browser = body.get(thin!("obref")).to_scratch_string();
        if !browser.is_empty() {
            self.browser = beginning(browser.as_str());
        }
        let user = match body.get(thin!("user")).is_defined() {
            true => " and hashed user data",
            false => "",
        };
        let text = format!(
            "request {number} carries {} to pixel \"{pixel}\" ({} by {}{ids}{user}{changed}): {}",
            counted(events.len(), "event"),
            size(bytes),
            match (carried, beacon) {
                (true, _) => "a worker that outlives the page",
                (_, true) => "sendBeacon",
                _ => "fetch",
            },
            list(&events)
        );
        let sent = events.clone();
        self.endpoint = url.split('?').next().unwrap_or("").into();
        self.requests.retain(|it| it.number != number);
        self.requests.push(Request {
            number,
            pixel,
            beacon,
            events,
            click: beginning(click.as_str()),
        });
        if self.requests.len() > MOST_SHOWN {
            self.requests.remove(0);
        }
        // those that were queued while debug was off
        for event in sent {
            if !event.is_internal() && !self.waiting.iter().any(|it| it.key() == event.key()) {
                self.waiting.push(event);
            }
        }
        if carried {
            self.arrived(number, CARRIED);
        } else if beacon {
            self.arrived(number, HANDED_OVER);
        }
        Some(line(text))
    }

    fn arrived(&mut self, number: u32, how: &str) {
        let Some(place) = self.requests.iter().position(|it| it.number == number) else {
            return;
        };
        let Request {
            pixel,
            events,
            click,
            ..
        } = if self.requests[place].beacon {
            // of which the pixel may hear that it cannot be confirmed
            self.requests[place].clone()
        } else {
            self.requests.remove(place)
        };
        for event in events {
            self.waiting.retain(|it| it.key() != event.key());
            if event.is_internal() {
                continue;
            }
            self.pixel(&pixel).delivered += 1;
            let delivery = Delivery {
                pixel: pixel.clone(),
                how: how.to_owned(),
                click: click.clone(),
                event,
            };
            push_limited(&mut self.delivered, delivery);
        }
    }

    /// What went by a beacon that cannot be confirmed is queued again.
    fn doubt(&mut self, number: u32) {
        let Some(place) = self.requests.iter().position(|it| it.number == number) else {
            return;
        };
        let Request { pixel, events, .. } = self.requests.remove(place);
        for event in events {
            if event.is_internal() {
                continue;
            }
            let pixel = self.pixel(&pixel);
            pixel.delivered = pixel.delivered.saturating_sub(1);
            self.delivered
                .retain(|it| it.how != HANDED_OVER || it.event.key() != event.key());
            self.waiting.push(event);
        }
    }

    fn answered(&mut self, about: &str) -> Option<Line> {
        let (number, status) = about.split_once(' ')?;
        let number = number.parse::<u32>().ok()? >> 3;
        let request = self.requests.iter().find(|it| it.number == number);
        let is_beacon = request.is_some_and(|request| request.beacon);
        let all = request.map_or("its events".into(), |request| list(&request.events));
        let count = request.map_or(2, |request| request.events.len());
        let events_are = by_number(count, "its event is", "its events are");
        let status: u32 = status.parse().ok()?;
        let line = match status {
            0 if is_beacon => line(format!(
                "request {number} went by sendBeacon and cannot be confirmed; {events_are} stored and will be resent"
            )),
            0 => warning(format!(
                "request {number} failed: the network or the endpoint {} is down, or a blocker or the page's Content-Security-Policy blocks it; {events_are} stored and will be resent",
                self.endpoint
            )),
            1 => line(format!(
                "request {number}: response received (opaque cross-origin response, treated as delivered): {all}"
            )),
            408 | 429 | 500.. => warning(format!(
                "request {number} was answered {status}: the endpoint cannot take it now; {events_are} stored and will be resent"
            )),
            400..500 => warning(format!(
                "request {number} was rejected with {status}: the answer in the Network panel says why"
            )),
            _ => line(format!(
                "request {number} was answered {status}, delivered: {all}"
            )),
        };
        match status {
            0 if is_beacon => self.doubt(number),
            1 => self.arrived(number, "answered (opaque response)"),
            200..400 => self.arrived(number, &format!("answered {status}")),
            // its events are queued again, or dropped by a step of their own
            _ => self.requests.retain(|it| it.number != number),
        }
        Some(line)
    }

    fn config(&mut self, about: &str) -> Option<Line> {
        let mut parts = about.rsplitn(3, ' ');
        let enabled = parts.next()?;
        let status = parts.next()?;
        let file = parts.next()?.rsplit('/').next()?;
        let id = decoded(file.strip_suffix(".json")?);
        let outcome = match (status, enabled) {
            ("404", _) => "not found",
            ("0" | "408", _) => "no answer",
            (status, _) if status.starts_with('5') => "no answer",
            (_, "1") => "automatic advanced matching enabled",
            (_, "0") => "automatic advanced matching disabled",
            _ => "not understood",
        };
        let before = core::mem::replace(&mut self.pixel(&id).config, outcome.into());
        Some(match outcome {
            "not found" => warning(format!(
                "there is no config for pixel \"{id}\" (404): compare the ID with the one in the ads manager; events for a pixel that does not exist are not counted"
            )),
            "not understood" => warning(format!(
                "the config of pixel \"{id}\" was answered {status} and cannot be read; events are measured all the same"
            )),
            // a first failure is tried again at once
            "no answer" if before != "no answer" => return None,
            "no answer" => warning(format!(
                "the config of pixel \"{id}\" could not be fetched (network, a blocker, or the page's Content-Security-Policy); events are measured all the same"
            )),
            _ => line(format!("pixel \"{id}\" exists: {outcome}")),
        })
    }

    fn lost(&mut self, about: &str) -> Line {
        let (reason, event) = about.split_once(' ').unwrap_or((about, ""));
        let why = match reason {
            "outbox_full" => {
                "requests fail, and more was queued than the 500 events or 256 KiB that the outbox stores"
            }
            "too_old" => {
                "it was measured more than 7 days ago, and the endpoint takes nothing so old"
            }
            "refused_by_endpoint" => {
                "the endpoint rejected it; the answer in the Network panel says why"
            }
            other => other,
        };
        let event = ScratchString::from(event);
        let event = RawJson::new(event.as_thin());
        let name = if event.is_object() {
            let event = Event::read(event);
            self.waiting.retain(|it| it.key() != event.key());
            event.shown()
        } else {
            shown(command::parse_call(event).name)
        };
        self.lost_events += 1;
        let rejection = Rejection {
            event: name.clone(),
            field: String::new(),
            given: String::new(),
            advice: format!("dropped: {why}"),
        };
        push_limited(&mut self.rejected, rejection);
        warning(format!("{name} was dropped: {why}"))
    }

    fn is_in_flight(&self, event: &Event) -> Option<&Request> {
        self.requests
            .iter()
            .rev()
            .find(|request| request.events.iter().any(|it| it.key() == event.key()))
    }

    fn facts(&self) -> [(&'static str, String); 5] {
        let or = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
        [
            (
                "consent",
                or(
                    &self.consent,
                    "not known yet: stored answers are read after the first paint",
                ),
            ),
            ("calls that wait for consent", self.held.to_string()),
            ("click ID", or(&self.click, "not known yet")),
            ("browser ID", or(&self.browser, "not sent yet")),
            ("not recorded", or(&self.not_recorded, "nothing")),
        ]
    }

    /// The state, as a value.
    pub fn state(&self) -> State {
        let [consent, _, click_id, browser_id, not_recorded] =
            self.facts().map(|(_, text)| without_identifiers(&text));
        let in_flight = |event: &&Event| self.is_in_flight(event).is_some();
        let in_flight = self.waiting.iter().filter(in_flight).count();
        State {
            pixels: self
                .pixels
                .iter()
                .map(|pixel| PixelState {
                    id: without_identifiers(&pixel.id),
                    config: pixel.config.clone(),
                    delivered: pixel.delivered,
                })
                .collect(),
            consent,
            click_id,
            browser_id,
            waiting_for_consent: self.held,
            queued: self.waiting.len() - in_flight,
            in_flight,
            delivered: self.pixels.iter().map(|pixel| pixel.delivered).sum(),
            rejected: self.rejected_calls,
            ignored: self.ignored_calls,
            lost: self.lost_events,
            not_recorded,
        }
    }

    /// The state, as tables.
    pub fn tables(&self) -> Vec<Table> {
        let table = |title: &str, mut rows: Vec<Vec<(&'static str, String)>>| {
            for (_, cell) in rows.iter_mut().flatten() {
                *cell = without_identifiers(cell);
            }
            Table {
                title: title.into(),
                rows,
            }
        };
        let row_of = |event: &Event| {
            vec![
                ("event", event.name.clone()),
                ("id", event.id.clone()),
                ("data", event.shape.clone()),
                ("measured", event.time.to_string()),
            ]
        };
        let pixels = self.pixels.iter().map(|pixel| {
            vec![
                ("pixel", pixel.id.clone()),
                ("config", pixel.config.clone()),
                ("events delivered", pixel.delivered.to_string()),
            ]
        });
        let facts = self.facts();
        let facts = facts
            .iter()
            .map(|(what, is)| vec![("what", (*what).to_owned()), ("is", is.clone())]);
        let queued = self.waiting.iter().map(|event| {
            let state = match self.is_in_flight(event) {
                Some(request) => format!("in flight: request {}", request.number),
                None => "queued".into(),
            };
            let mut row = row_of(event);
            row.push(("state", state));
            row
        });
        let delivered = self.delivered.iter().rev().map(|it| {
            let mut row = row_of(&it.event);
            row.extend([
                ("pixel", it.pixel.clone()),
                ("click ID", it.click.clone()),
                ("how", it.how.clone()),
            ]);
            row
        });
        let rejected = self.rejected.iter().rev().map(|it| {
            vec![
                ("event", it.event.clone()),
                ("field", it.field.clone()),
                ("given", it.given.clone()),
                ("what to do", it.advice.clone()),
            ]
        });
        vec![
            table("pixels", pixels.collect()),
            table("the visitor", facts.collect()),
            table("events queued", queued.collect()),
            table("events delivered, the last 50", delivered.collect()),
            table(
                "calls rejected and events dropped, the last 50",
                rejected.collect(),
            ),
        ]
    }
}

/// `1 event was`, `2 events were`
fn were(count: usize, what: &str) -> String {
    format!(
        "{} {}",
        counted(count, what),
        by_number(count, "was", "were")
    )
}

/// What is unusual about the script's element.
fn element(about: &str) -> Line {
    let (what, detail) = about.split_once(' ').unwrap_or((about, ""));
    let advice = "so attributes have no effect; if it needs any, set oaiq.config before the script instead (docs/bundlers.md)";
    match what {
        "attribute" => {
            let (name, value) = detail.split_once(' ').unwrap_or((detail, ""));
            let own = match name.contains("oaiq") {
                true => name.to_owned(),
                false => name.replacen("data-", "data-oaiq-", 1),
            };
            warning(format!(
                "{name}=\"{}\" is not a value of the pixel's, so it is ignored; docs/consent.md has the values of {own}",
                shortened(value.into(), 40)
            ))
        }
        "in" => line(format!(
            "the script is part of {}, {advice}",
            shortened(detail.into(), 60)
        )),
        _ => line(format!(
            "the script runs without its own script element (a tool has combined, inlined or re-created it), {advice}"
        )),
    }
}

fn push_limited<T>(queue: &mut VecDeque<T>, item: T) {
    queue.push_back(item);
    if queue.len() > MOST_SHOWN {
        queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORDER: &str = r#"{"type":"order_created","timestamp_ms":5,"id":"o-1","data":{"type":"contents","amount":2599,"currency":"USD","contents":[{},{}]}}"#;

    fn told(console: &mut Console, step: DebugEvent, about: &str) -> String {
        console
            .tell(step, about)
            .map_or(String::new(), |it| it.text)
    }

    fn sent(number: u32, way: u32, events: &str) -> String {
        format!(
            r#"{} https://events.test/v1?pid=P&ec=1 {{"obref":"0123456789","events":[{events}],"oppref":"click-reference"}}"#,
            number << 3 | way
        )
    }

    fn rows(console: &Console, title: &str) -> Vec<Vec<(&'static str, String)>> {
        let tables = console.tables();
        let table = tables.into_iter().find(|it| it.title.starts_with(title));
        table.unwrap().rows
    }

    #[test]
    fn an_event_is_followed_from_its_call_to_its_answer() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::PixelStarted, "P");
        assert_eq!(
            told(&mut console, DebugEvent::Queued, ORDER),
            "order_created \"o-1\" is queued: contents, USD 25.99, 2 items"
        );
        assert_eq!(rows(&console, "events queued")[0][4].1, "queued");
        let line = told(&mut console, DebugEvent::RequestSent, &sent(1, 0, ORDER));
        assert!(
            line.starts_with("request 1 carries 1 event to pixel \"P\""),
            "{line}"
        );
        assert!(
            line.ends_with("with click ID click-re…): order_created \"o-1\""),
            "{line}"
        );
        assert_eq!(
            rows(&console, "events queued")[0][4].1,
            "in flight: request 1"
        );
        let line = told(
            &mut console,
            DebugEvent::ResponseReceived,
            &format!("{} 1", 1 << 3),
        );
        assert!(line.contains("treated as delivered"), "{line}");
        assert!(rows(&console, "events queued").is_empty());
        assert_eq!(rows(&console, "events delivered")[0][1].1, "o-1");
        assert_eq!(rows(&console, "pixels")[0][2].1, "1");
    }

    #[test]
    fn what_failed_still_waits_and_is_told_with_its_endpoint() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::Queued, ORDER);
        told(&mut console, DebugEvent::RequestSent, &sent(1, 0, ORDER));
        let line = told(
            &mut console,
            DebugEvent::ResponseReceived,
            &format!("{} 0", 1 << 3),
        );
        assert!(
            line.contains("endpoint https://events.test/v1 is down"),
            "{line}"
        );
        assert_eq!(rows(&console, "events queued").len(), 1);
        assert!(rows(&console, "events delivered").is_empty());
    }

    #[test]
    fn a_beacon_is_told_as_one_and_a_stripped_request_as_one_that_says_nothing_of_the_visitor() {
        let mut console = Console::default();
        let beacon = told(
            &mut console,
            DebugEvent::RequestSent,
            &sent(1, send_flags::UNLOADING, ORDER),
        );
        assert!(beacon.contains("by sendBeacon"), "{beacon}");
        let way = send_flags::UNLOADING | send_flags::ANONYMOUS;
        let stripped = told(&mut console, DebugEvent::RequestSent, &sent(2, way, ORDER));
        assert!(
            stripped.contains("by fetch, without cookies and IDs"),
            "{stripped}"
        );
    }

    #[test]
    fn what_a_worker_has_taken_is_told_as_such_and_waits_no_more() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::Queued, ORDER);
        let way = send_flags::UNLOADING | send_flags::VIA_WORKER;
        let line = told(&mut console, DebugEvent::RequestSent, &sent(1, way, ORDER));
        assert!(
            line.contains("by a worker that outlives the page"),
            "{line}"
        );
        assert!(rows(&console, "events queued").is_empty());
        let delivered = rows(&console, "events delivered");
        assert_eq!(delivered.len(), 1);
        assert!(format!("{delivered:?}").contains("the next page resends it"));
    }

    #[test]
    fn what_went_by_a_beacon_waits_no_more_unless_it_is_doubted() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::Queued, ORDER);
        told(
            &mut console,
            DebugEvent::RequestSent,
            &sent(1, send_flags::UNLOADING, ORDER),
        );
        assert!(rows(&console, "events queued").is_empty());
        assert_eq!(rows(&console, "events delivered").len(), 1);
        let doubted = format!("{} 0", 1 << 3 | send_flags::UNLOADING);
        let line = told(&mut console, DebugEvent::ResponseReceived, &doubted);
        assert!(
            line.contains(
                "went by sendBeacon and cannot be confirmed; its event is stored and will be resent"
            ),
            "{line}"
        );
        assert_eq!(rows(&console, "events queued").len(), 1);
        assert!(rows(&console, "events delivered").is_empty());
    }

    #[test]
    fn an_id_that_comes_again_is_told_also_on_the_tab_s_next_page() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::Queued, ORDER);
        let again = ORDER.replace(":5", ":6");
        let line = told(&mut console, DebugEvent::Queued, &again);
        assert!(line.contains("this page has measured it before"), "{line}");
        let mut next = Console::default();
        told(&mut next, DebugEvent::TabHistory, &console.remembered());
        let line = told(&mut next, DebugEvent::Queued, ORDER);
        assert!(line.contains("an earlier page of this tab"), "{line}");
    }

    #[test]
    fn no_more_is_kept_than_the_tables_and_the_next_page_need() {
        let mut console = Console::default();
        for i in 0..500 {
            let order = ORDER.replace("o-1", &format!("o-{i}"));
            told(&mut console, DebugEvent::Queued, &order);
            told(&mut console, DebugEvent::RequestSent, &sent(i, 0, &order));
            told(
                &mut console,
                DebugEvent::ResponseReceived,
                &format!("{} 202", i << 3),
            );
            told(
                &mut console,
                DebugEvent::Rejected,
                r#"[1,"","","measure","no"]"#,
            );
        }
        assert_eq!(rows(&console, "events delivered").len(), MOST_SHOWN);
        assert_eq!(rows(&console, "calls rejected").len(), MOST_SHOWN);
        assert_eq!(console.remembered().lines().count(), MOST_REMEMBERED);
        assert!(console.requests.is_empty() && console.waiting.is_empty());
    }

    #[test]
    fn settings_that_fail_once_are_tried_again_before_anybody_is_told() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::PixelStarted, "P");
        let failed = "https://settings.test/P.json 0 undefined";
        assert_eq!(told(&mut console, DebugEvent::ConfigReceived, failed), "");
        assert!(
            told(&mut console, DebugEvent::ConfigReceived, failed).contains("could not be fetched")
        );
        let missing = told(
            &mut console,
            DebugEvent::ConfigReceived,
            "https://settings.test/P.json 404 2",
        );
        assert!(
            missing.contains("no config for pixel \"P\" (404)"),
            "{missing}"
        );
    }

    /// An event of that kind, id and time.
    fn event(kind: &str, id: &str, time: u64) -> String {
        format!(
            r#"{{"type":"{kind}","timestamp_ms":{time},"id":"{id}","source_url":"https://a.test/","data":{{"type":"contents"}}}}"#
        )
    }

    fn init(console: &mut Console, given: &str) -> String {
        told(
            console,
            DebugEvent::Init,
            &format!(r#"[1,"https://a.test/","","init",{given}]"#),
        )
    }

    #[test]
    fn scripts_know_the_steps_by_their_numbers() {
        let names: Vec<_> = DebugEvent::ALL
            .iter()
            .map(|step| format!("{step:?}").to_uppercase())
            .collect();
        let mut checked = 0;
        for script in [
            include_str!("../../www/pixel/trace.js"),
            include_str!("../../www/debug/entry.js"),
        ] {
            for line in script.lines() {
                let line = line.trim_start_matches("export ");
                let constant = line
                    .strip_prefix("const ")
                    .and_then(|it| it.split_once(" = "));
                let Some((name, number)) = constant else {
                    continue;
                };
                let Some(place) = names.iter().position(|it| *it == name.replace('_', "")) else {
                    continue;
                };
                assert_eq!(number, format!("{place};"), "{name}");
                checked += 1;
            }
        }
        assert!(checked > 15, "{checked}");
    }

    #[test]
    fn nouns_and_verbs_agree_in_number() {
        let mut console = Console::default();
        let kept = |events: &str| format!(r#"{{"pixel":"P","events":[{events}]}}"#);
        assert_eq!(
            told(&mut console, DebugEvent::OutboxSaved, &kept(ORDER)),
            "the outbox stores 1 event of pixel \"P\" until it has arrived"
        );
        let three = [
            ORDER,
            &event("lead_created", "a", 1),
            &event("lead_created", "b", 9_999),
        ];
        assert_eq!(
            told(
                &mut console,
                DebugEvent::OutboxSaved,
                &kept(&three.join(","))
            ),
            "the outbox stores 3 events of pixel \"P\" until they have arrived"
        );
        told(
            &mut console,
            DebugEvent::RequestSent,
            &sent(1, 0, &three.join(",")),
        );
        let failed = told(
            &mut console,
            DebugEvent::ResponseReceived,
            &format!("{} 500", 1 << 3),
        );
        assert!(failed.contains("its events are stored"), "{failed}");
        let denied = told(&mut console, DebugEvent::ConsentChanged, "denied");
        assert!(denied.ends_with("3 queued events were dropped"), "{denied}");
    }

    #[test]
    fn what_failed_is_queued_and_no_longer_in_flight() {
        let mut console = Console::default();
        for status in [0, 503] {
            told(&mut console, DebugEvent::Queued, ORDER);
            told(&mut console, DebugEvent::RequestSent, &sent(1, 0, ORDER));
            assert_eq!(console.state().in_flight, 1);
            told(
                &mut console,
                DebugEvent::ResponseReceived,
                &format!("{} {status}", 1 << 3),
            );
            let state = console.state();
            assert_eq!((state.queued, state.in_flight), (1, 0));
        }
    }

    #[test]
    fn what_fails_is_queued_also_if_debug_was_off_when_it_was_measured() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::RequestSent, &sent(1, 0, ORDER));
        assert_eq!(console.state().in_flight, 1);
        told(
            &mut console,
            DebugEvent::ResponseReceived,
            &format!("{} 0", 1 << 3),
        );
        assert_eq!(console.state().queued, 1);
        told(
            &mut console,
            DebugEvent::RequestSent,
            &sent(2, send_flags::UNLOADING, ORDER),
        );
        assert_eq!(console.state().queued, 0);
    }

    #[test]
    fn the_state_counts_what_has_happened() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::PixelStarted, "P");
        told(&mut console, DebugEvent::ConsentState, "granted nobody");
        told(&mut console, DebugEvent::ClickId, "address click-reference");
        for number in 1..=3 {
            let order = event("order_created", &format!("o-{number}"), 0);
            told(&mut console, DebugEvent::Queued, &order);
            told(
                &mut console,
                DebugEvent::RequestSent,
                &sent(number, 0, &order),
            );
        }
        told(
            &mut console,
            DebugEvent::ResponseReceived,
            &format!("{} 1", 1 << 3),
        );
        told(
            &mut console,
            DebugEvent::Queued,
            &event("lead_created", "l", 0),
        );
        told(
            &mut console,
            DebugEvent::Rejected,
            r#"[1,"","","measure","no"]"#,
        );
        told(
            &mut console,
            DebugEvent::Ignored,
            r#"[1,"","","track","PageView"]"#,
        );
        told(
            &mut console,
            DebugEvent::Dropped,
            &format!("too_old {}", event("order_created", "o-3", 0)),
        );
        let state = console.state();
        assert_eq!(
            state.consent,
            "granted, because no answer is stored and none is waited for"
        );
        assert_eq!(state.click_id, "click-re… from the address");
        assert_eq!(state.browser_id, "01234567…");
        assert_eq!(
            (
                state.queued,
                state.in_flight,
                state.delivered,
                state.rejected,
                state.ignored,
                state.lost
            ),
            (1, 1, 1, 1, 1, 1)
        );
        assert_eq!(state.pixels[0].delivered, 1);
    }

    #[test]
    fn a_pixel_and_its_config_are_known_from_its_requests_alone() {
        let mut console = Console::default();
        let config = "https://settings.test/R%20S%2F%C3%BC.json 200 0";
        told(&mut console, DebugEvent::ConfigReceived, config);
        let sent = sent(1, 0, ORDER).replace("pid=P", "pid=R%20S%2F%C3%BC");
        told(&mut console, DebugEvent::RequestSent, &sent);
        told(
            &mut console,
            DebugEvent::ResponseReceived,
            &format!("{} 1", 1 << 3),
        );
        let [pixel] = &console.state().pixels[..] else {
            panic!("one pixel");
        };
        assert_eq!((pixel.id.as_str(), pixel.delivered), ("R S/ü", 1));
        assert_eq!(pixel.config, "automatic advanced matching disabled");
    }

    #[test]
    fn an_init_that_comes_again_without_a_user_is_named_as_a_second_snippet() {
        let mut console = Console::default();
        assert_eq!(init(&mut console, r#"{"pixelId":"P"}"#), "");
        told(&mut console, DebugEvent::PixelStarted, "P");
        let again = init(&mut console, r#"{"pixelId":"P"}"#);
        assert!(
            again.contains("is the snippet on this page twice"),
            "{again}"
        );
        let login = init(&mut console, r#"{"pixelId":"P","user":{"city":"Kiel"}}"#);
        assert_eq!(login, "pixel \"P\" was initialized again on this page");
    }

    #[test]
    fn the_same_event_twice_within_a_second_is_named_and_a_second_page_view_always() {
        let mut console = Console::default();
        let mut queued =
            |kind, id, time| told(&mut console, DebugEvent::Queued, &event(kind, id, time));
        for (kind, id, time, is_named) in [
            ("page_viewed", "a", 0, false),
            ("page_viewed", "b", 900, true),
            ("page_viewed", "c", 60_000, true),
            ("items_added", "d", 0, false),
            ("items_added", "e", 5_000, false),
            ("items_added", "f", 5_001, true),
            ("contents_viewed", "g", 5_001, false),
        ] {
            let line = queued(kind, id, time);
            assert_eq!(line.contains("this page has measured"), is_named, "{line}");
        }
        let elsewhere = event("page_viewed", "h", 90_000).replace("a.test/", "a.test/next");
        let line = told(&mut console, DebugEvent::Queued, &elsewhere);
        assert!(!line.contains("this page has measured"), "{line}");
    }

    #[test]
    fn an_order_without_an_id_of_the_page_s_own_is_named_once() {
        let mut console = Console::default();
        let mut queued = |kind, id, has_id: bool| {
            if !has_id {
                told(&mut console, DebugEvent::MissingEventId, kind);
            }
            let line = told(&mut console, DebugEvent::Queued, &event(kind, id, 0));
            line.contains("no event_id of your own")
        };
        assert!(!queued("items_added", "a", false));
        assert!(!queued("order_created", "b", true));
        assert!(queued("order_created", "c", false));
        assert!(!queued("order_created", "d", false), "once a page");
    }

    #[test]
    fn an_identifier_in_an_event_is_named_by_its_field_and_not_shown() {
        let mut console = Console::default();
        init(
            &mut console,
            r#"{"pixelId":"P","user":{"first_name_sha256":"Jane"}}"#,
        );
        let line = told(
            &mut console,
            DebugEvent::Queued,
            &event("lead_created", "me@a.test", 0),
        );
        assert!(line.contains("event_id holds an email address"), "{line}");
        assert!(!line.contains("me@a.test"), "{line}");
        let named = event("lead_created", "b", 0).replace("a.test/", "a.test/hello-jane");
        let line = told(&mut console, DebugEvent::Queued, &named);
        assert!(
            line.contains("the page's address holds the visitor's name"),
            "{line}"
        );
        let line = told(
            &mut console,
            DebugEvent::Queued,
            &event("lead_created", "you@a.test", 0),
        );
        assert!(!line.contains("holds"), "once: {line}");
    }

    #[test]
    fn a_call_that_does_nothing_is_named_once_also_while_consent_is_pending() {
        let mut console = Console::default();
        let line = told(
            &mut console,
            DebugEvent::HeldForConsent,
            r#"["consent","denied"]"#,
        );
        assert!(
            line.starts_with(
                r#"oaiq("consent", "denied") was ignored: the answer must be true or false"#
            ),
            "{line}"
        );
        let line = told(
            &mut console,
            DebugEvent::Ignored,
            r#"[1,"","","consent","denied"]"#,
        );
        assert_eq!(line, "");
        let line = told(
            &mut console,
            DebugEvent::Ignored,
            r#"[1,"","","track","me@a.test"]"#,
        );
        assert_eq!(
            line,
            r#"oaiq("track", "(an email address)") was ignored: did you mean oaiq("measure", …)?"#
        );
        assert_eq!(rows(&console, "calls rejected").len(), 2);
    }

    #[test]
    fn a_user_that_is_not_understood_is_named_by_its_fields() {
        let mut console = Console::default();
        let line = init(
            &mut console,
            r#"{"pixelId":"P","user":{"email":"me@a.test","city":["x"]}}"#,
        );
        assert!(
            line.contains("user.email is not known and is ignored: its name is email_sha256"),
            "{line}"
        );
        assert!(line.contains("user.city is a list"), "{line}");
        let line = told(
            &mut console,
            DebugEvent::ConfigUser,
            r#"{"phone_number_sha256":"0170 1234567"}"#,
        );
        assert!(
            line.starts_with("oaiq.config.user.phone_number_sha256 begins with 0"),
            "{line}"
        );
    }

    #[test]
    fn events_without_any_init_are_named_as_such() {
        let mut console = Console::default();
        assert_eq!(told(&mut console, DebugEvent::NoPixelStarted, ""), "");
        told(&mut console, DebugEvent::Queued, ORDER);
        let line = told(&mut console, DebugEvent::NoPixelStarted, "");
        assert!(
            line.starts_with("no pixel has been initialized, so 1 event is queued"),
            "{line}"
        );
        told(&mut console, DebugEvent::PixelStarted, "P");
        assert_eq!(told(&mut console, DebugEvent::NoPixelStarted, ""), "");
    }

    #[test]
    fn a_click_id_that_changes_is_named_and_each_event_shows_its_own() {
        let mut console = Console::default();
        let second =
            sent(2, 0, &event("lead_created", "l", 0)).replace("click-reference", "another-click");
        told(&mut console, DebugEvent::RequestSent, &sent(1, 0, ORDER));
        let line = told(&mut console, DebugEvent::RequestSent, &second);
        assert!(
            line.contains("with click ID another-…; the click ID was click-re… before"),
            "{line}"
        );
        for number in [1, 2] {
            told(
                &mut console,
                DebugEvent::ResponseReceived,
                &format!("{} 1", number << 3),
            );
        }
        let delivered = rows(&console, "events delivered");
        let clicks: Vec<_> = delivered.iter().map(|row| row[5].1.as_str()).collect();
        assert_eq!(clicks, ["another-…", "click-re…"]);
    }

    #[test]
    fn no_click_id_is_told_as_what_is_known_and_no_more() {
        let mut console = Console::default();
        let line = told(&mut console, DebugEvent::ClickId, "nowhere");
        assert!(line.starts_with("no click ID in this page's address or cookie; a redirect or a frame may have lost it"), "{line}");
        let line = told(&mut console, DebugEvent::ClickId, "long click-reference");
        assert!(
            line.contains("too long for a cookie (4 kB), so only this page sends it"),
            "{line}"
        );
    }

    #[test]
    fn what_earlier_pages_measured_is_told_also_of_events_queued_before_it_could_be_read() {
        let mut console = Console::default();
        told(&mut console, DebugEvent::Queued, ORDER);
        let line = told(&mut console, DebugEvent::TabHistory, "order_created o-1");
        assert!(
            line.contains("an earlier page of this tab has measured it with the same id"),
            "{line}"
        );
    }

    #[test]
    fn an_attribute_s_value_that_is_another_tool_s_and_a_missing_element_are_named() {
        let mut console = Console::default();
        let line = told(
            &mut console,
            DebugEvent::ScriptElement,
            "attribute data-consent marketing",
        );
        assert!(
            line.starts_with("data-consent=\"marketing\" is not a value of the pixel's"),
            "{line}"
        );
        let line = told(&mut console, DebugEvent::ScriptElement, "none");
        assert!(line.contains("without its own script element"), "{line}");
        let line = told(&mut console, DebugEvent::ScriptElement, "in all.min.js");
        assert!(
            line.starts_with("the script is part of all.min.js"),
            "{line}"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_step_is_about_nobody_s_address_is_read_in_it(
            step in prop::sample::select(DebugEvent::ALL.to_vec()),
            before in "[^@]{0,20}",
            behind in any::<String>(),
        ) {
            let mut console = Console::default();
            let call = r#"[1,"https://a.test/me@shop.test","","init",{"pixelId":"me@shop.test","user":{"me@shop.test":"me@shop.test","city":"me@shop.test","email_sha256":["me@shop.test"]}}]"#.to_owned();
            let event = r#"{"type":"order_created","id":"me@shop.test","source_url":"https://a.test/me@shop.test","data":{"plan_id":"me@shop.test","contents":[{"id":"me@shop.test","name":"me@shop.test"}]}}"#.to_owned();
            for about in [format!("{before}me@shop.test {behind}"), format!("8 x {{\"events\":[{{\"id\":\"me@shop.test\"}}]{behind}"), call.replace("init", "track"), call, event] {
                let line = told(&mut console, step, &about);
                prop_assert!(!line.contains("me@shop.test"), "{line}");
                let shown = format!("{:?} {:?}", console.tables(), console.state());
                prop_assert!(!shown.contains("me@shop.test"), "{shown}");
            }
        }
    }
}
