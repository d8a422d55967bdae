//! Streaming queries, Connect and Thrift servers: what Spark's pages show of them is what our model of the same log says.
//!
//! The logs are of real servers with real clients (`tests/data/history/record_services.py`).

pub(super) mod tables;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use history_server::api::v1::types::Date;
use history_server::event_log::LogSource;
use history_server::model::StreamingQuery;
use history_server::model::connect::{ConnectOperation, ConnectServer};
use history_server::model::format::fixed;
use history_server::model::streaming::StateMetric;
use history_server::model::thrift::{ThriftServer, ThriftStatement};
use history_server::replay::Settings;
use history_server::{Config, History, OpenApplication, Viewer};
use storage::{Store, StoreUrl};

use super::html::{all_between, flat, stacked, table, timelines};
use super::servers::{Client, reference_with};
use crate::support::wait::eventually;

/// Cells of a row; `None` for what Spark reckons against the clock, or shows as it was at some moment.
type Row = Vec<Option<String>>;

/// State stores' own numbers that Spark shows where it is told to, in the versions that have them.
const CUSTOM: [&str; 2] = ["stateOnCurrentVersionSizeBytes", "loadedMapCacheHitCount"];

/// How many rows and points were the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) queries: usize,
    pub(super) points: usize,
    pub(super) operations: usize,
    pub(super) statements: usize,
}

/// The limits on sessions and statements, of Connect and of the Thrift server, and on reports of queries.
fn limits(limit: usize) -> (Vec<String>, Settings) {
    // Which queries go of those that ended within one millisecond of its own reading, Spark leaves to chance.
    let names = [
        "spark.sql.streaming.ui.retainedProgressUpdates",
        "spark.sql.thriftserver.ui.retainedSessions",
        "spark.sql.thriftserver.ui.retainedStatements",
        "spark.sql.connect.ui.retainedSessions",
        "spark.sql.connect.ui.retainedStatements",
    ];
    let settings = Settings {
        retained_streaming_updates: Some(limit),
        retained_thrift_sessions: Some(limit),
        retained_thrift_statements: Some(limit),
        retained_connect_sessions: Some(limit),
        retained_connect_statements: Some(limit),
        ..Settings::default()
    };
    (names.map(|name| format!("{name}={limit}")).to_vec(), settings)
}

/// Holds all applications of the folder against Spark's pages, with or without a limit on everything; fails where they differ.
pub(super) async fn compare(logs: &Path, limit: Option<usize>) -> Agreed {
    let (mut properties, replay) = limit.map_or_else(Default::default, limits);
    properties.push(format!("spark.sql.streaming.ui.enabledCustomMetricList={}", CUSTOM.join(",")));
    let theirs = reference_with(logs, &properties).await;
    let source = LogSource::new(Store::open(&StoreUrl::folder(logs)).unwrap(), None);
    let history = History::new(Config { replay, ..Config::new(vec![source], None) });
    history.scan().await;
    let count = std::fs::read_dir(logs).unwrap().count();
    let ids = eventually("all applications in Spark's list", Duration::from_secs(120), async || {
        let list = theirs.client.json("/applications").await;
        let ids: Vec<_> = list.as_array()?.iter().map(|app| app["id"].as_str().unwrap().to_owned()).collect();
        (ids.len() == count).then_some(ids)
    })
    .await;
    let mut agreed = Agreed::default();
    for id in ids {
        let ours = history.open(&id, None, &Viewer::default()).await.unwrap();
        assert!(ours.model.problems.unknown_events.is_empty(), "{:?}", ours.model.problems.unknown_events);
        let pages = Pages { client: &theirs.client, root: format!("/history/{id}") };
        // Spark reads the log for this.
        theirs.client.json(&format!("/applications/{id}/jobs")).await;
        pages.streaming(&ours, &mut agreed).await;
        pages.connect(&ours.model.connect, &mut agreed).await;
        pages.thrift(&ours.model.thrift, &mut agreed).await;
    }
    println!("{} (limit {limit:?}): {agreed:?} are the same", logs.display());
    agreed
}

