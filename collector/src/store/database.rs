//! The file that outlives the collector: SQLite, and the one thread that has it open.
//!
//! All that is to be written or read goes through one queue, so who reads sees all that was put into it before,
//! also what is not committed yet. A commit is made every [`COMMIT_EVERY`], not for each request: it is what costs.
//!
//! What is committed has been handed to the operating system, and survives the end of this program, however that comes. To wait
//! for the disk as well would stop everything for a tenth of a second again and again, so that is done when nothing has come for
//! a second ([`IDLE_AFTER`]): only if the whole machine fails while events pour in may the file be damaged.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::store::index::{Admission, DedupKey, EventIndex, IndexEntry, RetentionFloor};
use crate::store::record::EventRecord;

/// How long what has been written may wait for its commit. What was answered longer ago survives a crash.
const COMMIT_EVERY: Duration = Duration::from_millis(50);

/// When it is tried again to write after that has failed, and when what has been written is brought to the disk.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// `oaiq`: by it SQLite's file header says whose file it is (<https://sqlite.org/fileformat.html#application_id>).
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"oaiq");

/// The tables below. Another number is another collector's.
const SCHEMA_VERSION: i32 = 1;

/// `refused` is a [`Admission`], `key` a [`DedupKey`]; the large columns come last, so that SQLite need not read them to pass by.
const SCHEMA: &str = "
CREATE TABLE requests (
    batch INTEGER PRIMARY KEY,
    refused INTEGER NOT NULL,
    pixel TEXT NOT NULL,
    request TEXT NOT NULL
) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    key INTEGER,
    verdict TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE TABLE last (seq INTEGER NOT NULL, batch INTEGER NOT NULL) STRICT;
INSERT INTO last VALUES (0, 0);
";

/// Why a file cannot be used, in words for the person who named it.
#[derive(Debug)]
pub enum OpenError {
    /// Another collector has it.
    InUse(PathBuf),
    /// It is no collector's.
    NotOurs(PathBuf),
    /// It is that of a collector of another version.
    WrongSchema(PathBuf, i32),
    /// Anything else: no right to write there, no such folder.
    Other(PathBuf, String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::InUse(file) => write!(
                f,
                "{} is in use by another collector: stop that one, or give this one a file of its own with `--data FILE`",
                file.display()
            ),
            Self::NotOurs(file) => write!(
                f,
                "{} is not a collector's file, and has been left as it is: name another with `--data FILE`",
                file.display()
            ),
            Self::WrongSchema(file, version) => write!(
                f,
                "{} has been written by a collector of another version (its tables are number {version}, this one's {SCHEMA_VERSION}): name another with `--data FILE`, or move it away",
                file.display()
            ),
            Self::Other(file, error) => write!(
                f,
                "cannot keep events in {}: {error}; name another file with `--data FILE`",
                file.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// The file, open, with what it says of the events in it.
pub struct Database {
    connection: Connection,
    /// The numbers of what is in it.
    pub index: EventIndex,
    /// Where a damaged file was set aside, if there was one.
    pub quarantined: Option<PathBuf>,
}

impl Database {
    /// Opens the file, or makes it. A damaged one is set aside under another name, and a new one begun.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        let other = |error: &dyn fmt::Display| OpenError::Other(file.to_owned(), error.to_string());
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(|error| other(&error))?;
        }
        let owner = owner_of(file).map_err(|error| other(&error))?;
        if owner == Owner::Other {
            return Err(OpenError::NotOurs(file.to_owned()));
        }
        let damage = if owner == Owner::Unreadable {
            "it is no SQLite file any more".to_owned()
        } else {
            match Self::open_or_create(file) {
                Ok(opened) => return Ok(opened),
                Err(OpenFailure::Damaged(what)) => what,
                Err(OpenFailure::InUse) => return Err(OpenError::InUse(file.to_owned())),
                Err(OpenFailure::OtherVersion(version)) => {
                    return Err(OpenError::WrongSchema(file.to_owned(), version));
                }
                Err(OpenFailure::Other(what)) => return Err(other(&what)),
            }
        };
        tracing::debug!("{} is damaged: {damage}", file.display());
        let quarantined = quarantine(file).map_err(|error| other(&error))?;
        match Self::open_or_create(file) {
            Ok(opened) => Ok(Self {
                quarantined: Some(quarantined),
                ..opened
            }),
            Err(problem) => Err(other(&format!("{problem:?}"))),
        }
    }

    /// Without a file: it is all forgotten at the end.
    pub fn in_memory() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        Ok(Self {
            connection,
            index: EventIndex::default(),
            quarantined: None,
        })
    }

