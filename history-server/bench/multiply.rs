//! Makes long logs from short ones: real events, again and again, under new ids and at new times.
//!
//! What changes from copy to copy is numbers: ids of tasks, stages, jobs, executions and accumulators, times, and each
//! task's duration by some milliseconds. All else is byte for byte what Spark wrote. RDD ids stay the same.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use memchr::memmem;
use zstd::stream::write::Encoder;

/// What a number in an event counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Tasks,
    Indices,
    Stages,
    Jobs,
    Executions,
    Accumulators,
    TasksOfStage,
    Time,
    FinishTime,
    RunTime,
}

/// The keys whose value is a number to change, or an array of such.
const KEYS: &[(&str, Counts)] = &[
    ("\"Task ID\":", Counts::Tasks),
    ("\"Index\":", Counts::Indices),
    ("\"Partition ID\":", Counts::Indices),
    ("\"Stage ID\":", Counts::Stages),
    ("\"Stage IDs\":[", Counts::Stages),
    ("\"Job ID\":", Counts::Jobs),
    ("\"executionId\":", Counts::Executions),
    ("\"rootExecutionId\":", Counts::Executions),
    ("\"spark.sql.execution.id\":\"", Counts::Executions),
    ("\"spark.sql.execution.root.id\":\"", Counts::Executions),
    ("\"ID\":", Counts::Accumulators),
    ("\"accumulatorId\":", Counts::Accumulators),
    ("\"accumUpdates\":[[", Counts::Accumulators),
    ("],[", Counts::Accumulators),
    ("\"Number of Tasks\":", Counts::TasksOfStage),
    ("\"Timestamp\":", Counts::Time),
    ("\"time\":", Counts::Time),
    ("\"Submission Time\":", Counts::Time),
    ("\"Completion Time\":", Counts::Time),
    ("\"Launch Time\":", Counts::Time),
    ("\"Getting Result Time\":", Counts::Time),
    ("\"Finish Time\":", Counts::FinishTime),
    ("\"Executor Run Time\":", Counts::RunTime),
];

/// One event, and where in it the numbers are.
#[derive(Clone, Debug)]
struct Line {
    text: Vec<u8>,
    numbers: Vec<Number>,
}

#[derive(Clone, Copy, Debug)]
struct Number {
    start: usize,
    end: usize,
    value: u64,
    counts: Counts,
}

/// What is added to each number in one copy.
#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    tasks: u64,
    indices: u64,
    stages: u64,
    jobs: u64,
    executions: u64,
    accumulators: u64,
    time: u64,
    /// Times the tasks of a stage.
    wider: u64,
    jitter: u64,
}

impl Line {
    fn new(text: &str) -> Self {
        let text = text.as_bytes().to_vec();
        let mut numbers = Vec::new();
        for (key, counts) in KEYS {
            // Only the updates of driver accumulators are pairs of numbers whose first one is an id.
            if *key == "],[" && memmem::find(&text, b"\"accumUpdates\":").is_none() {
                continue;
            }
            for found in memmem::find_iter(&text, key.as_bytes()) {
                list(&text, found + key.len(), key.ends_with("IDs\":["), *counts, &mut numbers);
            }
        }
        // Parents of a stage are stages, parents of an RDD are RDDs; the former come right before the details.
        for found in memmem::find_iter(&text, b"\"Parent IDs\":[") {
            let start = found + b"\"Parent IDs\":[".len();
            let end = start + memchr::memchr(b']', &text[start..]).unwrap_or(0);
            if text[end..].starts_with(b"],\"Details\"") {
                list(&text, start, true, Counts::Stages, &mut numbers);
            }
        }
        numbers.sort_by_key(|number| number.start);
        Self { text, numbers }
    }

    fn is_of_task(&self) -> bool {
        self.text.starts_with(b"{\"Event\":\"SparkListenerTask")
    }

    /// Whether Spark flushes after this event, which with zstd ends a frame.
    fn is_flushed(&self) -> bool {
        !self.is_of_task() && !self.text.starts_with(b"{\"Event\":\"SparkListenerStageSubmitted")
    }

    fn most(&self, wanted: Counts) -> Option<u64> {
        self.numbers.iter().filter(|number| number.counts == wanted).map(|number| number.value).max()
    }

