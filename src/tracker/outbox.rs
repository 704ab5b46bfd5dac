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
use crate::mem::thin_str::{Draft, Kept, Text, t};
use crate::raw_json::{UNDEFINED, Value, kind};
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
    use crate::mem::thin_str::{Text, t};

    /// More was waiting than the outbox takes.
    pub static FULL: Text = t!("outbox_full");
    /// It has waited for more than seven days.
    pub static OLD: Text = t!("too_old");
    /// The endpoint has refused it.
    pub static REFUSED: Text = t!("refused_by_endpoint");
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
    pub(super) fn boxed(&self, request: u32, room: &mut Room) -> Draft {
        let mut text = Draft::new();
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
                    .with(t!("{\"pixel\":\""))
                    .with(self.id.text())
                    .with(t!("\""))
                    .with(self.click.text())
                    .with(t!(",\"events\":["));
            } else {
                text = text.with(t!(","));
            }
            text = text.with(event.text.text());
        }
        if !text.is_empty() {
            text = text.with(t!("]}"));
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
                pixel.name = self.host.uuid().kept();
            }
            let kept = self.host.keep(leaving, pixel.name.text(), text.text());
            if text.is_empty() {
                pixel.name = Kept::default();
            }
            self.trace(Step::Kept, text.text());
            if !kept {
                self.trace(Step::NotKept, t!(""));
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
                let text = Draft::new().with(event.text.text());
                self.lose(place, text.text(), lost::FULL);
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
    pub(super) fn lose(&mut self, i: usize, event: Text, reason: Text<'static>) {
        let mut name = Value::new(event).get(t!("type"));
        if !name.is_given() {
            name = command::read(Value::new(event)).name;
        }
        let refusal = Refusal {
            name: events::find(name).map_or(t!("unknown"), |(name, _)| *name),
            reason,
            code: t!(""),
            path: t!(""),
        };
        let now = self.host.ticks();
        self.pixels[i].batch.diagnostic(now).count(&refusal, false);
        let told = Draft::new().with(reason).with(t!(" ")).with(event);
        self.trace(Step::Lost, told.text());
    }

    /// Takes over a box whose page is gone: `[name, box]`. Its events are wire forms, or calls that were made before the
    /// script had loaded.
    pub fn adopt(&mut self, left: Text) {
        let name = Value::new(left).first().unwrap_or(UNDEFINED);
        let left = name.value();
        let name = name.owned();
        let events = left.get(t!("events"));
        let mut next = events.first();
        if events.kind() != kind::ARRAY {
            self.trace(Step::Damaged, name.text());
            next = None;
        }
        let oldest = self.host.now().saturating_sub(OLDEST);
        let first = self.pixels.len();
        self.visits += 1;
        self.visit = self.visits;
        let id = left.get(t!("pixel"));
        if id.says_something() && self.granted {
            self.start(id.owned().text());
        }
        while let Some(event) = next
            && self.granted
        {
            next = event.next();
            let text = event.write(Draft::new());
            let mut call = command::read(event);
            let mut options = Draft::new();
            if event.kind() == kind::OBJECT {
                // anybody may have written into the store, so a wire form is checked as if it were measured again
                options = event
                    .get(t!("id"))
                    .write(options.with(t!("{\"event_id\":")));
                options = events::write_options(options, event).with(t!("}"));
                call = Call {
                    command: Command::Measure,
                    moment: Moment {
                        time: time_of(event),
                        url: event.get(t!("source_url")),
                        referrer: event.get(t!("referrer_url")),
                    },
                    name: event.get(t!("type")),
                    data: event.get(t!("data")),
                    options: Value::new(options.text()),
                    ..call
                };
            }
            if call.command != Command::Init && call.moment.time < oldest {
                self.lose(0, text.text(), lost::OLD);
            } else {
                self.run(&call, text.text());
            }
        }
        if self.early.len() > 0 {
            // measured by a page before any init, so it goes to the first pixel there is
            let id = self.pixels[0].id.clone();
            self.start(id.text());
        }
        self.visit = 0;
        let click = left.get(t!("oppref"));
        for pixel in self.pixels.iter_mut().skip(first) {
            pixel.click = click_member(click.owned().text()).kept();
            pixel.batch.hurry();
        }
        if let Some(pixel) = self.pixels.get_mut(first) {
            pixel.name = name.kept();
            self.save(false);
        } else {
            self.host.keep(false, name.text(), t!(""));
        }
        self.set_alarm();
    }
}
