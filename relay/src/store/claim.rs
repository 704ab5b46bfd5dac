//! Reads the events that are due, joined with their clicks, and records what became of them.

use oaiq_ingest::rules::MAX_AGE_MS;
use rusqlite::{Connection, OptionalExtension, params};

use super::maintain::CLICK_LIFE_MS;
use crate::event::{Click, Half, join};
use crate::key::{Key, Link};

/// What to read.
#[derive(Debug)]
pub struct Claim {
    /// Of this pixel.
    pub pixel: String,
    /// Due by this time.
    pub now_ms: u64,
    /// At most this many events.
    pub max_events: usize,
    /// Stop after the event that reaches this many bytes.
    pub max_bytes: usize,
}

/// Events that are due.
#[derive(Debug, Default)]
pub struct Claimed {
    /// To forward, the longest due first.
    pub events: Vec<DueEvent>,
    /// Older than OpenAI takes them.
    pub expired: Vec<i64>,
    /// Browsers' events that the backend has not sent in time.
    pub unconfirmed: Vec<i64>,
    /// When the next one is due, if none is left that is due now.
    pub next_due_ms: Option<u64>,
    /// When the oldest of `events` happened.
    pub oldest_ms: Option<u64>,
}

/// An event to forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueEvent {
    /// Its number in the store.
    pub seq: i64,
    /// Who has sent it, see [`origin_of`](super::dead::origin_of).
    pub halves: u8,
    /// The event in the form of the Conversions API, with its click.
    pub json: String,
    /// How the click was found, if the event had none.
    pub joined_by: Option<Link>,
}

/// What became of events.
#[derive(Debug, Default)]
pub struct Settlement {
    /// When, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// OpenAI has them.
    pub delivered: Vec<i64>,
    /// They cannot be delivered.
    pub dead: Vec<DeadLetter>,
    /// The backend has not sent them in time.
    pub unconfirmed: Vec<i64>,
}

impl Settlement {
    /// Whether there is nothing to record.
    pub fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.dead.is_empty() && self.unconfirmed.is_empty()
    }
}

/// Why an event cannot be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event's number in the store.
    pub seq: i64,
    /// The reason.
    pub reason: Reason,
}

/// Why an event cannot be delivered, in OpenAI's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The status of OpenAI's response; 0 if the relay has decided.
    pub status: u16,
    /// OpenAI's code; `expired` if it became too old.
    pub code: String,
    /// The field.
    pub field: Option<String>,
    /// A sentence.
    pub message: String,
    /// OpenAI's `x-request-id`.
    pub request_id: Option<String>,
}

impl Reason {
    /// The event is older than OpenAI takes it.
    pub fn expired() -> Self {
        Self {
            status: 0,
            code: "expired".to_owned(),
            field: Some("timestamp_ms".to_owned()),
            message: "It could not be delivered within 7 days, and OpenAI takes no older events."
                .to_owned(),
            request_id: None,
        }
    }
}

/// Reads events of a pixel that are due.
pub(super) fn claim(connection: &Connection, claim: &Claim) -> rusqlite::Result<Claimed> {
    let mut claimed = Claimed::default();
    let mut statement = connection.prepare_cached(
        "SELECT seq, due_ms, waits_for_backend, halves, timestamp_ms, event FROM outbox
         WHERE pixel = ? ORDER BY due_ms LIMIT ?",
    )?;
    // One more, to learn when it is due.
    let mut rows = statement.query(params![claim.pixel, claim.max_events + 1])?;
    let mut bytes = 0;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let due_ms: u64 = row.get(1)?;
        if due_ms > claim.now_ms || count == claim.max_events || bytes >= claim.max_bytes {
            claimed.next_due_ms = Some(due_ms);
            break;
        }
        count += 1;
        let seq = row.get(0)?;
        let timestamp_ms: u64 = row.get(4)?;
        if row.get(2)? {
            claimed.unconfirmed.push(seq);
            continue;
        }
        if timestamp_ms.saturating_add(MAX_AGE_MS) < claim.now_ms {
            claimed.expired.push(seq);
            continue;
        }
        let halves: u8 = row.get(3)?;
        let mut json: String = row.get(5)?;
        let mut joined_by = None;
        if halves & Half::Backend.bit() != 0
            && let Some((joined, link)) = join(&json, &claim.pixel, |key| {
                find_click(connection, key, claim.now_ms)
            })?
        {
            json = joined;
            joined_by = Some(link);
        }
        bytes += json.len();
        claimed.oldest_ms = Some(claimed.oldest_ms.unwrap_or(u64::MAX).min(timestamp_ms));
        claimed.events.push(DueEvent {
            seq,
            halves,
            json,
            joined_by,
        });
    }
    Ok(claimed)
}

fn find_click(connection: &Connection, link: Key, now_ms: u64) -> rusqlite::Result<Option<Click>> {
    connection
        .prepare_cached(
            "SELECT oppref, obref, ip_address, user_agent FROM links JOIN clicks ON id = click
             WHERE links.key = ? AND first_ms > ?",
        )?
        .query_row(
            params![link.0, now_ms.saturating_sub(CLICK_LIFE_MS)],
            |row| {
                Ok(Click {
                    oppref: row.get(0)?,
                    obref: row.get(1)?,
                    ip_address: row.get(2)?,
                    user_agent: row.get(3)?,
                })
            },
        )
        .optional()
}

/// Records what became of events, inside a transaction.
pub(super) fn settle(connection: &Connection, settlement: &Settlement) -> rusqlite::Result<()> {
    let mut forget_id = connection
        .prepare_cached("DELETE FROM seen WHERE key = (SELECT key FROM outbox WHERE seq = ?)")?;
    let mut bury = connection.prepare_cached(
        "INSERT INTO dead (pixel, died_ms, status, code, field, message, request_id, halves, received_ms,
             timestamp_ms, key, visitor, event)
         SELECT pixel, ?2, ?3, ?4, ?5, ?6, ?7, halves, received_ms, timestamp_ms, key, visitor, event
         FROM outbox WHERE seq = ?1",
    )?;
    let mut delete = connection.prepare_cached("DELETE FROM outbox WHERE seq = ?")?;
    for seq in &settlement.delivered {
        delete.execute([seq])?;
    }
    // Whoever repairs such an event and sends it again must not be taken for its duplicate.
    for DeadLetter { seq, reason } in &settlement.dead {
        bury.execute(params![
            seq,
            settlement.now_ms,
            reason.status,
            reason.code,
            reason.field,
            reason.message,
            reason.request_id
        ])?;
        forget_id.execute([seq])?;
        delete.execute([seq])?;
    }
    for seq in &settlement.unconfirmed {
        forget_id.execute([seq])?;
        delete.execute([seq])?;
    }
    Ok(())
}
