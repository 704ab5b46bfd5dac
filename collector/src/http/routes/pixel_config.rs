//! A pixel's settings, which at OpenAI the advertiser sets.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::cors::{Any, CorsLayer};

use super::not_found::{lost, wrong_method};
use crate::Collector;
use crate::http::error::Refusal;

/// The same for every pixel that there is.
const SETTINGS: &str = r#"{"automatic_advanced_matching_enabled": false}"#;

/// `GET /pixel-config/v1/<pixelId>.json`, readable from every page.
pub fn router() -> Router<Arc<Collector>> {
    Router::new()
        .route("/pixel-config/v1/{file}", get(settings))
        .method_not_allowed_fallback(wrong_method)
        .layer(CorsLayer::new().allow_origin(Any).allow_headers(Any))
}

async fn settings(State(collector): State<Arc<Collector>>, Path(file): Path<String>) -> Response {
    match file.strip_suffix(".json") {
        Some(pixel) if !collector.has_pixel(pixel) => {
            Refusal::new(StatusCode::NOT_FOUND, collector.no_such_pixel()).into_response()
        }
        Some(pixel) if !pixel.is_empty() => {
            ([(header::CONTENT_TYPE, "application/json")], SETTINGS).into_response()
        }
        _ => lost().await.into_response(),
    }
}
