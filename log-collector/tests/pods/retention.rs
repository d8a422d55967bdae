//! Old logs are deleted, and no others.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use log_collector::{Logs, PodIdentity, Retention};
use serde_json::json;
use storage::{Store, StoreUrl};
use tempfile::TempDir;

use crate::api::Api;
use crate::kubelet::Container;
use crate::support::{Running, eventually, finished};

const DAY: Duration = Duration::from_hours(24);

/// A store with three applications of one finished executor each and their event logs, and one container of none.
async fn store_with_logs() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreUrl::folder(folder.path().join("store"))).unwrap();
    let (root, api) = (folder.path().join("pods"), Api::start().await);
    std::fs::create_dir(&root).unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    api.write_kubeconfig(&kubeconfig);
    let collector = Running::start_with(&store, &root, |config| {
        config.pod_identity = PodIdentity::Kubernetes { kubeconfig: Some(kubeconfig), node: Some("n-1".to_owned()) };
    });
    for number in 1..=3 {
        let (pod, application) = (format!("pi-exec-{number}"), format!("spark-{number}"));
        let mut container = Container::executor(&root, number);
        container.line(0, "hello");
        let labels = json!({ "spark-app-selector": application, "spark-role": "executor", "spark-exec-id": "1" });
        api.apply(&pod, labels, json!([]));
        let logs = Logs::new(store.clone());
        eventually("a log", async || logs.of_application(&application).await.ok()?.pop()).await;
        container.delete();
        finished(&store, number).await;
    }
    collector.kill().await;
    let events = folder.path().join("store/event-logs");
    std::fs::create_dir_all(events.join("eventlog_v2_spark-2_1")).unwrap();
    std::fs::write(events.join("spark-1.zstd"), "x").unwrap();
    std::fs::write(events.join("spark-10"), "another application's").unwrap();
    std::fs::write(events.join("eventlog_v2_spark-2_1/events_1_spark-2_1"), "x").unwrap();
    std::fs::write(events.join("spark-3.inprogress"), "x").unwrap();
    (folder, store)
}

