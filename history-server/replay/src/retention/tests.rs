use proptest::prelude::*;

use super::excess;
use crate::{Replay, Settings};
use history_model::Application;
use history_model::tasks::TaskColumn;

fn event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"SparkListener{name}\",{fields}}}\n")
}

fn sql_event(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.execution.ui.SparkListener{name}"), fields).replacen("SparkListener", "", 1)
}

fn stage_info(stage: i32, tasks: i32, ended: Option<i64>) -> String {
    let ended = ended.map(|ended| format!(",\"Completion Time\":{ended}")).unwrap_or_default();
    format!(
        r#"{{"Stage ID":{stage},"Stage Attempt ID":0,"Stage Name":"s","Number of Tasks":{tasks},"RDD Info":[],"Parent IDs":[],"Details":"","Submission Time":{}{ended}}}"#,
        1000 + stage
    )
}

fn task(kind: &str, stage: i32, id: i64, finish: i64) -> String {
    let end = if kind == "TaskEnd" {
        r#","Task Type":"ResultTask","Task End Reason":{"Reason":"Success"},"Task Metrics":{"Executor Run Time":7,"JVM GC Time":2}"#
    } else {
        ""
    };
    event(
        kind,
        &format!(
            r#""Stage ID":{stage},"Stage Attempt ID":0{end},"Task Info":{{"Task ID":{id},"Index":{id},"Attempt":0,"Partition ID":{id},"Launch Time":1000,"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":false,"Killed":false,"Accumulables":[{{"ID":9,"Name":"rows","Update":"{id}","Value":"{id}"}}]}}"#
        ),
    )
}

fn heartbeat(stage: i32, task: i64, run_time: i64) -> String {
    event(
        "ExecutorMetricsUpdate",
        &format!(
            r#""Executor ID":"1","Metrics Updated":[{{"Task ID":{task},"Stage ID":{stage},"Stage Attempt ID":0,"Accumulator Updates":[{{"ID":1,"Name":"internal.metrics.executorRunTime","Update":{run_time},"Internal":true,"Count Failed Values":true}}]}}],"Executor Metrics Updated":[{{"Stage ID":{stage},"Stage Attempt ID":0,"Executor Metrics":{{"JVMHeapMemory":{run_time}}}}}]"#
        ),
    )
}

/// The tasks of a stage: started `at_once` at a time, each told of by a heartbeat, and ended in the order of their ids.
fn tasks(stage: i32, ids: std::ops::Range<i64>, at_once: usize) -> String {
    let all: Vec<_> = ids.collect();
    let waves = all.chunks(at_once).map(|wave| {
        let starts: String = wave.iter().map(|id| task("TaskStart", stage, *id, 0)).collect();
        let rest = wave.iter().map(|id| heartbeat(stage, *id, 3) + &task("TaskEnd", stage, *id, 2000 + id));
        starts + &rest.collect::<String>()
    });
    waves.collect()
}

