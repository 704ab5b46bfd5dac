//! Several relays that share their events by NATS JetStream.
//!
//! A relay accepts into its own file first. [`handover`] gives what is there to the cluster, and deletes it from the file
//! once NATS has stored it. [`source`] takes the events of one pixel from the cluster to deliver them. NATS does all
//! that makes a cluster: it replicates, elects leaders, and gives each event to one relay at a time.
//!
//! | in NATS                  | subject or key                    | content                                             |
//! | ------------------------ | --------------------------------- | --------------------------------------------------- |
//! | stream `oaiq`            | `oaiq.events.PIXEL`               | the key of an event that is to be delivered         |
//! |                          | `oaiq.erasures`                   | requests to delete a person's data, for all relays  |
//! | bucket `oaiq-events`     | `PIXEL.EVENT`                     | an event, or that it was delivered                  |
//! | bucket `oaiq-clicks`     | `CLICK`                           | a click                                             |
//! | bucket `oaiq-links`      | `LINK`                            | the key of a click                                  |
//! | bucket `oaiq-people`     | `PERSON.e.…`, `.c.CLICK`, `.l.LINK` | which of these belong to a person                 |
//!
//! `PIXEL`, `EVENT` and so on are a [`crate::key::Key`].

mod connect;
mod entry;
mod erase;
mod handover;
mod lookup;
mod setup;
mod source;
mod status;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Config, Nats};
use crate::metrics::Metrics;
use crate::store::schema::IfMissing;
use crate::store::{Store, StoreError};

pub use setup::SetupError;
pub use source::ClusterSource;
pub use status::{PixelStatus, Status};

use connect::Connected;
use handover::HandOver;

/// How long to wait before the next attempt after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How long a start waits for NATS.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// This relay's part of a cluster. Its clones share one connection.
#[derive(Clone)]
pub struct Cluster(Arc<Shared>);

struct Shared {
    connected: watch::Receiver<Option<Connected>>,
    problem: Mutex<Option<String>>,
}

