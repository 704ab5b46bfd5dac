//! The outbox: undelivered events are stored in `localStorage`, in case their page ends before it could send them.
//!
//! Each pixel of each page has one record, `{"pixel":…,"oppref":…,"events":[…]}`, and writes no other. A page recovers the
//! records whose pages are gone: for each it adds a pixel with the click ID of the record and without user data, whose
//! source is not the page but the record.

use super::{Pixel, Source, Tracker};
use crate::command::{self, Command};
use crate::debug_log::payload::encode_dropped;
use crate::delivery::queue::{DROPPED, NEVER};
use crate::host::{DebugEvent, Host};
use crate::mem::{Scratch, ScratchString, ThinStr, ThinString, thin};
use crate::protocol::{MAX_EVENT_AGE_MS, OUTBOX_MAX_BYTES, OUTBOX_MAX_EVENTS};
use crate::raw_json::RawJson;
use crate::schema::events;
use crate::schema::validate::Rejection;
use crate::visitor::identity::click_id_member;

/// A call is saved after this many milliseconds, together with all that is measured by then.
const SAVE_DELAY_MS: u64 = 60;

/// The ID of no request; see [`Pixel::to_outbox_record`].
const ALL_REQUESTS: u32 = 0;

/// Why a queued event was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DropReason {
    /// More was queued than the outbox stores.
    OutboxFull,
    /// It is older than seven days.
    TooOld,
    /// The endpoint has rejected it.
    RejectedByEndpoint,
}

impl DropReason {
    /// The reason's name on the wire.
    const fn as_thin(self) -> ThinStr<'static> {
        match self {
            DropReason::OutboxFull => thin!("outbox_full"),
            DropReason::TooOld => thin!("too_old"),
            DropReason::RejectedByEndpoint => thin!("refused_by_endpoint"),
        }
    }
}

/// How much a page's records may still hold.
pub(super) struct OutboxBudget {
    events: usize,
    bytes: usize,
}

impl Default for OutboxBudget {
    fn default() -> Self {
        Self {
            events: OUTBOX_MAX_EVENTS,
            bytes: OUTBOX_MAX_BYTES,
        }
    }
}

impl Pixel {
    /// The record of the events of a request, or of [`ALL_REQUESTS`], as far as the budget allows; empty if there are
    /// none.
    pub(super) fn to_outbox_record<'s>(
        &self,
        s: Scratch<'s>,
        request: u32,
        budget: &mut OutboxBudget,
    ) -> ScratchString<'s> {
        let mut text = s.string();
        for event in self.queue.persistable() {
            if request != ALL_REQUESTS && event.request_id != request {
                continue;
            }
            if budget.events == 0 || budget.bytes < event.json.len() {
                break;
            }
            budget.events -= 1;
            budget.bytes -= event.json.len();
            if text.is_empty() {
                text = text
                    .append(thin!("{\"pixel\":\""))
                    .append(self.id.as_thin())
                    .append(thin!("\""))
                    .append(self.click.as_thin())
                    .append(thin!(",\"events\":["));
            } else {
                text = text.append(thin!(","));
            }
            text = text.append(event.json.as_thin());
        }
        if !text.is_empty() {
            text = text.append(thin!("]}"));
        }
        text
    }
}

impl<H: Host> Tracker<H> {
    /// The events to be stored have changed: saves them soon.
    pub(super) fn schedule_save(&mut self) {
        self.save_at = self.save_at.min(self.host.monotonic_ms() + SAVE_DELAY_MS);
    }

    /// Saves each pixel's record.
    pub(super) fn save(&mut self, s: Scratch, is_unloading: bool) {
        self.save_at = NEVER;
        self.enforce_limits(s);
        let mut budget = OutboxBudget::default();
        for i in 0..self.pixels.len() {
            let pixel = &mut self.pixels[i];
            let text = pixel.to_outbox_record(s, ALL_REQUESTS, &mut budget);
            if pixel.record_key.is_empty() {
                if text.is_empty() {
                    continue;
                }
                pixel.record_key = self.host.uuid(s).to_thin_string();
            }
            let is_stored =
                self.host
                    .outbox_put(is_unloading, pixel.record_key.as_thin(), text.as_thin());
            if text.is_empty() {
                pixel.record_key = ThinString::default();
            }
            self.trace(DebugEvent::OutboxSaved, text.as_thin());
            if !is_stored {
                self.trace(DebugEvent::StorageUnavailable, thin!(""));
            }
        }
    }

