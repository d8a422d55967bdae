//! `/environment/`: what the application was started with.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use history_server::api::v1::types::{ApplicationEnvironmentInfo, ExecutorResourceRequest, ResourceProfileInfo};

use crate::app::App;
use crate::cell::Cell;
use crate::download;
use crate::error::Error;
use crate::frame::{Frame, html};
use crate::params::Params;
use crate::table::{Column, Table, TableSpec};

#[derive(Template)]
#[template(path = "environment.html")]
struct EnvironmentPage {
    frame: Frame,
    search: String,
    /// Where the Spark properties are as a file for another application; empty without any.
    export: String,
    profiles: Option<Table>,
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
    let has_any = !environment.spark_properties.is_empty();
    let page = EnvironmentPage {
        frame: app.frame("Environment", "environment"),
        export: if has_any { app.links.spark_defaults() } else { String::new() },
        profiles: profile_table(environment.resource_profiles, &search, &params),
        search,
        tables,
    };
    html(StatusCode::OK, &page)
}

type Group = (&'static str, &'static str, &'static str, &'static str, Vec<Pair>);

fn groups(environment: &ApplicationEnvironmentInfo) -> Vec<Group> {
    vec![
        ("runtime", "Runtime information", "Name", "Value", runtime(environment)),
        ("spark", "Spark properties", "Name", "Value", environment.spark_properties.clone()),
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

/// The Spark properties as the file that `spark-submit --properties-file` reads, secrets masked as on the page.
pub(crate) async fn spark_defaults(app: App) -> Result<Response, Error> {
    let mut text = format!("# The Spark properties of {}, as its event log has them\n", app.id());
    for (name, value) in app.environment().spark_properties {
        text.push_str(&format!("{}={}\n", property(&name), property(&value)));
    }
    let mut response = download::text(text.into());
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, download::attachment(&format!("{}-spark-defaults.conf", app.id()))?);
    Ok(response)
}

/// A name or a value in a file of properties: on one line.
fn property(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn profile_table(mut profiles: Vec<ResourceProfileInfo>, search: &str, params: &Params) -> Option<Table> {
    let needle = search.to_lowercase();
    let found = |lines: &[String]| lines.iter().any(|line| line.to_lowercase().contains(&needle));
    profiles
        .retain(|profile| needle.is_empty() || found(&executor_requests(profile)) || found(&task_requests(profile)));
    if profiles.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new("Id", |profile: &ResourceProfileInfo| Cell::Text(profile.id.to_string()))
            .number()
            .by(|profile| profile.id),
        Column::new("Each executor asks for", |profile: &ResourceProfileInfo| Cell::Lines(executor_requests(profile)))
            .prose(),
        Column::new("Each task asks for", |profile: &ResourceProfileInfo| Cell::Lines(task_requests(profile))).prose(),
    ];
    let spec = TableSpec { tag: "resources", title: "Resource profiles", columns, sort: ("Id", false), empty: "" };
    Some(spec.draw(profiles, params))
}

fn executor_requests(profile: &ResourceProfileInfo) -> Vec<String> {
    let line = |(name, request): (&String, &ExecutorResourceRequest)| {
        // Spark counts memory of any kind in these.
        let unit = if name.to_lowercase().contains("memory") || name == "offHeap" { " MiB" } else { "" };
        let mut line = format!("{name}: {}{unit}", request.amount);
        for (what, value) in [("found by", &request.discovery_script), ("vendor", &request.vendor)] {
            if !value.is_empty() {
                line.push_str(&format!(", {what} {value}"));
            }
        }
        line
    };
    profile.executor_resources.iter().map(line).collect()
}

fn task_requests(profile: &ResourceProfileInfo) -> Vec<String> {
    profile.task_resources.iter().map(|(name, request)| format!("{name}: {}", request.amount)).collect()
}

fn matching(mut rows: Vec<Pair>, search: &str) -> Vec<Pair> {
    let needle = search.to_lowercase();
    rows.retain(|(key, value)| {
        needle.is_empty() || key.to_lowercase().contains(&needle) || value.to_lowercase().contains(&needle)
    });
    rows
}

/// Names and values, long ones folded.
pub(crate) fn table(
    tag: &'static str,
    title: &'static str,
    key: &'static str,
    value: &'static str,
) -> TableSpec<'static, Pair> {
    let columns = vec![
        Column::new(key, |(key, _): &Pair| Cell::Text(key.clone())).prose().by(|(key, _)| key.clone()),
        Column::new(value, |(_, value): &Pair| Cell::long(value)).prose().by(|(_, value)| value.clone()),
    ];
    let empty = "Nothing here, or nothing in which your words are found.";
    TableSpec { tag, title, columns, sort: (key, false), empty }
}
