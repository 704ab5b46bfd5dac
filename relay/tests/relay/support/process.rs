//! The program in its own process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use ureq::Agent;

use super::events::SHOP;
use super::relay::{http_client, metric_in, read_text};

pub fn program(args: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oaiq-relay"));
    command.args(args).current_dir(dir);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OAIQ_RELAY_")) {
        command.env_remove(name);
    }
    command
}

/// A relay in its own process. It is killed when this is dropped.
pub struct Serving {
    pub child: Child,
    pub address: String,
    metrics_address: String,
}

impl Serving {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.arg("serve").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let addresses = lines.find_map(|line| {
            let line = line.unwrap();
            let json: Value = serde_json::from_str(&line).ok()?;
            Some((
                json["listen"].as_str()?.to_owned(),
                json["metrics_listen"].as_str()?.to_owned(),
            ))
        });
        let (address, metrics_address) = addresses.unwrap();
        // Whoever does not read makes the writer wait.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address,
            metrics_address,
        }
    }

    pub fn post(&self, body: &Value) -> u16 {
        self.client().try_post(body).unwrap()
    }

    /// Sends events from another thread, also after the relay has ended.
    pub fn client(&self) -> Client {
        Client {
            url: format!("http://{}/oaiq/v1/sdk/events?pid=p", self.address),
            agent: http_client(),
        }
    }

    /// The value of a metric, with its labels as they are printed.
    pub fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.metrics_address);
        let text = read_text(http_client().get(url).call().unwrap());
        metric_in(&text, name)
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends events.
pub struct Client {
    url: String,
    agent: Agent,
}

impl Client {
    /// The status, if there is an answer.
    pub fn try_post(&self, body: &Value) -> Option<u16> {
        let request = self.agent.post(&self.url).header("Origin", SHOP);
        let response = request.send(body.to_string()).ok()?;
        Some(response.status().as_u16())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}
