//! The environment of an application, sorted and with secrets masked.

use crate::redaction::Redaction;
use history_model::Application;
use history_model::order::java_cmp;
use history_model::types::ApplicationEnvironmentInfo;

fn sorted(mut entries: Vec<(String, String)>) -> Vec<(String, String)> {
    entries.sort_by(|(left, _), (right, _)| java_cmp(left, right));
    entries
}

/// The environment as the REST API and the pages show it; `None` where the log does not tell it.
pub fn environment(app: &Application, redaction: &Redaction) -> Option<ApplicationEnvironmentInfo> {
    let logged = app.environment.clone()?;
    let masked = |entries: Vec<(String, String)>| {
        let shown = entries.into_iter().map(|(name, value)| {
            let value = redaction.shown(&name, value);
            (name, value)
        });
        sorted(shown.collect())
    };
    Some(ApplicationEnvironmentInfo {
        runtime: logged.runtime,
        spark_properties: masked(logged.spark_properties),
        hadoop_properties: masked(logged.hadoop_properties),
        system_properties: masked(logged.system_properties),
        metrics_properties: masked(logged.metrics_properties),
        classpath_entries: sorted(
            logged.classpath_entries.into_iter().map(|(path, from)| (redaction.shown_location(path), from)).collect(),
        ),
        resource_profiles: app.resource_profiles.clone(),
    })
}
