//! The tables: what is in them, and that every column of them is told of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use history_server::model::types::EXECUTOR_METRICS;
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::Type;
use storage::Store;

use crate::format::{EVERYTHING, kept};
use crate::stored::{open, rows, settle};
use crate::support::{T, scanned};

/// A column's type as Spark's SQL calls it, with a `?` where it may be null.
fn sql_type(column: &Type) -> String {
    let item = |column: &Type, at: usize| sql_type(&column.get_fields()[0].get_fields()[at]);
    let of = match column.get_basic_info().converted_type() {
        ConvertedType::LIST => return format!("array<{}>", item(column, 0)),
        ConvertedType::MAP => return format!("map<{},{}>", item(column, 0), item(column, 1)),
        _ => match (column.get_basic_info().logical_type_ref(), column.get_physical_type()) {
            (Some(LogicalType::String), _) => "string",
            (Some(LogicalType::Timestamp(_)), _) => "timestamp",
            (None, Physical::INT32) => "int",
            (None, Physical::INT64) => "bigint",
            (None, Physical::DOUBLE) => "double",
            (None, Physical::BOOLEAN) => "boolean",
            other => panic!("{other:?}"),
        },
    };
    let optional = column.get_basic_info().repetition() == Repetition::OPTIONAL;
    format!("{of}{}", if optional { "?" } else { "" })
}

