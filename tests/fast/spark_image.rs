//! The ways in which charts and people start Spark's history server in a container, with what the image has in Spark's place.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::support::process::{guarded, signal};

const PATIENCE: Duration = Duration::from_secs(60);
const CLASS: &str = "org.apache.spark.deploy.history.HistoryServer";

/// A folder laid out as `/opt` in the image is, with a log directory.
fn image() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/spark");
    for name in ["bin", "sbin", "entrypoint.sh"] {
        symlink(scripts.join(name), folder.path().join(name)).unwrap();
    }
    for name in ["conf", "events", "programs"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_hearth"), folder.path().join("programs/hearth")).unwrap();
    folder
}

/// Runs a command in the image until it says that it serves; asks for the page, and ends it.
async fn serves(image: &Path, command: &[&str], environment: &[(&str, &str)]) -> String {
    let mut started = guarded(command[0]);
    let path = format!("{}:/usr/bin:/bin", image.join("programs").display());
    started.args(&command[1..]).env("PATH", path).env("SPARK_HOME", image).env("SPARK_LOCAL_IP", "127.0.0.1");
    started.env("HEARTH_SHUTDOWN_DELAY", "0s").envs(environment.iter().copied());
    let mut child = started.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut log = String::new();
    let url = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        let Some(line) = line else { panic!("{command:?} ended:\n{log}") };
        log += &line;
        log.push('\n');
        if let Some((_, url)) = line.split_once("and started at ") {
            break url.trim().to_owned();
        }
    };
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200, "{command:?}");
    signal(&child, "TERM").await;
    let lifeline = child.stdin.take();
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    drop(lifeline);
    assert!(ended.success() || ended.code() == Some(143), "{command:?}: {ended}\n{log}");
    log
}

#[tokio::test]
async fn spark_s_history_server_is_started_as_charts_start_it() {
    let folder = image();
    let image = folder.path();
    let events = image.join("events");
    let options = format!("-Dspark.history.ui.port=0 -Dspark.history.fs.logDirectory=file:{}", events.display());
    let options = [("SPARK_HISTORY_OPTS", options.as_str())];
    let properties = image.join("given.properties");
    let text = format!("spark.history.fs.logDirectory file:{}\nspark.history.ui.port 0\n", events.display());
    std::fs::write(&properties, &text).unwrap();
    let [properties, class, start, entrypoint] = [
        properties,
        image.join("bin/spark-class"),
        image.join("sbin/start-history-server.sh"),
        image.join("entrypoint.sh"),
    ]
    .map(|path| path.to_str().unwrap().to_owned());

    let daemon = [options[0], ("SPARK_NO_DAEMONIZE", "false"), ("SPARK_DAEMON_MEMORY", "4g")];
    serves(image, &[&start], &daemon).await;
    serves(image, &["/bin/sh", "-c", &format!("exec {class} {CLASS}")], &options).await;
    serves(image, &[&start, "--properties-file", &properties], &[]).await;
    serves(image, &[&entrypoint, &format!("{class} {CLASS}")], &options).await;
    let application = ["driver", "--properties-file", &properties, "--class", CLASS, "local:///opt/spark/jars/x.jar"];
    serves(image, &[&[entrypoint.as_str()], &application[..]].concat(), &[]).await;
    std::fs::write(image.join("conf/spark-defaults.conf"), text).unwrap();
    let title = "SPARK_DAEMON_JAVA_OPTS='-Xmx1g -Dspark.history.nonsense=1'\n";
    std::fs::write(image.join("conf/spark-env.sh"), title).unwrap();
    let log = serves(image, &[&entrypoint, &start], &[]).await;
    assert!(log.contains("spark.history.nonsense") && log.contains("-Xmx1g"), "{log}");
}
