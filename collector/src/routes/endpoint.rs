//! The events endpoint: batches by `POST`, image tags by `GET`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::value::to_raw_value;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::query::Query;
use crate::refusal::Refusal;
use crate::store::{Request, Transport};
use crate::{Collector, batch, image_tag, request_body};

/// A transparent picture of one pixel.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x04\x01\0\0\0\0\
    \x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

/// `/v1/sdk/events`, with answers that a page of any origin can read, also where it sends credentials.
pub fn router() -> Router<Arc<Collector>> {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request());
    Router::new()
        .route("/v1/sdk/events", get(take_image_tag).post(take_batch))
        .layer(cors)
}

async fn take_batch(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let body = request_body::read(body, collector.read_timeout).await?;
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let pixel = query.get_filled("pid").ok_or_else(|| {
        Refusal::bad_request("the address has no `pid`, the pixel's id: …/v1/sdk/events?pid=PIXEL")
    })?;
    let batch = batch::parse(&body, query.get("ec"))?;
    let request = Request {
        received_ms: now_ms(),
        pixel: pixel.to_owned(),
        transport: transport(headers.get(header::CONTENT_TYPE)),
        bytes: body.len(),
        batch_size: batch.events.len(),
        stripped: batch.obref.is_none() && batch.oppref.is_none() && batch.user.is_none(),
        obref: batch.obref,
        oppref: batch.oppref,
        user: batch.user,
        referer: referer(&headers),
    };
    log(&request);
    collector.inbox.receive(request, batch.events);
    Ok(StatusCode::ACCEPTED)
}

async fn take_image_tag(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let received_ms = now_ms();
    let tag = image_tag::parse(query.as_deref().unwrap_or_default(), received_ms)?;
    let event = to_raw_value(&tag.event)
        .map_err(|error| Refusal::bad_request(format!("the event cannot be shown: {error}")))?;
    let request = Request {
        received_ms,
        pixel: tag.pixel,
        transport: Transport::Image,
        bytes: 0,
        batch_size: 1,
        stripped: tag.oppref.is_none(),
        obref: None,
        oppref: tag.oppref,
        user: None,
        referer: referer(&headers),
    };
    log(&request);
    collector.inbox.receive(request, vec![event]);
    let picture = [
        (header::CONTENT_TYPE, "image/gif"),
        // Each showing of the picture is an event.
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((picture, GIF).into_response())
}

/// A beacon of a string is `text/plain;charset=UTF-8`, and a page cannot change that; the pixel's
/// `fetch` says `text/plain`.
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

fn referer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::REFERER)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn now_ms() -> u64 {
    // A clock before 1970 shows as 0; nothing depends on it.
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

fn log(request: &Request) {
    tracing::info!(
        pixel = ?request.pixel,
        events = request.batch_size,
        transport = ?request.transport,
        stripped = request.stripped,
        "received"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beacon_is_told_from_a_fetch_by_its_content_type() {
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
