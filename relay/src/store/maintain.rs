//! Deletes what is older than it may be, in small steps.

use oaiq_ingest::rules::MAX_AGE_MS;
use rusqlite::{Connection, params};

use crate::clock::DAY_MS;

/// How long a click lives, as its cookie does.
pub const CLICK_LIFE_MS: u64 = 30 * DAY_MS;

/// How long a dead letter is kept.
pub const DEAD_LIFE_MS: u64 = 30 * DAY_MS;

/// How many clicks one step deletes.
const MAX_CLICKS: usize = 2_000;

/// How many IDs of delivered events one step looks at.
const MAX_SEEN: usize = 20_000;

/// What one step has deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Clicks.
    pub clicks: usize,
    /// IDs of delivered events.
    pub seen: usize,
    /// Dead letters.
    pub dead: usize,
}

/// One step, inside a transaction.
pub(super) fn maintain(connection: &Connection, now_ms: u64) -> rusqlite::Result<Removed> {
    let before = now_ms.saturating_sub(CLICK_LIFE_MS);
    connection
        .prepare_cached(
            "DELETE FROM links WHERE click IN
                 (SELECT id FROM clicks WHERE first_ms < ? ORDER BY first_ms LIMIT ?)",
        )?
        .execute(params![before, MAX_CLICKS])?;
    let clicks = connection
        .prepare_cached(
            "DELETE FROM clicks WHERE id IN
                 (SELECT id FROM clicks WHERE first_ms < ? ORDER BY first_ms LIMIT ?)",
        )?
        .execute(params![before, MAX_CLICKS])?;
    let dead = connection
        .prepare_cached("DELETE FROM dead WHERE died_ms < ?")?
        .execute([now_ms.saturating_sub(DEAD_LIFE_MS)])?;
    // Keys are hashes: a part of the table that begins at a random key is a random part, so all parts get their turn
    // without a cursor and without an index on the time.
    let start: [u8; 16] = rand::random();
    let mut seen = 0;
    let mut looked_at = 0;
    for start in [start, [0; 16]] {
        let rest = MAX_SEEN - looked_at;
        let (count, end): (usize, Option<[u8; 16]>) = connection
            .prepare_cached(
                "SELECT count(*), max(key) FROM (SELECT key FROM seen WHERE key >= ? ORDER BY key LIMIT ?)",
            )?
            .query_row(params![start, rest], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some(end) = end {
            // An event that is still in the store keeps its ID.
            seen += connection
                .prepare_cached(
                    "DELETE FROM seen WHERE key BETWEEN ? AND ? AND at_ms < ?
                         AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.seq = seen.seq)",
                )?
                .execute(params![start, end, now_ms.saturating_sub(MAX_AGE_MS)])?;
        }
        looked_at += count;
        if looked_at >= MAX_SEEN {
            break;
        }
    }
    Ok(Removed { clicks, seen, dead })
}
