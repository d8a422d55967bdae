//! The values of some ranks among many, found by counting: nothing is sorted, and little is held.

use std::ops::Range;

use super::measure::Measure;
use crate::column::Column;
use crate::stage_tasks::{CHUNK, Tasks};
use crate::tasks::TaskColumn;

/// Values are counted in at most so many classes, as a power of two; in few where small tables test it.
const CLASS_BITS: u32 = if cfg!(test) { 3 } else { 12 };

/// More ranks than this are read off sorted values.
const SELECTED: usize = if cfg!(test) { 4 } else { 32 };

/// The values of a class are gathered where they are no more than this; of more, they are counted in finer classes.
const GATHERED: usize = if cfg!(test) { 16 } else { 1 << 18 };

/// Tasks, and which of them succeeded and reported metrics.
pub(super) struct MeasuredTasks<'a> {
    tasks: Tasks<'a>,
    /// Which chunks have tasks that did not.
    mixed: Vec<bool>,
    /// How many succeeded and reported metrics.
    pub(super) valid: usize,
}

impl<'a> MeasuredTasks<'a> {
    pub(super) fn new(tasks: Tasks<'a>) -> Self {
        let len = tasks.table.len();
        let mut measured = Self { tasks, mixed: vec![false; len.div_ceil(CHUNK)], valid: len };
        if tasks.all_valid() {
            return measured;
        }
        measured.valid = 0;
        let mut buffer = [0; CHUNK];
        for chunk in 0..measured.mixed.len() {
            let rows = measured.rows(chunk);
            let buffer = &mut buffer[..rows.len()];
            buffer.fill(0);
            measured.leave_out_invalid(rows.start, buffer);
            let valid = buffer.iter().filter(|value| **value == 0).count();
            measured.mixed[chunk] = valid < buffer.len();
            measured.valid += valid;
        }
        measured
    }

    /// What Spark finds where it looks for these places, one behind the other, among the values that are not negative.
    pub(super) fn at(&self, measure: Measure, places: &[i64]) -> Vec<f64> {
        if let Measure::Metric(metric) = measure
            && let Some(value) = self.tasks.table.metric(metric).constant()
            && value >= 0
        {
            return values(places, self.valid, |_| value);
        }
        let Some(classes) = self.range(measure).map(|(low, high)| self.classes(measure, low, high)) else {
            return vec![f64::NAN; places.len()];
        };
        let count = classes.counts.iter().map(|count| *count as usize).sum();
        let mut ranks: Vec<_> = ranks(places, count).into_iter().flatten().collect();
        ranks.dedup();
        let found = self.values(measure, &classes, &ranks);
        values(places, count, |rank| ranks.binary_search(&rank).map_or(0, |at| found[at]))
    }

    fn rows(&self, chunk: usize) -> Range<usize> {
        chunk * CHUNK..self.tasks.table.len().min((chunk + 1) * CHUNK)
    }

    /// Makes -1 of the values of tasks that did not succeed or reported nothing.
    fn leave_out_invalid(&self, start: usize, values: &mut [i64]) {
        let (table, success) = (self.tasks.table, self.tasks.success());
        let mut buffer = [0; CHUNK];
        let buffer = &mut buffer[..values.len()];
        table.column(TaskColumn::Status).read(start, buffer);
        values.iter_mut().zip(&*buffer).filter(|(_, status)| **status != success).for_each(|(value, _)| *value = -1);
        table.column(TaskColumn::HasMetrics).read(start, buffer);
        values.iter_mut().zip(&*buffer).filter(|(_, reported)| **reported == 0).for_each(|(value, _)| *value = -1);
    }

    fn read(&self, measure: Measure, chunk: usize, out: &mut [i64]) {
        let (table, start) = (self.tasks.table, chunk * CHUNK);
        match measure {
            Measure::Metric(at) => table.metric(at).read(start, out),
            Measure::Sum(left, right) => {
                let mut buffer = [0; CHUNK];
                let buffer = &mut buffer[..out.len()];
                table.metric(left).read(start, out);
                table.metric(right).read(start, buffer);
                out.iter_mut().zip(&*buffer).for_each(|(sum, value)| *sum = sum.wrapping_add(*value));
            }
            Measure::Duration => return table.column(TaskColumn::Duration).read(start, out),
            Measure::GettingResultTime => return self.tasks.read_getting_result_time(start, out),
            Measure::SchedulerDelay => return self.tasks.read_scheduler_delay(start, out),
        }
        if self.mixed[chunk] {
            self.leave_out_invalid(start, out);
        }
    }

    /// Every value; those that do not count are negative.
    #[inline]
    fn each(&self, measure: Measure, mut visit: impl FnMut(i64)) {
        let mut buffer = [0; CHUNK];
        for chunk in 0..self.mixed.len() {
            let rows = self.rows(chunk);
            match measure {
                Measure::Metric(at) if !self.mixed[chunk] => self.tasks.table.metric(at).visit(rows, &mut visit),
                Measure::Duration => self.tasks.table.column(TaskColumn::Duration).visit(rows, &mut visit),
                _ => {
                    let buffer = &mut buffer[..rows.len()];
                    self.read(measure, chunk, buffer);
                    buffer.iter().for_each(|value| visit(*value));
                }
            }
        }
    }

