//! Puts files of this machine on a staging server, each under a path that its content names: the same bytes a second time
//! cost one question and no upload.
//!
//! The path is `/staging/<namespace>/spark-upload-<id>/<name>`, shaped like those that spark-submit makes, so that the same
//! rules of access and lifetime hold; the id follows from the content instead of from chance.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Method, Response, StatusCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio_util::io::ReaderStream;
use url::Url;

use crate::{Access, Failure, wire};

mod collect;
mod probe;

use collect::Digested;
pub use collect::{Item, collect};

/// The server, and how hard to try.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `http://host:port` or `https://host:port`
    pub server: Url,
    /// The Kubernetes namespace that the files are for.
    pub namespace: String,
    /// How many files are under way at once.
    pub parallel: usize,
    /// How often in a row a file may fail.
    pub retries: u32,
    /// The pause before the first retry; it doubles up to 30 times of itself.
    pub pause: Duration,
    /// A connection on which nothing happens for so long has failed.
    pub silence: Duration,
}

/// A file that is on the server.
#[derive(Clone, Debug)]
pub struct Staged {
    /// What was uploaded.
    pub local: PathBuf,
    /// Where it is: an absolute path on the server.
    pub path: String,
    /// Its length.
    pub size_bytes: u64,
    /// The hash of its content, in hexadecimal digits.
    pub sha256: String,
    /// Whether it had to be sent: the server did not have it.
    pub sent: bool,
}

/// What came of trying an upload.
#[derive(Debug)]
pub struct Probe {
    /// `host:port` that the server wanted the content at.
    pub sent_to: String,
    /// Whether it can be read back without a token, as drivers and executors read it.
    pub read: Result<(), Failure>,
    /// Whether it could be removed again.
    pub removed: Result<(), Failure>,
}

/// What happens meanwhile, by the place of the item in the list.
#[derive(Clone, Debug)]
pub enum Event {
    /// It is being sent: the server does not have it.
    Began {
        /// Which.
        index: usize,
        /// Its length.
        total_bytes: u64,
    },
    /// So many bytes of it have been handed to the connection by now.
    Sent {
        /// Which.
        index: usize,
        /// Since the beginning of the file.
        bytes: u64,
    },
    /// It is tried again.
    Retrying {
        /// Which.
        index: usize,
        /// What went wrong.
        reason: String,
        /// When.
        pause: Duration,
    },
    /// It is there, or not.
    Ended {
        /// Which.
        index: usize,
        /// How.
        outcome: Result<Staged, Failure>,
    },
}

/// Is told of every [`Event`].
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// Uploads files.
#[derive(Debug)]
pub struct Stager {
    http: Client,
    access: Access,
    settings: Settings,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "FileStatus")]
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    length: u64,
    #[serde(rename = "type")]
    kind: String,
}

impl Stager {
    /// Makes one; nothing is sent yet.
    ///
    /// # Errors
    /// [`Failure`] when a certificate to trust cannot be used.
    pub fn new(access: Access, settings: Settings) -> Result<Self, Failure> {
        // The first answer to an upload is a redirect, which is followed here, with the content.
        let builder = wire::client(&access, settings.silence)?.redirect(reqwest::redirect::Policy::none());
        let http = builder.build().map_err(|e| Failure::lasting(wire::chain(&e)))?;
        Ok(Self { http, access, settings })
    }

    /// Uploads all of `items`, and returns what became of each, in their order.
    pub async fn run(&self, items: &[Item], observer: &Observer) -> Vec<Result<Staged, Failure>> {
        let tasks = items.iter().zip(self.plan(items).await).enumerate().map(|(index, (item, planned))| async move {
            let outcome = match planned {
                Ok(planned) => self.put(index, item, planned, observer).await,
                Err(failure) => Err(failure),
            };
            observer(Event::Ended { index, outcome: outcome.clone() });
            outcome
        });
        futures::stream::iter(tasks).buffered(self.settings.parallel.max(1)).collect().await
    }

    /// Where each of `items` will be. Nothing is sent.
    pub async fn plan(&self, items: &[Item]) -> Vec<Result<Staged, Failure>> {
        let digests = self.digests(items).await;
        let folders = collect::folder_ids(items, &digests);
        let plan = |((item, digest), folder): ((&Item, Digested), uuid::Uuid)| -> Result<Staged, Failure> {
            let (digest, size_bytes) = digest?;
            Ok(Staged {
                local: item.local.clone(),
                path: format!("/staging/{}/spark-upload-{folder}/{}", self.settings.namespace, item.name),
                size_bytes,
                sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
                sent: false,
            })
        };
        items.iter().zip(digests).zip(folders).map(plan).collect()
    }

    async fn digests(&self, items: &[Item]) -> Vec<Digested> {
        let tasks = items.iter().map(|item| {
            let path = item.local.clone();
            async move {
                let hashed = tokio::task::spawn_blocking(move || hash(&path)).await;
                hashed.map_err(|e| Failure::lasting(format!("hashing ended: {e}")))?
            }
        });
        futures::stream::iter(tasks).buffered(self.settings.parallel.max(1)).collect().await
    }

