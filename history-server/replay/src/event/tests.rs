use super::{Batch, Event, Reason};

const LIMIT: usize = 1 << 20;

/// The name of an event whose line makes the program fail.
pub(crate) const FAILS_TO_BE_READ: &str = "com.acme.FailsToBeRead";

/// A task's end as Spark 4 writes it, with an accumulator of the application, one of SQL and one of Spark's own.
const TASK_END: &str = r#"{"Event":"SparkListenerTaskEnd","Stage ID":1,"Stage Attempt ID":0,"Task Type":"ResultTask","Task End Reason":{"Reason":"Success"},"Task Info":{"Task ID":5,"Index":2,"Attempt":0,"Partition ID":2,"Launch Time":1000,"Executor ID":"1","Host":"node","Locality":"PROCESS_LOCAL","Speculative":false,"Getting Result Time":0,"Finish Time":1500,"Failed":false,"Killed":false,"Accumulables":[{"ID":7,"Name":"number of output rows","Update":"12","Value":"40","Internal":true,"Count Failed Values":true,"Metadata":"sql"},{"ID":8,"Name":"my \"counter\"","Update":"1","Value":"3","Internal":false,"Count Failed Values":false},{"ID":9,"Name":"internal.metrics.executorRunTime","Update":3,"Value":9,"Internal":true,"Count Failed Values":true}]},"Task Executor Metrics":{"JVMHeapMemory":11,"MinorGCCount":2},"Task Metrics":{"Executor Deserialize Time":1,"Executor Deserialize CPU Time":2,"Executor Run Time":3,"Executor CPU Time":4,"Peak Execution Memory":5,"Peak On Heap Execution Memory":5,"Result Size":6,"JVM GC Time":7,"Result Serialization Time":8,"Memory Bytes Spilled":9,"Disk Bytes Spilled":10,"Shuffle Read Metrics":{"Remote Blocks Fetched":1,"Local Blocks Fetched":2,"Fetch Wait Time":3,"Remote Bytes Read":4,"Remote Bytes Read To Disk":5,"Local Bytes Read":6,"Total Records Read":7,"Remote Requests Duration":8,"Push Based Shuffle":{"Merged Fetch Fallback Count":9}},"Updated Blocks":[]}}"#;

/// The same event with its keys the other way round, and with spaces.
fn reversed(json: &str) -> String {
    fn turn(value: serde_json::Value, out: &mut String) {
        match value {
            serde_json::Value::Object(map) => {
                out.push_str("{ ");
                let mut entries: Vec<_> = map.into_iter().collect();
                entries.sort_by(|left, right| right.0.cmp(&left.0));
                for (at, (key, value)) in entries.into_iter().enumerate() {
                    out.push_str(if at > 0 { " , " } else { "" });
                    out.push_str(&serde_json::to_string(&key).unwrap());
                    out.push_str(" : ");
                    turn(value, out);
                }
                out.push_str(" }");
            }
            serde_json::Value::Array(items) => {
                out.push('[');
                for (at, item) in items.into_iter().enumerate() {
                    out.push_str(if at > 0 { " , " } else { "" });
                    turn(item, out);
                }
                out.push(']');
            }
            scalar => out.push_str(&scalar.to_string()),
        }
    }
    let mut out = String::new();
    turn(serde_json::from_str(json).unwrap(), &mut out);
    out
}

fn check_task_end(line: &str) {
    let batch = Batch::read(line.as_bytes(), LIMIT);
    assert_eq!(batch.bad_lines, [] as [u64; 0], "{line}");
    assert!(matches!(batch.events[..], [Event::TaskEnd(0)]));
    let end = &batch.task_ends[0];
    assert_eq!((end.stage_id, end.stage_attempt, &end.reason), (1, 0, &Reason::Success));
    assert_eq!((end.info.task_id, end.info.index, &*end.info.executor_id), (5, 2, "1"));
    assert_eq!((end.info.launch_time, end.info.finish_time), (1000, 1500));
    assert_eq!(end.executor_metrics.get("JVMHeapMemory"), 11);
    assert_eq!(end.executor_metrics.get("MinorGCCount"), 2);
    assert_eq!(end.metrics[history_model::metric::EXECUTOR_RUN_TIME], 3);
    assert_eq!(end.metrics[history_model::metric::SHUFFLE_LOCAL_BYTES_READ], 6);
    assert_eq!(end.metrics[history_model::metric::SHUFFLE_MERGED_FETCH_FALLBACK_COUNT], 9);
    let shown: Vec<_> = end.info.accumulables.iter().map(|found| (found.id, found.name.as_deref())).collect();
    assert_eq!(shown, [(8, Some("my \"counter\""))]);
    let mut updates: Vec<_> = batch.updates.iter().map(|update| (update.id, update.value)).collect();
    updates.sort_unstable();
    assert_eq!(updates, [(7, 12), (8, 1)]);
}

