//! Forwards the events of one pixel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::{Semaphore, watch};

use super::backoff::Backoff;
use super::search::{Outcome, Stop, deliver};
use super::source::Source;
use super::upstream::Upstream;
use crate::clock::{Clock, DAY_MS};
use crate::config::{self, Secret};
use crate::metrics::{Metrics, PixelMetrics};
use crate::store::claim::{Claim, DeadLetter, DueEvent, Reason, Settlement};

/// How many requests of one pixel are in progress at once.
const REQUESTS_AT_ONCE: usize = 4;

/// The most bytes of the events of one request, unless one event alone is larger.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// How long to wait at most before looking for events that are due. The source ends the wait earlier.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// From this age on, an undelivered event is warned of.
const OLD_MS: u64 = 5 * DAY_MS;

/// How often it is warned of.
const WARNING_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How often it is tried to record what was delivered, while the store is failing.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    pub pixel: String,
    /// The Conversions API key. Without one, events only expire.
    pub key: Option<Secret>,
    pub source: Source,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub pixel_metrics: Option<PixelMetrics>,
    pub upstream: Upstream,
    pub settings: config::Upstream,
    pub requests: Arc<Semaphore>,
    pub stopping: watch::Receiver<bool>,
}

/// What to do next.
enum Next {
    /// More events may be due.
    Continue,
    /// Sleep until an event is due or arrives.
    SleepUntilWoken(Duration),
    /// Sleep, whatever arrives.
    SleepFor(Duration),
}

/// What a worker remembers.
struct State {
    backoff: Backoff,
    is_paused: bool,
    warned_at: Option<Instant>,
}

impl Worker {
    /// Runs until the relay stops and nothing more can be delivered.
    pub async fn run(mut self) {
        let mut state = State {
            backoff: Backoff::new(self.settings.backoff_min.0, self.settings.backoff_max.0),
            is_paused: false,
            warned_at: None,
        };
        loop {
            let next = self.step(&mut state).await;
            let (sleep, can_be_woken) = match next {
                Next::Continue => continue,
                Next::SleepUntilWoken(sleep) => (sleep, true),
                Next::SleepFor(sleep) => (sleep, false),
            };
            // What is not due or cannot be delivered now stays where it is.
            self.source.release().await;
            if *self.stopping.borrow() {
                return;
            }
            let wait = async {
                if can_be_woken {
                    self.source.wait(sleep).await;
                } else {
                    tokio::time::sleep(sleep).await;
                }
            };
            tokio::select! {
                () = wait => {}
                _ = self.stopping.changed() => {}
            }
        }
    }

