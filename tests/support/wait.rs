//! Waiting for what another process does: by looking again until a deadline, never for a fixed time.

use std::time::{Duration, Instant};

/// Looks until `check` gives something, or fails the test after `limit` with the `what` that did not come.
pub(crate) async fn eventually<T>(what: &str, limit: Duration, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(began.elapsed() < limit, "within {limit:?} there was never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
