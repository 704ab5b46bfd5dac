//! Reading a request's body, within bounds.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::error::ApiError;

/// The largest body that is taken, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The same for the Conversions API, where 1,000 events with their users come in one.
pub const MAX_CONVERSIONS_BODY_BYTES: usize = 4 * 1024 * 1024;

/// How many bytes of all bodies together are in memory at once.
const MAX_ALL_BODIES_BYTES: usize = 24 * 1024 * 1024;

/// From so many bytes on a body is large: taken apart it needs many times as much.
const LARGE_BYTES: usize = 64 * 1024;

/// How many large ones are taken apart at once, which takes a few milliseconds; others wait.
const MAX_CONCURRENT_LARGE: usize = 1;

/// How much of a body that is too large is read and thrown away. A connection closed under a client
/// that still sends is reset, and the client never sees the answer that says why.
const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// Reads bodies, and knows how much of them there is.
pub struct BodyReader {
    timeout: Duration,
    memory: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A body, and the room that it takes until it is dropped.
pub struct ReceivedBody {
    /// What was sent.
    pub bytes: Vec<u8>,
    /// In memory, and for being taken apart.
    permits: [Option<OwnedSemaphorePermit>; 2],
}

impl BodyReader {
    /// Each has to arrive within `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            memory: Arc::new(Semaphore::new(MAX_ALL_BODIES_BYTES)),
            large: Arc::new(Semaphore::new(MAX_CONCURRENT_LARGE)),
        }
    }

    /// The whole body, if it is at most so long, not compressed, and arrives in time.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        max_bytes: usize,
    ) -> Result<ReceivedBody, ApiError> {
        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let chunks = body.into_data_stream();
        let collected = self.collect(chunks, expected.min(max_bytes), max_bytes);
        let mut body = match tokio::time::timeout(self.timeout, collected).await {
            Ok(result) => result?,
            Err(_) => {
                return Err(ApiError::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!("the body did not arrive within {:?}", self.timeout),
                ));
            }
        };
        if body.bytes.len() > LARGE_BYTES {
            // it is never closed
            body.permits[1] = Arc::clone(&self.large).acquire_owned().await.ok();
        }
        match headers.get(header::CONTENT_ENCODING) {
            Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
                Err(ApiError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    format!(
                        "the body has the Content-Encoding {:?}, and is taken only as it is: send it uncompressed",
                        String::from_utf8_lossy(encoding.as_bytes())
                            .chars()
                            .take(40)
                            .collect::<String>()
                    ),
                ))
            }
            _ => Ok(body),
        }
    }

    async fn collect(
        &self,
        mut chunks: BodyDataStream,
        expected: usize,
        max_bytes: usize,
    ) -> Result<ReceivedBody, ApiError> {
        // what is not written to takes no memory yet
        let mut bytes = Vec::with_capacity(expected);
        let mut length = 0;
        let mut permits: Option<OwnedSemaphorePermit> = None;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| {
                ApiError::bad_request(format!("the body cannot be read: {error}"))
            })?;
            length += chunk.len();
            if length <= max_bytes {
                let more = self.reserve(chunk.len())?;
                match &mut permits {
                    Some(permits) => permits.merge(more),
                    None => permits = Some(more),
                }
                bytes.extend_from_slice(&chunk);
            } else {
                // none of it is needed any more
                bytes = Vec::new();
                permits = None;
                if length > MAX_DISCARDED_BYTES {
                    break;
                }
            }
        }
        if length > max_bytes {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body is larger than {max_bytes} bytes ({} MiB)",
                    max_bytes / 1024 / 1024
                ),
            ));
        }
        Ok(ReceivedBody {
            bytes,
            permits: [permits, None],
        })
    }

    fn reserve(&self, length: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        u32::try_from(length)
            .ok()
            .and_then(|length| Arc::clone(&self.memory).try_acquire_many_owned(length).ok())
            .ok_or_else(|| {
                ApiError::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many large bodies are arriving at once: send this one again a little later",
                )
            })
    }
}
