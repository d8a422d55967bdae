//! What an event costs as an application grows: `cargo bench -p history-replay --bench growth`.
//!
//! Each row is one shape of application at a quarter, half and all of its size; the time per event is to stay the same. The
//! events are made here, as short as may be: it is what is held that grows.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::Instant;

use history_replay::{Replay, Settings};

/// Makes the events of an application of this size, in pieces.
type Events = fn(u64, &mut dyn FnMut(&str));

const SHAPES: [(&str, u64, Events); 6] = [
    ("SQL executions, one after the other", 50_000, executions),
    ("jobs, one after the other", 100_000, jobs),
    ("jobs of one SQL execution", 20_000, jobs_of_one_execution),
    ("stages of one job", 20_000, stages_of_one_job),
    ("executors that come and go, while a stage runs", 20_000, executors),
    ("executors with blocks of 1,000 RDDs, 100 on each", 10_000, blocks),
];

fn main() {
    println!("| as many | ns an event at a quarter | half | all | events |\n|---|---:|---:|---:|---:|");
    for (shape, size, events) in SHAPES {
        let measured = [size / 4, size / 2, size].map(|size| measure(size, events));
        let [quarter, half, (all, count)] = measured;
        println!("| {size} {shape} | {:.0} | {:.0} | {all:.0} | {count} |", quarter.0, half.0);
    }
}

/// Nanoseconds an event, and how many there were. What making the text takes is not counted.
fn measure(size: u64, events: Events) -> (f64, u64) {
    let mut replay = Replay::new(Settings { threads: 1, ..Settings::default() });
    let (mut spent, mut lines) = (0, 0);
    events(size, &mut |text| {
        lines += text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        let began = Instant::now();
        replay.feed(text.as_bytes());
        spent += began.elapsed().as_nanos();
    });
    let began = Instant::now();
    let application = replay.finish(0);
    spent += began.elapsed().as_nanos();
    assert_eq!(application.problems.bad_lines, 0, "an event is malformed");
    (spent as f64 / lines as f64, lines)
}

fn event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"SparkListener{name}\",{fields}}}\n")
}

fn sql_event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"org.apache.spark.sql.execution.ui.SparkListener{name}\",{fields}}}\n")
}

fn stage_info(id: u64, more: &str) -> String {
    format!(
        r#"{{"Stage ID":{id},"Stage Attempt ID":0,"Stage Name":"s","Number of Tasks":1,"RDD Info":[],"Parent IDs":[],"Details":""{more}}}"#
    )
}

