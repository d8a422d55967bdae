//! As much of a Kubernetes API server as a watch of pods needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// The server; ends when dropped.
pub(crate) struct Api {
    cluster: Arc<Mutex<Cluster>>,
    address: String,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Cluster {
    is_down: bool,
    pods: Vec<Value>,
    version: u64,
    watches: Vec<UnboundedSender<Value>>,
    /// The log of each pod, with the time of each line; and who follows it.
    logs: HashMap<String, Vec<(DateTime<Utc>, String)>>,
    followers: Vec<(String, UnboundedSender<Value>)>,
    /// What was asked for last.
    query: String,
    requests: u64,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    watch: Option<String>,
    label_selector: Option<String>,
    field_selector: Option<String>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let cluster = Arc::new(Mutex::new(Cluster::default()));
        let router = Router::new()
            .route("/api/v1/pods", get(pods))
            .route("/api/v1/namespaces/ns/pods/{name}", get(pod))
            .route("/api/v1/namespaces/ns/pods/{name}/log", get(log))
            .with_state(Arc::clone(&cluster));
        let task = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { cluster, address, task }
    }

    /// A kubeconfig that leads here.
    pub(crate) fn write_kubeconfig(&self, path: &std::path::Path) {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{ "name": "it", "cluster": { "server": self.address } }],
            "users": [{ "name": "it", "user": {} }],
            "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
        });
        std::fs::write(path, config.to_string()).unwrap();
    }

    /// Answers nothing but failures from now on, or no longer.
    pub(crate) fn set_down(&self, is_down: bool) {
        let mut cluster = self.cluster.lock().unwrap();
        cluster.is_down = is_down;
        cluster.watches.clear();
    }

    /// A pod as it is now, seen by all who watch.
    pub(crate) fn apply(&self, name: &str, labels: Value, statuses: Value) {
        self.apply_status(name, labels, json!({ "containerStatuses": statuses }));
    }

    /// The same, with its whole status.
    pub(crate) fn apply_status(&self, name: &str, labels: Value, status: Value) {
        self.apply_pod(name, labels, json!({ "containers": [] }), status);
    }

    /// The same, with its containers.
    pub(crate) fn apply_spec(&self, name: &str, labels: Value, spec: Value) {
        self.apply_pod(name, labels, spec, json!({}));
    }

    fn apply_pod(&self, name: &str, labels: Value, spec: Value, status: Value) {
        let mut cluster = self.cluster.lock().unwrap();
        cluster.version += 1;
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "ns", "uid": format!("uid-of-{name}"), "labels": labels,
                "resourceVersion": cluster.version.to_string(),
            },
            "spec": spec,
            "status": status,
        });
        cluster.pods.retain(|known| known["metadata"]["name"] != name);
        cluster.pods.push(pod.clone());
        cluster.tell(&json!({ "type": "MODIFIED", "object": pod }));
    }

    /// A line of a pod's log, seen by all who follow it.
    pub(crate) fn log(&self, name: &str, time: DateTime<Utc>, line: &str) {
        let mut cluster = self.cluster.lock().unwrap();
        cluster.logs.entry(name.to_owned()).or_default().push((time, line.to_owned()));
        let line = Value::String(log_line(time, line));
        cluster.followers.retain(|(followed, sender)| followed != name || sender.send(line.clone()).is_ok());
    }

    /// Ends all answers that are under way.
    pub(crate) fn cut(&self) {
        self.cluster.lock().unwrap().followers.clear();
    }

    /// As a node that has rotated the first lines of a log away.
    pub(crate) fn drop_lines(&self, name: &str, lines: usize) {
        self.cluster.lock().unwrap().logs.get_mut(name).unwrap().drain(..lines);
    }

    pub(crate) fn delete(&self, name: &str) {
        let mut cluster = self.cluster.lock().unwrap();
        let at = cluster.pods.iter().position(|known| known["metadata"]["name"] == name).unwrap();
        let pod = cluster.pods.remove(at);
        cluster.tell(&json!({ "type": "DELETED", "object": pod }));
    }

    /// How often a pod was asked for by itself.
    pub(crate) fn requests(&self) -> u64 {
        self.cluster.lock().unwrap().requests
    }

    /// Which pods were asked for last.
    pub(crate) fn query(&self) -> String {
        self.cluster.lock().unwrap().query.clone()
    }
}

impl Cluster {
    fn tell(&mut self, event: &Value) {
        self.watches.retain(|watch| watch.send(event.clone()).is_ok());
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pod(State(cluster): State<Arc<Mutex<Cluster>>>, Path(name): Path<String>) -> Response {
    let mut cluster = cluster.lock().unwrap();
    cluster.requests += 1;
    if cluster.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match cluster.pods.iter().find(|pod| pod["metadata"]["name"] == name.as_str()) {
        Some(pod) => Json(pod.clone()).into_response(),
        None => {
            let status =
                json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404 });
            (StatusCode::NOT_FOUND, Json(status)).into_response()
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedLog {
    follow: Option<String>,
    since_time: Option<DateTime<Utc>>,
}

fn log_line(time: DateTime<Utc>, line: &str) -> String {
    format!("{} {line}\n", time.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true))
}

async fn log(
    State(cluster): State<Arc<Mutex<Cluster>>>,
    Path(name): Path<String>,
    Query(asked): Query<AskedLog>,
) -> Response {
    let mut cluster = cluster.lock().unwrap();
    if cluster.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let lines = cluster.logs.get(&name).cloned().unwrap_or_default().into_iter();
    let had: Vec<_> = lines
        .filter(|(time, _)| asked.since_time.is_none_or(|since| *time >= since))
        .map(|(time, line)| Ok::<_, std::io::Error>(log_line(time, &line)))
        .collect();
    let had = futures::stream::iter(had);
    if asked.follow.is_none() {
        return Body::from_stream(had).into_response();
    }
    let (sender, events) = unbounded_channel();
    cluster.followers.push((name, sender));
    let next = |mut events: UnboundedReceiver<Value>| async { events.recv().await.map(|line| (line, events)) };
    let coming = futures::stream::unfold(events, next).map(|line| Ok(line.as_str().unwrap().to_owned()));
    Body::from_stream(had.chain(coming)).into_response()
}

async fn pods(State(cluster): State<Arc<Mutex<Cluster>>>, Query(asked): Query<Asked>) -> Response {
    let mut cluster = cluster.lock().unwrap();
    if cluster.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    cluster.query =
        format!("{} {}", asked.label_selector.unwrap_or_default(), asked.field_selector.unwrap_or_default());
    if asked.watch.is_some_and(|watch| watch == "true") {
        let (sender, events) = unbounded_channel();
        cluster.watches.push(sender);
        return Body::from_stream(lines(events)).into_response();
    }
    let metadata = json!({ "resourceVersion": cluster.version.to_string() });
    Json(json!({ "apiVersion": "v1", "kind": "PodList", "metadata": metadata, "items": cluster.pods })).into_response()
}

fn lines(events: UnboundedReceiver<Value>) -> impl futures::Stream<Item = Result<String, std::io::Error>> {
    let next = |mut events: UnboundedReceiver<Value>| async { events.recv().await.map(|event| (event, events)) };
    futures::stream::unfold(events, next).map(|event| Ok(format!("{event}\n")))
}
