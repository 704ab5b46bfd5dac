//! The pixel's cookies, read from requests and set by answers.

use axum::http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::clock::DAY_MS;
use crate::config::{self, Origin, covers_host};
use crate::store::maintain::CLICK_LIFE_MS;

/// The click ID.
const CLICK: &str = "__oppref";
/// The browser ID.
const BROWSER: &str = "__obref";
/// The answer to the question for consent.
const CONSENT: &str = "__oaiq_consent";

/// The browser ID again, for the relay alone. When a visitor denies consent, the pixel deletes its own cookies before the relay
/// hears of the denial. Scripts cannot delete this one, so it still says whose data to delete.
const RELAY: &str = "__oaiq_relay";

/// The longest value that is read or set. Browsers keep no cookie of more than 4 KB.
const MAX_VALUE_BYTES: usize = 3_800;

/// How long the browser ID lives.
const BROWSER_LIFE_MS: u64 = 365 * DAY_MS;

/// What `encodeURIComponent` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The pixel's cookies in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cookies {
    /// The click ID.
    pub oppref: Option<String>,
    /// The browser ID, a v4 UUID.
    pub obref: Option<String>,
    /// The browser ID in the relay's own cookie.
    pub relay: Option<String>,
    /// Whether consent is denied.
    pub is_denied: bool,
}

impl Cookies {
    /// Reads them. A value that is too long, empty or malformed counts as absent. If there are several cookies of a name, the
    /// first one counts, and one denial is enough.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut cookies = Self::default();
        let lines = headers.get_all(header::COOKIE).iter();
        for pair in lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
        {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let decoded = || {
                let value = value.trim();
                let decoded = percent_decode_str(value).decode_utf8().ok()?;
                let is_usable = !decoded.trim().is_empty() && value.len() <= MAX_VALUE_BYTES;
                is_usable.then(|| decoded.into_owned())
            };
            match name.trim() {
                CLICK if cookies.oppref.is_none() => cookies.oppref = decoded(),
                BROWSER if cookies.obref.is_none() => {
                    cookies.obref = decoded().filter(|value| is_uuid_v4(value));
                }
                RELAY if cookies.relay.is_none() => {
                    cookies.relay = decoded().filter(|value| is_uuid_v4(value));
                }
                CONSENT => cookies.is_denied |= value.trim() == "false",
                _ => {}
            }
        }
        cookies
    }

    /// The browser IDs, each once.
    pub fn obrefs(&self) -> Vec<String> {
        let mut obrefs: Vec<String> = [&self.obref, &self.relay]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        obrefs.dedup();
        obrefs
    }

    /// Whether there is a cookie to delete when consent is denied.
    pub const fn has_visitor(&self) -> bool {
        self.oppref.is_some() || self.obref.is_some() || self.relay.is_some()
    }
}

/// What answers set.
#[derive(Debug, Clone, Copy)]
pub struct CookieSetter<'a> {
    /// The configuration.
    pub config: &'a config::Cookie,
    /// The page's origin.
    pub origin: &'a Origin,
    /// The path of the relay.
    pub prefix: &'a str,
}

