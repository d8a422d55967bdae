//! A task of a stage, as pages read it: from the columns of the model, without a copy.

use history_server::StageTasks;
use history_server::model::metric;
use history_server::model::strings::Strings;
use history_server::model::tasks::{TaskColumn, TaskTable};

/// A task attempt: a row of its stage's table.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    table: &'a TaskTable,
    strings: &'a Strings,
    row: usize,
}

impl<'a> Task<'a> {
    /// Every one.
    pub(crate) fn all(tasks: &'a StageTasks) -> Vec<Self> {
        let row = |row| Self { table: &tasks.table, strings: &tasks.strings, row };
        (0..tasks.table.len()).map(row).collect()
    }

    pub(crate) fn get(self, column: TaskColumn) -> i64 {
        self.table.get(column, self.row)
    }

    pub(crate) fn text(self, column: TaskColumn) -> &'a str {
        u32::try_from(self.get(column)).map_or("", |code| self.strings.get(code))
    }

    pub(crate) fn metric(self, metric: usize) -> i64 {
        self.table.metric(metric).get(self.row)
    }

    pub(crate) fn executor(self) -> &'a str {
        self.text(TaskColumn::Executor)
    }

    pub(crate) fn status(self) -> &'a str {
        self.text(TaskColumn::Status)
    }

    pub(crate) fn launched(self) -> i64 {
        self.get(TaskColumn::LaunchTime)
    }

    /// Where it stands among the tasks of its stage.
    pub(crate) fn place(self) -> usize {
        self.row
    }

    /// Milliseconds from launch to finish.
    pub(crate) fn elapsed(self) -> i64 {
        self.get(TaskColumn::Duration)
    }

    /// Milliseconds that Spark's pages call its duration: those that the executor ran it, and all of one that does not
    /// tell that (yet).
    pub(crate) fn duration(self) -> i64 {
        match self.metric(metric::EXECUTOR_RUN_TIME) {
            ..=0 => self.elapsed(),
            run => run,
        }
    }

    /// Which task it is, in words.
    pub(crate) fn label(self) -> String {
        format!(
            "Task {}.{} (ID {})",
            self.get(TaskColumn::Index),
            self.get(TaskColumn::Attempt),
            self.get(TaskColumn::TaskId)
        )
    }

    /// Milliseconds of each part of its time, in the order of the timeline. Of what the executor ran, reading and writing
    /// shuffle data are parts by themselves.
    pub(crate) fn parts(self) -> [i64; 7] {
        let read = self.metric(metric::SHUFFLE_FETCH_WAIT_TIME);
        let write = self.metric(metric::SHUFFLE_WRITE_TIME) / 1_000_000;
        [
            self.scheduler_delay(),
            self.metric(metric::EXECUTOR_DESERIALIZE_TIME),
            read,
            self.metric(metric::EXECUTOR_RUN_TIME).saturating_sub(read).saturating_sub(write).max(0),
            write,
            self.metric(metric::RESULT_SERIALIZATION_TIME),
            self.getting_result(),
        ]
    }

    /// Code of the error, to compare by.
    pub(crate) fn error_code(self) -> i64 {
        self.get(TaskColumn::Error)
    }

    pub(crate) fn error(self) -> Option<&'a str> {
        let code = u32::try_from(self.error_code().checked_sub(1)?).ok()?;
        Some(self.strings.get(code))
    }

    /// Milliseconds between the end of the task and the arrival of its result.
    pub(crate) fn getting_result(self) -> i64 {
        let fetch = self.get(TaskColumn::ResultFetchStart);
        if fetch > 0 { self.launched().wrapping_add(self.elapsed()).wrapping_sub(fetch).max(0) } else { 0 }
    }

    /// Milliseconds that the task took and that nothing else accounts for.
    pub(crate) fn scheduler_delay(self) -> i64 {
        if self.get(TaskColumn::HasMetrics) != 1 || self.status() == "RUNNING" {
            return 0;
        }
        let used = [
            self.metric(metric::EXECUTOR_RUN_TIME),
            self.metric(metric::EXECUTOR_DESERIALIZE_TIME),
            self.metric(metric::RESULT_SERIALIZATION_TIME),
            self.getting_result(),
        ];
        used.into_iter().fold(self.elapsed(), i64::wrapping_sub).max(0)
    }
}
