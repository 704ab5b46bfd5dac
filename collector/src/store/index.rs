//! The in-memory index of stored events: numbers them, finds duplicates and decides what to evict.

use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// How many events are stored, rejected ones included. The oldest are evicted first.
pub const MAX_EVENTS: usize = 100_000;

/// How many bytes the accepted events may take as JSON. The oldest are evicted first. Events of a usual size never reach
/// this limit; it stops a sender of huge events from filling the disk.
pub const MAX_STORED_BYTES: usize = 256 * 1024 * 1024;

/// The same limits for requests rejected with a 4xx. They are separate so that a client that sends only invalid requests
/// cannot evict the events of others.
const MAX_REJECTED: usize = 5_000;
const MAX_REJECTED_BYTES: usize = 16 * 1024 * 1024;

/// Whether a request was accepted or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The response was a 2xx.
    Accepted = 0,
    /// The response was a 4xx.
    Rejected = 1,
}

/// A hash of what OpenAI deduplicates by: pixel, event name and event ID. 8 bytes are enough: among 100,000 different
/// keys, the probability of any collision is 1 in 4 billion. Stored in the database, so the hash must not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupKey(pub u64);

impl DedupKey {
    /// Hashes the three parts. `name` is the result of [`dedup_name`](crate::ingest::rules::dedup_name).
    pub fn new(pixel: &str, name: &str, id: &str) -> Self {
        let mut hasher = SipHasher13::new();
        for part in [pixel, name, id] {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part.as_bytes());
        }
        Self(hasher.finish())
    }
}

/// A stored event, as the index sees it.
#[derive(Debug, Clone, Copy)]
pub struct IndexEntry {
    /// The event's number.
    pub seq: u64,
    /// Its request's number.
    pub batch: u64,
    /// Its size as JSON.
    pub bytes: usize,
    /// Its dedup key, if it was counted.
    pub key: Option<DedupKey>,
}

/// The oldest event to retain; everything before it is evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionFloor {
    /// The number of the event.
    pub seq: u64,
    /// The number of its request.
    pub batch: u64,
}

/// The events of one [`Admission`], oldest first.
#[derive(Debug, Default)]
struct Partition {
    entries: VecDeque<IndexEntry>,
    bytes: usize,
}

/// The index of all stored events.
#[derive(Debug, Default)]
pub struct EventIndex {
    partitions: [Partition; 2],
    first_seqs: HashMap<DedupKey, u64>,
    last_seq: u64,
    last_batch: u64,
}

impl EventIndex {
    /// An empty index that continues the numbering after these numbers.
    pub fn resume_at(last_seq: u64, last_batch: u64) -> Self {
        Self {
            last_seq,
            last_batch,
            ..Self::default()
        }
    }

    /// Assigns the number of the next request.
    pub fn next_batch(&mut self) -> u64 {
        self.last_batch += 1;
        self.last_batch
    }

