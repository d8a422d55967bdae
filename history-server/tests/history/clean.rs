use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use futures::TryStreamExt as _;
use history_server::{CleanConfig, Config, Filter, History, Viewer};
use storage::{ObjectPath, Store};

use crate::support::{config, head, log, scanned};

const HOUR: Duration = Duration::from_secs(3600);

fn write(folder: &Path, name: &str, text: &str, age: Duration) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::File::options().append(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

async fn cleaning(folder: &Path, store: Option<Store>, clean: CleanConfig) -> History {
    let history = History::new(Config { clean: Some(clean), ..config(folder, store) });
    history.scan().await;
    history
}

fn ids(history: &History) -> Vec<String> {
    history.applications(&Filter::default()).applications.into_iter().map(|app| app.id).collect()
}

#[tokio::test]
async fn old_logs_go_with_all_that_was_kept_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    write(folder.path(), "app-1", &log("app-1", 1, 1), 48 * HOUR);
    write(folder.path(), "app-2", &log("app-2", 1, 1), HOUR);
    write(folder.path(), "app-3.inprogress", &head("app-3", None), 48 * HOUR);
    let rolling = folder.path().join("eventlog_v2_app-4");
    fs::create_dir(&rolling).unwrap();
    write(&rolling, "events_1_app-4", &log("app-4", 1, 1), 48 * HOUR);
    write(&rolling, "appstatus_app-4", "", HOUR);
    write(folder.path(), "noise", "nothing", 48 * HOUR);
    let clean = CleanConfig { max_age: 24 * HOUR, ..CleanConfig::default() };
    let history = cleaning(folder.path(), Some(store.clone()), clean).await;
    history.open("app-1", None, &Viewer::default()).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    history.run(stop).await;
    let kept = ObjectPath::parse("history/app-1").unwrap();
    assert!(!store.list(&kept).try_collect::<Vec<_>>().await.unwrap().is_empty());
    assert_eq!(history.clean().await, 3);
    assert_eq!(ids(&history), ["app-2"]);
    assert!(store.list(&kept).try_collect::<Vec<_>>().await.unwrap().is_empty());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    // What says nothing has been known for a moment only.
    assert!(left.contains(&"app-2".into()) && left.contains(&"noise".into()) && !left.contains(&"app-1".into()));
    assert!(!rolling.join("events_1_app-4").exists());
    history.scan().await;
    assert_eq!(ids(&history), ["app-2"]);
}

#[tokio::test]
async fn of_too_many_the_oldest_that_have_ended_go() {
    let folder = tempfile::tempdir().unwrap();
    for (i, age) in [5, 4, 3, 2, 1].into_iter().enumerate() {
        let text = if i == 0 { head("app-0", None) } else { log(&format!("app-{i}"), 0, 0) };
        write(folder.path(), &format!("app-{i}"), &text, age * HOUR);
    }
    let clean = CleanConfig { max_logs: 3, ..CleanConfig::default() };
    let history = cleaning(folder.path(), None, clean).await;
    assert_eq!(history.clean().await, 2);
    let mut left = ids(&history);
    left.sort();
    assert_eq!(left, ["app-0", "app-3", "app-4"]);
}

#[tokio::test]
async fn nothing_goes_that_has_changed_or_that_nobody_asked_to_delete() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "app-1", &log("app-1", 0, 0), 48 * HOUR);
    assert_eq!(scanned(folder.path(), None).await.clean().await, 0);
    let clean = CleanConfig { max_age: 24 * HOUR, ..CleanConfig::default() };
    let history = cleaning(folder.path(), None, clean).await;
    write(folder.path(), "app-1", &log("app-1", 1, 1), HOUR);
    assert_eq!(history.clean().await, 0);
    assert!(folder.path().join("app-1").exists());
}
