//! The state that `oaiq.debug()` returns, and the tables that it prints.

use serde::Serialize;

use crate::debug_log::event::Event;
use crate::debug_log::log::DebugLog;
use crate::explain::redact_identifiers;

/// Rows of named columns.
#[derive(Debug, PartialEq, Serialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Each row's columns, in their order.
    pub rows: Vec<Row>,
}

/// Columns, each with its name.
type Row = Vec<(&'static str, String)>;

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
    /// Events in requests without a response.
    pub in_flight: usize,
    /// Events delivered since the page started; one that two pixels have delivered counts twice.
    pub delivered: usize,
    /// Calls of `measure` that broke a rule.
    pub rejected: usize,
    /// Calls without effect: no such command, or a `consent` that is neither true nor false.
    pub ignored: usize,
    /// Events that were dropped.
    pub lost: usize,
    /// What these numbers do not include.
    pub not_recorded: String,
}

/// A pixel in the [`State`].
#[derive(Debug, PartialEq, Serialize)]
pub struct PixelState {
    /// Its ID.
    pub id: String,
    /// What is known of its config.
    pub config: String,
    /// Events delivered for it.
    pub delivered: usize,
}

/// What is known of the visitor, in words.
struct VisitorFacts {
    consent: String,
    click_id: String,
    browser_id: String,
    not_recorded: String,
}

impl VisitorFacts {
    fn of(log: &DebugLog) -> Self {
        let or = |text: &str, otherwise: &str| {
            redact_identifiers(if text.is_empty() { otherwise } else { text })
        };
        Self {
            consent: or(
                &log.consent,
                "not known yet: stored answers are read after the first paint",
            ),
            click_id: or(&log.click_id, "not known yet"),
            browser_id: or(&log.browser_id, "not sent yet"),
            not_recorded: or(&log.not_recorded, "nothing"),
        }
    }
}

impl DebugLog {
    /// The state, as a value.
    pub fn state(&self) -> State {
        let facts = VisitorFacts::of(self);
        let in_flight = |event: &&Event| self.request_with(event).is_some();
        let in_flight = self.queued.iter().filter(in_flight).count();
        let pixels = self.pixels.iter().map(|pixel| PixelState {
            id: redact_identifiers(&pixel.id),
            config: pixel.config.clone(),
            delivered: pixel.delivered,
        });
        State {
            pixels: pixels.collect(),
            consent: facts.consent,
            click_id: facts.click_id,
            browser_id: facts.browser_id,
            waiting_for_consent: self.held_calls,
            queued: self.queued.len() - in_flight,
            in_flight,
            delivered: self.pixels.iter().map(|pixel| pixel.delivered).sum(),
            rejected: self.rejected_calls,
            ignored: self.ignored_calls,
            lost: self.dropped_events,
            not_recorded: facts.not_recorded,
        }
    }

    /// The state, as tables.
    pub fn tables(&self) -> Vec<Table> {
        vec![
            table("pixels", self.pixel_rows()),
            table("visitor", self.visitor_rows()),
            table("events queued", self.queued_rows()),
            table("events delivered (last 50)", self.delivered_rows()),
            table(
                "calls rejected and events dropped (last 50)",
                self.rejected_rows(),
            ),
        ]
    }

    fn pixel_rows(&self) -> Vec<Row> {
        let row = |pixel: &super::log::Pixel| {
            vec![
                ("pixel", pixel.id.clone()),
                ("config", pixel.config.clone()),
                ("events delivered", pixel.delivered.to_string()),
            ]
        };
        self.pixels.iter().map(row).collect()
    }

    fn visitor_rows(&self) -> Vec<Row> {
        let facts = VisitorFacts::of(self);
        let rows = [
            ("consent", facts.consent),
            ("calls that wait for consent", self.held_calls.to_string()),
            ("click ID", facts.click_id),
            ("browser ID", facts.browser_id),
            ("not recorded", facts.not_recorded),
        ];
        rows.map(|(name, value)| vec![("property", name.to_owned()), ("value", value)])
            .into()
    }

    fn queued_rows(&self) -> Vec<Row> {
        let row = |event: &Event| {
            let state = match self.request_with(event) {
                Some(request) => format!("in flight: request {}", request.key.number),
                None => "queued".into(),
            };
            let mut row = event_columns(event);
            row.push(("state", state));
            row
        };
        self.queued.iter().map(row).collect()
    }

    fn delivered_rows(&self) -> Vec<Row> {
        let row = |delivery: &super::log::Delivery| {
            let mut row = event_columns(&delivery.event);
            row.extend([
                ("pixel", delivery.pixel.clone()),
                ("click ID", delivery.click_id.clone()),
                ("how", delivery.transport.clone()),
            ]);
            row
        };
        self.delivered.iter().rev().map(row).collect()
    }

    fn rejected_rows(&self) -> Vec<Row> {
        let row = |rejection: &super::log::Rejection| {
            vec![
                ("event", rejection.event.clone()),
                ("field", rejection.field.clone()),
                ("value", rejection.value.clone()),
                ("what to do", rejection.advice.clone()),
            ]
        };
        self.rejected.iter().rev().map(row).collect()
    }
}

fn event_columns(event: &Event) -> Row {
    vec![
        ("event", event.name.clone()),
        ("id", event.id.clone()),
        ("data", event.data.clone()),
        // www/debug/entry.js formats it as a time of day
        ("measured", event.timestamp_ms.to_string()),
    ]
}

fn table(title: &str, mut rows: Vec<Row>) -> Table {
    for (_, cell) in rows.iter_mut().flatten() {
        *cell = redact_identifiers(cell);
    }
    Table {
        title: title.into(),
        rows,
    }
}
