//! Consent: the visitor's answer, and where it is kept.

use crate::cookie::{self, Jar};
use crate::host::{Host, Storage};

const COOKIE: &str = "__oaiq_consent";
/// The `localStorage` key. Other tabs of the site hear of a change to it.
pub const STORAGE_KEY: &str = "oaiq_consent";
const DAYS: u64 = 30;
const DENIED: &str = "false";

/// Is a denial kept anywhere? Granted unless denied, and one denial is enough.
pub fn is_denied(host: &impl Host) -> bool {
    let mut denied = is_denied_in_storage(host);
    cookie::each(&host.cookies(), COOKIE, &mut |value| {
        denied |= value == DENIED;
    });
    denied
}

/// The part of [`is_denied`] that costs next to nothing: reading cookies may be a round trip to another process.
pub fn is_denied_in_storage(host: &impl Host) -> bool {
    host.stored(Storage::Local, STORAGE_KEY) == DENIED
}

/// Keeps the visitor's answer.
pub fn keep(host: &mut impl Host, jar: &mut Jar, granted: bool) {
    let answer = if granted { "true" } else { DENIED };
    // an answer set for another of the site's hosts would go on being read beside the new one
    let mut other = false;
    cookie::each(&host.cookies(), COOKIE, &mut |value| {
        other |= value != answer;
    });
    if other {
        jar.delete(host, COOKIE);
    }
    jar.write(host, COOKIE, answer, DAYS);
    host.store(Storage::Local, STORAGE_KEY, answer);
}
