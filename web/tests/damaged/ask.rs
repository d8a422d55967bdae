//! What is asked of every log.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use history_server::event_log::LogSource;
use history_server::model::problems::StopReason;
use history_server::{Config, Filter, History, Viewer};
use http_body_util::BodyExt as _;
use serde_json::Value;
use storage::{Store, StoreUrl};
use tower::ServiceExt as _;

use super::damage::{Damaged, LARGE_BYTES};

/// What takes longer than this hangs, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(300);

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) log_bytes: usize,
    pub(crate) listed: u64,
    pub(crate) opened: u64,
    pub(crate) in_pieces: u64,
    pub(crate) answers: u64,
    pub(crate) not_found: u64,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listed, opened, in_pieces, answers, not_found, .. } = self;
        write!(
            f,
            "{listed} listed, {opened} opened, {in_pieces} large, {answers} answers, of them {not_found} not found"
        )
    }
}

const REST: [&str; 18] = [
    "jobs",
    "executors",
    "allexecutors",
    "allmiscellaneousprocess",
    "environment",
    "storage/rdd",
    "stages",
    "stages?details=true&withSummaries=true",
    "sql?length=100000",
    "sql/sqlTable?draw=1&start=0&length=100",
    "streaming/statistics",
    "logs",
    "jobs/0",
    "storage/rdd/1",
    "sql/0",
    "stages/0",
    "stages/0/0/taskSummary?quantiles=0,0.5,1",
    "stages/0/0/taskList?length=100000",
];

const PAGES: [&str; 17] = [
    "overview/",
    "StreamingQuery/",
    "sqlserver/",
    "connect/",
    "stages/pool/?poolname=default",
    "jobs/",
    "jobs/job/?id=0",
    "stages/",
    "stages/stage/?id=0&attempt=0",
    "executors/",
    "environment/",
    "SQL/",
    "SQL/execution/?id=0",
    "storage/",
    "storage/rdd/?id=1",
    "",
    "streaming/",
];

/// Asks all of these logs, which lie in one folder, everything.
pub(crate) async fn everything(logs: Vec<(u64, Damaged)>, output: &Path, sum: &mut Sum) {
    let folder = tempfile::tempdir().unwrap();
    for (_, log) in &logs {
        std::fs::write(folder.path().join(&log.name), &log.bytes).unwrap();
        sum.log_bytes += log.bytes.len();
    }
    let asked = tokio::time::timeout(PATIENCE, ask(folder.path(), &logs, sum)).await;
    let Err(why) = asked.unwrap_or_else(|_| Err((None, "something hangs".to_owned()))) else { return };
    std::fs::create_dir_all(output).unwrap();
    let shown: Vec<_> = logs.iter().filter(|(seed, _)| why.0.is_none_or(|of| of == *seed)).collect();
    for (_, log) in &shown {
        std::fs::write(output.join(&log.name), &log.bytes).unwrap();
    }
    let seeds: Vec<_> = shown.iter().map(|(seed, _)| *seed).collect();
    panic!("seeds {seeds:?}, in {}: {}", output.display(), why.1);
}

/// What failed, and with which log if that is known.
type Failure = (Option<u64>, String);

