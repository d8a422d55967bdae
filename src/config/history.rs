//! The history server's settings.

use std::net::SocketAddr;
use std::time::Duration;

use history_server::Redaction;
use storage::StoreUrl;

use super::layers::Layers;
use super::settings::Section;
use super::values;

/// A folder of event logs.
#[derive(Clone, Debug)]
pub(crate) struct EventLogs {
    pub(crate) name: Option<String>,
    pub(crate) url: StoreUrl,
}

/// The history server's settings.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) listen: SocketAddr,
    pub(crate) title: String,
    /// Whether what was replayed is kept in the store, for the next start.
    pub(crate) keeps: bool,
    /// Begins with a slash, does not end with one; or is empty.
    pub(crate) public_prefix: String,
    /// Empty: the store's own `event-logs`.
    pub(crate) event_logs: Vec<EventLogs>,
    pub(crate) scan_interval: Duration,
    pub(crate) cache_bytes: u64,
    pub(crate) replay_ahead: Option<Duration>,
    pub(crate) replay_memory_bytes: usize,
    pub(crate) max_line_bytes: usize,
    pub(crate) retained: Retained,
    pub(crate) executor_log_url: Option<String>,
    pub(crate) executor_log_url_of_incomplete: bool,
    pub(crate) redaction: Redaction,
    pub(crate) clean: Clean,
    /// Whether an application is shown only to those whom its ACLs name.
    pub(crate) acls: bool,
}

/// How much of an application is kept; `None` is all.
#[derive(Debug)]
pub(crate) struct Retained {
    pub(crate) jobs: Option<usize>,
    pub(crate) stages: Option<usize>,
    pub(crate) tasks: Option<usize>,
    pub(crate) dead_executors: Option<usize>,
    pub(crate) executions: Option<usize>,
    pub(crate) streaming_queries: Option<usize>,
    pub(crate) streaming_updates: Option<usize>,
    pub(crate) thrift_sessions: Option<usize>,
    pub(crate) thrift_statements: Option<usize>,
    pub(crate) connect_sessions: Option<usize>,
    pub(crate) connect_statements: Option<usize>,
}

/// Which event logs are deleted: none, unless an age or a number is given.
#[derive(Debug)]
pub(crate) struct Clean {
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_logs: Option<usize>,
    pub(crate) interval: Duration,
}

pub(super) fn read(layers: &mut Layers<'_>) -> Option<History> {
    let listen = layers.one_with(Section::History, "listen", values::address);
    let public_prefix = layers.one_with(Section::History, "public-prefix", values::path_prefix);
    let title = layers.one(Section::History, "title");
    let mut event_logs = layers.many_with(Section::History, "event-logs", |text| {
        let (name, url) = match text.split_once('=') {
            Some((name, url)) if !name.contains([':', '/']) => (Some(name.to_owned()), url),
            _ => (None, text),
        };
        Ok(EventLogs { name, url: values::store_to_read(url)? })
    });
    let keeps = layers.spark().is_none_or(|spark| spark.keeps) || layers.is_given(Section::Common, "store");
    if let (true, Some(spark)) = (event_logs.is_empty(), layers.spark()) {
        event_logs
            .extend(spark.event_logs.iter().map(|(name, url)| EventLogs { name: name.clone(), url: url.clone() }));
    }
    let scan_interval = layers.one_with(Section::History, "scan-interval", values::duration);
    let cache_bytes = layers.one_with(Section::History, "cache-size", values::size_bytes);
    let replay_ahead = layers.one_with(Section::History, "replay-ahead", values::duration_or_off);
    let max_line_bytes = layers.one_with(Section::History, "max-line-size", values::size_bytes);
    let replay_memory_bytes = layers.one_with(Section::History, "replay-memory", values::size_bytes);
    let retained = Retained {
        jobs: layers.one(Section::History, "retained-jobs"),
        stages: layers.one(Section::History, "retained-stages"),
        tasks: layers.one(Section::History, "retained-tasks"),
        dead_executors: layers.one(Section::History, "retained-dead-executors"),
        executions: layers.one(Section::History, "retained-executions"),
        streaming_queries: layers.one(Section::History, "retained-streaming-queries"),
        streaming_updates: layers.one(Section::History, "retained-streaming-updates"),
        thrift_sessions: layers.one(Section::History, "retained-thrift-sessions"),
        thrift_statements: layers.one(Section::History, "retained-thrift-statements"),
        connect_sessions: layers.one(Section::History, "retained-connect-sessions"),
        connect_statements: layers.one(Section::History, "retained-connect-statements"),
    };
    let executor_log_url = layers.one(Section::History, "executor-log-url");
    let of_incomplete = layers.one_with(Section::History, "executor-log-url-of-incomplete", values::boolean);
    let redaction = layers.one_with(Section::History, "redaction-regex", Redaction::new);
    let acls = layers.one_with(Section::History, "acls", values::boolean);
    let clean = clean(layers);
    Some(History {
        listen: listen?,
        title: title?,
        keeps,
        public_prefix: public_prefix.unwrap_or_default(),
        event_logs,
        scan_interval: scan_interval?,
        cache_bytes: cache_bytes?,
        replay_ahead: replay_ahead?,
        max_line_bytes: usize::try_from(max_line_bytes?).unwrap_or(usize::MAX),
        replay_memory_bytes: usize::try_from(replay_memory_bytes?).unwrap_or(usize::MAX),
        retained,
        executor_log_url,
        executor_log_url_of_incomplete: of_incomplete?,
        redaction: redaction?,
        clean: clean?,
        acls: acls?,
    })
}

fn clean(layers: &mut Layers<'_>) -> Option<Clean> {
    let max_age = layers.one_with(Section::History, "clean-max-age", values::age);
    let max_logs = layers.one(Section::History, "clean-max-logs");
    let interval = layers.one_with(Section::History, "clean-interval", values::duration);
    Some(Clean { max_age, max_logs, interval: interval? })
}
