//! Every page that a browser sees, at the URLs of Spark's own history server: drawn on the server, whole without JavaScript;
//! a small script adds what one can do with them.
//!
//! [`router`] answers from two handles: applications come from `history_server`, as its model; logs from
//! `log_collector`. Nothing here reads an event, or knows an object store. A page is a module in `pages` (what is on it,
//! and the handler) and a template of the same name; tables, cells and the frame around everything are shared. Read
//! `pages/jobs.rs` first, then `table.rs`.

mod app;
mod assets;
mod cell;
mod config;
mod description;
mod download;
mod draw;
mod error;
mod format;
mod frame;
mod links;
mod log_api;
mod logs;
mod pages;
mod params;
mod staging;
mod table;
mod task;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{MethodRouter, get};
use tower_http::compression::CompressionLayer;

pub use config::Config;
use config::Web;
pub use staging::{StagingPage, Way};

/// Every page, at the URLs of Spark's own history server.
pub fn router(config: Config) -> Router {
    use pages::{
        applications, connect, environment, executors, jobs, log, overview, pool, sql, sqlserver, stage, stages,
        storage, streaming,
    };
    let web = Web(Arc::new(config));
    let mut router = Router::new()
        .route("/", get(applications::list))
        .route("/history", get(applications::to_list))
        .route("/history/", get(applications::to_list))
        .route("/history/{app}", get(applications::to_jobs))
        .route("/history/{app}/", get(applications::to_jobs))
        .route("/history/{app}/{attempt}", get(applications::to_jobs))
        .route("/history/{app}/{attempt}/", get(applications::to_jobs))
        .route("/logs", get(log::by_ids))
        .route("/logs/", get(log::by_ids))
        .route("/logs/download", get(log::download_by_ids))
        .route("/logs/v1/{application}", get(log_api::list))
        .route("/logs/v1/{application}/archive.zip", get(log_api::archive))
        .route("/logs/v1/{application}/first-errors", get(log_api::first_errors))
        .route("/logs/v1/{application}/lines", get(log_api::lines))
        .route("/static/{file}", get(assets::serve));
    for (path, page) in [
        ("connect", get(connect::list)),
        ("connect/session", get(connect::session)),
        ("environment", get(environment::page)),
        ("environment/spark-defaults.conf", get(environment::spark_defaults)),
        ("executors", get(executors::list)),
        ("executors/{executor}/logs", get(log::page)),
        ("executors/{executor}/logs/download", get(log::download)),
        ("jobs", get(jobs::list)),
        ("jobs/job", get(jobs::detail)),
        ("overview", get(overview::page)),
        ("SQL", get(sql::list)),
        ("SQL/execution", get(sql::detail)),
        ("sqlserver", get(sqlserver::list)),
        ("sqlserver/session", get(sqlserver::session)),
        ("stages", get(stages::list)),
        ("stages/pool", get(pool::page)),
        ("stages/stage", get(stage::detail)),
        ("storage", get(storage::list)),
        ("storage/rdd", get(storage::detail)),
        ("StreamingQuery", get(streaming::list)),
        ("StreamingQuery/statistics", get(streaming::statistics)),
    ] {
        router = app_page(router, path, page);
    }
    router
        .fallback(applications::elsewhere)
        .layer(middleware::from_fn_with_state(web.clone(), error::render))
        .layer(CompressionLayer::new().gzip(true))
        .with_state(web)
}

/// A page of an application, with and without an attempt in its URL, with and without a slash at its end.
fn app_page(router: Router<Web>, path: &str, page: MethodRouter<Web>) -> Router<Web> {
    ["/history/{app}/", "/history/{app}/{attempt}/"].iter().fold(router, |router, base| {
        router.route(&format!("{base}{path}"), page.clone()).route(&format!("{base}{path}/"), page.clone())
    })
}
