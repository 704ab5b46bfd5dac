//! How much the collector takes: batches over connections that stay open, for a while, and then a `kill -9` under load.
//!
//! `npm run load` builds and runs it. It starts a collector of its own, in a process and with a file of its own, and prints a
//! table in Markdown. It fails where a bar is not reached.

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use serde::Deserialize;

/// What must hold.
const LEAST_A_SECOND: f64 = 2_000.0;
const MOST_P99: Duration = Duration::from_millis(50);
const MOST_RSS_KIB: u64 = 200 * 1024;
/// What was answered longer ago than this must survive.
const SAFE_AFTER: Duration = Duration::from_secs(1);

/// The events of each batch: a visit from the landing page to the order.
const EVENTS: [(&str, &str); 5] = [
    ("page_viewed", r#"{"type":"contents"}"#),
    (
        "contents_viewed",
        r#"{"type":"contents","amount":2599,"currency":"EUR","contents":[{"id":"tide-mug","name":"Tide mug","content_type":"product","quantity":1,"amount":2599}]}"#,
    ),
    (
        "items_added",
        r#"{"type":"contents","amount":5198,"currency":"EUR","contents":[{"id":"tide-mug","name":"Tide mug","content_type":"product","quantity":2,"amount":2599}]}"#,
    ),
    (
        "checkout_started",
        r#"{"type":"contents","amount":5198,"currency":"EUR"}"#,
    ),
    (
        "order_created",
        r#"{"type":"contents","amount":5198,"currency":"EUR","contents":[{"id":"tide-mug","name":"Tide mug","content_type":"product","quantity":2,"amount":2599}]}"#,
    ),
];

/// So many of the newest events are looked for after the restart; a few fewer than the collector keeps.
const LOOKED_FOR: usize = 95_000;

#[derive(Parser)]
struct Options {
    /// How long, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Batches a second; 0 is as many as go
    #[arg(long, default_value_t = 2_500)]
    rate: u64,
    /// Connections
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// The collector; otherwise the one that was built with this
    #[arg(long)]
    collector: Option<PathBuf>,
}

/// A batch that was answered with 202.
struct Answered {
    number: u64,
    at: Instant,
    took: Duration,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let options = Options::parse();
    let program = match &options.collector {
        Some(program) => program.clone(),
        None => beside_this()?,
    };
    let folder = env::temp_dir().join(format!("oaiq-load-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = measure(&options, &program, &folder.join("collector.sqlite"));
    fs::remove_dir_all(&folder)?;
    result
}

/// `target/release/examples/load` -> `target/release/oaiq-collector`.
fn beside_this() -> Result<PathBuf, Box<dyn Error>> {
    let this = env::current_exe()?;
    let folder = this
        .parent()
        .and_then(Path::parent)
        .ok_or("this program has no folder")?;
    Ok(folder.join("oaiq-collector"))
}

fn measure(options: &Options, program: &Path, data: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let mut collector = Collector::start(program, data)?;
    let stop = Arc::new(AtomicBool::new(false));
    let numbers = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let senders: Vec<_> = (0..options.connections)
        .map(|_| {
            let (stop, numbers, rate, port) = (
                Arc::clone(&stop),
                Arc::clone(&numbers),
                options.rate,
                collector.port,
            );
            thread::spawn(move || send(port, rate, begun, &numbers, &stop))
        })
        .collect();
    let mut most_rss = 0;
    while begun.elapsed() < Duration::from_secs(options.seconds) {
        thread::sleep(Duration::from_millis(250));
        most_rss = most_rss.max(collector.rss()?);
    }
    let lasted = begun.elapsed();
    // under full load
    collector.child.kill()?;
    let killed = Instant::now();
    stop.store(true, Ordering::Relaxed);
    collector.child.wait()?;
    let mut answered = Vec::new();
    for sender in senders {
        let of_one = sender.join().map_err(|_| "a sender has failed")?;
        answered.extend(of_one?);
    }
    answered.sort_by_key(|batch| batch.at);

    let restarted = Instant::now();
    let collector = Collector::start(program, data)?;
    let start_took = restarted.elapsed();
    let kept = collector.kept_batches()?;
    drop(collector);
    let newest = &answered[answered.len().saturating_sub(LOOKED_FOR / EVENTS.len())..];
    let safe = || newest.iter().filter(|batch| killed - batch.at > SAFE_AFTER);
    let lost = safe().filter(|batch| !kept.contains(&batch.number)).count();
    let later = newest.len() - safe().count();
    let lost_later = newest
        .iter()
        .filter(|batch| !kept.contains(&batch.number))
        .count()
        - lost;

    let mut times: Vec<_> = answered.iter().map(|batch| batch.took).collect();
    times.sort_unstable();
    let percentile = |part: f64| {
        times
            .get((times.len() as f64 * part) as usize)
            .copied()
            .unwrap_or_default()
    };
    let a_second = answered.len() as f64 / lasted.as_secs_f64();
    let p99 = percentile(0.99);

    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    println!(
        "\
| what                                                              | measured | bar |
| ----------------------------------------------------------------- | -------: | --: |
| batches of {} events accepted a second, for {} s                    | {a_second:.0} | at least {LEAST_A_SECOND} |
| until the answer: half of them                                    | {} | |
| until the answer: 99 of 100                                       | {} | under {} |
| until the answer: the slowest                                     | {} | |
| memory, at most                                                   | {} MB | under {} MB |
| batches answered more than 1 s before `kill -9`, looked for       | {} | |
| of these lost                                                     | {lost} | none |
| of {later} answered in the last second, lost                      | {lost_later} | |
| a start with 100,000 events in its file                           | {} | |",
        EVENTS.len(),
        lasted.as_secs(),
        ms(percentile(0.5)),
        ms(p99),
        ms(MOST_P99),
        ms(times.last().copied().unwrap_or_default()),
        most_rss / 1024,
        MOST_RSS_KIB / 1024,
        safe().count(),
        ms(start_took),
    );
    let holds = a_second >= LEAST_A_SECOND
        && p99 < MOST_P99
        && most_rss < MOST_RSS_KIB
        && lost == 0
        && safe().count() > 0;
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A collector in a process of its own.
struct Collector {
    child: Child,
    port: u16,
}

impl Collector {
    fn start(program: &Path, data: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(program)
            .args(["--port", "0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let out = child.stdout.take().ok_or("no output")?;
        for line in BufReader::new(out).lines() {
            if let Some((_, port)) = line?.split_once("http://localhost:")
                && let Some((port, _)) = port.split_once("/inspector")
            {
                let port = port.parse()?;
                return Ok(Self { child, port });
            }
        }
        Err("the collector did not say where it listens".into())
    }

    /// The memory that it has now, in KiB.
    fn rss(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }

    /// The numbers of the batches of which all events are kept.
    fn kept_batches(&self) -> Result<HashSet<u64>, Box<dyn Error>> {
        #[derive(Deserialize)]
        struct Listing {
            events: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            seq: u64,
            event: Event,
        }
        #[derive(Deserialize)]
        struct Event {
            id: String,
        }

        let mut seen = HashSet::new();
        let mut whole = HashSet::new();
        let mut before = u64::MAX;
        loop {
            let url = format!(
                "http://localhost:{}/events.json?limit=5000&before={before}",
                self.port
            );
            let text = ureq::get(url)
                .call()?
                .into_body()
                .with_config()
                .limit(1 << 30)
                .read_to_string()?;
            let Listing { events } = serde_json::from_str(&text)?;
            let Some(last) = events.last() else {
                return Ok(whole);
            };
            before = last.seq;
            for Entry { event, .. } in events {
                // load-NUMBER-PLACE
                let (batch, _) = event.id.rsplit_once('-').ok_or("an id of another")?;
                let number: u64 = batch.trim_start_matches("load-").parse()?;
                if !seen.insert(event.id.clone()) {
                    return Err(format!("{} is there twice", event.id).into());
                }
                if (0..EVENTS.len()).all(|place| seen.contains(&format!("{batch}-{place}"))) {
                    whole.insert(number);
                }
            }
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends batches over one connection until it breaks or is told to stop. A batch's time runs from when it was due, so that
/// those that wait for a slow one before them count as slow too.
fn send(
    port: u16,
    rate: u64,
    begun: Instant,
    numbers: &AtomicU64,
    stop: &AtomicBool,
) -> Result<Vec<Answered>, String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(io)?;
    stream.set_nodelay(true).map_err(io)?;
    let mut answered = Vec::new();
    let mut request = String::new();
    while !stop.load(Ordering::Relaxed) {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let mut due = Instant::now();
        if let Some(after) = (number * 1_000_000_000).checked_div(rate) {
            let at = begun + Duration::from_nanos(after);
            thread::sleep(at.saturating_duration_since(due));
            due = at;
        }
        write_request(number, &mut request);
        let answer = stream
            .write_all(request.as_bytes())
            .and_then(|()| status(&mut stream));
        match answer {
            Ok(202) => {
                let at = Instant::now();
                answered.push(Answered {
                    number,
                    at,
                    took: at - due,
                });
            }
            Ok(other) => return Err(format!("a batch was answered {other}")),
            // it has been killed
            Err(_) => break,
        }
    }
    Ok(answered)
}

/// Reads one answer, which has no body.
fn status(stream: &mut TcpStream) -> std::io::Result<u16> {
    let mut answer = [0; 1024];
    let mut length = 0;
    while !answer[..length].ends_with(b"\r\n\r\n") {
        match stream.read(&mut answer[length..])? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
    let text = String::from_utf8_lossy(&answer[..length]);
    Ok(text
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0))
}

/// A batch as the pixel sends it for a visitor who came by an ad and is known.
fn write_request(number: u64, out: &mut String) {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = since_epoch.as_millis();
    let mut body = format!(r#"{{"obref":"5f0c1bb8-4f0e-4c57-9d5c-{number:012x}","events":["#);
    for (place, (name, data)) in EVENTS.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        // writing to a String cannot fail
        let _ = write!(
            body,
            r#"{comma}{{"type":"{name}","timestamp_ms":{now},"id":"load-{number}-{place}","source_url":"https://shop.example/collection/tide-mug","referrer_url":"https://shop.example/","data":{data}}}"#
        );
    }
    let _ = write!(
        body,
        r#"],"oppref":"click-{number:032x}","user":{{"in":{{"co":"DE","em":"{number:064x}"}}}}}}"#
    );
    out.clear();
    let _ = write!(
        out,
        "POST /v1/sdk/events?pid=load&st=oaiq-web&sv=0.1.41&t={now}&ec={} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
         Origin: https://shop.example\r\nReferer: https://shop.example/\r\nUser-Agent: load\r\nContent-Length: {}\r\n\r\n{body}",
        EVENTS.len(),
        body.len(),
    );
}
