//! The command line: reads the options, listens, says where, and serves until it is told to stop.

use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use oaiq_collector::options::Options;
use oaiq_collector::{Collector, announce, listen, serve};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .init();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("oaiq-collector: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    // Asked for before the addresses are printed: whoever reads them may stop us at once.
    let stop = stop_signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let listeners = listen::listen(options.host, options.port)
        .await
        .map_err(|error| error.to_string())?;
    let port = listen::port(&listeners).map_err(|error| error.to_string())?;

    let folders = options.folders();
    for warning in announce::missing(&folders) {
        eprintln!("warning: {warning}");
    }
    announce::print(&announce::addresses(options.host, port));

    serve::serve(listeners, Arc::new(Collector::new(folders)), stop).await;
    Ok(())
}

/// Resolves on SIGINT (Ctrl-C) and on SIGTERM. The handlers are in place when this returns.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
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
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler there is nothing to wait for, and serving on would be wrong.
        let _ = tokio::signal::ctrl_c().await;
    })
}
