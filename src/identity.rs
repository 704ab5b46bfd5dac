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
    /// The ad click that led here.
    pub click: Option<String>,
    /// This browser, a v4 UUID. Only where its cookie can be read back.
    pub browser: Option<String>,
}

impl Identity {
    /// Reads the references, and makes and keeps what is missing. `click` is that of the page's address.
    pub fn establish(host: &mut impl Host, jar: &mut Jar, click: Option<String>) -> Self {
        let cookies = host.cookies();
        let click = match click {
            Some(click) => {
                jar.write(host, CLICK_COOKIE, &click, CLICK_DAYS);
                Some(click)
            }
            None => cookie::find(&cookies, CLICK_COOKIE).filter(|click| !click.is_empty()),
        };
        let kept = cookie::find(&cookies, BROWSER_COOKIE);
        let browser = match kept {
            Some(kept) if is_uuid_v4(&kept) => Some(kept),
            unusable => {
                if unusable.is_some() {
                    jar.delete(host, BROWSER_COOKIE);
                }
                let made = host.uuid();
                jar.write(host, BROWSER_COOKIE, &made, BROWSER_DAYS);
                cookie::find(&host.cookies(), BROWSER_COOKIE).filter(|read_back| *read_back == made)
            }
        };
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
