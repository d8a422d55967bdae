use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::ops::Range;
use std::sync::Arc;

use storage::Store;
use uuid::Uuid;

use super::decode::{Chunk, decode, decode_events, decode_peaks};
use super::place::{OTHER_EVENTS, TASK_ACCUMULATORS, TASK_PEAKS, TASKS, holding};
use super::recent::{RecentOf, RecentStages};
use super::rows::{StageKey, StageRows};
use super::{FORMAT, Folder, Identity, Places, StoredHead, StoredModel, write};
use crate::event_log::Problem;
use history_model::Application;
use history_model::other_events::OtherEvent;
use history_model::strings::Strings;
use history_model::task_peaks::TaskPeaks;
use history_model::tasks::TaskTable;

/// Larger models are replayed instead.
const MAX_MODEL_BYTES: u64 = 1024 * 1024 * 1024;
const MAX_MODEL_TEXT_BYTES: u64 = 8 * MAX_MODEL_BYTES;

/// A stored application, without its tasks.
pub(crate) struct Loaded {
    pub(crate) model: Application,
    pub(crate) problems: Vec<Problem>,
    pub(crate) tasks: StoredTasks,
    /// Length of the model as text, from which its size in memory is guessed.
    pub(crate) text_bytes: u64,
}

/// What is stored, if it is of this very log and in this format.
///
/// # Errors
/// A failure of the store.
pub(crate) async fn load(
    store: &Store,
    folder: &Folder,
    identity: &Identity,
    recent: &RecentStages,
) -> storage::Result<Option<Loaded>> {
    let bytes = match store.get(&folder.model()?, MAX_MODEL_BYTES).await {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let wanted = identity.clone();
    let parsed = tokio::task::spawn_blocking(move || parse(&bytes, &wanted)).await.ok().flatten();
    let Some((mut stored, generation, text_bytes)) = parsed else { return Ok(None) };
    for executor in &mut stored.model.executors {
        if let Some(links) = stored.logged_links.remove(&executor.id) {
            executor.executor_logs = links;
        }
    }
    let tasks = StoredTasks {
        store: store.clone(),
        folder: folder.clone(),
        identity: identity.clone(),
        generation,
        strings: Arc::new(stored.strings.into()),
        stages: stored.stages.into_iter().map(|rows| (rows.stage, rows)).collect(),
        other_events: stored.other_events,
        places: stored.places,
        recent: recent.of_application(),
    };
    Ok(Some(Loaded { model: stored.model, problems: stored.problems, tasks, text_bytes }))
}

fn parse(bytes: &[u8], wanted: &Identity) -> Option<(StoredModel, Uuid, u64)> {
    let mut text = BufReader::new(zstd::Decoder::with_buffer(bytes).ok()?.take(MAX_MODEL_TEXT_BYTES));
    let mut line = Vec::new();
    text.read_until(b'\n', &mut line).ok()?;
    let head: StoredHead = serde_json::from_slice(&line).ok()?;
    if head.format != FORMAT || head.identity != *wanted {
        return None;
    }
    line.clear();
    text.read_to_end(&mut line).ok()?;
    Some((serde_json::from_slice(&line).ok()?, head.generation, line.len() as u64))
}

/// The tasks of a stored application. Those of a stage attempt are read when they are asked for.
#[derive(Debug)]
pub(crate) struct StoredTasks {
    store: Store,
    folder: Folder,
    identity: Identity,
    generation: Uuid,
    pub(crate) strings: Arc<Strings>,
    stages: HashMap<StageKey, StageRows>,
    other_events: usize,
    places: Places,
    recent: RecentOf,
}

impl StoredTasks {
    /// The rows of a stage attempt.
    ///
    /// # Errors
    /// A failure of the store; [`storage::Error::Corrupt`] when the table is not the one that the model is of.
    pub(crate) async fn stage(&self, stage: StageKey) -> storage::Result<Option<Arc<TaskTable>>> {
        let Some(rows) = self.stages.get(&stage) else { return Ok(None) };
        let held = self.recent.get(stage);
        if held.is_some() {
            return Ok(held);
        }
        let (tasks, accumulators) = tokio::try_join!(
            self.chunks(TASKS, rows.tasks.clone()),
            self.chunks(TASK_ACCUMULATORS, rows.accumulators.clone()),
        )?;
        let strings = Arc::clone(&self.strings);
        let table = Arc::new(self.decoded(move || decode(&tasks, &accumulators, &strings)).await?);
        self.recent.insert(stage, Arc::clone(&table));
        Ok(Some(table))
    }

    /// What the executors of a stage attempt's tasks measured.
    ///
    /// # Errors
    /// As [`StoredTasks::stage`].
    pub(crate) async fn peaks(&self, stage: StageKey) -> storage::Result<Option<Arc<TaskPeaks>>> {
        let Some(rows) = self.stages.get(&stage).map(|rows| rows.peaks.clone()).filter(|rows| !rows.is_empty()) else {
            return Ok(None);
        };
        let chunks = self.chunks(TASK_PEAKS, rows).await?;
        self.decoded(move || decode_peaks(&chunks)).await.map(|peaks| Some(Arc::new(peaks)))
    }

    /// The events of a name that nobody here reads, in order.
    ///
    /// # Errors
    /// As [`StoredTasks::stage`].
    pub(crate) async fn other_events(&self, name: &str) -> storage::Result<Vec<OtherEvent>> {
        if self.other_events == 0 {
            return Ok(Vec::new());
        }
        let chunks = self.chunks(OTHER_EVENTS, 0..self.other_events).await?;
        let name: Arc<str> = name.into();
        self.decoded(move || decode_events(&chunks, &name)).await
    }

    async fn decoded<T: Send + 'static>(
        &self,
        decode: impl FnOnce() -> parquet::errors::Result<T> + Send + 'static,
    ) -> storage::Result<T> {
        let corrupt = |reason: String| storage::Error::Corrupt { path: self.folder.0.clone(), reason };
        let decoded = tokio::task::spawn_blocking(decode).await.map_err(|e| corrupt(e.to_string()))?;
        decoded.map_err(|e| corrupt(e.to_string()))
    }

    /// The row groups in which `rows` of a table are.
    async fn chunks(&self, table: &str, rows: Range<usize>) -> storage::Result<Vec<Chunk>> {
        let path = self.folder.table(table)?;
        let corrupt = |reason: String| storage::Error::Corrupt { path: path.clone(), reason };
        let mut chunks = Vec::new();
        for place in holding(self.places.get(table).map_or(&[], Vec::as_slice), &rows) {
            let bytes = self.store.get_range(&path, place.bytes.clone()).await?;
            let (group, said) = place.group(&bytes).map_err(|e| corrupt(e.to_string()))?;
            if !write::identity(&self.identity, self.generation).iter().all(|wanted| said.contains(wanted)) {
                return Err(corrupt("it is of another log, of another writing, or of another format".to_owned()));
            }
            let (from, to) = (rows.start.max(place.rows.start), rows.end.min(place.rows.end));
            let rows = from - place.rows.start..to - place.rows.start;
            chunks.push(Chunk { group, start: place.bytes.start, bytes, rows });
        }
        let found: usize = chunks.iter().map(|chunk| chunk.rows.len()).sum();
        if found != rows.len() {
            return Err(corrupt(format!("{found} of {} rows are in it", rows.len())));
        }
        Ok(chunks)
    }
}
