//! `hearth logs`: prints what was shipped.

use std::io::{IsTerminal as _, Write as _};

use anyhow::bail;
use futures::TryStreamExt as _;
use log_collector::{Logs, Part, Search, Shown, Stream, Text};
use storage::Store;

use crate::config::{LogsRequest, LogsWanted};

/// How many lines are printed from the first error on, unless told otherwise.
const LINES_OF_AN_ERROR: u64 = 20;

/// Prints the logs that `request` asks for to standard output, each container's stream under a line that names it when
/// there is more than one. Whoever reads it may go away at any time.
pub(crate) async fn print(request: LogsRequest) -> anyhow::Result<()> {
    match print_all(request).await {
        Err(error) if is_reader_gone(&error) => Ok(()),
        done => done,
    }
}

fn is_reader_gone(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn print_all(request: LogsRequest) -> anyhow::Result<()> {
    let logs = Logs::new(Store::open(&request.store)?);
    let wanted = &request.wanted;
    let Some(app_id) = &wanted.app_id else { return list_applications(&logs, &request).await };
    let found = match &wanted.executor {
        Some(executor) => logs.of_executor(app_id, executor).await?,
        None => logs.of_application(app_id).await?,
    };
    if found.is_empty() {
        let executors = logs.executors(app_id).await?;
        match (&wanted.executor, executors.as_slice()) {
            (Some(executor), [_, ..]) => {
                bail!("{app_id} has no logs of executor {executor}; it has those of: {}", executors.join(", "))
            }
            _ => bail!("{} holds no logs of {app_id}; 'hearth logs' without an id lists what has any", request.store),
        }
    }
    let streams: Vec<Stream> = (Stream::ALL.into_iter())
        .filter(|stream| match stream {
            Stream::Stdout => wanted.stdout,
            Stream::Stderr => wanted.stderr,
        })
        .collect();
    if wanted.archives {
        return write(log_collector::archive(&found)).await;
    }
    let is_coloured = wanted.color.unwrap_or_else(|| std::io::stdout().is_terminal());
    let search =
        wanted.grep.clone().map(|pattern| Search { pattern, context_lines: wanted.context_lines, is_coloured });
    let shown = Shown { search, is_coloured };
    if wanted.first_error {
        let lines = wanted.part.tail_lines.unwrap_or(LINES_OF_AN_ERROR);
        return first_errors(&Part::of_first_errors(found, &streams, lines).await?, &shown).await;
    }
    let mut parts = Vec::new();
    for log in found {
        for stream in &streams {
            parts.push(Part::of(&log, *stream, &wanted.part).await?);
        }
    }
    let text = match wanted {
        LogsWanted { follow: true, .. } => shown.followed(&logs, (app_id, wanted.executor.as_deref()), &streams, parts),
        LogsWanted { merge: true, .. } => shown.merged(parts),
        _ => shown.one_after_another(parts),
    };
    write(text).await
}

/// Prints what comes as it comes.
async fn write(mut text: Text) -> anyhow::Result<()> {
    while let Some(bytes) = text.try_next().await? {
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()?;
    }
    Ok(())
}

async fn first_errors(parts: &[Part], shown: &Shown) -> anyhow::Result<()> {
    if parts.is_empty() {
        writeln!(std::io::stderr(), "no line tells of an error")?;
    }
    for part in parts {
        let errors = part.errors();
        let lines = if errors == 1 { "line tells" } else { "lines tell" };
        let head = shown.head(&format!("{}, {errors} {lines} of errors", part.head()));
        std::io::stdout().write_all(head.as_bytes())?;
        let page = part.log.page(part.stream, part.range.clone()).await?;
        std::io::stdout().write_all(&page.bytes)?;
    }
    Ok(())
}

async fn list_applications(logs: &Logs, request: &LogsRequest) -> anyhow::Result<()> {
    let applications = logs.applications().await?;
    if applications.is_empty() {
        bail!("{} holds no logs of any application", request.store);
    }
    let mut out = std::io::stdout().lock();
    applications.iter().try_for_each(|application| writeln!(out, "{application}"))?;
    Ok(())
}
