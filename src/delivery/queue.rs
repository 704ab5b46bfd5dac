//! What waits for one pixel: when it goes, how it is cut, when it is tried again.
//!
//! Times are [`crate::host::Host::monotonic_ms`], in milliseconds.

use crate::delivery::diagnostics::{Diagnostic, SessionMarkers};
use crate::mem::{MiniVec, Scratch, ScratchString, ThinStr, ThinString, thin};
use crate::protocol::OUTBOX_MAX_BYTES;
use crate::raw_json::RawJson;

/// No request body is longer, in bytes: browsers take 64 KiB from a page that is being left.
pub const MAX_BODY_BYTES: usize = 60_000;
/// A batch is looked at every 250 ms, so it may go that much later than it could; always using that time lets a call
/// that comes just then share the request.
const POLL_INTERVAL_MS: u64 = 250;
/// A batch goes this long after its last event,
const IDLE_FLUSH_MS: u64 = 1_000 + POLL_INTERVAL_MS;
/// or this long if it holds diagnostics alone,
const DIAGNOSTICS_FLUSH_MS: u64 = 4_000 + POLL_INTERVAL_MS;
/// but at the latest this long after its first.
const MAX_FLUSH_MS: u64 = 4_000 + POLL_INTERVAL_MS;
/// The pause after a first failure; each further one doubles it,
const MIN_BACKOFF_MS: u64 = 5_000;
/// up to this.
const MAX_BACKOFF_MS: u64 = 300_000;

/// The number of the request of what is to be dropped.
pub const DROPPED: u32 = u32::MAX;

/// A time that does not come.
pub const NEVER: u64 = u64::MAX;

/// Something that waits, or is on its way, in its wire form.
#[derive(Debug)]
pub struct QueuedEvent {
    /// JSON.
    pub json: ThinString,
    /// One of the pixel's own events, about which the visitor's identifiers say nothing.
    pub internal: bool,
    /// The session's first times that it tells of; none for all but session markers.
    pub markers: SessionMarkers,
    /// The number of the request that it is on its way by; 0 while it waits.
    pub request_id: u32,
}

/// When a wire form says that it was measured.
pub fn timestamp_ms_of(event: RawJson) -> u64 {
    event.get(thin!("timestamp_ms")).as_u64()
}

impl QueuedEvent {
    /// What somebody has measured.
    pub fn measured(text: ThinStr) -> Self {
        Self {
            json: ThinString::from(text),
            internal: false,
            markers: SessionMarkers::NONE,
            request_id: 0,
        }
    }

    /// One of the pixel's own.
    pub fn internal(text: ThinStr, markers: SessionMarkers) -> Self {
        Self {
            internal: true,
            markers,
            ..Self::measured(text)
        }
    }

    /// When it was measured, in milliseconds since the epoch.
    pub fn timestamp_ms(&self) -> u64 {
        timestamp_ms_of(RawJson::new(self.json.as_thin()))
    }

    /// Is it kept until it has arrived? Not the pixel's own, and not what would leave no room for anything else; what was
    /// dropped while on its way has no text.
    fn is_persistable(&self) -> bool {
        !self.internal && !self.json.is_empty() && self.json.len() <= OUTBOX_MAX_BYTES
    }

    /// Somebody has seen a page or what is on it: the least of all losses.
    fn is_view(&self) -> bool {
        let views = [
            thin!("{\"type\":\"page_viewed\""),
            thin!("{\"type\":\"contents_viewed\""),
        ];
        views
            .iter()
            .any(|view| self.json.as_thin().strip_prefix(*view).is_some())
    }
}

/// A pixel's waiting events, and those on their way.
#[derive(Debug, Default)]
pub struct EventQueue {
    events: MiniVec<QueuedEvent>,
    diagnostic: Option<Diagnostic>,
    first_at: u64,
    last_at: u64,
    /// What waits was cut off by a full request, or comes from one that failed: it has waited long enough.
    is_due: bool,
    /// How many requests are on their way.
    in_flight: u32,
    /// After a failure, nothing goes before this.
    retry_at: u64,
    /// How long that pause is; 0 where the last request has arrived.
    backoff: u64,
    /// An endpoint has refused a request: the next one holds no more events than this. 0 is no limit.
    max_events: usize,
}

/// What a request carries.
#[derive(Debug)]
pub struct BatchPayload<'s> {
    /// The events' wire forms, with commas between them.
    pub events: ScratchString<'s>,
    /// How many there are.
    pub count: u64,
    /// All of them are session markers.
    pub only_markers: bool,
    /// All of them are the pixel's own.
    pub only_internal: bool,
}

