//! `SparkApplication` of Apache's operator: `spark.apache.org/v1`.

use serde_json::{Map, Value, json};

use super::application::Application;

/// The manifest of an application. Nearly all is settings there; what has a field gets it.
///
/// # Errors
/// What that operator cannot express.
pub fn manifest(mut application: Application) -> Result<Value, Vec<String>> {
    let app = &mut application;
    let mut spec = Map::new();
    let file = app.file.clone();
    let path = file.split('#').next().unwrap_or_default();
    // As spark-submit does with the application's own file: a script is run, a jar is one more of the jars.
    if path.ends_with(".py") {
        spec.insert("pyFiles".into(), joined(&file, app.take("spark.submit.pyFiles")).into());
    } else if path.ends_with(".R") || path.ends_with(".r") {
        spec.insert("sparkRFiles".into(), file.into());
    } else {
        spec.insert("jars".into(), joined(&file, app.take("spark.jars")).into());
    }
    for (field, value) in [("mainClass", app.main_class.take()), ("proxyUser", app.proxy_user.take())] {
        if let Some(value) = value {
            spec.insert(field.into(), value.into());
        }
    }
    if !app.arguments.is_empty() {
        spec.insert("driverArgs".into(), json!(app.arguments));
    }
    spec.insert("runtimeVersions".into(), json!({ "sparkVersion": app.spark_version }));
    let mut settings = application.settings;
    settings.insert("spark.kubernetes.namespace".into(), application.namespace.clone());
    spec.insert("sparkConf".into(), json!(settings));
    Ok(json!({
        "apiVersion": "spark.apache.org/v1",
        "kind": "SparkApplication",
        "metadata": { "name": application.name, "namespace": application.namespace },
        "spec": spec,
    }))
}

fn joined(first: &str, rest: Option<String>) -> String {
    rest.map_or(first.to_owned(), |rest| format!("{first},{rest}"))
}
