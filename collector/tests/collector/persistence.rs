//! What a restart preserves.

use std::fs;
use std::path::{Path, PathBuf};

use oaiq_collector::store::database::Database;
use serde_json::{Value, json};

use crate::support::server::{TestServer, config, event, read_json};

fn file(name: &str) -> PathBuf {
    let dir: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "persistence", name]
        .iter()
        .collect();
    let _ = fs::remove_dir_all(&dir);
    dir.join("collector.sqlite")
}

fn start(file: &Path) -> TestServer {
    TestServer::open(config(), Database::open(file).unwrap())
}

fn one(id: &str) -> Value {
    json!({ "events": [event("order_created", id)] })
}

#[test]
fn restart_preserves_events_and_deduplication() {
    let file = file("again");
    let server = start(&file);
    server.post_batch_ok("P", &json!({ "events": [event("order_created", "1"), event("oai::diagnostic", "2")], "oppref": "c" }));
    server.post("/v1/sdk/events?pid=P", "{");
    let before = server.entries("");
    assert_eq!(before.len(), 3);
    drop(server);

    let server = start(&file);
    assert_eq!(server.entries(""), before);
    server.post_batch_ok("P", &one("1"));
    let newest = &server.entries("")[0];
    assert_eq!((&newest["seq"], &newest["batch"]), (&json!(4), &json!(3)));
    assert_eq!(
        (&newest["verdict"], &newest["duplicate_of"]),
        (&json!("duplicate"), &json!(1))
    );
}

#[test]
fn deleted_events_are_gone_from_the_file() {
    let file = file("forgotten");
    let server = start(&file);
    server.post_batch_ok("P", &one("a-secret-order"));
    assert_eq!(server.send("DELETE", "/events.json", &[], ()).status(), 204);
    drop(server);
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(14).any(|part| part == b"a-secret-order"));

    let server = start(&file);
    assert!(server.entries("").is_empty());
    server.post_batch_ok("P", &one("a-secret-order"));
    let newest = &server.entries("")[0];
    assert_eq!(
        (&newest["seq"], &newest["verdict"]),
        (&json!(2), &json!("counted"))
    );
}

#[test]
fn facts_describe_how_the_collector_was_started() {
    let server = start(&file("facts"));
    server.post_batch_ok("P", &one("1"));
    let facts = read_json(server.get("/inspector/facts.json"));
    assert_eq!(
        facts,
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "listening": ["http://localhost:8787"],
            "pixels": [],
            "key_given": false,
            "stored": 1,
            "most": 100_000,
        })
    );
}
