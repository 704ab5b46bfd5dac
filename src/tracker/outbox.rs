//! The outbox: what has been measured and has not yet arrived is kept in `localStorage`, for the day on which a page dies
//! before it could be sent.
//!
//! Each pixel of each page keeps a box of its own, `{"pixel":…,"oppref":…,"events":[…]}`, and writes no other. A page that
//! starts takes over the boxes whose pages are gone: for each it has a further pixel, with the box's click reference and
//! without a user, which is another `visit` than the page's own.

use core::num::NonZeroU32;

use super::{Pixel, Source, Tracker};
use crate::command::{self, Call, Command};
use crate::debug_log::payload::encode_dropped;
use crate::delivery::queue::{DROPPED, NEVER, timestamp_ms_of};
use crate::host::{DebugEvent, Host};
use crate::mem::{Scratch, ScratchString, ThinStr, ThinString, thin};
use crate::protocol::{MAX_EVENT_AGE_MS, OUTBOX_MAX_BYTES, OUTBOX_MAX_EVENTS};
use crate::raw_json::RawJson;
use crate::schema::events::{self, CallContext};
use crate::schema::validate::Rejection;
use crate::visitor::identity::click_id_member;

/// So many milliseconds after a call it is kept, with whatever else has been measured by then.
const SAVE_DELAY_MS: u64 = 60;

/// No request's number: see [`Pixel::to_outbox_record`].
const ALL_REQUESTS: u32 = 0;

/// Why an event was dropped after it had been queued.
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

/// What a page's boxes have room for.
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
    /// What is to be kept of the request of that number, or [`ALL_REQUESTS`], as a box, as far as there is room.
    pub(super) fn to_outbox_record<'s>(
        &self,
        s: Scratch<'s>,
        request: u32,
        room: &mut OutboxBudget,
    ) -> ScratchString<'s> {
        let mut text = s.string();
        for event in self.queue.persistable() {
            if request != ALL_REQUESTS && event.request_id != request {
                continue;
            }
            if room.events == 0 || room.bytes < event.json.len() {
                break;
            }
            room.events -= 1;
            room.bytes -= event.json.len();
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
    /// What is to be kept has changed.
    pub(super) fn schedule_save(&mut self) {
        self.save_at = self.save_at.min(self.host.monotonic_ms() + SAVE_DELAY_MS);
    }

    /// Keeps what has to be kept.
    pub(super) fn save(&mut self, s: Scratch, leaving: bool) {
        self.save_at = NEVER;
        self.enforce_limits(s);
        let mut room = OutboxBudget::default();
        for i in 0..self.pixels.len() {
            let pixel = &mut self.pixels[i];
            let text = pixel.to_outbox_record(s, ALL_REQUESTS, &mut room);
            if pixel.record_key.is_empty() {
                if text.is_empty() {
                    continue;
                }
                pixel.record_key = self.host.uuid(s).to_thin_string();
            }
            let kept = self
                .host
                .outbox_put(leaving, pixel.record_key.as_thin(), text.as_thin());
            if text.is_empty() {
                pixel.record_key = ThinString::default();
            }
            self.trace(DebugEvent::OutboxSaved, text.as_thin());
            if !kept {
                self.trace(DebugEvent::StorageUnavailable, thin!(""));
            }
        }
    }

    /// When requests fail and more waits than the outbox takes, the oldest views are lost, then the oldest of all.
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

    /// Counts an event that is lost, given in its wire form or as a call, and tells of it.
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

    /// Takes over a box whose page is gone: `[name, box]`. Its events are wire forms, or calls that were made before the
    /// script had loaded.
    pub fn recover_record(&mut self, s: Scratch, left: ThinStr) {
        let name = RawJson::new(left)
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        let left = name.next_or_undefined();
        let name = name.to_scratch_string(s);
        let events = left.get(thin!("events"));
        let mut next = events.first_child();
        if !events.is_array() {
            self.trace(DebugEvent::OutboxCorrupt, name.as_thin());
            next = None;
        }
        let oldest = self.host.unix_ms().saturating_sub(MAX_EVENT_AGE_MS);
        let first = self.pixels.len();
        self.recovered_records += 1;
        let source = NonZeroU32::new(self.recovered_records).map_or(Source::Page, Source::Record);
        let id = left.get(thin!("pixel"));
        if id.is_non_empty_str() && self.granted {
            self.add_pixel(s, source, id.to_scratch_string(s).as_thin());
        }
        while let Some(event) = next
            && self.granted
        {
            next = event.next_sibling();
            let text = event.write_json(s.string());
            let mut call = command::parse_call(event);
            let mut options = s.string();
            if event.is_object() {
                // anybody may have written into the store, so a wire form is checked as if it were measured again
                options = event
                    .get(thin!("id"))
                    .write_json(options.append(thin!("{\"event_id\":")));
                options = events::write_options_json(options, event).append(thin!("}"));
                call = Call {
                    command: Command::Measure,
                    context: CallContext {
                        time: timestamp_ms_of(event),
                        url: event.get(thin!("source_url")),
                        referrer: event.get(thin!("referrer_url")),
                    },
                    name: event.get(thin!("type")),
                    data: event.get(thin!("data")),
                    options: RawJson::new(options.as_thin()),
                    ..call
                };
            }
            if call.command != Command::Init && call.context.time < oldest {
                self.drop_event(s, 0, text.as_thin(), DropReason::TooOld);
            } else {
                self.execute(s, source, &call, text.as_thin());
            }
        }
        if self.pre_init_queue.len() > 0 {
            // measured by a page before any init, so it goes to the first pixel there is
            let id = self.pixels[0].id.clone();
            self.add_pixel(s, source, id.as_thin());
        }
        let click = left.get(thin!("oppref"));
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
