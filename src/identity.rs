//! The click and browser references, and their cookies.

use crate::cookie::{self, Jar};
use crate::host::Host;

const CLICK_COOKIE: &str = "__oppref";
const CLICK_DAYS: u64 = 30;
const BROWSER_COOKIE: &str = "__obref";
const BROWSER_DAYS: u64 = 365;

/// The query parameter by which an ad click arrives.
pub const CLICK_PARAMETER: &str = "oppref";

/// Who a batch comes from.
#[derive(Debug, Default)]
pub struct Identity {
    /// The ad click that led here; empty if none did.
    pub click: String,
    /// This browser, a v4 UUID; empty where its cookie cannot be read back.
    pub browser: String,
}

impl Identity {
    /// Reads the references, and makes and keeps what is missing. `click` is that of the page's address, or
    /// empty.
    pub fn establish(host: &mut impl Host, jar: &mut Jar, mut click: String) -> Self {
        let cookies = host.cookies();
        let found = cookie::find(&cookies, BROWSER_COOKIE);
        let mut browser = String::from(found.unwrap_or(""));
        let is_new = !is_uuid_v4(&browser);
        if is_new {
            if found.is_some() {
                jar.delete(host, BROWSER_COOKIE);
            }
            browser = host.uuid();
            jar.write(host, BROWSER_COOKIE, &browser, BROWSER_DAYS);
        }
        let clicked = !click.is_empty();
        if clicked {
            jar.write(host, CLICK_COOKIE, &click, CLICK_DAYS);
        } else if let Some(kept) = cookie::find(&cookies, CLICK_COOKIE) {
            click = host.uri_decoded(kept);
        }
        if is_new || clicked {
            let cookies = host.cookies();
            if is_new && cookie::find(&cookies, BROWSER_COOKIE) != Some(&browser) {
                browser.clear();
            }
            if clicked
                && let Some(other) = cookie::find(&cookies, CLICK_COOKIE)
                && host.uri_decoded(other) != click
            {
                // an older click, kept for another of the site's hosts, would be read in the place of this one
                jar.delete(host, CLICK_COOKIE);
                jar.write(host, CLICK_COOKIE, &click, CLICK_DAYS);
            }
        }
        Self { click, browser }
    }

    /// Deletes the cookies of both references, where there are any.
    pub fn forget(host: &mut impl Host, jar: &Jar) {
        let cookies = host.cookies();
        for name in [CLICK_COOKIE, BROWSER_COOKIE] {
            if cookie::find(&cookies, name).is_some() {
                jar.delete(host, name);
            }
        }
    }
}

/// `xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx` in lowercase.
fn is_uuid_v4(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_v4_uuid_in_lowercase_is_a_browser_reference() {
        assert!(is_uuid_v4("4e5e4050-f8cb-416c-9078-534b39100342"));
        for wrong in [
            "not-a-uuid",
            "4E5E4050-F8CB-416C-9078-534B39100342",
            "4e5e4050-f8cb-116c-9078-534b39100342",
            "4e5e4050-f8cb-416c-7078-534b39100342",
            "4e5e4050-f8cb-416c-9078-534b391003421",
            "",
        ] {
            assert!(!is_uuid_v4(wrong), "{wrong}");
        }
    }
}
