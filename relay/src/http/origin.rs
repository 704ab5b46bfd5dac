//! Which page a request comes from.

use axum::http::{HeaderMap, header};

use crate::config::Origin;

/// The page of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page<'a> {
    /// A page of a listed origin.
    Listed(&'a Origin),
    /// A page of another origin.
    Unlisted,
    /// The request does not say. Browsers do this for requests without referrer, as the pixel sends them while consent is
    /// missing.
    Unknown,
}

/// The page that has sent a request: by `Origin`, else by `Referer`, else by `Sec-Fetch-Site`, which says that the page has
/// the relay's own origin. Scripts in pages can forge none of them.
pub fn page_of<'a>(headers: &HeaderMap, listed: &'a [Origin]) -> Page<'a> {
    let find = |origin: &str| match listed.iter().find(|listed| listed.as_str() == origin) {
        Some(origin) => Page::Listed(origin),
        None => Page::Unlisted,
    };
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next().map(|origin| origin.to_str()), origins.next()) {
        (_, Some(_)) | (Some(Err(_)), None) => return Page::Unlisted,
        (Some(Ok(origin)), None) if origin != "null" => return find(origin),
        _ => {}
    }
    if let Some(referer) = headers.get(header::REFERER) {
        let origin = referer.to_str().ok().and_then(Origin::of_url);
        return origin.map_or(Page::Unlisted, |origin| find(origin.as_str()));
    }
    let is_same_origin = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "same-origin");
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    match host {
        Some(host) if is_same_origin => ["https", "http"]
            .iter()
            .map(|scheme| find(&format!("{scheme}://{host}")))
            .find(|page| *page != Page::Unlisted)
            .unwrap_or(Page::Unlisted),
        _ => Page::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn page(headers: &[(&'static str, &str)]) -> String {
        let listed: Vec<Origin> = ["https://shop.example", "http://localhost:8787"]
            .map(|origin| origin.parse().unwrap())
            .into();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        match page_of(&map, &listed) {
            Page::Listed(origin) => origin.as_str().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn origin_counts_before_referer() {
        let shop = "https://shop.example";
        assert_eq!(page(&[("origin", shop)]), shop);
        assert_eq!(
            page(&[("origin", "https://evil.example"), ("referer", shop)]),
            "Unlisted"
        );
        assert_eq!(page(&[("origin", shop), ("origin", shop)]), "Unlisted");
        for evil in [
            "https://shop.example.evil.example",
            "http://shop.example",
            "https://shop.example:444",
            "https://shop.example/",
            "",
        ] {
            assert_eq!(page(&[("origin", evil)]), "Unlisted", "{evil}");
        }
    }

    #[test]
    fn referer_counts_where_there_is_no_origin() {
        for origin in [None, Some(("origin", "null"))] {
            let with = |referer: &str| {
                page(&[origin.into_iter().collect(), vec![("referer", referer)]].concat())
            };
            assert_eq!(
                with("http://localhost:8787/shop/?a"),
                "http://localhost:8787"
            );
            assert_eq!(with("https://shop.example@evil.example/"), "Unlisted");
            assert_eq!(with("about:blank"), "Unlisted");
        }
    }

    #[test]
    fn same_origin_request_without_referrer_counts_as_the_host() {
        let same = ("sec-fetch-site", "same-origin");
        assert_eq!(
            page(&[("origin", "null"), same, ("host", "shop.example")]),
            "https://shop.example"
        );
        assert_eq!(page(&[same, ("host", "other.example")]), "Unlisted");
        assert_eq!(
            page(&[("sec-fetch-site", "cross-site"), ("host", "shop.example")]),
            "Unknown"
        );
        assert_eq!(page(&[]), "Unknown");
    }
}
