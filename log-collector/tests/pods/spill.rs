//! Copies of log files, made while the store is away.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use log_collector::{Config, Stream};
use storage::{Faults, Store};
use tempfile::TempDir;

use crate::kubelet::Container;
use crate::support::{Running, assert_shipped, content, eventually, finished, shipped};

struct Away {
    folder: TempDir,
    store: Store,
    faults: Arc<Faults>,
}

impl Away {
    fn new() -> Self {
        let (folder, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
        fs::create_dir(folder.path().join("pods")).unwrap();
        Self { folder, store, faults }
    }

    fn pods(&self) -> PathBuf {
        self.folder.path().join("pods")
    }

    fn spill(&self) -> PathBuf {
        self.folder.path().join("spill")
    }

    fn start(&self, max_bytes: u64) -> Running {
        Running::start_with(&self.store.with_faults(&self.faults), &self.pods(), |config: &mut Config| {
            config.spill_dir = Some(self.spill());
            config.max_spilled_bytes = max_bytes;
        })
    }

    /// The files of copies, with their sizes, of that executor.
    fn copies(&self, number: u32) -> Vec<(String, u64)> {
        let pod = self.spill().join(format!("ns_pi-exec-{number}_uid-of-pi-exec-{number}/spark-kubernetes-executor"));
        let entries = fs::read_dir(pod).into_iter().flatten().map(Result::unwrap);
        let mut copies: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().map_or(0, |meta| meta.len())))
            .collect();
        copies.sort();
        copies
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.spill()).map_or(0, Iterator::count) == 0
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

const ROOM: u64 = 100 * 1024 * 1024;

#[tokio::test]
async fn what_goes_while_the_store_is_away_is_shipped_once_after_a_kill() {
    let away = Away::new();
    let collector = away.start(ROOM);
    let (mut stays, mut goes) = (Container::executor(&away.pods(), 1), Container::executor(&away.pods(), 2));
    stays.line(0, "before");
    goes.line(1, "before");
    shipped(&away.store, 1, &stays.written).await;
    shipped(&away.store, 2, &goes.written).await;
    assert!(away.is_empty(), "nothing is copied as long as the store is there");
    away.faults.set_down(true);
    for rotation in 1..=6 {
        stays.line(0, &format!("line {rotation} while the store is away"));
        stays.write(1, b"a part of a line, ", false);
        goes.line(0, &format!("line {rotation}"));
        let live = size(&stays.live());
        let copied =
            || away.copies(1).iter().any(|(name, size)| *size == live && name.contains(&format!("{rotation:08}")));
        eventually("a copy", async || copied().then_some(())).await;
        stays.rotate();
        if rotation > 2 {
            stays.drop_rotated(rotation - 2);
        }
    }
    // Its pod goes: what is left of it is in this process and in the copy.
    let goes = goes.delete();
    eventually("a whole copy", async || {
        let copies = away.copies(2);
        (!copies.is_empty() && copies.iter().all(|(name, _)| !name.contains('.') || !name.ends_with(".part")))
            .then_some(())
    })
    .await;
    assert!(collector.metrics.snapshot().spilled_bytes > 0);
    collector.kill().await;
    stays.line(0, "while nobody looks");
    stays.drop_rotated(5);
    // Killed once more before the store is back, and once while it is caught up with.
    away.start(ROOM).kill().await;
    away.faults.set_down(false);
    let collector = away.start(ROOM);
    tokio::task::yield_now().await;
    collector.kill().await;
    let collector = away.start(ROOM);
    assert_shipped(&away.store, 2, &goes).await;
    stays.line(0, "after");
    shipped(&away.store, 1, &stays.written).await;
    let stays = stays.delete();
    assert_shipped(&away.store, 1, &stays).await;
    eventually("no copy left", async || away.is_empty().then_some(())).await;
    collector.stop().await;
}

#[tokio::test]
async fn what_finds_no_room_is_told_with_its_size() {
    const MAX: u64 = 8 * 1024;
    let away = Away::new();
    away.faults.set_down(true);
    let collector = away.start(MAX);
    let mut container = Container::executor(&away.pods(), 1);
    for line in 0..1000 {
        container.line(0, &format!("line {line}"));
    }
    let (live, total) = (container.live(), size(&container.live()));
    let left = || collector.metrics.snapshot().unspilled_bytes;
    eventually("a full folder", async || (left() == total - MAX).then_some(())).await;
    let file = fs::read(live).unwrap();
    collector.kill().await;
    let written = container.delete();
    away.faults.set_down(false);
    let collector = away.start(MAX);
    let log = finished(&away.store, 1).await;
    let shipped = String::from_utf8(content(&log).await[0].clone()).unwrap();
    let copied = file[..MAX as usize].iter().rposition(|byte| *byte == b'\n').unwrap() as u64 + 1;
    let whole_lines = file[..copied as usize].iter().filter(|byte| **byte == b'\n').count();
    assert!(String::from_utf8(written[0].clone()).unwrap().starts_with(&shipped), "{shipped}");
    assert_eq!(log.lines(Stream::Stdout), whole_lines as u64);
    assert_eq!(log.gaps.iter().map(|gap| gap.size_bytes).collect::<Vec<_>>(), [Some(total - copied)]);
    assert_eq!(collector.metrics.snapshot().lost_bytes, total - copied);
    eventually("no copy left", async || away.is_empty().then_some(())).await;
    collector.stop().await;
}
