//! WebHDFS as Hadoop's client of Spark 3.0 to 4.3 speaks it: `hadoop fs` and a stock `spark-submit`.
//!
//! The protocol is Apache Hadoop's ("WebHDFS REST API", and the client's source, `WebHdfsFileSystem.java`). Where the
//! clients need more than the documents say, the place that does it says so.

mod answer;
mod client;
mod exception;
mod operations;
mod parameters;
mod path;
mod read;
mod redirect;
mod write;

use access::Caller;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;

use crate::file_system::FileSystem;
use crate::path::FilePath;
use crate::{Result, Staging};
use answer::Answer;
use client::Client;
use operations::Operation;
use parameters::Parameters;
use path::PREFIX;
pub(crate) use path::decode as decode_path;

/// The routes of this protocol.
pub(crate) fn router() -> Router<Staging> {
    Router::new()
        .route(PREFIX, any(handle))
        .route(&format!("{PREFIX}/"), any(handle))
        .route(&format!("{PREFIX}/{{*path}}"), any(handle))
}

/// One request, understood.
struct Call {
    staging: Staging,
    operation: Operation,
    path: FilePath,
    caller: Caller,
    parameters: Parameters,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

async fn handle(State(staging): State<Staging>, request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        let methods = HeaderValue::from_static("GET, HEAD, PUT, POST, DELETE, OPTIONS");
        return (StatusCode::OK, [(header::ALLOW, methods)]).into_response();
    }
    let client = Client::of(request.headers());
    let (path, method) = (access::masked(request.uri().path()).into_owned(), request.method().clone());
    match run(staging, request).await {
        Ok(answer) => answer.for_client(client),
        Err(error) => {
            tracing::debug!(path, %method, error = &error as &dyn std::error::Error, "request refused");
            exception::answer(&error, client)
        }
    }
}

async fn run(staging: Staging, request: Request) -> Result<Answer> {
    let (head, body) = request.into_parts();
    let parameters = Parameters::parse(head.uri.query().unwrap_or_default());
    let operation = Operation::parse(parameters.text("op"), &head.method)?;
    parameters.check(&head.method)?;
    let path = path::parse(head.uri.path())?;
    let caller = head.extensions.get().cloned().unwrap_or_default();
    let (method, uri, headers) = (head.method, head.uri, head.headers);
    let call = Call { staging, operation, path, caller, parameters, method, uri, headers };
    call.authorise().await?;
    call.run(body).await
}

impl Call {
    /// Whether the caller may do this at all. Asked before anything is looked up, so that who may not learns nothing.
    async fn authorise(&self) -> Result<()> {
        let rules = &self.staging.config().rules;
        let Some(act) = self.operation.act(self.parameters.text("fsaction")) else { return Ok(()) };
        rules.check(&self.caller, act, &self.path.to_string()).await?;
        // These change other paths, too.
        let others = match self.operation {
            Operation::Rename => self.parameters.text("destination"),
            Operation::Concat => self.parameters.text("sources"),
            _ => None,
        };
        for other in others.into_iter().flat_map(|others| others.split(',')) {
            rules.check(&self.caller, act, &FilePath::parse(other)?.to_string()).await?;
        }
        Ok(())
    }

    async fn run(self, body: Body) -> Result<Answer> {
        match self.operation {
            Operation::Append => self.append(body).await,
            Operation::CheckAccess => self.check_access().await,
            Operation::Concat => self.concat().await,
            Operation::Create => self.create(body).await,
            Operation::Delete => self.delete().await,
            Operation::GetContentSummary => self.content_summary().await,
            Operation::GetFileBlockLocations => self.block_locations().await,
            Operation::GetFileStatus => self.file_status().await,
            Operation::GetHomeDirectory => Ok(self.home_directory()),
            Operation::GetServerDefaults => Ok(Answer::json(answer::server_defaults())),
            Operation::GetStatus => Ok(Answer::json(answer::file_system_status())),
            Operation::GetTrashRoot => self.trash_root(),
            Operation::GetTrashRoots => Ok(Answer::json(serde_json::json!({"Paths": null}))),
            Operation::ListStatus => self.list().await,
            Operation::ListStatusBatch => self.list_batch().await,
            Operation::MakeDirectories => self.make_directories().await,
            Operation::Open => self.open().await,
            Operation::Rename => self.rename().await,
            Operation::SetOwner | Operation::SetPermission | Operation::SetTimes => self.set_attributes().await,
            Operation::SetReplication => self.set_replication().await,
            Operation::Truncate => self.truncate().await,
        }
    }

    fn files(&self) -> &FileSystem {
        self.staging.files()
    }
}
