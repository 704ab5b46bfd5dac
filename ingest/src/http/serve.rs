//! Serves connections and shuts down gracefully.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::join_all;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_service::Service;

/// The longest request line with headers. The URL of an image tag may be long. Longer heads get a 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a client may take to send the headers, including the wait for a connection's next request.
    pub header_timeout: Duration,
    /// How many connections may be open at once; others wait.
    pub connections: usize,
    /// How long requests in progress may take after the stop.
    pub grace: Duration,
}

/// The other end of a connection. Every request has it as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves until `stop` resolves. Then accepts no more connections, calls `on_stop`, which must end endless responses, and
/// waits for requests in progress.
///
/// `axum::serve` has no timeout for request headers, so this uses hyper directly.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
    on_stop: impl FnOnce(),
) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    let accepting = join_all(
        listeners
            .iter()
            .map(|listener| accept(listener, &router, limits.header_timeout, &permits, &open)),
    );
    tokio::select! {
        _ = accepting => {}
        () = stop => {}
    }
    drop(listeners);

    on_stop();
    // Whatever is left ends with the runtime.
    let _ = tokio::time::timeout(limits.grace, open.shutdown()).await;
}

/// Accepts connections forever and serves each in its own task.
async fn accept(
    listener: &TcpListener,
    router: &Router,
    header_timeout: Duration,
    permits: &Arc<Semaphore>,
    open: &GracefulShutdown,
) {
    // The semaphore is never closed.
    while let Ok(permit) = Arc::clone(permits).acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely out of file descriptors: an immediate retry would spin.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Small responses must not be delayed. Failure is harmless.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request| {
            let extensions: &mut axum::http::Extensions =
                hyper::Request::<hyper::body::Incoming>::extensions_mut(&mut request);
            extensions.insert(Peer(peer));
            // A router is always ready.
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
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
