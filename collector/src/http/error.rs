//! What a client gets whose request cannot be taken.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// A refused request: a status, and what is wrong in words for the developer who sent it. Answered as
/// `{"error": "…"}`, and logged, because a pixel's page cannot read the answer (`mode: no-cors`). The Conversions API
/// answers in OpenAI's shape instead: [`ApiError`].
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The class of the fault: a 4xx is the sender's, a 5xx ours.
    pub status: StatusCode,
    /// What is wrong, and where.
    pub error: String,
    /// The member or parameter that is wrong: `events[1]`, `pid`.
    pub param: Option<String>,
    /// What is wrong, for a program.
    pub code: Option<&'static str>,
    /// What is wrong with single events, as many as are told.
    pub details: Vec<Detail>,
}

/// One thing that is wrong with one of the events of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// A whole sentence.
    pub message: String,
    /// Where: `events[1].data.amount`.
    pub param: String,
    /// What is wrong, for a program.
    pub code: String,
}

impl Refusal {
    /// Without a parameter and a code of its own.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            param: None,
            code: None,
            details: Vec::new(),
        }
    }

    /// 400: what was sent is at fault.
    pub fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// With the parameter that is wrong, and a code.
    #[must_use]
    pub fn at(self, param: impl Into<String>, code: &'static str) -> Self {
        Self {
            param: Some(param.into()),
            code: Some(code),
            ..self
        }
    }

    fn log(&self) {
        // Escaped: the text may quote what the client sent, and a terminal obeys control characters.
        tracing::warn!(
            "refused with {}: {}",
            self.status.as_u16(),
            self.error.escape_debug()
        );
    }

    fn respond(&self, body: &serde_json::Value) -> Response {
        self.log();
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, json, body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.respond(&json!({ "error": self.error }))
    }
}

/// A refusal as the Conversions API answers it:
/// `{"error": {"message": …, "type": …, "param": …, "code": …, "errors": […]}}`.
#[derive(Debug)]
pub struct ApiError(pub Refusal);

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let mut error = json!({
            "message": refusal.error,
            "type": kind(refusal.status),
            "param": refusal.param,
            "code": refusal.code.or_else(|| code(refusal.status)),
        });
        if !refusal.details.is_empty() {
            error["errors"] = json!(refusal.details);
        }
        refusal.respond(&json!({ "error": error }))
    }
}

/// The `type` of an error.
fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// The code of a status for which one reason is enough.
fn code(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::UNAUTHORIZED => "invalid_api_key",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "request_timeout",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "body_compressed",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => return None,
    })
}
