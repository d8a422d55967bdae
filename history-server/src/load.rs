//! From a log in a store to an opened application. Blocks, and uses several threads: never on the async runtime.

use storage::Store;
use tokio::runtime::Handle;

use crate::event_log::{Checkpoint, EventLog, LineBlocks, Problem, ReadOptions};
use crate::opened::Growing;
use crate::progress::Meter;
use history_model::Application;
use history_replay::{Replay, Settings};

/// What a thread of the replay takes at a time: some hundred events. A few of them are held at once.
const BLOCK_BYTES: usize = 1024 * 1024;

/// What a log amounts to, and how to go on with it if it grows.
pub(crate) struct Replayed {
    pub(crate) model: Application,
    pub(crate) problems: Vec<Problem>,
    pub(crate) growing: Option<Box<Growing>>,
    pub(crate) text_bytes: u64,
    /// How often this program failed on the log. What is there then is not all that the log says.
    pub(crate) faults: u64,
}

/// Replays `log`, going on from `before` where that is of the same log, and tells `meter` how far it is.
///
/// # Errors
/// A failure of the store.
pub(crate) fn replay(
    store: &Store,
    log: &EventLog,
    settings: &Settings,
    updated_millis: i64,
    before: Option<Box<Growing>>,
    runtime: &Handle,
    meter: &Meter,
) -> storage::Result<Replayed> {
    let options = ReadOptions { max_line_bytes: settings.max_line_bytes, block_bytes: BLOCK_BYTES };
    let resumed = before.and_then(|before| {
        let blocks = LineBlocks::resume(store, log, &before.checkpoint, runtime.clone(), options)?;
        Some((before.replay, blocks))
    });
    let (mut replay, mut blocks) = resumed
        .unwrap_or_else(|| (Replay::new(settings.clone()), LineBlocks::new(store, log, runtime.clone(), options)));
    blocks.tell(meter);
    let mut failed = None;
    let read = replay.feed_all(|| match blocks.next_block() {
        Ok(block) => block,
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut problems = problems(&blocks);
    // What a reader that has panicked would give next is anybody's guess: nothing goes on from there.
    let broke_off = read.is_err();
    if broke_off {
        let message = "this server failed to read on, its own log says why; what comes before is shown".to_owned();
        problems.push(Problem { file: log.name.clone(), message });
    }
    let text_bytes = blocks.text_bytes();
    if log.complete || broke_off || replay.is_stopped() {
        let model = replay.finish(updated_millis);
        let faults = model.problems.fault_count() + u64::from(broke_off);
        return Ok(Replayed { model, problems, growing: None, text_bytes, faults });
    }
    let model = replay.snapshot(updated_millis);
    let faults = model.problems.fault_count();
    let growing = blocks.checkpoint().map(|checkpoint: Checkpoint| Box::new(Growing { replay, checkpoint }));
    Ok(Replayed { model, problems, growing, text_bytes, faults })
}

fn problems(blocks: &LineBlocks) -> Vec<Problem> {
    let mut problems = blocks.problems();
    if blocks.lines_too_long() > 0 {
        let message = format!("{} lines are longer than allowed and were left out", blocks.lines_too_long());
        problems.push(Problem { file: String::new(), message });
    }
    problems
}
