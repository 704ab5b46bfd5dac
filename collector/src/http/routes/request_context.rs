//! What is known about a request before its body is parsed; also records rejected requests.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, header};

use crate::Collector;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::ingest::{EvaluatedEvent, rules};
use crate::store::record::{RequestMeta, Transport};

/// How much of the `Referer` header is stored.
const MAX_REFERER_CHARS: usize = 2048;
/// How much of an error message is stored.
const MAX_ERROR_CHARS: usize = 1000;

/// A request whose headers have arrived.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// When, in milliseconds since the Unix epoch.
    pub received_ms: u64,
    /// The query's `pid`; empty if it has none.
    pub pixel: String,
    /// How it was sent.
    pub transport: Transport,
    /// The size of the body in bytes, once it has been read.
    pub bytes: usize,
    /// The `x-request-id` of the response, if it has one.
    pub request_id: Option<String>,
    referer: Option<String>,
}

impl RequestContext {
    /// A request received now.
    pub fn new(query: &Query, headers: &HeaderMap, transport: Transport) -> Self {
        let referer = headers.get(header::REFERER).map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.chars().take(MAX_REFERER_CHARS).collect()
        });
        Self {
            received_ms: now_ms(),
            pixel: query.get("pid").unwrap_or_default().to_owned(),
            transport,
            bytes: 0,
            request_id: None,
            referer,
        }
    }

    /// The pixel ID, if it has a valid length. `path` is the endpoint's path, for the message.
    pub fn require_pixel(&self, path: &str) -> Result<&str, ApiError> {
        match self.pixel.len() {
            0 => Err(ApiError::bad_request(format!(
                "the URL has no `pid`, the pixel ID: …{path}?pid=PIXEL"
            ))
            .with_param("pid", "missing_pid")),
            1..=rules::MAX_PIXEL_ID_BYTES => Ok(&self.pixel),
            length => Err(ApiError::bad_request(format!(
                "`pid` is {length} bytes long; a pixel ID has at most {}",
                rules::MAX_PIXEL_ID_BYTES
            ))
            .with_param("pid", "invalid_pid")),
        }
    }

    /// The request's metadata. The fields that identify the visitor are still empty.
    pub fn into_request(self, status: u16, batch_size: usize) -> RequestMeta {
        RequestMeta {
            received_ms: self.received_ms,
            pixel: self.pixel,
            transport: self.transport,
            bytes: self.bytes,
            batch_size,
            is_anonymous: true,
            obref: None,
            oppref: None,
            user: None,
            referer: self.referer,
            integration_source: None,
            request_id: self.request_id,
            status,
        }
    }

    /// Stores a request that was rejected before its events could be parsed.
    pub async fn record_rejection(mut self, collector: &Collector, error: &ApiError) {
        self.pixel = self.pixel.chars().take(rules::MAX_PIXEL_ID_BYTES).collect();
        let message = error.message.chars().take(MAX_ERROR_CHARS).collect();
        let request = self.into_request(error.status.as_u16(), 0);
        // If it cannot be stored, the client still gets the original error.
        let _ = collector
            .ingest
            .receive(request, vec![EvaluatedEvent::unparsed(message)])
            .await;
    }
}

fn now_ms() -> u64 {
    // A clock before 1970 reads as 0; nothing depends on it.
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
