//! The thread that owns the database connection, and the jobs that it takes.
//!
//! All reads and writes go through one queue, so a read sees everything that was queued before it, committed or not.
//! Writes are committed every [`COMMIT_INTERVAL`] and not per request, because the commit is the expensive part.
//!
//! Committed data has been handed to the operating system and survives the end of this process, however it ends. Waiting
//! for the disk as well (`fsync`) would stall every request for about 100 ms, so that happens only when the queue has
//! been idle for [`IDLE_INTERVAL`]. A power failure while events keep arriving may damage the file.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::store::database::Database;
use crate::store::index::{Admission, DedupKey, RetentionFloor};
use crate::store::record::EventRecord;

/// How long a write may wait for its commit. A response sent longer ago than this survives a crash.
const COMMIT_INTERVAL: Duration = Duration::from_millis(50);

/// How long the queue must be idle before committed data is synced to disk, and how often a failed write is retried.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// A job for the writer thread.
pub enum Job {
    /// Stores the events of one request.
    Insert(InsertBatch),
    /// Reads records.
    Query(
        EventQuery,
        oneshot::Sender<Result<Vec<EventRecord>, String>>,
    ),
    /// Deletes all events.
    Clear(oneshot::Sender<Result<(), String>>),
    /// Commits what is left and ends the thread.
    Stop,
}

/// The events of one request.
pub struct InsertBatch {
    /// The number of the request.
    pub batch: u64,
    /// Whether the request was accepted.
    pub admission: Admission,
    /// The pixel ID.
    pub pixel: String,
    /// The events, in the order of the request.
    pub records: Arc<[EventRecord]>,
    /// The dedup key of each record, if it was counted; same order.
    pub keys: Vec<Option<DedupKey>>,
    /// What to retain, indexed by [`Admission`].
    pub floors: [RetentionFloor; 2],
    /// Released once the batch is written, which bounds the queue.
    pub permit: OwnedSemaphorePermit,
}

/// Selects records, newest first.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only this pixel's.
    pub pixel: Option<String>,
    /// Only those with a smaller `seq`.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: usize,
    /// Stop after the record that reaches this many bytes.
    pub max_bytes: usize,
}

/// The last write error, until a write succeeds again.
#[derive(Debug, Default)]
pub struct WriteFailure(Mutex<Option<String>>);

impl WriteFailure {
    /// The error, if writes are failing.
    pub fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, error: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

struct Writer {
    connection: Connection,
    failure: Arc<WriteFailure>,
    /// When the open transaction began, if one is open.
    open_since: Option<Instant>,
    /// What the next commit must retain, indexed by [`Admission`].
    floors: Option<[RetentionFloor; 2]>,
    /// The last event number and the last request number written.
    last_seq_and_batch: (u64, u64),
    /// Committed data may not be on the disk yet.
    is_unsynced: bool,
}

/// Runs jobs until [`Job::Stop`] arrives or all senders are gone.
pub fn run_writer(database: Database, failure: Arc<WriteFailure>, queue: &Receiver<Job>) {
    let mut writer = Writer {
        connection: database.into_connection(),
        failure,
        open_since: None,
        floors: None,
        last_seq_and_batch: (0, 0),
        is_unsynced: false,
    };
    loop {
        let timeout = match writer.open_since {
            Some(open_since) => COMMIT_INTERVAL.saturating_sub(open_since.elapsed()),
            None if writer.is_unsynced || writer.failure.get().is_some() => IDLE_INTERVAL,
            None => Duration::MAX,
        };
        let result = match queue.recv_timeout(timeout) {
            Ok(Job::Insert(batch)) => writer.insert(&batch),
            Ok(Job::Query(query, reply)) => {
                let records = writer.query(&query);
                // The client may have disconnected.
                let _ = reply.send(records.map_err(|error| error.to_string()));
                Ok(())
            }
            Ok(Job::Clear(reply)) => {
                let cleared = writer.clear();
                let _ = reply.send(cleared.map_err(|error| error.to_string()));
                Ok(())
            }
            Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if writer.open_since.is_some() => Ok(()),
            Err(RecvTimeoutError::Timeout) if writer.failure.get().is_some() => writer.begin(),
            Err(RecvTimeoutError::Timeout) => writer.sync(),
        };
        let is_due = |open_since: Instant| open_since.elapsed() >= COMMIT_INTERVAL;
        let result = match result {
            Ok(()) if writer.open_since.is_some_and(is_due) => writer.commit(),
            other => other,
        };
        if let Err(error) = result {
            writer.on_error(&error);
        }
    }
    if let Err(error) = writer.commit() {
        writer.on_error(&error);
    }
    // If this fails, SQLite recovers the write-ahead log at the next start.
    let _ = writer.sync();
}

impl Writer {
    fn begin(&mut self) -> rusqlite::Result<()> {
        if self.open_since.is_none() {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            self.open_since = Some(Instant::now());
        }
        Ok(())
    }

