//! Tasks: rows of a table in an order, as the REST API shows them.

mod keys;
mod query;
mod select;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::application::Application;
use crate::metric::{self, TaskMetricValues};
use crate::stage_tasks::{StageTasks, Tasks};
use crate::tasks::{TaskAccumulable, TaskColumn};
use crate::types::{AccumulableInfo, Date, TaskData, TaskMetrics};
pub use query::{RowQuery, TaskQuery, TaskSort, TellWanted};

/// Tasks of a stage attempt, in an order. They are made when they are asked for or printed: a stage may have millions.
pub struct TaskList<'a> {
    app: &'a Application,
    tasks: Tasks<'a>,
    rows: Vec<u32>,
    now: i64,
}

impl<'a> TaskList<'a> {
    /// The tasks that a query asks for. `app` is whose they are; `now` is the present, in milliseconds since the epoch.
    pub fn new(app: &'a Application, tasks: &'a StageTasks, query: &TaskQuery<'_>, now: i64) -> Self {
        let tasks = Tasks::from(tasks);
        Self { app, tasks, rows: tasks.rows(query), now }
    }

    /// The tasks of these rows of the table.
    pub fn of_rows(app: &'a Application, tasks: &'a StageTasks, rows: Vec<u32>, now: i64) -> Self {
        Self { app, tasks: Tasks::from(tasks), rows, now }
    }

    /// The numbers of its rows in the table, in its order.
    pub fn into_rows(self) -> Vec<u32> {
        self.rows
    }

    /// The tasks, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = TaskData> + use<'_, 'a> {
        let mut logs = BTreeMap::new();
        self.rows.iter().map(move |row| self.tasks.data(self.app, *row as usize, self.now, &mut logs))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Leaves out all that are not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&TaskData) -> bool) {
        let kept = self.rows.iter().zip(self.iter()).filter(|(_, task)| wanted(task)).map(|(row, _)| *row).collect();
        self.rows = kept;
    }

    /// Leaves out all but a part.
    pub fn slice(&mut self, offset: usize, length: usize) {
        self.rows = self.rows.iter().skip(offset).take(length).copied().collect();
    }
}

impl std::fmt::Debug for TaskList<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskList").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Serialize for TaskList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Executor logs by the code of the executor's id.
type Logs<'a> = BTreeMap<i64, Option<&'a BTreeMap<String, String>>>;

impl<'a> Tasks<'a> {
    fn data(self, app: &'a Application, row: usize, now: i64, logs: &mut Logs<'a>) -> TaskData {
        let get = |column| self.table.get(column, row);
        let executor_id = self.text(TaskColumn::Executor, row);
        let executor_logs =
            *logs.entry(get(TaskColumn::Executor)).or_insert_with(|| Some(&app.executor(executor_id)?.executor_logs));
        let (duration, status) = (get(TaskColumn::Duration), self.status(row));
        let metrics = self.table.metrics_of(row);
        let finished = matches!(status, "FAILED" | "KILLED" | "SUCCESS");
        let has_delay = finished && metrics.is_some() && duration > 0;
        let fetch_start = get(TaskColumn::ResultFetchStart);
        TaskData {
            task_id: get(TaskColumn::TaskId),
            index: get(TaskColumn::Index) as i32,
            attempt: get(TaskColumn::Attempt) as i32,
            partition_id: get(TaskColumn::PartitionId) as i32,
            launch_time: Date(get(TaskColumn::LaunchTime)),
            result_fetch_start: Some(Date(fetch_start)).filter(|_| fetch_start > 0),
            duration: Some(duration).filter(|duration| *duration > 0),
            executor_id: executor_id.to_owned(),
            host: self.text(TaskColumn::Host, row).to_owned(),
            status: status.to_owned(),
            task_locality: self.text(TaskColumn::Locality, row).to_owned(),
            speculative: get(TaskColumn::Speculative) == 1,
            accumulator_updates: self.accumulator_updates(row),
            error_message: Some(get(TaskColumn::Error))
                .filter(|code| *code > 0)
                .map(|code| self.strings.get((code - 1) as u32).to_owned()),
            task_metrics: metrics.as_ref().map(task_metrics),
            executor_logs: executor_logs.cloned().unwrap_or_default(),
            scheduler_delay: if has_delay { self.scheduler_delay(row) } else { 0 },
            getting_result_time: self.fetch_time(row, if duration > 0 { duration } else { -1 }, now),
        }
    }

    fn accumulator_updates(self, row: usize) -> Vec<AccumulableInfo> {
        let strings = self.strings;
        let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let info = |found: &TaskAccumulable| AccumulableInfo {
            id: found.id,
            name: found.name.map(|name| strings.get(name).to_owned()),
            update: owned(&found.update),
            value: owned(&found.value),
        };
        self.table.accumulables_of(row).iter().map(info).collect()
    }
}

macro_rules! rest_metrics {
    ($($place:literal $name:ident $column:ident $group:ident $key:literal $accumulator:literal [$($rest:ident).+] $stage:ident
        $([$($quantiles:ident).+])?;)+) => {
        fn task_metrics(values: &TaskMetricValues) -> TaskMetrics {
            let mut all = TaskMetrics::default();
            $(all.$($rest).+ = values[metric::$name];)+
            all
        }
    };
}

crate::task_metrics!(rest_metrics);
