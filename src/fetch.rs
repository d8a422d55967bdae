//! `hearth fetch`: brings artifacts into a folder, and says of each how it went.

use std::io::{Write as _, stderr, stdout};
use std::sync::Arc;

use anyhow::bail;
use serde_json::json;
use staging_client::fetch::{Event, Fetcher, Observer, Outcome};

use crate::config::FetchRequest;
use crate::progress::Bars;

/// Fetches what `request` names.
///
/// # Errors
/// When anything is not there in the end; which and why has been printed by then.
pub(crate) async fn run(request: FetchRequest) -> anyhow::Result<()> {
    let fetcher = Fetcher::new(request.access, request.settings)?;
    let observer = observer(&request.artifacts, request.json);
    let outcomes = match fetcher.run(&request.artifacts, &observer).await {
        Ok(outcomes) => outcomes,
        Err(clashes) => bail!("{}", clashes.join("\nhearth: ")),
    };
    if request.json {
        let artifacts: Vec<_> = outcomes.iter().map(as_json).collect();
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&json!({ "artifacts": artifacts }))?)?;
    }
    match outcomes.iter().filter(|outcome| outcome.failure.is_some()).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} artifacts could not be fetched", outcomes.len()),
    }
}

/// Shows how far each artifact has come, and writes a line when one is there or will not be, and when it is tried again.
fn observer(artifacts: &[staging_client::fetch::Artifact], json: bool) -> Observer {
    let sources: Vec<String> = artifacts.iter().map(|artifact| artifact.source.to_string()).collect();
    let bars = Bars::default();
    Arc::new(move |event| match event {
        Event::Began { index, total_bytes } => bars.begin(index, &sources[index], total_bytes),
        Event::Arrived { index, bytes } => bars.advance(index, bytes),
        Event::Retrying { index, reason, pause } => {
            let seconds = pause.as_secs_f64();
            bars.line(stderr(), &format!("retrying  {} in {seconds:.1} s: {reason}", sources[index]));
        }
        Event::Ended { index, outcome } => {
            bars.end(index);
            match (&outcome.failure, json) {
                (Some(_), _) => bars.line(stderr(), &line(&outcome)),
                (None, false) => bars.line(stdout(), &line(&outcome)),
                (None, true) => {}
            }
        }
    })
}

fn line(outcome: &Outcome) -> String {
    let Outcome { source, path, .. } = outcome;
    if let Some(failure) = &outcome.failure {
        let advice = failure.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
        return format!("failed    {source}: {failure}{advice}");
    }
    let seconds = outcome.elapsed.as_secs_f64();
    let entries = outcome.entries.map(|entries| format!(", {entries} entries")).unwrap_or_default();
    let retries = match outcome.retries {
        0 => String::new(),
        1 => ", resumed once".to_owned(),
        times => format!(", resumed {times} times"),
    };
    let note = outcome.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!(
        "fetched   {source} -> {}  {}{entries} in {seconds:.1} s{retries}{note}",
        path.display(),
        size(outcome.size_bytes)
    )
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let mut size = bytes as f64;
    let mut unit = None;
    for name in UNITS {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = Some(name);
    }
    unit.map_or(format!("{bytes} B"), |unit| format!("{size:.1} {unit}"))
}

fn as_json(outcome: &Outcome) -> serde_json::Value {
    json!({
        "source": outcome.source,
        "path": outcome.path.display().to_string(),
        "sizeBytes": outcome.size_bytes,
        "entries": outcome.entries,
        "retries": outcome.retries,
        "seconds": outcome.elapsed.as_secs_f64(),
        "note": outcome.note,
        "error": outcome.failure.as_ref().map(|failure| &failure.reason),
        "advice": outcome.failure.as_ref().and_then(|failure| failure.advice.as_ref()),
    })
}