impl Cluster {
    /// Connects, creates what is missing in NATS, and starts to hand over what is in the store. While NATS cannot be reached,
    /// it tries again in the background.
    ///
    /// # Errors
    /// If NATS answers, but its stream or a bucket has other settings or cannot be created. For the operator.
    pub async fn start(
        config: &Config,
        store: &Store,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<(Self, HandOverTask)>, String> {
        let stream = config.nats.as_ref().map(|nats| nats.stream.clone());
        store
            .write(move |connection| {
                crate::store::handover::set_stream(connection, stream.as_deref())
            })
            .await
            .map_err(|error| error.to_string())?;
        let Some(nats) = &config.nats else {
            return Ok(None);
        };
        let settings = connect::Settings::new(nats, config);
        let (sender, connected) = watch::channel(None);
        let shared = Arc::new(Shared {
            connected,
            problem: Mutex::new(Some("NATS is not connected yet".to_owned())),
        });
        let cluster = Self(shared);
        match tokio::time::timeout(START_TIMEOUT, settings.connect(IfMissing::Create)).await {
            Ok(Ok(one)) => {
                cluster.set_problem(None);
                sender.send_replace(Some(one));
            }
            Ok(Err(error @ SetupError::Settings(_))) => return Err(error.to_string()),
            Ok(Err(error @ SetupError::Unavailable(_))) => cluster.report(&error.to_string()),
            Err(_) => cluster.report(&settings.unreachable("no answer in time")),
        }
        let (stop, stopping) = watch::channel(false);
        let hand_over = HandOver {
            cluster: cluster.clone(),
            settings,
            sender,
            store: store.clone(),
            metrics: Arc::clone(metrics),
            pixels: config.pixel.iter().map(|pixel| pixel.id.clone()).collect(),
            stopping,
            reported: String::new(),
        };
        let task = tokio::spawn(hand_over.run());
        Ok(Some((cluster, HandOverTask { task, stop })))
    }

    /// What is wrong with NATS at present. Events are accepted and kept meanwhile.
    pub fn problem(&self) -> Option<String> {
        if let Some(connected) = self.0.connected.borrow().as_ref()
            && let Some(problem) = connected.disconnected()
        {
            return Some(problem);
        }
        self.0
            .problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Counts what is in the cluster. None while NATS cannot be reached.
    pub async fn status(&self, pixels: &[String]) -> Option<Status> {
        let connected = self.0.connected.borrow().clone()?;
        if connected.disconnected().is_some() {
            return None;
        }
        tokio::time::timeout(START_TIMEOUT, connected.status(pixels))
            .await
            .ok()?
            .ok()
    }

    /// The source of a pixel's events.
    pub fn source(&self, pixel: &str, store: &Store) -> ClusterSource {
        ClusterSource::new(self.0.connected.clone(), pixel, store)
    }

    fn set_problem(&self, problem: Option<String>) -> bool {
        let mut known = self
            .0
            .problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_new = known.is_some() != problem.is_some();
        *known = problem;
        is_new
    }

    fn report(&self, problem: &str) {
        tracing::warn!(
            "{problem} Events are accepted and kept in the store, and handed over later"
        );
        self.set_problem(Some(problem.to_owned()));
    }
}

/// Counts what is in the cluster, for one command.
///
/// # Errors
/// What is wrong, for the operator.
pub async fn status(config: &Config, nats: &Nats) -> Result<Status, String> {
    let settings = connect::Settings::new(nats, config);
    let pixels: Vec<String> = config.pixel.iter().map(|pixel| pixel.id.clone()).collect();
    let work = async {
        let connected = settings
            .connect(IfMissing::Fail)
            .await
            .map_err(|error| error.to_string())?;
        let status = connected.status(&pixels).await;
        status.map_err(|error| error.to_string())
    };
    tokio::time::timeout(2 * START_TIMEOUT, work)
        .await
        .unwrap_or_else(|_| Err(settings.unreachable("no answer in time")))
}

/// Whether the cluster can be used with this configuration: the number of servers that NATS knows. Creates nothing.
///
/// # Errors
/// What is wrong, for the operator.
pub async fn check(config: &Config, nats: &Nats) -> Result<usize, String> {
    let settings = connect::Settings::new(nats, config);
    let work = async {
        let (client, jetstream) = settings.jetstream().await?;
        setup::check(nats, &jetstream).await?;
        // A server without a cluster names no other.
        Ok(client.server_info().connect_urls.len().max(1))
    };
    match tokio::time::timeout(2 * START_TIMEOUT, work).await {
        Ok(result) => result.map_err(|error: SetupError| error.to_string()),
        Err(_) => Err(settings.unreachable("no answer in time")),
    }
}

/// Runs all of the futures, at most `at_once` at the same time, and passes on what they return. Returns a failure, if there is
/// one.
async fn run_all<T>(
    at_once: usize,
    futures: impl IntoIterator<Item = impl Future<Output = Result<T, ClusterError>>>,
    mut on_done: impl FnMut(T),
) -> Option<ClusterError> {
    let mut results = stream::iter(futures).buffer_unordered(at_once);
    let mut failure = None;
    while let Some(result) = results.next().await {
        match result {
            Ok(value) => on_done(value),
            Err(error) => failure = Some(error),
        }
    }
    failure
}

/// The task that hands over.
pub struct HandOverTask {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl HandOverTask {
    /// Hands over what is in the store, and ends. What cannot be handed over in time stays there.
    pub async fn drain(self, timeout: Duration) {
        // Fails only if the task has ended.
        let _ = self.stop.send(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(timeout, self.task).await.is_err() {
            abort.abort();
            tracing::info!(
                "not everything could be handed over to NATS in time; it is kept in the store"
            );
        }
    }
}

/// Why a step failed. It is tried again.
#[derive(Debug)]
pub struct ClusterError(String);

impl ClusterError {
    fn new(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut words = format!("{what}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Errors of the NATS library repeat their cause.
            if !words.ends_with(&text) {
                words += &format!(": {text}");
            }
            cause = error.source();
        }
        Self(words)
    }
}

impl std::fmt::Display for ClusterError {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StoreError> for ClusterError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}
