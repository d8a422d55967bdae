//! Lines of an event log to typed events. Pure: bytes in, events and counted problems out.

pub(crate) mod connect;
pub(crate) mod core;
pub(crate) mod heartbeat;
mod json;
mod lenient;
mod reason;
mod scan;
pub(crate) mod sql;
pub(crate) mod streaming;
pub(crate) mod task;
mod task_metrics;
#[cfg(test)]
mod tests;
pub(crate) mod thrift;
mod usual;
mod usual_metrics;

use std::panic::{AssertUnwindSafe, catch_unwind};

use history_model::timeline::ExecutorEventKind;
use json::{boxed, read};
pub(crate) use reason::Reason;
use scan::{Malformed, Result, Scan};
use task::{TaskEnd, TaskStart, Update};
#[cfg(test)]
pub(crate) use tests::FAILS_TO_BE_READ;
use usual::{TASK_END, TASK_START, Usual};

/// One event; those that fill a log are in their batch.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    LogStart(core::LogStart),
    ApplicationStart(core::ApplicationStart),
    ApplicationEnd(core::ApplicationEnd),
    EnvironmentUpdate(Box<core::EnvironmentUpdate>),
    ResourceProfileAdded(core::ResourceProfileAdded),
    JobStart(Box<core::JobStart>),
    JobEnd(core::JobEnd),
    StageSubmitted(Box<core::StageSubmitted>),
    StageCompleted(Box<core::StageCompleted>),
    /// The place among the batch's started tasks.
    TaskStart(usize),
    /// The place among the batch's ended tasks.
    TaskEnd(usize),
    ExecutorAdded(Box<core::ExecutorAdded>),
    ExecutorRemoved(core::ExecutorRemoved),
    BlockManagerAdded(core::BlockManagerAdded),
    BlockManagerRemoved(core::BlockManagerRemoved),
    UnpersistRdd(core::UnpersistRdd),
    ExecutorMetricsUpdate(Box<heartbeat::Heartbeat>),
    StageExecutorMetrics(Box<core::StageExecutorMetrics>),
    BlockUpdated(Box<core::BlockUpdated>),
    Exclusion(Box<(ExecutorEventKind, core::Exclusion)>),
    MiscellaneousProcessAdded(core::MiscellaneousProcessAdded),
    SqlStart(Box<sql::ExecutionStart>),
    SqlEnd(sql::ExecutionEnd),
    SqlAdaptiveUpdate(Box<sql::AdaptiveUpdate>),
    SqlMetricUpdates(sql::MetricUpdates),
    SqlDriverUpdates(sql::DriverUpdates),
    Streaming(Box<streaming::StreamingEvent>),
    Connect(connect::ConnectEvent),
    Thrift(thrift::ThriftEvent),
    /// None that this server knows.
    Unknown(Box<UnknownEvent>),
}

/// An event that nobody here reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnknownEvent {
    pub(crate) name: String,
    /// Its line in the batch, from 1.
    pub(crate) line: u64,
    /// The whole line, unless it is too long to be kept.
    pub(crate) json: Option<String>,
}

/// Longer ones are not kept.
const MAX_UNKNOWN_BYTES: usize = 1 << 20;

impl UnknownEvent {
    fn event(name: String, line: &[u8]) -> Event {
        let json = (line.len() <= MAX_UNKNOWN_BYTES).then(|| String::from_utf8_lossy(line).into_owned());
        Event::Unknown(Box::new(Self { name, line: 0, json }))
    }
}

impl Event {
    /// Whether its texts are kept. The others are counted by what becomes of them.
    fn is_kept(&self) -> bool {
        matches!(
            self,
            Self::ApplicationStart(_)
                | Self::EnvironmentUpdate(_)
                | Self::ResourceProfileAdded(_)
                | Self::MiscellaneousProcessAdded(_)
                | Self::ExecutorAdded(_)
                | Self::ExecutorRemoved(_)
                | Self::Connect(_)
                | Self::Thrift(_)
        )
    }
}

