//! The site's own servers send their events here, in the format of the Conversions API.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use oaiq_ingest::conversions_api::{self, ServerEvent};
use oaiq_ingest::http::body::MAX_CONVERSIONS_BODY_BYTES;
use oaiq_ingest::http::error::ConversionsError;
use oaiq_ingest::http::query::Query;
use oaiq_ingest::http::serve::Peer;
use serde_json::json;

use super::Relay;
use super::browser::store_events;
use super::error::Refused;
use crate::event::{from_backend, raw_id_violation};
use crate::metrics::{Refusal, Source};

/// `v1/events` below the prefix.
pub fn router(prefix: &str) -> Router<Arc<Relay>> {
    Router::new().route(&format!("{prefix}v1/events"), post(post_events))
}

async fn post_events(
    State(relay): State<Arc<Relay>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    relay.metrics.received(Source::Backend);
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let mut response = match take(&relay, peer, &query, &headers, body).await {
        Ok(count) => {
            let content_type = [(header::CONTENT_TYPE, "application/json")];
            let response = json!({ "accepted_events": count });
            (content_type, response.to_string()).into_response()
        }
        Err(refused) => {
            relay.metrics.refused(Source::Backend, refused.reason, 1);
            refused.log();
            ConversionsError(refused.error).response()
        }
    };
    let id = format!("req_{:032x}", rand::random::<u128>());
    // Hexadecimal digits are valid in a header, so this cannot fail.
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn take(
    relay: &Relay,
    peer: Peer,
    query: &Query,
    headers: &HeaderMap,
    body: Body,
) -> Result<usize, Refused> {
    // The body is read even if the key is wrong: otherwise the response would not reach a client that still sends.
    let body = relay
        .body_reader
        .read(headers, body, MAX_CONVERSIONS_BODY_BYTES)
        .await?;
    check_key(relay, peer, headers)?;
    let pixel = match query.get_non_empty("pid") {
        Some(pixel) if relay.knows_pixel(pixel) => pixel,
        Some(_) => return Err(Refused::unknown_pixel()),
        None => {
            let message = "the URL has no `pid`, the pixel ID: …/v1/events?pid=PIXEL";
            let refused = Refused::new(Refusal::Invalid, StatusCode::BAD_REQUEST, message);
            return Err(Refused {
                error: refused.error.with_param("pid", "missing_pid"),
                ..refused
            });
        }
    };
    let received_ms = relay.clock().now_ms();
    let mut request = conversions_api::parse(&body.bytes, received_ms)?;
    for event in &mut request.events {
        event.violations.extend(raw_id_violation(&event.id));
    }
    if let Some(rejection) = conversions_api::rejection(&request.events) {
        log(pixel, &request.events);
        return Err(rejection.into());
    }
    let count = request.events.len();
    if request.validate_only {
        return Ok(count);
    }
    let events: Option<Vec<_>> = request.events.iter().map(from_backend).collect();
    // A valid event can be mapped.
    let events = events.ok_or_else(|| {
        Refused::new(
            Refusal::Invalid,
            StatusCode::BAD_REQUEST,
            "an event cannot be read",
        )
    })?;
    store_events(relay, Source::Backend, pixel, received_ms, None, events).await?;
    drop(body);
    Ok(count)
}

/// Whether the request has the backend's key. Wrong keys are counted against the address, so that nobody can try many.
pub fn check_key(relay: &Relay, peer: Peer, headers: &HeaderMap) -> Result<(), Refused> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, key)| key.trim());
    let message = match (&relay.keys.backend, given) {
        (Some(expected), Some(given)) if expected.matches(given) => return Ok(()),
        (None, _) => {
            "this relay takes no events of servers: add a section [backend] to its configuration"
        }
        (Some(_), None) => {
            "missing key: send the header `Authorization: Bearer KEY` with the relay's backend key"
        }
        (Some(_), Some(_)) => {
            "wrong key: send the relay's own backend key ([backend] in its configuration), not the one of OpenAI"
        }
    };
    let client = relay.client_address(peer, headers);
    relay.limiter.check(client.counted_as)?;
    Err(Refused::new(
        Refusal::Key,
        StatusCode::UNAUTHORIZED,
        message,
    ))
}

/// Logs what is wrong, without values.
fn log(pixel: &str, events: &[ServerEvent]) {
    for violation in events.iter().flat_map(|event| &event.violations).take(10) {
        tracing::warn!(
            pixel,
            field = violation.field,
            code = conversions_api::code(violation),
            "the backend's events were refused"
        );
    }
}
