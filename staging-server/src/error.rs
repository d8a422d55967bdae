use storage::ObjectPath;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a request can end in besides its answer: one variant for each thing that a client is told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is there.
    #[error("File does not exist: {path}")]
    NotFound {
        /// What was asked for.
        path: String,
    },
    /// Something is there, and the request did not say that it may be replaced.
    #[error("{path} already exists{hint}")]
    AlreadyExists {
        /// What was to be made.
        path: String,
        /// What to do, with a leading separator; or nothing.
        hint: &'static str,
    },
    /// A folder where a file is needed.
    #[error("{path} is a directory")]
    IsDirectory {
        /// What was named.
        path: String,
    },
    /// A file where a folder is needed.
    #[error("Parent path is not a directory: {path} is a file")]
    ParentIsFile {
        /// The file.
        path: String,
    },
    /// A path that leads through a file, and is listed or removed.
    #[error("{path} lies below a file: there is no such directory")]
    BelowFile {
        /// What was asked for.
        path: String,
    },
    /// A folder that has something in it, and the request did not say `recursive`.
    #[error("{path} is not empty: delete it recursively, or delete what is in it first")]
    NotEmpty {
        /// The folder.
        path: String,
    },
    /// A path that this server has nothing to do with, or that must stay as it is.
    #[error("{0}")]
    Forbidden(String),
    /// What is there stands against it.
    #[error("{0}")]
    Conflict(String),
    /// A path that nothing can be made at.
    #[error("Invalid path name {path}: {reason}")]
    InvalidPath {
        /// What was named.
        path: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A value that can be read, but not for this file.
    #[error("{0}")]
    BadArgument(String),
    /// What was being written was removed or replaced meanwhile.
    #[error("{path} was removed while it was being written: nothing of it is kept")]
    Removed {
        /// The file.
        path: String,
    },
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] access::Denied),
    /// Another request is writing this very file.
    #[error("{path} is being written by another request: wait until that has ended")]
    BeingWritten {
        /// The file.
        path: String,
    },
    /// The request is not one that can be understood.
    #[error("{0}")]
    Invalid(String),
    /// The method does not fit the operation.
    #[error("{operation} is sent with {expected}, not with {got}")]
    WrongMethod {
        /// The operation.
        operation: &'static str,
        /// What it needs.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// An operation of HDFS that a file system over an object store cannot do.
    #[error("{0}")]
    Unsupported(String),
    /// More bytes than the operator allows.
    #[error(
        "{path} is too large: at most {limit_bytes} bytes are taken. Ask the operator of Hearth for more, or keep the \
             file in an object store of your own"
    )]
    TooLarge {
        /// What was to be written.
        path: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// A read that starts behind the end.
    #[error("offset {offset} is behind the end of {path}, which has {size_bytes} bytes")]
    OffsetBehindEnd {
        /// The file.
        path: String,
        /// Where the read was to start.
        offset: u64,
        /// The file's length.
        size_bytes: u64,
    },
    /// The client's bytes ended before their end.
    #[error("the upload of {path} broke off: send it again")]
    BrokenOff {
        /// What was being written.
        path: String,
        /// What the connection said.
        #[source]
        source: Source,
    },
    /// The request's body is of a kind that is not taken.
    #[error("send it with Content-Type: {wanted}")]
    UnsupportedType {
        /// What is taken.
        wanted: &'static str,
    },
    /// The client takes no answer of the kind that there is.
    #[error("there is only {has}: leave the Accept header out, or let it name that")]
    NotAcceptable {
        /// What there is.
        has: &'static str,
    },
    /// More uploads than the operator allows.
    #[error("{0}, as many as are allowed: try again in a moment, or ask the operator of Hearth for more")]
    TooMany(String),
    /// More bytes than a namespace may have.
    #[error(
        "namespace {namespace} may have {limit_bytes} bytes of uploads, and this would be more: delete what is not needed \
             any more below /staging/{namespace}, or ask the operator of Hearth for more"
    )]
    NamespaceFull {
        /// The namespace.
        namespace: String,
        /// What it may have.
        limit_bytes: u64,
    },
    /// A condition of the request does not hold.
    #[error("a condition in the request's headers does not hold: look at what is there, and ask again by that")]
    Precondition,
    /// Nothing is wrong but the moment.
    #[error("{0}: try again in a moment")]
    TryAgain(String),
    /// The request's own task came to a bad end.
    #[error("the upload ended unexpectedly")]
    Interrupted,
    /// It cannot be found out which uploads are somebody's, so none is removed.
    #[error("{0}: no upload is removed before it is known which drivers live")]
    Owners(String),
    /// The store failed; the client learns only that.
    #[error("the object store failed")]
    Store(#[source] storage::Error),
    /// What lies in the store is not what this server wrote there; the client learns only that it failed.
    #[error("{path}: {reason}")]
    Corrupt {
        /// Which object.
        path: ObjectPath,
        /// What does not fit.
        reason: String,
    },
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::InvalidPath { .. } => Self::Invalid(error.to_string()),
            _ => Self::Store(error),
        }
    }
}
