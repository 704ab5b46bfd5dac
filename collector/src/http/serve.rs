//! Serves connections and shuts down gracefully.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::join_all;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::Collector;
use crate::http::routes;

/// How many connections may be open at once; others wait. A browser opens at most 6 per host.
const MAX_CONNECTIONS: usize = 512;

/// The longest request line with headers. The URL of an image tag may be long. Longer heads get a 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long requests in progress may take after the stop.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until `stop` resolves. Then accepts no more connections, ends the event streams, and waits up to a second for
/// requests in progress.
///
/// `axum::serve` has no timeout for request headers, so this uses hyper directly.
pub async fn serve(
    listeners: Vec<TcpListener>,
    collector: Arc<Collector>,
    stop: impl Future<Output = ()>,
) {
    let router = routes::router(Arc::clone(&collector));
    let read_timeout = collector.config.read_timeout;
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let open = GracefulShutdown::new();
    let accepting = join_all(
        listeners
            .iter()
            .map(|listener| accept(listener, &router, read_timeout, &permits, &open)),
    );
    tokio::select! {
        _ = accepting => {}
        () = stop => {}
    }
    drop(listeners);

    collector.ingest.close_streams();
    // Whatever is left ends with the runtime.
    let _ = tokio::time::timeout(GRACE, open.shutdown()).await;
}

/// Accepts connections forever and serves each in its own task.
async fn accept(
    listener: &TcpListener,
    router: &Router,
    read_timeout: Duration,
    permits: &Arc<Semaphore>,
    open: &GracefulShutdown,
) {
    // The semaphore is never closed.
    while let Ok(permit) = Arc::clone(permits).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely out of file descriptors: an immediate retry would spin.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Event streams send small messages that must not be delayed. Failure is harmless.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(read_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(router.clone()),
            );
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // The client disconnected or did not send HTTP.
            if let Err(error) = connection.await {
                tracing::debug!("connection failed: {error}");
            }
            drop(permit);
        });
    }
}
