//! The thread that writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::accept::{self, Accepted, NewBatch};
use super::checkpoint::empty_log;
use super::claim::{self, Settlement};
use super::forget::{self, Erasure, Forgotten};
use super::maintain::{self, Removed};
use super::{Health, StoreError, Wakers};

/// The most jobs of one commit.
const MAX_GROUP: usize = 256;

/// How often an idle thread looks whether another process has changed the file, and tries again to write after a failure.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// Where a job's result goes, once it is on the disk.
pub type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the thread can do.
pub enum Job {
    /// Stores the events of a request.
    Accept(Box<NewBatch>, Reply<Accepted>),
    /// Records what became of events.
    Settle(Arc<Settlement>, Reply<()>),
    /// Deletes everything about a person.
    Forget(Erasure, Origin, Reply<Forgotten>),
    /// Does other work.
    Write(Work, Reply<()>),
    /// Deletes what is too old at this time.
    Maintain(u64, Reply<Removed>),
    /// Ends the thread.
    Stop,
}

/// Who asks to delete a person's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A visitor or an operator, of this relay. Other relays are to be told.
    Here,
    /// Another relay of the cluster.
    OtherRelay,
}

/// Work inside a transaction.
pub type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// Called with the result of the commit.
type OnCommit = Box<dyn FnOnce(Result<(), StoreError>, &Wakers)>;

struct Writer<'a> {
    connection: Connection,
    max_bytes: u64,
    health: &'a Health,
    wakers: &'a Wakers,
    committed: &'a SyncSender<()>,
    failed_at: Option<Instant>,
    data_version: i64,
}

/// Runs jobs until [`Job::Stop`] arrives or all senders are gone. `committed` gets a message after each commit.
pub fn run(
    connection: Connection,
    max_bytes: u64,
    health: &Health,
    wakers: &Wakers,
    jobs: &Receiver<Job>,
    committed: &SyncSender<()>,
) {
    let mut writer = Writer {
        connection,
        max_bytes,
        health,
        wakers,
        committed,
        failed_at: None,
        data_version: 0,
    };
    writer.look_for_changes();
    writer.update_fullness();
    loop {
        let first = match jobs.recv_timeout(IDLE_INTERVAL) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                writer.idle();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(MAX_GROUP - 1));
        let stop = group.iter().position(|job| matches!(job, Job::Stop));
        group.truncate(stop.unwrap_or(MAX_GROUP));
        writer.run_group(group);
        if stop.is_some() {
            break;
        }
    }
    // Without this, the next start has to read the log. Fails if another process reads.
    let _ = empty_log(&writer.connection);
}

