//! A running relay: its listeners, its workers, and how it stops.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use oaiq_ingest::http::serve::{self, Limits};
use tokio::net::TcpListener;

use crate::cluster::{Cluster, HandOverTask};
use crate::config::{Config, Keys};
use crate::forward::{Forwarder, Upstream};
use crate::http::assets::Assets;
use crate::http::{READ_TIMEOUT, Relay, operating_router, router};
use crate::metrics::Metrics;
use crate::store::Store;

/// How many connections may be open at once; others wait.
const MAX_CONNECTIONS: usize = 4_096;

/// The same for operators.
const MAX_OPERATING_CONNECTIONS: usize = 64;

/// How often old data is deleted and memory tidied.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(10);

/// A relay whose listeners are bound, ready to serve.
pub struct Server {
    relay: Arc<Relay>,
    listener: TcpListener,
    metrics_listener: TcpListener,
    hand_over: Option<HandOverTask>,
    forwarder: Forwarder,
}

impl Server {
    /// Binds the listeners and starts to forward what is in the store.
    ///
    /// # Errors
    /// What keeps it from serving, for the operator.
    pub async fn start(
        config: Config,
        keys: Keys,
        store: Store,
        assets: Assets,
    ) -> Result<Self, String> {
        Self::start_with(config, keys, store, assets, READ_TIMEOUT).await
    }

    /// The same, with the time that a client may take for the headers, and again for the body.
    ///
    /// # Errors
    /// What keeps it from serving, for the operator.
    pub async fn start_with(
        config: Config,
        keys: Keys,
        store: Store,
        assets: Assets,
        read_timeout: Duration,
    ) -> Result<Self, String> {
        let listener = bind("listen", config.listen).await?;
        let metrics_listener = bind("metrics_listen", config.metrics_listen).await?;
        let upstream = &config.upstream;
        let upstream = Upstream::new(&upstream.url, &upstream.config_url, upstream.timeout.0)?;
        let metrics = Arc::new(Metrics::new(keys.pixels.keys().map(String::as_str)));
        let (cluster, hand_over) = Cluster::start(&config, &store, &metrics).await?.unzip();
        let forwarder = Forwarder::start(
            &config,
            &keys,
            &store,
            &metrics,
            &upstream,
            cluster.as_ref(),
        )
        .await
        .map_err(|error| error.to_string())?;
        let mut relay = Relay::new(config, keys, store, metrics, upstream, assets, read_timeout);
        relay.cluster = cluster;
        Ok(Self {
            relay: Arc::new(relay),
            listener,
            metrics_listener,
            hand_over,
            forwarder,
        })
    }

    /// What browsers and the site's backend reach.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What operators reach.
    pub fn metrics_address(&self) -> io::Result<SocketAddr> {
        self.metrics_listener.local_addr()
    }

    /// What the handlers share.
    pub fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }

    /// Serves until `stop` resolves. Then it takes no more requests, ends those in progress, delivers what is due, and closes
    /// the store. Each wait is limited by `drain_timeout`.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let drain_timeout = self.relay.config.drain_timeout.0;
        let limits = Limits {
            header_timeout: READ_TIMEOUT,
            connections: MAX_CONNECTIONS,
            grace: drain_timeout,
        };
        let maintenance = tokio::spawn(maintain(Arc::clone(&self.relay)));
        let operating = tokio::spawn(serve::serve(
            vec![self.metrics_listener],
            operating_router(Arc::clone(&self.relay)),
            Limits {
                connections: MAX_OPERATING_CONNECTIONS,
                ..limits
            },
            // Until the end: operators want to see how it stops.
            std::future::pending(),
            || {},
        ));
        serve::serve(
            vec![self.listener],
            router(Arc::clone(&self.relay)),
            limits,
            stop,
            || self.relay.stop(),
        )
        .await;
        if let Some(hand_over) = self.hand_over {
            hand_over.drain(drain_timeout).await;
        }
        self.forwarder.drain(drain_timeout).await;
        maintenance.abort();
        operating.abort();
        let store = self.relay.store.clone();
        // It waits for the disk.
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}; set another {key}, or stop the program that uses it")
    })
}

/// Deletes what is too old, and tidies memory, forever.
async fn maintain(relay: Arc<Relay>) {
    let mut interval = tokio::time::interval(MAINTENANCE_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        relay.forget_idle_addresses();
        relay.metrics.run_upkeep();
        match relay.store.maintain().await {
            Ok(removed) if removed.dead > 0 => tracing::warn!(
                "{} dead letters were deleted, because they are 30 days old",
                removed.dead
            ),
            Ok(_) => {}
            // The store has logged it.
            Err(error) => tracing::debug!("nothing was deleted: {error}"),
        }
    }
}
