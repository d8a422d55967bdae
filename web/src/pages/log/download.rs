//! A whole stream as text, of any size.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use chrono::SecondsFormat;
use futures::{Stream, TryStreamExt as _};
use log_collector::ContainerLog;

use super::merged::Merged;
use super::{Named, View, ids, may_see};
use crate::app::{App, Visit};
use crate::config::Web;
use crate::download;
use crate::error::Error;
use crate::logs::{EVERYBODY, containers};
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
    let found = containers(web.logs(), application, Some(executor).filter(|one| *one != EVERYBODY)).await?;
    stream(found, application, executor, &params)
}

fn stream(found: Vec<ContainerLog>, application: &str, executor: &str, params: &Params) -> Result<Response, Error> {
    let Some(view) = View::choose(found, executor, params) else {
        return Err(Error::NotFound {
            title: "No log".to_owned(),
            text: "The log collector has shipped no log of this executor.".to_owned(),
            way_on: None,
            app: None,
        });
    };
    let (body, which, size) = match view.single() {
        Some((log, stream)) => (Body::from_stream(log.whole(stream, 0)), stream.name(), Some(log.size_bytes(stream))),
        None => (Body::from_stream(in_order(view.merged())), "by-time", None),
    };
    let name = format!("{application}-{executor}-{which}.log");
    let mut response = download::text(body);
    let headers = response.headers_mut();
    let is_inline = params.is_true("inline");
    let disposition = if is_inline { HeaderValue::from_static("inline") } else { download::attachment(&name)? };
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.extend(size.map(|size| (header::CONTENT_LENGTH, HeaderValue::from(size))));
    Ok(response)
}

/// Lines of several streams as one text. Before each stands when it was written, and whose it is.
fn in_order(merged: Merged) -> impl Stream<Item = log_collector::Result<Vec<u8>>> {
    let whole = merged.parts.into_iter().map(|(log, stream)| (log, stream, 0..u64::MAX)).collect();
    let names = merged.names;
    log_collector::merge(whole).map_ok(move |line| {
        let name = names.get(line.part).map(String::as_str).unwrap_or_default();
        let mut text = format!("{} {name} ", line.time.to_rfc3339_opts(SecondsFormat::Millis, true)).into_bytes();
        text.extend_from_slice(&line.bytes);
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text
    })
}
