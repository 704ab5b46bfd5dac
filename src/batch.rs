//! What waits for one pixel: when it goes, how it is cut, when it is tried again.
//!
//! Times are [`crate::host::Host::ticks`], in milliseconds.

use crate::diagnostics::{Diagnostic, Marks};

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

/// Something that waits, in its wire form.
#[derive(Debug)]
pub struct Waiting {
    /// JSON.
    pub text: String,
    /// One of the pixel's own events, about which the visitor's identifiers say nothing.
    pub internal: bool,
    /// The session's first times that it tells of; none for all but session markers.
    pub marks: Marks,
}

/// A pixel's waiting events, and those on their way.
#[derive(Debug, Default)]
pub struct Batch {
    events: Vec<Waiting>,
    diagnostic: Option<Diagnostic>,
    first: u64,
    last: u64,
    /// What waits was cut off by a full request, or comes from one that failed: it has waited long enough.
    overdue: bool,
    under_way: Vec<(u32, Vec<Waiting>)>,
    /// After a failure, nothing goes before this.
    not_before: u64,
    pause: u64,
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

    fn touch(&mut self, now: u64) {
        if self.is_empty() {
            self.first = now;
        }
        self.last = now;
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.diagnostic.is_none()
    }

    /// When the next request should go. `None` while nothing waits or a request is on its way.
    pub fn due(&self) -> Option<u64> {
        if self.is_empty() || !self.under_way.is_empty() {
            return None;
        }
        let diagnostics_alone = self.events.is_empty() && self.marks_waiting() == 0;
        let quiet = if diagnostics_alone {
            QUIET_DIAGNOSTICS
        } else {
            QUIET
        };
        let mut due = (self.last + quiet).min(self.first + LATEST);
        if self.overdue {
            due = 0;
        }
        Some(due.max(self.not_before))
    }

    /// The first times that wait, or are on their way, to be told.
    pub fn marks(&self) -> Marks {
        let under_way = self.under_way.iter().flat_map(|(_, events)| events);
        under_way
            .chain(&self.events)
            .fold(self.marks_waiting(), |marks, event| marks | event.marks)
    }

    fn marks_waiting(&self) -> Marks {
        self.diagnostic.as_ref().map_or(0, |waiting| waiting.marks)
    }

    /// Takes the next request's events: as many, oldest first, as have room, but always one. `write` gives the
    /// waiting diagnostic its wire form; it is the last of its batch.
    pub fn cut(&mut self, room: usize, write: impl FnOnce(&Diagnostic) -> String) -> Vec<Waiting> {
        if let Some(diagnostic) = self.diagnostic.take() {
            self.events.push(Waiting {
                text: write(&diagnostic),
                internal: true,
                marks: diagnostic.marks,
            });
        }
        let mut size = 0;
        let fitting = self
            .events
            .iter()
            .take_while(|event| {
                size += event.text.len() + 1;
                size <= room
            })
            .count();
        let count = fitting.max(1).min(self.events.len());
        let rest = self.events.split_off(count);
        self.overdue = !rest.is_empty();
        core::mem::replace(&mut self.events, rest)
    }

    /// These are on their way by the request of that number.
    pub fn sent(&mut self, number: u32, events: Vec<Waiting>) {
        self.under_way.push((number, events));
    }

    /// The request of that number has arrived. The first times that are told by now, or `None` if the request is
    /// not one of this pixel's.
    pub fn delivered(&mut self, number: u32) -> Option<Marks> {
        let events = self.take_under_way(number)?;
        self.pause = 0;
        self.not_before = 0;
        Some(told(&events))
    }

    /// The request of that number has failed: its events go again, ahead of the others. The pause until then (none if
    /// all of them have been dropped since), or `None` if the request is not one of this pixel's.
    pub fn failed(&mut self, number: u32, now: u64) -> Option<u64> {
        let mut events = self.take_under_way(number)?;
        // what was dropped since leaves no text
        events.retain(|event| !event.text.is_empty());
        if events.is_empty() {
            return Some(0);
        }
        self.overdue = true;
        events.append(&mut self.events);
        self.events = events;
        // requests that were on their way together fail together, once
        if self.not_before <= now {
            self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            self.not_before = now + self.pause;
        }
        Some(self.not_before - now)
    }

    fn take_under_way(&mut self, number: u32) -> Option<Vec<Waiting>> {
        let at = self
            .under_way
            .iter()
            .position(|(sent, _)| *sent == number)?;
        Some(self.under_way.swap_remove(at).1)
    }

