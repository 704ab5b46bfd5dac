//! Counts what is in the cluster.

use std::collections::{BTreeMap, HashMap};

use futures_util::StreamExt;

use super::ClusterError;
use super::connect::Connected;
use crate::key::Key;

/// What is in the cluster.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// By pixel.
    pub pixels: BTreeMap<String, PixelStatus>,
    /// Clicks.
    pub clicks: u64,
    /// Links.
    pub links: u64,
    /// The server that leads the stream.
    pub leader: Option<String>,
    /// The further servers that store it.
    pub replicas: usize,
    /// Of these, those that are up to date.
    pub current_replicas: usize,
}

/// What is in the cluster of one pixel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PixelStatus {
    /// Messages about events that no relay has acknowledged.
    pub undelivered: u64,
}

impl Connected {
    /// Counts what is there.
    pub async fn status(&self, pixels: &[String]) -> Result<Status, ClusterError> {
        let failed = |error| ClusterError::new("NATS does not answer", &error);
        let info = self.stream.get_info().await.map_err(failed)?;
        let clicks = self.clicks.stream.get_info().await.map_err(failed)?;
        let links = self.links.stream.get_info().await.map_err(failed)?;
        let mut status = Status {
            clicks: clicks.state.messages,
            links: links.state.messages,
            ..Status::default()
        };
        if let Some(cluster) = info.cluster {
            status.leader = cluster.leader;
            status.replicas = cluster.replicas.len();
            let current = cluster.replicas.iter().filter(|peer| peer.current);
            status.current_replicas = current.count();
        }
        let mut undelivered: HashMap<String, u64> = HashMap::new();
        let mut consumers = self.stream.consumers();
        while let Some(consumer) = consumers.next().await {
            let info = consumer
                .map_err(|error| ClusterError::new("NATS does not list its consumers", &error))?;
            let count = info.num_pending + info.num_ack_pending as u64;
            undelivered.insert(info.name, count);
        }
        for pixel in pixels {
            // No relay has asked for this pixel yet, if there is none.
            let undelivered = undelivered.remove(&Key::pixel(pixel).to_hex()).unwrap_or(0);
            status
                .pixels
                .insert(pixel.clone(), PixelStatus { undelivered });
        }
        Ok(status)
    }
}
