//! A load test of the relay: batches at a steady rate, with the collector as OpenAI, then a `kill -9` under load; then as many
//! batches as possible, in turns with a relay that keeps nothing.
//!
//! Run it with `npm run relay:load`. It prints a table in Markdown, and fails if a target is missed.

#[path = "../../collector/examples/support/batches.rs"]
mod batches;

use std::env;
use std::error::Error;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use rusqlite::{Connection, OpenFlags};

use batches::{Acknowledged, EVENTS, Senders, Target, ms, percentile};

const MIN_BATCHES_PER_SECOND: f64 = 2_000.0;
/// A rate that is met exactly is measured a little below.
const TOLERANCE: f64 = 0.99;
const MAX_P99: Duration = Duration::from_millis(50);
const MAX_RSS_KIB: u64 = 200 * 1024;
const MIN_RATIO: f64 = 0.5;
/// How often the relays with and without a store take turns, so that a busy moment of the machine meets both.
const TURNS: u64 = 3;

#[derive(Parser)]
struct Args {
    /// Duration at the steady rate, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Batches per second
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// Number of connections
    #[arg(long, default_value_t = 64)]
    connections: u64,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    let dir = env::temp_dir().join(format!("oaiq-relay-load-{}", std::process::id()));
    let result = measure(&args, &dir);
    let _ = fs::remove_dir_all(&dir);
    result
}

