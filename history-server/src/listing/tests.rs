use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use storage::{ObjectPath, Store, StoreUrl, growing};

use super::*;

const ENVIRONMENT: &str = r#"{"Event":"SparkListenerEnvironmentUpdate","JVM Information":{},"Spark Properties":{"spark.ui.view.acls":"ann"}}"#;

fn start(id: &str, attempt: Option<&str>, at: i64) -> String {
    let attempt = attempt.map(|id| format!(r#","App Attempt ID":"{id}""#)).unwrap_or_default();
    format!(
        r#"{{"Event":"SparkListenerApplicationStart","App Name":"Job {id}","App ID":"{id}","Timestamp":{at},"User":"eve"{attempt}}}"#
    )
}

fn log(id: &str, attempt: Option<&str>, start_at: i64, end_at: Option<i64>) -> String {
    let version = r#"{"Event":"SparkListenerLogStart","Spark Version":"4.1.4"}"#;
    let end = end_at.map(|at| format!("{{\"Event\":\"SparkListenerApplicationEnd\",\"Timestamp\":{at}}}\n"));
    format!("{version}\n{ENVIRONMENT}\n{}\n{}", start(id, attempt, start_at), end.unwrap_or_default())
}

/// Lines that say nothing to the list.
fn filler(bytes: usize) -> String {
    "{\"Event\":\"SparkListenerTaskEnd\",\"Stage ID\":0}\n".repeat(bytes / 46)
}

fn scanner(folder: &Path) -> Scanner {
    let store = Store::open(&StoreUrl::folder(folder)).unwrap();
    Scanner::new(Arc::new(Listing::new(vec![LogSource::new(store, None)], AccessConfig::default())), 2)
}

fn ids(scanner: &Scanner, filter: &Filter) -> Vec<String> {
    scanner.listing().page(filter).applications.into_iter().map(|app| app.id).collect()
}

const T: i64 = 1_700_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_does_not_wait_for_a_log_that_has_to_be_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    // Without an end: where it stands, if anywhere, only its whole text tells.
    write("app-1", &(log("app-1", None, T, None) + &filler(3 << 20)));
    let scanner = scanner(folder.path());
    let busy = scanner.hold_whole_reads().await;
    scanner.scan_on().await;
    write("app-2", &log("app-2", None, T, Some(T + 5)));
    scanner.scan_on().await;
    assert_eq!(ids(&scanner, &Filter::default()), ["app-2"]);
    assert_eq!(scanner.figures.pending.load(std::sync::atomic::Ordering::Relaxed), 1);
    drop(busy);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while ids(&scanner, &Filter::default()).len() < 2 {
        assert!(std::time::Instant::now() < deadline, "it was never read");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // It is not read again.
    scanner.scan().await;
    assert_eq!(scanner.figures.logs_read.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn applications_are_listed_as_spark_lists_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("app-1", &log("app-1", None, T, Some(T + 5)));
    write("app-2.inprogress", &log("app-2", None, T + 1, None));
    write("app-3_1", &log("app-3", Some("1"), T + 2, Some(T + 3)));
    write("app-3_2", &log("app-3", Some("2"), T + 4, Some(T + 9)));
    write(".hidden", &log("app-4", None, T, Some(T)));
    write("empty", "");
    write("noise", "not an event log\n");
    fs::create_dir(folder.path().join("app-5")).unwrap();
    let scanner = scanner(folder.path());
    scanner.scan().await;
    assert_eq!(ids(&scanner, &Filter::default()), ["app-3", "app-1", "app-2"]);
    assert_eq!(ids(&scanner, &Filter { running: false, ..Filter::default() }), ["app-3", "app-1"]);
    assert_eq!(ids(&scanner, &Filter { completed: false, ..Filter::default() }), ["app-2"]);
    let app = scanner.listing().application("app-3").unwrap();
    assert_eq!(app.name, "Job app-3");
    let attempts: Vec<_> = app.attempts.iter().map(|a| (a.attempt_id.as_deref(), a.duration, a.completed)).collect();
    assert_eq!(attempts, [(Some("2"), 5, true), (Some("1"), 1, true)]);
    let app = scanner.listing().application("app-2").unwrap();
    let attempt = &app.attempts[0];
    assert_eq!((attempt.completed, attempt.end_time_epoch, attempt.duration), (false, -1, 0));
    assert_eq!((attempt.spark_user.as_str(), attempt.app_spark_version.as_str()), ("eve", "4.1.4"));
}

#[tokio::test]
async fn a_scan_reads_only_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("app-1"), log("app-1", None, T, Some(T + 5))).unwrap();
    fs::write(at("app-2.inprogress"), log("app-2", None, T, None)).unwrap();
    let scanner = scanner(folder.path());
    let read = || scanner.figures.logs_read.load(std::sync::atomic::Ordering::Relaxed);
    scanner.scan().await;
    assert_eq!(read(), 2);
    scanner.scan().await;
    assert_eq!(read(), 2);
    // It grows: its start is known, and a name says that the end has not come.
    fs::write(at("app-2.inprogress"), log("app-2", None, T, None) + &filler(5000)).unwrap();
    scanner.scan().await;
    assert_eq!(read(), 2);
    fs::remove_file(at("app-2.inprogress")).unwrap();
    fs::write(at("app-2"), log("app-2", None, T, Some(T + 7))).unwrap();
    fs::remove_file(at("app-1")).unwrap();
    scanner.scan().await;
    assert_eq!(read(), 3);
    assert_eq!(ids(&scanner, &Filter { running: false, ..Filter::default() }), ["app-2"]);
    assert_eq!(ids(&scanner, &Filter::default()).len(), 1);
}

#[tokio::test]
async fn the_end_is_found_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let whole = log("x", None, T, Some(T + 5));
    let (head, end) = whole.split_at(whole.find("{\"Event\":\"SparkListenerApplicationEnd").unwrap());
    for (name, before, behind) in
        [("last", 3_000_000, 0), ("near", 3_000_000, 100_000), ("far", 3_000_000, 2_000_000), ("first", 0, 3_000_000)]
    {
        let parts = [head.replace("\"x\"", &format!("\"{name}\"")), filler(before), end.to_owned(), filler(behind)];
        fs::write(folder.path().join(name), parts.concat()).unwrap();
        let frames: Vec<u8> = parts
            .iter()
            .flat_map(|part| zstd::encode_all(part.replace(name, &format!("{name}-z")).as_bytes(), 1).unwrap())
            .collect();
        fs::write(folder.path().join(format!("{name}.zstd")), frames).unwrap();
    }
    let scanner = scanner(folder.path());
    scanner.scan().await;
    let mut found = ids(&scanner, &Filter { running: false, ..Filter::default() });
    found.sort();
    assert_eq!(found, ["far", "far-z", "first", "first-z", "last", "last-z", "near", "near-z"]);
}