    /// While requests fail and more is queued than the outbox may hold, drops the oldest views, and then the oldest of all
    /// events.
    fn enforce_limits(&mut self, s: Scratch) {
        let (mut events, mut bytes, mut is_failing) = (0, 0, false);
        for pixel in self.pixels.iter_mut() {
            is_failing |= pixel.queue.is_backing_off();
            for event in pixel.queue.persistable() {
                events += 1;
                bytes += event.json.len();
            }
        }
        let mut views = true;
        while is_failing && (events > OUTBOX_MAX_EVENTS || bytes > OUTBOX_MAX_BYTES) {
            let (mut oldest, mut place) = (NEVER, 0);
            for (i, pixel) in self.pixels.iter_mut().enumerate() {
                if let Some(event) = pixel.queue.oldest_queued(views)
                    && event.timestamp_ms() < oldest
                {
                    (oldest, place) = (event.timestamp_ms(), i);
                }
            }
            if let Some(event) = self.pixels[place].queue.oldest_queued(views) {
                events -= 1;
                bytes -= event.json.len();
                event.request_id = DROPPED;
                let text = s.copy(event.json.as_thin());
                self.drop_event(s, place, text.as_thin(), DropReason::OutboxFull);
            } else if views {
                views = false;
            } else {
                break;
            }
        }
        for pixel in self.pixels.iter_mut() {
            pixel.queue.remove_dropped();
        }
    }

    /// Counts and reports a dropped event: its wire form, or its call.
    pub(super) fn drop_event(&mut self, s: Scratch, i: usize, event: ThinStr, reason: DropReason) {
        let mut name = RawJson::new(event).get(thin!("type"));
        if !name.is_defined() {
            name = command::parse_call(RawJson::new(event)).name;
        }
        let rejection = Rejection {
            name: events::find_event(name).map_or(thin!("unknown"), |(name, _)| *name),
            reason: reason.as_thin(),
            code: thin!(""),
            path: thin!(""),
        };
        let now = self.host.monotonic_ms();
        self.pixels[i]
            .queue
            .diagnostic_mut(now)
            .count_rejection(&rejection, false);
        let dropped = encode_dropped(s, reason.as_thin(), event);
        self.trace(DebugEvent::Dropped, dropped.as_thin());
    }

    /// Recovers a record whose page is gone: `[name, record]`. Its events are calls: the script has made them of the wire
    /// forms, or took them as they are if they were made before it had loaded.
    pub fn recover_record(&mut self, s: Scratch, record: ThinStr) {
        let name = RawJson::new(record)
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        let record = name.next_or_undefined();
        let name = name.to_scratch_string(s);
        let events = record.get(thin!("events"));
        let mut next = events.first_child();
        if !events.is_array() {
            self.trace(DebugEvent::OutboxCorrupt, name.as_thin());
            next = None;
        }
        let oldest = self.host.unix_ms().saturating_sub(MAX_EVENT_AGE_MS);
        let first = self.pixels.len();
        self.recovered_records += 1;
        let source = Source::record(self.recovered_records);
        let id = record.get(thin!("pixel"));
        if id.is_non_empty_str() && self.granted {
            self.add_pixel(s, source, id.to_scratch_string(s).as_thin());
        }
        while let Some(event) = next
            && self.granted
        {
            next = event.next_sibling();
            let text = event.write_json(s.string());
            let call = command::parse_call(event);
            if call.command != Command::Init && call.context.time < oldest {
                self.drop_event(s, 0, text.as_thin(), DropReason::TooOld);
            } else {
                self.execute(s, source, &call, text.as_thin());
            }
        }
        if self.pre_init_queue.len() > 0 {
            // a page measured it before any `init`, so it goes to the first pixel
            let id = self.pixels[0].id.clone();
            self.add_pixel(s, source, id.as_thin());
        }
        let click = record.get(thin!("oppref"));
        for pixel in self.pixels.iter_mut().skip(first) {
            pixel.click = click_id_member(s, click.to_scratch_string(s).as_thin()).to_thin_string();
            pixel.queue.mark_due();
        }
        if let Some(pixel) = self.pixels.get_mut(first) {
            pixel.record_key = name.to_thin_string();
            self.save(s, false);
        } else {
            self.host.outbox_put(false, name.as_thin(), thin!(""));
        }
        self.schedule_wakeup();
    }
}
