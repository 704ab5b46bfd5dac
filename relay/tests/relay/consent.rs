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
    assert_eq!(deleted.len(), 4, "{deleted:?}");
    assert!(
        deleted
            .iter()
            .all(|cookie| cookie.contains("=; Path=/; Max-Age=0;")),
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
