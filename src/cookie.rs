//! The page's cookies: reading, and writing and deleting them for the widest domain that the browser takes.

use crate::host::Host;
use crate::text::{push_number, push_uri_component, uri_decoded};

const DAY: u64 = 24 * 60 * 60;
const PROBE: &str = "__oaiq_domain_probe";

/// The site's cookie jar, seen from one host name.
#[derive(Debug)]
pub struct Jar {
    host_name: String,
    https: bool,
    /// The widest domain, once it has been looked for; empty means host-only.
    domain: Option<String>,
}

impl Jar {
    /// The jar of a page at that host.
    pub fn new(host_name: &str, https: bool) -> Self {
        Self {
            host_name: host_name.into(),
            https,
            domain: None,
        }
    }

    /// Writes a cookie that lives for so many days.
    pub fn write(&mut self, host: &mut impl Host, name: &str, value: &str, days: u64) {
        if self.domain.is_none() {
            let domain = self.widest_domain(host);
            self.domain = Some(domain);
        }
        let domain = self.domain.as_deref().unwrap_or("");
        host.set_cookie(&self.cookie(name, value, days * DAY, domain));
    }

    /// Deletes a cookie, whichever of the site's hosts it was set for.
    pub fn delete(&self, host: &mut impl Host, name: &str) {
        host.set_cookie(&self.cookie(name, "", 0, ""));
        for domain in self.domains() {
            host.set_cookie(&self.cookie(name, "", 0, domain));
        }
    }

    /// From the last two labels of the host upwards; none for an IP address or a host of one label.
    fn domains(&self) -> impl Iterator<Item = &str> {
        let name = self.host_name.as_str();
        let is_address = name.contains(':')
            || name
                .rsplit('.')
                .next()
                .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        name.rmatch_indices('.')
            .skip(1)
            .map(move |(dot, _)| name.get(dot + 1..).unwrap_or(name))
            .chain(name.contains('.').then_some(name))
            .filter(move |_| !is_address)
    }

    /// A domain such as `co.uk` is refused by the browser, which has the list; so it is asked.
    fn widest_domain(&self, host: &mut impl Host) -> String {
        for domain in self.domains() {
            host.set_cookie(&self.cookie(PROBE, "1", 60, domain));
            if find(&host.cookies(), PROBE).is_some() {
                host.set_cookie(&self.cookie(PROBE, "", 0, domain));
                return domain.into();
            }
        }
        String::new()
    }

    fn cookie(&self, name: &str, value: &str, seconds: u64, domain: &str) -> String {
        let mut out = String::from(name);
        out.push('=');
        push_uri_component(&mut out, value);
        out.push_str("; Path=/; Max-Age=");
        push_number(&mut out, seconds);
        out.push_str("; SameSite=Lax");
        if !domain.is_empty() {
            out.push_str("; Domain=");
            out.push_str(domain);
        }
        if self.https {
            out.push_str("; Secure");
        }
        out
    }
}

/// The decoded value of a cookie in `document.cookie`. Of several with that name, set for different domains, the
/// one made last counts: browsers list them in the order of their making (RFC 6265, 5.4).
pub fn find(cookies: &str, name: &str) -> Option<String> {
    all(cookies, name).last().map(uri_decoded)
}

/// Each value, still encoded, of the cookies with that name.
pub fn all<'a>(cookies: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    cookies.split(';').filter_map(move |pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim_ascii() == name).then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_tried_from_the_last_two_labels_upwards() {
        for (host, domains) in [
            (
                "shop.example.co.uk",
                vec!["co.uk", "example.co.uk", "shop.example.co.uk"],
            ),
            ("example.test", vec!["example.test"]),
            ("localhost", vec![]),
            ("127.0.0.1", vec![]),
            ("[::1]", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(
                Jar::new(host, true).domains().collect::<Vec<_>>(),
                domains,
                "{host}"
            );
        }
    }

    #[test]
    fn of_two_cookies_with_one_name_the_newer_counts() {
        assert_eq!(
            find(
                "a=1; __oppref=old; __oppref=a%20b ; x__oppref=3",
                "__oppref"
            )
            .as_deref(),
            Some("a b")
        );
        assert_eq!(find("__oppref", "__oppref"), None);
        assert_eq!(find("", "__oppref"), None);
    }
}
