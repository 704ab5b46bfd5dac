//! A pixel's config, which the advertiser sets at OpenAI.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::cors::{Any, CorsLayer};

use super::not_found::{method_not_allowed, not_found};
use crate::Collector;
use crate::http::error::ApiError;

/// The same for every pixel.
const PIXEL_CONFIG: &str = r#"{"automatic_advanced_matching_enabled": false}"#;

/// `GET /pixel-config/v1/<pixelId>.json`, readable by any page.
pub fn router() -> Router<Arc<Collector>> {
    Router::new()
        .route("/pixel-config/v1/{file}", get(pixel_config))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CorsLayer::new().allow_origin(Any).allow_headers(Any))
}

async fn pixel_config(
    State(collector): State<Arc<Collector>>,
    Path(file): Path<String>,
) -> Response {
    match file.strip_suffix(".json") {
        Some(pixel) if !collector.knows_pixel(pixel) => {
            ApiError::new(StatusCode::NOT_FOUND, collector.unknown_pixel_message()).into_response()
        }
        Some(pixel) if !pixel.is_empty() => {
            ([(header::CONTENT_TYPE, "application/json")], PIXEL_CONFIG).into_response()
        }
        _ => not_found().await.into_response(),
    }
}
