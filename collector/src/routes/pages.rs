//! The pages and the pixel, from their folders.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

use super::lost::lost;
use crate::Folders;

/// `/shop/…`, `/inspector/…` and `/sdk/…`, compressed where the browser takes it.
pub fn router<S: Clone + Send + Sync + 'static>(folders: &Folders) -> Router<S> {
    Router::new()
        .merge(folder("/shop", &folders.www.join("shop")))
        .merge(folder("/inspector", &folders.www.join("inspector")))
        .merge(folder("/sdk", &folders.pixel_dist))
        .layer(CompressionLayer::new())
        .layer(map_response(fresh_and_in_utf8))
}

/// Serves `folder` under `prefix/`. [`ServeDir`] lets nobody out of the folder.
fn folder<S: Clone + Send + Sync + 'static>(prefix: &'static str, folder: &Path) -> Router<S> {
    let files = ServeDir::new(folder)
        .redirect_path_prefix(prefix)
        .fallback(lost.into_service());
    Router::new()
        // Relative addresses in the page need the slash.
        .route(prefix, get(add_slash))
        .nest_service(&format!("{prefix}/"), files)
}

async fn add_slash(request: Request) -> Redirect {
    let uri = request.uri();
    match uri.query() {
        Some(query) => Redirect::to(&format!("{}/?{query}", uri.path())),
        None => Redirect::to(&format!("{}/", uri.path())),
    }
}

/// A browser asks each time whether a file has changed, so a rebuilt pixel is seen at once; and it need
/// not guess how a text is encoded.
async fn fresh_and_in_utf8(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(value) = headers.get_mut(header::CONTENT_TYPE)
        && let Ok(kind) = value.to_str()
        && (kind.starts_with("text/") || kind == "image/svg+xml")
        && !kind.contains("charset")
        && let Ok(with_charset) = HeaderValue::try_from(format!("{kind}; charset=utf-8"))
    {
        *value = with_charset;
    }
    response
}
