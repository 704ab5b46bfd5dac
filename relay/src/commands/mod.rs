//! The commands besides `serve` and `config`. They open the store in this process, also while a relay serves with it.

pub mod check;
pub mod dead;
pub mod status;

use std::path::Path;

use rusqlite::Connection;

use crate::clock::Clock;
use crate::config::Config;
use crate::person::Identifiers;
use crate::store::checkpoint::empty_log;
use crate::store::forget;
use crate::store::schema::{IfMissing, open};

/// The configuration of the file, and the store that it names.
pub(crate) fn open_store(file: &Path) -> Result<(Config, Connection), String> {
    let config = Config::load(file).map_err(|error| error.to_string())?;
    let path = config.resolve(&config.store.path);
    let connection = open(&path, IfMissing::Fail).map_err(|error| error.to_string())?;
    Ok((config, connection))
}

/// Deletes everything about a person, and says what it was.
///
/// # Errors
/// What went wrong, for the operator.
pub fn forget(file: &Path, identifiers: &Identifiers) -> Result<String, String> {
    let (config, mut connection) = open_store(file)?;
    let pixels = config.pixel.iter().map(|pixel| pixel.id.clone()).collect();
    let person = identifiers.person(pixels)?;
    let run = || -> rusqlite::Result<forget::Forgotten> {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let forgotten = forget::forget(&transaction, &person.erasure(now_ms()))?;
        transaction.commit()?;
        empty_log(&connection)?;
        Ok(forgotten)
    };
    let forgotten = { run }().map_err(|error| error.to_string())?;
    let mut out = format!(
        "deleted: {} clicks, {} links, {} undelivered events, {} dead letters\n",
        forgotten.clicks, forgotten.links, forgotten.events, forgotten.dead
    );
    if config.nats.is_some() {
        out += "What NATS and the other relays have is deleted too, as soon as the relay with this configuration runs and reaches them.\n";
    }
    Ok(out)
}

/// A time in milliseconds since the Unix epoch, in UTC.
pub(crate) fn format_time(ms: u64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A duration of which only the first two units matter.
pub(crate) fn format_age(ms: u64) -> String {
    let text = humantime::format_duration(std::time::Duration::from_secs(ms / 1_000)).to_string();
    let parts: Vec<&str> = text.split(' ').take(2).collect();
    parts.join(" ")
}

pub(crate) fn now_ms() -> u64 {
    Clock::default().now_ms()
}
