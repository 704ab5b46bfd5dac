//! Where a worker's events come from: the store of this machine, or the cluster.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::cluster::ClusterSource;
use crate::store::Store;
use crate::store::claim::{Claim, Claimed, Settlement};

/// How long to wait for more events before a request that is not full. It saves requests, and conversions are in no hurry.
const LINGER: Duration = Duration::from_millis(50);

/// The source of a pixel's events.
pub(super) enum Source {
    /// The store.
    Store(Store, Arc<Notify>),
    /// The cluster.
    Cluster(Box<ClusterSource>),
}

impl Source {
    /// Takes events that are due.
    pub async fn claim(&mut self, claim: Claim) -> Result<Claimed, String> {
        match self {
            Self::Store(store, _) => store.claim(claim).await.map_err(|error| error.to_string()),
            Self::Cluster(source) => source
                .claim(&claim)
                .await
                .map_err(|error| error.to_string()),
        }
    }

    /// Records what became of events.
    pub async fn settle(&mut self, settlement: &Arc<Settlement>) -> Result<(), String> {
        match self {
            Self::Store(store, _) => {
                let settled = store.settle(Arc::clone(settlement)).await;
                settled.map_err(|error| error.to_string())
            }
            Self::Cluster(source) => {
                let settled = source.settle(settlement).await;
                settled.map_err(|error| error.to_string())
            }
        }
    }

    /// Waits for events, at most this long.
    pub async fn wait(&mut self, at_most: Duration) {
        match self {
            Self::Store(_, waker) => {
                if tokio::time::timeout(at_most, waker.notified())
                    .await
                    .is_err()
                {
                    return;
                }
            }
            Self::Cluster(source) => source.wait(at_most).await,
        }
        tokio::time::sleep(LINGER).await;
    }

    /// Keeps what was claimed from being given to other relays, until it is dropped.
    pub async fn hold(&self) -> Infallible {
        if let Self::Cluster(source) = self {
            source.hold().await;
        }
        std::future::pending().await
    }

    /// Lets others take what was claimed and not settled.
    pub async fn release(&mut self) {
        if let Self::Cluster(source) = self {
            source.release().await;
        }
    }
}
