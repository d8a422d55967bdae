//! What a reader gets: pages by bytes, lines and time, whole streams, what is still being written.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _};
use log_collector::{Error, Logs, Stream, merge};
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

#[tokio::test]
async fn streams_of_several_containers_are_one_by_time() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, root.path());
    let mut containers: Vec<_> = (0..3).map(|number| Container::executor(root.path(), number)).collect();
    let mut expected = Vec::new();
    let start = containers[0].clock;
    // Each line half a second after the one before, whoever wrote it; every fifth in two records.
    for number in 0..600i32 {
        let (who, stream) = ((number * 7 % 3) as usize, (number * 5 % 2) as usize);
        let container = &mut containers[who];
        container.clock = start + TimeDelta::milliseconds(500 * i64::from(number));
        let text = format!("line {number}");
        if number % 5 == 0 {
            container.write(stream, b"and so ", false);
            container.clock = start + TimeDelta::milliseconds(500 * i64::from(number) + 100);
            container.line(stream, &text);
            expected.push((who * 2 + stream, format!("and so {text}\n")));
        } else {
            container.line(stream, &text);
            expected.push((who * 2 + stream, format!("{text}\n")));
        }
    }
    let mut parts = Vec::new();
    for (number, container) in (0..).zip(containers) {
        shipped(&store, number, &container.written).await;
        container.delete();
        let log = finished(&store, number).await;
        parts.extend(Stream::ALL.map(|stream| (log.clone(), stream, 0..u64::MAX)));
    }
    let merged: Vec<_> = merge(parts.clone()).try_collect().await.unwrap();
    assert!(merged.windows(2).all(|two| two[0].time <= two[1].time));
    let got: Vec<_> = merged.iter().map(|line| (line.part, String::from_utf8(line.bytes.to_vec()).unwrap())).collect();
    assert_eq!(got, expected);
    // From a time on: what was written before it is not read.
    let from = start + TimeDelta::milliseconds(500 * 590);
    for (log, stream, range) in &mut parts {
        range.start = log.offset_of_time(*stream, from).await.unwrap();
    }
    let late: Vec<_> = merge(parts).try_collect().await.unwrap();
    assert_eq!(late.len(), 10);
    collector.stop().await;
}

#[tokio::test]
async fn the_first_error_is_known_without_a_search() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    let collector = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 1);
    for number in 0..3000 {
        container.line(1, &format!("26/01/02 03:04:05 INFO Executor: line {number}"));
    }
    shipped(&store, 1, &container.written).await;
    collector.kill().await;
    let at = container.written[1].len() as u64;
    container.line(1, "26/01/02 03:04:06 ERROR Executor: Exception in task 1.0 in stage 2.0 (TID 3)");
    container.line(1, "java.lang.IllegalStateException: no");
    container.line(1, "\tat org.example.Main.main(Main.scala:1)");
    container.line(0, "Traceback (most recent call last):");
    let collector = Running::start(&store, root.path());
    shipped(&store, 1, &container.written).await;
    container.delete();
    finished(&store, 1).await;
    let logs = Logs::new(store.with_faults(&faults));
    let log = logs.of_pod("ns", "pi-exec-1").await.unwrap().pop().unwrap();
    let asked = faults.requests();
    assert_eq!(log.errors.map(|errors| errors.lines), [1, 2]);
    let (stream, offset, _) = log.first_error_of(&Stream::ALL).unwrap();
    assert_eq!((stream, offset), (Stream::Stderr, at));
    assert_eq!(faults.requests(), asked);
    let end = log.offset_of_lines_behind(stream, offset, 2).await.unwrap();
    let page = log.page(stream, offset..end).await.unwrap();
    assert!(page.bytes.starts_with(b"26/01/02 03:04:06 ERROR") && page.bytes.ends_with(b"IllegalStateException: no\n"));
    assert_eq!(log.first_error_of(&[Stream::Stdout]).unwrap().0, Stream::Stdout);
    collector.stop().await;
}

#[tokio::test]
async fn a_damaged_segment_costs_itself_alone() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start_with(&store, root.path(), |config| config.sealed_bytes = 1);
    let mut container = Container::executor(root.path(), 1);
    for round in 0..3 {
        for line in 0..100 {
            container.line(1, &format!("line {line:03} of round {round}"));
        }
        shipped(&store, 1, &container.written).await;
    }
    let whole = container.written[1].clone();
    container.delete();
    let log = finished(&store, 1).await;
    collector.stop().await;
    let mut objects: Vec<_> = store.list(&storage::ObjectPath::root()).try_collect().await.unwrap();
    objects.retain(|object| object.path.name().ends_with(".zst"));
    objects.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(objects.len() > 2);
    let middle = objects.iter().position(|object| object.path.name() > "s000000000001").unwrap();
    store.put(&objects[middle].path, b"not a segment".to_vec()).await.unwrap();
    let read = log.whole(Stream::Stderr, 0).try_collect::<Vec<_>>().await.unwrap().concat();
    assert_eq!(read.len(), whole.len());
    let damaged = whole.iter().zip(&read).filter(|(whole, read)| whole != read).count();
    assert!(damaged > 0 && damaged < whole.len() / 2);
    assert!(String::from_utf8_lossy(&read).contains("[hearth: the store's copy of this part of the log is damaged]"));
    let page = log.tail(Stream::Stderr, 40).await.unwrap();
    assert_eq!(page.bytes, whole[whole.len() - 40..]);
}

#[tokio::test]
async fn an_executor_is_followed_into_containers_that_are_started_later() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let api = crate::api::Api::start().await;
    let kubeconfig = root.path().join("kubeconfig");
    api.write_kubeconfig(&kubeconfig);
    let collector = Running::start_with(&store, root.path(), |config| {
        config.pod_identity =
            log_collector::PodIdentity::Kubernetes { kubeconfig: Some(kubeconfig), node: Some("n-1".to_owned()) };
    });
    let spark = |executor: &str| serde_json::json!({ "spark-app-selector": "spark-1", "spark-role": "executor", "spark-exec-id": executor });
    let mut first = Container::executor(root.path(), 1);
    first.line(1, "first");
    api.apply("pi-exec-1", spark("1"), serde_json::json!([]));
    let logs = Logs::new(store.clone()).with_poll_interval(Duration::from_millis(5));
    let log = crate::support::eventually("a log", async || logs.of_application("spark-1").await.ok()?.pop()).await;
    let mut all = logs.follow_all(("spark-1", None), &Stream::ALL, Stream::ALL.map(|s| (log.clone(), s, 0)).to_vec());
    assert_eq!(all.next().await.unwrap().unwrap().bytes, "first\n");
    let mut second = Container::executor(root.path(), 2);
    second.line(0, "second");
    api.apply("pi-exec-2", spark("2"), serde_json::json!([]));
    let added = all.next().await.unwrap().unwrap();
    assert_eq!(
        (added.log.executor.as_deref(), added.stream, &added.bytes[..]),
        (Some("2"), Stream::Stdout, &b"second\n"[..])
    );
    first.line(1, "last");
    first.delete();
    second.delete();
    // It ends when all have ended, and nothing comes any more.
    let rest: Vec<_> = all.try_collect().await.unwrap();
    assert_eq!(rest.into_iter().map(|added| added.bytes).collect::<Vec<_>>().concat(), b"last\n");
    collector.stop().await;
}
