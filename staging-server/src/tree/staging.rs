mod bundles;
mod moving;
mod names;
mod native;
mod resumable;
mod upload;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use storage::{Key, ObjectMeta, ObjectPath, Store};

use super::{Content, File, Tree, folders};
use crate::Config;
use crate::condemned::Condemned;
use crate::lifetime::Lifetimes;
use crate::path::{FilePath, unescape};
use crate::resources::{Resource, State};
use crate::status::{Attributes, Entry, Status, Wish};
use crate::upload::Upload;
use crate::{Error, Result};
pub(crate) use bundles::{BundleUpload, Bundles};
use names::{Names, key};
pub(crate) use native::{DeclaredUpload, Manifest, Native};
pub(crate) use resumable::Resumable;
use upload::StagedUpload;

const AT_ONCE: usize = 32;

/// `/staging/<namespace>/…`: names that point to content. Removing a name leaves the content, for others that name it.
pub(crate) struct StagedFiles {
    store: Store,
    names: Names,
    lifetimes: Lifetimes,
    limit_bytes: u64,
    bundles: Bundles,
    native: Native,
}

impl StagedFiles {
    pub(crate) fn new(store: Store, config: &Config, condemned: Arc<Condemned>) -> Self {
        let names = Names { store: store.clone(), clock: config.clock.clone(), condemned };
        let (lifetimes, limit_bytes) = (config.lifetimes.clone(), config.max_upload_bytes);
        let bundles = Bundles::new(names.clone(), lifetimes.clone(), limit_bytes);
        let native = Native::new(names.clone(), lifetimes.clone(), limit_bytes);
        Self { store, names, lifetimes, limit_bytes, bundles, native }
    }

    /// Uploads that have no name.
    pub(crate) fn bundles(&self) -> &Bundles {
        &self.bundles
    }

    /// What the native protocol keeps.
    pub(crate) fn native(&self) -> &Native {
        &self.native
    }

    /// What every folder in a listing is: its marker says so, or what lies in it. `None` when all names in it are free.
    async fn folder_entry(&self, folder: ObjectPath) -> Result<Option<Entry>> {
        let attributes = folders::find(&self.store, &folder, keeps_folder).await?;
        Ok(attributes.map(|found| Entry { name: unescape(folder.name()), status: Status::folder(found) }))
    }

    async fn file_entry(&self, path: ObjectPath) -> Result<Option<Entry>> {
        let found = self.names.loaded(&path).await?;
        Ok(found.map(|found| Entry { name: unescape(path.name()), status: File::of_resource(found.resource).status() }))
    }
}

fn keeps_folder(meta: &ObjectMeta) -> bool {
    !Resource::is_only_free(meta)
}

fn is_namespace(name: &str) -> bool {
    let label = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(label) && !name.starts_with('-') && !name.ends_with('-')
}

