//! What a client gets whose request cannot be taken.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::entry::Fault;

/// A refused request: a status, and what is wrong in words for the developer who sent it. Answered as
/// `{"error": "…"}`, and logged, because a pixel's page cannot read the answer (`mode: no-cors`).
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The class of the fault: a 4xx is the sender's, a 5xx ours.
    pub status: StatusCode,
    /// What is wrong, and where.
    pub error: String,
    /// The faults of single events, as many as are told.
    pub faults: Vec<EventFault>,
    /// How many there are besides.
    pub more_faults: usize,
}

/// One thing that is wrong with one of the events of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventFault {
    /// The event's place in the request, from 0.
    pub event: usize,
    /// What is wrong with it.
    #[serde(flatten)]
    pub fault: Fault,
}

/// The answer's body.
#[derive(Serialize)]
struct Answer<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [EventFault],
    #[serde(skip_serializing_if = "is_zero")]
    more_faults: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Refusal {
    /// Without faults of single events.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            faults: Vec::new(),
            more_faults: 0,
        }
    }

    /// 400: what was sent is at fault.
    pub fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
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
        let answer = Answer {
            error: &self.error,
            faults: &self.faults,
            more_faults: self.more_faults,
        };
        // there is nothing in it that JSON cannot say
        let body = serde_json::to_string(&answer).unwrap_or_default();
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, json, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
