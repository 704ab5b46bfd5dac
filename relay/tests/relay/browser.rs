//! What pages send.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::collector::TestCollector;
use crate::support::events::{OBREF, SHOP, batch, event, hash, now_ms};
use crate::support::relay::{TestRelay, cookies, error_of, header, read_text};

#[test]
fn batch_arrives_as_event_of_the_conversions_api() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("batch", &collector, "");
    let mut body = batch(&[event("order_created", "o-1"), event("oai::diagnostic", "d")]);
    body["user"] = json!({ "in": { "em": hash("a1") } });
    relay.post_ok(&body);
    let [order] = &collector.counted(1)[..] else {
        panic!()
    };
    assert_eq!(order["oppref"], "click-1");
    assert_eq!(order["action_source"], "web");
    assert_eq!(
        order["user"],
        json!({
            "emails_sha256": [hash("a1")], "obref": OBREF,
            "ip_address": "203.0.113.7", "user_agent": "Mozilla/5.0",
        })
    );
    assert!(relay.metric("oaiq_relay_internal_total") >= 1.0);
}

#[test]
fn image_tag_arrives_with_the_visitors_cookies() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("image", &collector, "");
    let cookie = format!("__oppref=click%201; __obref={OBREF}");
    let headers = [
        ("Referer", "https://shop.example/a?b=c"),
        ("Cookie", cookie.as_str()),
    ];
    let query = "v1/sdk/events?pid=p&event=order_created&event_id=o-1&data[type]=contents";
    let response = relay.get(query, &headers);
    assert_eq!(
        (
            response.status().as_u16(),
            header(&response, "content-type")
        ),
        (200, "image/gif")
    );
    assert_eq!(header(&response, "cache-control"), "no-store");
    let [order] = &collector.counted(1)[..] else {
        panic!()
    };
    assert_eq!(
        (&order["oppref"], &order["user"]["obref"]),
        (&json!("click 1"), &json!(OBREF))
    );
    assert_eq!(order["source_url"], "https://shop.example/a");
}

#[test]
fn request_without_listed_origin_is_refused() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("origin", &collector, "");
    let body = batch(&[event("order_created", "o-1")]);
    for origin in [
        "https://evil.example",
        "null",
        "",
        "https://shop.example.evil.example",
    ] {
        let message = error_of(relay.post_with(&[("Origin", origin)], &body), 403);
        assert!(message.contains("`origins`"), "{message}");
    }
    let image = "v1/sdk/events?pid=p&event=order_created&data[type]=contents";
    for headers in [&[][..], &[("Referer", "https://evil.example/")]] {
        assert_eq!(relay.get(image, headers).status(), 403);
    }
    assert_eq!(
        relay.metric(r#"oaiq_relay_refused_total{source="browser",reason="origin"}"#),
        4.0
    );
    assert_eq!(relay.metric(r#"oaiq_relay_outbox_events{pixel="p"}"#), 0.0);
}

#[test]
fn request_for_unlisted_pixel_is_refused() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("pixel", &collector, "");
    let body = batch(&[event("order_created", "o-1")]).to_string();
    let post = |path: &str| relay.send("POST", path, &[("Origin", SHOP)], body.as_str());
    assert!(error_of(post("v1/sdk/events?pid=unlisted"), 403).contains("[[pixel]]"));
    assert!(error_of(post("v1/sdk/events"), 400).contains("pid"));
    for i in 0..50 {
        assert_eq!(
            post(&format!("v1/sdk/events?pid=unlisted-{i}")).status(),
            403
        );
    }
    // Names that clients make up do not become labels.
    assert!(!relay.operating("/metrics").1.contains("unlisted"));
}

#[test]
fn invalid_events_are_refused_and_the_others_accepted() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("invalid", &collector, "");
    let mut invalid = event("order_created", "bad");
    invalid["data"]["amount"] = json!(25.99);
    let message = error_of(relay.post_with(&[], &batch(&[invalid.clone()])), 400);
    assert!(message.contains("data.amount"), "{message}");
    relay.post_ok(&batch(&[invalid, event("order_created", "good")]));
    assert_eq!(collector.counted(1)[0]["id"], "good");
    for body in [
        "",
        "{",
        "[]",
        "null",
        r#"{"events":[]}"#,
        r#"{"events":[null]}"#,
    ] {
        let response = relay.send("POST", "v1/sdk/events?pid=p", &[("Origin", SHOP)], body);
        assert_eq!(response.status(), 400, "{body}");
    }
}

