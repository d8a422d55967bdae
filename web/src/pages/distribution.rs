//! How what the tasks of a stage measured is spread: minimum, quartiles, maximum.

use history_server::model::task_summary;
use history_server::model::tasks::TaskColumn;

use crate::cell::Cell;
use crate::format;
use crate::pages::tasks::{Kind, MEASURES};
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};
use crate::task::Tasks;

/// One measure at the five points.
struct Spread {
    title: &'static str,
    kind: Kind,
    points: [(i64, i64); 5],
}

const POINTS: [&str; 5] = ["Min", "25th percentile", "Median", "75th percentile", "Max"];

/// At which part of all values, in order, the points are.
const QUANTILES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The table over tasks that succeeded; `None` when none did. Measures that are zero for all are left out.
pub(crate) fn summary_table(tasks: Tasks<'_>, params: &Params) -> Option<Table> {
    let done = tasks.count(TaskColumn::Status).get(&tasks.code("SUCCESS")).copied()?;
    let all = task_summary(tasks.of_stage, &QUANTILES)?;
    let mut rows =
        vec![Spread { title: "Duration", kind: Kind::Millis, points: points((&all.executor_run_time, &[])) }];
    for measure in MEASURES {
        let points = points((measure.spread)(&all));
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
    table.total = format::count(i64::try_from(done).unwrap_or(i64::MAX));
    Some(table)
}

/// The same as a picture: a box from quartile to quartile, on a scale that begins at 0.
fn spread(points: &[(i64, i64); 5]) -> Cell {
    let most = points[4].0.max(points[4].1).max(1);
    let value = |(value, records): (i64, i64)| if points[4].0 > 0 { value } else { records };
    Cell::Spread(points.map(|point| ((value(point) as f64 / most as f64 * 100.0) as i64).clamp(0, 100)))
}

/// The values at the five points, and those of the records, where there are any.
fn points((values, records): (&[f64], &[f64])) -> [(i64, i64); 5] {
    // What no task has is no number, and 0 as one.
    let at = |of: &[f64], point: usize| of.get(point).map_or(0, |value| *value as i64);
    std::array::from_fn(|point| (at(values, point), at(records, point)))
}
