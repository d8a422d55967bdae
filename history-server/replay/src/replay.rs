//! A log that is being read: bytes to lines, lines to events, events to what they change.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use history_model::Application;
use history_model::problems::{Problems, StopReason};

use crate::budget::Budget;
use crate::event::{Batch, Event};
use crate::parallel;
use crate::settings::Settings;
use crate::state::State;

/// A log that is being read.
#[derive(Clone, Debug)]
pub struct Replay {
    settings: Settings,
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    /// Whether the rest of an over-long line is being left out.
    skipping: bool,
    /// Lines read so far.
    lines: u64,
    problems: Problems,
    budget: Budget,
    pub(crate) state: State,
}

impl Replay {
    /// The beginning of a log.
    pub fn new(settings: Settings) -> Self {
        let (state, budget) = (State::new(&settings), Budget::new(settings.memory_bytes));
        let problems = Problems::default();
        Self { settings, carry: Vec::new(), skipping: false, lines: 0, problems, budget, state }
    }

    /// Takes the next bytes of the log, which may end anywhere. Large pieces are read on several threads.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.is_stopped() {
            return;
        }
        let mut rest = bytes;
        if !self.carry.is_empty() || self.skipping {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                return self.keep(rest);
            };
            self.keep(&rest[..end]);
            rest = &rest[end + 1..];
            self.end_of_carried_line();
        }
        let Some(end) = memchr::memrchr(b'\n', rest) else {
            return self.keep(rest);
        };
        self.lines(&rest[..=end]);
        self.keep(&rest[end + 1..]);
    }

    /// Takes blocks of the log from `next`, which may end anywhere, until there are none: on as many threads as the settings
    /// say, and one more. One thread at a time calls `next`.
    ///
    /// # Errors
    /// What a thread panicked with. What comes before is part of the replay, which may be finished, but not be fed again.
    pub fn feed_all<B: Deref<Target = [u8]> + Send>(
        &mut self,
        mut next: impl FnMut() -> Option<B> + Send,
    ) -> std::thread::Result<()> {
        // Most logs are one block, and need no threads.
        let mut first = true;
        let mut second = catch_unwind(AssertUnwindSafe(|| {
            while let Some(block) = next() {
                if !std::mem::take(&mut first) {
                    return Some(block);
                }
                self.feed(&block);
            }
            None
        }))?;
        if second.is_none() {
            return Ok(());
        }
        let Settings { threads, max_line_bytes, .. } = self.settings;
        parallel::in_order(
            threads,
            max_line_bytes,
            || second.take().or_else(&mut next),
            |block, end, batch| {
                self.block(block, end, batch);
                !self.is_stopped()
            },
        )
    }

    /// Takes a block whose whole lines, up to `end`, have been read.
    fn block(&mut self, block: &[u8], end: usize, batch: Batch<'_>) {
        if self.carry.is_empty() && !self.skipping {
            self.apply(batch);
            self.keep(&block[end..]);
        } else {
            // Its first line began before.
            self.feed(block);
        }
    }

    /// Keeps the beginning of a line, unless it gets too long.
    fn keep(&mut self, bytes: &[u8]) {
        if self.skipping {
            return;
        }
        if self.carry.len() + bytes.len() > self.settings.max_line_bytes {
            self.carry = Vec::new();
            self.skipping = true;
        } else {
            self.carry.extend_from_slice(bytes);
        }
    }

    fn end_of_carried_line(&mut self) {
        if std::mem::take(&mut self.skipping) {
            self.lines += 1;
            self.problems.long_lines += 1;
            return;
        }
        let carry = std::mem::take(&mut self.carry);
        let batch = Batch::read(&carry, self.settings.max_line_bytes);
        self.apply(batch);
    }

    /// Takes whole lines.
    fn lines(&mut self, bytes: &[u8]) {
        let Settings { threads, piece_bytes, max_line_bytes, .. } = self.settings;
        let mut pieces = parallel::pieces(bytes, piece_bytes);
        if threads > 1 && bytes.len() > piece_bytes.saturating_mul(2) {
            let done = parallel::in_order(
                threads,
                max_line_bytes,
                || pieces.next(),
                |_, _, batch| {
                    self.apply(batch);
                    !self.is_stopped()
                },
            );
            return done.unwrap_or_else(|panicked| resume_unwind(panicked));
        }
        for piece in pieces {
            let batch = Batch::read(piece, max_line_bytes);
            self.apply(batch);
        }
    }

    /// Whether reading was given up: more need not be fed. What came before is in the model, with the reason.
    pub fn is_stopped(&self) -> bool {
        self.problems.stopped.is_some()
    }

    /// Takes what was read. Never panics: where this program fails, it goes no further.
    fn apply(&mut self, batch: Batch<'_>) {
        if self.is_stopped() {
            return;
        }
        let (lines, text_bytes, kept_bytes) = (self.lines, batch.text_bytes, batch.kept_bytes);
        if catch_unwind(AssertUnwindSafe(|| self.apply_events(batch))).is_err() {
            self.problems.stop(lines, StopReason::Fault);
        } else if !self.budget.take(text_bytes, kept_bytes, &self.state) {
            self.problems.stop(self.lines, StopReason::Memory);
        }
    }

    fn apply_events(&mut self, batch: Batch<'_>) {
        let Batch { events, task_starts, task_ends, updates, lines, long_lines, bad_lines, faults, .. } = batch;
        self.problems.long_lines += long_lines;
        self.problems.faults += faults;
        bad_lines.iter().for_each(|line| self.problems.bad_line(self.lines + line));
        let before = self.lines;
        self.lines += lines;
        for event in events {
            match event {
                Event::TaskStart(at) => self.state.task_start(&task_starts[at]),
                Event::TaskEnd(at) => {
                    let end = &task_ends[at];
                    self.state.task_end(end, &updates[end.info.updates.clone()]);
                }
                #[cfg(test)]
                Event::Unknown(unknown) if unknown.name == crate::tests::FAILS_TO_BE_APPLIED => {
                    panic!("an event that this program fails at")
                }
                Event::Unknown(unknown) => {
                    self.problems.unknown_event(&unknown.name);
                    let line = before + unknown.line;
                    self.problems.other_events_left_out += u64::from(!self.state.other_events.add(*unknown, line));
                }
                other => self.state.apply(other),
            }
        }
    }

    /// What could not be read so far.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The application as the log tells it so far. `last_updated` is when the log last changed, in milliseconds since the epoch: until
    /// then tasks without an end have run. More may be fed afterwards.
    pub fn snapshot(&self, last_updated: i64) -> Application {
        self.clone().finish(last_updated)
    }

    /// The application as the whole log tells it; see [`Replay::snapshot`].
    pub fn finish(mut self, last_updated: i64) -> Application {
        if self.skipping {
            self.problems.long_lines += 1;
        } else if !self.carry.is_empty() {
            let carry = std::mem::take(&mut self.carry);
            let batch = Batch::read(&carry, self.settings.max_line_bytes);
            if batch.bad_lines.is_empty() {
                self.apply(batch);
            } else {
                self.problems.truncated = true;
            }
        }
        let (attempt, environment) = (self.state.attempt.clone(), self.state.environment.clone());
        let (state, lines) = (self.state, self.lines);
        let finished = catch_unwind(AssertUnwindSafe(|| state.finish(last_updated)));
        let mut application = finished.unwrap_or_else(|_| {
            self.problems.stop(lines, StopReason::Fault);
            Application { attempt, environment, ..Application::default() }
        });
        application.problems = self.problems;
        application
    }
}