/// How a request ended, as far as can be seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It has arrived.
    Delivered,
    /// It may arrive another time, but not within so many milliseconds.
    Failed(u64),
    /// The endpoint takes it at no time.
    Rejected,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub enum Settlement<'s> {
    /// It was none of this pixel's.
    NotOurs,
    /// It has arrived; the session's first times that are told by now.
    Delivered(SessionMarkers),
    /// It has failed; its events go again, those that have not been dropped since, after that many milliseconds (none
    /// are left where it is 0).
    WillRetry(u64),
    /// The endpoint has refused it. It was of one event, which is dropped, if this is not empty; otherwise its events go
    /// again, half as many at a time.
    Rejected(ScratchString<'s>),
}

impl EventQueue {
    /// Adds an event.
    pub fn push(&mut self, event: QueuedEvent, now: u64) {
        self.note_activity(now);
        self.events.push(event);
    }

    /// The one diagnostic that waits, made if there is none, to be added to.
    pub fn diagnostic_mut(&mut self, now: u64) -> &mut Diagnostic {
        self.note_activity(now);
        self.diagnostic.get_or_insert_default()
    }

    /// The same for what is told with whatever waits, and lets nothing wait longer.
    pub fn diagnostic_mut_without_delay(&mut self, now: u64) -> &mut Diagnostic {
        let last = if self.has_queued() { self.last_at } else { now };
        self.diagnostic_mut(last)
    }

    fn note_activity(&mut self, now: u64) {
        if !self.has_queued() {
            self.first_at = now;
        }
        self.last_at = now;
    }

    /// Does anything wait that is not on its way?
    pub fn has_queued(&self) -> bool {
        self.diagnostic.is_some() || self.has_queued_events()
    }

    /// What is on its way was there first, so this does not look far.
    fn has_queued_events(&self) -> bool {
        self.events.iter().any(|event| event.request_id == 0)
    }

    /// When the next request should go: [`NEVER`] while nothing waits or a request is on its way.
    pub fn due_at(&self) -> u64 {
        if self.in_flight > 0 || !self.has_queued() {
            return NEVER;
        }
        let diagnostics_alone = self.queued_markers().is_empty() && !self.has_queued_events();
        let quiet = if diagnostics_alone {
            DIAGNOSTICS_FLUSH_MS
        } else {
            IDLE_FLUSH_MS
        };
        let mut due = (self.last_at + quiet).min(self.first_at + MAX_FLUSH_MS);
        if self.is_due {
            due = 0;
        }
        due.max(self.retry_at)
    }

    /// The first times that wait, or are on their way, to be told.
    pub fn markers(&self) -> SessionMarkers {
        let mut markers = self.queued_markers();
        for event in self.events.iter() {
            markers = markers.union(event.markers);
        }
        markers
    }

    fn queued_markers(&self) -> SessionMarkers {
        self.diagnostic
            .as_ref()
            .map_or(SessionMarkers::NONE, |diagnostic| diagnostic.markers)
    }

    /// What is to be kept until it has arrived.
    pub fn persistable(&self) -> impl Iterator<Item = &QueuedEvent> {
        self.events.iter().filter(|event| event.is_persistable())
    }

    /// Has the last request failed?
    pub fn is_backing_off(&self) -> bool {
        self.backoff > 0
    }

    /// What waits need not wait any longer.
    pub fn clear_backoff(&mut self) {
        self.retry_at = 0;
    }

    /// Adds what has waited elsewhere, and long enough.
    pub fn push_due(&mut self, event: QueuedEvent) {
        self.events.push(event);
        self.mark_due();
    }

    /// What waits has waited long enough.
    pub fn mark_due(&mut self) {
        self.is_due = true;
    }

    /// The oldest that is kept and not on its way, of views or of all.
    pub fn oldest_queued(&mut self, views: bool) -> Option<&mut QueuedEvent> {
        let goes = |event: &&mut QueuedEvent| {
            event.request_id == 0 && event.is_persistable() && (event.is_view() || !views)
        };
        self.events.iter_mut().find(goes)
    }

    /// Drops what is gone.
    pub fn remove_dropped(&mut self) {
        self.events
            .retain_mut(&mut |event| event.request_id != DROPPED);
    }

    /// Takes the diagnostic that waits; in its wire form it goes with the next request ([`EventQueue::push_due`]).
    pub fn take_diagnostic(&mut self) -> Option<Diagnostic> {
        self.diagnostic.take()
    }

