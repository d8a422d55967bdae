//! Settings of Spark's history server up to 4.3 that are looked at alone, and what becomes of each here.

use super::java;

/// What becomes of a setting.
pub(super) enum Rule {
    /// One of Hearth's takes its place: its role or `None`, its name, and how the value is written there.
    Becomes(Option<&'static str>, &'static str, fn(&str) -> Result<String, String>),
    /// It has no meaning here, and why.
    Ignored(&'static str),
}

use Rule::{Becomes, Ignored};

const HISTORY: Option<&str> = Some("history-server");
const PARSER: &str = "nothing to speed up: whole logs are replayed at once, in parallel, and kept";
const LISTED: &str = "every log is looked for by its id when it is asked for, listed or not";
const NO_COMPACTION: &str = "event logs are never rewritten: rolling ones are shown whole, as Spark wrote them";
const NO_STORE: &str = "replayed applications are kept as Parquet tables below spark.history.store.path";
const NO_HDFS: &str = "there is no HDFS to log in to";

fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn number(text: &str) -> Result<String, String> {
    match text.trim().parse::<u64>() {
        Ok(number) => Ok(number.to_string()),
        Err(_) => Err("write a number".to_owned()),
    }
}

fn switch(text: &str) -> Result<String, String> {
    java::switch(text).map(|value| value.to_string())
}

/// The rule of each; where one has older names, they follow it.
pub(super) const KEYS: &[(&[&str], Rule)] = &[
    (
        &[
            "spark.history.fs.update.interval",
            "spark.history.fs.update.interval.seconds",
            "spark.history.fs.updateInterval",
            "spark.history.updateInterval",
        ],
        Becomes(HISTORY, "scan-interval", java::time),
    ),
    (&["spark.history.fs.update.batchSize"], Ignored("a log is listed as soon as it is read, whatever else is new")),
    (&["spark.history.fs.safemodeCheck.interval"], Ignored(NO_HDFS)),
    (&["spark.history.fs.eventLog.rolling.onDemandLoadEnabled"], Ignored(LISTED)),
    (&["spark.history.fs.eventLog.onDemandLoadEnabled"], Ignored(LISTED)),
    (&["spark.history.fs.eventLog.rolling.maxFilesToRetain"], Ignored(NO_COMPACTION)),
    (&["spark.history.fs.eventLog.rolling.compaction.score.threshold"], Ignored(NO_COMPACTION)),
    (&["spark.history.fs.numCompactThreads"], Ignored(NO_COMPACTION)),
    (&["spark.history.fs.numReplayThreads"], Ignored("as many as there are processors")),
    (&["spark.history.fs.inProgressOptimization.enabled"], Ignored(PARSER)),
    (&["spark.history.fs.endEventReparseChunkSize"], Ignored(PARSER)),
    (
        &[
            "spark.history.fs.driverlog.cleaner.enabled",
            "spark.history.fs.driverlog.cleaner.interval",
            "spark.history.fs.driverlog.cleaner.maxAge",
        ],
        Ignored("logs in spark.driver.log.dfsDir are not touched"),
    ),
    (
        &["spark.history.store.maxDiskUsage"],
        Ignored("what is kept beside the event logs is smaller than they are, and goes with them"),
    ),
    (&["spark.history.store.serializer"], Ignored(NO_STORE)),
    (
        &[
            "spark.history.store.hybridStore.enabled",
            "spark.history.store.hybridStore.maxMemoryUsage",
            "spark.history.store.hybridStore.diskBackend",
        ],
        Ignored(NO_STORE),
    ),
    (&["spark.history.retainedApplications"], Ignored("memory is bounded by HEARTH_CACHE_SIZE, not by number")),
    (&["spark.history.ui.title"], Becomes(HISTORY, "title", text)),
    (&["spark.history.ui.maxApplications"], Ignored("the list comes in pages")),
    (&["spark.history.ui.acls.enable"], Becomes(HISTORY, "acls", switch)),
    (
        &["spark.history.kerberos.enabled", "spark.history.kerberos.principal", "spark.history.kerberos.keytab"],
        Ignored(NO_HDFS),
    ),
    (&["spark.history.custom.executor.log.url"], Becomes(HISTORY, "executor-log-url", text)),
    (
        &["spark.history.custom.executor.log.url.applyIncompleteApplication"],
        Becomes(HISTORY, "executor-log-url-of-incomplete", switch),
    ),
    (&["spark.ui.proxyBase"], Becomes(HISTORY, "public-prefix", text)),
    (&["spark.ui.proxyRedirectUri"], Ignored("redirects are relative to how the page was asked for")),
    (&["spark.redaction.regex"], Becomes(HISTORY, "redaction-regex", text)),
    (&["spark.user.groups.mapping"], Ignored("groups are those that come with the caller's name")),
    (&["spark.ui.retainedJobs"], Becomes(HISTORY, "retained-jobs", number)),
    (&["spark.ui.retainedStages"], Becomes(HISTORY, "retained-stages", number)),
    (&["spark.ui.retainedTasks"], Becomes(HISTORY, "retained-tasks", number)),
    (&["spark.ui.retainedDeadExecutors"], Becomes(HISTORY, "retained-dead-executors", number)),
    (&["spark.sql.ui.retainedExecutions"], Becomes(HISTORY, "retained-executions", number)),
    (&["spark.sql.streaming.ui.retainedQueries"], Becomes(HISTORY, "retained-streaming-queries", number)),
    (&["spark.sql.streaming.ui.retainedProgressUpdates"], Becomes(HISTORY, "retained-streaming-updates", number)),
    (&["spark.sql.thriftserver.ui.retainedSessions"], Becomes(HISTORY, "retained-thrift-sessions", number)),
    (&["spark.sql.thriftserver.ui.retainedStatements"], Becomes(HISTORY, "retained-thrift-statements", number)),
    (&["spark.sql.connect.ui.retainedSessions"], Becomes(HISTORY, "retained-connect-sessions", number)),
    (&["spark.sql.connect.ui.retainedStatements"], Becomes(HISTORY, "retained-connect-statements", number)),
];
