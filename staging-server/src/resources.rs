//! What was uploaded under which name: one small document for each name, which points to the content.
//!
//! A document is changed by compare-and-swap alone, so that of two replicas that change one at once neither undoes what the
//! other did.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use storage::{Key, ObjectMeta, ObjectPath, Sha256Digest, Store, Version};
use uuid::Uuid;

use crate::artifact::Artifact;
use crate::bundle::Bundle;
use crate::status::Attributes;
use crate::{Error, Result};

/// The format of every document that this server writes. A reader refuses a newer one.
pub(crate) const FORMAT: u32 = 1;

/// What a manifest with as many artifacts as it may have stays below.
const LIMIT_BYTES: u64 = 1 << 20;

/// How long a document is that says no more than that its name is free, and no other is: who lists names need not read it.
/// JSON does not mind the spaces that make it so.
const FREE_BYTES: usize = 4093;

/// How often an upload says that it is alive.
pub(crate) const BEAT: std::time::Duration = std::time::Duration::from_secs(15);

/// After how long of silence an upload is over, and its name free: HDFS's own time for a writer that has gone.
const SILENT_SECS: i64 = 60;

pub(crate) fn check_format(format: u32) -> Result<(), String> {
    match format <= FORMAT {
        true => Ok(()),
        false => Err(format!("format {format} was written by a newer Hearth; this one reads up to {FORMAT}")),
    }
}

/// The document of one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    pub(crate) attributes: Attributes,
    pub(crate) state: State,
    /// Who is writing it, or wrote it.
    pub(crate) writer: Option<Writer>,
    /// When its content was complete, by this server's clock; older ones have no word of it.
    pub(crate) uploaded: Option<DateTime<Utc>>,
    /// When it is known to have been read: the first time, and every so often.
    pub(crate) used: Option<DateTime<Utc>>,
    /// What the resource staging protocol keeps of it, where it came by that.
    pub(crate) bundle: Option<Bundle>,
    /// Whose it is, as far as that has been seen.
    pub(crate) owned: Option<Owned>,
    /// What a manifest names; it has no content of its own.
    pub(crate) artifacts: Option<Vec<Artifact>>,
    /// What a newer Hearth of the same format has put there.
    pub(crate) rest: serde_json::Map<String, serde_json::Value>,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// On its way: the name is taken, there is no content yet.
    Uploading,
    /// All there.
    Complete { size_bytes: u64, sha256: Sha256Digest },
    /// Renamed, or its time was over: the name is free. Nobody but a sweep removes the document then, as somebody else may
    /// take the name at any moment.
    Moved,
}

/// An upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    /// Which, so that none takes another's place away.
    pub(crate) upload: Uuid,
    /// When it was last known to be alive.
    pub(crate) beat: DateTime<Utc>,
}

/// The driver that an upload is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owned {
    /// `namespace/pod`
    pub(crate) by: String,
    /// Since when it is known to have gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone: Option<DateTime<Utc>>,
}

/// The document as it is written.
#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    #[serde(flatten)]
    attributes: Attributes,
    state: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Sha256Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beat: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uploaded: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bundle: Option<Bundle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owned: Option<Owned>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifacts: Option<Vec<Artifact>>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Uploading,
    Complete,
    Moved,
}

/// A document, and the version of it that was read.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) resource: Resource,
    pub(crate) version: Version,
}

impl Resource {
    pub(crate) fn new(attributes: Attributes, state: State, upload: Option<Uuid>) -> Self {
        let writer = upload.map(|upload| Writer { upload, beat: Utc::now() });
        let (uploaded, used, bundle, owned, artifacts) = (None, None, None, None, None);
        Self { attributes, state, writer, uploaded, used, bundle, owned, artifacts, rest: serde_json::Map::new() }
    }

    /// That a name is free.
    pub(crate) fn free() -> Self {
        Self::new(Attributes::folder(), State::Moved, None)
    }

    /// The content that is needed for it.
    pub(crate) fn contents(&self) -> Vec<Sha256Digest> {
        match (&self.state, &self.artifacts) {
            (State::Complete { .. }, Some(artifacts)) => artifacts.iter().map(|artifact| artifact.sha256).collect(),
            (State::Complete { sha256, .. }, None) => vec![*sha256],
            (State::Uploading | State::Moved, _) => Vec::new(),
        }
    }

    /// Whether an object in a listing of documents says no more than that its name is free.
    pub(crate) fn is_only_free(meta: &ObjectMeta) -> bool {
        meta.size_bytes == FREE_BYTES as u64
    }

    /// Whether the name is free though its document is there: its upload died, or it was moved away.
    pub(crate) fn is_free(&self) -> bool {
        match self.state {
            State::Moved => true,
            State::Uploading => !self.is_being_written(),
            State::Complete { .. } => false,
        }
    }

    /// Whether an upload to it is alive.
    pub(crate) fn is_being_written(&self) -> bool {
        self.is_being_written_at(Utc::now())
    }

    pub(crate) fn is_being_written_at(&self, now: DateTime<Utc>) -> bool {
        let since = |beat: DateTime<Utc>| now.signed_duration_since(beat);
        self.writer.is_some_and(|writer| since(writer.beat) < TimeDelta::seconds(SILENT_SECS))
    }

