//! The numbers of a task, and those of its executor, as Spark writes them: see `usual.rs`.

use super::scan::Scan;
use super::task_metrics::{EXECUTOR_METRIC_KEYS, Group};
use history_model::metric::{self, TaskMetricValues};
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// Objects that are likely to come again as they are: most of their numbers are 0.
#[derive(Default)]
pub(super) struct UsualMetrics<'a> {
    executor: Repeated<'a, ExecutorMetrics>,
    push: Repeated<'a, [i64; PUSH.len()]>,
}

/// An object as it was written last, and what it says.
#[derive(Default)]
struct Repeated<'a, T> {
    text: &'a [u8],
    value: T,
}

impl<'a, T: Copy> Repeated<'a, T> {
    /// Steps over the object that comes next: the same one, or what `read` makes of it.
    #[inline(always)]
    fn next(&mut self, scan: &mut Scan<'a>, read: impl FnOnce(&mut Scan<'a>) -> Option<T>) -> Option<T> {
        if self.text.is_empty() || !scan.eat(self.text) {
            let (rest, from) = (scan.rest(), scan.position());
            self.value = read(scan)?;
            self.text = &rest[..scan.position() - from];
        }
        Some(self.value)
    }
}

macro_rules! groups {
    ($($place:literal $name:ident $column:ident $group:ident $key:literal $accumulator:literal [$($rest:ident).+] $stage:ident
        $([$($quantiles:ident).+])?;)+) => {
        /// Reads those numbers of a group that are there, in its order, and no more.
        #[inline(always)]
        fn group(scan: &mut Scan<'_>, wanted: Group, before: &mut u8, metrics: &mut TaskMetricValues) -> Option<()> {
            $(if is(Group::$group, wanted) {
                if scan.key(before, concat!("\"", $key, "\":").as_bytes()) {
                    metrics[metric::$name] = scan.number()?;
                }
                if metric::$name == metric::PEAK_EXECUTION_MEMORY {
                    parts_of_execution_memory(scan, before)?;
                }
            })+
            Some(())
        }

        const COUNT_OF_PUSH: usize = 0 $(+ is(Group::$group, Group::push) as usize)+;

        /// The metrics of pushed shuffles.
        const PUSH: [usize; COUNT_OF_PUSH] = {
            let (mut all, mut count) = ([0; COUNT_OF_PUSH], 0);
            $(if is(Group::$group, Group::push) {
                all[count] = metric::$name;
                count += 1;
            })+
            assert!(count == COUNT_OF_PUSH);
            all
        };
    };
}

history_model::task_metrics!(groups);

const fn is(group: Group, other: Group) -> bool {
    group as usize == other as usize
}

/// Steps over two numbers that nobody needs.
#[inline(always)]
fn parts_of_execution_memory(scan: &mut Scan<'_>, before: &mut u8) -> Option<()> {
    if scan.key(before, b"\"Peak On Heap Execution Memory\":") {
        scan.number()?;
    }
    if scan.key(before, b"\"Peak Off Heap Execution Memory\":") {
        scan.number()?;
    }
    Some(())
}

impl<'a> UsualMetrics<'a> {
    /// Reads what the executor measured.
    #[inline(always)]
    pub(super) fn executor(&mut self, scan: &mut Scan<'a>) -> Option<ExecutorMetrics> {
        self.executor.next(scan, |scan| {
            let mut metrics = ExecutorMetrics([0; EXECUTOR_METRICS.len()]);
            let mut before = b'{';
            for (metric, key) in metrics.0.iter_mut().zip(EXECUTOR_METRIC_KEYS) {
                if scan.key(&mut before, key) {
                    *metric = scan.number()?;
                }
            }
            (before == b',' && scan.eat(b"}")).then_some(metrics)
        })
    }

    /// Reads what the task measured.
    #[inline(always)]
    pub(super) fn task(&mut self, scan: &mut Scan<'a>, metrics: &mut TaskMetricValues) -> Option<()> {
        group(scan, Group::task, &mut b'{', metrics)?;
        if !scan.eat(b",\"Shuffle Read Metrics\":") {
            return None;
        }
        group(scan, Group::read, &mut b'{', metrics)?;
        if scan.eat(b",\"Push Based Shuffle\":") {
            self.push(scan, metrics)?;
        }
        if !scan.eat(b"},\"Shuffle Write Metrics\":") {
            return None;
        }
        group(scan, Group::write, &mut b'{', metrics)?;
        if !scan.eat(b"},\"Input Metrics\":") {
            return None;
        }
        group(scan, Group::input, &mut b'{', metrics)?;
        if !scan.eat(b"},\"Output Metrics\":") {
            return None;
        }
        group(scan, Group::output, &mut b'{', metrics)?;
        if !scan.eat(b"}") {
            return None;
        }
        if scan.eat(b",\"Updated Blocks\":") && !scan.eat(b"[]") {
            scan.end_with_line();
            scan.skip_value().ok()?;
        }
        scan.eat(b"}").then_some(())
    }

    #[inline(always)]
    fn push(&mut self, scan: &mut Scan<'a>, metrics: &mut TaskMetricValues) -> Option<()> {
        let values = self.push.next(scan, |scan| {
            let mut found = [0; metric::COUNT];
            let mut before = b'{';
            group(scan, Group::push, &mut before, &mut found)?;
            (before == b',' && scan.eat(b"}")).then(|| PUSH.map(|metric| found[metric]))
        })?;
        for (metric, value) in PUSH.into_iter().zip(values) {
            metrics[metric] = value;
        }
        Some(())
    }
}
