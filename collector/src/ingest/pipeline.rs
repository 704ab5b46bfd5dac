//! Where requests arrive: what is counted, what is kept, and who is told.

use std::convert::Infallible;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use axum::http::StatusCode;
use axum::response::sse;
use futures_util::Stream;
use tokio::sync::{Semaphore, oneshot};

use crate::http::error::ApiError;
use crate::store::broadcast::Broadcaster;
use crate::store::database::Database;
use crate::store::index::{Admission, DedupKey, EventIndex, IndexEntry};
use crate::store::record::{EventRecord, Notes, Outcome, RequestMeta, Verdict};
use crate::store::writer::{self, EventQuery, InsertBatch, Job, WriteFailure};

/// How much may wait to be written, in KiB. Who sends more waits for his answer.
const QUEUE_KIB: usize = 16 * 1024;

/// What a request takes of it at least: that many small ones are written in far less than a second, so that nothing
/// that was answered waits longer.
const MIN_PERMIT_KIB: usize = 16;

/// What an event takes of it besides its text, in bytes: its verdict and its numbers.
const PER_EVENT_OVERHEAD: usize = 512;

/// An event, looked at.
#[derive(Debug)]
pub struct EvaluatedEvent {
    /// As it came; `null` where there is none.
    pub event: Box<str>,
    /// What is known of it without the others.
    pub evaluation: Evaluation,
    /// What else there is to say.
    pub notes: Notes,
}

/// What is known of an event without the others.
#[derive(Debug)]
pub enum Evaluation {
    /// It is to be counted, if it is the first of its key. Without a key it always is.
    Countable(Option<DedupKey>),
    /// It is not to be counted.
    Final(Verdict),
}

impl EvaluatedEvent {
    /// What stands for a request whose events could not be told apart.
    pub fn unparsed(error: String) -> Self {
        Self {
            event: "null".into(),
            evaluation: Evaluation::Final(Verdict::refused(error)),
            notes: Notes::default(),
        }
    }
}

/// What became of the events of a request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// So many were counted.
    pub counted: usize,
    /// So many had been counted before.
    pub duplicates: usize,
}

/// What is kept and its watchers, in step: numbers are given, and the file and the watchers are told, under one lock, so that
/// all learn of everything in the order of its numbers.
pub struct Ingest {
    index: Mutex<EventIndex>,
    broadcaster: Broadcaster,
    queue: Sender<Job>,
    capacity: Arc<Semaphore>,
    failure: Arc<WriteFailure>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Ingest {
    /// Goes on with what the file has.
    pub fn new(mut db: Database) -> Self {
        let (queue, jobs) = mpsc::channel();
        let failure = Arc::new(WriteFailure::default());
        let index = std::mem::take(&mut db.index);
        let thread = thread::spawn({
            let failure = Arc::clone(&failure);
            move || writer::run_writer(db, failure, &jobs)
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

    /// Takes the events of one request.
    ///
    /// # Errors
    /// 503 when nothing can be written.
    pub async fn receive(
        &self,
        request: RequestMeta,
        events: Vec<EvaluatedEvent>,
    ) -> Result<Counts, ApiError> {
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

        let mut counts = Counts::default();
        let mut index = self.index();
        let batch = index.next_batch();
        let mut keys = Vec::with_capacity(events.len());
        let mut records = Vec::with_capacity(events.len());
        for EvaluatedEvent {
            event,
            evaluation,
            notes,
        } in events
        {
            let seq = index.next_seq();
            let (verdict, key) = match evaluation {
                Evaluation::Final(verdict) => (verdict, None),
                Evaluation::Countable(key) => match key.and_then(|key| index.first_seq(key)) {
                    Some(duplicate_of) => {
                        counts.duplicates += 1;
                        (Verdict::Duplicate { duplicate_of }, None)
                    }
                    None => {
                        counts.counted += 1;
                        (Verdict::Counted, key)
                    }
                },
            };
            let record = EventRecord {
                seq,
                batch,
                request: Arc::clone(&shared),
                verdict: serde_json::to_string(&Outcome {
                    verdict: &verdict,
                    notes: &notes,
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
        }))?;
        Ok(counts)
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// 503 when nothing can be written.
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

    /// Entries, newest first; all that was answered before is among them.
    ///
    /// # Errors
    /// 503 when they cannot be read.
    pub async fn query(&self, query: EventQuery) -> Result<Vec<EventRecord>, ApiError> {
        let (reply, records) = oneshot::channel();
        self.send(Job::Query(query, reply))?;
        records
            .await
            .map_err(|_| stopping())?
            .map_err(|error| unavailable(&error))
    }

    /// How many events are kept.
    pub fn stored_count(&self) -> usize {
        self.index().stored_count()
    }

    /// See [`Broadcaster::subscribe`].
    pub fn subscribe(&self) -> impl Stream<Item = Result<sse::Event, Infallible>> + use<> {
        self.broadcaster.subscribe()
    }

    /// Ends the streams of all who watch, so that the collector can stop.
    pub fn close_streams(&self) {
        self.broadcaster.close();
    }

    /// Writes all that is left. Nothing can be received or read afterwards.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn close(&self) -> Result<(), String> {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // where it has ended already there is nothing to stop
            let _ = self.queue.send(Job::Stop);
            thread
                .join()
                .map_err(|_| "the thread that writes has failed".to_owned())?;
        }
        self.failure.get().map_or(Ok(()), Err)
    }

    fn send(&self, job: Job) -> Result<(), ApiError> {
        self.queue.send(job).map_err(|_| stopping())
    }

    /// A panic under the lock would be a fault of ours in one request; the others go on.
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
        "the collector cannot keep events at present: {error}; look at its file and the room on its disk"
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
