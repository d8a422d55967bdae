//! The tasks of a stage, as pages read them: from the columns of the model, without a copy. Of a stage with millions, what is said of
//! all of them is counted a portion at a time ([`Tasks`]), and only those that are shown are looked at one by one ([`Task`]).

mod read;

use std::collections::BTreeMap;
use std::ops::Range;

use history_server::StageTasks;
use history_server::model::ROWS_AT_ONCE;
use history_server::model::metric;
use history_server::model::strings::Strings;
use history_server::model::tasks::{TaskAccumulable, TaskColumn, TaskTable};

pub(crate) use read::{Times, Value, read_duration};

/// A task attempt: a row of its stage's table.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    table: &'a TaskTable,
    strings: &'a Strings,
    row: usize,
}

/// All tasks of a stage attempt.
#[derive(Clone, Copy)]
pub(crate) struct Tasks<'a> {
    pub(crate) of_stage: &'a StageTasks,
}

/// Codes below this are counted in an array.
const LOW_CODES: usize = 1 << 16;

impl<'a> Tasks<'a> {
    pub(crate) fn new(of_stage: &'a StageTasks) -> Self {
        Self { of_stage }
    }

    pub(crate) fn table(self) -> &'a TaskTable {
        &self.of_stage.table
    }

    pub(crate) fn strings(self) -> &'a Strings {
        &self.of_stage.strings
    }

    pub(crate) fn len(self) -> usize {
        self.table().len()
    }

    /// That of a row, which there is.
    pub(crate) fn at(self, row: usize) -> Task<'a> {
        Task { table: self.table(), strings: self.strings(), row }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Task<'a>> {
        (0..self.len()).map(move |row| self.at(row))
    }

    /// The rows, so many at a time as are read at once.
    pub(crate) fn portions(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.len()).step_by(ROWS_AT_ONCE).map(move |start| start..self.len().min(start + ROWS_AT_ONCE))
    }

    /// The code of a text, or one that no row has.
    pub(crate) fn code(self, text: &str) -> i64 {
        self.strings().code(text).map_or(-1, i64::from)
    }

    /// How many tasks have each code of a column.
    pub(crate) fn count(self, column: TaskColumn) -> BTreeMap<i64, usize> {
        let column = self.table().column(column);
        if let Some(code) = column.constant() {
            return BTreeMap::from([(code, self.len())]).into_iter().filter(|(_, number)| *number > 0).collect();
        }
        let (mut low, mut high) = (vec![0; LOW_CODES], BTreeMap::new());
        let mut codes = [0; ROWS_AT_ONCE];
        for rows in self.portions() {
            let codes = &mut codes[..rows.len()];
            column.read(rows.start, codes);
            for code in codes {
                match usize::try_from(*code).ok().and_then(|code| low.get_mut(code)) {
                    Some(number) => *number += 1,
                    None => *high.entry(*code).or_default() += 1,
                }
            }
        }
        let low = (0..).zip(low).filter(|(_, number)| *number > 0);
        low.chain(high).collect()
    }

    /// The rows of tasks with one of these statuses, in order.
    pub(crate) fn with_status(self, statuses: &[&str]) -> impl Iterator<Item = Task<'a>> {
        let wanted: Vec<i64> = statuses.iter().map(|status| self.code(status)).filter(|code| *code >= 0).collect();
        let column = self.table().column(TaskColumn::Status);
        let may_have = column.constant().map_or(!wanted.is_empty(), |code| wanted.contains(&code));
        let portions = self.portions().take_while(move |_| may_have);
        portions.flat_map(move |rows| {
            let mut codes = [0; ROWS_AT_ONCE];
            let codes = &mut codes[..rows.len()];
            column.read(rows.start, codes);
            let found: Vec<usize> =
                rows.zip(&*codes).filter(|(_, code)| wanted.contains(code)).map(|(row, _)| row).collect();
            found.into_iter().map(move |row| self.at(row))
        })
    }
}

impl<'a> Task<'a> {
    /// What it did to named accumulators of the application.
    pub(crate) fn accumulators(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = |one: &'a TaskAccumulable| {
            let update = one.update.as_deref().filter(|update| !update.is_empty())?;
            Some((self.strings.get(one.name?), update))
        };
        self.table.accumulables_of(self.row).iter().filter_map(named)
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
