//! Real NATS servers.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::events::wait_for;
use super::relay::http_client;

/// Servers that run until this is dropped.
pub struct Nats {
    nodes: Vec<Node>,
}

struct Node {
    name: String,
    port: u16,
    monitor_port: u16,
    config: PathBuf,
    process: Option<Child>,
}

impl Nats {
    /// A server without a cluster.
    pub fn start(test: &str) -> Self {
        Self::cluster(test, 1)
    }

    /// A server that only passes messages on.
    pub fn without_jetstream(test: &str) -> Self {
        let mut nats = Self::cluster(test, 1);
        nats.kill(0);
        let config = &nats.nodes[0].config;
        let text = fs::read_to_string(config).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("jetstream"));
        fs::write(config, lines.collect::<Vec<_>>().join("\n")).unwrap();
        nats.start_node(0);
        let node = &nats.nodes[0];
        wait_for("a NATS server", || node.is_ready(1).then_some(()));
        nats
    }

    /// The address of the first server.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.nodes[0].port)
    }

    /// Servers of one cluster. `test` must be unique.
    pub fn cluster(test: &str, size: usize) -> Self {
        let dir: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "nats", test].iter().collect();
        let _ = fs::remove_dir_all(&dir);
        let ports = free_ports(3 * size);
        let routes: Vec<String> = ports[2 * size..]
            .iter()
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .collect();
        let nodes = (0..size).map(|i| {
            let name = format!("n{i}");
            let (port, monitor_port) = (ports[i], ports[size + i]);
            let dir = dir.join(&name);
            fs::create_dir_all(&dir).unwrap();
            let mut text = format!(
                "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor_port}\"\njetstream {{ store_dir: {:?} }}\n",
                dir.join("data")
            );
            if size > 1 {
                text += &format!(
                    "cluster {{\n  name: test\n  listen: \"127.0.0.1:{}\"\n  routes: {routes:?}\n}}\n",
                    ports[2 * size + i]
                );
            }
            let config = dir.join("nats.conf");
            fs::write(&config, text).unwrap();
            Node { name, port, monitor_port, config, process: None }
        });
        let mut nats = Self {
            nodes: nodes.collect(),
        };
        for i in 0..size {
            nats.start_node(i);
        }
        for node in &nats.nodes {
            wait_for("a NATS server", || node.is_ready(size).then_some(()));
        }
        nats
    }

    /// The section of a relay's configuration.
    pub fn config(&self) -> String {
        let urls: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("nats://127.0.0.1:{}", node.port))
            .collect();
        format!("[nats]\nurls = {urls:?}\nreplicas = {}\n", self.nodes.len())
    }

    pub fn start_node(&mut self, i: usize) {
        let node = &mut self.nodes[i];
        let log = fs::File::create(node.config.with_extension("log")).unwrap();
        let process = Command::new(program())
            .arg("--config")
            .arg(&node.config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        node.process = Some(process);
    }

    /// As `kill -9` does.
    pub fn kill(&mut self, i: usize) {
        if let Some(mut process) = self.nodes[i].process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub fn index_of(&self, name: &str) -> usize {
        let found = self.nodes.iter().position(|node| node.name == name);
        found.unwrap()
    }
}

impl Node {
    /// Whether JetStream works, in a cluster of this size.
    fn is_ready(&self, size: usize) -> bool {
        let url = format!("http://127.0.0.1:{}/jsz", self.monitor_port);
        let Ok(mut response) = http_client().get(url).call() else {
            return false;
        };
        let text = response.body_mut().read_to_string().unwrap();
        let state: Value = serde_json::from_str(&text).unwrap_or_default();
        let meta = &state["meta_cluster"];
        size == 1
            || meta["leader"]
                .as_str()
                .is_some_and(|leader| !leader.is_empty())
                && meta["cluster_size"] == size
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        for i in 0..self.nodes.len() {
            self.kill(i);
        }
    }
}

/// Debian installs it where only root looks.
fn program() -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
    let found = std::env::split_paths(&path)
        .map(|dir| dir.join("nats-server"))
        .find(|file| file.is_file());
    found.expect("nats-server is missing: `npm run test:relay` installs it, or `apt-get install nats-server`")
}

fn free_ports(count: usize) -> Vec<u16> {
    // All at once, so that they differ.
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}
