//! Stores the visitor's consent.

use crate::host::{Host, WebStorage};
use crate::mem::{Scratch, ThinStr, thin};

static COOKIE: ThinStr = thin!("__oaiq_consent");
/// The `localStorage` key. Other tabs of the site are notified of a change.
pub static STORAGE_KEY: ThinStr = thin!("oaiq_consent");
const COOKIE_DAYS: u32 = 30;
static DENIED: ThinStr = thin!("false");
static GRANTED: ThinStr = thin!("true");

/// Whether consent is denied in storage or in a cookie. It is granted unless denied.
pub fn is_denied(s: Scratch, host: &impl Host) -> bool {
    is_denied_in_storage(s, host) || host.has_cookie(COOKIE, DENIED)
}

/// The fast part of [`is_denied`]: reading cookies may be a round trip to another process.
pub fn is_denied_in_storage(s: Scratch, host: &impl Host) -> bool {
    host.storage_get(s, WebStorage::Local, STORAGE_KEY)
        .as_thin()
        == DENIED
}

/// Stores the visitor's answer.
pub fn store_answer(host: &mut impl Host, granted: bool) {
    let (answer, other) = if granted {
        (GRANTED, DENIED)
    } else {
        (DENIED, GRANTED)
    };
    // an answer in a cookie of another of the site's domains would be read together with the new one
    if host.has_cookie(COOKIE, other) {
        host.delete_cookie(COOKIE);
    }
    host.set_cookie(COOKIE, answer, COOKIE_DAYS);
    host.storage_set(WebStorage::Local, STORAGE_KEY, answer);
}
