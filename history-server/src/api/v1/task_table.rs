//! The page of tasks that tables in a browser ask for.

use chrono::DateTime;
use serde::{Serialize, Serializer};

use super::error::Refusal;
use super::params::Params;
use history_model::Application;
use history_model::StageTasks;
use history_model::format::{bytes, ui_duration};
use history_model::metric;
use history_model::tasks::TaskColumn;
use history_model::types::{TaskData, TaskMetrics};
use history_model::{TaskList, TaskQuery, TaskSort};

/// A page of tasks; the counts are texts, as in Spark.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskTablePage<'a> {
    records_filtered: String,
    #[serde(serialize_with = "rows")]
    aa_data: Option<TaskList<'a>>,
    records_total: String,
}

/// A stage attempt that has started no task has no rows.
fn rows<S: Serializer>(rows: &Option<TaskList<'_>>, serializer: S) -> Result<S::Ok, S::Error> {
    match rows {
        Some(rows) => rows.serialize(serializer),
        None => serializer.collect_seq(std::iter::empty::<()>()),
    }
}

/// What the title of a column of the stage's page sorts by.
pub fn sort_of_title(title: &str) -> Option<TaskSort> {
    Some(match title {
        "ID" => TaskSort::Id,
        "Index" => TaskSort::Column(TaskColumn::PartitionId),
        "Attempt" => TaskSort::Column(TaskColumn::Attempt),
        "Status" => TaskSort::Text(TaskColumn::Status),
        "Locality Level" => TaskSort::Text(TaskColumn::Locality),
        "Executor ID" => TaskSort::Text(TaskColumn::Executor),
        "Host" => TaskSort::Text(TaskColumn::Host),
        "Launch Time" => TaskSort::Column(TaskColumn::LaunchTime),
        "Duration" => TaskSort::Metric(metric::EXECUTOR_RUN_TIME),
        "Scheduler Delay" => TaskSort::SchedulerDelay,
        "Task Deserialization Time" => TaskSort::Metric(metric::EXECUTOR_DESERIALIZE_TIME),
        "GC Time" => TaskSort::Metric(metric::JVM_GC_TIME),
        "Result Serialization Time" => TaskSort::Metric(metric::RESULT_SERIALIZATION_TIME),
        "Getting Result Time" => TaskSort::GettingResultTime,
        "Peak Execution Memory" => TaskSort::Metric(metric::PEAK_EXECUTION_MEMORY),
        "Accumulators" => TaskSort::Accumulators,
        "Input Size / Records" => TaskSort::Metric(metric::INPUT_BYTES_READ),
        "Output Size / Records" => TaskSort::Metric(metric::OUTPUT_BYTES_WRITTEN),
        "Shuffle Read Fetch Wait Time" => TaskSort::Metric(metric::SHUFFLE_FETCH_WAIT_TIME),
        "Shuffle Read Size / Records" => {
            TaskSort::Sum(metric::SHUFFLE_LOCAL_BYTES_READ, metric::SHUFFLE_REMOTE_BYTES_READ)
        }
        "Shuffle Remote Reads" => TaskSort::Metric(metric::SHUFFLE_REMOTE_BYTES_READ),
        "Shuffle Write Time" => TaskSort::Metric(metric::SHUFFLE_WRITE_TIME),
        "Shuffle Write Size / Records" => TaskSort::Metric(metric::SHUFFLE_BYTES_WRITTEN),
        "Spill (Memory)" => TaskSort::Metric(metric::MEMORY_BYTES_SPILLED),
        "Spill (Disk)" => TaskSort::Metric(metric::DISK_BYTES_SPILLED),
        "Errors" => TaskSort::Text(TaskColumn::Error),
        _ => return None,
    })
}

