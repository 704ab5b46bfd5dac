// Written by `npm run generate` from src/.

/** The numbers of the debug events, which `DebugEvent` in src/host.rs describes. */
export const INIT = 0;
export const PIXEL_STARTED = 1;
export const CONSENT_CHANGED = 2;
export const QUEUED = 3;
export const REJECTED = 4;
export const BLOCKED_BY_CONSENT = 5;
export const UNKNOWN_PIXEL = 6;
export const OUTBOX_SAVED = 7;
export const REQUEST_SENT = 8;
export const RESPONSE_RECEIVED = 9;
export const RETRY_SCHEDULED = 10;
export const CONFIG_RECEIVED = 11;
export const BATCH_SPLIT = 12;
export const DROPPED = 13;
export const RECOVERED = 14;
export const OUTBOX_CORRUPT = 15;
export const STORAGE_UNAVAILABLE = 16;
export const DEBUG_REQUESTED = 17;
export const HELD_FOR_CONSENT = 18;
export const CLICK_ID = 19;
export const CONSENT_STATE = 20;
export const CSP_VIOLATION = 21;
export const TAB_HISTORY = 22;
export const IGNORED = 23;
export const MISSING_EVENT_ID = 24;
export const STATE_LOADED = 25;
export const NO_PIXEL_STARTED = 26;
export const CONFIG_USER = 27;
export const SCRIPT_ELEMENT = 28;
export const NOT_RECORDED = 29;
export const DATA_LAYER = 30;
export const FORM_SUBMITTED = 31;
export const DUPLICATE_CALL = 32;
export const MATCHED = 33;
