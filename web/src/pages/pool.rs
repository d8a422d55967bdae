//! `/stages/pool/?poolname=`: the stages of a pool of the fair scheduler.

use axum::response::Response;
use history_server::model::Stage;

use crate::app::App;
use crate::error::Error;
use crate::pages::plain::PlainPage;
use crate::pages::stages::{counts, stage_tables};
use crate::params::Params;

/// The stages that ran in a pool. (Spark's own server knows no pools of an application that has ended.)
pub(crate) async fn page(app: App, params: Params) -> Result<Response, Error> {
    let name =
        params.text("poolname").ok_or_else(|| app.missing("poolname", "the name of a scheduler pool", "stages"))?;
    let stages: Vec<&Stage> = app.model().stages.iter().filter(|stage| stage.data.scheduling_pool == name).collect();
    if stages.is_empty() {
        return Err(app.no_such(&format!("pool {name}"), "stages", "All stages of this application"));
    }
    let title = format!("Fair scheduler pool {name}");
    let tables = stage_tables(&app, &stages, &params);
    Ok(PlainPage { frame: app.frame(&title, "stages"), title, facts: counts(&stages), tables }.answer())
}
