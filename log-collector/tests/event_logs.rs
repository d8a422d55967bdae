//! Spark's event logs from a local folder, written as Spark writes them, to what lies in the store.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop a test at once")]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use log_collector::{Collector, Config, Metrics};
use proptest::prelude::*;
use storage::{Faults, Key, ObjectPath, Store, growing};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Running {
    task: JoinHandle<log_collector::Result<()>>,
    stop: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Running {
    fn start(store: &Store, folder: &Path) -> Self {
        Self::start_with(store, Config { event_log_dirs: vec![folder.to_owned()], ..Config::default() })
    }

    fn start_with(store: &Store, what: Config) -> Self {
        let config = Config {
            flush_interval: Duration::from_millis(20),
            poll_interval: Duration::from_millis(5),
            scan_interval: Duration::from_millis(200),
            longest_pause: Duration::from_millis(50),
            rotation_grace: Duration::from_millis(50),
            ..what
        };
        let stop = CancellationToken::new();
        let collector = Collector::new(store.clone(), config);
        let metrics = collector.metrics();
        Self { task: tokio::spawn(collector.run(stop.clone())), stop, metrics }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn path(name: &str) -> ObjectPath {
    Key::EventLog(ObjectPath::parse(name).unwrap()).path()
}

/// What has arrived of a file that grows.
async fn grown(store: &Store, name: &str) -> Option<Vec<u8>> {
    let file = growing::open(store, &path(name)).await.ok()??;
    Some(growing::read(store, &file, 0).try_collect::<Vec<_>>().await.ok()?.concat())
}

async fn object(store: &Store, name: &str) -> Option<Vec<u8>> {
    store.get(&path(name), u64::MAX).await.ok().map(Vec::from)
}

/// Every object below `event-logs/`, without that.
async fn names(store: &Store) -> Vec<String> {
    let root = ObjectPath::parse("event-logs").unwrap();
    let objects: Vec<_> = store.list(&root).try_collect().await.unwrap();
    let mut names: Vec<_> = objects.iter().map(|o| o.path.strip_prefix(&root).unwrap().as_str().to_owned()).collect();
    names.sort();
    names
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[tokio::test]
async fn a_single_log_is_seen_while_it_grows_and_then_complete() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, folder.path());
    let in_progress = folder.path().join("app-1.inprogress");
    File::create(&in_progress).unwrap();
    fs::write(folder.path().join(".app-1.inprogress.crc"), "crc").unwrap();
    eventually("an empty log", async || grown(&store, "app-1.inprogress").await).await;
    append(&in_progress, b"{\"Event\":\"one\"}\n{\"Ev");
    eventually("half a line", async || {
        (grown(&store, "app-1.inprogress").await? == b"{\"Event\":\"one\"}\n{\"Ev").then_some(())
    })
    .await;
    append(&in_progress, b"ent\":\"two\"}\n");
    fs::rename(&in_progress, folder.path().join("app-1")).unwrap();
    eventually("the complete log", async || (names(&store).await == ["app-1"]).then_some(())).await;
    assert_eq!(object(&store, "app-1").await.unwrap(), b"{\"Event\":\"one\"}\n{\"Event\":\"two\"}\n");
    collector.stop().await;
}

#[tokio::test]
async fn a_rolling_log_is_marked_as_complete_after_its_last_byte() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let log = folder.path().join("eventlog_v2_app-2");
    fs::create_dir(&log).unwrap();
    File::create(log.join("appstatus_app-2.inprogress")).unwrap();
    append(&log.join("events_1_app-2.zstd"), b"first");
    let collector = Running::start(&store, folder.path());
    eventually("a growing file", async || {
        (grown(&store, "eventlog_v2_app-2/events_1_app-2.zstd").await? == b"first").then_some(())
    })
    .await;
    assert!(object(&store, "eventlog_v2_app-2/appstatus_app-2.inprogress").await.is_some());
    append(&log.join("events_2_app-2.zstd"), b"second");
    eventually("a closed file", async || object(&store, "eventlog_v2_app-2/events_1_app-2.zstd").await).await;
    append(&log.join("events_2_app-2.zstd"), b" and last");
    fs::rename(log.join("appstatus_app-2.inprogress"), log.join("appstatus_app-2")).unwrap();
    eventually("the mark", async || {
        let mark = object(&store, "eventlog_v2_app-2/appstatus_app-2").await;
        if mark.is_some() {
            assert_eq!(object(&store, "eventlog_v2_app-2/events_2_app-2.zstd").await.unwrap(), b"second and last");
        }
        mark
    })
    .await;
    let expected = ["appstatus_app-2", "events_1_app-2.zstd", "events_2_app-2.zstd"];
    let expected: Vec<_> = expected.iter().map(|name| format!("eventlog_v2_app-2/{name}")).collect();
    eventually("nothing else", async || (names(&store).await == expected).then_some(())).await;
    collector.stop().await;
}

#[tokio::test]
async fn a_log_whose_driver_was_killed_keeps_all_that_was_written() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, folder.path());
    let in_progress = folder.path().join("app-3.zstd.inprogress");
    append(&in_progress, b"one");
    eventually("a part", async || grown(&store, "app-3.zstd.inprogress").await.filter(|bytes| !bytes.is_empty())).await;
    append(&in_progress, b" two");
    fs::remove_file(&in_progress).unwrap();
    // As an object in progress, Spark's own history server opens it.
    let names_of_cut = [".growing/app-3.zstd.inprogress/cut", "app-3.zstd.inprogress"];
    eventually("the cut log", async || (names(&store).await == names_of_cut).then_some(())).await;
    assert_eq!(object(&store, "app-3.zstd.inprogress").await.unwrap(), b"one two");
    // Its application starts again, and ends well.
    append(&in_progress, b"another one");
    eventually("a part", async || grown(&store, "app-3.zstd.inprogress").await.filter(|bytes| !bytes.is_empty())).await;
    fs::rename(&in_progress, folder.path().join("app-3.zstd")).unwrap();
    eventually("the second log", async || (names(&store).await == ["app-3.zstd"]).then_some(())).await;
    assert_eq!(object(&store, "app-3.zstd").await.unwrap(), b"another one");
    collector.stop().await;
}

