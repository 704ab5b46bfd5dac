//! The program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::collector::{OPENAI_KEY, TestCollector};
use crate::support::events::{OBREF, batch, event, wait_for};
use crate::support::process::{Serving, program};
use crate::support::relay::{config_text, test_dir};

fn run(args: &[&str], dir: &Path) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program(args, dir).output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.success(), text)
}

fn run_ok(args: &[&str], dir: &Path) -> String {
    let (is_ok, text) = run(args, dir);
    assert!(is_ok, "{args:?}: {text}");
    text
}

fn write_config(dir: &Path, upstream: &str) {
    let text = format!("log = \"json\"\n{}", config_text(upstream, ""));
    fs::write(dir.join("relay.toml"), text).unwrap();
}

#[test]
fn environment_wins_over_the_file() {
    let dir = test_dir("cli-env");
    write_config(&dir, "http://127.0.0.1:9");
    let mut command = program(&[], &dir);
    command
        .env("OAIQ_RELAY_STORE__PATH", "other.sqlite")
        .env(
            "OAIQ_RELAY_ORIGINS",
            "https://shop.example, https://www.shop.example",
        )
        .env("OAIQ_RELAY_HOLD__ORDER_CREATED", "60s");
    drop(Serving::start(command));
    assert!(dir.join("other.sqlite").exists() && !dir.join("relay.sqlite").exists());
    let output = program(&["status"], &dir)
        .env("OAIQ_RELAY_STORE__MAX", "1")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("the environment variable OAIQ_RELAY_STORE__MAX: there is no such key"),
        "{error}"
    );
}

#[test]
fn config_prints_a_file_that_names_every_key() {
    let text = run_ok(&["config"], Path::new("."));
    for key in [
        "listen = \"127.0.0.1:8790\"",
        "#: origins = ",
        "[store]",
        "max_bytes = \"4GiB\"",
        "#: [nats]",
    ] {
        assert!(text.contains(key), "{key}");
    }
    assert!(text.lines().all(|line| line.len() <= 110));
}

#[test]
fn mistake_in_the_configuration_ends_the_program_with_advice() {
    let dir = test_dir("cli-mistake");
    let (is_ok, text) = run(&["serve"], &dir);
    assert!(
        !is_ok && text.contains("relay.toml: it does not exist; `oaiq-relay config` prints"),
        "{text}"
    );
    write_config(&dir, "http://127.0.0.1:9");
    fs::remove_file(dir.join("key")).unwrap();
    let (is_ok, text) = run(&["serve"], &dir);
    assert!(
        !is_ok && text.contains("pixel.0 (\"p\"): cannot read key_file"),
        "{text}"
    );
}

#[test]
fn killed_relay_has_everything_that_it_has_acknowledged() {
    let collector = TestCollector::start();
    let address = collector.address;
    drop(collector);
    let dir = test_dir("cli-kill");
    write_config(&dir, &format!("http://{address}"));
    for round in 0..3 {
        let relay = Serving::start(program(&[], &dir));
        for i in 0..20 {
            assert_eq!(
                relay.post(&batch(&[event("order_created", &format!("{round}-{i}"))])),
                202
            );
        }
        // SIGKILL
        drop(relay);
    }
    let status = run_ok(&["status"], &dir);
    assert!(status.contains("p: 60 undelivered"), "{status}");
    let collector = TestCollector::with(address, &["p"], OPENAI_KEY);
    let _relay = Serving::start(program(&[], &dir));
    collector.counted(60);
}

#[test]
fn second_relay_with_the_same_store_does_not_start() {
    let dir = test_dir("cli-twice");
    write_config(&dir, "http://127.0.0.1:9");
    let _relay = Serving::start(program(&[], &dir));
    let (is_ok, text) = run(&["serve"], &dir);
    assert!(!is_ok && text.contains("in use by another relay"), "{text}");
}

