//! Streaming queries, Spark Connect and the Thrift server: events as Spark writes them, cut down to what is read.

use proptest::prelude::*;

use super::{event, replay, sql_event};
use crate::model::Application;
use crate::model::operation::OperationState;
use crate::model::streaming::StateMetric;
use crate::replay::{Replay, Settings};

fn streaming(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.streaming.StreamingQueryListener$Query{name}Event"), fields)
}

fn connect(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.connect.service.SparkListenerConnect{name}"), fields)
}

fn thrift(name: &str, fields: &str) -> String {
    event(&format!("org.apache.spark.sql.hive.thriftserver.ui.SparkListenerThriftServer{name}"), fields)
}

fn started(run: &str, name: &str, second: u32) -> String {
    let time = format!("2026-11-20T10:00:{second:02}.000Z");
    streaming("Started", &format!(r#""id":"q-{run}","runId":"{run}","name":{name},"timestamp":"{time}","jobTags":[]"#))
}

/// A report of a batch of ten rows a second; the first one has neither event times nor custom metrics.
fn progress(run: &str, batch: i64, second: u32) -> String {
    let (times, custom) = if batch == 0 {
        (r#""watermark":"1970-01-01T00:00:00.000Z""#, String::new())
    } else {
        let times = r#""min":"2026-11-20T09:59:58.500Z","watermark":"2026-11-20T09:59:50.000Z""#;
        (times, format!(r#""SnapshotLastUploaded.partition_{batch}_default":-1,"loadedMapCacheHitCount":8"#))
    };
    let state = format!(
        r#"{{"operatorName":"stateStoreSave","numRowsTotal":{batch},"numRowsUpdated":2,"allUpdatesTimeMs":112,"numRowsRemoved":1,"allRemovalsTimeMs":14,"commitTimeMs":285,"memoryUsedBytes":2256,"numRowsDroppedByWatermark":3,"numShufflePartitions":4,"numStateStoreInstances":4,"customMetrics":{{{custom}}}}}"#
    );
    let source = r#"{"description":"Rate","startOffset":"0","endOffset":{"a":1},"latestOffset":null,"numInputRows":10,"inputRowsPerSecond":5.5,"processedRowsPerSecond":"NaN","metrics":{"behind":"2.5","name":"x"}}"#;
    streaming(
        "Progress",
        &format!(
            r#""progress":{{"id":"q-{run}","runId":"{run}","name":null,"timestamp":"2026-11-20T10:00:{second:02}.250Z","batchId":{batch},"batchDuration":700,"durationMs":{{"triggerExecution":707,"addBatch":551}},"eventTime":{{{times}}},"stateOperators":[{state},{state}],"sources":[{source},{source}],"sink":{{"description":"MemorySink","numOutputRows":-1,"metrics":{{}}}},"observedMetrics":{{}}}}"#
        ),
    )
}

fn terminated(run: &str, exception: &str) -> String {
    streaming(
        "Terminated",
        &format!(r#""id":"q-{run}","runId":"{run}","exception":{exception},"errorClassOnException":null"#),
    )
}

fn job(id: i32, properties: &str) -> String {
    event(
        "SparkListenerJobStart",
        &format!(
            r#""Job ID":{id},"Submission Time":950,"Stage Infos":[],"Stage IDs":[],"Properties":{{{properties}}}"#
        ),
    )
}

fn execution(id: i64, more: &str) -> String {
    let plan = r#"{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{},"metrics":[]}"#;
    sql_event(
        "SQLExecutionStart",
        &format!(
            r#""executionId":{id},"description":"d","physicalPlanDescription":"p","sparkPlanInfo":{plan},"time":9,"modifiedConfigs":{{}},{more}"#
        ),
    )
}

fn tag(operation: &str) -> String {
    format!("SparkConnect_OperationTag_User_ann_Session_s1_Operation_{operation}")
}

fn operation(name: &str, id: &str, time: i64, more: &str) -> String {
    connect(
        &format!("Operation{name}"),
        &format!(r#""jobTag":"{}","operationId":"{id}","eventTime":{time},{more}"extraTags":{{}}"#, tag(id)),
    )
}

fn operation_started(id: &str, time: i64) -> String {
    let more = r#""sessionId":"s1","userId":"ann","userName":"Ann","statementText":"plan of it","sparkSessionTags":["b","a"],"#;
    operation("Started", id, time, more)
}

fn streaming_log() -> String {
    [
        started("run-1", "\"windows\"", 0),
        started("run-2", "null", 1),
        progress("run-1", 0, 2),
        progress("run-1", 2, 4),
        progress("run-1", 1, 3),
        progress("run-1", 2, 4),
        streaming("Idle", r#""id":"q-run-1","runId":"run-1","timestamp":"2026-11-20T10:00:09.000Z""#),
        terminated("run-1", "null"),
        terminated("run-2", "\"boom\""),
        terminated("never-seen", "null"),
        progress("run-3", 7, 8),
        streaming("Restarted", r#""runId":"run-1""#),
    ]
    .concat()
}

fn connect_log() -> String {
    [
        connect("ServiceStarted", r#""hostAddress":"10.0.0.1","bindingPort":15002,"eventTime":10"#),
        connect("SessionStarted", r#""sessionId":"s1","userId":"ann","eventTime":100,"extraTags":{}"#),
        connect("SessionStarted", r#""sessionId":"s1","userId":"bob","eventTime":110,"extraTags":{}"#),
        operation_started("o1", 200),
        operation("Analyzed", "o1", 210, ""),
        operation("ReadyForExecution", "o1", 220, ""),
        execution(4, &format!(r#""jobTags":["other","{}"],"jobGroupId":null"#, tag("o1"))),
        job(7, &format!(r#""spark.job.tags":"{},zzz""#, tag("o1"))),
        operation("Finished", "o1", 300, r#""producedRowCount":5,"#),
        operation("Closed", "o1", 310, ""),
        job(8, &format!(r#""spark.job.tags":"{}""#, tag("o1"))),
        operation_started("o2", 400),
        operation("Analyzed", "o2", 410, ""),
        operation("Failed", "o2", 420, r#""errorMessage":"no such table","#),
        operation("Closed", "o2", 430, ""),
        operation_started("o3", 500),
        operation("Analyzed", "o3", 505, ""),
        operation("Canceled", "o3", 510, ""),
        operation_started("o4", 600),
        operation("Closed", "never-started", 700, ""),
        connect("SessionClosed", r#""sessionId":"s1","userId":"ann","eventTime":800,"extraTags":{}"#),
        connect("ServiceEnd", r#""hostAddress":"10.0.0.1","bindingPort":15002,"eventTime":900"#),
    ]
    .concat()
}

fn statement_started(id: &str, group: &str, time: i64) -> String {
    thrift(
        "OperationStart",
        &format!(
            r#""id":"{id}","sessionId":"t1","statement":"select {id}","groupId":"{group}","startTime":{time},"userName":"ann""#
        ),
    )
}

fn thrift_log() -> String {
    [
        thrift("SessionCreated", r#""ip":"127.0.0.1","sessionId":"t1","userName":"ann","startTime":100"#),
        statement_started("a", "ga", 200),
        thrift("OperationParsed", r#""id":"a","executionPlan":"== Physical Plan ==""#),
        execution(5, r#""jobTags":[],"jobGroupId":"ga""#),
        job(1, r#""spark.jobGroup.id":"ga","spark.sql.execution.id":"5""#),
        job(2, r#""spark.jobGroup.id":"another","spark.sql.execution.id":"6""#),
        thrift("OperationFinish", r#""id":"a","finishTime":300"#),
        thrift("OperationClosed", r#""id":"a","closeTime":310"#),
        job(3, r#""spark.jobGroup.id":"ga""#),
        statement_started("b", "gb", 400),
        thrift("OperationError", r#""id":"b","errorMsg":"wrong","errorTrace":"at","finishTime":410"#),
        statement_started("c", "gc", 500),
        thrift("OperationTimeout", r#""id":"c","finishTime":510"#),
        statement_started("d", "gd", 600),
        thrift("OperationCanceled", r#""id":"d","finishTime":610"#),
        thrift("OperationClosed", r#""id":"d","closeTime":620"#),
        statement_started("e", "ge", 700),
        thrift("SessionClosed", r#""sessionId":"t1","finishTime":800"#),
        thrift("SessionClosed", r#""sessionId":"t9","finishTime":800"#),
    ]
    .concat()
}

fn log() -> String {
    [streaming_log(), connect_log(), thrift_log()].concat()
}

fn replayed(log: &str, settings: Settings) -> Application {
    let mut replay = Replay::new(settings);
    replay.feed(log.as_bytes());
    replay.finish(4000)
}

/// Milliseconds of 2026-11-20T10:00:00Z.
const TEN: i64 = 1_795_168_800_000;

#[test]
fn streaming_queries_know_how_they_ran() {
    let app = replay(&[streaming_log().as_bytes()]);
    let told: Vec<_> = (app.streaming.iter())
        .map(|query| (query.run_id.as_str(), query.name.as_deref(), query.status(), query.start_time - TEN))
        .collect();
    let wanted = [
        ("run-1", Some("windows"), "FINISHED", 0),
        ("run-2", None, "FAILED", 1000),
        // The log does not hold its start.
        ("run-3", None, "RUNNING", 8250),
    ];
    assert_eq!(told, wanted);
    let query = &app.streaming[0];
    assert_eq!(
        (query.duration(0), app.streaming[1].duration(0), app.streaming[2].duration(TEN + 9250)),
        (4250, 0, 1000)
    );
    assert_eq!((query.average_input_rate(), query.average_process_rate()), (Some(11.0), Some(0.0)));
    assert_eq!(app.streaming[1].average_input_rate(), None);
    assert_eq!((query.last_idle_time, app.streaming[1].exception.as_deref()), (Some(TEN + 9000), Some("boom")));
    let offsets = &query.latest.offsets[0];
    assert_eq!((offsets.end.as_deref(), offsets.latest.as_deref()), (Some(r#"{"a":1}"#), None));
    assert_eq!(app.problems.unknown_events.len(), 1);
}

#[test]
fn reports_are_rows_in_order_of_time_each_batch_once() {
    let app = replay(&[streaming_log().as_bytes()]);
    let progress = &app.streaming[0].progress;
    let batches: Vec<_> = (0..progress.len()).map(|row| (progress.batch_id(row), progress.time(row) - TEN)).collect();
    assert_eq!(batches, [(0, 2250), (1, 3250), (2, 4250)]);
    assert_eq!((progress.input_rows(1), progress.batch_duration(1), progress.output_rows(1)), (20, 700, None));
    assert_eq!((progress.input_rate(1), progress.process_rate(1)), (11.0, 0.0));
    assert_eq!((progress.watermark(0), progress.watermark(1)), (None, Some(TEN - 10_000)));
    assert_eq!((progress.event_times["min"].get(0), progress.event_times["min"].get(1)), (None, Some(TEN - 1500)));
    assert_eq!((progress.phases["addBatch"].get(2), progress.state(StateMetric::RowsTotal, 2)), (Some(551), Some(4)));
    assert_eq!(progress.state(StateMetric::RowsDroppedByWatermark, 0), Some(6));
    assert_eq!(
        (progress.custom_state("loadedMapCacheHitCount", 0), progress.custom_state("loadedMapCacheHitCount", 1)),
        (None, Some(16))
    );
    assert_eq!(progress.custom_state("SnapshotLastUploaded.partition_2_default", 2), Some(-2));
    assert_eq!(progress.custom_state("SnapshotLastUploaded.partition_2_default", 1), None);
    assert_eq!(progress.sources[1].metrics["behind"].get_double(2), Some(2.5));
}

#[test]
fn connect_operations_know_their_jobs_and_how_they_ended() {
    let app = replay(&[connect_log().as_bytes()]);
    let server = &app.connect;
    assert_eq!((server.services[0].port, server.services[0].end_time), (15002, Some(900)));
    let sessions: Vec<_> = (server.sessions.iter())
        .map(|session| (session.id.as_str(), session.user_id.as_str(), session.finish_time, session.total_execution))
        .collect();
    assert_eq!(sessions, [("s1", "ann", Some(800), 4), ("s1", "bob", None, 0)]);
    let operations: Vec<_> = (server.operations.iter())
        .map(|one| (one.operation_id.as_str(), one.status(), one.outcome, one.finish_time, one.close_time))
        .collect();
    use OperationState::{Canceled, Failed, Finished};
    let wanted = [
        ("o1", "CLOSED", Some(Finished), Some(300), Some(310)),
        ("o2", "CLOSED", Some(Failed), Some(420), Some(430)),
        ("o3", "CANCELED", Some(Canceled), Some(510), None),
        ("o4", "RUNNING", None, None, None),
    ];
    assert_eq!(operations, wanted);
    let first = &server.operations[0];
    assert_eq!(
        (&first.job_ids[..], &first.sql_execution_ids[..], first.produced_rows),
        (&[7, 8][..], &[4][..], Some(5))
    );
    assert_eq!((first.execution_time(0), first.duration(0), first.session_tags.join("")), (100, 110, "ab".to_owned()));
    assert_eq!((first.analyzed_time, first.ready_time, first.statement.as_str()), (Some(210), Some(220), "plan of it"));
    assert_eq!(server.operations[1].detail.as_deref(), Some("no such table"));
}

#[test]
fn thrift_statements_know_their_jobs_and_how_they_ended() {
    let app = replay(&[thrift_log().as_bytes()]);
    let server = &app.thrift;
    let session = &server.sessions[0];
    assert_eq!((session.ip.as_str(), session.finish_time, session.total_execution), ("127.0.0.1", Some(800), 5));
    let statements: Vec<_> = (server.statements.iter())
        .map(|one| (one.id.as_str(), one.state.name(), one.finish_time, one.close_time, one.is_active()))
        .collect();
    let wanted = [
        ("a", "CLOSED", Some(300), Some(310), false),
        ("b", "FAILED", Some(410), None, false),
        ("c", "TIMEDOUT", Some(510), None, false),
        ("d", "CLOSED", Some(610), Some(620), false),
        ("e", "STARTED", None, None, true),
    ];
    assert_eq!(statements, wanted);
    let first = &server.statements[0];
    assert_eq!((&first.job_ids[..], &first.sql_execution_ids[..]), (&[1, 3][..], &[5][..]));
    assert_eq!((first.plan.as_str(), server.statements[1].detail.as_str()), ("== Physical Plan ==", "wrong"));
    assert_eq!(server.statements[3].outcome, Some(OperationState::Canceled));
}

#[test]
fn limits_drop_what_ended_first() {
    let settings = Settings {
        retained_streaming_queries: Some(1),
        retained_streaming_updates: Some(2),
        retained_thrift_statements: Some(1),
        retained_connect_sessions: Some(1),
        retained_connect_statements: Some(1),
        ..Settings::default()
    };
    let many: String = (0..300).map(|batch| progress("run-4", batch, 10)).collect();
    let app = replayed(&[log(), many].concat(), settings);
    let runs: Vec<_> = app.streaming.iter().map(|query| (query.run_id.as_str(), query.progress.len())).collect();
    assert_eq!(runs, [("run-2", 0), ("run-3", 1), ("run-4", 2)]);
    let last = &app.streaming[2].progress;
    assert_eq!((last.batch_id(0), last.batch_id(1)), (298, 299));
    let statements: Vec<_> = app.thrift.statements.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(statements, ["b", "c", "d", "e"]);
    let operations: Vec<_> = app.connect.operations.iter().map(|one| one.operation_id.as_str()).collect();
    // What is not closed counts, but what is too much goes only when one is closed.
    assert_eq!(operations, ["o2", "o3", "o4"]);
    let sessions: Vec<_> = app.connect.sessions.iter().map(|one| one.user_id.as_str()).collect();
    assert_eq!(sessions, ["bob"]);
}

#[test]
fn the_stored_model_is_the_replayed_one() {
    let app = replay(&[log().as_bytes()]);
    let text = serde_json::to_string(&app).unwrap();
    assert_eq!(serde_json::from_str::<Application>(&text).unwrap(), app);
}

#[test]
fn events_that_lack_their_keys_are_bad_lines_and_nothing_else() {
    let lines = [
        streaming("Progress", r#""progress":{"runId":"r"}"#),
        connect("OperationFailed", r#""eventTime":1"#),
        thrift("OperationFinish", r#""finishTime":1"#),
        thrift("SessionCreated", r#""ip":null,"sessionId":"t1","userName":null,"startTime":null"#),
    ];
    let app = replay(&[lines.concat().as_bytes()]);
    assert_eq!((app.problems.bad_lines, app.thrift.sessions.len()), (3, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn how_a_log_is_split_makes_no_difference(
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        limit in prop::option::of(1..4_usize),
    ) {
        let log = log();
        let settings = Settings {
            retained_streaming_queries: limit,
            retained_streaming_updates: limit,
            retained_thrift_statements: limit,
            retained_connect_statements: limit,
            ..Settings::default()
        };
        let mut ends: Vec<_> = cuts.iter_mut().map(|cut| cut.index(log.len())).collect();
        ends.sort_unstable();
        let mut growing = Replay::new(settings.clone());
        let mut from = 0;
        for to in ends {
            growing.feed(&log.as_bytes()[from..to]);
            prop_assert_eq!(growing.snapshot(4000), replayed(&log[..to], settings.clone()));
            from = to;
        }
        growing.feed(&log.as_bytes()[from..]);
        prop_assert_eq!(growing.finish(4000), replayed(&log, settings));
    }
}
