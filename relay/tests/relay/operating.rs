//! What operators see.

use std::collections::BTreeSet;

use crate::support::collector::TestCollector;
use crate::support::events::{batch, event, wait_for};
use crate::support::relay::{TestRelay, error_of};

#[test]
fn relay_is_live_and_ready() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("ready", &collector, "");
    assert_eq!(relay.operating("/live"), (200, "live\n".to_owned()));
    assert_eq!(relay.operating("/ready"), (200, "ready\n".to_owned()));
    // Not where the public can reach it.
    for path in ["metrics", "live", "ready", "../metrics"] {
        assert_eq!(relay.get(path, &[]).status(), 404, "{path}");
    }
}

#[test]
fn metrics_tell_what_was_received_and_delivered() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("metrics", &collector, "");
    relay.post_ok(&batch(&[
        event("order_created", "o-1"),
        event("order_created", "o-2"),
    ]));
    collector.counted(2);
    wait_for("the delivery", || {
        (relay.metric(r#"oaiq_relay_delivered_total{pixel="p"}"#) == 2.0).then_some(())
    });
    assert_eq!(
        relay.metric(r#"oaiq_relay_received_total{source="browser"}"#),
        1.0
    );
    assert_eq!(
        relay.metric(r#"oaiq_relay_accepted_total{source="browser"}"#),
        2.0
    );
    assert_eq!(relay.metric("oaiq_relay_clicks"), 1.0);
    assert_eq!(relay.metric("oaiq_relay_store_writable"), 1.0);
    assert!(relay.metric("oaiq_relay_upstream_seconds_count") >= 1.0);
    assert!(relay.metric("oaiq_relay_store_seconds_count") >= 1.0);
    let text = relay.operating("/metrics").1;
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = name.split(' ').next().unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
}

#[test]
fn full_store_refuses_events_and_is_not_ready() {
    let collector = TestCollector::start();
    drop(collector);
    let relay = TestRelay::with_upstream(
        "full",
        "http://127.0.0.1:9",
        "[store]\nmax_bytes = \"1MiB\"",
    );
    let filler: String = "x".repeat(60_000);
    let mut refused = None;
    for i in 0..40 {
        let mut order = event("order_created", &i.to_string());
        order["data"]["contents"] = serde_json::json!([{ "id": filler }]);
        let response = relay.post_with(&[], &batch(&[order]));
        if response.status() != 202 {
            refused = Some(response);
            break;
        }
    }
    assert!(error_of(refused.unwrap(), 503).contains("full"));
    let (status, text) = relay.operating("/ready");
    assert!(status == 503 && text.contains("store.max_bytes"), "{text}");
    assert_eq!(relay.metric("oaiq_relay_store_writable"), 0.0);
    assert!(relay.metric(r#"oaiq_relay_outbox_events{pixel="p"}"#) > 5.0);
}

/// The names of metrics in a text.
fn metric_names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("oaiq_relay_"))
        .collect()
}

#[test]
fn dashboard_and_alerts_use_metrics_that_exist() {
    let collector = TestCollector::start();
    let relay = TestRelay::start("dashboard", &collector, "");
    relay.post_ok(&batch(&[event("order_created", "o-1")]));
    wait_for("the delivery", || {
        (relay.metric(r#"oaiq_relay_delivered_total{pixel="p"}"#) == 1.0).then_some(())
    });
    let metrics = relay.operating("/metrics").1;
    let exported = metric_names(&metrics);
    let dashboard = include_str!("../../deploy/grafana-dashboard.json");
    let alerts = include_str!("../../deploy/alerts.yml");
    for text in [dashboard, alerts] {
        let unknown: Vec<_> = metric_names(text).difference(&exported).copied().collect();
        assert_eq!(unknown, [""; 0]);
    }
    // Every metric is on the dashboard.
    let shown = metric_names(dashboard);
    let types = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let hidden: Vec<&str> = types
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !shown.iter().any(|shown| shown.starts_with(name)))
        .collect();
    assert_eq!(hidden, [""; 0]);
}
