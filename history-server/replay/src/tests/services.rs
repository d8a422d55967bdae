//! Streaming queries, Spark Connect and the Thrift server.

mod events;

use events::{connect, connect_log, progress, streaming, streaming_log, thrift, thrift_log};
use proptest::prelude::*;

use super::replay;
use crate::{Replay, Settings};
use history_model::Application;
use history_model::operation::OperationState;
use history_model::streaming::StateMetric;

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
fn a_query_of_spark_2_began_with_its_first_report() {
    let started = streaming("Started", r#""id":"q","runId":"run-1","name":null"#);
    let app = replay(&[started.as_bytes(), progress("run-1", 0, 2).as_bytes(), progress("run-1", 1, 3).as_bytes()]);
    assert_eq!((app.streaming[0].id.as_str(), app.streaming[0].start_time), ("q", TEN + 2250));
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
    let mut app = replay(&[log().as_bytes()]);
    // They are stored apart, as tasks are.
    assert_eq!(std::mem::take(&mut app.other_events).len(), 1);
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
