//! What is common to all that speaks HTTP here.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{ClientBuilder, Response};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{Access, Failure};

/// A server may ask for no longer pause than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Of an answer that says why there is nothing else.
const LIMIT_BYTES: usize = 64 * 1024;

/// How every server is spoken to.
pub(crate) fn client(access: &Access, silence: Duration) -> Result<ClientBuilder, Failure> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(silence.min(Duration::from_secs(10)))
        .read_timeout(silence);
    if let Some(pem) = &access.certificates_pem {
        let found = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|e| Failure::lasting(format!("the certificates to trust: {}", chain(&e))))?;
        if found.is_empty() {
            return Err(Failure::lasting("the certificates to trust: the file has none in PEM"));
        }
        builder = builder.tls_certs_merge(found);
    }
    Ok(builder)
}

/// What says who asks.
pub(crate) fn bearer(access: &Access) -> Result<HeaderMap, Failure> {
    let Some(token) = &access.bearer else { return Ok(HeaderMap::new()) };
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        .map_err(|_| Failure::lasting("the token has line ends or other control characters in it"))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// `host:port`
pub(crate) fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// The pause before a retry: twice as long each time, up to 30 times, and half of it by chance, so that those who failed
/// together do not come together.
pub(crate) fn pause(first: Duration, failed: u32) -> Duration {
    let longest = first * 30;
    let pause = first.saturating_mul(1 << failed.min(10)).min(longest);
    let chance = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
    pause.mul_f64(0.5 + chance / 2.0)
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

pub(crate) fn text(answer: &Response, name: HeaderName) -> Option<&str> {
    answer.headers().get(name)?.to_str().ok()
}

pub(crate) fn of_request(error: reqwest::Error) -> Failure {
    // The URL may have a signature in it; and the report names the artifact anyway.
    let lasting = error.is_builder() || error.is_redirect();
    let text = chain(&error.without_url());
    if text.contains("certificate") {
        return Failure::lasting(text).advising("--ca-file FILE trusts the certificates in it as well");
    }
    if lasting { Failure::lasting(text) } else { Failure::passing(text) }
}

/// What an answer that is not the content means.
pub(crate) async fn refused(answer: Response) -> Failure {
    let status = answer.status();
    let pause = text(&answer, RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    let says = words(answer).await.map(|words| format!(": {words}")).unwrap_or_default();
    let reason = format!("the server answered {status}{says}");
    let mut failure = match status.as_u16() {
        401 | 403 => Failure::lasting(reason).advising(
            "it wants to know who asks: give a token by --token-file, or a URL that is signed and has not expired",
        ),
        404 | 410 => Failure::lasting(reason).advising("look at the URL; what was staged there may have expired"),
        408 | 425 | 429 => Failure::passing(reason),
        501 | 505 => Failure::lasting(reason),
        500..=599 => Failure::passing(reason),
        _ => Failure::lasting(reason),
    };
    failure.pause = pause.map(|pause| pause.min(LONGEST_PAUSE));
    failure
}

/// The first line of an answer that is text for people, or the message of Hadoop's exceptions; of at most 64 KiB.
async fn words(answer: Response) -> Option<String> {
    let html = text(&answer, CONTENT_TYPE).is_some_and(|kind| kind.contains("html") || kind.contains("xml"));
    let read = whole(answer, LIMIT_BYTES).await?;
    let exception: Option<serde_json::Value> = serde_json::from_slice(&read).ok();
    if let Some(message) = exception.as_ref().and_then(|e| e["RemoteException"]["message"].as_str()) {
        return Some(message.chars().take(300).collect());
    }
    if html {
        return None;
    }
    let read = String::from_utf8(read).ok()?;
    let line = read.lines().next()?.trim();
    (!line.is_empty() && !line.contains(char::is_control)).then(|| line.chars().take(300).collect())
}

/// What an answer of at most so many bytes says in JSON; `None` when it is none, or too long.
pub(crate) async fn json<T: DeserializeOwned>(answer: Response, limit_bytes: usize) -> Option<T> {
    serde_json::from_slice(&whole(answer, limit_bytes).await?).ok()
}

/// An answer of at most so many bytes.
pub(crate) async fn whole(answer: Response, limit_bytes: usize) -> Option<Vec<u8>> {
    let mut stream = answer.bytes_stream();
    let mut read = Vec::new();
    while let Some(chunk) = stream.next().await {
        read.extend_from_slice(&chunk.ok()?);
        if read.len() > limit_bytes {
            return None;
        }
    }
    Some(read)
}

/// What a server says of what it has not.
pub(crate) async fn not_found(answer: Response) -> Failure {
    let says = words(answer).await.unwrap_or_else(|| "the server has nothing there".to_owned());
    Failure::lasting(says)
}
