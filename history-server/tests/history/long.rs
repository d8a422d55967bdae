use std::fs;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::response::Response;
use futures::StreamExt as _;
use history_server::History;
use http::{Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{log, scanned};

const TASKS: usize = 1500;

async fn get(history: &History, path: &str) -> Response {
    let request = Request::get(format!("/api/v1/{path}")).body(Body::empty()).unwrap();
    history_server::api::router(history.clone()).oneshot(request).await.unwrap()
}

async fn json(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 30).await.unwrap()).unwrap()
}

fn task_ids(tasks: &Value) -> Vec<u64> {
    tasks.as_array().unwrap().iter().map(|task| task["taskId"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_long_answer_is_sent_in_pieces_and_a_short_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", 1, TASKS)).unwrap();
    let history = scanned(folder.path(), None).await;

    let path = format!("applications/app-1/stages/0/0/taskList?length={TASKS}");
    let mut pieces = get(&history, &path).await.into_body().into_data_stream();
    let mut lengths = Vec::new();
    while let Some(piece) = pieces.next().await {
        lengths.push(piece.unwrap().len());
    }
    assert!(lengths.len() > 2 && lengths.iter().all(|length| *length < 1 << 20), "{lengths:?}");

    let listed = json(get(&history, &path).await).await;
    assert_eq!(task_ids(&listed), (0..TASKS as u64).collect::<Vec<_>>());
    let stage = json(get(&history, "applications/app-1/stages/0/0").await).await;
    let tasks = stage["tasks"].as_object().unwrap();
    assert_eq!(tasks.len(), TASKS);
    assert_eq!(tasks["7"], listed[7]);

    let short = get(&history, "applications/app-1/jobs").await;
    assert!(short.into_body().size_hint().exact().is_some());
}

#[tokio::test]
async fn who_leaves_in_the_middle_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", 1, TASKS)).unwrap();
    let history = scanned(folder.path(), None).await;
    let mut pieces = get(&history, "applications/app-1/stages?details=true").await.into_body().into_data_stream();
    assert!(pieces.next().await.unwrap().is_ok());
    drop(pieces);
    let stages = json(get(&history, "applications/app-1/stages?details=true").await).await;
    assert_eq!(stages[0]["tasks"].as_object().unwrap().len(), TASKS);
}

#[tokio::test]
async fn a_search_among_tasks_counts_all_and_shows_a_page() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app-1"), log("app-1", 1, TASKS)).unwrap();
    let history = scanned(folder.path(), None).await;
    let page = json(
        get(
            &history,
            &format!(
                "applications/app-1/stages/0/0/taskTable?numTasks={TASKS}&start=2&length=3&columnNameToSort=ID\
                 &order%5B0%5D%5Bdir%5D=asc&search%5Bvalue%5D=h1"
            ),
        )
        .await,
    )
    .await;
    assert_eq!(page["recordsFiltered"], (TASKS / 2).to_string());
    assert_eq!(task_ids(&page["aaData"]), [5, 7, 9]);
}

#[tokio::test]
async fn a_limited_list_leads_to_its_next_page() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..7 {
        fs::write(folder.path().join(format!("app-{n}")), log(&format!("app-{n}"), 0, 0)).unwrap();
    }
    let history = scanned(folder.path(), None).await;
    let whole = json(get(&history, "applications?sort=name").await).await;
    let mut path = "applications?limit=3&sort=name&search=job".to_owned();
    let mut seen = Vec::new();
    loop {
        let response = get(&history, &path).await;
        assert_eq!(response.headers()["x-total-count"], "7");
        let link = response.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
        seen.extend(json(response).await.as_array().unwrap().clone());
        let Some(link) = link else { break };
        path = link.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
        assert!(link.ends_with("; rel=\"next\""), "{link}");
    }
    assert_eq!(Value::Array(seen), whole);
}
