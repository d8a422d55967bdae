//! Shipped logs for programs: `/logs/v1/<application>/…`, described in `docs/logs-api.md`.
//!
//! An application is named by its id alone and need not be known to the history server; where it is, its ACLs hold.

mod answer;
mod asked;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use log_collector::{ContainerLog, Part, Shown};
use serde::Deserialize;

use crate::app::{App, Visit};
use crate::config::Web;
use crate::download;
use crate::logs::{EVERYBODY, containers, unavailable};
use crate::pages::log::may_see;
use crate::params::Params;
use answer::{Container, FirstError, Refusal};
use asked::Asked;

/// How many containers one answer may be made of: each takes a request to the store.
const MAX_PARTS: usize = 20_000;

/// Whose logs the URL names.
#[derive(Deserialize)]
struct Named {
    application: String,
}

/// What is asked for, and the containers that it is asked of.
pub(crate) struct Request {
    application: String,
    asked: Asked,
    found: Vec<ContainerLog>,
}

impl FromRequestParts<Web> for Request {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let path = Path::<Named>::from_request_parts(parts, web).await;
        let application = path.map_err(IntoResponse::into_response)?.0.application;
        let Ok(visit) = Visit::from_request_parts(parts, web).await;
        let Ok(params) = Params::from_request_parts(parts, web).await;
        let asked = Asked::read(&params).map_err(IntoResponse::into_response)?;
        let found = find(web, &visit, &application, &asked).await.map_err(IntoResponse::into_response)?;
        Ok(Self { application, asked, found })
    }
}

/// The containers that have logs, and what is known of each.
pub(crate) async fn list(Request { found, .. }: Request) -> Response {
    Json(found.iter().map(Container::of).collect::<Vec<_>>()).into_response()
}

/// Lines, as text.
pub(crate) async fn lines(
    State(web): State<Web>,
    Request { application, asked, found }: Request,
) -> Result<Response, Refusal> {
    let mut parts = Vec::new();
    for log in &found {
        for stream in &asked.streams {
            parts.push(Part::of(log, *stream, &asked.wanted).await.map_err(|cause| unavailable(&cause))?);
        }
    }
    let shown = Shown { search: asked.search.clone(), is_coloured: false };
    let text = match (asked.follows, asked.merges) {
        (true, _) => {
            let whose = (application.as_str(), asked.executor.as_deref());
            shown.followed(web.logs(), whose, &asked.streams, parts)
        }
        (false, true) => shown.merged(parts),
        (false, false) => shown.one_after_another(parts),
    };
    let mut response = download::text(Body::from_stream(text));
    if asked.follows {
        // Compressed, a line would wait for others.
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(response)
}

/// Of each container, where it began to go wrong.
pub(crate) async fn first_errors(Request { asked, found, .. }: Request) -> Result<Response, Refusal> {
    let lines = asked.wanted.tail_lines.unwrap_or(asked::LINES_OF_AN_ERROR).min(asked::MAX_LINES_OF_AN_ERROR);
    let parts = Part::of_first_errors(found, &asked.streams, lines).await.map_err(|cause| unavailable(&cause))?;
    let mut errors = Vec::new();
    for part in parts.into_iter().take(asked::MAX_ERRORS) {
        errors.push(FirstError::of(&part).await.map_err(|cause| unavailable(&cause))?);
    }
    Ok(Json(errors).into_response())
}

/// All of it, as one archive.
pub(crate) async fn archive(Request { application, found, .. }: Request) -> Result<Response, Refusal> {
    let mut response = Body::from_stream(log_collector::archive(&found)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_DISPOSITION, download::attachment(&format!("logs-{application}.zip"))?);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    Ok(response)
}

/// The containers that are asked for, of an application whose logs may be seen.
async fn find(web: &Web, visit: &Visit, application: &str, asked: &Asked) -> Result<Vec<ContainerLog>, Refusal> {
    let is_known = may_see(web, visit, application).await?;
    let mut found = containers(web.logs(), application, asked.executor.as_deref()).await?;
    if found.is_empty() && is_known {
        let app = App::open(web, visit, application, None).await?;
        found = app.containers(asked.executor.as_deref().unwrap_or(EVERYBODY)).await?;
    }
    found.retain(|log| asked.container.as_ref().is_none_or(|id| *id == answer::id(log)));
    if found.is_empty() {
        let whose = asked.executor.as_ref().map(|executor| format!(" of executor {executor}")).unwrap_or_default();
        return Err(Refusal::none(format!(
            "The log collector has shipped no log{whose} of application {application}."
        )));
    }
    if found.len() > MAX_PARTS {
        return Err(Refusal::bad(format!("The application has {} containers: name an executor.", found.len())));
    }
    Ok(found)
}
