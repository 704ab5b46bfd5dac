//! The settings of pixels, fetched from OpenAI and cached.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use oaiq_ingest::http::error::ApiError;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::Relay;

/// How long settings hold, as in the pixel.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// How long to wait after a failure before OpenAI is asked again.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// How long OpenAI may take. The pixel waits 3 seconds.
const TIMEOUT: Duration = Duration::from_millis(2_500);

/// The settings of the pixels of the configuration. Each has a lock of its own, so that only one request a pixel goes to
/// OpenAI, and a slow one delays no other pixel.
pub struct PixelConfigs(HashMap<String, Mutex<Cached>>);

/// What OpenAI has answered.
#[derive(Debug, Default)]
struct Cached {
    /// The settings, or that there are none, and when they were fetched.
    answer: Option<(Answer, Instant)>,
    failed_at: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Settings(String),
    NotFound,
}

impl PixelConfigs {
    pub fn new(pixels: impl IntoIterator<Item = String>) -> Self {
        let empty = |pixel| (pixel, Mutex::default());
        Self(pixels.into_iter().map(empty).collect())
    }
}

/// `pixel-config/v1/PIXEL.json` below the prefix.
pub fn router(prefix: &str) -> Router<Arc<Relay>> {
    Router::new().route(
        &format!("{prefix}pixel-config/v1/{{file}}"),
        get(pixel_config),
    )
}

async fn pixel_config(
    State(relay): State<Arc<Relay>>,
    Path(params): Path<HashMap<String, String>>,
) -> Response {
    let file = params.get("file").map_or("", String::as_str);
    let Some((pixel, cached)) = file
        .strip_suffix(".json")
        .and_then(|pixel| relay.pixel_configs.0.get_key_value(pixel))
    else {
        let message =
            "unknown pixel ID: only settings of the pixels in the relay's configuration are served";
        return ApiError::new(StatusCode::NOT_FOUND, message).response();
    };
    let answer = fetch_if_needed(&relay, pixel, &mut *cached.lock().await).await;
    match answer {
        Some(Answer::Settings(settings)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "public, max-age=60"),
            ];
            (headers, settings).into_response()
        }
        Some(Answer::NotFound) => {
            let message = "OpenAI has no settings for this pixel";
            ApiError::new(StatusCode::NOT_FOUND, message).response()
        }
        None => {
            let message = "the settings cannot be fetched from OpenAI at present";
            ApiError::new(StatusCode::BAD_GATEWAY, message).response()
        }
    }
}

/// The settings, from the cache if they are recent or OpenAI cannot be reached.
async fn fetch_if_needed(relay: &Relay, pixel: &str, cached: &mut Cached) -> Option<Answer> {
    let is_recent = |at: &Instant, life: Duration| at.elapsed() < life;
    let fresh = cached.answer.as_ref().filter(|(_, at)| is_recent(at, LIFE));
    let has_failed = cached
        .failed_at
        .is_some_and(|at| is_recent(&at, RETRY_INTERVAL));
    if fresh.is_none() && !has_failed {
        match fetch(relay, pixel).await {
            Ok(answer) => {
                cached.answer = Some((answer, Instant::now()));
                cached.failed_at = None;
            }
            Err(why) => {
                tracing::warn!(pixel, "cannot fetch the pixel's settings: {why}");
                cached.failed_at = Some(Instant::now());
            }
        }
    }
    cached.answer.as_ref().map(|(answer, _)| answer.clone())
}

async fn fetch(relay: &Relay, pixel: &str) -> Result<Answer, String> {
    let response = relay.upstream.pixel_config(pixel, TIMEOUT).await?;
    match response.status {
        200 => match serde_json::from_slice::<Map<String, Value>>(&response.body) {
            Ok(settings) => Ok(Answer::Settings(Value::Object(settings).to_string())),
            Err(_) => Err("the answer is not a JSON object".to_owned()),
        },
        404 => Ok(Answer::NotFound),
        status => Err(format!("OpenAI answered {status}")),
    }
}