/// All files below, by their paths.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// Makes everything whose path has `part` in it that old.
fn age(folder: &TempDir, part: &str, age: Duration) {
    for path in files(&folder.path().join("store")) {
        if path.to_str().unwrap().contains(part) {
            let file = std::fs::File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
    }
}

fn left(folder: &TempDir) -> Vec<String> {
    let store = folder.path().join("store");
    let name = |path: PathBuf| path.strip_prefix(&store).unwrap().to_str().unwrap().to_owned();
    let names = files(&store).into_iter().map(name);
    names.filter(|name| name.starts_with("logs/") || name.starts_with("event-logs/")).collect()
}

#[tokio::test]
async fn an_old_application_goes_with_its_event_log_and_nothing_else() {
    let (folder, store) = store_with_logs().await;
    let retention = Retention { max_age: Some(7 * DAY), ..Retention::default() };
    let before = left(&folder);
    assert_eq!(retention.sweep(&store).await.unwrap().objects, 0);
    // All of the first two is old, but for one file of the second.
    age(&folder, "", 8 * DAY);
    age(&folder, "spark-3", DAY);
    age(&folder, "events_1_spark-2", Duration::ZERO);
    let removed = retention.sweep(&store).await.unwrap();
    assert_eq!(removed.groups, 1);
    let after = left(&folder);
    let gone: Vec<_> = before.iter().filter(|name| !after.contains(name)).collect();
    assert!(gone.iter().all(|name| name.contains("spark-1") || name.contains("pi-exec-1")), "{gone:?}");
    assert!(gone.iter().any(|name| name.contains("_pods/ns/pi-exec-1")), "its link has gone: {gone:?}");
    assert!(
        after.contains(&"event-logs/spark-10".to_owned()) && !after.contains(&"event-logs/spark-1.zstd".to_owned())
    );
    assert_eq!(removed.objects, gone.len() as u64);
    // The second follows when nothing of it is young.
    age(&folder, "events_1_spark-2", 8 * DAY);
    assert_eq!(retention.sweep(&store).await.unwrap().groups, 1);
    assert!(left(&folder).iter().all(|name| !name.contains("spark-2") && !name.contains("pi-exec-2")));
    assert_eq!(Logs::new(store).applications().await.unwrap(), ["spark-3"]);
}

#[tokio::test]
async fn the_oldest_go_while_there_is_too_much() {
    let (folder, store) = store_with_logs().await;
    for (number, days) in [(1, 2), (2, 3), (3, 1)] {
        age(&folder, &format!("spark-{number}"), days * DAY);
        age(&folder, &format!("pi-exec-{number}"), days * DAY);
    }
    let total: u64 = left(&folder)
        .iter()
        .filter(|name| !name.ends_with("spark-10"))
        .map(|name| std::fs::metadata(folder.path().join("store").join(name)).unwrap().len())
        .sum();
    let keep = |bytes| Retention { max_bytes: Some(bytes), quiet: Duration::from_secs(1), ..Retention::default() };
    assert_eq!(keep(total).sweep(&store).await.unwrap().groups, 0);
    assert_eq!(keep(total - 1).sweep(&store).await.unwrap().groups, 1);
    let logs = Logs::new(store.clone());
    assert_eq!(logs.applications().await.unwrap(), ["spark-1", "spark-3"]);
    // What was written to just now stays, however much it is.
    age(&folder, "event-logs/spark-1.zstd", Duration::ZERO);
    let quiet = Retention { max_bytes: Some(0), ..Retention::default() };
    assert_eq!(quiet.sweep(&store).await.unwrap().groups, 1);
    assert_eq!(logs.applications().await.unwrap(), ["spark-1"]);
}

#[tokio::test]
async fn what_has_not_finished_is_kept_for_longer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreUrl::folder(folder.path().join("store"))).unwrap();
    let root = folder.path().join("pods");
    std::fs::create_dir(&root).unwrap();
    let collector = Running::start(&store, &root);
    let mut container = Container::executor(&root, 1);
    container.line(0, "silent from now on");
    crate::support::shipped(&store, 1, &container.written).await;
    let retention = Retention { max_age: Some(7 * DAY), ..Retention::default() };
    age(&folder, "logs/", 8 * DAY);
    assert_eq!(retention.sweep(&store).await.unwrap().groups, 0);
    container.line(0, "not any more");
    crate::support::shipped(&store, 1, &container.written).await;
    collector.kill().await;
    age(&folder, "logs/", 15 * DAY);
    assert_eq!(retention.sweep(&store).await.unwrap().groups, 1);
    assert!(left(&folder).is_empty());
}

#[tokio::test]
async fn a_silent_log_is_kept_as_long_as_its_container_runs() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreUrl::folder(folder.path().join("store"))).unwrap();
    let root = folder.path().join("pods");
    std::fs::create_dir(&root).unwrap();
    let retention = Retention { max_age: Some(7 * DAY), ..Retention::default() };
    let start = || Running::start_with(&store, &root, |config| config.retention = retention.clone());
    let collector = start();
    let mut container = Container::executor(&root, 1);
    container.line(0, "silent from now on");
    crate::support::shipped(&store, 1, &container.written).await;
    collector.kill().await;
    age(&folder, "logs/", 4 * DAY);
    let logs = Logs::new(store.clone());
    let collector = start();
    eventually("a sign of life", async || {
        let log = logs.of_pod("ns", "pi-exec-1").await.ok()?.pop()?;
        (chrono::Utc::now() - log.last_shipped < chrono::TimeDelta::days(1)).then_some(())
    })
    .await;
    assert_eq!(retention.sweep(&store).await.unwrap().groups, 0);
    let written = container.delete();
    crate::support::assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

#[tokio::test]
async fn a_collector_deletes_what_it_is_told_to() {
    let (folder, store) = store_with_logs().await;
    age(&folder, "", 8 * DAY);
    let collector = Running::start_with(&store, &folder.path().join("pods"), |config| {
        config.retention =
            Retention { max_age: Some(7 * DAY), interval: Duration::from_millis(20), ..Retention::default() };
    });
    let logs = Logs::new(store);
    eventually("no application", async || logs.applications().await.unwrap().is_empty().then_some(())).await;
    collector.stop().await;
}
