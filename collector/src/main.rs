//! The program: parses the command line, listens, prints where, and serves until it is stopped.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use oaiq_collector::cli::Args;
use oaiq_collector::http::assets::Assets;
use oaiq_collector::http::{listen, serve};
use oaiq_collector::store::database::Database;
use oaiq_collector::{Collector, Config, startup_banner};
use oaiq_ingest::stop::stop_signal;
use tracing::Level;

/// How long a client may take for a request's headers, and again for its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .with_max_level(if args.verbose {
            Level::DEBUG
        } else {
            Level::INFO
        })
        .init();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("oaiq-collector: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), String> {
    // Installed before the banner is printed: whoever reads the banner may send a signal at once.
    let stop = stop_signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let listeners = listen::listen(args.host, args.port)
        .await
        .map_err(|error| error.to_string())?;
    let port = listen::port(&listeners).map_err(|error| error.to_string())?;

    // After the port: if a second collector conflicts on both, the port is the clearer error.
    let database = Database::open(&args.data).map_err(|error| error.to_string())?;
    if let Some(quarantined) = &database.quarantined {
        eprintln!(
            "warning: {} was damaged. It was renamed to {}, and a new file was created",
            args.data.display(),
            quarantined.display()
        );
    }
    let assets = Assets::find(args.www.as_deref(), args.pixel_dist.as_deref());
    for warning in startup_banner::missing_assets(&assets) {
        eprintln!("warning: {warning}");
    }
    let config = Config {
        assets,
        pixels: args.pixels,
        key: args.key,
        read_timeout: READ_TIMEOUT,
        listening: vec![args.host.origin(port)],
        is_loopback: args.host.is_loopback(),
    };
    let collector = Arc::new(Collector::new(config, database));
    let stored = collector.ingest.stored_count();
    startup_banner::print(&startup_banner::started(
        &collector.config,
        &args.data,
        stored,
    ));

    serve::serve(listeners, Arc::clone(&collector), stop).await;
    let stored = collector.ingest.stored_count();
    tokio::task::block_in_place(|| collector.ingest.close())
        .map_err(|error| format!("not all events could be written: {error}"))?;
    startup_banner::print(&startup_banner::stopped(&args.data, stored));
    Ok(())
}
