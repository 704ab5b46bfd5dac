//! The connection to NATS.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, Context, kv};
use async_nats::{Client, ConnectOptions};

use super::ClusterError;
use super::setup::{self, SetupError};
use crate::config::{Config, Nats};
use crate::key::Key;
use crate::store::schema::IfMissing;

/// How long NATS may take to answer. While a stream has no leader, nobody answers: a short time makes the next attempt come
/// soon after the election.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How often the connection is probed. A server that is gone without a word is noticed after two of these.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// The longest wait before the next attempt to connect.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// How to connect.
pub struct Settings {
    nats: Nats,
    credentials_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

/// A connection, and what is in NATS.
#[derive(Clone)]
pub struct Connected {
    /// The name of the stream.
    pub name: String,
    /// The client.
    pub client: Client,
    /// JetStream.
    pub jetstream: Context,
    /// Pointers to events, and erasures.
    pub stream: jetstream::stream::Stream,
    /// Events.
    pub events: kv::Store,
    /// Clicks.
    pub clicks: kv::Store,
    /// Links.
    pub links: kv::Store,
    /// What belongs to a person.
    pub people: kv::Store,
}

impl Settings {
    pub fn new(nats: &Nats, config: &Config) -> Self {
        let resolve = |file: &Option<PathBuf>| file.as_ref().map(|file| config.resolve(file));
        Self {
            nats: nats.clone(),
            credentials_file: resolve(&nats.credentials_file),
            ca_file: resolve(&nats.ca_file),
        }
    }

    /// Connects, and opens stream and buckets.
    pub async fn connect(&self, if_missing: IfMissing) -> Result<Connected, SetupError> {
        let (client, jetstream) = self.jetstream().await?;
        setup::set_up(&self.nats, client, jetstream, if_missing).await
    }

    /// Connects only.
    pub async fn jetstream(&self) -> Result<(Client, Context), SetupError> {
        let client = self.client().await?;
        let jetstream = jetstream::ContextBuilder::new()
            .timeout(TIMEOUT)
            .ack_timeout(TIMEOUT)
            .build(client.clone());
        Ok((client, jetstream))
    }

    async fn client(&self) -> Result<Client, SetupError> {
        let mut options = ConnectOptions::new()
            .name("oaiq-relay")
            .connection_timeout(TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .reconnect_delay_callback(|attempts| {
                let delay = Duration::from_millis(100) * u32::try_from(attempts).unwrap_or(10);
                delay.min(MAX_RECONNECT_DELAY)
            })
            .event_callback(async |event| tracing::debug!("NATS: {event}"));
        if let Some(file) = &self.credentials_file {
            let unusable = |error: std::io::Error| {
                SetupError::Settings(format!(
                    "nats.credentials_file: cannot use {}: {error}; write the .creds file that NATS has made for the relay there, and let only the relay's user read it",
                    file.display()
                ))
            };
            let text = std::fs::read_to_string(file).map_err(unusable)?;
            options = options.credentials(&text).map_err(unusable)?;
        }
        if let Some(file) = &self.ca_file {
            if let Err(error) = std::fs::metadata(file) {
                return Err(SetupError::Settings(format!(
                    "nats.ca_file: cannot read {}: {error}",
                    file.display()
                )));
            }
            options = options.add_root_certificates(file.clone());
        }
        let urls: Vec<&str> = self.nats.urls.0.iter().map(String::as_str).collect();
        options.connect(urls).await.map_err(|error| {
            let why = ClusterError::new("it does not connect", &error).to_string();
            use async_nats::ConnectErrorKind as Kind;
            match error.kind() {
                Kind::Authentication | Kind::AuthorizationViolation => SetupError::Settings(
                    format!("NATS refuses this relay ({error}): check nats.credentials_file, or the name and password in nats.urls")
                ),
                _ => SetupError::Unavailable(self.unreachable(&why)),
            }
        })
    }

    /// That NATS cannot be reached, for the operator.
    pub fn unreachable(&self, why: &str) -> String {
        let mut hosts = String::new();
        for (i, url) in self.nats.urls.0.iter().enumerate() {
            let host = url.rsplit(['/', '@']).next().unwrap_or_default();
            let comma = if i > 0 { ", " } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(hosts, "{comma}{host}");
        }
        format!(
            "NATS cannot be reached at {hosts} ({why}): start the servers, or check nats.urls and the firewall."
        )
    }
}

impl Connected {
    /// That the connection is lost. The client connects again by itself.
    pub fn disconnected(&self) -> Option<String> {
        use async_nats::connection::State;
        match self.client.connection_state() {
            State::Connected => None,
            State::Pending | State::Disconnected => Some(
                "the connection to NATS is lost: start the servers, or check the network."
                    .to_owned(),
            ),
        }
    }

    /// The subject of a pixel's pointers.
    pub fn events_subject(&self, pixel: &str) -> String {
        format!("{}.events.{}", self.name, Key::pixel(pixel).to_hex())
    }

    /// The subject of erasures.
    pub fn erasures_subject(&self) -> String {
        format!("{}.erasures", self.name)
    }
}
