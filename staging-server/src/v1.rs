//! The native protocol, `/v1`: content under its digest, uploads that go on after either side died, and manifests.
//!
//! Uploads in pieces follow tus 1.0 (<https://tus.io/protocols/resumable-upload>), for which clients exist in every language.
//! Errors are problem details (RFC 9457). [`openapi`] is the contract.

mod blobs;
mod call;
mod manifests;
mod openapi;
mod problem;
mod uploads;

use axum::Router;
use axum::routing::{get, head, post};

use crate::Staging;

pub(crate) fn router() -> Router<Staging> {
    let uploads = head(uploads::look).patch(uploads::send).delete(uploads::cancel);
    let manifest = get(manifests::read).put(manifests::write).delete(manifests::remove);
    Router::new()
        .route("/v1/namespaces/{namespace}/blobs/{digest}", get(blobs::read).put(blobs::write).delete(blobs::remove))
        .route("/v1/namespaces/{namespace}/manifests/{name}", manifest)
        .route("/v1/namespaces/{namespace}/manifests/{name}/artifacts/{*artifact}", get(manifests::artifact))
        .route("/v1/namespaces/{namespace}/uploads", post(uploads::start).options(uploads::say))
        .route("/v1/namespaces/{namespace}/uploads/{upload}", uploads)
        .route("/v1/openapi.json", get(openapi::document))
        .method_not_allowed_fallback(problem::wrong_method)
}
