//! Where requests arrive: what is counted, what is kept, and who is told.

pub mod conversions_api;
pub mod image_tag;
pub mod ordered_fields;
pub mod rules;
pub mod sdk_batch;

use std::convert::Infallible;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use axum::http::StatusCode;
use axum::response::sse;
use futures_util::Stream;
use tokio::sync::{Semaphore, oneshot};

use crate::http::error::Refusal;
use crate::store::broadcast::Broadcaster;
use crate::store::database::{self, Database, EventQuery, InsertBatch, Job, WriteFailure};
use crate::store::index::{Admission, DedupKey, EventIndex, IndexEntry};
use crate::store::record::{EventRecord, Notes, Outcome, RequestMeta, Verdict};

/// How much may wait to be written, in KiB. Who sends more waits for his answer.
const ROOM: usize = 16 * 1024;

/// What a request takes of it at least: that many small ones are written in far less than a second, so that nothing
/// that was answered waits longer.
const LEAST: usize = 16;

/// What an event takes of it besides its text, in bytes: its verdict and its numbers.
const BESIDES: usize = 512;

/// An event, looked at.
#[derive(Debug)]
pub struct Judged {
    /// As it came; `null` where there is none.
    pub event: Box<str>,
    /// What is known of it without the others.
    pub judgement: Judgement,
    /// What else there is to say.
    pub notes: Notes,
}

/// What is known of an event without the others.
#[derive(Debug)]
pub enum Judgement {
    /// It is to be counted, if it is the first of its key. Without a key it always is.
    Counts(Option<DedupKey>),
    /// It is not to be counted.
    Is(Verdict),
}

impl Judged {
    /// What stands for a request whose events could not be told apart.
    pub fn none(error: String) -> Self {
        Self {
            event: "null".into(),
            judgement: Judgement::Is(Verdict::refused(error)),
            notes: Notes::default(),
        }
    }
}

/// What became of the events of a request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// So many were counted.
    pub counted: usize,
    /// So many had been counted before.
    pub duplicates: usize,
}

/// What is kept and its watchers, in step: numbers are given, and the file and the watchers are told, under one lock, so that
/// all learn of everything in the order of its numbers.
pub struct Inbox {
    index: Mutex<EventIndex>,
    broadcaster: Broadcaster,
    queue: Sender<Job>,
    room: Arc<Semaphore>,
    failure: Arc<WriteFailure>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Inbox {
    /// Goes on with what the file has.
    pub fn new(mut opened: Database) -> Self {
        let (queue, work) = mpsc::channel();
        let failure = Arc::new(WriteFailure::default());
        let index = std::mem::take(&mut opened.index);
        let thread = thread::spawn({
            let failure = Arc::clone(&failure);
            move || database::run_writer(opened, failure, &work)
        });
        Self {
            index: Mutex::new(index),
            broadcaster: Broadcaster::default(),
            queue,
            room: Arc::new(Semaphore::new(ROOM)),
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
        events: Vec<Judged>,
    ) -> Result<Tally, Refusal> {
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
        let texts = events.iter().map(|judged| judged.event.len() + BESIDES);
        let size = shared.len() + texts.sum::<usize>();
        let room = u32::try_from((size / 1024).clamp(LEAST, ROOM)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(room)
            .await
            .map_err(|error| internal(&error))?;

        let mut tally = Tally::default();
        let mut index = self.index();
        let batch = index.next_batch();
        let mut keys = Vec::with_capacity(events.len());
        let mut records = Vec::with_capacity(events.len());
        for Judged {
            event,
            judgement,
            notes,
        } in events
        {
            let seq = index.next_seq();
            let (verdict, key) = match judgement {
                Judgement::Is(verdict) => (verdict, None),
                Judgement::Counts(key) => match key.and_then(|key| index.first_seq(key)) {
                    Some(duplicate_of) => {
                        tally.duplicates += 1;
                        (Verdict::Duplicate { duplicate_of }, None)
                    }
                    None => {
                        tally.counted += 1;
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
            permit: room,
        }))?;
        Ok(tally)
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// 503 when nothing can be written.
    pub async fn clear(&self) -> Result<(), Refusal> {
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
    pub async fn read(&self, wanted: EventQuery) -> Result<Vec<EventRecord>, Refusal> {
        let (reply, records) = oneshot::channel();
        self.send(Job::Query(wanted, reply))?;
        records
            .await
            .map_err(|_| stopping())?
            .map_err(|error| unavailable(&error))
    }

    /// How many events are kept.
    pub fn kept(&self) -> usize {
        self.index().stored_count()
    }

    /// See [`Broadcaster::subscribe`].
    pub fn stream(&self) -> impl Stream<Item = Result<sse::Event, Infallible>> + use<> {
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

    fn send(&self, work: Job) -> Result<(), Refusal> {
        self.queue.send(work).map_err(|_| stopping())
    }

    /// A panic under the lock would be a fault of ours in one request; the others go on.
    fn index(&self) -> MutexGuard<'_, EventIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

fn unavailable(error: &str) -> Refusal {
    let error = format!(
        "the collector cannot keep events at present: {error}; look at its file and the room on its disk"
    );
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error)
}

fn stopping() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the collector is stopping")
}

fn internal(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("a fault of the collector's own: {error}"),
    )
}
