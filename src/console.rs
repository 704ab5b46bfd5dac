//! What the console says with debug, a line a step, and what is known by then.
//!
//! The pixel tells of its steps as they come ([`Step`]); a [`Console`] turns each into words, and keeps what
//! `oaiq.debug()` shows as tables. Whoever reads them wants to know why an event did not arrive, and is no programmer.

use std::collections::VecDeque;

use serde::Serialize;

use crate::command::{self, Command};
use crate::explain::{Explained, faults, shortened, shown, without_identifiers};
use crate::host::{Step, how};
use crate::money;
use crate::text::{Draft, t, with_drafts_of_its_own};
use crate::value::{Value, kind};

/// So many delivered events, and so many refused ones, are kept for the tables.
const MOST_SHOWN: usize = 50;
/// So many measured events are remembered, to tell of ids that come twice.
const MOST_REMEMBERED: usize = 200;
/// A longer line would hide the others.
const LONGEST_LIST: usize = 5;
/// How an event went by a beacon.
const HANDED_OVER: &str = "handed to the browser as the page was left";
/// How an event went by a courier.
const CARRIED: &str = "handed to a worker that outlives the page; if it does not arrive, it goes again from the next page";

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

/// What the steps so far have told.
#[derive(Debug, Default)]
pub struct Console {
    pixels: Vec<Pixel>,
    /// `granted`, `denied` or `pending`, and in words why.
    consent: String,
    click: String,
    browser: String,
    /// Calls that wait for the visitor's answer.
    held: usize,
    waiting: Vec<Event>,
    requests: Vec<Request>,
    delivered: VecDeque<(String, String, Event)>,
    refused: VecDeque<Refusal>,
    /// Has a person asked for debug, rather than the page's code?
    asked: bool,
    /// What was told last of the outbox.
    outbox: String,
    /// Names and ids of what has been measured in this tab, also by earlier pages.
    remembered: VecDeque<String>,
    /// Those of earlier pages alone.
    of_earlier_pages: Vec<String>,
}

