//! The error responses of every route.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

/// A rejected request: a status, and a message for the developer who sent it. The response is `{"error": "…"}`. The
/// message is logged as well, because a page with the pixel cannot read the response (`mode: no-cors`). The Conversions
/// API responds in OpenAI's shape instead: see [`ConversionsError`].
#[derive(Debug, PartialEq, Eq)]
pub struct ApiError {
    /// 4xx if the request is invalid, 5xx if the collector failed.
    pub status: StatusCode,
    /// What is wrong, where, and what to do about it.
    pub message: String,
    /// The invalid member or parameter: `events[1]`, `pid`.
    pub param: Option<String>,
    /// A stable code for programs. Without one, the status decides.
    pub code: Option<&'static str>,
    /// What is wrong with single events; not necessarily all of it.
    pub violations: Vec<EventViolation>,
}

/// One violation in one event of a request, as the Conversions API reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventViolation {
    /// A complete sentence.
    pub message: String,
    /// The invalid field: `events[1].data.amount`.
    pub param: String,
    /// A stable code for programs: `invalid_event_data_amount`.
    pub code: String,
}

impl ApiError {
    /// An error without a parameter or a code of its own.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            param: None,
            code: None,
            violations: Vec::new(),
        }
    }

    /// 400: the request is invalid.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Adds the invalid parameter and a code.
    #[must_use]
    pub fn with_param(self, param: impl Into<String>, code: &'static str) -> Self {
        Self {
            param: Some(param.into()),
            code: Some(code),
            ..self
        }
    }

    fn log(&self) {
        // Escaped: the message may quote what the client sent, and a terminal obeys control characters.
        tracing::warn!(
            "rejected with {}: {}",
            self.status.as_u16(),
            self.message.escape_debug()
        );
    }

    /// The response, without a log line.
    pub fn response(&self) -> Response {
        self.respond(&json!({ "error": self.message }))
    }

    fn respond(&self, body: &Value) -> Response {
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, json, body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // Required: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        self.response()
    }
}

/// An [`ApiError`] in the shape of the Conversions API:
/// `{"error": {"message": …, "type": …, "param": …, "code": …, "errors": […]}}`.
#[derive(Debug)]
pub struct ConversionsError(pub ApiError);

impl From<ApiError> for ConversionsError {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for ConversionsError {
    fn into_response(self) -> Response {
        self.0.log();
        self.response()
    }
}

impl ConversionsError {
    /// The response, without a log line.
    pub fn response(&self) -> Response {
        let Self(error) = self;
        let mut body = json!({
            "message": error.message,
            "type": error_type(error.status),
            "param": error.param,
            "code": error.code.or_else(|| default_code(error.status)),
        });
        if !error.violations.is_empty() {
            body["errors"] = json!(error.violations);
        }
        error.respond(&json!({ "error": body }))
    }
}

/// The `type` of an error.
fn error_type(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// The code for a status that has only one possible cause.
fn default_code(status: StatusCode) -> Option<&'static str> {
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
