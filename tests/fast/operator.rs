//! `hearth submit --via operator` against an API server that plays an operator: what is applied, followed, and how it exits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::support::process::{Output, guarded, run, signal};
use super::support::wait::eventually;

const PATIENCE: Duration = Duration::from_secs(120);

/// What the cluster was asked, and what it says of the application: one state more each time that it is looked at.
struct Cluster {
    created: Mutex<Option<Value>>,
    deleted: Mutex<Vec<String>>,
    looked: Mutex<usize>,
    states: Vec<Value>,
    exit_code: Option<i32>,
}

struct Case {
    cluster: Arc<Cluster>,
    folder: tempfile::TempDir,
}

async fn create(State(cluster): State<Arc<Cluster>>, Json(manifest): Json<Value>) -> Json<Value> {
    *cluster.created.lock().unwrap() = Some(manifest.clone());
    Json(manifest)
}

async fn look(State(cluster): State<Arc<Cluster>>, Path((_, name)): Path<(String, String)>) -> Response {
    let Some(mut object) = cluster.created.lock().unwrap().clone().filter(|made| made["metadata"]["name"] == *name)
    else {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound", "message": name});
        return (axum::http::StatusCode::NOT_FOUND, Json(status)).into_response();
    };
    let mut looked = cluster.looked.lock().unwrap();
    object["status"] = cluster.states[(*looked).min(cluster.states.len() - 1)].clone();
    *looked += 1;
    Json(object).into_response()
}

async fn delete(State(cluster): State<Arc<Cluster>>, Path((_, name)): Path<(String, String)>) -> Json<Value> {
    cluster.deleted.lock().unwrap().push(name);
    Json(json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    label_selector: String,
}

async fn pods(State(cluster): State<Arc<Cluster>>, Query(query): Query<Selection>) -> Json<Value> {
    let created = cluster.created.lock().unwrap().clone().unwrap();
    let label = if created["apiVersion"] == "spark.apache.org/v1" {
        "spark.operator/spark-app-name"
    } else {
        "sparkoperator.k8s.io/app-name"
    };
    let ours = format!("spark-role=driver,{label}={}", created["metadata"]["name"].as_str().unwrap());
    let state = match cluster.exit_code {
        Some(code) => json!({"terminated": {"exitCode": code}}),
        None => json!({"running": {}}),
    };
    let pod = json!({
        "metadata": {"name": "the-driver"},
        "spec": {"containers": [{"name": "sidecar"}, {"name": "spark-kubernetes-driver"}]},
        "status": {"containerStatuses": [
            {"name": "sidecar", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": {"running": {}}},
            {"name": "spark-kubernetes-driver", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state},
        ]},
    });
    let items = if query.label_selector == ours { vec![pod] } else { vec![] };
    Json(json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}))
}

async fn log(axum::extract::RawQuery(query): axum::extract::RawQuery) -> String {
    let query = query.unwrap();
    assert!(query.contains("container=spark-kubernetes-driver") && query.contains("follow=true"), "{query}");
    "Pi is roughly 3.14\n".to_owned()
}

impl Case {
    async fn new(states: Vec<Value>, exit_code: Option<i32>) -> Self {
        let cluster = Arc::new(Cluster {
            created: Mutex::default(),
            deleted: Mutex::default(),
            looked: Mutex::default(),
            states,
            exit_code,
        });
        let mut router = Router::new()
            .route("/api/v1/namespaces/{namespace}/pods", get(pods))
            .route("/api/v1/namespaces/{namespace}/pods/the-driver/log", get(log));
        for group in ["sparkoperator.k8s.io/v1beta2", "spark.apache.org/v1"] {
            let base = format!("/apis/{group}/namespaces/{{namespace}}/sparkapplications");
            router = router.route(&base, post(create)).route(&format!("{base}/{{name}}"), get(look).delete(delete));
        }
        let router = router.with_state(Arc::clone(&cluster));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": url}}],
            "users": [{"name": "ann", "user": {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "ann"}}],
        });
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { cluster, folder }
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
        command
            .arg("submit")
            .args(arguments)
            .arg("--")
            .args(["--conf", "spark.kubernetes.container.image=apache/spark:4.0.1"]);
        command.args([
            "--conf",
            "spark.kubernetes.namespace=team",
            "local:///opt/spark/examples/src/main/python/pi.py",
        ]);
        command.env("KUBECONFIG", self.folder.path().join("kubeconfig")).env_remove("HEARTH_STAGING_URL");
        command
    }

    async fn submit(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments), PATIENCE).await
    }
}

fn kubeflow(state: &str) -> Value {
    json!({"applicationState": {"state": state, "errorMessage": if state == "FAILED" { "driver container failed" } else { "" }}})
}

