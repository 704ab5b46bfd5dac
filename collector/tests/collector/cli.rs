//! The program: its output, and how it stops.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::{
    HttpResponse, SseMessages, event, header, http_client, now_ms, read_json,
};

/// A running program. It is killed on drop, in case the test fails before it is stopped.
struct Program {
    child: Child,
    port: u16,
    printed: String,
    out: Option<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts it with its own database; `name` must be unique to the test.
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
        while !printed.contains("Database ") {
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

    fn get(&self, host: &str, path: &str) -> HttpResponse {
        http_client().get(self.url(host, path)).call().unwrap()
    }

    /// Sends a signal. Returns how long the program took to stop, and whether it succeeded.
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
                "the program does not stop"
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        (begun.elapsed(), status.success())
    }

    /// Sends a signal. Returns what the program prints until it stops.
    #[cfg(unix)]
    fn stop_and_read(mut self, signal: &str) -> String {
        let mut out = self.out.take().unwrap();
        let (_, is_success) = self.stop(signal);
        assert!(is_success);
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

/// A database file that does not exist yet.
fn data(name: &str) -> String {
    let dir: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "program", name]
        .iter()
        .collect();
    let _ = std::fs::remove_dir_all(&dir);
    dir.join("collector.sqlite").to_str().unwrap().to_owned()
}

/// The program in a directory outside the repository, so that it serves embedded files.
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
fn banner_lists_urls_that_respond() {
    let program = Program::start("addresses");
    for path in ["/shop/?oppref=demo-click-1", "/inspector", "/v1/sdk/events"] {
        let url = program.url("localhost", path);
        assert!(
            program.printed.contains(&format!(" {url}\n")),
            "{}",
            program.printed
        );
    }
    let response = program.get("127.0.0.1", "/");
    assert_eq!(header(&response, "location"), "/shop/?oppref=demo-click-1");
}

#[test]
fn localhost_includes_ipv6() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let program = Program::start("ipv6");
    let response = program.get("[::1]", "/events.json");
    assert_eq!(response.status(), 200);
}

#[test]
fn port_in_use_is_reported_in_one_line() {
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
fn missing_directories_are_reported_with_the_option() {
    let mut program = command(&["--port", "0", "--data", &data("missing")])
        .args(["--www", "no-such-dir", "--pixel-dist", "no-such-dir"])
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
        pages.contains("missing pages: shop") && pages.contains("--www"),
        "{pages}"
    );
}

#[test]
fn embedded_pages_are_served_outside_the_project() {
    let program = Program::start("pages");
    for (path, content_type) in [
        ("/shop/", "text/html; charset=utf-8"),
        ("/shop/favicon.svg", "image/svg+xml; charset=utf-8"),
    ] {
        let response = program.get("localhost", path);
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
    // Built by `npm run build`, which these tests do not require.
    let built = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/inspector/index.html"
    );
    let response = program.get("localhost", "/inspector/");
    assert_eq!(response.status() == 200, Path::new(built).is_file());
    for path in [
        "/shop/nothing",
        "/shop/../Cargo.toml",
        "/shop//etc/passwd",
        "/inspector/%2e%2e/",
    ] {
        let response = program.get("localhost", path);
        assert_eq!(response.status(), 404, "{path}");
    }
}

#[test]
fn help_lists_every_option() {
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
fn sigterm_stops_within_3_seconds_with_an_open_stream() {
    let program = Program::start("sigterm");
    let stream = program.get("127.0.0.1", "/events/stream");
    let (took, is_success) = program.stop("-TERM");
    assert!(is_success && took < Duration::from_secs(3), "{took:?}");
    // The stream ended properly and was not cut off.
    assert_eq!(SseMessages::new(stream).next(), None);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_within_3_seconds_with_a_silent_client() {
    use std::io::Write;
    let program = Program::start("ctrl-c");
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", program.port)).unwrap();
    silent
        .write_all(b"POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let (took, is_success) = program.stop("-INT");
    assert!(is_success && took < Duration::from_secs(3), "{took:?}");
}

fn send(program: &Program, id: &str) {
    let response = http_client()
        .post(program.url("127.0.0.1", "/v1/sdk/events?pid=P"))
        .send(json!({ "events": [event("page_viewed", id)] }).to_string())
        .unwrap();
    assert_eq!(response.status(), 202);
}

fn ids(program: &Program) -> Vec<Value> {
    let listing = read_json(program.get("127.0.0.1", "/events.json"));
    let entries = listing["events"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["event"]["id"].clone())
        .collect()
}

#[cfg(unix)]
#[test]
fn stop_writes_the_last_event_and_reports_it() {
    let file = data("stopped");
    let program = Program::start_with(&["--data", &file]);
    send(&program, "1");
    let printed = program.stop_and_read("-TERM");
    assert!(printed.contains("Stopped. 1 event stored in"), "{printed}");
    // Everything is in the one file.
    let files = Path::new(&file).parent().unwrap().read_dir().unwrap();
    assert_eq!(files.count(), 1);
    let again = Program::start_with(&["--data", &file]);
    assert!(again.printed.contains("(1 event)"), "{}", again.printed);
    assert_eq!(ids(&again), ["1"]);
}

#[test]
fn kill_loses_nothing_acknowledged_a_second_before() {
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
    // The numbering continues.
    send(&again, "0");
    let newest = &read_json(again.get("127.0.0.1", "/events.json?limit=1"))["events"][0];
    assert!(newest["seq"].as_u64().unwrap() > 100);
    assert_eq!(
        (&newest["verdict"], &newest["duplicate_of"]),
        (&json!("duplicate"), &json!(1))
    );
}

#[test]
fn unusable_database_is_reported_with_the_data_option() {
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

    for suffix in ["", "-wal"] {
        let _ = std::fs::write(
            format!("{file}{suffix}"),
            format!("damaged at {}", now_ms()),
        );
    }
    let program = Program::start_with(&["--data", &file]);
    assert!(
        program.printed.contains("(0 events)"),
        "{}",
        program.printed
    );
    let is_quarantined = Path::new(&file)
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
    assert!(is_quarantined, "the damaged file was not renamed");
}

#[test]
fn other_pixels_and_keys_are_rejected() {
    let program = Program::start_with(&[
        "--data",
        &data("options"),
        "--pixel",
        "P",
        "--key",
        "secret",
    ]);
    assert!(!program.printed.contains("secret"), "{}", program.printed);
    let response = program.get("localhost", "/pixel-config/v1/Q.json");
    assert_eq!(response.status(), 404);
    let response = http_client()
        .post(program.url("localhost", "/v1/events?pid=P"))
        .header("Authorization", "Bearer wrong")
        .send("{}")
        .unwrap();
    assert_eq!(response.status(), 401);
}
