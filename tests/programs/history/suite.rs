//! The cases of Spark's own `HistoryServerSuite`: its event logs and its expected answers, from the jar of Spark's tests
//! that `tests/setup programs` fetches by its Maven coordinates. Compared as that suite does: as JSON trees, without what
//! depends on where and when the files were copied.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::compare::tree_differences;
use super::servers::{Client, Ours, Question, hearth};
use crate::support::cache;
use crate::support::wait::eventually;

/// The name of a case in that suite, and the path after `/applications`.
const CASES: &[(&str, &str)] = &[
    ("application list json", ""),
    ("completed app list json", "?status=completed"),
    ("running app list json", "?status=running"),
    ("minDate app list json", "?minDate=2015-02-10"),
    ("maxDate app list json", "?maxDate=2015-02-10"),
    ("maxDate2 app list json", "?maxDate=2015-02-03T16:42:40.000GMT"),
    ("minEndDate app list json", "?minEndDate=2015-05-06T13:03:00.950GMT"),
    ("maxEndDate app list json", "?maxEndDate=2015-05-06T13:03:00.950GMT"),
    ("minEndDate and maxEndDate app list json", "?minEndDate=2015-03-16&maxEndDate=2015-05-06T13:03:00.950GMT"),
    ("minDate and maxEndDate app list json", "?minDate=2015-03-16&maxEndDate=2015-05-06T13:03:00.950GMT"),
    ("limit app list json", "?limit=3"),
    ("one app json", "/local-1422981780767"),
    ("one app multi-attempt json", "/local-1426533911241"),
    ("job list json", "/local-1422981780767/jobs"),
    ("job list from multi-attempt app json(1)", "/local-1426533911241/1/jobs"),
    ("job list from multi-attempt app json(2)", "/local-1426533911241/2/jobs"),
    ("one job json", "/local-1422981780767/jobs/0"),
    ("succeeded job list json", "/local-1422981780767/jobs?status=succeeded"),
    ("succeeded&failed job list json", "/local-1422981780767/jobs?status=succeeded&status=failed"),
    ("executor list json", "/local-1422981780767/executors"),
    ("executor list with executor metrics json", "/application_1553914137147_0018/executors"),
    ("stage list json", "/local-1422981780767/stages"),
    ("complete stage list json", "/local-1422981780767/stages?status=complete"),
    ("failed stage list json", "/local-1422981780767/stages?status=failed"),
    ("one stage json", "/local-1422981780767/stages/1"),
    ("one stage json with details", "/local-1422981780767/stages/1?details=true&taskStatus=success"),
    ("one stage attempt json", "/local-1422981780767/stages/1/0"),
    (
        "one stage attempt json details with failed task",
        "/local-1422981780767/stages/1/0?details=true&taskStatus=failed",
    ),
    ("one stage json with partitionId", "/local-1642039451826/stages/2"),
    ("stage task summary w shuffle write", "/local-1430917381534/stages/0/0/taskSummary"),
    ("stage task summary w shuffle read", "/local-1430917381534/stages/1/0/taskSummary"),
    ("stage task summary w/ custom quantiles", "/local-1430917381534/stages/0/0/taskSummary?quantiles=0.01,0.5,0.99"),
    ("stage task list", "/local-1430917381534/stages/0/0/taskList"),
    ("stage task list w/ offset & length", "/local-1430917381534/stages/0/0/taskList?offset=10&length=50"),
    ("stage task list w/ sortBy", "/local-1430917381534/stages/0/0/taskList?sortBy=DECREASING_RUNTIME"),
    ("stage task list w/ sortBy short names: -runtime", "/local-1430917381534/stages/0/0/taskList?sortBy=-runtime"),
    ("stage task list w/ sortBy short names: runtime", "/local-1430917381534/stages/0/0/taskList?sortBy=runtime"),
    ("stage task list w/ status", "/app-20161115172038-0000/stages/0/0/taskList?status=failed"),
    (
        "stage task list w/ status & offset & length",
        "/local-1430917381534/stages/0/0/taskList?status=success&offset=1&length=2",
    ),
    (
        "stage task list w/ status & sortBy short names: runtime",
        "/local-1430917381534/stages/0/0/taskList?status=success&sortBy=runtime",
    ),
    ("stage task list with partitionId", "/local-1642039451826/stages/0/0/taskList"),
    ("stage list with accumulable json", "/local-1426533911241/1/stages"),
    ("stage with accumulable json", "/local-1426533911241/1/stages/0/0"),
    ("stage task list from multi-attempt app json(1)", "/local-1426533911241/1/stages/0/0/taskList"),
    ("stage task list from multi-attempt app json(2)", "/local-1426533911241/2/stages/0/0/taskList"),
    ("excludeOnFailure for stage", "/app-20180109111548-0000/stages/0/0"),
    ("excludeOnFailure node for stage", "/application_1516285256255_0012/stages/0/0"),
    ("rdd list storage json", "/local-1422981780767/storage/rdd"),
    ("executor node excludeOnFailure", "/app-20161116163331-0000/executors"),
    ("executor node excludeOnFailure unexcluding", "/app-20161115172038-0000/executors"),
    ("executor memory usage", "/app-20161116163331-0000/executors"),
    ("executor resource information", "/application_1555004656427_0144/executors"),
    ("multiple resource profiles", "/application_1578436911597_0052/environment"),
    ("stage list with peak metrics", "/app-20200706201101-0003/stages"),
    ("stage with peak metrics", "/app-20200706201101-0003/stages/2/0"),
    ("stage with summaries", "/app-20200706201101-0003/stages/2/0?withSummaries=true"),
    ("app environment", "/app-20161116163331-0000/environment"),
    ("one rdd storage json", "/local-1422981780767/storage/rdd/0"),
    ("miscellaneous process", "/application_1555004656427_0144/allmiscellaneousprocess"),
    ("stage with speculation summary", "/application_1628109047826_1317105/stages/0/0/"),
];

