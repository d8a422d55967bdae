//! The events that fill a log: tasks starting and ending.

use std::borrow::Cow;
use std::ops::Range;

use super::reason::Reason;
use super::scan::{Malformed, Result, Scan};
use super::task_metrics::{executor_metrics as read_executor_metrics, task_metrics};
use history_model::metric::{self, TaskMetricValues};
use history_model::types::{EXECUTOR_METRICS, ExecutorMetrics};

/// What is known of a task attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskInfo<'a> {
    pub(crate) task_id: i64,
    pub(crate) index: i32,
    pub(crate) attempt: i32,
    pub(crate) partition_id: i32,
    pub(crate) launch_time: i64,
    pub(crate) executor_id: Cow<'a, str>,
    pub(crate) host: Cow<'a, str>,
    pub(crate) locality: Cow<'a, str>,
    pub(crate) speculative: bool,
    pub(crate) getting_result_time: i64,
    pub(crate) finish_time: i64,
    pub(crate) failed: bool,
    pub(crate) killed: bool,
    /// Named accumulators of the application.
    pub(crate) accumulables: Vec<Accumulable<'a>>,
    /// Where in the batch the numbers stand that SQL metrics are made of.
    pub(crate) updates: Range<usize>,
}

/// A named accumulator, as text.
#[derive(Clone, Debug)]
pub(crate) struct Accumulable<'a> {
    pub(crate) id: i64,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) update: Option<Cow<'a, str>>,
    pub(crate) value: Option<Cow<'a, str>>,
}

/// What a task added to one accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) id: i64,
    pub(crate) value: i64,
}

/// A task attempt was started.
#[derive(Clone, Debug)]
pub(crate) struct TaskStart<'a> {
    pub(crate) stage_id: i32,
    pub(crate) stage_attempt: i32,
    pub(crate) info: TaskInfo<'a>,
}

/// A task attempt ended.
#[derive(Clone, Debug)]
pub(crate) struct TaskEnd<'a> {
    pub(crate) stage_id: i32,
    pub(crate) stage_attempt: i32,
    pub(crate) reason: Reason,
    pub(crate) info: TaskInfo<'a>,
    pub(crate) executor_metrics: ExecutorMetrics,
    pub(crate) metrics: TaskMetricValues,
}

const START: [&[u8]; 3] = [b"\"Stage ID\":", b"\"Stage Attempt ID\":", b"\"Task Info\":"];

/// Reads the event from behind its `{"Event":…,`, or from the whole line.
pub(crate) fn task_start<'a>(scan: &mut Scan<'a>, updates: &mut Vec<Update>) -> Result<TaskStart<'a>> {
    let (mut stage_id, mut stage_attempt, mut info) = (None, 0, None);
    scan.object(&START, |scan, key| {
        match key {
            0 => stage_id = Some(scan.int()? as i32),
            1 => stage_attempt = scan.optional_int()?.unwrap_or(0) as i32,
            _ => info = Some(task_info(scan, updates)?),
        }
        Ok(())
    })?;
    Ok(TaskStart { stage_id: stage_id.ok_or(Malformed)?, stage_attempt, info: info.ok_or(Malformed)? })
}

const END: [&[u8]; 7] = [
    b"\"Stage ID\":",
    b"\"Stage Attempt ID\":",
    b"\"Task Type\":",
    b"\"Task End Reason\":",
    b"\"Task Info\":",
    b"\"Task Executor Metrics\":",
    b"\"Task Metrics\":",
];

/// Reads a whole line.
pub(crate) fn task_end<'a>(scan: &mut Scan<'a>, updates: &mut Vec<Update>) -> Result<TaskEnd<'a>> {
    let (mut stage_id, mut stage_attempt, mut reason, mut info) = (None, 0, None, None);
    let mut executor_metrics = ExecutorMetrics([0; EXECUTOR_METRICS.len()]);
    let mut metrics = [0; metric::COUNT];
    scan.object(&END, |scan, key| {
        match key {
            0 => stage_id = Some(scan.int()? as i32),
            1 => stage_attempt = scan.optional_int()?.unwrap_or(0) as i32,
            2 => scan.skip_value()?,
            3 => reason = Some(Reason::read(scan)?),
            4 => info = Some(task_info(scan, updates)?),
            5 => executor_metrics = read_executor_metrics(scan)?,
            _ => metrics = task_metrics(scan)?,
        }
        Ok(())
    })?;
    let (stage_id, reason) = (stage_id.ok_or(Malformed)?, reason.ok_or(Malformed)?);
    Ok(TaskEnd { stage_id, stage_attempt, reason, info: info.ok_or(Malformed)?, executor_metrics, metrics })
}

const INFO: [&[u8]; 14] = [
    b"\"Task ID\":",
    b"\"Index\":",
    b"\"Attempt\":",
    b"\"Partition ID\":",
    b"\"Launch Time\":",
    b"\"Executor ID\":",
    b"\"Host\":",
    b"\"Locality\":",
    b"\"Speculative\":",
    b"\"Getting Result Time\":",
    b"\"Finish Time\":",
    b"\"Failed\":",
    b"\"Killed\":",
    b"\"Accumulables\":",
];

