//! A relay for a single test, with an HTTP client.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use oaiq_relay::clock::Clock;
use oaiq_relay::config::Config;
use oaiq_relay::http::assets::Assets;
use oaiq_relay::server::Server;
use oaiq_relay::store::Store;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use ureq::http::{Request, Response};
use ureq::{Agent, AsSendBody, Body};

use super::collector::{OPENAI_KEY, TestCollector};
use super::events::SHOP;

pub type HttpResponse = Response<Body>;

pub const BACKEND_KEY: &str = "backend-secret";

/// A relay that listens on free ports until this is dropped.
pub struct TestRelay {
    pub address: SocketAddr,
    pub metrics_address: SocketAddr,
    pub dir: PathBuf,
    pub clock: Clock,
    client: Agent,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The directory of a test, empty.
pub fn test_dir(name: &str) -> PathBuf {
    let dir: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "relay", name]
        .iter()
        .collect();
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    for (file, content) in [
        ("key", OPENAI_KEY),
        ("backend-key", BACKEND_KEY),
        (
            "dist/oaiq.min.js",
            "window.oaiq = 1; // long enough that compressing it is worth while, and then some more text",
        ),
        ("dist/oaiq.consent.min.js", "window.oaiq.consent = 1;"),
        ("dist/oaiq.d.ts", "export {}"),
    ] {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

/// The text of a configuration. `more` follows at the end and may begin with keys of `[upstream]`.
pub fn config_text(upstream: &str, more: &str) -> String {
    format!(
        r#"
listen = "127.0.0.1:0"
metrics_listen = "127.0.0.1:0"
origins = ["{SHOP}"]
trusted_proxies = ["127.0.0.1"]
limit_per_address = 0
drain_timeout = "2s"
[[pixel]]
id = "p"
key_file = "key"
[[pixel]]
id = "q"
key_file = "key"
[backend]
key_file = "backend-key"
[paths]
pixel_dist = "dist"
[upstream]
url = "{upstream}"
config_url = "{upstream}/pixel-config/v1"
backoff_min = "50ms"
backoff_max = "200ms"
probe_interval = "200ms"
{more}
"#
    )
}

impl TestRelay {
    /// `name` must be unique to the test.
    pub fn start(name: &str, collector: &TestCollector, more: &str) -> Self {
        Self::with_upstream(name, &collector.url(), more)
    }

    pub fn with_upstream(name: &str, upstream: &str, more: &str) -> Self {
        let dir = test_dir(name);
        fs::write(dir.join("relay.toml"), config_text(upstream, more)).unwrap();
        Self::restart(dir, Clock::default(), Duration::from_secs(10))
    }

    /// A relay with what is in the directory.
    pub fn restart(dir: PathBuf, clock: Clock, read_timeout: Duration) -> Self {
        let file = dir.join("relay.toml");
        let config = Config::load(&file).unwrap();
        let keys = config.load_keys(&file).unwrap();
        let runtime = Runtime::new().unwrap();
        let store = Store::open(
            &dir.join("relay.sqlite"),
            config.store.max_bytes.0,
            clock.clone(),
        )
        .unwrap();
        let assets = Assets::load(Some(&dir.join("dist"))).unwrap();
        let server = runtime
            .block_on(Server::start_with(
                config,
                keys,
                store,
                assets,
                read_timeout,
            ))
            .unwrap();
        let address = server.address().unwrap();
        let metrics_address = server.metrics_address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(server.serve(async {
                let _ = stopped.await;
            }));
        });
        Self {
            address,
            metrics_address,
            dir,
            clock,
            client: http_client(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn stop(mut self) -> (PathBuf, Clock) {
        self.join();
        (self.dir.clone(), self.clock.clone())
    }

    fn join(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> HttpResponse {
        let uri = format!("http://{}/oaiq/{path}", self.address);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client.run(request.body(body).unwrap()).unwrap()
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
        self.send("GET", path, headers, ())
    }

    /// Sends a batch as a page of the shop does, behind a proxy.
    pub fn post_with(&self, headers: &[(&str, &str)], batch: &Value) -> HttpResponse {
        let mut all = vec![
            ("Origin", SHOP),
            ("Content-Type", "text/plain"),
            ("X-Forwarded-For", "203.0.113.7"),
            ("User-Agent", "Mozilla/5.0"),
        ];
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend(headers);
        self.send(
            "POST",
            "v1/sdk/events?pid=p",
            &all,
            batch.to_string().as_str(),
        )
    }

    pub fn post_ok(&self, batch: &Value) {
        assert_eq!(self.post_with(&[], batch).status(), 202);
    }

    /// Sends a request with the backend's key.
    pub fn backend(&self, path: &str, body: &Value) -> HttpResponse {
        let bearer = format!("Bearer {BACKEND_KEY}");
        self.send(
            "POST",
            path,
            &[("Authorization", &bearer)],
            body.to_string().as_str(),
        )
    }

    pub fn backend_ok(&self, events: &[Value]) {
        let response = self.backend("v1/events?pid=p", &serde_json::json!({ "events": events }));
        assert_eq!(response.status(), 200);
        assert_eq!(
            read_text(response),
            format!(r#"{{"accepted_events":{}}}"#, events.len())
        );
    }

    /// A response of the listener for operators.
    pub fn operating(&self, path: &str) -> (u16, String) {
        let response = self
            .client
            .get(format!("http://{}{path}", self.metrics_address))
            .call()
            .unwrap();
        (response.status().as_u16(), read_text(response))
    }

    /// The value of a metric, with its labels as they are printed.
    pub fn metric(&self, name: &str) -> f64 {
        metric_in(&self.operating("/metrics").1, name)
    }

    /// Sends raw bytes and returns the response, up to the end of the connection.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        // Fails if the relay has given up.
        let _ = stream.write_all(bytes);
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        String::from_utf8_lossy(&response).into_owned()
    }

    /// All bytes of the store.
    pub fn stored_bytes(&self) -> Vec<u8> {
        let files = fs::read_dir(&self.dir)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.to_string_lossy().contains("relay.sqlite"));
        files.flat_map(|path| fs::read(path).unwrap()).collect()
    }
}

impl Drop for TestRelay {
    fn drop(&mut self) {
        self.join();
    }
}

/// The value of a metric in the text for Prometheus.
pub fn metric_in(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    let line = line.unwrap_or_else(|| panic!("{name} is not in {text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

/// A client that returns every status as a response, follows no redirects and has a timeout.
pub fn http_client() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}

pub fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

pub fn read_text(mut response: HttpResponse) -> String {
    response.body_mut().read_to_string().unwrap()
}

/// The message of an error with this status.
pub fn error_of(response: HttpResponse, status: u16) -> String {
    assert_eq!(response.status(), status);
    let body: Value = serde_json::from_str(&read_text(response)).unwrap();
    let error = &body["error"];
    error
        .as_str()
        .or_else(|| error["message"].as_str())
        .unwrap()
        .to_owned()
}

/// The values of all `Set-Cookie` headers.
pub fn cookies(response: &HttpResponse) -> Vec<String> {
    let cookies = response.headers().get_all("set-cookie").iter();
    cookies
        .map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect()
}
