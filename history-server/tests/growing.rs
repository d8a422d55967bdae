//! How a log arrives makes no difference: in any pieces, at once or growing, it amounts to the same.
//!
//! `tests/data` holds applications recorded with Spark 4.3.0 by `tests/data/history/record.py` of the whole project (`jobs`
//! and `sql`) and by `record_services.py` there (`streaming`, `connect` and `thrift`), without their environment, which names
//! the machine.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use history_replay::{Replay, Settings};
use history_server::event_log::LogSource;
use history_server::model::Application;
use history_server::{Config, History};
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use storage::{Store, StoreUrl};
use tower::ServiceExt;

fn recorded(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format!("{name}.zstd"));
    zstd::decode_all(File::open(path).unwrap()).unwrap()
}

/// Settings that keep no more than `limit` of anything.
fn limited(limit: Option<usize>, threads: usize) -> Settings {
    Settings {
        retained_jobs: limit,
        retained_stages: limit,
        retained_tasks: limit,
        retained_dead_executors: limit,
        retained_executions: limit,
        retained_streaming_queries: limit,
        retained_streaming_updates: limit,
        retained_thrift_sessions: limit,
        retained_thrift_statements: limit,
        retained_connect_sessions: limit,
        retained_connect_statements: limit,
        threads,
        ..Settings::default()
    }
}

fn replayed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, settings: Settings) -> Application {
    let mut replay = Replay::new(settings);
    pieces.into_iter().for_each(|piece| replay.feed(piece));
    replay.finish(0)
}

/// A recorded log with something of its own.
fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["jobs", "streaming", "connect", "thrift"])
}

#[test]
fn recorded_services_are_known_in_full() {
    let app = |name: &str| {
        let app = replayed([&recorded(name)[..]], limited(None, 1));
        assert!(!app.problems.any() && app.problems.unknown_events.is_empty(), "{name}: {:?}", app.problems);
        app
    };
    let (streaming, connect, thrift) = (app("streaming"), app("connect"), app("thrift"));
    assert_eq!(streaming.streaming.iter().filter(|query| query.status() == "FAILED").count(), 1);
    assert_eq!((streaming.streaming.len(), connect.connect.sessions.len(), thrift.thrift.sessions.len()), (6, 3, 3));
    assert_eq!((connect.connect.operations.len(), thrift.thrift.statements.len()), (10, 9));
    // Every job of a server is some client's.
    let of_clients: usize = connect.connect.operations.iter().map(|operation| operation.job_ids.len()).sum();
    assert_eq!(of_clients, connect.jobs.len());
    let of_clients: usize = thrift.thrift.statements.iter().map(|statement| statement.job_ids.len()).sum();
    assert_eq!(of_clients, thrift.jobs.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_model_of_the_whole(
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        threads in 1..4_usize,
        limit in prop::option::of(0..9_usize),
        name in name(),
    ) {
        let log = recorded(name);
        let mut at: Vec<_> = cuts.iter_mut().map(|cut| cut.index(log.len())).collect();
        at.sort_unstable();
        let ends = at.iter().copied().chain([log.len()]);
        let starts = [0].into_iter().chain(at.iter().copied());
        let pieces = starts.zip(ends).map(|(start, end)| &log[start..end]);
        prop_assert!(replayed(pieces, limited(limit, threads)) == replayed([&log[..]], limited(limit, 1)));
    }

    #[test]
    fn looking_at_a_growing_log_changes_nothing(
        cut: prop::sample::Index,
        limit in prop::option::of(0..9_usize),
        name in name(),
    ) {
        let log = recorded(name);
        let mut replay = Replay::new(limited(limit, 1));
        let (before, after) = log.split_at(cut.index(log.len()));
        replay.feed(before);
        prop_assert!(replay.snapshot(7) == replay.snapshot(7));
        replay.feed(after);
        prop_assert!(replay.finish(0) == replayed([&log[..]], limited(limit, 1)));
    }
}

async fn get(router: &Router, path: &str) -> (u16, Vec<u8>) {
    let request = Request::get(format!("/api/v1{path}")).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

fn history(folder: &Path) -> History {
    let store = Store::open(&StoreUrl::folder(folder)).unwrap();
    let mut config = Config::new(vec![LogSource::new(store, None)], None);
    config.refresh_interval = Duration::ZERO;
    History::new(config)
}

/// What a finished log answers when it has been watched growing in `steps` is what it answers to one who comes late.
async fn grows(name: &str, codec: &str, file: &[u8], steps: usize) {
    let folder = tempfile::tempdir().unwrap();
    let growing = folder.path().join(format!("{name}{codec}.inprogress"));
    let watching = history(folder.path());
    let router = history_server::api::router(watching.clone());
    let mut id = None;
    for piece in file.chunks(file.len() / steps + 1) {
        OpenOptions::new().create(true).append(true).open(&growing).unwrap().write_all(piece).unwrap();
        watching.scan().await;
        let (status, list) = get(&router, "/applications").await;
        assert_eq!(status, 200);
        let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
        let Some(application) = list[0]["id"].as_str() else { continue };
        assert_eq!(list[0]["attempts"][0]["completed"], false);
        assert_eq!(get(&router, &format!("/applications/{application}/jobs")).await.0, 200);
        id = Some(application.to_owned());
    }
    std::fs::rename(&growing, folder.path().join(format!("{name}{codec}"))).unwrap();
    watching.scan().await;
    let late = history(folder.path());
    late.scan().await;
    let late = history_server::api::router(late);
    let id = id.expect("the log was listed while it grew");
    for path in ["", "/jobs", "/stages?details=true", "/allexecutors", "/storage/rdd", "/sql?length=1000"] {
        let path = format!("/applications/{id}{path}");
        let (theirs, ours) = (get(&late, &path).await, get(&router, &path).await);
        assert_eq!(theirs.0, 200, "{path}");
        assert!(theirs == ours, "{path} is not the same for who watched");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_log_that_grows_is_answered_as_the_whole() {
    grows("jobs", "", &recorded("jobs"), 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zstd_log_that_grows_is_answered_as_the_whole() {
    // Frames as Spark makes them, here of 40,000 bytes; the steps end within frames.
    let text = recorded("sql");
    let frames: Vec<u8> = text.chunks(40_000).flat_map(|part| zstd::encode_all(part, 1).unwrap()).collect();
    grows("sql", ".zstd", &frames, 5).await;
}
