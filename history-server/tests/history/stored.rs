use std::fs;

use history_server::model::Application;
use history_server::{Config, History, OpenApplication, Viewer};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use storage::{ObjectPath, Store};
use tokio_util::sync::CancellationToken;

use crate::support::{T, config, end, head, job, log, scanned};

pub(crate) async fn open(history: &History, id: &str) -> std::sync::Arc<OpenApplication> {
    history.open(id, None, &Viewer::default()).await.unwrap()
}

/// Lets what is under way end.
pub(crate) async fn settle(history: &History) {
    let stop = CancellationToken::new();
    stop.cancel();
    history.run(stop).await;
}

async fn everything(opened: &OpenApplication) -> (Application, Vec<String>) {
    let mut tasks = Vec::new();
    for stage in &opened.model.stages {
        let rows = opened.stage_tasks(stage.data.stage_id, stage.data.attempt_id).await.unwrap().unwrap();
        tasks.push(format!("{:?} {:?}", rows.strings, rows.table).replace(['\n'], " "));
    }
    // Hashers differ from one to the next; texts and rows must not.
    let tasks = tasks.into_iter().map(|text| text.split("slots").next().unwrap_or_default().to_owned()).collect();
    (opened.model.clone(), tasks)
}

async fn tables_equal(first: &OpenApplication, second: &OpenApplication) {
    assert_eq!(first.model, second.model);
    assert_eq!(everything(first).await.1, everything(second).await.1);
    for stage in &first.model.stages {
        let key = (stage.data.stage_id, stage.data.attempt_id);
        let (left, right) =
            (first.stage_tasks(key.0, key.1).await.unwrap(), second.stage_tasks(key.0, key.1).await.unwrap());
        assert_eq!(left.unwrap().table, right.unwrap().table);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_replica_opens_what_one_has_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let store = Store::open(&storage::StoreUrl::folder(kept.path())).unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", 3, 40)).unwrap();
    let first = scanned(folder.path(), Some(store.clone())).await;
    let replayed = open(&first, "app-1").await;
    settle(&first).await;
    assert_eq!((first.figures().replays, first.figures().stored_writes), (1, 1));
    let second = scanned(folder.path(), Some(store)).await;
    let stored = open(&second, "app-1").await;
    assert_eq!((second.figures().replays, second.figures().stored_opens), (0, 1));
    tables_equal(&replayed, &stored).await;
    assert!(stored.stage_tasks(9, 0).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_has_changed_is_replayed_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), log("app-1", 1, 1)).unwrap();
    let first = scanned(folder.path(), Some(store.clone())).await;
    open(&first, "app-1").await;
    settle(&first).await;
    fs::write(folder.path().join("app-1"), log("app-1", 2, 1)).unwrap();
    let second = scanned(folder.path(), Some(store.clone())).await;
    assert_eq!(open(&second, "app-1").await.model.jobs.len(), 2);
    settle(&second).await;
    assert_eq!((second.figures().replays, second.figures().stored_writes), (1, 1));
    let third = scanned(folder.path(), Some(store)).await;
    assert_eq!(open(&third, "app-1").await.model.jobs.len(), 2);
    assert_eq!(third.figures().replays, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_and_is_damaged_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), log("app-1", 1, 5)).unwrap();
    let first = scanned(folder.path(), Some(store.clone())).await;
    open(&first, "app-1").await;
    settle(&first).await;
    let path = |file: &str| ObjectPath::parse(&format!("history/app-1/default/{file}")).unwrap();
    store.put(&path("tasks.parquet"), "PAR1 and then nothing that fits PAR1").await.unwrap();
    let second = scanned(folder.path(), Some(store.clone())).await;
    assert!(open(&second, "app-1").await.stage_tasks(0, 0).await.is_err());
    // The first one to notice is told; the next one gets the log replayed.
    assert_eq!(open(&second, "app-1").await.stage_tasks(0, 0).await.unwrap().unwrap().table.len(), 5);
    settle(&second).await;
    store.put(&path("model.zst"), "not a model").await.unwrap();
    let third = scanned(folder.path(), Some(store)).await;
    assert_eq!(open(&third, "app-1").await.model.jobs.len(), 1);
    assert_eq!(third.figures().replays, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_growing_log_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1.inprogress"), head("app-1", None) + &job(0, 1)).unwrap();
    let history = scanned(folder.path(), Some(store.clone())).await;
    open(&history, "app-1").await;
    fs::remove_file(folder.path().join("app-1.inprogress")).unwrap();
    fs::write(folder.path().join("app-1"), head("app-1", None) + &job(0, 1) + &end()).unwrap();
    assert_eq!(history.figures().stored_writes, 0);
    history.scan().await;
    assert_eq!(open(&history, "app-1").await.model.attempt.as_ref().unwrap().end_time, Some(T + 1000));
    settle(&history).await;
    assert_eq!(history.figures().stored_writes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_takes_up_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    for i in 0..5 {
        fs::write(folder.path().join(format!("app-{i}")), log(&format!("app-{i}"), 0, 0)).unwrap();
    }
    let run_until_scanned = async |history: &History| {
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (history, stop) = (history.clone(), stop.clone());
            async move { history.run(stop).await }
        });
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !history.is_ready() {
            assert!(std::time::Instant::now() < deadline, "no scan has ended");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        stop.cancel();
        task.await.unwrap();
    };
    let first = History::new(config(folder.path(), Some(store.clone())));
    run_until_scanned(&first).await;
    assert_eq!(first.figures().logs_read, 5);
    let second = History::new(config(folder.path(), Some(store)));
    run_until_scanned(&second).await;
    assert_eq!((second.figures().applications, second.figures().logs_read), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_applications_are_replayed_ahead_if_so_configured() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), log("app-1", 2, 3)).unwrap();
    fs::write(folder.path().join("app-2.inprogress"), head("app-2", None)).unwrap();
    let ahead = Config {
        replay_ahead: Some(std::time::Duration::from_secs(3600)),
        ..config(folder.path(), Some(store.clone()))
    };
    let first = History::new(ahead);
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (history, stop) = (first.clone(), stop.clone());
        async move { history.run(stop).await }
    });
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while first.figures().stored_writes == 0 {
        assert!(std::time::Instant::now() < deadline, "nothing was written");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stop.cancel();
    task.await.unwrap();
    assert_eq!((first.figures().replays, first.figures().opens, first.figures().cached), (1, 0, 0));
    let second = scanned(folder.path(), Some(store)).await;
    assert_eq!(open(&second, "app-1").await.model.jobs.len(), 2);
    assert_eq!(second.figures().replays, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_what_is_being_replayed_ahead_waits_for_that() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    for n in 0..20 {
        fs::write(folder.path().join(format!("app-{n}")), log(&format!("app-{n}"), 2, 3)).unwrap();
    }
    let ahead = Some(std::time::Duration::from_secs(3600));
    let history = History::new(Config { replay_ahead: ahead, ..config(folder.path(), Some(store)) });
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (history, stop) = (history.clone(), stop.clone());
        async move { history.run(stop).await }
    });
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while history.figures().stored_writes < 20 {
        for n in 0..20 {
            open(&history, &format!("app-{n}")).await;
        }
        assert!(std::time::Instant::now() < deadline, "not all were written");
    }
    stop.cancel();
    task.await.unwrap();
    assert_eq!((history.figures().replays, history.figures().stored_writes), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_open_while_it_grew_is_replayed_ahead_when_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let rolling = folder.path().join("eventlog_v2_app-1");
    fs::create_dir(&rolling).unwrap();
    fs::write(rolling.join("appstatus_app-1.inprogress"), "").unwrap();
    fs::write(rolling.join("events_1_app-1"), head("app-1", None) + &job(0, 3)).unwrap();
    let (hour, often) = (std::time::Duration::from_secs(3600), std::time::Duration::from_millis(10));
    let store = Some(Store::in_memory());
    let rarely = Config { refresh_interval: hour, scan_interval: often, ..config(folder.path(), store) };
    let history = History::new(Config { replay_ahead: Some(hour), ..rarely });
    history.scan().await;
    assert_eq!(open(&history, "app-1").await.model.jobs.len(), 1);
    fs::write(rolling.join("events_2_app-1"), job(1, 3) + &end()).unwrap();
    fs::rename(rolling.join("appstatus_app-1.inprogress"), rolling.join("appstatus_app-1")).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (history, stop) = (history.clone(), stop.clone());
        async move { history.run(stop).await }
    });
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while history.figures().stored_writes == 0 {
        assert!(std::time::Instant::now() < deadline, "nothing was written");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_long_ago_is_not_replayed_ahead() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-old"), log("app-old", 1, 1)).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    fs::File::options().append(true).open(folder.path().join("app-old")).unwrap().set_modified(long_ago).unwrap();
    let (ahead, often) = (Some(std::time::Duration::from_secs(3600)), std::time::Duration::from_millis(10));
    let store = Some(Store::in_memory());
    let history = History::new(Config { replay_ahead: ahead, scan_interval: often, ..config(folder.path(), store) });
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (history, stop) = (history.clone(), stop.clone());
        async move { history.run(stop).await }
    });
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let waiting = || assert!(std::time::Instant::now() < deadline, "nothing was written");
    while history.figures().scans == 0 {
        waiting();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // One that ends now comes behind the old one.
    fs::write(folder.path().join("app-new"), log("app-new", 1, 1)).unwrap();
    while history.figures().stored_writes == 0 {
        waiting();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stop.cancel();
    task.await.unwrap();
    assert_eq!(history.figures().replays, 1);
    assert_eq!(open(&history, "app-new").await.model.jobs.len(), 1);
    assert_eq!((history.figures().replays, history.figures().stored_opens), (1, 1));
}

/// Every row of a table as text, its columns' names first.
pub(crate) async fn rows(store: &Store, table: &str) -> Vec<String> {
    let path = ObjectPath::parse(&format!("history/app-1/default/{table}.parquet")).unwrap();
    let file = SerializedFileReader::new(store.get(&path, 1 << 20).await.unwrap()).unwrap();
    let columns = file.metadata().file_metadata().schema_descr().columns().to_vec();
    let names: Vec<_> = columns.iter().map(|column| column.name().to_owned()).collect();
    let mut all = vec![names.join(" ")];
    all.extend(file.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_can_be_read_by_anything_that_reads_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), log("app-1", 2, 3)).unwrap();
    let history = scanned(folder.path(), Some(store.clone())).await;
    open(&history, "app-1").await;
    settle(&history).await;
    let jobs = rows(&store, "jobs").await;
    assert!(
        jobs[0].starts_with("app_id app_attempt_id job_id name status sql_execution_id description"),
        "{}",
        jobs[0]
    );
    assert_eq!(jobs.len(), 3);
    assert!(jobs[1].contains("app_id: \"app-1\", app_attempt_id: null, job_id: 0"), "{}", jobs[1]);
    assert!(jobs[1].contains("status: \"SUCCEEDED\"") && jobs[1].contains("num_completed_tasks: 3"), "{}", jobs[1]);
    let stages = rows(&store, "stages").await;
    assert!(stages[0].starts_with("app_id app_attempt_id stage_id stage_attempt_id status"), "{}", stages[0]);
    assert!(stages[2].contains("stage_id: 1, stage_attempt_id: 0, status: \"COMPLETE\""), "{}", stages[2]);
    let tasks = rows(&store, "tasks").await;
    assert_eq!(tasks.len(), 7);
    assert!(tasks[6].contains("stage_id: 1, stage_attempt_id: 0, task_id: 1002, index: 2"), "{}", tasks[6]);
    assert!(tasks[6].contains("host: \"h0\", status: \"SUCCESS\""), "{}", tasks[6]);
    assert!(tasks[6].contains("error_message: null") && tasks[6].contains("executor_run_time: 2"), "{}", tasks[6]);
    for table in ["applications", "environment", "executors", "sql_executions", "sql_metrics"] {
        assert!(rows(&store, table).await[0].starts_with("app_id app_attempt_id"), "{table}");
    }
}
