//! Relays that share their events by NATS.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::collector::{OPENAI_KEY, TestCollector};
use crate::support::events::{OBREF, batch, event, hash, server_event, wait_for};
use crate::support::nats::Nats;
use crate::support::process::program;
use crate::support::relay::{BACKEND_KEY, TestRelay, read_text};

/// Relays of one cluster. `test` must be unique.
fn relays<const N: usize>(
    test: &str,
    nats: &Nats,
    collector: &TestCollector,
    more: &str,
) -> [TestRelay; N] {
    let config = format!("{}{more}", nats.config());
    std::array::from_fn(|i| TestRelay::start(&format!("{test}-{i}"), collector, &config))
}

fn handed_over(relay: &TestRelay) -> f64 {
    relay.metric(r#"oaiq_relay_handed_over_total{pixel="p"}"#)
}

fn in_store(relay: &TestRelay) -> f64 {
    relay.metric(r#"oaiq_relay_outbox_events{pixel="p"}"#)
}

fn in_cluster(relay: &TestRelay) -> f64 {
    relay.metric(r#"oaiq_relay_cluster_events{pixel="p"}"#)
}

#[test]
fn event_of_a_cluster_is_delivered_once() {
    let (collector, nats) = (TestCollector::start(), Nats::start("once"));
    let [a, b] = relays("once", &nats, &collector, "");
    for i in 0..30 {
        let relay = if i % 2 == 0 { &a } else { &b };
        relay.post_ok(&batch(&[event("order_created", &format!("o-{i}"))]));
    }
    // The same event at the other relay.
    b.post_ok(&batch(&[event("order_created", "o-0")]));
    collector.counted(30);
    wait_for("an empty cluster", || {
        (in_cluster(&a) == 0.0 && in_store(&a) + in_store(&b) == 0.0).then_some(())
    });
    assert_eq!(handed_over(&a) + handed_over(&b), 31.0);
    let duplicates = "oaiq_relay_duplicates_total";
    assert_eq!(a.metric(duplicates) + b.metric(duplicates), 1.0);
    assert_eq!(collector.entries().len(), 30);
}

#[test]
fn halves_at_two_relays_go_as_one() {
    let (collector, nats) = (TestCollector::start(), Nats::start("halves"));
    let [a, b] = relays(
        "cluster-halves",
        &nats,
        &collector,
        "[hold]\norder_created = \"1h\"\n[trust]\nsubscription_created = \"backend\"",
    );
    a.post_ok(&batch(&[
        event("order_created", "o-1"),
        event("subscription_created", "s-1"),
    ]));
    wait_for("the browser's half", || {
        (handed_over(&a) == 2.0).then_some(())
    });
    let mut order = server_event("order_created", "o-1");
    order["user"] = json!({ "emails_sha256": [hash("ab")] });
    b.backend_ok(&[order, server_event("subscription_created", "s-1")]);
    for event in collector.counted(2) {
        assert_eq!(event["oppref"], "click-1");
        if event["id"] == "o-1" {
            assert_eq!(event["user"]["emails_sha256"], json!([hash("ab")]));
        }
    }
    assert_eq!(b.metric("oaiq_relay_merged_total"), 2.0);
    assert_eq!(collector.entries().len(), 2);
}

#[test]
fn halves_at_the_same_relay_go_as_one() {
    let (collector, nats) = (TestCollector::start(), Nats::start("one-relay"));
    let [a] = relays(
        "one-relay",
        &nats,
        &collector,
        "[hold]\norder_created = \"1h\"",
    );
    a.post_ok(&batch(&[event("order_created", "o-1")]));
    wait_for("the browser's half", || (in_store(&a) == 0.0).then_some(()));
    a.backend_ok(&[server_event("order_created", "o-1")]);
    assert_eq!(collector.counted(1)[0]["oppref"], "click-1");
}

#[test]
fn held_event_is_delivered_after_its_time() {
    let (collector, nats) = (TestCollector::start(), Nats::start("held"));
    let [a] = relays("held", &nats, &collector, "[hold]\norder_created = \"2s\"");
    a.post_ok(&batch(&[
        event("order_created", "o-1"),
        event("page_viewed", "v-1"),
    ]));
    assert_eq!(collector.counted(1)[0]["id"], "v-1");
    collector.counted(2);
}

#[test]
fn click_of_one_relay_joins_an_event_of_another() {
    let (collector, nats) = (TestCollector::start(), Nats::start("click"));
    let [a, b] = relays("cluster-click", &nats, &collector, "");
    a.post_ok(&batch(&[event("page_viewed", "v-1")]));
    collector.counted(1);
    let mut paid = server_event("order_created", "o-1");
    paid["user"] = json!({ "obref": OBREF });
    b.backend_ok(&[paid]);
    let events = collector.counted(2);
    let paid = events.iter().find(|event| event["id"] == "o-1").unwrap();
    assert_eq!(paid["oppref"], "click-1");
    assert_eq!(paid["user"]["ip_address"], "203.0.113.7");
    let joined = r#"oaiq_relay_joined_total{by="obref"}"#;
    assert_eq!(a.metric(joined) + b.metric(joined), 1.0);
}

#[test]
fn denial_at_one_relay_deletes_what_another_has_stored() {
    let (collector, nats) = (TestCollector::start(), Nats::start("denied"));
    let [a, b] = relays(
        "cluster-denied",
        &nats,
        &collector,
        "[hold]\norder_created = \"2s\"",
    );
    a.post_ok(&batch(&[
        event("order_created", "o-1"),
        event("page_viewed", "v-1"),
    ]));
    a.post_ok(&json!({ "obref": "other", "oppref": "click-2", "events": [event("order_created", "o-2")] }));
    wait_for("the hand-over", || (handed_over(&a) == 3.0).then_some(()));
    // A denial deletes what is not delivered yet.
    collector.counted(1);
    let denied = format!("__oaiq_consent=false; __obref={OBREF}");
    let response = b.post_with(&[("Cookie", &denied)], &json!({ "events": [] }));
    assert_eq!(response.status(), 202);
    wait_for("the deletion at the other relay", || {
        let stored = a.stored_bytes();
        let has = |text: &str| {
            stored
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        (!has(OBREF) && !has("click-1")).then_some(())
    });
    // What is left of the visitor would be found by these, and the visitor's event would be held until now.
    let mut paid = server_event("lead_created", "l-1");
    paid["user"] = json!({ "obref": OBREF });
    let mut other = server_event("lead_created", "l-2");
    other["user"] = json!({ "obref": "other" });
    b.backend_ok(&[paid, other]);
    let events = collector.counted(4);
    let of = |id: &str| events.iter().find(|event| event["id"] == id);
    assert_eq!(of("l-1").unwrap()["oppref"], Value::Null);
    assert_eq!(of("l-2").unwrap()["oppref"], "click-2");
    assert!(of("o-1").is_none() && of("o-2").is_some());
    let keys = bucket_keys(&nats, "people");
    let visitor = oaiq_relay::key::Key::visitor(OBREF).to_hex();
    // The backend's event is newer than the denial.
    assert!(
        !keys
            .iter()
            .any(|key| key.starts_with(&visitor) && !key.contains(".e.")),
        "{keys:?}"
    );
    assert_eq!(bucket_keys(&nats, "clicks").len(), 1);
}

#[test]
fn person_is_forgotten_by_an_identifier_in_the_whole_cluster() {
    let (collector, nats) = (TestCollector::start(), Nats::start("forgotten"));
    let [a, b] = relays(
        "cluster-forgotten",
        &nats,
        &collector,
        "[hold]\norder_created = \"2s\"",
    );
    // An event of the backend that names the person without a browser ID.
    let mut order = server_event("order_created", "o-1");
    order["user"] = json!({ "emails_sha256": [hash("ab")] });
    a.backend_ok(&[order]);
    // A visit that does so with one.
    let mut visit = batch(&[event("page_viewed", "v-1")]);
    visit["user"] = json!({ "in": { "em": hash("ab") } });
    a.post_ok(&visit);
    wait_for("the hand-over", || (handed_over(&a) == 2.0).then_some(()));
    assert_eq!(bucket_keys(&nats, "clicks").len(), 1);
    // Otherwise the view could be deleted too.
    collector.counted(1);
    let bearer = format!("Bearer {BACKEND_KEY}");
    let body = json!({ "email": hash("ab") }).to_string();
    let response = b.send(
        "POST",
        "v1/forget",
        &[("Authorization", &bearer)],
        body.as_str(),
    );
    assert_eq!(response.status(), 200);
    let text = read_text(response);
    assert!(text.contains("other_relays"), "{text}");
    wait_for("the deletion in NATS", || {
        let left = bucket_keys(&nats, "clicks").len() + bucket_keys(&nats, "links").len();
        (left == 0 && in_cluster(&a) <= 1.0).then_some(())
    });
    b.post_ok(&json!({ "obref": "other", "events": [event("order_created", "o-2")] }));
    let events = collector.counted(2);
    assert!(
        events.iter().all(|event| event["id"] != "o-1"),
        "{events:?}"
    );
}

#[test]
fn events_are_kept_while_nats_is_down() {
    let (collector, mut nats) = (TestCollector::start(), Nats::start("down"));
    let [a] = relays("nats-down", &nats, &collector, "");
    nats.kill(0);
    for i in 0..20 {
        a.post_ok(&batch(&[event("order_created", &format!("o-{i}"))]));
    }
    wait_for("the problem", || {
        let (status, text) = a.operating("/ready");
        assert_eq!(status, 200);
        text.contains("NATS").then_some(())
    });
    assert_eq!(a.metric("oaiq_relay_nats_down"), 1.0);
    assert_eq!(in_store(&a), 20.0);
    assert_eq!(collector.entries().len(), 0);
    // A restart while NATS is down keeps them too.
    let (dir, clock) = a.stop();
    let a = TestRelay::restart(dir, clock, Duration::from_secs(10));
    assert_eq!(in_store(&a), 20.0);
    nats.start_node(0);
    collector.counted(20);
    wait_for("NATS", || {
        (a.metric("oaiq_relay_nats_down") == 0.0).then_some(())
    });
    assert_eq!(a.operating("/ready"), (200, "ready\n".to_owned()));
}

#[test]
fn dead_letter_of_a_cluster_is_in_the_file_and_can_be_sent_again() {
    let nats = Nats::start("dead");
    let wrong_key = TestCollector::with("127.0.0.1:0".parse().unwrap(), &["p", "q"], OPENAI_KEY);
    let [a] = relays(
        "cluster-dead",
        &nats,
        &wrong_key,
        "[hold]\norder_created = \"1s\"",
    );
    a.post_ok(&batch(&[event("order_created", "o-1")]));
    // Until the event is due, its time has passed.
    wait_for("the hand-over", || (handed_over(&a) == 1.0).then_some(()));
    a.clock.advance(Duration::from_secs(8 * 86_400));
    wait_for("the dead letter", || {
        (a.metric(r#"oaiq_relay_dead_letters{pixel="p"}"#) == 1.0).then_some(())
    });
    let mut connection = rusqlite::Connection::open(a.dir.join("relay.sqlite")).unwrap();
    let code: String = connection
        .query_row("SELECT code FROM dead", [], |row| row.get(0))
        .unwrap();
    assert_eq!(code, "expired");
    let now_ms = crate::support::events::now_ms();
    let make_valid = "UPDATE dead SET timestamp_ms = ?";
    let later = now_ms + 8 * 86_400_000;
    assert_eq!(connection.execute(make_valid, [later]).unwrap(), 1);
    let all = oaiq_relay::store::dead::Selection::All(None);
    let retried = oaiq_relay::store::dead::retry(&mut connection, &all, now_ms).unwrap();
    assert_eq!(retried.queued, 1);
    assert_eq!(wrong_key.counted(1)[0]["id"], "o-1");
}

#[test]
fn stream_with_other_settings_is_refused_and_not_changed() {
    let (collector, nats) = (TestCollector::start(), Nats::start("mismatch"));
    let [a] = relays("mismatch", &nats, &collector, "");
    drop(a);
    let url = nats.config().replace("replicas = 1", "replicas = 3");
    let error = start_error("mismatch-3", &collector, &url);
    assert!(
        error.contains("it has 1 replicas, and nats.replicas is 3")
            && error.contains("nats stream edit oaiq"),
        "{error}"
    );
    // Nothing was changed.
    let [a] = relays("mismatch", &nats, &collector, "");
    a.post_ok(&batch(&[event("order_created", "o-1")]));
    collector.counted(1);
}

#[test]
fn server_without_jetstream_is_refused_with_what_to_do() {
    let (collector, nats) = (TestCollector::start(), Nats::without_jetstream("plain"));
    let error = start_error("plain", &collector, &nats.config());
    assert!(
        error.contains("JetStream is not enabled") && error.contains("store_dir"),
        "{error}"
    );
}

fn start_error(name: &str, collector: &TestCollector, config: &str) -> String {
    let start = || TestRelay::start(name, collector, config);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(start));
    let Err(panic) = panic else {
        panic!("the relay has started");
    };
    panic.downcast_ref::<String>().unwrap().clone()
}

/// The keys of a bucket.
fn bucket_keys(nats: &Nats, what: &str) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use futures_util::TryStreamExt;
        let client = async_nats::connect(nats.url()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let bucket = jetstream.get_key_value(format!("oaiq-{what}")).await;
        let keys = bucket.unwrap().keys().await.unwrap();
        keys.try_collect().await.unwrap()
    })
}

#[test]
fn check_and_status_tell_about_nats() {
    let (collector, mut nats) = (TestCollector::start(), Nats::start("commands"));
    let [a] = relays(
        "cluster-commands",
        &nats,
        &collector,
        "[hold]\norder_created = \"1h\"",
    );
    a.post_ok(&batch(&[event("order_created", "o-1")]));
    wait_for("the hand-over", || (in_store(&a) == 0.0).then_some(()));
    let output = |command: &str| {
        let output = program(&[command], &a.dir).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = output("check");
    assert!(
        text.contains("note     NATS: JetStream can be used, with 1 servers"),
        "{text}"
    );
    let text = output("status");
    assert!(text.contains("cluster oaiq: 1 clicks, 2 links"), "{text}");
    assert!(text.contains("cluster oaiq, p: 1 undelivered"), "{text}");
    nats.kill(0);
    let text = output("check");
    assert!(
        text.contains("PROBLEM  NATS: NATS cannot be reached at 127.0.0.1:"),
        "{text}"
    );
    let text = output("status");
    assert!(
        text.contains("cluster oaiq: NATS cannot be reached"),
        "{text}"
    );
}
