//! The shop, the inspector and the pixel: from folders where there are some, else from this program itself, which
//! carries what there was when it was built.

use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

/// What the build script has found: `shop/`, `inspector/` and `sdk/`.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/pages"]
#[allow_missing = true]
struct Embedded;

/// Where each of the three is. `None` stands for this program.
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
    /// What the options say; in the project's own folder what is there; else what this program carries.
    pub fn find(www: Option<&Path>, pixel_dist: Option<&Path>) -> Self {
        let is_project = Path::new("collector/Cargo.toml").is_file()
            && Path::new("www/shop/index.html").is_file();
        let project = |path: &str| is_project.then(|| PathBuf::from(path));
        // a folder that holds its sources alone, as the project's own www/ does, is none to be served
        let inspector = match www {
            Some(www) => Some(www.join("inspector")),
            None => project("target/inspector"),
        };
        let inspector = inspector.filter(|folder| is_built(folder));
        Self {
            shop: www
                .map(|www| www.join("shop"))
                .or_else(|| project("www/shop")),
            inspector,
            sdk: pixel_dist.map(Path::to_owned).or_else(|| project("dist")),
        }
    }

    /// Is there the pixel, where it is looked for?
    pub fn has_sdk(&self) -> bool {
        has(self.sdk.as_deref(), "sdk", "oaiq.min.js")
    }

    /// The pages that are not where they are looked for.
    pub fn missing(&self) -> Vec<&'static str> {
        let pages = [("shop", &self.shop), ("inspector", &self.inspector)];
        pages
            .into_iter()
            .filter(|(name, folder)| !has(folder.as_deref(), name, "index.html"))
            .map(|(name, _)| name)
            .collect()
    }
}

fn is_built(inspector: &Path) -> bool {
    ["index.html", "inspector.js"]
        .iter()
        .all(|file| inspector.join(file).is_file())
}

fn has(folder: Option<&Path>, name: &str, file: &str) -> bool {
    match folder {
        Some(folder) => folder.join(file).is_file(),
        None => Embedded::get(&format!("{name}/{file}")).is_some(),
    }
}

/// A file that this program carries, if there is one of that path. `path` is what stands behind the address's first
/// slash; a folder's is that of its `index.html`.
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
    let answer_headers = [(header::CONTENT_TYPE, kind), (header::ETAG, tag)];
    Some((answer_headers, Bytes::from_owner(file.data)).into_response())
}
