//! A load test of the collector: batches over persistent connections, then a `kill -9` under load.
//!
//! Run it with `npm run load`. It starts a collector in its own process with its own database, prints a table in Markdown,
//! and fails if a target is missed.
//!
//! It is an example and not a bench target: Cargo ignores `panic = "abort"` for bench targets, so all dependencies would be
//! compiled a second time, and two builds of the library `oaiq` would write the same file
//! (<https://github.com/rust-lang/cargo/issues/6313>).

#[path = "support/batches.rs"]
mod batches;

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use serde::Deserialize;

use batches::{EVENTS, Senders, Target, ms, percentile};

const MIN_BATCHES_PER_SECOND: f64 = 2_000.0;
const MAX_P99: Duration = Duration::from_millis(50);
const MAX_RSS_KIB: u64 = 200 * 1024;
/// A batch that was acknowledged longer ago than this must survive the kill.
const DURABLE_AFTER: Duration = Duration::from_secs(1);

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
    let target = Target {
        port: collector.port,
        path: "/v1/sdk/events",
    };
    let senders = Senders::start(target, args.rate, args.connections);
    let mut max_rss = 0;
    while senders.elapsed() < Duration::from_secs(args.seconds) {
        thread::sleep(Duration::from_millis(250));
        max_rss = max_rss.max(collector.rss()?);
    }
    let duration = senders.elapsed();
    // Killed under full load.
    collector.child.kill()?;
    let killed = Instant::now();
    let mut acknowledged = senders.stop()?;
    collector.child.wait()?;
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

    let batches_per_second = acknowledged.len() as f64 / duration.as_secs_f64();
    let p99 = percentile(&acknowledged, 0.99);

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
        ms(percentile(&acknowledged, 0.5)),
        ms(p99),
        ms(MAX_P99),
        ms(percentile(&acknowledged, 1.0)),
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
