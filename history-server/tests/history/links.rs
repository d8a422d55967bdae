use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use history_server::{Config, History, Viewer};
use storage::Store;
use tokio_util::sync::CancellationToken;

use crate::support::{config, end, head, job};

fn executor(id: &str, attributes: &str) -> String {
    format!(
        r#"{{"Event":"SparkListenerExecutorAdded","Timestamp":1700000000001,"Executor ID":"{id}","Executor Info":{{"Host":"h","Total Cores":1,"Log Urls":{{"stdout":"http://own/"}},"Attributes":{{{attributes}}},"Resources":{{}},"Resource Profile Id":0}}}}"#
    ) + "\n"
}

fn write(folder: &Path, ended: bool) {
    let known = executor("1", r#""USER":"eve","LOG_FILES":"out,err""#);
    let text =
        head("app-1", None) + &known + &executor("2", "") + &job(0, 1) + &if ended { end() } else { String::new() };
    fs::write(folder.join("app-1"), text).unwrap();
}

async fn links(history: &History, executor: &str) -> BTreeMap<String, String> {
    let opened = history.open("app-1", None, &Viewer::default()).await.unwrap();
    opened.model.executor(executor).unwrap().executor_logs.clone()
}

fn with_pattern(folder: &Path, store: Option<Store>, pattern: &str) -> History {
    History::new(Config { executor_log_url: Some(pattern.to_owned()), ..config(folder, store) })
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn links_follow_the_pattern_where_attributes_are_known() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), true);
    let history = with_pattern(folder.path(), None, "http://logs/{{USER}}/{{FILE_NAME}}");
    assert_eq!(links(&history, "1").await, map(&[("out", "http://logs/eve/out"), ("err", "http://logs/eve/err")]));
    assert_eq!(links(&history, "2").await, map(&[("stdout", "http://own/")]));
}

#[tokio::test]
async fn pods_need_no_attributes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), true);
    let history = with_pattern(folder.path(), None, "http://logs/{{NAMESPACE}}/{{POD_NAME}}");
    assert_eq!(links(&history, "2").await, map(&[("log", "http://logs/jobs/pi-12-exec-2")]));
}

#[tokio::test]
async fn a_running_application_keeps_its_links_if_so_configured() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), false);
    let pattern = Some("http://logs/{{USER}}".to_owned());
    let set = |executor_log_url_of_incomplete| {
        History::new(Config {
            executor_log_url: pattern.clone(),
            executor_log_url_of_incomplete,
            ..config(folder.path(), None)
        })
    };
    assert_eq!(links(&set(false), "1").await, map(&[("stdout", "http://own/")]));
    assert_eq!(links(&set(true), "1").await, map(&[("log", "http://logs/eve")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_pattern_needs_no_other_replay() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    write(folder.path(), true);
    let first = with_pattern(folder.path(), Some(store.clone()), "http://one/{{USER}}");
    assert_eq!(links(&first, "1").await, map(&[("log", "http://one/eve")]));
    let stop = CancellationToken::new();
    stop.cancel();
    first.run(stop).await;
    for (pattern, expected) in
        [("http://two/{{USER}}", ("log", "http://two/eve")), ("{{NONE}}", ("stdout", "http://own/"))]
    {
        let next = with_pattern(folder.path(), Some(store.clone()), pattern);
        assert_eq!(links(&next, "1").await, map(&[expected]));
        assert_eq!(next.figures().replays, 0);
    }
}
