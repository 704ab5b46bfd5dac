//! Counts what is stored.

use std::collections::BTreeMap;

use rusqlite::Connection;

/// What is stored.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// By pixel.
    pub pixels: BTreeMap<String, PixelStats>,
    /// Clicks.
    pub clicks: u64,
    /// Bytes of data in the file.
    pub bytes: u64,
}

/// What is stored of one pixel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PixelStats {
    /// Events that are not delivered yet.
    pub events: u64,
    /// Of these, those that are held or wait for the backend.
    pub held: u64,
    /// How long ago the oldest was received.
    pub oldest_age_ms: u64,
    /// Dead letters.
    pub dead: u64,
}

/// Counts what is stored.
pub fn stats(connection: &Connection, now_ms: u64) -> rusqlite::Result<Stats> {
    let mut stats = Stats::default();
    // The index `outbox_due` has all that this needs. The smallest number was received first.
    let mut statement = connection.prepare_cached(
        "SELECT pixel, count(*), sum(due_ms > ?), min(seq) FROM outbox GROUP BY pixel",
    )?;
    let mut rows = statement.query([now_ms])?;
    while let Some(row) = rows.next()? {
        let oldest: i64 = row.get(3)?;
        let received_ms: u64 = connection
            .prepare_cached("SELECT received_ms FROM outbox WHERE seq = ?")?
            .query_row([oldest], |row| row.get(0))?;
        let pixel = PixelStats {
            events: row.get(1)?,
            held: row.get(2)?,
            oldest_age_ms: now_ms.saturating_sub(received_ms),
            dead: 0,
        };
        stats.pixels.insert(row.get(0)?, pixel);
    }
    drop(rows);
    let mut statement =
        connection.prepare_cached("SELECT pixel, count(*) FROM dead GROUP BY pixel")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        stats.pixels.entry(row.get(0)?).or_default().dead = row.get(1)?;
    }
    drop(rows);
    stats.clicks = connection
        .prepare_cached("SELECT count(*) FROM clicks")?
        .query_row([], |row| row.get(0))?;
    let pragma = |name: &str| -> rusqlite::Result<u64> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    stats.bytes = (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
    Ok(stats)
}
