//! Streaming queries, Connect and Thrift servers: their tables are written where there are rows, and only there.

use std::fs;

use storage::{ObjectPath, Store};

use crate::stored::{open, rows, settle};
use crate::support::{end, head, log, scanned};

const RARE: [&str; 7] = [
    "streaming_queries",
    "streaming_progress",
    "streaming_metrics",
    "connect_sessions",
    "connect_operations",
    "thrift_sessions",
    "thrift_statements",
];

fn event(name: &str, fields: &str) -> String {
    format!("{{\"Event\":\"org.apache.spark.sql.{name}\",{fields}}}\n")
}

/// What a query, a client of Connect and a client of the Thrift server did.
fn events() -> String {
    let streaming =
        |name: &str, fields: &str| event(&format!("streaming.StreamingQueryListener$Query{name}Event"), fields);
    let connect = |name: &str, fields: &str| event(&format!("connect.service.SparkListenerConnect{name}"), fields);
    let thrift =
        |name: &str, fields: &str| event(&format!("hive.thriftserver.ui.SparkListenerThriftServer{name}"), fields);
    let state = r#"{"operatorName":"dedupe","numRowsTotal":7,"memoryUsedBytes":900,"customMetrics":{"hits":3}}"#;
    let source = r#"{"description":"Rate","numInputRows":10,"inputRowsPerSecond":2.5,"processedRowsPerSecond":"NaN"}"#;
    [
        streaming("Started", r#""id":"q","runId":"r","name":"n","timestamp":"2026-11-20T10:00:00.000Z""#),
        streaming("Progress", &format!(r#""progress":{{"id":"q","runId":"r","name":"n","timestamp":"2026-11-20T10:00:01.000Z","batchId":0,"batchDuration":70,"durationMs":{{"addBatch":50}},"eventTime":{{}},"stateOperators":[{state}],"sources":[{source}],"sink":{{"description":"s","numOutputRows":-1}}}}"#)),
        connect("SessionStarted", r#""sessionId":"s","userId":"ann","eventTime":100"#),
        connect("OperationStarted", r#""jobTag":"tag","operationId":"o","eventTime":200,"sessionId":"s","userId":"ann","userName":"Ann","statementText":"plan","sparkSessionTags":["a"]"#),
        "{\"Event\":\"SparkListenerJobStart\",\"Job ID\":4,\"Stage Infos\":[],\"Stage IDs\":[],\"Properties\":{\"spark.job.tags\":\"tag\",\"spark.jobGroup.id\":\"g\"}}\n".to_owned(),
        thrift("SessionCreated", r#""ip":"::1","sessionId":"t","userName":"bob","startTime":100"#),
        thrift("OperationStart", r#""id":"i","sessionId":"t","statement":"select 1","groupId":"h","startTime":200,"userName":"bob""#),
        thrift("OperationTimeout", r#""id":"i","finishTime":300"#),
    ]
    .concat()
}

async fn tables(store: &Store) -> Vec<String> {
    let folder = ObjectPath::parse("history/app-1/default").unwrap();
    let objects = store.list_folder(&folder).await.unwrap().objects;
    objects.iter().filter_map(|object| Some(object.path.name().strip_suffix(".parquet")?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_tables_are_there_while_they_have_rows() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), head("app-1", None) + &events() + &end()).unwrap();
    let first = scanned(folder.path(), Some(store.clone())).await;
    let replayed = open(&first, "app-1").await;
    settle(&first).await;
    let there = tables(&store).await;
    assert!(RARE.iter().all(|table| there.iter().any(|name| name == table)), "{there:?}");
    // What was kept says the same as the log.
    let second = scanned(folder.path(), Some(store.clone())).await;
    let stored = open(&second, "app-1").await;
    assert_eq!((second.figures().replays, &stored.model), (0, &replayed.model));
    assert_eq!((stored.model.streaming.len(), stored.model.connect.operations.len()), (1, 1));
    // The log is now another one, without anything of the kind.
    fs::write(folder.path().join("app-1"), log("app-1", 1, 1)).unwrap();
    let third = scanned(folder.path(), Some(store.clone())).await;
    open(&third, "app-1").await;
    settle(&third).await;
    let left = tables(&store).await;
    assert!(left.iter().any(|name| name == "jobs"), "{left:?}");
    assert!(!RARE.iter().any(|table| left.iter().any(|name| name == table)), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_tables_hold_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), head("app-1", None) + &events() + &end()).unwrap();
    let history = scanned(folder.path(), Some(store.clone())).await;
    open(&history, "app-1").await;
    settle(&history).await;
    let holds = async |table: &str, row: usize, texts: &[&str]| {
        let rows = rows(&store, table).await;
        texts.iter().for_each(|text| assert!(rows[row].contains(text), "{table}: {text}\n{rows:#?}"));
        rows.len() - 1
    };
    holds("streaming_queries", 1, &["run_id: \"r\"", "status: \"RUNNING\"", "num_progress: 1"]).await;
    let progress = [
        "batch_id: 0",
        "batch_duration: 70",
        "num_input_rows: 10",
        "input_rows_per_second: 2.5",
        "processed_rows_per_second: 0",
    ];
    holds("streaming_progress", 1, &progress).await;
    let state =
        ["state_rows_total: 7", "state_memory_used_bytes: 900", "add_batch: 50", "wal_commit: null", "watermark: null"];
    holds("streaming_progress", 1, &state).await;
    let phase = ["kind: \"phase\", index: null, owner: null, metric: \"addBatch\", value: 50"];
    // A phase, two numbers of state and one of its store, and a source's rows and rates.
    assert_eq!(holds("streaming_metrics", 1, &phase).await, 7);
    let hits = ["kind: \"state_operator\", index: 0, owner: \"dedupe\", metric: \"hits\", value: 3"];
    holds("streaming_metrics", 4, &hits).await;
    holds("streaming_metrics", 7, &["metric: \"processedRowsPerSecond\", value: null"]).await;
    holds("connect_sessions", 1, &["user_id: \"ann\"", "finish_time: null", "total_execution: 1"]).await;
    let operation = ["state: \"STARTED\", outcome: null", "detail: null", "job_ids: [4]", "session_tags: [\"a\"]"];
    holds("connect_operations", 1, &operation).await;
    holds("thrift_sessions", 1, &["ip: \"::1\"", "total_execution: 1"]).await;
    let statement =
        ["statement: \"select 1\"", "state: \"TIMEDOUT\", outcome: \"TIMEDOUT\"", "plan: null", "job_ids: []"];
    holds("thrift_statements", 1, &statement).await;
}
