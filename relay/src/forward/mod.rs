//! Forwards events to the Conversions API: one worker per pixel, so that one that is paused or slow delays no other.

mod backoff;
mod response;
mod search;
mod source;
mod upstream;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use response::{Answer, RawResponse};
pub use upstream::Upstream;

use crate::cluster::Cluster;
use crate::config::{Config, Keys};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use source::Source;
use worker::Worker;

/// How many requests to OpenAI are in progress at once, of all pixels together. It bounds the memory.
const MAX_REQUESTS: usize = 256;

/// The workers of all pixels.
pub struct Forwarder {
    workers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Forwarder {
    /// Starts a worker for each pixel of the configuration, and for each other one with events in the store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn start(
        config: &Config,
        keys: &Keys,
        store: &Store,
        metrics: &Arc<Metrics>,
        upstream: &Upstream,
        cluster: Option<&Cluster>,
    ) -> Result<Self, StoreError> {
        let mut pixels: BTreeSet<String> = store.stats().await?.pixels.into_keys().collect();
        for unknown in pixels
            .iter()
            .filter(|pixel| !keys.pixels.contains_key(*pixel))
        {
            tracing::warn!(
                pixel = unknown,
                "the store has events of a pixel that is not in the configuration: they stay until they are 7 days old. Add a section [[pixel]] to deliver them"
            );
        }
        pixels.extend(keys.pixels.keys().cloned());
        let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
        let (stop, stopping) = watch::channel(false);
        let mut workers = JoinSet::new();
        for pixel in pixels {
            let key = keys.pixels.get(&pixel).cloned();
            let source = match cluster {
                // What is not handed over expires in the store.
                Some(cluster) if key.is_some() => {
                    Source::Cluster(Box::new(cluster.source(&pixel, store)))
                }
                _ => Source::Store(store.clone(), store.wakers().of(&pixel)),
            };
            let worker = Worker {
                key,
                source,
                clock: store.clock().clone(),
                pixel_metrics: metrics.pixel(&pixel).cloned(),
                pixel,
                metrics: Arc::clone(metrics),
                upstream: upstream.clone(),
                settings: config.upstream.clone(),
                requests: Arc::clone(&requests),
                stopping: stopping.clone(),
            };
            workers.spawn(worker.run());
        }
        Ok(Self { workers, stop })
    }

    /// Lets every worker deliver what is due, and ends them. After `timeout`, requests in progress are given up; their
    /// events stay in the store.
    pub async fn drain(mut self, timeout: Duration) {
        // Fails only if all workers have ended.
        let _ = self.stop.send(true);
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(timeout, all).await.is_err() {
            tracing::info!(
                "not everything that is due could be delivered in time; it is kept in the store"
            );
        }
    }
}
