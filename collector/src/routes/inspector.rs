//! What has arrived, as data: for the inspector's page, for tests, for `curl`.
//!
//! Without CORS on purpose: pages of other origins can neither read nor clear it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::Collector;
use crate::live::Listing;
use crate::query::Query;
use crate::refusal::Refusal;

/// `/events.json` and `/events/stream`.
pub fn router() -> Router<Arc<Collector>> {
    Router::new()
        .route("/events.json", get(list).delete(clear))
        .route("/events/stream", get(stream))
}

/// `{"events":[…]}`, newest first; `?pixel=` picks one pixel's, `?limit=` the newest so many.
async fn list(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let limit = match query.get("limit") {
        None => usize::MAX,
        Some(limit) => limit
            .parse()
            .map_err(|_| Refusal::bad_request(format!("limit={limit} is not a whole number")))?,
    };
    let entries = collector.inbox.newest(query.get("pixel"), limit);
    let json = serde_json::to_string(&Listing { events: &entries }).map_err(|error| Refusal {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        error: format!("the events cannot be listed: {error}"),
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, json).into_response())
}

async fn clear(State(collector): State<Arc<Collector>>) -> StatusCode {
    collector.inbox.clear();
    StatusCode::NO_CONTENT
}

async fn stream(State(collector): State<Arc<Collector>>) -> impl IntoResponse {
    Sse::new(collector.inbox.stream()).keep_alive(KeepAlive::default())
}
