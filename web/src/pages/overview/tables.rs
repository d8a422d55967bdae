//! What was slow, and what was set.

use history_server::api::v1::types::Date;
use history_server::model::{SqlExecution, Stage};

use crate::app::App;
use crate::cell::{Badge, Cell};
use crate::description::{Described, Description};
use crate::pages::{environment, stages};
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};

/// Of queries and stages the first are shown.
const SHOWN: usize = 5;

/// The tables for which there is something to say.
pub(super) fn all(app: &App, params: &Params) -> Vec<Table> {
    let all = [slowest_queries(app, params), slowest_stages(app, params), configuration(app, params)];
    all.into_iter().flatten().collect()
}

fn slowest_queries(app: &App, params: &Params) -> Option<Table> {
    let duration = |one: &SqlExecution| app.elapsed(Some(Date(one.submission_time)), one.completion_time.map(Date));
    let mut queries: Vec<&SqlExecution> =
        app.model().sql.iter().filter(|one| one.root_id < 0 || one.root_id == one.id).collect();
    if queries.is_empty() {
        return None;
    }
    queries.sort_by_key(|one| std::cmp::Reverse(duration(one)));
    queries.truncate(SHOWN);
    let columns = vec![
        Column::new("ID", |one: &&SqlExecution| Cell::link(one.id.to_string(), app.links.execution(one.id))),
        Column::new("Description", |one: &&SqlExecution| {
            let text = Description::new(one.description.as_deref().unwrap_or_default(), app.links.base());
            Cell::Described(Box::new(Described::linked(text, "", app.links.execution(one.id))))
        })
        .prose(),
        Column::new("Status", |one: &&SqlExecution| Cell::Badge(Badge::of_status(one.status()))),
        Column::new("Submitted", |one: &&SqlExecution| Cell::time(Some(Date(one.submission_time))))
            .tight()
            .rank(Rank::Medium),
        Column::new("Duration", move |one: &&SqlExecution| Cell::duration(duration(one))).number(),
    ];
    let mut table = TableSpec { tag: "queries", title: "Slowest queries", columns, sort: ("", false), empty: "" }
        .draw(queries, params);
    table.total = String::new();
    Some(table)
}

fn slowest_stages(app: &App, params: &Params) -> Option<Table> {
    let mut all: Vec<&Stage> = app.model().stages.iter().filter(|stage| stage.data.executor_run_time > 0).collect();
    all.sort_by_key(|stage| std::cmp::Reverse(stage.data.executor_run_time));
    all.truncate(SHOWN);
    if all.is_empty() {
        return None;
    }
    let mut spec = stages::table_of(app, "slowest", "Stages with the most work");
    // Why some failed is said above, and the order is the point.
    spec.columns =
        (spec.columns.into_iter()).filter(|column| column.title() != "Failure Reason").map(Column::unsorted).collect();
    let mut table = TableSpec { sort: ("", false), ..spec }.draw(all, params);
    table.total = String::new();
    Some(table)
}

/// What somebody has set for it.
fn configuration(app: &App, params: &Params) -> Option<Table> {
    // Spark sets these itself.
    const OWN: [&str; 9] = [
        "spark.app.id",
        "spark.app.name",
        "spark.app.startTime",
        "spark.app.submitTime",
        "spark.driver.host",
        "spark.driver.port",
        "spark.executor.id",
        "spark.repl.",
        "spark.ui.proxyBase",
    ];
    let pairs = app.environment().spark_properties;
    let own = |name: &str| OWN.iter().any(|own| name.starts_with(own));
    let pairs: Vec<_> = pairs.into_iter().filter(|(name, _)| !own(name)).collect();
    (!pairs.is_empty())
        .then(|| environment::table("configuration", "Configuration", "Name", "Value").draw_searched(pairs, params))
}