/// The columns of each table as `docs/tables.md` lists them, with their types.
fn documented() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tables.md");
    let text = fs::read_to_string(path).unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## `") {
            table = Some(tables.entry(name.trim_end_matches('`').to_owned()).or_default());
        } else if let (Some(columns), Some(row)) = (&mut table, line.strip_prefix("| `")) {
            let parts: Vec<_> = row.split(" | ").collect();
            assert!(parts.len() == 3 && parts[2].len() > 3, "what is in it? {line}");
            columns.push(format!("{} {}", parts[0].trim_matches('`'), parts[1].trim_matches('`')));
        }
    }
    tables
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_every_table_is_documented() {
    let mut documented = documented();
    documented.values_mut().for_each(|columns| {
        columns.splice(0..0, ["app_id string".to_owned(), "app_attempt_id string?".to_owned()]);
    });
    let mut seen = BTreeSet::new();
    for kept in kept().await {
        for (name, bytes) in kept.objects().await {
            let Some(table) = name.strip_suffix(".parquet") else { continue };
            let file = SerializedFileReader::new(bytes).unwrap();
            let fields = file.metadata().file_metadata().schema().get_fields().to_vec();
            let columns: Vec<_> = fields.iter().map(|field| format!("{} {}", field.name(), sql_type(field))).collect();
            assert_eq!(
                documented.get(table),
                Some(&columns),
                "docs/tables.md of {table}, and what is stored of {}",
                kept.log
            );
            seen.insert(table.to_owned());
        }
    }
    assert_eq!(seen, documented.into_keys().collect(), "tables that were stored, and those of docs/tables.md");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_log_tells_is_in_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), EVERYTHING).unwrap();
    let history = scanned(folder.path(), Some(store.clone())).await;
    let replayed = open(&history, "app-1").await;
    settle(&history).await;
    let holds = async |table: &str, row: usize, texts: &[&str]| {
        let rows = rows(&store, table).await;
        texts.iter().for_each(|text| assert!(rows[row].contains(text), "{table}: {text}\n{rows:#?}"));
        rows.len() - 1
    };
    let told = [
        "name: \"Job app-1\", spark_user: \"eve\"",
        "duration: 1000",
        "num_tasks: 3",
        "num_other_events: 1",
        "bad_lines: 0",
    ];
    assert_eq!(holds("applications", 1, &told).await, 1);
    let properties = rows(&store, "environment").await.join("\n");
    assert!(properties.contains("section: \"runtime\", name: \"javaVersion\", value: \"17 (Acme)\""), "{properties}");
    assert!(properties.contains("name: \"spark.my.password\", value: \"*********(redacted)\""), "{properties}");
    holds("resource_profiles", 2, &["kind: \"task\", resource_name: \"cpus\", amount: 0.5"]).await;
    holds("processes", 1, &["process_id: \"am-1\"", "stderr"]).await;
    holds("other_events", 1, &["name: \"com.acme.CommitEvent\"", "files"]).await;
    holds("jobs", 2, &["job_id: 9", "job_tags: [\"nightly\"]", "stage_ids: [9]", "skipped_stage_ids: []"]).await;
    let stage =
        ["job_ids: [9], parent_ids: [4, 5], rdd_ids: [8], locality: {\"NODE_LOCAL\" -> 1}", "speculation_num_tasks: 1"];
    holds("stages", 2, &stage).await;
    holds("stages", 2, &["peak_jvm_heap_memory: 5000", "peak_total_gc_time: 12"]).await;
    let executor =
        ["stage_id: 9", "executor_id: \"1\", task_time: 45", "succeeded_tasks: 1", "peak_jvm_heap_memory: 5000"];
    holds("stage_executors", 3, &executor).await;
    holds("stage_accumulators", 1, &["accumulator_id: 77, name: \"rows seen\", update: \"5\""]).await;
    let scopes = "scope_ids: [\"3\", \"5\"], scope_names: [\"WholeStageCodegen (1)\", \"map\"]";
    holds("stage_rdds", 1, &["rdd_id: 8", "parent_ids: [7]", "is_cached: true", scopes]).await;
    assert_eq!(holds("task_peaks", 1, &["task_id: 900, peak_jvm_heap_memory: 5000"]).await, 1);
    holds("rdds", 1, &["rdd_id: 8", "num_cached_partitions: 1", "memory_used: 300"]).await;
    holds("stream_blocks", 1, &["block_name: \"input-0-1\", executor_id: \"2\""]).await;
    holds("sql_executions", 1, &["job_tags: [\"nightly\"]", "\"spark.my.password\" -> \"*********(redacted)\""]).await;
    holds("sql_nodes", 1, &["plan: \"initial\", node_id: 0, node_name: \"SortMergeJoin\"", "accumulator_ids: [501]"])
        .await;
    holds("sql_nodes", 2, &["node_name: \"WholeStageCodegen (1)\"", "is_cluster: true, cluster_id: null"]).await;
    holds("sql_nodes", 3, &["is_cluster: false, cluster_id: 1, metadata: {\"PushedFilters\" -> \"[IsNotNull(a)]\"}"])
        .await;
    assert_eq!(holds("sql_nodes", 4, &["plan: \"final\", node_id: 0, node_name: \"BroadcastHashJoin\""]).await, 6);
    assert_eq!(holds("sql_edges", 2, &["plan: \"final\", from_id: 2, to_id: 0"]).await, 2);
    let value = "value: \"2.0 KiB\", count: 1, sum: 2048, min: 2048, median: 2048, max: 2048, max_stage_id: null";
    holds("sql_metrics", 1, &["metric: \"data size\", metric_type: \"size\"", value, "stage_ids: []"]).await;
    let peaks = replayed.task_peaks(9, 0).await.unwrap().unwrap();
    assert_eq!((peaks.len(), peaks.task_id(0), peaks.peak(0, 0)), (1, 900, 5000));
    assert_eq!((peaks.peaks(0).get("TotalGCTime"), EXECUTOR_METRICS.len()), (12, 23));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_to_executors_is_told_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), EVERYTHING).unwrap();
    let history = scanned(folder.path(), Some(store.clone())).await;
    let opened = open(&history, "app-1").await;
    settle(&history).await;
    let events: Vec<_> =
        opened.model.executor_events.iter().map(|event| (event.time.unwrap() - T, event.kind.name())).collect();
    let want = [
        (0, "ADDED"),
        (0, "BLOCK_MANAGER_ADDED"),
        (1, "EXCLUDED_FOR_STAGE"),
        (2, "NODE_EXCLUDED_FOR_STAGE"),
        (3, "EXCLUDED"),
        (4, "NODE_EXCLUDED"),
        (5, "NODE_UNEXCLUDED"),
        (6, "UNEXCLUDED"),
        (70, "BLOCK_MANAGER_REMOVED"),
        (80, "REMOVED"),
    ];
    assert_eq!(events, want);
    let rows = rows(&store, "executor_events").await;
    let removed =
        "event: \"REMOVED\", executor_id: \"1\", host: \"h1\", port: null, reason: \"Command exited with code 137\"";
    assert!(rows[10].contains(removed), "{rows:#?}");
    assert!(rows[2].contains("port: 7, reason: null") && rows[2].contains("max_on_heap_memory: 800"), "{rows:#?}");
    assert!(rows[3].contains("stage_id: 0, stage_attempt_id: 0, failures: 2"), "{rows:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_only_when_asked_for_is_the_same_once_it_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_memory();
    fs::write(folder.path().join("app-1"), EVERYTHING).unwrap();
    let first = scanned(folder.path(), Some(store.clone())).await;
    let replayed = open(&first, "app-1").await;
    settle(&first).await;
    let second = scanned(folder.path(), Some(store)).await;
    let stored = open(&second, "app-1").await;
    assert_eq!((second.figures().replays, &stored.model), (0, &replayed.model));
    let name = "com.acme.CommitEvent";
    let events = stored.other_events(name).await.unwrap();
    assert_eq!((&events, &events[0].json[..11]), (&replayed.other_events(name).await.unwrap(), "{\"Event\":\"c"));
    assert!(stored.other_events("com.acme.Other").await.unwrap().is_empty());
    let peaks = stored.task_peaks(9, 0).await.unwrap();
    assert_eq!(peaks, replayed.task_peaks(9, 0).await.unwrap());
    assert!(peaks.is_some() && stored.task_peaks(0, 0).await.unwrap().is_none());
}
