//! Failures of machines: three NATS servers, and three relays as processes.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oaiq_relay::config::Config;

use crate::support::collector::TestCollector;
use crate::support::events::{batch, event, wait_for};
use crate::support::nats::Nats;
use crate::support::process::{Serving, program};
use crate::support::relay::{config_text, test_dir};

/// How long publishing may take to work again.
const BAR: Duration = Duration::from_secs(10);

fn start_relay(i: usize, collector: &TestCollector, nats: &Nats) -> (PathBuf, Serving) {
    let dir = test_dir(&format!("failover-{i}"));
    let text = config_text(&collector.url(), &nats.config());
    fs::write(dir.join("relay.toml"), format!("log = \"json\"\n{text}")).unwrap();
    let relay = Serving::start(program(&[], &dir));
    (dir, relay)
}

fn handed_over(relay: &Serving) -> f64 {
    relay.metric(r#"oaiq_relay_handed_over_total{pixel="p"}"#)
}

#[test]
fn death_of_a_relay_and_of_the_leader_loses_nothing_and_counts_nothing_twice() {
    let collector = TestCollector::start();
    let mut nats = Nats::cluster("failover", 3);
    let mut relays: Vec<_> = (0..3).map(|i| start_relay(i, &collector, &nats)).collect();
    for (_, relay) in &relays {
        wait_for("NATS", || {
            (relay.metric("oaiq_relay_nats_down") == 0.0).then_some(())
        });
    }
    // One thread per relay sends one event after another. What was answered 202 must arrive.
    let accepted: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = (0..3)
        .map(|i| {
            let (accepted, stop, count) =
                (Arc::clone(&accepted), Arc::clone(&stop), Arc::clone(&count));
            let client = relays[i].1.client();
            std::thread::spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = format!("{i}-{n}");
                    // Fails once the relay is dead.
                    match client.try_post(&batch(&[event("order_created", &id)])) {
                        Some(202) => {
                            accepted.lock().unwrap().insert(id);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => std::thread::sleep(Duration::from_millis(50)),
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            })
        })
        .collect();
    wait_for("events before the failure", || {
        (count.load(Ordering::Relaxed) > 150).then_some(())
    });

    let config = Config::load(&relays[1].0.join("relay.toml")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let section = config.nats.as_ref().unwrap();
    let leader = || {
        let status = runtime.block_on(oaiq_relay::cluster::status(&config, section));
        status.ok().and_then(|status| status.leader)
    };
    let old_leader = wait_for("the stream's leader", leader);
    relays[0].1.kill();
    nats.kill(nats.index_of(&old_leader));
    let killed_at = Instant::now();

    // What was accepted after the failure is handed over again.
    let before: Vec<f64> = relays[1..]
        .iter()
        .map(|(_, relay)| handed_over(relay))
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    wait_for("publishing at both relays", || {
        let works = relays[1..]
            .iter()
            .zip(&before)
            .all(|((_, relay), before)| handed_over(relay) > before + 20.0);
        works.then_some(())
    });
    let gap = killed_at.elapsed();
    println!(
        "publishing worked again {:.1} s after the failure",
        gap.as_secs_f64()
    );
    assert!(gap < BAR, "{gap:?}");

    stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.join().unwrap();
    }
    // The dead relay comes back with its file, and delivers what only that has.
    let (dir, _) = &relays[0];
    let again = Serving::start(program(&[], dir));
    let accepted = accepted.lock().unwrap().clone();
    println!("{} events were accepted", accepted.len());
    let delivered = || {
        let entries = collector.entries();
        let ids = |verdict: &str| -> Vec<String> {
            let entries = entries.iter().filter(|entry| entry["verdict"] == verdict);
            entries
                .map(|entry| entry["event"]["id"].as_str().unwrap().to_owned())
                .collect()
        };
        (ids("counted"), entries.len())
    };
    let start = Instant::now();
    let (counted, sent) = loop {
        let (counted, sent) = delivered();
        let set: BTreeSet<String> = counted.iter().cloned().collect();
        if accepted.is_subset(&set) {
            break (counted, sent);
        }
        let missing: Vec<_> = accepted.difference(&set).collect();
        assert!(start.elapsed() < Duration::from_secs(90), "{missing:?}");
        std::thread::sleep(Duration::from_millis(200));
    };
    let set: BTreeSet<&String> = counted.iter().collect();
    assert_eq!(set.len(), counted.len(), "an event was counted twice");
    println!("{} events were counted, {} sent", counted.len(), sent);
    drop(again);
}
