//! Style sheet, script and icon, embedded. Their URLs carry a hash of their content, so that a browser keeps them for ever and
//! still gets new ones with a new version.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An embedded file.
pub(crate) struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
    hash: u64,
}

pub(crate) const STYLE: Asset =
    Asset::new("hearth.css", "text/css; charset=utf-8", include_bytes!("../assets/hearth.css"));
pub(crate) const SCRIPT: Asset =
    Asset::new("hearth.js", "text/javascript; charset=utf-8", include_bytes!("../assets/hearth.js"));
pub(crate) const ICON: Asset = Asset::new("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg"));

impl Asset {
    const fn new(name: &'static str, content_type: &'static str, content: &'static [u8]) -> Self {
        Self { name, content_type, content, hash: fnv1a(content) }
    }

    /// The last part of its URL.
    pub(crate) fn file_name(&self) -> String {
        format!("{:016x}-{}", self.hash, self.name)
    }
}

/// Answers `/static/{file}`. An old hash gets the present content too, but not for ever: during a rollout pages of one
/// version ask servers of the other.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    let Some(asset) = [STYLE, SCRIPT, ICON].into_iter().find(|asset| file.ends_with(&format!("-{}", asset.name)))
    else {
        return (StatusCode::NOT_FOUND, "no such file\n").into_response();
    };
    let cache = if file == asset.file_name() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    (headers, asset.content).into_response()
}

const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}
