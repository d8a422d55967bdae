//! Errors as Hadoop's client understands them: it makes the Java exception that `javaClassName` names, and shows its
//! message to people.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Client;
use super::answer::Answer;
use crate::Error;

const FILE_NOT_FOUND: &str = "java.io.FileNotFoundException";
const ALREADY_EXISTS: &str = "org.apache.hadoop.fs.FileAlreadyExistsException";
const PARENT_NOT_DIRECTORY: &str = "org.apache.hadoop.fs.ParentNotDirectoryException";
const NOT_EMPTY: &str = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException";
const ACCESS_CONTROL: &str = "org.apache.hadoop.security.AccessControlException";
const BEING_CREATED: &str = "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException";
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";
const UNSUPPORTED: &str = "java.lang.UnsupportedOperationException";
const RETRIABLE: &str = "org.apache.hadoop.ipc.RetriableException";
const END_OF_FILE: &str = "java.io.EOFException";
const IO: &str = "java.io.IOException";

/// The status and the Java class of an error.
fn kind(error: &Error) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match error {
        Error::NotFound { .. } => (S::NOT_FOUND, FILE_NOT_FOUND),
        Error::AlreadyExists { .. } => (S::FORBIDDEN, ALREADY_EXISTS),
        // As HDFS does when a folder is opened.
        Error::IsDirectory { .. } => (S::NOT_FOUND, FILE_NOT_FOUND),
        Error::ParentIsFile { .. } => (S::FORBIDDEN, PARENT_NOT_DIRECTORY),
        Error::NotEmpty { .. } => (S::FORBIDDEN, NOT_EMPTY),
        Error::Forbidden(_) => (S::FORBIDDEN, ACCESS_CONTROL),
        Error::BeingWritten { .. } => (S::FORBIDDEN, BEING_CREATED),
        Error::Invalid(_) => (S::BAD_REQUEST, ILLEGAL_ARGUMENT),
        Error::WrongMethod { .. } => (S::METHOD_NOT_ALLOWED, ILLEGAL_ARGUMENT),
        Error::Unsupported(_) => (S::BAD_REQUEST, UNSUPPORTED),
        Error::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, IO),
        Error::OffsetBehindEnd { .. } => (S::RANGE_NOT_SATISFIABLE, END_OF_FILE),
        Error::BrokenOff { .. } => (S::BAD_REQUEST, IO),
        Error::Store(storage::Error::Unavailable { .. }) => (S::SERVICE_UNAVAILABLE, RETRIABLE),
        Error::Store(_) | Error::Interrupted | Error::Corrupt { .. } => (S::INTERNAL_SERVER_ERROR, IO),
    }
}

/// What a client is told. Of failures that are not its own it learns only what it can do.
pub(crate) fn message(status: StatusCode, error: &Error) -> String {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            "The object store behind Hearth did not answer: try again in a moment".to_owned()
        }
        status if status.is_server_error() => {
            "Hearth failed at this request: its own log says why; tell its operator".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The answer to a request that failed. A failure of the server is logged here, once.
pub(super) fn answer(error: &Error, client: Client) -> Response {
    let (status, class) = kind(error);
    if status.is_server_error() {
        tracing::error!(error = error as &dyn std::error::Error, cause = root_cause(error), "a WebHDFS request failed");
    }
    let exception = class.rsplit('.').next().unwrap_or(class);
    let message = message(status, error);
    let body = json!({"RemoteException": {"exception": exception, "javaClassName": class, "message": message}});
    Answer::Json(status, body).for_client(client)
}

/// The store's own words, which our messages leave out.
pub(crate) fn root_cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
