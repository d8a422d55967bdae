//! How many slots there were, and how many of them were busy.

use history_server::api::v1::types::Date;
use history_server::model::Stage;

use super::spent::{Span, over_time, ran};
use crate::app::App;
use crate::draw::chart::{Chart, Series};
use crate::draw::times::drawable;
use crate::pages::pictures::Drawn;

/// How finely slots are counted over time.
const STEPS: usize = 200;

/// Slots that there were, and of these the busy ones, over time.
pub(super) fn draw(app: &App, whole: Span, stages: &[&Stage]) -> Option<Drawn> {
    let end = |removed: Option<Date>| removed.map_or(whole.1, |removed| drawable(removed.0));
    let executors: Vec<_> = app.model().executors.iter().filter(|one| one.total_cores > 0).collect();
    // The driver's cores run tasks only where there are no executors.
    let local = executors.iter().all(|one| one.id == "driver");
    let there = executors.iter().filter(|one| local || one.id != "driver");
    let cores = over_time(
        whole,
        STEPS,
        there.map(|one| {
            ((drawable(one.add_time.0), end(one.remove_time)), f64::from(one.max_tasks.max(one.total_cores)))
        }),
    );
    let busy = stages.iter().filter_map(|stage| {
        let (start, end) = ran(app, stage)?;
        Some(((start, end), stage.data.executor_run_time as f64 / (end - start).max(1) as f64))
    });
    let busy = over_time(whole, STEPS, busy);
    let (used, all): (f64, f64) = (busy.iter().sum(), cores.iter().sum());
    if all <= 0.0 {
        return None;
    }
    let step = (whole.1 - whole.0).max(1) as f64 / STEPS as f64;
    let times = (0..STEPS).map(|index| whole.0 + (index as f64 * step) as i64).collect();
    let series =
        |name: &str, values: Vec<f64>| Series { name: name.to_owned(), values: values.into_iter().map(Some).collect() };
    let chart = Chart {
        name: "Slots over time".to_owned(),
        times,
        series: vec![series("busy", busy), series("slots", cores)],
        is_stacked: false,
        is_wide: true,
        unit: |value| format!("{value:.1}"),
    };
    let note = format!(
        "{:.0} % of all slots were busy. Within a stage its average is drawn.",
        (used / all * 100.0).min(100.0)
    );
    Some(Drawn {
        id: "slots",
        title: "Slots",
        legend: vec![("series-busy", "busy".to_owned()), ("series-slots", "there".to_owned())],
        note,
        picture: chart.draw()?,
        is_open: true,
    })
}
