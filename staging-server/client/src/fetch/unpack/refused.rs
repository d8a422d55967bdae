use std::io;

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A name that would lead out of the folder, or that no file should have.
    #[error("its entry {name:?} {reason}")]
    Name {
        /// The entry.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A link that leads out of the folder, or nowhere.
    #[error("its entry {name:?} is a link to {target:?}, {reason}")]
    Link {
        /// The entry.
        name: String,
        /// Where it leads.
        target: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A device, a pipe, or something that no application needs.
    #[error("its entry {name:?} is {kind}, not a file or a folder")]
    Kind {
        /// The entry.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// More entries than allowed.
    #[error("it has more than {limit} entries")]
    TooManyEntries {
        /// The bound.
        limit: u64,
    },
    /// More bytes than allowed, or than an honest archive of its size has.
    #[error("it unpacks to too many bytes, in all or for its own size")]
    TooManyBytes,
    /// The deadline came.
    #[error("the deadline came while it was being unpacked")]
    TooLate,
    /// It is no archive, or was damaged.
    #[error("it is not a sound archive: {0}")]
    Damaged(String),
    /// A file could not be written or read.
    #[error("{0}")]
    Disk(io::Error),
}

impl Refused {
    /// What would help.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Name { .. } | Self::Kind { .. } => {
                "make the archive anew from plain files, with paths relative to its folder"
            }
            Self::Link { .. } => {
                "links must lead to something in the archive; environments of Python are packed so by conda-pack or venv-pack"
            }
            Self::TooManyEntries { .. } => "--max-entries NUMBER allows more",
            Self::TooManyBytes => "if it can be trusted, --max-unpacked-size SIZE and --max-ratio NUMBER allow more",
            Self::TooLate => "--deadline TIME gives it longer",
            Self::Damaged(_) => "look whether its name says rightly what it is, and whether it is whole",
            Self::Disk(error) if error.kind() == io::ErrorKind::StorageFull => "give the volume more room",
            Self::Disk(_) => return None,
        })
    }
}

/// Readers between us and an archive pass our own refusals on.
impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Self>()) {
            let inner = error.into_inner().and_then(|inner| inner.downcast::<Self>().ok());
            return inner.map_or(Self::TooManyBytes, |inner| *inner);
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends before its end".to_owned()),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Disk(error),
        }
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::other(refused)
    }
}
