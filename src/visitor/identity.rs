//! The click and browser references, and their cookies.

use crate::host::Host;
use crate::mem::thin_str::{Draft, Kept, Text, t};

static CLICK_COOKIE: Text = t!("__oppref");
const CLICK_DAYS: u32 = 30;
static BROWSER_COOKIE: Text = t!("__obref");
const BROWSER_DAYS: u32 = 365;

/// Who a batch comes from, as the members of its body.
#[derive(Debug, Default)]
pub struct Identity {
    /// This browser, a v4 UUID: `"obref":"...",`. Empty where its cookie cannot be read back.
    pub browser: Kept,
    /// The ad click that led here: `,"oppref":"..."`. Empty if none did.
    pub click: Kept,
}

impl Identity {
    /// Reads the references, and makes and keeps what is missing.
    pub fn establish(host: &mut impl Host) -> Self {
        let mut browser = host.cookie(BROWSER_COOKIE);
        let kept = host.cookie(CLICK_COOKIE);
        let mut reads_back = true;
        if !is_uuid_v4(browser.text()) {
            host.delete_cookie(BROWSER_COOKIE);
            browser = host.uuid();
            host.write_cookie(BROWSER_COOKIE, browser.text(), BROWSER_DAYS);
            reads_back = host.cookie(BROWSER_COOKIE).text() == browser.text();
        }
        let mut this = Self::default();
        if reads_back {
            this.browser = Draft::new()
                .with(t!("\"obref\":\""))
                .with(browser.text())
                .with(t!("\","))
                .kept();
        }

        let mut click = host.click();
        if click.is_empty() {
            click = kept;
        } else {
            host.write_cookie(CLICK_COOKIE, click.text(), CLICK_DAYS);
            if host.cookie(CLICK_COOKIE).text() != click.text() {
                // an older click, kept for another of the site's hosts, would be read in the place of this one
                host.delete_cookie(CLICK_COOKIE);
                host.write_cookie(CLICK_COOKIE, click.text(), CLICK_DAYS);
            }
        }
        this.click = click_member(click.text()).kept();
        this
    }

    /// Deletes the cookies of both references, where there are any.
    pub fn forget(host: &mut impl Host) {
        host.delete_cookie(CLICK_COOKIE);
        host.delete_cookie(BROWSER_COOKIE);
    }
}

/// A click reference as a member of a body that is not its first; nothing if there is none.
pub fn click_member(click: Text) -> Draft {
    let mut member = Draft::new();
    if !click.is_empty() {
        member = member.with_key(t!("oppref")).with_string(click);
    }
    member
}

/// `xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx` in lowercase.
fn is_uuid_v4(text: Text) -> bool {
    let mut at = text;
    for i in 0..36 {
        let byte = at.byte();
        let fits = match i {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        if !fits {
            return false;
        }
        at = at.after(1);
    }
    at.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_v4_uuid_in_lowercase_is_a_browser_reference() {
        let is_uuid_v4 = |text: &str| is_uuid_v4(Draft::from(text).text());
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
