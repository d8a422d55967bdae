//! How fast, and with how much memory, container logs go from a node's files into a store.
//!
//! `cargo bench -p log-collector --bench ship [-- [s3] MEBIBYTES CONTAINERS]` writes that much, lines as Spark's executors write
//! them, lets a collector ship it into a folder, or to an S3 server on loopback that is a process of its own, and prints a line
//! for it. `-- idle` ships what is there of so many containers and then tells what a minute in which nothing comes costs;
//! `-- steady` writes a megabyte a second for a minute and tells what that costs; `-- read` besides how long lines take until they
//! can be read.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for a developer, who wants it to stop and tell"
)]

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use log_collector::{Collector, Config};
use storage::{Store, StoreUrl};
use tokio_util::sync::CancellationToken;

#[path = "../../../storage/tests/conformance/s3_server.rs"]
mod s3_server;
mod steady;

use steady::Mode;

const MEBIBYTE: u64 = 1024 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is = |word: &str| arguments.iter().any(|argument| argument == word);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if is(SERVE) {
        return runtime.block_on(serve());
    }
    let numbers: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let (mebibytes, containers) = (numbers.first().copied().unwrap_or(256), numbers.get(1).copied().unwrap_or(4));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("pods");
    let server = is("s3").then(Server::start);
    let store = server.as_ref().map_or_else(|| folder_store(folder.path()), Server::store);
    let modes = [("idle", Mode::Idle), ("steady", Mode::Steady), ("read", Mode::Read)];
    if let Some((_, mode)) = modes.into_iter().find(|(word, _)| is(word)) {
        return runtime.block_on(steady::run(store, &root, containers, mode));
    }
    let written: u64 = (0..containers).map(|number| write(&root, number, mebibytes * MEBIBYTE / containers)).sum();
    let (start, cpu_before) = (Instant::now(), cpu());
    let objects = runtime.block_on(ship(store, &root, written));
    let (wall, busy) = (start.elapsed().as_secs_f64(), (cpu() - cpu_before).as_secs_f64());
    let size = written as f64 / MEBIBYTE as f64;
    println!(
        "{containers} containers, {size:.0} MiB: {wall:.2} s, {busy:.2} s of processor, {:.0} MiB/s a core, {objects} objects written, {} MiB at most",
        size / busy,
        peak_bytes() / MEBIBYTE,
    );
}

const SERVE: &str = "serve-s3";

/// Serves S3 until whoever started this goes away.
async fn serve() {
    let server = s3_server::S3Server::start().await;
    println!("{}", server.url("store"));
    let mut nothing = String::new();
    tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut nothing)).await.unwrap().unwrap();
}

/// An S3 server in a process of its own, whose time is not counted.
struct Server {
    process: Child,
    url: StoreUrl,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, url: line.trim().parse().unwrap() }
    }

    fn store(&self) -> Store {
        let credentials = Credentials::new(s3_server::KEY, s3_server::SECRET, None, None, "bench");
        Store::open_with(&self.url, credentials).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

fn folder_store(folder: &Path) -> Store {
    let url: StoreUrl = format!("file:{}", folder.join("store").display()).parse().unwrap();
    Store::open(&url).unwrap()
}

/// A container's log, as containerd writes it; how many bytes it has.
fn write(root: &Path, number: u64, bytes: u64) -> u64 {
    let folder = root.join(format!("ns_pi-exec-{number}_uid-{number}/spark-kubernetes-executor"));
    std::fs::create_dir_all(&folder).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join("0.log")).unwrap());
    let (mut written, mut record, mut task) = (0, String::new(), 0u64);
    while written < bytes {
        task += 1;
        record.clear();
        let (seconds, millis) = (task / 400 % 60, task * 7 % 1000);
        let minutes = task / 24_000 % 60;
        let prefix =
            format!("2026-01-02T03:{minutes:02}:{seconds:02}.{millis:03}{:06}Z", task.wrapping_mul(48_271) % 1_000_000);
        let at = format!("26/01/02 03:{minutes:02}:{seconds:02} INFO");
        let (stage, size) = (task / 200, task.wrapping_mul(2_654_435_761) % 900_000);
        for text in [
            format!("Executor: Running task {}.0 in stage {stage}.0 (TID {task})", task % 200),
            format!(
                "ShuffleBlockFetcherIterator: Getting {} ({size}.0 B) non-empty blocks including {} local and 0 host-local",
                task % 64,
                task % 7
            ),
            format!(
                "MemoryStore: Block broadcast_{stage} stored as values in memory (estimated size {size} B, free 434.1 MiB)"
            ),
            format!(
                "Executor: Finished task {}.0 in stage {stage}.0 (TID {task}). {size} bytes result sent to driver",
                task % 200
            ),
        ] {
            writeln!(record, "{prefix} stderr F {at} {text}").unwrap();
        }
        if task % 10 == 0 {
            writeln!(record, "{prefix} stdout F row {task} of partition {}: {size}", task % 200).unwrap();
        }
        file.write_all(record.as_bytes()).unwrap();
        written += record.len() as u64;
    }
    file.flush().unwrap();
    written
}

/// Ships until all is safe; gives how many objects were written.
async fn ship(store: Store, root: &Path, written: u64) -> u64 {
    let config = Config { pod_logs: Some(root.to_owned()), ..Config::default() };
    let stop = CancellationToken::new();
    let collector = Collector::new(store, config);
    let metrics = collector.metrics();
    let running = tokio::spawn(collector.run(stop.clone()));
    while metrics.snapshot().read_bytes < written {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    let now = metrics.snapshot();
    assert_eq!(now.shipped_bytes, written);
    now.objects
}

/// What this process has used of the processors.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Hundredths of a second, in user and in system mode.
    let ticks: u64 = [fields[11], fields[12]].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}
