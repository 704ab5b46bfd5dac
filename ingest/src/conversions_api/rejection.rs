//! The error response to a request with invalid events.

use axum::http::StatusCode;

use super::error_codes::code;
use super::event::ServerEvent;
use crate::http::error::{ApiError, EventViolation};

/// How many violations a response reports.
const MAX_REPORTED_VIOLATIONS: usize = 100;

/// The error response to a request with an invalid event, which fails the whole request.
pub fn rejection(events: &[ServerEvent]) -> Option<ApiError> {
    let first_invalid = events
        .iter()
        .position(|event| !event.violations.is_empty())?;
    let invalid_count = events
        .iter()
        .filter(|event| !event.violations.is_empty())
        .count();
    let violations = || {
        let numbered = events.iter().enumerate();
        numbered.flat_map(|(i, event)| event.violations.iter().map(move |violation| (i, violation)))
    };
    let reported: Vec<EventViolation> = violations()
        .take(MAX_REPORTED_VIOLATIONS)
        .map(|(i, violation)| {
            let param = match violation.field.as_str() {
                "event" => format!("events[{i}]"),
                field => format!("events[{i}].{field}"),
            };
            EventViolation {
                message: violation.to_sentence(&param),
                code: code(violation),
                param,
            }
        })
        .collect();
    let first = reported.first()?;
    let total = violations().count();
    let mut error = match (invalid_count, events.len()) {
        (1, 1) => String::new(),
        (1, total) => format!("No event was accepted, because 1 of {total} is invalid. "),
        (invalid, total) => {
            format!("No event was accepted, because {invalid} of {total} are invalid. ")
        }
    };
    error += &first.message;
    match total - reported.len() {
        0 if total > 1 => error += &format!(" ({} more in `errors`)", total - 1),
        0 => {}
        unreported => {
            error += &format!(
                " ({} more in `errors`, and {unreported} not listed)",
                reported.len() - 1
            )
        }
    }
    const TOO_OLD: &str = "event_timestamp_too_old";
    let rejection = if violations().all(|(_, violation)| violation.api_code == Some(TOO_OLD)) {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error)
            .with_param(first.param.as_str(), TOO_OLD)
    } else {
        ApiError::bad_request(error).with_param(format!("events[{first_invalid}]"), "invalid_event")
    };
    Some(ApiError {
        violations: reported,
        ..rejection
    })
}
