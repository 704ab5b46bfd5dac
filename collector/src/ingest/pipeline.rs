//! The path of every request after it was parsed: numbering, deduplication, storage and broadcast.

use std::convert::Infallible;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use axum::http::StatusCode;
use axum::response::sse;
use futures_util::Stream;
use oaiq_ingest::remarks::Notes;
use tokio::sync::{Semaphore, oneshot};

use crate::http::error::ApiError;
use crate::store::broadcast::Broadcaster;
use crate::store::database::Database;
use crate::store::index::{Admission, DedupKey, EventIndex, IndexEntry};
use crate::store::record::{EventRecord, Outcome, RequestMeta, Verdict};
use crate::store::writer::{self, EventQuery, InsertBatch, Job, WriteFailure};

/// How much may be queued for the writer, in KiB. A request that exceeds it waits for its response.
const QUEUE_KIB: usize = 16 * 1024;

/// The least that a request takes of the queue. It limits the queue to as many small requests as are written in well
/// under a second, so that no acknowledged request waits longer.
const MIN_PERMIT_KIB: usize = 16;

/// What an event takes of the queue besides its text, in bytes: its verdict and its numbers.
const PER_EVENT_OVERHEAD: usize = 512;

/// An event with the result of its validation.
#[derive(Debug)]
pub struct EvaluatedEvent {
    /// The event as received; `null` if there is none.
    pub event: Box<str>,
    /// The verdict, as far as it does not depend on other events.
    pub evaluation: Evaluation,
    /// Remarks besides the verdict.
    pub notes: Notes,
    /// What a relay says about it, see [`Outcome::relay`].
    pub relay: Option<String>,
}

/// The verdict on an event, as far as it does not depend on other events.
#[derive(Debug)]
pub enum Evaluation {
    /// Valid: it is counted if it is the first with this key, and always if it has no key.
    Countable(Option<DedupKey>),
    /// Not counted, with this verdict.
    Final(Verdict),
}

impl EvaluatedEvent {
    /// A placeholder for a request whose events could not be parsed.
    pub fn unparsed(error: String) -> Self {
        Self {
            event: "null".into(),
            evaluation: Evaluation::Final(Verdict::refused(error)),
            notes: Notes::default(),
            relay: None,
        }
    }
}

