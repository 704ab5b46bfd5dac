//! What has arrived: the latest events, in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

/// How many events are kept; the oldest go first.
pub const MAX_EVENTS: usize = 10_000;

/// How many bytes all that is kept may come to when it is listed; here too the oldest go first. Events
/// of a usual size never reach this, and a sender of huge ones does not fill the memory.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What an entry is reckoned to cost besides the texts in it: its other fields and their names.
const ENTRY_BYTES: usize = 320;

/// One event, and the request that it came in.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Counts the events received since the start, from 1.
    pub seq: u64,
    /// Counts the requests received since the start, from 1.
    pub batch: u64,
    /// What all events of the request share.
    #[serde(flatten)]
    pub request: Arc<Request>,
    /// The event, letter by letter as it was received.
    pub event: Box<RawValue>,
}

/// What is known of a request besides its events.
#[derive(Debug, Serialize)]
pub struct Request {
    /// When it arrived, in milliseconds since the epoch.
    pub received_ms: u64,
    /// The pixel's id, `pid`.
    pub pixel: String,
    /// How it was sent.
    pub transport: Transport,
    /// The size of its body, in bytes; 0 for an image tag.
    pub bytes: usize,
    /// How many events it brought.
    pub batch_size: usize,
    /// Whether it says nothing of who the visitor is: neither `obref` nor `oppref` nor `user`.
    pub stripped: bool,
    /// The browser reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obref: Option<String>,
    /// The click reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oppref: Option<String>,
    /// Who the site says the visitor is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Box<RawValue>>,
    /// The header `Referer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referer: Option<String>,
}

/// How a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// `fetch`, or any other client.
    Fetch,
    /// `navigator.sendBeacon`.
    Beacon,
    /// A picture's address.
    Image,
}

impl Entry {
    /// About how long the entry is as JSON, in bytes, if not all its texts need escapes. What a
    /// request says counts for each of its events: it is kept once, but listed with each.
    pub fn size(&self) -> usize {
        let request = &self.request;
        let texts = [&request.obref, &request.oppref, &request.referer];
        ENTRY_BYTES
            + self.event.get().len()
            + request.pixel.len()
            + request.user.as_ref().map_or(0, |user| user.get().len())
            + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// The latest events, at most [`MAX_EVENTS`] of them and at most [`MAX_BYTES`].
#[derive(Debug, Default)]
pub struct Store {
    /// Oldest first.
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    last_seq: u64,
    last_batch: u64,
}

impl Store {
    /// Keeps the events of one request, and gives their entries in the same order.
    pub fn add(&mut self, request: Request, events: Vec<Box<RawValue>>) -> Vec<Arc<Entry>> {
        self.last_batch += 1;
        let request = Arc::new(request);
        let mut added = Vec::with_capacity(events.len());
        for event in events {
            self.last_seq += 1;
            let entry = Arc::new(Entry {
                seq: self.last_seq,
                batch: self.last_batch,
                request: Arc::clone(&request),
                event,
            });
            self.bytes += entry.size();
            self.entries.push_back(Arc::clone(&entry));
            added.push(entry);
        }
        self.drop_oldest();
        added
    }

    /// The events kept, newest first: those of one pixel or of all, at most `limit`.
    pub fn newest(&self, pixel: Option<&str>, limit: usize) -> Vec<Arc<Entry>> {
        self.entries
            .iter()
            .rev()
            .filter(|entry| pixel.is_none_or(|pixel| entry.request.pixel == pixel))
            .take(limit)
            .cloned()
            .collect()
    }

    /// Forgets all events. Their numbers are not given again.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    fn drop_oldest(&mut self) {
        while self.entries.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.size();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn request(pixel: &str) -> Request {
        Request {
            received_ms: 1,
            pixel: pixel.to_owned(),
            transport: Transport::Fetch,
            bytes: 2,
            batch_size: 1,
            stripped: true,
            obref: None,
            oppref: None,
            user: None,
            referer: None,
        }
    }

    pub(crate) fn events(count: usize) -> Vec<Box<RawValue>> {
        vec![RawValue::from_string("{}".to_owned()).unwrap(); count]
    }

    fn seqs(entries: &[Arc<Entry>]) -> Vec<u64> {
        entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn events_are_numbered_as_they_come_and_listed_newest_first() {
        let mut store = Store::default();
        assert_eq!(seqs(&store.add(request("a"), events(2))), [1, 2]);
        let second = store.add(request("b"), events(1));
        assert_eq!((second[0].seq, second[0].batch), (3, 2));
        assert_eq!(seqs(&store.newest(None, usize::MAX)), [3, 2, 1]);
    }

    #[test]
    fn one_pixels_events_and_a_number_of_them_can_be_asked_for() {
        let mut store = Store::default();
        for pixel in ["a", "b", "a", "a"] {
            store.add(request(pixel), events(1));
        }
        assert_eq!(seqs(&store.newest(Some("a"), usize::MAX)), [4, 3, 1]);
        assert_eq!(seqs(&store.newest(Some("a"), 2)), [4, 3]);
        assert!(store.newest(None, 0).is_empty());
        assert!(store.newest(Some("c"), 2).is_empty());
    }

    #[test]
    fn numbers_go_on_after_everything_is_forgotten() {
        let mut store = Store::default();
        store.add(request("a"), events(2));
        store.clear();
        assert!(store.newest(None, usize::MAX).is_empty());
        let entry = &store.add(request("a"), events(1))[0];
        assert_eq!((entry.seq, entry.batch), (3, 2));
    }

    #[test]
    fn the_oldest_event_goes_when_there_are_too_many() {
        let mut store = Store::default();
        store.add(request("a"), events(MAX_EVENTS));
        store.add(request("a"), events(3));
        let kept = seqs(&store.newest(None, usize::MAX));
        assert_eq!(kept.len(), MAX_EVENTS);
        assert_eq!(kept.last(), Some(&4));
    }

    #[test]
    fn large_events_push_older_ones_out_and_are_counted_with_what_they_share() {
        let mut store = Store::default();
        store.add(request("old"), events(1));
        let mut large = request("large");
        large.oppref = Some("x".repeat(MAX_BYTES / 10));
        store.add(large, events(20));
        let kept = seqs(&store.newest(None, usize::MAX));
        assert_eq!(kept.len(), 9);
        assert_eq!(kept[0], 21);
        store.clear();
        assert_eq!(store.bytes, 0);
    }
}