fn task_info<'a>(scan: &mut Scan<'a>, updates: &mut Vec<Update>) -> Result<TaskInfo<'a>> {
    // What logs of Spark 1.x and before 3.3 lack.
    let mut info = TaskInfo { attempt: 1, partition_id: -1, ..TaskInfo::default() };
    let mut seen = 0u32;
    let first = updates.len();
    scan.object(&INFO, |scan, key| {
        seen |= 1 << key;
        match key {
            0 => info.task_id = scan.int()?,
            1 => info.index = scan.int()? as i32,
            2 => info.attempt = scan.optional_int()?.unwrap_or(1) as i32,
            3 => info.partition_id = scan.optional_int()?.unwrap_or(-1) as i32,
            4 => info.launch_time = scan.int()?,
            5 => info.executor_id = scan.string()?,
            6 => info.host = scan.optional_string()?.unwrap_or_default(),
            7 => info.locality = scan.string()?,
            8 => info.speculative = scan.bool()?,
            9 => info.getting_result_time = scan.int()?,
            10 => info.finish_time = scan.int()?,
            11 => info.failed = scan.bool()?,
            12 => info.killed = scan.bool()?,
            _ => accumulables(scan, updates, &mut info.accumulables)?,
        }
        Ok(())
    })?;
    info.updates = first..updates.len();
    // All but attempt, partition, speculative, killed and accumulables must be there.
    const REQUIRED: u32 = 0b00_1110_1111_0011;
    if seen & REQUIRED == REQUIRED { Ok(info) } else { Err(Malformed) }
}

fn accumulables<'a>(scan: &mut Scan<'a>, updates: &mut Vec<Update>, kept: &mut Vec<Accumulable<'a>>) -> Result<()> {
    if scan.null() {
        return Ok(());
    }
    scan.array(|scan| accumulable(scan, updates, kept))
}

/// Reads what a task did to an accumulator.
#[inline(always)]
pub(super) fn accumulable<'a>(
    scan: &mut Scan<'a>,
    updates: &mut Vec<Update>,
    kept: &mut Vec<Accumulable<'a>>,
) -> Result<()> {
    let mut ahead = *scan;
    match usual_accumulable(&mut ahead) {
        Some(update) => {
            *scan = ahead;
            updates.extend(update);
            Ok(())
        }
        None => any_accumulable(scan, updates, kept),
    }
}

/// An internal accumulable with its fields in Spark's order; `None` sends the reader the long way.
#[inline(always)]
fn usual_accumulable(scan: &mut Scan<'_>) -> Option<Option<Update>> {
    if !scan.eat(b"{\"ID\":") {
        return None;
    }
    let id = scan.int().ok()?;
    if !scan.eat(b",\"Name\":") {
        return None;
    }
    let own_metric = scan.eat(b"\"internal.metrics.");
    if own_metric {
        scan.rest_of_plain_string()?;
    } else {
        scan.plain_string()?;
    }
    let mut value = None;
    if scan.eat(b",\"Update\":") {
        let quoted = scan.eat(b"\"");
        value = Some(scan.int().ok()?);
        if quoted && !scan.eat(b"\"") {
            return None;
        }
    }
    if scan.eat(b",\"Value\":") {
        let quoted = scan.eat(b"\"");
        scan.digits()?;
        if quoted && !scan.eat(b"\"") {
            return None;
        }
    }
    if !scan.eat(b",\"Internal\":true,\"Count Failed Values\":") {
        return None;
    }
    if !(scan.eat(b"true") || scan.eat(b"false")) {
        return None;
    }
    if !(scan.eat(b",\"Metadata\":\"sql\"}") || scan.eat(b"}")) {
        return None;
    }
    Some(value.filter(|_| !own_metric).map(|value| Update { id, value }))
}

const ACCUMULABLE: [&[u8]; 6] =
    [b"\"ID\":", b"\"Name\":", b"\"Update\":", b"\"Value\":", b"\"Internal\":", b"\"Metadata\":"];

#[inline(never)]
fn any_accumulable<'a>(scan: &mut Scan<'a>, updates: &mut Vec<Update>, kept: &mut Vec<Accumulable<'a>>) -> Result<()> {
    let mut found = Accumulable { id: 0, name: None, update: None, value: None };
    let (mut id, mut internal, mut sql) = (None, false, false);
    scan.object(&ACCUMULABLE, |scan, key| {
        match key {
            0 => id = Some(scan.int()?),
            1 => found.name = scan.optional_string()?,
            2 => found.update = if scan.null() { None } else { Some(scan.text()?) },
            3 => found.value = if scan.null() { None } else { Some(scan.text()?) },
            4 => internal = scan.bool()?,
            _ => sql = scan.optional_string()?.is_some_and(|metadata| metadata == "sql"),
        }
        Ok(())
    })?;
    found.id = id.ok_or(Malformed)?;
    let own_metric = found.name.as_ref().is_some_and(|name| name.starts_with("internal.metrics."));
    if let Some(Ok(value)) = found.update.as_ref().filter(|_| !own_metric).map(|text| text.parse()) {
        updates.push(Update { id: found.id, value });
    }
    if !internal && !sql {
        kept.push(found);
    }
    Ok(())
}
