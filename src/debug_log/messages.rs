//! Every sentence of the debug log. The functions here put facts into words; [`super::log`] knows the facts.
//!
//! `docs/troubleshooting.md` quotes many of these messages.

use serde::Serialize;

use crate::debug_log::event::Event;
use crate::debug_log::payload::{LayerNote, Matched, RequestKey, Tagged};
use crate::explain::{ExplainedViolation, truncate};
use crate::protocol::{MAX_EVENT_AGE_MS, OUTBOX_CORRUPT_KEY, OUTBOX_MAX_BYTES, OUTBOX_MAX_EVENTS};

/// A message names at most this many events.
const MAX_LISTED: usize = 5;

/// How an event was delivered by `sendBeacon`.
pub(super) const VIA_BEACON: &str = "handed to the browser on page hide";
/// How an event was delivered by the keepalive worker.
pub(super) const VIA_WORKER: &str =
    "handed to a worker that outlives the page; if it is not delivered, the next page resends it";

pub(super) const CONFIG_NOT_FOUND: &str = "not found";
pub(super) const CONFIG_NO_RESPONSE: &str = "no response";
pub(super) const CONFIG_UNREADABLE: &str = "not readable";

pub(super) const BATCH_SPLIT: &str = "the endpoint rejected a request: its events are resent in smaller batches until the invalid event is found";
pub(super) const STORAGE_UNAVAILABLE: &str = "localStorage is full or blocked: queued events are lost if the visitor leaves this page before they are sent";
pub(super) const NO_PIXEL: &str =
    "no pixel has started: the page has not called oaiq(\"init\", { pixelId: \"...\" })";
pub(super) const INIT_WITHOUT_OBJECT: &str = "init needs an object: call oaiq(\"init\", { pixelId: \"...\" }) with the pixel ID from Ads Manager";
pub(super) const SECOND_INIT: &str = "a second init has no effect without a user: is the snippet on this page twice, or also in a tag manager?";
pub(super) const NO_EVENT_ID: &str = "it has no event_id of your own, so a reload of this page counts it again: pass the order number, or a similar ID, as { event_id: \"...\" } in the last argument";
pub(super) const MEASURED_TWICE: &str = "this page measured the same event with the same data less than a second ago: is the snippet, or this call, on the page twice?";
pub(super) const VIEWED_TWICE: &str = "this page already measured page_viewed; once per page is enough. Is the snippet on the page twice?";
pub(super) const OUTBOX_EMPTY: &str = "the outbox is empty: every event has been sent";

/// One line for the console.
#[derive(Debug, PartialEq, Serialize)]
pub struct LogLine {
    /// Something is wrong, and the reader should act.
    pub is_warning: bool,
    /// The line, without the prefix.
    pub text: String,
    /// Each violation of a rejected call.
    pub violations: Vec<ExplainedViolation>,
}

impl LogLine {
    pub(super) fn info(text: impl Into<String>) -> Self {
        Self {
            is_warning: false,
            text: text.into(),
            violations: Vec::new(),
        }
    }

    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self {
            is_warning: true,
            ..Self::info(text)
        }
    }

    /// A line with a remark on each of the lines below it. It is a warning if there is any.
    pub(super) fn with_remarks(text: String, remarks: &[String]) -> Self {
        if remarks.is_empty() {
            return Self::info(text);
        }
        Self::warning(format!("{text}\n  {}", remarks.join("\n  ")))
    }
}

/// `1 event`, `2 events`
pub(super) fn pluralize(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// The first word for one, the second for any other number.
fn choose<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// Up to [`MAX_LISTED`] events by name and ID.
pub(super) fn describe_events(events: &[Event]) -> String {
    let (internal, measured): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| event.is_internal());
    let listed = measured.iter().take(MAX_LISTED);
    let mut parts: Vec<_> = listed.map(|event| event.describe()).collect();
    if measured.len() > MAX_LISTED {
        parts.push(format!("{} more", measured.len() - MAX_LISTED));
    }
    if !internal.is_empty() {
        parts.push("pixel status (not a conversion)".into());
    }
    parts.join(", ")
}

fn format_bytes(bytes: usize) -> String {
    if bytes < 1_000 {
        pluralize(bytes, "byte")
    } else {
        format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100)
    }
}

