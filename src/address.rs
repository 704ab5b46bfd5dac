//! A page's address, and what of it may be told.

use crate::text::cut;

/// What may be told of an address: scheme, host and path of a page on the web, the bare scheme of some others,
/// nothing of the rest. Credentials, query and fragment never leave the browser.
pub fn public(url: &str) -> Option<[&str; 3]> {
    for scheme in ["https://", "http://"] {
        if let Some(rest) = url.strip_prefix(scheme) {
            let rest = cut(cut(rest, b'?').0, b'#').0;
            let (mut host, _) = cut(rest, b'/');
            let path = &rest[host.len()..];
            while let (_, Some(after)) = cut(host, b'@') {
                host = after;
            }
            return Some([scheme, host, path]);
        }
    }
    for opaque in ["file://", "about:blank", "data:", "content://"] {
        if url.starts_with(opaque) {
            return Some([opaque, "", ""]);
        }
    }
    None
}

/// The host of an address on the web, without credentials and port, and whether it is reached by https.
pub fn host_of(url: &str) -> (&str, bool) {
    let [scheme, host, _] = public(url).unwrap_or_default();
    // [::1]:8080 keeps its colons inside the brackets
    let host = match cut(host, b']') {
        (address, Some(_)) => &host[..address.len() + 1],
        _ => cut(host, b':').0,
    };
    (host, scheme == "https://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(url: &str) -> Option<String> {
        public(url).map(|parts| parts.concat())
    }

    #[test]
    fn query_fragment_and_credentials_never_leave() {
        for (url, public) in [
            (
                "https://a.test/b/c?email=x%40y.z#secret",
                Some("https://a.test/b/c"),
            ),
            ("https://me:p@ss@a.test/", Some("https://a.test/")),
            (
                "https://me:pass@a.test:8443/?x",
                Some("https://a.test:8443/"),
            ),
            ("http://a.test#f", Some("http://a.test")),
            ("http://a.test/@x?a@b/c", Some("http://a.test/@x")),
            ("file:///home/me/page.html", Some("file://")),
            ("about:blank", Some("about:blank")),
            ("about:srcdoc", None),
            ("data:text/html,secret", Some("data:")),
            ("content://secret", Some("content://")),
            ("blob:https://a.test/1", None),
            ("chrome-extension://x/y", None),
            ("", None),
        ] {
            assert_eq!(told(url).as_deref(), public, "{url}");
        }
    }

    #[test]
    fn the_host_is_read_without_port_and_credentials() {
        for (url, host) in [
            (
                "https://u:p@shop.example.test:8443/x",
                ("shop.example.test", true),
            ),
            ("http://localhost/", ("localhost", false)),
            ("http://[::1]:8080/", ("[::1]", false)),
            ("file:///x", ("", false)),
            ("nonsense", ("", false)),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }

    proptest! {
        #[test]
        fn of_no_address_is_a_query_ever_told(url in "(https?://)?[a-z@:.\\[\\]/?#%é ]{0,40}") {
            if let Some(told) = told(&url) {
                prop_assert!(!told.contains(['?', '#']));
            }
            let _ = host_of(&url);
        }
    }
}
