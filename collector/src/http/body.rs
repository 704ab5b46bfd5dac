//! Reading a request's body, within bounds.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::error::Refusal;

/// The largest body that is taken, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// The same for the Conversions API, where 1,000 events with their users come in one.
pub const MAX_CONVERSIONS: usize = 4 * 1024 * 1024;

/// How many bytes of all bodies together are in memory at once.
const MAX_ALL_BODIES: usize = 24 * 1024 * 1024;

/// From so many bytes on a body is large: taken apart it needs many times as much.
const LARGE: usize = 64 * 1024;

/// How many large ones are taken apart at once, which takes a few milliseconds; others wait.
const LARGE_AT_ONCE: usize = 1;

/// How much of a body that is too large is read and thrown away. A connection closed under a client
/// that still sends is reset, and the client never sees the answer that says why.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;

/// Reads bodies, and knows how much of them there is.
pub struct Bodies {
    timeout: Duration,
    room: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A body, and the room that it takes until it is dropped.
pub struct ReceivedBody {
    /// What was sent.
    pub bytes: Vec<u8>,
    /// In memory, and for being taken apart.
    room: [Option<OwnedSemaphorePermit>; 2],
}

impl Bodies {
    /// Each has to arrive within `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            room: Arc::new(Semaphore::new(MAX_ALL_BODIES)),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
        }
    }

    /// The whole body, if it is at most so long, not compressed, and arrives in time.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        most: usize,
    ) -> Result<ReceivedBody, Refusal> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let chunks = body.into_data_stream();
        let collected = self.collect(chunks, announced.min(most), most);
        let mut body = match tokio::time::timeout(self.timeout, collected).await {
            Ok(result) => result?,
            Err(_) => {
                return Err(Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!("the body did not arrive within {:?}", self.timeout),
                ));
            }
        };
        if body.bytes.len() > LARGE {
            // it is never closed
            body.room[1] = Arc::clone(&self.large).acquire_owned().await.ok();
        }
        match headers.get(header::CONTENT_ENCODING) {
            Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
                Err(Refusal::new(
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
        announced: usize,
        most: usize,
    ) -> Result<ReceivedBody, Refusal> {
        // what is not written to takes no memory yet
        let mut bytes = Vec::with_capacity(announced);
        let mut length = 0;
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| {
                Refusal::bad_request(format!("the body cannot be read: {error}"))
            })?;
            length += chunk.len();
            if length <= most {
                let more = self.room(chunk.len())?;
                match &mut room {
                    Some(room) => room.merge(more),
                    None => room = Some(more),
                }
                bytes.extend_from_slice(&chunk);
            } else {
                // none of it is needed any more
                bytes = Vec::new();
                room = None;
                if length > MAX_DISCARDED {
                    break;
                }
            }
        }
        if length > most {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body is larger than {most} bytes ({} MiB)",
                    most / 1024 / 1024
                ),
            ));
        }
        Ok(ReceivedBody {
            bytes,
            room: [room, None],
        })
    }

    fn room(&self, length: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        u32::try_from(length)
            .ok()
            .and_then(|length| Arc::clone(&self.room).try_acquire_many_owned(length).ok())
            .ok_or_else(|| {
                Refusal::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many large bodies are arriving at once: send this one again a little later",
                )
            })
    }
}
