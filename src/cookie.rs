//! The page's cookies: reading, and writing and deleting them for the widest domain that the browser takes.

use crate::host::Host;
use crate::text::{Draft, Kept, Text, t};
use crate::value::Value;

const DAY: u64 = 24 * 60 * 60;
static PROBE: Text = t!("__oaiq_domain_probe");

/// The site's cookie jar, seen from one of its hosts.
#[derive(Debug)]
pub struct Jar {
    /// The domains that a cookie may be set for, as a JSON array, widest first: `["example.test","shop.example.test"]`.
    /// Empty on localhost, on an IP address and on a host of one label.
    domains: Kept,
    https: bool,
    /// The widest domain that the browser takes, once it has been asked; empty means host-only.
    widest: Option<Kept>,
}

impl Jar {
    /// The jar of a page whose cookies may be set for these domains.
    pub fn new(domains: Text, https: bool) -> Self {
        Self {
            domains: Kept::new(domains),
            https,
            widest: None,
        }
    }

    /// Writes a cookie that lives for so many days. `cookies` is what `document.cookie` has been read as.
    ///
    /// Which domains a browser refuses (`co.uk`) is in a list that it alone has, so it is asked. The cookie itself is
    /// the question, since each look at cookies is a round trip to another process. Only where an equal one is there
    /// already, which would answer in its place, a cookie of another name asks.
    pub fn write(
        &mut self,
        host: &mut impl Host,
        cookies: Text,
        name: Text,
        value: Text,
        days: u64,
    ) {
        let value = host.uri_encoded(value);
        let value = value.text();
        let seconds = days * DAY;
        if self.widest.is_none() {
            let is_there = has(cookies, name, value);
            let mut domains = Value::new(self.domains.text()).first();
            let mut widest = Draft::new();
            while let Some(next) = domains {
                let domain = next.owned();
                let taken = if is_there {
                    let taken = self.ask(host, PROBE, t!("1"), 60, domain.text());
                    host.set_cookie(self.cookie(PROBE, t!(""), 0, domain.text()).text());
                    taken
                } else {
                    self.ask(host, name, value, seconds, domain.text())
                };
                if taken {
                    widest = domain;
                    break;
                }
                domains = next.next();
            }
            let is_written = !is_there && !widest.is_empty();
            self.widest = Some(widest.kept());
            if is_written {
                return;
            }
        }
        if let Some(domain) = &self.widest {
            host.set_cookie(self.cookie(name, value, seconds, domain.text()).text());
        }
    }

    /// Sets a cookie, and says whether it is there now.
    fn ask(
        &self,
        host: &mut impl Host,
        name: Text,
        value: Text,
        seconds: u64,
        domain: Text,
    ) -> bool {
        host.set_cookie(self.cookie(name, value, seconds, domain).text());
        has(host.cookies().text(), name, value)
    }

    /// Deletes a cookie, whichever of the site's hosts it was set for.
    pub fn delete(&self, host: &mut impl Host, name: Text) {
        host.set_cookie(self.cookie(name, t!(""), 0, t!("")).text());
        let mut domains = Value::new(self.domains.text()).first();
        while let Some(domain) = domains {
            let cookie = self.cookie(name, t!(""), 0, domain.owned().text());
            host.set_cookie(cookie.text());
            domains = domain.next();
        }
    }

    fn cookie(&self, name: Text, value: Text, seconds: u64, domain: Text) -> Draft {
        let mut out = Draft::new()
            .with(name)
            .with(t!("="))
            .with(value)
            .with(t!("; Path=/; Max-Age="))
            .with_number(seconds)
            .with(t!("; SameSite=Lax"));
        if !domain.is_empty() {
            out = out.with(t!("; Domain=")).with(domain);
        }
        if self.https {
            out = out.with(t!("; Secure"));
        }
        out
    }
}

/// The value, still encoded, of a cookie in `document.cookie`. Of several with that name, set for different domains,
/// the one made last counts: browsers list them in the order of their making (RFC 6265, 5.4).
pub fn find(cookies: Text, name: Text) -> Option<Draft> {
    let mut last = None;
    each(cookies, name, &mut |value| last = Some(value));
    last
}

/// Is there a cookie of that name with that value, still encoded?
pub fn has(cookies: Text, name: Text, value: Text) -> bool {
    let mut found = false;
    each(cookies, name, &mut |other| found |= other.text() == value);
    found
}

/// Visits the value, still encoded, of each cookie with that name.
fn each(cookies: Text, name: Text, visit: &mut dyn FnMut(Draft)) {
    let mut at = cookies;
    loop {
        while at.byte() == b' ' {
            at = at.after(1);
        }
        let end = at.find(b';');
        if let Some(rest) = at.behind_prefix(name)
            && rest.byte() == b'='
        {
            visit(Draft::new().with_until(rest.after(1), end));
        }
        if end.is_empty() {
            return;
        }
        at = end.after(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &str) -> Option<String> {
        let cookies = Draft::from(cookies);
        find(cookies.text(), t!("__oppref")).map(|value| value.as_str().into())
    }

    #[test]
    fn of_two_cookies_with_one_name_the_newer_counts() {
        assert_eq!(
            found("a=1; __oppref=old; __oppref=a%20b; x__oppref=3").as_deref(),
            Some("a%20b")
        );
        assert_eq!(found("__oppref=; a=1").as_deref(), Some(""));
        assert_eq!(found("__oppref"), None);
        assert_eq!(found("__oppref2=1;;__opp=3"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn any_copy_of_a_cookie_counts_as_being_there() {
        let cookies = t!("a=1; a=2");
        assert!(has(cookies, t!("a"), t!("1")) && has(cookies, t!("a"), t!("2")));
        assert!(!has(cookies, t!("a"), t!("")));
    }
}
