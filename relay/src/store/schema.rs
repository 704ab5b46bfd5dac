//! The database file: opening it, its tables, and their versions.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

/// `oarl`. SQLite's file header names the application that owns the file:
/// <https://sqlite.org/fileformat.html#application_id>.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"oarl");

/// The steps from an empty file to the present tables. A file's `user_version` says how many of them it has. Steps are only
/// ever added, so that an upgrade keeps the file.
const MIGRATIONS: [&str; 2] = ["
-- Events that are not delivered yet.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    pixel TEXT NOT NULL,
    -- When it is forwarded, or dropped if it still waits for the backend.
    due_ms INTEGER NOT NULL,
    waits_for_backend INTEGER NOT NULL,
    -- Which halves it consists of: 1 browser, 2 backend, 3 both.
    halves INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    key BLOB NOT NULL,
    visitor BLOB,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (pixel, due_ms);
CREATE INDEX outbox_visitor ON outbox (visitor) WHERE visitor IS NOT NULL;

-- Events that were accepted in the last 7 days, for deduplication.
CREATE TABLE seen (key BLOB PRIMARY KEY, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Ad clicks of visitors who have consented, for 30 days.
CREATE TABLE clicks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    visitor BLOB,
    first_ms INTEGER NOT NULL,
    oppref TEXT NOT NULL,
    obref TEXT,
    ip_address TEXT,
    user_agent TEXT
) STRICT;
CREATE INDEX clicks_visitor ON clicks (visitor) WHERE visitor IS NOT NULL;
CREATE INDEX clicks_first ON clicks (first_ms);

-- What leads to a click.
CREATE TABLE links (key BLOB PRIMARY KEY, click INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX links_click ON links (click);

-- Events that OpenAI has refused, or that became too old.
CREATE TABLE dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pixel TEXT NOT NULL,
    died_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    code TEXT NOT NULL,
    field TEXT,
    message TEXT NOT NULL,
    request_id TEXT,
    halves INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    key BLOB NOT NULL,
    visitor BLOB,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX dead_pixel ON dead (pixel);
CREATE INDEX dead_died ON dead (died_ms);
CREATE INDEX dead_visitor ON dead (visitor) WHERE visitor IS NOT NULL;
", "
-- Has a row while the relay belongs to a cluster: the stream, and the last erasure of other relays that was carried out.
CREATE TABLE cluster (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    stream TEXT NOT NULL,
    erasure_seq INTEGER NOT NULL
) STRICT;

-- What is to be handed over to the cluster, besides the events in the outbox.
CREATE TABLE cluster_clicks (id INTEGER PRIMARY KEY AUTOINCREMENT, click INTEGER NOT NULL) STRICT;
CREATE TABLE cluster_links (id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL) STRICT;
CREATE TABLE cluster_erasures (id INTEGER PRIMARY KEY AUTOINCREMENT, erasure TEXT NOT NULL) STRICT;
"];

/// The version of the present tables.
const VERSION: i32 = MIGRATIONS.len() as i32;

/// Why a file cannot be used. The message is for the operator.
#[derive(Debug)]
pub enum OpenError {
    /// Another relay serves with it.
    InUse(PathBuf),
    /// It belongs to another program.
    NotOurs(PathBuf),
    /// A newer relay has written it.
    TooNew(PathBuf, i32),
    /// It is damaged.
    Damaged(PathBuf, String),
    /// There is none, and none was to be created.
    Missing(PathBuf),
    /// Anything else, such as a missing permission.
    Other(PathBuf, String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::InUse(file) => write!(
                f,
                "{} is in use by another relay: stop that one, or set another store.path",
                file.display()
            ),
            Self::NotOurs(file) => write!(
                f,
                "{} is not a relay's file and was not changed: set another store.path",
                file.display()
            ),
            Self::TooNew(file, version) => write!(
                f,
                "{} was written by a newer oaiq-relay (schema {version}, this one knows {VERSION}): install that version again, or set another store.path",
                file.display()
            ),
            Self::Damaged(file, what) => write!(
                f,
                "{} is damaged ({what}) and was not changed: restore a copy, or move it away to start with an empty one. `sqlite3 FILE .recover` saves what is readable",
                file.display()
            ),
            Self::Missing(file) => write!(
                f,
                "{} does not exist: no relay has been started with this configuration yet",
                file.display()
            ),
            Self::Other(file, error) => write!(
                f,
                "cannot use {}: {error}; check that the directory exists and that the relay's user may write there",
                file.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// Keeps a second relay from serving with the same file. It ends with the process.
#[derive(Debug)]
pub struct ServeLock {
    _file: File,
}

impl ServeLock {
    /// Takes the lock, a file next to the database.
    pub fn take(database: &Path) -> Result<Self, OpenError> {
        let other = |error: io::Error| OpenError::Other(database.to_owned(), error.to_string());
        let mut path = database.as_os_str().to_owned();
        path.push("-lock");
        let file = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&path)
            .map_err(other)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
            Err(std::fs::TryLockError::Error(error)) => Err(other(error)),
        }
    }
}

/// Only the relay's user may read the files: they contain addresses and identifiers.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Whether a missing file is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// It is created.
    Create,
    /// It is an error.
    Fail,
}

/// Opens the file for reading and writing, and brings its tables up to date.
pub fn open(file: &Path, if_missing: IfMissing) -> Result<Connection, OpenError> {
    let other = |error: &dyn fmt::Display| OpenError::Other(file.to_owned(), error.to_string());
    match owner_of(file).map_err(|error| other(&error))? {
        Owner::Nobody if if_missing == IfMissing::Fail => {
            return Err(OpenError::Missing(file.to_owned()));
        }
        Owner::Nobody => {
            // SQLite gives its other files the permissions of this one.
            private(OpenOptions::new().create(true).truncate(false).write(true))
                .open(file)
                .map_err(|error| other(&error))?;
        }
        Owner::Relay => {}
        Owner::Other => return Err(OpenError::NotOurs(file.to_owned())),
    }
    let prepared = Connection::open(file)
        .map_err(PrepareError::from)
        .and_then(prepare);
    prepared.map_err(|error| match error {
        PrepareError::TooNew(version) => OpenError::TooNew(file.to_owned(), version),
        PrepareError::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                OpenError::Damaged(file.to_owned(), error.to_string())
            }
            _ => other(&error),
        },
        PrepareError::Check(what) => OpenError::Damaged(file.to_owned(), what),
    })
}

