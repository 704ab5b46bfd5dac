//! Follows the pixel by its debug events, and knows what the tables and the state show.

use std::collections::VecDeque;

use crate::command::{self, Command};
use crate::debug_log::event::{Event, Fingerprint};
use crate::debug_log::messages::{self, LogLine, RequestFacts, prefix_of};
use crate::debug_log::payload::{
    ConfigReceived, LayerNote, Matched, RequestKey, RequestSent, ResponseReceived, Tagged,
};
use crate::explain::identifiers::{exposed, ignored, raw_names, user_violations};
use crate::explain::{
    ExplainedViolation, ONE_TIME_EVENTS, codes, display_value, explain_call, redact_identifiers,
};
use crate::host::DebugEvent;
use crate::mem::{ThinString, thin};
use crate::raw_json::RawJson;

/// The tables show this many delivered events, and this many rejected calls and dropped events.
const MAX_TABLE_ROWS: usize = 50;
/// The names and IDs of this many events are remembered, to recognize those that are measured again.
const MAX_HISTORY: usize = 200;
/// The same event with the same data within this many milliseconds was probably measured twice.
const PROBABLE_DUPLICATE_MS: u64 = 1_000;

/// Everything that the debug events so far have reported.
#[derive(Debug, Default)]
pub struct DebugLog {
    pub(super) pixels: Vec<Pixel>,
    /// `granted`, `denied` or `pending`, and why. Empty while unknown.
    pub(super) consent: String,
    pub(super) click_id: String,
    pub(super) browser_id: String,
    pub(super) not_recorded: String,
    /// The click ID of the last request that had one.
    last_click_id: String,
    /// Where requests go.
    endpoint: String,
    /// How many calls wait for the visitor's answer.
    pub(super) held_calls: usize,
    /// Events that are queued or in flight.
    pub(super) queued: Vec<Event>,
    requests: Vec<Request>,
    pub(super) delivered: VecDeque<Delivery>,
    pub(super) rejected: VecDeque<Rejection>,
    pub(super) rejected_calls: usize,
    pub(super) dropped_events: usize,
    pub(super) ignored_calls: usize,
    /// Calls without effect; each is logged once.
    logged_ignored: Vec<String>,
    /// Whether a person has requested debug, rather than the page's code.
    is_requested: bool,
    /// The last message about the outbox, which is not repeated.
    outbox: String,
    /// Names and IDs of what was measured in this tab, also by earlier pages.
    history: VecDeque<String>,
    /// Those of earlier pages alone.
    earlier_pages: Vec<String>,
    /// What this page has measured, to recognize what is measured twice.
    fingerprints: VecDeque<Fingerprint>,
    /// The page gave no ID to the next event.
    lacks_id: bool,
    has_logged_lacking_id: bool,
    /// Fields of events that contain an identifier; each is logged once.
    logged_exposed: Vec<String>,
    /// Names of the visitor that the page has provided, in lowercase.
    visitor_names: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Pixel {
    pub id: String,
    pub config: String,
    pub delivered: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub key: RequestKey,
    pixel: String,
    events: Vec<Event>,
    click_id: String,
}

#[derive(Debug)]
pub(super) struct Delivery {
    pub pixel: String,
    pub transport: String,
    pub click_id: String,
    pub event: Event,
}

/// One violation of a call, an ignored call, or a dropped event.
#[derive(Debug)]
pub(super) struct Rejection {
    pub event: String,
    pub field: String,
    pub value: String,
    pub advice: String,
}

impl DebugLog {
    /// Follows a debug event; `about` is what [`DebugEvent`] says that it carries. Some events have no line.
    pub fn record(&mut self, event: DebugEvent, about: &str) -> Option<LogLine> {
        let mut line = self.message_for(event, about)?;
        line.text = redact_identifiers(&line.text);
        Some(line)
    }

    /// A person has requested debug.
    pub fn set_requested(&mut self) {
        self.is_requested = true;
    }

    /// Whether a person has requested debug. Consoles hide the lowest level, and people look for what they requested.
    pub fn was_requested(&self) -> bool {
        self.is_requested
    }