fn apache(state: &str, before: &[&str]) -> Value {
    let history: serde_json::Map<_, _> =
        before.iter().enumerate().map(|(at, state)| (at.to_string(), json!({"currentStateSummary": state}))).collect();
    json!({"currentState": {"currentStateSummary": state}, "stateTransitionHistory": history})
}

#[tokio::test]
async fn an_application_is_applied_followed_and_its_end_is_ours() {
    let case =
        Case::new(vec![json!({}), kubeflow("SUBMITTED"), kubeflow("RUNNING"), kubeflow("COMPLETED")], Some(0)).await;
    let output = case.submit(&["--via", "operator"]).await.succeeded();
    assert_eq!(output.stdout, "Pi is roughly 3.14\n");
    let states: Vec<_> = output.stderr.lines().filter_map(|line| line.strip_prefix("state     ")).collect();
    assert_eq!(states, ["NEW", "SUBMITTED", "RUNNING", "COMPLETED"]);
    let created = case.cluster.created.lock().unwrap().clone().unwrap();
    assert_eq!((&created["metadata"]["namespace"], &created["spec"]["type"]), (&"team".into(), &"Python".into()));

    let case = Case::new(vec![kubeflow("RUNNING"), kubeflow("FAILED")], Some(3)).await;
    let output = case.submit(&["--via", "operator"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", output.stderr);
    assert!(output.stderr.contains(": driver container failed\n"), "{}", output.stderr);
    assert_eq!(output.stdout, "Pi is roughly 3.14\n");
}

#[tokio::test]
async fn apaches_operator_forgets_not_how_it_ended() {
    for (states, code) in [(["RunningHealthy", "Succeeded"], 0), (["RunningHealthy", "Failed"], 1)] {
        let end = apache("ResourceReleased", &states);
        let case = Case::new(vec![apache("Submitted", &[]), end], None).await;
        let output = case.submit(&["--via", "spark-operator-apache"]).await;
        assert_eq!(output.status.code(), Some(code), "{}", output.stderr);
        let created = case.cluster.created.lock().unwrap().clone().unwrap();
        assert_eq!(created["apiVersion"], "spark.apache.org/v1");
    }
}

#[tokio::test]
async fn nothing_is_applied_when_only_the_manifest_is_wanted_and_nobody_waits_who_does_not_want_to() {
    let case = Case::new(vec![kubeflow("RUNNING")], None).await;
    for arguments in [&["--via", "operator", "--dry-run"][..], &["--via", "operator", "--manifest", "yaml"]] {
        let yaml = case.submit(arguments).await.succeeded().stdout;
        assert!(yaml.starts_with("apiVersion: sparkoperator.k8s.io/v1beta2\n"), "{yaml}");
    }
    let json = case.submit(&["--via", "operator", "--manifest", "json"]).await.succeeded().stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["kind"], "SparkApplication");
    assert!(case.cluster.created.lock().unwrap().is_none());
    let output = case.submit(&["--via", "operator", "--detach"]).await.succeeded();
    assert!(output.stderr.contains("created   SparkApplication team/pi-"), "{}", output.stderr);
    assert_eq!(*case.cluster.looked.lock().unwrap(), 0);
}

#[tokio::test]
async fn ctrl_c_leaves_it_or_deletes_it_as_was_said() {
    for (arguments, deletes) in
        [(&["--via", "operator"][..], false), (&["--via", "operator", "--delete-on-interrupt"], true)]
    {
        let case = Case::new(vec![kubeflow("RUNNING")], None).await;
        let mut child = case.command(arguments).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let lifeline = child.stdin.take();
        eventually("it is followed", PATIENCE, async || (*case.cluster.looked.lock().unwrap() > 0).then_some(())).await;
        signal(&child, "INT").await;
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
        drop(lifeline);
        assert_eq!(status.code(), Some(130));
        assert_eq!(case.cluster.deleted.lock().unwrap().len(), usize::from(deletes));
    }
}

#[tokio::test]
async fn a_cluster_without_the_operator_is_told() {
    let case = Case::new(vec![kubeflow("RUNNING")], None).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = std::fs::read_to_string(case.folder.path().join("kubeconfig")).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["clusters"][0]["cluster"]["server"] = format!("http://{}", listener.local_addr().unwrap()).into();
    std::fs::write(case.folder.path().join("kubeconfig"), config.to_string()).unwrap();
    let none = Router::new().fallback(|| async {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound", "message": "no such resource"});
        (axum::http::StatusCode::NOT_FOUND, Json(status))
    });
    tokio::spawn(async move { axum::serve(listener, none).await });
    let output = case.submit(&["--via", "operator"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.contains("is its operator installed?"), "{}", output.stderr);
}
