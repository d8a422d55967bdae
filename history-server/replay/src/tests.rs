mod services;

use proptest::prelude::*;

use super::{Replay, Settings};
use history_model::Application;
use history_model::plan::{MetricTask, MetricValue, PlanGraph};
use history_model::types::{JobExecutionStatus, StageStatus};

/// What an event says beside its name.
fn event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"{name}\",{fields}}}\n")
}

fn sql_event(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.execution.ui.SparkListener{name}"), fields)
}

fn stage_info(id: i32, num_tasks: i32, more: &str) -> String {
    format!(
        r#"{{"Stage ID":{id},"Stage Attempt ID":0,"Stage Name":"stage {id}","Number of Tasks":{num_tasks},"RDD Info":[{{"RDD ID":4,"Name":"rdd","Storage Level":{{"Use Disk":false,"Use Memory":true,"Deserialized":true,"Replication":1}},"Number of Partitions":2,"Number of Cached Partitions":0,"Memory Size":0,"Disk Size":0}}],"Parent IDs":[],"Details":"at Main.scala"{more}}}"#
    )
}

fn task_info(id: i64, index: i32, executor: &str, finish: i64, rows: i64) -> String {
    format!(
        r#""Task Info":{{"Task ID":{id},"Index":{index},"Attempt":0,"Partition ID":{index},"Launch Time":{},"Executor ID":"{executor}","Host":"host-{executor}","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":false,"Killed":false,"Accumulables":[{{"ID":70,"Name":"rows","Update":"{rows}","Value":"9","Internal":true,"Count Failed Values":true,"Metadata":"sql"}},{{"ID":71,"Name":"time","Update":"{rows}","Value":"9","Internal":true,"Count Failed Values":true,"Metadata":"sql"}}]}}"#,
        1000 + id
    )
}

fn task_start(stage: i32, id: i64, index: i32, executor: &str) -> String {
    let info = task_info(id, index, executor, 0, 0);
    event("SparkListenerTaskStart", &format!("\"Stage ID\":{stage},\"Stage Attempt ID\":0,{info}"))
}

fn task_end(stage: i32, id: i64, index: i32, executor: &str, reason: &str, rows: i64) -> String {
    let info = task_info(id, index, executor, 1500 + id, rows);
    let metrics = r#""Task Metrics":{"Executor Run Time":300,"JVM GC Time":5,"Input Metrics":{"Bytes Read":100,"Records Read":10}}"#;
    let fields = format!(
        "\"Stage ID\":{stage},\"Stage Attempt ID\":0,\"Task Type\":\"ResultTask\",\"Task End Reason\":{reason},{info},{metrics}"
    );
    event("SparkListenerTaskEnd", &fields)
}

const SUCCESS: &str = r#"{"Reason":"Success"}"#;
const RESUBMITTED: &str = r#"{"Reason":"Resubmitted"}"#;

