//! Hostile, broken and slow clients.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::{
    TestServer, api_error, api_message, conversion_event, error_of, event, fixture_dirs, header,
    message_of, missing_assets, read_json, read_text,
};

/// A text that HTML, scripts, JSON or a terminal might interpret.
const PAYLOAD: &str = "</script><img src=x onerror=alert(1)>\u{2028}\u{0}\u{1b}[2J\"'`";

/// How long the impatient server waits for headers and bodies.
const READ_TIMEOUT: Duration = Duration::from_millis(300);

fn impatient() -> TestServer {
    TestServer::start_with_assets(missing_assets(), READ_TIMEOUT)
}

#[test]
fn path_traversal_returns_404() {
    let server = TestServer::start_with_assets(fixture_dirs("traversal"), Duration::from_secs(10));
    for path in [
        "/shop/../secret.txt",
        "/shop/../../secret.txt",
        "/shop/%2e%2e/secret.txt",
        "/shop/%2e%2e%2fsecret.txt",
        "/shop/..%2fsecret.txt",
        "/shop/..%5csecret.txt",
        "/shop/thanks/../../secret.txt",
        "/shop//../secret.txt",
        "/shop/%00",
        "/shop/index.html%00.txt",
        "/sdk/../secret.txt",
        "/secret.txt",
        "/shop/%2fetc%2fpasswd",
        "/shop//etc/passwd",
        "//etc/passwd",
    ] {
        let response = server.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ));
        assert!(response.starts_with("HTTP/1.1 404 "), "{path}: {response}");
        assert!(
            !response.contains("\r\n\r\nsecret") && !response.contains("root:"),
            "{path}"
        );
    }
}

#[test]
fn redirect_never_leaves_the_host() {
    let server = TestServer::start_with_assets(fixture_dirs("redirect"), Duration::from_secs(10));
    for path in [
        "//evil.example",
        "/shop//evil.example",
        "/shop//thanks",
        "//shop",
        "/shop%2f",
    ] {
        let response = server.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        ));
        let location = response
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        assert!(
            location.is_none_or(|to| to.starts_with("/shop/")),
            "{path}: {response}"
        );
    }
}

#[test]
fn unfinished_headers_close_the_connection() {
    let server = impatient();
    for start in ["", "GET /events.json HTTP/1.1\r\nHost: "] {
        let begun = Instant::now();
        server.raw(start);
        assert!(begun.elapsed() < Duration::from_secs(5), "{start:?}");
    }
}

#[test]
fn unfinished_body_returns_408() {
    let server = impatient();
    let response =
        server.raw("POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{");
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(response.contains("did not arrive"), "{response}");
}

