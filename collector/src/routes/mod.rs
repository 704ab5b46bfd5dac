//! What is answered at which address.

mod arrival;
mod conversions;
mod endpoint;
mod inspector;
mod lost;
mod pages;
mod pixel_config;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::Collector;

/// Everything that the collector answers.
pub fn router(collector: Arc<Collector>) -> Router {
    Router::new()
        .route(
            "/",
            get(async || Redirect::to("/shop/?oppref=demo-click-1")),
        )
        .merge(endpoint::router())
        .merge(pixel_config::router())
        .merge(inspector::router(&collector))
        .merge(conversions::router())
        .merge(pages::router(&collector.settings.pages))
        .fallback(lost::lost)
        .method_not_allowed_fallback(lost::wrong_method)
        .with_state(collector)
}