#[tokio::test]
async fn of_two_logs_of_one_attempt_the_ended_one_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), log("app-1", None, T, None)).unwrap();
    fs::write(folder.path().join("b"), log("app-1", None, T, Some(T + 1))).unwrap();
    let scanner = scanner(folder.path());
    scanner.scan().await;
    let listing = scanner.listing();
    assert_eq!(listing.application("app-1").unwrap().attempts.len(), 1);
    assert_eq!(listing.logs("app-1")[0].log, "b");
    assert_eq!(listing.hidden_logs("app-1")[0].log, "a");
    fs::remove_file(folder.path().join("b")).unwrap();
    scanner.scan().await;
    assert_eq!(listing.logs("app-1")[0].log, "a");
}

#[tokio::test]
async fn files_that_grow_in_the_store_are_listed_until_they_are_finished() {
    let store = Store::in_memory();
    let path = ObjectPath::parse("app-1").unwrap();
    let text = log("app-1", None, T, Some(T + 5));
    growing::append(&store, &path, 0, text[..200].to_owned()).await.unwrap();
    growing::append(&store, &path, 200, text[200..].to_owned()).await.unwrap();
    let folder = ObjectPath::parse("eventlog_v2_app-2").unwrap();
    let marker = folder.join("appstatus_app-2.inprogress").unwrap();
    store.put(&marker, bytes::Bytes::new()).await.unwrap();
    growing::append(&store, &folder.join("events_1_app-2").unwrap(), 0, log("app-2", None, T, None)).await.unwrap();
    let source = LogSource::new(store.clone(), Some("here".into()));
    let scanner = Scanner::new(Arc::new(Listing::new(vec![source], AccessConfig::default())), 1);
    scanner.scan().await;
    assert_eq!(ids(&scanner, &Filter { completed: false, ..Filter::default() }), ["app-2", "app-1"]);
    growing::finish(&store, &path).await.unwrap();
    scanner.scan().await;
    assert_eq!(ids(&scanner, &Filter { running: false, ..Filter::default() }), ["app-1"]);
    let app = scanner.listing().application("app-1").unwrap();
    assert_eq!(app.attempts[0].log_source_name.as_deref(), Some("here"));
}

