//! A local stand-in for OpenAI's ads endpoints: it receives, checks and shows the events of a site under development.
//!
//! [`http`] receives a request, [`ingest`] parses and checks its events, [`store`] stores them and streams them to
//! inspectors. `main.rs` is the program; [`cli`] has its options.

pub mod cli;
pub mod http;
pub mod ingest;
pub mod startup_banner;
pub mod store;

use std::time::Duration;

use http::assets::Assets;
use http::body::BodyReader;
use ingest::Ingest;
use store::database::Database;

/// The configuration of a collector.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the shop, the inspector and the pixel are.
    pub assets: Assets,
    /// The accepted pixel IDs. If empty, any ID is accepted.
    pub pixels: Vec<String>,
    /// The key of the Conversions API. Without it, any key is accepted.
    pub key: Option<String>,
    /// How long a client may take to send the headers, and again to send the body.
    pub read_timeout: Duration,
    /// The origins under which it can be opened.
    pub listening: Vec<String>,
    /// Whether it listens on loopback only. Then events are shown only under loopback host names.
    pub is_loopback: bool,
}

/// A running collector, shared by all handlers.
pub struct Collector {
    /// Receives, stores and broadcasts events.
    pub ingest: Ingest,
    /// The configuration.
    pub config: Config,
    /// Reads request bodies.
    pub body_reader: BodyReader,
}

impl Collector {
    /// A collector that continues with the events in the database.
    pub fn new(config: Config, database: Database) -> Self {
        Self {
            ingest: Ingest::new(database),
            body_reader: BodyReader::new(config.read_timeout),
            config,
        }
    }

    /// Whether events of this pixel are accepted.
    pub fn knows_pixel(&self, pixel: &str) -> bool {
        let pixels = &self.config.pixels;
        pixels.is_empty() || pixels.iter().any(|known| known == pixel)
    }

    /// The error message for an unknown pixel ID.
    pub fn unknown_pixel_message(&self) -> String {
        format!(
            "unknown pixel ID; the collector accepts only {} (--pixel)",
            self.config.pixels.join(", ")
        )
    }
}
