//! The metrics of SQL plans: what tasks and the driver reported, as the text that Spark shows.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};

use crate::event::task::Update;
use history_model::format;
use history_model::plan::{MetricTask, MetricValue, SqlMetric};

use crate::cells::Cells;
use crate::live::{IndexSet, StageKey};

/// The metrics of an execution, by accumulator.
pub(crate) type Kinds = HashMap<i64, Kind>;

/// How values are added up and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sum,
    Size,
    Timing,
    NanoTiming,
    Average,
    /// The class that adds it up is not part of Spark.
    Custom,
    Other,
}

impl Kind {
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "sum" => Self::Sum,
            "size" => Self::Size,
            "timing" => Self::Timing,
            "nsTiming" => Self::NanoTiming,
            "average" => Self::Average,
            name if name.starts_with("v2Custom_") => Self::Custom,
            _ => Self::Other,
        }
    }

    /// Whether a value counts.
    fn takes(self, value: i64) -> bool {
        match self {
            Self::Sum | Self::Custom => true,
            Self::Average => value > 0,
            Self::Size | Self::Timing | Self::NanoTiming | Self::Other => value >= 0,
        }
    }

    /// What these values amount to, with so many places of which nothing was reported: they count as 0.
    fn measure(self, mut values: Vec<i64>, zeros: usize, max_task: Option<MetricTask>) -> MetricValue {
        values.retain(|value| self.takes(*value));
        let zeros = if self.takes(0) { zeros } else { 0 };
        let count = values.len() + zeros;
        if count == 0 {
            return MetricValue::default();
        }
        let sum = values.iter().fold(0i64, |sum, value| sum.wrapping_add(*value));
        let [min, median, max] = spread(&mut values, zeros);
        MetricValue { count: count as i64, sum, min, median, max, max_task }
    }

    /// The same as Spark says it.
    fn text(self, value: &MetricValue) -> String {
        let place = || match value.max_task {
            Some(MetricTask { stage_id, stage_attempt_id, task_id }) => {
                format!("(stage {stage_id}.{stage_attempt_id}: task {task_id})")
            }
            None => "(driver)".to_owned(),
        };
        let three = |text: &dyn Fn(i64) -> String| [value.min, value.median, value.max].map(text).join(", ");
        match self {
            Self::Sum => format::grouped(value.sum),
            Self::Custom => "N/A".to_owned(),
            Self::Average if value.count <= 1 => format::grouped_tenths(value.sum),
            Self::Average => {
                format!("(min, med, max (stageId: taskId)):\n({} {})", three(&format::grouped_tenths), place())
            }
            _ if value.count <= 1 => self.one(value.sum),
            _ => {
                let (sum, spread) = (self.one(value.sum), three(&|value| self.one(value)));
                format!("total (min, med, max (stageId: taskId))\n{sum} ({spread} {})", place())
            }
        }
    }

    fn one(self, value: i64) -> String {
        match self {
            Self::Size => format::bytes(value),
            Self::Timing => format::duration(value),
            Self::NanoTiming => format::duration(value / 1_000_000),
            Self::Sum | Self::Average | Self::Custom | Self::Other => format!("[unknown] {}", format::grouped(value)),
        }
    }
}

/// The lowest, the middle and the highest of some values and so many zeros; of one at least.
fn spread(values: &mut [i64], zeros: usize) -> [i64; 3] {
    let middle = (values.len() + zeros) / 2;
    let below = values.iter().filter(|value| **value < 0).count();
    let median = match middle {
        at if at < below => *values.select_nth_unstable(at).1,
        at if at < below + zeros => 0,
        at => *values.select_nth_unstable(at - zeros).1,
    };
    let zero = (zeros > 0).then_some(0);
    let min = values.iter().copied().chain(zero).min().unwrap_or(median);
    let max = values.iter().copied().chain(zero).max().unwrap_or(median);
    [min, median, max]
}

#[derive(Clone, Debug)]
struct MetricCells {
    id: i64,
    cells: Cells,
    /// The highest value and its task.
    highest: Option<(i64, i64)>,
}

/// The most tasks that a stage is believed to have, so that a damaged log does not take all memory.
const MAX_TASKS: i32 = 1 << 24;

/// What the tasks of a stage attempt reported.
#[derive(Clone, Debug)]
pub(crate) struct StageMetrics {
    pub(crate) key: StageKey,
    pub(crate) num_tasks: i32,
    /// Which of the execution's lists names its metrics.
    pub(crate) kinds: usize,
    /// No other has this number: tasks belong to those metrics under which they were started.
    pub(crate) generation: u32,
    /// The places of tasks that ended without success, by id: a late heartbeat of theirs still counts.
    failed: HashMap<i64, i32>,
    completed: IndexSet,
    metrics: Vec<MetricCells>,
    places: HashMap<i64, usize>,
    /// The metrics that the last task reported, in its order: the next one will report the same.
    usual: Vec<(i64, Option<usize>)>,
    /// How many metrics the execution had when `usual` was made; more may have come since.
    usual_of: usize,
}

impl StageMetrics {
    pub(crate) fn new(key: StageKey, num_tasks: i32, kinds: usize, generation: u32) -> Self {
        Self {
            key,
            num_tasks: num_tasks.clamp(0, MAX_TASKS),
            kinds,
            generation,
            failed: HashMap::new(),
            completed: IndexSet::default(),
            metrics: Vec::new(),
            places: HashMap::new(),
            usual: Vec::new(),
            usual_of: 0,
        }
    }

    pub(crate) fn task_end(&mut self, kinds: &Kinds, task_id: i64, index: i32, updates: &[Update], succeeded: bool) {
        if self.completed.contains(index) {
            return;
        }
        if !succeeded {
            self.failed.insert(task_id, index);
        }
        if self.report(kinds, task_id, index, updates) && succeeded {
            self.completed.insert(index);
        }
    }

