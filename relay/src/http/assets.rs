//! The files of the pixel, compressed once.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use oaiq_ingest::http::error::ApiError;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::Relay;
use super::cookies::Cookies;
use super::origin::{Page, page_of};
use crate::key::hex;

/// The files that were in `dist/` when this program was built.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Embedded;

/// The script that pages load.
pub const SCRIPT: &str = "oaiq.min.js";

/// How long a browser may use a file under its plain address without asking. Long enough for a visit, short enough that an
/// upgrade reaches everybody the same hour.
const PLAIN: &str = "public, max-age=600, stale-while-revalidate=86400";

/// The immutable address changes with the content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The pixel's files.
#[derive(Debug, Default)]
pub struct Assets {
    files: BTreeMap<String, File>,
    version: String,
}

#[derive(Debug)]
struct File {
    plain: Bytes,
    brotli: Bytes,
    gzip: Bytes,
}

impl Assets {
    /// The files of a directory, or those inside this program.
    ///
    /// # Errors
    /// If the directory cannot be read, or has no `oaiq.min.js`.
    pub fn load(dir: Option<&Path>) -> io::Result<Self> {
        let files = match dir {
            Some(dir) => read_dir(dir)?,
            None => Embedded::iter()
                .filter(|name| name.ends_with(".min.js"))
                .filter_map(|name| {
                    Some((name.to_string(), Embedded::get(&name)?.data.into_owned()))
                })
                .collect(),
        };
        Ok(Self::compress(files))
    }

    /// Whether there is a script for pages to load.
    pub fn has_script(&self) -> bool {
        self.files.contains_key(SCRIPT)
    }

    /// The part of the immutable address that changes with the files: 16 hexadecimal digits.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Compresses each file in a thread of its own: the best compression takes a while.
    fn compress(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut hasher = Sha256::new();
        for (name, bytes) in &files {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        let version = hex(&hasher.finalize()[..8]);
        let threads: Vec<_> = files
            .into_iter()
            .map(|(name, bytes)| thread::spawn(move || (name, File::compress(bytes))))
            .collect();
        let files = threads.into_iter().filter_map(|thread| thread.join().ok());
        Self {
            files: files.collect(),
            version,
        }
    }
}

fn read_dir(dir: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(name) = entry
            .file_name()
            .to_str()
            .filter(|name| name.ends_with(".min.js"))
        {
            files.insert(name.to_owned(), fs::read(entry.path())?);
        }
    }
    match files.contains_key(SCRIPT) {
        true => Ok(files),
        false => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("it has no {SCRIPT}: build the pixel with `npm run build`"),
        )),
    }
}

impl File {
    fn compress(bytes: Vec<u8>) -> Self {
        let mut brotli = Vec::new();
        let params = brotli::enc::BrotliEncoderParams {
            quality: 11,
            lgwin: 18,
            ..Default::default()
        };
        // Writing to memory cannot fail. If it did, the file would be served as it is.
        if brotli::BrotliCompress(&mut bytes.as_slice(), &mut brotli, &params).is_err() {
            brotli.clear();
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let gzip = match gzip.write_all(&bytes) {
            Ok(()) => gzip.finish().unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        Self {
            plain: bytes.into(),
            brotli: brotli.into(),
            gzip: gzip.into(),
        }
    }

    /// The bytes in the best encoding that the browser accepts, and its name.
    fn encoded(&self, headers: &HeaderMap) -> (&Bytes, Option<&'static str>) {
        for (name, bytes) in [("br", &self.brotli), ("gzip", &self.gzip)] {
            if !bytes.is_empty() && accepts(headers, name) {
                return (bytes, Some(name));
            }
        }
        (&self.plain, None)
    }
}

/// Whether the browser accepts an encoding: <https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3>.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse().ok());
            name.trim().eq_ignore_ascii_case(encoding) && weight.unwrap_or(1.0_f32) > 0.0
        })
}

/// The files below the prefix, under their plain and their immutable addresses.
pub fn router(prefix: &str) -> Router<Arc<Relay>> {
    Router::new()
        .route(&format!("{prefix}{{file}}"), get(plain))
        .route(&format!("{prefix}{{version}}/{{file}}"), get(versioned))
}

async fn plain(
    State(relay): State<Arc<Relay>>,
    UrlPath(file): UrlPath<String>,
    headers: HeaderMap,
) -> Response {
    let response = serve(relay.assets(), &file, PLAIN, &headers);
    forget_if_denied(&relay, &headers, response).await
}

async fn versioned(
    State(relay): State<Arc<Relay>>,
    UrlPath((version, file)): UrlPath<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let assets = relay.assets();
    // A page that was cached before an upgrade still gets a script, but must not keep it for a year.
    let caching = match version == assets.version {
        true => IMMUTABLE,
        false => PLAIN,
    };
    let is_version = version.len() == 16 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_version {
        true => {
            let response = serve(assets, &file, caching, &headers);
            forget_if_denied(&relay, &headers, response).await
        }
        false => missing(),
    }
}

/// The first request after a denial may be the one for the script, because a page need not send anything after one.
async fn forget_if_denied(relay: &Relay, headers: &HeaderMap, mut response: Response) -> Response {
    let cookies = Cookies::read(headers);
    if !cookies.is_denied || !cookies.has_visitor() {
        return response;
    }
    // If it fails, the cookies stay, and the next request tries again.
    if relay.forget_visitor(&cookies).await.is_ok()
        && let Page::Listed(origin) = page_of(headers, &relay.config.origins.0)
    {
        relay.cookie_setter(origin).delete(response.headers_mut());
        // A shared cache must not give this visitor's answer to others.
        let no_store = HeaderValue::from_static("private, no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
    }
    response
}

fn serve(assets: &Assets, name: &str, caching: &'static str, headers: &HeaderMap) -> Response {
    let Some(file) = assets.files.get(name) else {
        return missing();
    };
    let (bytes, encoding) = file.encoded(headers);
    // Each encoding is a representation with a tag of its own.
    let tag = format!("\"{}-{}\"", assets.version, encoding.unwrap_or("plain"));
    let mut response = match headers.get(header::IF_NONE_MATCH) {
        Some(known) if known.as_bytes() == tag.as_bytes() => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        _ => bytes.clone().into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    // Hexadecimal digits are valid in a header, so this cannot fail.
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn missing() -> Response {
    let message = format!("there is no such file; the pixel's script is {SCRIPT}");
    ApiError::new(StatusCode::NOT_FOUND, message).response()
}