    /// Assigns the number of the next event.
    pub fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }

    /// The number of the event that was counted under this key, if it is still stored.
    pub fn first_seq(&self, key: DedupKey) -> Option<u64> {
        self.first_seqs.get(&key).copied()
    }

    /// Adds a stored event.
    pub fn insert(&mut self, admission: Admission, entry: IndexEntry) {
        if let Some(key) = entry.key {
            self.first_seqs.insert(key, entry.seq);
        }
        let partition = &mut self.partitions[admission as usize];
        partition.bytes += entry.bytes;
        partition.entries.push_back(entry);
    }

    /// Evicts the oldest events over the limits. Returns what is retained, indexed by [`Admission`].
    pub fn evict(&mut self) -> [RetentionFloor; 2] {
        self.evict_admission(Admission::Rejected, MAX_REJECTED, MAX_REJECTED_BYTES);
        let rejected = self.partitions[Admission::Rejected as usize].entries.len();
        self.evict_admission(Admission::Accepted, MAX_EVENTS - rejected, MAX_STORED_BYTES);
        let next = RetentionFloor {
            seq: self.last_seq + 1,
            batch: self.last_batch + 1,
        };
        [0, 1].map(|admission| {
            self.partitions[admission]
                .entries
                .front()
                .map_or(next, |first| RetentionFloor {
                    seq: first.seq,
                    batch: first.batch,
                })
        })
    }

    fn evict_admission(&mut self, admission: Admission, max_count: usize, max_bytes: usize) {
        let partition = &mut self.partitions[admission as usize];
        while partition.entries.len() > max_count || partition.bytes > max_bytes {
            let Some(evicted) = partition.entries.pop_front() else {
                break;
            };
            partition.bytes -= evicted.bytes;
            if let Some(key) = evicted.key {
                self.first_seqs.remove(&key);
            }
        }
    }

    /// Removes all events. Their numbers are not reused.
    pub fn clear(&mut self) {
        *self = Self::resume_at(self.last_seq, self.last_batch);
    }

    /// How many events are stored.
    pub fn stored_count(&self) -> usize {
        self.partitions
            .iter()
            .map(|partition| partition.entries.len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(
        index: &mut EventIndex,
        admission: Admission,
        bytes: usize,
        key: Option<DedupKey>,
    ) -> u64 {
        let batch = index.next_batch();
        let seq = index.next_seq();
        index.insert(
            admission,
            IndexEntry {
                seq,
                batch,
                bytes,
                key,
            },
        );
        seq
    }

    #[test]
    fn dedup_key_separates_its_parts() {
        let key = DedupKey::new("p", "order_created", "1");
        assert_eq!(key, DedupKey::new("p", "order_created", "1"));
        for other in [
            ("porder", "_created", "1"),
            ("p", "order_created1", ""),
            ("q", "order_created", "1"),
        ] {
            assert_ne!(key, DedupKey::new(other.0, other.1, other.2));
        }
        assert_eq!(
            key,
            DedupKey(STORED_KEY),
            "existing databases hold this hash"
        );
    }

    const STORED_KEY: u64 = 13_890_768_304_523_674_915;

    #[test]
    fn oldest_event_is_evicted_and_forgotten_at_the_limit() {
        let mut index = EventIndex::default();
        let first = DedupKey::new("p", "n", "first");
        insert(&mut index, Admission::Accepted, 1, Some(first));
        for _ in 1..MAX_EVENTS {
            insert(&mut index, Admission::Accepted, 1, None);
        }
        assert_eq!(index.evict()[0], RetentionFloor { seq: 1, batch: 1 });
        assert_eq!(index.first_seq(first), Some(1));
        insert(&mut index, Admission::Accepted, 1, None);
        assert_eq!(index.evict()[0], RetentionFloor { seq: 2, batch: 2 });
        assert_eq!(index.first_seq(first), None);
        assert_eq!(index.stored_count(), MAX_EVENTS);
    }

    #[test]
    fn oldest_event_is_evicted_at_the_byte_limit() {
        let mut index = EventIndex::default();
        for _ in 0..4 {
            insert(&mut index, Admission::Accepted, MAX_STORED_BYTES / 3, None);
        }
        assert_eq!(index.evict()[0].seq, 2);
    }

    #[test]
    fn rejected_events_evict_only_rejected_events() {
        let mut index = EventIndex::default();
        insert(&mut index, Admission::Accepted, 1, None);
        for _ in 0..=MAX_REJECTED {
            insert(&mut index, Admission::Rejected, 1, None);
        }
        assert_eq!(index.evict()[1].seq, 3);
        assert_eq!(index.evict()[0].seq, 1);
        assert_eq!(index.stored_count(), MAX_REJECTED + 1);
    }

    #[test]
    fn numbering_continues_after_clear() {
        let mut index = EventIndex::default();
        let key = DedupKey::new("p", "n", "1");
        insert(&mut index, Admission::Accepted, 1, Some(key));
        index.clear();
        assert_eq!((index.stored_count(), index.first_seq(key)), (0, None));
        assert_eq!(index.evict()[0], RetentionFloor { seq: 2, batch: 2 });
        assert_eq!((index.next_seq(), index.next_batch()), (2, 2));
    }
}
