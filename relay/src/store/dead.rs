//! Dead letters: events that cannot be delivered, with the reason.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::claim::Reason;
use crate::event::Half;

/// An event that could not be delivered.
#[derive(Debug, Clone)]
pub struct Dead {
    /// Its number among the dead letters.
    pub id: i64,
    /// The pixel ID.
    pub pixel: String,
    /// When it became one.
    pub died_ms: u64,
    /// When the relay received the event.
    pub received_ms: u64,
    /// Why.
    pub reason: Reason,
    /// The event, as the relay has stored it.
    pub event: String,
}

/// Which dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All, or all of a pixel.
    All(Option<String>),
    /// Those with these numbers.
    Ids(Vec<i64>),
}

const COLUMNS: &str =
    "id, pixel, died_ms, received_ms, status, code, field, message, request_id, event";

fn from_row(row: &Row) -> rusqlite::Result<Dead> {
    Ok(Dead {
        id: row.get(0)?,
        pixel: row.get(1)?,
        died_ms: row.get(2)?,
        received_ms: row.get(3)?,
        reason: Reason {
            status: row.get(4)?,
            code: row.get(5)?,
            field: row.get(6)?,
            message: row.get(7)?,
            request_id: row.get(8)?,
        },
        event: row.get(9)?,
    })
}

/// The newest dead letters, at most `limit`.
pub fn list(
    connection: &Connection,
    pixel: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<Dead>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM dead WHERE ?1 IS NULL OR pixel = ?1 ORDER BY id DESC LIMIT ?2"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params![pixel, limit], from_row)?;
    rows.collect()
}

/// One dead letter.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Dead>> {
    let sql = format!("SELECT {COLUMNS} FROM dead WHERE id = ?");
    connection.query_row(&sql, [id], from_row).optional()
}

/// What became of the dead letters that were to be sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retried {
    /// They are in the outbox.
    pub queued: usize,
    /// The same event was accepted again meanwhile. The dead letter was deleted.
    pub superseded: usize,
}

/// Moves dead letters back to the outbox, due at `now_ms`.
pub fn retry(
    connection: &mut Connection,
    selection: &Selection,
    now_ms: u64,
) -> rusqlite::Result<Retried> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut retried = Retried::default();
    for id in ids(&transaction, selection)? {
        let inserted = transaction
            .prepare_cached(
                "INSERT INTO seen (key, seq, at_ms) SELECT key, 0, ?2 FROM dead WHERE id = ?1
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![id, now_ms])?;
        if inserted == 0 {
            retried.superseded += 1;
        } else {
            transaction
                .prepare_cached(
                    "INSERT INTO outbox (pixel, due_ms, waits_for_backend, halves, received_ms, timestamp_ms, key, visitor, event)
                     SELECT pixel, ?2, 0, halves, received_ms, timestamp_ms, key, visitor, event FROM dead WHERE id = ?1",
                )?
                .execute(params![id, now_ms])?;
            let seq = transaction.last_insert_rowid();
            transaction
                .prepare_cached(
                    "UPDATE seen SET seq = ? WHERE key = (SELECT key FROM dead WHERE id = ?)",
                )?
                .execute([seq, id])?;
            retried.queued += 1;
        }
        transaction.execute("DELETE FROM dead WHERE id = ?", [id])?;
    }
    transaction.commit()?;
    Ok(retried)
}

/// Deletes dead letters. Returns how many there were.
pub fn remove(connection: &mut Connection, selection: &Selection) -> rusqlite::Result<usize> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut count = 0;
    for id in ids(&transaction, selection)? {
        count += transaction.execute("DELETE FROM dead WHERE id = ?", [id])?;
    }
    transaction.commit()?;
    Ok(count)
}

/// The numbers that exist.
fn ids(connection: &Connection, selection: &Selection) -> rusqlite::Result<Vec<i64>> {
    match selection {
        Selection::All(pixel) => connection
            .prepare("SELECT id FROM dead WHERE ?1 IS NULL OR pixel = ?1 ORDER BY id")?
            .query_map([pixel], |row| row.get(0))?
            .collect(),
        Selection::Ids(ids) => {
            let mut statement = connection.prepare("SELECT 1 FROM dead WHERE id = ?")?;
            let mut known = Vec::new();
            for id in ids {
                if statement.exists([id])? && !known.contains(id) {
                    known.push(*id);
                }
            }
            Ok(known)
        }
    }
}

/// Who has sent an event, in words.
pub fn origin_of(halves: u8) -> &'static str {
    match Half::all_in(halves) {
        (true, true) => "browser and backend",
        (true, false) => "browser",
        _ => "backend",
    }
}
