//! The log of an executor: `/history/<app>/executors/<id>/logs/`, and `/logs/?appId=&execId=` for a Spark UI that only
//! knows ids (`spark.ui.custom.executor.log.url`).

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use history_server::api::v1::types::ExecutorSummary;
use log_collector::{ContainerLog, Stream};
use serde::Deserialize;

use crate::app::{App, Visit};
use crate::cell::Badge;
use crate::config::Web;
use crate::error::Error;
use crate::format;
use crate::frame::{Fact, Frame, Notice, Tab, html};
use crate::links;
use crate::logs::{ExecutorLogs, containers};
use crate::params::Params;

mod about;
mod download;
mod lines;
mod part;

use about::{container_id, empty, facts, gaps, size, state};
pub(crate) use download::{by_ids as download_by_ids, of_executor as download};
use lines::{LogLine, lines};
use part::Part;

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    frame: Frame,
    title: String,
    state: Badge,
    facts: Vec<Fact>,
    notices: Vec<Notice>,
    streams: Vec<Tab>,
    containers: Vec<Tab>,
    wrap: Tab,
    follow: Option<Tab>,
    /// Text and link; no link where there is nothing further.
    moves: Vec<Tab>,
    range: String,
    whole: String,
    download: String,
    lines: Vec<LogLine>,
    empty: String,
    class: &'static str,
    /// Whether the numbers of the lines are known.
    numbered: bool,
}

/// Where an executor's name stands in a URL.
#[derive(Deserialize)]
pub(crate) struct Named {
    executor: String,
}