#[test]
fn a_task_reads_the_same_whatever_the_order_of_its_keys() {
    check_task_end(TASK_END);
    check_task_end(&reversed(TASK_END));
}

#[test]
fn what_is_no_event_is_counted_by_its_line() {
    let torn = &TASK_END[..TASK_END.len() - 1];
    let log = format!("{TASK_END}\nnonsense\n\n{torn}\n{{\"Event\":\"com.acme.Other\"}}\n{TASK_END}x\n{TASK_END}\n");
    let batch = Batch::read(log.as_bytes(), LIMIT);
    assert_eq!(batch.bad_lines, [2, 4, 6]);
    assert_eq!(batch.lines, 7);
    assert!(
        batch.events.iter().any(|event| matches!(event, Event::Unknown(unknown) if unknown.name == "com.acme.Other"))
    );
}

#[test]
fn an_escape_that_is_none_makes_a_bad_line_and_no_more() {
    for bad in
        [r#"{"\u€x":1}"#, r#"{"Event":"\u€x"}"#, r#"{"Event":"\ud8€"}"#, r#"{"Event":"\€"}"#, r#"{"Event":"\ud8"}"#]
    {
        let log = format!("{TASK_END}\n{bad}\n{TASK_END}\n");
        let batch = Batch::read(log.as_bytes(), LIMIT);
        assert_eq!((&batch.bad_lines[..], batch.faults, batch.task_ends.len()), (&[2][..], 0, 2), "{bad}");
    }
}

#[test]
fn a_line_that_the_program_fails_at_is_a_bad_one() {
    let fails = format!("{{\"Event\":\"{FAILS_TO_BE_READ}\"}}");
    let log = format!("{TASK_END}\n{fails}\nnonsense\n{TASK_END}\n{fails}");
    let batch = Batch::read(log.as_bytes(), LIMIT);
    assert_eq!((&batch.bad_lines[..], batch.faults, batch.lines), (&[2, 3, 5][..], 2, 5));
    let updates: Vec<_> = batch.task_ends.iter().map(|end| end.info.updates.clone()).collect();
    assert_eq!(updates, [0..2, 2..4]);
    // However many there are, all else is read, and failing has an end.
    let log = format!("{TASK_END}\n{}", format!("{fails}\n").repeat(1000));
    let batch = Batch::read(log.as_bytes(), LIMIT);
    assert_eq!((batch.faults, batch.bad_lines.len(), batch.task_ends.len()), (1000, 1000, 1));
}

#[test]
fn a_space_before_a_value_changes_nothing() {
    check_task_end(&TASK_END.replace("\":", "\": "));
}

#[test]
fn a_line_longer_than_allowed_is_left_out() {
    let batch = Batch::read(TASK_END.as_bytes(), 100);
    assert_eq!((batch.long_lines, batch.events.len()), (1, 0));
}

#[test]
fn a_line_of_far_too_many_small_values_is_left_out() {
    let infos = "{},".repeat(200_000);
    let line =
        format!("{{\"Event\":\"SparkListenerJobStart\",\"Job ID\":1,\"Stage Infos\":[{infos}{{}}],\"Stage IDs\":[]}}");
    assert!(line.len() < LIMIT);
    let batch = Batch::read(line.as_bytes(), LIMIT);
    assert_eq!((batch.long_lines, batch.events.len(), batch.bad_lines.len()), (1, 0, 0));
    // A long text is no such thing.
    let line = format!(
        "{{\"Event\":\"SparkListenerApplicationStart\",\"App Name\":\"{}\",\"App ID\":\"a\",\"Timestamp\":1,\"User\":\"u\"}}",
        "{,".repeat(1000) + &"x".repeat(LIMIT / 2)
    );
    assert_eq!(Batch::read(line.as_bytes(), LIMIT).events.len(), 1);
}

#[test]
fn reasons_read_in_sparks_words() {
    let line = |reason: &str| TASK_END.replace(r#"{"Reason":"Success"}"#, reason);
    let message = |reason: &str| {
        let line = line(reason);
        let batch = Batch::read(line.as_bytes(), LIMIT);
        batch.task_ends[0].reason.message().map(str::to_owned)
    };
    let lost = r#"{"Reason":"ExecutorLostFailure","Executor ID":"3","Exit Caused By App":false,"Loss Reason":"gone"}"#;
    let text = "ExecutorLostFailure (executor 3 exited unrelated to the running tasks) Reason: gone";
    assert_eq!(message(lost).as_deref(), Some(text));
    let fetch = r#"{"Reason":"FetchFailed","Block Manager Address":{"Executor ID":"1","Host":"h","Port":7},"Shuffle ID":2,"Map ID":3,"Reduce ID":4,"Message":"m"}"#;
    let text =
        "FetchFailed(BlockManagerId(1, h, 7, None), shuffleId=2, mapIndex=Unknown, mapId=3, reduceId=4, message=\nm\n)";
    assert_eq!(message(fetch).as_deref(), Some(text));
    assert_eq!(message(r#"{"Reason":"TaskKilled"}"#).as_deref(), Some("unknown reason"));
    let failure = r#"{"Reason":"ExceptionFailure","Class Name":"E","Description":"d","Stack Trace":[{"Declaring Class":"C","Method Name":"m","File Name":"F.scala","Line Number":3}]}"#;
    assert_eq!(message(failure).as_deref(), Some("E: d\n        C.m(F.scala:3)"));
    assert_eq!(message(r#"{"Reason":"Success"}"#), None);
}

/// A task's end as Spark 4.3 writes it, of this number.
fn usual_end(number: u64) -> String {
    let long = number * 1_234_567_891;
    let accumulable = |id: u64, name: &str, value: u64| {
        format!(
            r#"{{"ID":{id},"Name":"{name}","Update":{value},"Value":{},"Internal":true,"Count Failed Values":true}}"#,
            value * 3
        )
    };
    let of_sql = |id: u64, name: &str, value: u64| {
        format!(
            r#"{{"ID":{id},"Name":"{name}","Update":"{value}","Value":"{}","Internal":true,"Count Failed Values":true,"Metadata":"sql"}}"#,
            value * 3
        )
    };
    let mut all = vec![of_sql(40, "data size", number), of_sql(41, "duration", long)];
    // Some report more than others, and some what people are to see.
    all.extend((number % 3 == 1).then(|| of_sql(42, "spill size", 99_999_999)));
    all.extend((number % 5 == 4).then(|| {
        r#"{"ID":43,"Name":"my \"counter\"","Update":"1","Value":"3","Internal":false,"Count Failed Values":false}"#
            .to_owned()
    }));
    all.push(accumulable(44, "internal.metrics.executorRunTime", long));
    all.push(accumulable(45, "internal.metrics.resultSize", 2492));
    let all = all.join(",");
    let stage = number / 7;
    let mut line = format!(
        r#"{{"Event":"SparkListenerTaskEnd","Stage ID":{stage},"Stage Attempt ID":0,"Task Type":"ShuffleMapTask","Task End Reason":{{"Reason":"Success"}},"Task Info":{{"Task ID":{number},"Index":{number},"Attempt":0,"Partition ID":{number},"Launch Time":1795297371272,"Executor ID":"{}","Host":"host-{}","Locality":"PROCESS_LOCAL","Speculative":false,"Getting Result Time":0,"Finish Time":1795297371339,"Failed":false,"Killed":false,"Accumulables":[{all}]}},"Task Executor Metrics":{{"JVMHeapMemory":{},"JVMOffHeapMemory":0,"MinorGCTime":7}},"Task Metrics":{{"Executor Deserialize Time":1,"Executor Deserialize CPU Time":{long},"Executor Run Time":59,"Executor CPU Time":12278046,"Peak Execution Memory":262144,"Peak On Heap Execution Memory":8650736,"Peak Off Heap Execution Memory":0,"Result Size":2492,"JVM GC Time":0,"Result Serialization Time":0,"Memory Bytes Spilled":0,"Disk Bytes Spilled":0,"Shuffle Read Metrics":{{"Remote Blocks Fetched":0,"Local Blocks Fetched":{number},"Fetch Wait Time":0,"Remote Bytes Read":0,"Remote Bytes Read To Disk":0,"Local Bytes Read":0,"Total Records Read":0,"Remote Requests Duration":0,"Push Based Shuffle":{{"Corrupt Merged Block Chunks":0,"Merged Fetch Fallback Count":{},"Merged Remote Requests Duration":0}}}},"Shuffle Write Metrics":{{"Shuffle Bytes Written":5031,"Shuffle Write Time":5301903,"Shuffle Records Written":100}},"Input Metrics":{{"Bytes Read":0,"Records Read":100}},"Output Metrics":{{"Bytes Written":0,"Records Written":0}},"Updated Blocks":{}}}}}"#,
        number % 4,
        number % 3,
        number % 2,
        number % 2,
        if number % 6 == 5 { r#"[{"Block ID":"rdd_1_2","Status":{"Memory Size":[1,2]}}]"# } else { "[]" },
    );
    // Logs of Spark 1 and 2 have nothing of the executor.
    if number % 8 == 3 {
        let (begin, end) = (line.find(",\"Task Executor").unwrap(), line.find(",\"Task Metrics").unwrap());
        line.replace_range(begin..end, "");
    }
    line
}

fn usual_start(number: u64) -> String {
    format!(
        r#"{{"Event":"SparkListenerTaskStart","Stage ID":{},"Stage Attempt ID":0,"Task Info":{{"Task ID":{number},"Index":{number},"Attempt":0,"Launch Time":1795297371272,"Executor ID":"{}","Host":"localhost","Locality":"ANY","Speculative":true,"Getting Result Time":0,"Finish Time":0,"Failed":false,"Killed":false,"Accumulables":[]}}}}"#,
        number / 7,
        number % 4
    )
}

/// What is read the usual way, and what the reader of any JSON makes of it.
fn both(log: &[u8]) -> [String; 2] {
    [Batch::read(log, LIMIT), Batch::read_warily(log, LIMIT)].map(|batch| format!("{batch:?}"))
}

#[test]
fn tasks_as_spark_writes_them_read_as_any_json() {
    let log = (0..40).map(|number| format!("{}\n{}\n", usual_start(number), usual_end(number))).collect::<String>();
    let mut usual = super::Usual::default();
    let (mut starts, mut ends, mut updates) = (Vec::new(), Vec::new(), Vec::new());
    for pair in log.lines().collect::<Vec<_>>().chunks(2) {
        let (start, end) = (pair[0].as_bytes(), pair[1].as_bytes());
        assert_eq!(usual.task_start(start, &mut starts, &mut updates), Some(start.len()), "{}", pair[0]);
        assert_eq!(usual.task_end(end, &mut ends, &mut updates), Some(end.len()), "{}", pair[1]);
    }
    let [quick, wary] = both(log.as_bytes());
    assert_eq!(quick, wary);
    // The last line needs no line feed, and none is too long by that.
    let [quick, wary] = both(log.trim_end().as_bytes());
    assert_eq!(quick, wary);
    let longest = log.lines().map(str::len).max().unwrap();
    let [all, fewer] = [longest, longest - 1].map(|most| Batch::read(log.as_bytes(), most).long_lines);
    assert_eq!((all, fewer > 0), (0, true));
}

/// What may stand in the place of some bytes.
const DAMAGE: [&str; 16] =
    ["", "\"", "{", "}", "]", ",", "\n", "\\", "-1", "1.5", "99999999999999999999", " ", "null", "€", "x", "\r\n"];

proptest::proptest! {
    #[test]
    fn damaged_tasks_read_as_any_json(
        damage in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0..4usize, 0..DAMAGE.len()), 0..12),
    ) {
        let mut log = (0..12).map(|n| format!("{}\n{}\n", usual_start(n), usual_end(n))).collect::<String>().into_bytes();
        for (at, gone, put) in damage {
            let at = at.index(log.len());
            log.splice(at..(at + gone).min(log.len()), DAMAGE[put].bytes());
        }
        let [quick, wary] = both(&log);
        proptest::prop_assert_eq!(quick, wary);
    }

    #[test]
    fn a_number_reads_as_any_number(value in 0..1_000_000_000_000_000i64, digits in 1..20u32, behind in "[,}\"a]") {
        let value = value % 10i64.saturating_pow(digits.min(15));
        let text = format!("{value}{behind}        ");
        let mut scan = super::Scan::new(text.as_bytes());
        proptest::prop_assert_eq!(scan.number(), Some(value));
        proptest::prop_assert_eq!(scan.position(), value.to_string().len());
    }
}
