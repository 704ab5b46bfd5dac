//! Nothing is stored or forwarded without consent.

use serde_json::json;

use crate::support::collector::TestCollector;
use crate::support::events::{OBREF, SHOP, batch, event};
use crate::support::relay::{TestRelay, cookies};

fn contains(relay: &TestRelay, text: &str) -> bool {
    let in_store = relay
        .stored_bytes()
        .windows(text.len())
        .any(|part| part == text.as_bytes());
    in_store || relay.operating("/metrics").1.contains(text)
}

#[test]
fn nothing_of_a_visitor_without_consent_is_stored_or_forwarded() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("no-consent", &collector, "");
    let denied = format!("__oaiq_consent=false; __obref={OBREF}; __oppref=click-1");
    let body = batch(&[event("order_created", "o-1")]);
    assert_eq!(relay.post_with(&[("Cookie", &denied)], &body).status(), 202);
    assert_eq!(relay.post_with(&[("Sec-GPC", "1")], &body).status(), 202);
    // As the pixel sends it while consent is missing.
    let stripped = json!({ "events": [event("order_created", "o-1")] });
    for headers in [&[("Origin", "null")][..], &[("Origin", SHOP)]] {
        assert_eq!(relay.post_with(headers, &stripped).status(), 202);
    }
    let image =
        "v1/sdk/events?pid=p&event=order_created&event_id=o-1&oppref=click-1&data[type]=contents";
    for header in [("Cookie", denied.as_str()), ("Sec-GPC", "1")] {
        let response = relay.get(image, &[("Referer", "https://shop.example/"), header]);
        assert_eq!(response.status(), 200);
    }
    for (reason, count) in [("stripped", 2.0), ("denied", 2.0), ("gpc", 2.0)] {
        assert_eq!(
            relay.metric(&format!(
                r#"oaiq_relay_withheld_total{{reason="{reason}"}}"#
            )),
            count
        );
    }
    // An event with consent shows that forwarding works.
    relay.post_ok(&json!({ "obref": "other", "events": [event("order_created", "o-2")] }));
    let forwarded = format!("{:?}", collector.counted(1));
    for text in [OBREF, "click-1", "\"o-1\""] {
        assert!(!contains(&relay, text), "{text}");
        assert!(!forwarded.contains(text), "{text}");
    }
}

#[test]
fn later_denial_deletes_what_the_visitor_has_left() {
    let collector = TestCollector::start();
    let relay = TestRelay::start(
        "denial",
        &collector,
        "[hold]\norder_created = \"60s\"\n[cookie]\ndomain = \"shop.example\"",
    );
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    relay.post_ok(&json!({ "obref": "other", "events": [event("order_created", "o-2")] }));
    assert!(contains(&relay, OBREF) && contains(&relay, "click-1"));
    let denied = format!("__oaiq_consent=false; __obref={OBREF}");
    let response = relay.post_with(&[("Cookie", &denied)], &json!({ "events": [] }));
    assert_eq!(response.status(), 202);
    let deleted = cookies(&response);
    assert_eq!(deleted.len(), 5, "{deleted:?}");
    assert!(
        deleted
            .iter()
            .all(|cookie| cookie.contains("=; Path=/") && cookie.contains("; Max-Age=0;")),
        "{deleted:?}"
    );
    assert!(!contains(&relay, OBREF) && !contains(&relay, "click-1"));
    relay.clock.advance(std::time::Duration::from_secs(61));
    relay.post_ok(&json!({ "obref": "other", "events": [event("page_viewed", "v-1")] }));
    let ids: Vec<_> = collector
        .counted(2)
        .into_iter()
        .map(|event| event["id"].clone())
        .collect();
    assert!(
        ids.contains(&json!("o-2")) && ids.contains(&json!("v-1")),
        "{ids:?}"
    );
}

#[test]
fn denial_after_which_only_the_relays_cookie_is_left_deletes_the_visitors_data() {
    let collector = TestCollector::start();
    let config = "[hold]\norder_created = \"60s\"";
    for (i, is_stripped) in [true, false].into_iter().enumerate() {
        let relay = TestRelay::start(&format!("denial-cookie-{i}"), &collector, config);
        let stored = relay.post_with(&[], &batch(&[event("order_created", "o-1")]));
        let cookie = cookies(&stored)
            .into_iter()
            .find(|cookie| cookie.starts_with("__oaiq_relay="))
            .unwrap();
        assert!(
            cookie.contains("; Path=/oaiq/;") && cookie.contains("; HttpOnly"),
            "{cookie}"
        );
        let own = cookie.split(';').next().unwrap();
        // The pixel has deleted its own cookies.
        let response = match is_stripped {
            true => {
                let stripped = json!({ "events": [event("page_viewed", "v-1")] });
                relay.post_with(&[("Cookie", own)], &stripped)
            }
            false => {
                let denied = format!("__oaiq_consent=false; {own}");
                relay.get(
                    "oaiq.min.js",
                    &[("Referer", "https://shop.example/"), ("Cookie", &denied)],
                )
            }
        };
        assert!(
            cookies(&response)
                .iter()
                .any(|cookie| cookie.starts_with("__oaiq_relay=;")),
        );
        assert!(!contains(&relay, OBREF) && !contains(&relay, "click-1"));
    }
}

#[test]
fn script_is_not_cached_with_the_deletion_of_a_visitors_cookies() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("denial-cache", &collector, "");
    let caching = |cookie: &str| {
        let headers = [("Referer", "https://shop.example/"), ("Cookie", cookie)];
        let response = relay.get("oaiq.min.js", &headers);
        response.headers()["cache-control"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let denied = format!("__oaiq_consent=false; __oaiq_relay={OBREF}");
    assert_eq!(caching(&denied), "private, no-store");
    assert!(caching("__oaiq_consent=false").starts_with("public"));
    assert!(caching(&format!("__oaiq_relay={OBREF}")).starts_with("public"));
}

#[test]
fn global_privacy_control_can_mean_opt_out_or_nothing() {
    for (i, (meaning, expected)) in [("opt-out", json!(true)), ("ignore", json!(null))]
        .into_iter()
        .enumerate()
    {
        let collector = TestCollector::start();
        let relay = TestRelay::start(
            &format!("gpc-{i}"),
            &collector,
            &format!("[consent]\ngpc = \"{meaning}\""),
        );
        let response = relay.post_with(
            &[("Sec-GPC", "1")],
            &batch(&[event("order_created", "o-1")]),
        );
        assert_eq!(response.status(), 202);
        assert_eq!(collector.counted(1)[0]["opt_out"], expected);
    }
}
