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

use http::assets::Pages;
use http::body::Bodies;
use ingest::Ingest;
use store::database::Database;

/// What a collector is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the pages and the pixel are.
    pub pages: Pages,
    /// The pixels that there are. None at all stands for any.
    pub pixels: Vec<String>,
    /// What a server must send to the Conversions API. Without it any key will do.
    pub key: Option<String>,
    /// How long a client may take to send a request's headers, and again to send its body.
    pub read_timeout: Duration,
    /// The addresses that it is reached at, for a person to read.
    pub listening: Vec<String>,
    /// It listens on the loopback address, so what has arrived is shown under that address's names alone.
    pub is_local: bool,
}

/// What one running collector consists of; its handlers share it.
pub struct Collector {
    /// What has arrived, and who watches.
    pub ingest: Ingest,
    /// What it was told.
    pub settings: Settings,
    /// Reads what is sent.
    pub bodies: Bodies,
}

impl Collector {
    /// One that goes on with what it has kept.
    pub fn new(settings: Settings, opened: Database) -> Self {
        Self {
            ingest: Ingest::new(opened),
            bodies: Bodies::new(settings.read_timeout),
            settings,
        }
    }

    /// Is there a pixel of that id?
    pub fn has_pixel(&self, pixel: &str) -> bool {
        let pixels = &self.settings.pixels;
        pixels.is_empty() || pixels.iter().any(|known| known == pixel)
    }

    /// What an event of no pixel is told.
    pub fn no_such_pixel(&self) -> String {
        format!(
            "no pixel has this id; the collector was started for {} (--pixel)",
            self.settings.pixels.join(", ")
        )
    }
}