    async fn step(&mut self, state: &mut State) -> Next {
        let is_careful = state.is_paused || state.backoff.failures() > 0;
        let requests = if is_careful { 1 } else { REQUESTS_AT_ONCE };
        let per_request = match state.backoff.is_open() {
            true => 1,
            false => self.settings.max_batch,
        };
        let now_ms = self.clock.now_ms();
        let claim = Claim {
            pixel: self.pixel.clone(),
            now_ms,
            max_events: per_request * requests,
            max_bytes: MAX_REQUEST_BYTES * requests,
        };
        let claimed = match self.source.claim(claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(
                    pixel = self.pixel,
                    "cannot read undelivered events: {error}"
                );
                return Next::SleepFor(SETTLE_INTERVAL);
            }
        };
        self.warn_of_age(state, claimed.oldest_ms, now_ms);
        let mut settlement = Settlement {
            now_ms,
            dead: claimed
                .expired
                .iter()
                .map(|seq| DeadLetter {
                    seq: *seq,
                    reason: Reason::expired(),
                })
                .collect(),
            unconfirmed: claimed.unconfirmed,
            delivered: Vec::new(),
        };
        let has_more = claimed.next_due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        let mut stop = None;
        if let Some(key) = self.key.as_ref().filter(|_| !claimed.events.is_empty()) {
            let batches = split(claimed.events, per_request);
            let requests = join_all(batches.into_iter().map(|batch| self.deliver(key, batch)));
            let outcomes = tokio::select! {
                outcomes = requests => outcomes,
                never = self.source.hold() => match never {},
            };
            for outcome in outcomes {
                let joined = outcome.delivered.iter().filter_map(|event| event.joined_by);
                joined.for_each(|link| self.metrics.joined(link));
                settlement
                    .delivered
                    .extend(outcome.delivered.iter().map(|event| event.seq));
                settlement.dead.extend(outcome.dead);
                stop = stop.or(outcome.stop);
            }
        } else if !claimed.events.is_empty() {
            // The pixel is not in the configuration.
            self.settle(settlement).await;
            return Next::SleepUntilWoken(MAX_SLEEP);
        }
        let has_sent = !settlement.delivered.is_empty();
        if !self.settle(settlement).await {
            return Next::SleepFor(SETTLE_INTERVAL);
        }
        match stop {
            Some(stop) => self.on_stop(state, stop),
            None => {
                if has_sent {
                    self.on_success(state);
                }
                if has_more {
                    return Next::Continue;
                }
                let sleep = claimed.next_due_ms.map_or(MAX_SLEEP, |due_ms| {
                    Duration::from_millis(due_ms.saturating_sub(now_ms)).min(MAX_SLEEP)
                });
                Next::SleepUntilWoken(sleep)
            }
        }
    }

    async fn deliver(&self, key: &Secret, events: Vec<DueEvent>) -> Outcome {
        deliver(events, async |batch: Vec<DueEvent>| {
            // The semaphore is never closed.
            let _permit = self.requests.acquire().await;
            let start = Instant::now();
            let answer = self.upstream.send(&self.pixel, key, &batch).await;
            let seconds = start.elapsed().as_secs_f64();
            self.metrics.upstream_seconds.record(seconds);
            answer
        })
        .await
    }

    /// Records what became of events. It must succeed before more is sent: otherwise the same events would be sent again and
    /// again while the disk is full. False if the relay stops before that.
    async fn settle(&mut self, settlement: Settlement) -> bool {
        if settlement.is_empty() {
            return true;
        }
        for DeadLetter { reason, .. } in &settlement.dead {
            tracing::warn!(
                pixel = self.pixel,
                status = reason.status,
                code = reason.code,
                field = reason.field,
                request_id = reason.request_id,
                "an event cannot be delivered: see `oaiq-relay dead list`"
            );
        }
        let settlement = Arc::new(settlement);
        while let Err(error) = self.source.settle(&settlement).await {
            tracing::error!(
                pixel = self.pixel,
                "cannot record what was delivered: {error}"
            );
            if *self.stopping.borrow() {
                return false;
            }
            tokio::time::sleep(SETTLE_INTERVAL).await;
        }
        if let Some(metrics) = &self.pixel_metrics {
            metrics
                .delivered
                .increment(settlement.delivered.len() as u64);
            metrics.dead.increment(settlement.dead.len() as u64);
            metrics
                .unconfirmed
                .increment(settlement.unconfirmed.len() as u64);
        }
        true
    }

    fn on_stop(&self, state: &mut State, stop: Stop) -> Next {
        match stop {
            Stop::Refused(reason) => {
                if !std::mem::replace(&mut state.is_paused, true) {
                    tracing::error!(
                        pixel = self.pixel,
                        status = reason.status,
                        code = reason.code,
                        request_id = reason.request_id,
                        "OpenAI refuses this pixel: {} Its events are kept. {}",
                        reason.message,
                        advice(reason.status)
                    );
                }
                self.show(state);
                Next::SleepFor(self.settings.probe_interval.0)
            }
            Stop::TryLater { after, why } => {
                let was_open = state.backoff.is_open();
                let wait = state.backoff.fail(after, rand::random());
                if let Some(metrics) = &self.pixel_metrics {
                    metrics.failures.increment(1);
                }
                if state.backoff.is_open() && !was_open {
                    tracing::error!(
                        pixel = self.pixel,
                        "{} requests to OpenAI have failed in a row: one event at a time is tried until one succeeds",
                        state.backoff.failures()
                    );
                }
                tracing::warn!(
                    pixel = self.pixel,
                    "{why}; trying again in {:.1} s",
                    wait.as_secs_f64()
                );
                self.show(state);
                Next::SleepFor(wait)
            }
        }
    }

    fn on_success(&self, state: &mut State) {
        if std::mem::take(&mut state.is_paused) {
            tracing::info!(pixel = self.pixel, "OpenAI accepts this pixel again");
        }
        if state.backoff.failures() > 0 {
            tracing::info!(
                pixel = self.pixel,
                "requests to OpenAI succeed again, after {} failures",
                state.backoff.failures()
            );
            state.backoff.succeed();
        }
        self.show(state);
    }

    fn show(&self, state: &State) {
        if let Some(metrics) = &self.pixel_metrics {
            metrics.paused.set(f64::from(u8::from(state.is_paused)));
            metrics
                .breaker_open
                .set(f64::from(u8::from(state.backoff.is_open())));
        }
    }

    fn warn_of_age(&self, state: &mut State, oldest_ms: Option<u64>, now_ms: u64) {
        let is_old = oldest_ms.is_some_and(|oldest_ms| oldest_ms.saturating_add(OLD_MS) < now_ms);
        let is_silent = state
            .warned_at
            .is_none_or(|warned_at| warned_at.elapsed() >= WARNING_INTERVAL);
        if is_old && is_silent {
            state.warned_at = Some(Instant::now());
            tracing::warn!(
                pixel = self.pixel,
                "there are undelivered events that are more than 5 days old: after 7 days OpenAI takes them no more, and they become dead letters"
            );
        }
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 => {
            "Put the pixel's key of the Conversions API, with the right to send events, into its key_file, and restart the relay."
        }
        403 => {
            "Check that the pixel's ID is right and that the key belongs to the same ad account."
        }
        _ => "Check upstream.url.",
    }
}

/// Splits events into requests.
fn split(events: Vec<DueEvent>, per_request: usize) -> Vec<Vec<DueEvent>> {
    let mut batches: Vec<Vec<DueEvent>> = Vec::new();
    let mut bytes = 0;
    for event in events {
        let length = event.json.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < per_request && bytes + length <= MAX_REQUEST_BYTES => {
                bytes += length;
                batch.push(event);
            }
            _ => {
                bytes = length;
                batches.push(vec![event]);
            }
        }
    }
    batches
}
