//! Single answers of the REST API.

use std::io::Read as _;

use axum::body::Body;
use axum::response::Response;
use history_server::{Config, History, Redaction};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use storage::Store;
use tower::ServiceExt;

use crate::stored::settle;
use crate::support::{config, log, scanned};

async fn get(history: &History, path: &str, encoding: &str) -> Response {
    let request = Request::get(format!("/api/v1/{path}")).header(header::ACCEPT_ENCODING, encoding);
    let router = history_server::api::router(history.clone());
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_stage_without_tasks_has_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app-1"), log("app-1", 1, 0)).unwrap();
    let history = scanned(folder.path(), None).await;
    let table = "taskTable?numTasks=0&start=0&length=3&columnNameToSort=ID&order%5B0%5D%5Bdir%5D=asc";
    let page = get(&history, &format!("applications/app-1/stages/0/0/{table}"), "identity").await;
    let page: Value = serde_json::from_str(&text(page).await).unwrap();
    assert_eq!(page, json!({"recordsFiltered": "0", "aaData": [], "recordsTotal": "0"}));
}

#[tokio::test]
async fn refusals_name_what_spark_names_and_are_not_compressed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app-1"), log("app-1", 1, 1)).unwrap();
    let history = scanned(folder.path(), None).await;
    assert!(get(&history, "applications/app-1/jobs", "gzip").await.headers().contains_key(header::CONTENT_ENCODING));
    for (path, sentence) in [
        ("nobody/logs", "no such app: nobody/1"),
        ("nobody/2/logs", "no such app: nobody/2"),
        ("nobody/jobs", "no such app: nobody"),
        ("app-1/a-name-that-is-not-short", "unknown app app-1, attempt a-name-that-is-not-short"),
    ] {
        let refused = get(&history, &format!("applications/{path}"), "gzip").await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!refused.headers().contains_key(header::CONTENT_ENCODING), "{path}");
        assert_eq!(text(refused).await, sentence);
    }
}

#[tokio::test]
async fn properties_are_masked_by_the_servers_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let query = r#"{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":0,"description":"d","physicalPlanDescription":"p","sparkPlanInfo":{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{},"metrics":[]},"time":5,"modifiedConfigs":{"spark.my.token":"x"}}"#;
    let log = log("app-1", 0, 0).replace("\"jobs\"", "\"a-token\"") + query;
    std::fs::write(folder.path().join("app-1"), log).unwrap();
    let shown = async |redaction| {
        let history = History::new(Config { redaction, ..config(folder.path(), None) });
        history.scan().await;
        let answer = text(get(&history, "applications/app-1/environment", "identity").await).await;
        let environment: Value = serde_json::from_str(&answer).unwrap();
        environment["sparkProperties"].as_array().unwrap().iter().map(|entry| entry[1].clone()).collect::<Vec<_>>()
    };
    let mask = "*********(redacted)";
    // What was set for a query, too.
    for path in ["applications/app-1/sql", "applications/app-1/sql/0"] {
        let sql = text(get(&scanned(folder.path(), None).await, path, "identity").await).await;
        assert!(sql.contains(&format!("\"spark.my.token\" : \"{mask}\"")), "{sql}");
    }
    assert_eq!(shown(Redaction::default()).await, ["pi-12", mask, "ann"]);
    assert_eq!(shown(Redaction::new("pi-\\d+|view").unwrap()).await, [mask, "a-token", mask]);
}

#[tokio::test]
async fn long_answers_are_whole_for_who_takes_them_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let text = log("app-1", 1, 2000);
    std::fs::write(folder.path().join("app-1"), &text).unwrap();
    std::fs::write(folder.path().join("app-2"), text.replace("app-1", "app-2")).unwrap();
    let packed = zstd::encode_all(log("app-3", 300, 20).as_bytes(), 1).unwrap();
    std::fs::write(folder.path().join("app-3.zstd"), &packed).unwrap();
    let history = scanned(folder.path(), None).await;
    for (path, packs) in [
        ("applications/app-1/stages/0", true),
        ("applications/app-1/stages?details=true", true),
        ("applications/app-1/stages/0/0/taskList?length=2000", true),
        ("applications/app-1/logs", false),
        ("applications/app-3/logs", false),
    ] {
        let plain = get(&history, path, "identity").await.into_body().collect().await.unwrap().to_bytes();
        assert!(
            path.contains("app-3") || path.contains("logs") || plain.len() > 1024 * 1024,
            "{path}: {}",
            plain.len()
        );
        let answer = get(&history, path, "gzip").await;
        assert_eq!(answer.headers().contains_key(header::CONTENT_ENCODING), packs, "{path}");
        let mut body = answer.into_body().collect().await.unwrap().to_bytes().to_vec();
        if packs {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&*body).read_to_end(&mut text).unwrap();
            body = text;
        }
        assert!(plain == body, "{path}: {} bytes, compressed {}", plain.len(), body.len());
    }
    // What is compressed as it is lies in the archive as it is.
    let archive =
        get(&history, "applications/app-3/logs", "gzip").await.into_body().collect().await.unwrap().to_bytes();
    assert!(archive.len() > packed.len() && archive.len() < packed.len() + packed.len() / 100 + 1024);
}

