//! The Conversions API, for servers.
//!
//! Without CORS on purpose: its key has no business in a page.

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

use super::not_found::wrong_method;
use super::request_context::Arrival;
use crate::Collector;
use crate::http::body::MAX_CONVERSIONS;
use crate::http::error::{ApiError, Detail, Refusal};
use crate::http::query::Query;
use crate::ingest::conversions_api::{self, ConversionsBody, ServerEvent};
use crate::ingest::rules;
use crate::ingest::{EvaluatedEvent, Evaluation};
use crate::store::index::DedupKey;
use crate::store::record::{Transport, Verdict};

const PATH: &str = "/v1/events";

/// How many faults an answer tells.
const MOST_DETAILS: usize = 100;

/// What an answer is found by.
#[derive(Clone)]
struct RequestId(String);

/// `/v1/events`.
pub fn router() -> Router<Arc<Collector>> {
    Router::new()
        .route(PATH, post(take))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            ApiError(wrong_method(method, uri).await)
        })
        .layer(middleware::from_fn(with_request_id))
}

/// Gives every answer its `x-request-id`.
async fn with_request_id(mut request: Request, next: Next) -> Response {
    // each RandomState has keys of its own
    let half = || RandomState::new().build_hasher().finish();
    let id = format!("req_{:016x}{:016x}", half(), half());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    // hexadecimal digits are fit for a header
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn take(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
    Extension(RequestId(request_id)): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let mut arrival = Arrival::new(&query, &headers, Transport::Server);
    arrival.request_id = Some(request_id);
    let taken = async {
        // The body is read even for a wrong key: the answer would not reach a client that still sends.
        let body = collector
            .bodies
            .read(&headers, body, MAX_CONVERSIONS)
            .await?;
        arrival.bytes = body.bytes.len();
        check_key(&headers, collector.settings.key.as_deref())?;
        let pixel = arrival.needed_pixel(PATH)?;
        if !collector.has_pixel(pixel) {
            let refusal = Refusal::new(StatusCode::FORBIDDEN, collector.no_such_pixel());
            return Err(refusal.at("pid", "unknown_pid"));
        }
        let conversions = conversions_api::parse(&body.bytes, arrival.received_ms)?;
        Ok((conversions, body))
    };
    let (conversions, body) = match taken.await {
        Ok(taken) => taken,
        Err(refusal) => {
            arrival.turned_away(&collector, &refusal).await;
            return Err(refusal.into());
        }
    };
    let refusal = refusal_of(&conversions.events);
    let status = refusal
        .as_ref()
        .map_or(StatusCode::OK, |refusal| refusal.status);
    let pixel = arrival.pixel.clone();
    let ConversionsBody {
        validate_only,
        integration_source,
        events,
    } = conversions;
    let count = events.len();
    let mut request = arrival.request(status.as_u16(), count);
    request.is_anonymous = events.iter().all(|event| event.stripped);
    request.integration_source = integration_source;
    let first_invalid = events.iter().position(|event| !event.violations.is_empty());
    let judged = events
        .into_iter()
        .map(|event| EvaluatedEvent {
            evaluation: evaluation(&event, &pixel, validate_only, first_invalid),
            notes: event.notes,
            event: event.text.into(),
        })
        .collect();
    collector.ingest.receive(request, judged).await?;
    // until now its room was needed for what has been made of it
    drop(body);
    if let Some(refusal) = refusal {
        return Err(refusal.into());
    }
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let answer = json!({ "accepted_events": count });
    Ok((kind, answer.to_string()).into_response())
}

/// Compares the bearer key with what the collector was told. No answer ever has the key in it.
fn check_key(headers: &HeaderMap, expected: Option<&str>) -> Result<(), Refusal> {
    let error = match headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str())
    {
        None => "there is no key: send the header `Authorization: Bearer KEY`",
        Some(Ok(value)) => match (value.trim().split_once(' '), expected) {
            (Some((scheme, key)), _)
                if !scheme.eq_ignore_ascii_case("Bearer") || key.trim().is_empty() =>
            {
                "the header `Authorization` is not `Bearer KEY`"
            }
            (None, _) => "the header `Authorization` is not `Bearer KEY`",
            (Some((_, key)), Some(expected)) if key.trim() != expected => {
                "the key is wrong: it is not the one that the collector was started with (--key)"
            }
            _ => return Ok(()),
        },
        Some(Err(_)) => "the key in the header `Authorization` is not plain ASCII",
    };
    Err(Refusal::new(StatusCode::UNAUTHORIZED, error))
}

/// One event at fault fails them all.
fn refusal_of(events: &[ServerEvent]) -> Option<Refusal> {
    let invalid = events
        .iter()
        .filter(|event| !event.violations.is_empty())
        .count();
    let violations = || {
        let numbered = events.iter().enumerate();
        numbered.flat_map(|(i, event)| event.violations.iter().map(move |violation| (i, violation)))
    };
    let details: Vec<Detail> = violations()
        .take(MOST_DETAILS)
        .map(|(i, violation)| {
            let param = match violation.field.as_str() {
                "event" => format!("events[{i}]"),
                field => format!("events[{i}].{field}"),
            };
            Detail {
                message: violation.to_sentence(&param),
                code: conversions_api::code(violation),
                param,
            }
        })
        .collect();
    let first = details.first()?;
    let total = violations().count();
    let mut error = match (invalid, events.len()) {
        (1, 1) => String::new(),
        (some, all) => format!("No event was accepted, because {some} of {all} are invalid. "),
    };
    error += &first.message;
    match total - details.len() {
        0 if total > 1 => error += &format!(" ({} more in `errors`)", total - 1),
        0 => {}
        untold => {
            error += &format!(
                " ({} more in `errors`, and {untold} besides)",
                details.len() - 1
            )
        }
    }
    const TOO_OLD: &str = "event_timestamp_too_old";
    let refusal = if violations().all(|(_, violation)| violation.api_code == Some(TOO_OLD)) {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error).at(first.param.as_str(), TOO_OLD)
    } else {
        let event = events
            .iter()
            .position(|event| !event.violations.is_empty())?;
        Refusal::bad_request(error).at(format!("events[{event}]"), "invalid_event")
    };
    Some(Refusal { details, ..refusal })
}

fn evaluation(
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
            "not accepted, because events[{invalid}] of the same request is invalid"
        )));
    }
    if validate_only {
        return Evaluation::Final(Verdict::Valid);
    }
    let name = rules::dedup_name(&event.name, event.custom_event_name.as_deref());
    Evaluation::Countable(Some(DedupKey::new(pixel, &name, &event.id)))
}