    fn write(&self, shift: Shift, out: &mut Vec<u8>) {
        let mut done = 0;
        for number in &self.numbers {
            out.extend_from_slice(&self.text[done..number.start]);
            let _ = write!(out, "{}", shift.applied(*number));
            done = number.end;
        }
        out.extend_from_slice(&self.text[done..]);
        out.push(b'\n');
    }
}

/// The number at `at`, and when `all` those after it up to the end of the array.
fn list(text: &[u8], at: usize, all: bool, counts: Counts, numbers: &mut Vec<Number>) {
    let mut start = at;
    loop {
        let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = text[start..start + digits].iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        let is_unset = matches!(counts, Counts::Time | Counts::FinishTime) && value == 0;
        if digits > 0 && !is_unset {
            numbers.push(Number { start, end: start + digits, value, counts });
        }
        start += digits;
        if !all || text[start] != b',' {
            return;
        }
        start += 1;
    }
}

impl Shift {
    fn applied(self, number: Number) -> u64 {
        let value = number.value;
        match number.counts {
            Counts::Tasks => value + self.tasks,
            Counts::Indices => value + self.indices,
            Counts::Stages => value + self.stages,
            Counts::Jobs => value + self.jobs,
            Counts::Executions => value + self.executions,
            Counts::Accumulators => value + self.accumulators,
            Counts::TasksOfStage => value * (1 + self.wider),
            Counts::Time => value + self.time,
            Counts::FinishTime => value + self.time + self.jitter,
            Counts::RunTime => value + self.jitter,
        }
    }
}

/// A recorded log: what comes once before, what is repeated, what comes once after.
#[derive(Debug)]
pub(crate) struct Recording {
    head: Vec<Line>,
    body: Vec<Line>,
    tail: Vec<Line>,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As text.
    Plain,
    /// As Spark writes zstd: level 1, a frame at each flush.
    Zstd,
}

impl Recording {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let mut lines: Vec<_> = text.lines().map(Line::new).collect();
        let starts = |line: &Line| {
            [&b"SQLExecutionStart\""[..], b"SparkListenerJobStart\""]
                .iter()
                .any(|name| memmem::find(&line.text[..line.text.len().min(120)], name).is_some())
        };
        let first = lines.iter().position(starts).ok_or_else(|| io::Error::other("the recording has no job"))?;
        let last = lines.len() - 1;
        let tail = lines.split_off(last);
        let body = lines.split_off(first);
        Ok(Self { head: lines, body, tail })
    }

    /// How many of something the repeated part has.
    fn count(&self, what: Counts) -> u64 {
        self.body.iter().filter_map(|line| line.most(what)).max().map_or(0, |most| most + 1)
    }

    fn span(&self) -> u64 {
        let times = || self.body.iter().flat_map(|line| &line.numbers).filter(|n| n.counts == Counts::Time);
        let first = times().map(|number| number.value).min().unwrap_or(0);
        times().map(|number| number.value).max().unwrap_or(0).saturating_sub(first) + 1
    }

    /// Writes one application in which what was recorded happens `copies` times, each stage having `wide` times the
    /// tasks. Returns how many bytes of text that is.
    pub(crate) fn multiply(&self, path: &Path, form: Form, copies: u64, wide: u64) -> io::Result<u64> {
        let span = self.span();
        let mut out = Writer::new(path, form)?;
        for line in &self.head {
            out.write(line, Shift::default())?;
        }
        for copy in 0..copies {
            let shift = Shift {
                tasks: copy * self.count(Counts::Tasks) * wide,
                stages: copy * self.count(Counts::Stages),
                jobs: copy * self.count(Counts::Jobs),
                executions: copy * self.count(Counts::Executions),
                accumulators: copy * self.count(Counts::Accumulators),
                time: copy * span * wide,
                wider: wide - 1,
                ..Shift::default()
            };
            self.copy(shift, &mut out)?;
        }
        for line in &self.tail {
            out.write(line, Shift { time: copies * span * wide, ..Shift::default() })?;
        }
        out.finish()
    }

    /// Runs of task events are written once for each part of a wider stage, all other events once.
    fn copy(&self, shift: Shift, out: &mut Writer) -> io::Result<()> {
        let (tasks, span) = (self.count(Counts::Tasks), self.span());
        for lines in self.body.chunk_by(|a, b| a.is_of_task() == b.is_of_task()) {
            if !lines[0].is_of_task() {
                let after = Shift { time: shift.time + shift.wider * span, ..shift };
                lines.iter().try_for_each(|line| out.write(line, after))?;
                continue;
            }
            let indices = lines.iter().filter_map(|line| line.most(Counts::Indices)).max().map_or(0, |most| most + 1);
            for part in 0..=shift.wider {
                let of_part = Shift {
                    tasks: shift.tasks + part * tasks,
                    indices: part * indices,
                    time: shift.time + part * span,
                    ..shift
                };
                lines.iter().try_for_each(|line| out.write(line, of_part))?;
            }
        }
        Ok(())
    }

    /// The same application under another id and name.
    pub(crate) fn named(&self, id: &str, name: &str) -> Self {
        let named = |lines: &[Line]| {
            let texts = lines.iter().map(|line| renamed(&line.text, id, name));
            texts.map(|text| Line::new(&String::from_utf8_lossy(&text))).collect()
        };
        Self { head: named(&self.head), body: self.body.clone(), tail: self.tail.clone() }
    }

    /// The same application had it done nothing.
    pub(crate) fn idle(self) -> Self {
        Self { body: Vec::new(), ..self }
    }

    /// Writes what was recorded as another application that ran `ago_ms` earlier.
    pub(crate) fn rename(&self, path: &Path, form: Form, id: &str, name: &str, ago_ms: u64) -> io::Result<()> {
        let mut out = Writer::new(path, form)?;
        for line in self.head.iter().chain(&self.body).chain(&self.tail) {
            let mut text = Vec::with_capacity(line.text.len() + 64);
            line.write(Shift { time: 0u64.wrapping_sub(ago_ms), ..Shift::default() }, &mut text);
            out.text.extend(renamed(&text, id, name));
            out.end_of_event(line.is_flushed())?;
        }
        out.finish().map(drop)
    }
}

