//! The page of tasks that tables in a browser ask for.

use std::sync::Arc;

use chrono::DateTime;
use serde::Serialize;

use super::answer::{Steps, print};
use super::error::Refusal;
use super::params::Params;
use super::task_rows::{TaskArray, TaskRows, Wanted};
use crate::opened::OpenApplication;
use history_model::StageTasks;
use history_model::format::{bytes, ui_duration};
use history_model::metric;
use history_model::tasks::TaskColumn;
use history_model::types::{TaskData, TaskMetrics};
use history_model::{TaskList, TaskSort};

/// A page of tasks, but for the tasks themselves; the counts are texts, as in Spark.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    records_filtered: String,
    aa_data: [(); 0],
    records_total: String,
}

/// How the tasks of a page are printed where there are none. Line feeds within texts are escaped: nothing else looks like this.
const NO_TASKS: &[u8] = b"\n  \"aaData\" : [ ]";

/// A page of tasks, printed some at a time.
pub(super) struct TaskTableSteps {
    rows: Option<TaskArray>,
    /// What comes behind them.
    rest: Vec<u8>,
}

impl TaskTableSteps {
    /// Prints what comes before the tasks. Without any, that is all.
    fn begin(page: &Page, rows: Option<TaskRows>, out: &mut Vec<u8>) -> Result<Option<Self>, Refusal> {
        let from = out.len();
        print(out, page)?;
        let at = memchr::memmem::find(&out[from..], NO_TASKS).map(|at| from + at + NO_TASKS.len());
        Ok(rows.zip(at).map(|(rows, at)| {
            let rest = out.split_off(at);
            out.truncate(at - b"[ ]".len());
            Self { rows: Some(TaskArray::new(rows, 1)), rest }
        }))
    }
}

impl Steps for TaskTableSteps {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        if let Some(rows) = &mut self.rows
            && rows.step(out)?
        {
            return Ok(true);
        }
        self.rows = None;
        out.append(&mut self.rest);
        Ok(false)
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
pub(super) fn task_table(
    opened: Arc<OpenApplication>,
    tasks: Option<StageTasks>,
    params: &Params,
    now: i64,
    out: &mut Vec<u8>,
) -> Result<Option<TaskTableSteps>, Refusal> {
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
    let offset = usize::try_from(offset).unwrap_or(0);
    let wanted = Wanted { sort, ascending, statuses: Vec::new(), offset, length };
    let page = |records_filtered| Page { records_filtered, aa_data: [], records_total: records_total.clone() };
    let Some(tasks) = tasks else { return TaskTableSteps::begin(&page(records_total.clone()), None, out) };
    let Some(search) = search else {
        let rows = TaskRows::new(opened, tasks, wanted, now);
        return TaskTableSteps::begin(&page(records_total.clone()), Some(rows), out);
    };
    let mut found = TaskList::new(&opened.model, &tasks, &wanted.query(), now);
    if found.is_empty() {
        return TaskTableSteps::begin(&page(records_total.clone()), None, out);
    }
    let search = search.to_lowercase();
    found.retain(|task| matches(task, &search));
    let page = page(found.len().to_string());
    if !found.is_empty() {
        found.slice(number("start")?.max(0) as usize, number("length")?.max(0) as usize);
    }
    let rows = found.into_rows();
    TaskTableSteps::begin(&page, Some(TaskRows::of_rows(opened, tasks, rows, now)), out)
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
        read.local_bytes_read.wrapping_add(read.remote_bytes_read),
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
