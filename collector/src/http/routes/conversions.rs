//! The Conversions API, for servers.
//!
//! It has no CORS headers on purpose: a page must not hold its key.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::json;

use super::not_found::method_not_allowed;
use super::request_context::RequestContext;
use crate::Collector;
use crate::http::body::MAX_CONVERSIONS_BODY_BYTES;
use crate::http::error::{ApiError, ConversionsError};
use crate::http::query::Query;
use crate::ingest::conversions_api::{self, ConversionsBody, ServerEvent};
use crate::ingest::{EvaluatedEvent, Evaluation, rules};
use crate::store::index::DedupKey;
use crate::store::record::{Transport, Verdict};

const PATH: &str = "/v1/events";

/// The `x-request-id` of a response.
#[derive(Clone)]
struct RequestId(String);

/// `/v1/events`.
pub fn router() -> Router<Arc<Collector>> {
    Router::new()
        .route(PATH, post(post_conversions))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            ConversionsError(method_not_allowed(method, uri).await)
        })
        .layer(middleware::from_fn(with_request_id))
}

/// Adds an `x-request-id` to every response.
async fn with_request_id(mut request: Request, next: Next) -> Response {
    // Each RandomState has its own random keys.
    let half = || RandomState::new().build_hasher().finish();
    let id = format!("req_{:016x}{:016x}", half(), half());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    // Hexadecimal digits are valid in a header, so this cannot fail.
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn post_conversions(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
    Extension(RequestId(request_id)): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ConversionsError> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let mut context = RequestContext::new(&query, &headers, Transport::Server);
    context.request_id = Some(request_id);
    let parsed = async {
        // The body is read even if the key is wrong: otherwise the response would not reach a client that still sends.
        let body = collector
            .body_reader
            .read(&headers, body, MAX_CONVERSIONS_BODY_BYTES)
            .await?;
        context.bytes = body.bytes.len();
        check_bearer(&headers, collector.config.key.as_deref())?;
        let pixel = context.require_pixel(PATH)?;
        if !collector.knows_pixel(pixel) {
            let rejection = ApiError::new(StatusCode::FORBIDDEN, collector.unknown_pixel_message());
            return Err(rejection.with_param("pid", "unknown_pid"));
        }
        let conversions = conversions_api::parse(&body.bytes, context.received_ms)?;
        Ok((conversions, body))
    };
    let (conversions, body) = match parsed.await {
        Ok(parsed) => parsed,
        Err(rejection) => {
            context.record_rejection(&collector, &rejection).await;
            return Err(rejection.into());
        }
    };
    let first_invalid = conversions
        .events
        .iter()
        .position(|event| !event.violations.is_empty());
    let rejection = conversions_api::rejection(&conversions.events);
    let status = rejection
        .as_ref()
        .map_or(StatusCode::OK, |rejection| rejection.status);
    let pixel = context.pixel.clone();
    let ConversionsBody {
        validate_only,
        integration_source,
        events,
    } = conversions;
    let count = events.len();
    let mut request = context.into_request(status.as_u16(), count);
    request.is_anonymous = events.iter().all(|event| event.is_anonymous);
    request.integration_source = integration_source;
    let mut relay = relay_trace(&headers).into_iter();
    let evaluated = events
        .into_iter()
        .map(|event| EvaluatedEvent {
            relay: relay.next(),
            evaluation: evaluate(&event, &pixel, validate_only, first_invalid),
            notes: event.notes,
            event: event.text.into(),
        })
        .collect();
    collector.ingest.receive(request, evaluated).await?;
    // Its permit also covers the parsed events, which are gone only now.
    drop(body);
    if let Some(rejection) = rejection {
        return Err(rejection.into());
    }
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    let response = json!({ "accepted_events": count });
    Ok((content_type, response.to_string()).into_response())
}

/// What `oaiq-relay` says about each event, in the header `x-oaiq-relay`.
fn relay_trace(headers: &HeaderMap) -> Vec<String> {
    let trace = headers.get("x-oaiq-relay");
    let trace = trace
        .and_then(|trace| trace.to_str().ok())
        .unwrap_or_default();
    let words = trace.split(',').map(str::trim);
    let is_word = |word: &&str| {
        (1..=32).contains(&word.len())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'+'))
    };
    // A word that is not one ends the list: the others could belong to other events.
    words.take_while(is_word).map(ToOwned::to_owned).collect()
}

/// Compares the bearer key with the configured one. No response contains a key.
fn check_bearer(headers: &HeaderMap, expected: Option<&str>) -> Result<(), ApiError> {
    let error = match headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str())
    {
        None => "missing API key: send the header `Authorization: Bearer KEY`",
        Some(Ok(value)) => match (value.trim().split_once(' '), expected) {
            (Some((scheme, key)), _)
                if !scheme.eq_ignore_ascii_case("Bearer") || key.trim().is_empty() =>
            {
                "the header `Authorization` must have the form `Bearer KEY`"
            }
            (None, _) => "the header `Authorization` must have the form `Bearer KEY`",
            (Some((_, key)), Some(expected)) if key.trim() != expected => {
                "wrong API key: send the one that the collector was started with (--key)"
            }
            _ => return Ok(()),
        },
        Some(Err(_)) => "the key in the header `Authorization` must be ASCII",
    };
    Err(ApiError::new(StatusCode::UNAUTHORIZED, error))
}

/// Evaluates one event. `first_invalid` is the index of the request's first invalid event.
fn evaluate(
    event: &ServerEvent,
    pixel: &str,
    validate_only: bool,
    first_invalid: Option<usize>,
) -> Evaluation {
    if !event.violations.is_empty() {
        return Evaluation::Final(Verdict::Refused {
            violations: event.violations.clone(),
            error: None,
        });
    }
    if let Some(invalid) = first_invalid {
        return Evaluation::Final(Verdict::refused(format!(
            "not accepted, because events[{invalid}] in the same request is invalid"
        )));
    }
    if validate_only {
        return Evaluation::Final(Verdict::Valid);
    }
    let name = rules::dedup_name(&event.name, event.custom_event_name.as_deref());
    Evaluation::Countable(Some(DedupKey::new(pixel, &name, &event.id)))
}
