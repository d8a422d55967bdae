//! `/StreamingQuery/` and `/StreamingQuery/statistics/?id=`, the id being that of a run.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::Date;
use history_server::model::StreamingQuery;
use history_server::model::streaming::{StateMetric, StreamingProgress};

use crate::app::App;
use crate::cell::{Badge, Cell};
use crate::draw::chart::{Chart, Series};
use crate::draw::svg::Picture;
use crate::error::Error;
use crate::format;
use crate::frame::{Fact, Frame, html};
use crate::pages::plain::PlainPage;
use crate::pages::stages::Reason;
use crate::params::Params;
use crate::table::{Column, Rank, TableSpec};

const TITLE: &str = "Structured Streaming";
const TAB: &str = "StreamingQuery";

/// Runs of streaming queries: those that are active, and those that have ended.
pub(crate) async fn list(app: App, params: Params) -> Response {
    let (active, ended): (Vec<_>, Vec<_>) = app.model().streaming.iter().partition(|query| query.is_active);
    let mut tables = Vec::new();
    if !active.is_empty() {
        tables.push(table(&app, "active", "Active streaming queries").draw_searched(active, &params));
    }
    if !ended.is_empty() || tables.is_empty() {
        tables.push(table(&app, "completed", "Completed streaming queries").draw_searched(ended, &params));
    }
    PlainPage { frame: app.frame(TITLE, TAB), title: TITLE.to_owned(), facts: Vec::new(), tables }.answer()
}

fn table<'a>(app: &'a App, tag: &'static str, title: &'static str) -> TableSpec<'a, &'a StreamingQuery> {
    let link = |one: &StreamingQuery| app.links.streaming_query(&one.run_id);
    let rate = |title, value: fn(&StreamingQuery) -> Option<f64>| {
        Column::new(title, move |one: &&StreamingQuery| Cell::Text(value(one).map(decimals).unwrap_or_default()))
            .number()
            .by(move |one| value(one).map(|rate| (rate * 1000.0) as i64))
    };
    let columns = vec![
        Column::new("Name", move |one: &&StreamingQuery| Cell::link(name(one), link(one)))
            .prose()
            .by(|one| one.name.clone()),
        Column::new("Status", |one: &&StreamingQuery| Cell::Badge(status(one))).by(|one| one.status()),
        Column::new("ID", |one: &&StreamingQuery| Cell::Text(one.id.clone()))
            .rank(Rank::Wider)
            .by(|one| one.id.clone()),
        Column::new("Run ID", move |one: &&StreamingQuery| Cell::link(&one.run_id, link(one)))
            .rank(Rank::Wide)
            .by(|one| one.run_id.clone()),
        Column::new("Start Time", |one: &&StreamingQuery| Cell::time(Some(Date(one.start_time))))
            .tight()
            .rank(Rank::Medium)
            .by(|one| one.start_time),
        Column::new("Duration", |one: &&StreamingQuery| Cell::duration(Some(one.duration(app.last_moment()))))
            .number()
            .by(|one| one.duration(app.last_moment())),
        rate("Avg Input /sec", StreamingQuery::average_input_rate),
        rate("Avg Process /sec", StreamingQuery::average_process_rate),
        Column::new("Latest Batch", |one: &&StreamingQuery| {
            last_batch(one).map_or_else(Cell::empty, |batch| Cell::Text(batch.to_string()))
        })
        .number()
        .by(|one| last_batch(one)),
        Column::new("Error", |one: &&StreamingQuery| Cell::long(one.exception.as_deref().unwrap_or_default()))
            .prose()
            .if_any(|one| one.exception.is_some()),
    ];
    let empty = "This application has run no streaming query.";
    TableSpec { tag, title, columns, sort: ("Start Time", true), empty }
}

fn name(query: &StreamingQuery) -> String {
    query.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "<no name>".to_owned())
}

fn status(query: &StreamingQuery) -> Badge {
    match query.status() {
        "FINISHED" => Badge::new("finished", "good"),
        other => Badge::of_status(other),
    }
}

fn last_batch(query: &StreamingQuery) -> Option<i64> {
    Some(query.progress.batch_id(query.progress.len().checked_sub(1)?))
}

fn decimals(rate: f64) -> String {
    format!("{rate:.2}")
}

/// A chart on the page.
struct Figure {
    title: String,
    hint: &'static str,
    /// The series, where there are several: place in the palette, and name.
    legend: Vec<(usize, String)>,
    picture: Picture,
}

#[derive(Template)]
#[template(path = "streaming.html")]
struct StatisticsPage {
    frame: Frame,
    title: String,
    status: Badge,
    facts: Vec<Fact>,
    reason: Option<Reason>,
    figures: Vec<Figure>,
}

/// One run: what it did over time.
pub(crate) async fn statistics(app: App, params: Params) -> Result<Response, Error> {
    let id = params.text("id").ok_or_else(|| app.missing("id", "the id of a run of a streaming query", TAB))?;
    let Some(query) = app.model().streaming.iter().find(|query| query.run_id == id) else {
        return Err(app.no_such("run of a streaming query with this id", TAB, "All streaming queries"));
    };
    let page = StatisticsPage {
        frame: app.frame(&name(query), TAB),
        title: name(query),
        status: status(query),
        facts: facts(&app, query),
        reason: (query.exception.as_deref()).map(|text| Reason::new("Why it failed".to_owned(), Vec::new(), text)),
        figures: figures(&query.progress),
    };
    Ok(html(StatusCode::OK, &page))
}