#[tokio::test]
async fn the_list_is_kept_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..20 {
        let text = log(&format!("app-{i}"), Some("1"), T + i, (i % 2 == 0).then_some(T + 100 + i));
        fs::write(folder.path().join(format!("app-{i}_1")), text).unwrap();
    }
    let kept = Store::in_memory();
    let first = scanner(folder.path());
    first.scan().await;
    first.listing().save(&kept).await.unwrap();
    let second = scanner(folder.path());
    assert_eq!(second.listing().load(&kept).await.unwrap(), 20);
    assert_eq!(
        first.listing().page(&Filter::default()).applications,
        second.listing().page(&Filter::default()).applications
    );
    second.scan().await;
    assert_eq!(second.figures.logs_read.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_finished_log_whose_environment_is_no_json_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let bad = log("app-1", None, T, Some(T)).replace("\"JVM Information\":{}", "_\"JVM Information\":{}");
    fs::write(folder.path().join("app-1"), &bad).unwrap();
    fs::write(folder.path().join("app-2.inprogress"), bad.replace("app-1", "app-2")).unwrap();
    // Cut in its last line, which is no worse than without it.
    let cut = log("app-3", None, T, Some(T));
    fs::write(folder.path().join("app-3"), &cut[..cut.len() - 10]).unwrap();
    let scanner = scanner(folder.path());
    scanner.scan().await;
    assert_eq!(ids(&scanner, &Filter::default()), ["app-3", "app-2"]);
}

#[tokio::test]
async fn names_users_and_ids_are_searched() {
    let folder = tempfile::tempdir().unwrap();
    for id in ["app-1", "app-2", "other-1"] {
        fs::write(folder.path().join(id), log(id, None, T, Some(T))).unwrap();
    }
    let scanner = scanner(folder.path());
    scanner.scan().await;
    let found = |filter| ids(&scanner, &filter);
    assert_eq!(found(Filter { name: Some("JOB APP".into()), ..Filter::default() }), ["app-2", "app-1"]);
    assert_eq!(found(Filter { id: Some("-1".into()), ..Filter::default() }), ["other-1", "app-1"]);
    assert_eq!(found(Filter { user: Some("eve".into()), ..Filter::default() }).len(), 3);
    assert!(found(Filter { user: Some("ev".into()), ..Filter::default() }).is_empty());
    assert_eq!(found(Filter { search: Some("other".into()), ..Filter::default() }), ["other-1"]);
    assert_eq!(found(Filter { start_millis: (T + 1, i64::MAX), ..Filter::default() }), [""; 0]);
}

