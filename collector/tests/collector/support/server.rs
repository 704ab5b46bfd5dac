//! A collector for a single test, with an HTTP client.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oaiq_collector::cli::ListenHost;
use oaiq_collector::http::assets::Assets;
use oaiq_collector::http::{listen, serve};
use oaiq_collector::store::database::Database;
use oaiq_collector::{Collector, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use ureq::http::{Request, Response};
use ureq::{Agent, AsSendBody, Body};

pub type HttpResponse = Response<Body>;

/// A collector that listens on a free port until this is dropped.
pub struct TestServer {
    pub address: SocketAddr,
    client: Agent,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(config())
    }

    pub fn start_with_assets(assets: Assets, read_timeout: Duration) -> Self {
        Self::with(Config {
            assets,
            read_timeout,
            ..config()
        })
    }

    /// A collector with a database in memory.
    pub fn with(config: Config) -> Self {
        Self::open(config, Database::in_memory().unwrap())
    }

    pub fn open(config: Config, database: Database) -> Self {
        let runtime = Runtime::new().unwrap();
        let listeners = runtime
            .block_on(listen::listen(ListenHost::Loopback, 0))
            .unwrap();
        let address = listeners[0].local_addr().unwrap();
        let collector = Collector::new(config, database);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(serve::serve(listeners, Arc::new(collector), async {
                let _ = stopped.await;
            }));
        });
        Self {
            address,
            client: http_client(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> HttpResponse {
        self.client.get(self.url(path)).call().unwrap()
    }

    /// Sends a request with these headers.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> HttpResponse {
        let mut request = Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client.run(request.body(body).unwrap()).unwrap()
    }

    /// Sends a body as the pixel's `fetch` does.
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> HttpResponse {
        self.send(
            "POST",
            path,
            &[("Content-Type", "text/plain")],
            body.as_ref(),
        )
    }

    /// Posts a batch that must be accepted.
    pub fn post_batch_ok(&self, pixel: &str, batch: &Value) {
        let response = self.post(&format!("/v1/sdk/events?pid={pixel}"), batch.to_string());
        assert_eq!(response.status(), 202);
    }

    /// Posts a body to the Conversions API, as a server does.
    pub fn post_conversions(&self, pixel: &str, body: &Value) -> HttpResponse {
        let headers = [
            ("Authorization", "Bearer key"),
            ("Content-Type", "application/json"),
        ];
        let path = format!("/v1/events?pid={pixel}");
        self.send("POST", &path, &headers, body.to_string().as_str())
    }

    /// The entries of `/events.json` with this query, newest first.
    pub fn entries(&self, query: &str) -> Vec<Value> {
        let listing = read_json(self.get(&format!("/events.json{query}")));
        listing["events"].as_array().unwrap().clone()
    }

    /// Sends raw bytes and returns the response, up to the end of the connection. An HTTP client would correct some of what
    /// the tests send.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.write_all(bytes.as_ref()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        String::from_utf8_lossy(&response).into_owned()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
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

pub fn config() -> Config {
    Config {
        assets: missing_assets(),
        pixels: Vec::new(),
        key: None,
        read_timeout: Duration::from_secs(10),
        listening: vec!["http://localhost:8787".to_owned()],
        is_loopback: true,
    }
}

pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since_epoch.as_millis().try_into().unwrap()
}

/// An event as the pixel sends it.
pub fn event(name: &str, id: &str) -> Value {
    json!({
        "type": name,
        "timestamp_ms": now_ms(),
        "id": id,
        "source_url": "http://localhost/shop/",
        "data": { "type": if name == "custom" { "custom" } else { "contents" } },
        "custom_event_name": (name == "custom").then_some("quote_requested"),
    })
}

/// An event as a server sends it.
pub fn conversion_event(name: &str, id: &str) -> Value {
    let mut conversion = event(name, id);
    conversion["action_source"] = "web".into();
    conversion
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

pub fn read_json(response: HttpResponse) -> Value {
    assert_eq!(header(&response, "content-type"), "application/json");
    serde_json::from_str(&read_text(response)).unwrap()
}

/// The `error` of a response that must have this status.
pub fn error_of(response: HttpResponse, status: u16) -> String {
    assert_eq!(response.status(), status);
    read_json(response)["error"].as_str().unwrap().to_owned()
}

/// The `error` of a Conversions API response that must have this status and OpenAI's shape.
pub fn api_error(response: HttpResponse, status: u16) -> Value {
    assert_eq!(response.status(), status);
    assert!(header(&response, "x-request-id").starts_with("req_"));
    let error = read_json(response)["error"].clone();
    for member in ["message", "type"] {
        assert!(error[member].is_string(), "{error}");
    }
    for member in ["param", "code"] {
        assert!(error.get(member).is_some(), "{error}");
    }
    error
}

/// The `message` of that `error`.
pub fn api_message(response: HttpResponse, status: u16) -> String {
    let error = api_error(response, status);
    error["message"].as_str().unwrap().to_owned()
}

/// The error message of either endpoint's response, which must have this status.
pub fn message_of(path: &str, response: HttpResponse, status: u16) -> String {
    if path.starts_with("/v1/events") {
        api_message(response, status)
    } else {
        error_of(response, status)
    }
}

/// The messages of an event stream, as a browser parses them.
pub struct SseMessages(BufReader<Box<dyn Read>>);

#[derive(Debug, Default, PartialEq)]
pub struct SseMessage {
    pub event: String,
    pub id: String,
    pub data: String,
}

impl SseMessages {
    pub fn new(response: HttpResponse) -> Self {
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        Self(BufReader::new(Box::new(response.into_body().into_reader())))
    }
}

impl Iterator for SseMessages {
    type Item = SseMessage;

    fn next(&mut self) -> Option<SseMessage> {
        let mut message = SseMessage::default();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", value)) => message.event = value.to_owned(),
                Some(("id", value)) => message.id = value.to_owned(),
                Some(("data", value)) => message.data += value,
                _ if line == "\n" && !message.data.is_empty() => return Some(message),
                _ => {}
            }
        }
    }
}

pub fn missing_assets() -> Assets {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-dir");
    Assets {
        shop: Some(nowhere.join("shop")),
        inspector: Some(nowhere.join("inspector")),
        sdk: Some(nowhere.join("dist")),
    }
}

/// Directories with small pages and a pixel, and `secret.txt` next to them. `name` must be unique to the test.
pub fn fixture_dirs(name: &str) -> Assets {
    let root: PathBuf = [env!("CARGO_TARGET_TMPDIR"), name].iter().collect();
    for (file, content) in [
        ("secret.txt", "secret"),
        ("www/secret.txt", "secret"),
        ("www/shop/index.html", "<!doctype html><title>Shop</title>"),
        ("www/shop/shop.css", "body { margin: 0 }"),
        (
            "www/shop/cup.svg",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
        (
            "www/shop/thanks/index.html",
            "<!doctype html><title>Thanks</title>",
        ),
        (
            "www/inspector/index.html",
            "<!doctype html><title>Inspector</title>",
        ),
        (
            "dist/oaiq.min.js",
            "window.oaiq = 1; // long enough that compressing it is worth while",
        ),
        ("dist/oaiq.wasm", "\0asm\u{1}\0\0\0"),
    ] {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    Assets {
        shop: Some(root.join("www/shop")),
        inspector: Some(root.join("www/inspector")),
        sdk: Some(root.join("dist")),
    }
}
