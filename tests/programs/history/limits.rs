//! What is dropped under limits on what is retained: Spark's history server and ours with the same small limits, on the
//! same logs, show the same jobs, stages, tasks, executors and SQL executions.

use serde_json::Value;

use super::compare::Tally;
use super::listed::wait_for_the_same_list;
use super::servers::{Client, Question, hearth_with, reference_with};

/// As many jobs, stages, tasks of a stage, executors that are gone, and SQL executions as may be kept.
pub(super) type Limits = [usize; 5];

const SPARK: [&str; 5] = [
    "spark.ui.retainedJobs",
    "spark.ui.retainedStages",
    "spark.ui.retainedTasks",
    "spark.ui.retainedDeadExecutors",
    "spark.sql.ui.retainedExecutions",
];

const OURS: [&str; 5] =
    ["--retained-jobs", "--retained-stages", "--retained-tasks", "--retained-dead-executors", "--retained-executions"];

/// Fails on any answer that differs, and when the limits made no difference.
pub(super) async fn compare(logs: &std::path::Path, limits: Limits) {
    let theirs: Vec<_> = SPARK.iter().zip(limits).map(|(name, limit)| format!("{name}={limit}")).collect();
    let ours: Vec<_> =
        OURS.iter().zip(limits).flat_map(|(name, limit)| [(*name).to_owned(), limit.to_string()]).collect();
    let (theirs, ours) = (reference_with(logs, &theirs).await, hearth_with(logs, &ours).await);
    wait_for_the_same_list(&theirs.client, &ours.client).await;
    let mut tally = Tally::new(format!("limits {limits:?}"));
    let mut dropped = [0; 4];
    for root in roots(&theirs.client).await {
        let asked = questions(&theirs.client, &root, &mut dropped).await;
        for question in asked.into_iter().map(|path| Question::get(format!("{root}/{path}"))) {
            let (want, got) = tokio::join!(theirs.client.ask(&question), ours.client.ask(&question));
            let again = if want.body == got.body { None } else { Some(theirs.client.ask(&question).await) };
            tally.compare(&question, &want, again.as_ref().unwrap_or(&want), &got);
        }
    }
    println!("Spark dropped jobs, stages, tasks and executions in so many places: {dropped:?}");
    tally.finish();
    assert!(dropped.iter().all(|places| *places > 0), "the limits {limits:?} do not bite");
}

async fn roots(theirs: &Client) -> Vec<String> {
    let mut roots = Vec::new();
    for application in theirs.json("/applications").await.as_array().into_iter().flatten() {
        let id = application["id"].as_str().unwrap();
        roots.extend(application["attempts"].as_array().into_iter().flatten().map(|attempt| {
            let attempt = attempt["attemptId"].as_str().map(|attempt| format!("/{attempt}")).unwrap_or_default();
            format!("/applications/{id}{attempt}")
        }));
    }
    roots
}

/// What is asked about an attempt of an application. Counts where jobs, stages, tasks and executions are missing.
async fn questions(theirs: &Client, root: &str, dropped: &mut [usize; 4]) -> Vec<String> {
    let mut asked: Vec<_> = ["jobs", "jobs/0", "stages?withSummaries=true", "stages/0", "allexecutors", "storage/rdd"]
        .into_iter()
        .chain(["sql?length=-1", "sql/0", "sql/sqlTable?length=100"])
        .map(str::to_owned)
        .collect();
    let jobs = theirs.json(&format!("{root}/jobs")).await;
    let (stages, sql) = (
        theirs.json(&format!("{root}/stages")).await,
        theirs.json(&format!("{root}/sql?details=false&length=-1")).await,
    );
    dropped[0] += usize::from(is_gap(&jobs, "jobId"));
    dropped[1] += usize::from(is_gap(&stages, "stageId"));
    dropped[3] += usize::from(is_gap(&sql, "id"));
    for stage in stages.as_array().into_iter().flatten() {
        let path = format!("stages/{}/{}", stage["stageId"], stage["attemptId"]);
        let tasks = theirs.json(&format!("{root}/{path}/taskList?length=100000")).await;
        let ended =
            ["numCompleteTasks", "numFailedTasks", "numKilledTasks"].map(|count| stage[count].as_u64().unwrap());
        dropped[2] += usize::from((tasks.as_array().map_or(0, Vec::len) as u64) < ended.iter().sum());
        asked.extend(["", "/taskList?length=100000", "/taskSummary"].map(|more| format!("{path}{more}")));
    }
    asked
}

/// Whether numbers are missing that count from 0.
fn is_gap(items: &Value, id: &str) -> bool {
    let ids: std::collections::BTreeSet<_> =
        items.as_array().into_iter().flatten().map(|item| item[id].as_i64()).collect();
    let highest = ids.last().copied().flatten();
    highest.is_some_and(|highest| ids.len() as i64 <= highest)
}
