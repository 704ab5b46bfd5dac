//! Hands over what the store has, and carries out the erasures of all relays.
//!
//! Both are steps of one task. So nothing of a person is handed over after the erasure was carried out here, except what was
//! received later.

use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::kv::{Operation, UpdateErrorKind};
use async_nats::jetstream::stream::RawMessageErrorKind;
use tokio::sync::watch;

use super::connect::{Connected, Settings};
use super::entry::{self, ClickValue, State};
use super::setup::SetupError;
use super::{Cluster, ClusterError, RETRY_INTERVAL, run_all};
use crate::event::person_links;
use crate::key::Key;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::claim::{DeadLetter, Reason, Settlement};
use crate::store::forget::Erasure;
use crate::store::handover::{self, HandedOver, StoredClick, StoredEvent, StoredLink, ToHandOver};
use crate::store::maintain::CLICK_LIFE_MS;
use crate::store::schema::IfMissing;

/// How many messages are on their way to NATS at once.
const AT_ONCE: usize = 64;

/// How often to look for erasures of other relays.
const ERASURE_INTERVAL: Duration = Duration::from_secs(1);

/// How often other relays may change the same event before this one gives up for now.
const MAX_CONFLICTS: usize = 10;

/// What a message is larger by than the event in it.
const OVERHEAD_BYTES: usize = 1_024;

/// The task.
pub struct HandOver {
    pub cluster: Cluster,
    pub settings: Settings,
    pub sender: watch::Sender<Option<Connected>>,
    pub store: Store,
    pub metrics: Arc<Metrics>,
    pub pixels: Vec<String>,
    pub stopping: watch::Receiver<bool>,
    /// What was logged about settings in NATS, so that it is logged once.
    pub reported: String,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    New,
    Merged,
    Duplicate,
}

impl HandOver {
    /// Runs until the relay stops and everything is handed over, or cannot be.
    pub async fn run(mut self) {
        loop {
            let is_stopping = *self.stopping.borrow();
            let result = self.step().await;
            if self
                .cluster
                .set_problem(result.as_ref().err().map(ToString::to_string))
            {
                match &result {
                    Ok(_) => tracing::info!("NATS can be used, and the store is handed over"),
                    Err(error) => self.cluster.report(&format!("{error}.")),
                }
            }
            let wait = match result {
                Ok(true) => continue,
                Ok(false) | Err(_) if is_stopping => return,
                Ok(false) => ERASURE_INTERVAL,
                Err(_) => RETRY_INTERVAL,
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.store.wakers().any(), if result.is_ok() => {}
                _ = self.stopping.changed(), if result.is_ok() && !is_stopping => {}
            }
        }
    }

    /// Returns whether there may be more to do.
    async fn step(&mut self) -> Result<bool, ClusterError> {
        let connected = self.connected().await?;
        let pixels = serde_json::to_string(&self.pixels).unwrap_or_default();
        let work = self
            .store
            .read(move |connection| handover::read(connection, &pixels))
            .await?;
        self.publish_erasures(&connected, &work).await?;
        let has_erased = self.carry_out_erasures(&connected).await?;
        if has_erased {
            // What was read may be deleted now.
            return Ok(true);
        }
        if work.is_empty() {
            return Ok(false);
        }
        self.hand_over(&connected, work).await?;
        Ok(true)
    }

    async fn connected(&mut self) -> Result<Connected, ClusterError> {
        let known = self.sender.borrow().clone();
        if let Some(connected) = known {
            return Ok(connected);
        }
        let connected = self
            .settings
            .connect(IfMissing::Create)
            .await
            .map_err(|error| {
                let text = error.to_string();
                if matches!(error, SetupError::Settings(_)) && self.reported != text {
                    tracing::error!("{text}");
                    self.reported.clone_from(&text);
                }
                ClusterError(text.trim_end_matches('.').to_owned())
            })?;
        // A stream that was created anew counts from 1.
        let last = connected.stream.cached_info().state.last_sequence;
        if self.store.read(handover::erasure_seq).await? > last {
            let forget =
                |connection: &rusqlite::Connection| handover::set_erasure_seq(connection, 0);
            self.store.write(forget).await?;
        }
        self.sender.send_replace(Some(connected.clone()));
        Ok(connected)
    }

    async fn publish_erasures(
        &self,
        connected: &Connected,
        work: &ToHandOver,
    ) -> Result<(), ClusterError> {
        let mut erasures = Vec::new();
        for (id, erasure) in &work.erasures {
            let json = serde_json::to_vec(erasure)
                .map_err(|error| ClusterError::new("an erasure cannot be written", &error))?;
            let subject = connected.erasures_subject();
            connected.publish(subject, HeaderMap::new(), json).await?;
            erasures.push(*id);
        }
        if erasures.is_empty() {
            return Ok(());
        }
        let handed_over = HandedOver {
            erasures,
            ..HandedOver::default()
        };
        self.settle(handed_over).await
    }

