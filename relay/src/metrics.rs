//! Counters for Prometheus. None has an identifier of a visitor.

use std::collections::BTreeMap;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram, with_local_recorder,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::cluster::Status;
use crate::key::Link;
use crate::store::stats::Stats;

/// The bounds of the buckets for durations, in seconds.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A batch of the pixel.
    Browser,
    /// An image tag.
    Image,
    /// The site's own server.
    Backend,
}

impl Source {
    const ALL: [Self; 3] = [Self::Browser, Self::Image, Self::Backend];

    const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Image => "image",
            Self::Backend => "backend",
        }
    }
}

/// Why a request or an event was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The page's origin is not listed.
    Origin,
    /// The pixel is not listed.
    Pixel,
    /// The address has sent too many requests.
    Limit,
    /// The backend's key is missing or wrong.
    Key,
    /// The request or the event breaks a rule.
    Invalid,
    /// The body is too large, compressed, or did not arrive in time.
    Body,
    /// The store takes no events.
    Unavailable,
}

impl Refusal {
    const ALL: [Self; 7] = [
        Self::Origin,
        Self::Pixel,
        Self::Limit,
        Self::Key,
        Self::Invalid,
        Self::Body,
        Self::Unavailable,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Pixel => "pixel",
            Self::Limit => "limit",
            Self::Key => "key",
            Self::Invalid => "invalid",
            Self::Body => "body",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Why a request was answered, but nothing of it stored or forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withheld {
    /// The batch is stripped.
    Stripped,
    /// The visitor has denied consent.
    Denied,
    /// The browser sends Global Privacy Control.
    Gpc,
}

impl Withheld {
    const ALL: [Self; 3] = [Self::Stripped, Self::Denied, Self::Gpc];

    const fn name(self) -> &'static str {
        match self {
            Self::Stripped => "stripped",
            Self::Denied => "denied",
            Self::Gpc => "gpc",
        }
    }
}

/// All counters of a relay.
pub struct Metrics {
    handle: PrometheusHandle,
    received: BTreeMap<Source, Counter>,
    accepted: BTreeMap<Source, Counter>,
    refused: BTreeMap<(Source, Refusal), Counter>,
    withheld: BTreeMap<Withheld, Counter>,
    joined: Vec<(Link, Counter)>,
    pixels: BTreeMap<String, PixelMetrics>,
    /// Events that were accepted before.
    pub duplicates: Counter,
    /// Events that were merged with their other half.
    pub merged: Counter,
    /// The pixel's own events, which are not forwarded.
    pub internal: Counter,
    /// People whose data was deleted.
    pub forgotten: Counter,
    /// How long requests to OpenAI take. Not by pixel: it does not depend on the pixel, and thousands of histograms would need
    /// much memory.
    pub upstream_seconds: Histogram,
    /// How long it takes to store a request.
    pub store_seconds: Histogram,
    store_bytes: Gauge,
    store_writable: Gauge,
    clicks: Gauge,
    nats_down: Gauge,
}

/// The counters of one pixel.
#[derive(Clone)]
pub struct PixelMetrics {
    /// Events that OpenAI has accepted.
    pub delivered: Counter,
    /// Events that became dead letters.
    pub dead: Counter,
    /// Browsers' events that the backend has not sent in time.
    pub unconfirmed: Counter,
    /// Requests to OpenAI that failed.
    pub failures: Counter,
    /// 1 while OpenAI refuses the pixel's key.
    pub paused: Gauge,
    /// 1 while so many requests have failed in a row that only one event at a time is tried.
    pub breaker_open: Gauge,
    /// Events that NATS has taken over.
    pub handed_over: Counter,
    cluster_events: Gauge,
    outbox_events: Gauge,
    outbox_held: Gauge,
    outbox_oldest_seconds: Gauge,
    dead_letters: Gauge,
}

impl Metrics {
    /// All counters at zero, for these pixels.
    pub fn new<'a>(pixels: impl IntoIterator<Item = &'a str>) -> Self {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        // It fails only for an empty list.
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(seconds, &SECONDS)
            .unwrap_or_default();
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        with_local_recorder(&recorder, || Self::register(handle, pixels))
    }

