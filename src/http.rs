//! What every server's sockets have in common: how connections are taken, how long they may take, and how they end.
//!
//! Written over hyper instead of axum's own loop, which knows no deadline: a client that sends half a header, or nothing,
//! would hold its connection for ever.

mod body;
mod connections;
mod io;
mod layers;
mod tls;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use body::{Counted, Timed};
pub(crate) use connections::{Connections, open_files};
use connections::{Progress, Slot};
pub(crate) use io::Patience;
use io::TimedIo;
pub(crate) use layers::Told;
pub(crate) use tls::{Secured, Tls};

const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// The most that is held of a header, or of a body that is on its way.
const BUFFER_BYTES: usize = 128 * 1024;
/// How long a client that has connected and said nothing may still begin after the listener has closed.
const LAST_WORD: Duration = Duration::from_millis(500);
/// How long to wait when the system gives no more sockets.
const NO_SOCKETS_PAUSE: Duration = Duration::from_millis(50);

/// How a server is told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Take no new connection; let the requests under way end.
    pub(crate) drain: CancellationToken,
    /// Cut those that are still under way, but streams that are as long as an application.
    pub(crate) cut: CancellationToken,
    /// Cut those too.
    pub(crate) cut_streams: CancellationToken,
}

/// A server: its routes, and what it grants its clients.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) connections: Connections,
    pub(crate) patience: Patience,
    /// None: plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Whether a request may be silent for as long as it likes: its length is that of an application.
    pub(crate) is_stream: fn(&Method, &Uri) -> bool,
}

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

impl Bound {
    /// The socket, free to be served by another runtime.
    pub(crate) fn leave_runtime(self) -> std::io::Result<Unserved> {
        Ok(Unserved { listener: self.listener.into_std()?, address: self.address })
    }
}

/// A bound socket that no runtime knows.
pub(crate) struct Unserved {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Unserved {
    /// The socket in the runtime that this is called in.
    pub(crate) fn enter_runtime(self) -> std::io::Result<Bound> {
        Ok(Bound { listener: TcpListener::from_std(self.listener)?, address: self.address })
    }
}

/// Serves until `stop`, then lets requests under way end.
pub(crate) async fn serve(bound: Bound, mut server: Server, stop: Stop) -> anyhow::Result<()> {
    server.router = layers::around(server.router);
    let server = Arc::new(server);
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = bound.listener.accept() => accepted,
            () = stop.drain.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // One connection that broke before it was taken, or no more sockets to be had.
                tracing::debug!(%error, "a connection could not be taken");
                server.connections.evict();
                tokio::time::sleep(NO_SOCKETS_PAUSE).await;
                continue;
            }
        };
        let slot = tokio::select! {
            slot = server.connections.slot() => slot,
            () = stop.drain.cancelled() => break,
        };
        prepare(&stream);
        tasks.spawn(connection(Arc::clone(&server), stream, peer, slot, stop.clone()));
    }
    drop(bound);
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn connection(server: Arc<Server>, stream: TcpStream, peer: SocketAddr, slot: Slot, stop: Stop) {
    let progress = slot.progress();
    let stream = TimedIo::new(stream, progress.clone(), server.patience);
    let Some(tls) = server.tls.clone() else {
        return exchange(server, stream, Client { peer, secured: None }, progress, stop).await;
    };
    let evicted = progress.evicted();
    let accepted = tokio::select! {
        accepted = tls.acceptor().accept(stream) => accepted,
        () = evicted.cancelled() => return,
        () = stop.drain.cancelled() => return,
    };
    match accepted {
        Ok(stream) => {
            let secured = Some(Secured::of(stream.get_ref().1));
            exchange(server, stream, Client { peer, secured }, progress, stop).await;
        }
        Err(error) => tracing::debug!(%peer, %error, "no TLS connection came about"),
    }
}

/// Who is at the other end.
#[derive(Clone)]
struct Client {
    peer: SocketAddr,
    secured: Option<Secured>,
}

/// Answers requests until the client has no more, takes too long, or has to go.
async fn exchange<S>(server: Arc<Server>, stream: S, client: Client, progress: Arc<Progress>, stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request: Request<Incoming>| {
        let (server, progress, client) = (Arc::clone(&server), progress.clone(), client.clone());
        async move { answer(&server, &progress, client, request).await }
    });
    let mut builder = http1::Builder::new();
    // Deadlines are the stream's own: hyper's cannot tell a client that is idle from one that sends half a header.
    builder.timer(TokioTimer::new()).header_read_timeout(None::<Duration>).max_buf_size(BUFFER_BYTES);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let evicted = progress.evicted();
    tokio::select! {
        _ = served.as_mut() => return,
        () = evicted.cancelled() => return,
        () = stop.drain.cancelled() => {}
    }
    served.as_mut().graceful_shutdown();
    if !progress.is_busy() {
        tokio::select! {
            _ = served.as_mut() => return,
            () = tokio::time::sleep(LAST_WORD) => {}
        }
    }
    if !progress.is_busy() {
        return;
    }
    let cut = if progress.is_stream() { stop.cut_streams } else { stop.cut };
    tokio::select! {
        _ = served.as_mut() => {}
        () = cut.cancelled() => {}
    }
}

async fn answer(
    server: &Server,
    progress: &Arc<Progress>,
    client: Client,
    request: Request<Incoming>,
) -> Result<Response<Counted>, std::convert::Infallible> {
    let stream = (server.is_stream)(request.method(), request.uri());
    let under_way = progress.begin(stream);
    let stall = if stream { None } else { Some(server.patience.stall) };
    let mut request = request.map(|body| Body::new(Timed::new(body, stall)));
    request.extensions_mut().insert(ConnectInfo(client.peer));
    if let Some(secured) = client.secured {
        request.extensions_mut().insert(secured);
    }
    let response = server.router.clone().oneshot(request).await?;
    Ok(response.map(|body| Counted::new(body, under_way)))
}

/// What the kernel takes of an answer before its client has room for it. By itself it would take megabytes, and long answers would be
/// printed and compressed for clients that never read them.
#[cfg(target_os = "linux")]
const MOST_UNSENT_BYTES: u32 = 128 * 1024;

/// Small answers go out at once, and a client whose host is gone is found out: its upload would hang for ever otherwise.
fn prepare(connection: &TcpStream) {
    let probes = TcpKeepalive::new().with_time(KEEP_ALIVE_IDLE).with_interval(KEEP_ALIVE_INTERVAL);
    let socket = SockRef::from(connection);
    let set = connection.set_nodelay(true).and_then(|()| socket.set_tcp_keepalive(&probes));
    // Elsewhere the kernel takes what it likes.
    #[cfg(target_os = "linux")]
    let set = set.and_then(|()| socket.set_tcp_notsent_lowat(MOST_UNSENT_BYTES));
    if let Err(error) = set {
        tracing::debug!(%error, "a connection without keep-alive probes, or without a bound on what waits to be sent");
    }
}
