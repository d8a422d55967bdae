//! One that writes much does not keep others waiting.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log_collector::{Config, Logs, Stream};
use storage::{Faults, Store};

use crate::kubelet::Container;
use crate::support::{Running, eventually, shipped};

/// How many write much, and how much each of them has written before anybody looks.
const NOISY: u32 = 4;
const BACKLOG_BYTES: u64 = 64 * 1024 * 1024;

/// Writes a log that compresses badly; how many bytes its content has.
fn write_backlog(root: &Path, number: u32) -> u64 {
    let folder = root.join(format!("ns_pi-exec-{number}_uid-{number}/spark-kubernetes-executor"));
    fs::create_dir_all(&folder).unwrap();
    let mut file = std::io::BufWriter::new(fs::File::create(folder.join("0.log")).unwrap());
    let (mut written, mut content, mut random) = (0, 0, u64::from(number) + 1);
    while written < BACKLOG_BYTES {
        let mut line = String::with_capacity(16 * 1024);
        while line.len() < 16_000 {
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            line.push_str(&format!("{random:016x}"));
        }
        let record = format!("2026-01-02T03:04:05.678901234Z stdout F {line}\n");
        file.write_all(record.as_bytes()).unwrap();
        (written, content) = (written + record.len() as u64, content + line.len() as u64 + 1);
    }
    file.flush().unwrap();
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_pod_s_line_comes_before_the_backlog_of_noisy_ones() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    let backlogs: Vec<u64> = (1..=NOISY).map(|number| write_backlog(root.path(), number)).collect();
    faults.set_slow(Duration::from_millis(100));
    let collector = Running::start_with(&store.with_faults(&faults), root.path(), |config: &mut Config| {
        // Less than two of them would hold.
        config.memory_bytes = 4 * 1024 * 1024;
        config.segment_bytes = 1024 * 1024;
    });
    let logs = Logs::new(store.clone());
    let sizes = async || {
        let mut sizes = Vec::new();
        for number in 1..=NOISY {
            let log = logs.of_pod("ns", &format!("pi-exec-{number}")).await.unwrap().pop();
            sizes.push(log.map_or(0, |log| log.size_bytes(Stream::Stdout)));
        }
        sizes
    };
    eventually("all noisy ones at work", async || sizes().await.iter().all(|size| *size > 0).then_some(())).await;
    let mut quiet = Container::executor(root.path(), NOISY + 1);
    quiet.line(0, "a word");
    shipped(&store, NOISY + 1, &quiet.written).await;
    quiet.line(1, "and another");
    shipped(&store, NOISY + 1, &quiet.written).await;
    let now = sizes().await;
    let behind: Vec<_> = now.iter().zip(&backlogs).filter(|(size, whole)| size < whole).collect();
    assert!(!behind.is_empty(), "the quiet one came last: {now:?} of {backlogs:?}");
    // Nor does one of the noisy ones keep the others waiting.
    let (least, most) = (now.iter().min().unwrap(), now.iter().max().unwrap());
    assert!(*least > 0 && *most <= least.saturating_mul(20), "{now:?}");
    collector.kill().await;
}
