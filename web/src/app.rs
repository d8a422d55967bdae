//! One attempt of an application, opened for a page.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use chrono::Utc;
use history_server::api::v1;
use history_server::api::v1::types::{
    ApplicationAttemptInfo, ApplicationEnvironmentInfo, ApplicationInfo, Date, ExecutorSummary, JobExecutionStatus,
};
use history_server::model::problems::StopReason;
use history_server::model::{Application, Stage};
use history_server::{OpenApplication, Opening, Outcome, Redaction, StageTasks, Viewer};
use log_collector::ContainerLog;

use crate::cell::{Badge, Cell, TextLink};
use crate::config::Web;
use crate::error::Error;
use crate::format;
use crate::frame::{AppHead, Fact, Frame, Notice, Tab};
use crate::links::{AppLinks, Links};
use crate::logs::{self, ExecutorLogs, Pod};

/// How long a reader looks at nothing before they are told how far an application is.
const PATIENCE: Duration = Duration::from_secs(1);

/// The application that a URL names, replayed, and where its pages are.
pub(crate) struct App {
    web: Web,
    root: Links,
    /// Links to pages of this attempt.
    pub(crate) links: AppLinks,
    info: ApplicationInfo,
    attempt: ApplicationAttemptInfo,
    opened: Arc<OpenApplication>,
}

impl App {
    /// Opens an application: the attempt named, or the newest.
    pub(crate) async fn open(web: &Web, visit: &Visit, id: &str, attempt: Option<&str>) -> Result<Self, Error> {
        let info = web.history().application(id, &visit.viewer).await?;
        let found = info.attempts.iter().find(|one| attempt.is_none() || one.attempt_id.as_deref() == attempt);
        let found = found.cloned().ok_or_else(|| Error::no_attempt(&info, &visit.links, attempt))?;
        let opened = Self::opened(web, visit, &info, found.attempt_id.as_deref()).await?;
        let links = visit.links.app(&info.id, found.attempt_id.as_deref());
        Ok(Self { web: web.clone(), root: visit.links.clone(), links, info, attempt: found, opened })
    }