#[derive(Debug)]
struct Pixel {
    id: String,
    settings: String,
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

#[derive(Debug, Clone)]
struct Request {
    number: u32,
    pixel: String,
    beacon: bool,
    endpoint: String,
    events: Vec<Event>,
}

/// One fault of a refused call, or a lost event.
#[derive(Debug)]
struct Refusal {
    event: String,
    field: String,
    given: String,
    advice: String,
}

impl Event {
    fn read(wire: Value) -> Self {
        let text = |name| without_identifiers(wire.get(name).owned().as_str());
        let kind = text(t!("type"));
        let custom = text(t!("custom_event_name"));
        Self {
            id: text(t!("id")),
            shape: shape(wire.get(t!("data"))),
            time: wire.get(t!("timestamp_ms")).number(),
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

/// `contents, USD 25.99, 2 items`
fn shape(data: Value) -> String {
    let mut parts = vec![data.get(t!("type")).owned().as_str().to_owned()];
    let amount = data.get(t!("amount"));
    if amount.is_given()
        && let Ok(minor) = amount.raw().as_str().parse()
    {
        let currency = data.get(t!("currency")).owned();
        parts.push(money::shown(minor, currency.as_str()));
    }
    let plan = data.get(t!("plan_id"));
    if plan.is_given() {
        parts.push(format!("plan {}", shown(plan)));
    }
    let contents = data.get(t!("contents"));
    if contents.is_given() {
        let mut count = 0;
        let mut next = contents.first();
        while let Some(item) = next {
            count += 1;
            next = item.next();
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
        parts.push("what the pixel tells of itself".into());
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

/// The beginning of a reference: enough to compare, too little to use.
fn beginning(reference: &str) -> String {
    shortened(reference.into(), 8)
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

impl Console {
    /// What a step means; `about` is what [`Step`] says that the step carries. Some have no line.
    pub fn tell(&mut self, step: Step, about: &str) -> Option<Line> {
        let work = || self.line_of(step, about);
        // SAFETY: a line has texts of its own
        let mut line = unsafe { with_drafts_of_its_own(work) }?;
        line.text = without_identifiers(&line.text);
        Some(line)
    }

    /// Has a person asked for debug? Consoles hide what is only for debugging, and people look for what they asked for.
    pub fn was_asked_for(&self) -> bool {
        self.asked
    }

    fn line_of(&mut self, step: Step, about: &str) -> Option<Line> {
        self.asked |= step == Step::Asked;
        Some(match step {
            Step::Started => return self.started(about),
            Step::Init => return self.init(about),
            Step::Consent => self.consent_changed(about),
            Step::Queued => return self.queued(about),
            Step::Adopted => {
                let event = Event::read(Value::new(Draft::from(about).text()));
                let text = format!(
                    "{} was left by an earlier page and is sent now",
                    event.shown()
                );
                self.waiting.push(event);
                line(text)
            }
            Step::Refused => self.refused(about),
            Step::UnknownPixel => warning(format!(
                "measureSingle names the pixel \"{about}\", which no init has started, so nothing was measured{}",
                self.pixels_there()
            )),
            Step::Kept => return self.kept(about),
            Step::Blocked => warning(format!(
                "{about} was not measured, because consent is denied"
            )),
            Step::Sent => self.sent(about)?,
            Step::Answered => self.answered(about)?,
            Step::Failed => line(format!(
                "its events are sent again in {about} s, or as soon as the browser is online again"
            )),
            Step::Settings => return self.settings(about),
            Step::Halved => warning(
                "the endpoint refused a request: its events are sent again, half as many at a time, until the one at fault stands alone",
            ),
            Step::Lost => self.lost(about),
            Step::Damaged => warning(format!(
                "the outbox held something that the pixel cannot read; it has been set aside as \"oaiq_outbox.damaged\" in localStorage (box {about})"
            )),
            Step::NotKept => warning(
                "localStorage is full or not allowed, so what waits to be sent is lost if this page ends before it has gone",
            ),
            Step::Asked => match about {
                "false" => line("debug is off"),
                "true" => line("debug is on for this page; oaiq.debug() shows where things stand"),
                _ if self.pixels.is_empty() && self.held == 0 => warning(
                    "no pixel has started: the page has not called oaiq(\"init\", { pixelId: \"...\" })",
                ),
                _ => return None,
            },
            Step::Held => return self.held(about),
            Step::Click => self.click(about),
            Step::Consented => self.consent_known(about),
            Step::Forbidden => return self.forbidden(about),
            Step::Remembered => {
                self.remembered = about.lines().map(Into::into).collect();
                self.of_earlier_pages = self.remembered.iter().cloned().collect();
                return None;
            }
        })
    }

    /// What [`Step::Remembered`] gives to the console of the tab's next page.
    pub fn remembered(&self) -> String {
        let lines: Vec<_> = self.remembered.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// Tells what is wrong with an `init`, or that it has changed a pixel that was there.
    fn init(&mut self, call: &str) -> Option<Line> {
        let call = Draft::from(call);
        let given = command::read(Value::new(call.text())).first;
        if given.kind() != kind::OBJECT {
            // what was given may be about a person
            return Some(warning(
                "init was given no object; call oaiq(\"init\", { pixelId: \"...\" }) with the id from the ads manager",
            ));
        }
        let id = given.get(t!("pixelId"));
        if id.is_given() && !id.says_something() {
            return Some(warning(format!(
                "init was given {} as pixelId; it must be the id from the ads manager, in quotes",
                without_identifiers(&shown(id))
            )));
        }
        let mut unknown = Vec::new();
        let mut next = given.first();
        while let Some(field) = next {
            let name = field.owned().as_str().to_owned();
            if !["pixelId", "debug", "user", "consent"].contains(&name.as_str()) {
                unknown.push(name);
            }
            next = field.value().next();
        }
        if !unknown.is_empty() {
            return Some(warning(format!(
                "init does not know {}; it knows pixelId, debug, user and consent",
                unknown.join(", ")
            )));
        }
        let id = id.owned();
        let known = match id.as_str() {
            "" => self.pixels.first(),
            id => self.pixels.iter().find(|pixel| pixel.id == id),
        };
        known.map(|known| {
            line(format!(
                "pixel \"{}\" was there already and has been updated",
                known.id
            ))
        })
    }

    /// What is kept shows events that were measured before debug was on.
    fn kept(&mut self, held: &str) -> Option<Line> {
        let held = Draft::from(held);
        let held = Value::new(held.text());
        let pixel = held.get(t!("pixel")).owned().as_str().to_owned();
        let mut count = 0;
        let mut next = held.get(t!("events")).first();
        while let Some(event) = next {
            let read = Event::read(event);
            count += 1;
            if !self.waiting.contains(&read) {
                self.waiting.push(read);
            }
            next = event.next();
        }
        if !pixel.is_empty() && !self.pixels.iter().any(|it| it.id == pixel) {
            self.started(&pixel);
        }
        let told = match count {
            0 => "the outbox is empty: nothing waits".to_owned(),
            _ => format!(
                "the outbox keeps {} of pixel \"{pixel}\" until it has arrived",
                counted(count, "event")
            ),
        };
        if told == self.outbox {
            return None;
        }
        self.outbox = told.clone();
        Some(line(told))
    }

    fn started(&mut self, id: &str) -> Option<Line> {
        // what an earlier page has left has pixels of its own
        if self.pixels.iter().any(|pixel| pixel.id == id) {
            return None;
        }
        self.pixels.push(Pixel {
            id: id.into(),
            settings: "not known yet".into(),
            delivered: 0,
        });
        self.held = 0;
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

    fn consent_changed(&mut self, state: &str) -> Line {
        self.consent = format!("{state}, by an answer on this page");
        if state == "granted" {
            return line("consent is granted: from now on events are measured");
        }
        let dropped = self.waiting.len();
        self.waiting.clear();
        let dropped = match dropped {
            0 => String::new(),
            _ => format!(
                ", and what was waiting has been dropped ({})",
                counted(dropped, "event")
            ),
        };
        warning(format!(
            "consent is denied: nothing is measured until oaiq(\"consent\", true){dropped}"
        ))
    }

    fn consent_known(&mut self, about: &str) -> Line {
        let (state, source) = about.split_once(' ').unwrap_or((about, ""));
        let why = match source {
            "nobody" => "because nobody has said otherwise".into(),
            "stored" => "as answered (cookie __oaiq_consent or localStorage oaiq_consent)".into(),
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
        let (place, reference) = about.split_once(' ').unwrap_or((about, ""));
        let reference = beginning(reference);
        match place {
            "address" => {
                self.click = format!("{reference} from the address");
                line(format!(
                    "click reference {reference} found in the page's address: what is measured belongs to this ad click"
                ))
            }
            "cookie" => {
                self.click = format!("{reference} from the cookie __oppref");
                line(format!(
                    "click reference {reference} found in the cookie __oppref, from an ad click of the last 30 days"
                ))
            }
            _ => {
                self.click = "none".into();
                line(
                    "no click reference: this visitor has come by no ad in the last 30 days (to try one, add ?oppref=test to the address)",
                )
            }
        }
    }

    fn held(&mut self, call: &str) -> Option<Line> {
        let call = Draft::from(call);
        let command = Value::new(call.text()).first()?;
        // the page's paint waits as well, which is no call
        if command.kind() != kind::STRING {
            return None;
        }
        self.held += 1;
        if command.is(t!("measure")) {
            return Some(line(format!(
                "{} waits until consent is known",
                without_identifiers(&shown(command.value()))
            )));
        }
        Some(line(format!(
            "{} waits until consent is known",
            shown(command)
        )))
    }

    fn forbidden(&mut self, about: &str) -> Option<Line> {
        let (directive, what) = about.split_once(' ')?;
        let is_ours = what.contains("/pixel-config/")
            || self
                .requests
                .iter()
                .any(|it| what.starts_with(&it.endpoint));
        let origin = what.split('/').take(3).collect::<Vec<_>>().join("/");
        is_ours.then(|| {
            warning(format!(
                "the page's Content-Security-Policy keeps requests from {origin}: add {origin} to its {directive}"
            ))
        })
    }

    fn queued(&mut self, wire: &str) -> Option<Line> {
        let event = Event::read(Value::new(Draft::from(wire).text()));
        // told again, after debug has been switched on again
        if self.waiting.contains(&event) {
            return None;
        }
        let key = event.key();
        let shown = format!("{} waits to be sent: {}", event.shown(), event.shape);
        self.waiting.push(event.clone());
        let is_known = self.remembered.contains(&key);
        if !is_known {
            self.remembered.push_back(key.clone());
            if self.remembered.len() > MOST_REMEMBERED {
                self.remembered.pop_front();
            }
            return Some(line(shown));
        }
        let place = if self.of_earlier_pages.contains(&key) {
            "an earlier page of this tab"
        } else {
            "this page"
        };
        Some(warning(format!(
            "{shown}; but {place} has measured it before, with the same id, so OpenAI counts it once: right for a page that was reloaded, otherwise give each its own event_id"
        )))
    }

    fn refused(&mut self, call: &str) -> Line {
        let call = Draft::from(call);
        let command::Call {
            command,
            name,
            data,
            options,
            ..
        } = command::read(Value::new(call.text()));
        let mut faults = faults(name, data, options);
        if faults.is_empty() {
            faults.push(Explained {
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
            let refusal = Refusal {
                event: name.trim_matches('"').into(),
                field: fault.field.clone(),
                given: fault.given.clone(),
                advice: match &fault.advice {
                    Some(advice) => advice.clone(),
                    None => format!("must be {}", fault.expected),
                },
            };
            push_limited(&mut self.refused, refusal);
        }
        Line {
            warns: true,
            text: format!(
                "{command} {name} was refused, nothing was measured:\n  {}",
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
        let body = Draft::from(body);
        let body = Value::new(body.text());
        let mut events = Vec::new();
        let mut next = body.get(t!("events")).first();
        while let Some(event) = next {
            events.push(Event::read(event));
            next = event.next();
        }
        let is = |flag| way & flag != 0;
        let carried = is(how::CARRIED);
        let beacon = is(how::LEAVING) && !is(how::STRIPPED) && !carried;
        let pixel = url
            .split(['?', '&'])
            .find_map(|part| part.strip_prefix("pid="))
            .unwrap_or("")
            .to_owned();
        let click = body.get(t!("oppref")).owned();
        let references = match click.as_str() {
            _ if is(how::STRIPPED) => ", without cookies and references".to_owned(),
            "" => ", without a click reference".to_owned(),
            click => format!(", with click reference {}", beginning(click)),
        };
        let browser = body.get(t!("obref")).owned();
        if !browser.is_empty() {
            self.browser = beginning(browser.as_str());
        }
        let user = match body.get(t!("user")).is_given() {
            true => " and hashed user data",
            false => "",
        };
        let text = format!(
            "request {number} carries {} to pixel \"{pixel}\" ({} by {}{references}{user}): {}",
            counted(events.len(), "event"),
            size(bytes),
            match (carried, beacon) {
                (true, _) => "a worker that outlives the page",
                (_, true) => "beacon",
                _ => "fetch",
            },
            list(&events)
        );
        self.requests.retain(|it| it.number != number);
        self.requests.push(Request {
            number,
            pixel,
            beacon,
            endpoint: url.split('?').next().unwrap_or("").into(),
            events,
        });
        if self.requests.len() > MOST_SHOWN {
            self.requests.remove(0);
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
        let Request { pixel, events, .. } = if self.requests[place].beacon {
            // of which the pixel may hear that it is not to be believed in
            self.requests[place].clone()
        } else {
            self.requests.remove(place)
        };
        for event in events {
            self.waiting.retain(|it| it.key() != event.key());
            if event.is_internal() {
                continue;
            }
            let known = self.pixels.iter_mut().find(|it| it.id == pixel);
            if let Some(known) = known {
                known.delivered += 1;
            }
            push_limited(&mut self.delivered, (pixel.clone(), how.to_owned(), event));
        }
    }

    /// What went by a beacon that is not believed in waits again.
    fn doubt(&mut self, number: u32) {
        let Some(place) = self.requests.iter().position(|it| it.number == number) else {
            return;
        };
        if !self.requests[place].beacon {
            return;
        }
        let Request { pixel, events, .. } = self.requests.remove(place);
        for event in events {
            if event.is_internal() {
                continue;
            }
            if let Some(known) = self.pixels.iter_mut().find(|it| it.id == pixel) {
                known.delivered = known.delivered.saturating_sub(1);
            }
            self.delivered
                .retain(|(_, how, it)| how != HANDED_OVER || it.key() != event.key());
            self.waiting.push(event);
        }
    }

    fn answered(&mut self, about: &str) -> Option<Line> {
        let (number, status) = about.split_once(' ')?;
        let number = number.parse::<u32>().ok()? >> 3;
        let request = self.requests.iter().find(|it| it.number == number);
        let all = request.map_or("its events".into(), |request| list(&request.events));
        let status: u32 = status.parse().ok()?;
        let line = match status {
            0 if request.is_some_and(|request| request.beacon) => line(format!(
                "request {number} was a beacon of which nobody can know whether it arrived, so its events are kept and go again"
            )),
            0 => warning(format!(
                "request {number} had no answer: the network or the endpoint{} is down, or a blocker or the page's Content-Security-Policy keeps it back; its events are kept",
                request.map_or(String::new(), |request| format!(" {}", request.endpoint))
            )),
            1 => line(format!(
                "request {number} was answered (OpenAI lets no page read how, so it counts as arrived): {all}"
            )),
            408 | 429 | 500.. => warning(format!(
                "request {number} was answered {status}: the endpoint cannot take it now; its events are kept"
            )),
            400..500 => warning(format!(
                "request {number} was refused with {status}: the Network panel has the answer, which says why"
            )),
            _ => line(format!(
                "request {number} was answered {status}, it has arrived: {all}"
            )),
        };
        match status {
            0 => self.doubt(number),
            1 => self.arrived(number, "answered, unreadably"),
            200..400 => self.arrived(number, &format!("answered {status}")),
            _ => {}
        }
        Some(line)
    }

    fn settings(&mut self, about: &str) -> Option<Line> {
        let mut parts = about.rsplitn(3, ' ');
        let enabled = parts.next()?;
        let status = parts.next()?;
        let file = parts.next()?.rsplit('/').next()?;
        let id = file.strip_suffix(".json")?;
        let outcome = match (status, enabled) {
            ("404", _) => "not found",
            ("0" | "408", _) => "no answer",
            (status, _) if status.starts_with('5') => "no answer",
            (_, "1") => "automatic advanced matching enabled",
            (_, "0") => "automatic advanced matching disabled",
            _ => "not understood",
        };
        let pixel = self.pixels.iter_mut().find(|pixel| pixel.id == id);
        let before = pixel.map(|pixel| core::mem::replace(&mut pixel.settings, outcome.into()));
        Some(match outcome {
            "not found" => warning(format!(
                "there are no settings for pixel \"{id}\" (404): compare the id with the one in the ads manager; what is measured for a pixel that does not exist is counted nowhere"
            )),
            "not understood" => warning(format!(
                "the settings of pixel \"{id}\" were answered {status} and could not be understood; measuring goes on without them"
            )),
            // a first failure is tried again at once
            "no answer" if before.as_deref() != Some("no answer") => return None,
            "no answer" => warning(format!(
                "the settings of pixel \"{id}\" could not be fetched (network, a blocker, or the page's Content-Security-Policy); measuring goes on without them"
            )),
            _ => line(format!("pixel \"{id}\" exists: {outcome}")),
        })
    }

    fn lost(&mut self, about: &str) -> Line {
        let (reason, event) = about.split_once(' ').unwrap_or((about, ""));
        let why = match reason {
            "outbox_full" => {
                "requests fail, and more was waiting than the 500 events or 256 KiB that the outbox takes"
            }
            "too_old" => {
                "it was measured more than 7 days ago, and the endpoint takes nothing so old"
            }
            "refused_by_endpoint" => {
                "the endpoint refused it; the Network panel has the answer, which says why"
            }
            other => other,
        };
        let event = Draft::from(event);
        let event = Value::new(event.text());
        let name = if event.kind() == kind::OBJECT {
            let event = Event::read(event);
            self.waiting.retain(|it| it.key() != event.key());
            event.shown()
        } else {
            shown(command::read(event).name)
        };
        let refusal = Refusal {
            event: name.clone(),
            field: String::new(),
            given: String::new(),
            advice: format!("lost: {why}"),
        };
        push_limited(&mut self.refused, refusal);
        warning(format!("{name} is lost: {why}"))
    }

    /// Where things stand.
    pub fn tables(&self) -> Vec<Table> {
        let or = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
        let fact = |what: &str, is: String| vec![("what", what.to_owned()), ("is", is)];
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
                ("settings", pixel.settings.clone()),
                ("events delivered", pixel.delivered.to_string()),
            ]
        });
        let waiting = self.waiting.iter().map(|event| {
            let on_its_way = self
                .requests
                .iter()
                .rev()
                .find(|request| request.events.iter().any(|it| it.key() == event.key()));
            let state = match on_its_way {
                Some(request) => format!("in request {}", request.number),
                None => "for its turn".into(),
            };
            let mut row = row_of(event);
            row.push(("waits", state));
            row
        });
        let delivered = self.delivered.iter().rev().map(|(pixel, how, event)| {
            let mut row = row_of(event);
            row.extend([("pixel", pixel.clone()), ("how", how.clone())]);
            row
        });
        let refused = self.refused.iter().rev().map(|it| {
            vec![
                ("event", it.event.clone()),
                ("field", it.field.clone()),
                ("given", it.given.clone()),
                ("what to do", it.advice.clone()),
            ]
        });
        vec![
            table("pixels", pixels.collect()),
            table(
                "the visitor",
                vec![
                    fact("consent", or(&self.consent, "granted")),
                    fact("calls that wait for consent", self.held.to_string()),
                    fact("click reference", or(&self.click, "not known yet")),
                    fact("browser reference", or(&self.browser, "not sent yet")),
                ],
            ),
            table("events that wait", waiting.collect()),
            table("events delivered, the last 50", delivered.collect()),
            table(
                "calls refused and events lost, the last 50",
                refused.collect(),
            ),
        ]
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

    fn told(console: &mut Console, step: Step, about: &str) -> String {
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
        told(&mut console, Step::Started, "P");
        assert_eq!(
            told(&mut console, Step::Queued, ORDER),
            "order_created \"o-1\" waits to be sent: contents, USD 25.99, 2 items"
        );
        assert_eq!(rows(&console, "events that wait")[0][4].1, "for its turn");
        let line = told(&mut console, Step::Sent, &sent(1, 0, ORDER));
        assert!(
            line.starts_with("request 1 carries 1 event to pixel \"P\""),
            "{line}"
        );
        assert!(
            line.ends_with("with click reference click-re…): order_created \"o-1\""),
            "{line}"
        );
        assert_eq!(rows(&console, "events that wait")[0][4].1, "in request 1");
        let line = told(&mut console, Step::Answered, &format!("{} 1", 1 << 3));
        assert!(line.contains("counts as arrived"), "{line}");
        assert!(rows(&console, "events that wait").is_empty());
        assert_eq!(rows(&console, "events delivered")[0][1].1, "o-1");
        assert_eq!(rows(&console, "pixels")[0][2].1, "1");
    }

    #[test]
    fn what_failed_still_waits_and_is_told_with_its_endpoint() {
        let mut console = Console::default();
        told(&mut console, Step::Queued, ORDER);
        told(&mut console, Step::Sent, &sent(1, 0, ORDER));
        let line = told(&mut console, Step::Answered, &format!("{} 0", 1 << 3));
        assert!(
            line.contains("endpoint https://events.test/v1 is down"),
            "{line}"
        );
        assert_eq!(rows(&console, "events that wait").len(), 1);
        assert!(rows(&console, "events delivered").is_empty());
    }

    #[test]
    fn a_beacon_is_told_as_one_and_a_stripped_request_as_one_that_says_nothing_of_the_visitor() {
        let mut console = Console::default();
        let beacon = told(&mut console, Step::Sent, &sent(1, how::LEAVING, ORDER));
        assert!(beacon.contains("by beacon"), "{beacon}");
        let way = how::LEAVING | how::STRIPPED;
        let stripped = told(&mut console, Step::Sent, &sent(2, way, ORDER));
        assert!(
            stripped.contains("by fetch, without cookies and references"),
            "{stripped}"
        );
    }

    #[test]
    fn what_a_worker_has_taken_is_told_as_such_and_waits_no_more() {
        let mut console = Console::default();
        told(&mut console, Step::Queued, ORDER);
        let way = how::LEAVING | how::CARRIED;
        let line = told(&mut console, Step::Sent, &sent(1, way, ORDER));
        assert!(
            line.contains("by a worker that outlives the page"),
            "{line}"
        );
        assert!(rows(&console, "events that wait").is_empty());
        let delivered = rows(&console, "events delivered");
        assert_eq!(delivered.len(), 1);
        assert!(format!("{delivered:?}").contains("goes again"));
    }

    #[test]
    fn what_went_by_a_beacon_waits_no_more_unless_it_is_doubted() {
        let mut console = Console::default();
        told(&mut console, Step::Queued, ORDER);
        told(&mut console, Step::Sent, &sent(1, how::LEAVING, ORDER));
        assert!(rows(&console, "events that wait").is_empty());
        assert_eq!(rows(&console, "events delivered").len(), 1);
        let doubted = format!("{} 0", 1 << 3 | how::LEAVING);
        let line = told(&mut console, Step::Answered, &doubted);
        assert!(
            line.contains("was a beacon of which nobody can know"),
            "{line}"
        );
        assert_eq!(rows(&console, "events that wait").len(), 1);
        assert!(rows(&console, "events delivered").is_empty());
    }

    #[test]
    fn an_id_that_comes_again_is_told_also_on_the_tab_s_next_page() {
        let mut console = Console::default();
        told(&mut console, Step::Queued, ORDER);
        let again = ORDER.replace(":5", ":6");
        let line = told(&mut console, Step::Queued, &again);
        assert!(line.contains("this page has measured it before"), "{line}");
        let mut next = Console::default();
        told(&mut next, Step::Remembered, &console.remembered());
        let line = told(&mut next, Step::Queued, ORDER);
        assert!(line.contains("an earlier page of this tab"), "{line}");
    }

    #[test]
    fn no_more_is_kept_than_the_tables_and_the_next_page_need() {
        let mut console = Console::default();
        for i in 0..500 {
            let order = ORDER.replace("o-1", &format!("o-{i}"));
            told(&mut console, Step::Queued, &order);
            told(&mut console, Step::Sent, &sent(i, 0, &order));
            told(&mut console, Step::Answered, &format!("{} 202", i << 3));
            told(&mut console, Step::Refused, r#"[1,"","","measure","no"]"#);
        }
        assert_eq!(rows(&console, "events delivered").len(), MOST_SHOWN);
        assert_eq!(rows(&console, "calls refused").len(), MOST_SHOWN);
        assert_eq!(console.remembered().lines().count(), MOST_REMEMBERED);
        assert!(console.requests.is_empty() && console.waiting.is_empty());
    }

    #[test]
    fn settings_that_fail_once_are_tried_again_before_anybody_is_told() {
        let mut console = Console::default();
        told(&mut console, Step::Started, "P");
        let failed = "https://settings.test/P.json 0 undefined";
        assert_eq!(told(&mut console, Step::Settings, failed), "");
        assert!(told(&mut console, Step::Settings, failed).contains("could not be fetched"));
        let missing = told(
            &mut console,
            Step::Settings,
            "https://settings.test/P.json 404 2",
        );
        assert!(
            missing.contains("no settings for pixel \"P\" (404)"),
            "{missing}"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_step_is_about_nobody_s_address_is_read_in_it(
            step in prop::sample::select(Step::ALL.to_vec()),
            before in "[^@]{0,20}",
            behind in any::<String>(),
        ) {
            let mut console = Console::default();
            for about in [format!("{before}me@shop.test {behind}"), format!("8 x {{\"events\":[{{\"id\":\"me@shop.test\"}}]{behind}")] {
                let line = told(&mut console, step, &about);
                prop_assert!(!line.contains("me@shop.test"), "{line}");
                let tables = format!("{:?}", console.tables());
                prop_assert!(!tables.contains("me@shop.test"), "{tables}");
            }
        }
    }
}
