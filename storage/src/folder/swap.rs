//! Compare-and-swap in a folder, among all processes of this machine.
//!
//! Whoever writes or removes an object holds the lock of its name meanwhile: one of a few locked files in the folder,
//! which go with the process that holds them.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

const STORE: &str = "folder";

/// How many locks there are: names share them by their hash.
const LOCKS: usize = 16;

/// How many objects are removed at once.
const REMOVALS: usize = 8;

/// A folder of this machine, with conditional writes.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    files: Arc<LocalFileSystem>,
    locks: Arc<Locks>,
}

#[derive(Debug)]
struct Locks {
    root: PathBuf,
    /// Waited for first, so that waiting takes no thread of the pool but for other processes.
    here: Vec<Arc<Mutex<()>>>,
}

/// Holds the lock of a name until it is dropped.
struct Held {
    _file: File,
    _here: OwnedMutexGuard<()>,
}

impl Folder {
    pub(super) fn new(files: LocalFileSystem, root: PathBuf) -> Self {
        let here = (0..LOCKS).map(|_| Arc::new(Mutex::new(()))).collect();
        Self { files: Arc::new(files), locks: Arc::new(Locks { root, here }) }
    }

    async fn swap(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let PutMode::Update(seen) = &options.mode else { return self.files.put_opts(location, payload, options).await };
        let changed = |why: &str| Error::Precondition { path: location.to_string(), source: why.into() };
        match self.files.head(location).await {
            Ok(meta) if meta.e_tag == seen.e_tag => {}
            Ok(_) => return Err(changed("the object is another one by now")),
            Err(Error::NotFound { .. }) => return Err(changed("the object is gone")),
            Err(error) => return Err(error),
        }
        self.files.put_opts(location, payload, PutOptions { mode: PutMode::Overwrite, ..options }).await
    }
}

impl Locks {
    async fn hold(&self, location: &Path) -> Result<Held> {
        let number = crc32fast::hash(location.as_ref().as_bytes()) as usize % LOCKS;
        let here = Arc::clone(&self.here[number]).lock_owned().await;
        // `object_store` does not show names that end so.
        let path = self.root.join(format!(".hearth-lock#{number}"));
        let locked = tokio::task::spawn_blocking(move || {
            let file = lock_file(&path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        let file = locked.await?.map_err(|error| Error::Generic { store: STORE, source: Box::new(error) })?;
        Ok(Held { _file: file, _here: here })
    }
}

/// One that a process of another user has made can be read, which is enough to lock it.
fn lock_file(path: &std::path::Path) -> std::io::Result<File> {
    match OpenOptions::new().create(true).truncate(false).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        opened => opened,
    }
}

#[async_trait]
impl ObjectStore for Folder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let _held = self.locks.hold(location).await?;
        self.swap(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        locations
            .map(move |location| {
                let this = this.clone();
                async move {
                    let location = location?;
                    let _held = this.locks.hold(&location).await?;
                    this.files.delete(&location).await?;
                    Ok(location)
                }
            })
            .buffered(REMOVALS)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let _held = self.locks.hold(to).await?;
        self.files.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}