#[test]
fn dripping_body_does_not_extend_the_timeout() {
    let server = impatient();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = "POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let begun = Instant::now();
    while stream.write_all(b" ").is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn oversized_head_is_rejected() {
    let server = TestServer::start();
    let long = "a".repeat(100_000);
    let response = server.raw(format!(
        "GET /events.json?{long} HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
}

#[test]
fn invalid_http_is_rejected() {
    let server = TestServer::start();
    let response = server.raw("\x16\x03\x01 this is no HTTP\r\n\r\n");
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    server.post_batch_ok("P", &json!({ "events": [event("page_viewed", "1")] }));
}

#[test]
fn read_timeout_does_not_end_a_stream() {
    let server = impatient();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
        .write_all(b"GET /events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    std::thread::sleep(READ_TIMEOUT * 3);
    server.post_batch_ok("P", &json!({ "events": [event("page_viewed", "late")] }));
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("\"late\"") {
        let length = stream.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "{text}");
        text += &String::from_utf8_lossy(&buffer[..length]);
    }
}

#[test]
fn compressed_body_is_rejected() {
    let server = TestServer::start();
    for path in ["/v1/sdk/events?pid=P", "/v1/events?pid=P"] {
        for encoding in ["gzip", "br", "x, gzip"] {
            let headers = [("Content-Encoding", encoding)];
            let response = server.send("POST", path, &headers, b"\x1f\x8b".as_slice());
            let error = message_of(path, response, 415);
            assert!(
                error.contains(encoding) && error.contains("uncompressed"),
                "{error}"
            );
        }
    }
    let batch = json!({ "events": [event("page_viewed", "1")] }).to_string();
    let headers = [("Content-Encoding", "identity")];
    let response = server.send("POST", "/v1/sdk/events?pid=P", &headers, batch.as_str());
    assert_eq!(response.status(), 202);
}

#[test]
fn body_in_another_encoding_is_rejected() {
    let server = TestServer::start();
    let utf16: Vec<u8> = r#"{"events":[]}"#.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for body in [utf16, b"{\"events\":[{\"type\":\"caf\xe9\"}]}".to_vec()] {
        for (path, headers) in [
            ("/v1/sdk/events?pid=P", [("Content-Type", "text/plain")]),
            ("/v1/events?pid=P", [("Authorization", "Bearer x")]),
        ] {
            let response = server.send("POST", path, &headers, body.as_slice());
            let error = message_of(path, response, 400);
            assert!(
                error.contains("not UTF-8") || error.contains("not JSON"),
                "{error}"
            );
        }
    }
}

#[test]
fn conversions_body_over_4_mib_is_rejected() {
    let server = TestServer::start();
    let headers = [("Authorization", "Bearer x")];
    let body = vec![b' '; 4 * 1024 * 1024 + 1];
    let response = server.send("POST", "/v1/events?pid=P", &headers, body.as_slice());
    let error = api_message(response, 413);
    assert!(error.contains("4 MiB"), "{error}");
}

#[test]
fn oversized_id_is_rejected_by_name() {
    let server = TestServer::start();
    let long = "x".repeat(1_000_000);
    let batch = json!({ "events": [event("page_viewed", &long)] }).to_string();
    let error = error_of(server.post("/v1/sdk/events?pid=P", &batch), 400);
    assert!(
        error.contains("events[0].id") && error.contains("1000000 bytes"),
        "{error}"
    );
    let mut conversion = conversion_event("order_created", &long);
    conversion["custom_event_name"] = long.as_str().into();
    let response = server.post_conversions("P", &json!({ "events": [conversion] }));
    assert_eq!(response.status(), 400);
    let reported = read_text(response);
    assert!(
        reported.contains("at most 1024 bytes") && reported.len() < 2_000,
        "{}",
        reported.len()
    );
    let long_id = &long[..2_000];
    for path in [
        format!("/v1/sdk/events?pid=P&event=custom&event_id={long_id}"),
        format!("/v1/sdk/events?pid={long_id}&event=custom"),
    ] {
        let error = error_of(server.get(&path), 400);
        assert!(error.contains("bytes long"), "{error}");
    }
    // A URL of that length is rejected earlier.
    let response = server.raw(format!(
        "GET /v1/sdk/events?pid={long} HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
}

#[test]
fn ten_thousand_pixels_can_be_listed() {
    let server = TestServer::start();
    for pixel in 0..10_000 {
        let batch = json!({ "events": [event("page_viewed", "1")] }).to_string();
        let response = server.post(&format!("/v1/sdk/events?pid=pixel-{pixel}"), batch);
        assert_eq!(response.status(), 202);
    }
    let entries = server.entries("?pixel=pixel-7");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["verdict"], "counted");
}

#[test]
fn rejected_requests_do_not_evict_accepted_events() {
    let server = TestServer::start();
    server.post_batch_ok("P", &json!({ "events": [event("page_viewed", "1")] }));
    for _ in 0..6_000 {
        error_of(server.post("/v1/sdk/events?pid=P", "{"), 400);
    }
    let entries = server.entries("");
    assert_eq!(entries.len(), 5_001);
    assert_eq!(entries.last().unwrap()["verdict"], "counted");
}

#[test]
fn half_open_connections_do_not_block_others() {
    let server = TestServer::start();
    let mut open = Vec::new();
    for i in 0..300 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let begun = match i % 3 {
            0 => "",
            1 => "POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Le",
            _ => "POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{",
        };
        stream.write_all(begun.as_bytes()).unwrap();
        open.push(stream);
    }
    let begun = Instant::now();
    for id in 0..20 {
        server.post_batch_ok(
            "P",
            &json!({ "events": [event("page_viewed", &id.to_string())] }),
        );
    }
    assert_eq!(server.entries("").len(), 20);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn unfinished_large_bodies_do_not_exhaust_memory() {
    let server = TestServer::start();
    let head = "POST /v1/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 4194304\r\n\r\n";
    let part = vec![b' '; 4_000_000];
    let mut open = Vec::new();
    let mut rejected = 0;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // The server may close the connection meanwhile.
        let _ = stream.write_all(&part);
        let mut response = [0; 12];
        if stream.read(&mut response).is_ok() {
            assert_eq!(&response, b"HTTP/1.1 503");
            rejected += 1;
        }
        open.push(stream);
    }
    assert!(rejected >= 8, "{rejected}");
    // The memory is available again once they are gone.
    drop(open);
    let begun = Instant::now();
    loop {
        let batch = json!({ "events": [event("page_viewed", "1")] }).to_string();
        if server.post("/v1/sdk/events?pid=P", batch).status() == 202 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn foreign_host_name_cannot_read_events() {
    let server = TestServer::start();
    for path in ["/events.json", "/events/stream", "/inspector/facts.json"] {
        let response = server.send("GET", path, &[("Host", "evil.example")], ());
        assert_eq!(header(&response, "access-control-allow-origin"), "");
        let error = error_of(response, 403);
        assert!(error.contains("http://localhost"), "{error}");
    }
    let response = server.send("DELETE", "/events.json", &[("Host", "evil.example:80")], ());
    assert_eq!(response.status(), 403);
    // Pixels may send to any host name, for example a tunnel's.
    let headers = [("Host", "shop.example")];
    let batch = json!({ "events": [event("page_viewed", "1")] }).to_string();
    let response = server.send("POST", "/v1/sdk/events?pid=P", &headers, batch.as_str());
    assert_eq!(response.status(), 202);
}

#[test]
fn hostile_batch_is_escaped() {
    let server = TestServer::start();
    let mut hostile = event("custom", PAYLOAD);
    hostile["custom_event_name"] = PAYLOAD.into();
    hostile["data"]["<b>"] = PAYLOAD.into();
    server.post_batch_ok("P", &json!({ "events": [hostile], "oppref": PAYLOAD }));
    let response = server.get("/events.json");
    assert_eq!(header(&response, "content-type"), "application/json");
    let entry = &server.entries("")[0];
    assert_eq!(entry["event"], hostile);
    assert_eq!(entry["verdict"], "refused");
}

#[test]
fn hostile_event_gets_a_bounded_response_and_entry() {
    let server = TestServer::start();
    let long = "x".repeat(300_000);
    let hash = "ab".repeat(32);
    let raw = "jane@example.com";
    let spoiled = |field: &str, value: Value| {
        let mut event = conversion_event("order_created", "1");
        event[field] = value;
        event
    };
    for event in [
        spoiled("user", json!({ "emails_sha256": vec![raw; 20_000] })),
        spoiled("user", json!({ "emails_sha256": vec![""; 20_000] })),
        spoiled("user", json!({ "countries": vec![1; 20_000] })),
        spoiled("user", json!({ long.as_str(): raw })),
        spoiled("user", json!({ "obref": [long.as_str()] })),
        spoiled(
            "user",
            json!({ "emails_sha256": [raw, hash.as_str()], "cities": vec![" A "; 20_000] }),
        ),
        spoiled(
            "data",
            json!({ "type": "contents", "contents": vec![json!({ "variant_dict": { long.as_str(): 1 } }); 10] }),
        ),
        spoiled(
            "data",
            json!({ "type": "contents", "contents": vec![json!({ "group_id": 1 }); 20_000] }),
        ),
        spoiled("action_source", long.as_str().into()),
        spoiled("source_url", long.as_str().into()),
    ] {
        let error = api_error(
            server.post_conversions("P", &json!({ "events": [event] })),
            400,
        );
        assert!(
            error.to_string().len() < 120_000,
            "{}",
            error.to_string().len()
        );
        assert!(!error.to_string().contains("jane"));
        let mut entry = server.entries("?limit=1")[0].clone();
        assert!(!entry.to_string().contains("jane"));
        entry["event"] = Value::Null;
        assert!(
            entry.to_string().len() < 120_000,
            "{}",
            entry.to_string().len()
        );
    }
    // The notes of an accepted event are bounded too.
    let mut hashes = vec![""; 20_000];
    hashes.push(&hash);
    let user = json!({ "cities": vec![" A "; 20_000], "emails_sha256": hashes });
    let response = server.post_conversions("P", &json!({ "events": [spoiled("user", user)] }));
    assert_eq!(read_json(response), json!({ "accepted_events": 1 }));
    let entry = &server.entries("?limit=1")[0];
    assert_eq!(entry["warnings"].as_array().unwrap().len(), 100);
    assert_eq!(entry["normalized"].as_array().unwrap().len(), 100);
}

#[test]
fn hostile_server_event_is_escaped() {
    let server = TestServer::start();
    let mut hostile = conversion_event("custom", PAYLOAD);
    hostile["data"] = json!({ "type": "custom", PAYLOAD: { PAYLOAD: [PAYLOAD] } });
    hostile["data"]["contents"] =
        json!([{ "group_id": PAYLOAD, "variant_dict": { PAYLOAD: PAYLOAD } }]);
    hostile["user"] = json!({ "obref": PAYLOAD, "user_agent": PAYLOAD, "cities": [PAYLOAD] });
    let response = server.post_conversions("P", &json!({ "events": [hostile] }));
    assert_eq!(read_json(response), json!({ "accepted_events": 1 }));
    assert_eq!(server.entries("")[0]["event"], hostile);
    for body in [
        json!({ "events": [hostile], "integration_source": PAYLOAD }),
        json!({ "events": [hostile], PAYLOAD: PAYLOAD }),
        json!({ "events": [{ PAYLOAD: PAYLOAD }] }),
        json!({ "events": [PAYLOAD] }),
    ] {
        api_error(server.post_conversions("%3C%2Fscript%3E", &body), 400);
    }
}
