//! Streaming queries, Connect and Thrift servers: what Spark's pages show of them is what our model of the same log says.
//!
//! The logs are of real servers with real clients (`tests/data/history/record_services.py`).

mod rows;
pub(super) mod tables;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use history_server::ReplaySettings as Settings;
use history_server::event_log::LogSource;
use history_server::model::connect::ConnectServer;
use history_server::model::thrift::ThriftServer;
use history_server::{Config, History, OpenApplication, Viewer};
use rows::{date, maybe_date, operation_row, our_timelines, phases, query_row, statement_row, took};
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
