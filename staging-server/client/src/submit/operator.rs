//! `SparkApplication` of Kubeflow's operator: `sparkoperator.k8s.io/v1beta2`.

use serde_json::{Map, Value, json};

use super::application::Application;

/// The manifest of an application, which the operator's custom resource definition accepts.
///
/// # Errors
/// Settings whose values the manifest cannot hold.
pub fn manifest(mut application: Application) -> Result<Value, Vec<String>> {
    let mut mistakes = Vec::new();
    let app = &mut application;
    let mut spec = Map::new();
    let file = app.file.clone();
    let path = file.split('#').next().unwrap_or_default();
    let kind = match () {
        () if path.ends_with(".py") => "Python",
        () if path.ends_with(".R") || path.ends_with(".r") => "R",
        () => "Scala",
    };
    spec.insert("type".into(), kind.into());
    spec.insert("mode".into(), "cluster".into());
    spec.insert("sparkVersion".into(), app.spark_version.clone().into());
    spec.insert("mainApplicationFile".into(), file.into());
    // Spark's own default is never to start a driver again.
    spec.insert("restartPolicy".into(), json!({ "type": "Never" }));
    put(&mut spec, "mainClass", app.main_class.take());
    put(&mut spec, "proxyUser", app.proxy_user.take());
    put(&mut spec, "image", app.take("spark.kubernetes.container.image"));
    put(&mut spec, "imagePullPolicy", app.take("spark.kubernetes.container.image.pullPolicy"));
    put(&mut spec, "imagePullSecrets", app.take_list("spark.kubernetes.container.image.pullSecrets"));
    if !app.arguments.is_empty() {
        spec.insert("arguments".into(), json!(app.arguments));
    }
    let mut dependencies = Map::new();
    for (field, setting) in [
        ("jars", "spark.jars"),
        ("files", "spark.files"),
        ("pyFiles", "spark.submit.pyFiles"),
        ("archives", "spark.archives"),
        ("packages", "spark.jars.packages"),
        ("excludePackages", "spark.jars.excludes"),
        ("repositories", "spark.jars.repositories"),
    ] {
        put(&mut dependencies, field, app.take_list(setting));
    }
    if !dependencies.is_empty() {
        spec.insert("deps".into(), dependencies.into());
    }
    spec.insert("driver".into(), role(app, "driver", &mut mistakes));
    let mut executor = role(app, "executor", &mut mistakes);
    if let Some(instances) = number(app, "spark.executor.instances", &mut mistakes) {
        executor["instances"] = instances.into();
    }
    spec.insert("executor".into(), executor);
    if !application.settings.is_empty() {
        spec.insert("sparkConf".into(), json!(application.settings));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(json!({
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": { "name": application.name, "namespace": application.namespace },
        "spec": spec,
    }))
}

/// The fields that drivers and executors have alike.
fn role(app: &mut Application, role: &str, mistakes: &mut Vec<String>) -> Value {
    let mut fields = Map::new();
    if let Some(cores) = number(app, &format!("spark.{role}.cores"), mistakes) {
        fields.insert("cores".into(), cores.into());
    }
    put(&mut fields, "memory", app.take(&format!("spark.{role}.memory")));
    put(&mut fields, "memoryOverhead", app.take(&format!("spark.{role}.memoryOverhead")));
    put(&mut fields, "javaOptions", app.take(&format!("spark.{role}.extraJavaOptions")));
    put(&mut fields, "coreRequest", app.take(&format!("spark.kubernetes.{role}.request.cores")));
    put(&mut fields, "coreLimit", app.take(&format!("spark.kubernetes.{role}.limit.cores")));
    let account = app.take(&format!("spark.kubernetes.authenticate.{role}.serviceAccountName"));
    put(&mut fields, "serviceAccount", account);
    fields.into()
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}

fn number(app: &mut Application, setting: &str, mistakes: &mut Vec<String>) -> Option<i32> {
    let text = app.take(setting)?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => {
            mistakes.push(format!("{setting}: {text:?} is no whole number"));
            None
        }
    }
}
