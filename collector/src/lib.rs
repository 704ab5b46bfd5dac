//! Stands in for the OpenAI Ads events endpoint on a developer's machine, and shows what arrives.
//!
//! [`http`] receives a request, [`ingest`] reads and checks its events, [`store`] keeps them and streams them to inspectors.
//! `main.rs` is the command line around it ([`cli`]).

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

/// What a collector is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the pages and the pixel are.
    pub assets: Assets,
    /// The pixels that there are. None at all stands for any.
    pub pixels: Vec<String>,
    /// What a server must send to the Conversions API. Without it any key will do.
    pub key: Option<String>,
    /// How long a client may take to send a request's headers, and again to send its body.
    pub read_timeout: Duration,
    /// The addresses that it is reached at, for a person to read.
    pub listening: Vec<String>,
    /// It listens on the loopback address, so what has arrived is shown under that address's names alone.
    pub is_loopback: bool,
}

/// What one running collector consists of; its handlers share it.
pub struct Collector {
    /// What has arrived, and who watches.
    pub ingest: Ingest,
    /// What it was told.
    pub config: Config,
    /// Reads what is sent.
    pub body_reader: BodyReader,
}

impl Collector {
    /// One that goes on with what it has kept.
    pub fn new(config: Config, database: Database) -> Self {
        Self {
            ingest: Ingest::new(database),
            body_reader: BodyReader::new(config.read_timeout),
            config,
        }
    }

    /// Is there a pixel of that id?
    pub fn knows_pixel(&self, pixel: &str) -> bool {
        let pixels = &self.config.pixels;
        pixels.is_empty() || pixels.iter().any(|known| known == pixel)
    }

    /// What an event of no pixel is told.
    pub fn unknown_pixel_message(&self) -> String {
        format!(
            "no pixel has this id; the collector was started for {} (--pixel)",
            self.config.pixels.join(", ")
        )
    }
}
