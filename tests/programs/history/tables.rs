//! The tables that are kept of every application, read by Spark itself: they say what the REST API says.

use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::recordings;
use super::servers::{Client, Ours, hearth};
use crate::support::cache;
use crate::support::process::{guarded, run};

/// Rows of one answer. Each begins with an application and its attempt.
type Rows = Vec<Value>;

#[tokio::test]
async fn spark_reads_in_the_tables_what_the_rest_api_answers() {
    let logs = recordings::of("4.3", &[]).await;
    let ours = hearth(&logs).await;
    let attempts = attempts(&ours).await;
    let mut answers = Vec::new();
    for attempt in &attempts {
        answers.push(of_attempt(&ours.client, attempt).await);
    }
    // It ends when everything is written that it has replayed.
    let store = ours.stop().await;
    let history = store.path().join("history");
    let mut want = Map::new();
    let mut kept = 0;
    for (attempt, answers) in attempts.iter().zip(answers) {
        let is_kept = history.join(&attempt.app).join(attempt.folder()).join("model.zst").exists();
        assert!(is_kept || !attempt.completed, "{} {} ended, and is not kept", attempt.app, attempt.id);
        kept += usize::from(is_kept);
        for (name, rows) in answers.into_iter().filter(|_| is_kept) {
            let all = want.entry(name).or_insert_with(|| json!([]));
            all.as_array_mut().unwrap().extend(rows);
        }
    }
    assert!(kept >= 15, "{kept} attempts are kept");
    let got = read_by_spark("tables.py", &history).await;
    for (name, rows) in &mut want {
        let (mut want, mut got) = (rows.as_array().unwrap().clone(), got[name].as_array().unwrap().clone());
        [&mut want, &mut got].into_iter().for_each(|rows| rows.sort_by_key(Value::to_string));
        println!("{name}: {} rows of {kept} attempts", got.len());
        assert!(want.len() >= 15, "too few {name} to compare: {}", want.len());
        let differ = want.iter().zip(&got).find(|(want, got)| want != got);
        assert!(differ.is_none() && want.len() == got.len(), "{name}: the REST API and the table: {differ:#?}");
    }
}

/// What a script of `tests/data/history` prints of a `history` folder.
pub(super) async fn read_by_spark(script: &str, history: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/history").join(script);
    let mut command = guarded(cache::python("4.3"));
    command.arg(script).arg(history).env("SPARK_LOCAL_IP", "127.0.0.1");
    let output = run(&mut command, Duration::from_secs(300)).await.succeeded();
    serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap()
}

struct Attempt {
    app: String,
    /// Nothing for an application without attempts.
    id: String,
    completed: bool,
}

impl Attempt {
    fn folder(&self) -> &str {
        if self.id.is_empty() { "default" } else { &self.id }
    }

    fn row(&self, rest: impl IntoIterator<Item = Value>) -> Value {
        [json!(self.app), json!(self.id)].into_iter().chain(rest).collect()
    }
}

/// All attempts.
async fn attempts(ours: &Ours) -> Vec<Attempt> {
    ours.wait_until_all_is_read().await;
    let list = ours.client.json("/applications").await;
    let mut attempts = Vec::new();
    for app in items(&list) {
        for attempt in items(&app["attempts"]) {
            attempts.push(Attempt {
                app: text(&app["id"]),
                id: attempt["attemptId"].as_str().unwrap_or_default().to_owned(),
                completed: attempt["completed"] == true,
            });
        }
    }
    attempts
}

