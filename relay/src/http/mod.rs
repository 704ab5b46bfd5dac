//! The HTTP server for browsers, the site's backend, and operators.

pub mod assets;
mod backend;
mod browser;
pub mod client_address;
pub mod cookies;
mod error;
mod forget;
mod limit;
mod operate;
mod origin;
mod pixel_config;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use oaiq_ingest::http::body::BodyReader;
use oaiq_ingest::http::error::ApiError;
use oaiq_ingest::http::serve::Peer;
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use operate::router as operating_router;

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::config::{Config, Keys, Origin};
use crate::forward::Upstream;
use crate::metrics::Metrics;
use crate::store::forget::Person;
use crate::store::{Store, StoreError};
use assets::Assets;
use client_address::{ClientAddress, client_address};
use cookies::{CookieSetter, Cookies};
use limit::Limiter;
use pixel_config::PixelConfigs;

/// How long a client may take to send the headers, and again to send the body.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// What all handlers share.
pub struct Relay {
    /// The configuration.
    pub config: Config,
    /// The keys.
    pub keys: Keys,
    /// The store.
    pub store: Store,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// The cluster, if the relay belongs to one.
    pub cluster: Option<Cluster>,
    /// OpenAI.
    pub upstream: Upstream,
    assets: Assets,
    limiter: Limiter,
    pixel_configs: PixelConfigs,
    body_reader: BodyReader,
    is_stopping: AtomicBool,
}

impl Relay {
    /// A relay that takes requests.
    pub fn new(
        config: Config,
        keys: Keys,
        store: Store,
        metrics: Arc<Metrics>,
        upstream: Upstream,
        assets: Assets,
        read_timeout: Duration,
    ) -> Self {
        Self {
            limiter: Limiter::per_minute(config.limit_per_address),
            pixel_configs: PixelConfigs::new(config.pixel.iter().map(|pixel| pixel.id.clone())),
            body_reader: BodyReader::new(read_timeout),
            is_stopping: AtomicBool::new(false),
            config,
            keys,
            store,
            metrics,
            cluster: None,
            upstream,
            assets,
        }
    }

    /// The files of the pixel.
    pub const fn assets(&self) -> &Assets {
        &self.assets
    }

    /// From now on it is not ready.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Forgets the addresses that have sent nothing for a while.
    pub fn forget_idle_addresses(&self) {
        self.limiter.forget_idle();
    }

    fn clock(&self) -> &Clock {
        self.store.clock()
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    fn client_address(&self, peer: Peer, headers: &HeaderMap) -> ClientAddress {
        client_address(
            peer.0.ip(),
            headers,
            &self.config.trusted_proxies.0,
            self.config.forwarded_header,
        )
    }

    /// Sets or deletes the cookies of a page's visitor.
    fn cookie_setter<'a>(&'a self, origin: &'a Origin) -> CookieSetter<'a> {
        CookieSetter {
            config: &self.config.cookie,
            origin,
            prefix: &self.config.paths.prefix,
        }
    }

    /// Deletes all that is stored of the visitor with these cookies.
    async fn forget_visitor(&self, cookies: &Cookies) -> Result<(), StoreError> {
        let obrefs = cookies.obrefs();
        if !obrefs.is_empty() {
            let person = Person {
                obrefs,
                hashes: Vec::new(),
                pixels: self.keys.pixels.keys().cloned().collect(),
            };
            self.store.forget(person).await?;
            self.metrics.forgotten.increment(1);
        }
        Ok(())
    }

    fn knows_pixel(&self, pixel: &str) -> bool {
        self.keys.pixels.contains_key(pixel)
    }
}

/// The router for browsers and the site's backend.
pub fn router(relay: Arc<Relay>) -> Router {
    let prefix = relay.config.paths.prefix.clone();
    // Pages that load the script from its immutable address find everything else beside it.
    let versioned = format!("{prefix}{{version}}/");
    let origins: Vec<HeaderValue> = relay
        .config
        .origins
        .0
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok())
        .collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(Duration::from_secs(24 * 60 * 60));
    let for_pages = Router::new()
        .merge(browser::router(&prefix))
        .merge(browser::router(&versioned))
        .merge(pixel_config::router(&prefix))
        .merge(pixel_config::router(&versioned))
        .merge(assets::router(&prefix))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors);
    Router::new()
        .merge(for_pages)
        // No CORS headers: a page must not hold these keys.
        .merge(backend::router(&prefix))
        .merge(forget::router(&prefix))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(relay)
}

async fn not_found() -> impl IntoResponse {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "nothing is here; oaiq-relay serves oaiq.min.js, v1/sdk/events, v1/events and pixel-config/v1 below paths.prefix",
    )
    .response()
}

async fn method_not_allowed(method: Method, uri: Uri) -> impl IntoResponse {
    let allowed = match uri.path() {
        path if path.ends_with("/v1/sdk/events") => "POST, or GET for an image tag",
        path if path.ends_with("/v1/events") => "POST, from a server",
        path if path.ends_with("/v1/forget") => "POST, from a server",
        _ => "GET",
    };
    let message = format!("{method} is not allowed here; use {allowed}");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message).response()
}
