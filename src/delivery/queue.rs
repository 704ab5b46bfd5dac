//! What waits for one pixel: when it goes, how it is cut, when it is tried again.
//!
//! Times are [`crate::host::Host::ticks`], in milliseconds.

use crate::delivery::diagnostics::{Diagnostic, Marks};
use crate::mem::{MiniVec, ScratchString, ThinStr, ThinString, thin};
use crate::raw_json::RawJson;

/// No request body is longer, in bytes: browsers take 64 KiB from a page that is being left.
pub const MAX_BODY: usize = 60_000;
/// A batch is looked at every 250 ms, so it may go that much later than it could; always using that time lets a call
/// that comes just then share the request.
const LOOK: u64 = 250;
/// A batch goes this long after its last event,
const QUIET: u64 = 1_000 + LOOK;
/// or this long if it holds diagnostics alone,
const QUIET_DIAGNOSTICS: u64 = 4_000 + LOOK;
/// but at the latest this long after its first.
const LATEST: u64 = 4_000 + LOOK;
/// The pause after a first failure; each further one doubles it,
const FIRST_PAUSE: u64 = 5_000;
/// up to this.
const LONGEST_PAUSE: u64 = 300_000;

/// The outbox takes no more bytes of events than this.
pub const MOST_KEPT: usize = 256 << 10;

/// The number of the request of what is to be dropped.
pub const GONE: u32 = u32::MAX;

/// A time that does not come.
pub const NEVER: u64 = u64::MAX;

/// Something that waits, or is on its way, in its wire form.
#[derive(Debug)]
pub struct Waiting {
    /// JSON.
    pub text: ThinString,
    /// One of the pixel's own events, about which the visitor's identifiers say nothing.
    pub internal: bool,
    /// The session's first times that it tells of; none for all but session markers.
    pub marks: Marks,
    /// The number of the request that it is on its way by; 0 while it waits.
    pub request: u32,
}

/// When a wire form says that it was measured.
pub fn time_of(event: RawJson) -> u64 {
    event.get(thin!("timestamp_ms")).as_u64()
}

impl Waiting {
    /// What somebody has measured.
    pub fn new(text: ThinStr) -> Self {
        Self {
            text: ThinString::new(text),
            internal: false,
            marks: 0,
            request: 0,
        }
    }

    /// One of the pixel's own.
    pub fn internal(text: ThinStr, marks: Marks) -> Self {
        Self {
            internal: true,
            marks,
            ..Self::new(text)
        }
    }

    /// When it was measured, in milliseconds since the epoch.
    pub fn time(&self) -> u64 {
        time_of(RawJson::new(self.text.as_thin()))
    }

    /// Is it kept until it has arrived? Not the pixel's own, and not what would leave no room for anything else; what was
    /// dropped while on its way has no text.
    fn is_kept(&self) -> bool {
        !self.internal && !self.text.is_empty() && self.text.len() <= MOST_KEPT
    }

    /// Somebody has seen a page or what is on it: the least of all losses.
    fn is_view(&self) -> bool {
        let views = [
            thin!("{\"type\":\"page_viewed\""),
            thin!("{\"type\":\"contents_viewed\""),
        ];
        views
            .iter()
            .any(|view| self.text.as_thin().strip_prefix(*view).is_some())
    }
}

/// A pixel's waiting events, and those on their way.
#[derive(Debug, Default)]
pub struct Batch {
    events: MiniVec<Waiting>,
    diagnostic: Option<Diagnostic>,
    first: u64,
    last: u64,
    /// What waits was cut off by a full request, or comes from one that failed: it has waited long enough.
    overdue: bool,
    /// How many requests are on their way.
    open: u32,
    /// After a failure, nothing goes before this.
    not_before: u64,
    /// How long that pause is; 0 where the last request has arrived.
    pause: u64,
    /// An endpoint has refused a request: the next one holds no more events than this. 0 is no limit.
    most: usize,
}

/// What a request carries.
#[derive(Debug)]
pub struct Cut {
    /// The events' wire forms, with commas between them.
    pub events: ScratchString,
    /// How many there are.
    pub count: u64,
    /// All of them are session markers.
    pub markers_alone: bool,
    /// All of them are the pixel's own.
    pub internal_alone: bool,
}

