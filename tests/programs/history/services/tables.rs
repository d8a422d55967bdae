//! The tables of streaming queries, Connect and Thrift servers, read by Spark itself: they say what the model says.

use std::path::Path;

use history_server::event_log::LogSource;
use history_server::model::streaming::StateMetric;
use history_server::model::{Application, StreamingQuery};
use history_server::{Config, History, Viewer};
use serde_json::{Map, Value, json};
use storage::{Store, StoreUrl};
use tokio_util::sync::CancellationToken;

use crate::history::tables::read_by_spark;

/// Opens the applications of the folder, and compares what is kept of them.
pub(in crate::history) async fn compare(logs: &Path, ids: &[&str]) {
    let kept = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreUrl::folder(kept.path())).unwrap();
    let source = LogSource::new(Store::open(&StoreUrl::folder(logs)).unwrap(), None);
    let history = History::new(Config::new(vec![source], Some(store)));
    history.scan().await;
    let mut want = Map::new();
    for id in ids {
        let opened = history.open(id, None, &Viewer::default()).await.unwrap();
        for (table, rows) in of_application(id, &opened.model) {
            let all = want.entry(table).or_insert_with(|| json!([]));
            all.as_array_mut().unwrap().extend(rows);
        }
    }
    // It ends when everything is written.
    let stop = CancellationToken::new();
    stop.cancel();
    history.run(stop).await;
    let got = read_by_spark("service_tables.py", &kept.path().join("history")).await;
    for (table, rows) in want {
        let (mut want, mut got) = (rows.as_array().unwrap().clone(), got[&table].as_array().unwrap().clone());
        [&mut want, &mut got].into_iter().for_each(|rows| rows.sort_by_key(Value::to_string));
        println!("{table}: {} rows", got.len());
        assert!(!want.is_empty(), "{table} has nothing to compare");
        assert_eq!(want, got, "{table}");
    }
}

fn of_application(app: &str, model: &Application) -> [(&'static str, Vec<Value>); 7] {
    let length = |text: &str| (!text.is_empty()).then(|| text.chars().count());
    let (connect, thrift) = (&model.connect, &model.thrift);
    let queries =
        model.streaming.iter().map(|one| json!([app, one.run_id, one.status(), one.start_time, one.progress.len()]));
    let operations = connect.operations.iter().map(|one| {
        let outcome = one.outcome.map(|outcome| outcome.name());
        let (state, statement) = (one.state.name(), length(&one.statement));
        json!([app, one.job_tag, state, outcome, one.close_time, statement, one.job_ids, one.session_tags])
    });
    let statements = thrift.statements.iter().map(|one| {
        let outcome = one.outcome.map(|outcome| outcome.name());
        json!([app, one.id, one.state.name(), outcome, one.close_time, length(&one.plan), one.job_ids])
    });
    let of_connect = connect.sessions.iter().map(|one| json!([app, one.id, one.finish_time, one.total_execution]));
    let of_thrift = thrift.sessions.iter().map(|one| json!([app, one.id, one.finish_time, one.total_execution]));
    let reported = || model.streaming.iter().filter(|query| !query.progress.is_empty());
    [
        ("streaming_queries", queries.collect()),
        ("streaming_progress", reported().map(|query| progress(app, query)).collect()),
        ("streaming_metrics", reported().flat_map(|query| metrics(app, query)).collect()),
        ("connect_sessions", of_connect.collect()),
        ("connect_operations", operations.collect()),
        ("thrift_sessions", of_thrift.collect()),
        ("thrift_statements", statements.collect()),
    ]
}

fn progress(app: &str, query: &StreamingQuery) -> Value {
    let progress = &query.progress;
    let rows = || 0..progress.len();
    let state: Vec<_> = rows().filter_map(|row| progress.state(StateMetric::RowsTotal, row)).collect();
    let phases = progress.phases.get("addBatch").map(|phase| phase.iter().map(|(_, value)| value).sum::<i64>());
    json!([
        app,
        query.run_id,
        progress.len(),
        rows().map(|row| progress.input_rows(row)).sum::<i64>(),
        rows().map(|row| progress.input_rate(row)).fold(0.0, f64::max),
        rows().map(|row| progress.time(row)).max(),
        (!state.is_empty()).then(|| state.iter().sum::<i64>()),
        rows().filter(|row| progress.watermark(*row).is_some()).count(),
        phases,
    ])
}

/// A row for each kind of number that the query has: how many there are, and the greatest.
fn metrics(app: &str, query: &StreamingQuery) -> Vec<Value> {
    let progress = &query.progress;
    let phases: Vec<f64> =
        progress.phases.values().flat_map(|phase| phase.iter().map(|(_, value)| value as f64)).collect();
    let mut state = Vec::new();
    for operator in &progress.state_operators {
        for series in operator.metrics.iter().chain(operator.custom_metrics.values()) {
            state.extend(series.iter().map(|(_, value)| value as f64));
        }
    }
    let mut sources = Vec::new();
    for source in &progress.sources {
        sources.extend(source.input_rows.iter().map(|(_, value)| value as f64));
        for series in [&source.input_rates, &source.process_rates].into_iter().chain(source.metrics.values()) {
            sources.extend((0..progress.len()).filter_map(|row| series.get_double(row)));
        }
    }
    let kinds = [("phase", phases), ("state_operator", state), ("source", sources)];
    let some = kinds.into_iter().filter(|(_, values)| !values.is_empty());
    let row = |(kind, values): (&str, Vec<f64>)| {
        json!([app, query.run_id, kind, values.len(), values.iter().copied().fold(f64::MIN, f64::max)])
    };
    some.map(row).collect()
}
