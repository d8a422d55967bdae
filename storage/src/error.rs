use crate::ObjectPath;
use crate::client::Refusal;

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
    /// A write in place of a certain version found another one, or none.
    #[error("{path}: the object is another one by now")]
    Changed {
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
    /// The store refused our credentials, or they do not suffice; or the folder is not ours to read or write.
    #[error("the object store refused access to {path}")]
    PermissionDenied {
        /// What was asked for.
        path: ObjectPath,
        /// The store's own words.
        #[source]
        source: Source,
    },
    /// The bucket, container or folder that the store's URL names is not there.
    #[error("the object store has no such bucket")]
    NoSuchBucket {
        /// The store's own words.
        #[source]
        source: Source,
    },
    /// No room is left, or a quota is used up.
    #[error("the object store is full: {path} was not written")]
    Full {
        /// What was to be written.
        path: ObjectPath,
        /// The store's own words.
        #[source]
        source: Source,
    },
    /// The store does not take such a request: sending it again changes nothing.
    #[error("the object store refused the request for {path}")]
    Refused {
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

    /// Whether the same request may succeed later without anybody having done something about it.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn from_store(path: &ObjectPath, error: object_store::Error) -> Self {
        use object_store::Error as E;
        let path = path.clone();
        match error {
            E::NotFound { .. } => Self::NotFound { path },
            E::AlreadyExists { .. } => Self::AlreadyExists { path },
            E::Precondition { .. } => Self::Changed { path },
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
                Self::PermissionDenied { path, source: error.into() }
            }
            E::NotSupported { .. } | E::NotImplemented { .. } | E::InvalidPath { .. } => {
                Self::Refused { path, source: error.into() }
            }
            // A folder where a file is asked for, or a file as a folder of the path, is no object.
            E::Generic { ref source, .. } if is_no_place_for_a_file(source.as_ref()) => Self::NotFound { path },
            other => Self::of_cause(path, other),
        }
    }

    fn of_cause(path: ObjectPath, error: object_store::Error) -> Self {
        use std::io::ErrorKind as K;
        enum Kind {
            Denied,
            NoBucket,
            Full,
            Refused,
            Passing,
        }
        let kind = if let Some(refusal) = cause::<Refusal>(&error) {
            match refusal {
                refusal if refusal.is_no_bucket() => Kind::NoBucket,
                refusal if refusal.is_full() => Kind::Full,
                refusal if refusal.is_denied() => Kind::Denied,
                _ => Kind::Refused,
            }
        } else {
            match cause::<std::io::Error>(&error).map(std::io::Error::kind) {
                Some(K::StorageFull | K::QuotaExceeded | K::FileTooLarge) => Kind::Full,
                Some(K::PermissionDenied | K::ReadOnlyFilesystem) => Kind::Denied,
                _ => Kind::Passing,
            }
        };
        let source = Box::new(error);
        match kind {
            Kind::Denied => Self::PermissionDenied { path, source },
            Kind::NoBucket => Self::NoSuchBucket { source },
            Kind::Full => Self::Full { path, source },
            Kind::Refused => Self::Refused { path, source },
            Kind::Passing => Self::Unavailable { path, source },
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
    cause::<std::io::Error>(error).is_some_and(|io| {
        matches!(io.kind(), K::IsADirectory | K::NotADirectory | K::InvalidFilename | K::AlreadyExists)
    })
}

/// The first cause of that type.
fn cause<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref::<E>())
}
