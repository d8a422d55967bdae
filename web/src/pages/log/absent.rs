//! Why there is no log.

use history_server::api::v1::types::ExecutorSummary;

use super::page::title;
use crate::app::App;
use crate::error::Error;
use crate::logs::{EVERYBODY, ExecutorLogs};

/// The page in the place of a log that is not there.
pub(super) async fn nothing(app: &App, executor: &str, known: Option<&ExecutorSummary>) -> Error {
    let elsewhere = known.map(|known| ExecutorLogs::elsewhere(&known.executor_logs)).unwrap_or_default();
    let own =
        elsewhere.links.into_iter().next().map(|link| (link.href, format!("{} as the event log names it", link.text)));
    let who = if executor == EVERYBODY { "this application".to_owned() } else { title(executor) };
    let of_app = if executor == EVERYBODY { "" } else { " of this application" };
    Error::NotFound {
        title: format!("No log of {}", title(executor)),
        text: format!("The log collector has shipped no log of {who}{of_app}. {}", why(app, executor, known).await),
        way_on: own.or_else(|| Some((app.links.tab("executors"), "All executors of this application".to_owned()))),
        app: Some(app.head("executors")),
    }
}

async fn why(app: &App, executor: &str, known: Option<&ExecutorSummary>) -> String {
    if !["driver", EVERYBODY].contains(&executor) && known.is_none() {
        return "The event log does not know such an executor either.".to_owned();
    }
    let others = app.containers(EVERYBODY).await;
    if others.is_ok_and(|others| !others.is_empty()) {
        return "Of others it has: perhaps no collector ran on the node of this one, or its pod was deleted before its files were read."
            .to_owned();
    }
    let on_kubernetes = app.property("spark.master").is_some_and(|master| master.starts_with("k8s:"));
    if !on_kubernetes && !app.has_pod(executor) {
        return "It did not run on Kubernetes, as far as its event log says: the collector ships what pods write."
            .to_owned();
    }
    "Either no collector ran on its nodes, or it ships to another store, or the logs were removed for their age or size \
     (--logs-max-age and --logs-max-size of the collector)."
        .to_owned()
}