/// The first characters of an ID: enough to compare, too few to use.
pub(super) fn prefix_of(id: &str) -> String {
    truncate(id.into(), 8)
}

pub(super) fn debug_requested(is_on: bool) -> LogLine {
    LogLine::info(if is_on {
        "debug is on for this page; oaiq.debug() shows the state"
    } else {
        "debug is off"
    })
}

pub(super) fn recovered(event: &Event) -> LogLine {
    LogLine::info(format!(
        "{} from an earlier page was not delivered and is queued again",
        event.describe()
    ))
}

pub(super) fn unknown_pixel(id: &str, started: &[&str]) -> LogLine {
    let quoted: Vec<_> = started.iter().map(|id| format!("\"{id}\"")).collect();
    let started = match quoted.as_slice() {
        [] => String::new(),
        _ => format!(" (started: {})", quoted.join(", ")),
    };
    LogLine::warning(format!(
        "measureSingle was not measured, because no init has started pixel \"{id}\"{started}"
    ))
}

pub(super) fn blocked_by_consent(names: &str) -> LogLine {
    LogLine::warning(format!(
        "{names} was not measured, because consent is denied"
    ))
}

pub(super) fn retry_scheduled(seconds: &str) -> LogLine {
    LogLine::info(format!(
        "the next attempt is in {seconds} s, or as soon as the browser is online again"
    ))
}

pub(super) fn outbox_corrupt(record: &str) -> LogLine {
    LogLine::warning(format!(
        "outbox record {record} cannot be read; it was moved to \"{OUTBOX_CORRUPT_KEY}\" in localStorage"
    ))
}

pub(super) fn ignored(call: &str, advice: &str) -> LogLine {
    LogLine::warning(format!("{call} was ignored: {advice}"))
}

/// Events that an earlier page of the tab has measured under the same ID.
pub(super) fn measured_by_earlier_pages(events: &[String]) -> LogLine {
    LogLine::warning(format!(
        "{}: an earlier page in this tab measured {} with the same ID, so OpenAI counts {} once. This is correct after a reload; otherwise give each event its own event_id",
        events.join(", "),
        choose(events.len(), "it", "them"),
        choose(events.len(), "it", "each"),
    ))
}

pub(super) fn measured_before(by_earlier_page: bool) -> String {
    let page = if by_earlier_page {
        "an earlier page in this tab"
    } else {
        "this page"
    };
    format!(
        "{page} already measured it with the same ID, so OpenAI counts it once. This is correct after a reload; otherwise give each event its own event_id"
    )
}

pub(super) fn exposed_identifier(field: &str, what: &str) -> String {
    format!(
        "{field} contains {what}, which is sent unhashed: send a value that does not identify a person"
    )
}

pub(super) fn wrong_pixel_id(value: &str) -> LogLine {
    LogLine::warning(format!(
        "init: pixelId is {value}; it must be the pixel ID from Ads Manager, in quotes"
    ))
}

pub(super) fn unknown_init_options(names: &[String]) -> String {
    format!(
        "init ignores {}; its options are pixelId, debug, user and consent",
        names.join(", ")
    )
}

pub(super) fn initialized_again(id: &str, remarks: &[String]) -> LogLine {
    LogLine::with_remarks(
        format!("pixel \"{id}\" was initialized again on this page"),
        remarks,
    )
}

pub(super) fn not_initialized(queued: usize) -> LogLine {
    LogLine::warning(format!(
        "no pixel has been initialized, so {} {} queued and not sent: call oaiq(\"init\", {{ pixelId: \"...\" }}) on this page",
        pluralize(queued, "event"),
        choose(queued, "is", "are"),
    ))
}

pub(super) fn outbox_saved(count: usize, pixel: &str) -> String {
    match count {
        0 => OUTBOX_EMPTY.to_owned(),
        _ => format!(
            "the outbox stores {} of pixel \"{pixel}\" until {} delivered",
            pluralize(count, "event"),
            choose(count, "it is", "they are"),
        ),
    }
}

pub(super) fn started(id: &str) -> LogLine {
    LogLine::info(format!("pixel \"{id}\" has started"))
}

pub(super) fn queued(event: &Event, remarks: &[String]) -> LogLine {
    LogLine::with_remarks(
        format!("{} is queued: {}", event.describe(), event.data),
        remarks,
    )
}

