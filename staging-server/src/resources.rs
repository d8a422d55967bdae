//! What was uploaded under which name: one small document for each name, which points to the content.

use serde::{Deserialize, Serialize};
use storage::{Key, ObjectPath, Sha256Digest, Store};
use uuid::Uuid;

use crate::status::Attributes;
use crate::{Error, Result};

/// The format of every document that this server writes. A reader refuses a newer one.
pub(crate) const FORMAT: u32 = 1;

const LIMIT_BYTES: u64 = 64 * 1024;

pub(crate) fn check_format(format: u32) -> Result<(), String> {
    match format <= FORMAT {
        true => Ok(()),
        false => Err(format!("format {format} was written by a newer Hearth; this one reads up to {FORMAT}")),
    }
}

/// The document of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resource {
    format: u32,
    #[serde(flatten)]
    pub(crate) attributes: Attributes,
    #[serde(flatten)]
    pub(crate) state: State,
}

/// How far an upload is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum State {
    /// On its way: the name is taken, there is no content yet.
    Uploading {
        /// Which upload, so that one that breaks off takes no other's place away.
        upload: Uuid,
    },
    /// All there.
    Complete { size_bytes: u64, sha256: Sha256Digest },
}

impl Resource {
    pub(crate) fn new(attributes: Attributes, state: State) -> Self {
        Self { format: FORMAT, attributes, state }
    }

    /// The document at `name`; `None` where there is none.
    pub(crate) async fn load(store: &Store, name: &ObjectPath) -> Result<Option<Self>> {
        let path = Key::Resource(name.clone()).path();
        let bytes = match store.get(&path, LIMIT_BYTES).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let read = serde_json::from_slice(&bytes).map_err(|e| e.to_string());
        match read.and_then(|read: Self| check_format(read.format).map(|()| read)) {
            Ok(read) => Ok(Some(read)),
            Err(reason) => Err(Error::Corrupt { path, reason }),
        }
    }

    /// Puts the document at `name`, in place of what is there.
    pub(crate) async fn save(&self, store: &Store, name: &ObjectPath) -> Result<()> {
        Ok(store.put(&Key::Resource(name.clone()).path(), self.to_bytes()?).await?)
    }

    /// Puts the document at `name` if nothing is there.
    pub(crate) async fn save_if_absent(&self, store: &Store, name: &ObjectPath) -> Result<()> {
        match store.put_if_absent(&Key::Resource(name.clone()).path(), self.to_bytes()?).await {
            Ok(_) | Err(storage::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::Corrupt { path: ObjectPath::root(), reason: e.to_string() })
    }
}
