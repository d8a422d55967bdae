//! The tasks of all stages as one run of rows.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use history_model::strings::Strings;
use history_model::task_peaks::TaskPeaks;
use history_model::tasks::{TaskAccumulable, TaskTable};

/// Stage and attempt.
pub(super) type StageKey = (i32, i32);

/// Where a stage attempt's rows are: of tasks, of their accumulators and of what their executors measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct StageRows {
    pub(super) stage: StageKey,
    pub(super) tasks: Range<usize>,
    pub(super) accumulators: Range<usize>,
    pub(super) peaks: Range<usize>,
}

/// Tables of stage attempts, one behind the other. Rows are asked for in rising order, mostly.
pub(super) struct TaskRows<'a> {
    strings: &'a Strings,
    tables: Vec<(StageKey, &'a TaskTable)>,
    /// Of those stages that have any.
    peaks: Vec<(StageKey, Range<usize>, &'a TaskPeaks)>,
    pub(super) index: Vec<StageRows>,
    last_task: Cell<usize>,
    last_accumulator: Cell<usize>,
}

impl<'a> TaskRows<'a> {
    pub(super) fn new(
        strings: &'a Strings,
        stages: &'a BTreeMap<StageKey, Arc<TaskTable>>,
        peaks: &'a BTreeMap<StageKey, Arc<TaskPeaks>>,
    ) -> Self {
        let mut last = StageRows::default();
        let mut index = Vec::with_capacity(stages.len());
        for (stage, table) in stages {
            let behind = |range: &Range<usize>, count: usize| range.end..range.end + count;
            last = StageRows {
                stage: *stage,
                tasks: behind(&last.tasks, table.len()),
                accumulators: behind(&last.accumulators, table.accumulables.len()),
                peaks: behind(&last.peaks, peaks.get(stage).map_or(0, |peaks| peaks.len())),
            };
            index.push(last.clone());
        }
        let tables = stages.iter().map(|(stage, table)| (*stage, &**table)).collect();
        let peaks = index.iter().filter_map(|rows| Some((rows.stage, rows.peaks.clone(), &**peaks.get(&rows.stage)?)));
        let peaks = peaks.filter(|(_, rows, _)| !rows.is_empty()).collect();
        Self { strings, tables, peaks, index, last_task: Cell::new(0), last_accumulator: Cell::new(0) }
    }

    pub(super) fn task_count(&self) -> usize {
        self.index.last().map_or(0, |last| last.tasks.end)
    }

    pub(super) fn accumulator_count(&self) -> usize {
        self.index.last().map_or(0, |last| last.accumulators.end)
    }

    pub(super) fn peak_count(&self) -> usize {
        self.index.last().map_or(0, |last| last.peaks.end)
    }

    /// The stage, the table and the row in it of a task.
    pub(super) fn at(&self, row: usize) -> (StageKey, &'a TaskTable, usize) {
        let at = self.stage_of(row, &self.last_task, |rows| &rows.tasks);
        let (stage, table) = self.tables[at];
        (stage, table, row - self.index[at].tasks.start)
    }

    pub(super) fn accumulator(&self, row: usize) -> (StageKey, &'a TaskTable, &'a TaskAccumulable) {
        let at = self.stage_of(row, &self.last_accumulator, |rows| &rows.accumulators);
        let (stage, table) = self.tables[at];
        (stage, table, &table.accumulables[row - self.index[at].accumulators.start])
    }

    /// The stage, what the executors of its tasks measured, and the row in that.
    pub(super) fn peaks(&self, row: usize) -> (StageKey, &'a TaskPeaks, usize) {
        let at = self.peaks.partition_point(|(_, rows, _)| rows.end <= row);
        let (stage, rows, peaks) = &self.peaks[at];
        (*stage, peaks, row - rows.start)
    }

    fn stage_of(&self, row: usize, last: &Cell<usize>, of: impl Fn(&StageRows) -> &Range<usize>) -> usize {
        if !of(&self.index[last.get()]).contains(&row) {
            last.set(self.index.partition_point(|rows| of(rows).end <= row));
        }
        last.get()
    }

    /// The text of a code.
    pub(super) fn text(&self, code: i64) -> &'a str {
        self.strings.get(u32::try_from(code).unwrap_or(u32::MAX))
    }
}
