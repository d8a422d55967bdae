//! Spark's REST API over the model.

pub mod json;
pub mod v1;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::access::Viewer;
use crate::history::History;

/// Headers that Spark's server sends with everything.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (header::X_XSS_PROTECTION, "0"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// An archive of event logs is compressed as it is.
const ARCHIVE: NotForContentType = NotForContentType::const_new("application/octet-stream");

/// Serves `/api/v1/…`. Who asks is taken from a [`Viewer`] among the request's extensions, where something in front of this has put one.
pub fn router(history: History) -> Router {
    let all = |State(history), viewer, method, uri, headers| answer(history, viewer, method, uri, headers);
    let worth_it = SizeAbove::default().and(ARCHIVE).and(succeeded);
    Router::new()
        .route("/api/v1/{*path}", any(all))
        .with_state(history)
        .layer(CompressionLayer::new().gzip(true).compress_when(worth_it))
        .layer(axum::middleware::map_response(with_headers))
}

/// Spark's server compresses no refusal.
fn succeeded(status: StatusCode, _: Version, _: &HeaderMap, _: &Extensions) -> bool {
    status.is_success()
}

async fn answer(
    history: History,
    viewer: Option<axum::Extension<Viewer>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let viewer = viewer.map(|viewer| viewer.0).unwrap_or_default();
    v1::serve(history, viewer, method, uri, headers).await
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
