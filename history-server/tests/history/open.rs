use std::fs;
use std::sync::Arc;

use history_server::{AccessConfig, Error, Filter, History, Viewer};
use storage::{ObjectPath, Store, growing};

use crate::support::{T, config, end, head, job, log, scanned, source};

fn anyone() -> Viewer {
    Viewer::default()
}

#[tokio::test]
async fn an_application_is_opened_in_every_codec_and_layout() {
    let folder = tempfile::tempdir().unwrap();
    let text = log("app-1", 2, 5);
    fs::write(folder.path().join("app-1"), &text).unwrap();
    let frames: Vec<u8> = text
        .replace("app-1", "app-2")
        .split_inclusive('\n')
        .flat_map(|line| zstd::encode_all(line.as_bytes(), 1).unwrap())
        .collect();
    fs::write(folder.path().join("app-2.zstd"), frames).unwrap();
    let rolling = folder.path().join("eventlog_v2_app-3");
    fs::create_dir(&rolling).unwrap();
    let (first, second) = text.split_at(text.find("{\"Event\":\"SparkListenerJobEnd").unwrap());
    fs::write(rolling.join("events_1_app-3"), first.replace("app-1", "app-3")).unwrap();
    fs::write(rolling.join("events_2_app-3.zstd"), zstd::encode_all(second.as_bytes(), 1).unwrap()).unwrap();
    fs::write(rolling.join("appstatus_app-3"), "").unwrap();
    let history = scanned(folder.path(), None).await;
    for id in ["app-1", "app-2", "app-3"] {
        let opened = history.open(id, None, &anyone()).await.unwrap();
        assert_eq!(opened.model.jobs.len(), 2, "{id}");
        assert_eq!(opened.model.jobs[0].data.num_completed_tasks, 5, "{id}");
        assert!(opened.problems.is_empty() && !opened.model.problems.any(), "{id}");
        let tasks = opened.stage_tasks(1, 0).await.unwrap().unwrap();
        assert_eq!(tasks.table.len(), 5);
        assert!(opened.stage_tasks(7, 0).await.unwrap().is_none());
        assert_eq!(opened.executor_pod("3").unwrap().name, "pi-12-exec-3");
    }
    assert_eq!(history.figures().cache_hits, 0);
    history.open("app-1", None, &anyone()).await.unwrap();
    assert_eq!((history.figures().cache_hits, history.figures().replays), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_readers_cause_one_replay() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", 50, 100)).unwrap();
    let history = scanned(folder.path(), None).await;
    let readers: Vec<_> = (0..100)
        .map(|i| {
            let history = history.clone();
            let reader = tokio::spawn(async move { history.open("app-1", None, &anyone()).await });
            if i % 10 == 0 {
                // This one hangs up.
                reader.abort();
            }
            reader
        })
        .collect();
    let mut opened = Vec::new();
    for reader in readers {
        if let Ok(answer) = reader.await {
            opened.push(answer.unwrap());
        }
    }
    assert!(opened.len() >= 90);
    assert!(opened.iter().all(|other| Arc::ptr_eq(other, &opened[0])));
    assert_eq!(history.figures().replays, 1);
}

#[tokio::test]
async fn a_log_that_grows_is_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app-1.inprogress");
    fs::write(&path, head("app-1", None)).unwrap();
    let history = scanned(folder.path(), None).await;
    let jobs = async || history.open("app-1", None, &anyone()).await.unwrap().model.jobs.len();
    assert_eq!(jobs().await, 0);
    let mut text = head("app-1", None) + &job(0, 3);
    // It ends inside a line.
    fs::write(&path, text.clone() + &job(1, 3)[..100]).unwrap();
    assert_eq!(jobs().await, 1);
    let read_before = history.figures().replay_bytes;
    text += &job(1, 3);
    fs::write(&path, &text).unwrap();
    assert_eq!(jobs().await, 2);
    assert_eq!(history.figures().replay_bytes - read_before, job(1, 3).len() as u64);
    fs::remove_file(&path).unwrap();
    fs::write(folder.path().join("app-1"), text + &job(2, 3) + &end()).unwrap();
    // Whether a scan has seen it or not.
    assert_eq!(jobs().await, 3);
    history.scan().await;
    let opened = history.open("app-1", None, &anyone()).await.unwrap();
    assert!(opened.complete && opened.model.jobs.len() == 3);
    assert_eq!(opened.model.attempt.as_ref().unwrap().end_time, Some(T + 1000));
}

