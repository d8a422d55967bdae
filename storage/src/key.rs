use crate::{ObjectPath, Sha256Digest};

/// What lies where in Hearth's store. [`Key::path`] makes a path, [`Key::parse`] reads one back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// `event-logs/<path>`: as Spark lays them out, so that Spark's own history server can read the folder.
    EventLog(ObjectPath),
    /// `staging/blobs/sha256/<hex>`: content, once, whatever it was called.
    Blob(Sha256Digest),
    /// `staging/resources/<path>`: what was uploaded under which name.
    Resource(ObjectPath),
    /// `staging/uploads/<id>`: an upload whose digest is not known yet. Left behind by a crash only.
    Upload(uuid::Uuid),
    /// `staging/moved/<id>`: the name that an upload has now, which was renamed while it was written.
    Moved(uuid::Uuid),
    /// `staging/condemned`: what of the uploads is about to be removed.
    Condemned,
    /// `pod-templates/<namespace>/<name>.yaml`
    PodTemplate {
        /// Kubernetes namespace.
        namespace: String,
        /// The template's name, without `.yaml`.
        name: String,
    },
    /// `logs/<path>`: pod logs, below it the collector's own layout.
    Log(ObjectPath),
    /// `history/<path>`: replayed applications, below it the history server's own layout.
    History(ObjectPath),
    /// `leases/<name>`: who does what only one of several processes should.
    Lease(String),
}

impl Key {
    /// The path of this key.
    #[must_use]
    pub fn path(&self) -> ObjectPath {
        let under = |root: &str, path: &ObjectPath| match path.is_root() {
            true => root.to_owned(),
            false => format!("{root}/{}", path.as_str()),
        };
        ObjectPath::from_trusted(match self {
            Self::EventLog(path) => under("event-logs", path),
            Self::Blob(digest) => format!("staging/blobs/sha256/{digest}"),
            Self::Resource(path) => under("staging/resources", path),
            Self::Upload(id) => format!("staging/uploads/{id}"),
            Self::Moved(id) => format!("staging/moved/{id}"),
            Self::Condemned => "staging/condemned".to_owned(),
            Self::PodTemplate { namespace, name } => format!("pod-templates/{namespace}/{name}.yaml"),
            Self::Log(path) => under("logs", path),
            Self::History(path) => under("history", path),
            Self::Lease(name) => format!("leases/{name}"),
        })
    }

    /// The key that `path` belongs to; `None` for a path that Hearth does not make.
    #[must_use]
    pub fn parse(path: &ObjectPath) -> Option<Self> {
        let (root, rest) = path.as_str().split_once('/')?;
        let rest = ObjectPath::parse(rest).ok()?;
        match root {
            "event-logs" => Some(Self::EventLog(rest)),
            "logs" => Some(Self::Log(rest)),
            "history" => Some(Self::History(rest)),
            "leases" => Some(Self::Lease(rest.as_str().to_owned())),
            "pod-templates" => {
                let (namespace, file) = rest.as_str().split_once('/')?;
                let name = file.strip_suffix(".yaml").filter(|name| !name.is_empty() && !name.contains('/'))?;
                Some(Self::PodTemplate { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            "staging" if rest.as_str() == "condemned" => Some(Self::Condemned),
            "staging" => {
                let (kind, rest) = rest.as_str().split_once('/')?;
                match kind {
                    "resources" => Some(Self::Resource(ObjectPath::parse(rest).ok()?)),
                    "uploads" => Some(Self::Upload(rest.parse().ok()?)),
                    "moved" => Some(Self::Moved(rest.parse().ok()?)),
                    "blobs" => Some(Self::Blob(rest.strip_prefix("sha256/")?.parse().ok()?)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_path() -> impl Strategy<Value = ObjectPath> {
        prop::collection::vec("[a-zA-Z0-9_.=$ -]{1,12}", 1..5)
            .prop_filter_map("dots", |parts| ObjectPath::parse(&parts.join("/")).ok())
    }

    proptest! {
        #[test]
        fn every_key_is_read_back(path in any_path(), digest: [u8; 32], name in "[a-z0-9-]{1,20}", kind in 0..10) {
            let key = match kind {
                0 => Key::EventLog(path),
                1 => Key::Blob(Sha256Digest::from_bytes(digest)),
                2 => Key::Resource(path),
                3 => Key::Upload(uuid::Uuid::from_u128(u128::from_le_bytes(digest[..16].try_into().unwrap()))),
                4 => Key::PodTemplate { namespace: name.clone(), name },
                5 => Key::Log(path),
                8 => Key::Lease(name),
                9 => Key::Condemned,
                6 => Key::Moved(uuid::Uuid::from_u128(u128::from_le_bytes(digest[..16].try_into().unwrap()))),
                _ => Key::History(path),
            };
            prop_assert_eq!(Key::parse(&key.path()), Some(key));
        }
    }
}
