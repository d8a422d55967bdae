//! Event logs recorded by real Spark, kept in the cache by version and by the recorder's own text.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, Semaphore};

use crate::support::cache;
use crate::support::length::length;
use crate::support::process::{guarded, run};

/// Two recorders at a time: a test machine is small, and Spark is not, but half of its time it waits.
static RECORDERS: Semaphore = Semaphore::const_new(2);

/// What this process records or has found, by the folder's name.
static RECORDED: Mutex<BTreeMap<String, Arc<OnceCell<()>>>> = Mutex::new(BTreeMap::new());

/// What a version writes in ways of its own, in short: applications of one machine and of a cluster, SQL, streaming. What
/// is the same whoever wrote it (codecs, layouts, damage) is left to the versions that are recorded whole.
const OF_A_VERSION: &[&str] = &["jobs", "sql", "streaming", "cluster", "fetch_failure", "profiles"];

const JOBS_AND_SQL: &[&str] = &["jobs", "sql"];

/// All scenarios.
const ALL: &[&str] = &[];

/// The scenarios of a version between those on which the tests lean: SQL, where versions differ most; all in the long run.
pub(super) fn of_a_version_between() -> &'static [&'static str] {
    length(JOBS_AND_SQL, ALL)
}

/// The scenarios of the oldest version on which the tests lean.
pub(super) fn of_the_oldest() -> &'static [&'static str] {
    length(OF_A_VERSION, ALL)
}

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
    let recorder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/history").join(recorder);
    let mut hasher = DefaultHasher::new();
    std::fs::read(&recorder).unwrap().hash(&mut hasher);
    scenarios.iter().for_each(|scenario| scenario.hash(&mut hasher));
    let name = format!(
        "{kind}-{}-{:08x}",
        cache::version(&format!("SPARK_{}", spark.replace('.', "_"))),
        hasher.finish() as u32
    );
    let folder = cache::folder().join(&name);
    let done = {
        let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(recorded.entry(name.clone()).or_default())
    };
    done.get_or_init(|| async {
        if !folder.is_dir() {
            let _turn = RECORDERS.acquire().await.unwrap();
            record(spark, &recorder, scenarios, &name, &folder).await;
        }
    })
    .await;
    folder
}

async fn record(spark: &str, recorder: &Path, scenarios: &[&str], name: &str, folder: &Path) {
    let making = cache::folder().join(format!(".making-{name}"));
    if making.is_dir() {
        std::fs::remove_dir_all(&making).unwrap();
    }
    let began = Instant::now();
    let mut command = guarded(cache::python(spark));
    command.arg(recorder).arg(&making).args(scenarios);
    let output = run(&mut command, Duration::from_secs(3600)).await.succeeded();
    let left_out: Vec<_> = output.stderr.lines().filter(|line| line.starts_with("scenario ")).collect();
    assert!(left_out.is_empty(), "Spark {spark} could not record all: {left_out:?}\n{}", output.stderr);
    std::fs::rename(&making, folder).unwrap();
    println!("recorded {name} in {} s", began.elapsed().as_secs());
}
