//! What every server's sockets have in common.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use axum::serve::ListenerExt as _;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;

const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// A bound socket, and the address that it got.
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Binds `address`; port 0 takes a free one.
pub(crate) async fn bind(role: &str, address: SocketAddr) -> anyhow::Result<Bound> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("the {role} cannot listen on {address}: choose another address or free this one"))?;
    let address = listener.local_addr()?;
    Ok(Bound { listener, address })
}

/// Serves until `stop`, then lets requests under way end.
pub(crate) async fn serve(bound: Bound, router: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let router =
        router.layer(CatchPanicLayer::custom(internal_error)).layer(TraceLayer::new_for_http().make_span_with(span));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let listener = bound.listener.tap_io(keep_alive);
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

/// Finds out that a client's host is gone: its upload would hang for ever otherwise.
fn keep_alive(connection: &mut TcpStream) {
    let probes = TcpKeepalive::new().with_time(KEEP_ALIVE_IDLE).with_interval(KEEP_ALIVE_INTERVAL);
    if let Err(error) = SockRef::from(&*connection).set_tcp_keepalive(&probes) {
        tracing::debug!(%error, "a connection without keep-alive probes");
    }
}

fn span(request: &Request<Body>) -> tracing::Span {
    // The path, not the query: a query can carry a secret.
    tracing::info_span!("request", method = %request.method(), path = request.uri().path())
}

fn internal_error(panic: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let reason = (panic.downcast_ref::<String>().map(String::as_str)).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(reason = reason.unwrap_or("no message"), "a request panicked");
    let mut response = Response::new(Body::from("The server failed on this request; its log says why. Try again.\n"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