/// A query with one job of two stages, of which one is skipped; one executor is lost after its task had succeeded.
fn log() -> String {
    let executor = |id: &str| {
        event(
            "SparkListenerExecutorAdded",
            &format!(
                r#""Timestamp":10,"Executor ID":"{id}","Executor Info":{{"Host":"host-{id}","Total Cores":2,"Log Urls":{{}}}}"#
            ),
        )
    };
    let plan = r#"{"nodeName":"WholeStageCodegen (1)","simpleString":"","children":[{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{},"metrics":[{"name":"rows","accumulatorId":70,"metricType":"sum"},{"name":"time","accumulatorId":71,"metricType":"timing"}]}],"metadata":{},"metrics":[]}"#;
    let infos = format!("[{},{}]", stage_info(0, 3, ""), stage_info(1, 2, ""));
    let properties = r#""Properties":{"spark.sql.execution.id":"0","spark.job.description":"query"}"#;
    let submitted = stage_info(1, 2, ",\"Submission Time\":1000");
    let completed = stage_info(1, 2, ",\"Submission Time\":1000,\"Completion Time\":2000");
    let completed = completed.replace("\"Parent IDs\":[]", "\"Parent IDs\":[0]");
    [
        event("SparkListenerLogStart", "\"Spark Version\":\"4.0.0\""),
        event(
            "SparkListenerApplicationStart",
            r#""App Name":"añ app","App ID":"app-1","Timestamp":5,"User":"ann""#,
        ),
        executor("1"),
        executor("2"),
        sql_event(
            "SQLExecutionStart",
            &format!(
                r#""executionId":0,"description":"select","physicalPlanDescription":"plan","sparkPlanInfo":{plan},"time":900"#
            ),
        ),
        event(
            "SparkListenerJobStart",
            &format!(r#""Job ID":0,"Submission Time":950,"Stage Infos":{infos},"Stage IDs":[0,1],{properties}"#),
        ),
        event("SparkListenerStageSubmitted", &format!("\"Stage Info\":{submitted},{properties}")),
        task_start(1, 1, 0, "1"),
        task_start(1, 2, 1, "2"),
        task_end(1, 1, 0, "1", SUCCESS, 30),
        task_end(1, 1, 0, "1", RESUBMITTED, 0),
        "this is no event\n".to_owned(),
        event("com.acme.Unknown", "\"x\":1"),
        task_end(1, 2, 1, "2", SUCCESS, 12),
        event("SparkListenerStageCompleted", &format!("\"Stage Info\":{completed}")),
        event(
            "SparkListenerJobEnd",
            r#""Job ID":0,"Completion Time":2100,"Job Result":{"Result":"JobSucceeded"}"#,
        ),
        sql_event("SQLExecutionEnd", r#""executionId":0,"time":2200,"errorMessage":"""#),
        event("SparkListenerApplicationEnd", "\"Timestamp\":3000"),
    ]
    .concat()
}

fn replay(pieces: &[&[u8]]) -> Application {
    let mut replay = Replay::new(Settings::default());
    pieces.iter().for_each(|piece| replay.feed(piece));
    replay.finish(4000)
}

#[test]
fn events_become_jobs_stages_tasks_and_executions() {
    let app = replay(&[log().as_bytes()]);
    let attempt = app.attempt.as_ref().unwrap();
    assert_eq!((attempt.app_id.as_str(), attempt.spark_version.as_str()), ("app-1", "4.0.0"));
    assert_eq!((attempt.name.as_str(), attempt.end_time), ("añ app", Some(3000)));
    let job = app.job(0).unwrap();
    assert_eq!(job.data.status, JobExecutionStatus::Succeeded);
    assert_eq!((job.data.num_tasks, job.data.num_completed_tasks, job.data.num_failed_tasks), (5, 2, 1));
    assert_eq!((job.data.num_skipped_stages, job.data.num_skipped_tasks), (1, 3));
    assert_eq!((job.data.name.as_str(), job.sql_execution_id), ("stage 1", Some(0)));
    assert_eq!(app.stage(0, 0).unwrap().data.status, StageStatus::Skipped);
    let stage = app.stage(1, 0).unwrap();
    assert_eq!(stage.data.status, StageStatus::Complete);
    assert_eq!((stage.data.executor_run_time, stage.data.input_bytes), (600, 200));
    assert_eq!((stage.data.num_active_tasks, stage.data.num_completed_indices), (0, 2));
    assert_eq!(stage.data.description.as_deref(), Some("query"));
    assert_eq!((stage.locality["ANY"], stage.parent_ids.as_slice()), (2, &[0][..]));
    assert_eq!(app.tasks.stages[&(1, 0)].len(), 2);
}

#[test]
fn a_task_that_is_run_again_counts_its_time_once() {
    let app = replay(&[log().as_bytes()]);
    let stage = app.stage(1, 0).unwrap();
    let summary = &stage.executors["1"];
    assert_eq!((summary.task_time, summary.succeeded_tasks, summary.failed_tasks), (500, 1, 1));
    let executor = app.executor("1").unwrap();
    assert_eq!((executor.total_duration, executor.completed_tasks, executor.failed_tasks), (500, 1, 1));
    assert_eq!((executor.active_tasks, executor.max_tasks), (0, 2));
}

#[test]
fn metrics_of_plans_are_added_up_as_spark_shows_them() {
    let app = replay(&[log().as_bytes()]);
    let execution = app.sql_execution(0).unwrap();
    assert_eq!(execution.status(), "COMPLETED");
    assert_eq!(execution.metric_values[&70], "42");
    let task = |task_id| Some(MetricTask { stage_id: 1, stage_attempt_id: 0, task_id });
    let rows = MetricValue { count: 2, sum: 42, min: 12, median: 30, max: 30, max_task: task(1) };
    assert_eq!((execution.metric_numbers[&70], execution.metric_numbers[&71]), (rows, rows));
    let spread = "total (min, med, max (stageId: taskId))\n42 ms (12 ms, 30 ms, 30 ms (stage 1.0: task 1))";
    assert_eq!(execution.metric_values[&71], spread);
    let names: Vec<_> =
        execution.graph.as_ref().unwrap().all_nodes().map(|node| (node.id, node.name.as_str())).collect();
    assert_eq!(names, [(1, "Scan"), (0, "WholeStageCodegen (1)")]);
}

/// The plan that a query was started with stays, however often adaptive execution changes it, and so does what sources say.
#[test]
fn a_changed_plan_is_kept_as_it_was_and_as_it_is() {
    let scan = r#"{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{"Location":"file:/t","PushedFilters":"[]"},"metrics":[]}"#;
    let node = |name: &str| {
        format!(
            r#"{{"nodeName":"{name}","simpleString":"","children":[{scan}],"metadata":{{"bad":[1]}},"metrics":[]}}"#
        )
    };
    let start =
        |id: i64| format!(r#""executionId":{id},"physicalPlanDescription":"","sparkPlanInfo":{},"time":1"#, node("A"));
    let update = |id: i64, name: &str| {
        let fields = format!(r#""executionId":{id},"physicalPlanDescription":"","sparkPlanInfo":{}"#, node(name));
        sql_event("SQLAdaptiveExecutionUpdate", &fields)
    };
    let log = [
        sql_event("SQLExecutionStart", &start(0)),
        sql_event("SQLExecutionStart", &start(1)),
        update(0, "B"),
        update(0, "C"),
        update(1, "A"),
    ];
    let app = replay(&[log.concat().as_bytes()]);
    let names = |graph: &Option<PlanGraph>| graph.as_ref().map(|graph| graph.nodes[0].name.clone());
    let execution = app.sql_execution(0).unwrap();
    assert_eq!((names(&execution.initial_graph), names(&execution.graph)), (Some("A".into()), Some("C".into())));
    let scan = &execution.graph.as_ref().unwrap().nodes[1];
    assert_eq!((scan.metadata["Location"].as_str(), scan.metadata["PushedFilters"].as_str()), ("file:/t", "[]"));
    let unchanged = app.sql_execution(1).unwrap();
    assert_eq!((names(&unchanged.initial_graph), names(&unchanged.graph)), (None, Some("A".into())));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_there() {
    let app = replay(&[log().as_bytes()]);
    assert_eq!((app.problems.bad_lines, app.problems.first_bad_line), (1, Some(12)));
    assert_eq!(app.problems.unknown_events["com.acme.Unknown"], 1);
    let torn = log();
    let torn = &torn.as_bytes()[..torn.len() - 10];
    let app = replay(&[torn]);
    assert!(app.problems.truncated);
    assert_eq!(app.attempt.unwrap().end_time, None);
}

#[test]
fn events_that_nobody_reads_are_kept_as_far_as_there_is_room() {
    let event = |bytes: usize| format!("{{\"Event\":\"com.acme.Big\",\"text\":\"{}\"}}\n", "x".repeat(bytes));
    let log: String = [event(1 << 20), event(1000)].concat() + &event(1_000_000).repeat(20);
    let app = replay(&[log.as_bytes()]);
    let lines: Vec<_> = app.other_events.iter().map(|event| event.line).collect();
    // The first one is too long, and the last are too much.
    assert_eq!(lines, (2..19).collect::<Vec<_>>());
    assert_eq!((app.problems.unknown_events["com.acme.Big"], app.problems.other_events_left_out), (22, 5));
    assert!(app.other_events[0].json.starts_with("{\"Event\":\"com.acme.Big\",\"text\":\"xxx"));
}

#[test]
fn tasks_without_an_end_have_run_until_the_log_last_changed() {
    let log = log();
    let running = &log[..log.find("{\"Event\":\"SparkListenerTaskEnd\"").unwrap()];
    let app = replay(&[running.as_bytes()]);
    let table = &app.tasks.stages[&(1, 0)];
    let column = history_model::tasks::TaskColumn::Duration;
    assert_eq!(table.column(column).iter().collect::<Vec<_>>(), [4000 - 1001, 4000 - 1002]);
    assert_eq!(app.job(0).unwrap().data.num_active_tasks, 2);
    assert_eq!(app.sql_execution(0).unwrap().status(), "RUNNING");
}

/// The name of an event that makes the program fail when it is applied.
pub(crate) const FAILS_TO_BE_APPLIED: &str = "com.acme.FailsToBeApplied";

#[test]
fn where_the_program_fails_what_came_before_is_shown() {
    let tasks: String =
        (100..12_000).map(|id| task_start(1, id, 0, "1") + &task_end(1, id, 0, "1", SUCCESS, id)).collect();
    let with = |threads, name: &str, behind: &str| {
        let mut replay = Replay::new(Settings { threads, ..Settings::default() });
        replay.feed(format!("{}{{\"Event\":\"{name}\"}}\n{behind}", log()).as_bytes());
        replay.finish(4000)
    };
    let lines = log().lines().count() as u64;
    for threads in [1, 3] {
        // One line that cannot be read is left out, and all else is there.
        let app = with(threads, crate::event::FAILS_TO_BE_READ, &tasks);
        assert_eq!((app.problems.fault_count(), app.problems.bad_lines, app.problems.stopped), (1, 2, None));
        assert!(app.tasks == replay(&[log().as_bytes(), tasks.as_bytes()]).tasks);
        // Behind an event that cannot be taken, nothing is certain.
        let app = with(threads, FAILS_TO_BE_APPLIED, &tasks);
        let stopped = app.problems.stopped.unwrap();
        assert!(stopped.reason == history_model::problems::StopReason::Fault && stopped.line <= lines, "{stopped:?}");
        assert!(app.problems.any() && app.problems.fault_count() == 1);
        assert_eq!(app.attempt.unwrap().app_id, replay(&[log().as_bytes()]).attempt.unwrap().app_id);
    }
}

#[test]
fn threads_change_nothing() {
    let mut log = log().into_bytes();
    for id in 100..12_000 {
        log.extend(task_start(1, id, 0, "1").bytes().chain(task_end(1, id, 0, "1", SUCCESS, id).bytes()));
    }
    assert!(log.len() > Settings::default().piece_bytes * 4);
    let with = |threads| {
        let mut replay = Replay::new(Settings { threads, ..Settings::default() });
        replay.feed(&log);
        replay.finish(4000)
    };
    assert!(with(1) == with(3));
}

#[test]
fn blocks_that_end_anywhere_change_nothing() {
    let log = log().into_bytes();
    let whole = replay(&[&log]);
    for size in [1, 7, 100, 5000, log.len()] {
        let mut blocks = log.chunks(size);
        let mut replay = Replay::new(Settings { threads: 3, ..Settings::default() });
        replay.feed_all(|| blocks.next()).unwrap();
        assert!(replay.finish(4000) == whole, "blocks of {size} bytes");
    }
}

#[test]
fn a_panic_ends_the_replay_and_leaves_what_came_before() {
    let log = log().into_bytes();
    let half = log.len() / 2;
    let mut blocks = log[..half].chunks(500);
    let mut broken = Replay::new(Settings { threads: 3, ..Settings::default() });
    assert!(broken.feed_all(|| Some(blocks.next().expect("a broken source"))).is_err());
    // How much of it was read by then, the threads decide.
    let app = broken.finish(4000);
    assert!(app.jobs.len() <= replay(&[&log[..half]]).jobs.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn how_a_log_is_split_makes_no_difference(mut cuts in prop::collection::vec(0.0..1.0f64, 0..6)) {
        let log = log();
        let bytes = log.as_bytes();
        cuts.sort_by(f64::total_cmp);
        let whole = replay(&[bytes]);
        let mut growing = Replay::new(Settings::default());
        let mut from = 0;
        for cut in cuts {
            let to = (cut * bytes.len() as f64) as usize;
            growing.feed(&bytes[from..to]);
            // What is known so far is what a replay of so much of the log gives, and looking at it changes nothing.
            prop_assert_eq!(growing.snapshot(4000), replay(&[&bytes[..to]]));
            from = to;
        }
        growing.feed(&bytes[from..]);
        prop_assert_eq!(growing.finish(4000), whole);
    }
}

#[test]
fn a_log_that_takes_too_much_memory_is_read_as_far_as_that_goes() {
    let budget = 4 << 20;
    let with = |text: &str| {
        let mut replay = Replay::new(Settings { memory_bytes: budget, threads: 1, ..Settings::default() });
        text.as_bytes().chunks(1 << 20).for_each(|piece| replay.feed(piece));
        let is_stopped = replay.is_stopped();
        let app = replay.finish(4000);
        assert_eq!(is_stopped, app.problems.stopped.is_some());
        app
    };
    assert_eq!(with(&log()).problems.stopped, None);
    let tasks: String = (100..60_000).map(|id| task_start(1, id, 0, "1")).collect();
    let jobs: String = (10..30_000)
        .map(|id| format!("{{\"Event\":\"SparkListenerJobStart\",\"Job ID\":{id},\"Submission Time\":1,\"Stage Infos\":[],\"Stage IDs\":[],\"Properties\":{{}}}}\n"))
        .collect();
    for much in [tasks, jobs] {
        let app = with(&(log() + &much));
        let stopped = app.problems.stopped.unwrap();
        assert_eq!(stopped.reason, history_model::problems::StopReason::Memory);
        assert!(stopped.line > 100 && stopped.line < 120_000, "{stopped:?}");
        assert!(app.attempt.is_some() && app.job(0).is_some(), "what came before is there");
    }
}

#[test]
fn absurd_places_of_tasks_take_no_more_memory_than_others() {
    let mut log = log();
    for n in 0..2000i64 {
        let index = 67_108_863 - n * 30_000;
        log += &task_end(1, 5000 + n, 0, "1", SUCCESS, n).replace("\"Index\":", &format!("\"Index\":{index},\"Was\":"));
    }
    let mut replay = Replay::new(Settings { memory_bytes: 8 << 20, ..Settings::default() });
    replay.feed(log.as_bytes());
    assert_eq!(replay.finish(4000).problems.stopped, None);
}
