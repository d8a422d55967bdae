//! All logs of an application in one ZIP archive, made while it is sent.

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use storage::zip;

use super::ContainerLog;
use super::text::Text;
use crate::Stream;

/// An archive of both streams of these logs, whole, each as `<executor>/<pod>.<container>.<restart>.<stream>.log`; a stream that has
/// nothing is left out. Memory stays flat, and each segment is read once.
#[must_use]
pub fn archive(logs: &[ContainerLog]) -> Text {
    let files = logs.iter().flat_map(|log| Stream::ALL.map(|stream| (log.clone(), stream)));
    let files = files.filter(|(log, stream)| log.size_bytes(*stream) > 0).map(|(log, stream)| zip::File {
        name: name(&log, stream),
        is_packed: |_, _| false,
        read: async move { Ok(log.whole(stream, 0)) }.boxed(),
    });
    zip::stream(files.collect()).map_err(|error: storage::Error| crate::Error::from(error)).boxed()
}

fn name(log: &ContainerLog, stream: Stream) -> String {
    let container = &log.container;
    let executor = log.executor.as_deref().unwrap_or("unknown");
    let name = format!("{}.{}.{}.{}.log", container.pod, container.name, container.restart, stream.name());
    // Names of Kubernetes hold nothing else; what was made up by others shall lead nowhere.
    let clean = |text: &str| text.replace(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)), "_");
    format!("{}/{}", clean(executor).trim_start_matches('.'), clean(&name))
}
