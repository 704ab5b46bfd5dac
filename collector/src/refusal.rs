//! What a client gets whose request cannot be taken.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A refused request: a status, and what is wrong in words for the developer who sent it. Answered as
/// `{"error": "…"}`, and logged, because a pixel's page cannot read the answer (`mode: no-cors`).
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The class of the fault: 400, 408 or 413 is the sender's, 500 ours.
    pub status: StatusCode,
    /// What is wrong, and where.
    pub error: String,
}

impl Refusal {
    /// 400: what was sent is at fault.
    pub fn bad_request(error: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: error.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Escaped: the text may quote what the client sent, and a terminal obeys control characters.
        tracing::warn!(
            "refused with {}: {}",
            self.status.as_u16(),
            self.error.escape_debug()
        );
        let body = serde_json::json!({ "error": self.error }).to_string();
        let json = [(header::CONTENT_TYPE, "application/json")];
        (self.status, json, body).into_response()
    }
}
