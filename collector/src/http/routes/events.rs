//! The pixel's endpoint: batches by `POST`, image tags by `GET`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use oaiq_ingest::remarks::{Notes, Violation};
use serde_json::value::to_raw_value;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::not_found::method_not_allowed;
use super::request_context::RequestContext;
use crate::Collector;
use crate::http::body::MAX_BODY_BYTES;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::ingest::{EvaluatedEvent, Evaluation, image_tag, rules, sdk_batch};
use crate::store::index::DedupKey;
use crate::store::record::{RequestMeta, Transport, Verdict};

const PATH: &str = "/v1/sdk/events";

/// A transparent image of one pixel.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\x01\0\0\0\0\
    \x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

/// `/v1/sdk/events`. Pages of any origin may send credentials and read the response.
pub fn router() -> Router<Arc<Collector>> {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request());
    Router::new()
        .route(PATH, get(get_image_tag).post(post_events))
        // Before the CORS layer, which must see preflight requests.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors)
}

async fn post_events(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let transport = transport(headers.get(header::CONTENT_TYPE));
    let mut context = RequestContext::new(&query, &headers, transport);
    let parsed = async {
        let body = collector
            .body_reader
            .read(&headers, body, MAX_BODY_BYTES)
            .await?;
        context.bytes = body.bytes.len();
        context.require_pixel(PATH)?;
        let batch = sdk_batch::parse(&body.bytes, query.get("ec"), context.received_ms)?;
        Ok((batch, body))
    };
    let (batch, body) = match parsed.await {
        Ok(parsed) => parsed,
        Err(error) => {
            context.record_rejection(&collector, &error).await;
            return Err(error);
        }
    };
    let pixel = context.pixel.clone();
    let is_known = collector.knows_pixel(&pixel);
    let mut request = context.into_request(StatusCode::ACCEPTED.as_u16(), batch.events.len());
    request.is_anonymous = batch.obref.is_none() && batch.oppref.is_none() && batch.user.is_none();
    request.obref = batch.obref;
    request.oppref = batch.oppref;
    request.user = batch.user;
    let evaluated = batch.events.into_iter().map(|event| {
        let evaluation = if !is_known {
            Evaluation::Final(Verdict::refused(collector.unknown_pixel_message()))
        } else if rules::is_internal(&event.name) {
            Evaluation::Final(Verdict::Internal)
        } else {
            let name = rules::dedup_name(&event.name, event.custom_event_name.as_deref());
            let key = DedupKey::new(&pixel, &name, &event.id);
            let violations = [event.violations, batch.user_violations.clone()].concat();
            evaluate_violations(violations, Some(key))
        };
        EvaluatedEvent {
            event: event.text.into(),
            evaluation,
            notes: Notes::default(),
            relay: None,
        }
    });
    let evaluated = evaluated.collect();
    log(&request);
    collector.ingest.receive(request, evaluated).await?;
    // Its permit also covers the parsed events, which are gone only now.
    drop(body);
    Ok(StatusCode::ACCEPTED)
}

async fn get_image_tag(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = query.as_deref().unwrap_or_default();
    let context = RequestContext::new(&Query::parse(query), &headers, Transport::Image);
    let received_ms = context.received_ms;
    let parsed = image_tag::parse(query, received_ms).and_then(|tag| {
        context.require_pixel(PATH)?;
        if let Some(violation) = tag.event.id.as_deref().and_then(rules::id_violation) {
            let Violation {
                given, expected, ..
            } = violation;
            return Err(ApiError::bad_request(format!(
                "`event_id` is {given}; it must be {expected}"
            )));
        }
        let event = to_raw_value(&tag.event).map_err(|error| {
            ApiError::bad_request(format!("the event cannot be serialized: {error}"))
        })?;
        Ok((tag, event))
    });
    let (tag, event) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            context.record_rejection(&collector, &error).await;
            return Err(error);
        }
    };
    let evaluation = if collector.knows_pixel(&tag.pixel) {
        {
            let id = tag.event.id.as_deref();
            let key = id.map(|id| DedupKey::new(&tag.pixel, &tag.event.dedup_name(), id));
            evaluate_violations(tag.event.violations(), key)
        }
    } else {
        Evaluation::Final(Verdict::refused(collector.unknown_pixel_message()))
    };
    let mut request = context.into_request(StatusCode::OK.as_u16(), 1);
    request.is_anonymous = tag.oppref.is_none();
    request.oppref = tag.oppref;
    log(&request);
    let evaluated = EvaluatedEvent {
        event: event.into(),
        evaluation,
        notes: Notes::default(),
        relay: None,
    };
    collector.ingest.receive(request, vec![evaluated]).await?;
    let headers = [
        (header::CONTENT_TYPE, "image/gif"),
        // Each request is an event, so no cache may respond.
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, GIF).into_response())
}

fn evaluate_violations(violations: Vec<Violation>, key: Option<DedupKey>) -> Evaluation {
    if violations.is_empty() {
        Evaluation::Countable(key)
    } else {
        Evaluation::Final(Verdict::Refused {
            violations,
            error: None,
        })
    }
}

/// Tells beacons from `fetch` by their content type. A string sent by `sendBeacon` always has
/// `text/plain;charset=UTF-8`; the pixel's `fetch` sends `text/plain`.
fn transport(content_type: Option<&HeaderValue>) -> Transport {
    let is_beacon = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(';'))
        .is_some_and(|(kind, parameter)| {
            kind.trim().eq_ignore_ascii_case("text/plain")
                && parameter.trim().eq_ignore_ascii_case("charset=utf-8")
        });
    if is_beacon {
        Transport::Beacon
    } else {
        Transport::Fetch
    }
}

fn log(request: &RequestMeta) {
    tracing::debug!(
        pixel = ?request.pixel,
        events = request.batch_size,
        transport = ?request.transport,
        anonymous = request.is_anonymous,
        "received"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_distinguishes_beacon_from_fetch() {
        for (content_type, expected) in [
            ("text/plain;charset=UTF-8", Transport::Beacon),
            ("text/plain; charset=utf-8", Transport::Beacon),
            ("text/plain", Transport::Fetch),
            ("application/json; charset=utf-8", Transport::Fetch),
        ] {
            let value = HeaderValue::from_static(content_type);
            assert_eq!(transport(Some(&value)), expected, "{content_type}");
        }
        assert_eq!(transport(None), Transport::Fetch);
    }
}
