//! Stores that fail, files that are no logs, and ids that nobody has.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use axum::body::Body;
use futures::TryStreamExt as _;
use history_server::{Config, Error, Filter, History, ReplaySettings, Viewer};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use storage::{ObjectPath, Store};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::support::{config, head, log, scanned};

async fn get(history: &History, path: &str) -> (StatusCode, http::HeaderMap, String) {
    let request = Request::get(format!("/api/v1/{path}")).body(Body::empty()).unwrap();
    let answer = history_server::api::router(history.clone()).oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    (parts.status, parts.headers, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn ids(history: &History) -> Vec<String> {
    history.applications(&Filter::default()).applications.into_iter().map(|app| app.id).collect()
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_listed_is_no_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let history = History::new(config(&logs, None));
    fs::remove_dir(&logs).unwrap();
    fs::write(&logs, "a file").unwrap();
    history.scan().await;
    let failures = history.scan_failures();
    assert!(failures.len() == 1 && !failures[0].was_listed && failures[0].place.ends_with("/logs"), "{failures:?}");
    assert!(!history.was_listed() && history.last_scan_millis() == 0);
    let (status, _, text) = get(&history, "applications").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("cannot be listed"), "{text}");

    fs::remove_file(&logs).unwrap();
    fs::create_dir(&logs).unwrap();
    fs::write(logs.join("app-1"), log("app-1", 1, 1)).unwrap();
    history.scan().await;
    assert!(history.scan_failures().is_empty() && history.was_listed());
    assert_eq!(ids(&history), ["app-1"]);
    let listed = history.last_scan_millis();
    assert!(listed > 0);

    // It vanishes: what was known is still shown, with a word on it.
    fs::rename(&logs, folder.path().join("elsewhere")).unwrap();
    history.scan().await;
    assert!(history.scan_failures()[0].was_listed);
    assert_eq!((ids(&history), history.last_scan_millis()), (vec!["app-1".to_owned()], listed));
    let (status, headers, _) = get(&history, "applications").await;
    assert_eq!((status, headers["x-unreachable-event-logs"].to_str().unwrap()), (StatusCode::OK, "1"));
}

#[tokio::test]
async fn links_are_not_followed() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(elsewhere.path().join("secret"), log("app-1", 1, 1)).unwrap();
    symlink(elsewhere.path().join("secret"), folder.path().join("app-1")).unwrap();
    let rolling = folder.path().join("eventlog_v2_app-2");
    fs::create_dir(&rolling).unwrap();
    fs::write(rolling.join("events_1_app-2"), log("app-2", 1, 1)).unwrap();
    symlink(elsewhere.path().join("secret"), rolling.join("events_2_app-2")).unwrap();
    symlink(elsewhere.path().join("secret"), rolling.join("notes")).unwrap();
    fs::write(rolling.join("appstatus_app-2"), "").unwrap();
    symlink(elsewhere.path(), folder.path().join("eventlog_v2_app-3")).unwrap();
    let history = scanned(folder.path(), None).await;
    assert_eq!(ids(&history), ["app-2"]);
    assert!(matches!(history.open("app-1", None, &Viewer::default()).await, Err(Error::UnknownApplication { .. })));
    assert_eq!(history.open("app-2", None, &Viewer::default()).await.unwrap().model.jobs.len(), 1);
    let entries = history.log_entries("app-2", None, &Viewer::default()).await.unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["eventlog_v2_app-2/", "eventlog_v2_app-2/appstatus_app-2", "eventlog_v2_app-2/events_1_app-2"]);
}

#[tokio::test]
async fn files_that_are_no_logs_cost_next_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", 1, 1)).unwrap();
    // To read all of it would take minutes.
    fs::File::create(folder.path().join("heapdump")).unwrap().set_len(400 << 30).unwrap();
    let bomb = zstd::encode_all(std::io::repeat(0).take(256 << 20), 1).unwrap();
    fs::write(folder.path().join("bomb.zstd"), bomb).unwrap();
    let history = scanned(folder.path(), None).await;
    assert_eq!(ids(&history), ["app-1"]);
    assert_eq!((history.figures().logs_pending, history.figures().scan_failures), (0, 0));
}

#[tokio::test]
async fn ids_that_nobody_has_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1_7"), head("app-1", Some("7"))).unwrap();
    let history = scanned(folder.path(), None).await;
    let long = "x".repeat(5000);
    for (app, attempt) in [("app-1", long.as_str()), (long.as_str(), "1"), ("app\n1", "1"), ("", "1"), ("app-1", "")] {
        let refused = history.open(app, Some(attempt), &Viewer::default()).await;
        assert!(matches!(refused, Err(Error::UnknownApplication { .. } | Error::UnknownAttempt { .. })), "{refused:?}");
    }
    // However many are made up, what is there is found.
    for n in 0..1000 {
        assert!(history.open(&format!("made-up-{n}"), None, &Viewer::default()).await.is_err());
    }
    assert!(history.open("app-1", Some("7"), &Viewer::default()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_of_a_log_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    for n in 1..=2 {
        fs::write(folder.path().join(format!("app-{n}")), log(&format!("app-{n}"), 1, 1)).unwrap();
    }
    let fast = Config { scan_interval: Duration::from_millis(5), ..config(folder.path(), Some(store.clone())) };
    let history = History::new(fast);
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (history, stop) = (history.clone(), stop.clone());
        async move { history.run(stop).await }
    });
    eventually("both are listed", async || ids(&history).len() == 2).await;
    for app in ["app-1", "app-2"] {
        history.open(app, None, &Viewer::default()).await.unwrap();
    }
    eventually("both are kept", async || history.figures().stored_writes == 2).await;
    let kept = async |app: &str| {
        let path = ObjectPath::parse(&format!("history/{app}")).unwrap();
        store.list(&path).try_collect::<Vec<_>>().await.unwrap().len()
    };
    assert!(kept("app-1").await > 0 && kept("app-2").await > 0);
    fs::remove_file(folder.path().join("app-1")).unwrap();
    eventually("what was kept of it is gone", async || kept("app-1").await == 0).await;
    assert!(kept("app-2").await > 0);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_with_other_settings_never_mix_their_tables() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), log("app-1", 3, 40)).unwrap();
    let replica = async |retained_tasks| {
        let replay = ReplaySettings { retained_tasks, ..ReplaySettings::default() };
        let history = History::new(Config { replay, ..config(folder.path(), Some(store.clone())) });
        history.scan().await;
        history
    };
    let tasks = async |history: &History| {
        let (status, _, text) = get(history, "applications/app-1/stages/1/0?details=true").await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let stage: serde_json::Value = serde_json::from_str(&text).unwrap();
        stage["tasks"].as_object().unwrap().len()
    };
    let all = replica(None).await;
    assert_eq!(tasks(&all).await, 40);
    eventually("it is kept", async || all.figures().stored_writes == 1).await;
    // Has the model of the one, and will ask for the tables of the other.
    let reader = replica(None).await;
    assert_eq!(get(&reader, "applications/app-1/jobs").await.0, StatusCode::OK);
    assert_eq!(reader.figures().replays, 0);
    let few = replica(Some(10)).await;
    let shown = tasks(&few).await;
    assert!(shown < 40, "{shown}");
    eventually("that is kept in its place", async || few.figures().stored_writes == 1).await;
    assert_eq!(tasks(&reader).await, 40);
    assert_eq!(reader.figures().replays, 1);
}
