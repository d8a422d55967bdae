//! The metrics of SQL plans: what tasks and the driver reported, as the text that Spark shows.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};

use crate::event::task::Update;
use history_model::format;
use history_model::plan::SqlMetric;

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

    /// The text of these values; `place` tells where the highest comes from.
    fn text(self, values: Values, place: &str) -> String {
        match self {
            Self::Sum => format::grouped(values.iter().fold(0i64, |sum, value| sum.wrapping_add(value))),
            Self::Custom => "N/A".to_owned(),
            Self::Average => average(values, place),
            Self::Size | Self::Timing | Self::NanoTiming | Self::Other => self.spread(values, place),
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

    fn spread(self, values: Values, place: &str) -> String {
        let mut valid: Vec<_> = values.iter().filter(|value| *value >= 0).collect();
        if valid.len() <= 1 {
            return self.one(valid.first().copied().unwrap_or(0));
        }
        let sum = valid.iter().fold(0i64, |sum, value| sum.wrapping_add(*value));
        let [min, median, max] = spread(&mut valid).map(|value| self.one(value));
        format!("total (min, med, max (stageId: taskId))\n{} ({min}, {median}, {max} {place})", self.one(sum))
    }
}

fn average(values: Values, place: &str) -> String {
    let mut valid: Vec<_> = values.iter().filter(|value| *value > 0).collect();
    if valid.len() <= 1 {
        return format::grouped_tenths(valid.first().copied().unwrap_or(0));
    }
    let [min, median, max] = spread(&mut valid).map(format::grouped_tenths);
    format!("(min, med, max (stageId: taskId)):\n({min}, {median}, {max} {place})")
}

/// The lowest, the middle and the highest value.
fn spread(values: &mut [i64]) -> [i64; 3] {
    let middle = values.len() / 2;
    let (below, median, above) = values.select_nth_unstable(middle);
    let median = *median;
    let min = below.iter().copied().min().unwrap_or(median);
    let max = above.iter().copied().max().unwrap_or(median);
    [min, median, max]
}

/// A value for each place of a stage, 0 until it is reported; four bytes each unless one needs more.
#[derive(Clone, Debug)]
enum Cells {
    Narrow(Vec<i32>),
    Wide(Vec<i64>),
}

impl Cells {
    fn set(&mut self, at: usize, value: i64) {
        match self {
            Self::Narrow(cells) => match i32::try_from(value) {
                Ok(value) => cells[at] = value,
                Err(_) => {
                    let mut wide: Vec<_> = cells.iter().copied().map(i64::from).collect();
                    wide[at] = value;
                    *self = Self::Wide(wide);
                }
            },
            Self::Wide(cells) => cells[at] = value,
        }
    }

    fn extend_into(&self, all: &mut Vec<i64>) {
        match self {
            Self::Narrow(cells) => all.extend(cells.iter().copied().map(i64::from)),
            Self::Wide(cells) => all.extend(cells),
        }
    }
}

/// All values of one metric.
struct Values(Vec<i64>);

impl Values {
    fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().copied()
    }
}

#[derive(Clone, Debug)]
struct MetricCells {
    id: i64,
    cells: Cells,
    /// The highest value and its task, for metrics that show it.
    highest: Option<(i64, i64)>,
    keeps_highest: bool,
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
        let kind = *kinds.get(&id)?;
        if let Some(place) = self.places.get(&id) {
            return Some(*place);
        }
        let cells = Cells::Narrow(vec![0; self.num_tasks as usize]);
        self.metrics.push(MetricCells { id, cells, highest: None, keeps_highest: kind != Kind::Sum });
        self.places.insert(id, self.metrics.len() - 1);
        Some(self.metrics.len() - 1)
    }
}

impl MetricCells {
    fn report(&mut self, at: usize, task_id: i64, value: i64) {
        self.cells.set(at, value);
        if self.keeps_highest && self.highest.is_none_or(|(highest, _)| value > highest) {
            self.highest = Some((value, task_id));
        }
    }
}

/// The metrics of an execution, from all its stages.
pub(crate) struct Aggregate<'a> {
    /// The kinds by accumulator; the last one named counts.
    kinds: BTreeMap<i64, Kind>,
    values: BTreeMap<i64, Vec<&'a MetricCells>>,
    /// The highest value of each metric, with stage, attempt and task.
    highest: BTreeMap<i64, (i64, StageKey, i64)>,
}

impl<'a> Aggregate<'a> {
    pub(crate) fn new(metrics: &[SqlMetric], stages: impl Iterator<Item = &'a StageMetrics>) -> Self {
        let kinds = metrics.iter().map(|metric| (metric.accumulator_id, Kind::of(&metric.metric_type))).collect();
        let mut aggregate = Self { kinds, values: BTreeMap::new(), highest: BTreeMap::new() };
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
        if let Some((value, task)) = metric.highest {
            let highest = self.highest.entry(metric.id).or_insert((value, stage, task));
            if value > highest.0 {
                *highest = (value, stage, task);
            }
        }
    }

    /// The text of each metric that has a value.
    pub(crate) fn values(mut self, driver: &[Update]) -> BTreeMap<i64, String> {
        let mut of_driver: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for update in driver.iter().filter(|update| self.kinds.contains_key(&update.id)) {
            let known = self.values.contains_key(&update.id) || of_driver.contains_key(&update.id);
            // The highest value is the driver's own.
            if known && self.highest.get(&update.id).is_some_and(|highest| update.value > highest.0) {
                self.highest.remove(&update.id);
            }
            of_driver.entry(update.id).or_default().push(update.value);
        }
        let text = |(id, kind): (&i64, &Kind)| {
            let (stages, driver) = (self.values.get(id), of_driver.get(id));
            if stages.is_none() && driver.is_none() {
                return None;
            }
            let mut all = Vec::new();
            stages.into_iter().flatten().for_each(|metric| metric.cells.extend_into(&mut all));
            all.extend(driver.into_iter().flatten());
            Some((*id, kind.text(Values(all), &self.place(*id))))
        };
        self.kinds.iter().filter_map(text).collect()
    }

    fn place(&self, id: i64) -> String {
        match self.highest.get(&id) {
            Some((_, (stage, attempt), task)) => format!("(stage {stage}.{attempt}: task {task})"),
            None => "(driver)".to_owned(),
        }
    }
}
