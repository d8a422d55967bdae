use async_trait::async_trait;
use bytes::Bytes;
use storage::{Key, ObjectPath, Store};

use super::{Content, File, Tree, folders, staging};
use crate::path::unescape;
use crate::status::{Attributes, Entry, Status, Wish};
use crate::upload::Upload;
use crate::{Error, Result};

/// `/pod-templates/<namespace>/<name>.yaml`, and no folders but the namespaces.
pub(crate) struct PodTemplates {
    store: Store,
    limit_bytes: u64,
}

impl PodTemplates {
    pub(crate) fn new(store: Store, limit_bytes: u64) -> Self {
        Self { store, limit_bytes }
    }
}

/// `hadoop fs -put` writes under this name first, and renames.
const COPYING: &str = "._COPYING_";
const SHAPE: &str = "pod templates are /pod-templates/<namespace>/<name>.yaml";

/// Where a template lies; `None` for a path that is none's.
fn key(path: &ObjectPath) -> Option<ObjectPath> {
    let (namespace, file) = path.as_str().split_once('/')?;
    if let Some(file) = file.strip_suffix(COPYING) {
        // Not a template yet, so not where templates are looked for: no namespace begins with a dot.
        key(&path.parent()?.join(file).ok()?)?;
        return ObjectPath::parse(&format!("pod-templates/.copying/{namespace}/{file}")).ok();
    }
    let name = file.strip_suffix(".yaml").filter(|name| !name.is_empty() && !name.contains('/'))?;
    Some(Key::PodTemplate { namespace: namespace.to_owned(), name: name.to_owned() }.path())
}

fn key_or_error(path: &ObjectPath) -> Result<ObjectPath> {
    key(path).ok_or_else(|| Error::Invalid(format!("/pod-templates/{path}: {SHAPE}")))
}

fn folder_key(path: &ObjectPath) -> Result<ObjectPath> {
    Ok(match path.is_root() {
        true => ObjectPath::parse("pod-templates")?,
        false => ObjectPath::parse("pod-templates")?.join(path.as_str())?,
    })
}

#[async_trait]
impl Tree for PodTemplates {
    fn name(&self) -> &'static str {
        "pod-templates"
    }

    fn is_fixed(&self, path: &ObjectPath) -> bool {
        path.is_root() || (path.parts().count() == 1 && staging::check_namespace(self.name(), path).is_ok())
    }

    fn check(&self, path: &ObjectPath, folder: bool) -> Result<()> {
        staging::check_namespace(self.name(), path)?;
        match folder {
            true if path.parts().count() > 1 => {
                Err(Error::Forbidden(format!("/pod-templates/{path}: {SHAPE}, without further folders")))
            }
            true => Ok(()),
            false => key_or_error(path).map(|_| ()),
        }
    }

    fn limit_bytes(&self) -> Option<u64> {
        Some(self.limit_bytes)
    }

    async fn file(&self, path: &ObjectPath) -> Result<Option<File>> {
        let Some(object) = key(path) else { return Ok(None) };
        match self.store.head(&object).await {
            Ok(meta) => Ok(Some(File {
                size_bytes: meta.size_bytes,
                attributes: Attributes::plain(0o644, meta.last_modified),
                sha256: None,
                content: Content::Object(object),
                is_use_noted: true,
            })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn folder(&self, path: &ObjectPath) -> Result<Option<Attributes>> {
        Ok(self.is_fixed(path).then(Attributes::folder))
    }

    async fn entries(&self, path: &ObjectPath) -> Result<Vec<Entry>> {
        let listing = self.store.list_folder(&folder_key(path)?).await?;
        let folders = listing.folders.into_iter().filter(|folder| !folder.name().starts_with('.'));
        let folders = folders.map(|path| (path, Status::folder(Attributes::folder())));
        let files = listing.objects.into_iter().filter(|meta| Key::parse(&meta.path).is_some()).map(|meta| {
            let status = Status::file(meta.size_bytes, Attributes::plain(0o644, meta.last_modified));
            (meta.path, status)
        });
        let all = folders.chain(files).map(|(path, status)| Entry { name: unescape(path.name()), status });
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    async fn create(&self, path: &ObjectPath, _: &Wish, _: bool) -> Result<Box<dyn Upload>> {
        let object = key_or_error(path)?;
        Ok(Box::new(TemplateUpload { store: self.store.clone(), object, bytes: Vec::new() }))
    }

    async fn replace(&self, path: &ObjectPath, _: &File) -> Result<Box<dyn Upload>> {
        self.create(path, &Wish::default(), true).await
    }

    async fn make_folder(&self, _: &ObjectPath, _: &Wish) -> Result<()> {
        Ok(())
    }

    async fn move_file(&self, from: &ObjectPath, to: &ObjectPath, _: bool) -> Result<()> {
        let (from, to) = (key_or_error(from)?, key_or_error(to)?);
        self.store.copy(&from, &to).await?;
        Ok(self.store.delete(&from).await?)
    }

    async fn move_folder(&self, from: &ObjectPath, _: &ObjectPath) -> Result<()> {
        Err(Error::Forbidden(format!("/pod-templates/{from}: a namespace keeps its name")))
    }

    async fn remove_file(&self, path: &ObjectPath) -> Result<()> {
        Ok(self.store.delete(&key_or_error(path)?).await?)
    }

    async fn remove_folder(&self, path: &ObjectPath) -> Result<()> {
        folders::remove(&self.store, &folder_key(path)?).await
    }

    async fn set(&self, _: &ObjectPath, _: &Wish) -> Result<()> {
        Ok(())
    }
}

/// A template on its way. It is small, and readers see it whole or not at all.
struct TemplateUpload {
    store: Store,
    object: ObjectPath,
    bytes: Vec<u8>,
}

#[async_trait]
impl Upload for TemplateUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        Ok(self.store.put(&self.object, self.bytes).await?)
    }

    async fn abandon(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
