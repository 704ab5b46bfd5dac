//! What is answered at which address.

mod endpoint;
mod folders;
mod inspector;
mod lost;
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
        .merge(inspector::router())
        .merge(folders::router(&collector.folders))
        .fallback(lost::lost)
        .with_state(collector)
}
