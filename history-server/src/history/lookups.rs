//! How often the store is asked for ids that nobody knows.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Looks within [`WINDOW`]. Those who follow a link to an application that has just begun need one; a log that is not looked for now
/// is found by the next scan.
const MOST: u32 = 50;
const WINDOW: Duration = Duration::from_secs(1);

/// Counts looks, so that whoever makes ids up costs no more than so many.
#[derive(Debug, Default)]
pub(super) struct Lookups(Mutex<Option<(Instant, u32)>>);

impl Lookups {
    /// Whether there may be one more now.
    pub(super) fn may_look(&self) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, count) = match &mut *window {
            Some(window) if window.0.elapsed() < WINDOW => window,
            window => window.insert((Instant::now(), 0)),
        };
        *count += 1;
        *count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_only_so_many_at_once() {
        let lookups = Lookups::default();
        let allowed = (0..10 * MOST).filter(|_| lookups.may_look()).count();
        assert!(allowed >= MOST as usize && allowed < 10 * MOST as usize, "{allowed}");
        *lookups.0.lock().unwrap() = Instant::now().checked_sub(WINDOW).map(|then| (then, MOST));
        assert!(lookups.may_look());
    }
}