#[tokio::test]
async fn a_rolling_log_whose_driver_was_killed_is_readable_as_one_in_progress() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let log = folder.path().join("eventlog_v2_app-6");
    fs::create_dir(&log).unwrap();
    File::create(log.join("appstatus_app-6.inprogress")).unwrap();
    append(&log.join("events_1_app-6"), b"first ");
    let collector = Running::start(&store, folder.path());
    eventually("a part", async || grown(&store, "eventlog_v2_app-6/events_1_app-6").await).await;
    append(&log.join("events_1_app-6"), b"and last");
    fs::remove_dir_all(&log).unwrap();
    let expected = [
        ".growing/eventlog_v2_app-6/cut",
        "eventlog_v2_app-6/appstatus_app-6.inprogress",
        "eventlog_v2_app-6/events_1_app-6",
    ];
    eventually("the cut log", async || (names(&store).await == expected).then_some(())).await;
    assert_eq!(object(&store, "eventlog_v2_app-6/events_1_app-6").await.unwrap(), b"first and last");
    collector.stop().await;
}

#[tokio::test]
async fn logs_in_volumes_of_drivers_are_shipped_from_the_kubelet_s_folder() {
    let (kubelet, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let volumes = |pod: &str| kubelet.path().join(pod).join("volumes/kubernetes.io~empty-dir");
    let config = Config { kubelet_pods: Some(kubelet.path().to_owned()), ..Config::default() };
    let collector = Running::start_with(&store, config);
    for (pod, volume, log) in [("u-1", "spark-event-logs", "app-1"), ("u-2", "cache", "secret")] {
        fs::create_dir_all(volumes(pod).join(volume)).unwrap();
        append(&volumes(pod).join(volume).join(format!("{log}.inprogress")), b"one");
    }
    eventually("a part", async || grown(&store, "app-1.inprogress").await.filter(|bytes| !bytes.is_empty())).await;
    append(&volumes("u-1").join("spark-event-logs/app-1.inprogress"), b" two");
    // The kubelet removes what was of the pod.
    fs::remove_dir_all(kubelet.path().join("u-1")).unwrap();
    eventually("the cut log", async || (object(&store, "app-1.inprogress").await? == b"one two").then_some(())).await;
    fs::create_dir_all(volumes("u-3").join("spark-event-logs")).unwrap();
    append(&volumes("u-3").join("spark-event-logs/app-3"), b"whole");
    eventually("a complete log", async || (object(&store, "app-3").await? == b"whole").then_some(())).await;
    collector.stop().await;
    assert!(names(&store).await.iter().all(|name| !name.contains("secret")));
}

#[tokio::test]
async fn another_file_of_the_same_name_or_size_is_another_log() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let in_progress = folder.path().join("app-9.inprogress");
    append(&in_progress, b"the first one");
    let collector = Running::start(&store, folder.path());
    eventually("a part", async || grown(&store, "app-9.inprogress").await.filter(|bytes| bytes.len() == 13)).await;
    collector.kill().await;
    fs::remove_file(&in_progress).unwrap();
    append(&in_progress, b"quite another one, and longer");
    fs::write(folder.path().join("app-10"), "one").unwrap();
    let collector = Running::start(&store, folder.path());
    eventually("the second", async || {
        (grown(&store, "app-9.inprogress").await? == b"quite another one, and longer").then_some(())
    })
    .await;
    let names = names(&store).await;
    let kept = names.iter().find(|name| name.starts_with("app-9_cut-") && name.ends_with(".inprogress"));
    assert_eq!(object(&store, kept.unwrap()).await.unwrap(), b"the first one");
    eventually("a complete one", async || object(&store, "app-10").await).await;
    collector.stop().await;
    fs::write(folder.path().join("app-10"), "two").unwrap();
    let collector = Running::start(&store, folder.path());
    eventually("the other of that size", async || (object(&store, "app-10").await? == b"two").then_some(())).await;
    collector.stop().await;
}

