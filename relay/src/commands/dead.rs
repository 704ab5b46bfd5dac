//! `oaiq-relay dead`: the events that could not be delivered.

use std::fmt::Write;
use std::path::Path;

use super::{format_time, now_ms, open_store};
use crate::cli::Which;
use crate::store::dead::{self, Selection};

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        match which.all {
            true => Self::All(which.pixel),
            false => Self::Ids(which.numbers),
        }
    }
}

/// The newest dead letters, one a line, without what identifies a visitor.
///
/// # Errors
/// What went wrong, for the operator.
pub fn list(file: &Path, pixel: Option<&str>, limit: usize) -> Result<String, String> {
    let (_, connection) = open_store(file)?;
    let letters = dead::list(&connection, pixel, limit).map_err(|error| error.to_string())?;
    let mut out = String::new();
    for letter in &letters {
        let reason = &letter.reason;
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{}  {}  {}  {}  {}{}  {}",
            letter.id,
            format_time(letter.died_ms),
            letter.pixel,
            name_of(&letter.event),
            reason.code,
            reason
                .field
                .as_deref()
                .map(|field| format!(" ({field})"))
                .unwrap_or_default(),
            reason.request_id.as_deref().unwrap_or("-"),
        );
    }
    if letters.is_empty() {
        out += "no dead letters\n";
    } else {
        out += "`oaiq-relay dead show N` prints the whole reason and the event.\n";
    }
    Ok(out)
}

/// One dead letter with its event.
///
/// # Errors
/// What went wrong, for the operator.
pub fn show(file: &Path, number: i64) -> Result<String, String> {
    let (_, connection) = open_store(file)?;
    let letter = dead::find(&connection, number)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("there is no dead letter {number}: see `oaiq-relay dead list`"))?;
    let reason = &letter.reason;
    let event: serde_json::Value = serde_json::from_str(&letter.event).unwrap_or_default();
    Ok(format!(
        "pixel:      {}\nreceived:   {}\ndied:       {}\nstatus:     {}\ncode:       {}\nfield:      {}\nmessage:    {}\nrequest ID: {}\n{event:#}\n",
        letter.pixel,
        format_time(letter.received_ms),
        format_time(letter.died_ms),
        match reason.status {
            0 => "none; the relay has decided".to_owned(),
            status => status.to_string(),
        },
        reason.code,
        reason.field.as_deref().unwrap_or("-"),
        reason.message,
        reason.request_id.as_deref().unwrap_or("-"),
    ))
}

/// Sends dead letters again. A relay that serves notices it within a second.
///
/// # Errors
/// What went wrong, for the operator.
pub fn retry(file: &Path, selection: &Selection) -> Result<String, String> {
    let (_, mut connection) = open_store(file)?;
    let retried =
        dead::retry(&mut connection, selection, now_ms()).map_err(|error| error.to_string())?;
    let mut out = format!("{} will be sent again\n", retried.queued);
    if retried.superseded > 0 {
        let _ = writeln!(
            out,
            "{} were deleted, because the same events have been accepted again since",
            retried.superseded
        );
    }
    Ok(out)
}

/// Deletes dead letters.
///
/// # Errors
/// What went wrong, for the operator.
pub fn remove(file: &Path, selection: &Selection) -> Result<String, String> {
    let (_, mut connection) = open_store(file)?;
    let count = dead::remove(&mut connection, selection).map_err(|error| error.to_string())?;
    Ok(format!("{count} deleted\n"))
}

fn name_of(event: &str) -> String {
    let event: serde_json::Value = serde_json::from_str(event).unwrap_or_default();
    let text = |name: &str| event.get(name).and_then(serde_json::Value::as_str);
    text("custom_event_name")
        .or_else(|| text("type"))
        .unwrap_or("-")
        .to_owned()
}