    /// Between which numbers the values lie that are not negative; `None` where there are none.
    fn range(&self, measure: Measure) -> Option<(i64, i64)> {
        let column = match measure {
            Measure::Metric(at) => Some(self.tasks.table.metric(at)),
            Measure::Duration => Some(self.tasks.table.column(TaskColumn::Duration)),
            _ => None,
        };
        if self.valid > 0
            && let Some((low, high)) = column.and_then(Column::narrow_bounds)
            && low >= 0
        {
            return Some((low, high));
        }
        let (mut low, mut high) = (u64::MAX, -1);
        self.each(measure, |value| {
            // What is negative is beyond all that is not.
            low = low.min(value as u64);
            high = high.max(value);
        });
        Some((i64::try_from(low).ok()?, high))
    }

    /// How many values there are in each class between two numbers.
    fn classes(&self, measure: Measure, low: i64, high: i64) -> Classes {
        let span = (high - low) as u64;
        let shift = (u64::BITS - span.leading_zeros()).saturating_sub(CLASS_BITS);
        let mut counts = vec![0u32; (span >> shift) as usize + 1];
        self.each(measure, |value| {
            // Below the lowest it is beyond the highest, too.
            let class = (value.wrapping_sub(low) as u64) >> shift;
            if value >= low
                && let Some(count) = counts.get_mut(class as usize)
            {
                *count += 1;
            }
        });
        Classes { low, high, shift, counts }
    }

    /// The values of these ranks, which are ascending and smaller than the number of values.
    fn values(&self, measure: Measure, classes: &Classes, ranks: &[usize]) -> Vec<i64> {
        let places = classes.of(ranks);
        if classes.shift == 0 {
            return places.into_iter().map(|(class, _)| classes.low + class as i64).collect();
        }
        let mut slots = vec![None; classes.counts.len()];
        let mut gathered: Vec<Vec<i64>> = Vec::new();
        for (class, _) in &places {
            let count = classes.counts[*class] as usize;
            if slots[*class].is_none() && count <= GATHERED {
                slots[*class] = Some(gathered.len());
                gathered.push(Vec::with_capacity(count));
            }
        }
        if !gathered.is_empty() {
            self.each(measure, |value| {
                let class = (value.wrapping_sub(classes.low) as u64) >> classes.shift;
                if value >= classes.low
                    && let Some(Some(slot)) = slots.get(class as usize)
                {
                    gathered[*slot].push(value);
                }
            });
        }
        let is_sorted = places.len() > SELECTED;
        if is_sorted {
            gathered.iter_mut().for_each(|values| values.sort_unstable());
        }
        let mut found = Vec::with_capacity(places.len());
        for of_class in places.chunk_by(|left, right| left.0 == right.0) {
            let class = of_class[0].0;
            let ranks = of_class.iter().map(|(_, rank)| *rank);
            match slots[class].map(|slot| &mut gathered[slot]) {
                None => {
                    let (low, high) = classes.bounds(class);
                    let finer = self.classes(measure, low, high);
                    found.extend(self.values(measure, &finer, &ranks.collect::<Vec<_>>()));
                }
                Some(values) if is_sorted => found.extend(ranks.map(|rank| values[rank])),
                Some(values) => found.extend(ranks.map(|rank| *values.select_nth_unstable(rank).1)),
            }
        }
        found
    }
}

/// Values between two numbers in classes of `1 << shift` each, and how many there are in each class.
struct Classes {
    low: i64,
    high: i64,
    shift: u32,
    counts: Vec<u32>,
}

impl Classes {
    /// The class of each rank, and its rank in there. They are ascending, and smaller than the number of values.
    fn of(&self, ranks: &[usize]) -> Vec<(usize, usize)> {
        let (mut class, mut before) = (0, 0);
        let place = |rank: &usize| {
            while class + 1 < self.counts.len() && before + self.counts[class] as usize <= *rank {
                before += self.counts[class] as usize;
                class += 1;
            }
            (class, rank - before)
        };
        ranks.iter().map(place).collect()
    }

    /// The lowest and the highest number of a class.
    fn bounds(&self, class: usize) -> (i64, i64) {
        let low = self.low + ((class as i64) << self.shift);
        (low, low.saturating_add((1 << self.shift) - 1).min(self.high))
    }
}

/// Which of `count` sorted values Spark finds at each place: it skips from one to the next, and does not move for the same place.
fn ranks(places: &[i64], count: usize) -> Vec<Option<usize>> {
    let (mut next, mut current, mut last) = (0usize, -1i64, None);
    let look_up = |place: &i64| {
        if *place != current {
            next = next.saturating_add(usize::try_from(place.saturating_sub(current) - 1).unwrap_or(0));
            current = *place;
            if next >= count {
                next = count;
                return None;
            }
            last = Some(next);
            next += 1;
        }
        last
    };
    places.iter().map(look_up).collect()
}

fn values(places: &[i64], count: usize, value: impl Fn(usize) -> i64) -> Vec<f64> {
    ranks(places, count).into_iter().map(|rank| rank.map_or(f64::NAN, |rank| value(rank) as f64)).collect()
}