    /// What the event log says. Who looks at it in a browser is told how far it was read, when that takes long; a program is not.
    async fn opened(
        web: &Web,
        visit: &Visit,
        info: &ApplicationInfo,
        attempt: Option<&str>,
    ) -> Result<Arc<OpenApplication>, Error> {
        if !visit.by_browser {
            return Ok(web.history().open(&info.id, attempt, &visit.viewer).await?);
        }
        match web.history().open_within(&info.id, attempt, &visit.viewer, PATIENCE).await? {
            Opening::Ready(opened) => Ok(opened),
            Opening::UnderWay(progress) => Err(Error::Loading { name: info.name.clone(), progress }),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.info.id
    }

    pub(crate) fn completed(&self) -> bool {
        self.attempt.completed
    }

    /// What its event log says.
    pub(crate) fn model(&self) -> &Application {
        &self.opened.model
    }

    /// What it was started with, sorted, secrets masked.
    pub(crate) fn environment(&self) -> ApplicationEnvironmentInfo {
        v1::environment(self.model(), self.web.history().redaction()).unwrap_or_default()
    }

    /// Which values are shown masked.
    pub(crate) fn redaction(&self) -> &Redaction {
        self.web.history().redaction()
    }

    /// Its executors, the driver included.
    pub(crate) fn executors(&self) -> Vec<ExecutorSummary> {
        v1::executors(self.model(), false, Utc::now().timestamp_millis())
    }

    /// The tasks of an attempt of a stage; `None` when there are none.
    pub(crate) async fn stage_tasks(&self, stage: &Stage) -> Result<Option<StageTasks>, Error> {
        Ok(self.opened.stage_tasks(stage.data.stage_id, stage.data.attempt_id).await?)
    }

    /// A Spark property, as logged.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        let mut properties = self.model().environment.iter().flat_map(|environment| &environment.spark_properties);
        properties.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Milliseconds between two moments; of what has not ended, to the last that the event log tells.
    pub(crate) fn elapsed(&self, start: Option<Date>, end: Option<Date>) -> Option<i64> {
        Some(end.map_or_else(|| self.last_moment(), |end| end.0).saturating_sub(start?.0).max(0))
    }

    /// The last moment that the event log tells of, in milliseconds since the epoch.
    pub(crate) fn last_moment(&self) -> i64 {
        if self.attempt.completed { self.attempt.end_time.0 } else { self.attempt.last_updated.0 }
    }

    /// When it started, in milliseconds since the epoch.
    pub(crate) fn first_moment(&self) -> i64 {
        self.attempt.start_time.0
    }

    pub(crate) fn job_links(&self, ids: &[i32]) -> Vec<TextLink> {
        ids.iter().map(|id| TextLink { text: id.to_string(), href: self.links.job((*id).into()) }).collect()
    }

    /// What the collector has of this application's executors.
    pub(crate) async fn executor_logs(&self) -> ExecutorLogs {
        let pods = self.model().executors.iter().filter_map(|executor| self.pod(&executor.id)).collect();
        ExecutorLogs::of(self.web.logs(), &self.info.id, pods).await
    }

    /// Whether the event log tells which pod an executor was (or `driver`).
    pub(crate) fn has_pod(&self, executor: &str) -> bool {
        self.pod(executor).is_some()
    }

    /// The containers of all executors and of the driver: those of the first executors, where many are known by their pods
    /// alone.
    async fn all_containers(&self) -> Result<Vec<ContainerLog>, Error> {
        let mut found = logs::containers(self.web.logs(), &self.info.id, None).await?;
        let missing = |pod: &Pod| !found.iter().any(|log| log.executor.as_ref() == Some(&pod.executor));
        let pods = self.model().executors.iter().filter_map(|executor| self.pod(&executor.id)).filter(missing);
        let pods: Vec<Pod> = pods.take(logs::MAX_LOOKUPS).collect();
        found.extend(logs::of_pods(self.web.logs(), pods).await?);
        Ok(found)
    }

    /// The containers of an executor (or `driver`), oldest first; of all by [`logs::EVERYBODY`].
    pub(crate) async fn containers(&self, executor: &str) -> Result<Vec<ContainerLog>, Error> {
        if executor == logs::EVERYBODY {
            return self.all_containers().await;
        }
        let found = logs::containers(self.web.logs(), &self.info.id, Some(executor)).await?;
        match self.pod(executor) {
            Some(pod) if found.is_empty() => logs::of_pod(self.web.logs(), &pod).await,
            _ => Ok(found),
        }
    }

    /// What the collector has of one of them.
    pub(crate) async fn logs_of(&self, executor: &str) -> ExecutorLogs {
        ExecutorLogs::of(self.web.logs(), &self.info.id, self.pod(executor).into_iter().collect()).await
    }

    fn pod(&self, executor: &str) -> Option<Pod> {
        let pod = self.opened.executor_pod(executor)?;
        Some(Pod { executor: executor.to_owned(), namespace: pod.namespace, name: pod.name })
    }

    /// The frame of one of this application's pages; `tab` is the one that it belongs to.
    pub(crate) fn frame(&self, title: &str, tab: &str) -> Frame {
        let mut frame = Frame::new(&self.root, self.web.title(), &format!("{title} – {}", self.info.name));
        frame.app = Some(self.head(tab));
        frame
    }

    /// What the URL names, and this application has not: `what`, of a page that belongs to `tab`.
    pub(crate) fn no_such(&self, what: &str, tab: &str, way_on: &str) -> Error {
        Error::no_such(self.head(tab), what, (self.links.tab(tab), way_on.to_owned()))
    }

    /// A parameter is missing or is no number.
    pub(crate) fn missing(&self, name: &str, meaning: &str, tab: &str) -> Error {
        Error::missing(Some(self.head(tab)), name, meaning)
    }

    /// What is said of the application on each page.
    pub(crate) fn head(&self, tab: &str) -> Arc<AppHead> {
        Arc::new(AppHead {
            name: self.info.name.clone(),
            state: self.state(),
            facts: self.facts(),
            attempts: self.attempts(),
            event_log: self.root.event_log(&self.info.id, self.attempt.attempt_id.as_deref()),
            tabs: self.tabs(tab),
            notices: self.notices(),
        })
    }

    /// What became of it.
    pub(crate) fn state(&self) -> Badge {
        let last = self.model().jobs.iter().max_by_key(|job| job.data.completion_time);
        let failed = last.is_some_and(|job| job.data.status == JobExecutionStatus::Failed);
        match Outcome::of(&self.attempt, Utc::now().timestamp_millis()) {
            Outcome::Completed if failed => {
                Badge { hint: "The driver ended, and the last job had failed.", ..Badge::new("last job failed", "bad") }
            }
            Outcome::Completed => {
                Badge { hint: "The driver ended, and the last job had not failed.", ..Badge::new("completed", "good") }
            }
            other => outcome_badge(other),
        }
    }

    /// What its driver ended with, where Spark says so.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        self.attempt.exit_code
    }

    fn facts(&self) -> Vec<Fact> {
        let attempt = &self.attempt;
        let mut facts = vec![
            Fact::text("", self.info.id.clone()),
            Fact::text("User", attempt.spark_user.clone()),
            Fact::new("Started", Cell::time(Some(attempt.start_time))),
        ];
        if attempt.completed {
            facts.push(Fact::new("Duration", Cell::duration(Some(attempt.duration))));
        } else {
            let so_far = self.elapsed(Some(attempt.start_time), None);
            facts.push(Fact::new("Duration so far", Cell::duration(so_far)));
            facts.push(Fact::new("Log last changed", Cell::time(Some(attempt.last_updated))));
        }
        facts.push(Fact::text("Spark", attempt.app_spark_version.clone()));
        facts
    }