/// Spark's pages of an application.
struct Pages<'a> {
    client: &'a Client,
    root: String,
}

impl Pages<'_> {
    /// A page, or nothing where Spark has none of the kind for this application.
    async fn page(&self, path: &str) -> Option<String> {
        let answer = self.client.page(&format!("{}{path}", self.root)).await;
        (answer.status == 200).then(|| String::from_utf8(answer.body).unwrap())
    }

    async fn streaming(&self, ours: &Arc<OpenApplication>, agreed: &mut Agreed) {
        let queries = &ours.model.streaming;
        let Some(page) = self.page("/StreamingQuery/").await else {
            assert!(queries.is_empty(), "{} has no page of streaming queries", self.root);
            return;
        };
        for (id, active) in [("active-table", true), ("completed-table", false)] {
            let wanted = table(&page, id).unwrap_or_default();
            same(&self.root, wanted, queries.iter().filter(|query| query.is_active == active).map(query_row).collect());
        }
        for query in queries {
            let page = self.page(&format!("/StreamingQuery/statistics/?id={}", query.run_id)).await.unwrap();
            let wanted = timelines(&page);
            let got = our_timelines(query);
            assert_eq!(wanted.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>(), "{}", query.run_id);
            for (id, points) in &wanted {
                assert_eq!(*points, got[id], "{id} of {}", query.run_id);
                agreed.points += points.len();
            }
            assert_eq!(stacked(&page), phases(query), "{}", query.run_id);
        }
        agreed.queries += queries.len();
    }

    async fn connect(&self, ours: &ConnectServer, agreed: &mut Agreed) {
        let Some(page) = self.page("/connect/").await else {
            assert!(ours.sessions.is_empty(), "{} has no page of Connect", self.root);
            return;
        };
        let sessions = ours.sessions.iter().map(|session| {
            // Of an open session Spark has only what it was at its beginning.
            let total = session.finish_time.map(|_| session.total_execution.to_string());
            let took = session.finish_time.map(|_| took(session.duration(0)));
            let texts = [
                session.user_id.clone(),
                session.id.clone(),
                date(session.start_time),
                maybe_date(session.finish_time),
            ];
            texts.into_iter().map(Some).chain([took, total]).collect()
        });
        same(&self.root, table(&page, "sessionstat").unwrap(), sessions.collect());
        same(
            &self.root,
            table(&page, "sqlstat").unwrap_or_default(),
            ours.operations.iter().map(operation_row).collect(),
        );
        for link in session_links(&page) {
            let page = self.page(&format!("/connect/session/?{link}")).await.unwrap();
            let own = ours.operations.iter().filter(|one| link.contains(&one.session_id)).map(|one| {
                let mut row = operation_row(one);
                row.remove(3);
                row
            });
            same(&link, table(&page, "sqlsessionstat").unwrap_or_default(), own.collect());
        }
        agreed.operations += ours.operations.len();
    }

    async fn thrift(&self, ours: &ThriftServer, agreed: &mut Agreed) {
        let Some(page) = self.page("/sqlserver/").await else {
            assert!(ours.sessions.is_empty(), "{} has no page of the Thrift server", self.root);
            return;
        };
        let sessions = ours.sessions.iter().map(|session| {
            let texts = [session.user_name.clone(), session.ip.clone(), session.id.clone(), date(session.start_time)];
            let ended = [Some(maybe_date(session.finish_time)), session.finish_time.map(|_| took(session.duration(0)))];
            texts.into_iter().map(Some).chain(ended).chain([Some(session.total_execution.to_string())]).collect()
        });
        same(&self.root, table(&page, "sessionstat").unwrap(), sessions.collect());
        same(
            &self.root,
            table(&page, "sqlstat").unwrap_or_default(),
            ours.statements.iter().map(statement_row).collect(),
        );
        for link in session_links(&page) {
            let page = self.page(&format!("/sqlserver/session/?{link}")).await.unwrap();
            let own = ours.statements.iter().filter(|one| link.contains(&one.session_id)).map(statement_row);
            same(&link, table(&page, "sqlsessionstat").unwrap_or_default(), own.collect());
        }
        agreed.statements += ours.statements.len();
    }
}

