//! A load test of the collector: batches over persistent connections, then a `kill -9` under load.
//!
//! Run it with `npm run load`. It starts a collector in its own process with its own database, prints a table in Markdown,
//! and fails if a target is missed.
//!
//! It is an example and not a bench target: Cargo ignores `panic = "abort"` for bench targets, so all dependencies would be
//! compiled a second time, and two builds of the library `oaiq` would write the same file
//! (<https://github.com/rust-lang/cargo/issues/6313>).

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

const MIN_BATCHES_PER_SECOND: f64 = 2_000.0;
const MAX_P99: Duration = Duration::from_millis(50);
const MAX_RSS_KIB: u64 = 200 * 1024;
/// A batch that was acknowledged longer ago than this must survive the kill.
const DURABLE_AFTER: Duration = Duration::from_secs(1);

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

/// How many of the newest events are looked up after the restart: a few less than the collector stores.
const CHECKED_EVENTS: usize = 95_000;

#[derive(Parser)]
struct Args {
    /// Duration in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Batches per second; 0 means unlimited
    #[arg(long, default_value_t = 2_500)]
    rate: u64,
    /// Number of connections
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// The collector to test. Default: the one built next to this program
    #[arg(long, value_name = "PROGRAM")]
    collector: Option<PathBuf>,
}

