use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use storage::{BlobWriter, Key, ObjectPath, Sha256Digest, Store};
use uuid::Uuid;

use super::names::{Names, TRIES, busy};
use crate::artifact::Artifact;
use crate::condemned::Seen;
use crate::lifetime::Lifetimes;
use crate::resources::{Loaded, Resource, State};
use crate::status::{Attributes, Wish};
use crate::tree::folders::NATIVE;
use crate::tree::{Content, File};
use crate::{Error, Result};

/// What the native protocol keeps of a namespace: contents, each named by its digest, and manifests.
pub(crate) struct Native {
    names: Names,
    lifetimes: Lifetimes,
    limit_bytes: u64,
}

/// A manifest as it is.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) modified: DateTime<Utc>,
    is_use_noted: bool,
    version: Loaded,
}

impl Native {
    pub(super) fn new(names: Names, lifetimes: Lifetimes, limit_bytes: u64) -> Self {
        Self { names, lifetimes, limit_bytes }
    }

    /// The largest content that is taken.
    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    pub(crate) fn store(&self) -> &Store {
        &self.names.store
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.names.clock.now()
    }

    /// The content of that digest, if it has been sent for this namespace.
    pub(crate) async fn blob(&self, namespace: &str, digest: Sha256Digest) -> Result<Option<File>> {
        let name = blob_name(namespace, digest)?;
        let Some(loaded) = self.names.loaded(&name).await? else { return Ok(None) };
        let is_use_noted = self.is_use_noted(&name, &loaded.resource);
        let State::Complete { size_bytes, sha256 } = loaded.resource.state else { return Ok(None) };
        Ok(Some(file(sha256, size_bytes, loaded.resource.attributes, is_use_noted)))
    }

    /// Notes that somebody reads it.
    pub(crate) async fn note_use_of_blob(&self, namespace: &str, digest: Sha256Digest, found: &File) -> Result<()> {
        match found.is_use_noted {
            true => Ok(()),
            false => self.names.note_use(&self.lifetimes, &blob_name(namespace, digest)?).await,
        }
    }

    /// Takes content from a namespace; what names it otherwise stays as it is. `false` where there is none.
    pub(crate) async fn remove_blob(&self, namespace: &str, digest: Sha256Digest) -> Result<bool> {
        self.remove(&blob_name(namespace, digest)?).await
    }

    /// Starts to take content in whose digest is said to be `digest`. What is there already is compared and not written.
    pub(crate) async fn upload(&self, digest: Sha256Digest) -> Result<DeclaredUpload> {
        let before = self.names.condemned.recent().await?;
        let path = Key::Blob(digest).path();
        let writer = match self.names.store.head(&path).await {
            Ok(_) => None,
            Err(error) if error.is_not_found() => Some(self.names.store.writer(&path)),
            Err(error) => return Err(error.into()),
        };
        Ok(DeclaredUpload { digest, before, writer, hash: Sha256::new(), size_bytes: 0 })
    }

    /// What is about to go, as it was a short time ago: for [`Native::add`].
    pub(crate) async fn recent(&self) -> Result<Seen> {
        self.names.condemned.recent().await
    }

    /// Names content in a namespace that was seen to be there after `before`. `false` when it was named so already.
    pub(crate) async fn add(
        &self,
        namespace: &str,
        (sha256, size_bytes): (Sha256Digest, u64),
        owner: Option<&str>,
        before: &Seen,
    ) -> Result<bool> {
        let name = blob_name(namespace, sha256)?;
        let resource = self.new_resource(State::Complete { size_bytes, sha256 }, owner);
        if self.names.put(before, &name, &resource, false).await? {
            return Ok(true);
        }
        // It is as good as new.
        let uploaded = Some(self.now());
        match self.names.change(&name, |resource| resource.uploaded = uploaded).await? {
            true => Ok(false),
            false => Err(Error::TryAgain(format!("{sha256} was just being removed"))),
        }
    }

    /// The manifest of that name.
    pub(crate) async fn manifest(&self, namespace: &str, name: &str) -> Result<Option<Manifest>> {
        let name = manifest_name(namespace, name)?;
        let Some(version) = self.names.loaded(&name).await? else { return Ok(None) };
        let is_use_noted = self.is_use_noted(&name, &version.resource);
        let artifacts = version.resource.artifacts.clone().unwrap_or_default();
        Ok(Some(Manifest { artifacts, modified: version.resource.attributes.modified, is_use_noted, version }))
    }

    /// Notes that somebody reads it, or an artifact of it.
    pub(crate) async fn note_use_of_manifest(&self, namespace: &str, name: &str, found: &Manifest) -> Result<()> {
        match found.is_use_noted {
            true => Ok(()),
            false => self.names.note_use(&self.lifetimes, &manifest_name(namespace, name)?).await,
        }
    }

    /// Puts a manifest in place of the one that was seen, or of none. `false` when that is another one by now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the namespace lacks content that it names.
    pub(crate) async fn put_manifest(
        &self,
        namespace: &str,
        name: &str,
        wanted: Vec<(String, Sha256Digest)>,
        seen: Option<&Manifest>,
        owner: Option<&str>,
    ) -> Result<Option<Manifest>> {
        let before = self.recent().await?;
        let path = manifest_name(namespace, name)?;
        let artifacts = self.sized(namespace, wanted).await?;
        let size_bytes = artifacts.iter().map(|artifact| artifact.size_bytes).sum();
        // A manifest has no content: this is no more than a sum over what it names.
        let sha256 = Sha256Digest::of(&serde_json::to_vec(&artifacts).unwrap_or_default());
        let mut resource = self.new_resource(State::Complete { size_bytes, sha256 }, owner);
        resource.artifacts = Some(artifacts.clone());
        let version = match seen {
            None if !self.names.put(&before, &path, &resource, false).await? => return Ok(None),
            None => self.names.loaded(&path).await?,
            Some(seen) => match resource.swap(self.store(), &path, &seen.version.version).await? {
                None => return Ok(None),
                Some(version) => {
                    self.names.keep(&before, &path, &resource).await?;
                    Some(Loaded { resource: resource.clone(), version })
                }
            },
        };
        let Some(version) = version else { return Ok(None) };
        Ok(Some(Manifest { artifacts, modified: resource.attributes.modified, is_use_noted: true, version }))
    }

