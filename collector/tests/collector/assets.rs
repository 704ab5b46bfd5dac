//! The shop, the inspector and the pixel.

use std::fs;
use std::time::Duration;

use crate::support::server::{TestServer, fixture_dirs, header, missing_assets, read_text};

fn start(name: &str) -> TestServer {
    TestServer::start_with_assets(fixture_dirs(name), Duration::from_secs(10))
}

#[test]
fn root_redirects_to_the_shop_with_a_click_id() {
    let response = TestServer::start().get("/");
    assert_eq!(response.status(), 303);
    assert_eq!(header(&response, "location"), "/shop/?oppref=demo-click-1");
}

#[test]
fn files_have_their_content_type_and_are_revalidated() {
    let server = start("types");
    for (path, content_type) in [
        ("/shop/?oppref=demo-click-1", "text/html; charset=utf-8"),
        ("/shop/index.html", "text/html; charset=utf-8"),
        ("/shop/shop.css", "text/css; charset=utf-8"),
        ("/shop/cup.svg", "image/svg+xml; charset=utf-8"),
        ("/shop/thanks/", "text/html; charset=utf-8"),
        ("/inspector/", "text/html; charset=utf-8"),
        ("/sdk/oaiq.min.js", "text/javascript; charset=utf-8"),
        ("/sdk/oaiq.wasm", "application/wasm"),
    ] {
        let response = server.get(path);
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), content_type, "{path}");
        assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
    }
}

#[test]
fn missing_slash_redirects_and_keeps_the_query() {
    let server = start("slash");
    for (path, location) in [
        ("/inspector", "/inspector/"),
        ("/shop?oppref=a%20b", "/shop/?oppref=a%20b"),
        ("/shop/thanks?a=1", "/shop/thanks/?a=1"),
    ] {
        let response = server.get(path);
        assert!(response.status().is_redirection(), "{path}");
        assert_eq!(header(&response, "location"), location);
    }
}

#[test]
fn rebuilt_pixel_is_served_at_once() {
    let assets = fixture_dirs("rebuilt");
    let pixel = assets.sdk.as_ref().unwrap().join("oaiq.min.js");
    let server = TestServer::start_with_assets(assets, Duration::from_secs(10));
    let first = server.get("/sdk/oaiq.min.js");
    let headers = [
        ("If-None-Match", header(&first, "etag")),
        ("If-Modified-Since", header(&first, "last-modified")),
    ];
    let unchanged = server.send("GET", "/sdk/oaiq.min.js", &headers, ());
    assert_eq!(unchanged.status(), 304);

    // Within the same second, which a modification date cannot distinguish.
    fs::write(pixel, "rebuilt").unwrap();
    let rebuilt = server.send("GET", "/sdk/oaiq.min.js", &headers, ());
    assert_eq!(rebuilt.status(), 200);
    assert_eq!(read_text(rebuilt), "rebuilt");
}

#[test]
fn files_are_compressed_but_the_stream_is_not() {
    let server = start("compressed");
    for encoding in ["br", "gzip"] {
        let headers = [("Accept-Encoding", encoding)];
        let file = server.send("GET", "/sdk/oaiq.min.js", &headers, ());
        assert_eq!(header(&file, "content-encoding"), encoding);
        let stream = server.send("GET", "/events/stream", &headers, ());
        assert_eq!(header(&stream, "content-encoding"), "");
    }
    assert_eq!(
        header(&server.get("/sdk/oaiq.min.js"), "content-encoding"),
        ""
    );
}

#[test]
fn unknown_path_returns_404_with_route_list() {
    let server = start("nowhere");
    for path in [
        "/nothing",
        "/shop/nothing.html",
        "/sdk/",
        "/sdk/nothing.js",
        "/events",
    ] {
        let response = server.get(path);
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(
            header(&response, "content-type"),
            "text/plain; charset=utf-8",
            "{path}"
        );
        let text = read_text(response);
        assert!(
            text.contains("/inspector") && text.contains("npm run build"),
            "{text}"
        );
    }
}

#[test]
fn endpoint_works_without_the_assets() {
    let server = TestServer::start_with_assets(missing_assets(), Duration::from_secs(10));
    assert_eq!(server.get("/shop/").status(), 404);
    assert_eq!(
        server.get("/v1/sdk/events?pid=P&event=custom").status(),
        200
    );
}
