//! Unknown paths and wrong methods.

use axum::http::{Method, StatusCode, Uri};

use crate::http::error::ApiError;

/// 404, with a list of all routes.
pub async fn not_found() -> (StatusCode, &'static str) {
    let text = "\
Not found. The collector serves:

  /shop/?oppref=demo-click-1             the demo shop, as opened by an ad click
  /inspector                             the inspector, which shows the received events
  /events.json, /events/stream           the same as JSON
  /inspector/facts.json                  how the collector was started
  /sdk/oaiq.min.js                       the pixel, after `npm run build`
  /v1/sdk/events?pid=PIXEL               the events endpoint: POST, or GET for an image tag
  /v1/events?pid=PIXEL                   the Conversions API: POST, with a bearer key
  /pixel-config/v1/PIXEL.json            a pixel's config
";
    (StatusCode::NOT_FOUND, text)
}

/// 405, with the methods that the path allows.
pub async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let allowed = match uri.path() {
        "/v1/events" => "POST, from a server",
        "/v1/sdk/events" => "POST, or GET for an image tag",
        "/events.json" => "GET, or DELETE to delete all events",
        _ => "GET",
    };
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not allowed here; use {allowed}"),
    )
}
