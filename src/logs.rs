//! `hearth logs`: prints what was shipped.

use std::io::Write as _;

use anyhow::bail;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use log_collector::{ContainerLog, Logs, Stream};
use storage::Store;

use crate::config::{LogsRequest, LogsWanted};
use crate::grep::Grep;

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
    let parts: Vec<_> = found.iter().flat_map(|log| streams.iter().map(move |stream| (log, *stream))).collect();
    if wanted.follow {
        return follow(&logs, &parts, wanted).await;
    }
    let headed = parts.len() > 1;
    for (log, stream) in parts {
        if headed {
            head(log, stream)?;
        }
        let start = start(log, stream, wanted).await?;
        let mut bytes = log.whole(stream, start);
        let mut print = Print::new(wanted);
        while let Some(chunk) = bytes.try_next().await? {
            print.chunk(&chunk)?;
        }
        print.finish()?;
    }
    Ok(())
}

fn head(log: &ContainerLog, stream: Stream) -> std::io::Result<()> {
    let executor = log.executor.as_deref().unwrap_or("?");
    let restart = match log.container.restart {
        0 => String::new(),
        restart => format!(", restart {restart}"),
    };
    let end = log.end.as_ref().map(|end| format!(", {end}")).unwrap_or_default();
    let gaps = match log.gaps.len() {
        0 => String::new(),
        gaps => format!(", lines missing in {gaps} places"),
    };
    writeln!(std::io::stdout(), "==> {executor} {}{restart} {}{end}{gaps} <==", log.container.pod, stream.name())
}

/// Prints what is there and what comes, of all streams as it comes: where another one goes on, a line names it.
async fn follow(logs: &Logs, parts: &[(&ContainerLog, Stream)], wanted: &LogsWanted) -> anyhow::Result<()> {
    let mut all = stream::SelectAll::new();
    let mut prints = Vec::new();
    for (index, (log, stream)) in parts.iter().enumerate() {
        let start = start(log, *stream, wanted).await?;
        all.push(logs.follow(log, *stream, start).map_ok(move |bytes| (index, bytes)).boxed());
        prints.push(Print::new(wanted));
    }
    let mut last = None;
    while let Some((index, bytes)) = all.try_next().await? {
        if let (true, Some((log, stream))) = (parts.len() > 1 && last != Some(index), parts.get(index)) {
            head(log, *stream)?;
        }
        last = Some(index);
        if let Some(print) = prints.get_mut(index) {
            print.chunk(&bytes)?;
        }
    }
    prints.iter_mut().try_for_each(Print::finish)?;
    Ok(())
}

/// Where the part of a stream starts that is asked for.
async fn start(log: &ContainerLog, stream: Stream, wanted: &LogsWanted) -> anyhow::Result<u64> {
    let since = match wanted.since {
        Some(since) => log.offset_of_time(stream, since.into()).await?,
        None => 0,
    };
    // Counted before the pattern is looked for: the last lines, and of those the ones that match.
    let tail = match wanted.tail_lines {
        Some(most) => {
            let lines = log.lines(stream);
            log.lines_of(stream, lines.saturating_sub(most)..lines.saturating_add(1)).await?.range.start
        }
        None => 0,
    };
    Ok(since.max(tail))
}

/// Prints bytes as they are, or the lines that match.
struct Print {
    grep: Option<Grep>,
}

impl Print {
    fn new(wanted: &LogsWanted) -> Self {
        Self { grep: wanted.grep.clone().map(|pattern| Grep::new(pattern, wanted.context_lines)) }
    }

    fn chunk(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match &mut self.grep {
            Some(grep) => grep.push(bytes, &mut out)?,
            None => out.write_all(bytes)?,
        }
        out.flush()
    }

    fn finish(&mut self) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        self.grep.as_mut().map_or(Ok(()), |grep| grep.finish(&mut out))?;
        out.flush()
    }
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
