//! The click ID and the browser ID, and their cookies.

use crate::host::Host;
use crate::mem::{Scratch, ScratchString, ThinStr, ThinString, thin};

static CLICK_COOKIE: ThinStr = thin!("__oppref");
const CLICK_DAYS: u32 = 30;
static BROWSER_COOKIE: ThinStr = thin!("__obref");
const BROWSER_DAYS: u32 = 365;

/// The IDs of a visitor, as members of request bodies.
#[derive(Debug, Default)]
pub struct Identity {
    /// The browser ID, a v4 UUID: `"obref":"...",`. Empty if its cookie cannot be read back.
    pub browser_id_json: ThinString,
    /// The click ID: `,"oppref":"..."`. Empty if there is none.
    pub click_id_json: ThinString,
}

impl Identity {
    /// Reads the IDs, and creates and stores those that are missing.
    pub fn load_or_create(s: Scratch, host: &mut impl Host) -> Self {
        let mut browser = host.cookie(s, BROWSER_COOKIE);
        let stored_click = host.cookie(s, CLICK_COOKIE);
        let mut reads_back = true;
        if !is_uuid_v4(browser.as_thin()) {
            host.delete_cookie(BROWSER_COOKIE);
            browser = host.uuid(s);
            host.set_cookie(BROWSER_COOKIE, browser.as_thin(), BROWSER_DAYS);
            reads_back = host.cookie(s, BROWSER_COOKIE).as_thin() == browser.as_thin();
        }
        let mut this = Self::default();
        if reads_back {
            this.browser_id_json = s
                .copy(thin!("\"obref\":\""))
                .append(browser.as_thin())
                .append(thin!("\","))
                .to_thin_string();
        }

        let mut click = host.click_id(s);
        if click.is_empty() {
            click = stored_click;
        } else {
            host.set_cookie(CLICK_COOKIE, click.as_thin(), CLICK_DAYS);
            if host.cookie(s, CLICK_COOKIE).as_thin() != click.as_thin() {
                // an older click ID, in a cookie of another of the site's domains, would be read instead
                host.delete_cookie(CLICK_COOKIE);
                host.set_cookie(CLICK_COOKIE, click.as_thin(), CLICK_DAYS);
            }
        }
        this.click_id_json = click_id_member(s, click.as_thin()).to_thin_string();
        this
    }

    /// Deletes the cookies of both IDs.
    pub fn clear(host: &mut impl Host) {
        host.delete_cookie(CLICK_COOKIE);
        host.delete_cookie(BROWSER_COOKIE);
    }
}

/// A click ID as a member of a body, not the first one; empty if there is none.
pub fn click_id_member<'s>(s: Scratch<'s>, click: ThinStr) -> ScratchString<'s> {
    let mut member = s.string();
    if !click.is_empty() {
        member = member
            .append_json_key(thin!("oppref"))
            .append_json_str(click);
    }
    member
}

/// Whether a string is `xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx` in lowercase.
fn is_uuid_v4(text: ThinStr) -> bool {
    let mut at = text;
    for i in 0..36 {
        let byte = at.first_byte();
        let fits = match i {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        if !fits {
            return false;
        }
        at = at.advance();
    }
    at.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_id_is_a_lowercase_v4_uuid() {
        let is_uuid_v4 = |text: &str| is_uuid_v4(ThinString::from(text).as_thin());
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
