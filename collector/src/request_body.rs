//! Reading a request's body, within bounds.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use futures_util::StreamExt;

use crate::refusal::Refusal;

/// The largest body that is taken, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// How much of a body that is too large is read and thrown away. A connection closed under a client
/// that still sends is reset, and the client never sees the answer that says why.
const MAX_DISCARDED: usize = 16 * MAX_BODY;

/// The whole body, if it is at most 1 MiB and arrives within `timeout`.
pub async fn read(body: Body, timeout: Duration) -> Result<Vec<u8>, Refusal> {
    match tokio::time::timeout(timeout, collect(body.into_data_stream())).await {
        Ok(result) => result,
        Err(_) => Err(Refusal {
            status: StatusCode::REQUEST_TIMEOUT,
            error: format!("the body did not arrive within {timeout:?}"),
        }),
    }
}

async fn collect(mut chunks: BodyDataStream) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|error| Refusal::bad_request(format!("the body cannot be read: {error}")))?;
        length += chunk.len();
        if length <= MAX_BODY {
            body.extend_from_slice(&chunk);
        } else if length > MAX_DISCARDED {
            break;
        }
    }
    if length > MAX_BODY {
        return Err(Refusal {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            error: format!("the body is larger than {MAX_BODY} bytes (1 MiB)"),
        });
    }
    Ok(body)
}