    /// Takes the events of the request of that number: as many, oldest first, as have room, but always one. From now
    /// on they are on their way.
    pub fn take_batch<'s>(&mut self, s: Scratch<'s>, number: u32, room: usize) -> BatchPayload<'s> {
        self.is_due = false;
        let mut payload = BatchPayload {
            events: s.string(),
            count: 0,
            only_markers: true,
            only_internal: true,
        };
        for event in self.events.iter_mut() {
            if event.request_id != 0 {
                continue;
            }
            if payload.count > 0 {
                let full = payload.events.len() + event.json.len() + 1 > room;
                if full || payload.count == self.max_events as u64 {
                    self.is_due = true;
                    break;
                }
                payload.events = payload.events.append(thin!(","));
            }
            event.request_id = number;
            payload.events = payload.events.append(event.json.as_thin());
            payload.count += 1;
            payload.only_markers &= !event.markers.is_empty();
            payload.only_internal &= event.internal;
        }
        self.in_flight += u32::from(payload.count > 0);
        payload
    }

    /// The request of that number has ended so. If it has not arrived, its events go again, ahead of the others.
    pub fn settle<'s>(
        &mut self,
        s: Scratch<'s>,
        number: u32,
        outcome: Outcome,
        now: u64,
    ) -> Settlement<'s> {
        let mut count = 0;
        let mut markers = SessionMarkers::NONE;
        for event in self.events.iter() {
            if event.request_id == number {
                count += 1;
                markers = markers.union(event.markers);
            }
        }
        if count == 0 {
            return Settlement::NotOurs;
        }
        let stays = match outcome {
            Outcome::Delivered => false,
            Outcome::Failed(_) => true,
            Outcome::Rejected => count > 1,
        };
        let mut failed = false;
        let mut dropped = s.string();
        for event in self.events.iter_mut() {
            if event.request_id != number {
                continue;
            }
            // what was dropped since leaves no text
            event.request_id = if stays && !event.json.is_empty() {
                failed = true;
                0
            } else {
                if count == 1 && !event.internal {
                    dropped = s.copy(event.json.as_thin());
                }
                DROPPED
            };
        }
        self.remove_dropped();
        self.in_flight -= 1;
        self.is_due |= failed;
        match outcome {
            Outcome::Failed(least) => {
                if !failed {
                    return Settlement::WillRetry(0);
                }
                // requests that were on their way together fail together, once
                if self.retry_at <= now {
                    self.backoff = (self.backoff * 2).clamp(MIN_BACKOFF_MS, MAX_BACKOFF_MS);
                    self.retry_at = now + self.backoff.max(least);
                }
                return Settlement::WillRetry(self.retry_at - now);
            }
            Outcome::Rejected => self.max_events = (count / 2).max(1),
            Outcome::Delivered => self.max_events = 0,
        }
        self.backoff = 0;
        self.retry_at = 0;
        if outcome == Outcome::Delivered {
            Settlement::Delivered(markers)
        } else {
            Settlement::Rejected(dropped)
        }
    }

    /// Drops everything, also what would be sent again if its request failed. What a request on its way tells of the
    /// session's first times is still told if it arrives.
    pub fn clear(&mut self) {
        for event in self.events.iter_mut() {
            event.json = ThinString::default();
            if event.request_id == 0 {
                event.request_id = DROPPED;
            }
        }
        self.remove_dropped();
        self.diagnostic = None;
        self.is_due = false;
        self.retry_at = 0;
        self.backoff = 0;
        self.max_events = 0;
    }

    /// How many events wait or are on their way.
    pub fn len(&self) -> usize {
        self.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::Scope;
    use proptest::prelude::*;

    fn event(text: &str) -> QueuedEvent {
        QueuedEvent::measured(ThinString::from(text).as_thin())
    }

    /// The events of a request of that number.
    fn take_as(s: Scratch, queue: &mut EventQueue, number: u32, room: usize) -> Vec<String> {
        let payload = queue.take_batch(s, number, room);
        let texts: Vec<_> = payload
            .events
            .as_str()
            .split(',')
            .map(String::from)
            .collect();
        assert_eq!(texts.len() as u64, payload.count);
        texts
    }

    /// The events of a request that has arrived.
    fn take_delivered(s: Scratch, queue: &mut EventQueue, room: usize) -> Vec<String> {
        let texts = take_as(s, queue, 99, room);
        assert_eq!(
            queue.settle(s, 99, Outcome::Delivered, 0),
            Settlement::Delivered(SessionMarkers::NONE)
        );
        texts
    }

    #[test]
    fn close_calls_share_one_request_a_second_after_the_last() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        assert_eq!(queue.due_at(), NEVER);
        queue.push(event("a"), 100);
        queue.push(event("b"), 700);
        assert_eq!(queue.due_at(), 1_950);
        assert_eq!(take_delivered(s, &mut queue, 100), ["a", "b"]);
        assert_eq!(queue.due_at(), NEVER);
    }

    #[test]
    fn a_steady_stream_goes_four_seconds_after_its_first() {
        let mut queue = EventQueue::default();
        for i in 0..9 {
            queue.push(event("a"), 100 + i * 500);
        }
        assert_eq!(queue.due_at(), 4_350);
    }

    #[test]
    fn diagnostics_alone_wait_four_seconds_and_a_session_marker_one() {
        let mut queue = EventQueue::default();
        queue.diagnostic_mut(0);
        assert_eq!(queue.due_at(), 4_250);
        queue
            .diagnostic_mut(0)
            .add_markers(SessionMarkers::FIRST_VISIT, true);
        assert_eq!(queue.due_at(), 1_250);
    }

    #[test]
    fn one_request_at_a_time_and_what_came_meanwhile_goes_next() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        queue.push(event("a"), 0);
        take_as(s, &mut queue, 1, 100);
        queue.push(event("b"), 10);
        assert_eq!(queue.due_at(), NEVER);
        assert_eq!(
            queue.settle(s, 7, Outcome::Delivered, 20),
            Settlement::NotOurs
        );
        assert_eq!(
            queue.settle(s, 1, Outcome::Delivered, 20),
            Settlement::Delivered(SessionMarkers::NONE)
        );
        assert_eq!(queue.due_at(), 1_260);
    }

    #[test]
    fn a_failed_request_goes_again_after_doubling_pauses() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        queue.push(event("a"), 0);
        let mut now = 50;
        for (number, pause) in [
            5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000,
        ]
        .into_iter()
        .enumerate()
        {
            let number = number as u32 + 1;
            take_as(s, &mut queue, number, 100);
            let failed = Outcome::Failed(0);
            assert_eq!(
                queue.settle(s, number, failed, now),
                Settlement::WillRetry(pause)
            );
            now += pause;
            assert_eq!(queue.due_at(), now);
        }
        queue.push(event("b"), 60);
        assert_eq!(take_delivered(s, &mut queue, 100), ["a", "b"]);
    }

    #[test]
    fn a_success_ends_the_pauses() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        for (number, outcome) in [(1, Outcome::Failed(0)), (2, Outcome::Delivered)] {
            queue.push(event("a"), 0);
            take_as(s, &mut queue, number, 100);
            queue.settle(s, number, outcome, 0);
        }
        queue.push(event("b"), 9_000);
        assert_eq!(queue.due_at(), 10_250);
    }

    #[test]
    fn an_event_that_has_no_room_goes_alone() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        for text in ["aaaaaaaaaa", "b", "c"] {
            queue.push(event(text), 0);
        }
        assert_eq!(take_delivered(s, &mut queue, 5), ["aaaaaaaaaa"]);
        assert_eq!(queue.due_at(), 0);
        assert_eq!(take_delivered(s, &mut queue, 5), ["b", "c"]);
    }

    #[test]
    fn what_was_dropped_is_not_sent_when_its_request_fails() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        queue.push(event("a"), 0);
        take_as(s, &mut queue, 1, 100);
        queue.clear();
        assert_eq!(
            queue.settle(s, 1, Outcome::Failed(0), 0),
            Settlement::WillRetry(0)
        );
        assert_eq!(queue.due_at(), NEVER);
    }

    proptest! {
        #[test]
        fn every_event_goes_once_in_order_and_no_request_is_too_large(sizes in prop::collection::vec(1usize..40, 0..60), room in 1usize..100) {
        let scope = Scope::open();
        let s = scope.scratch();
            let mut queue = EventQueue::default();
            for (i, size) in sizes.iter().enumerate() {
                queue.push(event(&format!("{i}{}", "x".repeat(*size))), i as u64);
            }
            let mut sent = Vec::new();
            while queue.has_queued() {
                let texts = take_delivered(s, &mut queue, room);
                prop_assert!(!texts.is_empty());
                prop_assert!(texts.len() == 1 || texts.join(",").len() <= room);
                sent.extend(texts);
            }
            let ids: Vec<_> = sent.iter().map(|text| text.trim_end_matches('x').to_string()).collect();
            prop_assert_eq!(ids, (0..sizes.len()).map(|i| i.to_string()).collect::<Vec<_>>());
        }
    }
}
