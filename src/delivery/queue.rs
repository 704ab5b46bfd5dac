//! A pixel's event queue: when a request is due, what it contains, and when it is repeated.
//!
//! Times are [`crate::host::Host::monotonic_ms`], in milliseconds.

use crate::delivery::diagnostics::{Diagnostic, SessionMarkers};
use crate::mem::{MiniVec, Scratch, ScratchString, ThinStr, ThinString, thin};
use crate::protocol::OUTBOX_MAX_BYTES;
use crate::raw_json::RawJson;
use crate::schema::events::views;

/// No request body is longer, in bytes: browsers limit what an unloading page may send to 64 KiB.
pub const MAX_BODY_BYTES: usize = 60_000;
/// The protocol polls each queue every 250 ms, so a batch may be sent that much later than its time. Always using the 250
/// ms lets a call that is made meanwhile share the request.
const POLL_INTERVAL_MS: u64 = 250;
/// A batch is sent this long after its last event.
const IDLE_FLUSH_MS: u64 = 1_000 + POLL_INTERVAL_MS;
/// A batch of diagnostics only is sent this long after the last one.
const DIAGNOSTICS_FLUSH_MS: u64 = 4_000 + POLL_INTERVAL_MS;
/// A batch is sent at most this long after its first event.
const MAX_FLUSH_MS: u64 = 4_000 + POLL_INTERVAL_MS;
/// The delay after a first failure. Each further failure doubles it.
const MIN_BACKOFF_MS: u64 = 5_000;
/// The delay grows no longer than this.
const MAX_BACKOFF_MS: u64 = 300_000;

/// The request ID of an event that is to be removed.
pub const DROPPED: u32 = u32::MAX;

/// A time that never comes.
pub const NEVER: u64 = u64::MAX;

/// An event that is queued or in flight.
#[derive(Debug)]
pub struct QueuedEvent {
    /// Its wire form. Empty if it was dropped while in flight.
    pub json: ThinString,
    /// An event of the pixel's own. User data is not sent with it.
    pub internal: bool,
    /// The session markers that it reports, if it is a diagnostic.
    pub markers: SessionMarkers,
    /// The ID of the request that it is in; 0 while it is queued.
    pub request_id: u32,
}

/// The time in a wire form, in milliseconds since the epoch.
pub fn timestamp_ms_of(event: RawJson) -> u64 {
    event.get(thin!("timestamp_ms")).as_u64()
}

impl QueuedEvent {
    /// An event that the page has measured.
    pub fn measured(text: ThinStr) -> Self {
        Self {
            json: ThinString::from(text),
            internal: false,
            markers: SessionMarkers::NONE,
            request_id: 0,
        }
    }

    /// An event of the pixel's own.
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

    /// Whether the outbox stores it: not the pixel's own events, not events so large that no other would fit, and nothing
    /// that was dropped.
    fn is_persistable(&self) -> bool {
        !self.internal && !self.json.is_empty() && self.json.len() <= OUTBOX_MAX_BYTES
    }

    /// Whether it is a view of a page or of its contents. Views are dropped first.
    fn is_view(&self) -> bool {
        views!("{\"type\":\"", "\"")
            .iter()
            .any(|view| self.json.as_thin().strip_prefix(*view).is_some())
    }
}

/// A pixel's events, queued and in flight.
#[derive(Debug, Default)]
pub struct EventQueue {
    events: MiniVec<QueuedEvent>,
    diagnostic: Option<Diagnostic>,
    first_at: u64,
    last_at: u64,
    /// The queued events did not fit into the last request, or come from a failed one: they are due at once.
    is_due: bool,
    /// The number of requests in flight.
    in_flight: u32,
    /// No request is due before this time.
    retry_at: u64,
    /// The current delay; 0 if the last request succeeded.
    backoff: u64,
    /// The next request has at most this many events, because the endpoint has rejected a larger one; 0 is no limit.
    max_events: usize,
}

/// The events of a request.
#[derive(Debug)]
pub struct BatchPayload<'s> {
    /// Their wire forms, separated by commas.
    pub events: ScratchString<'s>,
    /// Their number.
    pub count: u64,
    /// All of them are session markers.
    pub only_markers: bool,
    /// All of them are the pixel's own.
    pub only_internal: bool,
}

/// How a request ended, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It was delivered.
    Delivered,
    /// It may succeed later, after at least this many milliseconds.
    Failed(u64),
    /// The endpoint will never accept it.
    Rejected,
}

