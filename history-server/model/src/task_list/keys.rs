//! What tasks are sorted by, for many rows at a time.

use super::query::TaskSort;
use crate::column::Column;
use crate::order::java_cmp;
use crate::stage_tasks::Tasks;
use crate::tasks::TaskColumn;

/// The key of every row.
pub(super) enum Keys<'a> {
    Column(&'a Column),
    /// By the place of its text: the codes, what is taken from them, and the places by code.
    Ranked(&'a Column, i64, Vec<i64>),
    Metric(Tasks<'a>, usize),
    Sum(Tasks<'a>, usize, usize),
    SchedulerDelay(Tasks<'a>),
    GettingResultTime(Tasks<'a>),
    Rows(Vec<i64>),
    Told(&'a dyn Fn(usize, &mut [i64])),
}

impl<'a> Keys<'a> {
    pub(super) fn new(tasks: Tasks<'a>, sort: TaskSort) -> Self {
        match sort {
            TaskSort::Id => Self::Column(tasks.table.column(TaskColumn::TaskId)),
            TaskSort::Column(column) => Self::Column(tasks.table.column(column)),
            // An error's code is one higher, and 0 where there is none, which is the lowest text, too.
            TaskSort::Text(column) => {
                Self::Ranked(tasks.table.column(column), i64::from(column == TaskColumn::Error), text_ranks(tasks))
            }
            TaskSort::Metric(at) => Self::Metric(tasks, at),
            TaskSort::Sum(left, right) => Self::Sum(tasks, left, right),
            TaskSort::SchedulerDelay => Self::SchedulerDelay(tasks),
            TaskSort::GettingResultTime => Self::GettingResultTime(tasks),
            TaskSort::Accumulators => Self::Rows(accumulator_ranks(tasks)),
        }
    }

    /// The keys from row `start` on; at most [`CHUNK`](crate::stage_tasks::CHUNK) of them.
    pub(super) fn read(&self, start: usize, out: &mut [i64]) {
        match self {
            Self::Column(column) => column.read(start, out),
            Self::Ranked(column, shift, ranks) => {
                column.read(start, out);
                for key in out {
                    let code = *key - shift;
                    *key = usize::try_from(code).map_or(code, |code| ranks.get(code).copied().unwrap_or(0));
                }
            }
            Self::Metric(tasks, at) => tasks.read_indexed(&[*at], start, out),
            Self::Sum(tasks, left, right) => tasks.read_indexed(&[*left, *right], start, out),
            Self::SchedulerDelay(tasks) => tasks.read_scheduler_delay(start, out),
            Self::GettingResultTime(tasks) => tasks.read_getting_result_time(start, out),
            Self::Told(tell) => tell(start, out),
            Self::Rows(keys) => out.copy_from_slice(&keys[start..start + out.len()]),
        }
    }
}

/// The place of each text among all, by code.
fn text_ranks(tasks: Tasks<'_>) -> Vec<i64> {
    let strings = tasks.strings;
    let mut codes: Vec<_> = (0..strings.len() as u32).collect();
    codes.sort_by(|left, right| java_cmp(strings.get(*left), strings.get(*right)));
    let mut ranks = vec![0; codes.len()];
    codes.iter().enumerate().for_each(|(rank, code)| ranks[*code as usize] = rank as i64);
    ranks
}

fn accumulator_ranks(tasks: Tasks<'_>) -> Vec<i64> {
    let strings = tasks.strings;
    let mut ranks = vec![0; tasks.table.len()];
    let mut texts: Vec<(u32, String)> = Vec::new();
    for first in tasks.table.accumulables.chunk_by(|left, right| left.row == right.row).filter_map(|row| row.first()) {
        let name = first.name.map_or("null", |name| strings.get(name));
        texts.push((first.row, format!("{name}:{}", first.value.as_deref().unwrap_or("null"))));
    }
    // A task without accumulators comes before all others: its text is empty.
    texts.sort_unstable_by(|(_, left), (_, right)| java_cmp(left, right));
    let mut rank = 0;
    let mut last: Option<&str> = None;
    for (row, text) in &texts {
        rank += i64::from(last != Some(text));
        last = Some(text);
        if let Some(place) = ranks.get_mut(*row as usize) {
            *place = rank;
        }
    }
    ranks
}
