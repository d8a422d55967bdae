//! The numbers that a task reports, and those of its executor.

use super::scan::{Result, Scan};
use history_model::metric::{self, TaskMetricValues};
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// Reads executor metrics; what is missing counts as 0.
pub(crate) fn executor_metrics(scan: &mut Scan<'_>) -> Result<ExecutorMetrics> {
    let mut metrics = ExecutorMetrics([0; EXECUTOR_METRICS.len()]);
    if !scan.null() {
        scan.object(&EXECUTOR_METRIC_KEYS, |scan, key| {
            metrics.0[key] = scan.optional_int()?.unwrap_or(0);
            Ok(())
        })?;
    }
    Ok(metrics)
}

pub(super) const EXECUTOR_METRIC_KEYS: [&[u8]; EXECUTOR_METRICS.len()] = [
    b"\"JVMHeapMemory\":",
    b"\"JVMOffHeapMemory\":",
    b"\"OnHeapExecutionMemory\":",
    b"\"OffHeapExecutionMemory\":",
    b"\"OnHeapStorageMemory\":",
    b"\"OffHeapStorageMemory\":",
    b"\"OnHeapUnifiedMemory\":",
    b"\"OffHeapUnifiedMemory\":",
    b"\"DirectPoolMemory\":",
    b"\"MappedPoolMemory\":",
    b"\"ProcessTreeJVMVMemory\":",
    b"\"ProcessTreeJVMRSSMemory\":",
    b"\"ProcessTreePythonVMemory\":",
    b"\"ProcessTreePythonRSSMemory\":",
    b"\"ProcessTreeOtherVMemory\":",
    b"\"ProcessTreeOtherRSSMemory\":",
    b"\"MinorGCCount\":",
    b"\"MinorGCTime\":",
    b"\"MajorGCCount\":",
    b"\"MajorGCTime\":",
    b"\"TotalGCTime\":",
    b"\"ConcurrentGCCount\":",
    b"\"ConcurrentGCTime\":",
];

/// What stands behind a key.
#[derive(Clone, Copy)]
enum Slot {
    Number(usize),
    Group(&'static Keys),
    Ignored,
}

/// The objects in which a task's metrics are.
#[expect(non_camel_case_types, reason = "named as in the list of metrics")]
#[derive(Clone, Copy)]
pub(super) enum Group {
    task,
    read,
    push,
    write,
    input,
    output,
}

/// An object has no more keys than this.
const MOST_KEYS: usize = 24;

/// The keys of an object, in the order of an event log, and what stands behind each.
struct Keys {
    keys: [&'static [u8]; MOST_KEYS],
    slots: [Slot; MOST_KEYS],
    count: usize,
}

macro_rules! log_keys {
    ($($place:literal $name:ident $column:ident $group:ident $key:literal $accumulator:literal [$($rest:ident).+] $stage:ident
        $([$($quantiles:ident).+])?;)+) => {
        const METRICS: &[(Group, &[u8], usize)] =
            &[$((Group::$group, concat!("\"", $key, "\":").as_bytes(), metric::$name)),+];
    };
}

history_model::task_metrics!(log_keys);

impl Keys {
    const fn of(group: Group) -> Self {
        let mut all = Self { keys: [b""; MOST_KEYS], slots: [Slot::Ignored; MOST_KEYS], count: 0 };
        let mut at = 0;
        while at < METRICS.len() {
            let (of, key, place) = METRICS[at];
            if of as usize == group as usize {
                all = all.and(key, Slot::Number(place));
            }
            at += 1;
        }
        all
    }

    /// The same with another key at a place.
    const fn with(mut self, at: usize, key: &'static [u8], slot: Slot) -> Self {
        let mut last = self.count;
        while last > at {
            self.keys[last] = self.keys[last - 1];
            self.slots[last] = self.slots[last - 1];
            last -= 1;
        }
        self.keys[at] = key;
        self.slots[at] = slot;
        self.count += 1;
        self
    }

    /// The same with another key at the end.
    const fn and(self, key: &'static [u8], slot: Slot) -> Self {
        let end = self.count;
        self.with(end, key, slot)
    }

    /// The same with two keys that nobody needs, behind the execution memory of which they are parts.
    const fn with_parts_of_execution_memory(self) -> Self {
        let mut at = 0;
        while !matches!(self.slots[at], Slot::Number(metric::PEAK_EXECUTION_MEMORY)) {
            at += 1;
        }
        self.with(at + 1, b"\"Peak On Heap Execution Memory\":", Slot::Ignored).with(
            at + 2,
            b"\"Peak Off Heap Execution Memory\":",
            Slot::Ignored,
        )
    }
}

static TASK: Keys = Keys::of(Group::task)
    .with_parts_of_execution_memory()
    .and(b"\"Shuffle Read Metrics\":", Slot::Group(&READ))
    .and(b"\"Shuffle Write Metrics\":", Slot::Group(&WRITE))
    .and(b"\"Input Metrics\":", Slot::Group(&INPUT))
    .and(b"\"Output Metrics\":", Slot::Group(&OUTPUT))
    .and(b"\"Updated Blocks\":", Slot::Ignored);
static READ: Keys = Keys::of(Group::read)
    .and(b"\"Push Based Shuffle\":", Slot::Group(&PUSH))
    // How Spark 3.3 to 4.0 named what they read, though not what they wrote.
    .and(b"\"Shuffle Push Read Metrics\":", Slot::Group(&PUSH));
static PUSH: Keys =
    Keys::of(Group::push).and(b"\"Merged Fallback Count\":", Slot::Number(metric::SHUFFLE_MERGED_FETCH_FALLBACK_COUNT));
static WRITE: Keys = Keys::of(Group::write);
static INPUT: Keys = Keys::of(Group::input);
static OUTPUT: Keys = Keys::of(Group::output);

/// Reads task metrics; what is missing counts as 0.
pub(crate) fn task_metrics(scan: &mut Scan<'_>) -> Result<TaskMetricValues> {
    let mut metrics = [0; metric::COUNT];
    if !scan.null() {
        metric_group(scan, &TASK, &mut metrics)?;
    }
    Ok(metrics)
}

fn metric_group(scan: &mut Scan<'_>, keys: &'static Keys, metrics: &mut TaskMetricValues) -> Result<()> {
    scan.object(&keys.keys[..keys.count], |scan, key| {
        if scan.null() {
            return Ok(());
        }
        match keys.slots[key] {
            Slot::Ignored => scan.skip_value()?,
            Slot::Number(at) => metrics[at] = scan.int()?,
            Slot::Group(keys) => metric_group(scan, keys, metrics)?,
        }
        Ok(())
    })
}
