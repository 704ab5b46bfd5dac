//! What operators and their tools read, at a listener of its own: `/metrics`, `/live`, `/ready`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Relay;
use crate::cluster::Cluster;

/// The router.
pub fn router(relay: Arc<Relay>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/live", get(async || "live\n"))
        .route("/ready", get(ready))
        .fallback(async || {
            (
                StatusCode::NOT_FOUND,
                "here are /metrics, /live and /ready\n",
            )
        })
        .with_state(relay)
}

async fn metrics(State(relay): State<Arc<Relay>>) -> Response {
    // If it cannot be read, the gauges keep their last values, and `store_writable` says what is wrong.
    let stats = relay.store.stats().await.unwrap_or_default();
    let is_writable = relay.store.problem().is_none();
    relay.metrics.set_stats(&stats, is_writable);
    if let Some(cluster) = &relay.cluster {
        let pixels: Vec<String> = relay.keys.pixels.keys().cloned().collect();
        let status = cluster.status(&pixels).await;
        let is_down = cluster.problem().is_some();
        relay.metrics.set_cluster(status.as_ref(), is_down);
    }
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (content_type, relay.metrics.render()).into_response()
}

async fn ready(State(relay): State<Arc<Relay>>) -> Response {
    let problem = match relay.store.problem() {
        Some(problem) => Some(problem.to_string()),
        None if relay.is_stopping() => Some("the relay is stopping".to_owned()),
        None => None,
    };
    match problem {
        Some(problem) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {problem}\n"),
        )
            .into_response(),
        None => match relay.cluster.as_ref().and_then(Cluster::problem) {
            // It accepts events and keeps them: a proxy must not turn away from all relays at once.
            Some(problem) => {
                format!("ready, but events stay in the store: {problem}\n").into_response()
            }
            None => "ready\n".into_response(),
        },
    }
}