#[test]
fn dead_letters_are_listed_shown_and_sent_again_while_it_serves() {
    let collector = TestCollector::start();
    let dir = test_dir("cli-dead");
    write_config(&dir, &collector.url());
    fs::write(
        dir.join("relay.toml"),
        fs::read_to_string(dir.join("relay.toml")).unwrap() + "[hold]\norder_created = \"2s\"",
    )
    .unwrap();
    let relay = Serving::start(program(&[], &dir));
    assert_eq!(relay.post(&batch(&[event("order_created", "o-1")])), 202);
    let connection = rusqlite::Connection::open(dir.join("relay.sqlite")).unwrap();
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .unwrap();
    let set_amount = |table: &str, amount: &str| {
        let sql = format!("UPDATE {table} SET event = json_set(event, '$.data.amount', {amount})");
        assert_eq!(connection.execute(&sql, []).unwrap(), 1);
    };
    set_amount("outbox", "1.5");
    let list = wait_for("the dead letter", || {
        let list = run_ok(&["dead", "list"], &dir);
        list.contains("invalid_event_data_amount (data.amount)")
            .then_some(list)
    });
    assert!(
        list.contains("order_created") && !list.contains(OBREF),
        "{list}"
    );
    let show = run_ok(&["dead", "show", "1"], &dir);
    assert!(
        show.contains("status:     400") && show.contains(OBREF),
        "{show}"
    );
    assert!(run_ok(&["status"], &dir).contains("p: 0 undelivered, 1 dead letters"));
    set_amount("dead", "15");
    assert_eq!(
        run_ok(&["dead", "retry", "1"], &dir),
        "1 will be sent again\n"
    );
    assert_eq!(collector.counted(1)[0]["id"], "o-1");
    assert_eq!(run_ok(&["dead", "drop", "--all"], &dir), "0 deleted\n");
    assert_eq!(run_ok(&["dead", "list"], &dir), "no dead letters\n");
    let (is_ok, text) = run(&["dead", "show", "7"], &dir);
    assert!(
        !is_ok && text.contains("there is no dead letter 7"),
        "{text}"
    );
    let forgotten = run_ok(&["forget", "--obref", OBREF], &dir);
    assert!(forgotten.starts_with("deleted: 1 clicks"), "{forgotten}");
    let (is_ok, text) = run(&["forget", "--email", "jane"], &dir);
    assert!(!is_ok && text.contains("not an email address"), "{text}");
}

#[cfg(unix)]
#[test]
fn sigterm_ends_the_program_with_success() {
    let dir = test_dir("cli-term");
    write_config(&dir, "http://127.0.0.1:9");
    let mut relay = Serving::start(program(&[], &dir));
    let id = relay.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let status = wait_for("the end", || relay.child.try_wait().unwrap());
    assert!(status.success());
    // The log was moved into the database.
    assert!(!dir.join("relay.sqlite-wal").exists());
}

/// A file size limit stands in for a full disk: writing fails, and what is there can be read.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_answered_with_503_and_loses_nothing() {
    let dir = test_dir("cli-disk");
    write_config(&dir, "http://127.0.0.1:9");
    let mut command = Command::new("bash");
    let script = format!(
        "trap '' XFSZ; ulimit -f 1024; exec {} \"$@\"",
        env!("CARGO_BIN_EXE_oaiq-relay")
    );
    command.args(["-c", &script, "relay"]).current_dir(&dir);
    let relay = Serving::start(command);
    let filler = "x".repeat(60_000);
    let mut accepted = 0;
    let status = loop {
        let mut order = event("order_created", &accepted.to_string());
        order["data"]["contents"] = serde_json::json!([{ "id": filler }]);
        match relay.post(&batch(&[order])) {
            202 => accepted += 1,
            status => break status,
        }
        assert!(accepted < 100);
    };
    assert_eq!(status, 503);
    assert!(accepted > 5);
    let text = run_ok(&["status"], &dir);
    assert!(
        text.contains(&format!("p: {accepted} undelivered")),
        "{accepted}: {text}"
    );
}

#[test]
fn check_tells_good_keys_from_bad_ones_and_what_to_do() {
    let dir = test_dir("cli-check");
    let collector = TestCollector::with("127.0.0.1:0".parse().unwrap(), &["p"], OPENAI_KEY);
    write_config(&dir, &collector.url());
    // A page whose host is this relay's.
    let relay = Serving::start(program(&[], &dir));
    let origin = format!("http://{}", relay.address);
    let check = |origins: &str| {
        let output = program(&["check"], &dir)
            .env("OAIQ_RELAY_ORIGINS", origins)
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (is_ok, text) = check(&origin);
    assert!(!is_ok, "{text}");
    for line in [
        "ok       key of p: OpenAI accepts it",
        "PROBLEM  key of q: OpenAI answers 403",
        "check that the pixel's ID is right",
        "ok       clock: it differs from OpenAI's by",
        "ok       pixel: /oaiq/oaiq.min.js, or /oaiq/",
        &format!("ok       route: {origin}/oaiq/oaiq.min.js answers"),
        "under a path of the page's own host",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // The test event was not saved.
    assert!(
        collector
            .entries()
            .iter()
            .all(|entry| entry["verdict"] != "counted")
    );
    drop(relay);
    let (_, text) = check(&origin);
    assert!(text.contains("does not answer: start the relay"), "{text}");
    fs::write(dir.join("key"), "wrong").unwrap();
    let (_, text) = check(&origin);
    assert!(
        text.contains("PROBLEM  key of p: OpenAI answers 401"),
        "{text}"
    );
    drop(collector);
    let (_, text) = check(&origin);
    assert!(text.contains("cannot be reached: no connection"), "{text}");
}
