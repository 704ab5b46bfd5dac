//! An address that leads nowhere.

use axum::http::StatusCode;

/// 404, with the addresses that lead somewhere.
pub async fn lost() -> (StatusCode, &'static str) {
    let text = "\
Nothing here. The collector has:

  /shop/?oppref=demo-click-1             the demo shop, entered as if by an ad click
  /inspector                             what has arrived
  /events.json, /events/stream           the same as data
  /sdk/oaiq.min.js                       the pixel, once `npm run build` has made it
  /v1/sdk/events?pid=PIXEL               the events endpoint: POST, or GET for an image tag
  /pixel-config/v1/PIXEL.json            a pixel's settings
";
    (StatusCode::NOT_FOUND, text)
}
