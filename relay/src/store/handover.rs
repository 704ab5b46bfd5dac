//! What a relay of a cluster hands over: it reads events, clicks, links and erasures that the cluster does not have yet, and
//! deletes or unmarks them once it has them.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::claim::Reason;
use super::forget::Erasure;
use crate::event::Click;
use crate::key::Key;

/// How many rows of each kind are read at once.
const MAX_ROWS: usize = 500;

/// The most bytes of the events that are read at once.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What the cluster does not have yet.
#[derive(Debug, Default)]
pub struct ToHandOver {
    /// Requests to delete a person's data, for all relays.
    pub erasures: Vec<(i64, Erasure)>,
    /// Clicks that are new or changed.
    pub clicks: Vec<StoredClick>,
    /// Links that are new or changed.
    pub links: Vec<StoredLink>,
    /// Events.
    pub events: Vec<StoredEvent>,
}

impl ToHandOver {
    /// Whether the cluster has everything.
    pub fn is_empty(&self) -> bool {
        self.erasures.is_empty()
            && self.clicks.is_empty()
            && self.links.is_empty()
            && self.events.is_empty()
    }
}

/// A click, and its number in the queue.
#[derive(Debug)]
pub struct StoredClick {
    /// Its number in the queue.
    pub id: i64,
    /// Its key.
    pub key: Key,
    /// The visitor, if the click has a browser ID.
    pub visitor: Option<Key>,
    /// When it was first seen, in milliseconds since the Unix epoch.
    pub first_ms: u64,
    /// The click.
    pub click: Click,
}

/// A link, and its number in the queue.
#[derive(Debug)]
pub struct StoredLink {
    /// Its number in the queue.
    pub id: i64,
    /// Its key.
    pub key: Key,
    /// The key of the click that it leads to.
    pub click: Key,
    /// The visitor of that click.
    pub visitor: Option<Key>,
}

/// An undelivered event.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its number in the outbox. Meaningless for an event that did not come from there.
    pub seq: i64,
    /// The pixel ID.
    pub pixel: String,
    /// When to forward it, or to drop it if it still waits for the backend.
    pub due_ms: u64,
    /// Whether it is forwarded only after the backend has sent it too.
    pub waits_for_backend: bool,
    /// Which halves it consists of.
    pub halves: u8,
    /// When it was received.
    pub received_ms: u64,
    /// When it happened.
    pub timestamp_ms: u64,
    /// What OpenAI deduplicates by.
    pub key: Key,
    /// The visitor, if it has a browser ID.
    pub visitor: Option<Key>,
    /// The event as JSON.
    pub json: String,
}

/// What the cluster has acknowledged.
#[derive(Debug, Clone, Default)]
pub struct HandedOver {
    /// Erasures, by their number.
    pub erasures: Vec<i64>,
    /// Clicks, by their number in the queue.
    pub clicks: Vec<i64>,
    /// Links, likewise.
    pub links: Vec<i64>,
    /// Events, by their number in the outbox, with the halves that were handed over.
    pub events: Vec<(i64, u8)>,
}

/// Queues a click that is new or has changed, if the file belongs to a cluster.
pub(super) fn queue_click(connection: &Connection, click: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO cluster_clicks (click) SELECT ? FROM cluster")?
        .execute([click])?;
    Ok(())
}

/// The same for a link.
pub(super) fn queue_link(connection: &Connection, key: Key) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO cluster_links (key) SELECT ? FROM cluster")?
        .execute([key.0])?;
    Ok(())
}

/// The same for a request to delete a person's data.
pub(super) fn queue_erasure(connection: &Connection, erasure: &Erasure) -> rusqlite::Result<()> {
    // Keys and texts can be written as JSON.
    let json = serde_json::to_string(erasure).unwrap_or_default();
    connection
        .prepare_cached("INSERT INTO cluster_erasures (erasure) SELECT ? FROM cluster")?
        .execute([json])?;
    Ok(())
}

/// Makes the file one of a cluster with this stream, or of none. All clicks and links are queued for a new cluster.
pub fn set_stream(connection: &Connection, stream: Option<&str>) -> rusqlite::Result<()> {
    let known: Option<String> = connection
        .query_row("SELECT stream FROM cluster", [], |row| row.get(0))
        .optional()?;
    if known.as_deref() == stream {
        return Ok(());
    }
    connection.execute_batch(
        "DELETE FROM cluster; DELETE FROM cluster_clicks; DELETE FROM cluster_links; DELETE FROM cluster_erasures;",
    )?;
    if let Some(stream) = stream {
        connection.execute(
            "INSERT INTO cluster (id, stream, erasure_seq) VALUES (1, ?, 0)",
            [stream],
        )?;
        connection.execute_batch(
            "INSERT INTO cluster_clicks (click) SELECT id FROM clicks;
             INSERT INTO cluster_links (key) SELECT key FROM links;",
        )?;
    }
    Ok(())
}

/// The last erasure in the stream that this file has carried out.
pub fn erasure_seq(connection: &Connection) -> rusqlite::Result<u64> {
    let seq = connection
        .query_row("SELECT erasure_seq FROM cluster", [], |row| row.get(0))
        .optional()?;
    Ok(seq.unwrap_or(0))
}

/// Records the last erasure that was carried out.
pub fn set_erasure_seq(connection: &Connection, seq: u64) -> rusqlite::Result<()> {
    connection.execute("UPDATE cluster SET erasure_seq = ?", [seq])?;
    Ok(())
}

