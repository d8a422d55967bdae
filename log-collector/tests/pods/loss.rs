//! Nothing lost, nothing twice.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use storage::{Faults, Store};

use crate::kubelet::Container;
use crate::support::{Running, assert_shipped, eventually, finished, shipped};

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_live_a_moment_are_shipped_whole() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, root.path());
    let mut pods = tokio::task::JoinSet::new();
    for number in 0..30 {
        let root = root.path().to_owned();
        pods.spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::from(number) * 10)).await;
            let mut container = Container::executor(&root, number);
            for line in 0..10 {
                container.line(line % 2, &format!("line {line} of {number}"));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (number, container.delete())
        });
    }
    while let Some(pod) = pods.join_next().await {
        let (number, written) = pod.unwrap();
        assert_shipped(&store, number, &written).await;
    }
    collector.stop().await;
}

#[tokio::test]
async fn rotation_loses_nothing() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let collector = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 1);
    for line in 0..200 {
        container.line(line % 2, &format!("line {line}"));
        if line % 23 == 0 {
            container.rotate();
        }
        // A line that is cut by a rotation goes on in the next file.
        container.write(0, b"a part, ", false);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let written = container.delete();
    assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

#[tokio::test]
async fn what_is_written_late_to_a_rotated_file_is_shipped() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let grace =
        |grace: u64| move |config: &mut log_collector::Config| config.rotation_grace = Duration::from_secs(grace);
    let collector = Running::start_with(&store, root.path(), grace(3600));
    let mut container = Container::executor(root.path(), 1);
    container.line(0, "before");
    shipped(&store, 1, &container.written).await;
    let old = container.rotate_slowly();
    // The new file has been found, and read as far as it may be, when one that was made after it has.
    let mut other = Container::executor(root.path(), 2);
    other.line(0, "another");
    shipped(&store, 2, &other.written).await;
    container.write_late(old, "late");
    shipped(&store, 1, &[b"before\nlate\n".to_vec(), Vec::new()]).await;
    container.line(0, "after");
    collector.stop().await;
    let collector = Running::start_with(&store, root.path(), grace(0));
    let written = [b"before\nlate\nafter\n".to_vec(), Vec::new()];
    shipped(&store, 1, &written).await;
    container.delete();
    assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_waited_for() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let mut container = Container::executor(root.path(), 1);
    container.line(0, "one");
    container.rotate();
    container.line(0, "two");
    // A link to itself: an error that is not "not found", and that root meets too.
    let (hidden, rotated) = (root.path().join("hidden"), container.rotated(1));
    std::fs::rename(&rotated, &hidden).unwrap();
    std::os::unix::fs::symlink(&rotated, &rotated).unwrap();
    let collector = Running::start(&store, root.path());
    eventually("the error", async || (collector.metrics.snapshot().read_errors > 1).then_some(())).await;
    std::fs::remove_file(&rotated).unwrap();
    std::fs::rename(&hidden, &rotated).unwrap();
    shipped(&store, 1, &container.written).await;
    let written = container.delete();
    assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

#[tokio::test]
async fn a_fifo_stops_nothing() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let folder = root.path().join("ns_pi-exec-7_u/spark-kubernetes-executor");
    std::fs::create_dir_all(&folder).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.join("0.log")).status().unwrap().success());
    let collector = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 1);
    container.line(0, "one");
    shipped(&store, 1, &container.written).await;
    collector.stop().await;
}

#[tokio::test]
async fn docker_s_logs_are_followed_through_its_links_and_rotations() {
    let (root, elsewhere, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Store::in_memory());
    let folder = root.path().join("ns_pi-exec-1_u/spark-kubernetes-executor");
    std::fs::create_dir_all(&folder).unwrap();
    let target = elsewhere.path().join("abc-json.log");
    let (mut written, mut second) = (Vec::new(), 0);
    let mut write = |text: &str| {
        use std::io::Write as _;
        second += 1;
        let time = format!("2026-01-02T03:04:{second:02}.123456789Z");
        let record = serde_json::json!({ "log": format!("{text}\n"), "stream": "stdout", "time": time });
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&target).unwrap();
        writeln!(file, "{record}").unwrap();
        written.extend_from_slice(format!("{text}\n").as_bytes());
        [written.clone(), Vec::new()]
    };
    let rotate = || {
        let [first, second] = [".1", ".2"].map(|ending| elsewhere.path().join(format!("abc-json.log{ending}")));
        let _ = std::fs::rename(&first, second);
        std::fs::rename(&target, first).unwrap();
    };
    write("\u{201c}one\u{201d}");
    std::os::unix::fs::symlink(&target, folder.join("0.log")).unwrap();
    let collector = Running::start(&store, root.path());
    shipped(&store, 1, &write("two")).await;
    rotate();
    shipped(&store, 1, &write("three")).await;
    collector.kill().await;
    rotate();
    write("four");
    rotate();
    let collector = Running::start(&store, root.path());
    let written = write("five");
    shipped(&store, 1, &written).await;
    std::fs::remove_dir_all(elsewhere.path()).unwrap();
    std::fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

