//! The identity of one request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::access::{Authenticator, Caller, Denied, Identity};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use history_server::Viewer;
use hyper::ext::ReasonPhrase;
use ipnet::IpNet;

use crate::http::Secured;

/// Headers by which a proxy says for whom it asks, and as what. From anybody else they say nothing.
const PROXY_HEADERS: [&str; 8] = [
    "forwarded",
    "x-forwarded-context",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-real-ip",
];

/// How callers are known.
pub(super) struct Identify {
    pub(super) guarded: bool,
    pub(super) proxies: Vec<IpNet>,
    pub(super) user_header: Option<HeaderName>,
    pub(super) groups_header: Option<HeaderName>,
    pub(super) authenticator: Authenticator,
}

/// Tells what is behind it who asks: a [`Caller`], and a [`Viewer`] for the history server.
pub(super) async fn identify(State(identify): State<Arc<Identify>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let secured = request.extensions().get::<Secured>().cloned();
    let trusted = identify.settle_headers(peer, secured.as_ref(), request.headers_mut());
    let caller = match identify.caller(request.headers(), trusted, secured).await {
        Ok(caller) => caller,
        Err(denied) => return refuse(&denied),
    };
    request.extensions_mut().insert(viewer(&caller));
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if let Some(Denied::Unauthenticated(reason)) = response.extensions_mut().remove() {
        ask_for_token(&mut response, reason);
    }
    response
}

/// Lets only those through who are known.
pub(super) async fn require_known(State(identify): State<Arc<Identify>>, request: Request, next: Next) -> Response {
    if identify.guarded && !matches!(request.extensions().get(), Some(Caller::Known(_))) {
        let why = "this server shows nothing to those it does not know: send a token (Authorization: Bearer), a client \
                   certificate, or come by the proxy that logs people in";
        return refuse(&Denied::Unauthenticated(why.to_owned()));
    }
    next.run(request).await
}

impl Identify {
    /// Takes away what only a proxy may say, unless one says it. Returns whether one does.
    fn settle_headers(&self, peer: Option<IpAddr>, secured: Option<&Secured>, headers: &mut HeaderMap) -> bool {
        // An IPv4 client of an IPv6 socket is still that client.
        let peer = peer.map(|peer| peer.to_canonical());
        let trusted = peer.is_some_and(|peer| self.proxies.iter().any(|net| net.contains(&peer)));
        if !trusted {
            for name in PROXY_HEADERS {
                headers.remove(name);
            }
            for name in [&self.user_header, &self.groups_header].into_iter().flatten() {
                headers.remove(name);
            }
        }
        if secured.is_some() && !headers.contains_key("x-forwarded-proto") {
            headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        }
        trusted
    }

    async fn caller(&self, headers: &HeaderMap, trusted: bool, secured: Option<Secured>) -> Result<Caller, Denied> {
        if let Some(token) = bearer(headers).filter(|_| self.guarded) {
            return self.authenticator.bearer(token).await;
        }
        if let Some(identity) = secured.and_then(|secured| secured.subject) {
            return Ok(Caller::Known(identity));
        }
        let named = if trusted { self.named(headers) } else { None };
        Ok(named.map_or(Caller::Anonymous, Caller::Known))
    }

    fn named(&self, headers: &HeaderMap) -> Option<Identity> {
        let read = |name: &Option<HeaderName>| Some(headers.get(name.as_ref()?)?.to_str().ok()?.trim().to_owned());
        let name = read(&self.user_header).filter(|user| !user.is_empty())?;
        let groups = read(&self.groups_header).unwrap_or_default();
        let groups =
            groups.split(',').map(str::trim).filter(|group| !group.is_empty()).map(ToOwned::to_owned).collect();
        Some(Identity { name, groups, ..Identity::default() })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn viewer(caller: &Caller) -> Viewer {
    match caller {
        Caller::Anonymous => Viewer::default(),
        Caller::Known(Identity { name, groups, .. }) => Viewer { user: Some(name.clone()), groups: groups.clone() },
    }
}

/// The answer to a caller that was refused. The reason of a 401 stands in the status line too: Hadoop's client shows nothing
/// else.
pub(super) fn refuse(denied: &Denied) -> Response {
    let status = match denied {
        Denied::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Denied::Forbidden(_) => StatusCode::FORBIDDEN,
        Denied::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let text = denied.to_string();
    let mut response = (status, Body::from(format!("{text}\n"))).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::UNAUTHORIZED {
        ask_for_token(&mut response, text);
    }
    response
}

/// What every 401 says.
fn ask_for_token(response: &mut Response, reason: String) {
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hearth\""));
    if let Ok(reason) = ReasonPhrase::try_from(reason.into_bytes()) {
        response.extensions_mut().insert(reason);
    }
}