/// Reads what the cluster does not have yet: events of these pixels, a JSON list of their IDs.
pub fn read(connection: &Connection, pixels: &str) -> rusqlite::Result<ToHandOver> {
    let erasures = connection
        .prepare_cached("SELECT id, erasure FROM cluster_erasures ORDER BY id LIMIT ?")?
        .query_map([MAX_ROWS], |row| {
            let json: String = row.get(1)?;
            let erasure = serde_json::from_str(&json).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(1, Type::Text, error.into())
            })?;
            Ok((row.get(0)?, erasure))
        })?
        .collect::<Result<_, _>>()?;
    // Clicks and links that were deleted meanwhile are not in the join, so `forget_deleted` removes them from the queue.
    let clicks = connection
        .prepare_cached(
            "SELECT queue.id, key, visitor, first_ms, oppref, obref, ip_address, user_agent
             FROM cluster_clicks AS queue JOIN clicks ON clicks.id = queue.click ORDER BY queue.id LIMIT ?",
        )?
        .query_map([MAX_ROWS], |row| {
            Ok(StoredClick {
                id: row.get(0)?,
                key: Key(row.get(1)?),
                visitor: row.get::<_, Option<_>>(2)?.map(Key),
                first_ms: row.get(3)?,
                click: Click {
                    oppref: row.get(4)?,
                    obref: row.get(5)?,
                    ip_address: row.get(6)?,
                    user_agent: row.get(7)?,
                },
            })
        })?
        .collect::<Result<_, _>>()?;
    let links = connection
        .prepare_cached(
            "SELECT queue.id, queue.key, clicks.key, visitor FROM cluster_links AS queue
             JOIN links ON links.key = queue.key JOIN clicks ON clicks.id = links.click ORDER BY queue.id LIMIT ?",
        )?
        .query_map([MAX_ROWS], |row| {
            Ok(StoredLink {
                id: row.get(0)?,
                key: Key(row.get(1)?),
                click: Key(row.get(2)?),
                visitor: row.get::<_, Option<_>>(3)?.map(Key),
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut statement = connection.prepare_cached(
        "SELECT seq, pixel, due_ms, waits_for_backend, halves, received_ms, timestamp_ms, key, visitor, event
         FROM outbox WHERE pixel IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?",
    )?;
    let mut rows = statement.query(params![pixels, MAX_ROWS])?;
    while let Some(row) = rows.next()? {
        let event = event_from(row)?;
        bytes += event.json.len();
        events.push(event);
        if bytes >= MAX_BYTES {
            break;
        }
    }
    Ok(ToHandOver {
        erasures,
        clicks,
        links,
        events,
    })
}

fn event_from(row: &Row) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        seq: row.get(0)?,
        pixel: row.get(1)?,
        due_ms: row.get(2)?,
        waits_for_backend: row.get(3)?,
        halves: row.get(4)?,
        received_ms: row.get(5)?,
        timestamp_ms: row.get(6)?,
        key: Key(row.get(7)?),
        visitor: row.get::<_, Option<_>>(8)?.map(Key),
        json: row.get(9)?,
    })
}

/// Deletes what the cluster has acknowledged, inside a transaction. Clicks and links stay, so that they are handed over again
/// only when they change.
pub fn settle(connection: &Connection, handed_over: &HandedOver) -> rusqlite::Result<()> {
    for (table, ids) in [
        ("cluster_erasures", &handed_over.erasures),
        ("cluster_clicks", &handed_over.clicks),
        ("cluster_links", &handed_over.links),
    ] {
        let mut delete = connection.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?"))?;
        for id in ids {
            delete.execute([id])?;
        }
    }
    // The cluster decides what is a duplicate: here, the other half of the event would be taken for one.
    let mut forget_id = connection.prepare_cached(
        "DELETE FROM seen WHERE key = (SELECT key FROM outbox WHERE seq = ? AND halves = ?)",
    )?;
    // If the other half has arrived meanwhile, the event is handed over once more.
    let mut delete =
        connection.prepare_cached("DELETE FROM outbox WHERE seq = ? AND halves = ?")?;
    for (seq, halves) in &handed_over.events {
        forget_id.execute(params![seq, halves])?;
        delete.execute(params![seq, halves])?;
    }
    Ok(())
}

/// Removes clicks and links from the queue that were deleted meanwhile, inside a transaction.
pub fn forget_deleted(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM cluster_clicks WHERE click NOT IN (SELECT id FROM clicks);
         DELETE FROM cluster_links WHERE key NOT IN (SELECT key FROM links);",
    )
}

/// Stores dead letters of the cluster's events, inside a transaction. One that is already stored stays as it is: a relay may
/// have stopped between this and telling the cluster.
pub fn bury(
    connection: &Connection,
    dead: &[(StoredEvent, Reason)],
    now_ms: u64,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO dead (pixel, died_ms, status, code, field, message, request_id, halves, received_ms,
             timestamp_ms, key, visitor, event)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
         WHERE NOT EXISTS (SELECT 1 FROM dead WHERE pixel = ?1 AND key = ?11)",
    )?;
    for (event, reason) in dead {
        insert.execute(params![
            event.pixel,
            now_ms,
            reason.status,
            reason.code,
            reason.field,
            reason.message,
            reason.request_id,
            event.halves,
            event.received_ms,
            event.timestamp_ms,
            event.key.0,
            event.visitor.map(|key| key.0),
            event.json,
        ])?;
    }
    Ok(())
}
