//! Stores the events of a request: deduplicates them, merges the halves of a conversion, and remembers the visitor's click.

use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension, params};

use super::handover;
use super::maintain::CLICK_LIFE_MS;
use crate::event::{Half, merge};
use crate::key::Key;

/// The events of one request.
#[derive(Debug)]
pub struct NewBatch {
    /// The pixel ID.
    pub pixel: String,
    /// Who has sent them.
    pub half: Half,
    /// When, in milliseconds since the Unix epoch.
    pub received_ms: u64,
    /// The visitor's click, if the request has one.
    pub visit: Option<Visit>,
    /// The events.
    pub events: Vec<NewEvent>,
}

/// What a visit with an ad click leaves, for later events of the backend.
#[derive(Debug)]
pub struct Visit {
    /// The click ID.
    pub oppref: String,
    /// The browser ID.
    pub obref: Option<String>,
    /// The visitor's address.
    pub ip_address: Option<IpAddr>,
    /// The visitor's user agent.
    pub user_agent: Option<String>,
    /// The keys of the identifiers in the request.
    pub links: Vec<Key>,
}

/// One event.
#[derive(Debug)]
pub struct NewEvent {
    /// What OpenAI deduplicates by.
    pub key: Key,
    /// The key by which a later event with the same ID finds the click.
    pub id_link: Option<Key>,
    /// The visitor, if the event has a browser ID.
    pub visitor: Option<Key>,
    /// When it happened.
    pub timestamp_ms: u64,
    /// When to forward it; or to drop it, if it waits for the backend.
    pub due_ms: u64,
    /// Whether it is forwarded only after the backend has sent it too.
    pub waits_for_backend: bool,
    /// The event in the form of the Conversions API.
    pub json: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    /// New events.
    pub new: usize,
    /// The other half of an event that was still in the store.
    pub merged: usize,
    /// Events that were accepted before.
    pub duplicates: usize,
    /// When the visitor's click was first seen.
    pub click_first_ms: Option<u64>,
}

/// Stores a batch, inside a transaction.
pub(super) fn accept(connection: &Connection, batch: &NewBatch) -> rusqlite::Result<Accepted> {
    let mut accepted = Accepted::default();
    let mut click = None;
    if let Some(visit) = &batch.visit {
        let (id, first_ms) = store_click(connection, batch, visit)?;
        accepted.click_first_ms = Some(first_ms);
        click = Some(id);
        for link in &visit.links {
            store_link(connection, *link, id)?;
        }
    }
    // The transaction keeps others from using the same numbers.
    let mut seq: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'")?
        .query_row([], |row| row.get(0))?;
    for event in &batch.events {
        let inserted = connection
            .prepare_cached(
                "INSERT INTO seen (key, seq, at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )?
            .execute(params![event.key.0, seq + 1, batch.received_ms])?;
        if inserted == 0 {
            match merge_halves(connection, batch, event)? {
                true => accepted.merged += 1,
                false => accepted.duplicates += 1,
            }
        } else {
            seq += 1;
            insert(connection, batch, event, seq)?;
            accepted.new += 1;
        }
        if let (Some(link), Some(click)) = (event.id_link, click) {
            store_link(connection, link, click)?;
        }
    }
    Ok(accepted)
}

fn insert(
    connection: &Connection,
    batch: &NewBatch,
    event: &NewEvent,
    seq: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (seq, pixel, due_ms, waits_for_backend, halves, received_ms, timestamp_ms, key, visitor, event)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            seq,
            batch.pixel,
            event.due_ms,
            event.waits_for_backend,
            batch.half.bit(),
            batch.received_ms,
            event.timestamp_ms,
            event.key.0,
            event.visitor.map(|key| key.0),
            event.json,
        ])?;
    Ok(())
}

/// Adds the other half to an event that is still in the store. False if it is a duplicate.
fn merge_halves(
    connection: &Connection,
    batch: &NewBatch,
    event: &NewEvent,
) -> rusqlite::Result<bool> {
    let stored = connection
        .prepare_cached(
            "SELECT outbox.seq, halves, event FROM seen JOIN outbox USING (seq)
             WHERE seen.key = ?1 AND outbox.key = ?1",
        )?
        .query_row([event.key.0], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, u8>(1)?,
                row.get::<_, String>(2)?,
            ))
        })
        .optional()?;
    let Some((seq, halves, stored)) = stored else {
        return Ok(false);
    };
    if halves & batch.half.bit() != 0 {
        return Ok(false);
    }
    let merged = match batch.half {
        Half::Browser => merge(&stored, &event.json),
        Half::Backend => merge(&event.json, &stored),
    };
    // Nothing is left to wait for.
    connection
        .prepare_cached(
            "UPDATE outbox SET event = ?, halves = 3, waits_for_backend = 0, due_ms = min(due_ms, ?),
                 visitor = coalesce(visitor, ?) WHERE seq = ?",
        )?
        .execute(params![
            merged,
            batch.received_ms,
            event.visitor.map(|key| key.0),
            seq
        ])?;
    Ok(true)
}

/// Returns the click's row, and when it was first seen.
fn store_click(
    connection: &Connection,
    batch: &NewBatch,
    visit: &Visit,
) -> rusqlite::Result<(i64, u64)> {
    let key = Key::click(&batch.pixel, &visit.oppref, visit.obref.as_deref());
    let address = visit.ip_address.map(|address| address.to_string());
    let known = connection
        .prepare_cached("SELECT id, first_ms, ip_address, user_agent FROM clicks WHERE key = ?")?
        .query_row([key.0], |row| {
            let known: (i64, u64, Option<String>, Option<String>) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(known)
        })
        .optional()?;
    if let Some((id, first_ms, known_address, known_agent)) = known {
        let is_live = first_ms + CLICK_LIFE_MS > batch.received_ms;
        // A visitor who clicks the same link again after its time has made a new click.
        let first_ms = if is_live { first_ms } else { batch.received_ms };
        if !is_live || known_address != address || known_agent != visit.user_agent {
            connection
                .prepare_cached(
                    "UPDATE clicks SET first_ms = ?, ip_address = ?, user_agent = ? WHERE id = ?",
                )?
                .execute(params![first_ms, address, visit.user_agent, id])?;
            handover::queue_click(connection, id)?;
        }
        return Ok((id, first_ms));
    }
    connection
        .prepare_cached(
            "INSERT INTO clicks (key, visitor, first_ms, oppref, obref, ip_address, user_agent)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            key.0,
            visit.obref.as_deref().map(|obref| Key::visitor(obref).0),
            batch.received_ms,
            visit.oppref,
            visit.obref,
            address,
            visit.user_agent,
        ])?;
    let id = connection.last_insert_rowid();
    handover::queue_click(connection, id)?;
    Ok((id, batch.received_ms))
}

/// The latest click wins.
fn store_link(connection: &Connection, key: Key, click: i64) -> rusqlite::Result<()> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO links (key, click) VALUES (?, ?)
             ON CONFLICT DO UPDATE SET click = excluded.click WHERE click != excluded.click",
        )?
        .execute(params![key.0, click])?;
    if changed > 0 {
        handover::queue_link(connection, key)?;
    }
    Ok(())
}