/// What the REST API says of an attempt, in the shape in which `tables.py` says it.
async fn of_attempt(client: &Client, attempt: &Attempt) -> Vec<(String, Rows)> {
    let root = format!("/applications/{}/{}", attempt.app, attempt.id).trim_end_matches('/').to_owned();
    let ask = async |path: &str| client.json(&format!("{root}/{path}")).await;
    let (stages, jobs, sql) = (ask("stages").await, ask("jobs").await, ask("sql?length=100000").await);
    let mut tasks = Rows::new();
    for stage in items(&stages) {
        let (id, number) = (&stage["stageId"], &stage["attemptId"]);
        let list = ask(&format!("stages/{id}/{number}/taskList?length=1000000")).await;
        let list: Vec<_> = items(&list).iter().collect();
        if !list.is_empty() {
            let ended: Vec<_> = list.iter().filter(|task| task["status"] != "RUNNING").copied().collect();
            tasks.push(attempt.row([
                id.clone(),
                number.clone(),
                json!(list.len()),
                json!(list.len()),
                json!(list.iter().map(|task| millis(&task["launchTime"])).min()),
                sum(&ended, "/duration"),
                sum(&list, "/taskMetrics/executorRunTime"),
                sum(&list, "/taskMetrics/shuffleWriteMetrics/bytesWritten"),
                json!(list.iter().filter(|task| task.get("errorMessage").is_some()).count()),
            ]));
        }
    }
    let stages = by_status(attempt, &stages, |stages| {
        vec![sum(stages, "/numCompleteTasks"), sum(stages, "/executorRunTime"), sum(stages, "/inputRecords")]
    });
    let jobs = by_status(attempt, &jobs, |jobs| {
        let ended = jobs.iter().filter_map(|job| job.get("completionTime")).map(millis).max();
        vec![sum(jobs, "/numCompletedTasks"), sum(jobs, "/numSkippedStages"), json!(ended)]
    });
    let executions = by_status(attempt, &sql, |executions| {
        let plan = |execution: &&Value| text(&execution["planDescription"]).chars().count();
        vec![json!(executions.iter().map(plan).sum::<usize>())]
    });
    let named = [
        ("tasks", tasks),
        ("stages", stages),
        ("jobs", jobs),
        ("executors", executors(attempt, &ask("allexecutors").await)),
        ("sql_executions", executions),
        ("sql_metrics", sql_metrics(attempt, &sql)),
    ];
    named.into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect()
}

fn executors(attempt: &Attempt, executors: &Value) -> Rows {
    let list: Vec<_> = items(executors).iter().collect();
    if list.is_empty() {
        return Rows::new();
    }
    let added = list.iter().map(|executor| millis(&executor["addTime"])).min();
    let sums = [sum(&list, "/totalTasks"), sum(&list, "/totalShuffleWrite")];
    vec![attempt.row([json!(list.len())].into_iter().chain(sums).chain([json!(added)]))]
}

fn sql_metrics(attempt: &Attempt, sql: &Value) -> Rows {
    let mut rows = Rows::new();
    for execution in items(sql) {
        let mut values = Vec::new();
        for node in items(&execution["nodes"]) {
            let of_node = items(&node["metrics"]).iter();
            values.extend(of_node.map(|m| format!("{}|{}|{}", node["nodeId"], text(&m["name"]), text(&m["value"]))));
        }
        values.sort();
        if !values.is_empty() {
            rows.push(attempt.row([execution["id"].clone(), json!(values)]));
        }
    }
    rows
}

/// A row for each status: the status, how many, and what `of` makes of them.
fn by_status(attempt: &Attempt, list: &Value, of: impl Fn(&[&Value]) -> Vec<Value>) -> Rows {
    let mut rows = Rows::new();
    for status in ["ACTIVE", "COMPLETE", "COMPLETED", "FAILED", "PENDING", "RUNNING", "SKIPPED", "SUCCEEDED", "UNKNOWN"]
    {
        let those: Vec<_> = items(list).iter().filter(|item| item["status"] == status).collect();
        if !those.is_empty() {
            rows.push(attempt.row([json!(status), json!(those.len())].into_iter().chain(of(&those))));
        }
    }
    rows
}

fn items(array: &Value) -> &[Value] {
    array.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn sum(items: &[&Value], pointer: &str) -> Value {
    json!(items.iter().filter_map(|item| item.pointer(pointer)?.as_i64()).sum::<i64>())
}

/// A date of the REST API, as `2026-01-02T03:04:05.678GMT`, in milliseconds since the epoch.
fn millis(date: &Value) -> i64 {
    let date = text(date).replace("GMT", "Z");
    DateTime::parse_from_rfc3339(&date).unwrap_or_else(|error| panic!("{date}: {error}")).timestamp_millis()
}
