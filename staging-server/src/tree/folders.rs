//! Folders, which stores do not have: one is there when something is below it, or when its marker is.

use futures::stream::{self, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use storage::{ObjectMeta, ObjectPath, Store};

use crate::resources::{FORMAT, check_format};
use crate::status::{Attributes, Wish};
use crate::{Error, Result};

/// Its name begins with a dot, so that Spark's own history server passes it by in a folder of event logs.
const MARKER: &str = ".directory";
/// Where the documents of bundles lie: beside the namespaces.
pub(crate) const BUNDLES: &str = ".hearth-bundles";
/// Where the documents of the native protocol lie, a folder for each namespace.
pub(crate) const NATIVE: &str = ".hearth-v1";
const MARKER_LIMIT_BYTES: u64 = 64 * 1024;
const AT_ONCE: usize = 16;

/// The marker's content.
#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    #[serde(flatten)]
    attributes: Attributes,
}

/// Whether a client may not use this name for its own.
pub(crate) fn is_reserved(name: &str) -> bool {
    name == MARKER || name == BUNDLES || name == NATIVE || name == storage::growing::FOLDER
}

pub(crate) fn check_names(tree: &str, path: &ObjectPath) -> Result<()> {
    match path.parts().find(|part| is_reserved(part)) {
        Some(name) => {
            Err(Error::Invalid(format!("/{tree}/{path}: {name} is a name that Hearth keeps for itself; take another")))
        }
        None => Ok(()),
    }
}

/// Whether an object keeps the folders above it.
pub(crate) type Keeps = fn(&ObjectMeta) -> bool;

/// What is known of the folder at this path of the store; `None` where there is none.
pub(crate) async fn find(store: &Store, folder: &ObjectPath, keeps: Keeps) -> Result<Option<Attributes>> {
    match marked(store, folder).await? {
        Some(attributes) => Ok(Some(attributes)),
        None => Ok(is_there(store, folder, keeps).await?.then(Attributes::folder)),
    }
}

/// What the marker of a folder says.
async fn marked(store: &Store, folder: &ObjectPath) -> Result<Option<Attributes>> {
    let marker = folder.join(MARKER)?;
    match store.get(&marker, MARKER_LIMIT_BYTES).await {
        Ok(bytes) => {
            let corrupt = |reason: String| Error::Corrupt { path: marker.clone(), reason };
            let read: Marker = serde_json::from_slice(&bytes).map_err(|e| corrupt(e.to_string()))?;
            check_format(read.format).map_err(corrupt)?;
            Ok(Some(read.attributes))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether anything is there: one request, but where thousands of objects keep no folder.
pub(crate) async fn is_there(store: &Store, folder: &ObjectPath, keeps: Keeps) -> Result<bool> {
    let mut found = store.list(folder);
    while let Some(meta) = found.try_next().await? {
        if keeps(&meta) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes an empty folder seen, or changes what is known of one.
pub(crate) async fn make(store: &Store, folder: &ObjectPath, wish: &Wish) -> Result<()> {
    let mut attributes = marked(store, folder).await?.unwrap_or_else(Attributes::folder);
    wish.apply(&mut attributes);
    let marker = Marker { format: FORMAT, attributes };
    let bytes =
        serde_json::to_vec(&marker).map_err(|e| Error::Corrupt { path: folder.clone(), reason: e.to_string() })?;
    Ok(store.put(&folder.join(MARKER)?, bytes).await?)
}

/// Removes all that is below a folder, and so the folder.
pub(crate) async fn remove(store: &Store, folder: &ObjectPath) -> Result<()> {
    let all: Vec<ObjectPath> = store.list(folder).map_ok(|meta| meta.path).try_collect().await?;
    Ok(store.delete_all(all).await?)
}

/// Copies all that is below `from`, then removes it there.
pub(crate) async fn rename(store: &Store, from: &ObjectPath, to: &ObjectPath) -> Result<()> {
    let all: Vec<ObjectPath> = store.list(from).map_ok(|meta| meta.path).try_collect().await?;
    let copies = all.iter().filter_map(|path| Some((path, path.strip_prefix(from)?)));
    stream::iter(copies.map(Ok::<_, Error>))
        .try_for_each_concurrent(AT_ONCE, |(path, rest)| async move {
            Ok(store.copy(path, &to.join(rest.as_str())?).await?)
        })
        .await?;
    Ok(store.delete_all(all).await?)
}
