//! What was worked out of the tasks of a stage attempt, for who asks again.

use std::sync::{Mutex, PoisonError};

use crate::types::TaskMetricDistributions;

/// What was asked of the tasks of a stage attempt: the last few summaries.
#[derive(Debug, Default)]
pub struct Summaries(Mutex<Vec<(Vec<f64>, TaskMetricDistributions)>>);

/// How many summaries of a stage attempt are held.
const HELD: usize = 4;

impl Summaries {
    pub(crate) fn get_or_insert_with(
        &self,
        quantiles: &[f64],
        make: impl FnOnce() -> Option<TaskMetricDistributions>,
    ) -> Option<TaskMetricDistributions> {
        // Who asks for the same meanwhile waits, rather than doing it again.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &[f64]| {
            known.len() == quantiles.len() && known.iter().zip(quantiles).all(|(a, b)| a.total_cmp(b).is_eq())
        };
        if let Some((_, summary)) = held.iter().find(|(known, _)| same(known)) {
            return Some(summary.clone());
        }
        let summary = make()?;
        held.insert(0, (quantiles.to_vec(), summary.clone()));
        held.truncate(HELD);
        Some(summary)
    }
}
