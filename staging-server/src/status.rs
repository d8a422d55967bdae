use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is known of a file or folder besides its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    /// Unix permission bits. Kept and shown; nothing is decided by them.
    pub(crate) permission: Permission,
    /// Who wrote it, by their own words (`user.name`).
    pub(crate) owner: String,
    pub(crate) group: String,
    /// When its content was written last.
    pub(crate) modified: DateTime<Utc>,
    /// When it was read last, by the words of a client that set it.
    pub(crate) accessed: Option<DateTime<Utc>>,
}

/// Unix permission bits, at most `0o1777`; as text in octal, without leading zeros, as HDFS shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permission(pub(crate) u16);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:o}", self.0)
    }
}

impl Serialize for Permission {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u16::from_str_radix(&text, 8).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Whose a thing is that nobody has put their name to; HDFS's own word for somebody without one.
pub(crate) const NOBODY: &str = "dr.who";

/// The group of everything; HDFS's own word.
const GROUP: &str = "supergroup";

impl Attributes {
    /// Those of something that the store itself knows nothing more of.
    pub(crate) fn plain(permission: u16, modified: DateTime<Utc>) -> Self {
        Self {
            permission: Permission(permission),
            owner: NOBODY.to_owned(),
            group: GROUP.to_owned(),
            modified,
            accessed: None,
        }
    }

    pub(crate) fn folder() -> Self {
        Self::plain(0o755, Utc::now())
    }

    /// Those of something new, by what its maker says.
    pub(crate) fn new(wish: &Wish, default_permission: u16) -> Self {
        let mut new = Self::plain(default_permission, Utc::now());
        wish.apply(&mut new);
        new
    }
}

/// What a client wants to have set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) permission: Option<Permission>,
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) modified: Option<DateTime<Utc>>,
    pub(crate) accessed: Option<DateTime<Utc>>,
}

impl Wish {
    /// That all be as it is.
    pub(crate) fn of(attributes: &Attributes) -> Self {
        Self {
            permission: Some(attributes.permission),
            owner: Some(attributes.owner.clone()),
            group: Some(attributes.group.clone()),
            modified: Some(attributes.modified),
            accessed: attributes.accessed,
        }
    }

    /// This, but where `other` wants something, that.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self {
            permission: other.permission.or(self.permission),
            owner: other.owner.clone().or(self.owner),
            group: other.group.clone().or(self.group),
            modified: other.modified.or(self.modified),
            accessed: other.accessed.or(self.accessed),
        }
    }

    pub(crate) fn apply(&self, attributes: &mut Attributes) {
        let set = |target: &mut String, wish: &Option<String>| {
            if let Some(wish) = wish {
                target.clone_from(wish);
            }
        };
        attributes.permission = self.permission.unwrap_or(attributes.permission);
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