#[tokio::test]
async fn work_that_breaks_off_is_told_and_begun_again() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    faults.set_panicking(true);
    let collector = Running::start(&store.with_faults(&faults), root.path());
    let mut container = Container::executor(root.path(), 1);
    container.line(0, "one");
    eventually("a fault", async || (collector.metrics.snapshot().panics > 0).then_some(())).await;
    assert!(collector.health.troubles()[0].contains("pi-exec-1"), "{:?}", collector.health.troubles());
    faults.set_panicking(false);
    shipped(&store, 1, &container.written).await;
    let written = container.delete();
    assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

#[tokio::test]
async fn what_goes_while_no_collector_runs_is_kept_by_links() {
    let (folder, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    let (root, pins) = (folder.path().join("pods"), folder.path().join("pins"));
    std::fs::create_dir(&root).unwrap();
    let pinned = |config: &mut log_collector::Config| config.pin_dir = Some(pins.clone());
    let count = || {
        let folder = pins.join("ns_pi-exec-1_uid-of-pi-exec-1/spark-kubernetes-executor");
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    };
    faults.set_down(true);
    let collector = Running::start_with(&store.with_faults(&faults), &root, pinned);
    let mut container = Container::executor(&root, 1);
    container.line(0, "one");
    eventually("a link", async || (count() == 1).then_some(())).await;
    container.line(0, "two");
    container.rotate();
    container.line(1, "three");
    eventually("another link", async || (count() == 2).then_some(())).await;
    container.line(0, "four");
    collector.kill().await;
    let written = container.delete();
    faults.set_down(false);
    // Killed once more, in the middle of it or not.
    let collector = Running::start_with(&store, &root, pinned);
    tokio::task::yield_now().await;
    collector.kill().await;
    let collector = Running::start_with(&store, &root, pinned);
    assert_shipped(&store, 1, &written).await;
    eventually("no link left", async || (std::fs::read_dir(&pins).unwrap().count() == 0).then_some(())).await;
    collector.stop().await;
}

#[tokio::test]
async fn links_and_rotated_files_of_one_log_are_not_taken_twice() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let (root, pins) = (folder.path().join("pods"), folder.path().join("pins"));
    std::fs::create_dir(&root).unwrap();
    let mut container = Container::executor(&root, 1);
    for round in 0..4 {
        let collector = Running::start_with(&store, &root, |config| config.pin_dir = Some(pins.clone()));
        for line in 0..20 {
            container.line(line % 2, &format!("line {line} of round {round}"));
        }
        container.rotate();
        container.line(0, "after the rotation");
        shipped(&store, 1, &container.written).await;
        collector.kill().await;
        container.line(1, "unseen");
        container.rotate();
        container.line(1, "unseen too");
        container.rotate();
    }
    let collector = Running::start_with(&store, &root, |config| config.pin_dir = Some(pins.clone()));
    shipped(&store, 1, &container.written).await;
    let written = container.delete();
    assert_shipped(&store, 1, &written).await;
    eventually("no link left", async || (std::fs::read_dir(&pins).unwrap().count() == 0).then_some(())).await;
    collector.stop().await;
}

