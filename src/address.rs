//! A page's address, and what of it may be told.

use crate::text::uri_decoded;

/// What may be told of an address: `((scheme, host), path)` of a page on the web, the bare scheme of some
/// others, nothing of the rest. Credentials, query and fragment never leave the browser.
pub fn public(url: &str) -> Option<((&str, &str), &str)> {
    for scheme in ["https://", "http://"] {
        if let Some(rest) = url.strip_prefix(scheme) {
            let rest = before(rest, &['?', '#']);
            let host_end = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at_checked(host_end)?;
            let host = host.rsplit('@').next().unwrap_or(host);
            return Some(((scheme, host), path));
        }
    }
    ["file://", "about:blank", "data:", "content://"]
        .into_iter()
        .find(|opaque| url.starts_with(opaque))
        .map(|opaque| ((opaque, ""), ""))
}

/// The text up to the first of these characters.
fn before<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.split(ends).next().unwrap_or(text)
}

/// The host of an address on the web, without credentials and port, and whether it is reached by https.
pub fn host_of(url: &str) -> (&str, bool) {
    let Some(((scheme, host), _)) = public(url) else {
        return ("", false);
    };
    // [::1]:8080 keeps its colons inside the brackets
    let host = match host.rfind(']') {
        Some(end) => host.get(..=end).unwrap_or(host),
        None => before(host, &[':']),
    };
    (host, scheme == "https://")
}

/// The value of a parameter of the address's query, decoded as forms encode it; an empty one does not count.
pub fn query_parameter(url: &str, name: &str) -> Option<String> {
    let query = before(url, &['#']).split_once('?')?.1;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| uri_decoded(&value.replace('+', " ")))
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(url: &str) -> Option<String> {
        public(url).map(|((scheme, host), path)| [scheme, host, path].concat())
    }

    #[test]
    fn query_fragment_and_credentials_never_leave() {
        for (url, public) in [
            (
                "https://a.test/b/c?email=x%40y.z#secret",
                Some("https://a.test/b/c"),
            ),
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
    fn the_click_is_read_from_the_query_alone() {
        for (url, value) in [
            (
                "https://a.test/?oppref=a%20b%2Bc%26d%3De%3Bf",
                Some("a b+c&d=e;f"),
            ),
            ("https://a.test/?x=1&oppref=a+b&oppref=c", Some("a b")),
            ("https://a.test/?oppref=", None),
            ("https://a.test/?xoppref=1&opprefx=2", None),
            ("https://a.test/#?oppref=1", None),
            ("https://a.test/", None),
        ] {
            assert_eq!(query_parameter(url, "oppref").as_deref(), value, "{url}");
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
            let _ = (host_of(&url), query_parameter(&url, "a"));
        }
    }
}
