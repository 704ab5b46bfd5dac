//! The numbers: which event is the first of its kind, and what has to go so that the latest have room.

use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// How many events are kept, with what was turned away; the oldest go first.
pub const MAX_EVENTS: usize = 100_000;

/// How many bytes all that is kept may come to when it is listed; here too the oldest go first. Events of a usual size
/// never reach this, and a sender of huge ones does not fill the disk.
pub const MAX_STORED_BYTES: usize = 256 * 1024 * 1024;

/// The same for what was answered with a 4xx, which has room of its own: a client that sends nothing but nonsense does
/// not push out what others have sent.
const MAX_REJECTED: usize = 5_000;
const MAX_REJECTED_BYTES: usize = 16 * 1024 * 1024;

/// Whether a request was taken, or turned away with a 4xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Answered with a 2xx.
    Accepted = 0,
    /// Answered with a 4xx.
    Rejected = 1,
}

/// What OpenAI recognises duplicates by, in 8 bytes: 100,000 of them are kept in memory, and that two of as many
/// different ones are the same has a probability of 1 to 4 billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupKey(pub u64);

impl DedupKey {
    /// The key of a pixel's event. The name is a custom event's own, where it has one.
    pub fn new(pixel: &str, name: &str, id: &str) -> Self {
        let mut hasher = SipHasher13::new();
        for part in [pixel, name, id] {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part.as_bytes());
        }
        Self(hasher.finish())
    }
}

/// An event that is kept.
#[derive(Debug, Clone, Copy)]
pub struct IndexEntry {
    /// Its number.
    pub seq: u64,
    /// That of its request.
    pub batch: u64,
    /// How long it is as JSON.
    pub bytes: usize,
    /// If it was counted: what it was counted by.
    pub key: Option<DedupKey>,
}

/// Everything before it has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionFloor {
    /// The first event to stay.
    pub seq: u64,
    /// The request that it came in.
    pub batch: u64,
}

#[derive(Debug, Default)]
struct Partition {
    entries: VecDeque<IndexEntry>,
    bytes: usize,
}

/// The numbers of all that is kept.
#[derive(Debug, Default)]
pub struct EventIndex {
    partitions: [Partition; 2],
    first_seqs: HashMap<DedupKey, u64>,
    last_seq: u64,
    last_batch: u64,
}

impl EventIndex {
    /// One that goes on where another has stopped.
    pub fn resume_at(last_seq: u64, last_batch: u64) -> Self {
        Self {
            last_seq,
            last_batch,
            ..Self::default()
        }
    }

    /// The number of the next request.
    pub fn next_batch(&mut self) -> u64 {
        self.last_batch += 1;
        self.last_batch
    }

    /// The number of the next event.
    pub fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }

    /// The first event of that key, if it is known.
    pub fn first_seq(&self, key: DedupKey) -> Option<u64> {
        self.first_seqs.get(&key).copied()
    }

    /// Notes an event that is kept from now on.
    pub fn insert(&mut self, admission: Admission, entry: IndexEntry) {
        if let Some(key) = entry.key {
            self.first_seqs.insert(key, entry.seq);
        }
        let partition = &mut self.partitions[admission as usize];
        partition.bytes += entry.bytes;
        partition.entries.push_back(entry);
    }

    /// Drops the oldest that there is no room for. Gives the first of each admission to stay.
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

    /// Forgets all events. Their numbers are not given again.
    pub fn clear(&mut self) {
        *self = Self::resume_at(self.last_seq, self.last_batch);
    }

    /// How many events are kept.
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

    fn keep(
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
    fn a_key_tells_its_parts_apart() {
        let key = DedupKey::new("p", "order_created", "1");
        assert_eq!(key, DedupKey::new("p", "order_created", "1"));
        for other in [
            ("porder", "_created", "1"),
            ("p", "order_created1", ""),
            ("q", "order_created", "1"),
        ] {
            assert_ne!(key, DedupKey::new(other.0, other.1, other.2));
        }
        // it is kept in files
        assert_eq!(key, DedupKey(KEY_IN_FILES));
    }

    const KEY_IN_FILES: u64 = 13_890_768_304_523_674_915;

    #[test]
    fn the_oldest_go_when_there_are_too_many_and_are_not_known_any_more() {
        let mut index = EventIndex::default();
        let first = DedupKey::new("p", "n", "first");
        keep(&mut index, Admission::Accepted, 1, Some(first));
        for _ in 1..MAX_EVENTS {
            keep(&mut index, Admission::Accepted, 1, None);
        }
        assert_eq!(index.evict()[0], RetentionFloor { seq: 1, batch: 1 });
        assert_eq!(index.first_seq(first), Some(1));
        keep(&mut index, Admission::Accepted, 1, None);
        assert_eq!(index.evict()[0], RetentionFloor { seq: 2, batch: 2 });
        assert_eq!(index.first_seq(first), None);
        assert_eq!(index.stored_count(), MAX_EVENTS);
    }

    #[test]
    fn huge_ones_push_older_ones_out() {
        let mut index = EventIndex::default();
        for _ in 0..4 {
            keep(&mut index, Admission::Accepted, MAX_STORED_BYTES / 3, None);
        }
        assert_eq!(index.evict()[0].seq, 2);
    }

    #[test]
    fn what_is_turned_away_pushes_out_only_its_own_kind() {
        let mut index = EventIndex::default();
        keep(&mut index, Admission::Accepted, 1, None);
        for _ in 0..=MAX_REJECTED {
            keep(&mut index, Admission::Rejected, 1, None);
        }
        assert_eq!(index.evict()[1].seq, 3);
        assert_eq!(index.evict()[0].seq, 1);
        assert_eq!(index.stored_count(), MAX_REJECTED + 1);
    }

    #[test]
    fn numbers_go_on_after_everything_is_forgotten() {
        let mut index = EventIndex::default();
        let key = DedupKey::new("p", "n", "1");
        keep(&mut index, Admission::Accepted, 1, Some(key));
        index.clear();
        assert_eq!((index.stored_count(), index.first_seq(key)), (0, None));
        assert_eq!(index.evict()[0], RetentionFloor { seq: 2, batch: 2 });
        assert_eq!((index.next_seq(), index.next_batch()), (2, 2));
    }
}