    fn message_for(&mut self, event: DebugEvent, about: &str) -> Option<LogLine> {
        self.is_requested |= event == DebugEvent::DebugRequested;
        Some(match event {
            DebugEvent::PixelStarted => return self.started(about),
            DebugEvent::Init => return self.init(about),
            DebugEvent::ConsentChanged => self.consent_changed(about),
            DebugEvent::Queued => return self.queued(about),
            DebugEvent::Recovered => self.recovered(about),
            DebugEvent::Rejected => self.rejected(about),
            DebugEvent::UnknownPixel => messages::unknown_pixel(about, &self.started_pixels()),
            DebugEvent::OutboxSaved => return self.outbox_saved(about),
            DebugEvent::BlockedByConsent => messages::blocked_by_consent(about),
            DebugEvent::RequestSent => self.request_sent(&RequestSent::decode(about)?),
            DebugEvent::ResponseReceived => {
                self.response_received(&ResponseReceived::decode(about)?)
            }
            DebugEvent::RetryScheduled => messages::retry_scheduled(about),
            DebugEvent::ConfigReceived => {
                return self.config_received(&ConfigReceived::decode(about)?);
            }
            DebugEvent::BatchSplit => LogLine::warning(messages::BATCH_SPLIT),
            DebugEvent::Dropped => self.dropped(&Tagged::decode(about)),
            DebugEvent::OutboxCorrupt => messages::outbox_corrupt(about),
            DebugEvent::StorageUnavailable => LogLine::warning(messages::STORAGE_UNAVAILABLE),
            DebugEvent::DebugRequested => return self.debug_requested(about),
            DebugEvent::HeldForConsent => return self.held_for_consent(about),
            DebugEvent::ClickId => {
                let (shown, line) = messages::click_id(&Tagged::decode(about));
                self.click_id = shown;
                line
            }
            DebugEvent::ConsentState => self.consent_known(&Tagged::decode(about)),
            DebugEvent::CspViolation => return self.csp_violation(&Tagged::decode(about)),
            DebugEvent::TabHistory => return self.load_tab_history(about),
            DebugEvent::Ignored => return self.ignored(about),
            DebugEvent::MissingEventId => {
                self.lacks_id = true;
                return None;
            }
            // what may be read from then on is reported by other events
            DebugEvent::StateLoaded => return None,
            DebugEvent::NoPixelStarted => return self.not_initialized(),
            DebugEvent::ConfigUser => return self.config_user(about),
            DebugEvent::ScriptElement => messages::script_element(&Tagged::decode(about)),
            DebugEvent::NotRecorded => {
                self.not_recorded = about.into();
                return None;
            }
            DebugEvent::DataLayer => return messages::data_layer(&LayerNote::decode(about)?),
            DebugEvent::FormSubmitted => messages::form_submitted(&Tagged::decode(about)),
            DebugEvent::DuplicateCall => messages::duplicate_call(about),
            DebugEvent::Matched => return messages::matched(&Matched::decode(about)?),
        })
    }

    fn debug_requested(&self, argument: &str) -> Option<LogLine> {
        match argument {
            "false" => Some(messages::debug_requested(false)),
            "true" => Some(messages::debug_requested(true)),
            _ if self.pixels.is_empty() && self.held_calls == 0 => {
                Some(LogLine::warning(messages::NO_PIXEL))
            }
            _ => None,
        }
    }

