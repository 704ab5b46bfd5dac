//! The program.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use oaiq_ingest::stop::stop_signal;
use oaiq_relay::cli::{Args, Command, ConfigFile, DeadCommand};
use oaiq_relay::clock::Clock;
use oaiq_relay::commands::{self, dead};
use oaiq_relay::config::{Config, LogFormat, reference};
use oaiq_relay::http::assets::Assets;
use oaiq_relay::server::Server;
use oaiq_relay::store::Store;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Serve {
            file: ConfigFile { config },
        } => serve(&config).map(|()| String::new()),
        Command::Config => Ok(reference::as_toml()),
        Command::Check { file } => check(&file.config),
        Command::Status { file } => commands::status::status(&file.config),
        Command::Forget { file, person } => commands::forget(&file.config, &person),
        Command::Dead { command } => match command {
            DeadCommand::List { file, pixel, limit } => {
                dead::list(&file.config, pixel.as_deref(), limit)
            }
            DeadCommand::Show { file, number } => dead::show(&file.config, number),
            DeadCommand::Retry { file, which } => dead::retry(&file.config, &which.into()),
            DeadCommand::Drop { file, which } => dead::remove(&file.config, &which.into()),
        },
    };
    match result {
        Ok(output) => {
            // Fails if the reader has ended, such as `head`.
            let _ = io::stdout().write_all(output.as_bytes());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("oaiq-relay: {message}");
            ExitCode::FAILURE
        }
    }
}

fn serve(file: &Path) -> Result<(), String> {
    let config = Config::load(file).map_err(|error| error.to_string())?;
    log_to_stderr(config.log);
    let keys = config.load_keys(file).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    runtime.block_on(async {
        // Installed first: whoever has started the relay may stop it at once.
        let stop = stop_signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
        let path = config.resolve(&config.store.path);
        let store = Store::open(&path, config.store.max_bytes.0, Clock::default())
            .map_err(|error| error.to_string())?;
        let dist = config.paths.pixel_dist.as_ref().map(|dir| config.resolve(dir));
        let assets = Assets::load(dist.as_deref()).map_err(|error| {
            let dist = dist.unwrap_or_default();
            format!("paths.pixel_dist: cannot read {}: {error}", dist.display())
        })?;
        if !assets.has_script() {
            tracing::warn!("this program was built without the pixel, so pages cannot load it here: run `npm run build` before `cargo install`, or set paths.pixel_dist");
        }
        let prefix = config.paths.prefix.clone();
        let server = Server::start(config, keys, store, assets).await?;
        let address = |result: io::Result<std::net::SocketAddr>| {
            result.map_or_else(|error| error.to_string(), |address| address.to_string())
        };
        tracing::info!(
            listen = address(server.address()),
            metrics_listen = address(server.metrics_address()),
            script = format!("{prefix}oaiq.min.js"),
            immutable_script = format!("{prefix}{}/oaiq.min.js", server.relay().assets().version()),
            "oaiq-relay {} serves",
            env!("CARGO_PKG_VERSION")
        );
        server.serve(stop).await;
        tracing::info!("stopped");
        Ok(())
    })
}

fn check(file: &Path) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let report = runtime.block_on(commands::check::check(file));
    print!("{report}");
    match report.problems() {
        0 => Ok(String::new()),
        1 => Err("1 problem was found".to_owned()),
        count => Err(format!("{count} problems were found")),
    }
}

fn log_to_stderr(format: LogFormat) {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal());
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // The relay says itself what is wrong with the connection to NATS.
    let levels = Targets::new()
        .with_default(Level::INFO)
        .with_target("async_nats", LevelFilter::OFF);
    tracing_subscriber::registry()
        .with(layer.with_filter(levels))
        .init();
}