/// The page that the parameters ask for; a missing or wrong one is a 500, as in Spark.
pub(super) fn task_table<'a>(
    app: &'a Application,
    tasks: Option<&'a StageTasks>,
    params: &Params,
    now: i64,
) -> Result<TaskTablePage<'a>, Refusal> {
    let failed = || Refusal::Page(http::StatusCode::INTERNAL_SERVER_ERROR);
    let number = |name| params.first(name).and_then(|value| value.parse::<i32>().ok()).ok_or_else(failed);
    let records_total = params.first("numTasks").ok_or_else(failed)?.to_owned();
    let total = number("numTasks")?;
    let search = params.first("search[value]").filter(|text| !text.is_empty());
    let title = params.first("columnNameToSort").ok_or_else(failed)?;
    let title = if title.eq_ignore_ascii_case("Logs") { "Index" } else { title };
    let sort = sort_of_title(title).ok_or_else(failed)?;
    let ascending = params.first("order[0][dir]").is_some_and(|order| order.eq_ignore_ascii_case("asc"));
    let (offset, length) = if search.is_some() { (0, total) } else { (number("start")?, number("length")?) };
    // A store asked for nothing refuses, in Spark.
    let length = usize::try_from(length).ok().filter(|length| *length > 0).ok_or_else(failed)?;
    let query = TaskQuery { sort, ascending, statuses: &[], offset: usize::try_from(offset).unwrap_or(0), length };
    let mut tasks = tasks.map(|tasks| TaskList::new(app, tasks, &query, now));
    let shown = tasks.as_mut().filter(|tasks| !tasks.is_empty());
    let (Some(search), Some(shown)) = (search, shown) else {
        return Ok(TaskTablePage { records_filtered: records_total.clone(), aa_data: tasks, records_total });
    };
    let search = search.to_lowercase();
    shown.retain(|task| matches(task, &search));
    let records_filtered = shown.len().to_string();
    if !shown.is_empty() {
        shown.slice(number("start")?.max(0) as usize, number("length")?.max(0) as usize);
    }
    Ok(TaskTablePage { records_filtered, aa_data: tasks, records_total })
}

/// Whether what the page shows of a task contains the text, which is in small letters.
fn matches(task: &TaskData, search: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    let number = |value: i64| value.to_string().contains(search);
    let launch = DateTime::from_timestamp_millis(task.launch_time.0)
        .map(|moment| moment.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default();
    number(task.task_id)
        || number(task.index.into())
        || number(task.attempt.into())
        || has(&launch)
        || task.result_fetch_start.map_or_else(|| has("d"), |start| has(&java_date(start.0)))
        || [&task.executor_id, &task.host, &task.status, &task.task_locality].into_iter().any(|text| has(text))
        || has(if task.speculative { "true" } else { "false" })
        || has(task.error_message.as_deref().unwrap_or("d"))
        || task.task_metrics.as_ref().is_some_and(|metrics| metrics_match(metrics, &has))
        || has(&ui_duration(task.scheduler_delay))
        || has(&ui_duration(task.getting_result_time))
}

/// As `java.util.Date` prints it.
fn java_date(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis)
        .map(|moment| moment.format("%a %b %d %H:%M:%S UTC %Y").to_string())
        .unwrap_or_default()
}

fn metrics_match(metrics: &TaskMetrics, has: &impl Fn(&str) -> bool) -> bool {
    let (read, write) = (&metrics.shuffle_read_metrics, &metrics.shuffle_write_metrics);
    let durations = [
        metrics.executor_deserialize_time,
        metrics.executor_run_time,
        metrics.jvm_gc_time,
        metrics.result_serialization_time,
        read.fetch_wait_time,
        write.write_time / 1_000_000,
    ];
    let sizes = [
        metrics.memory_bytes_spilled,
        metrics.disk_bytes_spilled,
        metrics.peak_execution_memory,
        metrics.input_metrics.bytes_read,
        metrics.output_metrics.bytes_written,
        read.remote_bytes_read,
        read.local_bytes_read + read.remote_bytes_read,
        write.bytes_written,
    ];
    let counts = [
        metrics.input_metrics.records_read,
        metrics.output_metrics.records_written,
        read.records_read,
        write.records_written,
    ];
    durations.into_iter().any(|millis| has(&ui_duration(millis)))
        || sizes.into_iter().any(|size| has(&bytes(size)))
        || counts.into_iter().any(|count| has(&count.to_string()))
}
