//! Batches as the pixel sends them, over persistent connections, at a steady rate. For load tests.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The events of each batch: a visit from the landing page to the order.
pub const EVENTS: [(&str, &str); 5] = [
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

/// Where batches go.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The port on this machine.
    pub port: u16,
    /// The path, without the query.
    pub path: &'static str,
}

/// A batch that was acknowledged with 202.
#[allow(dead_code, reason = "not every load test reads all of it")]
pub struct Acknowledged {
    /// Its number, which its events' IDs have.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// After which time since it was due.
    pub took: Duration,
}

/// Connections that send.
pub struct Senders {
    started: Instant,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<Vec<Acknowledged>, String>>>,
}

impl Senders {
    /// Starts to send so many batches a second; as many as possible if 0.
    pub fn start(target: Target, rate: u64, connections: u64) -> Self {
        let started = Instant::now();
        let stop = Arc::new(AtomicBool::new(false));
        let next_number = Arc::new(AtomicU64::new(0));
        let threads = (0..connections)
            .map(|_| {
                let (stop, next_number) = (Arc::clone(&stop), Arc::clone(&next_number));
                thread::spawn(move || send(target, rate, started, &next_number, &stop))
            })
            .collect();
        Self {
            started,
            stop,
            threads,
        }
    }

    /// For how long they have been sending.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Stops them. Returns what was acknowledged.
    ///
    /// # Errors
    /// If a batch was rejected.
    pub fn stop(self) -> Result<Vec<Acknowledged>, String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut acknowledged = Vec::new();
        for thread in self.threads {
            acknowledged.extend(thread.join().map_err(|_| "a sender panicked")??);
        }
        Ok(acknowledged)
    }
}

/// The time below which this part of all batches was acknowledged.
pub fn percentile(acknowledged: &[Acknowledged], part: f64) -> Duration {
    let mut times: Vec<_> = acknowledged.iter().map(|batch| batch.took).collect();
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    let index = (times.len() as f64 * part) as usize;
    times.get(index.min(last)).copied().unwrap_or_default()
}

/// A time as text.
pub fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Sends batches over one connection until it breaks or `stop` is set. A batch's time starts when it was due, so that
/// batches delayed by a slow predecessor count as slow too (coordinated omission).
fn send(
    target: Target,
    rate: u64,
    started: Instant,
    next_number: &AtomicU64,
    stop: &AtomicBool,
) -> Result<Vec<Acknowledged>, String> {
    let io = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", target.port)).map_err(io)?;
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
        write_request(target.path, number, &mut request);
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
            // The server was killed.
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
fn write_request(path: &str, number: u64, out: &mut String) {
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
        "POST {path}?pid=load&st=oaiq-web&sv=0.1.41&t={now}&ec={} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
         Origin: https://shop.example\r\nReferer: https://shop.example/\r\nUser-Agent: load\r\nContent-Length: {}\r\n\r\n{body}",
        EVENTS.len(),
        body.len(),
    );
}
