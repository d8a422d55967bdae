//! How every cloud is spoken to.

use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

/// A request that is silent for so long has failed, and is tried again. Not a limit on the whole of it: a download lasts
/// as long as its reader takes.
const SILENCE: Duration = Duration::from_secs(30);

/// For how long a request that fails in passing is tried again: as long as Hadoop's client waits for its answer.
const PATIENCE: Duration = Duration::from_secs(55);

pub(crate) fn options() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled().with_read_timeout(SILENCE)
}

/// What fails in passing is tried again, but not for longer than a caller of ours waits for an answer.
pub(crate) fn retry() -> RetryConfig {
    // By the defaults the waits grow so slowly that many tries are over in a second; time is to end them, not number.
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(8), base: 3.0 };
    RetryConfig { backoff, max_retries: 1_000, retry_timeout: PATIENCE }
}

/// The connections to a cloud.
pub(crate) fn connector() -> Understanding<ReqwestConnector> {
    Understanding(ReqwestConnector::default())
}

/// What a cloud said when it refused a request for good: trying again changes nothing.
#[derive(Debug, thiserror::Error)]
#[error("the store answered {status}: {message}")]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The store's own code, such as `NoSuchBucket`; empty where it gave none.
    pub(crate) code: String,
    /// The store's own words, cut.
    pub(crate) message: String,
}

/// Reads refusals, which `object_store` passes on as text.
#[derive(Debug)]
pub(crate) struct Understanding<C>(pub(crate) C);

impl<C: HttpConnector> HttpConnector for Understanding<C> {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Reading(self.0.connect(options)?)))
    }
}

#[derive(Debug)]
struct Reading(HttpClient);

#[async_trait]
impl HttpService for Reading {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.execute(request).await?;
        let status = response.status();
        let may_be_final = matches!(status.as_u16(), 301 | 307 | 400 | 401 | 403 | 404 | 507);
        if !may_be_final {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let body = body.bytes().await?;
        let text = String::from_utf8_lossy(&body);
        let refusal = Refusal::read(status, &text);
        match status.as_u16() {
            // The connection was slow, says S3 so; nothing is wrong with the request.
            400 if refusal.code == "RequestTimeout" => Err(HttpError::new(HttpErrorKind::Request, refusal)),
            404 if !refusal.is_no_bucket() => Ok(HttpResponse::from_parts(head, HttpResponseBody::from(body))),
            _ => Err(HttpError::new(HttpErrorKind::Unknown, refusal)),
        }
    }
}

const MESSAGE_CHARS: usize = 300;

impl Refusal {
    fn read(status: StatusCode, body: &str) -> Self {
        // S3's and Azure's errors are XML, Google's are sentences or JSON.
        let element = |name: &str| {
            let (_, rest) = body.split_once(&format!("<{name}>"))?;
            Some(rest.split_once("</")?.0.trim().to_owned())
        };
        let message = element("Message").unwrap_or_else(|| body.trim().to_owned());
        let code = element("Code").unwrap_or_default();
        let said = if code.is_empty() || message.contains(&code) { message } else { format!("{code}: {message}") };
        Self { status, code, message: said.chars().take(MESSAGE_CHARS).collect() }
    }

    pub(crate) fn is_no_bucket(&self) -> bool {
        matches!(self.code.as_str(), "NoSuchBucket" | "ContainerNotFound" | "FilesystemNotFound")
            || (self.status == StatusCode::NOT_FOUND && self.message.contains("specified bucket does not exist"))
    }

    pub(crate) fn is_denied(&self) -> bool {
        let is_about_keys = matches!(
            self.code.as_str(),
            "ExpiredToken"
                | "InvalidToken"
                | "TokenRefreshRequired"
                | "InvalidAccessKeyId"
                | "SecurityTokenExpired"
                | "InvalidSecurityToken"
                | "AuthorizationHeaderMalformed"
        );
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || is_about_keys
    }

    pub(crate) fn is_full(&self) -> bool {
        self.status == StatusCode::INSUFFICIENT_STORAGE
            || ["StorageFull", "QuotaExceeded", "InsufficientCapacity"].iter().any(|word| self.code.contains(word))
    }
}