pub(super) fn consent_granted() -> LogLine {
    LogLine::info("consent is granted: events are measured from now on")
}

pub(super) fn consent_denied(dropped: usize) -> LogLine {
    let dropped = match dropped {
        0 => String::new(),
        _ => format!(
            "; {} {} dropped",
            pluralize(dropped, "queued event"),
            choose(dropped, "was", "were")
        ),
    };
    LogLine::warning(format!(
        "consent is denied, by a call on the page or a stored answer (cookie __oaiq_consent or localStorage oaiq_consent): nothing is measured until oaiq(\"consent\", true){dropped}"
    ))
}

/// Where consent comes from: what follows `granted, `.
pub(super) fn consent_source(source: &str) -> String {
    match source {
        "default" => "because no answer is stored and the page does not wait for one".into(),
        "stored" => {
            "by a stored answer (cookie __oaiq_consent or localStorage oaiq_consent)".into()
        }
        "call" => "by a call on the page".into(),
        _ => format!("by {source}"),
    }
}

pub(super) fn consent_state(state: &str, source: &str) -> LogLine {
    let why = consent_source(source);
    match state {
        "denied" => LogLine::warning(format!(
            "consent is denied, {why}: nothing is measured until oaiq(\"consent\", true)"
        )),
        "pending" => LogLine::info(format!(
            "consent is pending: calls wait until {} answers, and nothing is stored or sent",
            if source == "call" {
                "oaiq(\"consent\", true or false)"
            } else {
                source
            }
        )),
        _ => LogLine::info(format!("consent is {state}, {why}")),
    }
}

/// Where the click ID was found: what the state shows, and the message.
pub(super) fn click_id(found: &Tagged) -> (String, LogLine) {
    let id = prefix_of(found.text);
    match found.tag {
        "address" => (
            format!("{id} from the URL"),
            LogLine::info(format!(
                "click ID {id} found in the page's URL: events are attributed to this ad click"
            )),
        ),
        "long" => (
            format!("{id} from the URL, too long for a cookie"),
            LogLine::warning(format!(
                "click ID {id} in the page's URL is too long for a cookie (4 kB), so only this page sends it: events of later pages are not attributed to this ad click. Shorten oppref in the ad's link"
            )),
        ),
        "cookie" => (
            format!("{id} from the cookie __oppref"),
            LogLine::info(format!(
                "click ID {id} found in the cookie __oppref, from an ad click in the last 30 days"
            )),
        ),
        _ => (
            "none in this page's URL or cookie".into(),
            LogLine::info(
                "no click ID in this page's URL or cookie; a redirect or a frame may have lost it (to test, add ?oppref=test to the URL)",
            ),
        ),
    }
}

pub(super) fn held_for_consent(what: &str) -> LogLine {
    LogLine::info(format!("{what} waits until consent is known"))
}

pub(super) fn csp_violation(origin: &str, directive: &str) -> LogLine {
    LogLine::warning(format!(
        "the page's Content-Security-Policy blocks requests to {origin}: add {origin} to its {directive}"
    ))
}

pub(super) fn rejected(command: &str, name: &str, violations: Vec<ExplainedViolation>) -> LogLine {
    let sentences: Vec<_> = violations
        .iter()
        .map(ExplainedViolation::to_sentence)
        .collect();
    LogLine {
        is_warning: true,
        text: format!(
            "{command} {name} was rejected and not measured:\n  {}",
            sentences.join("\n  ")
        ),
        violations,
    }
}

/// What a message says about a request.
pub(super) struct RequestFacts<'a> {
    pub key: RequestKey,
    pub pixel: &'a str,
    pub bytes: usize,
    pub click_id: &'a str,
    /// The click ID of the request before; empty unless it was another.
    pub previous_click_id: &'a str,
    pub has_user: bool,
    pub events: &'a [Event],
}

