use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use tokio::sync::watch;

use crate::Store;

/// Makes a store fail when told to, so that a test can show what a service does then.
#[derive(Debug, Default)]
pub struct Faults {
    down: AtomicBool,
    answers_lost: AtomicBool,
    panicking: AtomicBool,
    requests: AtomicU64,
    /// The one request that fails, and how.
    planned: Mutex<Option<(u64, Failure)>>,
    /// Of a thousand requests, so many fail.
    failing: AtomicU64,
    frozen: watch::Sender<bool>,
    /// How long every request waits before it is made.
    delay_ms: AtomicU64,
}

/// How one request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was done.
    Refused,
    /// It was done, but whoever asked is told that it failed.
    AnswerLost,
    /// Nothing is done and nothing is answered.
    Hangs,
}

impl Faults {
    /// Every request fails from now on, or no longer.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Whole objects are written from now on, but the writer is told that it failed; or no longer.
    pub fn set_answers_lost(&self, lost: bool) {
        self.answers_lost.store(lost, Ordering::SeqCst);
    }

    /// Every request panics from now on, or no longer: a fault of the program itself.
    pub fn set_panicking(&self, panicking: bool) {
        self.panicking.store(panicking, Ordering::SeqCst);
    }

    /// From now on requests are not made before this is taken back; then they are, late.
    pub fn set_frozen(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    /// Every request, but listings, waits for so long before it is made, from now on.
    pub fn set_slow(&self, delay: Duration) {
        self.delay_ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Of a thousand requests, so many fail from now on, by turns in every way that there is.
    pub fn fail_some(&self, per_thousand: u64) {
        self.failing.store(per_thousand, Ordering::SeqCst);
    }

    async fn thawed(&self) {
        // The sender lives as long as `self`.
        let _ = self.frozen.subscribe().wait_for(|frozen| !frozen).await;
    }

    /// How many requests have been made, those that failed among them.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// The request after `requests` more of them fails, once; `0` is the next one.
    pub fn fail_after(&self, requests: u64, how: Failure) {
        let number = self.requests() + requests + 1;
        *self.planned.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, how));
    }

    /// What happens to the next request: `Err` before it is made, `Ok(true)` when its answer is to be lost.
    fn ask(&self) -> Result<Fate> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(!self.panicking.load(Ordering::SeqCst), "told to panic");
        if self.down.load(Ordering::SeqCst) {
            return Err(failure());
        }
        let planned = *self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = planned.filter(|(planned, _)| *planned == number).map(|(_, how)| how);
        match planned.or_else(|| self.drawn(number)) {
            None => Ok(Fate::Done),
            Some(Failure::Refused) => Err(failure()),
            Some(Failure::AnswerLost) => Ok(Fate::Lost),
            Some(Failure::Hangs) => Ok(Fate::Hangs),
        }
    }

    /// How a request of that number fails by chance, which is the same each time.
    fn drawn(&self, number: u64) -> Option<Failure> {
        let chance = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let fails = chance % 1000 < self.failing.load(Ordering::SeqCst);
        fails.then_some([Failure::Refused, Failure::AnswerLost, Failure::Hangs][(chance / 1000 % 3) as usize])
    }

    async fn run<T>(&self, request: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.thawed().await;
        let delay_ms = self.delay_ms.load(Ordering::SeqCst);
        if delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        }
        match self.ask()? {
            Fate::Done => request.await,
            Fate::Lost => {
                request.await?;
                Err(failure())
            }
            Fate::Hangs => std::future::pending().await,
        }
    }
}

enum Fate {
    Done,
    Lost,
    Hangs,
}

impl Store {
    /// The same store, which fails as `faults` says.
    #[must_use]
    pub fn with_faults(&self, faults: &Arc<Faults>) -> Self {
        self.wrapped(|inner| Arc::new(Faulty { inner, faults: Arc::clone(faults) }))
    }
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn ObjectStore>,
    faults: Arc<Faults>,
}

fn failure() -> object_store::Error {
    object_store::Error::Generic { store: "Faults", source: "told to fail".into() }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let result = self.faults.run(self.inner.put_opts(location, payload, options)).await?;
        if self.faults.answers_lost.load(Ordering::SeqCst) { Err(failure()) } else { Ok(result) }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.faults.run(self.inner.put_multipart_opts(location, options)).await?;
        Ok(Box::new(FaultyUpload { inner, faults: Arc::clone(&self.faults) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.faults.run(self.inner.get_opts(location, options)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, faults) = (Arc::clone(&self.inner), Arc::clone(&self.faults));
        stream::once(async move {
            let removed = faults.run(async move { Ok(inner.delete_stream(locations).collect::<Vec<_>>().await) }).await;
            stream::iter(removed.unwrap_or_else(|error| vec![Err(error)]))
        })
        .flatten()
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        listed(Arc::clone(&self.faults), self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        listed(Arc::clone(&self.faults), self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.faults.run(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.faults.run(self.inner.copy_opts(from, to, options)).await
    }
}

fn listed(
    faults: Arc<Faults>,
    found: BoxStream<'static, Result<ObjectMeta>>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let asked = async move {
        faults.thawed().await;
        match faults.ask() {
            Ok(Fate::Done) => found,
            Ok(Fate::Hangs) => stream::pending().boxed(),
            Ok(Fate::Lost) | Err(_) => stream::once(async { Err(failure()) }).boxed(),
        }
    };
    stream::once(asked).flatten().boxed()
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    faults: Arc<Faults>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, faults) = (self.inner.put_part(data), Arc::clone(&self.faults));
        Box::pin(async move { faults.run(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.faults.run(self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.faults.run(self.inner.abort()).await
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with faults", self.inner)
    }
}