#[tokio::test]
async fn of_two_collectors_on_one_folder_one_waits() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let first = Running::start(&store, root.path());
    let mut container = Container::executor(root.path(), 1);
    container.line(0, "one");
    shipped(&store, 1, &container.written).await;
    let second = Running::start(&store, root.path());
    eventually("its complaint", async || second.health.troubles().pop()).await;
    container.line(0, "two");
    shipped(&store, 1, &container.written).await;
    assert_eq!(second.metrics.snapshot().read_bytes, 0);
    first.kill().await;
    container.line(0, "three");
    shipped(&store, 1, &container.written).await;
    let written = container.delete();
    assert_shipped(&store, 1, &written).await;
    assert!(second.health.troubles().is_empty());
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_files_are_bounded_while_the_store_is_away() {
    const CONTAINERS: u32 = 40;
    const MEMORY_BYTES: u64 = 1024 * 1024;
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    faults.set_down(true);
    let collector = Running::start_with(&store.with_faults(&faults), root.path(), |config| {
        config.memory_bytes = MEMORY_BYTES;
        config.max_open_files = 50;
    });
    let mut noise = 1u64;
    let mut containers: Vec<_> = (0..CONTAINERS).map(|number| Container::executor(root.path(), number)).collect();
    for container in &mut containers {
        for line in 0..4000 {
            noise = noise.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            container.line(line % 2, &format!("{noise:016x}{:016x} line {line}", noise.rotate_left(29)));
        }
    }
    let is_bounded = || {
        let held = collector.metrics.snapshot().buffered_bytes;
        // What each may hold in any case: a chunk, and twice as much as it, for it grows by doubling.
        assert!(held < MEMORY_BYTES + u64::from(CONTAINERS) * 400 * 1024, "{held} bytes are held");
    };
    eventually("all found, and failures", async || {
        is_bounded();
        let now = collector.metrics.snapshot();
        (now.containers == u64::from(CONTAINERS) && now.store_errors > 20).then_some(())
    })
    .await;
    faults.set_down(false);
    for (number, container) in (0..).zip(&containers) {
        eventually("all lines", async || {
            is_bounded();
            let log =
                log_collector::Logs::new(store.clone()).of_pod("ns", &format!("pi-exec-{number}")).await.ok()?.pop()?;
            (log.size_bytes(log_collector::Stream::Stderr) == container.written[1].len() as u64).then_some(())
        })
        .await;
    }
    let written: Vec<_> = containers.into_iter().map(Container::delete).collect();
    for (number, written) in (0..).zip(&written) {
        assert_shipped(&store, number, written).await;
    }
    collector.stop().await;
}

#[tokio::test]
async fn a_file_that_goes_before_it_was_opened_is_a_gap_of_its_size() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    faults.set_down(true);
    let collector = Running::start_with(&store.with_faults(&faults), root.path(), |config| config.max_open_files = 1);
    let mut container = Container::executor(root.path(), 1);
    container.line(0, "first");
    let open = async |files: u64, unopened: u64| {
        eventually("files found", async || {
            let now = collector.metrics.snapshot();
            ((now.open_files, now.unopened_files) == (files, unopened)).then_some(())
        })
        .await;
    };
    open(1, 0).await;
    container.rotate();
    container.line(0, "second");
    open(2, 0).await;
    container.rotate();
    container.line(0, "lost");
    let lost = std::fs::metadata(container.live()).unwrap().len();
    open(2, 1).await;
    container.rotate();
    container.line(0, "last");
    open(2, 2).await;
    container.drop_rotated(3);
    faults.set_down(false);
    shipped(&store, 1, &[b"first\nsecond\nlast\n".to_vec(), Vec::new()]).await;
    container.delete();
    let log = finished(&store, 1).await;
    assert_eq!(log.gaps.len(), 1, "{:?}", log.gaps);
    assert_eq!((log.gaps[0].at_bytes.clone(), log.gaps[0].size_bytes), (vec![13, 0], Some(lost)));
    collector.stop().await;
}

#[tokio::test]
async fn a_collector_goes_on_in_the_middle_of_rotated_files() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let mut container = Container::executor(root.path(), 1);
    for round in 0..4 {
        let collector = Running::start(&store, root.path());
        for line in 0..50 {
            container.line(line % 2, &format!("line {line} of round {round}"));
        }
        container.rotate();
        container.line(0, "after the rotation");
        shipped(&store, 1, &container.written).await;
        collector.kill().await;
        // While nobody looks: more lines, and two rotations, so that what was read last is compressed by now.
        container.line(1, "unseen");
        container.rotate();
        container.line(1, "unseen too");
        container.rotate();
    }
    let collector = Running::start(&store, root.path());
    shipped(&store, 1, &container.written).await;
    let written = container.delete();
    assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