/// What a request that has ended means for the queue.
#[derive(Debug, PartialEq)]
pub enum Settlement<'s> {
    /// The request was not from this queue.
    NotOurs,
    /// The events were delivered. Contains their session markers.
    Delivered(SessionMarkers),
    /// The events are queued again, except those that were dropped meanwhile. Contains the delay in milliseconds; 0 if no
    /// event is left.
    WillRetry(u64),
    /// The endpoint has rejected the request. If it had one event, that event is dropped and this is its wire form.
    /// Otherwise this is empty, and the events are queued again, half as many per request.
    Rejected(ScratchString<'s>),
}

impl EventQueue {
    /// Queues an event.
    pub fn push(&mut self, event: QueuedEvent, now: u64) {
        self.note_activity(now);
        self.events.push(event);
    }

    /// The diagnostic that is queued, created if there is none.
    pub fn diagnostic_mut(&mut self, now: u64) -> &mut Diagnostic {
        self.note_activity(now);
        self.diagnostic.get_or_insert_default()
    }

    /// The same for what can wait for another event: it delays none.
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

    /// Whether anything is queued that is not in flight.
    pub fn has_queued(&self) -> bool {
        self.diagnostic.is_some() || self.has_queued_events()
    }

    /// Whether events are queued. Those in flight come first, so the search is short.
    fn has_queued_events(&self) -> bool {
        self.events.iter().any(|event| event.request_id == 0)
    }

    /// When the next request is due; [`NEVER`] while nothing is queued or a request is in flight.
    pub fn due_at(&self) -> u64 {
        if self.in_flight > 0 || !self.has_queued() {
            return NEVER;
        }
        let diagnostics_alone = self.queued_markers().is_empty() && !self.has_queued_events();
        let flush_ms = if diagnostics_alone {
            DIAGNOSTICS_FLUSH_MS
        } else {
            IDLE_FLUSH_MS
        };
        let mut due = (self.last_at + flush_ms).min(self.first_at + MAX_FLUSH_MS);
        if self.is_due {
            due = 0;
        }
        due.max(self.retry_at)
    }

    /// The session markers that are queued or in flight.
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

    /// The events that the outbox stores.
    pub fn persistable(&self) -> impl Iterator<Item = &QueuedEvent> {
        self.events.iter().filter(|event| event.is_persistable())
    }

    /// Whether the last request has failed.
    pub fn is_backing_off(&self) -> bool {
        self.backoff > 0
    }

    /// Ends the delay after a failure.
    pub fn clear_backoff(&mut self) {
        self.retry_at = 0;
    }

    /// Queues an event that is due at once.
    pub fn push_due(&mut self, event: QueuedEvent) {
        self.events.push(event);
        self.mark_due();
    }

    /// Makes the queued events due at once.
    pub fn mark_due(&mut self) {
        self.is_due = true;
    }

    /// The oldest queued event that the outbox stores; with `views`, the oldest view.
    pub fn oldest_queued(&mut self, views: bool) -> Option<&mut QueuedEvent> {
        let is_droppable = |event: &&mut QueuedEvent| {
            event.request_id == 0 && event.is_persistable() && (event.is_view() || !views)
        };
        self.events.iter_mut().find(is_droppable)
    }

    /// Removes the events that are marked as [`DROPPED`].
    pub fn remove_dropped(&mut self) {
        self.events
            .retain_mut(&mut |event| event.request_id != DROPPED);
    }

    /// Takes the queued diagnostic. Its wire form is sent with the next request ([`EventQueue::push_due`]).
    pub fn take_diagnostic(&mut self) -> Option<Diagnostic> {
        self.diagnostic.take()
    }