/// The log of an executor of an application that the history server knows.
pub(crate) async fn page(app: App, Path(named): Path<Named>, params: Params) -> Result<Response, Error> {
    let executor = app.model().executor(&named.executor);
    let found = app.containers(&named.executor).await?;
    let Some(view) = View::choose(found, &params) else {
        return Err(nothing(&app, &named.executor, executor));
    };
    let frame = app.frame(&format!("Log of {}", title(&named.executor)), "executors");
    let base = app.links.log_page(&named.executor);
    let mut page = view.draw(&params, frame, &named.executor, &base, &[]).await?;
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
    let found = containers(web.logs(), application, Some(executor)).await?;
    let Some(view) = View::choose(found, &params) else {
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
    let page = view.draw(&params, frame, executor, &visit.links.logs(), &ids).await?;
    Ok(html(StatusCode::OK, &page))
}

/// Which application and executor the URL names.
fn ids(params: &Params) -> Result<(&str, &str), Error> {
    let application = params.text("appId").ok_or_else(|| Error::missing(None, "appId", "the id of an application"))?;
    Ok((application, params.text("execId").unwrap_or("driver")))
}

/// Whether the application is known. One that is not has no ACLs yet: where these are on, nobody sees its logs.
async fn may_see(web: &Web, visit: &Visit, application: &str) -> Result<bool, Error> {
    use history_server::Error as E;
    match web.history().application(application, &visit.viewer).await {
        Ok(_) => Ok(true),
        Err(E::UnknownApplication { .. }) if !web.history().config().access.enabled => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// `executor 3`, or `the driver`.
fn title(executor: &str) -> String {
    if executor == "driver" { "the driver".to_owned() } else { format!("executor {executor}") }
}

fn nothing(app: &App, executor: &str, known: Option<&ExecutorSummary>) -> Error {
    let elsewhere = known.map(|known| ExecutorLogs::elsewhere(&known.executor_logs)).unwrap_or_default();
    let own =
        elsewhere.links.into_iter().next().map(|link| (link.href, format!("{} as the event log names it", link.text)));
    let unknown = if known.is_some() { "" } else { " The event log does not know such an executor either." };
    Error::NotFound {
        title: format!("No log of {}", title(executor)),
        text: format!("The log collector has shipped no log of {} of this application.{unknown}", title(executor)),
        way_on: own.or_else(|| Some((app.links.tab("executors"), "All executors of this application".to_owned()))),
        app: Some(app.head("executors")),
    }
}

fn removal(executor: &ExecutorSummary) -> Option<Notice> {
    let reason = executor.remove_reason.as_deref()?;
    let at = executor.remove_time.and_then(format::time).map(|at| format!(" at {at}")).unwrap_or_default();
    Some(Notice { class: "warn", text: format!("This executor was removed{at}: {reason}"), details: Vec::new() })
}

/// One of several containers, and one of its streams.
struct View {
    all: Vec<ContainerLog>,
    chosen: usize,
    stream: Stream,
}

impl View {
    /// What the URL asks for; else stderr of the container that wrote last among those that are Spark's.
    fn choose(all: Vec<ContainerLog>, params: &Params) -> Option<Self> {
        let asked = params.text("container").and_then(|id| all.iter().position(|log| container_id(log) == id));
        let rank = |log: &ContainerLog| (log.container.name.starts_with("spark-kubernetes-"), log.last_shipped);
        let default = || (0..all.len()).max_by_key(|index| rank(&all[*index]));
        let chosen = asked.or_else(default)?;
        let stream = params.text("stream").and_then(Stream::parse).unwrap_or(Stream::Stderr);
        Some(Self { all, chosen, stream })
    }

    fn log(&self) -> &ContainerLog {
        &self.all[self.chosen]
    }

    /// `base` is where this page is, `ids` what its query must have besides.
    async fn draw(
        &self,
        params: &Params,
        frame: Frame,
        executor: &str,
        base: &str,
        ids: &[(&str, &str)],
    ) -> Result<LogPage, Error> {
        let log = self.log();
        let part = Part::read(log, self.stream, params).await?;
        let id = container_id(log);
        let file = |inline: bool| {
            let own = [("container", id.as_str()), ("stream", self.stream.name())];
            let inline = inline.then_some(("inline", "true"));
            format!("{base}download{}", links::query(ids.iter().copied().chain(own).chain(inline)))
        };
        let nowrap = params.get("wrap") == Some("false");
        let following = params.is_true("follow") && !log.finished;
        let mut frame = frame;
        if following {
            frame.refresh = format!("10;url={}#end", params.with(&[]));
        }
        let notices = gaps(log, self.stream).into_iter().chain(part.notice.clone()).collect();
        Ok(LogPage {
            title: format!("Log of {}", title(executor)),
            state: state(log),
            facts: facts(log, self.stream),
            notices,
            streams: self.streams(params),
            containers: self.containers(params),
            wrap: Tab {
                text: if nowrap { "Wrap lines" } else { "Do not wrap" }.to_owned(),
                href: params.with(&[("wrap", if nowrap { None } else { Some("false") })]),
                current: false,
            },
            follow: (!log.finished).then(|| follow(params, following)),
            moves: part.moves(params),
            range: part.range(),
            whole: file(true),
            download: file(false),
            empty: empty(log, self.stream),
            numbered: part.first_line.is_some(),
            lines: lines(&part.bytes, part.first_line),
            class: if nowrap { "" } else { "wrap" },
            frame,
        })
    }

    fn streams(&self, params: &Params) -> Vec<Tab> {
        let tab = |stream: Stream| Tab {
            text: format!("{} {}", stream.name(), size(self.log().size_bytes(stream))),
            href: format!(
                "{}#end",
                params.with(&[("stream", Some(stream.name())), ("from", None), ("to", None), ("line", None)])
            ),
            current: stream == self.stream,
        };
        Stream::ALL.into_iter().map(tab).collect()
    }

    fn containers(&self, params: &Params) -> Vec<Tab> {
        if self.all.len() < 2 {
            return Vec::new();
        }
        let tab = |(index, log): (usize, &ContainerLog)| {
            let container = &log.container;
            let restart =
                if container.restart > 0 { format!(" (restart {})", container.restart) } else { String::new() };
            let id = container_id(log);
            let fresh = [
                ("container", Some(id.as_str())),
                ("from", None),
                ("to", None),
                ("line", None),
                ("since", None),
                ("until", None),
            ];
            Tab {
                text: format!("{} {}{restart}", container.pod, container.name),
                href: params.with(&fresh),
                current: index == self.chosen,
            }
        };
        self.all.iter().enumerate().map(tab).collect()
    }
}

fn follow(params: &Params, following: bool) -> Tab {
    let fresh = [("from", None), ("to", None), ("line", None), ("since", None), ("until", None)];
    let mut changes = vec![("follow", if following { None } else { Some("true") })];
    changes.extend(fresh);
    Tab {
        text: if following { "Stop following" } else { "Follow" }.to_owned(),
        href: format!("{}#end", params.with(&changes)),
        current: following,
    }
}