    pub(crate) fn is_of(&self, upload: Uuid) -> bool {
        self.writer.is_some_and(|writer| writer.upload == upload)
    }

    /// The document at `name`; `None` where there is none.
    pub(crate) async fn load(store: &Store, name: &ObjectPath) -> Result<Option<Loaded>> {
        let path = Key::Resource(name.clone()).path();
        let (bytes, version) = match store.get_versioned(&path, LIMIT_BYTES).await {
            Ok(got) => got,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match Self::read(&bytes) {
            Ok(resource) => Ok(Some(Loaded { resource, version })),
            Err(reason) => Err(Error::Corrupt { path, reason }),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let read: Document = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        check_format(read.format)?;
        let state = match (read.state, read.size_bytes, read.sha256) {
            (Word::Uploading, ..) => State::Uploading,
            (Word::Moved, ..) => State::Moved,
            (Word::Complete, Some(size_bytes), Some(sha256)) => State::Complete { size_bytes, sha256 },
            (Word::Complete, ..) => return Err("it lacks the size or the digest of its content".to_owned()),
        };
        let beat = read.beat.unwrap_or(read.attributes.modified);
        let writer = read.upload.map(|upload| Writer { upload, beat });
        Ok(Self {
            attributes: read.attributes,
            state,
            writer,
            uploaded: read.uploaded,
            used: read.used,
            bundle: read.bundle,
            owned: read.owned,
            artifacts: read.artifacts,
            rest: read.rest,
        })
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        let (state, content) = match self.state {
            State::Uploading => (Word::Uploading, None),
            State::Moved => (Word::Moved, None),
            State::Complete { size_bytes, sha256 } => (Word::Complete, Some((size_bytes, sha256))),
        };
        let document = Document {
            format: FORMAT,
            attributes: self.attributes.clone(),
            state,
            size_bytes: content.map(|(size_bytes, _)| size_bytes),
            sha256: content.map(|(_, sha256)| sha256),
            upload: self.writer.map(|writer| writer.upload),
            beat: self.writer.map(|writer| writer.beat),
            uploaded: self.uploaded,
            used: self.used,
            bundle: self.bundle.clone(),
            owned: self.owned.clone(),
            artifacts: self.artifacts.clone(),
            rest: self.rest.clone(),
        };
        let bytes = serde_json::to_vec(&document);
        let mut bytes = bytes.map_err(|e| Error::Corrupt { path: ObjectPath::root(), reason: e.to_string() })?;
        match (&self.state, bytes.len()) {
            (State::Moved, _) => bytes.resize(FREE_BYTES.max(bytes.len()), b' '),
            (_, FREE_BYTES) => bytes.push(b' '),
            _ => {}
        }
        Ok(bytes)
    }

    /// Puts the document at `name` if nothing is there; `None` when something is.
    pub(crate) async fn add(&self, store: &Store, name: &ObjectPath) -> Result<Option<Version>> {
        match store.put_if_absent(&Key::Resource(name.clone()).path(), self.to_bytes()?).await {
            Ok(version) => Ok(Some(version)),
            Err(storage::Error::AlreadyExists { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts the document at `name` in place of the version that was seen; `None` when it is another one by now.
    pub(crate) async fn swap(&self, store: &Store, name: &ObjectPath, seen: &Version) -> Result<Option<Version>> {
        match store.put_if_match(&Key::Resource(name.clone()).path(), self.to_bytes()?, seen).await {
            Ok(version) => Ok(Some(version)),
            Err(storage::Error::Changed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where the upload has gone whose name was moved while it wrote.
pub(crate) async fn moved_to(store: &Store, upload: Uuid) -> Result<Option<ObjectPath>> {
    match store.get(&Key::Moved(upload).path(), LIMIT_BYTES).await {
        Ok(bytes) => Ok(Some(ObjectPath::parse(&String::from_utf8_lossy(&bytes))?)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Leaves word for an upload that its name is another one now.
pub(crate) async fn say_moved(store: &Store, upload: Uuid, to: &ObjectPath) -> Result<()> {
    Ok(store.put(&Key::Moved(upload).path(), to.as_str().to_owned()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_hearth_wrote_is_kept() {
        let text = r#"{"format":1,"permission":"644","owner":"o","group":"g","modified":"2026-01-01T00:00:00Z","accessed":null,
            "state":"uploading","upload":"00000000-0000-0000-0000-000000000001","expires":"tomorrow","labels":{"a":"b"}}"#;
        let read = Resource::read(text.as_bytes()).unwrap();
        assert!(read.is_free() && read.is_of(Uuid::from_u128(1)));
        let again: serde_json::Value = serde_json::from_slice(&read.to_bytes().unwrap()).unwrap();
        assert_eq!((&again["expires"], &again["labels"]["a"]), (&"tomorrow".into(), &"b".into()));
        let bytes = Resource::free().to_bytes().unwrap();
        assert!(bytes.len() == FREE_BYTES && Resource::read(&bytes).unwrap().is_free());
        let mut long = read.clone();
        long.attributes.owner = "o".repeat(FREE_BYTES - read.to_bytes().unwrap().len() + 1);
        assert_eq!(long.to_bytes().unwrap().len(), FREE_BYTES + 1);
        assert!(Resource::read(text.replace("\"format\":1", "\"format\":2").as_bytes()).unwrap_err().contains("newer"));
    }
}
