//! The database file: opening it, checking that it is a collector's and undamaged, and reading its index.
//!
//! [`crate::store::writer`] has the thread that then owns the connection.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use crate::store::index::{Admission, DedupKey, EventIndex, IndexEntry};

/// `oaiq`. SQLite's file header names the application that owns the file:
/// <https://sqlite.org/fileformat.html#application_id>.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"oaiq");

/// The version of [`SCHEMA`]. A file with another version is rejected.
const SCHEMA_VERSION: i32 = 1;

/// `refused` is an [`Admission`] and `key` a [`DedupKey`]. The large columns come last, so that SQLite can skip them
/// without reading them.
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

/// Why a file cannot be used. The message is for the person who started the collector.
#[derive(Debug)]
pub enum OpenError {
    /// Another collector has it open.
    InUse(PathBuf),
    /// It does not belong to a collector.
    NotOurs(PathBuf),
    /// Its schema has this other version.
    WrongSchema(PathBuf, i32),
    /// Anything else, such as a missing permission.
    Other(PathBuf, String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::InUse(file) => write!(
                f,
                "{} is in use by another collector: stop that collector, or choose another file with `--data FILE`",
                file.display()
            ),
            Self::NotOurs(file) => write!(
                f,
                "{} is not a collector's file and was not changed: choose another file with `--data FILE`",
                file.display()
            ),
            Self::WrongSchema(file, version) => write!(
                f,
                "{} was written by another version of the collector (schema {version}, expected {SCHEMA_VERSION}): choose another file with `--data FILE`, or move this one away",
                file.display()
            ),
            Self::Other(file, error) => write!(
                f,
                "cannot store events in {}: {error}; choose another file with `--data FILE`",
                file.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// An open database and the index of its events.
pub struct Database {
    connection: Connection,
    /// The index of the stored events.
    pub index: EventIndex,
    /// Where a damaged file was moved to, if there was one.
    pub quarantined: Option<PathBuf>,
}

impl Database {
    /// Opens or creates the file. A damaged file is renamed, and a new one is created.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        let other = |error: &dyn fmt::Display| OpenError::Other(file.to_owned(), error.to_string());
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir).map_err(|error| other(&error))?;
        }
        let owner = owner_of(file).map_err(|error| other(&error))?;
        if owner == Owner::Other {
            return Err(OpenError::NotOurs(file.to_owned()));
        }
        let damage = if owner == Owner::Unreadable {
            "it is no longer an SQLite file".to_owned()
        } else {
            match Self::open_or_create(file) {
                Ok(database) => return Ok(database),
                Err(OpenFailure::Damaged(what)) => what,
                Err(OpenFailure::InUse) => return Err(OpenError::InUse(file.to_owned())),
                Err(OpenFailure::WrongSchema(version)) => {
                    return Err(OpenError::WrongSchema(file.to_owned(), version));
                }
                Err(OpenFailure::Other(what)) => return Err(other(&what)),
            }
        };
        tracing::debug!("{} is damaged: {damage}", file.display());
        let quarantined = quarantine(file).map_err(|error| other(&error))?;
        match Self::open_or_create(file) {
            Ok(database) => Ok(Self {
                quarantined: Some(quarantined),
                ..database
            }),
            Err(problem) => Err(other(&format!("{problem:?}"))),
        }
    }

    /// A database in memory only, for tests.
    pub fn in_memory() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        Ok(Self {
            connection,
            index: EventIndex::default(),
            quarantined: None,
        })
    }

    /// Gives up the index and returns the connection.
    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    fn open_or_create(file: &Path) -> Result<Self, OpenFailure> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_millis(500))?;
        let version = prepare(&connection)?;
        if version != SCHEMA_VERSION {
            return Err(OpenFailure::WrongSchema(version));
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

/// Why SQLite cannot open a file.
#[derive(Debug)]
enum OpenFailure {
    InUse,
    Damaged(String),
    WrongSchema(i32),
    Other(String),
}

impl From<rusqlite::Error> for OpenFailure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            // A table or column is missing or has the wrong type.
            Some(ErrorCode::Unknown) | None => Self::Damaged(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Locks the file, creates the tables in a new file, and returns the schema version.
fn prepare(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    // Takes effect in a new file only. Each page costs a system call, and most commits span many pages.
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
    // Only now: before WAL mode, the tables and the application ID go to the file itself, where `owner_of` reads them.
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

/// The program that a file belongs to.
#[derive(Debug, PartialEq)]
enum Owner {
    /// A collector, or none yet: the file is missing or empty.
    Collector,
    /// Another program.
    Other,
    /// Not an SQLite file, but named like one: a damaged file of a collector's.
    Unreadable,
}

/// Reads the owner from the file's header, without opening it as a database.
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

/// Renames a damaged file together with SQLite's files next to it.
fn quarantine(file: &Path) -> io::Result<PathBuf> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let named = |suffix: &str, end: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        name.push(suffix);
        PathBuf::from(name)
    };
    let end = format!(".damaged-{}", now.as_secs());
    for suffix in ["-wal", "-shm", "-journal"] {
        match fs::rename(named(suffix, ""), named(suffix, &end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let quarantined = named("", &end);
    fs::rename(file, &quarantined)?;
    Ok(quarantined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temp_file(name: &str) -> PathBuf {
        let dir =
            std::env::temp_dir().join(format!("oaiq-collector-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        dir.join("c.sqlite")
    }

    fn error(file: &Path) -> String {
        match Database::open(file) {
            Ok(_) => panic!("the file opens"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn file_is_rejected_while_another_collector_has_it_open() {
        let file = temp_file("in-use");
        let first = Database::open(&file).unwrap();
        assert!(error(&file).contains("in use by another collector"));
        drop(first);
        Database::open(&file).unwrap();
    }

    #[test]
    fn file_of_another_program_is_rejected_and_unchanged() {
        let file = temp_file("foreign");
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
    fn damaged_file_is_quarantined_and_replaced() {
        let file = temp_file("damaged");
        drop(Database::open(&file).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        for byte in &mut bytes[100..] {
            *byte = 0xaa;
        }
        fs::write(&file, &bytes).unwrap();
        let database = Database::open(&file).unwrap();
        assert_eq!(fs::read(database.quarantined.unwrap()).unwrap(), bytes);
        assert_eq!(database.index.stored_count(), 0);
    }

    #[test]
    fn file_with_another_schema_version_is_rejected() {
        let file = temp_file("version");
        let database = Database::open(&file).unwrap();
        database
            .connection
            .pragma_update(None, "user_version", 2)
            .unwrap();
        drop(database);
        assert!(error(&file).contains("another version"));
    }

    #[test]
    fn unwritable_path_is_rejected_with_the_data_option() {
        let file = temp_file("directory");
        fs::create_dir_all(&file).unwrap();
        assert!(error(&file).contains("--data FILE"));
    }
}
