//! Event logs recorded by real Spark, kept in the cache by version and by the recorder's own text.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::support::cache;
use crate::support::process::{guarded, run};

/// One recorder at a time: a test machine is small, and Spark is not.
static RECORDING: Mutex<()> = Mutex::const_new(());

/// What a version writes in ways of its own, in short: applications of one machine and of a cluster, SQL, streaming. What
/// is the same whoever wrote it (codecs, layouts, damage) is left to the versions that are recorded whole.
pub(super) const OF_A_VERSION: &[&str] = &["jobs", "sql", "streaming", "cluster", "fetch_failure", "profiles"];

/// The folder of logs that this minor version of Spark wrote in these scenarios of the recorder; without any, in all.
/// Recording takes minutes; the logs are kept.
pub(super) async fn of(spark: &str, scenarios: &[&str]) -> PathBuf {
    recorded("history", "record.py", spark, scenarios).await
}

/// The same for streaming queries and servers within an application.
pub(super) async fn of_services(spark: &str, scenarios: &[&str]) -> PathBuf {
    recorded("services", "record_services.py", spark, scenarios).await
}

async fn recorded(kind: &str, recorder: &str, spark: &str, scenarios: &[&str]) -> PathBuf {
    let _turn = RECORDING.lock().await;
    let recorder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/history").join(recorder);
    let mut hasher = DefaultHasher::new();
    std::fs::read(&recorder).unwrap().hash(&mut hasher);
    scenarios.iter().for_each(|scenario| scenario.hash(&mut hasher));
    let name = format!(
        "{kind}-{}-{:08x}",
        cache::version(&format!("SPARK_{}", spark.replace('.', "_"))),
        hasher.finish() as u32
    );
    let (folder, making) = (cache::folder().join(&name), cache::folder().join(format!(".making-{name}")));
    if !folder.is_dir() {
        if making.is_dir() {
            std::fs::remove_dir_all(&making).unwrap();
        }
        let mut command = guarded(cache::python(spark));
        command.arg(recorder).arg(&making).args(scenarios);
        let output = run(&mut command, Duration::from_secs(3600)).await.succeeded();
        let left_out: Vec<_> = output.stderr.lines().filter(|line| line.starts_with("scenario ")).collect();
        assert!(left_out.is_empty(), "Spark {spark} could not record all: {left_out:?}\n{}", output.stderr);
        std::fs::rename(&making, &folder).unwrap();
    }
    folder
}
