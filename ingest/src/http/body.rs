//! Reads request bodies within limits of size, time and total memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::error::ApiError;

/// The largest body of the events endpoint.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The largest body of the Conversions API, where a request may have 1,000 events with user data.
pub const MAX_CONVERSIONS_BODY_BYTES: usize = 4 * 1024 * 1024;

/// How many bytes of bodies may be in memory at once.
const MAX_ALL_BODIES_BYTES: usize = 24 * 1024 * 1024;

/// Bodies above this size are large: parsed, they need many times as much memory.
const LARGE_BYTES: usize = 64 * 1024;

/// How many large bodies are parsed at once. Others wait; parsing takes a few milliseconds.
const MAX_CONCURRENT_LARGE: usize = 1;

/// How much of an oversized body is read and discarded. Closing the connection while the client still sends would reset
/// it, and the client would never see the error response.
const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// Reads bodies and limits their total size.
pub struct BodyReader {
    timeout: Duration,
    memory: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A body. It counts against the limits until it is dropped.
pub struct ReceivedBody {
    /// The body as sent.
    pub bytes: Vec<u8>,
    /// Permits for its memory and, if it is large, for parsing it.
    permits: [Option<OwnedSemaphorePermit>; 2],
}

impl BodyReader {
    /// A reader that gives each body `timeout` to arrive.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            memory: Arc::new(Semaphore::new(MAX_ALL_BODIES_BYTES)),
            large: Arc::new(Semaphore::new(MAX_CONCURRENT_LARGE)),
        }
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// 408 if it does not arrive in time, 413 if it is larger than `max_bytes`, 415 if it is compressed, 503 if too many
    /// bodies are in memory.
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
            // The semaphore is never closed, so this cannot fail.
            body.permits[1] = Arc::clone(&self.large).acquire_owned().await.ok();
        }
        match headers.get(header::CONTENT_ENCODING) {
            Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
                Err(ApiError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    format!(
                        "the body has the Content-Encoding {:?}, which is not supported: send it uncompressed",
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
        // The operating system provides memory only for what is written.
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
                // The error response needs none of it.
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
                    "too many large bodies are in progress: retry later",
                )
            })
    }
}
