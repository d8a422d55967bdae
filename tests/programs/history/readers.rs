//! Every table that is kept, read by the programs that people have: pyarrow, DuckDB and Spark find the same in it, and what the REST
//! API answers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::servers::{Client, hearth};
use crate::support::cache;
use crate::support::process::{guarded, run};

/// Logs in the repository: five of real Spark's, and one written by hand to which everything happens that has a table.
const LOGS: [&str; 6] = ["connect.zstd", "everything.log", "jobs.zstd", "sql.zstd", "streaming.zstd", "thrift.zstd"];

#[tokio::test]
async fn pyarrow_duckdb_and_spark_read_every_table_alike() {
    let logs = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("history-server/tests/data");
    for log in LOGS {
        // Behind a dot stands a codec.
        std::fs::copy(data.join(log), logs.path().join(log.trim_end_matches(".log"))).unwrap();
    }
    let ours = hearth(logs.path()).await;
    ours.wait_until_all_is_read().await;
    let mut want = Sums::default();
    for app in items(&ours.client.json("/applications").await) {
        want.add_application(&ours.client, app["id"].as_str().unwrap()).await;
    }
    assert_eq!(want.applications, LOGS.len() as i64);
    // It ends when everything is written that it has replayed.
    let store = ours.stop().await;
    let history = store.path().join("history");
    let (readers, spark) = (cache::readers_python(), cache::python("4.3"));
    let (pyarrow, duckdb, spark) = tokio::join!(
        read(&readers, "pyarrow", &history),
        read(&readers, "duckdb", &history),
        read(&spark, "spark", &history)
    );
    let tables = pyarrow.as_object().unwrap();
    for (name, table) in tables {
        assert_eq!((table, table), (&duckdb[name], &spark[name]), "{name}: pyarrow, DuckDB and Spark");
    }
    assert_eq!((duckdb.as_object().unwrap().len(), spark.as_object().unwrap().len()), (tables.len(), tables.len()));
    assert!(tables.len() >= 31, "tables that were read: {:?}", tables.keys());
    let values = &pyarrow["sql_metrics"]["columns"]["value"][1];
    assert_eq!(values, &json!(want.metric_values), "metrics with a value, and the REST API");
    for (table, column, sum) in want.sums() {
        let found = match column {
            "" => &pyarrow[table]["rows"],
            column => &pyarrow[table]["columns"][column][2],
        };
        println!("{table} {column}: {sum}");
        assert_eq!(found, &json!(sum), "{table} {column}, and the REST API");
    }
}

/// What a program finds in all tables.
async fn read(python: &Path, reader: &str, history: &Path) -> Value {
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/history/readers.py");
    let mut command = guarded(python);
    command.arg(script).arg(reader).arg(history).env("SPARK_LOCAL_IP", "127.0.0.1");
    let output = run(&mut command, Duration::from_secs(600)).await.succeeded();
    serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap()
}

fn items(array: &Value) -> &[Value] {
    array.as_array().map_or(&[], Vec::as_slice)
}

fn number(item: &Value, pointer: &str) -> i64 {
    item.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

fn length(item: &Value, name: &str) -> i64 {
    let of = &item[name];
    of.as_array().map(Vec::len).or_else(|| of.as_object().map(serde_json::Map::len)).unwrap_or_default() as i64
}

/// What the REST API says of all applications together.
#[derive(Default)]
struct Sums {
    applications: i64,
    properties: i64,
    jobs: i64,
    stages_of_jobs: i64,
    stages: i64,
    run_time: i64,
    executors_of_stages: i64,
    task_time: i64,
    tasks: i64,
    tasks_run_time: i64,
    executors: i64,
    shuffle_written: i64,
    peaks: i64,
    rdds: i64,
    blocks: i64,
    block_bytes: i64,
    executions: i64,
    configs: i64,
    metric_values: i64,
}

impl Sums {
    async fn add_application(&mut self, client: &Client, id: &str) {
        let ask = async |path: &str| client.json(&format!("/applications/{id}/{path}")).await;
        self.applications += 1;
        let environment = ask("environment").await;
        let sections =
            ["sparkProperties", "hadoopProperties", "systemProperties", "metricsProperties", "classpathEntries"];
        self.properties += sections.iter().map(|section| length(&environment, section)).sum::<i64>();
        self.properties += length(&environment, "runtime");
        for job in items(&ask("jobs").await) {
            self.jobs += 1;
            self.stages_of_jobs += length(job, "stageIds");
        }
        for stage in items(&ask("stages?details=true").await) {
            self.stages += 1;
            self.run_time += number(stage, "/executorRunTime");
            let executors = stage["executorSummary"].as_object().into_iter().flat_map(serde_json::Map::values);
            executors.for_each(|executor| {
                self.executors_of_stages += 1;
                self.task_time += number(executor, "/taskTime");
            });
            let tasks = stage["tasks"].as_object().into_iter().flat_map(serde_json::Map::values);
            tasks.for_each(|task| {
                self.tasks += 1;
                self.tasks_run_time += number(task, "/taskMetrics/executorRunTime");
            });
        }
        for executor in items(&ask("allexecutors").await) {
            self.executors += 1;
            self.shuffle_written += number(executor, "/totalShuffleWrite");
            self.peaks += number(executor, "/peakMemoryMetrics/JVMHeapMemory");
        }
        for rdd in items(&ask("storage/rdd").await) {
            self.rdds += number(rdd, "/numCachedPartitions");
            for block in items(&rdd["partitions"]) {
                self.blocks += 1;
                self.block_bytes += number(block, "/memoryUsed");
            }
        }
        for execution in items(&ask("sql?length=100000").await) {
            self.executions += 1;
            self.configs += length(execution, "modifiedConfigs");
            let metrics = items(&execution["nodes"]).iter().flat_map(|node| items(&node["metrics"]));
            self.metric_values += metrics.count() as i64;
        }
    }

    /// Where each is found: a column's sum, or how many rows a table has.
    fn sums(&self) -> [(&'static str, &'static str, i64); 18] {
        [
            ("applications", "", self.applications),
            ("environment", "", self.properties),
            ("jobs", "", self.jobs),
            ("jobs", "stage_ids", self.stages_of_jobs),
            ("stages", "", self.stages),
            ("stages", "executor_run_time", self.run_time),
            ("stage_executors", "", self.executors_of_stages),
            ("stage_executors", "task_time", self.task_time),
            ("tasks", "", self.tasks),
            ("tasks", "executor_run_time", self.tasks_run_time),
            ("executors", "", self.executors),
            ("executors", "total_shuffle_write", self.shuffle_written),
            ("executors", "peak_jvm_heap_memory", self.peaks),
            ("rdds", "num_cached_partitions", self.rdds),
            ("rdd_blocks", "", self.blocks),
            ("rdd_blocks", "memory_used", self.block_bytes),
            ("sql_executions", "", self.executions),
            ("sql_executions", "modified_configs", self.configs),
        ]
    }
}
