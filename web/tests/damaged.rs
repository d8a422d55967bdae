//! Whole event logs, damaged in every way: whatever they are, every page and every answer is there, none takes for ever, and memory
//! stays flat.
//!
//! `HEARTH_DAMAGED_LOGS=100000 cargo test --release --workspace --test damaged` tries so many; without it some hundreds. A log that
//! something fails at is left in `target/test-output/damaged`, and made again by `HEARTH_DAMAGED_SEED` with the number that is told.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

#[path = "damaged/ask.rs"]
mod ask;
#[path = "damaged/damage.rs"]
mod damage;
#[path = "damaged/random.rs"]
mod random;

use std::path::PathBuf;

use damage::Logs;

/// How many logs lie in a folder together.
const TOGETHER: u64 = 50;
/// What the whole test may take at its largest, the logs themselves included.
const MAX_RESIDENT_KIB: u64 = 512 * 1024;

#[expect(clippy::disallowed_methods, reason = "how long this runs is for who calls it to say")]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// The most memory that this process had so far, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn damaged_logs_are_shown_as_far_as_they_read() {
    let (count, first) = (number("HEARTH_DAMAGED_LOGS", 500), number("HEARTH_DAMAGED_SEED", 1));
    let output = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/test-output/damaged");
    let logs = Logs::recorded();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut sum = ask::Sum::default();
    for seed in (first..first + count).step_by(TOGETHER as usize) {
        let some: Vec<_> =
            (seed..(seed + TOGETHER).min(first + count)).map(|seed| (seed, logs.damaged(seed))).collect();
        runtime.block_on(ask::everything(some, &output, &mut sum));
        assert!(peak_kib() <= MAX_RESIDENT_KIB, "{} KiB resident after seed {seed}", peak_kib());
    }
    println!("{count} logs of {} MiB in all: {sum}; at most {} MiB resident", sum.log_bytes >> 20, peak_kib() >> 10);
    assert!(sum.opened * 2 > count, "most of them can be opened: {sum}");
    assert!(sum.in_pieces * 20 > count, "many are large enough to be read on several threads: {sum}");
}
