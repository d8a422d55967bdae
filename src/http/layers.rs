//! What goes around every server's routes.

use std::fmt::Display;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::classify::{
    ClassifiedResponse, ClassifyResponse, NeverClassifyEos, ServerErrorsAsFailures, ServerErrorsFailureClass,
    SharedClassifier,
};
use tower_http::trace::TraceLayer;

/// Goes with an answer that fails: the log has been told why, and is not to be told that it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told;

/// `router`, with its panics answered and its requests named in the log.
pub(super) fn around(router: Router) -> Router {
    let trace = TraceLayer::new(SharedClassifier::new(UntoldErrors)).make_span_with(span);
    router.layer(CatchPanicLayer::custom(internal_error)).layer(trace)
}

/// What the log is told of as failed: every 5xx that has not been [`Told`].
#[derive(Clone, Copy)]
struct UntoldErrors;

impl ClassifyResponse for UntoldErrors {
    type FailureClass = ServerErrorsFailureClass;
    type ClassifyEos = NeverClassifyEos<ServerErrorsFailureClass>;

    fn classify_response<B>(self, response: &Response<B>) -> ClassifiedResponse<Self::FailureClass, Self::ClassifyEos> {
        match response.extensions().get::<Told>() {
            Some(Told) => ClassifiedResponse::Ready(Ok(())),
            None => ServerErrorsAsFailures::new().classify_response(response),
        }
    }

    fn classify_error<E: Display + 'static>(self, error: &E) -> Self::FailureClass {
        ServerErrorsAsFailures::new().classify_error(error)
    }
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