/// A batch that was acknowledged with 202.
struct Acknowledged {
    number: u64,
    at: Instant,
    took: Duration,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    let program = match &args.collector {
        Some(program) => program.clone(),
        None => default_program()?,
    };
    let dir = env::temp_dir().join(format!("oaiq-load-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let result = measure(&args, &program, &dir.join("collector.sqlite"));
    fs::remove_dir_all(&dir)?;
    result
}

/// `target/release/oaiq-collector`, if this program is `target/release/examples/load`.
fn default_program() -> Result<PathBuf, Box<dyn Error>> {
    let this = env::current_exe()?;
    let dir = this
        .parent()
        .and_then(Path::parent)
        .ok_or("cannot find the directory of this program")?;
    Ok(dir.join("oaiq-collector"))
}

fn measure(args: &Args, program: &Path, data: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let mut collector = Collector::start(program, data)?;
    let stop = Arc::new(AtomicBool::new(false));
    let next_number = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let senders: Vec<_> = (0..args.connections)
        .map(|_| {
            let (stop, next_number, rate, port) = (
                Arc::clone(&stop),
                Arc::clone(&next_number),
                args.rate,
                collector.port,
            );
            thread::spawn(move || send(port, rate, started, &next_number, &stop))
        })
        .collect();
    let mut max_rss = 0;
    while started.elapsed() < Duration::from_secs(args.seconds) {
        thread::sleep(Duration::from_millis(250));
        max_rss = max_rss.max(collector.rss()?);
    }
    let duration = started.elapsed();
    // Killed under full load.
    collector.child.kill()?;
    let killed = Instant::now();
    stop.store(true, Ordering::Relaxed);
    collector.child.wait()?;
    let mut acknowledged = Vec::new();
    for sender in senders {
        let result = sender.join().map_err(|_| "a sender panicked")?;
        acknowledged.extend(result?);
    }
    acknowledged.sort_by_key(|batch| batch.at);

    let restarted = Instant::now();
    let collector = Collector::start(program, data)?;
    let start_time = restarted.elapsed();
    let stored = collector.stored_batches()?;
    drop(collector);
    let newest = &acknowledged[acknowledged
        .len()
        .saturating_sub(CHECKED_EVENTS / EVENTS.len())..];
    let durable = || {
        newest
            .iter()
            .filter(|batch| killed - batch.at > DURABLE_AFTER)
    };
    let lost = durable()
        .filter(|batch| !stored.contains(&batch.number))
        .count();
    let recent = newest.len() - durable().count();
    let lost_recent = newest
        .iter()
        .filter(|batch| !stored.contains(&batch.number))
        .count()
        - lost;

    let mut times: Vec<_> = acknowledged.iter().map(|batch| batch.took).collect();
    times.sort_unstable();
    let percentile = |part: f64| {
        times
            .get((times.len() as f64 * part) as usize)
            .copied()
            .unwrap_or_default()
    };
    let batches_per_second = acknowledged.len() as f64 / duration.as_secs_f64();
    let p99 = percentile(0.99);

    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    println!(
        "\
| what | measured | target |
| --- | --: | --: |
| batches of {} events accepted per second, for {} s | {batches_per_second:.0} | at least {MIN_BATCHES_PER_SECOND} |
| response time, median | {} | |
| response time, 99th percentile | {} | under {} |
| response time, maximum | {} | |
| memory, maximum | {} MB | under {} MB |
| batches acknowledged more than 1 s before `kill -9` | {} | |
| of these lost | {lost} | 0 |
| of {recent} acknowledged in the last second, lost | {lost_recent} | |
| start with 100,000 events in the database | {} | |",
        EVENTS.len(),
        duration.as_secs(),
        ms(percentile(0.5)),
        ms(p99),
        ms(MAX_P99),
        ms(times.last().copied().unwrap_or_default()),
        max_rss / 1024,
        MAX_RSS_KIB / 1024,
        durable().count(),
        ms(start_time),
    );
    let is_passed = batches_per_second >= MIN_BATCHES_PER_SECOND
        && p99 < MAX_P99
        && max_rss < MAX_RSS_KIB
        && lost == 0
        && durable().count() > 0;
    Ok(if is_passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A collector in its own process.
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
        Err("the collector did not print its URL".into())
    }

    /// Its current memory use in KiB.
    fn rss(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }

    /// The numbers of the batches whose events are all stored.
    fn stored_batches(&self) -> Result<HashSet<u64>, Box<dyn Error>> {
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
        let mut complete = HashSet::new();
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
                return Ok(complete);
            };
            before = last.seq;
            for Entry { event, .. } in events {
                // load-NUMBER-INDEX
                let (batch, _) = event
                    .id
                    .rsplit_once('-')
                    .ok_or("an event with a foreign ID")?;
                let number: u64 = batch.trim_start_matches("load-").parse()?;
                if !seen.insert(event.id.clone()) {
                    return Err(format!("{} is stored twice", event.id).into());
                }
                if (0..EVENTS.len()).all(|index| seen.contains(&format!("{batch}-{index}"))) {
                    complete.insert(number);
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

/// Sends batches over one connection until it breaks or `stop` is set. A batch's time starts when it was due, so that
/// batches delayed by a slow predecessor count as slow too (coordinated omission).
fn send(
    port: u16,
    rate: u64,
    started: Instant,
    next_number: &AtomicU64,
    stop: &AtomicBool,
) -> Result<Vec<Acknowledged>, String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(io)?;
    stream.set_nodelay(true).map_err(io)?;
    let mut acknowledged = Vec::new();
    let mut request = String::new();
    while !stop.load(Ordering::Relaxed) {
        let number = next_number.fetch_add(1, Ordering::Relaxed);
        let mut due = Instant::now();
        if let Some(after) = (number * 1_000_000_000).checked_div(rate) {
            let at = started + Duration::from_nanos(after);
            thread::sleep(at.saturating_duration_since(due));
            due = at;
        }
        write_request(number, &mut request);
        let response = stream
            .write_all(request.as_bytes())
            .and_then(|()| status(&mut stream));
        match response {
            Ok(202) => {
                let at = Instant::now();
                acknowledged.push(Acknowledged {
                    number,
                    at,
                    took: at - due,
                });
            }
            Ok(other) => return Err(format!("a batch was rejected with {other}")),
            // The collector was killed.
            Err(_) => break,
        }
    }
    Ok(acknowledged)
}

/// Reads the status of a response without a body.
fn status(stream: &mut TcpStream) -> std::io::Result<u16> {
    let mut response = [0; 1024];
    let mut length = 0;
    while !response[..length].ends_with(b"\r\n\r\n") {
        match stream.read(&mut response[length..])? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
    let text = String::from_utf8_lossy(&response[..length]);
    Ok(text
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0))
}

/// A batch as the pixel sends it for an identified visitor with a click ID.
fn write_request(number: u64, out: &mut String) {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = since_epoch.as_millis();
    let mut body = format!(r#"{{"obref":"5f0c1bb8-4f0e-4c57-9d5c-{number:012x}","events":["#);
    for (index, (name, data)) in EVENTS.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            r#"{comma}{{"type":"{name}","timestamp_ms":{now},"id":"load-{number}-{index}","source_url":"https://shop.example/collection/tide-mug","referrer_url":"https://shop.example/","data":{data}}}"#
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
