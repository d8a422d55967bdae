//! Our model in the words of Spark's pages.

use std::collections::BTreeMap;

use history_server::api::v1::types::Date;
use history_server::model::StreamingQuery;
use history_server::model::connect::ConnectOperation;
use history_server::model::format::fixed;
use history_server::model::streaming::StateMetric;
use history_server::model::thrift::ThriftStatement;

use super::{CUSTOM, Row};
use crate::history::html::flat;

pub(super) fn query_row(query: &StreamingQuery) -> Row {
    let progress = &query.progress;
    let rate = |rate: Option<f64>| Some(rate.map_or_else(|| "NaN".to_owned(), |rate| fixed(rate, 2)));
    let last = progress.len().checked_sub(1);
    let mut row = vec![
        Some(query.name.clone().unwrap_or_else(|| "<no name>".to_owned())),
        Some(query.status().to_owned()),
        Some(query.id.clone()),
        Some(query.run_id.clone()),
        Some(date(query.start_time)),
        (!query.is_active).then(|| took(query.duration(0))),
        rate(query.average_input_rate()),
        rate(query.average_process_rate()),
        Some(last.map_or_else(|| "NaN".to_owned(), |last| progress.batch_id(last).to_string())),
    ];
    if !query.is_active {
        row.push(Some(query.exception.clone().unwrap_or_else(|| "-".to_owned())));
    }
    row
}

pub(super) fn our_timelines(query: &StreamingQuery) -> BTreeMap<String, Vec<(i64, f64)>> {
    let progress = &query.progress;
    let line = |of: &dyn Fn(usize) -> Option<f64>| -> Vec<(i64, f64)> {
        (0..progress.len()).filter_map(|row| Some((progress.time(row), of(row)?))).collect()
    };
    let mut lines = vec![
        ("input-rate", line(&|row| Some(progress.input_rate(row)))),
        ("process-rate", line(&|row| Some(progress.process_rate(row)))),
        ("input-rows", line(&|row| Some(progress.input_rows(row) as f64))),
        ("batch-duration", line(&|row| Some(progress.batch_duration(row) as f64))),
        ("watermark-gap", line(&|row| Some((progress.time(row) - progress.watermark(row)?) as f64 / 1000.0))),
    ];
    let state = [
        ("aggregated-num-total-state-rows", StateMetric::RowsTotal),
        ("aggregated-num-updated-state-rows", StateMetric::RowsUpdated),
        ("aggregated-num-removed-state-rows", StateMetric::RowsRemoved),
        ("aggregated-state-memory-used-bytes", StateMetric::MemoryUsedBytes),
        ("aggregated-num-rows-dropped-by-watermark", StateMetric::RowsDroppedByWatermark),
    ];
    for (id, metric) in state {
        lines.push((id, line(&|row| Some(progress.state(metric, row)? as f64))));
    }
    let custom = CUSTOM.map(|name| format!("aggregated-{name}"));
    for (id, name) in custom.iter().zip(CUSTOM) {
        lines.push((id, line(&|row| Some(progress.custom_state(name, row)? as f64))));
    }
    let drawn = lines.into_iter().filter(|(_, points)| !points.is_empty());
    drawn.map(|(id, points)| (format!("{id}-timeline"), points)).collect()
}

pub(super) fn phases(query: &StreamingQuery) -> Vec<(String, BTreeMap<String, f64>)> {
    let progress = &query.progress;
    let of_row = |row: usize| {
        let named = progress.phases.iter().filter(|(name, series)| *name != "triggerExecution" && !series.is_empty());
        let values = named.map(|(name, series)| (name.clone(), series.get(row).unwrap_or_default() as f64));
        let (date, millis) = (date(progress.time(row)), progress.time(row) % 1000);
        (format!("{}.{millis:03}", &date[11..]), values.collect())
    };
    (0..progress.len()).map(of_row).collect()
}

pub(super) fn operation_row(one: &ConnectOperation) -> Row {
    vec![
        Some(one.user_id.clone()),
        Some(links(&one.job_ids)),
        Some(links(&one.sql_execution_ids)),
        Some(one.session_id.clone()),
        Some(date(one.start_time)),
        Some(maybe_date(one.finish_time)),
        Some(maybe_date(one.close_time)),
        one.finish_time.map(|_| took(one.execution_time(0))),
        one.close_time.map(|_| took(one.duration(0))),
        Some(one.statement.clone()),
        Some(one.status().to_owned()),
        Some(one.operation_id.clone()),
        Some(one.job_tag.clone()),
        Some(one.session_tags.join(", ")),
        Some(one.detail.clone().unwrap_or_default()),
    ]
}

pub(super) fn statement_row(one: &ThriftStatement) -> Row {
    vec![
        Some(one.user_name.clone()),
        Some(links(&one.job_ids)),
        Some(one.group_id.clone()),
        Some(date(one.start_time)),
        Some(maybe_date(one.finish_time)),
        Some(maybe_date(one.close_time)),
        one.finish_time.map(|_| took(one.execution_time(0))),
        one.close_time.map(|_| took(one.duration(0))),
        Some(one.statement.clone()),
        Some(one.state.name().to_owned()),
        Some(if one.detail.is_empty() { one.plan.clone() } else { one.detail.clone() }),
    ]
}

/// As Spark writes links to jobs, which it sorts as texts.
fn links<T: ToString>(ids: &[T]) -> String {
    let mut ids: Vec<_> = ids.iter().map(T::to_string).collect();
    ids.sort();
    ids.iter().map(|id| format!("[{id}]")).collect()
}

/// As Spark's pages write a time, to the second.
pub(super) fn date(time: i64) -> String {
    let text = serde_json::to_value(Date(time)).unwrap();
    text.as_str().unwrap()[..19].replace('-', "/").replace('T', " ")
}

pub(super) fn maybe_date(time: Option<i64>) -> String {
    time.map(date).unwrap_or_default()
}

/// As Spark's pages write milliseconds, of less than an hour.
pub(super) fn took(millis: i64) -> String {
    let count = |number: i64, unit: &str| match number {
        0 => String::new(),
        1 => format!("1 {unit}"),
        number => format!("{number} {unit}s"),
    };
    let rest = if millis >= 1000 && millis % 1000 == 0 { String::new() } else { format!("{} ms", millis % 1000) };
    let (minutes, seconds) = (count(millis / 60_000, "minute"), count(millis % 60_000 / 1000, "second"));
    flat(&if millis < 60_000 { format!("{seconds} {rest}") } else { format!("{minutes} {seconds}") })
}