fn facts(app: &App, query: &StreamingQuery) -> Vec<Fact> {
    let batches = i64::try_from(query.progress.len()).unwrap_or(i64::MAX);
    let mut facts = vec![
        Fact::new("Started", Cell::time(Some(Date(query.start_time)))),
        Fact::new("Ran for", Cell::duration(Some(query.duration(app.last_moment())))),
        Fact::text("Reports", format::count(batches)),
        Fact::text("Id", &query.id),
        Fact::text("RunId", &query.run_id),
    ];
    if let Some(sink) = &query.latest.sink {
        facts.push(Fact::text("Sink", sink));
    }
    for source in &query.progress.sources {
        facts.push(Fact::text("Source", &source.description));
    }
    facts
}

/// A chart: title, what it shows, its number of a report, and how that is written.
type Measure = (&'static str, &'static str, fn(&StreamingProgress, usize) -> Option<f64>, fn(f64) -> String);

/// Of what each batch was.
const BATCHES: [Measure; 4] = [
    ("Input Rate", "Rows a second that arrived at all sources", |all, row| Some(all.input_rate(row)), per_second),
    ("Process Rate", "Rows a second that were processed", |all, row| Some(all.process_rate(row)), per_second),
    ("Input Rows", "Rows of each batch", |all, row| Some(all.input_rows(row) as f64), count),
    ("Batch Duration", "How long each batch took", |all, row| Some(all.batch_duration(row) as f64), millis),
];

/// Of the watermark and of state.
const STATE: [Measure; 6] = [
    ("Global Watermark Gap", "How far the watermark was behind the batch", watermark_gap, millis),
    (
        "Aggregated Number Of Total State Rows",
        "Rows of state",
        |all, row| state(all, row, StateMetric::RowsTotal),
        count,
    ),
    (
        "Aggregated Number Of Updated State Rows",
        "Rows of state that each batch added or changed",
        |all, row| state(all, row, StateMetric::RowsUpdated),
        count,
    ),
    (
        "Aggregated Number Of Removed State Rows",
        "Rows of state that each batch removed",
        |all, row| state(all, row, StateMetric::RowsRemoved),
        count,
    ),
    (
        "Aggregated State Memory Used In Bytes",
        "Memory that the state took",
        |all, row| state(all, row, StateMetric::MemoryUsedBytes),
        bytes,
    ),
    (
        "Aggregated Number Of Rows Dropped By Watermark",
        "Rows that came too late",
        |all, row| state(all, row, StateMetric::RowsDroppedByWatermark),
        count,
    ),
];

fn state(progress: &StreamingProgress, row: usize, metric: StateMetric) -> Option<f64> {
    Some(progress.state(metric, row)? as f64)
}

/// The charts, in Spark's order; those without a number are left out.
fn figures(progress: &StreamingProgress) -> Vec<Figure> {
    let rows = || 0..progress.len();
    let measure = |(title, hint, value, unit): Measure| {
        one(progress, title, hint, rows().map(|row| value(progress, row)).collect(), unit)
    };
    let mut figures: Vec<Figure> = BATCHES.into_iter().filter_map(measure).collect();
    figures.extend(operations(progress));
    figures.extend(STATE.into_iter().filter_map(measure));
    let names: BTreeSet<&String> =
        progress.state_operators.iter().flat_map(|operator| operator.custom_metrics.keys()).collect();
    for name in names {
        let values = rows().map(|row| Some(progress.custom_state(name, row)? as f64)).collect();
        let title = format!("Aggregated Custom Metric {name}");
        figures.extend(one(progress, &title, "A number that the state store reports", values, count));
    }
    figures
}

fn one(
    progress: &StreamingProgress,
    title: &str,
    hint: &'static str,
    values: Vec<Option<f64>>,
    unit: fn(f64) -> String,
) -> Option<Figure> {
    let series = vec![Series { name: title.to_owned(), values }];
    let chart =
        Chart { name: title.to_owned(), times: times(progress), series, is_stacked: false, is_wide: false, unit };
    Some(Figure { title: title.to_owned(), hint, legend: Vec::new(), picture: chart.draw()? })
}

/// The phases of each batch, above each other.
fn operations(progress: &StreamingProgress) -> Option<Figure> {
    let phases: BTreeMap<_, _> = progress.phases.iter().filter(|(name, _)| *name != "triggerExecution").collect();
    let series: Vec<Series> = (phases.into_iter())
        .map(|(name, times)| Series {
            name: name.clone(),
            values: (0..progress.len()).map(|row| times.get(row).map(|millis| millis as f64)).collect(),
        })
        .collect();
    let legend = series.iter().enumerate().map(|(place, series)| (place % 8, series.name.clone())).collect();
    let title = "Operation Duration".to_owned();
    let chart =
        Chart { name: title.clone(), times: times(progress), series, is_stacked: true, is_wide: false, unit: millis };
    Some(Figure { title, hint: "What the time of each batch went to", legend, picture: chart.draw()? })
}

fn times(progress: &StreamingProgress) -> Vec<i64> {
    (0..progress.len()).map(|row| progress.time(row)).collect()
}

fn watermark_gap(progress: &StreamingProgress, row: usize) -> Option<f64> {
    Some(progress.time(row).saturating_sub(progress.watermark(row)?) as f64)
}

fn per_second(value: f64) -> String {
    format!("{value:.1}/s")
}

fn count(value: f64) -> String {
    if value.fract() == 0.0 { format::count(value as i64) } else { format!("{value:.1}") }
}

fn millis(value: f64) -> String {
    format::duration(value.round() as i64)
}

fn bytes(value: f64) -> String {
    format::bytes(value.round() as i64)
}
