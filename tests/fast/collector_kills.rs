//! The real log collector, killed at any instant while executors write, their logs are rotated, and pods go.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::TryStreamExt as _;
use log_collector::{Logs, Stream};
use storage::{Store, StoreUrl};

use super::support::hearth::Hearth;
use super::support::length::length;
use super::support::wait::eventually;

const MOST_LIVING: usize = 12;
const LIMIT: Duration = Duration::from_secs(60);

/// An executor that numbers its lines.
struct Executor {
    number: u64,
    folder: PathBuf,
    file: File,
    rotations: u32,
    lines: u64,
}

impl Executor {
    fn start(root: &Path, number: u64) -> Self {
        let folder = root.join(format!("ns_pi-exec-{number}_uid-{number}/spark-kubernetes-executor"));
        fs::create_dir_all(&folder).unwrap();
        let file = File::create_new(folder.join("0.log")).unwrap();
        Self { number, folder, file, rotations: 0, lines: 0 }
    }

    fn write(&mut self, lines: u64) {
        for _ in 0..lines {
            let (minute, second) = (self.lines / 60 % 60, self.lines % 60);
            let line = self.line(self.lines);
            writeln!(self.file, "2026-01-02T03:{minute:02}:{second:02}.123456789Z stdout F {line}").unwrap();
            self.lines += 1;
        }
    }

    fn line(&self, number: u64) -> String {
        format!("executor {} line {number}", self.number)
    }

    /// As the kubelet does it; and what the runtime still holds goes to the old file.
    fn rotate(&mut self) {
        self.rotations += 1;
        let live = self.folder.join("0.log");
        fs::rename(&live, self.folder.join(format!("0.log.20260102-{:06}", self.rotations))).unwrap();
        let new = OpenOptions::new().append(true).create_new(true).open(live).unwrap();
        self.write(3);
        self.file = new;
    }

    /// Waits until the collector keeps the file that is written to.
    async fn kept(&self) {
        eventually("a link to the log", LIMIT, async || (self.file.metadata().unwrap().nlink() > 1).then_some(()))
            .await;
    }

    /// The pod goes, its files first.
    fn delete(self) -> (u64, String) {
        fs::remove_dir_all(self.folder.parent().unwrap()).unwrap();
        (self.number, (0..self.lines).map(|number| self.line(number) + "\n").collect())
    }
}

#[tokio::test]
async fn every_line_is_there_once_however_often_the_collector_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (root, pins, store) = (path("pods"), path("pins"), format!("file:{}", path("store")));
    fs::create_dir(&root).unwrap();
    let common = ["log-collector", "--admin-listen", "off", "--store", &store, "--pod-identity", "names"];
    let arguments = [&common[..], &["--pod-logs", &root, "--pin-dir", &pins, "--flush-interval", "50ms"]].concat();
    let (mut living, mut dead, mut chance) = (Vec::new(), Vec::new(), 1u64);
    let mut any = move |below: u64| {
        chance = chance.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (chance >> 33) % below
    };
    for round in 0..length(8u64, 1000) {
        let collector = Hearth::start(&arguments, &[], &["log collector"]).await;
        living.push(Executor::start(Path::new(&root), round));
        for executor in &mut living {
            executor.write(1 + any(300));
            executor.kept().await;
        }
        let which = any(living.len() as u64) as usize;
        living[which].rotate();
        living[which].write(any(300));
        living[which].kept().await;
        tokio::time::sleep(Duration::from_millis(any(150))).await;
        collector.kill().await;
        living[which].write(any(300));
        if round % 3 > 0 || living.len() > MOST_LIVING {
            dead.push(living.remove(any(living.len() as u64) as usize).delete());
        }
    }
    let collector = Hearth::start(&arguments, &[], &["log collector"]).await;
    for mut executor in living {
        executor.write(1);
        executor.kept().await;
        dead.push(executor.delete());
    }
    let logs = Logs::new(Store::open(&store.parse::<StoreUrl>().unwrap()).unwrap());
    for (number, expected) in dead {
        let log = eventually("a finished log", LIMIT, async || {
            logs.of_pod("ns", &format!("pi-exec-{number}")).await.ok()?.pop().filter(|log| log.finished)
        })
        .await;
        let shipped = log.whole(Stream::Stdout, 0).try_collect::<Vec<_>>().await.unwrap().concat();
        assert!(shipped == expected.as_bytes(), "executor {number}: {} of {} bytes", shipped.len(), expected.len());
        assert_eq!(log.gaps, []);
    }
    eventually("no link left", LIMIT, async || (fs::read_dir(&pins).unwrap().count() == 0).then_some(())).await;
    let (code, log) = collector.stop().await;
    assert_eq!(code, Some(0), "{log}");
}
