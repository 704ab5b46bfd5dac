//! A page's address, and what of it may be told.

use crate::mem::{ScratchString, ThinStr, thin};
use crate::raw_json::RawJson;

/// What may be told of; of so many of the first, host and path as well.
static SCHEMES: [ThinStr; 6] = [
    thin!("https://"),
    thin!("http://"),
    thin!("file://"),
    thin!("about:blank"),
    thin!("data:"),
    thin!("content://"),
];

const WITH_HOST: usize = 2;

/// Adds what may be told of an address as a member of an object: scheme, host and path of a page on the web, the bare
/// scheme of some others, nothing of the rest. Credentials, query and fragment never leave the browser.
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
    use crate::mem::Scope;
    use crate::mem::ThinString;
    use proptest::prelude::*;

    fn told(url: &str) -> Option<String> {
        let scope = Scope::open();
        let s = scope.scratch();
        let quoted = ThinString::from(format!("\"{url}\"").as_str());
        let told = write_public_url(s.string(), thin!(""), RawJson::new(quoted.as_thin()));
        let told = told.as_str().strip_prefix(",\"\":\"")?;
        told.strip_suffix('"').map(String::from)
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

    proptest! {
        #[test]
        fn of_no_address_is_a_query_ever_told(url in "(https?://)?[a-z@:.\\[\\]/?#%é ]{0,40}") {
            if let Some(told) = told(&url) {
                prop_assert!(!told.contains(['?', '#']));
            }
        }
    }
}
