//! How a server is told to stop.

use std::future::Future;
use std::io;

/// Resolves on SIGINT (Ctrl-C) and on SIGTERM. The handlers are in place when this returns.
///
/// # Errors
/// If the handlers cannot be installed.
#[cfg(unix)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves on Ctrl-C.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // If the handler cannot be installed, stop at once instead of serving without a way to stop.
        let _ = tokio::signal::ctrl_c().await;
    })
}