    /// What [`DebugEvent::TabHistory`] carries on the tab's next page.
    pub fn tab_history(&self) -> String {
        let lines: Vec<_> = self.history.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    fn load_tab_history(&mut self, earlier_pages: &str) -> Option<LogLine> {
        self.earlier_pages = earlier_pages.lines().map(Into::into).collect();
        // this page may have measured some already
        let this_page = core::mem::take(&mut self.history);
        let again: Vec<_> = self
            .queued
            .iter()
            .filter(|event| self.earlier_pages.contains(&event.dedup_key()))
            .map(Event::describe)
            .collect();
        self.history = self.earlier_pages.iter().cloned().collect();
        for key in this_page {
            self.remember(key);
        }
        (!again.is_empty()).then(|| messages::measured_by_earlier_pages(&again))
    }

    fn remember(&mut self, key: String) {
        if self.history.contains(&key) {
            return;
        }
        self.history.push_back(key);
        if self.history.len() > MAX_HISTORY {
            self.history.pop_front();
        }
    }

    /// What is wrong with an `init`, or that it is a second one.
    fn init(&mut self, call: &str) -> Option<LogLine> {
        let call = ThinString::from(call);
        let options = command::parse_call(RawJson::new(call.as_thin())).first_arg;
        if !options.is_object() {
            // it is not shown: it may be about a person
            return Some(LogLine::warning(messages::INIT_WITHOUT_OBJECT));
        }
        let id = options.get(thin!("pixelId"));
        if id.is_defined() && !id.is_non_empty_str() {
            let value = redact_identifiers(&display_value(id));
            return Some(messages::wrong_pixel_id(&value));
        }
        let mut remarks = Vec::new();
        let mut unknown = Vec::new();
        let mut next = options.first_child();
        while let Some(field) = next {
            let name = field.to_thin_string().as_str().to_owned();
            if !["pixelId", "debug", "user", "consent"].contains(&name.as_str()) {
                unknown.push(name);
            }
            next = field.next_or_undefined().next_sibling();
        }
        if !unknown.is_empty() {
            remarks.push(messages::unknown_init_options(&unknown));
        }
        let user = options.get(thin!("user"));
        self.visitor_names.extend(raw_names(user));
        remarks.extend(user_violations(user));
        let id = id.to_thin_string();
        let known = match id.as_str() {
            "" => self.pixels.first(),
            id => self.pixels.iter().find(|pixel| pixel.id == id),
        };
        let Some(known) = known else {
            return (!remarks.is_empty()).then(|| LogLine::warning(remarks.join("\n  ")));
        };
        if !user.is_defined() {
            remarks.push(messages::SECOND_INIT.into());
        }
        Some(messages::initialized_again(&known.id, &remarks))
    }

    /// What is wrong with the user of `oaiq.config`.
    fn config_user(&mut self, user: &str) -> Option<LogLine> {
        let user = ThinString::from(user);
        let user = RawJson::new(user.as_thin());
        self.visitor_names.extend(raw_names(user));
        let violations: Vec<_> = user_violations(user)
            .iter()
            .map(|violation| format!("oaiq.config.{violation}"))
            .collect();
        (!violations.is_empty()).then(|| LogLine::warning(violations.join("\n  ")))
    }

    fn ignored(&mut self, call: &str) -> Option<LogLine> {
        let call = ThinString::from(call);
        let time = RawJson::new(call.as_thin())
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        let referrer = time.next_or_undefined().next_or_undefined();
        let command = referrer.next_or_undefined();
        self.ignored_call(command, command.next_or_undefined())
    }

    fn ignored_call(&mut self, command: RawJson, first: RawJson) -> Option<LogLine> {
        let found = ignored(command, first)?;
        // a call that waits for consent is ignored again once consent is known
        self.ignored_calls += 1;
        if self.logged_ignored.contains(&found.call) {
            return None;
        }
        if self.logged_ignored.len() < MAX_TABLE_ROWS {
            self.logged_ignored.push(found.call.clone());
        }
        let line = messages::ignored(&found.call, &found.advice);
        let rejection = Rejection {
            event: found.call,
            field: "the command".into(),
            value: String::new(),
            advice: found.advice,
        };
        push_limited(&mut self.rejected, rejection);
        Some(line)
    }

    fn not_initialized(&self) -> Option<LogLine> {
        if !self.pixels.is_empty() || self.queued.is_empty() || self.held_calls > 0 {
            return None;
        }
        Some(messages::not_initialized(self.queued.len()))
    }

    /// An outbox record also shows events that were measured before debug was on.
    fn outbox_saved(&mut self, record: &str) -> Option<LogLine> {
        let record = ThinString::from(record);
        let record = RawJson::new(record.as_thin());
        let pixel = record.get(thin!("pixel")).to_thin_string();
        let pixel = pixel.as_str();
        let events = Event::all_from_wire(record);
        let text = messages::outbox_saved(events.len(), pixel);
        for event in events {
            if !self.queued.contains(&event) {
                self.queued.push(event);
            }
        }
        if !pixel.is_empty() {
            self.pixel(pixel);
        }
        if text == self.outbox {
            return None;
        }
        self.outbox = text.clone();
        Some(LogLine::info(text))
    }

    /// The pixel with that ID, which is added if it is not known.
    fn pixel(&mut self, id: &str) -> &mut Pixel {
        let known = self.pixels.iter().position(|pixel| pixel.id == id);
        let place = known.unwrap_or_else(|| {
            self.pixels.push(Pixel {
                id: id.into(),
                config: "not known yet".into(),
                delivered: 0,
            });
            self.held_calls = 0;
            self.pixels.len() - 1
        });
        &mut self.pixels[place]
    }

    fn started(&mut self, id: &str) -> Option<LogLine> {
        // an outbox record of an earlier page starts a pixel of its own
        if self.pixels.iter().any(|pixel| pixel.id == id) {
            return None;
        }
        self.pixel(id);
        Some(messages::started(id))
    }

    fn started_pixels(&self) -> Vec<&str> {
        self.pixels.iter().map(|pixel| pixel.id.as_str()).collect()
    }

    fn consent_changed(&mut self, state: &str) -> LogLine {
        if state == "granted" {
            self.consent = "granted, by a call on the page".into();
            return messages::consent_granted();
        }
        self.consent = "denied, by a call on the page or a stored answer".into();
        let dropped = self.queued.len();
        self.queued.clear();
        messages::consent_denied(dropped)
    }

    fn consent_known(&mut self, consent: &Tagged) -> LogLine {
        let source = messages::consent_source(consent.text);
        self.consent = format!("{}, {source}", consent.tag);
        messages::consent_state(consent.tag, consent.text)
    }

    fn held_for_consent(&mut self, call: &str) -> Option<LogLine> {
        let call = ThinString::from(call);
        let command = RawJson::new(call.as_thin()).first_child()?;
        // the page's paint waits as well, which is not a call
        if !command.is_defined() {
            return None;
        }
        let first = command.next_or_undefined();
        if ignored(command, first).is_some() {
            return self.ignored_call(command, first);
        }
        self.held_calls += 1;
        let what = if command.is_str(thin!("measure")) {
            redact_identifiers(&display_value(first))
        } else {
            display_value(command)
        };
        Some(messages::held_for_consent(&what))
    }

    fn csp_violation(&mut self, violation: &Tagged) -> Option<LogLine> {
        let blocked = violation.text;
        let is_ours = blocked.contains("/pixel-config/")
            || !self.endpoint.is_empty() && blocked.starts_with(&self.endpoint);
        let origin = blocked.split('/').take(3).collect::<Vec<_>>().join("/");
        is_ours.then(|| messages::csp_violation(&origin, violation.tag))
    }

    fn queued(&mut self, wire: &str) -> Option<LogLine> {
        let wire = ThinString::from(wire);
        let wire = RawJson::new(wire.as_thin());
        let lacks_id = core::mem::take(&mut self.lacks_id);
        let event = Event::from_wire(wire);
        // traced again, after debug was switched on again
        if self.queued.contains(&event) {
            return None;
        }
        let mut remarks = Vec::new();
        let key = event.dedup_key();
        if self.history.contains(&key) {
            remarks.push(messages::measured_before(self.earlier_pages.contains(&key)));
        } else {
            remarks.extend(self.probable_duplicate(Fingerprint::from_wire(wire)));
            self.remember(key);
        }
        if lacks_id && !self.has_logged_lacking_id && ONE_TIME_EVENTS.contains(&event.name.as_str())
        {
            self.has_logged_lacking_id = true;
            remarks.push(messages::NO_EVENT_ID.into());
        }
        for (field, what) in exposed(wire, &self.visitor_names) {
            let place = format!("{} {field}", event.name);
            if !self.logged_exposed.contains(&place) {
                remarks.push(messages::exposed_identifier(&field, what));
                self.logged_exposed.push(place);
            }
        }
        let line = messages::queued(&event, &remarks);
        self.queued.push(event);
        Some(line)
    }

    fn recovered(&mut self, wire: &str) -> LogLine {
        let wire = ThinString::from(wire);
        let event = Event::from_wire(RawJson::new(wire.as_thin()));
        let line = messages::recovered(&event);
        self.queued.push(event);
        line
    }

    /// A remark if this page has already measured the same under another ID.
    fn probable_duplicate(&mut self, event: Fingerprint) -> Option<String> {
        let is_repeated = self.fingerprints.iter().any(|it| {
            it.name == event.name
                && it.data == event.data
                && event.timestamp_ms.abs_diff(it.timestamp_ms) <= PROBABLE_DUPLICATE_MS
        });
        let is_viewed_again = event.name.starts_with("page_viewed")
            && self
                .fingerprints
                .iter()
                .any(|it| it.name == event.name && it.url == event.url);
        self.fingerprints.push_back(event);
        if self.fingerprints.len() > MAX_HISTORY {
            self.fingerprints.pop_front();
        }
        if is_repeated {
            Some(messages::MEASURED_TWICE.into())
        } else {
            is_viewed_again.then(|| messages::VIEWED_TWICE.into())
        }
    }

    fn rejected(&mut self, call: &str) -> LogLine {
        let call = ThinString::from(call);
        let command::Call {
            command,
            name,
            data,
            options,
            ..
        } = command::parse_call(RawJson::new(call.as_thin()));
        self.rejected_calls += 1;
        // an ID that was to be generated belongs to no later event
        self.lacks_id = false;
        let mut violations = explain_call(name, data, options);
        if violations.is_empty() {
            violations.push(ExplainedViolation {
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
        let name = redact_identifiers(&display_value(name));
        for violation in &violations {
            let rejection = Rejection {
                event: name.trim_matches('"').into(),
                field: violation.field.clone(),
                value: violation.given.clone(),
                advice: match &violation.advice {
                    Some(advice) => advice.clone(),
                    None => format!("must be {}", violation.expected),
                },
            };
            push_limited(&mut self.rejected, rejection);
        }
        messages::rejected(command, &name, violations)
    }

    fn request_sent(&mut self, sent: &RequestSent) -> LogLine {
        let RequestSent { key, url, .. } = *sent;
        let body = ThinString::from(sent.body);
        let body = RawJson::new(body.as_thin());
        let events = Event::all_from_wire(body);
        let pixel = url
            .split(['?', '&'])
            .find_map(|part| part.strip_prefix("pid="))
            .map_or(String::new(), uri_decode);
        if !pixel.is_empty() {
            self.pixel(&pixel);
        }
        let click_id = body.get(thin!("oppref")).to_thin_string();
        let click_id = click_id.as_str();
        let mut previous_click_id = self.last_click_id.clone();
        if click_id.is_empty() || previous_click_id == click_id {
            previous_click_id.clear();
        }
        if !click_id.is_empty() {
            self.last_click_id = click_id.into();
        }
        let browser_id = body.get(thin!("obref")).to_thin_string();
        if !browser_id.is_empty() {
            self.browser_id = prefix_of(browser_id.as_str());
        }
        let line = messages::request_sent(&RequestFacts {
            key,
            pixel: &pixel,
            bytes: sent.body.len(),
            click_id,
            previous_click_id: &previous_click_id,
            has_user: body.get(thin!("user")).is_defined(),
            events: &events,
        });
        self.endpoint = url.split('?').next().unwrap_or("").into();
        // those that were queued while debug was off
        for event in &events {
            let is_same = |it: &Event| it.dedup_key() == event.dedup_key();
            if !event.is_internal() && !self.queued.iter().any(is_same) {
                self.queued.push(event.clone());
            }
        }
        self.forget_request(key.number);
        self.requests.push(Request {
            key,
            pixel,
            events,
            click_id: prefix_of(click_id),
        });
        if self.requests.len() > MAX_TABLE_ROWS {
            self.requests.remove(0);
        }
        if key.is_by_worker() {
            self.mark_delivered(key.number, messages::VIA_WORKER);
        } else if key.is_beacon() {
            self.mark_delivered(key.number, messages::VIA_BEACON);
        }
        line
    }

    fn request(&self, number: u32) -> Option<&Request> {
        self.requests.iter().find(|it| it.key.number == number)
    }

    fn forget_request(&mut self, number: u32) {
        self.requests.retain(|it| it.key.number != number);
    }

    fn mark_delivered(&mut self, number: u32, transport: &str) {
        let Some(request) = self.request(number).cloned() else {
            return;
        };
        // the pixel may report later that a beacon cannot be confirmed
        if !request.key.is_beacon() {
            self.forget_request(number);
        }
        for event in request.events {
            self.remove_queued(&event);
            if event.is_internal() {
                continue;
            }
            self.pixel(&request.pixel).delivered += 1;
            let delivery = Delivery {
                pixel: request.pixel.clone(),
                transport: transport.to_owned(),
                click_id: request.click_id.clone(),
                event,
            };
            push_limited(&mut self.delivered, delivery);
        }
    }

    /// The events of a beacon that cannot be confirmed are queued again.
    fn mark_unconfirmed(&mut self, number: u32) {
        let Some(request) = self.request(number).cloned() else {
            return;
        };
        self.forget_request(number);
        for event in request.events {
            if event.is_internal() {
                continue;
            }
            let pixel = self.pixel(&request.pixel);
            pixel.delivered = pixel.delivered.saturating_sub(1);
            let key = event.dedup_key();
            self.delivered
                .retain(|it| it.transport != messages::VIA_BEACON || it.event.dedup_key() != key);
            self.queued.push(event);
        }
    }

    fn remove_queued(&mut self, event: &Event) {
        let key = event.dedup_key();
        self.queued.retain(|it| it.dedup_key() != key);
    }

    fn response_received(&mut self, response: &ResponseReceived) -> LogLine {
        let number = response.key.number;
        let status = response.status;
        let request = self.request(number);
        let is_beacon = request.is_some_and(|request| request.key.is_beacon());
        let events = request.map(|request| request.events.as_slice());
        let line = messages::response_received(number, status, events, is_beacon, &self.endpoint);
        match status {
            0 if is_beacon => self.mark_unconfirmed(number),
            1 => self.mark_delivered(number, "answered (opaque response)"),
            200..400 => self.mark_delivered(number, &format!("answered {status}")),
            // its events are queued again, or another debug event reports that they are dropped
            _ => self.forget_request(number),
        }
        line
    }

    fn config_received(&mut self, config: &ConfigReceived) -> Option<LogLine> {
        let file = config.url.rsplit('/').next()?;
        let id = uri_decode(file.strip_suffix(".json")?);
        let outcome = messages::config_outcome(config.status, config.enabled);
        let before = core::mem::replace(&mut self.pixel(&id).config, outcome.into());
        // the pixel retries at once after a first failure
        if outcome == messages::CONFIG_NO_RESPONSE && before != outcome {
            return None;
        }
        Some(messages::config_received(&id, config.status, outcome))
    }

    fn dropped(&mut self, dropped: &Tagged) -> LogLine {
        let why = messages::drop_reason(dropped.tag);
        let event = ThinString::from(dropped.text);
        let event = RawJson::new(event.as_thin());
        let name = if event.is_object() {
            let event = Event::from_wire(event);
            self.remove_queued(&event);
            event.describe()
        } else {
            display_value(command::parse_call(event).name)
        };
        self.dropped_events += 1;
        let line = messages::dropped(&name, &why);
        let rejection = Rejection {
            event: name,
            field: String::new(),
            value: String::new(),
            advice: format!("dropped: {why}"),
        };
        push_limited(&mut self.rejected, rejection);
        line
    }

    /// The last request that carries an event.
    pub(super) fn request_with(&self, event: &Event) -> Option<&Request> {
        let key = event.dedup_key();
        let carries = |request: &&Request| request.events.iter().any(|it| it.dedup_key() == key);
        self.requests.iter().rev().find(carries)
    }
}

/// What `encodeURIComponent` has encoded.
fn uri_decode(text: &str) -> String {
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

fn push_limited<T>(queue: &mut VecDeque<T>, item: T) {
    queue.push_back(item);
    if queue.len() > MAX_TABLE_ROWS {
        queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::send_flags;
    use proptest::prelude::*;

    const ORDER: &str = r#"{"type":"order_created","timestamp_ms":5,"id":"o-1","data":{"type":"contents","amount":2599,"currency":"USD","contents":[{},{}]}}"#;

    fn logged(log: &mut DebugLog, event: DebugEvent, about: &str) -> String {
        log.record(event, about).map_or(String::new(), |it| it.text)
    }

    fn sent(number: u32, flags: u32, events: &str) -> String {
        format!(
            r#"{} https://events.test/v1?pid=P&ec=1 {{"obref":"0123456789","events":[{events}],"oppref":"click-reference"}}"#,
            RequestKey { number, flags }.encode()
        )
    }

    fn respond(log: &mut DebugLog, number: u32, status: u32) -> String {
        let key = RequestKey { number, flags: 0 };
        let response = ResponseReceived { key, status };
        logged(log, DebugEvent::ResponseReceived, &response.encode())
    }

    fn rows(log: &DebugLog, title: &str) -> Vec<Vec<(&'static str, String)>> {
        let tables = log.tables();
        let table = tables.into_iter().find(|it| it.title.starts_with(title));
        table.unwrap().rows
    }

    #[test]
    fn an_event_is_followed_from_its_call_to_its_response() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::PixelStarted, "P");
        assert_eq!(
            logged(&mut log, DebugEvent::Queued, ORDER),
            "order_created \"o-1\" is queued: contents, USD 25.99, 2 items"
        );
        assert_eq!(rows(&log, "events queued")[0][4].1, "queued");
        let line = logged(&mut log, DebugEvent::RequestSent, &sent(1, 0, ORDER));
        assert!(
            line.starts_with("request 1 sends 1 event to pixel \"P\""),
            "{line}"
        );
        assert!(
            line.ends_with("with click ID click-re…): order_created \"o-1\""),
            "{line}"
        );
        assert_eq!(rows(&log, "events queued")[0][4].1, "in flight: request 1");
        let line = respond(&mut log, 1, 1);
        assert!(line.contains("treated as delivered"), "{line}");
        assert!(rows(&log, "events queued").is_empty());
        assert_eq!(rows(&log, "events delivered")[0][1].1, "o-1");
        assert_eq!(rows(&log, "pixels")[0][2].1, "1");
    }

    #[test]
    fn a_request_is_logged_with_its_transport_and_whether_it_is_anonymous() {
        let mut log = DebugLog::default();
        let beacon = logged(
            &mut log,
            DebugEvent::RequestSent,
            &sent(1, send_flags::UNLOADING, ORDER),
        );
        assert!(beacon.contains("by sendBeacon"), "{beacon}");
        let flags = send_flags::UNLOADING | send_flags::ANONYMOUS;
        let anonymous = logged(&mut log, DebugEvent::RequestSent, &sent(2, flags, ORDER));
        assert!(
            anonymous.contains("by fetch, without cookies and IDs"),
            "{anonymous}"
        );
    }

    #[test]
    fn an_event_that_the_worker_sends_counts_as_delivered() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::Queued, ORDER);
        let flags = send_flags::UNLOADING | send_flags::VIA_WORKER;
        let line = logged(&mut log, DebugEvent::RequestSent, &sent(1, flags, ORDER));
        assert!(
            line.contains("by a worker that outlives the page"),
            "{line}"
        );
        assert!(rows(&log, "events queued").is_empty());
        let delivered = rows(&log, "events delivered");
        assert_eq!(delivered.len(), 1);
        assert!(format!("{delivered:?}").contains("the next page resends it"));
    }

    #[test]
    fn an_event_sent_by_beacon_counts_as_delivered_unless_it_cannot_be_confirmed() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::Queued, ORDER);
        logged(
            &mut log,
            DebugEvent::RequestSent,
            &sent(1, send_flags::UNLOADING, ORDER),
        );
        assert!(rows(&log, "events queued").is_empty());
        assert_eq!(rows(&log, "events delivered").len(), 1);
        let unconfirmed = ResponseReceived {
            key: RequestKey {
                number: 1,
                flags: send_flags::UNLOADING,
            },
            status: 0,
        };
        let line = logged(
            &mut log,
            DebugEvent::ResponseReceived,
            &unconfirmed.encode(),
        );
        assert!(
            line.contains(
                "went by sendBeacon and cannot be confirmed; its event is stored and will be resent"
            ),
            "{line}"
        );
        assert_eq!(rows(&log, "events queued").len(), 1);
        assert!(rows(&log, "events delivered").is_empty());
    }

