use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is known of a file or folder besides its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    /// Unix permission bits in octal, as HDFS shows them. Kept and shown; nothing is decided by them.
    pub(crate) permission: String,
    /// Who wrote it, by their own words (`user.name`).
    pub(crate) owner: String,
    pub(crate) group: String,
    /// When its content was written last.
    pub(crate) modified: DateTime<Utc>,
    /// When it was read last, by the words of a client that set it.
    pub(crate) accessed: Option<DateTime<Utc>>,
}

const NOBODY: &str = "hearth";

impl Attributes {
    /// Those of something that the store itself knows nothing more of.
    pub(crate) fn plain(permission: &str, modified: DateTime<Utc>) -> Self {
        Self {
            permission: permission.to_owned(),
            owner: NOBODY.to_owned(),
            group: NOBODY.to_owned(),
            modified,
            accessed: None,
        }
    }

    pub(crate) fn folder() -> Self {
        Self::plain("755", Utc::now())
    }

    /// Those of something new, by what its maker says.
    pub(crate) fn new(wish: &Wish, default_permission: &str) -> Self {
        let mut new = Self::plain(default_permission, Utc::now());
        wish.apply(&mut new);
        new
    }
}

/// What a client wants to have set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) permission: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) modified: Option<DateTime<Utc>>,
    pub(crate) accessed: Option<DateTime<Utc>>,
}

impl Wish {
    pub(crate) fn apply(&self, attributes: &mut Attributes) {
        let set = |target: &mut String, wish: &Option<String>| {
            if let Some(wish) = wish {
                target.clone_from(wish);
            }
        };
        set(&mut attributes.permission, &self.permission);
        set(&mut attributes.owner, &self.owner);
        set(&mut attributes.group, &self.group);
        attributes.modified = self.modified.unwrap_or(attributes.modified);
        attributes.accessed = self.accessed.or(attributes.accessed);
    }
}

/// What lies under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File { size_bytes: u64 },
    Folder,
}

/// What lies under a path, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) kind: Kind,
    pub(crate) attributes: Attributes,
}

impl Status {
    pub(crate) fn file(size_bytes: u64, attributes: Attributes) -> Self {
        Self { kind: Kind::File { size_bytes }, attributes }
    }

    pub(crate) fn folder(attributes: Attributes) -> Self {
        Self { kind: Kind::Folder, attributes }
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) status: Status,
}