    /// Removes the manifest that was seen, and leaves what it names. `false` when it is another one by now.
    pub(crate) async fn remove_manifest(&self, namespace: &str, name: &str, seen: &Manifest) -> Result<bool> {
        let path = manifest_name(namespace, name)?;
        Ok(Resource::free().swap(self.store(), &path, &seen.version.version).await?.is_some())
    }

    /// What there is of each content.
    async fn sized(&self, namespace: &str, wanted: Vec<(String, Sha256Digest)>) -> Result<Vec<Artifact>> {
        use futures::stream::{self, StreamExt as _, TryStreamExt as _};
        const AT_ONCE: usize = 32;
        let found = stream::iter(wanted).map(|(name, sha256)| async move {
            let found = self.blob(namespace, sha256).await?;
            Ok::<_, Error>((name, sha256, found.map(|file| file.size_bytes)))
        });
        let found: Vec<_> = found.buffered(AT_ONCE).try_collect().await?;
        let artifact = |(name, sha256, size_bytes): (String, Sha256Digest, Option<u64>)| match size_bytes {
            Some(size_bytes) => Ok(Artifact { name, sha256, size_bytes }),
            None => Err(Error::Conflict(format!(
                "namespace {namespace} has no blob sha256:{sha256}, which {name:?} is to be: send it first"
            ))),
        };
        found.into_iter().map(artifact).collect()
    }

    fn new_resource(&self, state: State, owner: Option<&str>) -> Resource {
        let wish = Wish { owner: owner.map(str::to_owned), ..Wish::default() };
        let attributes = Attributes::new(&wish, 0o644);
        Resource { uploaded: Some(self.now()), ..Resource::new(attributes, state, Some(Uuid::new_v4())) }
    }

    fn is_use_noted(&self, name: &ObjectPath, resource: &Resource) -> bool {
        !self.lifetimes.is_to_be_noted(name, resource, self.now())
    }

    async fn remove(&self, name: &ObjectPath) -> Result<bool> {
        for _ in 0..TRIES {
            let Some(found) = self.names.loaded(name).await? else { return Ok(false) };
            if Resource::free().swap(self.store(), name, &found.version).await?.is_some() {
                return Ok(true);
            }
        }
        Err(busy(name))
    }
}

impl Manifest {
    /// One of its artifacts, ready to be read.
    pub(crate) fn artifact(&self, name: &str) -> Option<File> {
        let found = self.artifacts.iter().find(|artifact| artifact.name == name)?;
        Some(file(found.sha256, found.size_bytes, self.version.resource.attributes.clone(), self.is_use_noted))
    }

    /// Another one for every other content.
    pub(crate) fn digest(&self) -> Sha256Digest {
        match &self.version.resource.state {
            State::Complete { sha256, .. } => *sha256,
            State::Uploading | State::Moved => Sha256Digest::of(&[]),
        }
    }
}

fn file(sha256: Sha256Digest, size_bytes: u64, attributes: Attributes, is_use_noted: bool) -> File {
    let content = Content::Object(Key::Blob(sha256).path());
    File { size_bytes, attributes, sha256: Some(sha256), content, is_use_noted }
}

fn blob_name(namespace: &str, digest: Sha256Digest) -> Result<ObjectPath> {
    Ok(ObjectPath::parse(&format!("{NATIVE}/{namespace}/blobs/sha256:{digest}"))?)
}

fn manifest_name(namespace: &str, name: &str) -> Result<ObjectPath> {
    Ok(ObjectPath::parse(&format!("{NATIVE}/{namespace}/manifests/{name}"))?)
}

/// Content on its way whose digest is known before: it is written where it stays, and not copied.
pub(crate) struct DeclaredUpload {
    digest: Sha256Digest,
    before: Seen,
    /// None: it is there already.
    writer: Option<BlobWriter>,
    hash: Sha256,
    size_bytes: u64,
}

impl DeclaredUpload {
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        match &mut self.writer {
            Some(writer) => Ok(writer.write(&bytes).await?),
            None => {
                self.hash.update(&bytes);
                Ok(())
            }
        }
    }

    /// Ends it, and says how long it is and since when it was known that it would not go.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is something else than was said; nothing of it is kept then.
    pub(crate) async fn finish(self) -> Result<(u64, Seen)> {
        let found = match &self.writer {
            Some(writer) => writer.sha256(),
            None => Sha256Digest::from_bytes(self.hash.finalize().into()),
        };
        if found != self.digest {
            if let Some(writer) = self.writer {
                writer.abort().await?;
            }
            return Err(Error::Conflict(format!(
                "what was sent is sha256:{found}, and not sha256:{}: nothing of it was kept; send it again",
                self.digest
            )));
        }
        if let Some(writer) = self.writer {
            writer.finish().await?;
        }
        Ok((self.size_bytes, self.before))
    }

    pub(crate) async fn abandon(self) -> Result<()> {
        match self.writer {
            Some(writer) => Ok(writer.abort().await?),
            None => Ok(()),
        }
    }
}
