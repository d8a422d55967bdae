//! The list of applications as clients page through it, and applications that lie in several places.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use futures::TryStreamExt as _;
use history_server::{Config, History, Viewer};
use http::{Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use storage::Store;
use tower::ServiceExt;

use crate::support::{config, end, head, job, log, scanned, source};

const APPLICATIONS: usize = 300;
const PAGE: usize = 37;

struct Answer {
    status: u16,
    total: usize,
    next: Option<String>,
    body: Vec<Value>,
}

impl Answer {
    fn ids(&self) -> Vec<&str> {
        self.body.iter().map(|app| app["id"].as_str().unwrap()).collect()
    }
}

async fn get(history: &History, path: &str) -> Answer {
    let request = Request::get(format!("/api/v1/{path}")).body(Body::empty()).unwrap();
    let answer = history_server::api::router(history.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let total = headers.get("x-total-count").map_or(0, |total| total.to_str().unwrap().parse().unwrap());
    // <applications?…>; rel="next"
    let next = headers.get(header::LINK).map(|link| {
        let link = link.to_str().unwrap();
        assert!(link.ends_with(">; rel=\"next\""), "{link}");
        link.trim_start_matches('<').split('>').next().unwrap().to_owned()
    });
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Answer { status, total, next, body: serde_json::from_slice(&body).unwrap_or_default() }
}

/// Applications of few names and users, some still running, with many ties in everything but the id.
fn write_many(folder: &Path) {
    for i in 0..APPLICATIONS {
        let id = format!("app-{i:04}");
        let name = ["Nightly ETL", "nightly etl", "Caf\u{e9} ~ <b>", "ad hoc"][i % 4];
        let text = head(&id, None)
            .replace(&format!("Job {id}"), name)
            .replace("\"User\":\"eve\"", &format!("\"User\":\"{}\"", ["ann", "bob", "eve"][i % 3]))
            .replace("\"Timestamp\":17", &format!("\"Timestamp\":1{}", 7 - i % 2));
        if i % 10 == 9 {
            fs::write(folder.join(format!("{id}.inprogress")), text).unwrap();
        } else {
            fs::write(folder.join(&id), text + &end()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_can_be_paged_through_by_links() {
    let folder = tempfile::tempdir().unwrap();
    write_many(folder.path());
    let history = scanned(folder.path(), None).await;
    for sort in ["end", "start", "duration", "updated", "name", "user", "id"] {
        for order in ["", "&order=reverse"] {
            let whole = get(&history, &format!("applications?sort={sort}{order}")).await;
            assert_eq!((whole.status, whole.total, whole.next), (200, APPLICATIONS, None));
            let mut pages = Vec::new();
            let mut next = Some(format!("applications?limit={PAGE}&sort={sort}{order}"));
            while let Some(path) = next {
                let page = get(&history, &path).await;
                assert_eq!(page.total, APPLICATIONS, "{path}");
                assert!(!page.body.is_empty() && page.body.len() <= PAGE, "{path}");
                pages.extend(page.body);
                next = page.next;
            }
            assert!(pages == whole.body, "{sort}{order}: pages are not the list cut up");
        }
    }
    let by_id = get(&history, "applications?sort=id").await;
    let ids: Vec<_> = (0..APPLICATIONS).map(|i| format!("app-{i:04}")).collect();
    assert!(by_id.ids() == ids);
    // Without a word on order it is Spark's.
    let (spark, by_end) = (get(&history, "applications").await, get(&history, "applications?sort=end").await);
    assert!(spark.body == by_end.body);
    assert_eq!(get(&history, "applications?sort=colour").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_are_the_list_filtered() {
    let folder = tempfile::tempdir().unwrap();
    write_many(folder.path());
    let history = scanned(folder.path(), None).await;
    let count = |wanted: &dyn Fn(usize) -> bool| (0..APPLICATIONS).filter(|i| wanted(*i)).count();
    for (query, wanted) in [
        ("name=nightly", count(&|i| i % 4 < 2)),
        ("name=CAF%C3%89", count(&|i| i % 4 == 2)),
        ("name=~%20%3Cb%3E", count(&|i| i % 4 == 2)),
        ("user=bob", count(&|i| i % 3 == 1)),
        ("user=Bob", 0),
        ("id=APP-000", 10),
        ("search=hoc", count(&|i| i % 4 == 3)),
        ("search=eve", count(&|i| i % 3 == 2)),
        ("search=app-0123", 1),
        ("search=nobody", 0),
        ("status=running", count(&|i| i % 10 == 9)),
        ("status=running&user=ann&name=ad%20hoc", count(&|i| i % 10 == 9 && i % 3 == 0 && i % 4 == 3)),
    ] {
        let found = get(&history, &format!("applications?{query}")).await;
        assert_eq!((found.body.len(), found.total), (wanted, wanted), "{query}");
        // A page of it tells the same total, and the links lead to all of them.
        let mut seen = BTreeSet::new();
        let mut next = Some(format!("applications?{query}&limit=7&sort=name"));
        while let Some(path) = next {
            let page = get(&history, &path).await;
            assert_eq!(page.total, wanted, "{path}");
            seen.extend(page.ids().into_iter().map(str::to_owned));
            next = page.next;
        }
        assert!(seen.iter().map(String::as_str).collect::<Vec<_>>() == found_sorted(&found), "{query}");
    }
}

fn found_sorted(found: &Answer) -> Vec<&str> {
    let mut ids = found.ids();
    ids.sort_unstable();
    ids
}

/// What the archive of an application's logs would hold: names and bytes.
async fn logs(history: &History, app: &str, attempt: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let mut logs = Vec::new();
    for entry in history.log_entries(app, attempt, &Viewer::default()).await.unwrap() {
        let bytes: Vec<_> = entry.read().await.unwrap().try_collect().await.unwrap();
        logs.push((entry.name, bytes.concat()));
    }
    logs
}

fn write_older(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().append(true).open(path).unwrap().set_modified(an_hour_ago).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_application_in_two_places_one_log_is_shown_and_given() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right) = (folder.path().join("left"), folder.path().join("right"));
    let event_logs = vec![source(&left), source(&right)];
    let (older, newer) = (log("app-1", 1, 1), log("app-1", 2, 1));
    write_older(&left.join("app-1"), &older);
    fs::write(right.join("app-1"), &newer).unwrap();
    let history = History::new(Config { event_logs, ..config(&left, Some(Store::in_memory())) });
    history.scan().await;
    assert_eq!(get(&history, "applications").await.ids(), ["app-1"]);
    assert_eq!(get(&history, "applications/app-1/jobs").await.body.len(), 1);
    assert_eq!(logs(&history, "app-1", None).await, [("app-1".to_owned(), older.into_bytes())]);
    let opened = history.open("app-1", None, &Viewer::default()).await.unwrap();
    assert!(opened.problems.iter().any(|problem| problem.message.contains("another event log")));
    // When that one goes, it is the other that is shown, not what was kept of the first.
    fs::remove_file(left.join("app-1")).unwrap();
    history.scan().await;
    assert_eq!(get(&history, "applications/app-1/jobs").await.body.len(), 2);
    assert_eq!(logs(&history, "app-1", None).await, [("app-1".to_owned(), newer.into_bytes())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_of_one_application_may_lie_in_two_places() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right) = (folder.path().join("left"), folder.path().join("right"));
    let event_logs = vec![source(&left), source(&right)];
    let first = head("app-1", Some("1")) + &job(0, 1) + &end();
    let second = head("app-1", Some("2")) + &job(0, 1) + &job(1, 1) + &end();
    fs::write(left.join("app-1_1"), &first).unwrap();
    fs::write(right.join("app-1_2"), &second).unwrap();
    let history = History::new(Config { event_logs, ..config(&left, None) });
    history.scan().await;
    let listed = get(&history, "applications").await;
    let attempts = listed.body[0]["attempts"].as_array().unwrap();
    let ids: Vec<_> = attempts.iter().map(|attempt| attempt["attemptId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["2", "1"]);
    assert_ne!(attempts[0]["logSourceFullPath"], attempts[1]["logSourceFullPath"]);
    for (attempt, jobs) in [("1", 1), ("2", 2)] {
        assert_eq!(get(&history, &format!("applications/app-1/{attempt}/jobs")).await.body.len(), jobs);
    }
    let mut both = logs(&history, "app-1", None).await;
    both.sort();
    let (first, second) = (("app-1_1".to_owned(), first.into_bytes()), ("app-1_2".to_owned(), second.into_bytes()));
    assert_eq!(both, [first.clone(), second]);
    assert_eq!(logs(&history, "app-1", Some("1")).await, [first]);
}
