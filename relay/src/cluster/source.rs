//! The events of one pixel in the cluster, as the forwarder takes them.
//!
//! All relays share one durable consumer per pixel. NATS gives each message to one relay, and to another one if the first
//! neither acknowledges it nor says that it is still at work.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{self, AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::kv::{Operation, UpdateErrorKind};
use async_nats::jetstream::{AckKind, Message};
use futures_util::{StreamExt, stream};
use oaiq_ingest::rules::MAX_AGE_MS;
use tokio::sync::watch;
use tokio::time::timeout;

use super::connect::Connected;
use super::entry::{self, DELIVERED, State};
use super::{ClusterError, run_all};
use crate::key::{Key, Link};
use crate::store::Store;
use crate::store::claim::{Claim, Claimed, DueEvent, Settlement};
use crate::store::handover::{self, StoredEvent};

/// How long NATS waits before it gives a message to another relay.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// How often NATS is told that this relay is still at work.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// How long one request waits for a message. If NATS elects a leader meanwhile, the request is lost, and this is how long it
/// takes to notice.
const WAIT: Duration = Duration::from_secs(2);

/// How long NATS may take to deliver what is there.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// How many events are read at once.
const AT_ONCE: usize = 32;

/// After an election, a new leader may not have an event yet whose message it has: the message is delivered so often, with
/// this pause, before its event is taken for deleted.
const MISSING_EVENT: (i64, Duration) = (12, Duration::from_secs(5));

/// The source.
pub struct ClusterSource {
    connected: watch::Receiver<Option<Connected>>,
    pixel: String,
    store: Store,
    consumer: Option<consumer::PullConsumer>,
    /// A message that has ended a wait.
    first: Option<Message>,
    /// What the forwarder has, by the numbers that this relay has given.
    claimed: HashMap<i64, InFlight>,
    next_seq: i64,
}

#[derive(Clone)]
struct InFlight {
    message: Message,
    key: String,
    revision: u64,
    event: StoredEvent,
}

/// What a message has led to.
enum Found {
    /// An event that is due.
    Event {
        key: String,
        revision: u64,
        event: StoredEvent,
        /// What to deliver, and how its click was found. None if nobody has confirmed it in time, or if it is too old.
        joined: Option<(String, Option<Link>)>,
    },
    /// Nothing to do now.
    Answer(AckKind),
}

impl ClusterSource {
    pub(super) fn new(
        connected: watch::Receiver<Option<Connected>>,
        pixel: &str,
        store: &Store,
    ) -> Self {
        Self {
            connected,
            pixel: pixel.to_owned(),
            store: store.clone(),
            consumer: None,
            first: None,
            claimed: HashMap::new(),
            next_seq: 1,
        }
    }

    /// Waits until there is a message, or about this long. If it is dropped, it may lose a message, which NATS then delivers
    /// once more.
    pub async fn wait(&mut self, at_most: Duration) {
        let start = Instant::now();
        while self.first.is_none() && start.elapsed() < at_most {
            match self.next_message().await {
                Ok(first) => self.first = first,
                Err(error) => {
                    tracing::debug!(pixel = self.pixel, "{error}");
                    tokio::time::sleep(super::RETRY_INTERVAL).await;
                }
            }
        }
    }

    async fn next_message(&mut self) -> Result<Option<Message>, ClusterError> {
        let (_, consumer) = self.consumer().await?;
        let messages = consumer
            .batch()
            .max_messages(1)
            .expires(WAIT)
            .messages()
            .await;
        let mut messages =
            messages.map_err(|error| ClusterError::new("NATS delivers no events", &error))?;
        match timeout(WAIT + FETCH_TIMEOUT, messages.next()).await {
            Ok(Some(Ok(message))) => Ok(Some(message)),
            Ok(Some(Err(error))) => {
                self.consumer = None;
                Err(ClusterError(format!("NATS delivers no events: {error}")))
            }
            Ok(None) | Err(_) => Ok(None),
        }
    }

    async fn consumer(&mut self) -> Result<(Connected, consumer::PullConsumer), ClusterError> {
        let connected = self.connected.wait_for(Option::is_some).await;
        let Some(connected) = connected.ok().and_then(|connected| connected.clone()) else {
            return Err(ClusterError("the relay is stopping".to_owned()));
        };
        if let Some(consumer) = &self.consumer {
            return Ok((connected, consumer.clone()));
        }
        let name = Key::pixel(&self.pixel).to_hex();
        let config = pull::Config {
            durable_name: Some(name.clone()),
            description: Some(format!("oaiq-relay: events of pixel {}", self.pixel)),
            filter_subject: connected.events_subject(&self.pixel),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            // Events that are held count as well.
            max_ack_pending: -1,
            ..pull::Config::default()
        };
        let consumer = connected
            .stream
            .get_or_create_consumer(&name, config)
            .await
            .map_err(|error| ClusterError::new("NATS does not create a consumer", &error))?;
        self.consumer = Some(consumer.clone());
        Ok((connected, consumer))
    }

