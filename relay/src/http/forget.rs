//! Deletes a person's data on request of the site's backend.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use oaiq_ingest::http::serve::Peer;
use serde_json::json;

use super::Relay;
use super::backend::check_key;
use super::error::Refused;
use crate::metrics::Refusal;
use crate::person::Identifiers;
use crate::store::forget::Forgotten;

/// The largest body.
const MAX_BYTES: usize = 64 * 1024;

/// `v1/forget` below the prefix.
pub fn router(prefix: &str) -> Router<Arc<Relay>> {
    Router::new().route(&format!("{prefix}v1/forget"), post(post_forget))
}

async fn post_forget(
    State(relay): State<Arc<Relay>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match forget(&relay, peer, &headers, body).await {
        Ok(forgotten) => {
            let content_type = [(header::CONTENT_TYPE, "application/json")];
            let mut response = json!({ "deleted": forgotten });
            if relay.cluster.is_some() {
                response["other_relays"] =
                    "what NATS and the other relays have is deleted as soon as they can be reached"
                        .into();
            }
            (content_type, response.to_string()).into_response()
        }
        Err(refused) => {
            refused.log();
            refused.error.response()
        }
    }
}

async fn forget(
    relay: &Relay,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Forgotten, Refused> {
    let body = relay.body_reader.read(headers, body, MAX_BYTES).await?;
    check_key(relay, peer, headers)?;
    let invalid =
        |message: String| Refused::new(Refusal::Invalid, StatusCode::BAD_REQUEST, message);
    // The error of the parser would quote the body.
    let identifiers: Identifiers = serde_json::from_slice(&body.bytes).map_err(|_| {
        invalid(r#"the body must be JSON, such as {"email": "…"}, with one or more of obref, external_id, email and phone, each a text"#.to_owned())
    })?;
    let pixels = relay.keys.pixels.keys().cloned().collect();
    let person = identifiers.person(pixels).map_err(invalid)?;
    let forgotten = relay.store.forget(person).await?;
    relay.metrics.forgotten.increment(1);
    Ok(forgotten)
}