    fn open_or_create(file: &Path) -> Result<Self, OpenFailure> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_millis(500))?;
        let version = prepare(&connection)?;
        if version != SCHEMA_VERSION {
            return Err(OpenFailure::OtherVersion(version));
        }
        let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if check != "ok" {
            return Err(OpenFailure::Damaged(check));
        }
        let index = read_index(&connection)?;
        Ok(Self {
            connection,
            index,
            quarantined: None,
        })
    }
}

/// What may come of opening a file.
#[derive(Debug)]
enum OpenFailure {
    InUse,
    Damaged(String),
    OtherVersion(i32),
    Other(String),
}

impl From<rusqlite::Error> for OpenFailure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            // a table or a column is missing, or holds what it cannot
            Some(ErrorCode::Unknown) | None => Self::Damaged(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Takes the file for this program alone, and makes the tables where there are none. Gives the version of those there are.
fn prepare(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    // of a new file: each page is a call of the operating system, and most commits are of many
    connection.pragma_update(None, "page_size", 16 * 1024)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let is_new = connection
        .query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(()))
        .optional()?
        .is_none();
    if is_new {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        connection.execute_batch(SCHEMA)?;
    }
    connection.execute_batch("COMMIT")?;
    // after the tables are there: the file's own header then says whose it is
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn read_index(connection: &Connection) -> rusqlite::Result<EventIndex> {
    let mut index = connection.query_row("SELECT seq, batch FROM last", [], |row| {
        Ok(EventIndex::resume_at(row.get(0)?, row.get(1)?))
    })?;
    let mut events = connection.prepare(
        "SELECT seq, batch, events.refused, key,
                octet_length(request) + octet_length(verdict) + octet_length(event)
         FROM events JOIN requests USING (batch) ORDER BY seq",
    )?;
    let mut rows = events.query([])?;
    while let Some(row) = rows.next()? {
        let admission = match row.get(2)? {
            0 => Admission::Accepted,
            _ => Admission::Rejected,
        };
        let key: Option<i64> = row.get(3)?;
        index.insert(
            admission,
            IndexEntry {
                seq: row.get(0)?,
                batch: row.get(1)?,
                bytes: row.get(4)?,
                key: key.map(|key| DedupKey(key.cast_unsigned())),
            },
        );
    }
    Ok(index)
}

/// Whose a file is.
#[derive(Debug, PartialEq)]
enum Owner {
    /// A collector's, or nobody's yet.
    Collector,
    /// Somebody else's.
    Other,
    /// Its first bytes are none that SQLite writes, but its name says that it was ours.
    Unreadable,
}

/// By the file's header, which SQLite writes and another program's file has not.
fn owner_of(file: &Path) -> io::Result<Owner> {
    let mut header = Vec::new();
    match fs::File::open(file) {
        Ok(file) => file.take(100).read_to_end(&mut header)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Owner::Collector),
        Err(error) => return Err(error),
    };
    let is_sqlite = header.starts_with(b"SQLite format 3\0");
    Ok(match header.get(68..72) {
        _ if header.is_empty() => Owner::Collector,
        Some(id) if is_sqlite && id == APPLICATION_ID.to_be_bytes() => Owner::Collector,
        Some(_) if is_sqlite => Owner::Other,
        _ if file.extension().is_some_and(|kind| kind == "sqlite") => Owner::Unreadable,
        _ => Owner::Other,
    })
}

