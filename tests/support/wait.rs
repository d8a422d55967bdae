//! Waiting for what another process does: by looking again until a deadline, never for a fixed time.

use std::time::{Duration, Instant};

/// Looks until `check` gives something, or fails the test after `limit` with the `what` that did not come.
pub(crate) async fn eventually<T>(what: &str, limit: Duration, check: impl AsyncFnMut() -> Option<T>) -> T {
    within(limit, check).await.unwrap_or_else(|| panic!("within {limit:?} there was never: {what}"))
}

/// Looks until `check` gives something; `None` when it has not after `limit`.
pub(crate) async fn within<T>(limit: Duration, mut check: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        match check().await {
            None if began.elapsed() < limit => tokio::time::sleep(Duration::from_millis(100)).await,
            found => return found,
        }
    }
}