    #[test]
    fn a_repeated_id_is_logged_on_the_same_and_on_the_next_page() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::Queued, ORDER);
        let again = ORDER.replace(":5", ":6");
        let line = logged(&mut log, DebugEvent::Queued, &again);
        assert!(line.contains("this page already measured it"), "{line}");
        let mut next = DebugLog::default();
        logged(&mut next, DebugEvent::TabHistory, &log.tab_history());
        let line = logged(&mut next, DebugEvent::Queued, ORDER);
        assert!(line.contains("an earlier page in this tab"), "{line}");
    }

    #[test]
    fn the_log_stores_no_more_than_the_tables_and_the_next_page_need() {
        let mut log = DebugLog::default();
        for i in 0..500 {
            let order = ORDER.replace("o-1", &format!("o-{i}"));
            logged(&mut log, DebugEvent::Queued, &order);
            logged(&mut log, DebugEvent::RequestSent, &sent(i, 0, &order));
            respond(&mut log, i, 202);
            logged(
                &mut log,
                DebugEvent::Rejected,
                r#"[1,"","","measure","no"]"#,
            );
        }
        assert_eq!(rows(&log, "events delivered").len(), MAX_TABLE_ROWS);
        assert_eq!(rows(&log, "calls rejected").len(), MAX_TABLE_ROWS);
        assert_eq!(log.tab_history().lines().count(), MAX_HISTORY);
        assert!(log.requests.is_empty() && log.queued.is_empty());
    }

    #[test]
    fn a_config_is_logged_as_failed_after_the_second_failure() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::PixelStarted, "P");
        let failed = "https://settings.test/P.json 0 undefined 0";
        assert_eq!(logged(&mut log, DebugEvent::ConfigReceived, failed), "");
        assert!(
            logged(&mut log, DebugEvent::ConfigReceived, failed).contains("could not be fetched")
        );
        let missing = logged(
            &mut log,
            DebugEvent::ConfigReceived,
            "https://settings.test/P.json 404 2 0",
        );
        assert!(
            missing.contains("no config for pixel \"P\" (404)"),
            "{missing}"
        );
    }

    /// An event with this type, ID and time.
    fn event(kind: &str, id: &str, time: u64) -> String {
        format!(
            r#"{{"type":"{kind}","timestamp_ms":{time},"id":"{id}","source_url":"https://a.test/","data":{{"type":"contents"}}}}"#
        )
    }

    fn init(log: &mut DebugLog, options: &str) -> String {
        logged(
            log,
            DebugEvent::Init,
            &format!(r#"[1,"https://a.test/","","init",{options}]"#),
        )
    }

    #[test]
    fn an_event_is_queued_after_its_request_failed() {
        let mut log = DebugLog::default();
        for status in [0, 503] {
            logged(&mut log, DebugEvent::Queued, ORDER);
            logged(&mut log, DebugEvent::RequestSent, &sent(1, 0, ORDER));
            assert_eq!(log.state().in_flight, 1);
            respond(&mut log, 1, status);
            let state = log.state();
            assert_eq!((state.queued, state.in_flight), (1, 0));
        }
    }

    #[test]
    fn an_event_is_queued_after_its_request_failed_if_debug_was_off_before() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::RequestSent, &sent(1, 0, ORDER));
        assert_eq!(log.state().in_flight, 1);
        respond(&mut log, 1, 0);
        assert_eq!(log.state().queued, 1);
        logged(
            &mut log,
            DebugEvent::RequestSent,
            &sent(2, send_flags::UNLOADING, ORDER),
        );
        assert_eq!(log.state().queued, 0);
    }

    #[test]
    fn the_state_counts_events_and_calls() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::PixelStarted, "P");
        logged(&mut log, DebugEvent::ConsentState, "granted default");
        logged(&mut log, DebugEvent::ClickId, "address click-reference");
        for number in 1..=3 {
            let order = event("order_created", &format!("o-{number}"), 0);
            logged(&mut log, DebugEvent::Queued, &order);
            logged(&mut log, DebugEvent::RequestSent, &sent(number, 0, &order));
        }
        respond(&mut log, 1, 1);
        logged(&mut log, DebugEvent::Queued, &event("lead_created", "l", 0));
        logged(
            &mut log,
            DebugEvent::Rejected,
            r#"[1,"","","measure","no"]"#,
        );
        logged(
            &mut log,
            DebugEvent::Ignored,
            r#"[1,"","","track","PageView"]"#,
        );
        logged(
            &mut log,
            DebugEvent::Dropped,
            &format!("too_old {}", event("order_created", "o-3", 0)),
        );
        let state = log.state();
        assert_eq!(
            state.consent,
            "granted, because no answer is stored and the page does not wait for one"
        );
        assert_eq!(state.click_id, "click-re… from the URL");
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
    fn a_pixel_is_known_from_its_requests_alone() {
        let mut log = DebugLog::default();
        let config = "https://settings.test/R%20S%2F%C3%BC.json 200 0 0";
        logged(&mut log, DebugEvent::ConfigReceived, config);
        let sent = sent(1, 0, ORDER).replace("pid=P", "pid=R%20S%2F%C3%BC");
        logged(&mut log, DebugEvent::RequestSent, &sent);
        respond(&mut log, 1, 1);
        let [pixel] = &log.state().pixels[..] else {
            panic!("one pixel");
        };
        assert_eq!((pixel.id.as_str(), pixel.delivered), ("R S/ü", 1));
        assert_eq!(pixel.config, "automatic advanced matching disabled");
    }

    #[test]
    fn a_second_init_without_a_user_is_logged_as_a_second_snippet() {
        let mut log = DebugLog::default();
        assert_eq!(init(&mut log, r#"{"pixelId":"P"}"#), "");
        logged(&mut log, DebugEvent::PixelStarted, "P");
        let again = init(&mut log, r#"{"pixelId":"P"}"#);
        assert!(
            again.contains("is the snippet on this page twice"),
            "{again}"
        );
        let login = init(&mut log, r#"{"pixelId":"P","user":{"city":"Kiel"}}"#);
        assert_eq!(login, "pixel \"P\" was initialized again on this page");
    }

    #[test]
    fn an_event_is_logged_as_repeated_within_a_second_and_a_page_view_always() {
        let mut log = DebugLog::default();
        let mut queued =
            |kind, id, time| logged(&mut log, DebugEvent::Queued, &event(kind, id, time));
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
            assert_eq!(line.contains("on the page twice"), is_named, "{line}");
        }
        let elsewhere = event("page_viewed", "h", 90_000).replace("a.test/", "a.test/next");
        let line = logged(&mut log, DebugEvent::Queued, &elsewhere);
        assert!(!line.contains("on the page twice"), "{line}");
    }

    #[test]
    fn an_order_without_an_id_of_its_own_is_logged_once() {
        let mut log = DebugLog::default();
        let mut queued = |kind, id, has_id: bool| {
            if !has_id {
                logged(&mut log, DebugEvent::MissingEventId, kind);
            }
            let line = logged(&mut log, DebugEvent::Queued, &event(kind, id, 0));
            line.contains("no event_id of your own")
        };
        assert!(!queued("items_added", "a", false));
        assert!(!queued("order_created", "b", true));
        assert!(queued("order_created", "c", false));
        assert!(!queued("order_created", "d", false), "once a page");
    }

    #[test]
    fn an_identifier_in_an_event_is_logged_by_its_field_and_not_shown() {
        let mut log = DebugLog::default();
        init(
            &mut log,
            r#"{"pixelId":"P","user":{"first_name_sha256":"Jane"}}"#,
        );
        let line = logged(
            &mut log,
            DebugEvent::Queued,
            &event("lead_created", "me@a.test", 0),
        );
        assert!(
            line.contains("event_id contains an email address"),
            "{line}"
        );
        assert!(!line.contains("me@a.test"), "{line}");
        let named = event("lead_created", "b", 0).replace("a.test/", "a.test/hello-jane");
        let line = logged(&mut log, DebugEvent::Queued, &named);
        assert!(
            line.contains("the page's URL contains the visitor's name"),
            "{line}"
        );
        let line = logged(
            &mut log,
            DebugEvent::Queued,
            &event("lead_created", "you@a.test", 0),
        );
        assert!(!line.contains("contains"), "once: {line}");
    }

    #[test]
    fn an_ignored_call_is_logged_once_also_while_consent_is_pending() {
        let mut log = DebugLog::default();
        let line = logged(
            &mut log,
            DebugEvent::HeldForConsent,
            r#"["consent","denied"]"#,
        );
        assert!(
            line.starts_with(
                r#"oaiq("consent", "denied") was ignored: the answer must be true or false"#
            ),
            "{line}"
        );
        let line = logged(
            &mut log,
            DebugEvent::Ignored,
            r#"[1,"","","consent","denied"]"#,
        );
        assert_eq!(line, "");
        let line = logged(
            &mut log,
            DebugEvent::Ignored,
            r#"[1,"","","track","me@a.test"]"#,
        );
        assert_eq!(
            line,
            r#"oaiq("track", "(an email address)") was ignored: did you mean oaiq("measure", …)?"#
        );
        assert_eq!(rows(&log, "calls rejected").len(), 2);
    }

    #[test]
    fn an_unusable_user_is_logged_by_its_fields() {
        let mut log = DebugLog::default();
        let line = init(
            &mut log,
            r#"{"pixelId":"P","user":{"email":"me@a.test","city":["x"]}}"#,
        );
        assert!(
            line.contains("user.email is unknown and ignored: send email_sha256"),
            "{line}"
        );
        assert!(line.contains("user.city is a list"), "{line}");
        let line = logged(
            &mut log,
            DebugEvent::ConfigUser,
            r#"{"phone_number_sha256":"0170 1234567"}"#,
        );
        assert!(
            line.starts_with("oaiq.config.user.phone_number_sha256 begins with 0"),
            "{line}"
        );
    }

    #[test]
    fn events_without_an_init_are_logged() {
        let mut log = DebugLog::default();
        assert_eq!(logged(&mut log, DebugEvent::NoPixelStarted, ""), "");
        logged(&mut log, DebugEvent::Queued, ORDER);
        let line = logged(&mut log, DebugEvent::NoPixelStarted, "");
        assert!(
            line.starts_with("no pixel has been initialized, so 1 event is queued"),
            "{line}"
        );
        logged(&mut log, DebugEvent::PixelStarted, "P");
        assert_eq!(logged(&mut log, DebugEvent::NoPixelStarted, ""), "");
    }

    #[test]
    fn a_changed_click_id_is_logged_and_each_event_shows_its_own() {
        let mut log = DebugLog::default();
        let second =
            sent(2, 0, &event("lead_created", "l", 0)).replace("click-reference", "another-click");
        logged(&mut log, DebugEvent::RequestSent, &sent(1, 0, ORDER));
        let line = logged(&mut log, DebugEvent::RequestSent, &second);
        assert!(
            line.contains("with click ID another-…; the click ID was click-re… before"),
            "{line}"
        );
        for number in [1, 2] {
            respond(&mut log, number, 1);
        }
        let delivered = rows(&log, "events delivered");
        let clicks: Vec<_> = delivered.iter().map(|row| row[5].1.as_str()).collect();
        assert_eq!(clicks, ["another-…", "click-re…"]);
    }

    #[test]
    fn the_history_of_the_tab_is_compared_with_events_queued_before_it_was_read() {
        let mut log = DebugLog::default();
        logged(&mut log, DebugEvent::Queued, ORDER);
        let line = logged(&mut log, DebugEvent::TabHistory, "order_created o-1");
        assert!(
            line.contains("an earlier page in this tab measured it with the same ID"),
            "{line}"
        );
    }

    proptest! {
        #[test]
        fn no_message_contains_an_email_address(
            debug_event in prop::sample::select(DebugEvent::ALL.to_vec()),
            before in "[^@]{0,20}",
            behind in any::<String>(),
        ) {
            let mut log = DebugLog::default();
            let call = r#"[1,"https://a.test/me@shop.test","","init",{"pixelId":"me@shop.test","user":{"me@shop.test":"me@shop.test","city":"me@shop.test","email_sha256":["me@shop.test"]}}]"#.to_owned();
            let event = r#"{"type":"order_created","id":"me@shop.test","source_url":"https://a.test/me@shop.test","data":{"plan_id":"me@shop.test","contents":[{"id":"me@shop.test","name":"me@shop.test"}]}}"#.to_owned();
            for about in [format!("{before}me@shop.test {behind}"), format!("8 x {{\"events\":[{{\"id\":\"me@shop.test\"}}]{behind}"), call.replace("init", "track"), call, event] {
                let line = logged(&mut log, debug_event, &about);
                prop_assert!(!line.contains("me@shop.test"), "{line}");
                let shown = format!("{:?} {:?}", log.tables(), log.state());
                prop_assert!(!shown.contains("me@shop.test"), "{shown}");
            }
        }
    }

    #[test]
    fn a_duplicate_call_names_its_callers_and_what_to_remove() {
        let line = |about: &str| logged(&mut DebugLog::default(), DebugEvent::DuplicateCall, about);
        assert_eq!(
            line("page_viewed\nhttps://s.test/theme.js\nhttps://a.test/app.js"),
            "page_viewed was measured twice on this page, by https://s.test/theme.js and by https://a.test/app.js: keep the call in one of them, and remove it from the others"
        );
        assert_eq!(
            line("init\nhttps://s.test/app.js\nhttps://s.test/app.js"),
            "init was called twice for the same pixel, by https://s.test/app.js: it runs, or makes the call, twice: let it do so once per page"
        );
        for (caller, advice) in [
            ("https://s.test/oaiq.views.min.js", "data-oaiq-page-views"),
            ("https://s.test/oaiq.layer.min.js", "data-oaiq-layer"),
            (
                "https://www.googletagmanager.com/gtm.js",
                "Google Tag Manager",
            ),
        ] {
            let text = line(&format!("page_viewed\n{caller}\nhttps://s.test/app.js"));
            assert!(text.contains(advice), "{text}");
        }
    }

    #[test]
    fn the_submit_of_a_form_is_explained() {
        let line = |about: &str| logged(&mut DebugLog::default(), DebugEvent::FormSubmitted, about);
        for (about, text) in [
            (
                "measured lead_created id-1",
                "lead_created is measured with the form's event_id \"id-1\"",
            ),
            (
                "measured lead_created",
                "the form has no field for the event_id",
            ),
            (
                "repeated lead_created id-1",
                "lead_created is not measured again",
            ),
            ("invalid lead_created id-1", "lead_created is not measured"),
        ] {
            assert!(line(about).contains(text), "{}", line(about));
        }
    }
}
