//! The pages and the pixel, from their folders or from this program.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

use super::not_found::lost;
use crate::http::assets::{Pages, carried};

/// `/shop/…`, `/inspector/…` and `/sdk/…`, compressed where the browser takes it.
pub fn router<S: Clone + Send + Sync + 'static>(pages: &Pages) -> Router<S> {
    Router::new()
        .merge(pages_at("/shop", pages.shop.as_deref()))
        .merge(pages_at("/inspector", pages.inspector.as_deref()))
        .merge(pages_at("/sdk", pages.sdk.as_deref()))
        .layer(CompressionLayer::new())
        .layer(map_response(fresh_and_in_utf8))
}

/// Serves `folder` under `prefix/`; without one, what this program carries. [`ServeDir`] lets nobody out of the folder.
fn pages_at<S: Clone + Send + Sync + 'static>(
    prefix: &'static str,
    folder: Option<&Path>,
) -> Router<S> {
    // Relative addresses in the page need the slash.
    let router = Router::new().route(prefix, get(add_slash));
    let Some(folder) = folder else {
        return router
            .route(&format!("{prefix}/"), get(from_this_program))
            .route(&format!("{prefix}/{{*path}}"), get(from_this_program));
    };
    let files = ServeDir::new(folder)
        .redirect_path_prefix(prefix)
        .fallback(lost.into_service());
    router.nest_service(&format!("{prefix}/"), files)
}

async fn from_this_program(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    match carried(path, &headers) {
        Some(response) => response,
        // as for a folder, for relative addresses
        None if carried(&format!("{path}/"), &headers).is_some() => {
            Redirect::to(&format!("/{path}/")).into_response()
        }
        None => lost().await.into_response(),
    }
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
