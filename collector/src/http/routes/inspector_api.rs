//! The received events as JSON: for the inspector, for tests, for `curl`.
//!
//! It has no CORS headers on purpose: pages of other origins can neither read nor clear events. To stop DNS rebinding (a
//! page's host name that resolves to this machine), a collector that listens on loopback responds only if the `Host`
//! header names a loopback address.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use serde_json::json;

use crate::Collector;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::store::index::MAX_EVENTS;
use crate::store::record::EventRecord;
use crate::store::writer::EventQuery;

/// How much is read at once, so that a long list is never in memory as a whole.
const PAGE: EventQuery = EventQuery {
    pixel: None,
    before: None,
    limit: 500,
    max_bytes: 512 * 1024,
};

/// `/events.json`, `/events/stream` and `/inspector/facts.json`.
pub fn router(collector: &Arc<Collector>) -> Router<Arc<Collector>> {
    Router::new()
        .route("/events.json", get(list).delete(clear))
        .route("/events/stream", get(stream))
        .route("/inspector/facts.json", get(facts))
        .layer(from_fn_with_state(
            Arc::clone(collector),
            reject_foreign_hosts,
        ))
}

async fn reject_foreign_hosts(
    State(collector): State<Arc<Collector>>,
    request: Request,
    next: Next,
) -> Response {
    if collector.config.is_loopback && !is_loopback_host(request.headers()) {
        let error = "this collector listens on loopback and shows events only under http://localhost and \
            http://127.0.0.1: open one of these, or start the collector with --host ADDRESS";
        return ApiError::new(StatusCode::FORBIDDEN, error).into_response();
    }
    next.run(request).await
}

fn is_loopback_host(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_loopback = |name: &str| {
        name.parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
    };
    name.eq_ignore_ascii_case("localhost")
        || is_loopback(name.trim_start_matches('[').trim_end_matches(']'))
}

/// `{"events":[…]}`, newest first. `?pixel=` selects one pixel's, `?before=` those with a smaller `seq`, and `?limit=` at
/// most this many.
async fn list(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let number = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(number) => number.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!(
                "{name}={number} is invalid: it must be a whole number"
            ))
        }),
    };
    let event_query = EventQuery {
        pixel: query.get("pixel").map(ToOwned::to_owned),
        before: number("before")?,
        limit: number("limit")?.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        }),
        max_bytes: PAGE.max_bytes,
    };
    let mut list = List::new(collector, event_query);
    // Read before the response begins, so that it can still be an error.
    let first = list.next().await?;
    let rest = stream::unfold((list, Some(first)), async |(mut list, first)| {
        let piece = match first {
            Some(first) => first,
            None => match list.next().await {
                Ok(piece) => piece,
                // Cut the response off, so that it is not taken for the complete list.
                Err(error) => {
                    return Some((Err(std::io::Error::other(error.message)), (list, None)));
                }
            },
        };
        piece.map(|piece| (Ok(piece), (list, None)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(rest)).into_response())
}

/// A list that is read and serialized piece by piece.
struct List {
    collector: Arc<Collector>,
    query: EventQuery,
    has_started: bool,
    has_ended: bool,
}

impl List {
    fn new(collector: Arc<Collector>, query: EventQuery) -> Self {
        Self {
            collector,
            query,
            has_started: false,
            has_ended: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.has_ended {
            return Ok(None);
        }
        let limit = self.query.limit.min(PAGE.limit);
        let query = EventQuery {
            limit,
            ..self.query.clone()
        };
        let records = self.collector.ingest.query(query).await?;
        self.query.limit -= records.len();
        let mut text =
            String::with_capacity(records.iter().map(EventRecord::json_size).sum::<usize>() + 16);
        if !self.has_started {
            text.push_str(r#"{"events":["#);
        }
        for (i, record) in records.iter().enumerate() {
            if self.has_started || i > 0 {
                text.push(',');
            }
            record.write_json(&mut text);
        }
        self.has_started = true;
        match records.last() {
            Some(last) if self.query.limit > 0 => self.query.before = Some(last.seq),
            _ => {
                self.has_ended = true;
                text.push_str("]}");
            }
        }
        Ok(Some(text.into()))
    }
}

async fn clear(State(collector): State<Arc<Collector>>) -> Result<StatusCode, ApiError> {
    collector.ingest.clear().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stream(State(collector): State<Arc<Collector>>) -> impl IntoResponse {
    Sse::new(collector.ingest.subscribe()).keep_alive(KeepAlive::default())
}

/// How the collector was started; the inspector's checks depend on it.
async fn facts(State(collector): State<Arc<Collector>>) -> impl IntoResponse {
    let config = &collector.config;
    let facts = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "listening": config.listening,
        "pixels": config.pixels,
        "key_given": config.key.is_some(),
        "stored": collector.ingest.stored_count(),
        "most": MAX_EVENTS,
    });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, facts.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn loopback_hosts_are_recognized() {
        for (host, expected) in [
            ("localhost:8787", true),
            ("LOCALHOST", true),
            ("127.0.0.1:80", true),
            ("127.0.0.2", true),
            ("[::1]:8787", true),
            ("[::1]", true),
            ("evil.example:8787", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("192.168.0.1", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            assert_eq!(is_loopback_host(&headers), expected, "{host}");
        }
    }
}