    fn register<'a>(handle: PrometheusHandle, pixels: impl IntoIterator<Item = &'a str>) -> Self {
        describe_all();
        let by_source = |name: &'static str| {
            let counters =
                Source::ALL.map(|source| (source, counter!(name, "source" => source.name())));
            counters.into_iter().collect()
        };
        let refused = Source::ALL.into_iter().flat_map(|source| {
            Refusal::ALL.map(|reason| {
                let counter = counter!("oaiq_relay_refused_total", "source" => source.name(), "reason" => reason.name());
                ((source, reason), counter)
            })
        });
        Self {
            handle,
            received: by_source("oaiq_relay_received_total"),
            accepted: by_source("oaiq_relay_accepted_total"),
            refused: refused.collect(),
            withheld: Withheld::ALL
                .map(|reason| {
                    (
                        reason,
                        counter!("oaiq_relay_withheld_total", "reason" => reason.name()),
                    )
                })
                .into_iter()
                .collect(),
            joined: Link::ALL
                .map(|link| {
                    (
                        link,
                        counter!("oaiq_relay_joined_total", "by" => link.name()),
                    )
                })
                .into(),
            pixels: pixels
                .into_iter()
                .map(|pixel| (pixel.to_owned(), PixelMetrics::register(pixel)))
                .collect(),
            duplicates: counter!("oaiq_relay_duplicates_total"),
            merged: counter!("oaiq_relay_merged_total"),
            internal: counter!("oaiq_relay_internal_total"),
            forgotten: counter!("oaiq_relay_forgotten_total"),
            upstream_seconds: histogram!("oaiq_relay_upstream_seconds"),
            store_seconds: histogram!("oaiq_relay_store_seconds"),
            store_bytes: gauge!("oaiq_relay_store_bytes"),
            store_writable: gauge!("oaiq_relay_store_writable"),
            clicks: gauge!("oaiq_relay_clicks"),
            nats_down: gauge!("oaiq_relay_nats_down"),
        }
    }

    /// A request has arrived.
    pub fn received(&self, source: Source) {
        if let Some(counter) = self.received.get(&source) {
            counter.increment(1);
        }
    }

    /// Events are on the disk, duplicates included.
    pub fn accepted(&self, source: Source, count: usize) {
        if let Some(counter) = self.accepted.get(&source) {
            counter.increment(count as u64);
        }
    }

    /// Requests or events were refused.
    pub fn refused(&self, source: Source, reason: Refusal, count: usize) {
        if let Some(counter) = self.refused.get(&(source, reason)) {
            counter.increment(count as u64);
        }
    }

    /// A request was answered, but nothing of it stored or forwarded.
    pub fn withheld(&self, reason: Withheld) {
        if let Some(counter) = self.withheld.get(&reason) {
            counter.increment(1);
        }
    }

    /// A backend's event was delivered with a click that it lacked.
    pub fn joined(&self, link: Link) {
        if let Some((_, counter)) = self.joined.iter().find(|(known, _)| *known == link) {
            counter.increment(1);
        }
    }

    /// The counters of a pixel of the configuration.
    pub fn pixel(&self, pixel: &str) -> Option<&PixelMetrics> {
        self.pixels.get(pixel)
    }

    /// Sets the gauges from what is stored.
    pub fn set_stats(&self, stats: &Stats, is_writable: bool) {
        self.store_bytes.set(stats.bytes as f64);
        self.store_writable.set(f64::from(u8::from(is_writable)));
        self.clicks.set(stats.clicks as f64);
        for (id, metrics) in &self.pixels {
            let pixel = stats.pixels.get(id).copied().unwrap_or_default();
            metrics.outbox_events.set(pixel.events as f64);
            metrics.outbox_held.set(pixel.held as f64);
            metrics
                .outbox_oldest_seconds
                .set(pixel.oldest_age_ms as f64 / 1_000.0);
            metrics.dead_letters.set(pixel.dead as f64);
        }
    }

    /// Sets the gauges of the cluster. Without a status, they keep their values.
    pub fn set_cluster(&self, status: Option<&Status>, is_down: bool) {
        self.nats_down.set(f64::from(u8::from(is_down)));
        for (id, pixel) in status.iter().flat_map(|status| &status.pixels) {
            if let Some(metrics) = self.pixels.get(id) {
                metrics.cluster_events.set(pixel.undelivered as f64);
            }
        }
    }

    /// The text for Prometheus.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Sorts recorded durations into their buckets. Without this, they would use more and more memory.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl PixelMetrics {
    fn register(pixel: &str) -> Self {
        let label = || pixel.to_owned();
        Self {
            delivered: counter!("oaiq_relay_delivered_total", "pixel" => label()),
            dead: counter!("oaiq_relay_dead_total", "pixel" => label()),
            unconfirmed: counter!("oaiq_relay_unconfirmed_total", "pixel" => label()),
            failures: counter!("oaiq_relay_upstream_failures_total", "pixel" => label()),
            paused: gauge!("oaiq_relay_paused", "pixel" => label()),
            breaker_open: gauge!("oaiq_relay_breaker_open", "pixel" => label()),
            handed_over: counter!("oaiq_relay_handed_over_total", "pixel" => label()),
            cluster_events: gauge!("oaiq_relay_cluster_events", "pixel" => label()),
            outbox_events: gauge!("oaiq_relay_outbox_events", "pixel" => label()),
            outbox_held: gauge!("oaiq_relay_outbox_held_events", "pixel" => label()),
            outbox_oldest_seconds: gauge!("oaiq_relay_outbox_oldest_age_seconds", "pixel" => label()),
            dead_letters: gauge!("oaiq_relay_dead_letters", "pixel" => label()),
        }
    }
}

