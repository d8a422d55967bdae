//! What quantiles are made of.

use crate::metric;

/// Something that is measured of each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// A metric, of the tasks that succeeded and reported any.
    Metric(usize),
    /// The sum of two.
    Sum(usize, usize),
    /// The others are of all tasks, whether they succeeded or not.
    Duration,
    GettingResultTime,
    SchedulerDelay,
}

impl Measure {
    pub(super) const READ_BYTES: Self = Self::Sum(metric::SHUFFLE_LOCAL_BYTES_READ, metric::SHUFFLE_REMOTE_BYTES_READ);
    pub(super) const BLOCKS_FETCHED: Self =
        Self::Sum(metric::SHUFFLE_LOCAL_BLOCKS_FETCHED, metric::SHUFFLE_REMOTE_BLOCKS_FETCHED);

    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Duration, Self::SchedulerDelay, Self::GettingResultTime];
        all.extend((0..metric::COUNT).map(Self::Metric));
        all.extend([Self::READ_BYTES, Self::BLOCKS_FETCHED]);
        all
    }
}
