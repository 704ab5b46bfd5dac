//! What is known of a request before its body is looked at, and what is kept of one that is turned away.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, header};

use crate::Collector;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::ingest::EvaluatedEvent;
use crate::ingest::rules;
use crate::store::record::{RequestMeta, Transport};

/// How much is kept of the header `Referer`, in characters.
const MAX_REFERER_CHARS: usize = 2048;
/// How much is kept of what a request was turned away for, in characters.
const MAX_ERROR_CHARS: usize = 1000;

/// A request that has begun to arrive.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// When, in milliseconds since the epoch.
    pub received_ms: u64,
    /// The pixel's id as its address has it; empty where it has none.
    pub pixel: String,
    /// How it was sent.
    pub transport: Transport,
    /// The size of its body, once that is known.
    pub bytes: usize,
    /// The answer's `x-request-id`, if it has one.
    pub request_id: Option<String>,
    referer: Option<String>,
}

impl RequestContext {
    /// Arriving now.
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

    /// The pixel, if there is one of a sensible length. `address` is the endpoint's, for the words.
    pub fn require_pixel(&self, address: &str) -> Result<&str, ApiError> {
        match self.pixel.len() {
            0 => Err(ApiError::bad_request(format!(
                "the address has no `pid`, the pixel's id: …{address}?pid=PIXEL"
            ))
            .with_param("pid", "missing_pid")),
            1..=rules::MAX_PIXEL_ID_BYTES => Ok(&self.pixel),
            length => Err(ApiError::bad_request(format!(
                "the address's `pid` is {length} bytes long; a pixel's id has at most {}",
                rules::MAX_PIXEL_ID_BYTES
            ))
            .with_param("pid", "invalid_pid")),
        }
    }

    /// What is kept of it. Who the visitor is, is still to be filled in.
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

    /// Keeps it as one that was turned away before its events could be told apart.
    pub async fn record_rejection(mut self, collector: &Collector, error: &ApiError) {
        self.pixel = self.pixel.chars().take(rules::MAX_PIXEL_ID_BYTES).collect();
        let message = error.message.chars().take(MAX_ERROR_CHARS).collect();
        let request = self.into_request(error.status.as_u16(), 0);
        // that it cannot be kept is told to those whose events are lost by it
        let _ = collector
            .ingest
            .receive(request, vec![EvaluatedEvent::unparsed(message)])
            .await;
    }
}

fn now_ms() -> u64 {
    // A clock before 1970 shows as 0; nothing depends on it.
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
