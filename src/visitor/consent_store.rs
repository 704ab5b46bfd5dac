//! Consent: the visitor's answer, and where it is kept.

use crate::host::{Host, WebStorage};
use crate::mem::{Scratch, ThinStr, thin};

static COOKIE: ThinStr = thin!("__oaiq_consent");
/// The `localStorage` key. Other tabs of the site hear of a change to it.
pub static STORAGE_KEY: ThinStr = thin!("oaiq_consent");
const COOKIE_DAYS: u32 = 30;
static DENIED: ThinStr = thin!("false");
static GRANTED: ThinStr = thin!("true");

/// Is a denial kept anywhere? Granted unless denied, and one denial is enough.
pub fn is_denied(s: Scratch, host: &impl Host) -> bool {
    is_denied_in_storage(s, host) || host.has_cookie(COOKIE, DENIED)
}

/// The part of [`is_denied`] that costs next to nothing: reading cookies may be a round trip to another process.
pub fn is_denied_in_storage(s: Scratch, host: &impl Host) -> bool {
    host.storage_get(s, WebStorage::Local, STORAGE_KEY)
        .as_thin()
        == DENIED
}

/// Keeps the visitor's answer.
pub fn store_answer(host: &mut impl Host, granted: bool) {
    let (answer, other) = if granted {
        (GRANTED, DENIED)
    } else {
        (DENIED, GRANTED)
    };
    // an answer set for another of the site's hosts would go on being read beside the new one
    if host.has_cookie(COOKIE, other) {
        host.delete_cookie(COOKIE);
    }
    host.set_cookie(COOKIE, answer, COOKIE_DAYS);
    host.storage_set(WebStorage::Local, STORAGE_KEY, answer);
}
