//! Compare-and-swap for OSS, which knows "write where nothing is" but not "write in place of this version".
//!
//! A lock in the store stands for it: a run of numbered objects, the highest of which counts. It is free when it is empty
//! and held when it is not; whoever makes the next number, which only one can, holds the lock. A holder that died is
//! passed over by those who have seen its lock unchanged for [`LEASE`], by their own clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::time::{Instant, sleep};

/// For how long a lock that does not change is somebody's.
const LEASE: Duration = Duration::from_secs(30);

/// When a holder no longer trusts its lock: long before others do, as a request that it has sent may take its time.
const TRUST: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(100);

/// How many locks there are: names share them by their hash.
const LOCKS: u32 = 64;

/// A store with conditional writes made of its creations.
#[derive(Clone, Debug)]
pub(crate) struct Swapping<S> {
    inner: Arc<S>,
    folder: Path,
    lease: Duration,
}

/// A lock that is held.
struct Held {
    at: Path,
    since: Instant,
}

impl<S: ObjectStore> Swapping<S> {
    /// Keeps its locks below `folder`.
    pub(crate) fn new(inner: Arc<S>, folder: Path) -> Self {
        Self { inner, folder, lease: LEASE }
    }

    async fn swap(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let PutMode::Update(seen) = &options.mode else { return self.inner.put_opts(location, payload, options).await };
        let held = self.hold(location).await?;
        let put = async {
            let changed = |why: &str| Error::Precondition { path: location.to_string(), source: why.into() };
            match self.inner.head(location).await {
                Ok(meta) if meta.e_tag == seen.e_tag => {}
                Ok(_) => return Err(changed("the object is another one by now")),
                Err(Error::NotFound { .. }) => return Err(changed("the object is gone")),
                Err(error) => return Err(error),
            }
            if held.since.elapsed() > TRUST {
                return Err(generic("the store answered too slowly to change the object safely"));
            }
            let options = PutOptions { mode: PutMode::Overwrite, ..options.clone() };
            self.inner.put_opts(location, payload, options).await
        };
        let put = put.await;
        // Where this fails others wait for the lease to end; nothing is wrong meanwhile.
        let _ = self.inner.put(&held.at, PutPayload::default()).await;
        put
    }

    async fn hold(&self, location: &Path) -> Result<Held> {
        let number = crc32fast::hash(location.as_ref().as_bytes()) % LOCKS;
        let folder = self.folder.clone().join(format!("{number:02}"));
        let mut seen: Option<(Path, Instant)> = None;
        loop {
            let mut run: Vec<ObjectMeta> = self.inner.list(Some(&folder)).try_collect().await?;
            run.sort_unstable_by(|a, b| a.location.cmp(&b.location));
            let last = run.last().cloned();
            let is_free = last.as_ref().is_none_or(|last| last.size == 0);
            let is_left = last.as_ref().is_some_and(|last| {
                seen.as_ref().is_some_and(|(path, since)| *path == last.location && since.elapsed() > self.lease)
            });
            if is_free || is_left {
                let number = last.as_ref().map_or(Ok(0), |last| next_number(&last.location))?;
                let at = folder.clone().join(format!("{number:020}"));
                let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
                let since = Instant::now();
                match self.inner.put_opts(&at, Bytes::from_static(b"held").into(), options).await {
                    Ok(_) => {
                        self.forget(run).await;
                        return Ok(Held { at, since });
                    }
                    Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
                    Err(error) => return Err(error),
                }
            } else if let Some(last) = last
                && seen.as_ref().is_none_or(|(path, _)| *path != last.location)
            {
                seen = Some((last.location, Instant::now()));
            }
            sleep(POLL).await;
        }
    }

    /// Removes what no longer counts.
    async fn forget(&self, run: Vec<ObjectMeta>) {
        let paths = run.into_iter().map(|meta| Ok(meta.location)).collect::<Vec<_>>();
        let mut removed = self.inner.delete_stream(futures::stream::iter(paths).boxed());
        while removed.next().await.is_some() {}
    }
}

fn next_number(last: &Path) -> Result<u64> {
    let number = last.filename().and_then(|name| name.parse::<u64>().ok());
    number.map(|number| number + 1).ok_or_else(|| generic("there is something else among the locks"))
}

fn generic(why: &str) -> Error {
    Error::Generic { store: "OSS", source: why.into() }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for Swapping<S> {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.swap(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

impl<S: ObjectStore> fmt::Display for Swapping<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use object_store::UpdateVersion;
    use object_store::memory::InMemory;

    use super::*;

    async fn count_to(store: Swapping<InMemory>, writer: u32, times: u32) {
        let at = Path::from("count");
        for _ in 0..times {
            loop {
                let got = store.get(&at).await.unwrap();
                let seen = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: None };
                let text = String::from_utf8(got.bytes().await.unwrap().to_vec()).unwrap();
                let next = format!("{text}{writer}");
                let options = PutOptions { mode: PutMode::Update(seen), ..PutOptions::default() };
                match store.put_opts(&at, next.into(), options).await {
                    Ok(_) => break,
                    Err(Error::Precondition { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn no_change_is_lost_and_locks_do_not_pile_up() {
        let memory = Arc::new(InMemory::new());
        let store = Swapping::new(Arc::clone(&memory), Path::from(".locks"));
        store.put(&Path::from("count"), "".into()).await.unwrap();
        let writers: Vec<_> = (0..4).map(|writer| tokio::spawn(count_to(store.clone(), writer, 10))).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let text = memory.get(&Path::from("count")).await.unwrap().bytes().await.unwrap();
        assert_eq!(text.len(), 40);
        assert!((0..4u8).all(|writer| text.iter().filter(|digit| **digit == b'0' + writer).count() == 10));
        let locks: Vec<_> = memory.list(Some(&Path::from(".locks"))).try_collect().await.unwrap();
        assert!(locks.len() <= 2, "{locks:?}");
    }

    #[tokio::test]
    async fn a_holder_that_died_is_passed_over() {
        let memory = Arc::new(InMemory::new());
        let mut store = Swapping::new(Arc::clone(&memory), Path::from(".locks"));
        store.lease = Duration::from_millis(300);
        store.put(&Path::from("count"), "".into()).await.unwrap();
        let died = store.hold(&Path::from("count")).await.unwrap();
        count_to(store.clone(), 1, 1).await;
        assert!(died.since.elapsed() > store.lease);
        count_to(store, 1, 1).await;
        assert_eq!(memory.get(&Path::from("count")).await.unwrap().bytes().await.unwrap(), "11");
    }
}
