//! Tasks of a stage attempt, printed some at a time.

use std::sync::Arc;

use history_model::tasks::TaskColumn;
use history_model::{StageTasks, TaskList, TaskQuery, TaskSort};

use super::answer::{Steps, print_within};
use super::error::Refusal;
use crate::api::json;
use crate::opened::OpenApplication;

/// How many tasks are printed in a step.
const STEP_TASKS: usize = 16;
/// For how many the order is worked out at a time: the numbers of the rows are all that is held of it.
const CHUNK_TASKS: usize = 1 << 16;

/// Which tasks, in which order.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) sort: TaskSort,
    pub(super) ascending: bool,
    pub(super) statuses: Vec<&'static str>,
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Wanted {
    /// All tasks of these statuses, by id.
    pub(super) fn by_id(statuses: &[&'static str]) -> Self {
        Self { sort: TaskSort::Id, ascending: true, statuses: statuses.to_vec(), offset: 0, length: usize::MAX }
    }

    pub(super) fn query(&self) -> TaskQuery<'_> {
        let Self { sort, ascending, offset, length, .. } = *self;
        TaskQuery { sort, ascending, statuses: &self.statuses, offset, length }
    }
}

/// The tasks that are wanted, one after the other.
pub(super) struct TaskRows {
    opened: Arc<OpenApplication>,
    tasks: StageTasks,
    /// What was not looked for yet.
    wanted: Wanted,
    chunk: std::vec::IntoIter<u32>,
    now: i64,
}

impl TaskRows {
    pub(super) fn new(opened: Arc<OpenApplication>, tasks: StageTasks, wanted: Wanted, now: i64) -> Self {
        Self { opened, tasks, wanted, chunk: Vec::new().into_iter(), now }
    }

    /// Rows that were found already.
    pub(super) fn of_rows(opened: Arc<OpenApplication>, tasks: StageTasks, rows: Vec<u32>, now: i64) -> Self {
        let wanted = Wanted { length: 0, ..Wanted::by_id(&[]) };
        Self { opened, tasks, wanted, chunk: rows.into_iter(), now }
    }

    fn next_row(&mut self) -> Option<u32> {
        if self.chunk.len() == 0 && self.wanted.length > 0 {
            let length = self.wanted.length.min(CHUNK_TASKS);
            let query = TaskQuery { length, ..self.wanted.query() };
            let rows = TaskList::new(&self.opened.model, &self.tasks, &query, self.now).into_rows();
            self.wanted.offset += rows.len();
            self.wanted.length = if rows.len() < length { 0 } else { self.wanted.length - length };
            self.chunk = rows.into_iter();
        }
        self.chunk.next()
    }

    fn task_id(&self, row: u32) -> i64 {
        self.tasks.table.get(TaskColumn::TaskId, row as usize)
    }

    fn list(&self, rows: Vec<u32>) -> TaskList<'_> {
        TaskList::of_rows(&self.opened.model, &self.tasks, rows, self.now)
    }
}

/// Tasks as the items of an array, brackets included, within `depth` objects.
pub(super) struct TaskArray {
    rows: TaskRows,
    depth: usize,
    is_first: bool,
}

impl TaskArray {
    pub(super) fn new(rows: TaskRows, depth: usize) -> Self {
        Self { rows, depth, is_first: true }
    }
}

impl Steps for TaskArray {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let rows: Vec<u32> = std::iter::from_fn(|| self.rows.next_row()).take(STEP_TASKS).collect();
        let more = rows.len() == STEP_TASKS;
        for task in self.rows.list(rows).iter() {
            out.extend_from_slice(json::between_items(self.is_first));
            print_within(out, &task, self.depth)?;
            self.is_first = false;
        }
        if !more {
            out.extend_from_slice(json::end_of_array(self.is_first));
        }
        Ok(more)
    }
}

/// Tasks as the entries of an object by their ids, without its braces, within `depth` objects.
pub(super) struct TaskEntries {
    rows: TaskRows,
    depth: usize,
    held: Option<u32>,
    is_first: bool,
}

impl TaskEntries {
    pub(super) fn new(rows: TaskRows, depth: usize) -> Self {
        Self { rows, depth, held: None, is_first: true }
    }

    /// Whether nothing was printed.
    pub(super) fn is_empty(&self) -> bool {
        self.is_first
    }

    /// A broken log may end a task twice: the last word counts.
    fn next_row(&mut self) -> Option<u32> {
        let mut row = self.held.take().or_else(|| self.rows.next_row())?;
        while let Some(next) = self.rows.next_row() {
            if self.rows.task_id(next) != self.rows.task_id(row) {
                self.held = Some(next);
                break;
            }
            row = next;
        }
        Some(row)
    }
}

impl Steps for TaskEntries {
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let rows: Vec<u32> = std::iter::from_fn(|| self.next_row()).take(STEP_TASKS).collect();
        let more = rows.len() == STEP_TASKS;
        for task in self.rows.list(rows).iter() {
            json::key(out, &task.task_id.to_string(), self.depth, self.is_first);
            print_within(out, &task, self.depth)?;
            self.is_first = false;
        }
        Ok(more)
    }
}
