//! The log of an executor, or of all: `/history/<app>/executors/<id>/logs/`, and `/logs/?appId=&execId=` for a Spark UI that
//! only knows ids (`spark.ui.custom.executor.log.url`).

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use history_server::api::v1::types::ExecutorSummary;
use serde::Deserialize;

use crate::app::{App, Visit};
use crate::config::Web;
use crate::error::Error;
use crate::format;
use crate::frame::{Frame, Notice, html};
use crate::links;
use crate::logs::{EVERYBODY, containers};
use crate::params::Params;

mod about;
mod absent;
mod download;
mod find;
mod lines;
mod merged;
mod page;
mod part;
mod place;
mod view;

pub(crate) use download::{by_ids as download_by_ids, of_executor as download};
use page::title;
use view::{Address, View};

/// Where an executor's name stands in a URL.
#[derive(Deserialize)]
pub(crate) struct Named {
    executor: String,
}

/// The log of an executor of an application that the history server knows.
pub(crate) async fn page(app: App, Path(named): Path<Named>, params: Params) -> Result<Response, Error> {
    let executor = app.model().executor(&named.executor);
    let found = app.containers(&named.executor).await?;
    let Some(view) = View::choose(found, &named.executor, &params) else {
        return Err(absent::nothing(&app, &named.executor, executor).await);
    };
    let frame = app.frame(&format!("Log of {}", title(&named.executor)), "executors");
    let base = app.links.log_page(&named.executor);
    let mut page = view.draw(&params, frame, Address { executor: &named.executor, base: &base, ids: &[] }).await?;
    page.notices.extend(executor.and_then(removal));
    Ok(html(StatusCode::OK, &page))
}

/// The same by ids alone. It works before the event log of the application can be seen.
pub(crate) async fn by_ids(State(web): State<Web>, visit: Visit, params: Params) -> Result<Response, Error> {
    let (application, executor) = ids(&params)?;
    if may_see(&web, &visit, application).await? {
        let app = App::open(&web, &visit, application, None).await?;
        let rest = params.except(&["appId", "execId"]);
        let query = links::query(rest.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        return Ok(Redirect::to(&format!("{}{query}", app.links.log_page(executor))).into_response());
    }
    let found = containers(web.logs(), application, Some(executor).filter(|one| *one != EVERYBODY)).await?;
    let Some(view) = View::choose(found, executor, &params) else {
        return Err(Error::NotFound {
            title: "No log".to_owned(),
            text: format!(
                "The log collector has shipped no log of {} of application {application} (yet).",
                title(executor)
            ),
            way_on: None,
            app: None,
        });
    };
    let frame = Frame::new(&visit.links, web.title(), &format!("Log of {}", title(executor)));
    let ids = [("appId", application), ("execId", executor)];
    let page = view.draw(&params, frame, Address { executor, base: &visit.links.logs(), ids: &ids }).await?;
    Ok(html(StatusCode::OK, &page))
}

/// Which application and executor the URL names.
fn ids(params: &Params) -> Result<(&str, &str), Error> {
    let application = params.text("appId").ok_or_else(|| Error::missing(None, "appId", "the id of an application"))?;
    Ok((application, params.text("execId").unwrap_or("driver")))
}

/// Whether the application is known. One that is not has no ACLs yet: where these are on, nobody sees its logs.
pub(crate) async fn may_see(web: &Web, visit: &Visit, application: &str) -> Result<bool, Error> {
    use history_server::Error as E;
    match web.history().application(application, &visit.viewer).await {
        Ok(_) => Ok(true),
        Err(E::UnknownApplication { .. }) if !web.history().config().access.enabled => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn removal(executor: &ExecutorSummary) -> Option<Notice> {
    let reason = executor.remove_reason.as_deref()?;
    let at = executor.remove_time.and_then(format::time).map(|at| format!(" at {at}")).unwrap_or_default();
    Some(Notice { class: "warn", text: format!("This executor was removed{at}: {reason}"), details: Vec::new() })
}
