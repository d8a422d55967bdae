use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use storage::{ObjectPath, Store, StoreUrl};
use tokio_util::io::ReaderStream;
use url::Url;

use super::source::Source;
use super::transfer::{Opened, Resume};
use super::{http, webhdfs};
use crate::wire::{self, authority, chain};
use crate::{Access, Failure};

/// Opens sources. Connections and clients of stores are shared.
pub(crate) struct Client {
    http: reqwest::Client,
    access: Access,
    stores: Mutex<Vec<(StoreUrl, Store)>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(access: Access, silence: Duration) -> Result<Self, Failure> {
        let builder = wire::client(&access, silence)?;
        let http = builder.build().map_err(|e| Failure::lasting(chain(&e)))?;
        Ok(Self { http, access, stores: Mutex::default() })
    }

    /// Opens `source`, from where `resume` says if the content is still the same.
    pub(crate) async fn open(&self, source: &Source, resume: &Resume) -> Result<Opened, Failure> {
        match source {
            Source::Http(url) => http::get(&self.http, url, self.headers_for(url)?, resume).await,
            Source::Bundle { url, secret } => http::get(&self.http, url, bundle_headers(secret).await?, resume).await,
            Source::WebHdfs { server, path } => {
                let headers = self.headers_for(server)?;
                webhdfs::Place { http: &self.http, server, path, access: &self.access, headers }.open(resume).await
            }
            Source::Object { store, path } => open_object(&self.store(store)?, path, resume).await,
            Source::File(path) => open_file(path).await,
        }
    }

    fn headers_for(&self, url: &Url) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.access.bearer
            && self.access.bearer_hosts.iter().any(|host| *host == authority(url))
        {
            headers.insert(AUTHORIZATION, secret_header(&format!("Bearer {}", token.reveal()))?);
        }
        Ok(headers)
    }

    fn store(&self, url: &StoreUrl) -> Result<Store, Failure> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, store)) = stores.iter().find(|(known, _)| known == url) {
            return Ok(store.clone());
        }
        let store = Store::open(url).map_err(|e| Failure::lasting(chain(&e)))?;
        stores.push((url.clone(), store.clone()));
        Ok(store)
    }
}

fn secret_header(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Failure::lasting("the secret to send has line ends or other control characters in it"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The protocol has the secret itself as the whole header. Its file is read anew each time: it may be mounted late.
async fn bundle_headers(secret: &Path) -> Result<HeaderMap, Failure> {
    const LIMIT_BYTES: u64 = 64 * 1024;
    let unreadable = |e: std::io::Error| Failure::of_file("read the secret", secret, &e);
    if tokio::fs::metadata(secret).await.map_err(unreadable)?.len() > LIMIT_BYTES {
        return Err(Failure::lasting(format!("{} is larger than any secret is", secret.display())));
    }
    let text = tokio::fs::read_to_string(secret).await.map_err(unreadable)?;
    Ok(HeaderMap::from_iter([(AUTHORIZATION, secret_header(text.trim())?)]))
}

async fn open_object(store: &Store, path: &ObjectPath, resume: &Resume) -> Result<Opened, Failure> {
    let (meta, body) = store.read(path, resume.offset).await.map_err(|e| of_store(&e))?;
    let validator = meta.e_tag.clone().or_else(|| Some(meta.last_modified.to_rfc3339()));
    let same = resume.offset == 0 || (validator == resume.validator && resume.total == Some(meta.size_bytes));
    let (start, body) =
        if same { (resume.offset, body) } else { (0, store.read(path, 0).await.map_err(|e| of_store(&e))?.1) };
    let body = body.map(|chunk| chunk.map_err(|e| of_store(&e))).boxed();
    Ok(Opened { start, total: Some(meta.size_bytes), validator, body })
}

fn of_store(error: &storage::Error) -> Failure {
    use storage::Error as E;
    let text = chain(error);
    match error {
        E::NotFound { .. } => {
            Failure::lasting("the bucket has no such object").advising("look at the key and the bucket")
        }
        E::PermissionDenied { .. } => Failure::lasting(text).advising(
            "the pod needs credentials that may read it: web identity, an instance role, or AWS_* and the like",
        ),
        E::Unavailable { .. } => Failure::passing(text),
        E::NoSuchBucket { .. } => Failure::lasting(text).advising("look at the name of the bucket and at its region"),
        E::AlreadyExists { .. }
        | E::Changed { .. }
        | E::Full { .. }
        | E::Refused { .. }
        | E::TooLarge { .. }
        | E::InvalidPath { .. }
        | E::InvalidUrl { .. }
        | E::Corrupt { .. } => Failure::lasting(text),
    }
}

async fn open_file(path: &Path) -> Result<Opened, Failure> {
    const CHUNK_BYTES: usize = 256 * 1024;
    let unreadable = |e: std::io::Error| Failure::of_file("read", path, &e);
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let meta = file.metadata().await.map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Failure::lasting(format!("{} is not a file", path.display())));
    }
    let from = path.to_owned();
    let body = ReaderStream::with_capacity(file, CHUNK_BYTES)
        .map(move |chunk| chunk.map_err(|e| Failure::of_file("read", &from, &e)));
    Ok(Opened { start: 0, total: Some(meta.len()), validator: None, body: body.boxed() })
}
