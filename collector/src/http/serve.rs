//! Serving connections, and stopping.

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

/// How many connections are open at once; further ones wait. A browser opens at most 6.
const MAX_CONNECTIONS: usize = 512;

/// The longest head of a request, in bytes. An image tag's address may be long; longer is answered 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long requests that are being answered may take to end after the stop.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until `stop` resolves; then takes no more connections, ends the event streams, and waits at
/// most a second for what is being answered.
///
/// `axum::serve` is not used because it sets no limit to how long a client takes to send its headers.
pub async fn serve(
    listeners: Vec<TcpListener>,
    collector: Arc<Collector>,
    stop: impl Future<Output = ()>,
) {
    let router = routes::router(Arc::clone(&collector));
    let read_timeout = collector.config.read_timeout;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let open = GracefulShutdown::new();
    let accepting = join_all(
        listeners
            .iter()
            .map(|listener| accept(listener, &router, read_timeout, &places, &open)),
    );
    tokio::select! {
        _ = accepting => {}
        () = stop => {}
    }
    drop(listeners);

    collector.ingest.close_streams();
    // What still runs after that ends with the runtime.
    let _ = tokio::time::timeout(GRACE, open.shutdown()).await;
}

/// Takes connections from one listener for ever, each into a task of its own.
async fn accept(
    listener: &TcpListener,
    router: &Router,
    read_timeout: Duration,
    places: &Arc<Semaphore>,
    open: &GracefulShutdown,
) {
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: trying again at once would only spin.
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // A stream's messages are small, and are to be seen at once. That it fails changes nothing else.
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
            // A client that hangs up or sends no HTTP is its own affair.
            if let Err(error) = connection.await {
                tracing::debug!("connection: {error}");
            }
            drop(place);
        });
    }
}
