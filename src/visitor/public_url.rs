//! The public part of a page's URL.

use crate::mem::{ScratchString, ThinStr, thin};
use crate::raw_json::RawJson;

/// The schemes that are reported. For the first `WITH_HOST` of them, host and path are reported too.
static SCHEMES: [ThinStr; 6] = [
    thin!("https://"),
    thin!("http://"),
    thin!("file://"),
    thin!("about:blank"),
    thin!("data:"),
    thin!("content://"),
];

const WITH_HOST: usize = 2;

/// Adds the public part of a URL as a member of an object: scheme, host and path of a web page, the scheme of some other
/// URLs, nothing for the rest. Credentials, query and fragment never leave the browser.
pub fn write_public_url<'s>(
    out: ScratchString<'s>,
    key: ThinStr,
    url: RawJson,
) -> ScratchString<'s> {
    for (i, scheme) in SCHEMES.iter().enumerate() {
        let Some(mut from) = url.str_contents().strip_prefix(*scheme) else {
            continue;
        };
        let mut to = from;
        let mut in_host = true;
        while !matches!(to.first_byte(), b'?' | b'#' | b'"' | 0) && i < WITH_HOST {
            in_host &= to.first_byte() != b'/';
            let is_at = to.first_byte() == b'@';
            to = to.advance();
            // credentials end at the last @ before the path
            if in_host && is_at {
                from = to;
            }
        }
        return out
            .append_json_key(key)
            .append(thin!("\""))
            .append(*scheme)
            .append_until(from, to)
            .append(thin!("\""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::{Scope, ThinString};
    use proptest::prelude::*;

    fn public_part(url: &str) -> Option<String> {
        let scope = Scope::open();
        let s = scope.scratch();
        let quoted = ThinString::from(format!("\"{url}\"").as_str());
        let public_part = write_public_url(s.string(), thin!(""), RawJson::new(quoted.as_thin()));
        let public_part = public_part.as_str().strip_prefix(",\"\":\"")?;
        public_part.strip_suffix('"').map(String::from)
    }

    #[test]
    fn query_fragment_and_credentials_are_removed() {
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
            assert_eq!(public_part(url).as_deref(), public, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_url_keeps_its_query(url in "(https?://)?[a-z@:.\\[\\]/?#%é ]{0,40}") {
            if let Some(public_part) = public_part(&url) {
                prop_assert!(!public_part.contains(['?', '#']));
            }
        }
    }
}
