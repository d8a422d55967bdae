use std::collections::BTreeMap;

/// Who asks, as far as it was proven. What a client merely says of itself (`user.name=` of WebHDFS) is not in here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// Nothing was proven. Where access is guarded, such a caller reads what it knows the whole path of, and no more.
    #[default]
    Anonymous,
    /// A token, a client certificate or a trusted proxy said who it is.
    Known(Identity),
}

/// Somebody, in Kubernetes' terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The user's name, such as `system:serviceaccount:etl:spark`.
    pub name: String,
    /// The groups that came with the name.
    pub groups: Vec<String>,
    /// What else the API server wants to be told of a user when it is asked what that user may do.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl Caller {
    /// A caller of this name, in no group.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::Known(Identity { name: name.to_owned(), ..Identity::default() })
    }

    /// The name that was proven.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Known(identity) => Some(&identity.name),
        }
    }
}

impl Identity {
    /// The namespace of a service account's name; people have none.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.name.strip_prefix("system:serviceaccount:")?.split_once(':').map(|(namespace, _)| namespace)
    }
}
