//! Copies what was committed from SQLite's log into the database file, in a thread of its own. If the thread that writes did it,
//! requests would wait for it every few commits.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, ffi};

/// How long to wait after a commit. Pages that change often are then copied once for many commits.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long to wait for others that use the log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Copies everything into the database file, and empties the log. Without this, the log still has what was deleted.
///
/// # Errors
/// Those of SQLite, and [`ErrorCode::DatabaseBusy`] if others have used the log all the time.
pub fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        let is_busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !is_busy {
            return Ok(());
        }
        // SQLite does not wait for another connection that copies.
        if start.elapsed() > BUSY_TIMEOUT {
            let busy = ffi::Error {
                code: ErrorCode::DatabaseBusy,
                extended_code: ffi::SQLITE_BUSY,
            };
            return Err(rusqlite::Error::SqliteFailure(busy, None));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs until the sender of `commits`, which gets a message after each commit, is gone.
pub fn run(connection: &Connection, commits: &Receiver<()>) {
    while commits.recv().is_ok() {
        let due = Instant::now() + INTERVAL;
        loop {
            match commits.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                // The thread that writes has copied everything at its end.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        // PASSIVE waits for nobody, and nobody waits for it. It fails on a full or broken disk, where commits fail as well, and
        // that is logged there.
        let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = copied {
            tracing::debug!("the store's log could not be copied: {error}");
        }
    }
}