#[tokio::test]
async fn no_link_out_of_the_folder_is_published_and_no_fifo_waited_for() {
    use std::os::unix::fs::symlink;
    let (folder, elsewhere, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Store::in_memory());
    let secret = elsewhere.path().join("token");
    fs::write(&secret, "secret").unwrap();
    fs::create_dir(elsewhere.path().join("eventlog_v2_stolen")).unwrap();
    fs::write(elsewhere.path().join("eventlog_v2_stolen/events_1_stolen"), "secret").unwrap();
    fs::write(elsewhere.path().join("eventlog_v2_stolen/appstatus_stolen"), "").unwrap();
    symlink(&secret, folder.path().join("app-7")).unwrap();
    symlink(&secret, folder.path().join("app-8.inprogress")).unwrap();
    symlink(elsewhere.path().join("eventlog_v2_stolen"), folder.path().join("eventlog_v2_stolen")).unwrap();
    let rolling = folder.path().join("eventlog_v2_app-9");
    fs::create_dir(&rolling).unwrap();
    symlink(&secret, rolling.join("events_1_app-9")).unwrap();
    fs::write(rolling.join("events_2_app-9"), "mine").unwrap();
    fs::write(rolling.join("appstatus_app-9"), "").unwrap();
    for fifo in [folder.path().join("app-10"), rolling.join("events_3_app-9")] {
        assert!(std::process::Command::new("mkfifo").arg(fifo).status().unwrap().success());
    }
    let collector = Running::start(&store, folder.path());
    fs::write(folder.path().join("app-11"), "another").unwrap();
    let expected = ["app-11", "eventlog_v2_app-9/appstatus_app-9", "eventlog_v2_app-9/events_2_app-9"];
    eventually("the honest files", async || (names(&store).await == expected).then_some(())).await;
    collector.stop().await;
    assert_eq!(names(&store).await, expected);
}

