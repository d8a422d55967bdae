//! Starts and ends of tasks as Spark writes them: its keys in its order, without spaces. A log is made of little else.
//!
//! Lines of one stage differ in numbers and hardly in anything else, so that what came before is compared, not read again.
//! Whatever is written in another way is left to the reader of any JSON, which makes the same of it.

use super::reason::Reason;
use super::scan::Scan;
use super::task::{Accumulable, TaskEnd, TaskInfo, TaskStart, Update, accumulable};
use super::usual_metrics::UsualMetrics;
use history_model::metric;
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// How the start of a task begins.
pub(super) const TASK_START: &[u8; 34] = b"{\"Event\":\"SparkListenerTaskStart\",";
/// How the end of one begins.
pub(super) const TASK_END: &[u8; 32] = b"{\"Event\":\"SparkListenerTaskEnd\",";

/// The stages whose accumulators are remembered.
const STAGES: usize = 8;
/// How many of a stage's.
const ACCUMULATORS: usize = 96;
/// How many of them a task may leave out one after the other and still be compared.
const LEFT_OUT: usize = 6;

/// What lines have said that the next ones are likely to say again.
#[derive(Default)]
pub(super) struct Usual<'a> {
    task_type: &'a str,
    executor: &'a str,
    host: &'a str,
    locality: &'a str,
    metrics: UsualMetrics<'a>,
    stages: Vec<Accumulators<'a>>,
    /// The place among `stages` that the next one takes.
    next: usize,
}

/// The accumulators that tasks of a stage report, in their order.
struct Accumulators<'a> {
    stage_id: i32,
    all: Vec<Known<'a>>,
}

/// An accumulator: all that comes before the number that a task adds to it, and whether that is in quotes.
struct Known<'a> {
    head: &'a [u8],
    id: i64,
    is_quoted: bool,
    /// Whether the number is needed: Spark's own metrics come once more by themselves.
    is_needed: bool,
}

impl<'a> Usual<'a> {
    /// Reads a line that begins with [`TASK_START`], adds it to `starts`, and gives its length.
    pub(super) fn task_start(
        &mut self,
        bytes: &'a [u8],
        starts: &mut Vec<TaskStart<'a>>,
        updates: &mut Vec<Update>,
    ) -> Option<usize> {
        let mut scan = Scan::new(bytes);
        let (stage_id, stage_attempt) = stage(&mut scan, TASK_START)?;
        if !scan.eat(b",\"Task Info\":") {
            return None;
        }
        let info = self.info(&mut scan, stage_id, updates)?;
        if !(scan.eat(b"}") && scan.at_line_end()) {
            return None;
        }
        starts.push(TaskStart { stage_id, stage_attempt, info });
        Some(scan.position())
    }

    /// Reads a line that begins with [`TASK_END`], adds it to `ends`, and gives its length.
    pub(super) fn task_end(
        &mut self,
        bytes: &'a [u8],
        ends: &mut Vec<TaskEnd<'a>>,
        updates: &mut Vec<Update>,
    ) -> Option<usize> {
        let mut scan = Scan::new(bytes);
        let (stage_id, stage_attempt) = stage(&mut scan, TASK_END)?;
        if !scan.eat(b",\"Task Type\":\"") {
            return None;
        }
        scan.plain_text(&mut self.task_type)?;
        if !scan.eat(b",\"Task End Reason\":{\"Reason\":\"Success\"},\"Task Info\":") {
            return None;
        }
        let info = self.info(&mut scan, stage_id, updates)?;
        let executor_metrics = match scan.eat(b",\"Task Executor Metrics\":") {
            true => self.metrics.executor(&mut scan)?,
            // Logs before Spark 3.0 lack them, which counts as 0.
            false => ExecutorMetrics([0; EXECUTOR_METRICS.len()]),
        };
        let mut metrics = [0; metric::COUNT];
        if scan.eat(b",\"Task Metrics\":") {
            self.metrics.task(&mut scan, &mut metrics)?;
        }
        if !(scan.eat(b"}") && scan.at_line_end()) {
            return None;
        }
        ends.push(TaskEnd { stage_id, stage_attempt, reason: Reason::Success, info, executor_metrics, metrics });
        Some(scan.position())
    }