/// The events of some lines, in order.
#[derive(Debug, Default)]
pub(crate) struct Batch<'a> {
    pub(crate) events: Vec<Event>,
    pub(crate) task_starts: Vec<TaskStart<'a>>,
    pub(crate) task_ends: Vec<TaskEnd<'a>>,
    pub(crate) updates: Vec<Update>,
    /// How many lines there were.
    pub(crate) lines: u64,
    /// How many of them were longer than allowed.
    pub(crate) long_lines: u64,
    /// The numbers, from 1, of those that are no events.
    pub(crate) bad_lines: Vec<u64>,
    /// At how many of these this program failed.
    pub(crate) faults: u64,
    /// How much text there was.
    pub(crate) text_bytes: usize,
    /// About how much memory events take that are kept as they are.
    pub(crate) kept_bytes: usize,
}

const PREFIX: &[u8] = b"{\"Event\":\"";

/// Lines shorter than this take no memory to speak of.
const LONG_LINE_BYTES: usize = 64 * 1024;
/// How many times the length that a line may have the values may take that are read from it.
const VALUES_PER_BYTE: usize = 2;

/// About how much memory the values of a line take: objects are structures, and what a comma parts is a value.
fn memory_of(line: &[u8]) -> usize {
    let count = |byte| memchr::memchr_iter(byte, line).count();
    512 + line.len() * 2 + count(b'{') * 256 + count(b',') * 32
}

/// Whether a line is made of so many small values that reading it takes far more memory than a line of that length may.
fn takes_too_much(line: &[u8], max_line_bytes: usize) -> bool {
    line.len() > LONG_LINE_BYTES
        && memory_of(line) > max_line_bytes.saturating_mul(VALUES_PER_BYTE).max(64 * LONG_LINE_BYTES)
}

/// After how many lines at which this program has failed the rest of a piece is left out.
const MAX_FAULTS: u64 = 16;

/// Where so many lines of tasks one after the other are not written as usual, the others are taken not to be, either.
const MISSES: u32 = 32;

/// The lines of some bytes, without their line feeds.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

impl<'a> Batch<'a> {
    /// Reads every line of `bytes`; the last one needs no line feed. Never panics: a line at which this program fails is a bad one.
    pub(crate) fn read(bytes: &'a [u8], max_line_bytes: usize) -> Self {
        let every_line = || {
            let mut batch = Self::default();
            batch.every_line(bytes, max_line_bytes);
            batch
        };
        catch_unwind(every_line).unwrap_or_else(|_| Self::read_warily(bytes, max_line_bytes))
    }

    fn every_line(&mut self, bytes: &'a [u8], max_line_bytes: usize) {
        let (mut usual, mut misses) = (Usual::default(), 0);
        let mut rest = bytes;
        while !rest.is_empty() {
            let tried = misses < MISSES && (rest.starts_with(TASK_END) || rest.starts_with(TASK_START));
            let read = if tried { self.usual_line(&mut usual, rest, max_line_bytes) } else { None };
            misses = if read.is_some() { 0 } else { misses + u32::from(tried) };
            let length = read.unwrap_or_else(|| {
                let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                self.line(&rest[..length], max_line_bytes);
                length
            });
            rest = rest.get(length + 1..).unwrap_or_default();
        }
    }

    /// Reads a line of a task, if that is written as usual and not too long, and gives its length.
    fn usual_line(&mut self, usual: &mut Usual<'a>, bytes: &'a [u8], max_line_bytes: usize) -> Option<usize> {
        let most = max_line_bytes.min(LONG_LINE_BYTES);
        let bytes = &bytes[..bytes.len().min(most + 1)];
        let (starts, ends, updates) = (self.task_starts.len(), self.task_ends.len(), self.updates.len());
        let length = match bytes.starts_with(TASK_END) {
            true => usual.task_end(bytes, &mut self.task_ends, &mut self.updates),
            false => usual.task_start(bytes, &mut self.task_starts, &mut self.updates),
        };
        let Some(length) = length.filter(|length| *length <= most) else {
            self.task_starts.truncate(starts);
            self.task_ends.truncate(ends);
            self.updates.truncate(updates);
            return None;
        };
        self.events.push(if self.task_ends.len() > ends { Event::TaskEnd(ends) } else { Event::TaskStart(starts) });
        self.lines += 1;
        self.text_bytes += length + 1;
        Some(length)
    }

