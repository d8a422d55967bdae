use crate::ObjectPath;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong between a caller and the store: one variant for each decision that a caller can take.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No object under that key.
    #[error("{path}: no such object")]
    NotFound {
        /// What was asked for.
        path: ObjectPath,
    },
    /// A conditional write found an object already there.
    #[error("{path}: an object is already there")]
    AlreadyExists {
        /// What was to be written.
        path: ObjectPath,
    },
    /// The object is larger than the caller is ready to hold.
    #[error("{path}: larger than {limit_bytes} bytes")]
    TooLarge {
        /// Which object.
        path: ObjectPath,
        /// The caller's bound.
        limit_bytes: u64,
    },
    /// Text that cannot be a key: empty parts, `.` or `..`, control characters, or too long.
    #[error("{text:?} cannot be a path in the store: {reason}")]
    InvalidPath {
        /// What was given.
        text: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A store URL that this crate cannot open.
    #[error("store URL {url:?}: {reason}")]
    InvalidUrl {
        /// The URL, without any password in it.
        url: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The store refused our credentials.
    #[error("the object store refused access to {path}")]
    PermissionDenied {
        /// What was asked for.
        path: ObjectPath,
        /// The store's own words.
        #[source]
        source: Source,
    },
    /// What lies in the store is not what this program wrote there.
    #[error("{path}: {reason}")]
    Corrupt {
        /// Which object.
        path: ObjectPath,
        /// What does not fit.
        reason: String,
    },
    /// The store did not answer, or answered with a failure that may pass: try again later.
    #[error("the object store failed at {path}")]
    Unavailable {
        /// What was asked for.
        path: ObjectPath,
        /// The store's own words.
        #[source]
        source: Source,
    },
}

impl Error {
    /// Whether the cause is that nothing is there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub(crate) fn from_store(path: &ObjectPath, error: object_store::Error) -> Self {
        use object_store::Error as E;
        let path = path.clone();
        match error {
            E::NotFound { .. } => Self::NotFound { path },
            E::AlreadyExists { .. } | E::Precondition { .. } => Self::AlreadyExists { path },
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
                Self::PermissionDenied { path, source: error.into() }
            }
            // A folder where a file is asked for, or a file as a folder of the path, is no object.
            E::Generic { ref source, .. } if is_no_place_for_a_file(source.as_ref()) => Self::NotFound { path },
            other => Self::Unavailable { path, source: other.into() },
        }
    }

    /// The same for a write: what cannot be there cannot be written there.
    pub(crate) fn from_write(path: &ObjectPath, error: object_store::Error) -> Self {
        match error {
            object_store::Error::Generic { source, .. } if is_no_place_for_a_file(source.as_ref()) => {
                Self::InvalidPath {
                    text: path.to_string(),
                    reason: "in a folder of this machine, a name is either a file or a folder, and has at most 250 bytes",
                }
            }
            other => Self::from_store(path, other),
        }
    }
}

fn is_no_place_for_a_file(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind as K;
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), K::IsADirectory | K::NotADirectory | K::InvalidFilename | K::AlreadyExists);
        }
        cause = error.source();
    }
    false
}
