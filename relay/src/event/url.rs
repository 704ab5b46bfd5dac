//! URLs of pages, without what may identify a visitor.

use ::url::Url;

/// An http or https URL without user name, password, query and fragment; otherwise the same text. `None` for other URLs.
pub fn public_url(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return None;
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        let mut public = parsed;
        public.set_query(None);
        public.set_fragment(None);
        // Both succeed for a URL with a host.
        let _ = public.set_username("");
        let _ = public.set_password(None);
        return Some(public.into());
    }
    let end = url.find(['?', '#']).unwrap_or(url.len());
    Some(url[..end].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn query_fragment_and_user_are_removed() {
        for (url, public) in [
            ("https://shop.example/a", Some("https://shop.example/a")),
            (
                "https://shop.example/a?b=c#d",
                Some("https://shop.example/a"),
            ),
            ("https://shop.example#d?e", Some("https://shop.example")),
            (
                "https://jane:pw@shop.example/a?b",
                Some("https://shop.example/a"),
            ),
            ("about:blank", None),
            ("file:///etc/passwd", None),
            ("/a", None),
            ("", None),
        ] {
            assert_eq!(public_url(url).as_deref(), public, "{url}");
        }
    }

    proptest! {
        #[test]
        fn public_url_has_no_query_and_no_fragment(path in ".*", user in "[a-z]{0,3}") {
            let at = if user.is_empty() { "" } else { "@" };
            if let Some(public) = public_url(&format!("https://{user}{at}shop.example/{path}")) {
                prop_assert!(!public.contains(['?', '#']), "{}", public);
                prop_assert!(public.starts_with("https://shop.example"), "{}", public);
            }
        }
    }
}