/// Whether `name` can be a Kubernetes namespace; the error says what one is.
pub(crate) fn check_namespace(tree: &str, path: &ObjectPath) -> Result<()> {
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
            State::Uploading | State::Moved => {
                Self { size_bytes: 0, attributes, sha256: None, content: Content::Uploading, is_use_noted: true }
            }
            State::Complete { size_bytes, sha256 } => {
                let content = Content::Object(Key::Blob(sha256).path());
                Self { size_bytes, attributes, sha256: Some(sha256), content, is_use_noted: true }
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
        let Some(loaded) = self.names.loaded(path).await? else { return Ok(None) };
        let is_use_noted = !self.lifetimes.is_to_be_noted(path, &loaded.resource, self.names.clock.now());
        Ok(Some(File { is_use_noted, ..File::of_resource(loaded.resource) }))
    }

    async fn note_use(&self, path: &ObjectPath) -> Result<()> {
        self.names.note_use(&self.lifetimes, path).await
    }

    async fn folder(&self, path: &ObjectPath) -> Result<Option<Attributes>> {
        folders::find(&self.store, &key(path), keeps_folder).await
    }

    async fn is_folder(&self, path: &ObjectPath) -> Result<bool> {
        folders::is_there(&self.store, &key(path), keeps_folder).await
    }

    fn takes_its_name(&self) -> bool {
        true
    }

    async fn entries(&self, path: &ObjectPath) -> Result<Vec<Entry>> {
        let listing = self.store.list_folder(&key(path)).await?;
        let names: Vec<ObjectPath> = (listing.objects.iter())
            .filter(|meta| !folders::is_reserved(meta.path.name()) && keeps_folder(meta))
            .map(|meta| path.join(meta.path.name()))
            .collect::<Result<_, storage::Error>>()?;
        let files = stream::iter(names).map(|name| self.file_entry(name)).buffered(AT_ONCE);
        let files: Vec<Option<Entry>> = files.try_collect().await?;
        let folders = stream::iter(listing.folders.into_iter().filter(|folder| !folders::is_reserved(folder.name())));
        let folders = folders.map(|folder| self.folder_entry(folder)).buffered(AT_ONCE);
        let folders: Vec<Option<Entry>> = folders.try_collect().await?;
        let mut all: Vec<Entry> = folders.into_iter().chain(files).flatten().collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    async fn create(&self, path: &ObjectPath, wish: &Wish, overwrite: bool) -> Result<Box<dyn Upload>> {
        let attributes = Attributes::new(wish, 0o644);
        Ok(Box::new(StagedUpload::create(&self.names, path, attributes, overwrite)))
    }

    async fn replace(&self, path: &ObjectPath, _: &File) -> Result<Box<dyn Upload>> {
        let Some(loaded) = self.names.loaded(path).await? else {
            return Err(Error::NotFound { path: FilePath::of(self.name(), path).to_string() });
        };
        Ok(Box::new(StagedUpload::replace(&self.names, path, loaded).await?))
    }

    async fn make_folder(&self, path: &ObjectPath, wish: &Wish) -> Result<()> {
        folders::make(&self.store, &key(path), wish).await
    }

    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath, overwrite: bool) -> Result<()> {
        self.names.move_to(from, to, overwrite).await
    }

    async fn is_half_moved(&self, from: &ObjectPath, to: &ObjectPath) -> Result<bool> {
        self.names.is_half_moved(from, to).await
    }

    async fn move_folder(&self, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
        let root = key(from);
        let all = self.store.list(&root).try_filter(|meta| std::future::ready(keeps_folder(meta)));
        let all: Vec<ObjectPath> = all.map_ok(|meta| meta.path).try_collect().await?;
        let inside = all.iter().filter_map(|path| path.strip_prefix(&root));
        stream::iter(inside.map(Ok::<_, Error>))
            .try_for_each_concurrent(AT_ONCE, |rest| async move {
                let (from, to) = (from.join(rest.as_str())?, to.join(rest.as_str())?);
                match folders::is_reserved(rest.name()) {
                    true => {
                        self.store.copy(&key(&from), &key(&to)).await?;
                        Ok(self.store.delete(&key(&from)).await?)
                    }
                    false => match self.move_file(&from, &to, true).await {
                        Err(Error::NotFound { .. }) => self.names.forget(&from).await,
                        moved => moved,
                    },
                }
            })
            .await
    }

    async fn remove_file(&self, path: &ObjectPath) -> Result<()> {
        Ok(self.store.delete(&key(path)).await?)
    }

    async fn remove_folder(&self, path: &ObjectPath) -> Result<()> {
        folders::remove(&self.store, &key(path)).await
    }

    async fn set(&self, path: &ObjectPath, wish: &Wish) -> Result<()> {
        if self.is_fixed(path) {
            return folders::make(&self.store, &key(path), wish).await;
        }
        match self.names.change(path, |resource| wish.apply(&mut resource.attributes)).await? {
            true => Ok(()),
            false => folders::make(&self.store, &key(path), wish).await,
        }
    }
}
