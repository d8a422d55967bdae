use std::sync::Arc;

use proptest::prelude::*;

use super::{RowQuery, TaskQuery, TaskSort};
use crate::metric;
use crate::stage_tasks::{StageTasks, Tasks};
use crate::strings::Strings;
use crate::summary::task_summary;
use crate::tasks::{TaskColumn, TaskRow, TaskTable};

const STATUSES: [&str; 3] = ["SUCCESS", "FAILED", "RUNNING"];

/// Tasks whose ids come in no order, with these values of a metric and these statuses.
fn stage(values: &[(i64, usize, bool)]) -> StageTasks {
    let mut strings = Strings::default();
    let codes = STATUSES.map(|status| i64::from(strings.intern(status)));
    let mut table = TaskTable::default();
    for (n, (value, status, reported)) in values.iter().enumerate() {
        let mut row = TaskRow::default();
        row.set(TaskColumn::TaskId, (n as i64 * 7919) % 10_007);
        row.set(TaskColumn::Status, codes[*status]);
        row.set(TaskColumn::Duration, *value / 2 + 3);
        row.set(TaskColumn::LaunchTime, 1_700_000_000_000 + n as i64);
        row.set(TaskColumn::ResultFetchStart, -1);
        let mut metrics = [0; metric::COUNT];
        metrics[metric::EXECUTOR_RUN_TIME] = *value;
        metrics[metric::SHUFFLE_LOCAL_BYTES_READ] = *value;
        metrics[metric::SHUFFLE_REMOTE_BYTES_READ] = 1 << (n % 40);
        row.metrics = reported.then_some(metrics);
        table.push(&row);
    }
    StageTasks { strings: Arc::new(strings), table: Arc::new(table), summaries: Arc::default() }
}

/// What Spark's store orders a task by, said plainly.
fn key(tasks: &StageTasks, sort: TaskSort, row: usize) -> i64 {
    let get = |column| tasks.table.get(column, row);
    let metric = |at: usize| match (get(TaskColumn::HasMetrics), tasks.strings.get(get(TaskColumn::Status) as u32)) {
        (0, _) => -1,
        (_, "SUCCESS") => tasks.table.metric(at).get(row),
        _ => -tasks.table.metric(at).get(row) - 1,
    };
    match sort {
        TaskSort::Column(column) => get(column),
        TaskSort::Text(column) => match tasks.strings.get(get(column) as u32) {
            "FAILED" => 0,
            "RUNNING" => 1,
            _ => 2,
        },
        TaskSort::Metric(at) => metric(at),
        TaskSort::Sum(_, _) if get(TaskColumn::HasMetrics) == 0 => -1,
        TaskSort::Sum(left, right) => metric(left) + metric(right),
        _ => 0,
    }
}

/// A page between two values with nothing between them cannot be narrowed down, and was sought for ever.
#[test]
fn a_page_may_lie_on_both_sides_of_a_gap() {
    let values: Vec<_> = (0..1000).map(|n| (if n < 500 { 5 } else { 1_000_000_000_000 }, 0, true)).collect();
    let tasks = stage(&values);
    let sort = TaskSort::Metric(metric::EXECUTOR_RUN_TIME);
    let query = TaskQuery { sort, ascending: true, statuses: &[], offset: 490, length: 20 };
    let rows = Tasks::from(&tasks).rows(&query);
    assert_eq!(rows.len(), 20);
    assert!(rows[..10].iter().all(|row| *row < 500) && rows[10..].iter().all(|row| *row >= 500));
}

fn a_value() -> impl Strategy<Value = i64> {
    prop_oneof![Just(5), Just(i64::MAX / 4), 0..10i64, 0..1000i64, 0..1_000_000_000_000i64]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_part_of_any_order_is_that_of_all_rows_sorted(
        values in prop::collection::vec((a_value(), 0..3usize, prop::bool::weighted(0.9)), 1..2000),
        sort in prop_oneof![
            Just(TaskSort::Id),
            Just(TaskSort::Column(TaskColumn::LaunchTime)),
            Just(TaskSort::Text(TaskColumn::Status)),
            Just(TaskSort::Metric(metric::EXECUTOR_RUN_TIME)),
            Just(TaskSort::Sum(metric::SHUFFLE_LOCAL_BYTES_READ, metric::SHUFFLE_REMOTE_BYTES_READ)),
        ],
        ascending: bool,
        statuses in prop::sample::subsequence(STATUSES.as_slice(), 0..3),
        offset in 0..3000usize,
        length in prop_oneof![1..30usize, 1..3000usize, Just(usize::MAX)],
    ) {
        let tasks = stage(&values);
        let query = TaskQuery { sort, ascending, statuses: &statuses, offset, length };
        let mut wanted: Vec<usize> = (0..values.len())
            .filter(|row| statuses.is_empty() || statuses.contains(&STATUSES[values[*row].1]))
            .collect();
        wanted.sort_by_key(|row| (key(&tasks, sort, *row), tasks.table.get(TaskColumn::TaskId, *row)));
        if !ascending {
            wanted.reverse();
        }
        let wanted: Vec<_> = wanted.into_iter().skip(offset).take(length).map(|row| row as u32).collect();
        prop_assert_eq!(&Tasks::from(&tasks).rows(&query), &wanted);
        let keys = |start: usize, out: &mut [i64]| {
            out.iter_mut().zip(start..).for_each(|(out, row)| *out = key(&tasks, sort, row));
        };
        let keys_of_ids = |start: usize, out: &mut [i64]| tasks.table.column(TaskColumn::TaskId).read(start, out);
        let tell = |start: usize, out: &mut [bool]| {
            out.iter_mut().zip(start..).for_each(|(out, row)| *out &= statuses.contains(&STATUSES[values[row].1]));
        };
        let told = RowQuery {
            keys: if sort == TaskSort::Id { &keys_of_ids } else { &keys },
            wanted: (!statuses.is_empty()).then_some(&tell),
            ascending,
            offset,
            length,
        };
        prop_assert_eq!(tasks.table.rows_in_order(&told), wanted);
    }

    #[test]
    fn quantiles_are_those_of_all_values_sorted(
        values in prop::collection::vec((a_value(), prop_oneof![4 => Just(0), 1 => 0..3usize], prop::bool::weighted(0.9)), 1..2000),
        mut quantiles in prop::collection::vec(0.0..1.0f64, 1..8),
    ) {
        quantiles.sort_by(f64::total_cmp);
        let tasks = stage(&values);
        let valid: Vec<_> = values.iter().enumerate().filter(|(_, (_, status, reported))| *status == 0 && *reported).collect();
        let of = |mut sorted: Vec<i64>| -> Vec<f64> {
            sorted.sort_unstable();
            quantiles.iter().map(|q| sorted[((q * valid.len() as f64) as usize).min(valid.len() - 1)] as f64).collect()
        };
        let Some(summary) = task_summary(&tasks, &quantiles) else {
            prop_assert!(valid.is_empty());
            return Ok(());
        };
        prop_assert_eq!(&summary.executor_run_time, &of(valid.iter().map(|(_, (value, ..))| *value).collect()));
        let sums = valid.iter().map(|(n, (value, ..))| value + (1 << (n % 40))).collect();
        prop_assert_eq!(&summary.shuffle_read_metrics.read_bytes, &of(sums));
        let durations: Vec<i64> = values.iter().map(|(value, ..)| value / 2 + 3).collect();
        prop_assert_eq!(&summary.duration, &of(durations));
        prop_assert_eq!(task_summary(&tasks, &quantiles), Some(summary));
    }
}