#[test]
fn raw_identifier_is_refused_and_not_stored() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("raw", &collector, "");
    for user in [
        json!({ "in": { "em": "jane@shop.example" } }),
        json!({ "fm": { "em": ["jane@shop.example"] } }),
    ] {
        let mut body = batch(&[event("order_created", "o-1")]);
        body["user"] = user;
        let message = error_of(relay.post_with(&[], &body), 400);
        assert!(
            message.contains("SHA-256") && !message.contains("jane"),
            "{message}"
        );
    }
    let mut conversion = event("order_created", "o-2");
    conversion["user"] = json!({ "emails_sha256": ["jane@shop.example"] });
    let response = relay.backend("v1/events?pid=p", &json!({ "events": [conversion] }));
    assert!(!error_of(response, 400).contains("jane"));
    let stored = relay.stored_bytes();
    assert!(!stored.windows(4).any(|part| part == b"jane"));
}

#[test]
fn oversized_and_compressed_bodies_are_refused() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("bodies", &collector, "");
    let large = json!({ "events": [], "x": "x".repeat(1024 * 1024) });
    assert_eq!(relay.post_with(&[], &large).status(), 413);
    let bomb = [("Content-Encoding", "gzip")];
    assert_eq!(relay.post_with(&bomb, &json!({})).status(), 415);
    let cookie = format!("__oppref={}", "x".repeat(8 * 1024));
    let body = json!({ "obref": OBREF, "events": [event("order_created", "o-1")] });
    assert_eq!(relay.post_with(&[("Cookie", &cookie)], &body).status(), 202);
    assert!(collector.counted(1)[0].get("oppref").is_none());
    // The client may see a reset instead of the 431, because it is still sending.
    let long = format!(
        "GET /oaiq/v1/sdk/events HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let response = relay.raw(long.as_bytes());
    assert!(
        response.is_empty() || response.starts_with("HTTP/1.1 431"),
        "{response}"
    );
    relay.post_ok(&batch(&[event("order_created", "o-2")]));
}

#[test]
fn slow_body_is_given_up() {
    let collector = TestCollector::start();
    let (dir, clock) = TestRelay::start("slow", &collector, "").stop();
    let relay = TestRelay::restart(dir, clock, Duration::from_millis(300));
    let start = Instant::now();
    let head = format!(
        "POST /oaiq/v1/sdk/events?pid=p HTTP/1.1\r\nHost: a\r\nOrigin: {SHOP}\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{{"
    );
    let response = relay.raw(head.as_bytes());
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(start.elapsed() < Duration::from_secs(5));
    // Others are served meanwhile.
    let mut slow = TcpStream::connect(relay.address).unwrap();
    slow.write_all(head.as_bytes()).unwrap();
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
}

#[test]
fn address_above_its_limit_is_refused() {
    let collector = TestCollector::start();
    let (dir, clock) = TestRelay::start("limit", &collector, "").stop();
    let file = dir.join("relay.toml");
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("limit_per_address = 0", "limit_per_address = 3");
    std::fs::write(&file, text).unwrap();
    let relay = TestRelay::restart(dir, clock, Duration::from_secs(10));
    let send = |forwarded: &str| {
        relay.post_with(
            &[("X-Forwarded-For", forwarded)],
            &batch(&[event("page_viewed", "v")]),
        )
    };
    for i in 0..3 {
        // What the client has invented does not count.
        assert_eq!(send(&format!("192.0.2.{i}, 203.0.113.7")).status(), 202);
    }
    let refused = send("192.0.2.9, 203.0.113.7");
    assert_eq!(
        (refused.status().as_u16(), header(&refused, "retry-after")),
        (429, "60")
    );
    assert_eq!(send("203.0.113.8").status(), 202);
    for i in 0..4 {
        let wrong = relay.send(
            "POST",
            "v1/events?pid=p",
            &[
                ("Authorization", "Bearer x"),
                ("X-Forwarded-For", "203.0.113.9"),
            ],
            "{}",
        );
        assert_eq!(wrong.status(), if i < 3 { 401 } else { 429 });
    }
}