    async fn put(&self, index: usize, item: &Item, planned: Staged, observer: &Observer) -> Result<Staged, Failure> {
        let mut failed = 0;
        loop {
            let failure = match self.put_once(item, &planned.path, planned.size_bytes, (index, observer)).await {
                Ok(sent) => return Ok(Staged { sent, ..planned }),
                Err(failure) if failure.may_pass && failed < self.settings.retries => failure,
                Err(failure) => return Err(failure),
            };
            let pause = failure.pause.unwrap_or_else(|| wire::pause(self.settings.pause, failed));
            failed += 1;
            observer(Event::Retrying { index, reason: failure.reason, pause });
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends the file unless the server has it already; whether it did send it.
    async fn put_once(
        &self,
        item: &Item,
        path: &str,
        size_bytes: u64,
        (index, observer): (usize, &Observer),
    ) -> Result<bool, Failure> {
        if self.length(path).await? == Some(size_bytes) {
            return Ok(false);
        }
        let place = self.place(path).await?;
        let unreadable = |e: std::io::Error| Failure::of_file("read", &item.local, &e);
        let file = tokio::fs::File::open(&item.local).await.map_err(unreadable)?;
        observer(Event::Began { index, total_bytes: size_bytes });
        let (observer, mut bytes) = (Arc::clone(observer), 0);
        let counted = ReaderStream::with_capacity(file, 256 * 1024).inspect(move |chunk| {
            bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            observer(Event::Sent { index, bytes });
        });
        let body = reqwest::Body::wrap_stream(counted);
        let request = self.http.request(Method::PUT, place).body(body);
        let request = request.header(CONTENT_LENGTH, size_bytes).header(CONTENT_TYPE, "application/octet-stream");
        let answer = self.send(request).await?;
        if answer.status() != StatusCode::CREATED {
            return Err(wire::refused(answer).await);
        }
        match tokio::fs::metadata(&item.local).await {
            Ok(meta) if meta.len() == size_bytes => {}
            _ => {
                return Err(
                    Failure::lasting("it changed while it was uploaded").advising("try again when nothing writes it")
                );
            }
        }
        match self.length(path).await? {
            Some(length) if length == size_bytes => Ok(true),
            _ => Err(Failure::passing("the server has not what was sent")),
        }
    }

    /// Where the content of a path is to be sent.
    async fn place(&self, path: &str) -> Result<Url, Failure> {
        let url = self.url(path, &[("op", "CREATE"), ("overwrite", "true")]);
        let answer = self.send(self.http.request(Method::PUT, url.clone())).await?;
        match answer.status() {
            StatusCode::TEMPORARY_REDIRECT => self.target(&answer, &url),
            _ => Err(wire::refused(answer).await),
        }
    }

    /// The length of what the server has at a path; `None` when it has nothing.
    async fn length(&self, path: &str) -> Result<Option<u64>, Failure> {
        let url = self.url(path, &[("op", "GETFILESTATUS")]);
        let answer = self.send(self.http.get(url)).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(wire::refused(answer).await),
        }
        let status = wire::json::<Answer>(answer, 64 * 1024).await.map(|answer| answer.status);
        let status = status.ok_or_else(|| {
            Failure::lasting("the server does not speak WebHDFS")
                .advising("--staging-url names Hearth's staging server")
        })?;
        Ok((status.kind == "FILE").then_some(status.length))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Failure> {
        request.headers(wire::bearer(&self.access)?).send().await.map_err(wire::of_request)
    }

    fn target(&self, answer: &Response, asked: &Url) -> Result<Url, Failure> {
        let place = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        let place = place.and_then(|place| asked.join(place).ok());
        let place = place.ok_or_else(|| Failure::lasting("the server redirects to no place"))?;
        // A token goes to the server that it is for, and nowhere else.
        if self.access.bearer.is_some() && wire::authority(&place) != wire::authority(asked) {
            let reason =
                format!("the server wants the content at {}, to which the token is not sent", wire::authority(&place));
            return Err(Failure::lasting(reason).advising("give that address as --staging-url"));
        }
        Ok(place)
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.settings.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["webhdfs", "v1"]).extend(path.split('/').filter(|part| !part.is_empty()));
        }
        url.query_pairs_mut().extend_pairs(query);
        if let Some(user) = &self.access.webhdfs_user {
            url.query_pairs_mut().append_pair("user.name", user);
        }
        url
    }
}

/// SHA-256 and length of a file.
fn hash(path: &Path) -> Result<([u8; 32], u64), Failure> {
    use std::io::Read as _;
    let unreadable = |e: std::io::Error| Failure::of_file("read", path, &e);
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let (mut hasher, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok((hasher.finalize().into(), length)),
            read => {
                hasher.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
}
