use std::path::Path;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use log_collector::{Collector, Config, ContainerLog, Logs, Stream};
use storage::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A collector in a task: stopped, or killed.
pub(crate) struct Running {
    task: JoinHandle<log_collector::Result<()>>,
    stop: CancellationToken,
    pub(crate) metrics: std::sync::Arc<log_collector::Metrics>,
    pub(crate) health: std::sync::Arc<log_collector::Health>,
}

impl Running {
    pub(crate) fn start(store: &Store, root: &Path) -> Self {
        Self::start_with(store, root, |_| {})
    }

    pub(crate) fn start_with(store: &Store, root: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            pod_logs: Some(root.to_owned()),
            flush_interval: Duration::from_millis(20),
            poll_interval: Duration::from_millis(5),
            scan_interval: Duration::from_millis(500),
            longest_pause: Duration::from_millis(50),
            rotation_grace: Duration::from_millis(50),
            ..Config::default()
        };
        change(&mut config);
        let stop = CancellationToken::new();
        let collector = Collector::new(store.clone(), config);
        let (metrics, health) = (collector.metrics(), collector.health());
        Self { task: tokio::spawn(collector.run(stop.clone())), stop, metrics, health }
    }

    /// As SIGTERM does.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// As SIGKILL does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Asks until there is an answer, for as long as a slow machine may take.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The log of an executor, once it is said to be finished.
pub(crate) async fn finished(store: &Store, number: u32) -> ContainerLog {
    eventually("a finished log", async || {
        let logs = Logs::new(store.clone()).of_pod("ns", &format!("pi-exec-{number}")).await.ok()?;
        logs.into_iter().find(|log| log.finished)
    })
    .await
}

/// Waits until everything that was written has been shipped.
pub(crate) async fn shipped(store: &Store, number: u32, written: &[Vec<u8>; 2]) {
    eventually("all lines", async || {
        let log = Logs::new(store.clone()).of_pod("ns", &format!("pi-exec-{number}")).await.ok()?.pop()?;
        let sizes = [log.size_bytes(Stream::Stdout), log.size_bytes(Stream::Stderr)];
        (sizes == [written[0].len() as u64, written[1].len() as u64]).then_some(())
    })
    .await;
}

/// Both streams, whole.
pub(crate) async fn content(log: &ContainerLog) -> [Vec<u8>; 2] {
    let mut streams = [Vec::new(), Vec::new()];
    for (content, stream) in streams.iter_mut().zip(Stream::ALL) {
        *content = log.whole(stream, 0).try_collect::<Vec<_>>().await.unwrap().concat();
    }
    streams
}

/// Every line once, in order, nothing else.
pub(crate) async fn assert_shipped(store: &Store, number: u32, written: &[Vec<u8>; 2]) {
    let log = finished(store, number).await;
    let shipped = content(&log).await;
    for (shipped, written) in shipped.iter().zip(written) {
        assert_eq!(String::from_utf8_lossy(shipped), String::from_utf8_lossy(written), "executor {number}");
    }
    assert_eq!(log.gaps, []);
}
