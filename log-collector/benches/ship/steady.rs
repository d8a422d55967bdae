//! A collector on a node where little, or nothing, is written.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use log_collector::{Collector, Config, Logs, Stream};
use storage::Store;
use tokio_util::sync::CancellationToken;

use super::cpu;

const MINUTE: Duration = Duration::from_secs(60);
/// So much of a container's log is there from the start.
const BEFORE: u64 = 64 * 1024;
const BURSTS_A_SECOND: u32 = 10;
/// How much is written in a second.
const BYTES_A_SECOND: u64 = 1_000_000;

/// What happens in the minute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing is written.
    Idle,
    /// A megabyte a second is, by all containers together.
    Steady,
    /// The same, and it is read in this process as soon as that can be.
    Read,
}

/// Tells what a minute costs, and in the last mode how long lines take.
pub(super) async fn run(store: Store, root: &Path, containers: u64, mode: Mode) {
    let before: u64 = (0..containers).map(|number| super::write(root, number, BEFORE)).sum();
    let config = Config { pod_logs: Some(root.to_owned()), ..Config::default() };
    let stop = CancellationToken::new();
    let collector = Collector::new(store.clone(), config);
    let metrics = collector.metrics();
    let running = tokio::spawn(collector.run(stop.clone()));
    while metrics.snapshot().shipped_bytes < before {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (start, cpu_before, objects) = (Instant::now(), cpu(), metrics.snapshot().objects);
    let mut lags = Vec::new();
    match mode {
        Mode::Idle => tokio::time::sleep(MINUTE).await,
        Mode::Steady | Mode::Read => lags = write(&store, root, containers, mode == Mode::Read).await,
    }
    let (busy, wall) = ((cpu() - cpu_before).as_secs_f64(), start.elapsed().as_secs_f64());
    let objects = metrics.snapshot().objects - objects;
    println!(
        "{containers} containers, {} in {wall:.0} s: {:.2} % of a core, {objects} objects written",
        if mode == Mode::Idle { "nothing" } else { "1 MB/s" },
        busy / wall * 100.0
    );
    lags.sort_unstable();
    if let (Some(median), Some(p99)) = (lags.get(lags.len() / 2), lags.get(lags.len() * 99 / 100)) {
        let (median, p99) = (median.as_secs_f64(), p99.as_secs_f64());
        println!("a line can be read after {median:.1} s (median), {p99:.1} s (99 of 100)");
    }
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// Writes for a minute; how long lines took until a reader of the store could have them.
async fn write(store: &Store, root: &Path, containers: u64, reads: bool) -> Vec<Duration> {
    let open = |number: u64| {
        let folder = root.join(format!("ns_pi-exec-{number}_uid-{number}/spark-kubernetes-executor"));
        OpenOptions::new().append(true).open(folder.join("0.log")).unwrap()
    };
    let mut files: Vec<File> = (0..containers).map(open).collect();
    let logs = Logs::new(store.clone());
    // Of the first container: how many bytes its stdout had after each burst, and when.
    let (mut marks, mut lags) = (VecDeque::new(), Vec::new());
    let (mut size, start) = (None, Instant::now());
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / BURSTS_A_SECOND);
    while start.elapsed() < MINUTE || (!marks.is_empty() && start.elapsed() < MINUTE * 2) {
        ticks.tick().await;
        let log = if reads { logs.of_pod("ns", "pi-exec-0").await.unwrap().pop() } else { None };
        let seen = log.map_or(0, |log| log.size_bytes(Stream::Stdout));
        let size = size.get_or_insert(seen);
        while let Some((_, at)) = marks.pop_front_if(|(end, _)| *end <= seen) {
            lags.push(Instant::now() - at);
        }
        if start.elapsed() >= MINUTE {
            continue;
        }
        for (number, file) in files.iter_mut().enumerate() {
            let bytes = BYTES_A_SECOND / u64::from(BURSTS_A_SECOND) / containers;
            let content = burst(file, bytes);
            if number == 0 && reads {
                *size += content;
                marks.push_back((*size, Instant::now()));
            }
        }
    }
    assert!(marks.is_empty(), "{} bursts were never readable", marks.len());
    lags
}

/// About so many bytes of lines; how much of them is content.
fn burst(file: &mut File, bytes: u64) -> u64 {
    let (mut written, mut content) = (0, 0);
    let (now, mut text) = (Utc::now(), String::new());
    while written < bytes {
        let line =
            format!("{} INFO TaskSetManager: Finished task {written}.0 in stage {bytes}.0", now.timestamp_micros());
        let record = format!("{} stdout F {line}\n", now.to_rfc3339_opts(SecondsFormat::Nanos, true));
        (written, content) = (written + record.len() as u64, content + line.len() as u64 + 1);
        text.push_str(&record);
    }
    file.write_all(text.as_bytes()).unwrap();
    content
}
