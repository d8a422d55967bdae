//! Jobs of the tests' own, and stock spark-submit that submits them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard};

use crate::support::cache;
use crate::support::cluster::Namespace;
use crate::support::process::{guarded, run};

/// Waits until no other test runs a job: on a small machine two at once take longer than one after the other.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// Compiles `source`, a path below `tests/data`, into a jar in `folder`.
pub(crate) async fn jar(source: &str, folder: &Path) -> PathBuf {
    let limit = Duration::from_secs(120);
    let (classes, jar) = (folder.join("classes"), folder.join("job.jar"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(source);
    let jars = cache::spark_home("4.3").join("jars/*");
    let mut javac = guarded("javac");
    javac.args(["--release", "17", "-d"]).args([&classes, Path::new("-cp"), &jars, &source]);
    run(&mut javac, limit).await.succeeded();
    let mut pack = guarded("jar");
    run(pack.arg("cf").args([&jar, Path::new("-C"), &classes, Path::new(".")]), limit).await.succeeded();
    jar
}

/// Stock spark-submit in cluster mode, all but what is to be submitted; small enough for the node.
pub(crate) fn spark_submit(namespace: &Namespace) -> Command {
    let mut command = guarded(cache::spark_home("4.3").join("bin/spark-submit"));
    command.env("KUBECONFIG", namespace.node.kubeconfig()).arg("--master");
    command.arg(format!("k8s://{}", namespace.node.api_server())).args(["--deploy-mode", "cluster"]);
    command.arg("--conf").arg(format!("spark.kubernetes.namespace={}", namespace.name));
    for setting in [
        "spark.kubernetes.container.image=localhost/spark:test",
        "spark.kubernetes.authenticate.driver.serviceAccountName=spark",
        "spark.kubernetes.driver.request.cores=100m",
        "spark.kubernetes.executor.request.cores=100m",
        "spark.driver.memory=512m",
        "spark.executor.memory=512m",
    ] {
        command.args(["--conf", setting]);
    }
    command
}

/// What the driver wrote, and the phase that its pod is in: spark-submit itself ends well whatever became of it.
pub(crate) async fn driver(namespace: &Namespace) -> (String, String) {
    let log = namespace.kubectl(&["logs", "--selector", "spark-role=driver", "--tail=-1"]).await.stdout;
    let phase = ["get", "pods", "--selector", "spark-role=driver", "-o", "jsonpath={.items[*].status.phase}"];
    (log, namespace.kubectl(&phase).await.stdout)
}
