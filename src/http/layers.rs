//! What goes around every server's routes.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;

/// `router`, with its panics answered and its requests named in the log.
pub(super) fn around(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(internal_error)).layer(TraceLayer::new_for_http().make_span_with(span))
}

fn span(request: &Request<Body>) -> tracing::Span {
    // The path, not the query: a query can carry a secret.
    let path = access::masked(request.uri().path());
    tracing::info_span!("request", method = %request.method(), path = &*path)
}

fn internal_error(panic: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let reason = (panic.downcast_ref::<String>().map(String::as_str)).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(reason = reason.unwrap_or("no message"), "a request panicked");
    let mut response = Response::new(Body::from("The server failed on this request; its log says why. Try again.\n"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
