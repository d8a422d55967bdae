//! Whose a container is, by the labels that the Kubernetes API tells: in time, late, or never.

use std::time::Duration;

use log_collector::{ContainerLog, Logs, PodIdentity, Selection, Stream};
use serde_json::{Value, json};
use storage::Store;
use tempfile::TempDir;

use crate::api::Api;
use crate::kubelet::Container;
use crate::support::{Running, content, eventually};

fn labels(executor: u32) -> Value {
    json!({ "spark-app-selector": "spark-1", "spark-role": "executor", "spark-exec-id": executor.to_string() })
}

fn start(store: &Store, root: &TempDir, api: &Api, identity_timeout: Duration) -> Running {
    let kubeconfig = root.path().join("kubeconfig");
    api.write_kubeconfig(&kubeconfig);
    let pod_identity = PodIdentity::Kubernetes { kubeconfig: Some(kubeconfig), node: Some("n-1".to_owned()) };
    Running::start_with(store, root.path(), |config| {
        config.pod_identity = pod_identity;
        config.identity_timeout = identity_timeout;
    })
}

fn start_choosing(store: &Store, root: &TempDir, api: &Api, selection: Selection) -> Running {
    let kubeconfig = root.path().join("kubeconfig");
    api.write_kubeconfig(&kubeconfig);
    Running::start_with(store, root.path(), |config| {
        config.pod_identity = PodIdentity::Kubernetes { kubeconfig: Some(kubeconfig), node: Some("n-1".to_owned()) };
        config.identity_timeout = LONG;
        config.selection = selection;
    })
}

async fn of_executor(store: &Store, executor: u32) -> ContainerLog {
    eventually("the executor's log", async || {
        Logs::new(store.clone()).of_executor("spark-1", &executor.to_string()).await.ok()?.pop()
    })
    .await
}

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn an_executor_is_shipped_under_its_application_and_found_by_its_pod() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let collector = start(&store, &root, &api, LONG);
    // The file comes first, then the labels, whatever the pod is called.
    let mut container = Container::start(root.path(), "a-name-of-my-own", "main");
    container.line(1, "hello");
    api.apply("a-name-of-my-own", labels(7), json!([]));
    let log = of_executor(&store, 7).await;
    assert_eq!((log.application.as_deref(), log.executor.as_deref()), (Some("spark-1"), Some("7")));
    assert_eq!(api.query(), " spec.nodeName=n-1", "all pods of the node, so that it is known which are not Spark's");

    // Spark deletes it: the API's last word comes before, with or after the end of the file.
    let ended = json!([{
        "name": "main", "restartCount": 0, "ready": false, "image": "", "imageID": "",
        "state": { "terminated": { "exitCode": 143, "reason": "Error" } },
    }]);
    container.line(1, "goodbye");
    let written = container.delete();
    api.apply("a-name-of-my-own", labels(7), ended);
    api.delete("a-name-of-my-own");
    let logs = Logs::new(store.clone());
    let log = eventually("its end", async || {
        logs.of_pod("ns", "a-name-of-my-own").await.ok()?.pop().filter(|log| log.finished && log.end.is_some())
    })
    .await;
    assert_eq!(log.end.as_ref().and_then(|end| end.exit_code), Some(143));
    assert_eq!(content(&log).await, written);
    assert_eq!(logs.of_application("spark-1").await.unwrap().len(), 1);
    collector.stop().await;
}

#[tokio::test]
async fn labels_that_come_too_late_make_a_link() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    api.set_down(true);
    let collector = start(&store, &root, &api, Duration::from_millis(20));
    let mut container = Container::executor(root.path(), 3);
    container.line(0, "shipped by name");
    let logs = Logs::new(store.clone());
    let by_name = eventually("a log by name", async || logs.of_pod("ns", "pi-exec-3").await.ok()?.pop()).await;
    assert_eq!((by_name.application.as_deref(), by_name.executor.as_deref()), (None, Some("3")));
    api.set_down(false);
    api.apply("pi-exec-3", labels(3), json!([]));
    let log = of_executor(&store, 3).await;
    assert_eq!(log.container, by_name.container);
    // Killed and started again, it goes on in the same place.
    collector.kill().await;
    container.line(0, "after the restart");
    let collector = start(&store, &root, &api, LONG);
    eventually("the new line", async || {
        let log = of_executor(&store, 3).await;
        (log.lines(Stream::Stdout) == 2).then_some(())
    })
    .await;
    assert_eq!(content(&of_executor(&store, 3).await).await, container.written);
    assert_eq!(logs.of_pod("ns", "pi-exec-3").await.unwrap().len(), 1);
    collector.stop().await;
}

