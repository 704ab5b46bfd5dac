//! The routes.

mod assets;
mod conversions;
mod events;
mod inspector_api;
mod not_found;
mod pixel_config;
mod request_context;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use crate::Collector;

/// The router of all routes.
pub fn router(collector: Arc<Collector>) -> Router {
    Router::new()
        .route(
            "/",
            get(async || Redirect::to("/shop/?oppref=demo-click-1")),
        )
        .merge(events::router())
        .merge(pixel_config::router())
        .merge(inspector_api::router(&collector))
        .merge(conversions::router())
        .merge(assets::router(&collector.config.assets))
        .fallback(not_found::not_found)
        .method_not_allowed_fallback(not_found::method_not_allowed)
        .with_state(collector)
}
