//! `/environment/`: what the application was started with.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use history_server::api::v1::types::{ApplicationEnvironmentInfo, ResourceProfileInfo};

use crate::app::App;
use crate::cell::Cell;
use crate::frame::{Frame, html};
use crate::params::Params;
use crate::table::{Column, Table, TableSpec};

#[derive(Template)]
#[template(path = "environment.html")]
struct EnvironmentPage {
    frame: Frame,
    search: String,
    tables: Vec<Table>,
}

type Pair = (String, String);

/// All properties, or those in which `?q=` is found.
pub(crate) async fn page(app: App, params: Params) -> Response {
    let environment = app.environment();
    let search = params.text("q").unwrap_or_default().to_owned();
    let mut tables = Vec::new();
    for (tag, title, key, value, rows) in groups(&environment) {
        let rows = matching(rows, &search);
        if !rows.is_empty() || tag == "spark" {
            tables.push(table(tag, title, key, value).draw(rows, &params));
        }
    }
    let page = EnvironmentPage { frame: app.frame("Environment", "environment"), search, tables };
    html(StatusCode::OK, &page)
}

type Group = (&'static str, &'static str, &'static str, &'static str, Vec<Pair>);

fn groups(environment: &ApplicationEnvironmentInfo) -> Vec<Group> {
    vec![
        ("runtime", "Runtime information", "Name", "Value", runtime(environment)),
        ("spark", "Spark properties", "Name", "Value", environment.spark_properties.clone()),
        (
            "resources",
            "Resource profiles",
            "Id",
            "Contents",
            environment.resource_profiles.iter().map(profile).collect(),
        ),
        ("hadoop", "Hadoop properties", "Name", "Value", environment.hadoop_properties.clone()),
        ("system", "System properties", "Name", "Value", environment.system_properties.clone()),
        ("metrics", "Metrics properties", "Name", "Value", environment.metrics_properties.clone()),
        ("classpath", "Class path entries", "Resource", "Source", environment.classpath_entries.clone()),
    ]
}

fn runtime(environment: &ApplicationEnvironmentInfo) -> Vec<Pair> {
    let runtime = &environment.runtime;
    let rows = [
        ("Java version", &runtime.java_version),
        ("Java home", &runtime.java_home),
        ("Scala version", &runtime.scala_version),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
}

fn profile(profile: &ResourceProfileInfo) -> Pair {
    let executor = profile.executor_resources.iter().map(|(name, request)| format!("{name} {}", request.amount));
    let task = profile.task_resources.iter().map(|(name, request)| format!("{name} {}", request.amount));
    let join = |parts: Vec<String>| parts.join(", ");
    (profile.id.to_string(), format!("executor: {}; task: {}", join(executor.collect()), join(task.collect())))
}

fn matching(mut rows: Vec<Pair>, search: &str) -> Vec<Pair> {
    let needle = search.to_lowercase();
    rows.retain(|(key, value)| {
        needle.is_empty() || key.to_lowercase().contains(&needle) || value.to_lowercase().contains(&needle)
    });
    rows
}

pub(crate) fn table(
    tag: &'static str,
    title: &'static str,
    key: &'static str,
    value: &'static str,
) -> TableSpec<'static, Pair> {
    let columns = vec![
        Column::new(key, |(key, _): &Pair| Cell::Text(key.clone())).prose().by(|(key, _)| key.clone()),
        Column::new(value, |(_, value): &Pair| Cell::Text(value.clone())).prose().by(|(_, value)| value.clone()),
    ];
    table_of(tag, title, key, columns)
}

/// The same, long values folded.
pub(crate) fn folded_table(tag: &'static str, title: &'static str) -> TableSpec<'static, Pair> {
    let columns = vec![
        Column::new("Name", |(key, _): &Pair| Cell::Text(key.clone())).prose().by(|(key, _)| key.clone()),
        Column::new("Value", |(_, value): &Pair| Cell::long(value)).prose().by(|(_, value)| value.clone()),
    ];
    table_of(tag, title, "Name", columns)
}

fn table_of(
    tag: &'static str,
    title: &'static str,
    key: &'static str,
    columns: Vec<Column<'static, Pair>>,
) -> TableSpec<'static, Pair> {
    TableSpec {
        tag,
        title,
        columns,
        sort: (key, false),
        empty: "Nothing here, or nothing in which your words are found.",
    }
}