#[test]
fn forged_address_is_not_forwarded() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("forged", &collector, "");
    for (i, headers) in [
        &[("X-Forwarded-For", "192.0.2.1, 203.0.113.7")][..],
        &[
            ("X-Forwarded-For", "203.0.113.7"),
            ("Forwarded", "for=192.0.2.1"),
        ],
        &[("X-Forwarded-For", "192.0.2.1, unknown")],
    ]
    .iter()
    .enumerate()
    {
        let response = relay.post_with(headers, &batch(&[event("order_created", &i.to_string())]));
        assert_eq!(response.status(), 202);
    }
    let mut addresses: Vec<(String, Value)> = collector
        .counted(3)
        .iter()
        .map(|event| {
            (
                event["id"].as_str().unwrap().to_owned(),
                event["user"]["ip_address"].clone(),
            )
        })
        .collect();
    addresses.sort_by(|one, two| one.0.cmp(&two.0));
    let addresses: Vec<_> = addresses.into_iter().map(|(_, address)| address).collect();
    assert_eq!(addresses, [json!("203.0.113.7"), Value::Null, Value::Null]);
}

#[test]
fn wrong_clock_of_a_visitor_is_corrected() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("clock", &collector, "");
    let visitors_now = now_ms() - 10 * 86_400_000;
    let mut order = event("order_created", "o-1");
    order["timestamp_ms"] = (visitors_now - 60_000).into();
    let path = format!("v1/sdk/events?pid=p&t={visitors_now}&ec=1");
    let response = relay.send(
        "POST",
        &path,
        &[("Origin", SHOP)],
        batch(&[order]).to_string().as_str(),
    );
    assert_eq!(response.status(), 202);
    let moved = collector.counted(1)[0]["timestamp_ms"].as_u64().unwrap();
    assert!(moved.abs_diff(now_ms() - 60_000) < 20_000, "{moved}");
}

#[test]
fn cookies_are_set_by_http_for_the_sites_pages() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("cookies", &collector, "[cookie]\ndomain = \"shop.example\"");
    let response = relay.post_with(&[], &batch(&[event("page_viewed", "v-1")]));
    let set = cookies(&response);
    assert_eq!(set.len(), 3, "{set:?}");
    assert!(
        set[0].starts_with("__oppref=click-1; Path=/; Max-Age=25")
            && set[0].ends_with("SameSite=Lax; Domain=shop.example; Secure"),
        "{set:?}"
    );
    assert!(set[1].starts_with(&format!("__obref={OBREF}; Path=/; Max-Age=31536000;")));
    // Twenty days later the click has ten days left.
    relay.clock.advance(Duration::from_secs(20 * 86_400));
    let mut later = event("page_viewed", "v-2");
    later["timestamp_ms"] = relay.clock.now_ms().into();
    let set = cookies(&relay.post_with(&[], &batch(&[later])));
    assert!(
        set[0].contains("; Max-Age=863") || set[0].contains("; Max-Age=864000"),
        "{set:?}"
    );
    let cross_site = relay.post_with(
        &[("Sec-Fetch-Site", "cross-site")],
        &batch(&[event("page_viewed", "v-3")]),
    );
    assert_eq!(cookies(&cross_site), [""; 0]);
}

#[test]
fn pages_of_listed_origins_may_read_answers() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("cors", &collector, "");
    let preflight = |origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type"),
        ];
        relay.send("OPTIONS", "v1/sdk/events?pid=p", &headers, ())
    };
    let allowed = preflight(SHOP);
    assert_eq!(allowed.status(), 200);
    assert_eq!(header(&allowed, "access-control-allow-origin"), SHOP);
    assert_eq!(header(&allowed, "access-control-allow-credentials"), "true");
    assert_eq!(
        header(
            &preflight("https://evil.example"),
            "access-control-allow-origin"
        ),
        ""
    );
    let response = relay.post_with(&[], &batch(&[event("page_viewed", "v")]));
    assert_eq!(header(&response, "access-control-allow-origin"), SHOP);
    // The backend's endpoint is not for pages.
    let backend = relay.send("POST", "v1/events?pid=p", &[("Origin", SHOP)], "{}");
    assert_eq!(header(&backend, "access-control-allow-origin"), "");
}

#[test]
fn wrong_method_and_path_are_explained() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("methods", &collector, "");
    assert!(error_of(relay.send("PUT", "v1/sdk/events", &[], ""), 405).contains("use POST"));
    assert!(error_of(relay.get("v1/events", &[]), 405).contains("from a server"));
    assert_eq!(relay.get("v1/other/path", &[]).status(), 404);
    let text = read_text(relay.get("v1/other/path", &[]));
    assert!(text.contains("oaiq.min.js"), "{text}");
}
