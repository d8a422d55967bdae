//! Templates in the store, where the staging server serves them as `/pod-templates/<namespace>/<name>.yaml`.

use futures::TryStreamExt as _;
use storage::{Key, ObjectMeta, ObjectPath, Store};

/// The largest template that is read.
pub const LIMIT_BYTES: u64 = 1024 * 1024;

/// Where templates are kept.
#[derive(Clone, Debug)]
pub struct Shelf {
    store: Store,
}

/// Why a template cannot be kept, or had.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// No such name.
    #[error("{0}")]
    Name(String),
    /// Nothing under this name.
    #[error("there is no template {namespace}/{name}; 'hearth pod-template list' says which there are")]
    Missing {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] storage::Error),
}

impl Shelf {
    /// The templates of a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Keeps a template, in place of what was there, and returns its path in the store.
    ///
    /// # Errors
    /// [`ShelfError`]
    pub async fn publish(&self, namespace: &str, name: &str, text: String) -> Result<ObjectPath, ShelfError> {
        let path = path(namespace, name)?;
        self.store.put(&path, text).await?;
        Ok(path)
    }

    /// Every template, or those of a namespace: namespace, name, and what the store says.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn list(&self, namespace: Option<&str>) -> Result<Vec<(String, String, ObjectMeta)>, ShelfError> {
        let folder = match namespace {
            Some(namespace) => path(namespace, "x")?.parent().unwrap_or_else(ObjectPath::root),
            None => ObjectPath::parse("pod-templates")?,
        };
        let mut found: Vec<_> = self
            .store
            .list(&folder)
            .try_filter_map(async |meta| {
                Ok(match Key::parse(&meta.path) {
                    Some(Key::PodTemplate { namespace, name }) => Some((namespace, name, meta)),
                    _ => None,
                })
            })
            .try_collect()
            .await?;
        found.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Ok(found)
    }

    /// A template's text.
    ///
    /// # Errors
    /// [`ShelfError`]
    pub async fn get(&self, namespace: &str, name: &str) -> Result<String, ShelfError> {
        match self.store.get(&path(namespace, name)?, LIMIT_BYTES).await {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.is_not_found() => Err(missing(namespace, name)),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a template.
    ///
    /// # Errors
    /// [`ShelfError`]
    pub async fn delete(&self, namespace: &str, name: &str) -> Result<(), ShelfError> {
        let path = path(namespace, name)?;
        if let Err(error) = self.store.head(&path).await {
            return Err(if error.is_not_found() { missing(namespace, name) } else { error.into() });
        }
        Ok(self.store.delete(&path).await?)
    }
}

fn missing(namespace: &str, name: &str) -> ShelfError {
    ShelfError::Missing { namespace: namespace.to_owned(), name: name.to_owned() }
}

fn path(namespace: &str, name: &str) -> Result<ObjectPath, ShelfError> {
    for text in [namespace, name] {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        let edges = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if text.is_empty()
            || text.len() > 63
            || !text.chars().all(plain)
            || !text.starts_with(edges)
            || !text.ends_with(edges)
        {
            return Err(ShelfError::Name(format!(
                "{text:?} cannot be a namespace's or a template's name: lower-case letters, digits, '-' and '.', up to 63 of them"
            )));
        }
    }
    Ok(Key::PodTemplate { namespace: namespace.to_owned(), name: name.to_owned() }.path())
}
