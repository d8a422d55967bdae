//! How much memory, and how many files, the real log collector takes while the store is away and 200 executors write.
//!
//! What is bounded is memory of its own: of a program that was built for debugging, tens of mebibytes of what is resident are
//! the program itself.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::TryStreamExt as _;
use log_collector::{Logs, Stream};
use storage::{Store, StoreUrl};

use super::support::hearth::Hearth;
use super::support::length::length;
use super::support::wait::eventually;

const LIMIT: Duration = Duration::from_secs(900);
const MOST_MIB: u64 = 64;
const MOST_FILES: usize = 2000;
const ROTATIONS: u32 = 8;

/// An executor that writes what hardly compresses.
struct Executor {
    folder: PathBuf,
    written: u64,
    chance: u64,
    lines: u64,
}

impl Executor {
    fn start(root: &Path, number: u64) -> Self {
        let folder = root.join(format!("ns_pi-exec-{number}_uid-{number}/spark-kubernetes-executor"));
        fs::create_dir_all(&folder).unwrap();
        File::create_new(folder.join("0.log")).unwrap();
        Self { folder, written: 0, chance: number + 1, lines: 0 }
    }

    fn write(&mut self, bytes: u64) {
        let (mut text, until) = (String::new(), self.written + bytes);
        while self.written < until {
            self.lines += 1;
            let mut line = format!("line {} ", self.lines);
            for _ in 0..4 {
                self.chance = self.chance.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
                write!(line, "{:016x}", self.chance).unwrap();
            }
            self.written += line.len() as u64 + 1;
            writeln!(
                text,
                "2026-01-02T03:{:02}:{:02}.123456789Z stdout F {line}",
                self.lines / 60 % 60,
                self.lines % 60
            )
            .unwrap();
        }
        let live = OpenOptions::new().append(true).open(self.folder.join("0.log"));
        live.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// As the kubelet does it, which keeps five.
    fn rotate(&self, rotation: u32) {
        let live = self.folder.join("0.log");
        fs::rename(&live, self.folder.join(format!("0.log.20260102-{rotation:06}"))).unwrap();
        File::create_new(live).unwrap();
    }

    fn delete(self) -> u64 {
        fs::remove_dir_all(self.folder.parent().unwrap()).unwrap();
        self.written
    }
}

/// What was measured, a row for each moment.
struct Table {
    text: String,
    most: (u64, usize),
}

impl Table {
    fn add(&mut self, when: &str, hearth: &Hearth, written: u64) {
        let files = fs::read_dir(format!("/proc/{}/fd", hearth.child.id().unwrap())).unwrap().count();
        let (mib, own) = (hearth.resident_kib() / 1024, own_kib(hearth) / 1024);
        self.most = (self.most.0.max(own), self.most.1.max(files));
        writeln!(self.text, "| {when} | {} | {mib} | {own} | {files} |", written / 1024 / 1024).unwrap();
    }
}

#[tokio::test]
async fn memory_and_files_stay_bounded_while_the_store_is_away() {
    let (executors, bytes) = (length(40, 200), length(256 * 1024, 4 * 1024 * 1024));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (root, pins, store) = (path("pods"), path("pins"), format!("file:{}", path("store")));
    fs::create_dir(&root).unwrap();
    let common = ["log-collector", "--admin-listen", "off", "--store", &store, "--pod-identity", "names"];
    let arguments = [&common[..], &["--pod-logs", &root, "--pin-dir", &pins, "--flush-interval", "200ms"]].concat();
    let collector = Hearth::start(&arguments, &[], &["log collector"]).await;
    let header = "| when | MiB written | MiB resident | its own | files open |\n| --- | ---: | ---: | ---: | ---: |\n"
        .to_owned();
    let mut table = Table { text: header, most: (0, 0) };
    table.add("started", &collector, 0);

    let mut living: Vec<_> = (0..executors).map(|number| Executor::start(Path::new(&root), number)).collect();
    living.iter_mut().for_each(|executor| executor.write(1024));
    let logs = Logs::new(Store::open(&store.parse::<StoreUrl>().unwrap()).unwrap());
    eventually("all found", LIMIT, async || logs_of(&logs, executors - 1).await).await;
    table.add(&format!("{executors} executors"), &collector, executors * 1024);

    // Whatever is asked of a folder that is a file fails.
    fs::rename(path("store"), path("away")).unwrap();
    File::create(path("store")).unwrap();
    for rotation in 1..=ROTATIONS {
        for executor in &mut living {
            executor.write(bytes / u64::from(ROTATIONS));
            if rotation % 2 == 0 {
                executor.rotate(rotation);
            }
        }
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let written = living.iter().map(|executor| executor.written).sum();
            table.add(&format!("away, round {rotation}"), &collector, written);
        }
    }
    fs::remove_file(path("store")).unwrap();
    fs::rename(path("away"), path("store")).unwrap();
    let total: u64 = living.iter().map(|executor| executor.written).sum();
    let expected: Vec<u64> = living.into_iter().map(Executor::delete).collect();
    for (number, expected) in (0..).zip(expected) {
        let log = eventually("a finished log", LIMIT, async || {
            let log = logs.of_pod("ns", &format!("pi-exec-{number}")).await.ok()?.pop()?;
            log.finished.then_some(log)
        })
        .await;
        table.add(&format!("back, executor {number} is safe"), &collector, total);
        assert_eq!((log.size_bytes(Stream::Stdout), log.gaps.len()), (expected, 0), "executor {number}");
        let mut lines = log.whole(Stream::Stdout, 0);
        let mut ends = 0;
        while let Some(chunk) = lines.try_next().await.unwrap() {
            ends += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        assert_eq!(ends, log.lines(Stream::Stdout));
    }
    table.add("all is safe", &collector, total);
    let (mib, files) = table.most;
    writeln!(std::io::stdout(), "{}at most {mib} MiB of its own, {files} files open", table.text).unwrap();
    assert!(mib <= MOST_MIB && files <= MOST_FILES, "{}", table.text);
    let (code, log) = collector.stop().await;
    assert_eq!(code, Some(0), "{log}");
}

/// How much of its memory is no file's, in KiB.
fn own_kib(hearth: &Hearth) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", hearth.child.id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

async fn logs_of(logs: &Logs, number: u64) -> Option<()> {
    logs.of_pod("ns", &format!("pi-exec-{number}")).await.ok()?.pop().map(drop)
}