    /// The same, line by line, where a line has made this program fail.
    #[cold]
    fn read_warily(bytes: &'a [u8], max_line_bytes: usize) -> Self {
        let mut batch = Self::default();
        for line in lines(bytes) {
            let (events, updates) = (batch.events.len(), batch.updates.len());
            let (task_starts, task_ends) = (batch.task_starts.len(), batch.task_ends.len());
            let number = batch.lines + 1;
            // Each failure is reported on standard error: not for each line of a log that was made for it.
            let read = match batch.faults {
                0..MAX_FAULTS => catch_unwind(AssertUnwindSafe(|| batch.line(line, max_line_bytes))).is_ok(),
                _ => false,
            };
            if !read {
                batch.events.truncate(events);
                batch.task_starts.truncate(task_starts);
                batch.task_ends.truncate(task_ends);
                batch.updates.truncate(updates);
                batch.lines = number;
                batch.bad_lines.push(number);
                batch.faults += 1;
            }
        }
        batch
    }

    fn line(&mut self, line: &'a [u8], max_line_bytes: usize) {
        self.lines += 1;
        self.text_bytes += line.len() + 1;
        if line.len() > max_line_bytes || takes_too_much(line, max_line_bytes) {
            self.long_lines += 1;
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let updates = self.updates.len();
        match self.event(line) {
            Ok(mut event) => {
                if let Some(Event::Unknown(unknown)) = &mut event {
                    unknown.line = self.lines;
                }
                self.kept_bytes += event.as_ref().filter(|event| event.is_kept()).map_or(0, |_| memory_of(line));
                self.events.extend(event);
            }
            Err(Malformed) if line.iter().all(u8::is_ascii_whitespace) => {}
            Err(Malformed) => {
                self.updates.truncate(updates);
                self.bad_lines.push(self.lines);
            }
        }
    }

    fn event(&mut self, line: &'a [u8]) -> Result<Option<Event>> {
        if line.starts_with(TASK_END) {
            return self.task_end(line).map(Some);
        }
        if line.starts_with(TASK_START) {
            return self.task_start(line).map(Some);
        }
        match event_name(line)?.as_str() {
            #[cfg(test)]
            FAILS_TO_BE_READ => panic!("a line that this program fails to read"),
            "SparkListenerTaskEnd" => self.task_end(line).map(Some),
            "SparkListenerTaskStart" => self.task_start(line).map(Some),
            name => other_event(name, line),
        }
    }

    fn task_start(&mut self, line: &'a [u8]) -> Result<Event> {
        let mut scan = Scan::new(line);
        let start = task::task_start(&mut scan, &mut self.updates)?;
        if !scan.at_end() {
            return Err(Malformed);
        }
        self.task_starts.push(start);
        Ok(Event::TaskStart(self.task_starts.len() - 1))
    }

    fn task_end(&mut self, line: &'a [u8]) -> Result<Event> {
        let mut scan = Scan::new(line);
        let end = task::task_end(&mut scan, &mut self.updates)?;
        if !scan.at_end() {
            return Err(Malformed);
        }
        self.task_ends.push(end);
        Ok(Event::TaskEnd(self.task_ends.len() - 1))
    }
}

/// The name of a line's event.
fn event_name(line: &[u8]) -> Result<String> {
    if let Some(rest) = line.strip_prefix(PREFIX) {
        let end = memchr::memchr2(b'"', b'\\', rest).ok_or(Malformed)?;
        if rest[end] == b'"' {
            return Ok(String::from_utf8_lossy(&rest[..end]).into_owned());
        }
    }
    let mut name = None;
    Scan::new(line).object(&[b"\"Event\":"], |scan, _| {
        name = scan.optional_string()?.map(std::borrow::Cow::into_owned);
        Ok(())
    })?;
    name.ok_or(Malformed)
}

fn other_event(name: &str, line: &[u8]) -> Result<Option<Event>> {
    let event = match name {
        "SparkListenerLogStart" => Event::LogStart(read(line)?),
        "SparkListenerApplicationStart" => Event::ApplicationStart(read(line)?),
        "SparkListenerApplicationEnd" => Event::ApplicationEnd(read(line)?),
        "SparkListenerEnvironmentUpdate" => Event::EnvironmentUpdate(boxed(line)?),
        "SparkListenerResourceProfileAdded" => Event::ResourceProfileAdded(read(line)?),
        "SparkListenerJobStart" => Event::JobStart(boxed(line)?),
        "SparkListenerJobEnd" => Event::JobEnd(read(line)?),
        "SparkListenerStageSubmitted" => Event::StageSubmitted(boxed(line)?),
        "SparkListenerStageCompleted" => Event::StageCompleted(boxed(line)?),
        "SparkListenerExecutorAdded" => Event::ExecutorAdded(boxed(line)?),
        "SparkListenerExecutorRemoved" => Event::ExecutorRemoved(read(line)?),
        "SparkListenerBlockManagerAdded" => Event::BlockManagerAdded(read(line)?),
        "SparkListenerUnpersistRDD" => Event::UnpersistRdd(read(line)?),
        "SparkListenerExecutorMetricsUpdate" => {
            Event::ExecutorMetricsUpdate(Box::new(heartbeat::Heartbeat::read(line)?))
        }
        "SparkListenerStageExecutorMetrics" => Event::StageExecutorMetrics(boxed(line)?),
        "SparkListenerBlockUpdated" => Event::BlockUpdated(boxed(line)?),
        // Nothing but the time line is told of it.
        "SparkListenerBlockManagerRemoved" => return Ok(read(line).ok().map(Event::BlockManagerRemoved)),
        // What this says is said again by the event that follows.
        "SparkListenerTaskGettingResult" => return Ok(None),
        other => return qualified_event(other, line),
    };
    Ok(Some(event))
}

/// Events that are written under the full name of their class.
fn qualified_event(name: &str, line: &[u8]) -> Result<Option<Event>> {
    if let Some(name) = name.strip_prefix("org.apache.spark.scheduler.SparkListener") {
        return scheduler_event(name, line);
    }
    let Some(sql) = name.strip_prefix("org.apache.spark.sql.execution.ui.SparkListener") else {
        return Ok(service_event(name, line)?.or_else(|| Some(UnknownEvent::event(name.to_owned(), line))));
    };
    Ok(Some(match sql {
        "SQLExecutionStart" => Event::SqlStart(Box::new(sql::ExecutionStart::read(line)?)),
        "SQLAdaptiveExecutionUpdate" => Event::SqlAdaptiveUpdate(Box::new(sql::AdaptiveUpdate::read(line)?)),
        "SQLExecutionEnd" => Event::SqlEnd(read(line)?),
        "SQLAdaptiveSQLMetricUpdates" => Event::SqlMetricUpdates(read(line)?),
        "DriverAccumUpdates" => Event::SqlDriverUpdates(read(line)?),
        _ => UnknownEvent::event(name.to_owned(), line),
    }))
}

/// Events of streaming queries and of servers within the application.
fn service_event(name: &str, line: &[u8]) -> Result<Option<Event>> {
    let name = name.strip_prefix("org.apache.spark.sql.").unwrap_or_default();
    if let Some(name) = name.strip_prefix("streaming.StreamingQueryListener$") {
        let event = streaming::StreamingEvent::read(name, line)?;
        return Ok(event.map(|event| Event::Streaming(Box::new(event))));
    }
    if let Some(name) = name.strip_prefix("connect.service.SparkListenerConnect") {
        return Ok(connect::ConnectEvent::read(name, line)?.map(Event::Connect));
    }
    match name.strip_prefix("hive.thriftserver.ui.SparkListenerThriftServer") {
        Some(name) => Ok(thrift::ThriftEvent::read(name, line)?.map(Event::Thrift)),
        None => Ok(None),
    }
}

fn scheduler_event(name: &str, line: &[u8]) -> Result<Option<Event>> {
    if name == "MiscellaneousProcessAdded" {
        return read(line).map(Event::MiscellaneousProcessAdded).map(Some);
    }
    let Some(kind) = exclusion(name) else {
        return Ok(Some(UnknownEvent::event(format!("org.apache.spark.scheduler.SparkListener{name}"), line)));
    };
    Ok(Some(Event::Exclusion(Box::new((kind, read(line)?)))))
}

fn exclusion(name: &str) -> Option<ExecutorEventKind> {
    Some(match name {
        "ExecutorExcluded" | "ExecutorBlacklisted" => ExecutorEventKind::Excluded,
        "ExecutorUnexcluded" | "ExecutorUnblacklisted" => ExecutorEventKind::Unexcluded,
        "NodeExcluded" | "NodeBlacklisted" => ExecutorEventKind::NodeExcluded,
        "NodeUnexcluded" | "NodeUnblacklisted" => ExecutorEventKind::NodeUnexcluded,
        "ExecutorExcludedForStage" | "ExecutorBlacklistedForStage" => ExecutorEventKind::ExcludedForStage,
        "NodeExcludedForStage" | "NodeBlacklistedForStage" => ExecutorEventKind::NodeExcludedForStage,
        _ => return None,
    })
}