    fn insert(&mut self, batch: &InsertBatch) -> rusqlite::Result<()> {
        self.begin()?;
        let admission = batch.admission as i64;
        let mut events = self.connection.prepare_cached(
            "INSERT INTO events (seq, batch, refused, key, verdict, event) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for (record, key) in batch.records.iter().zip(&batch.keys) {
            let key = key.map(|DedupKey(key)| key.cast_signed());
            events.execute(params![
                record.seq,
                record.batch,
                admission,
                key,
                record.verdict,
                record.event
            ])?;
        }
        if let Some(last) = batch.records.last() {
            self.connection
                .prepare_cached(
                    "INSERT INTO requests (batch, refused, pixel, request) VALUES (?, ?, ?, ?)",
                )?
                .execute(params![batch.batch, admission, batch.pixel, last.request])?;
            self.last_seq_and_batch = (last.seq, batch.batch);
        }
        self.floors = Some(batch.floors);
        Ok(())
    }

    fn evict(&mut self) -> rusqlite::Result<()> {
        let Some(floors) = self.floors.take() else {
            return Ok(());
        };
        for (admission, RetentionFloor { seq, batch }) in (0..).zip(floors) {
            let admission: i64 = admission;
            self.connection
                .prepare_cached("DELETE FROM events WHERE seq < ? AND refused = ?")?
                .execute(params![seq, admission])?;
            self.connection
                .prepare_cached("DELETE FROM requests WHERE batch < ? AND refused = ?")?
                .execute(params![batch, admission])?;
        }
        Ok(())
    }

    fn commit(&mut self) -> rusqlite::Result<()> {
        if self.open_since.is_none() {
            return Ok(());
        }
        self.evict()?;
        let (seq, batch) = self.last_seq_and_batch;
        if seq > 0 {
            self.connection
                .prepare_cached("UPDATE last SET seq = ?, batch = ?")?
                .execute(params![seq, batch])?;
        }
        self.connection.execute_batch("COMMIT")?;
        self.open_since = None;
        self.is_unsynced = true;
        if self.failure.get().is_some() {
            self.failure.set(None);
            tracing::warn!("events can be written again");
        }
        Ok(())
    }

    /// Moves the write-ahead log into the database file and syncs it to disk.
    fn sync(&mut self) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.is_unsynced) {
            self.connection
                .pragma_update(None, "synchronous", "NORMAL")?;
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            self.connection.pragma_update(None, "synchronous", "OFF")?;
        }
        Ok(())
    }

    fn query(&mut self, query: &EventQuery) -> rusqlite::Result<Vec<EventRecord>> {
        if self.open_since.is_some() {
            self.evict()?;
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, batch, request, verdict, event FROM events JOIN requests USING (batch)
             WHERE seq < ?1 AND (?2 IS NULL OR pixel = ?2) ORDER BY seq DESC LIMIT ?3",
        )?;
        let max = i64::MAX.cast_unsigned();
        let before = query.before.unwrap_or(max).min(max);
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![before, query.pixel, limit])?;
        let mut records = Vec::new();
        let mut bytes = 0;
        while bytes < query.max_bytes
            && let Some(row) = rows.next()?
        {
            let record = EventRecord {
                seq: row.get(0)?,
                batch: row.get(1)?,
                request: row.get(2)?,
                verdict: row.get(3)?,
                event: row.get(4)?,
            };
            bytes += record.json_size();
            records.push(record);
        }
        Ok(records)
    }

    fn clear(&mut self) -> rusqlite::Result<()> {
        self.begin()?;
        self.connection
            .execute_batch("DELETE FROM events; DELETE FROM requests")?;
        self.floors = None;
        self.commit()?;
        // Without this, the deleted events would remain readable in the file.
        self.connection.execute_batch("VACUUM")?;
        self.is_unsynced = true;
        self.sync()
    }

    /// Drops the open transaction and records the error. Until a write succeeds again, new events are rejected; see
    /// [`WriteFailure`].
    fn on_error(&mut self, error: &rusqlite::Error) {
        if self.open_since.take().is_some() {
            // This fails only if SQLite has already rolled back.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if self.failure.get().is_none() {
            tracing::error!(
                "cannot write events, and those of the last {COMMIT_INTERVAL:?} are lost: {error}"
            );
        }
        self.failure.set(Some(error.to_string()));
    }
}
