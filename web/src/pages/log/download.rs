//! A whole stream as text, of any size.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use log_collector::ContainerLog;

use super::{Named, View, ids, may_see};
use crate::app::{App, Visit};
use crate::config::Web;
use crate::error::Error;
use crate::logs::containers;
use crate::params::Params;

/// A stream of an executor of an application that the history server knows. `?inline=true` shows it in the browser.
pub(crate) async fn of_executor(app: App, Path(named): Path<Named>, params: Params) -> Result<Response, Error> {
    let found = app.containers(&named.executor).await?;
    stream(found, app.id(), &named.executor, &params)
}

/// The same by ids alone.
pub(crate) async fn by_ids(State(web): State<Web>, visit: Visit, params: Params) -> Result<Response, Error> {
    let (application, executor) = ids(&params)?;
    may_see(&web, &visit, application).await?;
    let found = containers(web.logs(), application, Some(executor)).await?;
    stream(found, application, executor, &params)
}

fn stream(found: Vec<ContainerLog>, application: &str, executor: &str, params: &Params) -> Result<Response, Error> {
    let Some(view) = View::choose(found, params) else {
        return Err(Error::NotFound {
            title: "No log".to_owned(),
            text: "The log collector has shipped no log of this executor.".to_owned(),
            way_on: None,
            app: None,
        });
    };
    let name = format!("{application}-{executor}-{}.log", view.stream.name());
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let disposition =
        if params.is_true("inline") { "inline".to_owned() } else { format!("attachment; filename=\"{name}\"") };
    let size = view.log().size_bytes(view.stream).to_string();
    let pairs: [(HeaderName, &str); 6] = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::CONTENT_LENGTH, &size),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    let mut response = Body::from_stream(view.log().whole(view.stream, 0)).into_response();
    for (name, value) in pairs {
        response.headers_mut().insert(name, HeaderValue::try_from(value).map_err(|_| Error::Internal)?);
    }
    Ok(response)
}