/// The queries of the links to sessions.
fn session_links(page: &str) -> Vec<String> {
    let mut links: Vec<_> =
        all_between(page, "/session/?", "\"").into_iter().map(|link| link.replace("&amp;", "&")).collect();
    links.retain(|link| link.starts_with("id="));
    links.sort();
    links.dedup();
    links
}

/// Fails unless the rows are the same, in whatever order.
fn same(what: &str, mut wanted: Vec<Vec<String>>, mut got: Vec<Row>) {
    let shown = |row: &Row| row.iter().map(|cell| cell.as_deref().map(flat).unwrap_or_default()).collect::<Vec<_>>();
    wanted.sort_by_key(|row| ids(row));
    got.sort_by_key(|row| ids(&shown(row)));
    let rows = |all: &[Vec<String>]| all.iter().map(|row| row.join(" | ")).collect::<Vec<_>>().join("\n");
    let flat_got: Vec<_> = got.iter().map(shown).collect();
    assert_eq!(wanted.len(), got.len(), "{what}: Spark shows\n{}\nand we\n{}", rows(&wanted), rows(&flat_got));
    for (wanted, (got, shown)) in wanted.iter().zip(got.iter().zip(&flat_got)) {
        assert_eq!(wanted.len(), got.len(), "{what}: {wanted:?} is not {shown:?}");
        for (wanted, (cell, shown)) in wanted.iter().zip(got.iter().zip(shown)) {
            assert!(cell.is_none() || wanted == shown, "{what}: Spark shows\n{wanted}\nand we\n{shown}\nin {got:?}");
        }
    }
}

/// The ids in a row, which tell it from all others.
fn ids(row: &[String]) -> Vec<String> {
    let is_id = |cell: &&String| cell.len() == 36 && cell.matches('-').count() == 4;
    row.iter().filter(is_id).cloned().collect()
}

fn query_row(query: &StreamingQuery) -> Row {
    let progress = &query.progress;
    let rate = |rate: Option<f64>| Some(rate.map_or_else(|| "NaN".to_owned(), |rate| fixed(rate, 2)));
    let last = progress.len().checked_sub(1);
    let mut row = vec![
        Some(query.name.clone().unwrap_or_else(|| "<no name>".to_owned())),
        Some(query.status().to_owned()),
        Some(query.id.clone()),
        Some(query.run_id.clone()),
        Some(date(query.start_time)),
        (!query.is_active).then(|| took(query.duration(0))),
        rate(query.average_input_rate()),
        rate(query.average_process_rate()),
        Some(last.map_or_else(|| "NaN".to_owned(), |last| progress.batch_id(last).to_string())),
    ];
    if !query.is_active {
        row.push(Some(query.exception.clone().unwrap_or_else(|| "-".to_owned())));
    }
    row
}

fn our_timelines(query: &StreamingQuery) -> BTreeMap<String, Vec<(i64, f64)>> {
    let progress = &query.progress;
    let line = |of: &dyn Fn(usize) -> Option<f64>| -> Vec<(i64, f64)> {
        (0..progress.len()).filter_map(|row| Some((progress.time(row), of(row)?))).collect()
    };
    let mut lines = vec![
        ("input-rate", line(&|row| Some(progress.input_rate(row)))),
        ("process-rate", line(&|row| Some(progress.process_rate(row)))),
        ("input-rows", line(&|row| Some(progress.input_rows(row) as f64))),
        ("batch-duration", line(&|row| Some(progress.batch_duration(row) as f64))),
        ("watermark-gap", line(&|row| Some((progress.time(row) - progress.watermark(row)?) as f64 / 1000.0))),
    ];
    let state = [
        ("aggregated-num-total-state-rows", StateMetric::RowsTotal),
        ("aggregated-num-updated-state-rows", StateMetric::RowsUpdated),
        ("aggregated-num-removed-state-rows", StateMetric::RowsRemoved),
        ("aggregated-state-memory-used-bytes", StateMetric::MemoryUsedBytes),
        ("aggregated-num-rows-dropped-by-watermark", StateMetric::RowsDroppedByWatermark),
    ];
    for (id, metric) in state {
        lines.push((id, line(&|row| Some(progress.state(metric, row)? as f64))));
    }
    let custom = CUSTOM.map(|name| format!("aggregated-{name}"));
    for (id, name) in custom.iter().zip(CUSTOM) {
        lines.push((id, line(&|row| Some(progress.custom_state(name, row)? as f64))));
    }
    let drawn = lines.into_iter().filter(|(_, points)| !points.is_empty());
    drawn.map(|(id, points)| (format!("{id}-timeline"), points)).collect()
}

