//! The store: one SQLite file with undelivered events, clicks, links and dead letters.
//!
//! One thread owns the connection that writes ([`writer`]). It commits whatever has queued up while the previous commit was
//! on its way to the disk, so that many requests share one `fsync`, and answers each of them only then. Another thread
//! ([`checkpoint`]) empties SQLite's log. Reading has a connection of its own: in WAL mode none of them waits for the others. The
//! command line opens the same file in its own process.

pub mod accept;
pub mod checkpoint;
pub mod claim;
pub mod dead;
pub mod forget;
pub mod handover;
pub mod maintain;
pub mod schema;
pub mod stats;
mod writer;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use crate::clock::Clock;
use accept::{Accepted, NewBatch};
use claim::{Claim, Claimed, Settlement};
use forget::{Erasure, Forgotten, Person};
use maintain::Removed;
use schema::{IfMissing, OpenError, ServeLock};
use stats::Stats;
use writer::{Job, Origin, Reply};

/// Why the store could not do what was asked. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// It has `store.max_bytes` of data.
    Full,
    /// SQLite cannot read or write, for instance because the disk is full.
    Failed(String),
    /// The relay is stopping.
    Stopping,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the store has reached store.max_bytes: raise it, or wait until events are delivered"),
            Self::Failed(error) => write!(f, "the store cannot be used: {error}. Check the free disk space and the permissions"),
            Self::Stopping => f.write_str("the relay is stopping"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Wakes the one that forwards a pixel's events.
#[derive(Debug, Default)]
pub struct Wakers {
    pixels: RwLock<HashMap<String, Arc<Notify>>>,
    any: Notify,
}

impl Wakers {
    /// The waker of a pixel.
    pub fn of(&self, pixel: &str) -> Arc<Notify> {
        let mut wakers = self.pixels.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(wakers.entry(pixel.to_owned()).or_default())
    }

    /// Resolves after events of any pixel were stored.
    pub async fn any(&self) {
        self.any.notified().await;
    }

    /// Resolves [`Wakers::any`] alone.
    pub fn wake_any(&self) {
        self.any.notify_one();
    }

    /// Wakes one.
    pub fn wake(&self, pixel: &str) {
        self.any.notify_one();
        let wakers = self.pixels.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = wakers.get(pixel) {
            waker.notify_one();
        }
    }

    /// Wakes all.
    pub fn wake_all(&self) {
        self.any.notify_one();
        let wakers = self.pixels.read().unwrap_or_else(PoisonError::into_inner);
        wakers.values().for_each(|waker| waker.notify_one());
    }
}

/// Whether the store takes events, shared with its thread.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failure: Mutex<Option<String>>,
    is_full: AtomicBool,
}

impl Health {
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_failure(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// One connection for each kind of work.
struct Connections {
    writer: Connection,
    reader: Connection,
    checkpointer: Connection,
}

/// The store of a relay that serves. Its clones share one thread.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    queue: Sender<Job>,
    reader: Mutex<Connection>,
    health: Arc<Health>,
    wakers: Arc<Wakers>,
    clock: Clock,
    file: PathBuf,
    /// The thread that writes, and the one that empties the log. The second ends after the first.
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// None if nothing is stored.
    lock: Option<ServeLock>,
}

impl Store {
    /// Opens or creates the file and starts its thread.
    ///
    /// # Errors
    /// What is wrong with the file, for the operator.
    pub fn open(file: &Path, max_bytes: u64, clock: Clock) -> Result<Self, OpenError> {
        let lock = ServeLock::take(file)?;
        let connection = schema::open(file, IfMissing::Create)?;
        let open_reader = || {
            schema::open_reader(file)
                .map_err(|error| OpenError::Other(file.to_owned(), error.to_string()))
        };
        let connections = Connections {
            writer: connection,
            reader: open_reader()?,
            checkpointer: open_reader()?,
        };
        Self::start(file, connections, max_bytes, clock, Some(lock))
    }

    /// A store that keeps and forwards nothing: [`Store::accept`] returns at once. It is for measuring what storing costs, and
    /// no configuration leads here.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn discarding(clock: Clock) -> Result<Self, OpenError> {
        let nowhere = Path::new(":memory:");
        let connections = Connections {
            writer: schema::open_in_memory()?,
            reader: schema::open_in_memory()?,
            checkpointer: schema::open_in_memory()?,
        };
        Self::start(nowhere, connections, u64::MAX, clock, None)
    }