    /// What a task says before its end. `index` is its place, where it was started under these metrics.
    pub(crate) fn progress(&mut self, kinds: &Kinds, task_id: i64, index: Option<i32>, updates: &[Update]) {
        let place = index.or_else(|| self.failed.get(&task_id).copied());
        let Some(index) = place.filter(|index| !self.completed.contains(*index)) else { return };
        self.report(kinds, task_id, index, updates);
    }

    /// Takes over what a task reported; `false` where the stage has no such place.
    fn report(&mut self, kinds: &Kinds, task_id: i64, index: i32, updates: &[Update]) -> bool {
        if self.usual_of != kinds.len() {
            self.usual.clear();
            self.usual_of = kinds.len();
        }
        for (at, update) in updates.iter().enumerate() {
            let place = match self.usual.get(at) {
                Some((id, place)) if *id == update.id => *place,
                _ => {
                    let place = self.place(kinds, update.id);
                    self.usual.truncate(at);
                    self.usual.push((update.id, place));
                    place
                }
            };
            let Some(place) = place else { continue };
            // Spark stumbles over a place that the stage does not have, and counts no more of this task.
            if index < 0 || index >= self.num_tasks {
                return false;
            }
            self.metrics[place].report(index as usize, task_id, update.value);
        }
        true
    }

    fn place(&mut self, kinds: &Kinds, id: i64) -> Option<usize> {
        kinds.get(&id)?;
        if let Some(place) = self.places.get(&id) {
            return Some(*place);
        }
        let cells = Cells::new(self.num_tasks as usize);
        self.metrics.push(MetricCells { id, cells, highest: None });
        self.places.insert(id, self.metrics.len() - 1);
        Some(self.metrics.len() - 1)
    }
}

impl StageMetrics {
    /// Bytes of memory that it takes, about.
    pub(crate) fn size_bytes(&self) -> usize {
        let cells: usize = self.metrics.iter().map(|metric| metric.cells.size_bytes() + 128).sum();
        512 + cells + self.completed.size_bytes() + self.failed.len() * 24
    }
}

impl MetricCells {
    fn report(&mut self, at: usize, task_id: i64, value: i64) {
        self.cells.set(at, value);
        if self.highest.is_none_or(|(highest, _)| value > highest) {
            self.highest = Some((value, task_id));
        }
    }
}

/// What the metrics of an execution amount to, by accumulator: as Spark says it, and as numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) texts: BTreeMap<i64, String>,
    pub(crate) numbers: BTreeMap<i64, MetricValue>,
    /// The stages whose tasks reported each.
    pub(crate) stages: BTreeMap<i64, Vec<i32>>,
}

/// The metrics of an execution, from all its stages.
pub(crate) struct Aggregate<'a> {
    /// The kinds by accumulator; the last one named counts.
    kinds: BTreeMap<i64, Kind>,
    values: BTreeMap<i64, Vec<&'a MetricCells>>,
    stages: BTreeMap<i64, Vec<i32>>,
    /// The highest value of each metric, with stage, attempt and task.
    highest: BTreeMap<i64, (i64, StageKey, i64)>,
}

impl<'a> Aggregate<'a> {
    pub(crate) fn new(metrics: &[SqlMetric], stages: impl Iterator<Item = &'a StageMetrics>) -> Self {
        let kinds = metrics.iter().map(|metric| (metric.accumulator_id, Kind::of(&metric.metric_type))).collect();
        let mut aggregate = Self { kinds, values: BTreeMap::new(), stages: BTreeMap::new(), highest: BTreeMap::new() };
        for stage in stages {
            for metric in &stage.metrics {
                aggregate.add(stage.key, metric);
            }
        }
        aggregate
    }

    fn add(&mut self, stage: StageKey, metric: &'a MetricCells) {
        if !self.kinds.contains_key(&metric.id) {
            return;
        }
        self.values.entry(metric.id).or_default().push(metric);
        self.stages.entry(metric.id).or_default().push(stage.0);
        if let Some((value, task)) = metric.highest {
            let highest = self.highest.entry(metric.id).or_insert((value, stage, task));
            if value > highest.0 {
                *highest = (value, stage, task);
            }
        }
    }

    /// What each metric that has a value amounts to.
    pub(crate) fn values(mut self, driver: &[Update]) -> Measured {
        let mut of_driver: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for update in driver.iter().filter(|update| self.kinds.contains_key(&update.id)) {
            let known = self.values.contains_key(&update.id) || of_driver.contains_key(&update.id);
            // The highest value is the driver's own.
            if known && self.highest.get(&update.id).is_some_and(|highest| update.value > highest.0) {
                self.highest.remove(&update.id);
            }
            of_driver.entry(update.id).or_default().push(update.value);
        }
        let mut measured = Measured { stages: std::mem::take(&mut self.stages), ..Measured::default() };
        for (id, kind) in &self.kinds {
            let (stages, driver) = (self.values.get(id), of_driver.get(id));
            if stages.is_none() && driver.is_none() {
                continue;
            }
            let mut all = Vec::new();
            let zeros = stages.into_iter().flatten().map(|metric| metric.cells.extend_into(&mut all)).sum();
            all.extend(driver.into_iter().flatten());
            let value = kind.measure(all, zeros, self.task_of_highest(*id));
            measured.texts.insert(*id, kind.text(&value));
            measured.numbers.insert(*id, value);
        }
        measured
    }

    fn task_of_highest(&self, id: i64) -> Option<MetricTask> {
        let (_, (stage_id, stage_attempt_id), task_id) = *self.highest.get(&id)?;
        Some(MetricTask { stage_id, stage_attempt_id, task_id })
    }
}