    #[inline(always)]
    fn info(&mut self, scan: &mut Scan<'a>, stage_id: i32, updates: &mut Vec<Update>) -> Option<TaskInfo<'a>> {
        let number = |scan: &mut Scan<'a>, key: &[u8]| if scan.eat(key) { scan.number() } else { None };
        let flag = |scan: &mut Scan<'a>, key: &[u8]| if scan.eat(key) { scan.flag() } else { None };
        let text = |scan: &mut Scan<'a>, key: &[u8], usual: &mut &'a str| {
            if scan.eat(key) { scan.plain_text(usual) } else { None }
        };
        let mut info = TaskInfo {
            task_id: number(scan, b"{\"Task ID\":")?,
            index: number(scan, b",\"Index\":")? as i32,
            attempt: number(scan, b",\"Attempt\":")? as i32,
            // Logs before Spark 3.3 lack it.
            partition_id: if scan.eat(b",\"Partition ID\":") { scan.number()? as i32 } else { -1 },
            launch_time: number(scan, b",\"Launch Time\":")?,
            executor_id: text(scan, b",\"Executor ID\":\"", &mut self.executor)?.into(),
            host: text(scan, b",\"Host\":\"", &mut self.host)?.into(),
            locality: text(scan, b",\"Locality\":\"", &mut self.locality)?.into(),
            speculative: flag(scan, b",\"Speculative\":")?,
            getting_result_time: number(scan, b",\"Getting Result Time\":")?,
            finish_time: number(scan, b",\"Finish Time\":")?,
            failed: flag(scan, b",\"Failed\":")?,
            killed: flag(scan, b",\"Killed\":")?,
            ..TaskInfo::default()
        };
        if !scan.eat(b",\"Accumulables\":[") {
            return None;
        }
        let first = updates.len();
        if !scan.eat(b"]") {
            self.of_stage(stage_id).read(scan, updates, &mut info.accumulables)?;
        }
        info.updates = first..updates.len();
        scan.eat(b"}").then_some(info)
    }

    fn of_stage(&mut self, stage_id: i32) -> &mut Accumulators<'a> {
        let place = self.stages.iter().position(|known| known.stage_id == stage_id).unwrap_or_else(|| {
            let new = Accumulators { stage_id, all: Vec::new() };
            let place = self.next;
            match self.stages.get_mut(place) {
                Some(oldest) => *oldest = new,
                None => self.stages.push(new),
            }
            self.next = (place + 1) % STAGES;
            place
        });
        &mut self.stages[place]
    }
}

/// Reads an event up to its stage and attempt.
#[inline(always)]
fn stage(scan: &mut Scan<'_>, begin: &[u8]) -> Option<(i32, i32)> {
    if !(scan.eat(begin) && scan.eat(b"\"Stage ID\":")) {
        return None;
    }
    let stage_id = scan.number()? as i32;
    if !scan.eat(b",\"Stage Attempt ID\":") {
        return None;
    }
    Some((stage_id, scan.number()? as i32))
}

impl<'a> Accumulators<'a> {
    /// Reads the rest of a list that has one at least.
    #[inline(always)]
    fn read(&mut self, scan: &mut Scan<'a>, updates: &mut Vec<Update>, kept: &mut Vec<Accumulable<'a>>) -> Option<()> {
        let mut at = 0;
        loop {
            let mut ahead = *scan;
            match self.next(&mut ahead, &mut at) {
                Some(update) => {
                    *scan = ahead;
                    updates.extend(update);
                }
                None => self.other(scan, &mut at, updates, kept)?,
            }
            if !scan.eat(b",") {
                return scan.eat(b"]").then_some(());
            }
        }
    }

    /// Reads one that is known, and is looked for from place `at` on.
    #[inline(always)]
    fn next(&self, scan: &mut Scan<'a>, at: &mut usize) -> Option<Option<Update>> {
        let likely = self.all.get(*at..)?.iter().take(LEFT_OUT);
        let (skipped, known) = likely.enumerate().find(|(_, known)| scan.eat(known.head))?;
        *at += skipped + 1;
        known.number(scan)
    }

    /// Reads any other, and remembers it.
    #[inline(never)]
    fn other(
        &mut self,
        scan: &mut Scan<'a>,
        at: &mut usize,
        updates: &mut Vec<Update>,
        kept: &mut Vec<Accumulable<'a>>,
    ) -> Option<()> {
        scan.end_with_line();
        let known = Known::of(scan);
        accumulable(scan, updates, kept).ok()?;
        if let Some(known) = known.filter(|_| self.all.len() < ACCUMULATORS) {
            *at = (*at).min(self.all.len());
            self.all.insert(*at, known);
            *at += 1;
        }
        Some(())
    }
}

impl<'a> Known<'a> {
    /// What the next one begins with, if it is one that can be read by that.
    fn of(scan: &Scan<'a>) -> Option<Self> {
        let mut ahead = *scan;
        if !ahead.eat(b"{\"ID\":") {
            return None;
        }
        let id = ahead.number()?;
        if !ahead.eat(b",\"Name\":\"") {
            return None;
        }
        let name = ahead.plain_text(&mut "")?;
        if !ahead.eat(b",\"Update\":") {
            return None;
        }
        let is_quoted = ahead.eat(b"\"");
        let head = &scan.rest()[..ahead.position() - scan.position()];
        let known = Self { head, id, is_quoted, is_needed: !name.starts_with("internal.metrics.") };
        known.number(&mut ahead)?;
        Some(known)
    }

    /// Reads what comes behind the head: the number, the sum, and that nobody is to see it.
    #[inline(always)]
    fn number(&self, scan: &mut Scan<'a>) -> Option<Option<Update>> {
        let value = scan.number()?;
        let is_usual = match self.is_quoted {
            false => {
                scan.eat(b",\"Value\":")
                    && scan.number().is_some()
                    && scan.eat(b",\"Internal\":true,\"Count Failed Values\":true")
            }
            true => {
                scan.eat(b"\",\"Value\":\"")
                    && scan.number().is_some()
                    && scan.eat(b"\",\"Internal\":true,\"Count Failed Values\":true")
            }
        };
        if !(is_usual && (scan.eat(b"}") || scan.eat(b",\"Metadata\":\"sql\"}"))) {
            return None;
        }
        Some(self.is_needed.then_some(Update { id: self.id, value }))
    }
}