    /// Puts queued events into a request: the oldest ones that fit, but at least one.
    pub fn take_batch<'s>(
        &mut self,
        s: Scratch<'s>,
        request_id: u32,
        capacity: usize,
    ) -> BatchPayload<'s> {
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
                let full = payload.events.len() + event.json.len() + 1 > capacity;
                if full || payload.count == self.max_events as u64 {
                    self.is_due = true;
                    break;
                }
                payload.events = payload.events.append(thin!(","));
            }
            event.request_id = request_id;
            payload.events = payload.events.append(event.json.as_thin());
            payload.count += 1;
            payload.only_markers &= !event.markers.is_empty();
            payload.only_internal &= event.internal;
        }
        self.in_flight += u32::from(payload.count > 0);
        payload
    }

    /// A request has ended. If it was not delivered, its events are queued again, before the others.
    pub fn settle<'s>(
        &mut self,
        s: Scratch<'s>,
        request_id: u32,
        outcome: Outcome,
        now: u64,
    ) -> Settlement<'s> {
        let mut count = 0;
        let mut markers = SessionMarkers::NONE;
        for event in self.events.iter() {
            if event.request_id == request_id {
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
            if event.request_id != request_id {
                continue;
            }
            // an event that was dropped meanwhile has no text
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
                // requests that fail together count as one failure
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

    /// Drops all events, including those in flight, which are not resent if their request fails. Session markers in flight
    /// still count as reported if they are delivered.
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

    /// The number of events that are queued or in flight.
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

    /// The events of the next request.
    fn take_as(
        s: Scratch,
        queue: &mut EventQueue,
        request_id: u32,
        capacity: usize,
    ) -> Vec<String> {
        let payload = queue.take_batch(s, request_id, capacity);
        let texts: Vec<_> = payload
            .events
            .as_str()
            .split(',')
            .map(String::from)
            .collect();
        assert_eq!(texts.len() as u64, payload.count);
        texts
    }

    /// The events of the next request, which is delivered.
    fn take_delivered(s: Scratch, queue: &mut EventQueue, capacity: usize) -> Vec<String> {
        let texts = take_as(s, queue, 99, capacity);
        assert_eq!(
            queue.settle(s, 99, Outcome::Delivered, 0),
            Settlement::Delivered(SessionMarkers::NONE)
        );
        texts
    }

    #[test]
    fn close_calls_share_one_request_one_second_after_the_last() {
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
    fn steady_stream_is_sent_four_seconds_after_its_first() {
        let mut queue = EventQueue::default();
        for i in 0..9 {
            queue.push(event("a"), 100 + i * 500);
        }
        assert_eq!(queue.due_at(), 4_350);
    }

    #[test]
    fn diagnostics_wait_four_seconds_and_session_markers_one() {
        let mut queue = EventQueue::default();
        queue.diagnostic_mut(0);
        assert_eq!(queue.due_at(), 4_250);
        queue
            .diagnostic_mut(0)
            .add_markers(SessionMarkers::FIRST_VISIT, true);
        assert_eq!(queue.due_at(), 1_250);
    }

    #[test]
    fn events_queued_during_a_request_are_sent_next() {
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
    fn failed_request_is_repeated_after_doubling_delays() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        queue.push(event("a"), 0);
        let mut now = 50;
        for (request_id, delay_ms) in [
            5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000,
        ]
        .into_iter()
        .enumerate()
        {
            let request_id = request_id as u32 + 1;
            take_as(s, &mut queue, request_id, 100);
            let failed = Outcome::Failed(0);
            assert_eq!(
                queue.settle(s, request_id, failed, now),
                Settlement::WillRetry(delay_ms)
            );
            now += delay_ms;
            assert_eq!(queue.due_at(), now);
        }
        queue.push(event("b"), 60);
        assert_eq!(take_delivered(s, &mut queue, 100), ["a", "b"]);
    }

    #[test]
    fn success_resets_the_delay() {
        let scope = Scope::open();
        let s = scope.scratch();
        let mut queue = EventQueue::default();
        for (request_id, outcome) in [(1, Outcome::Failed(0)), (2, Outcome::Delivered)] {
            queue.push(event("a"), 0);
            take_as(s, &mut queue, request_id, 100);
            queue.settle(s, request_id, outcome, 0);
        }
        queue.push(event("b"), 9_000);
        assert_eq!(queue.due_at(), 10_250);
    }

    #[test]
    fn oversized_event_is_sent_alone() {
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
    fn dropped_event_is_not_resent_when_its_request_fails() {
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
        fn events_are_sent_once_in_order_within_the_size_limit(sizes in prop::collection::vec(1usize..40, 0..60), capacity in 1usize..100) {
            let scope = Scope::open();
            let s = scope.scratch();
            let mut queue = EventQueue::default();
            for (i, size) in sizes.iter().enumerate() {
                queue.push(event(&format!("{i}{}", "x".repeat(*size))), i as u64);
            }
            let mut sent = Vec::new();
            while queue.has_queued() {
                let texts = take_delivered(s, &mut queue, capacity);
                prop_assert!(!texts.is_empty());
                prop_assert!(texts.len() == 1 || texts.join(",").len() <= capacity);
                sent.extend(texts);
            }
            let ids: Vec<_> = sent.iter().map(|text| text.trim_end_matches('x').to_string()).collect();
            prop_assert_eq!(ids, (0..sizes.len()).map(|i| i.to_string()).collect::<Vec<_>>());
        }
    }
}
