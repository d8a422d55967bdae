//! Plain GET and HEAD of staged files and pod templates, for whatever takes a URL.

use access::Act;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use storage::Sha256Digest;

use crate::served::Served;
use crate::told::{Told, is_ours, mark, message, root_cause};
use crate::tree::{Content, File};
use crate::webhdfs::decode_path;
use crate::{Error, Result, Staging};

pub(crate) fn router() -> Router<Staging> {
    Router::new().route("/pod-templates/{*path}", get(serve)).route("/staging/{*path}", get(serve))
}

async fn serve(State(staging): State<Staging>, request: Request) -> Response {
    match answer(&staging, &request.into_parts().0).await {
        Ok(response) => response,
        Err(error) => refuse(&error),
    }
}

async fn answer(staging: &Staging, request: &Parts) -> Result<Response> {
    let files = staging.files();
    let path = decode_path(request.uri.path())?;
    let caller = request.extensions.get().cloned().unwrap_or_default();
    staging.config().rules.check(&caller, Act::Read, &path.to_string()).await?;
    let file = files.complete_file(&path).await?;
    let e_tag = match e_tag(staging, &file).await? {
        Some(digest) => HeaderValue::try_from(format!("\"{digest}\"")).ok(),
        None => None,
    };
    let served = Served::of(request, &file, e_tag.as_ref());
    if served.is_read() {
        files.note_use(&path, &file).await;
    }
    served.answer(files.store(), &file, path.to_string()).await
}

/// The digest of a file's content. A pod template is small enough to be read for it.
async fn e_tag(staging: &Staging, file: &File) -> Result<Option<Sha256Digest>> {
    match (&file.sha256, &file.content) {
        (Some(digest), _) => Ok(Some(*digest)),
        (None, Content::Object(path)) if file.size_bytes <= staging.config().max_pod_template_bytes => {
            let bytes = staging.files().store().get(path, staging.config().max_pod_template_bytes).await?;
            Ok(Some(Sha256Digest::of(&bytes)))
        }
        _ => Ok(None),
    }
}

/// The answer to a request that failed, as all doors but WebHDFS give it. A failure of the server is logged here, once.
pub(crate) fn refuse(error: &Error) -> Response {
    if is_ours(error) {
        tracing::error!(error = error as &dyn std::error::Error, cause = root_cause(error), "a request failed");
    }
    let mut response = (Told::of(error).http, format!("{}\n", message(error))).into_response();
    mark(&mut response, error);
    response
}
