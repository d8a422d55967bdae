//! The tasks of all stages as one run of rows.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use history_model::strings::Strings;
use history_model::tasks::{TaskAccumulable, TaskTable};

/// Stage and attempt.
pub(super) type StageKey = (i32, i32);

/// Where a stage attempt's rows are: of tasks, and of their accumulators.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct StageRows {
    pub(super) stage: StageKey,
    pub(super) tasks: Range<usize>,
    pub(super) accumulators: Range<usize>,
}

/// Tables of stage attempts, one behind the other. Rows are asked for in rising order, mostly.
pub(super) struct TaskRows<'a> {
    strings: &'a Strings,
    tables: Vec<(StageKey, &'a TaskTable)>,
    pub(super) index: Vec<StageRows>,
    last_task: Cell<usize>,
    last_accumulator: Cell<usize>,
}

impl<'a> TaskRows<'a> {
    pub(super) fn new(strings: &'a Strings, stages: &'a BTreeMap<StageKey, Arc<TaskTable>>) -> Self {
        let (mut task, mut accumulator) = (0, 0);
        let mut index = Vec::with_capacity(stages.len());
        for (stage, table) in stages {
            let (tasks, accumulators) = (task..task + table.len(), accumulator..accumulator + table.accumulables.len());
            (task, accumulator) = (tasks.end, accumulators.end);
            index.push(StageRows { stage: *stage, tasks, accumulators });
        }
        let tables = stages.iter().map(|(stage, table)| (*stage, &**table)).collect();
        Self { strings, tables, index, last_task: Cell::new(0), last_accumulator: Cell::new(0) }
    }

    pub(super) fn task_count(&self) -> usize {
        self.index.last().map_or(0, |last| last.tasks.end)
    }

    pub(super) fn accumulator_count(&self) -> usize {
        self.index.last().map_or(0, |last| last.accumulators.end)
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
