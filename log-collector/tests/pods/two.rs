//! Two collectors on the same files, where no lock keeps them apart: each has a folder of links to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use storage::{Faults, Store};
use tempfile::TempDir;

use crate::kubelet::Container;
use crate::support::{Running, assert_shipped, eventually, shipped};

/// The files of one executor, in the folder of each of two collectors.
struct Shared {
    folder: TempDir,
    container: Container,
}

impl Shared {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let container = Container::executor(&root(&folder, 0), 1);
        let shared = Self { folder, container };
        let there = shared.root(1).join("ns_pi-exec-1_uid-of-pi-exec-1/spark-kubernetes-executor");
        std::fs::create_dir_all(&there).unwrap();
        std::fs::hard_link(shared.container.live(), there.join("0.log")).unwrap();
        shared
    }

    fn root(&self, number: usize) -> PathBuf {
        root(&self.folder, number)
    }

    fn write(&mut self, lines: u64) {
        for line in 0..lines {
            self.container.line((line % 2) as usize, &format!("line {line} of some"));
        }
    }

    async fn shipped(&self, store: &Store) {
        shipped(store, 1, &self.container.written).await;
    }

    fn delete(self) -> [Vec<u8>; 2] {
        std::fs::remove_dir_all(self.root(1)).unwrap();
        self.container.delete()
    }
}

fn root(folder: &TempDir, number: usize) -> PathBuf {
    folder.path().join(["one", "two"][number])
}

fn start(store: &Store, root: &Path, sealed_bytes: usize) -> (Running, Arc<Faults>) {
    let faults = Arc::<Faults>::default();
    let running = Running::start_with(&store.with_faults(&faults), root, |config| config.sealed_bytes = sealed_bytes);
    (running, faults)
}

/// Waits until a collector has read all that was written.
async fn has_read(collector: &Running, from_bytes: u64, shared: &Shared) {
    let size = std::fs::metadata(shared.container.live()).unwrap().len();
    eventually("all read", async || (collector.metrics.snapshot().read_bytes + from_bytes >= size).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_wakes_up_behind_its_successor_loses_and_doubles_nothing() {
    for sealed_bytes in [1, 300, 256 * 1024] {
        for (before, asleep, after) in [(0, 40, 40), (40, 40, 40), (40, 0, 40), (40, 40, 0), (40, 1, 400)] {
            let (mut shared, store) = (Shared::new(), Store::in_memory());
            let (first, asleep_faults) = start(&store, &shared.root(0), sealed_bytes);
            if before > 0 {
                shared.write(before);
                shared.shipped(&store).await;
            }
            asleep_faults.set_frozen(true);
            if asleep > 0 {
                shared.write(asleep);
                // Where nothing was shipped before, it waits for the listing that it begins with.
                if before > 0 {
                    has_read(&first, 0, &shared).await;
                }
            }
            let (second, _) = start(&store, &shared.root(1), sealed_bytes);
            shared.write(after);
            if asleep + after > 0 {
                shared.shipped(&store).await;
            }
            asleep_faults.set_frozen(false);
            shared.write(10);
            shared.shipped(&store).await;
            // Both of them go on; each may be the one that ships.
            shared.write(10);
            shared.shipped(&store).await;
            first.kill().await;
            shared.write(1);
            shared.shipped(&store).await;
            let written = shared.delete();
            assert_shipped(&store, 1, &written).await;
            second.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_collectors_that_take_turns_lose_and_double_nothing() {
    let (mut shared, store) = (Shared::new(), Store::in_memory());
    let mut chance = 7u64;
    let mut any = move |below: u64| {
        chance = chance.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (chance >> 33) % below
    };
    let mut collectors = [Some(start(&store, &shared.root(0), 500)), Some(start(&store, &shared.root(1), 500))];
    for _ in 0..60 {
        shared.write(any(30));
        let which = any(2) as usize;
        match (any(5), collectors[which].take()) {
            (0, Some((running, _))) => running.kill().await,
            (1, Some((running, faults))) => {
                faults.set_frozen(true);
                collectors[which] = Some((running, faults));
            }
            (_, Some((running, faults))) => {
                faults.set_frozen(false);
                collectors[which] = Some((running, faults));
            }
            (_, None) => collectors[which] = Some(start(&store, &shared.root(which), 500)),
        }
        tokio::time::sleep(Duration::from_millis(any(40))).await;
    }
    for (_, faults) in collectors.iter().flatten() {
        faults.set_frozen(false);
    }
    if let [None, None] = collectors {
        collectors[0] = Some(start(&store, &shared.root(0), 500));
    }
    shared.write(1);
    shared.shipped(&store).await;
    let written = shared.delete();
    assert_shipped(&store, 1, &written).await;
    for (running, _) in collectors.into_iter().flatten() {
        running.stop().await;
    }
}
