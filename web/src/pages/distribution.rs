//! How what the tasks of a stage measured is spread: minimum, quartiles, maximum.

use crate::cell::Cell;
use crate::format;
use crate::pages::tasks::{Kind, MEASURES};
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};
use crate::task::Task;

/// One measure at the five points.
struct Spread {
    title: &'static str,
    kind: Kind,
    points: [(i64, i64); 5],
}

const POINTS: [&str; 5] = ["Min", "25th percentile", "Median", "75th percentile", "Max"];

/// The table over tasks that succeeded; `None` when none did. Measures that are zero for all are left out.
pub(crate) fn summary_table(tasks: &[Task<'_>], params: &Params) -> Option<Table> {
    let done: Vec<Task<'_>> = tasks.iter().filter(|task| task.status() == "SUCCESS").copied().collect();
    if done.is_empty() {
        return None;
    }
    let of = |value: &dyn Fn(Task<'_>) -> (i64, i64)| points(done.iter().map(|task| value(*task)).collect());
    let mut rows = vec![Spread { title: "Duration", kind: Kind::Millis, points: of(&|task| (task.duration(), 0)) }];
    for measure in MEASURES {
        let points = of(&measure.value);
        if points[4] != (0, 0) {
            rows.push(Spread { title: measure.title, kind: measure.kind, points });
        }
    }
    let mut columns = vec![Column::new("Metric", |row: &Spread| Cell::Text(row.title.to_owned())).tight()];
    for (index, title) in POINTS.into_iter().enumerate() {
        columns.push(Column::new(title, move |row: &Spread| row.kind.exact(row.points[index])).number());
    }
    columns.push(Column::new("Spread", |row: &Spread| spread(&row.points)).rank(Rank::Medium));
    let spec =
        TableSpec { tag: "summary", title: "Summary of tasks that succeeded", columns, sort: ("", false), empty: "" };
    let mut table = spec.draw(rows, params);
    table.pager = None;
    table.total = format::count(i64::try_from(done.len()).unwrap_or(i64::MAX));
    Some(table)
}

/// The same as a picture: a box from quartile to quartile, on a scale that begins at 0.
fn spread(points: &[(i64, i64); 5]) -> Cell {
    let most = points[4].0.max(points[4].1).max(1);
    let value = |(value, records): (i64, i64)| if points[4].0 > 0 { value } else { records };
    Cell::Spread(points.map(|point| ((value(point) as f64 / most as f64 * 100.0) as i64).clamp(0, 100)))
}

/// The values at the five points, records apart from sizes, as Spark picks them: the value at `floor(quantile * n)`.
fn points(values: Vec<(i64, i64)>) -> [(i64, i64); 5] {
    let (mut sizes, mut records): (Vec<i64>, Vec<i64>) = values.into_iter().unzip();
    sizes.sort_unstable();
    records.sort_unstable();
    std::array::from_fn(|quarter| {
        let index = (quarter * sizes.len() / 4).min(sizes.len().saturating_sub(1));
        (sizes.get(index).copied().unwrap_or(0), records.get(index).copied().unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_points_are_those_that_spark_picks() {
        let spread = points([40, 10, 30, 20].map(|duration| (duration, 0)).into());
        assert_eq!(spread.map(|(value, _)| value), [10, 20, 30, 40, 40]);
    }

    #[test]
    fn there_is_no_summary_of_nothing() {
        assert!(summary_table(&[], &Params::default()).is_none());
        assert_eq!(points(Vec::new()), [(0, 0); 5]);
    }
}
