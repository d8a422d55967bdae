//! Which containers are Spark's, by their names.

use std::time::Duration;

use log_collector::Logs;
use storage::Store;

use crate::kubelet::Container;
use crate::support::{Running, eventually};

#[tokio::test]
async fn spark_s_containers_are_shipped_and_no_others() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, root.path());
    for (pod, container) in [
        ("coredns-1", "coredns"),
        ("pi-7-driver", "spark-kubernetes-driver"),
        ("pi-7-driver", "fetch"),
        ("pi-7-exec-3", "spark-kubernetes-executor"),
    ] {
        Container::start(root.path(), pod, container).line(1, &format!("{pod} {container}"));
    }
    let logs = Logs::new(store.clone());
    let driver = eventually("the driver's containers", async || {
        logs.of_pod("ns", "pi-7-driver").await.ok().filter(|logs| logs.len() == 2)
    })
    .await;
    let names: Vec<_> = driver.iter().map(|log| (log.container.name.as_str(), log.executor.as_deref())).collect();
    assert_eq!(names, [("fetch", Some("driver")), ("spark-kubernetes-driver", Some("driver"))]);
    let executor = eventually("the executor", async || logs.of_pod("ns", "pi-7-exec-3").await.ok()?.pop()).await;
    assert_eq!((executor.executor.as_deref(), executor.application.as_deref()), (Some("3"), None));
    assert_eq!(executor.container.pod_uid, "uid-of-pi-7-exec-3");
    collector.stop().await;
    assert!(logs.of_pod("ns", "coredns-1").await.unwrap().is_empty());
}

#[tokio::test]
async fn files_that_are_no_logs_are_passed_over() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    for name in ["ns_pi-exec-1_u/spark-kubernetes-executor/notes.txt", "ns_pi-exec-1_u/file", "file", "a_b/c/0.log"] {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    let collector = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 2);
    container.line(0, "a log");
    crate::support::shipped(&store, 2, &container.written).await;
    collector.stop().await;
    assert!(Logs::new(store).of_pod("ns", "pi-exec-1").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_at_once() {
    let config = log_collector::Config { pod_logs: Some("/no/such/folder".into()), ..log_collector::Config::default() };
    let run = log_collector::Collector::new(Store::in_memory(), config).run(tokio_util::sync::CancellationToken::new());
    let error = tokio::time::timeout(Duration::from_secs(60), run).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}