    /// Carries out what all relays have published, this one included. Returns whether there was anything.
    async fn carry_out_erasures(&self, connected: &Connected) -> Result<bool, ClusterError> {
        let mut last = self.store.read(handover::erasure_seq).await?;
        let mut has_erased = false;
        loop {
            let message = connected
                .stream
                .raw_message_builder()
                .sequence(last + 1)
                .next_by_subject(connected.erasures_subject())
                .send()
                .await;
            let message = match message {
                Ok(message) => message,
                Err(error) => match error.kind() {
                    RawMessageErrorKind::NoMessageFound => return Ok(has_erased),
                    RawMessageErrorKind::JetStream(answer)
                        if answer.error_code() == ErrorCode::NO_MESSAGE_FOUND =>
                    {
                        return Ok(has_erased);
                    }
                    _ => return Err(ClusterError::new("NATS does not answer", &error)),
                },
            };
            last = message.sequence;
            match serde_json::from_slice::<Erasure>(&message.payload) {
                Ok(erasure) => {
                    self.store.erase(erasure.clone()).await?;
                    connected.erase(&erasure).await?;
                }
                Err(error) => tracing::error!(
                    "a request to delete a person's data cannot be read: {error}. Was it written by a newer version?"
                ),
            }
            self.store
                .write(move |connection| handover::set_erasure_seq(connection, last))
                .await?;
            has_erased = true;
        }
    }

    async fn hand_over(&self, connected: &Connected, work: ToHandOver) -> Result<(), ClusterError> {
        let now_ms = self.store.clock().now_ms();
        let mut handed_over = HandedOver::default();
        let has_marks = !work.clicks.is_empty() || !work.links.is_empty();
        // Clicks first, then what leads to them.
        let clicks = work.clicks.into_iter().map(|click| {
            let connected = connected.clone();
            async move {
                let id = click.id;
                connected.put_click(click).await.map(|()| id)
            }
        });
        let clicks_failed = run_all(AT_ONCE, clicks, |id| handed_over.clicks.push(id)).await;
        let links = work.links.into_iter().map(|link| {
            let connected = connected.clone();
            async move {
                let id = link.id;
                connected.put_link(link).await.map(|()| id)
            }
        });
        let links_failed = run_all(AT_ONCE, links, |id| handed_over.links.push(id)).await;
        let max_bytes = connected.client.server_info().max_payload;
        let (events, too_large): (Vec<_>, Vec<_>) = work
            .events
            .into_iter()
            .partition(|event| event.json.len() + OVERHEAD_BYTES <= max_bytes);
        let events = events.into_iter().map(|event| {
            let connected = connected.clone();
            async move {
                let outcome = connected.put_event(&event, now_ms).await?;
                Ok((event, outcome))
            }
        });
        let events_failed = run_all(AT_ONCE, events, |(event, outcome)| {
            match outcome {
                Outcome::New => {}
                Outcome::Merged => self.metrics.merged.increment(1),
                Outcome::Duplicate => self.metrics.duplicates.increment(1),
            }
            if let Some(metrics) = self.metrics.pixel(&event.pixel) {
                metrics.handed_over.increment(1);
            }
            handed_over.events.push((event.seq, event.halves));
        })
        .await;
        self.settle(handed_over).await?;
        if has_marks {
            self.store.write(handover::forget_deleted).await?;
        }
        if !too_large.is_empty() {
            self.bury_too_large(too_large, max_bytes).await?;
        }
        let failure = events_failed.or(links_failed).or(clicks_failed);
        failure.map_or(Ok(()), Err)
    }

    async fn settle(&self, handed_over: HandedOver) -> Result<(), ClusterError> {
        let work =
            move |connection: &rusqlite::Connection| handover::settle(connection, &handed_over);
        Ok(self.store.write(work).await?)
    }

    async fn bury_too_large(
        &self,
        events: Vec<StoredEvent>,
        max_bytes: usize,
    ) -> Result<(), ClusterError> {
        let mut dead = Vec::new();
        for event in events {
            tracing::warn!(
                pixel = event.pixel,
                "an event is larger than NATS takes: see `oaiq-relay dead list`"
            );
            if let Some(metrics) = self.metrics.pixel(&event.pixel) {
                metrics.dead.increment(1);
            }
            dead.push(DeadLetter {
                seq: event.seq,
                reason: Reason {
                    status: 0,
                    code: "larger_than_nats_takes".to_owned(),
                    field: None,
                    message: format!("NATS takes messages of at most {max_bytes} bytes: raise max_payload in the configuration of nats-server, and send it again with `oaiq-relay dead retry`."),
                    request_id: None,
                },
            });
        }
        let settlement = Settlement {
            now_ms: self.store.clock().now_ms(),
            dead,
            ..Settlement::default()
        };
        Ok(self.store.settle(Arc::new(settlement)).await?)
    }
}

