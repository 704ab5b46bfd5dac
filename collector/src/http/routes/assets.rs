//! Serves the shop, the inspector and the pixel, from directories or embedded.

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

use super::not_found::not_found;
use crate::http::assets::{Assets, embedded};

/// `/shop/…`, `/inspector/…` and `/sdk/…`, compressed if the browser accepts it.
pub fn router<S: Clone + Send + Sync + 'static>(assets: &Assets) -> Router<S> {
    Router::new()
        .merge(assets_at("/shop", assets.shop.as_deref()))
        .merge(assets_at("/inspector", assets.inspector.as_deref()))
        .merge(assets_at("/sdk", assets.sdk.as_deref()))
        .layer(CompressionLayer::new())
        .layer(map_response(add_headers))
}

/// Serves `dir`, or without one the embedded files, under `prefix/`. [`ServeDir`] prevents path traversal.
fn assets_at<S: Clone + Send + Sync + 'static>(
    prefix: &'static str,
    dir: Option<&Path>,
) -> Router<S> {
    // Relative URLs in the page need the slash.
    let router = Router::new().route(prefix, get(add_slash));
    let Some(dir) = dir else {
        return router
            .route(&format!("{prefix}/"), get(serve_embedded))
            .route(&format!("{prefix}/{{*path}}"), get(serve_embedded));
    };
    let files = ServeDir::new(dir)
        .redirect_path_prefix(prefix)
        .fallback(not_found.into_service());
    router.nest_service(&format!("{prefix}/"), files)
}

async fn serve_embedded(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    match embedded(path, &headers) {
        Some(response) => response,
        // As `ServeDir` does for a directory.
        None if embedded(&format!("{path}/"), &headers).is_some() => {
            Redirect::to(&format!("/{path}/")).into_response()
        }
        None => not_found().await.into_response(),
    }
}

async fn add_slash(request: Request) -> Redirect {
    let uri = request.uri();
    match uri.query() {
        Some(query) => Redirect::to(&format!("{}/?{query}", uri.path())),
        None => Redirect::to(&format!("{}/", uri.path())),
    }
}

/// Makes the browser revalidate on each request, so that a rebuilt pixel is used at once, and adds the charset to text.
async fn add_headers(mut response: Response) -> Response {
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