/// Renames a damaged file, with what SQLite has beside it.
fn quarantine(file: &Path) -> io::Result<PathBuf> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let named = |beside: &str, end: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        name.push(beside);
        PathBuf::from(name)
    };
    let end = format!(".damaged-{}", now.as_secs());
    for beside in ["-wal", "-shm", "-journal"] {
        match fs::rename(named(beside, ""), named(beside, &end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let quarantined = named("", &end);
    fs::rename(file, &quarantined)?;
    Ok(quarantined)
}

/// Something for the thread to do.
pub enum Job {
    /// Write the events of one request.
    Insert(InsertBatch),
    /// Read records.
    Query(
        EventQuery,
        oneshot::Sender<Result<Vec<EventRecord>, String>>,
    ),
    /// Forget everything.
    Clear(oneshot::Sender<Result<(), String>>),
    /// Write all that is left, and end.
    Stop,
}

/// The events of one request.
pub struct InsertBatch {
    /// The number of the request.
    pub batch: u64,
    /// Whether it was taken.
    pub admission: Admission,
    /// The pixel's id.
    pub pixel: String,
    /// All events, with what they were counted by.
    pub records: Arc<[EventRecord]>,
    /// In the same order.
    pub keys: Vec<Option<DedupKey>>,
    /// By admission, what has to stay.
    pub floors: [RetentionFloor; 2],
    /// Given back when it is written, so that what waits is bounded.
    pub permit: OwnedSemaphorePermit,
}

/// Which records are query, newest first.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// One pixel's alone.
    pub pixel: Option<String>,
    /// Only those with a smaller number.
    pub before: Option<u64>,
    /// So many at most.
    pub limit: usize,
    /// No more once there are so many bytes.
    pub max_bytes: usize,
}

/// Why nothing can be written at present.
#[derive(Debug, Default)]
pub struct WriteFailure(Mutex<Option<String>>);

impl WriteFailure {
    /// The reason, if that is so.
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

/// What the thread has.
struct Writer {
    connection: Connection,
    failure: Arc<WriteFailure>,
    /// Since when something waits for its commit.
    open_since: Option<Instant>,
    /// What has to go with the next commit, by admission.
    floors: Option<[RetentionFloor; 2]>,
    /// The numbers that were given last.
    last_seq_and_batch: (u64, u64),
    /// Something committed may not be on the disk yet.
    is_unsynced: bool,
}

/// Does what the queue brings until it is told to stop.
pub fn run_writer(opened: Database, failure: Arc<WriteFailure>, queue: &Receiver<Job>) {
    let mut writer = Writer {
        connection: opened.connection,
        failure,
        open_since: None,
        floors: None,
        last_seq_and_batch: (0, 0),
        is_unsynced: false,
    };
    loop {
        let wait = match writer.open_since {
            Some(open_since) => COMMIT_EVERY.saturating_sub(open_since.elapsed()),
            None if writer.is_unsynced || writer.failure.get().is_some() => IDLE_AFTER,
            None => Duration::MAX,
        };
        let result = match queue.recv_timeout(wait) {
            Ok(Job::Insert(batch)) => writer.insert(&batch),
            Ok(Job::Query(query, reply)) => {
                let records = writer.query(&query);
                // who asked may have gone
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
        let is_due = |open_since: Instant| open_since.elapsed() >= COMMIT_EVERY;
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
    // where that fails, the next start does it
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
        if self.last_seq_and_batch.0 > 0 {
            self.connection
                .prepare_cached("UPDATE last SET seq = ?, batch = ?")?
                .execute(params![
                    self.last_seq_and_batch.0,
                    self.last_seq_and_batch.1
                ])?;
        }
        self.connection.execute_batch("COMMIT")?;
        self.open_since = None;
        self.is_unsynced = true;
        if self.failure.get().is_some() {
            self.failure.set(None);
            tracing::warn!("events can be kept again");
        }
        Ok(())
    }

    /// Brings everything into the one file, and that to the disk.
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
        // the disk forgets it too
        self.connection.execute_batch("VACUUM")?;
        self.is_unsynced = true;
        self.sync()
    }

    /// Nothing is taken any more until it can be written again; see [`WriteFailure`].
    fn on_error(&mut self, error: &rusqlite::Error) {
        if self.open_since.take().is_some() {
            // where that fails as well, there is none open
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if self.failure.get().is_none() {
            tracing::error!(
                "events cannot be kept, and those of the last {COMMIT_EVERY:?} are lost: {error}"
            );
        }
        self.failure.set(Some(error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("oaiq-collector-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder.join("c.sqlite")
    }

    fn error(file: &Path) -> String {
        match Database::open(file) {
            Ok(_) => panic!("it opens"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_file_has_one_collector_at_a_time() {
        let file = file("in-use");
        let first = Database::open(&file).unwrap();
        assert!(error(&file).contains("in use by another collector"));
        drop(first);
        Database::open(&file).unwrap();
    }

    #[test]
    fn a_foreign_file_is_left_as_it_is() {
        let file = file("foreign");
        Connection::open(&file)
            .unwrap()
            .execute_batch("CREATE TABLE a (b)")
            .unwrap();
        let before = fs::read(&file).unwrap();
        assert!(error(&file).contains("not a collector's file"));
        assert_eq!(fs::read(&file).unwrap(), before);

        let text = file.with_file_name("package.json");
        fs::write(&text, "{}").unwrap();
        assert!(error(&text).contains("not a collector's file"));
        assert_eq!(fs::read(&text).unwrap(), b"{}");
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
        let file = file("damaged");
        drop(Database::open(&file).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        for byte in &mut bytes[100..] {
            *byte = 0xaa;
        }
        fs::write(&file, &bytes).unwrap();
        let opened = Database::open(&file).unwrap();
        assert_eq!(fs::read(opened.quarantined.unwrap()).unwrap(), bytes);
        assert_eq!(opened.index.stored_count(), 0);
    }

    #[test]
    fn a_file_of_another_version_is_left_as_it_is() {
        let file = file("version");
        let opened = Database::open(&file).unwrap();
        opened
            .connection
            .pragma_update(None, "user_version", 2)
            .unwrap();
        drop(opened);
        assert!(error(&file).contains("another version"));
    }

    #[test]
    fn a_place_where_nothing_can_be_written_is_named() {
        let file = file("folder");
        fs::create_dir_all(&file).unwrap();
        assert!(error(&file).contains("--data FILE"));
    }
}
