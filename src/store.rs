//! Whether a store can be used, found out at the start: told at once where it never will be, by `/readyz` where it may yet.

use std::time::Duration;

use anyhow::anyhow;
use storage::{Store, Unusable};

use crate::admin::Admin;

/// The pause between two questions to a store that does not answer.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Something in a store that a role cannot do without.
pub(crate) struct Place {
    pub(crate) store: Store,
    /// Whether it must be possible to write there, too.
    pub(crate) is_written: bool,
    /// What has to be changed to have another.
    pub(crate) setting: &'static str,
}

/// Asks until every place answers, and says so to `admin`; then never ends.
///
/// It ends with the reason when a place can never be used as it is.
pub(crate) async fn until_usable(places: Vec<Place>, admin: Admin) -> anyhow::Error {
    for place in &places {
        loop {
            let Err(unusable) = place.store.check(place.is_written).await else { break };
            let text = advice(&unusable, place.setting);
            if !unusable.may_pass() {
                return anyhow!(text);
            }
            admin.waits_for(text);
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
    admin.ready();
    std::future::pending().await
}

/// What a store that cannot be used says, and which setting names it.
fn advice(unusable: &Unusable, setting: &str) -> String {
    let mut cause: &dyn std::error::Error = unusable;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{setting}: {unusable} ({cause})")
}