    fn start(
        file: &Path,
        connections: Connections,
        max_bytes: u64,
        clock: Clock,
        lock: Option<ServeLock>,
    ) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::channel();
        let health = Arc::new(Health::default());
        let wakers = Arc::new(Wakers::default());
        let Connections {
            writer,
            reader,
            checkpointer,
        } = connections;
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
            thread.map_err(|error| OpenError::Other(file.to_owned(), error.to_string()))
        };
        // One message says as much as several.
        let (committed, commits) = mpsc::sync_channel(1);
        let writing = {
            let (health, wakers) = (Arc::clone(&health), Arc::clone(&wakers));
            move || writer::run(writer, max_bytes, &health, &wakers, &jobs, &committed)
        };
        let threads = vec![
            spawn("store", Box::new(writing))?,
            spawn(
                "checkpoint",
                Box::new(move || checkpoint::run(&checkpointer, &commits)),
            )?,
        ];
        Ok(Self(Arc::new(Shared {
            queue,
            reader: Mutex::new(reader),
            health,
            wakers,
            clock,
            file: file.to_owned(),
            threads: Mutex::new(threads),
            lock,
        })))
    }

    /// Stores the events of one request. When this returns, they are on the disk.
    ///
    /// # Errors
    /// If it is full, failing or stopping. Then nothing is stored.
    pub async fn accept(&self, batch: NewBatch) -> Result<Accepted, StoreError> {
        if self.0.lock.is_none() {
            return Ok(Accepted {
                new: batch.events.len(),
                ..Accepted::default()
            });
        }
        self.ask(|reply| Job::Accept(Box::new(batch), reply)).await
    }

    /// Records what became of events.
    ///
    /// # Errors
    /// If it is failing. The events are then forwarded again.
    pub async fn settle(&self, settlement: Arc<Settlement>) -> Result<(), StoreError> {
        self.ask(|reply| Job::Settle(settlement, reply)).await
    }

    /// Deletes everything about a person.
    ///
    /// # Errors
    /// If it is failing.
    pub async fn forget(&self, person: Person) -> Result<Forgotten, StoreError> {
        let erasure = person.erasure(self.0.clock.now_ms());
        self.ask(|reply| Job::Forget(erasure, Origin::Here, reply))
            .await
    }

    /// Deletes what this file has of a person, as another relay has told.
    ///
    /// # Errors
    /// If it is failing.
    pub async fn erase(&self, erasure: Erasure) -> Result<Forgotten, StoreError> {
        self.ask(|reply| Job::Forget(erasure, Origin::OtherRelay, reply))
            .await
    }

    /// Does the work in a transaction.
    ///
    /// # Errors
    /// If it is failing.
    pub async fn write(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.ask(|reply| Job::Write(Box::new(work), reply)).await
    }

    /// Deletes what is older than it may be.
    ///
    /// # Errors
    /// If it is failing.
    pub async fn maintain(&self) -> Result<Removed, StoreError> {
        let now_ms = self.0.clock.now_ms();
        self.ask(|reply| Job::Maintain(now_ms, reply)).await
    }

    /// Reads events of a pixel that are due.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        self.read(move |connection| claim::claim(connection, &claim))
            .await
    }

    /// Counts what is stored.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        let now_ms = self.0.clock.now_ms();
        self.read(move |connection| stats::stats(connection, now_ms))
            .await
    }

    /// Why the store takes no events at present.
    pub fn problem(&self) -> Option<StoreError> {
        if let Some(failure) = self.0.health.failure() {
            return Some(StoreError::Failed(failure));
        }
        let is_full = self.0.health.is_full.load(Ordering::Relaxed);
        is_full.then_some(StoreError::Full)
    }

    /// The wakers of those that forward.
    pub fn wakers(&self) -> &Wakers {
        &self.0.wakers
    }

    /// The relay's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The database file.
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Commits what is queued and ends the thread. Nothing can be written afterwards.
    pub fn close(&self) {
        self.0.end();
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.0
            .queue
            .send(job(reply))
            .map_err(|_| StoreError::Stopping)?;
        answer.await.map_err(|_| StoreError::Stopping)?
    }

    /// Reads in a thread for it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.0);
        let reading = tokio::task::spawn_blocking(move || {
            // A panic while reading leaves the connection usable.
            work(&shared.reader.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match reading.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(StoreError::Stopping),
        }
    }
}

impl Shared {
    /// Ends the threads.
    fn end(&self) {
        // Fails only if the thread has ended.
        let _ = self.queue.send(Job::Stop);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
