//! How much memory a replay takes, about: so that no log takes all of it.

use history_model::{Job, RddNode, Stage};

use crate::state::State;

/// What is held of each, about, in bytes; without what is counted by itself.
const TASK: usize = 600;
const STAGE: usize = 4096;
const STAGE_EXECUTOR: usize = 900;
const EXECUTOR: usize = 3072;
const PARTITION: usize = 400;
const STREAM_BLOCK: usize = 500;
const EXECUTOR_EVENT: usize = 400;

/// More text makes the state grow by no more than so many times its length, before that is looked at again.
const GROWTH: usize = 64;
/// That is never looked at more often than after so much text.
const LEAST_TEXT_BYTES: usize = 1 << 20;

/// What a replay may take, and what it has taken.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    limit_bytes: usize,
    /// What was kept of events that are kept as they are.
    kept_bytes: usize,
    /// How much text may be read before all is counted again.
    text_left: usize,
}

impl Budget {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, kept_bytes: 0, text_left: (limit_bytes / GROWTH).max(LEAST_TEXT_BYTES) }
    }

    /// Notes what was read; whether there is still room.
    pub(crate) fn take(&mut self, text_bytes: usize, kept_bytes: usize, state: &State) -> bool {
        self.kept_bytes = self.kept_bytes.saturating_add(kept_bytes);
        self.text_left = self.text_left.saturating_sub(text_bytes);
        if self.kept_bytes <= self.limit_bytes && self.text_left > 0 {
            return true;
        }
        let left = self.limit_bytes.checked_sub(self.kept_bytes.saturating_add(state.size_bytes()));
        self.text_left = left.map_or(0, |left| (left / GROWTH).max(LEAST_TEXT_BYTES));
        left.is_some()
    }
}

impl State {
    /// Bytes of memory that is taken, about, but for texts of events that are kept as they are.
    fn size_bytes(&self) -> usize {
        let tables = self.tables.strings.size_bytes()
            + self
                .tables
                .stages
                .values()
                .map(|table| table.size_bytes() + table.accumulables.len() * 96)
                .sum::<usize>();
        let stages: usize = self
            .live_stages
            .values()
            .map(|stage| {
                let executors = stage.executors.len() * STAGE_EXECUTOR;
                executors + stage.completed_indices.size_bytes() + stage.info.size_bytes()
            })
            .sum();
        let executors: usize = self.stage_executors.values().map(|executors| executors.len() * STAGE_EXECUTOR).sum();
        let rdds: usize = self.rdds.values().map(|rdd| rdd.part_count() * PARTITION).sum();
        let graphs: usize = self.rdd_graphs.values().flatten().map(RddNode::size_bytes).sum();
        let jobs: usize = self.jobs.values().map(Job::size_bytes).sum();
        let written: usize = self.stages.values().map(Stage::size_bytes).sum();
        let counted = [
            (self.live_tasks.len(), TASK),
            (self.live_stages.len() + self.tables.stages.len(), STAGE),
            (self.live_executors.len() + self.dead_executors.len() + self.executors.len(), EXECUTOR),
            (self.rdds.len(), PARTITION),
            (self.stream_blocks.len(), STREAM_BLOCK),
            (self.executor_events.len(), EXECUTOR_EVENT),
        ];
        let counted: usize = counted.into_iter().map(|(count, each)| count * each).sum();
        let peaks: usize = self.tables.peaks.values().map(|peaks| peaks.size_bytes()).sum();
        let held = peaks
            + self.other_events.size_bytes()
            + self.all_jobs.size_bytes()
            + self.sql.size_bytes()
            + self.services.streaming.size_bytes();
        tables + stages + executors + rdds + graphs + jobs + written + counted + held
    }
}