    /// Takes events that are due.
    pub async fn claim(&mut self, claim: &Claim) -> Result<Claimed, ClusterError> {
        if self.connected.borrow().is_none() {
            return Ok(Claimed::default());
        }
        let (connected, consumer) = self.consumer().await?;
        let mut messages: Vec<Message> = self.first.take().into_iter().collect();
        let wanted = claim.max_events.saturating_sub(messages.len());
        if wanted > 0 {
            let fetched = consumer.fetch().max_messages(wanted).messages().await;
            let mut fetched =
                fetched.map_err(|error| ClusterError::new("NATS delivers no events", &error))?;
            while let Ok(Some(message)) = timeout(FETCH_TIMEOUT, fetched.next()).await {
                match message {
                    Ok(message) => messages.push(message),
                    Err(error) => {
                        // The consumer may have been deleted.
                        self.consumer = None;
                        tracing::debug!(pixel = self.pixel, "NATS delivers no events: {error}");
                        break;
                    }
                }
            }
        }
        let mut claimed = Claimed {
            // There may be more.
            next_due_ms: (messages.len() == claim.max_events).then_some(claim.now_ms),
            ..Claimed::default()
        };
        let now_ms = claim.now_ms;
        let mut keys = HashSet::new();
        let (messages, repeated): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| keys.insert(message.payload.clone()));
        for message in repeated {
            answer(&message, AckKind::Nak(Some(super::RETRY_INTERVAL))).await;
        }
        let mut found = stream::iter(messages)
            .map(|message| {
                let connected = connected.clone();
                async move {
                    let found = find(&connected, &message, now_ms).await;
                    (message, found)
                }
            })
            .buffered(AT_ONCE);
        let mut bytes = 0;
        while let Some((message, found)) = found.next().await {
            let (key, revision, event, joined) = match found {
                Ok(Found::Answer(kind)) => {
                    answer(&message, kind).await;
                    continue;
                }
                Ok(_) if bytes >= claim.max_bytes => {
                    answer(&message, AckKind::Nak(None)).await;
                    continue;
                }
                Ok(Found::Event {
                    key,
                    revision,
                    event,
                    joined,
                }) => (key, revision, event, joined),
                // It is delivered once more.
                Err(error) => {
                    tracing::debug!(pixel = self.pixel, "{error}");
                    answer(&message, AckKind::Nak(Some(super::RETRY_INTERVAL))).await;
                    continue;
                }
            };
            let seq = self.next_seq;
            self.next_seq += 1;
            match joined {
                None if event.waits_for_backend => claimed.unconfirmed.push(seq),
                None => claimed.expired.push(seq),
                Some((json, joined_by)) => {
                    bytes += json.len();
                    let oldest_ms = claimed.oldest_ms.unwrap_or(u64::MAX);
                    claimed.oldest_ms = Some(oldest_ms.min(event.timestamp_ms));
                    claimed.events.push(DueEvent {
                        seq,
                        halves: event.halves,
                        json,
                        joined_by,
                    });
                }
            }
            let in_flight = InFlight {
                message,
                key,
                revision,
                event,
            };
            self.claimed.insert(seq, in_flight);
        }
        Ok(claimed)
    }

    /// Records what became of events. May be called again with the same settlement after a failure.
    pub async fn settle(&mut self, settlement: &Settlement) -> Result<(), ClusterError> {
        let (connected, _) = self.consumer().await?;
        let dead: Vec<_> = settlement
            .dead
            .iter()
            .filter_map(|dead| {
                let in_flight = self.claimed.get(&dead.seq)?;
                Some((in_flight.event.clone(), dead.reason.clone()))
            })
            .collect();
        if !dead.is_empty() {
            let now_ms = settlement.now_ms;
            self.store
                .write(move |connection| handover::bury(connection, &dead, now_ms))
                .await?;
        }
        let delivered = settlement.delivered.iter().map(|seq| (*seq, true));
        let dead = settlement.dead.iter().map(|dead| (dead.seq, false));
        let unconfirmed = settlement.unconfirmed.iter().map(|seq| (*seq, false));
        let ends: Vec<_> = delivered
            .chain(dead)
            .chain(unconfirmed)
            .filter_map(|(seq, is_delivered)| {
                Some((seq, self.claimed.get(&seq)?.clone(), is_delivered))
            })
            .collect();
        let ends = ends.into_iter().map(|(seq, in_flight, is_delivered)| {
            let connected = connected.clone();
            async move {
                end(&connected, &in_flight, is_delivered).await?;
                Ok(seq)
            }
        });
        let ended = run_all(AT_ONCE, ends, |seq| _ = self.claimed.remove(&seq)).await;
        ended.map_or(Ok(()), Err)
    }

    /// Gives back what was neither delivered nor given up.
    pub async fn release(&mut self) {
        let messages = self.claimed.drain().map(|(_, in_flight)| in_flight.message);
        for message in messages.chain(self.first.take()) {
            answer(&message, AckKind::Nak(None)).await;
        }
    }

    /// Keeps NATS from giving to others what the forwarder has, until it is dropped.
    pub async fn hold(&self) {
        loop {
            tokio::time::sleep(PROGRESS_INTERVAL).await;
            for in_flight in self.claimed.values() {
                answer(&in_flight.message, AckKind::Progress).await;
            }
        }
    }
}