/// Opens a further connection to an open file, for reading only.
pub fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    Ok(connection)
}

#[derive(Debug)]
enum PrepareError {
    TooNew(i32),
    Check(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for PrepareError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// A database in memory, with the same tables.
pub fn open_in_memory() -> Result<Connection, OpenError> {
    let opened = Connection::open_in_memory().map_err(PrepareError::from);
    opened
        .and_then(prepare)
        .map_err(|error| OpenError::Other(PathBuf::from(":memory:"), format!("{error:?}")))
}

fn prepare(connection: Connection) -> Result<Connection, PrepareError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        return Err(PrepareError::TooNew(version));
    }
    if version < VERSION {
        // IMMEDIATE: a second process must see either no step or all of them.
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let version: usize =
            connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        for migration in MIGRATIONS.iter().skip(version) {
            connection.execute_batch(migration)?;
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", VERSION)?;
        connection.execute_batch("COMMIT")?;
    }
    // Only now: before WAL mode, the tables and the application ID go to the file itself, where `owner_of` reads them.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit is on the disk before it returns.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten, so that a forgotten person's data is not left in unused parts of the file.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cache_size", -32_000)?;
    // The thread `checkpoint` empties the log before it is this long, unless commits follow each other without a pause.
    connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(64);
    let check: Option<String> = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .optional()?;
    match check.as_deref() {
        Some("ok") => Ok(connection),
        other => Err(PrepareError::Check(other.unwrap_or("no answer").to_owned())),
    }
}

#[derive(Debug, PartialEq)]
enum Owner {
    Relay,
    /// The file is missing or empty.
    Nobody,
    Other,
}

/// Reads the owner from the file's header, without opening it as a database.
fn owner_of(file: &Path) -> io::Result<Owner> {
    let mut header = Vec::new();
    match File::open(file) {
        Ok(file) => file.take(100).read_to_end(&mut header)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Owner::Nobody),
        Err(error) => return Err(error),
    };
    let is_sqlite = header.starts_with(b"SQLite format 3\0");
    Ok(match header.get(68..72) {
        _ if header.is_empty() => Owner::Nobody,
        Some(id) if is_sqlite && id == APPLICATION_ID.to_be_bytes() => Owner::Relay,
        _ => Owner::Other,
    })
}