pub(super) fn request_sent(request: &RequestFacts) -> LogLine {
    let key = request.key;
    let transport = if key.is_by_worker() {
        "a worker that outlives the page"
    } else if key.is_beacon() {
        "sendBeacon"
    } else {
        "fetch"
    };
    let ids = match request.click_id {
        _ if key.is_anonymous() => ", without cookies and IDs".to_owned(),
        "" => ", without a click ID".to_owned(),
        id => format!(", with click ID {}", prefix_of(id)),
    };
    let user = match request.has_user {
        true => " and hashed user data",
        false => "",
    };
    let changed = match request.previous_click_id {
        "" => String::new(),
        id => format!("; the click ID was {} before", prefix_of(id)),
    };
    LogLine::info(format!(
        "request {} sends {} to pixel \"{}\" ({} by {transport}{ids}{user}{changed}): {}",
        key.number,
        pluralize(request.events.len(), "event"),
        request.pixel,
        format_bytes(request.bytes),
        describe_events(request.events)
    ))
}

/// The response to a request, whose events are known if it was traced when it was sent.
pub(super) fn response_received(
    number: u32,
    status: u32,
    events: Option<&[Event]>,
    is_beacon: bool,
    endpoint: &str,
) -> LogLine {
    let described = events.map_or("its events".into(), describe_events);
    let count = events.map_or(2, <[Event]>::len);
    let events_are = choose(count, "its event is", "its events are");
    match status {
        0 if is_beacon => LogLine::info(format!(
            "request {number} went by sendBeacon and cannot be confirmed; {events_are} stored and will be resent"
        )),
        0 => LogLine::warning(format!(
            "request {number} failed: the network or the endpoint {endpoint} is down, or a blocker or the page's Content-Security-Policy blocks it; {events_are} stored and will be resent"
        )),
        1 => LogLine::info(format!(
            "request {number}: response received (opaque cross-origin response, treated as delivered): {described}"
        )),
        408 | 429 | 500.. => LogLine::warning(format!(
            "request {number} was answered {status}: the endpoint is temporarily unavailable; {events_are} stored and will be resent"
        )),
        400..500 => LogLine::warning(format!(
            "request {number} was rejected with {status}: the response in the Network panel says why"
        )),
        _ => LogLine::info(format!(
            "request {number} was answered {status}, delivered: {described}"
        )),
    }
}

/// What is known of a pixel config, in a few words.
pub(super) fn config_outcome(status: u32, enabled: Option<bool>) -> &'static str {
    match (status, enabled) {
        (404, _) => CONFIG_NOT_FOUND,
        (0 | 408 | 500..600, _) => CONFIG_NO_RESPONSE,
        (_, Some(true)) => "automatic advanced matching enabled",
        (_, Some(false)) => "automatic advanced matching disabled",
        _ => CONFIG_UNREADABLE,
    }
}

pub(super) fn config_received(id: &str, status: u32, outcome: &str) -> LogLine {
    match outcome {
        CONFIG_NOT_FOUND => LogLine::warning(format!(
            "there is no config for pixel \"{id}\" (404): compare the ID with the one in Ads Manager; events for a pixel that does not exist are not counted"
        )),
        CONFIG_UNREADABLE => LogLine::warning(format!(
            "the config of pixel \"{id}\" was answered {status} and cannot be read; events are measured anyway"
        )),
        CONFIG_NO_RESPONSE => LogLine::warning(format!(
            "the config of pixel \"{id}\" could not be fetched (network, a blocker, or the page's Content-Security-Policy); events are measured anyway"
        )),
        _ => LogLine::info(format!("pixel \"{id}\" exists: {outcome}")),
    }
}

pub(super) fn drop_reason(reason: &str) -> String {
    match reason {
        "outbox_full" => format!(
            "requests keep failing, and the outbox is full ({OUTBOX_MAX_EVENTS} events or {} KiB)",
            OUTBOX_MAX_BYTES >> 10
        ),
        "too_old" => format!(
            "it was measured more than {} days ago, and the endpoint accepts nothing that old",
            MAX_EVENT_AGE_MS / (24 * 60 * 60 * 1_000)
        ),
        "refused_by_endpoint" => {
            "the endpoint rejected it; the response in the Network panel says why".into()
        }
        other => other.into(),
    }
}

pub(super) fn dropped(event: &str, why: &str) -> LogLine {
    LogLine::warning(format!("{event} was dropped: {why}"))
}

