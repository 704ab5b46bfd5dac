//! A cookie jar with the rules of `document.cookie` (RFC 6265bis, 5.7).

use std::cell::Cell;

/// Public suffixes: browsers reject cookies for these domains, and for any single label.
const PUBLIC_SUFFIXES: [&str; 2] = ["co.uk", "com.au"];

/// A stored cookie.
#[derive(Debug, Clone, PartialEq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value, still encoded.
    pub value: String,
    /// The domain that it was set for, or `None` for a host-only cookie.
    pub domain: Option<String>,
    host: String,
    path: String,
    secure: bool,
    /// Milliseconds since the epoch; `None` for a session cookie.
    expires: Option<u64>,
}

/// The page that reads or writes.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Its host, without port.
    pub host: String,
    /// Whether its scheme is https.
    pub https: bool,
}

/// All cookies of a browser.
#[derive(Debug, Default)]
pub struct CookieJar {
    /// In order of creation: a cookie that is overwritten keeps its place.
    all: Vec<Cookie>,
    /// When blocked, reads return nothing and writes are ignored.
    pub blocked: bool,
    /// Every cookie text that a page has tried to write, oldest first.
    pub written: Vec<String>,
    /// Number of reads. The script caches what it has read until it writes or its entry ends.
    pub reads: Cell<u32>,
    last_read: Cell<(u64, usize)>,
}

impl CookieJar {
    /// `document.cookie`, read.
    pub fn read(&self, by: &Origin, now: u64) -> String {
        let read = (now, self.written.len());
        if self.last_read.replace(read) != read {
            self.reads.set(self.reads.get() + 1);
        }
        let pairs: Vec<_> = self
            .visible(by, now)
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        pairs.join("; ")
    }

    /// The cookies that a page can read.
    pub fn visible(&self, by: &Origin, now: u64) -> impl Iterator<Item = &Cookie> {
        self.all.iter().filter(move |cookie| {
            let reaches = match &cookie.domain {
                Some(domain) => is_within(&by.host, domain),
                None => by.host == cookie.host,
            };
            reaches
                && !self.blocked
                && cookie.path == "/"
                && (by.https || !cookie.secure)
                && cookie.expires.is_none_or(|expires| now < expires)
        })
    }

    /// `document.cookie`, set.
    pub fn write(&mut self, by: &Origin, now: u64, text: &str) {
        self.written.push(text.into());
        if self.blocked {
            return;
        }
        let mut parts = text.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let mut cookie = Cookie {
            name: name.into(),
            value: value.into(),
            domain: None,
            host: by.host.clone(),
            path: "/".into(),
            secure: false,
            expires: None,
        };
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            match key.to_ascii_lowercase().as_str() {
                "domain" => match accepted_domain(by, value.trim_start_matches('.')) {
                    Ok(domain) => cookie.domain = domain,
                    Err(DomainNotAccepted) => return,
                },
                "max-age" => {
                    let seconds: i64 = value.parse().expect(text);
                    cookie.expires = Some(now.saturating_add_signed(seconds * 1_000));
                }
                "path" => cookie.path = value.into(),
                "secure" => cookie.secure = true,
                "samesite" => {}
                other => panic!("the pixel writes no attribute {other}: {text}"),
            }
        }
        if cookie.secure && !by.https {
            return;
        }
        let is_gone = cookie.expires.is_some_and(|expires| expires <= now);
        let place = self.all.iter().position(|stored| {
            let key = |cookie: &Cookie| {
                let host = cookie.domain.is_none().then(|| cookie.host.clone());
                let Cookie {
                    name, domain, path, ..
                } = cookie;
                (name.clone(), domain.clone(), path.clone(), host)
            };
            key(stored) == key(&cookie)
        });
        match (place, is_gone) {
            (Some(place), true) => {
                self.all.remove(place);
            }
            (Some(place), false) => self.all[place] = cookie,
            (None, true) => {}
            (None, false) => self.all.push(cookie),
        }
    }
}

#[derive(Debug)]
pub struct DomainNotAccepted;

/// The domain that the browser stores a cookie for, or an error if it rejects the cookie.
pub fn accepted_domain(by: &Origin, domain: &str) -> Result<Option<String>, DomainNotAccepted> {
    let is_address = by.host.starts_with('[') || by.host.parse::<std::net::Ipv4Addr>().is_ok();
    let is_public = !domain.contains('.') || PUBLIC_SUFFIXES.contains(&domain);
    if domain == by.host && (is_address || is_public) {
        return Ok(None);
    }
    if is_address || is_public || !is_within(&by.host, domain) {
        return Err(DomainNotAccepted);
    }
    Ok(Some(domain.into()))
}

fn is_within(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
}

fn shop() -> Origin {
    Origin {
        host: "shop.example.co.uk".into(),
        https: true,
    }
}

#[test]
fn cookie_is_accepted_only_for_the_page_s_own_domains() {
    for (domain, read) in [
        ("shop.example.co.uk", "a=1"),
        (".example.co.uk", "a=1"),
        ("co.uk", ""),
        ("uk", ""),
        ("other.co.uk", ""),
        ("ple.co.uk", ""),
    ] {
        let mut jar = CookieJar::default();
        jar.write(&shop(), 0, &format!("a=1; Domain={domain}"));
        assert_eq!(jar.read(&shop(), 0), read, "{domain}");
    }
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let mut jar = CookieJar::default();
        let by = Origin {
            host: host.into(),
            https: false,
        };
        jar.write(&by, 0, "a=1; Domain=0.0.1");
        jar.write(&by, 0, "b=1; Secure");
        jar.write(&by, 0, "c=1");
        assert_eq!(jar.read(&by, 0), "c=1", "{host}");
    }
}

#[test]
fn host_and_domain_cookies_coexist_in_order_of_creation() {
    let mut jar = CookieJar::default();
    jar.write(&shop(), 0, "a=host");
    jar.write(&shop(), 0, "a=domain; Domain=example.co.uk; Max-Age=1");
    jar.write(&shop(), 0, "a=host again");
    assert_eq!(jar.read(&shop(), 999), "a=host again; a=domain");
    assert_eq!(jar.read(&shop(), 1_000), "a=host again");
    jar.write(&shop(), 0, "a=; Max-Age=0");
    assert_eq!(jar.read(&shop(), 0), "a=domain");
    let www = Origin {
        host: "www.example.co.uk".into(),
        https: true,
    };
    assert_eq!(jar.read(&www, 0), "a=domain");
    jar.blocked = true;
    assert_eq!(jar.read(&shop(), 0), "");
}
