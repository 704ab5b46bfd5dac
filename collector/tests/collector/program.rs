//! The program itself: what it prints, and how it stops.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::server::{Messages, agent, folders, header};

/// The program, running; killed when a test fails before it has stopped.
struct Program {
    child: Child,
    port: u16,
    printed: String,
}

impl Program {
    fn start() -> Self {
        let mut child = command(&["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("/v1/sdk/events") {
            assert_ne!(out.read_line(&mut printed).unwrap(), 0, "{printed}");
        }
        let (_, after) = printed.split_once("http://localhost:").unwrap();
        let (port, _) = after.split_once('/').unwrap();
        Self {
            child,
            port: port.parse().unwrap(),
            printed,
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
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    let program = Program::start();
    for path in ["/shop/?oppref=demo-click-1", "/inspector", "/v1/sdk/events"] {
        let url = program.url("localhost", path);
        assert!(
            program.printed.contains(&format!(" {url}\n")),
            "{}",
            program.printed
        );
    }
    let answer = agent().get(program.url("127.0.0.1", "/")).call().unwrap();
    assert_eq!(header(&answer, "location"), "/shop/?oppref=demo-click-1");
}

#[test]
fn where_the_machine_has_ipv6_it_answers_there_too() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let program = Program::start();
    let answer = agent()
        .get(program.url("[::1]", "/events.json"))
        .call()
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[test]
fn a_port_in_use_is_told_in_one_line_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folders = folders("port-in-use");
    let output = output(&[
        "--port",
        &port,
        "--www",
        folders.www.to_str().unwrap(),
        "--pixel-dist",
        folders.pixel_dist.to_str().unwrap(),
    ]);
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
    let mut program = command(&["--port", "0"])
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
    assert!(pages.contains("--www"), "{pages}");
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
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}

#[cfg(unix)]
#[test]
fn sigterm_stops_it_within_3_seconds_though_a_stream_is_open() {
    let program = Program::start();
    let stream = agent()
        .get(program.url("127.0.0.1", "/events/stream"))
        .call()
        .unwrap();
    let (took, well) = program.stop("-TERM");
    assert!(well && took < Duration::from_secs(3), "{took:?}");
    // The stream has come to its end, and was not cut off.
    assert_eq!(Messages::of(stream).next(), None);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it_within_3_seconds_though_a_client_is_silent() {
    use std::io::Write;
    let program = Program::start();
    let mut silent = std::net::TcpStream::connect(("127.0.0.1", program.port)).unwrap();
    silent
        .write_all(b"POST /v1/sdk/events?pid=P HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let (took, well) = program.stop("-INT");
    assert!(well && took < Duration::from_secs(3), "{took:?}");
}
