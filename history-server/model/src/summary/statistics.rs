//! The values of some ranks among many, found by counting: nothing is sorted, and little is held.

use super::measure::Measure;
use crate::stage_tasks::{CHUNK, Tasks};
use crate::tasks::TaskColumn;

/// Values are counted in at most so many classes, as a power of two; in few where small tables test it.
const CLASS_BITS: u32 = if cfg!(test) { 3 } else { 16 };

/// More ranks than this are read off sorted values.
const SELECTED: usize = if cfg!(test) { 4 } else { 32 };

/// Tasks, and which of them succeeded and reported metrics.
pub(super) struct MeasuredTasks<'a> {
    tasks: Tasks<'a>,
    all_valid: bool,
    /// How many succeeded and reported metrics.
    pub(super) valid: usize,
}

impl<'a> MeasuredTasks<'a> {
    pub(super) fn new(tasks: Tasks<'a>) -> Self {
        let all_valid = tasks.all_valid();
        let mut measured = Self { tasks, all_valid, valid: tasks.table.len() };
        if !all_valid {
            let mut valid = 0;
            measured.each_chunk(|start, buffer| {
                buffer.fill(0);
                measured.leave_out_invalid(start, buffer);
                valid += buffer.iter().filter(|value| **value == 0).count();
            });
            measured.valid = valid;
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
        let Some(range) = self.range(measure) else { return vec![f64::NAN; places.len()] };
        let classes = Classes::new(range.low, range.high, |add| self.each_value(measure, add));
        let mut ranks: Vec<_> = ranks(places, range.count).into_iter().flatten().collect();
        ranks.dedup();
        let found = classes.values(&ranks, |add| self.each_value(measure, add));
        values(places, range.count, |rank| ranks.binary_search(&rank).map_or(0, |at| found[at]))
    }

    fn each_chunk(&self, mut visit: impl FnMut(usize, &mut [i64])) {
        let mut buffer = [0; CHUNK];
        for start in (0..self.tasks.table.len()).step_by(CHUNK) {
            let len = CHUNK.min(self.tasks.table.len() - start);
            visit(start, &mut buffer[..len]);
        }
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

    fn read(&self, measure: Measure, start: usize, out: &mut [i64]) {
        let table = self.tasks.table;
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
        if !self.all_valid {
            self.leave_out_invalid(start, out);
        }
    }

    fn each_value(&self, measure: Measure, add: &mut dyn FnMut(&[i64])) {
        self.each_chunk(|start, buffer| {
            self.read(measure, start, buffer);
            add(buffer);
        });
    }

    /// How many values are not negative, and between which they lie.
    fn range(&self, measure: Measure) -> Option<Range> {
        let mut range = Range { count: 0, low: i64::MAX, high: -1 };
        self.each_value(measure, &mut |values| {
            for value in values {
                let taken = *value >= 0;
                range.count += usize::from(taken);
                range.low = range.low.min(if taken { *value } else { i64::MAX });
                range.high = range.high.max(*value);
            }
        });
        (range.count > 0).then_some(range)
    }
}

struct Range {
    count: usize,
    low: i64,
    high: i64,
}

/// Values in classes of `1 << shift` each, and how many there are in each class.
struct Classes {
    low: i64,
    shift: u32,
    counts: Vec<u32>,
}

impl Classes {
    fn new(low: i64, high: i64, each: impl Fn(&mut dyn FnMut(&[i64]))) -> Self {
        let span = high - low;
        let shift = (i64::BITS - span.leading_zeros()).saturating_sub(CLASS_BITS);
        let mut counts = vec![0u32; (span >> shift) as usize + 1];
        each(&mut |values| {
            for value in values.iter().filter(|value| **value >= 0) {
                counts[((value - low) >> shift) as usize] += 1;
            }
        });
        Self { low, shift, counts }
    }

    /// The values of these ranks, which are ascending and smaller than the number of values.
    fn values(&self, ranks: &[usize], each: impl Fn(&mut dyn FnMut(&[i64]))) -> Vec<i64> {
        // The class of each rank, and its rank in there.
        let mut classes = Vec::with_capacity(ranks.len());
        let (mut class, mut before) = (0, 0);
        for rank in ranks {
            while class + 1 < self.counts.len() && before + self.counts[class] as usize <= *rank {
                before += self.counts[class] as usize;
                class += 1;
            }
            classes.push((class, rank - before));
        }
        if self.shift == 0 {
            return classes.into_iter().map(|(class, _)| self.low + class as i64).collect();
        }
        let mut slots = vec![None; self.counts.len()];
        let mut found: Vec<Vec<i64>> = Vec::new();
        for (class, _) in &classes {
            if slots[*class].is_none() {
                slots[*class] = Some(found.len());
                found.push(Vec::with_capacity(self.counts[*class] as usize));
            }
        }
        each(&mut |values| {
            for value in values.iter().filter(|value| **value >= 0) {
                if let Some(slot) = slots[((value - self.low) >> self.shift) as usize] {
                    found[slot].push(*value);
                }
            }
        });
        let classes_are_sorted = classes.len() > SELECTED;
        if classes_are_sorted {
            found.iter_mut().for_each(|values| values.sort_unstable());
        }
        let select = |(class, rank): (usize, usize)| match slots[class].map(|slot| &mut found[slot]) {
            Some(values) if classes_are_sorted => values.get(rank).copied().unwrap_or(self.low),
            Some(values) if rank < values.len() => *values.select_nth_unstable(rank).1,
            _ => self.low,
        };
        classes.into_iter().map(select).collect()
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
