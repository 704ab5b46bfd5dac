//! A pixel's settings, which at OpenAI the advertiser sets.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::cors::{Any, CorsLayer};

use super::lost::lost;
use crate::Collector;

/// The same for every pixel.
const SETTINGS: &str = r#"{"automatic_advanced_matching_enabled": false}"#;

/// `GET /pixel-config/v1/<pixelId>.json`, readable from every page.
pub fn router() -> Router<Arc<Collector>> {
    Router::new()
        .route("/pixel-config/v1/{file}", get(settings))
        .layer(CorsLayer::new().allow_origin(Any).allow_headers(Any))
}

async fn settings(Path(file): Path<String>) -> Response {
    match file.strip_suffix(".json") {
        Some(pixel) if !pixel.is_empty() => {
            ([(header::CONTENT_TYPE, "application/json")], SETTINGS).into_response()
        }
        _ => lost().await.into_response(),
    }
}
