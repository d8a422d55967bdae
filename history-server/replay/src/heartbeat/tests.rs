use crate::{Replay, Settings};
use history_model::Application;
use history_model::metric;
use history_model::tasks::TaskColumn;

fn event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"{name}\",{fields}}}\n")
}

/// A query whose only job has one stage of two tasks, with a metric of its own, up to where the tasks run.
fn beginning() -> String {
    let info = r#"{"Stage ID":0,"Stage Attempt ID":0,"Stage Name":"s","Number of Tasks":2,"RDD Info":[],"Parent IDs":[],"Details":"","Submission Time":1000}"#;
    let plan = r#"{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{},"metrics":[{"name":"rows","accumulatorId":70,"metricType":"sum"}]}"#;
    let properties = r#""Properties":{"spark.sql.execution.id":"0"}"#;
    [
        event(
            "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart",
            &format!(
                r#""executionId":0,"description":"d","physicalPlanDescription":"p","sparkPlanInfo":{plan},"time":900"#
            ),
        ),
        event(
            "SparkListenerJobStart",
            &format!(r#""Job ID":0,"Submission Time":950,"Stage Infos":[{info}],"Stage IDs":[0],{properties}"#),
        ),
        event("SparkListenerStageSubmitted", &format!("\"Stage Info\":{info},{properties}")),
        task("SparkListenerTaskStart", 4, 0, ""),
        task("SparkListenerTaskStart", 5, 1, ""),
    ]
    .concat()
}

fn task(kind: &str, id: i64, finish: i64, more: &str) -> String {
    let index = id - 4;
    let failed = more.contains("ExecutorLostFailure");
    event(
        kind,
        &format!(
            r#""Stage ID":0,"Stage Attempt ID":0{more},"Task Info":{{"Task ID":{id},"Index":{index},"Attempt":0,"Partition ID":{index},"Launch Time":1000,"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":{failed},"Killed":false,"Accumulables":[{{"ID":70,"Name":"rows","Update":"50","Value":"50","Internal":true,"Count Failed Values":true,"Metadata":"sql"}}]}}"#
        ),
    )
}

fn end(id: i64, reason: &str) -> String {
    let metrics = r#""Task Metrics":{"Executor Run Time":900,"JVM GC Time":6,"Input Metrics":{"Bytes Read":100,"Records Read":10}}"#;
    task(
        "SparkListenerTaskEnd",
        id,
        2000,
        &format!(r#","Task Type":"ResultTask","Task End Reason":{reason},{metrics}"#),
    )
}

/// What the executor says of a task: how long it has run, and the rows that it has seen.
fn heartbeat(task: i64, run_time: i64, rows: i64) -> String {
    event(
        "SparkListenerExecutorMetricsUpdate",
        &format!(
            r#""Executor ID":"driver","Metrics Updated":[{{"Task ID":{task},"Stage ID":0,"Stage Attempt ID":0,"Accumulator Updates":[{{"ID":1,"Name":"internal.metrics.executorRunTime","Update":{run_time},"Internal":true,"Count Failed Values":true}},{{"ID":2,"Name":"internal.metrics.shuffle.push.read.localMergedBytesRead","Update":8,"Internal":true,"Count Failed Values":true}},{{"ID":3,"Name":"internal.metrics.updatedBlockStatuses","Update":[],"Internal":true}},{{"ID":70,"Name":"rows","Update":"{rows}","Internal":true,"Count Failed Values":true,"Metadata":"sql"}}]}}],"Executor Metrics Updated":[]"#
        ),
    )
}

const SUCCESS: &str = r#"{"Reason":"Success"}"#;
const LOST: &str = r#"{"Reason":"ExecutorLostFailure","Executor ID":"1","Exit Caused By App":true,"Loss Reason":"x"}"#;

fn replay(log: &[String]) -> Application {
    let mut replay = Replay::new(Settings::default());
    replay.feed(log.concat().as_bytes());
    assert_eq!(replay.problems().bad_lines, 0);
    replay.finish(3000)
}

#[test]
fn a_task_that_never_ended_has_what_it_told_last() {
    let app = replay(&[beginning(), heartbeat(4, 300, 20), heartbeat(4, 500, 30)]);
    let table = &app.tasks.stages[&(0, 0)];
    assert_eq!(table.column(TaskColumn::HasMetrics).iter().collect::<Vec<_>>(), [1, 0]);
    let told = table.metrics_of(0).unwrap();
    assert_eq!((told[metric::EXECUTOR_RUN_TIME], told[metric::SHUFFLE_MERGED_LOCAL_BYTES_READ]), (500, 8));
    let stage = app.stage(0, 0).unwrap();
    assert_eq!((stage.data.executor_run_time, stage.data.shuffle_merged_local_bytes_read), (500, 8));
    // The summary is of the executor that told, whoever ran the task.
    assert!(stage.executors.contains_key("driver") && !stage.executors.contains_key("1"));
    assert_eq!(app.sql_execution(0).unwrap().metric_values[&70], "30");
}

#[test]
fn an_end_counts_only_what_heartbeats_had_not_told() {
    let app = replay(&[beginning(), heartbeat(4, 300, 20), end(4, SUCCESS), heartbeat(4, 7000, 99)]);
    let stage = app.stage(0, 0).unwrap();
    assert_eq!((stage.data.executor_run_time, stage.data.input_bytes), (900, 100));
    assert_eq!(stage.data.shuffle_merged_local_bytes_read, 0);
    assert_eq!(app.sql_execution(0).unwrap().metric_values[&70], "50");
}

#[test]
fn a_late_word_of_a_task_that_failed_counts_for_sql() {
    let app = replay(&[beginning(), end(4, LOST), heartbeat(4, 7000, 99)]);
    assert_eq!(app.stage(0, 0).unwrap().data.executor_run_time, 900);
    assert_eq!(app.sql_execution(0).unwrap().metric_values[&70], "99");
}

#[test]
fn a_task_that_nobody_started_is_not_known() {
    let app = replay(&[beginning(), heartbeat(77, 300, 20)]);
    assert_eq!(app.stage(0, 0).unwrap().data.executor_run_time, 0);
    assert!(app.sql_execution(0).unwrap().metric_values.is_empty());
}
