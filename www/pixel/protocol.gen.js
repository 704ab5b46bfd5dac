// Written by `npm run generate` from src/.

/** The version of the vendor's script whose protocol this is. */
export const PROTOCOL_VERSION = "0.1.41";

/** localStorage: the prefix of the keys of outbox records. The rest of a key is the record's name. */
export const OUTBOX_PREFIX = "oaiq_outbox.1:";

/** localStorage: the key of an outbox record that could not be read. */
export const OUTBOX_CORRUPT_KEY = "oaiq_outbox.damaged";

/** How many host calls return a string. They come first. */
export const STRING_CALLS = 6;

/** Flags of a request (`send_flags` in src/host.rs). Its number follows them. */
export const VIA_WORKER = 1;
export const UNLOADING = 2;
export const ANONYMOUS = 4;
export const MAY_HAVE_USER = 8;
export const FLAG_BITS = 4;
