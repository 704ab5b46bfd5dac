//! The command line: reads the options, listens, says where, and serves until it is told to stop.

use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use std::time::Duration;

use clap::Parser;
use oaiq_collector::cli::Options;
use oaiq_collector::http::assets::Pages;
use oaiq_collector::http::{listen, serve};
use oaiq_collector::store::database::Database;
use oaiq_collector::{Collector, Settings, startup_banner};
use tracing::Level;

/// How long a client may take for a request's headers, and again for its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .with_max_level(if options.verbose {
            Level::DEBUG
        } else {
            Level::INFO
        })
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

    // after the port: a second collector is told of that first, where both are taken
    let opened = Database::open(&options.data).map_err(|error| error.to_string())?;
    if let Some(aside) = &opened.quarantined {
        eprintln!(
            "warning: {} was damaged; it has been set aside as {}, and a new one begun",
            options.data.display(),
            aside.display()
        );
    }
    let pages = Pages::find(options.www.as_deref(), options.pixel_dist.as_deref());
    for warning in startup_banner::missing(&pages) {
        eprintln!("warning: {warning}");
    }
    let settings = Settings {
        pages,
        pixels: options.pixels,
        key: options.key,
        read_timeout: READ_TIMEOUT,
        listening: vec![options.host.origin(port)],
        is_local: options.host.is_local(),
    };
    let collector = Arc::new(Collector::new(settings, opened));
    let kept = collector.ingest.stored_count();
    startup_banner::print(&startup_banner::start(
        &collector.settings,
        &options.data,
        kept,
    ));

    serve::serve(listeners, Arc::clone(&collector), stop).await;
    let kept = collector.ingest.stored_count();
    tokio::task::block_in_place(|| collector.ingest.close())
        .map_err(|error| format!("not all events could be kept: {error}"))?;
    startup_banner::print(&startup_banner::stopped(&options.data, kept));
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