    fn attempts(&self) -> Vec<Tab> {
        let tab = |attempt: &ApplicationAttemptInfo| Tab {
            text: attempt.attempt_id.clone().unwrap_or_else(|| "only".to_owned()),
            href: self.root.app(&self.info.id, attempt.attempt_id.as_deref()).tab("overview"),
            current: attempt.attempt_id == self.attempt.attempt_id,
        };
        self.info.attempts.iter().map(tab).collect()
    }

    fn tabs(&self, current: &str) -> Vec<Tab> {
        let all = [
            ("overview", "Overview"),
            ("jobs", "Jobs"),
            ("stages", "Stages"),
            ("storage", "Storage"),
            ("environment", "Environment"),
            ("executors", "Executors"),
            ("SQL", "SQL / DataFrame"),
            ("sqlserver", "JDBC/ODBC Server"),
            ("StreamingQuery", "Structured Streaming"),
            ("connect", "Connect"),
        ];
        let model = self.model();
        // As in Spark, some pages are for those applications that did such a thing.
        let shown = |name: &str| match name {
            _ if name == current => true,
            "SQL" => !model.sql.is_empty(),
            "sqlserver" => !model.thrift.sessions.is_empty() || !model.thrift.statements.is_empty(),
            "StreamingQuery" => !model.streaming.is_empty(),
            "connect" => !model.connect.sessions.is_empty() || !model.connect.operations.is_empty(),
            _ => true,
        };
        let tab = |(name, text): (&str, &str)| Tab {
            text: text.to_owned(),
            href: self.links.tab(name),
            current: name == current,
        };
        all.into_iter().filter(|(name, _)| shown(name)).map(tab).collect()
    }

    /// What of the event log could not be read.
    fn notices(&self) -> Vec<Notice> {
        let problems = &self.model().problems;
        let mut details: Vec<String> =
            self.opened.problems.iter().map(|problem| format!("{}: {}", problem.file, problem.message)).collect();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        if let Some(first) = problems.first_bad_line {
            let lines = format::plural(count(problems.bad_lines), "line");
            details.push(format!("{lines} could not be read; the first is line {first}"));
        }
        if problems.long_lines > 0 {
            details
                .push(format!("{} longer than this server reads", format::plural(count(problems.long_lines), "line")));
        }
        if let Some(stopped) = problems.stopped {
            details.push(match stopped.reason {
                StopReason::Memory => format!(
                    "what stands behind line {} takes more memory than one application may here (--replay-memory)",
                    stopped.line
                ),
                StopReason::Fault => format!("this server failed behind line {}; its own log says why", stopped.line),
            });
        }
        if problems.truncated {
            details.push("the log ends in the middle of a line".to_owned());
        }
        if details.is_empty() {
            return Vec::new();
        }
        let text = match problems.bad_lines + problems.long_lines {
            _ if problems.stopped.is_some() => {
                "The event log was not read to its end. What was read is shown.".to_owned()
            }
            0 => "The event log is cut short. What could be read is shown.".to_owned(),
            bad => {
                format!("{} of the event log could not be read. The rest is shown.", format::plural(count(bad), "line"))
            }
        };
        vec![Notice { class: "warn", text, details }]
    }
}

/// What became of an attempt, as far as the list knows.
pub(crate) fn outcome_badge(outcome: Outcome) -> Badge {
    let (label, class, hint) = match outcome {
        Outcome::Completed => ("completed", "good", "The driver ended."),
        Outcome::Failed => ("failed", "bad", "The driver ended with an error."),
        Outcome::Killed => ("killed", "warn", "The driver was ended by a signal."),
        Outcome::InProgress => ("in progress", "busy", "The event log has no end yet."),
        Outcome::Lost => {
            ("lost", "warn", "The event log has no end, and has not grown for an hour: the driver was lost, perhaps.")
        }
    };
    Badge { label, class, hint }
}

impl FromRequestParts<Web> for App {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Error> {
        let params = RawPathParams::from_request_parts(parts, web).await.map_err(|_| Error::no_page())?;
        let named: BTreeMap<&str, &str> = params.iter().collect();
        let visit = Visit::new(parts, web);
        Self::open(web, &visit, named.get("app").copied().unwrap_or_default(), named.get("attempt").copied()).await
    }
}

/// Who asks, and by which way they came.
pub(crate) struct Visit {
    /// Links that work for them.
    pub(crate) links: Links,
    /// Whoever something in front of the router says that they are.
    pub(crate) viewer: Viewer,
    /// Whether they are people: a browser asks for HTML by name.
    by_browser: bool,
}

impl Visit {
    fn new(parts: &Parts, web: &Web) -> Self {
        let viewer = parts.extensions.get::<Viewer>().cloned().unwrap_or_default();
        let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|accepted| accepted.contains("text/html"));
        let by_browser = parts.headers.get_all(header::ACCEPT).iter().any(accepts);
        Self { links: Links::new(&parts.headers, web.prefix()), viewer, by_browser }
    }
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Infallible> {
        Ok(Self::new(parts, web))
    }
}
