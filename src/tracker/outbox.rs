//! The outbox: what has been measured and has not yet arrived is kept in `localStorage`, for the day on which a page dies
//! before it could be sent.
//!
//! Each pixel of each page keeps a box of its own, `{"pixel":…,"oppref":…,"events":[…]}`, and writes no other. A page that
//! starts takes over the boxes whose pages are gone: for each it has a further pixel, with the box's click reference and
//! without a user, which is another `visit` than the page's own.

use super::{Pixel, Pixels};
use crate::command::{self, Call, Command};
use crate::delivery::queue::{GONE, MOST_KEPT, NEVER, time_of};
use crate::host::{Host, Step};
use crate::mem::{ScratchString, ThinStr, ThinString, thin};
use crate::raw_json::RawJson;
use crate::schema::events::{self, Moment};
use crate::schema::validate::Refusal;
use crate::visitor::identity::click_member;

/// The outbox takes no more events than this, and no more bytes of them than [`MOST_KEPT`].
const MOST_EVENTS: usize = 500;
/// The endpoint refuses what is older, in milliseconds.
const OLDEST: u64 = 7 * 24 * 60 * 60 * 1_000;
/// So many milliseconds after a call it is kept, with whatever else has been measured by then.
const SOON: u64 = 60;

/// No request's number: see [`Pixel::boxed`].
const ANY: u32 = 0;

/// Why an event is lost, beside the reasons for which one is refused.
pub mod lost {
    use crate::mem::{ThinStr, thin};

    /// More was waiting than the outbox takes.
    pub static FULL: ThinStr = thin!("outbox_full");
    /// It has waited for more than seven days.
    pub static OLD: ThinStr = thin!("too_old");
    /// The endpoint has refused it.
    pub static REFUSED: ThinStr = thin!("refused_by_endpoint");
}

/// What a page's boxes have room for.
pub(super) struct Room {
    events: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            events: MOST_EVENTS,
            bytes: MOST_KEPT,
        }
    }
}

impl Pixel {
    /// What is to be kept of the request of that number, or [`ANY`], as a box, as far as there is room.
    pub(super) fn boxed(&self, request: u32, room: &mut Room) -> ScratchString {
        let mut text = ScratchString::new();
        for event in self.batch.kept() {
            if request != ANY && event.request != request {
                continue;
            }
            if room.events == 0 || room.bytes < event.text.len() {
                break;
            }
            room.events -= 1;
            room.bytes -= event.text.len();
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
            text = text.append(event.text.as_thin());
        }
        if !text.is_empty() {
            text = text.append(thin!("]}"));
        }
        text
    }
}

impl<H: Host> Pixels<H> {
    /// What is to be kept has changed.
    pub(super) fn changed(&mut self) {
        self.save_due = self.save_due.min(self.host.ticks() + SOON);
    }

    /// Keeps what has to be kept.
    pub(super) fn save(&mut self, leaving: bool) {
        self.save_due = NEVER;
        self.drop_surplus();
        let mut room = Room::default();
        for i in 0..self.pixels.len() {
            let pixel = &mut self.pixels[i];
            let text = pixel.boxed(ANY, &mut room);
            if pixel.name.is_empty() {
                if text.is_empty() {
                    continue;
                }
                pixel.name = self.host.uuid().to_thin_string();
            }
            let kept = self
                .host
                .keep(leaving, pixel.name.as_thin(), text.as_thin());
            if text.is_empty() {
                pixel.name = ThinString::default();
            }
            self.trace(Step::Kept, text.as_thin());
            if !kept {
                self.trace(Step::NotKept, thin!(""));
            }
        }
    }