/// How a request ended, as far as can be seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It has arrived.
    Arrived,
    /// It may arrive another time, but not within so many milliseconds.
    Failed(u64),
    /// The endpoint takes it at no time.
    Refused,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// It was none of this pixel's.
    Unknown,
    /// It has arrived; the session's first times that are told by now.
    Delivered(Marks),
    /// It has failed; its events go again, those that have not been dropped since, after that many milliseconds (none
    /// are left where it is 0).
    Failed(u64),
    /// The endpoint has refused it. It was of one event, which is dropped, if this is not empty; otherwise its events go
    /// again, half as many at a time.
    Refused(ScratchString),
}

impl Batch {
    /// Adds an event.
    pub fn push(&mut self, event: Waiting, now: u64) {
        self.touch(now);
        self.events.push(event);
    }

    /// The one diagnostic that waits, made if there is none, to be added to.
    pub fn diagnostic(&mut self, now: u64) -> &mut Diagnostic {
        self.touch(now);
        self.diagnostic.get_or_insert_default()
    }

    /// The same for what is told with whatever waits, and lets nothing wait longer.
    pub fn aside(&mut self, now: u64) -> &mut Diagnostic {
        let last = if self.has_waiting() { self.last } else { now };
        self.diagnostic(last)
    }

    fn touch(&mut self, now: u64) {
        if !self.has_waiting() {
            self.first = now;
        }
        self.last = now;
    }

    /// Does anything wait that is not on its way?
    pub fn has_waiting(&self) -> bool {
        self.diagnostic.is_some() || self.has_waiting_events()
    }

    /// What is on its way was there first, so this does not look far.
    fn has_waiting_events(&self) -> bool {
        self.events.iter().any(|event| event.request == 0)
    }

    /// When the next request should go: [`NEVER`] while nothing waits or a request is on its way.
    pub fn due(&self) -> u64 {
        if self.open > 0 || !self.has_waiting() {
            return NEVER;
        }
        let diagnostics_alone = self.marks_waiting() == 0 && !self.has_waiting_events();
        let quiet = if diagnostics_alone {
            QUIET_DIAGNOSTICS
        } else {
            QUIET
        };
        let mut due = (self.last + quiet).min(self.first + LATEST);
        if self.overdue {
            due = 0;
        }
        due.max(self.not_before)
    }

    /// The first times that wait, or are on their way, to be told.
    pub fn marks(&self) -> Marks {
        let mut marks = self.marks_waiting();
        for event in self.events.iter() {
            marks |= event.marks;
        }
        marks
    }

    fn marks_waiting(&self) -> Marks {
        self.diagnostic.as_ref().map_or(0, |waiting| waiting.marks)
    }

    /// What is to be kept until it has arrived.
    pub fn kept(&self) -> impl Iterator<Item = &Waiting> {
        self.events.iter().filter(|event| event.is_kept())
    }

    /// Has the last request failed?
    pub fn is_failing(&self) -> bool {
        self.pause > 0
    }

    /// What waits need not wait any longer.
    pub fn hasten(&mut self) {
        self.not_before = 0;
    }

    /// Adds what has waited elsewhere, and long enough.
    pub fn resume(&mut self, event: Waiting) {
        self.events.push(event);
        self.hurry();
    }

    /// What waits has waited long enough.
    pub fn hurry(&mut self) {
        self.overdue = true;
    }

    /// The oldest that is kept and not on its way, of views or of all.
    pub fn oldest(&mut self, views: bool) -> Option<&mut Waiting> {
        let goes = |event: &&mut Waiting| {
            event.request == 0 && event.is_kept() && (event.is_view() || !views)
        };
        self.events.iter_mut().find(goes)
    }

    /// Drops what is gone.
    pub fn sweep(&mut self) {
        self.events.retain_mut(&mut |event| event.request != GONE);
    }

    /// Takes the diagnostic that waits; in its wire form it goes with the next request ([`Batch::resume`]).
    pub fn take_diagnostic(&mut self) -> Option<Diagnostic> {
        self.diagnostic.take()
    }