/// What depends on where and when the logs were copied, and a field that Spark 4.3 has and the suite's 4.2 had not.
const LEFT_OUT: [&str; 5] = ["lastUpdated", "lastUpdatedEpoch", "logSourceName", "logSourceFullPath", "exitCode"];

fn folder() -> PathBuf {
    cache::needed(format!("spark-suite-{}", cache::version("SPARK_SUITE")), "programs")
}

/// Our server on that suite's logs.
pub(super) async fn server() -> Ours {
    hearth(&folder().join("spark-events")).await
}

/// Runs every case, prints which pass, and fails when one does not.
pub(super) async fn run(client: &Client) {
    let all = expected(CASES[0].0);
    eventually("all applications in the list", Duration::from_secs(60), async || {
        let listed = client.json("/applications").await;
        (listed.as_array()?.len() >= all.as_array()?.len()).then_some(())
    })
    .await;
    let mut failed = Vec::new();
    for (name, path) in CASES {
        let answer = client.ask(&Question::get(format!("/applications{path}"))).await;
        let mut got = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        leave_out(&mut got);
        let want = expected(name);
        if let Some(difference) = tree_differences(&want, &want, &got).first() {
            failed.push(format!("{name}: {difference}"));
        }
    }
    println!("{} of {} cases of Spark's own suite pass", CASES.len() - failed.len(), CASES.len());
    assert!(failed.is_empty(), "{} cases fail:\n{}", failed.len(), failed.join("\n"));
}

fn expected(name: &str) -> Value {
    let file: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let path = folder().join("HistoryServerExpectations").join(format!("{file}_expectation.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut tree = serde_json::from_slice(&text).unwrap();
    leave_out(&mut tree);
    tree
}

fn leave_out(tree: &mut Value) {
    match tree {
        Value::Object(fields) => {
            LEFT_OUT.iter().for_each(|key| drop(fields.remove(*key)));
            fields.values_mut().for_each(leave_out);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out),
        _ => {}
    }
}
