//! The pixel's endpoint and the pixel config.

use serde_json::json;

use crate::support::server::{TestServer, error_of, event, header, read_json, read_text};

const PATH: &str = "/v1/sdk/events?pid=PIXEL&st=oaiq-web&sv=0.1.41&t=1700000000000";

#[test]
fn batch_returns_202_without_a_body() {
    let server = TestServer::start();
    let batch = json!({ "events": [event("page_viewed", "1"), event("order_created", "2")] });
    let response = server.post(&format!("{PATH}&ec=2"), batch.to_string());
    assert_eq!(response.status(), 202);
    assert_eq!(read_text(response), "");
}

#[test]
fn batch_is_accepted_with_any_content_type() {
    let server = TestServer::start();
    let batch = json!({ "events": [event("page_viewed", "1")] }).to_string();
    for content_type in ["text/plain;charset=UTF-8", "application/json", "image/png"] {
        let headers = [("Content-Type", content_type)];
        let response = server.send("POST", PATH, &headers, batch.as_str());
        assert_eq!(response.status(), 202, "{content_type}");
    }
}

#[test]
fn invalid_json_returns_400_with_its_position() {
    let server = TestServer::start();
    let error = error_of(server.post(PATH, "{\n  \"events\": [,]\n}"), 400);
    assert!(error.contains("not JSON"), "{error}");
    assert!(error.contains("line 2 column 14"), "{error}");
}

#[test]
fn wrong_shape_returns_400_with_the_cause() {
    let server = TestServer::start();
    for (body, what) in [
        (
            r#"{"events":[{"type":"a","timestamp_ms":1}]}"#,
            "missing field `id` at line 1 column 40",
        ),
        (r#"{"event":[]}"#, "missing field `events`"),
        (r#"{"events":{}}"#, "expected a sequence"),
        (
            r#"{"events":[{"type":"a","timestamp_ms":1.5,"id":"x"}]}"#,
            "floating point `1.5`",
        ),
        (r#"{"events":[]}"#, "has no events"),
        ("", "line 1 column 0"),
    ] {
        let error = error_of(server.post(PATH, body), 400);
        assert!(error.contains(what), "{body}: {error}");
    }
    for entry in server.entries("") {
        assert!(entry["event"].is_null());
    }
}

#[test]
fn invalid_utf8_returns_400_with_its_position() {
    let server = TestServer::start();
    let error = error_of(server.post(PATH, b"{\"events\": \xff}"), 400);
    assert!(
        error.contains("UTF-8") && error.contains("index 11"),
        "{error}"
    );
}

#[test]
fn missing_pixel_id_returns_400() {
    let server = TestServer::start();
    let batch = json!({ "events": [event("page_viewed", "1")] }).to_string();
    for path in [
        "/v1/sdk/events",
        "/v1/sdk/events?pid=",
        "/v1/sdk/events?pixel=a",
    ] {
        let error = error_of(server.post(path, &batch), 400);
        assert!(error.contains("`pid`"), "{path}: {error}");
    }
}

#[test]
fn wrong_declared_count_returns_400() {
    let server = TestServer::start();
    let batch = json!({ "events": [event("page_viewed", "1")] }).to_string();
    let error = error_of(server.post(&format!("{PATH}&ec=2"), &batch), 400);
    assert!(error.contains("ec=2") && error.contains("is 1"), "{error}");
}

#[test]
fn body_over_1_mib_returns_413() {
    let server = TestServer::start();
    for size in [1024 * 1024 + 1, 8 * 1024 * 1024] {
        let error = error_of(server.post(PATH, vec![b' '; size]), 413);
        assert!(error.contains("1048576 bytes"), "{error}");
    }
    // The limit itself is allowed.
    let mut body = json!({ "events": [event("page_viewed", "1")] }).to_string();
    body += &" ".repeat(1024 * 1024 - body.len());
    assert_eq!(server.post(PATH, body).status(), 202);
}

#[test]
fn image_tag_returns_an_uncacheable_image() {
    let server = TestServer::start();
    let mut response = server.get(
        "/v1/sdk/events?pid=PIXEL&event=order_created&event_id=o-1&oppref=click&data%5Btype%5D=contents&data[amount]=500",
    );
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "image/gif");
    assert_eq!(header(&response, "cache-control"), "no-store");
    let image = response.body_mut().read_to_vec().unwrap();
    // One pixel wide and high, and complete, as the trailer shows.
    assert_eq!(image[..10], *b"GIF89a\x01\0\x01\0");
    assert_eq!(image.last(), Some(&b';'));

    let entry = &server.entries("")[0];
    assert_eq!(entry["transport"], "image");
    assert_eq!(entry["oppref"], "click");
    assert_eq!(entry["stripped"], false);
    assert_eq!(entry["event"]["id"], "o-1");
    assert_eq!(entry["event"]["timestamp_ms"], entry["received_ms"]);
    assert_eq!(
        entry["event"]["data"],
        json!({ "type": "contents", "amount": 500 })
    );
}

#[test]
fn image_tag_without_pixel_or_event_returns_400() {
    let server = TestServer::start();
    let error = error_of(server.get("/v1/sdk/events?event=custom"), 400);
    assert!(error.contains("`pid`"), "{error}");
    let error = error_of(server.get("/v1/sdk/events?pid=PIXEL&event="), 400);
    assert!(error.contains("`event`"), "{error}");
}

#[test]
fn cors_allows_any_origin_with_credentials() {
    let server = TestServer::start();
    let origin = ("Origin", "https://shop.example");
    let preflight = [
        origin,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let response = server.send("OPTIONS", PATH, &preflight, ());
    assert!(response.status().is_success());
    assert!(header(&response, "access-control-allow-methods").contains("POST"));
    assert_eq!(
        header(&response, "access-control-allow-headers"),
        "content-type"
    );

    let rejected = server.send("POST", PATH, &[origin], "{");
    for response in [&response, &rejected] {
        assert_eq!(
            header(response, "access-control-allow-origin"),
            "https://shop.example"
        );
        assert_eq!(header(response, "access-control-allow-credentials"), "true");
    }
}

#[test]
fn pixel_config_is_readable_by_any_page() {
    let server = TestServer::start();
    for pixel in ["PIXEL", "a%2Fb%20c"] {
        let response = server.get(&format!("/pixel-config/v1/{pixel}.json"));
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "access-control-allow-origin"), "*");
        let expected = json!({ "automatic_advanced_matching_enabled": false });
        assert_eq!(read_json(response), expected);
    }
}

#[test]
fn malformed_config_path_returns_404() {
    let server = TestServer::start();
    for path in ["PIXEL", "PIXEL.js", ".json", "", "a/b.json"] {
        assert_eq!(
            server.get(&format!("/pixel-config/v1/{path}")).status(),
            404,
            "{path}"
        );
    }
}