    /// Takes the events of the request of that number: as many, oldest first, as have room, but always one. From now
    /// on they are on their way.
    pub fn cut(&mut self, number: u32, room: usize) -> Cut {
        self.overdue = false;
        let mut cut = Cut {
            events: ScratchString::new(),
            count: 0,
            markers_alone: true,
            internal_alone: true,
        };
        for event in self.events.iter_mut() {
            if event.request != 0 {
                continue;
            }
            if cut.count > 0 {
                let full = cut.events.len() + event.text.len() + 1 > room;
                if full || cut.count == self.most as u64 {
                    self.overdue = true;
                    break;
                }
                cut.events = cut.events.append(thin!(","));
            }
            event.request = number;
            cut.events = cut.events.append(event.text.as_thin());
            cut.count += 1;
            cut.markers_alone &= event.marks != 0;
            cut.internal_alone &= event.internal;
        }
        self.open += u32::from(cut.count > 0);
        cut
    }

    /// The request of that number has ended so. If it has not arrived, its events go again, ahead of the others.
    pub fn answered(&mut self, number: u32, outcome: Outcome, now: u64) -> Answer {
        let mut count = 0;
        let mut marks = 0;
        for event in self.events.iter() {
            if event.request == number {
                count += 1;
                marks |= event.marks;
            }
        }
        if count == 0 {
            return Answer::Unknown;
        }
        let stays = match outcome {
            Outcome::Arrived => false,
            Outcome::Failed(_) => true,
            Outcome::Refused => count > 1,
        };
        let mut failed = false;
        let mut dropped = ScratchString::new();
        for event in self.events.iter_mut() {
            if event.request != number {
                continue;
            }
            // what was dropped since leaves no text
            event.request = if stays && !event.text.is_empty() {
                failed = true;
                0
            } else {
                if count == 1 && !event.internal {
                    dropped = ScratchString::new().append(event.text.as_thin());
                }
                GONE
            };
        }
        self.sweep();
        self.open -= 1;
        self.overdue |= failed;
        match outcome {
            Outcome::Failed(least) => {
                if !failed {
                    return Answer::Failed(0);
                }
                // requests that were on their way together fail together, once
                if self.not_before <= now {
                    self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                    self.not_before = now + self.pause.max(least);
                }
                return Answer::Failed(self.not_before - now);
            }
            Outcome::Refused => self.most = (count / 2).max(1),
            Outcome::Arrived => self.most = 0,
        }
        self.pause = 0;
        self.not_before = 0;
        if outcome == Outcome::Arrived {
            Answer::Delivered(marks)
        } else {
            Answer::Refused(dropped)
        }
    }

    /// Drops everything, also what would be sent again if its request failed. What a request on its way tells of the
    /// session's first times is still told if it arrives.
    pub fn clear(&mut self) {
        for event in self.events.iter_mut() {
            event.text = ThinString::default();
            if event.request == 0 {
                event.request = GONE;
            }
        }
        self.sweep();
        self.diagnostic = None;
        self.overdue = false;
        self.not_before = 0;
        self.pause = 0;
        self.most = 0;
    }

