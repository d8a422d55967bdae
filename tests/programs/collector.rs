//! Real Spark writes event logs, the real `hearth log-collector` ships them while they grow, and is killed over and over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::TryStreamExt as _;
use storage::{ObjectPath, Store, StoreUrl, growing};
use tokio::sync::Mutex;

use crate::support::cache;
use crate::support::hearth::Hearth;
use crate::support::process::{guarded, run};
use crate::support::wait::eventually;

pub(crate) const MINUTES: Duration = Duration::from_secs(900);

/// One Spark at a time: a test machine is small.
pub(crate) static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) async fn collector(folder: &Path) -> Hearth {
    let (store, logs) = (format!("file:{}", folder.join("store").display()), folder.join("logs"));
    let logs = logs.to_str().unwrap();
    let common = ["log-collector", "--admin-listen", "off", "--store", &store];
    let arguments = [&common[..], &["--event-log-dir", logs, "--flush-interval", "200ms"]].concat();
    Hearth::start(&arguments, &[], &[]).await
}

/// Every local file of Spark's by its path in the folder, those that Spark hides left out.
pub(crate) fn local_files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            match path.is_dir() {
                true => folders.push(path),
                false if path.file_name().unwrap().to_str().unwrap().starts_with('.') => {}
                false => drop(files.insert(name, path)),
            }
        }
    }
    files
}

/// What has arrived of a log that grows, by the path that it has in the local folder, and when it was complete there.
async fn grown(store: &Store) -> BTreeMap<String, Vec<u8>> {
    let root = ObjectPath::parse("event-logs").unwrap();
    let mut folders = vec![root.clone()];
    folders.extend(store.list_folder(&root).await.unwrap().folders);
    let mut grown = BTreeMap::new();
    for folder in folders {
        for file in growing::list(store, &folder).await.unwrap_or_default() {
            let read = growing::read(store, &file, 0).try_collect::<Vec<_>>().await;
            if let Ok(read) = read {
                grown.insert(file.path.strip_prefix(&root).unwrap().as_str().to_owned(), read.concat());
            }
        }
    }
    grown
}

/// Whether a part of a log has arrived, longer than what had before; what has arrived is what Spark has written.
pub(crate) async fn grew(store: &Store, logs: &Path, before: &mut usize) -> Option<()> {
    let mut total = 0;
    for (name, bytes) in grown(store).await {
        // Renamed since, or made into one object: then the comparison at the end tells.
        let Ok(local) = std::fs::read(logs.join(&name)) else { continue };
        assert!(local.starts_with(&bytes), "{name}: what has arrived is not what was written");
        total += bytes.len();
    }
    let is_more = total > *before;
    *before = total;
    is_more.then_some(())
}

async fn arrives_whole(spark: &str, kind: &str) {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/collector/grow.py");
    let mut command = guarded(cache::python(spark));
    command.arg(script).arg(folder.path()).arg(kind);
    let application = tokio::spawn(async move { run(&mut command, MINUTES).await.succeeded() });

    let store = Store::open(&StoreUrl::folder(folder.path().join("store"))).unwrap();
    let mut arrived = 0;
    for _ in 0..5 {
        let hearth = collector(folder.path()).await;
        eventually("more of a log", MINUTES, async || grew(&store, &logs, &mut arrived).await).await;
        hearth.kill().await;
    }
    std::fs::write(folder.path().join("enough"), "").unwrap();
    let hearth = collector(folder.path()).await;
    application.await.unwrap();

    let local = local_files(&logs);
    assert!(local.keys().all(|name| !name.ends_with(".inprogress")), "{local:?}");
    let shipped = folder.path().join("store/event-logs");
    let names = || local_files(&shipped).into_keys().collect::<Vec<_>>();
    let expected: Vec<_> = local.keys().cloned().collect();
    eventually("all files and nothing else", MINUTES, async || (names() == expected).then_some(())).await;
    for (name, path) in local {
        assert!(std::fs::read(shipped.join(&name)).unwrap() == std::fs::read(path).unwrap(), "{name} differs");
    }
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test]
async fn a_single_log_of_spark_3_5_arrives_whole() {
    arrives_whole("3.5", "single").await;
}

#[tokio::test]
async fn a_rolling_log_of_spark_3_5_arrives_whole() {
    arrives_whole("3.5", "rolling").await;
}

#[tokio::test]
async fn a_single_log_of_spark_4_3_arrives_whole() {
    arrives_whole("4.3", "single").await;
}

#[tokio::test]
async fn a_rolling_log_of_spark_4_3_arrives_whole() {
    arrives_whole("4.3", "rolling").await;
}
