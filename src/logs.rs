//! `hearth logs`: prints what was shipped.

mod grep;
mod paint;
mod part;
mod print;

use std::io::Write as _;

use anyhow::bail;
use futures::TryStreamExt as _;
use log_collector::{Logs, Stream};
use storage::Store;

use crate::config::{LogsRequest, LogsWanted};
use paint::Paint;
use part::Part;
use print::Print;

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
    let paint = Paint::new(wanted.color);
    if wanted.first_error {
        return first_errors(&Part::of_first_errors(found, &streams, wanted, LINES_OF_AN_ERROR).await?, paint).await;
    }
    let mut parts = Vec::new();
    for log in found {
        for stream in &streams {
            parts.push(Part::of(&log, *stream, wanted).await?);
        }
    }
    match wanted {
        LogsWanted { follow: true, .. } => follow(&logs, app_id, &streams, parts, wanted, paint).await,
        LogsWanted { merge: true, .. } => merge(parts, wanted, paint).await,
        _ => one_after_another(parts, wanted, paint).await,
    }
}

async fn one_after_another(parts: Vec<Part>, wanted: &LogsWanted, paint: Paint) -> anyhow::Result<()> {
    let headed = parts.len() > 1;
    for part in parts {
        if headed {
            writeln!(std::io::stdout(), "{}", paint.head(&part.head()))?;
        }
        let mut bytes = part.log.range(part.stream, part.range.clone());
        let mut print = Print::new(wanted, paint);
        while let Some(chunk) = bytes.try_next().await? {
            print.chunk(&chunk)?;
        }
        print.finish()?;
    }
    Ok(())
}

/// All streams as one, in the order of time; before each line, whose it is.
async fn merge(parts: Vec<Part>, wanted: &LogsWanted, paint: Paint) -> anyhow::Result<()> {
    let names: Vec<String> = parts.iter().map(Part::name).collect();
    let mut lines = log_collector::merge(parts.into_iter().map(|part| (part.log, part.stream, part.range)).collect());
    let mut print = Print::new(wanted, paint);
    while let Some(line) = lines.try_next().await? {
        if let Some(name) = names.get(line.part).filter(|_| names.len() > 1) {
            print.prefix(&format!("{name} | "));
        }
        print.line(&line.bytes)?;
    }
    print.finish()?;
    Ok(())
}

async fn first_errors(parts: &[Part], paint: Paint) -> anyhow::Result<()> {
    if parts.is_empty() {
        writeln!(std::io::stderr(), "no line tells of an error")?;
    }
    for part in parts {
        let errors = part.errors();
        let lines = if errors == 1 { "line tells" } else { "lines tell" };
        writeln!(std::io::stdout(), "{}", paint.head(&format!("{}, {errors} {lines} of errors", part.head())))?;
        let page = part.log.page(part.stream, part.range.clone()).await?;
        std::io::stdout().write_all(&page.bytes)?;
    }
    Ok(())
}

/// Prints what is there and what comes, of all streams as it comes, also of containers that are started later: where another
/// one goes on, a line names it.
async fn follow(
    logs: &Logs,
    app_id: &str,
    streams: &[Stream],
    parts: Vec<Part>,
    wanted: &LogsWanted,
    paint: Paint,
) -> anyhow::Result<()> {
    let mut headed = parts.len() > 1;
    let begun = parts.into_iter().map(|part| (part.log, part.stream, part.range.start)).collect();
    let mut all = logs.follow_all((app_id, wanted.executor.as_deref()), streams, begun);
    let mut prints = std::collections::HashMap::new();
    let mut last = None;
    while let Some(added) = all.try_next().await? {
        let whose = (added.log.container.clone(), added.stream);
        let is_other = last.as_ref() != Some(&whose);
        // One that follows alone needs no name, until another one comes.
        headed |= is_other && last.is_some();
        if headed && is_other {
            let part = Part { log: added.log.clone(), stream: added.stream, range: 0..u64::MAX };
            writeln!(std::io::stdout(), "{}", paint.head(&part.head()))?;
        }
        prints.entry(whose.clone()).or_insert_with(|| Print::new(wanted, paint)).chunk(&added.bytes)?;
        last = Some(whose);
    }
    prints.values_mut().try_for_each(Print::finish)?;
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