    /// How many events wait or are on their way.
    pub fn len(&self) -> usize {
        self.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::diagnostics::VISIT;
    use proptest::prelude::*;

    fn event(text: &str) -> Waiting {
        Waiting::new(ScratchString::from(text).as_thin())
    }

    /// The events of a request of that number.
    fn cut_as(batch: &mut Batch, number: u32, room: usize) -> Vec<String> {
        let cut = batch.cut(number, room);
        let texts: Vec<_> = cut.events.as_str().split(',').map(String::from).collect();
        assert_eq!(texts.len() as u64, cut.count);
        texts
    }

    /// The events of a request that has arrived.
    fn cut(batch: &mut Batch, room: usize) -> Vec<String> {
        let texts = cut_as(batch, 99, room);
        assert_eq!(
            batch.answered(99, Outcome::Arrived, 0),
            Answer::Delivered(0)
        );
        texts
    }

    #[test]
    fn close_calls_share_one_request_a_second_after_the_last() {
        let mut batch = Batch::default();
        assert_eq!(batch.due(), NEVER);
        batch.push(event("a"), 100);
        batch.push(event("b"), 700);
        assert_eq!(batch.due(), 1_950);
        assert_eq!(cut(&mut batch, 100), ["a", "b"]);
        assert_eq!(batch.due(), NEVER);
    }

    #[test]
    fn a_steady_stream_goes_four_seconds_after_its_first() {
        let mut batch = Batch::default();
        for i in 0..9 {
            batch.push(event("a"), 100 + i * 500);
        }
        assert_eq!(batch.due(), 4_350);
    }

    #[test]
    fn diagnostics_alone_wait_four_seconds_and_a_session_marker_one() {
        let mut batch = Batch::default();
        batch.diagnostic(0);
        assert_eq!(batch.due(), 4_250);
        batch.diagnostic(0).mark(VISIT, true);
        assert_eq!(batch.due(), 1_250);
    }

    #[test]
    fn one_request_at_a_time_and_what_came_meanwhile_goes_next() {
        let mut batch = Batch::default();
        batch.push(event("a"), 0);
        cut_as(&mut batch, 1, 100);
        batch.push(event("b"), 10);
        assert_eq!(batch.due(), NEVER);
        assert_eq!(batch.answered(7, Outcome::Arrived, 20), Answer::Unknown);
        assert_eq!(
            batch.answered(1, Outcome::Arrived, 20),
            Answer::Delivered(0)
        );
        assert_eq!(batch.due(), 1_260);
    }

    #[test]
    fn a_failed_request_goes_again_after_doubling_pauses() {
        let mut batch = Batch::default();
        batch.push(event("a"), 0);
        let mut now = 50;
        for (number, pause) in [
            5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000,
        ]
        .into_iter()
        .enumerate()
        {
            let number = number as u32 + 1;
            cut_as(&mut batch, number, 100);
            let failed = Outcome::Failed(0);
            assert_eq!(batch.answered(number, failed, now), Answer::Failed(pause));
            now += pause;
            assert_eq!(batch.due(), now);
        }
        batch.push(event("b"), 60);
        assert_eq!(cut(&mut batch, 100), ["a", "b"]);
    }

    #[test]
    fn a_success_ends_the_pauses() {
        let mut batch = Batch::default();
        for (number, outcome) in [(1, Outcome::Failed(0)), (2, Outcome::Arrived)] {
            batch.push(event("a"), 0);
            cut_as(&mut batch, number, 100);
            batch.answered(number, outcome, 0);
        }
        batch.push(event("b"), 9_000);
        assert_eq!(batch.due(), 10_250);
    }

    #[test]
    fn an_event_that_has_no_room_goes_alone() {
        let mut batch = Batch::default();
        for text in ["aaaaaaaaaa", "b", "c"] {
            batch.push(event(text), 0);
        }
        assert_eq!(cut(&mut batch, 5), ["aaaaaaaaaa"]);
        assert_eq!(batch.due(), 0);
        assert_eq!(cut(&mut batch, 5), ["b", "c"]);
    }

    #[test]
    fn what_was_dropped_is_not_sent_when_its_request_fails() {
        let mut batch = Batch::default();
        batch.push(event("a"), 0);
        cut_as(&mut batch, 1, 100);
        batch.clear();
        assert_eq!(batch.answered(1, Outcome::Failed(0), 0), Answer::Failed(0));
        assert_eq!(batch.due(), NEVER);
    }

    proptest! {
        #[test]
        fn every_event_goes_once_in_order_and_no_request_is_too_large(sizes in prop::collection::vec(1usize..40, 0..60), room in 1usize..100) {
            let mut batch = Batch::default();
            for (i, size) in sizes.iter().enumerate() {
                batch.push(event(&format!("{i}{}", "x".repeat(*size))), i as u64);
            }
            let mut sent = Vec::new();
            while batch.has_waiting() {
                let texts = cut(&mut batch, room);
                prop_assert!(!texts.is_empty());
                prop_assert!(texts.len() == 1 || texts.join(",").len() <= room);
                sent.extend(texts);
            }
            let ids: Vec<_> = sent.iter().map(|text| text.trim_end_matches('x').to_string()).collect();
            prop_assert_eq!(ids, (0..sizes.len()).map(|i| i.to_string()).collect::<Vec<_>>());
        }
    }
}