    /// When requests fail and more waits than the outbox takes, the oldest views are lost, then the oldest of all.
    fn drop_surplus(&mut self) {
        let (mut events, mut bytes, mut is_failing) = (0, 0, false);
        for pixel in self.pixels.iter_mut() {
            is_failing |= pixel.batch.is_failing();
            for event in pixel.batch.kept() {
                events += 1;
                bytes += event.text.len();
            }
        }
        let mut views = true;
        while is_failing && (events > MOST_EVENTS || bytes > MOST_KEPT) {
            let (mut oldest, mut place) = (NEVER, 0);
            for (i, pixel) in self.pixels.iter_mut().enumerate() {
                if let Some(event) = pixel.batch.oldest(views)
                    && event.time() < oldest
                {
                    (oldest, place) = (event.time(), i);
                }
            }
            if let Some(event) = self.pixels[place].batch.oldest(views) {
                events -= 1;
                bytes -= event.text.len();
                event.request = GONE;
                let text = ScratchString::new().append(event.text.as_thin());
                self.lose(place, text.as_thin(), lost::FULL);
            } else if views {
                views = false;
            } else {
                break;
            }
        }
        for pixel in self.pixels.iter_mut() {
            pixel.batch.sweep();
        }
    }

    /// Counts an event that is lost, given in its wire form or as a call, and tells of it.
    pub(super) fn lose(&mut self, i: usize, event: ThinStr, reason: ThinStr<'static>) {
        let mut name = RawJson::new(event).get(thin!("type"));
        if !name.is_defined() {
            name = command::read(RawJson::new(event)).name;
        }
        let refusal = Refusal {
            name: events::find(name).map_or(thin!("unknown"), |(name, _)| *name),
            reason,
            code: thin!(""),
            path: thin!(""),
        };
        let now = self.host.ticks();
        self.pixels[i].batch.diagnostic(now).count(&refusal, false);
        let told = ScratchString::new()
            .append(reason)
            .append(thin!(" "))
            .append(event);
        self.trace(Step::Lost, told.as_thin());
    }

    /// Takes over a box whose page is gone: `[name, box]`. Its events are wire forms, or calls that were made before the
    /// script had loaded.
    pub fn adopt(&mut self, left: ThinStr) {
        let name = RawJson::new(left)
            .first_child()
            .unwrap_or(RawJson::UNDEFINED);
        let left = name.next_or_undefined();
        let name = name.to_scratch_string();
        let events = left.get(thin!("events"));
        let mut next = events.first_child();
        if !events.is_array() {
            self.trace(Step::Damaged, name.as_thin());
            next = None;
        }
        let oldest = self.host.now().saturating_sub(OLDEST);
        let first = self.pixels.len();
        self.visits += 1;
        self.visit = self.visits;
        let id = left.get(thin!("pixel"));
        if id.is_non_empty_str() && self.granted {
            self.start(id.to_scratch_string().as_thin());
        }
        while let Some(event) = next
            && self.granted
        {
            next = event.next_sibling();
            let text = event.write_json(ScratchString::new());
            let mut call = command::read(event);
            let mut options = ScratchString::new();
            if event.is_object() {
                // anybody may have written into the store, so a wire form is checked as if it were measured again
                options = event
                    .get(thin!("id"))
                    .write_json(options.append(thin!("{\"event_id\":")));
                options = events::write_options(options, event).append(thin!("}"));
                call = Call {
                    command: Command::Measure,
                    moment: Moment {
                        time: time_of(event),
                        url: event.get(thin!("source_url")),
                        referrer: event.get(thin!("referrer_url")),
                    },
                    name: event.get(thin!("type")),
                    data: event.get(thin!("data")),
                    options: RawJson::new(options.as_thin()),
                    ..call
                };
            }
            if call.command != Command::Init && call.moment.time < oldest {
                self.lose(0, text.as_thin(), lost::OLD);
            } else {
                self.run(&call, text.as_thin());
            }
        }
        if self.early.len() > 0 {
            // measured by a page before any init, so it goes to the first pixel there is
            let id = self.pixels[0].id.clone();
            self.start(id.as_thin());
        }
        self.visit = 0;
        let click = left.get(thin!("oppref"));
        for pixel in self.pixels.iter_mut().skip(first) {
            pixel.click = click_member(click.to_scratch_string().as_thin()).to_thin_string();
            pixel.batch.hurry();
        }
        if let Some(pixel) = self.pixels.get_mut(first) {
            pixel.name = name.to_thin_string();
            self.save(false);
        } else {
            self.host.keep(false, name.as_thin(), thin!(""));
        }
        self.set_alarm();
    }
}
