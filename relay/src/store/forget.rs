//! Deletes everything about a person.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::handover;
use crate::key::{Key, Link};

/// How to find a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Browser IDs.
    pub obrefs: Vec<String>,
    /// SHA-256 hashes of the person's external IDs, email addresses and phone numbers.
    pub hashes: Vec<(Link, String)>,
    /// The pixels of the configuration.
    pub pixels: Vec<String>,
}

/// A request to delete what was stored about a person up to a time. It has hashes only, because relays pass it on to each
/// other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Browsers.
    pub visitors: Vec<Key>,
    /// Links of the browser IDs.
    pub obref_links: Vec<Key>,
    /// Links of the identifiers.
    pub links: Vec<Key>,
    /// The identifiers, as events have them.
    pub hashes: Vec<String>,
    /// What was received later is kept. In milliseconds since the Unix epoch.
    pub until_ms: u64,
}

impl Person {
    /// The request to delete what was stored up to `until_ms`.
    pub fn erasure(&self, until_ms: u64) -> Erasure {
        let pixels = || self.pixels.iter();
        Erasure {
            visitors: self
                .obrefs
                .iter()
                .map(|obref| Key::visitor(obref))
                .collect(),
            obref_links: pixels()
                .flat_map(|pixel| {
                    let obrefs = self.obrefs.iter();
                    obrefs.map(move |obref| Key::link(pixel, Link::Obref, obref))
                })
                .collect(),
            links: pixels()
                .flat_map(|pixel| {
                    let hashes = self.hashes.iter();
                    hashes.map(move |(link, hash)| Key::link(pixel, *link, hash))
                })
                .collect(),
            hashes: self.hashes.iter().map(|(_, hash)| hash.clone()).collect(),
            until_ms,
        }
    }
}

/// Later than anything, and a valid integer for SQLite.
const ANY_TIME_MS: u64 = i64::MAX as u64;

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Clicks.
    pub clicks: usize,
    /// Links to these clicks.
    pub links: usize,
    /// Events that were not delivered yet.
    pub events: usize,
    /// Dead letters.
    pub dead: usize,
}

/// Deletes everything about a person, inside a transaction. In a cluster, the other relays are to do the same.
pub fn forget(connection: &Connection, erasure: &Erasure) -> rusqlite::Result<Forgotten> {
    handover::queue_erasure(connection, erasure)?;
    // Whatever this machine's clock says, all of it is older than the request.
    let all = Erasure {
        until_ms: ANY_TIME_MS,
        ..erasure.clone()
    };
    erase(connection, &all)
}

/// Deletes what this file has of a person, inside a transaction.
///
/// An identifier leads to clicks, a click to the browser, and the browser to everything that it has sent.
pub fn erase(connection: &Connection, erasure: &Erasure) -> rusqlite::Result<Forgotten> {
    let mut forgotten = Forgotten::default();
    let mut visitors: BTreeSet<Key> = erasure.visitors.iter().copied().collect();
    let mut clicks: BTreeSet<i64> = BTreeSet::new();
    let until_ms = erasure.until_ms;
    for link in &erasure.links {
        let mut statement = connection.prepare_cached(
            "SELECT click, visitor FROM links LEFT JOIN clicks ON id = click WHERE links.key = ?",
        )?;
        let mut rows = statement.query([link.0])?;
        while let Some(row) = rows.next()? {
            clicks.insert(row.get(0)?);
            visitors.extend(row.get::<_, Option<[u8; 16]>>(1)?.map(Key));
        }
    }
    for visitor in &visitors {
        let mut statement = connection.prepare_cached("SELECT id FROM clicks WHERE visitor = ?")?;
        for click in statement.query_map([visitor.0], |row| row.get(0))? {
            clicks.insert(click?);
        }
        forgotten.events += connection
            .prepare_cached("DELETE FROM outbox WHERE visitor = ? AND received_ms <= ?")?
            .execute(params![visitor.0, until_ms])?;
        forgotten.dead += connection
            .prepare_cached("DELETE FROM dead WHERE visitor = ? AND received_ms <= ?")?
            .execute(params![visitor.0, until_ms])?;
    }
    for click in clicks {
        let is_newer = connection
            .prepare_cached("SELECT 1 FROM clicks WHERE id = ? AND first_ms > ?")?
            .exists(params![click, until_ms])?;
        if is_newer {
            continue;
        }
        forgotten.links += connection
            .prepare_cached("DELETE FROM links WHERE click = ?")?
            .execute([click])?;
        forgotten.clicks += connection
            .prepare_cached("DELETE FROM clicks WHERE id = ?")?
            .execute([click])?;
    }
    // Events of the backend may name the person without a browser ID.
    for hash in &erasure.hashes {
        forgotten.events += connection.execute(
            "DELETE FROM outbox WHERE instr(event, ?) > 0 AND received_ms <= ?",
            params![hash, until_ms],
        )?;
        forgotten.dead += connection.execute(
            "DELETE FROM dead WHERE instr(event, ?) > 0 AND received_ms <= ?",
            params![hash, until_ms],
        )?;
    }
    for link in &erasure.obref_links {
        forgotten.links += connection
            .prepare_cached("DELETE FROM links WHERE key = ?")?
            .execute([link.0])?;
    }
    Ok(forgotten)
}
