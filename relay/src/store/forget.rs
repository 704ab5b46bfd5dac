//! Deletes everything about a person.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

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

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
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

/// Deletes everything about a person, inside a transaction.
///
/// An identifier leads to clicks, a click to the browser, and the browser to everything that it has sent.
pub fn forget(connection: &Connection, person: &Person) -> rusqlite::Result<Forgotten> {
    let mut forgotten = Forgotten::default();
    let mut visitors: BTreeSet<Key> = person
        .obrefs
        .iter()
        .map(|obref| Key::visitor(obref))
        .collect();
    let mut clicks: BTreeSet<i64> = BTreeSet::new();
    for pixel in &person.pixels {
        for (link, hash) in &person.hashes {
            let key = Key::link(pixel, *link, hash);
            let mut statement = connection.prepare_cached(
                "SELECT click, visitor FROM links LEFT JOIN clicks ON id = click WHERE links.key = ?",
            )?;
            let mut rows = statement.query([key.0])?;
            while let Some(row) = rows.next()? {
                clicks.insert(row.get(0)?);
                visitors.extend(row.get::<_, Option<[u8; 16]>>(1)?.map(Key));
            }
        }
    }
    for visitor in &visitors {
        let mut statement = connection.prepare_cached("SELECT id FROM clicks WHERE visitor = ?")?;
        for click in statement.query_map([visitor.0], |row| row.get(0))? {
            clicks.insert(click?);
        }
        forgotten.events += connection
            .prepare_cached("DELETE FROM outbox WHERE visitor = ?")?
            .execute([visitor.0])?;
        forgotten.dead += connection
            .prepare_cached("DELETE FROM dead WHERE visitor = ?")?
            .execute([visitor.0])?;
    }
    for click in clicks {
        forgotten.links += connection
            .prepare_cached("DELETE FROM links WHERE click = ?")?
            .execute([click])?;
        forgotten.clicks += connection
            .prepare_cached("DELETE FROM clicks WHERE id = ?")?
            .execute([click])?;
    }
    // Events of the backend may name the person without a browser ID.
    for (_, hash) in &person.hashes {
        forgotten.events += connection.execute(
            "DELETE FROM outbox WHERE instr(event, ?) > 0",
            params![hash],
        )?;
        forgotten.dead +=
            connection.execute("DELETE FROM dead WHERE instr(event, ?) > 0", params![hash])?;
    }
    for obref in &person.obrefs {
        let pixels = person.pixels.iter();
        for key in pixels.map(|pixel| Key::link(pixel, Link::Obref, obref)) {
            forgotten.links += connection
                .prepare_cached("DELETE FROM links WHERE key = ?")?
                .execute([key.0])?;
        }
    }
    Ok(forgotten)
}