/// A query of one job of one stage, all of the same number.
fn query(number: i32, tasks_of_it: i64) -> String {
    let properties = format!("\"Properties\":{{\"spark.sql.execution.id\":\"{number}\"}}");
    let submitted = stage_info(number, tasks_of_it as i32, None);
    let first = i64::from(number) * tasks_of_it;
    let ended = 5000 + i64::from(number);
    [
        sql_event(
            "SQLExecutionStart",
            &format!(r#""executionId":{number},"description":"d","physicalPlanDescription":"p","sparkPlanInfo":{{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{{}},"metrics":[]}},"time":900"#),
        ),
        event("JobStart", &format!(r#""Job ID":{number},"Submission Time":950,"Stage Infos":[{submitted}],"Stage IDs":[{number}],{properties}"#)),
        event("StageSubmitted", &format!("\"Stage Info\":{submitted},{properties}")),
        tasks(number, first..first + tasks_of_it, 2),
        event("StageCompleted", &format!("\"Stage Info\":{}", stage_info(number, tasks_of_it as i32, Some(ended)))),
        event("JobEnd", &format!(r#""Job ID":{number},"Completion Time":{ended},"Job Result":{{"Result":"JobSucceeded"}}"#)),
        sql_event("SQLExecutionEnd", &format!(r#""executionId":{number},"time":{ended},"errorMessage":"""#)),
    ]
    .concat()
}

fn executors(from: i32, to: i32) -> String {
    let one = |id: i32| {
        let added = format!(
            r#""Timestamp":10,"Executor ID":"{id}","Executor Info":{{"Host":"h","Total Cores":2,"Log Urls":{{}}}}"#
        );
        let removed = format!(r#""Timestamp":20,"Executor ID":"{id}","Removed Reason":"""#);
        event("ExecutorAdded", &added) + &event("ExecutorRemoved", &removed)
    };
    (from..to).map(one).collect()
}

fn replay(log: &str, settings: &Settings) -> Application {
    let mut replay = Replay::new(settings.clone());
    replay.feed(log.as_bytes());
    replay.finish(9000)
}

#[test]
fn a_tenth_goes_at_least() {
    assert_eq!([excess(20, 20), excess(21, 20), excess(31, 20), excess(6, 5)], [0, 2, 11, 1]);
}

#[test]
fn what_ended_first_goes_and_a_tenth_of_the_limit_at_once() {
    let log: String = (0..25).map(|number| query(number, 1)).collect();
    let limits = Settings {
        retained_jobs: Some(20),
        retained_stages: Some(10),
        retained_executions: Some(20),
        ..Settings::default()
    };
    let app = replay(&log, &limits);
    // The 21st job made two go, and so did every second one after it.
    assert_eq!(app.jobs.iter().map(|job| job.data.job_id).collect::<Vec<_>>(), (6..25).collect::<Vec<_>>());
    let stages: Vec<_> = app.stages.iter().map(|stage| stage.data.stage_id).collect();
    assert_eq!(stages, (15..25).collect::<Vec<_>>());
    assert_eq!(app.tasks.stages.keys().map(|key| key.0).collect::<Vec<_>>(), stages);
    assert_eq!(app.rdd_graphs.keys().copied().collect::<Vec<_>>(), stages);
    // An execution is written down when its first job starts: of those before, only one too many has to go by then.
    assert_eq!(app.sql.iter().map(|execution| execution.id).collect::<Vec<_>>(), (5..25).collect::<Vec<_>>());
    assert!(replay(&log, &Settings::default()).jobs.len() == 25);
}

#[test]
fn what_is_too_much_by_itself_goes_when_it_is_first_written_down() {
    let log: String = (0..3).map(|number| query(number, 1)).collect();
    let without_jobs: String = log.split_inclusive('\n').filter(|line| line.contains("SQLExecution")).collect();
    let none = Settings { retained_executions: Some(0), ..Settings::default() };
    let ids = |log: &str| replay(log, &none).sql.iter().map(|execution| execution.id).collect::<Vec<_>>();
    assert_eq!(ids(&without_jobs), [0; 0]);
    // Where there are jobs, that was when the first one started: nothing had ended then that could go but the one before.
    assert_eq!(ids(&log), [2]);
}

#[test]
fn of_executors_that_are_gone_the_lowest_ids_go_as_text() {
    let app = replay(&executors(1, 13), &Settings { retained_dead_executors: Some(4), ..Settings::default() });
    let ids: Vec<_> = app.executors.iter().map(|executor| executor.id.as_str()).collect();
    assert_eq!(ids, ["6", "7", "8", "9"]);
}

#[test]
fn of_tasks_that_are_gone_nothing_is_left_that_their_executors_measured() {
    let stage = stage_info(0, 12, None);
    let submitted = event("StageSubmitted", &format!("\"Stage Info\":{stage},\"Properties\":{{}}"));
    let measured = "\"Task Executor Metrics\":{\"JVMHeapMemory\":5,\"TotalGCTime\":3},\"Task Metrics\"";
    let log = submitted + &tasks(0, 0..12, 2).replace("\"Task Metrics\"", measured);
    let ids = |settings: &Settings| {
        let app = replay(&log, settings);
        let (table, peaks) = (&app.tasks.stages[&(0, 0)], &app.tasks.peaks[&(0, 0)]);
        let of_table: Vec<_> = table.column(TaskColumn::TaskId).iter().collect();
        let of_peaks: Vec<_> = (0..peaks.len()).map(|row| peaks.task_id(row)).collect();
        assert_eq!((of_table, peaks.peaks(0).get("TotalGCTime")), (of_peaks.clone(), 3));
        of_peaks
    };
    assert_eq!(ids(&Settings::default()), (0..12).collect::<Vec<_>>());
    assert_eq!(ids(&Settings { retained_tasks: Some(5), ..Settings::default() }), [7, 8, 9, 10, 11]);
}

#[test]
fn of_tasks_those_that_ended_first_go_and_their_accumulators_with_them() {
    let settings = Settings { retained_tasks: Some(5), ..Settings::default() };
    let stage = stage_info(0, 12, None);
    let submitted = event("StageSubmitted", &format!("\"Stage Info\":{stage},\"Properties\":{{}}"));
    let app = replay(&(submitted.clone() + &tasks(0, 0..12, 2)), &settings);
    let table = &app.tasks.stages[&(0, 0)];
    assert_eq!(table.column(TaskColumn::TaskId).iter().collect::<Vec<_>>(), [7, 8, 9, 10, 11]);
    let of_rows: Vec<_> = (0..5).map(|row| table.accumulables_of(row)[0].update.as_deref().unwrap()).collect();
    assert_eq!(of_rows, ["7", "8", "9", "10", "11"]);
    // When too many run at once there is nothing to drop, and they are forgotten as far as the limit goes.
    let app = replay(&(submitted + &tasks(0, 0..12, 12)), &settings);
    assert_eq!(app.tasks.stages[&(0, 0)].len(), 12);
    assert_eq!(app.stage(0, 0).unwrap().data.num_complete_tasks, 12);
}

#[test]
fn memory_stays_within_the_limits() {
    let settings = Settings {
        retained_jobs: Some(10),
        retained_stages: Some(10),
        retained_tasks: Some(50),
        retained_dead_executors: Some(10),
        retained_executions: Some(10),
        ..Settings::default()
    };
    let mut replay = Replay::new(settings);
    for number in 0..300 {
        replay.feed(query(number, 3).as_bytes());
        replay.feed(executors(number, number + 1).as_bytes());
        let state = &replay.state;
        assert!(state.jobs.len() <= 10 && state.stages.len() <= 10 && state.executors.len() <= 10, "at {number}");
        assert!(state.tables.stages.len() <= 10 && state.stage_executors.len() <= 10 && state.rdd_graphs.len() <= 11);
        assert!(state.all_jobs.len() <= 2 && state.retention.tasks.len() <= 10);
        assert!(state.sql.sizes().iter().all(|size| *size <= 11), "{:?}", state.sql.sizes());
    }
    replay.feed(
        event("StageSubmitted", &format!("\"Stage Info\":{},\"Properties\":{{}}", stage_info(999, 1, None))).as_bytes(),
    );
    for wave in 0..100 {
        replay.feed(tasks(999, 100_000 + wave * 50..100_050 + wave * 50, 2).as_bytes());
        assert!(replay.state.tables.stages[&(999, 0)].len() <= 50 + super::MIN_DROPPED + 50);
    }
}

fn limit() -> impl Strategy<Value = Option<usize>> {
    prop::option::of(0..6_usize)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn under_limits_how_a_log_is_split_makes_no_difference(
        mut cuts in prop::collection::vec(0.0..1.0f64, 0..5),
        limits in (limit(), limit(), limit(), limit(), limit()),
        threads in 1..3_usize,
    ) {
        let log: String = (0..8).map(|number| query(number, 7) + &executors(number, number + 2)).collect();
        let bytes = log.as_bytes();
        let settings = Settings {
            retained_jobs: limits.0,
            retained_stages: limits.1,
            retained_tasks: limits.2,
            retained_dead_executors: limits.3,
            retained_executions: limits.4,
            threads,
            ..Settings::default()
        };
        cuts.sort_by(f64::total_cmp);
        let mut growing = Replay::new(settings.clone());
        let mut from = 0;
        for cut in cuts {
            let to = (cut * bytes.len() as f64) as usize;
            growing.feed(&bytes[from..to]);
            let mut prefix = Replay::new(settings.clone());
            prefix.feed(&bytes[..to]);
            prop_assert_eq!(growing.snapshot(9000), prefix.finish(9000));
            from = to;
        }
        growing.feed(&bytes[from..]);
        prop_assert_eq!(growing.finish(9000), replay(&log, &settings));
    }
}