#[tokio::test]
async fn to_ask_for_no_tasks_at_all_is_a_mistake_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app-1"), log("app-1", 1, 3)).unwrap();
    let history = scanned(folder.path(), None).await;
    for length in ["-1", "0"] {
        let refused =
            get(&history, &format!("applications/app-1/stages/0/0/taskList?length={length}"), "identity").await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert_eq!(text(refused).await, "length: ask for at least one task");
    }
}

#[tokio::test]
async fn tasks_stand_within_their_stage_as_jackson_prints_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app-1"), log("app-1", 2, 40)).unwrap();
    let history = scanned(folder.path(), None).await;
    let one = text(get(&history, "applications/app-1/stages/0/0?details=true", "identity").await).await;
    assert!(one.starts_with("{\n  \"status\" : \"COMPLETE\",\n  \"stageId\" : 0,"), "{one}");
    assert!(one.contains("\n  \"tasks\" : {\n    \"0\" : {\n      \"taskId\" : 0,\n"), "{one}");
    assert!(one.contains("\n    },\n    \"1\" : {\n      \"taskId\" : 1,\n"), "{one}");
    assert!(one.contains("\n    }\n  },\n  \"executorSummary\" : {\n") && one.ends_with("\n}"), "{one}");
    let parsed: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(parsed["tasks"].as_object().unwrap().len(), 40);

    let all = text(get(&history, "applications/app-1/stages?details=true", "identity").await).await;
    let other = text(get(&history, "applications/app-1/stages/1/0?details=true", "identity").await).await;
    assert_eq!(all, format!("[ {other}, {one} ]"));
    let none =
        text(get(&history, "applications/app-1/stages/0/0?details=true&taskStatus=failed", "identity").await).await;
    assert!(none.contains("\n  \"tasks\" : { },\n"), "{none}");

    let list = text(get(&history, "applications/app-1/stages/0/0/taskList?length=40", "identity").await).await;
    let tasks: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(tasks.as_array().unwrap().len(), 40);
    assert!(
        list.starts_with("[ {\n  \"taskId\" : 0,\n")
            && list.contains("\n}, {\n  \"taskId\" : 1,\n")
            && list.ends_with("\n} ]")
    );
    let table = "taskTable?numTasks=40&start=0&length=3&columnNameToSort=ID&order%5B0%5D%5Bdir%5D=asc";
    let table = text(get(&history, &format!("applications/app-1/stages/0/0/{table}"), "identity").await).await;
    assert!(
        table.starts_with("{\n  \"recordsFiltered\" : \"40\",\n  \"aaData\" : [ {\n    \"taskId\" : 0,\n"),
        "{table}"
    );
    assert!(
        table.contains("\n  }, {\n    \"taskId\" : 1,\n")
            && table.ends_with("\n  } ],\n  \"recordsTotal\" : \"40\"\n}"),
        "{table}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_others_are_answered_by_name_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let commit = |version: u64| format!(r#"{{"Event":"com.acme.CommitEvent","version":{version},"note":"\u00e9"}}"#);
    let log = log("app-1", 1, 1);
    let line = log.lines().count() as u64 + 1;
    std::fs::write(folder.path().join("app-1"), format!("{log}{}\n{}\n", commit(1), commit(2))).unwrap();
    let store = Store::in_memory();
    let first = scanned(folder.path(), Some(store.clone())).await;
    let names = json!({"events": {"com.acme.CommitEvent": 2}, "leftOut": 0});
    let event =
        |n: u64| json!({"line": line + n - 1, "event": {"Event": "com.acme.CommitEvent", "version": n, "note": "é"}});
    for (history, replays) in [(first.clone(), 1), (scanned(folder.path(), Some(store)).await, 0)] {
        let asked = async |path: &str| {
            let answer = get(&history, &format!("applications/app-1/{path}"), "identity").await;
            (answer.status(), text(answer).await)
        };
        let json_of = async |path: &str| serde_json::from_str::<Value>(&asked(path).await.1).unwrap();
        assert_eq!(json_of("otherEvents").await, names);
        assert_eq!(json_of("otherEvents/com.acme.CommitEvent").await, json!([event(1), event(2)]));
        assert_eq!(json_of("otherEvents/com.acme.CommitEvent?offset=1&length=5").await, json!([event(2)]));
        assert_eq!(json_of("otherEvents/com.acme.CommitEvent?length=0").await, json!([]));
        let (status, sentence) = asked("otherEvents/com.acme.Other").await;
        assert_eq!((status, &*sentence), (StatusCode::NOT_FOUND, "no events of this name: com.acme.Other"));
        assert_eq!(asked("otherEvents/com.acme.CommitEvent?length=x").await.0, StatusCode::NOT_FOUND);
        assert!(asked("otherEvents/com.acme.CommitEvent").await.1.contains(r"\u00e9"), "as it was written");
        assert_eq!(history.figures().replays, replays);
        settle(&history).await;
    }
}