#[tokio::test]
async fn what_was_deleted_while_no_collector_ran_is_told() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let mut container = Container::executor(root.path(), 1);
    let collector = Running::start(&store, root.path());
    container.line(0, "first");
    shipped(&store, 1, &container.written).await;
    collector.kill().await;
    container.line(0, "lost");
    container.rotate();
    container.drop_rotated(1);
    container.line(0, "last");
    let collector = Running::start(&store, root.path());
    shipped(&store, 1, &[b"first\nlast\n".to_vec(), Vec::new()]).await;
    container.delete();
    let log = finished(&store, 1).await;
    assert_eq!(log.gaps.len(), 1);
    assert_eq!(log.gaps[0].at_bytes, [6, 0]);
    collector.stop().await;
}

#[tokio::test]
async fn a_store_that_fails_costs_time_and_no_lines() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    let collector = Running::start(&store.with_faults(&faults), root.path());
    let mut containers: Vec<_> = (0..5).map(|number| Container::executor(root.path(), number)).collect();
    for round in 0..6 {
        faults.set_down(round % 3 == 1);
        faults.set_answers_lost(round % 3 == 2);
        for container in &mut containers {
            for line in 0..20 {
                container.line(line % 2, &format!("line {line} of round {round}"));
            }
            container.rotate();
        }
        let before = collector.metrics.snapshot().store_errors;
        if round % 3 > 0 {
            eventually("a failure", async || (collector.metrics.snapshot().store_errors > before).then_some(())).await;
        }
    }
    // A new pod whose whole life falls into the outage, and the others end in it as well.
    faults.set_down(true);
    let mut late = Container::executor(root.path(), 5);
    late.line(0, "born in the dark");
    eventually("the late pod", async || (collector.metrics.snapshot().containers == 6).then_some(())).await;
    containers.push(late);
    let written: Vec<_> = containers.into_iter().map(Container::delete).collect();
    let before = collector.metrics.snapshot().store_errors;
    eventually("failures", async || (collector.metrics.snapshot().store_errors > before + 5).then_some(())).await;
    faults.set_down(false);
    faults.set_answers_lost(false);
    for (number, written) in (0..).zip(&written) {
        assert_shipped(&store, number, written).await;
    }
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_now_and_then_in_every_way_costs_no_line() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    faults.fail_some(100);
    let collector = Running::start_with(&store.with_faults(&faults), root.path(), |config| {
        config.request_timeout = Duration::from_millis(100);
        config.sealed_bytes = 300;
    });
    let mut containers: Vec<_> = (0..8).map(|number| Container::executor(root.path(), number)).collect();
    for round in 0..6 {
        for container in &mut containers {
            for line in 0..20 {
                container.line(line % 2, &format!("line {line} of round {round}"));
            }
        }
        for (number, container) in (0..).zip(&containers) {
            shipped(&store, number, &container.written).await;
        }
    }
    let written: Vec<_> = containers.into_iter().map(Container::delete).collect();
    for (number, written) in (0..).zip(&written) {
        assert_shipped(&store, number, written).await;
    }
    assert!(collector.metrics.snapshot().store_errors > 0);
    collector.stop().await;
}