impl State {
    fn apply(&mut self, event: Event) {
        match event {
            Event::LogStart(event) => self.spark_version = event.spark_version.unwrap_or_default(),
            Event::ApplicationStart(event) => self.application_start(event),
            Event::ApplicationEnd(event) => self.application_end(&event),
            Event::EnvironmentUpdate(event) => self.environment_update(*event),
            Event::ResourceProfileAdded(event) => self.resource_profile_added(event),
            Event::MiscellaneousProcessAdded(event) => self.process_added(event),
            Event::JobStart(event) => {
                self.sql.job_start(&event);
                self.services.job_start(&event);
                self.job_start(*event);
            }
            Event::JobEnd(event) => {
                self.job_end(&event);
                self.sql.job_end(&event);
            }
            Event::StageSubmitted(event) => {
                self.sql.stage_submitted(event.info.key());
                self.stage_submitted(*event);
            }
            Event::StageCompleted(event) => self.stage_completed(event.info),
            Event::ExecutorAdded(event) => self.executor_added(*event),
            Event::ExecutorRemoved(event) => self.executor_removed(event),
            Event::BlockManagerAdded(event) => self.block_manager_added(&event),
            Event::BlockManagerRemoved(event) => self.block_manager_removed(event),
            Event::UnpersistRdd(event) => self.unpersist_rdd(event.rdd_id.as_i32()),
            Event::ExecutorMetricsUpdate(event) => self.heartbeat(&event),
            Event::StageExecutorMetrics(event) => self.stage_executor_metrics(&event),
            Event::BlockUpdated(event) => self.block_updated(&event.info),
            Event::Exclusion(event) => self.exclusion(event.0, event.1),
            Event::SqlStart(event) => {
                self.services.sql_start(&event);
                self.sql.start(*event);
            }
            Event::SqlEnd(event) => self.sql.end(event),
            Event::SqlAdaptiveUpdate(event) => self.sql.adaptive_update(*event),
            Event::SqlMetricUpdates(event) => self.sql.metric_updates(event),
            Event::SqlDriverUpdates(event) => self.sql.driver_updates(event),
            Event::Streaming(event) => self.services.streaming.apply(*event),
            Event::Connect(event) => self.services.connect.apply(event),
            Event::Thrift(event) => self.services.thrift.apply(event),
            Event::TaskStart(_) | Event::TaskEnd(_) | Event::Unknown(_) => {}
        }
    }
}