#[tokio::test]
async fn a_log_that_no_scan_has_seen_is_opened_by_id() {
    let folder = tempfile::tempdir().unwrap();
    let history = scanned(folder.path(), None).await;
    fs::write(folder.path().join("app-1.inprogress"), log("app-1", 1, 1)).unwrap();
    let text = head("app-2", Some("1")) + &end();
    fs::write(folder.path().join("app-2_1.zstd"), zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
    assert!(history.open("app-1", None, &anyone()).await.is_ok());
    assert!(history.open("app-2", Some("1"), &anyone()).await.is_ok());
    assert_eq!(history.applications(&Filter::default()).total, 2);
    let missing = history.open("app-3", None, &anyone()).await;
    assert!(matches!(missing, Err(Error::UnknownApplication { .. })), "{missing:?}");
    let missing = history.open("app-2", Some("7"), &anyone()).await;
    assert!(matches!(missing, Err(Error::UnknownAttempt { .. })), "{missing:?}");
    let missing = history.open("app-2", None, &anyone()).await;
    assert!(matches!(missing, Err(Error::UnknownAttempt { .. })), "{missing:?}");
}

#[tokio::test]
async fn what_arrives_in_a_store_is_shown_as_it_arrives() {
    let store = Store::in_memory();
    let path = ObjectPath::parse("app-1").unwrap();
    let parts = [head("app-1", None), job(0, 2), job(1, 2), end()];
    let mut offset = 0;
    let source = history_server::event_log::LogSource::new(store.clone(), None);
    let config =
        history_server::Config { event_logs: vec![source], ..config(tempfile::tempdir().unwrap().path(), None) };
    let history = History::new(config);
    let mut seen = Vec::new();
    for part in parts {
        growing::append(&store, &path, offset, part.clone()).await.unwrap();
        offset += part.len() as u64;
        seen.push(history.open("app-1", None, &anyone()).await.unwrap().model.jobs.len());
    }
    assert_eq!(seen, [0, 1, 2, 2]);
    growing::finish(&store, &path).await.unwrap();
    history.scan().await;
    assert!(history.open("app-1", None, &anyone()).await.unwrap().complete);
}

#[tokio::test]
async fn a_damaged_log_is_shown_as_far_as_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let text = log("app-1", 3, 50);
    let mut frames = Vec::new();
    for line in text.split_inclusive('\n') {
        frames.extend(zstd::encode_all(line.as_bytes(), 1).unwrap());
    }
    fs::write(folder.path().join("app-1.zstd"), &frames[..frames.len() / 2]).unwrap();
    let history = scanned(folder.path(), None).await;
    let opened = history.open("app-1", None, &anyone()).await.unwrap();
    assert!((1..3).contains(&opened.model.jobs.len()));
    assert!(opened.problems[0].message.contains("cut short"), "{:?}", opened.problems);
}

#[tokio::test]
async fn only_who_may_see_an_application_can_open_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", 1, 1)).unwrap();
    let access = AccessConfig { enabled: true, ..AccessConfig::default() };
    let history = History::new(history_server::Config { access, ..config(folder.path(), None) });
    for user in ["eve", "ann"] {
        assert!(history.open("app-1", None, &Viewer::user(user)).await.is_ok(), "{user}");
    }
    for viewer in [Viewer::user("mallory"), anyone()] {
        let answer = history.open("app-1", None, &viewer).await;
        assert!(matches!(answer, Err(Error::Forbidden { .. })), "{answer:?}");
        assert!(history.application("app-1", &viewer).await.is_err());
        assert!(history.log_entries("app-1", None, &viewer).await.is_err());
    }
    assert_eq!(history.figures().replays, 1);
}

#[tokio::test]
async fn several_sources_are_one_list() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right) = (folder.path().join("left"), folder.path().join("right"));
    let sources = vec![source(&left), source(&right)];
    fs::write(left.join("app-1"), log("app-1", 1, 1)).unwrap();
    fs::write(right.join("app-2"), log("app-2", 2, 1)).unwrap();
    let history = History::new(history_server::Config { event_logs: sources, ..config(&left, None) });
    history.scan().await;
    let listed = history.applications(&Filter::default()).applications;
    let paths: Vec<_> = listed.iter().map(|app| app.attempts[0].log_source_full_path.clone().unwrap()).collect();
    assert_eq!(paths, [format!("file://{}", right.display()), format!("file://{}", left.display())]);
    assert_eq!(history.open("app-2", None, &anyone()).await.unwrap().model.jobs.len(), 2);
}