impl CookieSetter<'_> {
    /// Sets the pixel's cookies, with the pixel's attributes, and the relay's own. The click's cookie ends 30 days after the click, also if it is set
    /// again in between.
    pub fn set(
        &self,
        headers: &mut HeaderMap,
        click: Option<(&str, u64)>,
        obref: Option<&str>,
        now_ms: u64,
    ) {
        if let Some((oppref, first_ms)) = click {
            let life_ms = (first_ms + CLICK_LIFE_MS).saturating_sub(now_ms);
            let value = utf8_percent_encode(oppref, ENCODED).to_string();
            if life_ms > 0 && value.len() <= MAX_VALUE_BYTES {
                let seconds = life_ms / 1_000;
                self.append_for_pages(headers, CLICK, &value, seconds, self.domain());
            }
        }
        if let Some(obref) = obref.filter(|obref| is_uuid_v4(obref)) {
            let seconds = BROWSER_LIFE_MS / 1_000;
            self.append_for_pages(headers, BROWSER, obref, seconds, self.domain());
            // Nothing that the relay stores of a visitor is older.
            self.append_for_relay(headers, obref, CLICK_LIFE_MS / 1_000);
        }
    }

    /// Deletes all of them, also those that belong to one host alone.
    pub fn delete(&self, headers: &mut HeaderMap) {
        for name in [CLICK, BROWSER] {
            self.append_for_pages(headers, name, "", 0, None);
            if let Some(domain) = self.domain() {
                self.append_for_pages(headers, name, "", 0, Some(domain));
            }
        }
        self.append_for_relay(headers, "", 0);
    }

    /// A browser refuses a cookie of a domain that the host does not belong to.
    fn domain(&self) -> Option<&str> {
        let domain = self.config.domain.as_deref()?;
        covers_host(domain, self.origin.host()).then_some(domain)
    }

    fn append_for_pages(
        &self,
        headers: &mut HeaderMap,
        name: &str,
        value: &str,
        seconds: u64,
        domain: Option<&str>,
    ) {
        let mut cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax");
        if let Some(domain) = domain {
            cookie += "; Domain=";
            cookie += domain;
        }
        self.append(headers, cookie);
    }

    fn append_for_relay(&self, headers: &mut HeaderMap, value: &str, seconds: u64) {
        let path = self.prefix;
        let cookie =
            format!("{RELAY}={value}; Path={path}; Max-Age={seconds}; SameSite=Lax; HttpOnly");
        self.append(headers, cookie);
    }

    fn append(&self, headers: &mut HeaderMap, mut cookie: String) {
        if self.origin.as_str().starts_with("https:") {
            cookie += "; Secure";
        }
        // The value is percent-encoded, so this cannot fail.
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// A v4 UUID in lowercase, as the pixel makes them.
fn is_uuid_v4(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => *byte == b'4',
            19 => b"89ab".contains(byte),
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UUID: &str = "3f0e8a52-7f3b-4c68-9a3b-0d5d3c1f2a11";

    fn read(cookie: &str) -> Cookies {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        Cookies::read(&headers)
    }

    fn set(domain: Option<&str>, origin: &str, first_ms: u64, now_ms: u64) -> Vec<String> {
        let config = config::Cookie {
            set: true,
            domain: domain.map(ToOwned::to_owned),
        };
        let origin: Origin = origin.parse().unwrap();
        let setter = CookieSetter {
            config: &config,
            origin: &origin,
            prefix: "/oaiq/",
        };
        let mut headers = HeaderMap::new();
        setter.set(&mut headers, Some(("a b;ü", first_ms)), Some(UUID), now_ms);
        let cookies = headers.get_all(header::SET_COOKIE).iter();
        cookies
            .map(|cookie| cookie.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn values_are_decoded() {
        let cookies = read(&format!(
            "a=b; __oppref=a%20b%3B%C3%BC; __obref={UUID}; __oaiq_consent=true"
        ));
        assert_eq!(cookies.oppref.as_deref(), Some("a b;ü"));
        assert_eq!(cookies.obref.as_deref(), Some(UUID));
        assert!(!cookies.is_denied);
    }

    #[test]
    fn one_denial_is_enough() {
        assert!(read("__oaiq_consent=true; __oaiq_consent=false").is_denied);
        assert!(!read("x__oaiq_consent=false").is_denied);
    }

    #[test]
    fn unusable_values_count_as_absent() {
        let long = "x".repeat(8_000);
        for cookie in [
            format!("__oppref={long}"),
            "__oppref=%FF".to_owned(),
            "__oppref= ".to_owned(),
            "__obref=me".to_owned(),
            format!("__obref={}", UUID.to_uppercase()),
            format!("__obref={}", UUID.replace("-4", "-1")),
        ] {
            assert_eq!(read(&cookie), Cookies::default(), "{cookie}");
        }
    }

    #[test]
    fn cookies_have_the_pixels_attributes() {
        assert_eq!(
            set(Some("shop.example"), "https://www.shop.example", 0, DAY_MS),
            [
                "__oppref=a%20b%3B%C3%BC; Path=/; Max-Age=2505600; SameSite=Lax; Domain=shop.example; Secure".to_owned(),
                format!("__obref={UUID}; Path=/; Max-Age=31536000; SameSite=Lax; Domain=shop.example; Secure"),
                format!("__oaiq_relay={UUID}; Path=/oaiq/; Max-Age=2592000; SameSite=Lax; HttpOnly; Secure"),
            ]
        );
        let plain = set(Some("shop.example"), "http://localhost:8787", 0, 0);
        assert_eq!(
            plain[0],
            "__oppref=a%20b%3B%C3%BC; Path=/; Max-Age=2592000; SameSite=Lax"
        );
    }

    #[test]
    fn click_is_not_set_again_after_thirty_days() {
        let cookies = set(None, "https://shop.example", 0, CLICK_LIFE_MS);
        assert!(
            cookies.len() == 2 && cookies[0].starts_with("__obref"),
            "{cookies:?}"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_cookies_never_panic(cookie in "[ -~]{0,100}", tail in "(__oppref|__obref|;|=|%|[0-9A-F]){0,20}") {
            read(&format!("{cookie}{tail}"));
        }
    }
}