/// Receives evaluated events. Numbering, queueing for the writer and broadcasting happen under one lock, so that the
/// database and all inspectors see events in the order of their numbers.
pub struct Ingest {
    index: Mutex<EventIndex>,
    broadcaster: Broadcaster,
    queue: Sender<Job>,
    capacity: Arc<Semaphore>,
    failure: Arc<WriteFailure>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Ingest {
    /// Continues with the events in the database.
    pub fn new(mut database: Database) -> Self {
        let (queue, jobs) = mpsc::channel();
        let failure = Arc::new(WriteFailure::default());
        let index = std::mem::take(&mut database.index);
        let thread = thread::spawn({
            let failure = Arc::clone(&failure);
            move || writer::run_writer(database, failure, &jobs)
        });
        Self {
            index: Mutex::new(index),
            broadcaster: Broadcaster::default(),
            queue,
            capacity: Arc::new(Semaphore::new(QUEUE_KIB)),
            failure,
            thread: Mutex::new(Some(thread)),
        }
    }

    /// Stores the events of one request.
    ///
    /// # Errors
    /// 503 if writes are failing or the collector is stopping.
    pub async fn receive(
        &self,
        request: RequestMeta,
        events: Vec<EvaluatedEvent>,
    ) -> Result<(), ApiError> {
        if let Some(error) = self.failure.get() {
            return Err(unavailable(&error));
        }
        let admission = match request.status {
            ..400 => Admission::Accepted,
            _ => Admission::Rejected,
        };
        let shared: Arc<str> = serde_json::to_string(&request)
            .map_err(|error| internal(&error))?
            .into();
        let texts = events
            .iter()
            .map(|evaluated| evaluated.event.len() + PER_EVENT_OVERHEAD);
        let size = shared.len() + texts.sum::<usize>();
        let kib = u32::try_from((size / 1024).clamp(MIN_PERMIT_KIB, QUEUE_KIB)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.capacity)
            .acquire_many_owned(kib)
            .await
            .map_err(|error| internal(&error))?;

        let mut index = self.index();
        let batch = index.next_batch();
        let mut keys = Vec::with_capacity(events.len());
        let mut records = Vec::with_capacity(events.len());
        for EvaluatedEvent {
            event,
            evaluation,
            notes,
            relay,
        } in events
        {
            let seq = index.next_seq();
            let (verdict, key) = match evaluation {
                Evaluation::Final(verdict) => (verdict, None),
                Evaluation::Countable(key) => match key.and_then(|key| index.first_seq(key)) {
                    Some(duplicate_of) => (Verdict::Duplicate { duplicate_of }, None),
                    None => (Verdict::Counted, key),
                },
            };
            let record = EventRecord {
                seq,
                batch,
                request: Arc::clone(&shared),
                verdict: serde_json::to_string(&Outcome {
                    verdict: &verdict,
                    notes: &notes,
                    relay: relay.as_deref(),
                })
                .map_err(|error| internal(&error))?
                .into(),
                event,
            };
            let bytes = record.json_size();
            index.insert(
                admission,
                IndexEntry {
                    seq,
                    batch,
                    bytes,
                    key,
                },
            );
            keys.push(key);
            records.push(record);
        }
        let records: Arc<[EventRecord]> = records.into();
        self.broadcaster.publish(&records);
        self.send(Job::Insert(InsertBatch {
            batch,
            admission,
            pixel: request.pixel,
            records,
            keys,
            floors: index.evict(),
            permit,
        }))
    }

    /// Deletes all events.
    ///
    /// # Errors
    /// 503 if they cannot be deleted.
    pub async fn clear(&self) -> Result<(), ApiError> {
        let (reply, cleared) = oneshot::channel();
        {
            let mut index = self.index();
            self.send(Job::Clear(reply))?;
            index.clear();
            self.broadcaster.publish_cleared();
        }
        cleared
            .await
            .map_err(|_| stopping())?
            .map_err(|error| unavailable(&error))
    }

    /// Reads records, newest first, including every request that was acknowledged before.
    ///
    /// # Errors
    /// 503 if they cannot be read.
    pub async fn query(&self, query: EventQuery) -> Result<Vec<EventRecord>, ApiError> {
        let (reply, records) = oneshot::channel();
        self.send(Job::Query(query, reply))?;
        records
            .await
            .map_err(|_| stopping())?
            .map_err(|error| unavailable(&error))
    }

    /// How many events are stored.
    pub fn stored_count(&self) -> usize {
        self.index().stored_count()
    }

    /// See [`Broadcaster::subscribe`].
    pub fn subscribe(&self) -> impl Stream<Item = Result<sse::Event, Infallible>> + use<> {
        self.broadcaster.subscribe()
    }

    /// Ends all event streams, so that the collector can stop.
    pub fn close_streams(&self) {
        self.broadcaster.close();
    }

    /// Writes what is queued and ends the writer. Nothing can be received or read afterwards.
    ///
    /// # Errors
    /// The write error, if not everything was written.
    pub fn close(&self) -> Result<(), String> {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // Fails only if the thread has already ended.
            let _ = self.queue.send(Job::Stop);
            thread
                .join()
                .map_err(|_| "the writer thread panicked".to_owned())?;
        }
        self.failure.get().map_or(Ok(()), Err)
    }

    fn send(&self, job: Job) -> Result<(), ApiError> {
        self.queue.send(job).map_err(|_| stopping())
    }

    /// Ignores poisoning: a panic in one request must not stop the others.
    fn index(&self) -> MutexGuard<'_, EventIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

fn unavailable(error: &str) -> ApiError {
    let error = format!(
        "the collector cannot access its stored events: {error}. Check the database file and the free disk space"
    );
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error)
}

fn stopping() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the collector is stopping")
}

fn internal(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("internal error: {error}"),
    )
}