#[tokio::test]
async fn a_pod_without_labels_of_spark_s_is_not_shipped() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let collector = start(&store, &root, &api, LONG);
    Container::start(root.path(), "coredns-1", "coredns").line(0, "not for Spark's eyes");
    Container::executor(root.path(), 4).line(0, "an executor");
    api.apply("pi-exec-4", labels(4), json!([]));
    of_executor(&store, 4).await;
    // Also not when there is no time left to wait for labels.
    collector.stop().await;
    assert!(Logs::new(store).of_pod("ns", "coredns-1").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pod_of_which_nobody_can_say_whose_it_is_is_held_until_somebody_can() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    api.set_down(true);
    let collector = start(&store, &root, &api, Duration::ZERO);
    let mut container = Container::start(root.path(), "a-name-of-my-own", "main");
    container.line(0, "first");
    eventually("a pod held", async || (collector.metrics.snapshot().undecided == 1).then_some(())).await;
    let asked = api.requests();
    eventually("a question of it alone", async || (api.requests() > asked + 1).then_some(())).await;
    container.line(0, "last");
    let written = container.delete();
    api.set_down(false);
    api.apply("a-name-of-my-own", labels(7), json!([]));
    let log = eventually("its log", async || {
        Logs::new(store.clone()).of_executor("spark-1", "7").await.ok()?.pop().filter(|log| log.finished)
    })
    .await;
    assert_eq!(content(&log).await, written);
    collector.stop().await;
}

#[tokio::test]
async fn a_pod_that_is_only_named_like_spark_s_is_not_shipped() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    api.apply("gpu-driver", json!({ "app": "gpu" }), json!([]));
    let collector = start(&store, &root, &api, Duration::ZERO);
    Container::start(root.path(), "gpu-driver", "main").line(0, "not for Spark's eyes");
    eventually("a stranger", async || (collector.metrics.snapshot().strangers == 1).then_some(())).await;
    collector.stop().await;
    assert!(Logs::new(store).of_pod("ns", "gpu-driver").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_completed_pod_is_finished_though_its_file_stays() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let collector = start(&store, &root, &api, LONG);
    let mut container = Container::start(root.path(), "pi-driver", "spark-kubernetes-driver");
    container.line(0, "Pi is roughly 3.14");
    let ended = json!([{
        "name": "spark-kubernetes-driver", "restartCount": 0, "ready": false, "image": "", "imageID": "",
        "state": { "terminated": { "exitCode": 0, "reason": "Completed" } },
    }]);
    api.apply("pi-driver", json!({ "spark-app-selector": "spark-1", "spark-role": "driver" }), ended);
    let logs = Logs::new(store.clone());
    let log = eventually("a finished log", async || {
        logs.of_executor("spark-1", "driver").await.ok()?.pop().filter(|log| log.finished)
    })
    .await;
    assert_eq!(log.end.unwrap().reason.as_deref(), Some("Completed"));
    collector.stop().await;
}

/// A container's status, ended like this.
fn ended(exit_code: i32, reason: &str) -> Value {
    json!([{
        "name": "spark-kubernetes-executor", "restartCount": 0, "ready": false, "image": "", "imageID": "",
        "state": { "terminated": {
            "exitCode": exit_code, "reason": reason,
            "startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:05:05Z",
        } },
    }])
}

async fn end_of(store: &Store, executor: u32) -> log_collector::End {
    eventually("its end", async || {
        let log = Logs::new(store.clone()).of_executor("spark-1", &executor.to_string()).await.ok()?.pop()?;
        log.end.filter(|_| log.finished)
    })
    .await
}

#[tokio::test]
async fn why_a_container_ended_is_told_also_when_that_is_known_long_after_its_file_has_gone() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let collector = start(&store, &root, &api, LONG);
    let mut container = Container::executor(root.path(), 1);
    container.line(1, "java.lang.OutOfMemoryError");
    api.apply("pi-exec-1", labels(1), json!([]));
    of_executor(&store, 1).await;
    let written = container.delete();
    eventually("a finished log", async || of_executor(&store, 1).await.finished.then_some(())).await;
    assert_eq!(of_executor(&store, 1).await.end, None);
    api.apply("pi-exec-1", labels(1), ended(137, "OOMKilled"));
    let end = end_of(&store, 1).await;
    assert_eq!(end.to_string(), "exit code 137, OOMKilled");
    let ran = end.finished_at.unwrap() - end.started_at.unwrap();
    assert_eq!(ran, chrono::TimeDelta::minutes(1));
    assert!(!end.is_success());
    assert_eq!(content(&of_executor(&store, 1).await).await, written);
    // It stands in the segment that there was.
    let segments: Vec<_> =
        futures::TryStreamExt::try_collect::<Vec<_>>(store.list(&storage::ObjectPath::root())).await.unwrap();
    assert_eq!(segments.iter().filter(|object| object.path.name().ends_with(".zst")).count(), 1);
    collector.stop().await;
}

