//! Where the time of an application went, and how busy its slots were.

use history_server::model::Stage;

use crate::app::App;
use crate::draw::times::drawable;

/// A stretch of time, milliseconds since the epoch.
pub(super) type Span = (i64, i64);

/// Milliseconds of an application's time: together all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    /// No job ran.
    pub(super) driver_alone: i64,
    /// A job ran, and none of its tasks.
    pub(super) waiting: i64,
    /// Tasks ran.
    pub(super) running: i64,
}

impl Spent {
    /// Of an application that ran over `whole`.
    pub(super) fn of(whole: Span, jobs: Vec<Span>, stages: Vec<Span>) -> Self {
        let running = covered(whole, stages.clone());
        let busy = covered(whole, jobs.into_iter().chain(stages).collect());
        Self { driver_alone: (whole.1 - whole.0).max(0) - busy, waiting: busy - running, running }
    }

    pub(super) fn total(self) -> i64 {
        self.driver_alone + self.waiting + self.running
    }
}

/// When tasks of a stage ran, as far as the log tells.
pub(super) fn ran(app: &App, stage: &Stage) -> Option<Span> {
    let start = stage.data.first_task_launched_time.or(stage.data.submission_time)?;
    let end = stage.data.completion_time.map_or_else(|| app.last_moment(), |end| end.0);
    Some((drawable(start.0), drawable(end)))
}

/// How many milliseconds of `whole` any of the spans covers.
fn covered(whole: Span, mut spans: Vec<Span>) -> i64 {
    spans.sort_unstable();
    let (mut sum, mut until) = (0, whole.0);
    for (start, end) in spans {
        let (start, end) = (start.max(until), end.min(whole.1));
        if end > start {
            sum += end - start;
            until = end;
        }
    }
    sum
}

/// How much of something there was at each of `steps` equal parts of `whole`, on average: of each span, its weight.
pub(super) fn over_time(whole: Span, steps: usize, spans: impl IntoIterator<Item = (Span, f64)>) -> Vec<f64> {
    let mut sums = vec![0.0; steps];
    let step = (whole.1 - whole.0).max(1) as f64 / steps as f64;
    for ((start, end), weight) in spans {
        let (from, to) = ((start.max(whole.0) - whole.0) as f64 / step, (end.min(whole.1) - whole.0) as f64 / step);
        if to <= from {
            continue;
        }
        let last = (to.ceil() as usize).min(steps);
        for (index, sum) in sums.iter_mut().enumerate().take(last).skip(from as usize) {
            *sum += weight * (to.min(index as f64 + 1.0) - from.max(index as f64)).max(0.0);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_moment_counts_once() {
        let spent = Spent::of((0, 100), vec![(10, 50), (40, 60)], vec![(20, 30), (25, 45)]);
        assert_eq!(spent, Spent { driver_alone: 50, waiting: 25, running: 25 });
    }

    #[test]
    fn what_is_there_half_of_a_step_counts_half() {
        assert_eq!(over_time((0, 8), 4, [((0, 4), 2.0), ((5, 7), 1.0), ((-5, -1), 9.0)]), [2.0, 2.0, 0.5, 0.5]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_parts_are_the_whole(
            jobs in prop::collection::vec((-50_i64..200, -50_i64..200), 0..20),
            stages in prop::collection::vec((-50_i64..200, -50_i64..200), 0..20),
        ) {
            let spent = Spent::of((0, 100), jobs, stages);
            prop_assert_eq!(spent.total(), 100);
            prop_assert!(spent.driver_alone >= 0 && spent.waiting >= 0 && spent.running >= 0);
        }
    }
}