async fn ask(folder: &Path, logs: &[(u64, Damaged)], sum: &mut Sum) -> Result<(), Failure> {
    let source = LogSource::new(Store::open(&StoreUrl::folder(folder)).unwrap(), None);
    let store = Store::in_memory();
    let config = Config { cache_bytes: 64 << 20, ..Config::new(vec![source], Some(store.clone())) };
    let history = History::new(config);
    history.scan().await;
    if history.figures().scan_failures > 0 {
        return Err((None, "a log could not be read for the list".to_owned()));
    }
    let pages = web::Config {
        history: history.clone(),
        logs: log_collector::Logs::new(store),
        title: "Test".to_owned(),
        public_prefix: String::new(),
    };
    let router = history_server::api::router(history.clone()).merge(web::router(pages));
    for url in ["/", "/?showIncomplete=true", "/api/v1/applications"] {
        get(&router, url, sum).await.map_err(|why| (None, why))?;
    }
    let mut asked = BTreeSet::new();
    for app in history.applications(&Filter::default()).applications {
        for attempt in &app.attempts {
            let id = percent(&app.id);
            let path = attempt
                .attempt_id
                .as_deref()
                .map_or_else(|| id.clone(), |attempt| format!("{id}/{}", percent(attempt)));
            if !asked.insert(path.clone()) {
                continue;
            }
            sum.listed += 1;
            let opened = history.open(&app.id, attempt.attempt_id.as_deref(), &Viewer::default()).await;
            let Ok(opened) = opened else { return Err((None, format!("{path}: {opened:?}"))) };
            let entries = history.log_entries(&app.id, attempt.attempt_id.as_deref(), &Viewer::default()).await;
            let names: Vec<_> = entries.into_iter().flatten().map(|entry| entry.name).collect();
            let seed = logs.iter().find(|(_, log)| names.contains(&log.name)).map(|(seed, _)| *seed);
            let large = logs.iter().any(|(of, log)| Some(*of) == seed && log.text_bytes > LARGE_BYTES);
            (sum.opened, sum.in_pieces) = (sum.opened + 1, sum.in_pieces + u64::from(large));
            let faulty = opened.model.problems.stopped.is_some_and(|stopped| stopped.reason == StopReason::Fault);
            if faulty || opened.model.problems.faults > 0 {
                return Err((seed, format!("this program failed at it: {:?}", opened.model.problems)));
            }
            one(&router, &path, sum).await.map_err(|why| (seed, why))?;
        }
    }
    Ok(())
}

async fn one(router: &Router, path: &str, sum: &mut Sum) -> Result<(), String> {
    let mut urls: Vec<String> = REST.iter().map(|rest| format!("/api/v1/applications/{path}/{rest}")).collect();
    urls.extend(PAGES.iter().map(|page| format!("/history/{path}/{page}")));
    let stages = get(router, &format!("/api/v1/applications/{path}/stages"), sum).await?;
    let stages: Value = stages.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    for stage in stages.as_array().into_iter().flatten().take(3) {
        let (id, attempt) = (stage["stageId"].as_i64().unwrap_or(0), stage["attemptId"].as_i64().unwrap_or(0));
        urls.push(format!("/api/v1/applications/{path}/stages/{id}/{attempt}?details=true&withSummaries=true"));
        urls.push(format!("/api/v1/applications/{path}/stages/{id}/{attempt}/taskList?sortBy=-runtime&length=1000"));
        urls.push(format!("/history/{path}/stages/stage/?id={id}&attempt={attempt}"));
    }
    for url in urls {
        get(router, &url, sum).await?;
    }
    Ok(())
}

/// The body of an answer that is there; nothing where the address leads nowhere.
async fn get(router: &Router, url: &str, sum: &mut Sum) -> Result<Option<Vec<u8>>, String> {
    let request =
        Request::get(url).header(header::ACCEPT_ENCODING, "identity").body(Body::empty()).map_err(|e| e.to_string())?;
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.map_err(|error| format!("{url} broke off: {error}"))?.to_bytes();
    sum.answers += 1;
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    match parts.status {
        StatusCode::OK if is_json && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() => {
            Err(format!("{url} answers no JSON: {}", String::from_utf8_lossy(&body[..body.len().min(300)])))
        }
        StatusCode::OK => Ok(Some(body.into())),
        status if status.is_redirection() => Ok(None),
        StatusCode::NOT_FOUND => {
            sum.not_found += 1;
            Ok(None)
        }
        status => Err(format!("{url}: {status}: {}", String::from_utf8_lossy(&body[..body.len().min(300)]))),
    }
}

/// A part of a path.
fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
