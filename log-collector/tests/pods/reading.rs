//! What a reader gets: pages by bytes, lines and time, whole streams, what is still being written.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _};
use log_collector::{Error, Logs, Stream};
use storage::{Faults, Store};

use crate::kubelet::Container;
use crate::support::{Running, finished, shipped};

fn line(number: u64) -> String {
    format!("line {number:06} of stderr")
}

const LINE_BYTES: u64 = 22;

#[tokio::test]
async fn pages_of_a_long_log() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 1);
    let start = container.clock;
    const LINES: u64 = 40_000;
    for number in 0..LINES {
        container.line(1, &line(number));
    }
    container.line(0, "one line of stdout");
    shipped(&store, 1, &container.written).await;
    container.delete();
    let log = finished(&store, 1).await;
    assert_eq!((log.lines(Stream::Stderr), log.lines(Stream::Stdout)), (LINES, 1));

    let tail = log.tail(Stream::Stderr, 2 * LINE_BYTES).await.unwrap();
    assert_eq!(tail.bytes, format!("{}\n{}\n", line(LINES - 2), line(LINES - 1)));
    assert_eq!((tail.range, tail.total_bytes), (LINE_BYTES * (LINES - 2)..LINE_BYTES * LINES, LINE_BYTES * LINES));

    let lines = log.lines_of(Stream::Stderr, 20_000..20_002).await.unwrap();
    assert_eq!(lines.bytes, format!("{}\n{}\n", line(20_000), line(20_001)));
    let behind = log.page(Stream::Stderr, LINE_BYTES * LINES + 10..u64::MAX).await.unwrap();
    assert_eq!((behind.bytes.len(), behind.range), (0, LINE_BYTES * LINES..LINE_BYTES * LINES));

    let from = start + TimeDelta::milliseconds(500 * 30_000);
    let window = log.window(Stream::Stderr, from, from + TimeDelta::seconds(1)).await.unwrap();
    assert_eq!(window.bytes, format!("{}\n{}\n", line(30_000), line(30_001)));
    let times = log.times().await.unwrap().unwrap();
    assert_eq!(times.0.timestamp_millis(), start.timestamp_millis());
    assert_eq!(times.1 - times.0, TimeDelta::milliseconds(500 * i64::try_from(LINES).unwrap()));
    collector.stop().await;
}

#[tokio::test]
async fn the_newest_lines_take_two_requests() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    let collector = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 1);
    for number in 0..2000 {
        container.line(1, &line(number));
    }
    shipped(&store, 1, &container.written).await;
    container.delete();
    finished(&store, 1).await;
    let logs = Logs::new(store.with_faults(&faults));
    let log = logs.of_pod("ns", "pi-exec-1").await.unwrap().pop().unwrap();
    assert_eq!(log.tail(Stream::Stderr, 4096).await.unwrap().bytes.len(), 4096);
    assert_eq!(faults.requests(), 2, "a listing, and the end of the last segment");
    collector.stop().await;
}

#[tokio::test]
async fn a_log_that_is_still_written_is_followed_to_its_end() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 1);
    container.line(1, "first");
    shipped(&store, 1, &container.written).await;
    let logs = Logs::new(store.clone()).with_poll_interval(Duration::from_millis(5));
    let log = logs.of_pod("ns", "pi-exec-1").await.unwrap().pop().unwrap();
    assert!(!log.finished);
    let mut following = logs.follow(&log, Stream::Stderr, 0);
    assert_eq!(following.next().await.unwrap().unwrap(), "first\n");
    container.line(1, "second");
    assert_eq!(following.next().await.unwrap().unwrap(), "second\n");
    container.line(1, "third");
    container.delete();
    assert_eq!(following.try_collect::<Vec<_>>().await.unwrap().concat(), b"third\n");
    collector.stop().await;
}

#[tokio::test]
async fn names_that_leave_the_folder_of_logs_are_refused() {
    let logs = Logs::new(Store::in_memory());
    for name in ["..", "", "a/b", "_pods", "a\0"] {
        assert!(matches!(logs.of_executor(name, "1").await, Err(Error::InvalidName { .. })), "{name:?}");
        assert!(matches!(logs.of_pod("ns", name).await, Err(Error::InvalidName { .. })), "{name:?}");
    }
    assert!(logs.of_application("app-1").await.unwrap().is_empty());
}
