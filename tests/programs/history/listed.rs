//! Waiting until both servers list the same.

use std::time::Duration;

use super::compare::same_but_for_the_clock;
use super::servers::Client;
use crate::support::wait::eventually;

/// Waits until Spark has read every log that it found, which its page tells, and then for ours to list the same. What still
/// differs after two minutes, the comparison tells better than an assertion here.
pub(super) async fn wait_for_the_same_list(theirs: &Client, ours: &Client) {
    eventually("a list of Spark's with every log in it", Duration::from_secs(600), async || {
        let page = theirs.page("/").await;
        let page = String::from_utf8_lossy(&page.body);
        (page.contains("last-updated") && !page.contains("additional applications getting listed")).then_some(())
    })
    .await;
    let listed = theirs.json("/applications").await;
    assert!(listed.get(0).is_some(), "Spark lists nothing: {listed}");
    for _ in 0..1200 {
        if same_but_for_the_clock(&listed, &ours.json("/applications").await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
