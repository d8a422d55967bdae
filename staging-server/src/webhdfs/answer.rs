//! Answers, and files as WebHDFS writes them.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::client::Client;
use crate::status::{Kind, Status};

/// What HDFS uses; callers divide by it.
const BLOCK_BYTES: u64 = 128 << 20;

/// What a request ends in.
pub(super) enum Answer {
    /// Nothing but a status.
    Empty(StatusCode),
    Json(StatusCode, Value),
    /// Go there instead.
    Redirect(HeaderValue),
    /// A file is made; it is there.
    Created(HeaderValue),
    /// Bytes, and how many they are.
    Bytes(u64, Body),
}

impl Answer {
    pub(super) fn json(value: Value) -> Self {
        Self::Json(StatusCode::OK, value)
    }

    pub(super) fn boolean(value: bool) -> Self {
        Self::json(json!({"boolean": value}))
    }

    pub(super) fn for_client(self, client: Client) -> Response {
        match self {
            Self::Empty(status) => status.into_response(),
            Self::Json(status, value) => {
                let mut response = (status, value.to_string()).into_response();
                match client {
                    Client::Java => response.headers_mut().remove(header::CONTENT_TYPE),
                    Client::Other => response
                        .headers_mut()
                        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                };
                response
            }
            Self::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
            Self::Created(at) => (StatusCode::CREATED, [(header::LOCATION, at)]).into_response(),
            Self::Bytes(length, body) => {
                let headers = [
                    (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
                    (header::CONTENT_LENGTH, HeaderValue::from(length)),
                ];
                (headers, body).into_response()
            }
        }
    }
}

/// A `FileStatus`, named `suffix` below the folder that was asked for.
pub(super) fn file_status(suffix: &str, status: &Status) -> Value {
    let attributes = &status.attributes;
    let modified = attributes.modified.timestamp_millis();
    let (kind, length, block, replication) = match status.kind {
        Kind::File { size_bytes } => ("FILE", size_bytes, BLOCK_BYTES, 1),
        Kind::Folder => ("DIRECTORY", 0, 0, 0),
    };
    json!({
        "accessTime": attributes.accessed.map_or(modified, |time| time.timestamp_millis()),
        "blockSize": block,
        "childrenNum": 0,
        "fileId": 0,
        "group": attributes.group,
        "length": length,
        "modificationTime": modified,
        "owner": attributes.owner,
        "pathSuffix": suffix,
        "permission": attributes.permission.to_string(),
        "replication": replication,
        "storagePolicy": 0,
        "type": kind,
    })
}

/// What a client takes for itself where its own configuration is silent.
pub(super) fn server_defaults() -> Value {
    json!({"FsServerDefaults": {
        "blockSize": BLOCK_BYTES,
        "bytesPerChecksum": 512,
        "checksumType": 2,
        "defaultStoragePolicyId": 0,
        "encryptDataTransfer": false,
        "fileBufferSize": 4096,
        "keyProviderUri": "",
        "replication": 1,
        "trashInterval": 0,
        "writePacketSize": 65536,
    }})
}

/// Object stores do not fill up.
pub(super) fn file_system_status() -> Value {
    json!({"FsStatus": {"capacity": i64::MAX, "used": 0, "remaining": i64::MAX}})
}
