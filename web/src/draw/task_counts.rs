//! Many tasks over time: how many are at which part of theirs at each moment, and no task is left out.

use super::svg::{Picture, Svg, fitting, number};
use super::tasks::PARTS;
use super::timeline::{AXIS, LABELS, WIDTH};
use super::times::{TimeAxis, drawable};

/// How finely tasks are counted.
const STEPS: usize = 120;

const COUNTS: f64 = 44.0;
const LANE_GAP: f64 = 8.0;

/// Times at which tasks begin to be at a part, less those at which they cease: how many, and their sum.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    count: i64,
    millis: i64,
}

/// Tasks, counted one after the other: what is held does not grow with them. Between two times, in lanes.
#[derive(Clone, Debug)]
pub(crate) struct TaskCounts {
    axis: TimeAxis,
    /// By step, lane and part: tasks that begin about the same time are counted side by side.
    turns: Vec<Turns>,
    lanes: usize,
}

impl TaskCounts {
    /// None yet. No task may be out of these times, in milliseconds since the epoch.
    pub(crate) fn new(start: i64, end: i64, lanes: usize) -> Self {
        let axis = TimeAxis::new(start, end, LABELS, WIDTH - LABELS - 10.0);
        Self { axis, turns: vec![Turns::default(); STEPS * lanes * PARTS.len()], lanes }
    }

    /// Counts a task from one time to another, with the milliseconds of each part: one after the other, and within the task.
    #[inline]
    pub(crate) fn add(&mut self, lane: usize, start: i64, end: i64, parts: [i64; PARTS.len()]) {
        let (mut at, end) = (drawable(start), drawable(end));
        let mut step = self.step(at);
        let first = (step * self.lanes + lane) * PARTS.len();
        if step == self.step(end)
            && let Some(turns) = self.turns.get_mut(first..first + PARTS.len())
        {
            // Most tasks of many begin and end within a step.
            for (turns, millis) in turns.iter_mut().zip(parts) {
                let to = at.saturating_add(millis.max(0)).min(end.max(at));
                turns.millis = turns.millis.wrapping_add(at - to);
                at = to;
            }
            return;
        }
        for (part, millis) in parts.into_iter().enumerate() {
            let to = at.saturating_add(millis).min(end);
            if to <= at {
                continue;
            }
            self.turn(step, lane, part, at, 1);
            step = self.step(to);
            self.turn(step, lane, part, to, -1);
            at = to;
        }
    }

    #[inline]
    fn step(&self, at: i64) -> usize {
        let span = (self.axis.end - self.axis.start).max(1) as f64;
        ((at - self.axis.start) as f64 * (STEPS as f64 / span)) as usize
    }

    #[inline]
    fn turn(&mut self, step: usize, lane: usize, part: usize, at: i64, sign: i64) {
        // What turns at the very end is seen no more.
        if let Some(turns) = self.turns.get_mut((step * self.lanes + lane) * PARTS.len() + part) {
            turns.count += sign;
            turns.millis = turns.millis.wrapping_add(sign * (at - self.axis.start));
        }
    }