#[tokio::test]
async fn a_pod_s_own_reason_goes_before_that_of_its_containers() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let collector = start(&store, &root, &api, LONG);
    let evicted = |statuses: Value| {
        json!({
            "phase": "Failed", "reason": "Evicted", "containerStatuses": statuses,
            "message": "The node was low on resource: ephemeral-storage.",
        })
    };
    for (executor, statuses) in [(1, ended(137, "Error")), (2, json!([]))] {
        Container::executor(root.path(), executor).line(0, "hello");
        api.apply_status(&format!("pi-exec-{executor}"), labels(executor), evicted(statuses));
    }
    let (first, second) = (end_of(&store, 1).await, end_of(&store, 2).await);
    assert_eq!((first.exit_code, second.exit_code), (Some(137), None));
    for end in [first, second] {
        assert_eq!(end.reason.as_deref(), Some("Evicted"));
        assert!(end.message.unwrap().contains("ephemeral-storage"));
    }
    let deadline = json!({ "phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses": ended(143, "Error") });
    Container::executor(root.path(), 3).line(0, "hello");
    api.apply_status("pi-exec-3", labels(3), deadline);
    assert_eq!(end_of(&store, 3).await.to_string(), "exit code 143, DeadlineExceeded");
    collector.stop().await;
}

#[tokio::test]
async fn pods_with_other_labels_are_shipped_where_that_is_asked_for() {
    let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
    let selection = Selection {
        selector: Some("app=livy,!test".parse().unwrap()),
        application_label: Some("job".to_owned()),
        main_only: false,
    };
    let collector = start_choosing(&store, &root, &api, selection);
    for (pod, labels) in [
        ("with-job", json!({ "app": "livy", "job": "nightly" })),
        ("without-job", json!({ "app": "livy" })),
        ("in-test", json!({ "app": "livy", "test": "x" })),
    ] {
        Container::start(root.path(), pod, "main").line(0, pod);
        api.apply(pod, labels, json!([]));
    }
    let logs = Logs::new(store.clone());
    let log = eventually("a log by its label", async || logs.of_application("nightly").await.ok()?.pop()).await;
    assert_eq!((log.container.pod.as_str(), log.executor.as_deref()), ("with-job", Some("with-job")));
    eventually("a log by its pod", async || logs.of_pod("ns", "without-job").await.ok()?.pop()).await;
    eventually("a stranger", async || (collector.metrics.snapshot().strangers == 1).then_some(())).await;
    collector.stop().await;
    assert!(logs.of_pod("ns", "in-test").await.unwrap().is_empty());
}

#[tokio::test]
async fn containers_beside_spark_s_own_are_left_alone_where_that_is_asked_for() {
    for main_only in [false, true] {
        let (root, store, api) = (tempfile::tempdir().unwrap(), Store::in_memory(), Api::start().await);
        let collector = start_choosing(&store, &root, &api, Selection { main_only, ..Selection::default() });
        for container in ["fetch", "spark-kubernetes-executor", "proxy"] {
            Container::start(root.path(), "pi-exec-1", container).line(0, container);
        }
        let spec = json!({
            "initContainers": [{ "name": "fetch" }],
            "containers": [{ "name": "proxy" }, { "name": "spark-kubernetes-executor" }],
        });
        api.apply_spec("pi-exec-1", labels(1), spec);
        let logs = Logs::new(store.clone());
        let expected = if main_only { 1 } else { 3 };
        eventually("the containers' logs", async || {
            let found = logs.of_executor("spark-1", "1").await.ok()?;
            (found.len() == expected).then_some(())
        })
        .await;
        if main_only {
            eventually("two strangers", async || (collector.metrics.snapshot().strangers == 2).then_some(())).await;
        }
        collector.stop().await;
        let found = logs.of_executor("spark-1", "1").await.unwrap();
        assert!(found.len() == expected && found.iter().any(|log| log.container.name == "spark-kubernetes-executor"));
    }
}