fn measure(args: &Args, dir: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let steady = measure_steady(args, &dir.join("steady"))?;
    let mut with_store = Rate::default();
    let mut without_store = Rate::default();
    let seconds = (args.seconds / (2 * TURNS)).max(1);
    for turn in 0..TURNS {
        let dir = dir.join(format!("turn-{turn}"));
        with_store.add(measure_most(
            args,
            &dir.join("with"),
            "oaiq-relay",
            seconds,
        )?);
        without_store.add(measure_most(
            args,
            &dir.join("without"),
            "examples/without_store",
            seconds,
        )?);
    }
    let ratio = with_store.per_second() / without_store.per_second();
    println!(
        "\
| what | measured | target |
| --- | --: | --: |
| batches of {events} events accepted per second, for {seconds} s | {rate:.0} | at least {MIN_BATCHES_PER_SECOND} |
| response time, median | {p50} | |
| response time, 99th percentile | {p99} | under {max_p99} |
| response time, maximum | {max} | |
| memory, maximum | {rss} MB | under {max_rss} MB |
| batches acknowledged before `kill -9` | {acknowledged} | |
| of these not on disk | {lost} | 0 |
| events delivered meanwhile | {delivered} | |
| as many batches as possible, per second | {most:.0} | |
| the same server without its store, in turns | {most_without:.0} | |
| ratio | {ratio:.2} | at least {MIN_RATIO} |",
        events = EVENTS.len(),
        seconds = steady.duration.as_secs(),
        rate = steady.per_second(),
        p50 = ms(percentile(&steady.acknowledged, 0.5)),
        p99 = ms(percentile(&steady.acknowledged, 0.99)),
        max_p99 = ms(MAX_P99),
        max = ms(percentile(&steady.acknowledged, 1.0)),
        rss = steady.rss_kib / 1024,
        max_rss = MAX_RSS_KIB / 1024,
        acknowledged = steady.acknowledged.len(),
        lost = steady.lost,
        delivered = steady.delivered,
        most = with_store.per_second(),
        most_without = without_store.per_second(),
    );
    let is_passed = steady.per_second() >= MIN_BATCHES_PER_SECOND * TOLERANCE
        && percentile(&steady.acknowledged, 0.99) < MAX_P99
        && steady.rss_kib < MAX_RSS_KIB
        && steady.lost == 0
        && ratio >= MIN_RATIO;
    Ok(match is_passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

struct Steady {
    acknowledged: Vec<Acknowledged>,
    duration: Duration,
    rss_kib: u64,
    /// Events that were accepted, but are not in the store after the kill.
    lost: usize,
    delivered: usize,
}

impl Steady {
    fn per_second(&self) -> f64 {
        self.acknowledged.len() as f64 / self.duration.as_secs_f64()
    }
}

fn measure_steady(args: &Args, dir: &Path) -> Result<Steady, Box<dyn Error>> {
    let mut world = World::start(dir, "oaiq-relay", true)?;
    let senders = Senders::start(world.target, args.rate, args.connections);
    let mut rss_kib = 0;
    while senders.elapsed() < Duration::from_secs(args.seconds) {
        thread::sleep(Duration::from_millis(250));
        rss_kib = rss_kib.max(world.relay.rss_kib()?);
    }
    let duration = senders.elapsed();
    // Killed under full load.
    world.relay.0.kill()?;
    world.relay.0.wait()?;
    let acknowledged = senders.stop()?;
    let store =
        Connection::open_with_flags(dir.join("relay.sqlite"), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let count = |table: &str| -> rusqlite::Result<usize> {
        store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
    };
    // Every accepted event has a row here, delivered or not.
    let stored = count("seen")?;
    let delivered = stored - count("outbox")?;
    Ok(Steady {
        lost: (acknowledged.len() * EVENTS.len()).saturating_sub(stored),
        acknowledged,
        duration,
        rss_kib,
        delivered,
    })
}

#[derive(Default)]
struct Rate {
    batches: usize,
    duration: Duration,
}

impl Rate {
    fn add(&mut self, other: Self) {
        self.batches += other.batches;
        self.duration += other.duration;
    }

    fn per_second(&self) -> f64 {
        self.batches as f64 / self.duration.as_secs_f64()
    }
}

/// As many batches as possible, to a relay that has just started. OpenAI is down, because a relay that keeps nothing delivers
/// nothing either.
fn measure_most(
    args: &Args,
    dir: &Path,
    program: &str,
    seconds: u64,
) -> Result<Rate, Box<dyn Error>> {
    let world = World::start(dir, program, false)?;
    let senders = Senders::start(world.target, 0, args.connections);
    thread::sleep(Duration::from_secs(seconds));
    let duration = senders.elapsed();
    let batches = senders.stop()?.len();
    Ok(Rate { batches, duration })
}

/// A relay in a process of its own, perhaps with a collector as OpenAI.
struct World {
    relay: Server,
    target: Target,
    _collector: Option<Server>,
}

impl World {
    fn start(dir: &Path, relay: &str, has_collector: bool) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(dir)?;
        let (upstream, listen, metrics) = (free_port()?, free_port()?, free_port()?);
        fs::write(dir.join("key"), "sk-load")?;
        fs::write(
            dir.join("relay.toml"),
            format!(
                r#"
listen = "127.0.0.1:{listen}"
metrics_listen = "127.0.0.1:{metrics}"
origins = ["https://shop.example"]
limit_per_address = 0
[[pixel]]
id = "load"
key_file = "key"
[upstream]
url = "http://127.0.0.1:{upstream}"
"#
            ),
        )?;
        let start_collector = || {
            let args = [
                &format!("--port={upstream}"),
                "--key=sk-load",
                "--data=collector.sqlite",
            ];
            Server::start(dir, upstream, "oaiq-collector", &args)
        };
        let collector = has_collector.then(start_collector).transpose()?;
        let args: &[&str] = match relay {
            "oaiq-relay" => &["serve", "--config", "relay.toml"],
            _ => &["relay.toml"],
        };
        Ok(Self {
            relay: Server::start(dir, listen, relay, args)?,
            target: Target {
                port: listen,
                path: "/oaiq/v1/sdk/events",
            },
            _collector: collector,
        })
    }
}

/// A server's process. It ends when this is dropped.
struct Server(Child);

impl Server {
    /// Starts a program that was built next to this one, and waits until it listens.
    fn start(dir: &Path, port: u16, program: &str, args: &[&str]) -> Result<Self, Box<dyn Error>> {
        let program = built(program)?;
        let log = fs::File::create(dir.join(format!("{port}.log")))?;
        let mut command = Command::new(&program);
        // The environment would change the relay's configuration.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("OAIQ_RELAY_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let server = Self(child);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if start.elapsed() > Duration::from_secs(30) {
                let log = fs::read_to_string(dir.join(format!("{port}.log")))?;
                return Err(format!("{} does not listen: {log}", program.display()).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Its current memory use in KiB.
    fn rss_kib(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `target/release/NAME`, if this program is `target/release/examples/relay_load`.
fn built(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let this = env::current_exe()?;
    let dir = this
        .parent()
        .and_then(Path::parent)
        .ok_or("cannot find the directory of this program")?;
    Ok(dir.join(name))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
