//! `hearth sweep`: removes at once what is over of the uploads, or says what that is.

use std::io::Write as _;

use access::Rules;
use storage::Store;

use crate::config::SweepRequest;
use crate::staging;

/// Sweeps, or says what a sweep would take.
pub(crate) async fn run(request: SweepRequest) -> anyhow::Result<()> {
    let store = Store::open(&request.store)?;
    let sweeper = staging::build(&request.staging, &store, Rules::open()).sweeper();
    let mut out = std::io::stdout().lock();
    if request.dry_run {
        let lines = sweeper.preview().await?;
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out, "{} uploads would be removed", lines.len())?;
        return Ok(());
    }
    let swept = sweeper.sweep().await?;
    writeln!(
        out,
        "removed {} uploads, {} contents ({} bytes), {} folders and {} leftovers",
        swept.uploads, swept.blobs, swept.bytes, swept.folders, swept.leftovers
    )?;
    Ok(())
}