    /// Drops everything, also what would be sent again if its request failed. What a request on its way tells of the
    /// session's first times is still told if it arrives.
    pub fn clear(&mut self) {
        let under_way = core::mem::take(&mut self.under_way);
        *self = Self::default();
        for (number, events) in under_way {
            let dropped = Waiting {
                text: String::new(),
                internal: true,
                marks: told(&events),
            };
            self.under_way.push((number, vec![dropped]));
        }
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Does anything wait that is not on its way?
    pub fn has_waiting(&self) -> bool {
        !self.is_empty()
    }
}

/// The first times that these events tell of.
pub fn told(events: &[Waiting]) -> Marks {
    events.iter().fold(0, |marks, event| marks | event.marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::VISIT;
    use proptest::prelude::*;

    fn event(text: &str) -> Waiting {
        Waiting {
            text: text.into(),
            internal: false,
            marks: 0,
        }
    }

    fn cut(batch: &mut Batch, room: usize) -> Vec<String> {
        batch
            .cut(room, |_| "diagnostic".into())
            .into_iter()
            .map(|event| event.text)
            .collect()
    }

    #[test]
    fn close_calls_share_one_request_a_second_after_the_last() {
        let mut batch = Batch::default();
        assert_eq!(batch.due(), None);
        batch.push(event("a"), 100);
        batch.push(event("b"), 700);
        assert_eq!(batch.due(), Some(1_950));
        assert_eq!(cut(&mut batch, 100), ["a", "b"]);
        assert_eq!(batch.due(), None);
    }

    #[test]
    fn a_steady_stream_goes_four_seconds_after_its_first() {
        let mut batch = Batch::default();
        for i in 0..9 {
            batch.push(event("a"), 100 + i * 500);
        }
        assert_eq!(batch.due(), Some(4_350));
    }

    #[test]
    fn diagnostics_alone_wait_four_seconds_and_a_session_marker_one() {
        let mut batch = Batch::default();
        batch.diagnostic(0);
        assert_eq!(batch.due(), Some(4_250));
        batch.diagnostic(0).mark(VISIT, true);
        assert_eq!(batch.due(), Some(1_250));
    }

    #[test]
    fn one_request_at_a_time_and_what_came_meanwhile_goes_next() {
        let mut batch = Batch::default();
        batch.push(event("a"), 0);
        let events = batch.cut(100, |_| String::new());
        batch.sent(1, events);
        batch.push(event("b"), 10);
        assert_eq!(batch.due(), None);
        assert_eq!(batch.delivered(7), None);
        assert_eq!(batch.delivered(1), Some(0));
        assert_eq!(batch.due(), Some(1_260));
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
            let number = number as u32;
            let events = batch.cut(100, |_| String::new());
            batch.sent(number, events);
            assert_eq!(batch.failed(number, now), Some(pause));
            now += pause;
            assert_eq!(batch.due(), Some(now));
        }
        batch.push(event("b"), 60);
        assert_eq!(cut(&mut batch, 100), ["a", "b"]);
    }

    #[test]
    fn a_success_ends_the_pauses() {
        let mut batch = Batch::default();
        for number in 0..2 {
            batch.push(event("a"), 0);
            let events = batch.cut(100, |_| String::new());
            batch.sent(number, events);
            if number == 0 {
                batch.failed(number, 0);
            } else {
                batch.delivered(number);
            }
        }
        batch.push(event("b"), 9_000);
        assert_eq!(batch.due(), Some(10_250));
    }

    #[test]
    fn an_event_that_has_no_room_goes_alone() {
        let mut batch = Batch::default();
        for text in ["aaaaaaaaaa", "b", "c"] {
            batch.push(event(text), 0);
        }
        assert_eq!(cut(&mut batch, 5), ["aaaaaaaaaa"]);
        assert_eq!(batch.due(), Some(0));
        assert_eq!(cut(&mut batch, 5), ["b", "c"]);
    }

    #[test]
    fn what_was_dropped_is_not_sent_when_its_request_fails() {
        let mut batch = Batch::default();
        batch.push(event("a"), 0);
        let events = batch.cut(100, |_| String::new());
        batch.sent(1, events);
        batch.clear();
        batch.failed(1, 0);
        assert_eq!(batch.due(), None);
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
                prop_assert!(texts.len() == 1 || texts.iter().map(|text| text.len() + 1).sum::<usize>() <= room);
                sent.extend(texts);
            }
            let ids: Vec<_> = sent.iter().map(|text| text.trim_end_matches('x').to_string()).collect();
            prop_assert_eq!(ids, (0..sizes.len()).map(|i| i.to_string()).collect::<Vec<_>>());
        }
    }
}
