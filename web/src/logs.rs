//! Which executors have logs, and where.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use history_server::model::Application;
use log_collector::{ContainerLog, Logs};

use crate::cell::{LogLinks, TextLink};
use crate::error::Error;
use crate::links::AppLinks;
use crate::task::Task;

/// What is known of the logs of an application's executors: one look into the store for a page.
#[derive(Default)]
pub(crate) struct ExecutorLogs {
    /// Executors of which the collector has something.
    collected: BTreeSet<String>,
    /// Executors of which it may have something under the name of their pod: too many to ask for each.
    perhaps: BTreeSet<String>,
    notice: &'static str,
}

/// The pod of an executor: namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) executor: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// In the place of an executor's id: all of them, the driver too.
pub(crate) const EVERYBODY: &str = "all";

const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// How far the clocks of an executor and of the driver may be apart, and how long after a task its last words may come.
const CLOCK_SLACK_MILLIS: i64 = 5_000;

/// How many pods are looked up for one page, and how many at once.
pub(crate) const MAX_LOOKUPS: usize = 64;
const LOOKUPS_AT_ONCE: usize = 16;

impl ExecutorLogs {
    /// Asks the store. When it does not answer, pages are shown without links, and say so.
    pub(crate) async fn of(logs: &Logs, application: &str, pods: Vec<Pod>) -> Self {
        match Self::look(logs, application, pods).await {
            Ok(found) => found,
            Err(_) => Self {
                notice: "The store of the logs does not answer, so links to logs are missing here. Please try again in a moment.",
                ..Self::default()
            },
        }
    }

    async fn look(logs: &Logs, application: &str, mut pods: Vec<Pod>) -> Result<Self, Error> {
        let found = containers(logs, application, None).await?;
        let mut collected: BTreeSet<String> = found.into_iter().filter_map(|log| log.executor).collect();
        pods.retain(|pod| !collected.contains(&pod.executor));
        if pods.len() > MAX_LOOKUPS {
            let perhaps = pods.into_iter().map(|pod| pod.executor).collect();
            return Ok(Self { collected, perhaps, notice: "" });
        }
        collected.extend(of_pods(logs, pods).await?.into_iter().filter_map(|log| log.executor));
        Ok(Self { collected, ..Self::default() })
    }

    /// Something that the reader of the page should know of the logs; empty when there is nothing.
    pub(crate) fn notice(&self) -> &'static str {
        self.notice
    }

    /// Whether the collector has any.
    pub(crate) fn has_any(&self) -> bool {
        !self.collected.is_empty()
    }

    /// The links for an executor: to our own pages when the collector has its logs, else those that the event log
    /// names (`own`), else none, and why.
    pub(crate) fn links(&self, links: &AppLinks, executor: &str, own: Option<&BTreeMap<String, String>>) -> LogLinks {
        if self.collected.contains(executor) {
            let link = |stream: &str| TextLink { text: stream.to_owned(), href: links.log(executor, stream) };
            return LogLinks { links: STREAMS.into_iter().map(link).collect(), hint: String::new() };
        }
        let mut elsewhere = own.map(Self::elsewhere).unwrap_or_default();
        if elsewhere.links.is_empty() && self.perhaps.contains(executor) {
            let link = |stream: &str| TextLink { text: stream.to_owned(), href: links.log(executor, stream) };
            let hint = "If the log collector has shipped the logs of this executor's pod".to_owned();
            return LogLinks { links: STREAMS.into_iter().map(link).collect(), hint };
        }
        elsewhere.hint = if elsewhere.links.is_empty() {
            "The log collector has no log of this executor, and the event log names none.".to_owned()
        } else {
            "Named by the event log; gone, perhaps, with the machine that served it.".to_owned()
        };
        elsewhere
    }

    /// The links for a task: to what its executor wrote while it ran.
    pub(crate) fn task_links(&self, links: &AppLinks, model: &Application, task: Task<'_>) -> LogLinks {
        let executor = task.executor();
        if !self.collected.contains(executor) {
            return self.links(links, executor, model.executor(executor).map(|known| &known.executor_logs));
        }
        let since = task.launched().saturating_sub(CLOCK_SLACK_MILLIS);
        let until = task.launched().saturating_add(task.elapsed()).saturating_add(CLOCK_SLACK_MILLIS);
        let link =
            |stream: &str| TextLink { text: stream.to_owned(), href: links.log_window(executor, stream, since, until) };
        let hint = "What the executor wrote while the task ran".to_owned();
        LogLinks { links: STREAMS.into_iter().map(link).collect(), hint }
    }

    /// Links as an event log names them. What is no web address is not made a link of.
    pub(crate) fn elsewhere(urls: &BTreeMap<String, String>) -> LogLinks {
        let links = (urls.iter())
            .filter(|(_, url)| url.starts_with("http://") || url.starts_with("https://"))
            .map(|(name, url)| TextLink { text: name.clone(), href: url.clone() })
            .collect();
        LogLinks { links, hint: String::new() }
    }
}

/// The containers of an application or of one of its executors. A name that cannot be one has none.
pub(crate) async fn containers(
    logs: &Logs,
    application: &str,
    executor: Option<&str>,
) -> Result<Vec<ContainerLog>, Error> {
    let found = match executor {
        Some(executor) => logs.of_executor(application, executor).await,
        None => logs.of_application(application).await,
    };
    found.or_else(none_of_no_name)
}

/// The containers of a pod. A name that cannot be one has none.
pub(crate) async fn of_pod(logs: &Logs, pod: &Pod) -> Result<Vec<ContainerLog>, Error> {
    logs.of_pod(&pod.namespace, &pod.name).await.or_else(none_of_no_name)
}

/// The containers of several pods, each with the executor that it is.
pub(crate) async fn of_pods(logs: &Logs, pods: Vec<Pod>) -> Result<Vec<ContainerLog>, Error> {
    let look_up = |pod: Pod| {
        let logs = logs.clone();
        async move {
            let mut found = of_pod(&logs, &pod).await?;
            found.iter_mut().for_each(|log| log.executor = Some(pod.executor.clone()));
            Ok::<_, Error>(found)
        }
    };
    let found: Vec<_> = stream::iter(pods).map(look_up).buffered(LOOKUPS_AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

fn none_of_no_name(cause: log_collector::Error) -> Result<Vec<ContainerLog>, Error> {
    match cause {
        log_collector::Error::InvalidName { .. } => Ok(Vec::new()),
        cause => Err(unavailable(&cause)),
    }
}

/// Tells the server's log why, and the reader only that the store failed.
pub(crate) fn unavailable(cause: &log_collector::Error) -> Error {
    tracing::warn!(error = cause as &dyn std::error::Error, "shipped logs could not be read");
    Error::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_log_cannot_make_a_link_that_runs() {
        let urls = [("stdout", "javascript:alert(1)"), ("stderr", "https://node/log?x=1")];
        let urls = urls.map(|(name, url)| (name.to_owned(), url.to_owned())).into();
        let shown = ExecutorLogs::default().links(&AppLinks::default(), "1", Some(&urls));
        assert_eq!(shown.links.iter().map(|link| link.text.as_str()).collect::<Vec<_>>(), ["stderr"]);
    }
}
