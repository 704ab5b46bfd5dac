//! The numbers: which event is the first of its kind, and what has to go so that the latest have room.

use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// How many events are kept, with what was turned away; the oldest go first.
pub const MAX_EVENTS: usize = 100_000;

/// How many bytes all that is kept may come to when it is listed; here too the oldest go first. Events of a usual size
/// never reach this, and a sender of huge ones does not fill the disk.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;

/// The same for what was answered with a 4xx, which has room of its own: a client that sends nothing but nonsense does
/// not push out what others have sent.
const MAX_TURNED_AWAY: usize = 5_000;
const MAX_TURNED_AWAY_BYTES: usize = 16 * 1024 * 1024;

/// Whether a request was taken, or turned away with a 4xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Answered with a 2xx.
    Taken = 0,
    /// Answered with a 4xx.
    TurnedAway = 1,
}

/// What OpenAI recognises duplicates by, in 8 bytes: 100,000 of them are kept in memory, and that two of as many
/// different ones are the same has a probability of 1 to 4 billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub u64);

impl Key {
    /// The key of a pixel's event. The name is a custom event's own, where it has one.
    pub fn of(pixel: &str, name: &str, id: &str) -> Self {
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
pub struct Kept {
    /// Its number.
    pub seq: u64,
    /// That of its request.
    pub batch: u64,
    /// How long it is as JSON.
    pub bytes: usize,
    /// If it was counted: what it was counted by.
    pub key: Option<Key>,
}

/// Everything before it has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// The first event to stay.
    pub seq: u64,
    /// The request that it came in.
    pub batch: u64,
}

#[derive(Debug, Default)]
struct Row {
    kept: VecDeque<Kept>,
    bytes: usize,
}

/// The numbers of all that is kept.
#[derive(Debug, Default)]
pub struct Ledger {
    rows: [Row; 2],
    counted: HashMap<Key, u64>,
    last_seq: u64,
    last_batch: u64,
}

impl Ledger {
    /// One that goes on where another has stopped.
    pub fn after(last_seq: u64, last_batch: u64) -> Self {
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
    pub fn first(&self, key: Key) -> Option<u64> {
        self.counted.get(&key).copied()
    }

    /// Notes an event that is kept from now on.
    pub fn keep(&mut self, class: Class, kept: Kept) {
        if let Some(key) = kept.key {
            self.counted.insert(key, kept.seq);
        }
        let row = &mut self.rows[class as usize];
        row.bytes += kept.bytes;
        row.kept.push_back(kept);
    }

    /// Drops the oldest that there is no room for. Gives the first of each class to stay.
    pub fn drop_oldest(&mut self) -> [Oldest; 2] {
        self.drop_class(Class::TurnedAway, MAX_TURNED_AWAY, MAX_TURNED_AWAY_BYTES);
        let turned_away = self.rows[Class::TurnedAway as usize].kept.len();
        self.drop_class(Class::Taken, MAX_EVENTS - turned_away, MAX_BYTES);
        let next = Oldest {
            seq: self.last_seq + 1,
            batch: self.last_batch + 1,
        };
        [0, 1].map(|class| {
            self.rows[class].kept.front().map_or(next, |first| Oldest {
                seq: first.seq,
                batch: first.batch,
            })
        })
    }

    fn drop_class(&mut self, class: Class, most: usize, most_bytes: usize) {
        let row = &mut self.rows[class as usize];
        while row.kept.len() > most || row.bytes > most_bytes {
            let Some(gone) = row.kept.pop_front() else {
                break;
            };
            row.bytes -= gone.bytes;
            if let Some(key) = gone.key {
                self.counted.remove(&key);
            }
        }
    }

    /// Forgets all events. Their numbers are not given again.
    pub fn clear(&mut self) {
        *self = Self::after(self.last_seq, self.last_batch);
    }

    /// How many events are kept.
    pub fn kept(&self) -> usize {
        self.rows.iter().map(|row| row.kept.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(ledger: &mut Ledger, class: Class, bytes: usize, key: Option<Key>) -> u64 {
        let batch = ledger.next_batch();
        let seq = ledger.next_seq();
        ledger.keep(
            class,
            Kept {
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
        let key = Key::of("p", "order_created", "1");
        assert_eq!(key, Key::of("p", "order_created", "1"));
        for other in [
            ("porder", "_created", "1"),
            ("p", "order_created1", ""),
            ("q", "order_created", "1"),
        ] {
            assert_ne!(key, Key::of(other.0, other.1, other.2));
        }
        // it is kept in files
        assert_eq!(key, Key(KEY_IN_FILES));
    }

    const KEY_IN_FILES: u64 = 13_890_768_304_523_674_915;

    #[test]
    fn the_oldest_go_when_there_are_too_many_and_are_not_known_any_more() {
        let mut ledger = Ledger::default();
        let first = Key::of("p", "n", "first");
        keep(&mut ledger, Class::Taken, 1, Some(first));
        for _ in 1..MAX_EVENTS {
            keep(&mut ledger, Class::Taken, 1, None);
        }
        assert_eq!(ledger.drop_oldest()[0], Oldest { seq: 1, batch: 1 });
        assert_eq!(ledger.first(first), Some(1));
        keep(&mut ledger, Class::Taken, 1, None);
        assert_eq!(ledger.drop_oldest()[0], Oldest { seq: 2, batch: 2 });
        assert_eq!(ledger.first(first), None);
        assert_eq!(ledger.kept(), MAX_EVENTS);
    }

    #[test]
    fn huge_ones_push_older_ones_out() {
        let mut ledger = Ledger::default();
        for _ in 0..4 {
            keep(&mut ledger, Class::Taken, MAX_BYTES / 3, None);
        }
        assert_eq!(ledger.drop_oldest()[0].seq, 2);
    }

    #[test]
    fn what_is_turned_away_pushes_out_only_its_own_kind() {
        let mut ledger = Ledger::default();
        keep(&mut ledger, Class::Taken, 1, None);
        for _ in 0..=MAX_TURNED_AWAY {
            keep(&mut ledger, Class::TurnedAway, 1, None);
        }
        assert_eq!(ledger.drop_oldest()[1].seq, 3);
        assert_eq!(ledger.drop_oldest()[0].seq, 1);
        assert_eq!(ledger.kept(), MAX_TURNED_AWAY + 1);
    }

    #[test]
    fn numbers_go_on_after_everything_is_forgotten() {
        let mut ledger = Ledger::default();
        let key = Key::of("p", "n", "1");
        keep(&mut ledger, Class::Taken, 1, Some(key));
        ledger.clear();
        assert_eq!((ledger.kept(), ledger.first(key)), (0, None));
        assert_eq!(ledger.drop_oldest()[0], Oldest { seq: 2, batch: 2 });
        assert_eq!((ledger.next_seq(), ledger.next_batch()), (2, 2));
    }
}