#[tokio::test]
async fn a_collector_that_gets_behind_says_so() {
    let (root, store, faults) = (tempfile::tempdir().unwrap(), Store::in_memory(), Arc::new(Faults::default()));
    let start =
        |store: &Store| Running::start_with(store, root.path(), |config| config.lag_limit = Duration::from_millis(300));
    let collector = start(&store.with_faults(&faults));
    let mut container = Container::executor(root.path(), 1);
    container.line(0, "one");
    shipped(&store, 1, &container.written).await;
    eventually("no trouble", async || collector.health.troubles().is_empty().then_some(())).await;
    faults.set_down(true);
    container.line(0, "two");
    let says = async || collector.health.troubles().into_iter().find(|trouble| trouble.contains("wait to be shipped"));
    let trouble = eventually("a complaint", says).await;
    let size = std::fs::metadata(container.live()).unwrap().len();
    let now = collector.metrics.snapshot();
    assert_eq!((now.pods_behind.logs, now.pods_behind.bytes), (1, size / 2), "{trouble}");
    faults.set_down(false);
    shipped(&store, 1, &container.written).await;
    eventually("no complaint", async || says().await.is_none().then_some(())).await;
    assert_eq!(collector.metrics.snapshot().lag_bytes, 0);
    collector.kill().await;
    // One that finds everything shipped is not behind, and one that cannot ask how far it came is.
    let collector = start(&store.with_faults(&faults));
    eventually("a log that is followed", async || {
        let now = collector.metrics.snapshot();
        (now.pods_behind.logs == 1 && now.lag_bytes == 0).then_some(())
    })
    .await;
    collector.kill().await;
    faults.set_down(true);
    let collector = start(&store.with_faults(&faults));
    let behind = async || (collector.metrics.snapshot().lag_bytes == size).then_some(());
    eventually("a log that is behind as far as is known", behind).await;
    collector.kill().await;
}

#[tokio::test]
async fn a_collector_that_is_stopped_ships_what_is_there() {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let mut container = Container::executor(root.path(), 1);
    let collector = Running::start(&store, root.path());
    container.line(0, "seen");
    shipped(&store, 1, &container.written).await;
    for line in 0..10_000 {
        container.line(1, &format!("line {line}"));
    }
    collector.stop().await;
    shipped(&store, 1, &container.written).await;
}

#[derive(Clone, Debug)]
enum Act {
    Write { stream: usize, content: Bytes, ends_line: bool },
    Raw(Bytes),
    Rotate,
    Kill { wait_ms: u64 },
    Stop,
    Wait { wait_ms: u64 },
}

fn any_act() -> impl Strategy<Value = Act> {
    let content = prop_oneof![
        6 => prop::collection::vec(any::<u8>().prop_filter("a record has no line end", |&byte| byte != b'\n'), 0..50),
        1 => (1usize..600_000).prop_map(|length| vec![b'x'; length]),
    ];
    prop_oneof![
        12 => (0usize..2, content, prop::bool::weighted(0.8))
            .prop_map(|(stream, content, ends_line)| Act::Write { stream, content: content.into(), ends_line }),
        1 => "[a-z]{1,20}".prop_map(|text| Act::Raw(format!("{text}\n").into())),
        2 => Just(Act::Rotate),
        2 => (0u64..40).prop_map(|wait_ms| Act::Kill { wait_ms }),
        1 => Just(Act::Stop),
        3 => (0u64..30).prop_map(|wait_ms| Act::Wait { wait_ms }),
    ]
}

async fn play(acts: Vec<Act>) {
    let (root, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    let mut container = Container::executor(root.path(), 1);
    let mut collector = Running::start(&store, root.path());
    let mut rotations = 0;
    for act in acts {
        match act {
            Act::Write { stream, content, ends_line } => container.write(stream, &content, ends_line),
            Act::Raw(bytes) => {
                container.write_raw(&bytes);
                container.written[0].extend_from_slice(&bytes);
            }
            // The kubelet keeps them apart by seconds in their names; more than ten would be more than it keeps.
            Act::Rotate if rotations < 10 => {
                container.rotate();
                rotations += 1;
            }
            Act::Rotate => {}
            Act::Kill { wait_ms } => {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                collector.kill().await;
                collector = Running::start(&store, root.path());
            }
            Act::Stop => {
                collector.stop().await;
                collector = Running::start(&store, root.path());
            }
            Act::Wait { wait_ms } => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
        }
    }
    // A container that wrote nothing is not seen before it is gone.
    container.line(0, "the last line");
    // One that was killed lives on for a moment in this process, and may ship all there is. Nothing is linked here: the one
    // after it must have found the files before they go.
    let has_found = async || (collector.metrics.snapshot().containers > 0).then_some(());
    eventually("a collector that has found the files", has_found).await;
    shipped(&store, 1, &container.written).await;
    let written = container.delete();
    assert_shipped(&store, 1, &written).await;
    collector.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20, ..ProptestConfig::with_cases(24) })]
    #[test]
    fn a_collector_killed_at_any_point_ships_every_line_once(acts in prop::collection::vec(any_act(), 1..60)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(play(acts));
    }
}
