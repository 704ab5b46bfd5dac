//! The Conversions API, for servers.
//!
//! Without CORS on purpose: its key has no business in a page.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use super::arrival::Arrival;
use crate::conversions::{self, Conversions, Event};
use crate::entry::{Transport, Verdict};
use crate::inbox::{Judged, Judgement};
use crate::ledger::Key;
use crate::query::Query;
use crate::refusal::{EventFault, Refusal};
use crate::request_body::MAX_CONVERSIONS;
use crate::{Collector, rules};

const PATH: &str = "/v1/events";

/// How many faults an answer tells.
const MOST_FAULTS: usize = 100;

/// `/v1/events`.
pub fn router() -> Router<Arc<Collector>> {
    Router::new().route(PATH, post(take))
}

async fn take(
    State(collector): State<Arc<Collector>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let mut arrival = Arrival::new(&query, &headers, Transport::Server);
    let taken = async {
        // The body is read even for a wrong key: the answer would not reach a client that still sends.
        let body = collector
            .bodies
            .read(&headers, body, MAX_CONVERSIONS)
            .await?;
        arrival.bytes = body.bytes.len();
        check_key(&headers, collector.settings.key.as_deref())?;
        let pixel = arrival.needed_pixel(PATH)?;
        if !collector.has_pixel(pixel) {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                collector.no_such_pixel(),
            ));
        }
        let conversions = conversions::parse(&body.bytes, arrival.received_ms)?;
        Ok((conversions, body))
    };
    let (conversions, body) = match taken.await {
        Ok(taken) => taken,
        Err(refusal) => {
            arrival.turned_away(&collector, &refusal).await;
            return Err(refusal);
        }
    };
    let refusal = refusal_of(&conversions);
    let status = refusal
        .as_ref()
        .map_or(StatusCode::OK, |refusal| refusal.status);
    let pixel = arrival.pixel.clone();
    let Conversions {
        validate_only,
        events,
    } = conversions;
    let count = events.len();
    let mut request = arrival.request(status.as_u16(), count);
    request.stripped = events.iter().all(|event| event.stripped);
    let first_at_fault = events.iter().position(|event| !event.faults.is_empty());
    let judged = events
        .into_iter()
        .map(|event| Judged {
            judgement: judgement(&event, &pixel, validate_only, first_at_fault),
            event: event.text.into(),
        })
        .collect();
    let tally = collector.inbox.receive(request, judged).await?;
    // until now its room was needed for what has been made of it
    drop(body);
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let answer = if validate_only {
        json!({ "valid": count })
    } else {
        json!({ "accepted": count, "counted": tally.counted, "duplicates": tally.duplicates })
    };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, answer.to_string()).into_response())
}

/// Compares the bearer key with what the collector was told. No answer ever has the key in it.
fn check_key(headers: &HeaderMap, expected: Option<&str>) -> Result<(), Refusal> {
    let error = match headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str())
    {
        None => "there is no key: send the header `Authorization: Bearer KEY`",
        Some(Ok(value)) => match (value.trim().split_once(' '), expected) {
            (Some((scheme, key)), _)
                if !scheme.eq_ignore_ascii_case("Bearer") || key.trim().is_empty() =>
            {
                "the header `Authorization` is not `Bearer KEY`"
            }
            (None, _) => "the header `Authorization` is not `Bearer KEY`",
            (Some((_, key)), Some(expected)) if key.trim() != expected => {
                "the key is wrong: it is not the one that the collector was started with (--key)"
            }
            _ => return Ok(()),
        },
        Some(Err(_)) => "the key in the header `Authorization` is not plain ASCII",
    };
    Err(Refusal::new(StatusCode::UNAUTHORIZED, error))
}

/// One event at fault fails them all.
fn refusal_of(conversions: &Conversions) -> Option<Refusal> {
    let events = &conversions.events;
    let at_fault = events
        .iter()
        .filter(|event| !event.faults.is_empty())
        .count();
    let total: usize = events.iter().map(|event| event.faults.len()).sum();
    let faults: Vec<EventFault> = events
        .iter()
        .enumerate()
        .flat_map(|(event, Event { faults, .. })| {
            faults.iter().map(move |fault| EventFault {
                event,
                fault: fault.clone(),
            })
        })
        .take(MOST_FAULTS)
        .collect();
    let EventFault { event, fault } = faults.first()?;
    let mut error = format!(
        "none of the events was taken, because of {} at fault: events[{event}].{} is {}; it must be {}",
        match (at_fault, events.len()) {
            (1, 1) => "one that is".to_owned(),
            (1, all) => format!("1 of {all}"),
            (some, all) => format!("{some} of {all}"),
        },
        fault.field,
        fault.given,
        fault.expected,
    );
    if let Some(advice) = &fault.advice {
        error += &format!(": {advice}");
    }
    if total > 1 {
        error += &format!(" (and {} more, see `faults`)", total - 1);
    }
    Some(Refusal {
        status: StatusCode::BAD_REQUEST,
        error,
        more_faults: total - faults.len(),
        faults,
    })
}

fn judgement(
    event: &Event,
    pixel: &str,
    validate_only: bool,
    first_at_fault: Option<usize>,
) -> Judgement {
    if !event.faults.is_empty() {
        return Judgement::Is(Verdict::Refused {
            faults: event.faults.clone(),
            error: None,
        });
    }
    if let Some(at_fault) = first_at_fault {
        return Judgement::Is(Verdict::refused(format!(
            "not taken, because events[{at_fault}] of its request is at fault"
        )));
    }
    if validate_only {
        return Judgement::Is(Verdict::Valid);
    }
    let name = rules::counted_name(&event.name, event.custom_event_name.as_deref());
    Judgement::Counts(Some(Key::of(pixel, name, &event.id)))
}
