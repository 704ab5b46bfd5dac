//! Names and limits on which the crate, the scripts and the documentation must agree. `npm run generate` writes them for the
//! scripts (www/pixel/protocol.gen.js).

/// The version of the vendor's script whose protocol this is.
pub const VERSION: &str = "0.1.41";

/// localStorage: the prefix of the keys of outbox records. The rest of a key is the record's name.
pub const OUTBOX_PREFIX: &str = "oaiq_outbox.1:";
/// localStorage: the key of an outbox record that could not be read.
pub const OUTBOX_CORRUPT_KEY: &str = "oaiq_outbox.damaged";
/// How many events of a page the outbox stores.
pub const OUTBOX_MAX_EVENTS: usize = 500;
/// How many bytes of a page's events the outbox stores.
pub const OUTBOX_MAX_BYTES: usize = 256 << 10;

/// The endpoint rejects events that are older.
pub const MAX_EVENT_AGE_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// The endpoint rejects a larger request, so a larger event is rejected.
pub const MAX_EVENT_BYTES: usize = 1 << 20;
