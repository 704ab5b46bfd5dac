//! Finds the files of the shop, the inspector and the pixel: in directories, or embedded in this program.

use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

/// The directories that the build script embeds: `shop/`, `inspector/` and `sdk/`, as far as they existed at build time.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/assets"]
#[allow_missing = true]
struct Embedded;

/// The directory of each. `None` means embedded.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    /// The demo shop, served under `/shop/`.
    pub shop: Option<PathBuf>,
    /// The inspector, served under `/inspector/`.
    pub inspector: Option<PathBuf>,
    /// The built pixel, served under `/sdk/`.
    pub sdk: Option<PathBuf>,
}

impl Assets {
    /// The directories given on the command line; otherwise, in the project's root, the project's own; otherwise the
    /// embedded files.
    pub fn find(www: Option<&Path>, pixel_dist: Option<&Path>) -> Self {
        let is_project = Path::new("collector/Cargo.toml").is_file()
            && Path::new("www/shop/index.html").is_file();
        let project = |path: &str| is_project.then(|| PathBuf::from(path));
        // A directory with only the inspector's sources, like the project's www/, cannot be served.
        let inspector = match www {
            Some(www) => Some(www.join("inspector")),
            None => project("target/inspector"),
        };
        let inspector = inspector.filter(|dir| is_built(dir));
        Self {
            shop: www
                .map(|www| www.join("shop"))
                .or_else(|| project("www/shop")),
            inspector,
            sdk: pixel_dist.map(Path::to_owned).or_else(|| project("dist")),
        }
    }

    /// Whether the pixel's script is where it should be.
    pub fn has_sdk(&self) -> bool {
        has(self.sdk.as_deref(), "sdk", "oaiq.min.js")
    }

    /// Which of `shop` and `inspector` are not where they should be.
    pub fn missing(&self) -> Vec<&'static str> {
        let pages = [("shop", &self.shop), ("inspector", &self.inspector)];
        pages
            .into_iter()
            .filter(|(name, dir)| !has(dir.as_deref(), name, "index.html"))
            .map(|(name, _)| name)
            .collect()
    }
}

fn is_built(inspector: &Path) -> bool {
    ["index.html", "inspector.js"]
        .iter()
        .all(|file| inspector.join(file).is_file())
}

fn has(dir: Option<&Path>, name: &str, file: &str) -> bool {
    match dir {
        Some(dir) => dir.join(file).is_file(),
        None => Embedded::get(&format!("{name}/{file}")).is_some(),
    }
}

/// The response with an embedded file, if there is one. `path` is the URL's path without the first slash; if it ends in a
/// slash, the file is the directory's `index.html`.
pub fn embedded(path: &str, headers: &HeaderMap) -> Option<Response> {
    let path = if path.ends_with('/') {
        format!("{path}index.html")
    } else {
        path.to_owned()
    };
    let file = Embedded::get(&path)?;
    let hash: String = file.metadata.sha256_hash()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = HeaderValue::try_from(format!("\"{hash}\"")).ok()?;
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return Some((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = HeaderValue::try_from(file.metadata.mimetype()).ok()?;
    let response_headers = [(header::CONTENT_TYPE, kind), (header::ETAG, tag)];
    Some((response_headers, Bytes::from_owner(file.data)).into_response())
}
