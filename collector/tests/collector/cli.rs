//! The program itself: what it prints, and how it stops.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::{SseMessages, event, header, http_client, now_ms, read_json};

/// The program, running; killed when a test fails before it has stopped.
struct Program {
    child: Child,
    port: u16,
    printed: String,
    out: Option<BufReader<ChildStdout>>,
}

impl Program {
    /// With a file of its own: `name` is the test's.
    fn start(name: &str) -> Self {
        Self::start_with(&["--data", &data(name)])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let mut child = command(&[&["--port", "0"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("Events are kept in") {
            assert_ne!(out.read_line(&mut printed).unwrap(), 0, "{printed}");
        }
        let (_, after) = printed.split_once("http://localhost:").unwrap();
        let (port, _) = after.split_once('/').unwrap();
        Self {
            child,
            port: port.parse().unwrap(),
            printed,
            out: Some(out),
        }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// Sends a signal, and gives how long it took to stop and whether all was well.
    #[cfg(unix)]
    fn stop(mut self, signal: &str) -> (Duration, bool) {
        let begun = Instant::now();
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "it does not stop"
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        (begun.elapsed(), status.success())
    }

    /// The same, and what it prints meanwhile.
    #[cfg(unix)]
    fn stop_and_read(mut self, signal: &str) -> String {
        let mut out = self.out.take().unwrap();
        let (_, well) = self.stop(signal);
        assert!(well);
        let mut printed = String::new();
        out.read_to_string(&mut printed).unwrap();
        printed
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file that is not there yet.
fn data(name: &str) -> String {
    let folder: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "program", name]
        .iter()
        .collect();
    let _ = std::fs::remove_dir_all(&folder);
    folder.join("collector.sqlite").to_str().unwrap().to_owned()
}

/// The program in an empty folder, so that it finds nothing of the repository.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oaiq-collector"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

fn output(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

#[test]
fn it_prints_where_shop_inspector_and_endpoint_are_and_answers_there() {
    let program = Program::start("addresses");
    for path in ["/shop/?oppref=demo-click-1", "/inspector", "/v1/sdk/events"] {
        let url = program.url("localhost", path);
        assert!(
            program.printed.contains(&format!(" {url}\n")),
            "{}",
            program.printed
        );
    }
    let response = http_client()
        .get(program.url("127.0.0.1", "/"))
        .call()
        .unwrap();
    assert_eq!(header(&response, "location"), "/shop/?oppref=demo-click-1");
}

#[test]
fn where_the_machine_has_ipv6_it_answers_there_too() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let program = Program::start("ipv6");
    let response = http_client()
        .get(program.url("[::1]", "/events.json"))
        .call()
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn a_port_in_use_is_told_in_one_line_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = output(&["--port", &port, "--data", &data("port-in-use")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    for part in [
        format!("port {port} "),
        "stop".to_owned(),
        "--port N".to_owned(),
    ] {
        assert!(message.contains(&part), "{message}");
    }
}

#[test]
fn folders_that_are_missing_are_told_with_what_to_do() {
    let mut program = command(&["--port", "0", "--data", &data("missing")])
        .args(["--www", "no-such-folder", "--pixel-dist", "no-such-folder"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
    let pixel = lines.next().unwrap().unwrap();
    let pages = lines.next().unwrap().unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(
        pixel.contains("oaiq.min.js") && pixel.contains("npm run build"),
        "{pixel}"
    );
    assert!(
        pages.contains("no shop") && pages.contains("--www"),
        "{pages}"
    );
}

#[test]
fn away_from_the_project_it_serves_the_pages_that_it_brings() {
    let program = Program::start("pages");
    for (path, content_type) in [
        ("/shop/", "text/html; charset=utf-8"),
        ("/shop/favicon.svg", "image/svg+xml; charset=utf-8"),
    ] {
        let response = http_client()
            .get(program.url("localhost", path))
            .call()
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), content_type, "{path}");
        assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
        let again = http_client()
            .get(program.url("localhost", path))
            .header("If-None-Match", header(&response, "etag"))
            .call()
            .unwrap();
        assert_eq!(again.status(), 304, "{path}");
    }
    // built by `npm run build`, which these tests do without
    let built = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/inspector/index.html"
    );
    let response = http_client()
        .get(program.url("localhost", "/inspector/"))
        .call()
        .unwrap();
    assert_eq!(response.status() == 200, Path::new(built).is_file());
    for path in [
        "/shop/nothing",
        "/shop/../Cargo.toml",
        "/shop//etc/passwd",
        "/inspector/%2e%2e/",
    ] {
        let response = http_client()
            .get(program.url("localhost", path))
            .call()
            .unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
}

#[test]
fn help_tells_a_stranger_what_it_is_and_names_every_option() {
    let output = output(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "endpoint",
        "--port",
        "8787",
        "--host",
        "--pixel-dist",
        "--www",
        "--pixel",
        "--key",
        "--data",
        "Example:",
        "/inspector",
        "curl",
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}

#[cfg(unix)]
#[test]
fn sigterm_stops_it_within_3_seconds_though_a_stream_is_open() {
    let program = Program::start("sigterm");
    let stream = http_client()
        .get(program.url("127.0.0.1", "/events/stream"))
        .call()
        .unwrap();
    let (took, well) = program.stop("-TERM");
    assert!(well && took < Duration::from_secs(3), "{took:?}");
    // The stream has come to its end, and was not cut off.
    assert_eq!(SseMessages::new(stream).next(), None);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it_within_3_seconds_though_a_client_is_silent() {
    use std::io::Write;
    let program = Program::start("ctrl-c");
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", program.port)).unwrap();
    silent
        .write_all(b"POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let (took, well) = program.stop("-INT");
    assert!(well && took < Duration::from_secs(3), "{took:?}");
}

fn send(program: &Program, id: &str) {
    let response = http_client()
        .post(program.url("127.0.0.1", "/v1/sdk/events?pid=P"))
        .send(json!({ "events": [event("page_viewed", id)] }).to_string())
        .unwrap();
    assert_eq!(response.status(), 202);
}

fn ids(program: &Program) -> Vec<Value> {
    let url = program.url("127.0.0.1", "/events.json");
    let listing = read_json(http_client().get(url).call().unwrap());
    let entries = listing["events"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["event"]["id"].clone())
        .collect()
}

#[cfg(unix)]
#[test]
fn stopped_at_once_after_an_event_it_has_written_it_and_says_so() {
    let file = data("stopped");
    let program = Program::start_with(&["--data", &file]);
    send(&program, "1");
    let printed = program.stop_and_read("-TERM");
    assert!(printed.contains("Stopped; 1 event kept in"), "{printed}");
    // all in the one file
    let beside = Path::new(&file).parent().unwrap().read_dir().unwrap();
    assert_eq!(beside.count(), 1);
    let again = Program::start_with(&["--data", &file]);
    assert!(
        again.printed.contains("which has 1 event"),
        "{}",
        again.printed
    );
    assert_eq!(ids(&again), ["1"]);
}

#[test]
fn killed_it_has_lost_nothing_that_was_answered_a_second_before() {
    let file = data("killed");
    let mut program = Program::start_with(&["--data", &file]);
    for id in 0..100 {
        send(&program, &id.to_string());
    }
    std::thread::sleep(Duration::from_millis(1000));
    send(&program, "late");
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    let again = Program::start_with(&["--data", &file]);
    let stored = ids(&again);
    assert!(stored.len() >= 100, "{}", stored.len());
    // and the numbers go on
    send(&again, "0");
    let url = again.url("127.0.0.1", "/events.json?limit=1");
    let newest = &read_json(http_client().get(url).call().unwrap())["events"][0];
    assert!(newest["seq"].as_u64().unwrap() > 100);
    assert_eq!(
        (&newest["verdict"], &newest["duplicate_of"]),
        (&json!("duplicate"), &json!(1))
    );
}

#[test]
fn a_file_in_use_a_foreign_one_and_a_damaged_one_are_told_with_what_to_do() {
    let file = data("in-use");
    let first = Program::start_with(&["--data", &file]);
    let reported = output(&["--port", "0", "--data", &file]);
    assert_eq!(reported.status.code(), Some(1));
    let reported = String::from_utf8(reported.stderr).unwrap();
    assert!(
        reported.contains("in use by another collector") && reported.contains("--data"),
        "{reported}"
    );
    drop(first);

    let foreign = Path::new(&file).with_file_name("package.json");
    std::fs::write(&foreign, "{}").unwrap();
    let reported = output(&["--port", "0", "--data", foreign.to_str().unwrap()]);
    assert_eq!(reported.status.code(), Some(1));
    let reported = String::from_utf8(reported.stderr).unwrap();
    assert!(reported.contains("not a collector's file"), "{reported}");
    assert_eq!(std::fs::read(&foreign).unwrap(), b"{}");

    for beside in ["", "-wal"] {
        let _ = std::fs::write(
            format!("{file}{beside}"),
            format!("damaged at {}", now_ms()),
        );
    }
    let program = Program::start_with(&["--data", &file]);
    assert!(
        program.printed.contains("which has 0 events"),
        "{}",
        program.printed
    );
    let aside = Path::new(&file)
        .parent()
        .unwrap()
        .read_dir()
        .unwrap()
        .any(|file| {
            let name = file.unwrap().file_name();
            name.to_str()
                .unwrap()
                .starts_with("collector.sqlite.damaged-")
        });
    assert!(aside, "it was not set aside");
}

#[test]
fn with_pixels_and_a_key_others_are_not_known() {
    let program = Program::start_with(&[
        "--data",
        &data("options"),
        "--pixel",
        "P",
        "--key",
        "secret",
    ]);
    assert!(!program.printed.contains("secret"), "{}", program.printed);
    let response = http_client()
        .get(program.url("localhost", "/pixel-config/v1/Q.json"))
        .call()
        .unwrap();
    assert_eq!(response.status(), 404);
    let response = http_client()
        .post(program.url("localhost", "/v1/events?pid=P"))
        .header("Authorization", "Bearer wrong")
        .send("{}")
        .unwrap();
    assert_eq!(response.status(), 401);
}