/// What the submit of a form has led to. The text is the event's name and ID.
pub(super) fn form_submitted(outcome: &Tagged) -> LogLine {
    let Tagged {
        tag: name,
        text: id,
    } = Tagged::decode(outcome.text);
    match outcome.tag {
        "measured" if id.is_empty() => LogLine::warning(format!(
            "a form was submitted: {name} is measured, but the form has no field for the event_id, so the server cannot send the same ID"
        )),
        "measured" => LogLine::info(format!(
            "a form was submitted: {name} is measured with the form's event_id \"{id}\""
        )),
        "repeated" => LogLine::info(format!(
            "a form was submitted again with the event_id \"{id}\": {name} is not measured again. Reset the form (form.reset()) after a success if the next submit is another one"
        )),
        _ => LogLine::info(format!(
            "the page refused a form, in which a field is invalid: {name} is not measured"
        )),
    }
}

/// Who has made a call twice, as [`crate::host::DebugEvent::DuplicateCall`] carries it, and what to remove.
pub(super) fn duplicate_call(about: &str) -> LogLine {
    let mut lines = about.lines();
    let call = lines.next().unwrap_or_default();
    let mut callers: Vec<_> = lines.collect();
    let is_one_script = callers.iter().all(|caller| *caller == callers[0]);
    callers.dedup();
    let has = |file: &str| callers.iter().any(|caller| caller.contains(file));
    let advice = if is_one_script {
        "it runs, or makes the call, twice: let it do so once per page"
    } else if has("/oaiq.views.min.js") {
        "data-oaiq-page-views measures it already: remove the other call, or this option"
    } else if has("/oaiq.layer.min.js") {
        "data-oaiq-layer measures it already: remove the other call, or this option"
    } else if has("googletagmanager.com/") {
        "remove the pixel's tag in Google Tag Manager, or the other call"
    } else {
        "keep the call in one of them, and remove it from the others"
    };
    let what = match call {
        "init" => "init was called twice for the same pixel",
        _ => "page_viewed was measured twice on this page",
    };
    LogLine::warning(format!("{what}, by {}: {advice}", callers.join(" and by ")))
}

/// What is unusual about the script's own element.
pub(super) fn script_element(fact: &Tagged) -> LogLine {
    const ADVICE: &str = "so attributes have no effect; to configure the pixel, set oaiq.config before the script (docs/bundlers.md)";
    match fact.tag {
        "attribute" => {
            let Tagged {
                tag: name,
                text: value,
            } = Tagged::decode(fact.text);
            let own = match name.contains("oaiq") {
                true => name.to_owned(),
                false => name.replacen("data-", "data-oaiq-", 1),
            };
            LogLine::warning(format!(
                "{name}=\"{}\" is not a value that the pixel knows, so it is ignored; docs/consent.md lists the values of {own}",
                truncate(value.into(), 40)
            ))
        }
        "in" => LogLine::info(format!(
            "the script is part of {}, {ADVICE}",
            truncate(fact.text.into(), 60)
        )),
        _ => LogLine::info(format!(
            "the script runs without its own script element (a tool has combined, inlined or re-created it), {ADVICE}"
        )),
    }
}

/// A value that was read from the page. `None` for a part or a kind that the script does not have.
pub(super) fn matched(value: &Matched) -> Option<LogLine> {
    let Matched {
        part,
        key,
        letter,
        name,
    } = value;
    let (kind, is_hashed) = match *key {
        "em" => ("an email address", true),
        "ph" => ("a phone number", true),
        "fn" => ("a first name", true),
        "ln" => ("a last name", true),
        "co" => ("a country", false),
        "ct" => ("a city", false),
        "rg" => ("a region", false),
        "pc" => ("a postal code", false),
        _ => return None,
    };
    let origin = match *part {
        "fm" => "a form field",
        "js" => "another script's property",
        "ht" => "the page's text or a field that nobody used",
        _ => return None,
    };
    let beginning = if letter.is_empty() {
        String::new()
    } else {
        format!(" beginning with \"{letter}\"")
    };
    let name = if name.is_empty() {
        String::new()
    } else {
        format!(" ({name})")
    };
    let how = if is_hashed { "as a hash" } else { "as it is" };
    Some(LogLine::info(format!(
        "matching: {kind}{beginning} was found in {origin}{name}, and goes with the next request {how}; data-oaiq-ignore on an element hides it"
    )))
}