/// Reads the event that a message is about.
async fn find(
    connected: &Connected,
    message: &Message,
    now_ms: u64,
) -> Result<Found, ClusterError> {
    let Some((key, of_revision)) = pointer(&message.payload) else {
        return Ok(Found::Answer(AckKind::Ack));
    };
    let entry = connected
        .events
        .entry(key.clone())
        .await
        .map_err(|error| ClusterError::new("NATS does not answer", &error))?;
    let Some(entry) = entry else {
        let (max_deliveries, pause) = MISSING_EVENT;
        let deliveries = message.info().map_or(1, |info| info.delivered);
        return Ok(Found::Answer(match deliveries < max_deliveries {
            true => AckKind::Nak(Some(pause)),
            false => AckKind::Ack,
        }));
    };
    if entry.operation != Operation::Put {
        return Ok(Found::Answer(AckKind::Ack));
    }
    let revision = entry.revision;
    let event = match entry::decode(&entry.value) {
        Ok(State::Pending(event)) => event,
        Ok(State::Delivered) => return Ok(Found::Answer(AckKind::Ack)),
        Err(error) => return Err(ClusterError::new("an event in NATS cannot be read", &error)),
    };
    let age = async_nats::datetime::now() - entry.created;
    if of_revision < revision && age.unsigned_abs() < ACK_WAIT {
        // The other half has arrived, with a message of its own. This one is needed only if that was not published.
        return Ok(Found::Answer(AckKind::Nak(Some(ACK_WAIT))));
    }
    if event.due_ms > now_ms {
        let delay = Duration::from_millis(event.due_ms - now_ms);
        return Ok(Found::Answer(AckKind::Nak(Some(delay))));
    }
    let is_over = event.waits_for_backend || event.timestamp_ms.saturating_add(MAX_AGE_MS) < now_ms;
    let joined = match is_over {
        true => None,
        false => Some(connected.join(&event, now_ms).await?),
    };
    Ok(Found::Event {
        key,
        revision,
        event,
        joined,
    })
}

/// The key of an event and its revision.
fn pointer(payload: &[u8]) -> Option<(String, u64)> {
    let (key, revision) = std::str::from_utf8(payload).ok()?.split_once(' ')?;
    Some((key.to_owned(), revision.parse().ok()?))
}

/// Marks an event as delivered, or deletes it.
async fn end(
    connected: &Connected,
    in_flight: &InFlight,
    is_delivered: bool,
) -> Result<(), ClusterError> {
    let events = &connected.events;
    if is_delivered {
        let put = events.put(&in_flight.key, DELIVERED.into()).await;
        put.map_err(|error| ClusterError::new("NATS does not store what was delivered", &error))?;
    } else {
        // Whoever repairs such an event and sends it again must not be taken for its duplicate.
        let deleted = events
            .delete_expect_revision(&in_flight.key, Some(in_flight.revision))
            .await;
        match deleted {
            Ok(()) => {}
            // The other half has arrived, with a message of its own.
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {}
            Err(error) => return Err(ClusterError::new("NATS does not delete an event", &error)),
        }
    }
    // If this is lost, the message comes again and finds what was recorded.
    answer(&in_flight.message, AckKind::Ack).await;
    Ok(())
}

async fn answer(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!("cannot answer NATS: {error}");
    }
}
