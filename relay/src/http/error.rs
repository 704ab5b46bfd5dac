//! Requests that are refused.

use axum::http::StatusCode;
use oaiq_ingest::http::error::ApiError;

use crate::metrics::Refusal;
use crate::store::StoreError;

/// A refused request: the reason for the metrics and the log, and the error for the sender. The log has no message, because
/// that may quote what was sent.
#[derive(Debug)]
pub struct Refused {
    /// The reason.
    pub reason: Refusal,
    /// The response.
    pub error: ApiError,
}

impl Refused {
    /// A request that breaks a rule.
    pub fn new(reason: Refusal, status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            reason,
            error: ApiError::new(status, message),
        }
    }

    /// A request for a pixel that is not listed.
    pub fn unknown_pixel() -> Self {
        Self {
            reason: Refusal::Pixel,
            error: ApiError::new(
                StatusCode::FORBIDDEN,
                "unknown pixel ID: this relay takes only events of the pixels in its configuration ([[pixel]])",
            )
            .with_param("pid", "unknown_pid"),
        }
    }

    /// Logs it, without identifiers.
    pub fn log(&self) {
        tracing::debug!(
            status = self.error.status.as_u16(),
            code = self.error.code,
            reason = ?self.reason,
            "request refused"
        );
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let reason = match error.status {
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE => Refusal::Body,
            status if status.is_server_error() => Refusal::Unavailable,
            _ => Refusal::Invalid,
        };
        Self { reason, error }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        // The details are for the operator; the log has them.
        let message = match error {
            StoreError::Full => "the relay's store is full: retry later",
            StoreError::Failed(_) => "the relay's store cannot be used: retry later",
            StoreError::Stopping => "the relay is stopping: retry later",
        };
        Self::new(
            Refusal::Unavailable,
            StatusCode::SERVICE_UNAVAILABLE,
            message,
        )
    }
}
