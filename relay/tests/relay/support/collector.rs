//! A real collector in place of OpenAI.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use oaiq_collector::http::assets::Assets;
use oaiq_collector::http::serve;
use oaiq_collector::store::database::Database;
use oaiq_collector::{Collector, Config};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::events::wait_for;
use super::relay::http_client;

pub const OPENAI_KEY: &str = "sk-openai";

/// A collector that listens until this is dropped.
pub struct TestCollector {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestCollector {
    pub fn start() -> Self {
        Self::with("127.0.0.1:0".parse().unwrap(), &["p", "q"], OPENAI_KEY)
    }

    pub fn with(address: SocketAddr, pixels: &[&str], key: &str) -> Self {
        let config = Config {
            assets: Assets::default(),
            pixels: pixels.iter().map(|&pixel| pixel.to_owned()).collect(),
            key: Some(key.to_owned()),
            read_timeout: Duration::from_secs(10),
            listening: Vec::new(),
            is_loopback: true,
        };
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let collector = Arc::new(Collector::new(config, Database::in_memory().unwrap()));
            runtime.block_on(serve::serve(vec![listener], collector, async {
                let _ = stopped.await;
            }));
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Vec<Value> {
        let mut response = http_client()
            .get(format!("{}/events.json", self.url()))
            .call()
            .unwrap();
        let listing: Value =
            serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        let mut entries = listing["events"].as_array().unwrap().clone();
        entries.reverse();
        entries
    }

    /// The counted events, once there are this many.
    pub fn counted(&self, count: usize) -> Vec<Value> {
        wait_for("counted events", || {
            let entries = self.entries().into_iter();
            let counted: Vec<Value> = entries
                .filter(|entry| entry["verdict"] == "counted")
                .map(|entry| {
                    assert_eq!(entry["integration_source"], "oaiq-relay");
                    entry["event"].clone()
                })
                .collect();
            assert!(counted.len() <= count, "{counted:?}");
            (counted.len() == count).then_some(counted)
        })
    }
}

impl Drop for TestCollector {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
