//! The image in the place of Spark's, in pods as charts for Spark's history server make them.

use std::path::Path;
use std::time::Duration;

use crate::support::cluster::Namespace;
use crate::support::images::SPARK_HISTORY_SERVER;
use crate::support::wait::within;

const PATIENCE: Duration = Duration::from_secs(180);

/// A command of a chart's container, and the variables that it sets.
type Start<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

/// With nothing of the root file system to write to, as any user, and a probe of the page.
fn pod(name: &str, command: &[&str], environment: &[(&str, &str)], logs: &Path) -> String {
    let variables: Vec<_> =
        environment.iter().map(|(name, value)| serde_json::json!({"name": name, "value": value})).collect();
    let mounts = serde_json::json!([
        {"name": "events", "mountPath": "/data", "readOnly": true},
        {"name": "conf", "mountPath": "/opt/spark/conf/spark-defaults.conf", "subPath": "spark-defaults.conf"},
        {"name": "scratch", "mountPath": "/opt/spark/logs"},
        {"name": "scratch", "mountPath": "/tmp"},
    ]);
    let container = serde_json::json!({
        "name": "spark-history-server", "image": SPARK_HISTORY_SERVER, "imagePullPolicy": "Never", "command": command,
        "env": variables, "volumeMounts": mounts, "ports": [{"name": "http", "containerPort": 18080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 2},
        "securityContext": {
            "readOnlyRootFilesystem": true, "runAsUser": 1000, "runAsNonRoot": true, "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
        },
    });
    let manifest = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "containers": [container],
            "volumes": [
                {"name": "events", "hostPath": {"path": logs}}, {"name": "conf", "configMap": {"name": "conf"}},
                {"name": "scratch", "emptyDir": {}},
            ],
        },
    });
    manifest.to_string()
}

#[tokio::test]
async fn charts_of_spark_s_history_server_run_it_unchanged() {
    let namespace = Namespace::new("drop-in").await;
    let logs = namespace.node.folder().join("event-logs-of-charts");
    std::fs::create_dir(&logs).unwrap();
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("history-server/tests/data/jobs.zstd");
    std::fs::copy(log, logs.join("application.zstd")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let defaults = folder.path().join("spark-defaults.conf");
    std::fs::write(&defaults, "spark.history.fs.logDirectory file:/data\nspark.history.ui.port 18080\n").unwrap();
    let from = format!("--from-file={}", defaults.display());
    namespace.kubectl(&["create", "configmap", "conf", &from]).await.succeeded();

    let script = "if [ a == a ]; then export SPARK_HISTORY_OPTS='-Dspark.history.fs.logDirectory=file:/data/'; fi; \
                  /opt/spark/bin/spark-class org.apache.spark.deploy.history.HistoryServer";
    let starts: [Start<'_>; 3] = [
        (
            "by-its-script",
            &["/opt/spark/sbin/start-history-server.sh"],
            &[("SPARK_NO_DAEMONIZE", "false"), ("SPARK_CONF_DIR", "/opt/spark/conf"), ("SPARK_DAEMON_MEMORY", "4g")],
        ),
        ("by-its-class", &["/bin/sh", "-c", script], &[]),
        ("by-its-entry-point", &[], &[("SPARK_HISTORY_OPTS", "-Dspark.history.fs.logDirectory=file:///data")]),
    ];
    for (name, command, environment) in starts {
        let file = folder.path().join(format!("{name}.json"));
        std::fs::write(&file, pod(name, command, environment, &logs)).unwrap();
        namespace.kubectl(&["create", "-f", file.to_str().unwrap()]).await.succeeded();
    }
    for (name, ..) in starts {
        let asked = ["exec", name, "--", "curl", "--silent", "http://localhost:18080/api/v1/applications"];
        let listed = within(PATIENCE, async || {
            let answer = namespace.kubectl(&asked).await.stdout;
            let applications: Vec<serde_json::Value> = serde_json::from_str(&answer).ok()?;
            let ready = ["get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].ready}"];
            let ready = namespace.kubectl(&ready).await.stdout == "true";
            (ready && applications.len() == 1).then_some(())
        });
        if listed.await.is_none() {
            panic!(
                "{name}: {}\n{}",
                namespace.kubectl(&["logs", name, "--tail=30"]).await.stdout,
                namespace.describe().await
            );
        }
    }
}
