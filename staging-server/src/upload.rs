//! The bytes of one request, on their way into a tree.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{Error, Result};

/// How much of a refused upload is read and thrown away, so that the client comes to read why: Java's looks at the answer
/// only when it has sent all.
const DRAIN_BYTES: u64 = 1 << 30;
const DRAIN_TIME: Duration = Duration::from_secs(60);

/// The bytes of a request as they come.
pub(crate) type Incoming = BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>;

/// A file in the making. Dropped, it leaves what [`Upload::abandon`] would have tidied up.
#[async_trait]
pub(crate) trait Upload: Send {
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// When [`Upload::flush`] wants to be called, should no more bytes come.
    fn flush_at(&self) -> Option<Instant> {
        None
    }

    /// Makes durable what has arrived, where that is worth something before the end.
    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// All bytes are there: makes the file.
    async fn finish(self: Box<Self>) -> Result<()>;

    /// No more bytes will come, though this was not the end.
    async fn abandon(self: Box<Self>) -> Result<()>;
}

/// Takes a body in, with flat memory, up to `limit_bytes`, behind the `size_bytes` that the upload begins with. Returns how long it
/// became.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::BrokenOff`], or a failure of the store. The upload has then been abandoned.
pub(crate) async fn receive(
    path: &str,
    mut body: Incoming,
    mut upload: Box<dyn Upload>,
    size_bytes: u64,
    limit_bytes: Option<u64>,
) -> Result<u64> {
    let failed = match take_in(path, &mut body, &mut *upload, size_bytes, limit_bytes).await {
        Ok(size_bytes) => return upload.finish().await.map(|()| size_bytes),
        Err(error) => error,
    };
    if let Err(error) = upload.abandon().await {
        tracing::warn!(
            path,
            error = &error as &dyn std::error::Error,
            "an upload broke off, and tidying up after it failed"
        );
    }
    if !matches!(failed, Error::BrokenOff { .. }) {
        drain(body).await;
    }
    Err(failed)
}

async fn take_in(
    path: &str,
    body: &mut Incoming,
    upload: &mut dyn Upload,
    mut size_bytes: u64,
    limit_bytes: Option<u64>,
) -> Result<u64> {
    loop {
        let bytes = match upload.flush_at() {
            None => body.next().await,
            Some(at) => tokio::select! {
                bytes = body.next() => bytes,
                () = sleep_until(at) => {
                    upload.flush().await?;
                    continue;
                }
            },
        };
        let Some(bytes) = bytes else { return Ok(size_bytes) };
        let bytes = bytes.map_err(|source| Error::BrokenOff { path: path.to_owned(), source })?;
        size_bytes += bytes.len() as u64;
        if let Some(limit_bytes) = limit_bytes.filter(|limit| size_bytes > *limit) {
            return Err(Error::TooLarge { path: path.to_owned(), limit_bytes });
        }
        upload.write(bytes).await?;
    }
}

/// Reads what is left of a body that nobody wants, up to a bound.
pub(crate) async fn drain(mut body: Incoming) {
    let rest = async {
        let mut drained = 0;
        while let Some(Ok(bytes)) = body.next().await {
            drained += bytes.len() as u64;
            if drained > DRAIN_BYTES {
                break;
            }
        }
    };
    // Too slow is the client's loss: it sees the connection close.
    let _ = timeout(DRAIN_TIME, rest).await;
}