    /// Counts all that was counted elsewhere, for the same times and lanes.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (turns, more) in self.turns.iter_mut().zip(&other.turns) {
            turns.count += more.count;
            turns.millis = turns.millis.wrapping_add(more.millis);
        }
    }

    /// How many tasks of a lane are at each part, on average over each step.
    fn sums(&self, lane: usize) -> Vec<[f64; PARTS.len()]> {
        let step_millis = (self.axis.end - self.axis.start).max(1) as f64 / STEPS as f64;
        let (mut passed, mut before) = ([Turns::default(); PARTS.len()], [0.0; PARTS.len()]);
        let step = |step: usize| {
            let end = (step + 1) as f64 * step_millis;
            std::array::from_fn(|part| {
                let more = self.turns[(step * self.lanes + lane) * PARTS.len() + part];
                let passed = &mut passed[part];
                passed.count += more.count;
                passed.millis = passed.millis.wrapping_add(more.millis);
                // Milliseconds that tasks spent at the part until the end of the step.
                let until = passed.count as f64 * end - passed.millis as f64;
                let spent = until - before[part];
                before[part] = until;
                (spent / step_millis).max(0.0)
            })
        };
        (0..STEPS).map(step).collect()
    }

    /// Draws them: of each lane its label and the number of its tasks.
    pub(crate) fn draw(&self, lanes: &[(String, usize)]) -> Picture {
        let height = (COUNTS + LANE_GAP) * lanes.len() as f64;
        let mut svg = Svg::new(WIDTH, height + AXIS, "picture tasks", "Tasks over time, by executor");
        self.axis.draw(&mut svg, 0.0, height);
        let mut top = LANE_GAP / 2.0;
        for (lane, (label, tasks)) in lanes.iter().enumerate() {
            svg.text((4.0, top + 11.0), "lane", &fitting(label, LABELS - 12.0));
            self.draw_lane(&mut svg, lane, *tasks, top);
            top += COUNTS + LANE_GAP;
            svg.line((0.0, top - LANE_GAP / 2.0), (WIDTH, top - LANE_GAP / 2.0), "grid");
        }
        svg.finish()
    }

    /// Areas above each other: each is drawn from the bottom, and what is below it over that.
    fn draw_lane(&self, svg: &mut Svg, lane: usize, tasks: usize, top: f64) {
        let mut sums = self.sums(lane);
        let most = sums.iter().map(|parts| parts.iter().sum::<f64>()).fold(0.0, f64::max).max(1e-9);
        for parts in &mut sums {
            let mut tall = 0.0;
            for part in parts {
                tall += *part;
                *part = tall / most * COUNTS;
            }
        }
        let bottom = top + COUNTS;
        for (part, (_, class)) in PARTS.iter().enumerate().rev() {
            let below = |parts: &[f64; PARTS.len()]| part.checked_sub(1).map_or(0.0, |below| parts[below]);
            if sums.iter().any(|parts| parts[part] - below(parts) >= 0.1) {
                let outline = self.outline(bottom, sums.iter().map(|parts| parts[part]));
                svg.open("path").attr("class", class).attr("d", &outline).close();
            }
        }
        svg.text((4.0, top + 25.0), "", &format!("{tasks} tasks,"));
        svg.text((4.0, top + 38.0), "", &format!("up to {} at once", most.round().max(1.0)));
    }

    /// From step to step as high as these, all on `bottom`.
    fn outline(&self, bottom: f64, heights: impl Iterator<Item = f64>) -> String {
        let width = self.axis.width / STEPS as f64;
        let (mut path, mut last) = (format!("M{} {}", number(self.axis.left), number(bottom)), number(bottom));
        for (step, height) in heights.enumerate() {
            let y = number(bottom - height);
            if y != last {
                path.push_str(&format!("H{}V{y}", number(self.axis.left + step as f64 * width)));
                last = y;
            }
        }
        path.push_str(&format!("H{}V{}z", number(self.axis.left + self.axis.width), number(bottom)));
        path
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many tasks are at a part over each step, said plainly.
    fn covered(tasks: &[(i64, i64, [i64; PARTS.len()])], part: usize, long: i64) -> Vec<f64> {
        let step = long.max(1) as f64 / STEPS as f64;
        let mut sums = vec![0.0; STEPS];
        for (start, millis, parts) in tasks {
            let (end, mut at) = (start + millis, *start);
            let spans = parts.map(|part| {
                let from = at;
                at = (at + part).min(end);
                (from as f64, at as f64)
            });
            let (from, to) = spans[part];
            for (n, sum) in sums.iter_mut().enumerate() {
                let (low, high) = (n as f64 * step, (n + 1) as f64 * step);
                *sum += (to.min(high) - from.max(low)).max(0.0) / step;
            }
        }
        sums
    }

    #[test]
    fn of_many_tasks_in_many_lanes_little_is_held_and_drawn() {
        let lanes: Vec<(String, usize)> = (0..24).map(|n| (format!("Executor {n}"), 100_000 / 24)).collect();
        let mut counts = TaskCounts::new(0, 100_900, lanes.len());
        for n in 0..100_000_i64 {
            counts.add(n as usize % 24, n, n + 900, [10, 20, 30, 700, 30, 20, 90]);
        }
        let drawn = counts.draw(&lanes).to_string();
        assert!(drawn.contains("up to 38 at once") && drawn.len() < 120_000, "{} bytes", drawn.len());
        assert_eq!(counts.turns.len(), STEPS * 24 * PARTS.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_counted_is_what_there_is(
            tasks in prop::collection::vec((0_i64..3000, 0_i64..2000, prop::array::uniform7(0_i64..900)), 1..40),
            cut in 0_usize..40,
        ) {
            let long = tasks.iter().map(|(start, millis, _)| start + millis).max().unwrap_or(0);
            let (left, right) = tasks.split_at(cut.min(tasks.len()));
            let count = |tasks: &[(i64, i64, [i64; PARTS.len()])]| {
                let mut counts = TaskCounts::new(0, long, 2);
                tasks.iter().for_each(|(start, millis, parts)| counts.add(1, *start, start + millis, *parts));
                counts
            };
            let mut counts = count(left);
            counts.merge(&count(right));
            for part in 0..PARTS.len() {
                let found: Vec<f64> = counts.sums(1).iter().map(|parts| parts[part]).collect();
                let close = found.iter().zip(covered(&tasks, part, long)).all(|(found, there)| (found - there).abs() < 1e-6);
                prop_assert!(close, "{:?} is {:?}", found, covered(&tasks, part, long));
            }
            prop_assert!(counts.sums(0).iter().flatten().all(|sum| *sum == 0.0));
        }
    }
}