fn task(id: u64) -> String {
    let info = |finish: u64| {
        format!(
            r#""Task Info":{{"Task ID":{id},"Index":0,"Attempt":0,"Partition ID":0,"Launch Time":1000,"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":false,"Killed":false,"Accumulables":[]}}"#
        )
    };
    let stage = format!(r#""Stage ID":{id},"Stage Attempt ID":0"#);
    let reason = r#""Task Type":"ResultTask","Task End Reason":{"Reason":"Success"}"#;
    event("TaskStart", &format!("{stage},{}", info(0)))
        + &event("TaskEnd", &format!(r#"{stage},{reason},{},"Task Metrics":{{"Executor Run Time":7}}"#, info(2000)))
}

/// A stage of one task, all of the same number.
fn stage(id: u64) -> String {
    let (submitted, completed) = (r#","Submission Time":900"#, r#","Submission Time":900,"Completion Time":2000"#);
    [
        event("StageSubmitted", &format!("\"Stage Info\":{},\"Properties\":{{}}", stage_info(id, submitted))),
        task(id),
        event("StageCompleted", &format!("\"Stage Info\":{}", stage_info(id, completed))),
    ]
    .concat()
}

fn job_start(id: u64, stages: std::ops::Range<u64>, properties: &str) -> String {
    let infos: Vec<_> = stages.clone().map(|stage| stage_info(stage, "")).collect();
    let ids: Vec<_> = stages.map(|stage| stage.to_string()).collect();
    let (infos, ids) = (infos.join(","), ids.join(","));
    event(
        "JobStart",
        &format!(
            r#""Job ID":{id},"Submission Time":950,"Stage Infos":[{infos}],"Stage IDs":[{ids}],"Properties":{{{properties}}}"#
        ),
    )
}

fn job_end(id: u64) -> String {
    event("JobEnd", &format!(r#""Job ID":{id},"Completion Time":2100,"Job Result":{{"Result":"JobSucceeded"}}"#))
}

fn job(id: u64, execution: Option<u64>) -> String {
    let properties = execution.map(|id| format!(r#""spark.sql.execution.id":"{id}""#)).unwrap_or_default();
    [job_start(id, id..id + 1, &properties), stage(id), job_end(id)].concat()
}

fn execution_start(id: u64) -> String {
    let metric = format!(r#"{{"name":"rows","accumulatorId":{id},"metricType":"sum"}}"#);
    let plan =
        format!(r#"{{"nodeName":"Scan","simpleString":"scan","children":[],"metadata":{{}},"metrics":[{metric}]}}"#);
    let text = "a line of the physical plan\\n".repeat(100);
    sql_event(
        "SQLExecutionStart",
        &format!(
            r#""executionId":{id},"description":"d","physicalPlanDescription":"{text}","sparkPlanInfo":{plan},"time":900"#
        ),
    )
}

fn execution_end(id: u64) -> String {
    sql_event("SQLExecutionEnd", &format!(r#""executionId":{id},"time":2200,"errorMessage":"""#))
}

fn executions(size: u64, feed: &mut dyn FnMut(&str)) {
    (0..size).for_each(|id| feed(&[execution_start(id), job(id, Some(id)), execution_end(id)].concat()));
}

fn jobs(size: u64, feed: &mut dyn FnMut(&str)) {
    (0..size).for_each(|id| feed(&job(id, None)));
}

fn jobs_of_one_execution(size: u64, feed: &mut dyn FnMut(&str)) {
    feed(&execution_start(0));
    (0..size).for_each(|id| feed(&job(id, Some(0))));
    feed(&execution_end(0));
}

fn stages_of_one_job(size: u64, feed: &mut dyn FnMut(&str)) {
    feed(&job_start(0, 0..size, ""));
    (0..size).for_each(|id| feed(&stage(id)));
    feed(&job_end(0));
}

fn executor_added(id: u64) -> String {
    let info = r#""Executor Info":{"Host":"h","Total Cores":2,"Log Urls":{}}"#;
    event("ExecutorAdded", &format!(r#""Timestamp":{},"Executor ID":"{id}",{info}"#, 1000 + id))
}

fn executor_removed(id: u64) -> String {
    event("ExecutorRemoved", &format!(r#""Timestamp":{},"Executor ID":"{id}","Removed Reason":"""#, 2000 + id))
}

fn executors(size: u64, feed: &mut dyn FnMut(&str)) {
    let long = size + 1;
    feed(&job_start(long, long..long + 1, ""));
    feed(&event(
        "StageSubmitted",
        &format!("\"Stage Info\":{},\"Properties\":{{}}", stage_info(long, r#","Submission Time":900"#)),
    ));
    (0..size).for_each(|id| feed(&[executor_added(id), job(id, None), executor_removed(id)].concat()));
}

fn blocks(size: u64, feed: &mut dyn FnMut(&str)) {
    const RDDS: u64 = 1000;
    let level = r#"{"Use Disk":false,"Use Memory":true,"Deserialized":true,"Replication":1}"#;
    let rdd = |id| {
        format!(
            r#"{{"RDD ID":{id},"Name":"rdd","Storage Level":{level},"Number of Partitions":2,"Number of Cached Partitions":0,"Memory Size":0,"Disk Size":0}}"#
        )
    };
    let rdds: Vec<_> = (0..RDDS).map(rdd).collect();
    let info = stage_info(0, "").replace("\"RDD Info\":[]", &format!("\"RDD Info\":[{}]", rdds.join(",")));
    feed(&event("StageSubmitted", &format!("\"Stage Info\":{info},\"Properties\":{{}}")));
    for id in 0..size {
        let manager = format!(r#"{{"Executor ID":"{id}","Host":"h","Port":{}}}"#, 1000 + id);
        feed(&executor_added(id));
        feed(&event(
            "BlockManagerAdded",
            &format!(r#""Block Manager ID":{manager},"Maximum Memory":1000000000,"Timestamp":{}"#, 1000 + id),
        ));
        let update = |rdd: u64| {
            let info = format!(
                r#""Block Manager ID":{manager},"Block ID":"rdd_{rdd}_{id}","Storage Level":{level},"Memory Size":10,"Disk Size":0"#
            );
            event("BlockUpdated", &format!("\"Block Updated Info\":{{{info}}}"))
        };
        feed(&(0..100).map(|n| update((id * 7 + n * 10) % RDDS)).collect::<String>());
    }
    (0..size).for_each(|id| feed(&executor_removed(id)));
}
