//! Errors as Hadoop's client understands them: it makes the Java exception that `javaClassName` names, and shows its
//! message to people.

use axum::response::Response;
use serde_json::json;

use super::answer::Answer;
use super::client::Client;
use crate::Error;
use crate::told::{Told, is_ours, mark, message, root_cause};

/// The answer to a request that failed. A failure of the server is logged here, once.
pub(super) fn answer(error: &Error, client: Client) -> Response {
    let told = Told::of(error);
    if is_ours(error) {
        tracing::error!(error = error as &dyn std::error::Error, cause = root_cause(error), "a WebHDFS request failed");
    }
    let exception = told.class.rsplit('.').next().unwrap_or(told.class);
    let body =
        json!({"RemoteException": {"exception": exception, "javaClassName": told.class, "message": message(error)}});
    let mut response = Answer::Json(told.hdfs, body).for_client(client);
    mark(&mut response, error);
    response
}
