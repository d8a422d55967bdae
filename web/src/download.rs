//! Text from logs, and files, as a browser may safely take them.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::error::Error;

/// Text that somebody else wrote: a browser shows it, and runs nothing of it.
pub(crate) fn text(body: Body) -> Response {
    let mut response = body.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A `Content-Disposition` for a file to be kept under this name, or under what of it any system takes.
pub(crate) fn attachment(name: &str) -> Result<HeaderValue, Error> {
    let clean = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = name.chars().map(clean).collect();
    HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(|_| Error::Internal)
}
