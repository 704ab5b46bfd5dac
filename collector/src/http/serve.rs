//! Serves the collector's routes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use oaiq_ingest::http::serve::{self, Limits};
use tokio::net::TcpListener;

use crate::Collector;
use crate::http::routes;

/// How many connections may be open at once; others wait. A browser opens at most 6 per host.
const MAX_CONNECTIONS: usize = 512;

/// How long requests in progress may take after the stop.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until `stop` resolves. Then accepts no more connections, ends the event streams, and waits up to a second for
/// requests in progress.
pub async fn serve(
    listeners: Vec<TcpListener>,
    collector: Arc<Collector>,
    stop: impl Future<Output = ()>,
) {
    let limits = Limits {
        header_timeout: collector.config.read_timeout,
        connections: MAX_CONNECTIONS,
        grace: GRACE,
    };
    let router = routes::router(Arc::clone(&collector));
    serve::serve(listeners, router, limits, stop, || {
        collector.ingest.close_streams();
    })
    .await;
}
