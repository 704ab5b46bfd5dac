use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::claim::{Claim, Claimed, DeadLetter, DueEvent, Reason, Settlement};
use super::forget::Person;
use super::schema::{IfMissing, OpenError};
use super::*;
use crate::clock::DAY_MS;
use crate::event::Half;
use crate::key::{Key, Link};
use accept::{NewEvent, Visit};

fn file(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("oaiq-relay-store-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir.join("relay.sqlite")
}

struct Test {
    file: PathBuf,
    clock: Clock,
    store: Store,
}

impl Test {
    fn new(name: &str) -> Self {
        Self::with_max_bytes(name, 1 << 30)
    }

    fn with_max_bytes(name: &str, max_bytes: u64) -> Self {
        let file = file(name);
        let clock = Clock::default();
        let store = Store::open(&file, max_bytes, clock.clone()).unwrap();
        Self { file, clock, store }
    }

    fn batch(&self, half: Half, events: Vec<NewEvent>) -> NewBatch {
        NewBatch {
            pixel: "p".to_owned(),
            half,
            received_ms: self.clock.now_ms(),
            visit: None,
            events,
        }
    }

    fn event(&self, id: &str, json: &str) -> NewEvent {
        NewEvent {
            key: Key::event("p", "order_created", id),
            id_link: Some(Key::link("p", Link::EventId, id)),
            visitor: None,
            timestamp_ms: self.clock.now_ms(),
            due_ms: self.clock.now_ms(),
            waits_for_backend: false,
            json: json.to_owned(),
        }
    }

    async fn accept(&self, half: Half, events: Vec<NewEvent>) -> Accepted {
        self.store.accept(self.batch(half, events)).await.unwrap()
    }

    async fn claim(&self) -> Claimed {
        let claim = Claim {
            pixel: "p".to_owned(),
            now_ms: self.clock.now_ms(),
            max_events: 10,
            max_bytes: 1 << 20,
        };
        self.store.claim(claim).await.unwrap()
    }

    async fn due(&self) -> Vec<String> {
        self.claim()
            .await
            .events
            .into_iter()
            .map(|event| event.json)
            .collect()
    }

    async fn settle(&self, settlement: Settlement) {
        self.store.settle(Arc::new(settlement)).await.unwrap();
    }

    async fn deliver_all(&self) -> usize {
        let delivered: Vec<i64> = self
            .claim()
            .await
            .events
            .iter()
            .map(|event| event.seq)
            .collect();
        let count = delivered.len();
        self.settle(Settlement {
            delivered,
            ..Settlement::default()
        })
        .await;
        count
    }

    fn visit(&self, obref: &str, links: &[(Link, &str)]) -> Visit {
        Visit {
            oppref: "click".to_owned(),
            obref: Some(obref.to_owned()),
            ip_address: Some([203, 0, 113, 7].into()),
            user_agent: Some("UA".to_owned()),
            links: links
                .iter()
                .map(|(link, value)| Key::link("p", *link, value))
                .collect(),
        }
    }

    /// All bytes of the database and its log.
    fn bytes(&self) -> Vec<u8> {
        let dir = fs::read_dir(self.file.parent().unwrap()).unwrap();
        dir.flat_map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect()
    }

    fn contains(&self, text: &str) -> bool {
        self.bytes()
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    }
}

#[tokio::test]
async fn accepted_event_survives_a_restart() {
    let test = Test::new("restart");
    let accepted = test
        .accept(Half::Browser, vec![test.event("1", r#"{"id":"1"}"#)])
        .await;
    assert_eq!((accepted.new, accepted.duplicates), (1, 0));
    let Test { file, clock, store } = test;
    drop(store);
    let store = Store::open(&file, 1 << 30, clock.clone()).unwrap();
    let test = Test { file, clock, store };
    assert_eq!(test.due().await, [r#"{"id":"1"}"#]);
}

#[tokio::test]
async fn discarding_store_accepts_all_and_keeps_nothing() {
    let store = Store::discarding(Clock::default()).unwrap();
    let test = Test {
        file: file("discarding"),
        clock: Clock::default(),
        store,
    };
    for _ in 0..2 {
        let accepted = test
            .accept(Half::Browser, vec![test.event("1", "{}")])
            .await;
        assert_eq!((accepted.new, accepted.duplicates), (1, 0));
    }
    assert_eq!(test.due().await, [""; 0]);
    assert_eq!(test.bytes(), b"");
}

#[tokio::test]
async fn committed_pages_reach_the_database_file_while_it_is_open() {
    let test = Test::new("checkpoint");
    let json = format!(r#"{{"id":"{}"}}"#, "x".repeat(100));
    test.accept(Half::Browser, vec![test.event("1", &json)])
        .await;
    let start = Instant::now();
    while !fs::read(&test.file)
        .unwrap()
        .windows(100)
        .any(|part| part == "x".repeat(100).as_bytes())
    {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it is in the log only"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn log_is_empty_although_others_were_using_it() {
    let file = file("log");
    let connection = schema::open(&file, IfMissing::Create).unwrap();
    // SQLite gives up at once.
    connection.busy_timeout(Duration::ZERO).unwrap();
    let reader = schema::open_reader(&file).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM outbox").unwrap();
    connection
        .execute_batch("INSERT INTO seen VALUES (x'01', 0, 0)")
        .unwrap();
    let log_length = || {
        fs::metadata(file.with_extension("sqlite-wal"))
            .unwrap()
            .len()
    };
    assert!(log_length() > 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            drop(reader);
        });
        checkpoint::empty_log(&connection).unwrap();
    });
    assert_eq!(log_length(), 0);
}

#[tokio::test]
async fn duplicate_is_recognized_before_and_after_delivery() {
    let test = Test::new("duplicate");
    for _ in 0..2 {
        test.accept(Half::Browser, vec![test.event("1", "{}")])
            .await;
    }
    assert_eq!(test.due().await.len(), 1);
    assert_eq!(test.deliver_all().await, 1);
    for half in [Half::Browser, Half::Backend] {
        let again = test.accept(half, vec![test.event("1", "{}")]).await;
        assert_eq!((again.new, again.merged, again.duplicates), (0, 0, 1));
    }
    assert_eq!(test.due().await, [""; 0]);
}

#[tokio::test]
async fn held_event_is_due_after_its_time_or_with_its_other_half() {
    let test = Test::new("held");
    let hold = Duration::from_secs(60);
    let held = |id: &str, json: &str| NewEvent {
        due_ms: test.clock.now_ms() + 60_000,
        ..test.event(id, json)
    };
    test.accept(
        Half::Browser,
        vec![held("1", r#"{"oppref":"c"}"#), held("2", r#"{"id":"2"}"#)],
    )
    .await;
    let claimed = test.claim().await;
    assert_eq!(claimed.events, []);
    assert!(claimed.next_due_ms.unwrap() > test.clock.now_ms());
    let merged = test
        .accept(Half::Backend, vec![held("1", r#"{"id":"1"}"#)])
        .await;
    assert_eq!((merged.new, merged.merged), (0, 1));
    assert_eq!(test.due().await, [r#"{"id":"1","oppref":"c"}"#]);
    test.clock.advance(hold);
    assert_eq!(test.due().await.len(), 2);
}

#[tokio::test]
async fn merged_event_takes_no_third_part() {
    let test = Test::new("merged");
    test.accept(Half::Backend, vec![test.event("1", r#"{"a":1}"#)])
        .await;
    test.accept(Half::Browser, vec![test.event("1", r#"{"b":1}"#)])
        .await;
    let third = test
        .accept(Half::Browser, vec![test.event("1", r#"{"c":1}"#)])
        .await;
    assert_eq!(third.duplicates, 1);
    assert_eq!(test.due().await, [r#"{"a":1,"b":1}"#]);
}

#[tokio::test]
async fn untrusted_event_is_dropped_unless_the_backend_confirms_it() {
    let test = Test::new("trust");
    let untrusted = |id: &str| NewEvent {
        waits_for_backend: true,
        due_ms: test.clock.now_ms() + DAY_MS,
        ..test.event(id, r#"{"browser":1}"#)
    };
    test.accept(Half::Browser, vec![untrusted("1"), untrusted("2")])
        .await;
    assert_eq!(test.due().await, [""; 0]);
    test.accept(Half::Backend, vec![test.event("1", r#"{"backend":1}"#)])
        .await;
    assert_eq!(test.due().await, [r#"{"backend":1,"browser":1}"#]);
    test.deliver_all().await;

    test.clock.advance(Duration::from_millis(DAY_MS));
    let claimed = test.claim().await;
    assert_eq!((claimed.events.len(), claimed.unconfirmed.len()), (0, 1));
    test.settle(Settlement {
        unconfirmed: claimed.unconfirmed,
        ..Settlement::default()
    })
    .await;
    // The backend may still send it.
    let late = test
        .accept(Half::Backend, vec![test.event("2", "{}")])
        .await;
    assert_eq!(late.new, 1);
}

#[tokio::test]
async fn event_older_than_seven_days_expires() {
    let test = Test::new("expired");
    test.accept(Half::Browser, vec![test.event("1", "{}")])
        .await;
    test.clock
        .advance(Duration::from_millis(7 * DAY_MS - 10_000));
    assert_eq!(test.claim().await.events.len(), 1);
    test.clock.advance(Duration::from_millis(20_000));
    let claimed = test.claim().await;
    assert_eq!((claimed.events.len(), claimed.expired.len()), (0, 1));
}

#[tokio::test]
async fn claim_is_limited_and_says_when_more_is_due() {
    let test = Test::new("limit");
    let events = (0..25).map(|i| test.event(&i.to_string(), "{}")).collect();
    test.accept(Half::Browser, events).await;
    let claimed = test.claim().await;
    assert_eq!(claimed.events.len(), 10);
    assert!(claimed.next_due_ms.unwrap() <= test.clock.now_ms());
    let counts = [
        test.deliver_all().await,
        test.deliver_all().await,
        test.deliver_all().await,
    ];
    assert_eq!(counts, [10, 10, 5]);
    assert_eq!(test.claim().await.next_due_ms, None);
}

#[tokio::test]
async fn backend_event_gets_the_click_of_the_visit() {
    let test = Test::new("join");
    let hash = "ab".repeat(32);
    for (link, value, event) in [
        (Link::EventId, "1", r#"{"id":"1"}"#.to_owned()),
        (
            Link::Obref,
            "b-1",
            r#"{"id":"x","user":{"obref":"b-1"}}"#.to_owned(),
        ),
        (
            Link::Email,
            hash.as_str(),
            format!(r#"{{"id":"y","user":{{"emails_sha256":["{hash}"]}}}}"#),
        ),
    ] {
        let mut visit = test.batch(Half::Browser, Vec::new());
        visit.visit = Some(test.visit("b-1", &[(link, value)]));
        test.store.accept(visit).await.unwrap();
        test.accept(Half::Backend, vec![test.event(value, &event)])
            .await;
        let [
            DueEvent {
                json, joined_by, ..
            },
        ] = &test.claim().await.events[..]
        else {
            panic!("{event}")
        };
        assert_eq!(*joined_by, Some(link), "{event}");
        let joined: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(joined["oppref"], "click");
        assert_eq!(joined["user"]["ip_address"], "203.0.113.7");
        test.deliver_all().await;
    }
}

#[tokio::test]
async fn click_ends_after_thirty_days_and_is_deleted() {
    let test = Test::new("click-end");
    let mut visit = test.batch(Half::Browser, Vec::new());
    visit.visit = Some(test.visit("b-1", &[(Link::Obref, "b-1")]));
    let first = test
        .store
        .accept(visit)
        .await
        .unwrap()
        .click_first_ms
        .unwrap();
    test.clock.advance(Duration::from_millis(29 * DAY_MS));
    let mut visit = test.batch(Half::Browser, Vec::new());
    visit.visit = Some(test.visit("b-1", &[(Link::Obref, "b-1")]));
    // Further visits do not prolong it.
    assert_eq!(
        test.store.accept(visit).await.unwrap().click_first_ms,
        Some(first)
    );
    test.clock.advance(Duration::from_millis(DAY_MS + 1_000));
    test.accept(
        Half::Backend,
        vec![test.event("1", r#"{"user":{"obref":"b-1"}}"#)],
    )
    .await;
    assert_eq!(test.claim().await.events[0].joined_by, None);
    assert_eq!(test.store.maintain().await.unwrap().clicks, 1);
    assert_eq!(test.store.stats().await.unwrap().clicks, 0);
    assert!(!test.contains("203.0.113.7"));
}

#[tokio::test]
async fn ids_of_delivered_events_are_kept_for_seven_days() {
    let test = Test::new("seen");
    let events = (0..10).map(|i| test.event(&i.to_string(), "{}")).collect();
    test.accept(Half::Browser, events).await;
    test.deliver_all().await;
    test.clock
        .advance(Duration::from_millis(7 * DAY_MS - 10_000));
    assert_eq!(test.store.maintain().await.unwrap().seen, 0);
    test.clock.advance(Duration::from_millis(20_000));
    assert_eq!(test.store.maintain().await.unwrap().seen, 10);
}

fn reason() -> Reason {
    Reason {
        status: 400,
        code: "invalid_event".to_owned(),
        field: Some("data.amount".to_owned()),
        message: "no".to_owned(),
        request_id: Some("req_1".to_owned()),
    }
}

async fn bury(test: &Test) {
    let dead = test
        .claim()
        .await
        .events
        .into_iter()
        .map(|event| DeadLetter {
            seq: event.seq,
            reason: reason(),
        });
    test.settle(Settlement {
        now_ms: test.clock.now_ms(),
        dead: dead.collect(),
        ..Settlement::default()
    })
    .await;
}

#[tokio::test]
async fn dead_letter_keeps_its_reason_and_can_be_sent_again() {
    let test = Test::new("dead");
    test.accept(
        Half::Browser,
        vec![test.event("1", r#"{"id":"1"}"#), test.event("2", "{}")],
    )
    .await;
    bury(&test).await;
    assert_eq!(test.due().await, [""; 0]);
    // As the command line does, in a process of its own.
    let mut connection = schema::open(&test.file, IfMissing::Fail).unwrap();
    let letters = dead::list(&connection, Some("p"), 10).unwrap();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[1].reason, reason());
    assert!(dead::list(&connection, Some("q"), 10).unwrap().is_empty());
    // One was repaired and sent again by the site.
    test.accept(Half::Browser, vec![test.event("2", "{}")])
        .await;
    let all = dead::Selection::All(None);
    let retried = dead::retry(&mut connection, &all, test.clock.now_ms()).unwrap();
    assert_eq!((retried.queued, retried.superseded), (1, 1));
    assert_eq!(test.due().await.len(), 2);
    assert!(dead::find(&connection, letters[0].id).unwrap().is_none());
    let again = test
        .accept(Half::Browser, vec![test.event("1", "{}")])
        .await;
    assert_eq!(again.duplicates, 1);
}

#[tokio::test]
async fn change_of_another_process_wakes_the_workers() {
    let test = Test::new("wake");
    test.accept(Half::Browser, vec![test.event("1", "{}")])
        .await;
    bury(&test).await;
    let waker = test.store.wakers().of("p");
    // What the acceptance has left.
    let _ = tokio::time::timeout(Duration::from_millis(1_500), waker.notified()).await;
    let mut connection = schema::open(&test.file, IfMissing::Fail).unwrap();
    dead::retry(
        &mut connection,
        &dead::Selection::All(None),
        test.clock.now_ms(),
    )
    .unwrap();
    tokio::time::timeout(Duration::from_secs(5), waker.notified())
        .await
        .unwrap();
}

#[tokio::test]
async fn forgotten_person_is_gone_from_the_file() {
    let test = Test::new("forget");
    let hash = "cd".repeat(32);
    let secret = "9b2e1f00-0000-4000-8000-00000000dead";
    let visitor = Some(Key::visitor(secret));
    let mut batch = test.batch(
        Half::Browser,
        vec![NewEvent {
            visitor,
            ..test.event("1", &format!(r#"{{"user":{{"obref":"{secret}"}}}}"#))
        }],
    );
    batch.visit = Some(test.visit(secret, &[(Link::Obref, secret), (Link::Email, &hash)]));
    test.store.accept(batch).await.unwrap();
    bury(&test).await;
    test.accept(
        Half::Browser,
        vec![NewEvent {
            visitor,
            ..test.event("2", &format!(r#"{{"user":{{"obref":"{secret}"}}}}"#))
        }],
    )
    .await;
    test.accept(
        Half::Backend,
        vec![test.event(
            "3",
            &format!(r#"{{"user":{{"emails_sha256":["{hash}"]}}}}"#),
        )],
    )
    .await;
    test.accept(Half::Browser, vec![test.event("4", r#"{"other":1}"#)])
        .await;
    assert!(test.contains(secret) && test.contains(&hash));
    // By the email address alone.
    let person = Person {
        hashes: vec![(Link::Email, hash.clone())],
        pixels: vec!["p".to_owned()],
        ..Person::default()
    };
    let forgotten = test.store.forget(person.clone()).await.unwrap();
    assert_eq!(
        (forgotten.clicks, forgotten.events, forgotten.dead),
        (1, 2, 1)
    );
    for deleted in [secret, &hash, "203.0.113.7"] {
        assert!(!test.contains(deleted), "{deleted}");
    }
    assert_eq!(test.due().await, [r#"{"other":1}"#]);
    assert_eq!(
        test.store.forget(person).await.unwrap(),
        Forgotten::default()
    );
}

async fn join_cluster(test: &Test, stream: Option<&'static str>) {
    let join = move |connection: &Connection| handover::set_stream(connection, stream);
    test.store.write(join).await.unwrap();
}

async fn to_hand_over(test: &Test) -> handover::ToHandOver {
    let read = |connection: &Connection| handover::read(connection, r#"["p"]"#);
    test.store.read(read).await.unwrap()
}

async fn hand_over(test: &Test, work: &handover::ToHandOver) {
    let handed_over = handover::HandedOver {
        erasures: work.erasures.iter().map(|(id, _)| *id).collect(),
        clicks: work.clicks.iter().map(|click| click.id).collect(),
        links: work.links.iter().map(|link| link.id).collect(),
        events: work
            .events
            .iter()
            .map(|event| (event.seq, event.halves))
            .collect(),
    };
    let settle = move |connection: &Connection| handover::settle(connection, &handed_over);
    test.store.write(settle).await.unwrap();
}

#[tokio::test]
async fn store_of_one_machine_queues_nothing_for_others() {
    let test = Test::new("alone");
    let mut batch = test.batch(Half::Browser, vec![test.event("1", "{}")]);
    batch.visit = Some(test.visit("o", &[(Link::Obref, "o")]));
    test.store.accept(batch).await.unwrap();
    test.store.forget(Person::default()).await.unwrap();
    let work = to_hand_over(&test).await;
    assert_eq!(
        work.clicks.len() + work.links.len() + work.erasures.len(),
        0
    );
}

#[tokio::test]
async fn clicks_of_before_and_changed_ones_are_handed_over_once() {
    let test = Test::new("clicks-over");
    let visit = async |address: [u8; 4]| {
        let mut batch = test.batch(Half::Browser, Vec::new());
        batch.visit = Some(Visit {
            ip_address: Some(address.into()),
            ..test.visit("o", &[(Link::Obref, "o")])
        });
        test.store.accept(batch).await.unwrap();
    };
    visit([203, 0, 113, 7]).await;
    join_cluster(&test, Some("oaiq")).await;
    let work = to_hand_over(&test).await;
    assert_eq!((work.clicks.len(), work.links.len()), (1, 1));
    assert_eq!(work.links[0].click, work.clicks[0].key);
    hand_over(&test, &work).await;
    // The same visit again.
    visit([203, 0, 113, 7]).await;
    join_cluster(&test, Some("oaiq")).await;
    assert!(to_hand_over(&test).await.is_empty());
    visit([203, 0, 113, 8]).await;
    let work = to_hand_over(&test).await;
    let address = work.clicks[0].click.ip_address.as_deref();
    assert_eq!((address, work.links.len()), (Some("203.0.113.8"), 0));
}

#[tokio::test]
async fn half_that_arrives_during_the_hand_over_is_handed_over_too() {
    let test = Test::new("halves-over");
    join_cluster(&test, Some("oaiq")).await;
    test.accept(Half::Browser, vec![test.event("1", r#"{"a":1}"#)])
        .await;
    let work = to_hand_over(&test).await;
    test.accept(Half::Backend, vec![test.event("1", r#"{"b":2}"#)])
        .await;
    hand_over(&test, &work).await;
    let work = to_hand_over(&test).await;
    assert_eq!(work.events[0].json, r#"{"a":1,"b":2}"#);
    hand_over(&test, &work).await;
    assert!(to_hand_over(&test).await.is_empty());
    // The cluster decides whether it is a duplicate.
    let again = test
        .accept(Half::Browser, vec![test.event("1", "{}")])
        .await;
    assert_eq!(again.new, 1);
}

#[tokio::test]
async fn erasure_of_another_relay_spares_what_is_newer() {
    let test = Test::new("erasure");
    join_cluster(&test, Some("oaiq")).await;
    let visitor = Some(Key::visitor("o"));
    let event = |id: &str| NewEvent {
        visitor,
        ..test.event(id, &format!(r#"{{"id":{id}}}"#))
    };
    test.accept(Half::Browser, vec![event("1")]).await;
    let person = Person {
        obrefs: vec!["o".to_owned()],
        ..Person::default()
    };
    let erasure = person.erasure(test.clock.now_ms());
    test.clock.advance(Duration::from_secs(1));
    test.accept(Half::Browser, vec![event("2")]).await;
    let forgotten = test.store.erase(erasure).await.unwrap();
    assert_eq!(
        (forgotten.events, test.due().await),
        (1, vec![r#"{"id":2}"#.to_owned()])
    );
    // What comes from another relay is not passed on.
    assert_eq!(to_hand_over(&test).await.erasures.len(), 0);
    test.store.forget(person).await.unwrap();
    assert_eq!(to_hand_over(&test).await.erasures.len(), 1);
}

#[tokio::test]
async fn full_store_takes_no_events_until_there_is_room() {
    let test = Test::with_max_bytes("full", 1 << 20);
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(100_000));
    let mut stored = 0;
    let error = loop {
        let event = test.event(&stored.to_string(), &large);
        match test
            .store
            .accept(test.batch(Half::Browser, vec![event]))
            .await
        {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, StoreError::Full);
    assert_eq!(test.store.problem(), Some(StoreError::Full));
    assert!((8..=11).contains(&stored), "{stored}");
    // What is in it can be delivered.
    assert_eq!(test.deliver_all().await, stored.min(10));
    assert_eq!(test.store.problem(), None);
    test.accept(Half::Browser, vec![test.event("again", "{}")])
        .await;
}

#[tokio::test]
async fn write_error_is_reported_and_leaves_what_is_stored_readable() {
    let test = Test::new("failing");
    test.accept(Half::Browser, vec![test.event("1", "{}")])
        .await;
    // Another process holds the lock for longer than the store waits.
    let blocker = rusqlite::Connection::open(&test.file).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = test
        .store
        .accept(test.batch(Half::Browser, vec![test.event("2", "{}")]))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
    assert!(matches!(test.store.problem(), Some(StoreError::Failed(_))));
    assert_eq!(test.due().await.len(), 1);
    blocker.execute_batch("ROLLBACK").unwrap();
    let mut waited = Duration::ZERO;
    while test.store.problem().is_some() && waited < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        waited += Duration::from_millis(100);
    }
    let accepted = test
        .accept(Half::Browser, vec![test.event("2", "{}")])
        .await;
    assert_eq!(accepted.new, 1);
}

#[tokio::test]
async fn file_is_served_by_one_relay_only() {
    let test = Test::new("lock");
    let second = Store::open(&test.file, 1 << 30, Clock::default());
    assert!(matches!(second, Err(OpenError::InUse(_))));
    let Test { file, store, .. } = test;
    drop(store);
    Store::open(&file, 1 << 30, Clock::default()).unwrap();
}

#[test]
fn unusable_file_is_rejected_and_unchanged() {
    let path = file("foreign");
    for (content, expected) in [
        (b"{}".to_vec(), "not a relay's file"),
        (
            [b"SQLite format 3\0".to_vec(), vec![0; 84]].concat(),
            "not a relay's file",
        ),
    ] {
        fs::write(&path, &content).unwrap();
        let error = schema::open(&path, IfMissing::Create)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        schema::open(&path, IfMissing::Fail),
        Err(OpenError::Missing(_))
    ));
    drop(schema::open(&path, IfMissing::Create).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let error = schema::open(&path, IfMissing::Create)
        .unwrap_err()
        .to_string();
    assert!(error.contains("newer oaiq-relay (schema 99"), "{error}");
}

#[test]
fn damaged_file_is_rejected_and_unchanged() {
    let path = file("damaged");
    drop(schema::open(&path, IfMissing::Create).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xaa);
    fs::write(&path, &bytes).unwrap();
    let error = schema::open(&path, IfMissing::Create)
        .unwrap_err()
        .to_string();
    assert!(error.contains("is damaged"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[cfg(unix)]
#[test]
fn files_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let test = Test::new("mode");
    for entry in fs::read_dir(test.file.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{entry:?}");
    }
}
