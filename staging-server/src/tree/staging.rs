use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use storage::{Key, ObjectPath, Store};

use super::{Content, File, Tree, copy_into, folders};
use crate::blobs::BlobUpload;
use crate::resources::{Resource, State};
use crate::status::{Attributes, Entry, Status, Wish};
use crate::upload::Upload;
use crate::{Error, Result};

const AT_ONCE: usize = 16;

/// `/staging/<namespace>/…`: names that point to content. Removing a name leaves the content, for others that name it.
pub(crate) struct StagedFiles {
    store: Store,
    limit_bytes: u64,
}

impl StagedFiles {
    pub(crate) fn new(store: Store, limit_bytes: u64) -> Self {
        Self { store, limit_bytes }
    }
}

fn key(path: &ObjectPath) -> ObjectPath {
    Key::Resource(path.clone()).path()
}

fn is_namespace(name: &str) -> bool {
    let label = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(label) && !name.starts_with('-') && !name.ends_with('-')
}

/// Whether `name` can be a Kubernetes namespace; the error says what one is.
pub(super) fn check_namespace(tree: &str, path: &ObjectPath) -> Result<()> {
    let name = path.parts().next().unwrap_or_default();
    match is_namespace(name) {
        true => Ok(()),
        false => Err(Error::Invalid(format!(
            "/{tree}/{name}: {name:?} is not a Kubernetes namespace (lower-case letters, digits and '-', at most 63); \
             write /{tree}/<namespace>/…"
        ))),
    }
}

impl File {
    fn of_resource(resource: Resource) -> Self {
        let attributes = resource.attributes;
        match resource.state {
            State::Uploading { .. } => Self { size_bytes: 0, attributes, sha256: None, content: Content::Uploading },
            State::Complete { size_bytes, sha256 } => {
                let content = Content::Object(Key::Blob(sha256).path());
                Self { size_bytes, attributes, sha256: Some(sha256), content }
            }
        }
    }
}

#[async_trait]
impl Tree for StagedFiles {
    fn name(&self) -> &'static str {
        "staging"
    }

    fn is_fixed(&self, path: &ObjectPath) -> bool {
        let mut parts = path.parts();
        parts.next().is_none_or(is_namespace) && parts.next().is_none()
    }

    fn check(&self, path: &ObjectPath, folder: bool) -> Result<()> {
        check_namespace(self.name(), path)?;
        if !folder && path.parts().count() < 2 {
            let hint = "files go below a namespace: /staging/<namespace>/<file>";
            return Err(Error::Invalid(format!("/staging/{path}: {hint}")));
        }
        folders::check_names(self.name(), path)
    }

    fn limit_bytes(&self) -> Option<u64> {
        Some(self.limit_bytes)
    }

    async fn file(&self, path: &ObjectPath) -> Result<Option<File>> {
        if self.is_fixed(path) {
            return Ok(None);
        }
        Ok(Resource::load(&self.store, path).await?.map(File::of_resource))
    }

    async fn folder(&self, path: &ObjectPath) -> Result<Option<Attributes>> {
        folders::find(&self.store, &key(path)).await
    }

    async fn entries(&self, path: &ObjectPath) -> Result<Vec<Entry>> {
        let listing = self.store.list_folder(&key(path)).await?;
        let names = listing.objects.iter().map(|meta| meta.path.name().to_owned());
        let names: Vec<String> = names.filter(|name| !folders::is_reserved(name)).collect();
        let files = stream::iter(names).map(|name| async move {
            let resource = Resource::load(&self.store, &path.join(&name)?).await?;
            Ok::<_, Error>(resource.map(|found| (name, File::of_resource(found).status())))
        });
        let files: Vec<_> = files.buffered(AT_ONCE).try_collect().await?;
        let folders = listing.folders.iter().map(|path| (path.name().to_owned(), Status::folder(Attributes::folder())));
        let all = files.into_iter().flatten().chain(folders);
        let mut all: Vec<_> = all.map(|(name, status)| Entry { name, status }).collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    async fn create(&self, path: &ObjectPath, wish: &Wish, _: bool) -> Result<Box<dyn Upload>> {
        let blob = BlobUpload::start(&self.store);
        let attributes = Attributes::new(wish, "644");
        // Seen from now on, also by the other replicas; what is replaced stays until its successor is complete.
        let uploading = Resource::new(attributes.clone(), State::Uploading { upload: blob.id });
        uploading.save_if_absent(&self.store, path).await?;
        Ok(Box::new(StagedUpload { store: self.store.clone(), path: path.clone(), attributes, blob }))
    }

    async fn append(&self, path: &ObjectPath, file: &File) -> Result<Box<dyn Upload>> {
        let attributes = Attributes { modified: chrono::Utc::now(), ..file.attributes.clone() };
        let (store, path, blob) = (self.store.clone(), path.clone(), BlobUpload::start(&self.store));
        let mut upload = StagedUpload { store, path, attributes, blob };
        copy_into(&mut upload, file.read(&self.store, 0..file.size_bytes).await?).await?;
        Ok(Box::new(upload))
    }

    async fn make_folder(&self, path: &ObjectPath, wish: &Wish) -> Result<()> {
        folders::make(&self.store, &key(path), wish).await
    }

    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        self.store.copy(&key(from), &key(to)).await?;
        Ok(self.store.delete(&key(from)).await?)
    }

    async fn move_folder(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        folders::rename(&self.store, &key(from), &key(to)).await
    }

    async fn remove_file(&self, path: &ObjectPath) -> Result<()> {
        Ok(self.store.delete(&key(path)).await?)
    }

    async fn remove_folder(&self, path: &ObjectPath) -> Result<()> {
        folders::remove(&self.store, &key(path)).await
    }

    async fn set(&self, path: &ObjectPath, wish: &Wish) -> Result<()> {
        match Resource::load(&self.store, path).await? {
            Some(mut resource) => {
                wish.apply(&mut resource.attributes);
                resource.save(&self.store, path).await
            }
            None if self.is_fixed(path) => Ok(()),
            None => folders::make(&self.store, &key(path), wish).await,
        }
    }
}

/// A staged file on its way. Nothing of it can be read before it is complete: half a jar is worse than none.
struct StagedUpload {
    store: Store,
    path: ObjectPath,
    attributes: Attributes,
    blob: BlobUpload,
}

#[async_trait]
impl Upload for StagedUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.blob.write(&bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let Self { store, path, mut attributes, blob } = *self;
        let ours = State::Uploading { upload: blob.id };
        let written = blob.finish().await?;
        // What was set meanwhile: clients set a permission while they write.
        if let Some(seen) = Resource::load(&store, &path).await?.filter(|seen| seen.state == ours) {
            attributes = seen.attributes;
        }
        attributes.modified = chrono::Utc::now();
        let complete = State::Complete { size_bytes: written.size_bytes, sha256: written.sha256 };
        Resource::new(attributes, complete).save(&store, &path).await
    }

    async fn abandon(self: Box<Self>) -> Result<()> {
        let Self { store, path, blob, .. } = *self;
        let ours = State::Uploading { upload: blob.id };
        blob.abandon().await?;
        match Resource::load(&store, &path).await? {
            Some(resource) if resource.state == ours => Ok(store.delete(&key(&path)).await?),
            _ => Ok(()),
        }
    }
}