impl Connected {
    /// Publishes to the stream. When this returns, NATS has stored it.
    pub async fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Vec<u8>,
    ) -> Result<(), ClusterError> {
        let failed = |error| ClusterError::new("NATS does not store events", &error);
        let ack = self
            .jetstream
            .publish_with_headers(subject, headers, payload.into())
            .await
            .map_err(failed)?;
        ack.await.map_err(failed)?;
        Ok(())
    }

    async fn put_click(&self, click: StoredClick) -> Result<(), ClusterError> {
        let key = click.key.to_hex();
        let known = Self::get(&self.clicks, key.clone()).await?;
        let known: Option<ClickValue> = known.and_then(|value| serde_json::from_slice(&value).ok());
        // Another relay may have seen it earlier. After its time, it is a new click.
        let first_ms = known
            .map(|known| known.first_ms)
            .filter(|first_ms| first_ms.saturating_add(CLICK_LIFE_MS) > click.first_ms)
            .map_or(click.first_ms, |first_ms| first_ms.min(click.first_ms));
        let value = ClickValue {
            visitor: click.visitor,
            first_ms,
            click: click.click,
        };
        let value = serde_json::to_vec(&value)
            .map_err(|error| ClusterError::new("a click cannot be written", &error))?;
        if let Some(visitor) = click.visitor {
            self.note(visitor, &format!("c.{key}")).await?;
        }
        self.put(&self.clicks, key, value).await
    }

    async fn put_link(&self, link: StoredLink) -> Result<(), ClusterError> {
        let key = link.key.to_hex();
        let person = link.visitor.unwrap_or(link.click);
        self.note(person, &format!("l.{key}")).await?;
        self.put(&self.links, key, link.click.to_hex().into_bytes())
            .await
    }

    async fn put(
        &self,
        bucket: &async_nats::jetstream::kv::Store,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), ClusterError> {
        let put = bucket.put(key, value.into()).await;
        put.map(drop)
            .map_err(|error| ClusterError::new("NATS does not store a key", &error))
    }

    /// Stores an event, or adds its half to the one that is stored, and publishes that it is to be delivered.
    async fn put_event(&self, event: &StoredEvent, now_ms: u64) -> Result<Outcome, ClusterError> {
        let key = event_key(event);
        let note = format!("e.{key}");
        for person in event
            .visitor
            .into_iter()
            .chain(person_links(&event.json, &event.pixel))
        {
            self.note(person, &note).await?;
        }
        // Most events are new.
        let mut known = None;
        let mut revision = 0;
        for _ in 0..MAX_CONFLICTS {
            let (value, outcome) = match &known {
                None => (event.clone(), Outcome::New),
                Some(State::Delivered) => return Ok(Outcome::Duplicate),
                Some(State::Pending(known)) => match entry::with_other_half(known, event, now_ms) {
                    Some(merged) => (merged, Outcome::Merged),
                    None => {
                        // A relay that was stopped here before may not have published it.
                        self.publish_pointer(event, &key, revision).await?;
                        return Ok(Outcome::Duplicate);
                    }
                },
            };
            let value = entry::encode(&value)
                .map_err(|error| ClusterError::new("an event cannot be written", &error))?;
            match self.events.update(&key, value.into(), revision).await {
                Ok(revision) => {
                    self.publish_pointer(event, &key, revision).await?;
                    return Ok(outcome);
                }
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {}
                Err(error) => return Err(ClusterError::new("NATS does not store events", &error)),
            }
            let entry = self.events.entry(&key).await;
            let entry = entry.map_err(|error| ClusterError::new("NATS does not answer", &error))?;
            (known, revision) = match entry {
                None => (None, 0),
                Some(entry) => {
                    let known = match entry.operation {
                        // What cannot be read was written by a newer version. It is not overwritten.
                        Operation::Put => Some(entry::decode(&entry.value).map_err(|error| {
                            ClusterError::new("an event in NATS cannot be read", &error)
                        })?),
                        Operation::Delete | Operation::Purge => None,
                    };
                    (known, entry.revision)
                }
            };
        }
        Err(ClusterError(
            "an event is changed by other relays all the time".to_owned(),
        ))
    }

    /// The ID makes NATS drop a second message about the same state of the event.
    async fn publish_pointer(
        &self,
        event: &StoredEvent,
        key: &str,
        revision: u64,
    ) -> Result<(), ClusterError> {
        let mut headers = HeaderMap::new();
        let id = format!("{}.{revision}", event.key.to_hex());
        headers.insert(async_nats::header::NATS_MESSAGE_ID, id);
        let subject = self.events_subject(&event.pixel);
        let pointer = format!("{key} {revision}");
        self.publish(subject, headers, pointer.into_bytes()).await
    }
}

/// The key of an event in its bucket.
fn event_key(event: &StoredEvent) -> String {
    let pixel = Key::pixel(&event.pixel);
    format!("{}.{}", pixel.to_hex(), event.key.to_hex())
}
