//! An address that leads nowhere.

use axum::http::{Method, StatusCode, Uri};

use crate::http::error::ApiError;

/// 404, with the addresses that lead somewhere.
pub async fn not_found() -> (StatusCode, &'static str) {
    let text = "\
Nothing here. The collector has:

  /shop/?oppref=demo-click-1             the demo shop, entered as if by an ad click
  /inspector                             what has arrived
  /events.json, /events/stream           the same as data
  /inspector/facts.json                  how the collector was started
  /sdk/oaiq.min.js                       the pixel, once `npm run build` has made it
  /v1/sdk/events?pid=PIXEL               the events endpoint: POST, or GET for an image tag
  /v1/events?pid=PIXEL                   the Conversions API: POST, with a bearer key
  /pixel-config/v1/PIXEL.json            a pixel's settings
";
    (StatusCode::NOT_FOUND, text)
}

/// 405, for an address that is used in another way.
pub async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let how = match uri.path() {
        "/v1/events" => "POST, from a server",
        "/v1/sdk/events" => "POST, or GET for an image tag",
        "/events.json" => "GET, or DELETE to forget everything",
        _ => "GET",
    };
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not taken here, but {how}"),
    )
}
