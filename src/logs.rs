//! `hearth logs`: prints what was shipped.

use std::io::Write as _;

use anyhow::bail;
use futures::{StreamExt as _, TryStreamExt as _};
use log_collector::{ContainerLog, Logs, Stream};
use storage::Store;

use crate::config::LogsRequest;

/// Prints the logs that `request` asks for to standard output, each container's stream under a line that names it when
/// there is more than one.
pub(crate) async fn print(request: LogsRequest) -> anyhow::Result<()> {
    let logs = Logs::new(Store::open(&request.store)?);
    let found = match &request.executor {
        Some(executor) => logs.of_executor(&request.app_id, executor).await?,
        None => logs.of_application(&request.app_id).await?,
    };
    let streams: Vec<Stream> = (Stream::ALL.into_iter())
        .filter(|stream| match stream {
            Stream::Stdout => request.stdout,
            Stream::Stderr => request.stderr,
        })
        .collect();
    let parts: Vec<_> = found.iter().flat_map(|log| streams.iter().map(move |stream| (log, *stream))).collect();
    if parts.is_empty() {
        bail!(
            "{} holds no logs of {}; the application's id stands at the top of its pages",
            request.store,
            request.app_id
        );
    }
    if request.follow && parts.len() > 1 {
        bail!("--follow prints one stream: name an executor, and --stdout or --stderr");
    }
    let headed = parts.len() > 1;
    for (log, stream) in parts {
        if headed {
            let executor = log.executor.as_deref().unwrap_or("?");
            writeln!(std::io::stdout(), "==> {executor} {} {} <==", log.container.pod, stream.name())?;
        }
        print_stream(&logs, log, stream, &request).await?;
    }
    Ok(())
}

async fn print_stream(logs: &Logs, log: &ContainerLog, stream: Stream, request: &LogsRequest) -> anyhow::Result<()> {
    let start = match request.tail_lines {
        None => 0,
        Some(wanted) => {
            let lines = log.lines(stream);
            log.lines_of(stream, lines.saturating_sub(wanted)..lines.saturating_add(1)).await?.range.start
        }
    };
    let mut bytes = match request.follow {
        true => logs.follow(log, stream, start),
        false => log.whole(stream, start).map_err(log_collector::Error::from).boxed(),
    };
    while let Some(chunk) = bytes.try_next().await? {
        let mut out = std::io::stdout().lock();
        out.write_all(&chunk)?;
        out.flush()?;
    }
    Ok(())
}
