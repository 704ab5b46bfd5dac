//! Delivers a batch of which some events may be at fault: one event at fault fails its whole request.

use std::future::Future;

use super::response::Answer;
use crate::store::claim::{DeadLetter, DueEvent, Reason};

/// Why delivery ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// See [`Answer::TryLater`].
    TryLater {
        /// How long OpenAI asks to wait.
        after: Option<std::time::Duration>,
        /// Why, for the log.
        why: String,
    },
    /// See [`Answer::Refused`].
    Refused(Reason),
}

/// What became of a batch. Events in neither list have not been delivered.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Delivered events.
    pub delivered: Vec<DueEvent>,
    /// Events at fault.
    pub dead: Vec<DeadLetter>,
    /// Why it ended early, if it did.
    pub stop: Option<Stop>,
}

/// Sends the events with `send` until each is delivered or known to be at fault.
///
/// If the answer names the events at fault, the others are sent again at once. Otherwise the one at fault is searched for by
/// halves, and only the half that may contain it is sent again: for one event at fault among 1,000 these are 10 requests,
/// and one more for those that were set aside.
pub async fn deliver<F: Future<Output = Answer>>(
    events: Vec<DueEvent>,
    send: impl Fn(Vec<DueEvent>) -> F,
) -> Outcome {
    let mut outcome = Outcome::default();
    // Not known to contain an event at fault.
    let mut rest = events;
    // Contain at least one event at fault, as this answer says.
    let mut suspects: Option<(Vec<DueEvent>, Reason)> = None;
    loop {
        let (batch, others) = match suspects.take() {
            None if rest.is_empty() => return outcome,
            None => (std::mem::take(&mut rest), None),
            Some((mut suspects, reason)) if suspects.len() == 1 && !rest.is_empty() => {
                // All other suspects were delivered.
                outcome.bury(suspects.remove(0), reason);
                continue;
            }
            // A last request proves it where there is one to spare.
            Some((suspects, _)) if suspects.len() == 1 => (suspects, None),
            Some((mut suspects, reason)) => {
                let half = suspects.split_off(suspects.len().div_ceil(2));
                (suspects, Some((half, reason)))
            }
        };
        match send(batch.clone()).await {
            Answer::Accepted => {
                outcome.delivered.extend(batch);
                suspects = others;
            }
            Answer::Invalid(mut named) => {
                for (i, event) in batch.into_iter().enumerate() {
                    match named.remove(&i) {
                        Some(reason) => outcome.bury(event, reason),
                        None => rest.push(event),
                    }
                }
                // The fault that they were suspected of is found.
                rest.extend(others.into_iter().flat_map(|(others, _)| others));
            }
            Answer::OneIsInvalid(reason) | Answer::TooLarge(reason) => {
                rest.extend(others.into_iter().flat_map(|(others, _)| others));
                suspects = Some((batch, reason));
                if let Some((batch, reason)) = suspects.take_if(|(batch, _)| batch.len() == 1) {
                    for event in batch {
                        outcome.bury(event, reason.clone());
                    }
                }
            }
            Answer::TryLater { after, why } => {
                outcome.stop = Some(Stop::TryLater { after, why });
                return outcome;
            }
            Answer::Refused(reason) => {
                outcome.stop = Some(Stop::Refused(reason));
                return outcome;
            }
        }
    }
}

impl Outcome {
    fn bury(&mut self, event: DueEvent, reason: Reason) {
        self.dead.push(DeadLetter {
            seq: event.seq,
            reason,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::future::ready;

    fn events(count: i64) -> Vec<DueEvent> {
        (0..count)
            .map(|seq| DueEvent {
                seq,
                halves: 1,
                json: String::new(),
                joined_by: None,
            })
            .collect()
    }

    fn reason() -> Reason {
        Reason {
            status: 400,
            ..Reason::expired()
        }
    }

    /// Delivers to an API that refuses requests with one of `bad`. Returns delivered, dead, and the number of requests.
    fn run(count: i64, bad: &BTreeSet<i64>, names_them: bool) -> (Vec<i64>, Vec<i64>, usize) {
        let requests = Cell::new(0);
        let send = |batch: Vec<DueEvent>| {
            requests.set(requests.get() + 1);
            assert!(!batch.is_empty());
            let bad = batch
                .iter()
                .enumerate()
                .filter(|(_, event)| bad.contains(&event.seq));
            let named: std::collections::BTreeMap<_, _> = bad.map(|(i, _)| (i, reason())).collect();
            ready(match (named.is_empty(), names_them) {
                (true, _) => Answer::Accepted,
                (false, true) => Answer::Invalid(named),
                (false, false) => Answer::OneIsInvalid(reason()),
            })
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let outcome = runtime.block_on(deliver(events(count), send));
        assert_eq!(outcome.stop, None);
        let mut delivered: Vec<_> = outcome.delivered.iter().map(|event| event.seq).collect();
        let mut dead: Vec<_> = outcome.dead.iter().map(|dead| dead.seq).collect();
        delivered.sort_unstable();
        dead.sort_unstable();
        (delivered, dead, requests.get())
    }

    #[test]
    fn one_bad_event_of_a_thousand_costs_at_most_eleven_further_requests() {
        for bad in 0..1_000 {
            let (delivered, dead, requests) = run(1_000, &BTreeSet::from([bad]), false);
            assert_eq!((delivered.len(), dead), (999, vec![bad]));
            assert!(requests <= 12, "{bad}: {requests}");
        }
    }

    #[test]
    fn named_events_cost_one_further_request() {
        let bad = BTreeSet::from([0, 499, 999]);
        let (delivered, dead, requests) = run(1_000, &bad, true);
        assert_eq!(
            (delivered.len(), dead, requests),
            (997, vec![0, 499, 999], 2)
        );
    }

    #[test]
    fn single_bad_event_is_dead_after_one_request() {
        assert_eq!(run(1, &BTreeSet::from([0]), false), (vec![], vec![0], 1));
    }

    #[test]
    fn stop_leaves_the_other_events_undelivered() {
        let sent = Cell::new(0);
        let send = |_| {
            sent.set(sent.get() + 1);
            ready(match sent.get() {
                1 => Answer::OneIsInvalid(reason()),
                2 => Answer::Accepted,
                _ => Answer::TryLater {
                    after: None,
                    why: String::new(),
                },
            })
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let outcome = runtime.block_on(deliver(events(8), send));
        assert_eq!((outcome.delivered.len(), outcome.dead.len()), (4, 0));
        assert!(outcome.stop.is_some());
    }

    proptest! {
        #[test]
        fn every_event_is_delivered_or_dead(count in 1_i64..60, bad in prop::collection::btree_set(0_i64..60, 0..8), names_them: bool) {
            let (delivered, dead, _) = run(count, &bad, names_them);
            let expected: Vec<_> = bad.into_iter().filter(|seq| *seq < count).collect();
            prop_assert_eq!(&dead, &expected);
            prop_assert_eq!(delivered.len() + dead.len(), usize::try_from(count).unwrap());
        }
    }
}
