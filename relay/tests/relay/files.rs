//! The pixel's files and settings.

use std::io::Read;

use crate::support::collector::TestCollector;
use crate::support::events::{SHOP, batch, event, wait_for};
use crate::support::relay::{TestRelay, header, read_text};
use crate::support::scripted::Scripted;
use axum::http::StatusCode;

#[test]
fn script_is_served_compressed_with_a_tag() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("files", &collector, "");
    let plain = relay.get("oaiq.min.js", &[("Accept-Encoding", "identity")]);
    assert_eq!(
        (plain.status().as_u16(), header(&plain, "content-type")),
        (200, "text/javascript; charset=utf-8")
    );
    assert!(header(&plain, "cache-control").starts_with("public, max-age=600"));
    assert_eq!(header(&plain, "content-encoding"), "");
    let text = read_text(plain);
    let mut gzip = relay.get("oaiq.min.js", &[("Accept-Encoding", "gzip, br;q=0")]);
    assert_eq!(header(&gzip, "content-encoding"), "gzip");
    let bytes = gzip.body_mut().read_to_vec().unwrap();
    let mut decoded = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut decoded)
        .unwrap();
    assert_eq!(decoded, text);
    let brotli = relay.get("oaiq.min.js", &[("Accept-Encoding", "gzip, br")]);
    assert_eq!(
        (header(&brotli, "content-encoding"), header(&brotli, "vary")),
        ("br", "accept-encoding")
    );
    let tag = header(&brotli, "etag").to_owned();
    let cached = relay.get(
        "oaiq.min.js",
        &[("Accept-Encoding", "br"), ("If-None-Match", &tag)],
    );
    assert_eq!(cached.status(), 304);
    for missing in ["oaiq.d.ts", "..%2Fkey", "oaiq.other.min.js"] {
        assert_eq!(relay.get(missing, &[]).status(), 404, "{missing}");
    }
}

#[test]
fn everything_is_beside_the_immutable_script() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("immutable", &collector, "");
    let response = relay.get("oaiq.min.js", &[]);
    let version = header(&response, "etag")[1..17].to_owned();
    let script = relay.get(&format!("{version}/oaiq.min.js"), &[]);
    assert!(header(&script, "cache-control").ends_with("immutable"));
    assert_eq!(
        relay
            .get(&format!("{version}/oaiq.consent.min.js"), &[])
            .status(),
        200
    );
    // Of a page that was cached before an upgrade.
    let old = relay.get("0123456789abcdef/oaiq.min.js", &[]);
    assert!(old.status() == 200 && !header(&old, "cache-control").contains("immutable"));
    assert_eq!(relay.get("not-a-version/oaiq.min.js", &[]).status(), 404);
    let path = format!("{version}/v1/sdk/events?pid=p");
    let body = batch(&[event("order_created", "o-1")]).to_string();
    assert_eq!(
        relay
            .send("POST", &path, &[("Origin", SHOP)], body.as_str())
            .status(),
        202
    );
    collector.counted(1);
    assert_eq!(
        relay
            .get(&format!("{version}/pixel-config/v1/p.json"), &[])
            .status(),
        200
    );
}

#[test]
fn settings_are_fetched_once_and_kept_while_openai_is_out() {
    let upstream = Scripted::start(|before, (path, _)| match (before, path.as_str()) {
        (0, "/pixel-config/v1/p.json") => (
            StatusCode::OK,
            r#"{"automatic_advanced_matching_enabled": true}"#,
        ),
        _ => (StatusCode::NOT_FOUND, ""),
    });
    let relay = TestRelay::with_upstream("settings", &upstream.url(), "");
    for _ in 0..3 {
        let response = relay.get("pixel-config/v1/p.json", &[("Origin", SHOP)]);
        assert_eq!(header(&response, "access-control-allow-origin"), SHOP);
        assert_eq!(
            read_text(response),
            r#"{"automatic_advanced_matching_enabled":true}"#
        );
    }
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(relay.get("pixel-config/v1/q.json", &[]).status(), 404);
    assert_eq!(upstream.requests().len(), 2);
    // Nothing is fetched for pixels that are not listed.
    assert_eq!(relay.get("pixel-config/v1/other.json", &[]).status(), 404);
    assert_eq!(upstream.requests().len(), 2);
}

#[test]
fn settings_that_cannot_be_fetched_are_an_error_of_the_gateway() {
    let upstream = Scripted::start(|_, _| StatusCode::INTERNAL_SERVER_ERROR);
    let relay = TestRelay::with_upstream("settings-out", &upstream.url(), "");
    for _ in 0..3 {
        assert_eq!(relay.get("pixel-config/v1/p.json", &[]).status(), 502);
    }
    wait_for("one request", || {
        (upstream.requests().len() == 1).then_some(())
    });
}
