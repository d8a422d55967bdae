//! What each error is to a client: one table for every door.

use access::Denied;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::Error;

/// What a client is told of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The status at a plain HTTP door.
    pub(crate) http: StatusCode,
    /// The status that HDFS answers.
    pub(crate) hdfs: StatusCode,
    /// The Java exception that Hadoop's client makes of it.
    pub(crate) class: &'static str,
}

const IO: &str = "java.io.IOException";
const FILE_NOT_FOUND: &str = "java.io.FileNotFoundException";
const END_OF_FILE: &str = "java.io.EOFException";
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";
const UNSUPPORTED: &str = "java.lang.UnsupportedOperationException";
const BAD_ARGUMENT: &str = "org.apache.hadoop.HadoopIllegalArgumentException";
const ALREADY_EXISTS: &str = "org.apache.hadoop.fs.FileAlreadyExistsException";
const INVALID_PATH: &str = "org.apache.hadoop.fs.InvalidPathException";
const PARENT_NOT_DIRECTORY: &str = "org.apache.hadoop.fs.ParentNotDirectoryException";
const NOT_EMPTY: &str = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException";
const BEING_CREATED: &str = "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException";
const RETRIABLE: &str = "org.apache.hadoop.ipc.RetriableException";
const ACCESS_CONTROL: &str = "org.apache.hadoop.security.AccessControlException";
const DISK_FULL: &str = "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException";

impl Told {
    /// The row of `error`.
    pub(crate) fn of(error: &Error) -> Self {
        use StatusCode as S;
        let row = |http, hdfs, class| Self { http, hdfs, class };
        match error {
            Error::NotFound { .. } => row(S::NOT_FOUND, S::NOT_FOUND, FILE_NOT_FOUND),
            // As HDFS does when a folder is opened.
            Error::IsDirectory { .. } => row(S::NOT_FOUND, S::NOT_FOUND, FILE_NOT_FOUND),
            Error::AlreadyExists { .. } => row(S::CONFLICT, S::FORBIDDEN, ALREADY_EXISTS),
            Error::ParentIsFile { .. } => row(S::BAD_REQUEST, S::FORBIDDEN, PARENT_NOT_DIRECTORY),
            Error::BelowFile { .. } => row(S::NOT_FOUND, S::FORBIDDEN, ACCESS_CONTROL),
            Error::NotEmpty { .. } => row(S::CONFLICT, S::FORBIDDEN, NOT_EMPTY),
            Error::Forbidden(_) => row(S::FORBIDDEN, S::FORBIDDEN, ACCESS_CONTROL),
            Error::Denied(Denied::Unauthenticated(_)) => row(S::UNAUTHORIZED, S::UNAUTHORIZED, ACCESS_CONTROL),
            Error::Denied(Denied::Forbidden(_)) => row(S::FORBIDDEN, S::FORBIDDEN, ACCESS_CONTROL),
            Error::Denied(Denied::Unavailable(_)) => row(S::SERVICE_UNAVAILABLE, S::SERVICE_UNAVAILABLE, RETRIABLE),
            Error::Precondition => row(S::PRECONDITION_FAILED, S::BAD_REQUEST, IO),
            Error::Conflict(_) => row(S::CONFLICT, S::FORBIDDEN, IO),
            Error::BeingWritten { .. } => row(S::CONFLICT, S::FORBIDDEN, BEING_CREATED),
            Error::Invalid(_) => row(S::BAD_REQUEST, S::BAD_REQUEST, ILLEGAL_ARGUMENT),
            Error::BadArgument(_) => row(S::BAD_REQUEST, S::BAD_REQUEST, BAD_ARGUMENT),
            Error::InvalidPath { .. } => row(S::BAD_REQUEST, S::BAD_REQUEST, INVALID_PATH),
            // HDFS says 400, and so do we to its clients.
            Error::WrongMethod { .. } => row(S::METHOD_NOT_ALLOWED, S::BAD_REQUEST, ILLEGAL_ARGUMENT),
            Error::Unsupported(_) => row(S::BAD_REQUEST, S::BAD_REQUEST, UNSUPPORTED),
            Error::TooMany(_) => row(S::TOO_MANY_REQUESTS, S::TOO_MANY_REQUESTS, RETRIABLE),
            // As HDFS says that a directory's space quota is used up.
            Error::NamespaceFull { .. } => row(S::PAYLOAD_TOO_LARGE, S::FORBIDDEN, DISK_FULL),
            Error::UnsupportedType { .. } => row(S::UNSUPPORTED_MEDIA_TYPE, S::BAD_REQUEST, ILLEGAL_ARGUMENT),
            Error::NotAcceptable { .. } => row(S::NOT_ACCEPTABLE, S::BAD_REQUEST, ILLEGAL_ARGUMENT),
            Error::TooLarge { .. } => row(S::PAYLOAD_TOO_LARGE, S::PAYLOAD_TOO_LARGE, IO),
            Error::OffsetBehindEnd { size_bytes: 0, .. } => row(S::RANGE_NOT_SATISFIABLE, S::FORBIDDEN, END_OF_FILE),
            Error::OffsetBehindEnd { .. } => row(S::RANGE_NOT_SATISFIABLE, S::FORBIDDEN, IO),
            Error::BrokenOff { .. } => row(S::BAD_REQUEST, S::BAD_REQUEST, IO),
            Error::Removed { .. } => row(S::CONFLICT, S::NOT_FOUND, FILE_NOT_FOUND),
            Error::TryAgain(_) | Error::Owners(_) | Error::Store(storage::Error::Unavailable { .. }) => {
                row(S::SERVICE_UNAVAILABLE, S::SERVICE_UNAVAILABLE, RETRIABLE)
            }
            Error::Store(storage::Error::Full { .. }) => row(S::INSUFFICIENT_STORAGE, S::FORBIDDEN, DISK_FULL),
            Error::Store(_) | Error::Interrupted | Error::Corrupt { .. } => {
                row(S::INTERNAL_SERVER_ERROR, S::INTERNAL_SERVER_ERROR, IO)
            }
        }
    }
}

/// What a client reads. Of failures that are not its own it learns only what it can do.
pub(crate) fn message(error: &Error) -> String {
    match error {
        Error::Store(storage::Error::Unavailable { .. }) => {
            "The object store behind Hearth did not answer: try again in a moment".to_owned()
        }
        Error::Store(storage::Error::Full { .. }) => {
            "The object store behind Hearth is full: nothing was written. Tell its operator, who can free some room"
                .to_owned()
        }
        Error::Store(storage::Error::PermissionDenied { .. } | storage::Error::NoSuchBucket { .. }) => {
            "The object store behind Hearth refuses its access, so trying again does not help: tell Hearth's operator"
                .to_owned()
        }
        Error::Store(_) | Error::Interrupted | Error::Corrupt { .. } => {
            "Hearth failed at this request: its own log says why; tell its operator".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Leaves on an answer why its caller was refused, for whoever writes its status line, and when to come again.
pub(crate) fn mark(response: &mut Response, error: &Error) {
    if let Error::Denied(denied) = error {
        response.extensions_mut().insert(denied.clone());
    }
    if let Error::TooMany(_) | Error::TryAgain(_) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
}

/// Whether it is the server's fault, and so for its own log.
pub(crate) fn is_ours(error: &Error) -> bool {
    matches!(error, Error::Store(_) | Error::Interrupted | Error::Corrupt { .. })
}

/// The store's own words, which our messages leave out.
pub(crate) fn root_cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