/// What is not measured in the page's data layer, and what to do. `None` for a reason that the script does not have.
pub(super) fn data_layer(note: &LayerNote) -> Option<LogLine> {
    let LayerNote {
        field,
        event,
        value,
        ..
    } = note;
    let sentence = match note.reason {
        "followed" => {
            return Some(LogLine::info(format!(
                "the data layer {event} is followed: its events are measured"
            )));
        }
        "missing" => {
            return Some(LogLine::warning(format!(
                "this page has no array {event}, so no data layer is measured: set data-oaiq-layer, or oaiq.config.layer, to the name of the layer"
            )));
        }
        "unknown_event" => {
            return Some(LogLine::info(format!(
                "data layer: {event} is not measured, because no event of the pixel belongs to it; if one does, name it in oaiq.config.layerEvents"
            )));
        }
        "later_step" => {
            return Some(LogLine::info(format!(
                "data layer: {event} is not measured, because it is step {value} of the checkout; step 1 is measured as checkout_started"
            )));
        }
        "duplicate" => format!("is not measured again: this page has measured it as \"{value}\""),
        "no_such_event" => format!(
            "is mapped to \"{value}\" by oaiq.config.layerEvents, and the pixel has no event of this name; docs/events.md lists them"
        ),
        "no_currency" => format!(
            "goes without its amount: {field} is {value}, and no currency is next to it; add currency, such as \"EUR\""
        ),
        "not_currency" => format!(
            "goes without its amount: {field} is \"{value}\"; it must be a three-letter code, such as \"EUR\""
        ),
        "ambiguous" => format!(
            "goes without its amount: {field} is \"{value}\", which means different amounts in different countries; use a number, or a text with decimals, such as \"1299.00\""
        ),
        "decimals" => format!(
            "goes without its amount: {field} is {value}, which has more decimals than its currency; round it"
        ),
        "unreadable" => format!(
            "goes without its amount: {field} is \"{value}\", which is no amount; use a number, such as 25.99"
        ),
        "quantity" => {
            format!("has an item without its quantity: it is \"{value}\"; use a whole number")
        }
        "item" => format!(
            "goes without one of its items: it is {value}, without an ID, a name, a price and a quantity"
        ),
        "items" => format!("goes without its items: {field} is \"{value}\"; use an array"),
        "items_cut" => format!("goes with its first 200 items: {field} has {value}"),
        "personal" => format!(
            "goes without {field}, because it contains an email address or a phone number: use a value that does not identify a person"
        ),
        "unusable" => format!(
            "goes without {field}, because it is \"{value}\", which names nothing: does the page set it before this event?"
        ),
        _ => return None,
    };
    Some(LogLine::warning(format!("data layer: {event} {sentence}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::send_flags;

    fn event(id: &str) -> Event {
        Event {
            name: "order_created".into(),
            id: id.into(),
            data: "contents".into(),
            timestamp_ms: 0,
        }
    }

    #[test]
    fn nouns_and_verbs_agree_in_number() {
        assert_eq!(
            outbox_saved(1, "P"),
            "the outbox stores 1 event of pixel \"P\" until it is delivered"
        );
        assert_eq!(
            outbox_saved(3, "P"),
            "the outbox stores 3 events of pixel \"P\" until they are delivered"
        );
        let failed = |events: &[Event]| response_received(1, 500, Some(events), false, "").text;
        assert!(failed(&[event("a")]).contains("its event is stored"));
        assert!(failed(&[event("a"), event("b")]).contains("its events are stored"));
        assert!(
            consent_denied(1)
                .text
                .ends_with("1 queued event was dropped")
        );
        assert!(
            consent_denied(3)
                .text
                .ends_with("3 queued events were dropped")
        );
    }

    #[test]
    fn a_request_names_at_most_five_events() {
        let events: Vec<_> = (0..7).map(|i| event(&i.to_string())).collect();
        let described = describe_events(&events);
        assert!(
            described.ends_with("order_created \"4\", 2 more"),
            "{described}"
        );
    }

    #[test]
    fn a_request_names_its_transport() {
        let text = |flags| {
            request_sent(&RequestFacts {
                key: RequestKey { number: 1, flags },
                pixel: "P",
                bytes: 1_234,
                click_id: "",
                previous_click_id: "",
                has_user: false,
                events: &[],
            })
            .text
        };
        assert!(text(0).contains("(1.2 kB by fetch, without a click ID)"));
        assert!(text(send_flags::UNLOADING).contains("by sendBeacon"));
        assert!(
            text(send_flags::UNLOADING | send_flags::VIA_WORKER)
                .contains("by a worker that outlives the page")
        );
        assert!(
            text(send_flags::UNLOADING | send_flags::ANONYMOUS)
                .contains("by fetch, without cookies and IDs")
        );
    }

    #[test]
    fn a_failed_request_names_its_endpoint() {
        let line = response_received(1, 0, None, false, "https://events.test/v1");
        assert!(line.is_warning);
        assert!(
            line.text
                .contains("endpoint https://events.test/v1 is down"),
            "{}",
            line.text
        );
    }

    #[test]
    fn the_click_id_says_where_it_was_found_and_no_more() {
        let line = |about: &str| click_id(&Tagged::decode(about)).1.text;
        assert!(line("nowhere").starts_with(
            "no click ID in this page's URL or cookie; a redirect or a frame may have lost it"
        ));
        assert!(
            line("long click-reference")
                .contains("too long for a cookie (4 kB), so only this page sends it")
        );
        assert!(!line("address click-reference").contains("click-reference"));
    }

    #[test]
    fn the_script_element_names_another_tools_attribute_and_a_missing_element() {
        let line = |about: &str| script_element(&Tagged::decode(about)).text;
        assert!(
            line("attribute data-consent marketing")
                .starts_with("data-consent=\"marketing\" is not a value that the pixel knows")
        );
        assert!(line("none").contains("without its own script element"));
        assert!(line("in all.min.js").starts_with("the script is part of all.min.js"));
    }

    #[test]
    fn each_kind_and_part_of_the_matching_script_has_a_message() {
        let script = include_str!("../../www/matching/merge.js");
        for part in ["fm", "js", "ht"] {
            assert!(script.contains(&format!("\"{part}\"")), "{part}");
            for key in ["em", "ph", "fn", "ln", "co", "ct", "rg", "pc"] {
                let value = Matched {
                    part,
                    key,
                    letter: "a",
                    name: "billing",
                };
                let line = matched(&value).expect("a message").text;
                assert!(line.contains("beginning with \"a\""), "{line}");
                assert!(line.contains("(billing)"), "{line}");
                assert_eq!(line.contains("as a hash"), "em ph fn ln".contains(key));
            }
        }
        let nameless = Matched {
            part: "ht",
            key: "ct",
            letter: "",
            name: "",
        };
        let line = matched(&nameless).expect("a message").text;
        assert!(line.starts_with("matching: a city was found in the page's text"));
        assert_eq!(
            matched(&Matched {
                key: "x",
                ..nameless
            }),
            None
        );
    }

    #[test]
    fn each_reason_of_the_data_layers_script_has_a_message() {
        let scripts = [
            include_str!("../../www/layer/map.js"),
            include_str!("../../www/layer/entry.js"),
            include_str!("../../www/helpers/money.js"),
        ]
        .concat();
        for reason in [
            "followed",
            "missing",
            "unknown_event",
            "later_step",
            "duplicate",
            "no_such_event",
            "no_currency",
            "not_currency",
            "ambiguous",
            "decimals",
            "unreadable",
            "quantity",
            "item",
            "items",
            "items_cut",
            "personal",
            "unusable",
        ] {
            assert!(scripts.contains(&format!("\"{reason}\"")), "{reason}");
            let note = LayerNote {
                reason,
                field: "value",
                event: "purchase",
                value: "1.299",
            };
            let line = data_layer(&note).unwrap_or_else(|| panic!("no message: {reason}"));
            assert!(line.text.contains("purchase"), "{}", line.text);
        }
        assert!(
            scripts.contains("MAX_ITEMS = 200;"),
            "the message of items_cut names it"
        );
        // the first argument of each `note(…)`
        for call in scripts.split("note(\"").skip(1) {
            let reason = call.split('"').next().unwrap_or("");
            let note = LayerNote {
                reason,
                field: "",
                event: "",
                value: "",
            };
            assert!(data_layer(&note).is_some(), "no message: {reason}");
        }
    }
}
