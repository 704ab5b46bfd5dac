//! The page's cookies: reading, and writing and deleting them for the widest domain that the browser takes.

use crate::host::Host;
use crate::text::{add, are_digits, cut, push_number};

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
            self.domain = Some(self.widest_domain(host));
        }
        let domain = self.domain.as_deref().unwrap_or("");
        let value = host.uri_encoded(value);
        host.set_cookie(&self.cookie(name, &value, days * DAY, domain));
    }

    /// Deletes a cookie, whichever of the site's hosts it was set for.
    pub fn delete(&self, host: &mut impl Host, name: &str) {
        host.set_cookie(&self.cookie(name, "", 0, ""));
        for domain in self.domains() {
            host.set_cookie(&self.cookie(name, "", 0, domain));
        }
    }

    /// From the last two labels of the host upwards; none for an IP address or a host of one label.
    fn domains(&self) -> Vec<&str> {
        let name = self.host_name.as_str();
        let mut domains = Vec::new();
        let mut labels = 1;
        for (i, byte) in name.bytes().enumerate().rev() {
            if byte == b':' || byte == b'.' && labels == 1 && are_digits(&name[i + 1..]) {
                return Vec::new();
            }
            if byte == b'.' {
                if labels > 1 {
                    domains.push(&name[i + 1..]);
                }
                labels += 1;
            }
        }
        if labels > 1 {
            domains.push(name);
        }
        domains
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
        add(&mut out, "=");
        add(&mut out, value);
        add(&mut out, "; Path=/; Max-Age=");
        push_number(&mut out, seconds);
        add(&mut out, "; SameSite=Lax");
        if !domain.is_empty() {
            add(&mut out, "; Domain=");
            add(&mut out, domain);
        }
        if self.https {
            add(&mut out, "; Secure");
        }
        out
    }
}

/// The value, still encoded, of a cookie in `document.cookie`. Of several with that name, set for different domains,
/// the one made last counts: browsers list them in the order of their making (RFC 6265, 5.4).
pub fn find<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    let mut last = None;
    each(cookies, name, &mut |value| last = Some(value));
    last
}

/// Visits the value, still encoded, of each cookie with that name.
pub fn each<'a>(cookies: &'a str, name: &str, visit: &mut dyn FnMut(&'a str)) {
    let mut rest = Some(cookies);
    while let Some(cookies) = rest {
        let (pair, more) = cut(cookies, b';');
        if let (key, Some(value)) = cut(pair.trim_ascii(), b'=')
            && key == name
        {
            visit(value);
        }
        rest = more;
    }
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
            assert_eq!(Jar::new(host, true).domains(), domains, "{host}");
        }
    }

    #[test]
    fn of_two_cookies_with_one_name_the_newer_counts() {
        assert_eq!(
            find(
                "a=1; __oppref=old; __oppref=a%20b ; x__oppref=3",
                "__oppref"
            ),
            Some("a%20b")
        );
        assert_eq!(find("__oppref", "__oppref"), None);
        assert_eq!(find("", "__oppref"), None);
    }
}