fn phases(query: &StreamingQuery) -> Vec<(String, BTreeMap<String, f64>)> {
    let progress = &query.progress;
    let of_row = |row: usize| {
        let named = progress.phases.iter().filter(|(name, series)| *name != "triggerExecution" && !series.is_empty());
        let values = named.map(|(name, series)| (name.clone(), series.get(row).unwrap_or_default() as f64));
        let (date, millis) = (date(progress.time(row)), progress.time(row) % 1000);
        (format!("{}.{millis:03}", &date[11..]), values.collect())
    };
    (0..progress.len()).map(of_row).collect()
}

fn operation_row(one: &ConnectOperation) -> Row {
    vec![
        Some(one.user_id.clone()),
        Some(links(&one.job_ids)),
        Some(links(&one.sql_execution_ids)),
        Some(one.session_id.clone()),
        Some(date(one.start_time)),
        Some(maybe_date(one.finish_time)),
        Some(maybe_date(one.close_time)),
        one.finish_time.map(|_| took(one.execution_time(0))),
        one.close_time.map(|_| took(one.duration(0))),
        Some(one.statement.clone()),
        Some(one.status().to_owned()),
        Some(one.operation_id.clone()),
        Some(one.job_tag.clone()),
        Some(one.session_tags.join(", ")),
        Some(one.detail.clone().unwrap_or_default()),
    ]
}

fn statement_row(one: &ThriftStatement) -> Row {
    vec![
        Some(one.user_name.clone()),
        Some(links(&one.job_ids)),
        Some(one.group_id.clone()),
        Some(date(one.start_time)),
        Some(maybe_date(one.finish_time)),
        Some(maybe_date(one.close_time)),
        one.finish_time.map(|_| took(one.execution_time(0))),
        one.close_time.map(|_| took(one.duration(0))),
        Some(one.statement.clone()),
        Some(one.state.name().to_owned()),
        Some(if one.detail.is_empty() { one.plan.clone() } else { one.detail.clone() }),
    ]
}

/// As Spark writes links to jobs, which it sorts as texts.
fn links<T: ToString>(ids: &[T]) -> String {
    let mut ids: Vec<_> = ids.iter().map(T::to_string).collect();
    ids.sort();
    ids.iter().map(|id| format!("[{id}]")).collect()
}

/// As Spark's pages write a time, to the second.
fn date(time: i64) -> String {
    let text = serde_json::to_value(Date(time)).unwrap();
    text.as_str().unwrap()[..19].replace('-', "/").replace('T', " ")
}

fn maybe_date(time: Option<i64>) -> String {
    time.map(date).unwrap_or_default()
}

/// As Spark's pages write milliseconds, of less than an hour.
fn took(millis: i64) -> String {
    let count = |number: i64, unit: &str| match number {
        0 => String::new(),
        1 => format!("1 {unit}"),
        number => format!("{number} {unit}s"),
    };
    let rest = if millis >= 1000 && millis % 1000 == 0 { String::new() } else { format!("{} ms", millis % 1000) };
    let (minutes, seconds) = (count(millis / 60_000, "minute"), count(millis % 60_000 / 1000, "second"));
    flat(&if millis < 60_000 { format!("{seconds} {rest}") } else { format!("{minutes} {seconds}") })
}