/// The text with another application id and name.
fn renamed(text: &[u8], id: &str, name: &str) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(text).into_owned();
    for (key, value) in [("\"App ID\":\"", id), ("\"spark.app.id\":\"", id), ("\"App Name\":\"", name)] {
        if let Some(start) = text.find(key).map(|found| found + key.len())
            && let Some(length) = text[start..].find('"')
        {
            text.replace_range(start..start + length, value);
        }
    }
    text.into_bytes()
}

struct Writer {
    file: Option<BufWriter<File>>,
    frame: Option<Encoder<'static, BufWriter<File>>>,
    form: Form,
    text: Vec<u8>,
    written: u64,
    random: u64,
}

impl Writer {
    fn new(path: &Path, form: Form) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        Ok(Self { file: Some(file), frame: None, form, text: Vec::new(), written: 0, random: 88172645463325252 })
    }

    fn write(&mut self, line: &Line, shift: Shift) -> io::Result<()> {
        // Xorshift: the same log each time.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let jitter = self.random % 50;
        line.write(Shift { jitter, ..shift }, &mut self.text);
        self.end_of_event(line.is_flushed())
    }

    fn end_of_event(&mut self, flushed: bool) -> io::Result<()> {
        if !flushed && self.text.len() < 1 << 18 {
            return Ok(());
        }
        self.written += self.text.len() as u64;
        match (self.form, &mut self.file) {
            (Form::Plain, Some(file)) => file.write_all(&self.text)?,
            _ => self.compress(flushed)?,
        }
        self.text.clear();
        Ok(())
    }

    fn compress(&mut self, end_frame: bool) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            self.frame = Some(Encoder::new(file, 1)?);
        }
        if let Some(mut frame) = self.frame.take() {
            frame.write_all(&self.text)?;
            if end_frame {
                self.file = Some(frame.finish()?);
            } else {
                self.frame = Some(frame);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<u64> {
        self.end_of_event(true)?;
        if let Some(mut file) = self.file {
            file.flush()?;
        }
        Ok(self.written)
    }
}