#[tokio::test]
async fn the_list_shows_only_what_the_viewer_may_see() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", None, T, Some(T))).unwrap();
    let store = Store::open(&StoreUrl::folder(folder.path())).unwrap();
    let access = AccessConfig { enabled: true, ..AccessConfig::default() };
    let scanner = Scanner::new(Arc::new(Listing::new(vec![LogSource::new(store, None)], access)), 1);
    scanner.scan().await;
    let seen = |user| ids(&scanner, &Filter { viewer: Viewer::user(user), ..Filter::default() }).len();
    assert_eq!((seen("eve"), seen("ann"), seen("mallory")), (1, 1, 0));
    assert_eq!(scanner.listing().allows(&Viewer::user("mallory"), "app-1", None), Some(false));
    assert_eq!(scanner.listing().allows(&Viewer::user("ann"), "app-2", None), None);
}

fn any_apps() -> impl Strategy<Value = Vec<(u8, Option<u8>, i64, Option<i64>)>> {
    prop::collection::vec((0..20_u8, prop::option::of(0..3_u8), 0..50_i64, prop::option::of(0..50_i64)), 1..40)
}

proptest! {
    /// Pages, one after the other, are the whole list, whatever its order.
    #[test]
    fn cursors_lead_through_the_whole_list(apps in any_apps(), sort in 0..7_usize, reverse: bool, limit in 1..5_usize) {
        let sorts = [Sort::End, Sort::Start, Sort::Duration, Sort::Updated, Sort::Name, Sort::User, Sort::Id];
        let listing = Listing::new(Vec::new(), AccessConfig::default());
        for (i, app) in apps.iter().enumerate() {
            listing.rows_mut().insert(seen(&format!("log-{i}"), *app));
        }
        let filter = Filter { sort: sorts[sort], reverse, ..Filter::default() };
        let whole: Vec<_> = listing.page(&filter).applications.into_iter().map(|app| app.id).collect();
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let page = listing.page(&Filter { limit, cursor, ..filter.clone() });
            prop_assert_eq!(page.total, whole.len());
            pages.extend(page.applications.into_iter().map(|app| app.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        prop_assert_eq!(pages, whole);
    }

    /// What is left after logs have come and gone is what there is without those that went.
    #[test]
    fn removing_leaves_no_trace(apps in any_apps(), gone: prop::sample::Index) {
        let (all, rest) = (Listing::new(Vec::new(), AccessConfig::default()), Listing::new(Vec::new(), AccessConfig::default()));
        let gone = gone.index(apps.len());
        for (i, app) in apps.iter().enumerate() {
            all.rows_mut().insert(seen(&format!("log-{i}"), *app));
            if i > gone {
                rest.rows_mut().insert(seen(&format!("log-{i}"), *app));
            }
        }
        for i in 0..=gone {
            let removed = all.rows_mut().remove(0, &format!("log-{i}"));
            prop_assert!(removed);
        }
        prop_assert_eq!(all.page(&Filter::default()).applications, rest.page(&Filter::default()).applications);
        prop_assert_eq!(all.rows().log_count(), apps.len() - gone - 1);
    }
}

fn seen(log: &str, (app, attempt, start, end): (u8, Option<u8>, i64, Option<i64>)) -> row::Seen {
    let summary = summary::Summary {
        app_id: Some(format!("app-{app}")),
        app_name: format!("name {}", app % 3),
        attempt_id: attempt.map(|id| id.to_string()),
        user: format!("user{}", app % 2),
        start_millis: T + start,
        end_millis: end.map(|end| T + end),
        exit_code: end.map(|_| 3),
        ..summary::Summary::default()
    };
    row::Seen {
        source: 0,
        log: log.to_owned(),
        summary,
        fingerprint: 0,
        size_bytes: 0,
        modified_millis: 0,
        updated_millis: T + start,
        found_millis: 0,
        complete: true,
        scan: 0,
    }
}