#[tokio::test]
async fn a_complete_log_is_not_sent_again() {
    let (folder, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    fs::write(folder.path().join("app-4"), "all of it").unwrap();
    let collector = Running::start(&store.with_faults(&faults), folder.path());
    eventually("the log", async || object(&store, "app-4").await).await;
    collector.stop().await;
    let collector = Running::start(&store.with_faults(&faults), folder.path());
    // Another log shows that the folder has been looked through.
    fs::write(folder.path().join("app-5"), "another").unwrap();
    eventually("the other log", async || object(&store, "app-5").await).await;
    let metrics = Arc::clone(&collector.metrics);
    collector.stop().await;
    assert_eq!(metrics.snapshot().objects, 1);
    // One that was written anew is.
    fs::write(folder.path().join("app-4"), "something else, and longer").unwrap();
    let collector = Running::start(&store, folder.path());
    eventually("the new log", async || (object(&store, "app-4").await? == b"something else, and longer").then_some(()))
        .await;
    collector.stop().await;
}

#[derive(Clone, Debug)]
enum Act {
    Write(usize),
    Roll,
    Down(bool),
    LoseAnswers(bool),
    Kill,
    Wait(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => prop_oneof![4 => 1usize..2000, 1 => 1usize..3_000_000].prop_map(Act::Write),
        2 => Just(Act::Roll),
        1 => any::<bool>().prop_map(Act::Down),
        1 => any::<bool>().prop_map(Act::LoseAnswers),
        3 => Just(Act::Kill),
        3 => (0u64..40).prop_map(Act::Wait),
    ]
}

/// A single and a rolling log that grow side by side.
struct Logs {
    folder: PathBuf,
    files: u32,
    written: u64,
}

impl Logs {
    fn start(folder: &Path) -> Self {
        let logs = Self { folder: folder.to_owned(), files: 1, written: 0 };
        fs::create_dir(logs.rolling()).unwrap();
        File::create(logs.rolling().join("appstatus_r.inprogress")).unwrap();
        logs
    }

    fn rolling(&self) -> PathBuf {
        self.folder.join("eventlog_v2_r")
    }

    fn write(&mut self, length: usize) {
        // Every byte's place can be told from it, nearly.
        let bytes: Vec<u8> = (self.written..).take(length).map(|place| (place.wrapping_mul(31) >> 3) as u8).collect();
        self.written += length as u64;
        append(&self.folder.join("s.inprogress"), &bytes);
        append(&self.rolling().join(format!("events_{}_r", self.files)), &bytes);
    }

    fn finish(&self) {
        append(&self.folder.join("s.inprogress"), b"");
        fs::rename(self.folder.join("s.inprogress"), self.folder.join("s")).unwrap();
        fs::rename(self.rolling().join("appstatus_r.inprogress"), self.rolling().join("appstatus_r")).unwrap();
    }

    /// What the store must hold in the end, and nothing else.
    fn expected(&self) -> Vec<String> {
        let rolling = fs::read_dir(self.rolling()).unwrap();
        let mut names: Vec<_> =
            rolling.map(|entry| format!("eventlog_v2_r/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
        names.push("s".to_owned());
        names.sort();
        names
    }
}

async fn play(acts: Vec<Act>) {
    let (folder, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    let faulty = store.with_faults(&faults);
    let mut logs = Logs::start(folder.path());
    let mut collector = Running::start(&faulty, folder.path());
    for act in acts {
        match act {
            Act::Write(length) => logs.write(length),
            Act::Roll => logs.files += 1,
            Act::Down(down) => faults.set_down(down),
            Act::LoseAnswers(lost) => faults.set_answers_lost(lost),
            Act::Kill => {
                collector.kill().await;
                collector = Running::start(&faulty, folder.path());
            }
            Act::Wait(wait_ms) => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
        }
    }
    logs.finish();
    faults.set_down(false);
    faults.set_answers_lost(false);
    let expected = logs.expected();
    eventually("all files and nothing else", async || (names(&store).await == expected).then_some(())).await;
    for name in expected {
        let local = fs::read(folder.path().join(&name)).unwrap();
        assert!(object(&store, &name).await.unwrap() == local, "{name} differs");
    }
    collector.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20, ..ProptestConfig::with_cases(24) })]
    #[test]
    fn killed_at_any_point_with_any_store_the_logs_arrive_byte_for_byte(acts in prop::collection::vec(any_act(), 1..40)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(play(acts));
    }
}
