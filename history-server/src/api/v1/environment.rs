//! The environment of an application, sorted and with secrets masked.

use super::types::ApplicationEnvironmentInfo;
use crate::model::Application;
use crate::model::order::java_cmp;

const MASK: &str = "*********(redacted)";

/// Whether a text names a secret, by Spark's default pattern `(?i)secret|password|token|access[.]?key|credential`.
fn is_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["secret", "password", "token", "accesskey", "access.key", "credential"]
        .into_iter()
        .any(|word| lower.contains(word))
}

fn sorted(mut entries: Vec<(String, String)>) -> Vec<(String, String)> {
    entries.sort_by(|(left, _), (right, _)| java_cmp(left, right));
    entries
}

pub(super) fn masked(entries: Vec<(String, String)>) -> Vec<(String, String)> {
    let mask = |(key, value): (String, String)| {
        let value = if is_secret(&key) || is_secret(&value) { MASK.to_owned() } else { value };
        (key, value)
    };
    sorted(entries.into_iter().map(mask).collect())
}

/// The environment as the REST API and the pages show it; `None` where the log does not tell it.
pub fn environment(app: &Application) -> Option<ApplicationEnvironmentInfo> {
    let logged = app.environment.clone()?;
    Some(ApplicationEnvironmentInfo {
        runtime: logged.runtime,
        spark_properties: masked(logged.spark_properties),
        hadoop_properties: masked(logged.hadoop_properties),
        system_properties: masked(logged.system_properties),
        metrics_properties: masked(logged.metrics_properties),
        classpath_entries: sorted(logged.classpath_entries),
        resource_profiles: app.resource_profiles.clone(),
    })
}
