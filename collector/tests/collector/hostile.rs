//! What a client gets that does not mean well.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Server, event, folders, folders_that_do_not_exist};

/// A server that waits only this long for what a client has begun to send.
const READ_TIMEOUT: Duration = Duration::from_millis(300);

fn impatient() -> Server {
    Server::start_with(folders_that_do_not_exist(), READ_TIMEOUT)
}

#[test]
fn no_path_leads_out_of_the_folders() {
    let server = Server::start_with(folders("traversal"), Duration::from_secs(10));
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
        let answer = server.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(
            !answer.contains("\r\n\r\nsecret") && !answer.contains("root:"),
            "{path}"
        );
    }
}

#[test]
fn a_redirect_never_leads_to_another_host() {
    let server = Server::start_with(folders("redirect"), Duration::from_secs(10));
    for path in [
        "//evil.example",
        "/shop//evil.example",
        "/shop//thanks",
        "//shop",
        "/shop%2f",
    ] {
        let answer = server.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        ));
        let location = answer
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        assert!(
            location.is_none_or(|to| to.starts_with("/shop/")),
            "{path}: {answer}"
        );
    }
}

#[test]
fn a_client_that_never_ends_its_headers_is_hung_up_on() {
    let server = impatient();
    for start in ["", "GET /events.json HTTP/1.1\r\nHost: "] {
        let begun = Instant::now();
        server.raw(start);
        assert!(begun.elapsed() < Duration::from_secs(5), "{start:?}");
    }
}

#[test]
fn a_client_that_never_ends_its_body_is_answered_408() {
    let server = impatient();
    let answer =
        server.raw("POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("did not arrive"), "{answer}");
}

#[test]
fn a_body_that_drips_is_not_waited_for_longer_than_one_that_stands_still() {
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
fn a_head_too_large_is_refused_and_not_kept() {
    let server = Server::start();
    let long = "a".repeat(100_000);
    let answer = server.raw(format!(
        "GET /events.json?{long} HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[test]
fn what_is_no_http_is_refused_and_others_are_served() {
    let server = Server::start();
    let answer = server.raw("\x16\x03\x01 this is no HTTP\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    server.take("P", &json!({ "events": [event("page_viewed", "1")] }));
}

#[test]
fn a_stream_is_not_ended_by_the_read_timeout() {
    let server = impatient();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
        .write_all(b"GET /events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    std::thread::sleep(READ_TIMEOUT * 3);
    server.take("P", &json!({ "events": [event("page_viewed", "late")] }));
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("\"late\"") {
        let length = stream.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "{text}");
        text += &String::from_utf8_lossy(&buffer[..length]);
    }
}