impl Writer<'_> {
    /// Runs the jobs in one transaction, and answers them after its commit.
    fn run_group(&mut self, group: Vec<Job>) {
        if group.is_empty() {
            return;
        }
        let is_full = self.health.is_full.load(Ordering::Relaxed);
        if self.is_failing_now() {
            let failure = self.health.failure().unwrap_or_default();
            for job in group {
                refuse(job, StoreError::Failed(failure.clone()));
            }
            return;
        }
        let mut finishers = Vec::with_capacity(group.len());
        let mut has_forgotten = false;
        let mut failure = self.connection.execute_batch("BEGIN IMMEDIATE").err();
        for job in group {
            if let Some(error) = &failure {
                refuse(job, StoreError::Failed(error.to_string()));
            } else if is_full && matches!(job, Job::Accept(..)) {
                refuse(job, StoreError::Full);
            } else {
                match self.run_job(job) {
                    Ok((finisher, has_deleted_people)) => {
                        finishers.push(finisher);
                        has_forgotten |= has_deleted_people;
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
        if failure.is_none() {
            failure = self.connection.execute_batch("COMMIT").err();
        }
        match failure {
            None => {
                if self.failed_at.take().is_some() {
                    self.health.set_failure(None);
                    tracing::warn!("the store can be written again");
                }
                self.update_fullness();
                if has_forgotten && let Err(error) = empty_log(&self.connection) {
                    // The log still has what was deleted, until it is written over.
                    tracing::warn!("the store's log could not be emptied: {error}");
                }
                for finish in finishers {
                    finish(Ok(()), self.wakers);
                }
                // Fails if there is a message already.
                let _ = self.committed.try_send(());
            }
            Some(error) => {
                self.on_failure(&error);
                for finish in finishers {
                    finish(Err(StoreError::Failed(error.to_string())), self.wakers);
                }
            }
        }
    }

    /// Does the work of a job inside the open transaction. Also returns whether it has deleted data of people. If it fails,
    /// the job is answered, and the whole transaction must be rolled back.
    fn run_job(&self, job: Job) -> rusqlite::Result<(OnCommit, bool)> {
        fn with_reply<T: 'static>(
            result: rusqlite::Result<T>,
            reply: Reply<T>,
            wake: impl FnOnce(&Wakers) + 'static,
        ) -> rusqlite::Result<OnCommit> {
            match result {
                Ok(value) => Ok(Box::new(move |committed, wakers| {
                    if committed.is_ok() {
                        wake(wakers);
                    }
                    // The client may have disconnected.
                    let _ = reply.send(committed.map(|()| value));
                })),
                Err(error) => {
                    let _ = reply.send(Err(StoreError::Failed(error.to_string())));
                    Err(error)
                }
            }
        }
        let connection = &self.connection;
        Ok(match job {
            Job::Accept(batch, reply) => {
                let accepted = accept::accept(connection, &batch);
                let finisher =
                    with_reply(accepted, reply, move |wakers| wakers.wake(&batch.pixel))?;
                (finisher, false)
            }
            Job::Settle(settlement, reply) => {
                let settled = claim::settle(connection, &settlement);
                (with_reply(settled, reply, |_| {})?, false)
            }
            Job::Forget(erasure, origin, reply) => {
                let forgotten = match origin {
                    Origin::Here => forget::forget(connection, &erasure),
                    Origin::OtherRelay => forget::erase(connection, &erasure),
                };
                (with_reply(forgotten, reply, Wakers::wake_any)?, true)
            }
            Job::Write(work, reply) => (with_reply(work(connection), reply, |_| {})?, false),
            Job::Maintain(now_ms, reply) => {
                let removed = maintain::maintain(connection, now_ms);
                let has_deleted =
                    matches!(&removed, Ok(removed) if removed.clicks + removed.dead > 0);
                (with_reply(removed, reply, |_| {})?, has_deleted)
            }
            Job::Stop => (Box::new(|_, _| {}), false),
        })
    }

    /// After a failure, one group a second tries to write again. The others are refused without an attempt.
    fn is_failing_now(&self) -> bool {
        self.failed_at
            .is_some_and(|failed_at| failed_at.elapsed() < IDLE_INTERVAL)
    }

    fn on_failure(&mut self, error: &rusqlite::Error) {
        // This fails if SQLite has already rolled back.
        let _ = self.connection.execute_batch("ROLLBACK");
        if self.failed_at.replace(Instant::now()).is_none() {
            tracing::error!(
                "cannot write to the store, and take no events until that works again: {error}"
            );
        }
        self.health.set_failure(Some(error.to_string()));
    }

    fn idle(&mut self) {
        if self.failed_at.is_some() && !self.is_failing_now() {
            // Appends to the log, as every job does.
            let written = self.connection.execute_batch(
                "BEGIN IMMEDIATE;
                 INSERT INTO seen VALUES (x'', 0, 0);
                 DELETE FROM seen WHERE key = x'';
                 COMMIT",
            );
            match written {
                Ok(()) => {
                    self.failed_at = None;
                    self.health.set_failure(None);
                    tracing::warn!("the store can be written again");
                }
                Err(error) => self.on_failure(&error),
            }
        }
        if self.look_for_changes() {
            self.update_fullness();
            self.wakers.wake_all();
        }
    }

    /// Whether another process has changed the file, such as `oaiq-relay dead retry`.
    fn look_for_changes(&mut self) -> bool {
        let version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0));
        match version {
            Ok(version) => std::mem::replace(&mut self.data_version, version) != version,
            Err(_) => false,
        }
    }

    fn update_fullness(&self) {
        let pragma = |name: &str| -> rusqlite::Result<u64> {
            self.connection
                .pragma_query_value(None, name, |row| row.get(0))
        };
        let used =
            || Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?);
        let used: rusqlite::Result<u64> = used();
        // If it cannot be read, writing will fail too.
        let Ok(used) = used else { return };
        let is_full = used >= self.max_bytes;
        if self.health.is_full.swap(is_full, Ordering::Relaxed) != is_full {
            if is_full {
                tracing::error!("{}", StoreError::Full);
            } else {
                tracing::warn!("the store has room again");
            }
        }
    }
}

fn refuse(job: Job, error: StoreError) {
    // The client may have disconnected.
    match job {
        Job::Accept(_, reply) => _ = reply.send(Err(error)),
        Job::Settle(_, reply) => _ = reply.send(Err(error)),
        Job::Forget(_, _, reply) => _ = reply.send(Err(error)),
        Job::Write(_, reply) => _ = reply.send(Err(error)),
        Job::Maintain(_, reply) => _ = reply.send(Err(error)),
        Job::Stop => {}
    }
}