fn describe_all() {
    for (name, text) in [
        (
            "oaiq_relay_received_total",
            "Requests with events, by sender.",
        ),
        (
            "oaiq_relay_accepted_total",
            "Events that are on the disk, duplicates included, by sender.",
        ),
        (
            "oaiq_relay_refused_total",
            "Requests or events that were refused, by sender and reason.",
        ),
        (
            "oaiq_relay_withheld_total",
            "Requests of which nothing was stored or forwarded, because consent is missing.",
        ),
        (
            "oaiq_relay_joined_total",
            "Events of the backend that were delivered with a click that they lacked, by what led to it.",
        ),
        (
            "oaiq_relay_duplicates_total",
            "Events that were accepted before.",
        ),
        (
            "oaiq_relay_merged_total",
            "Events that were merged with their other half.",
        ),
        (
            "oaiq_relay_internal_total",
            "The pixel's own events, which are not forwarded.",
        ),
        (
            "oaiq_relay_forgotten_total",
            "Requests to delete a visitor's data, and denials of consent.",
        ),
        (
            "oaiq_relay_delivered_total",
            "Events that OpenAI has accepted.",
        ),
        ("oaiq_relay_dead_total", "Events that became dead letters."),
        (
            "oaiq_relay_handed_over_total",
            "Events that were handed over to NATS, and deleted from this relay's store.",
        ),
        (
            "oaiq_relay_unconfirmed_total",
            "Browsers' events that were dropped, because the backend has not sent them in time.",
        ),
        (
            "oaiq_relay_upstream_failures_total",
            "Requests to OpenAI that failed and are tried again.",
        ),
    ] {
        describe_counter!(name, text);
    }
    for (name, text) in [
        (
            "oaiq_relay_paused",
            "1 while OpenAI refuses the pixel's key or requests.",
        ),
        (
            "oaiq_relay_breaker_open",
            "1 while so many requests have failed in a row that one event at a time is tried.",
        ),
        (
            "oaiq_relay_outbox_events",
            "Events that are not delivered yet.",
        ),
        (
            "oaiq_relay_outbox_held_events",
            "Of these, events that wait for their other half.",
        ),
        (
            "oaiq_relay_outbox_oldest_age_seconds",
            "How long ago the oldest of them was received.",
        ),
        (
            "oaiq_relay_cluster_events",
            "Events in NATS that no relay has delivered yet.",
        ),
        (
            "oaiq_relay_nats_down",
            "1 while events cannot be handed over to NATS and stay in the store.",
        ),
        ("oaiq_relay_dead_letters", "Dead letters that are stored."),
        ("oaiq_relay_clicks", "Ad clicks that are stored."),
        ("oaiq_relay_store_bytes", "Bytes of data in the store."),
        (
            "oaiq_relay_store_writable",
            "0 while the store takes no events.",
        ),
    ] {
        describe_gauge!(name, text);
    }
    describe_histogram!(
        "oaiq_relay_upstream_seconds",
        "How long requests to OpenAI take."
    );
    describe_histogram!(
        "oaiq_relay_store_seconds",
        "How long it takes to store a request."
    );
}
