//! The table of settings: what each is called on the command line, in the environment and in the file, and what it means.
//!
//! The command line, `--help`, the file's known keys and the README's table are all made from it.

/// Which roles a setting belongs to. In the file, those of a single role stand in a table of its
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Common,
    /// Of all servers that have clients.
    Clients,
    Staging,
    Collector,
    History,
}

impl Section {
    /// The role's name: its sub-command, and its table in the file.
    pub(crate) fn role(self) -> Option<&'static str> {
        match self {
            Self::Common | Self::Clients => None,
            Self::Staging => Some("staging-server"),
            Self::Collector => Some("log-collector"),
            Self::History => Some("history-server"),
        }
    }
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) section: Section,
    /// The flag of the role's own command, and the key in the file.
    pub(crate) name: &'static str,
    /// The flag of `hearth serve`: the same, unless two roles have one of that name.
    pub(crate) serve_name: &'static str,
    pub(crate) env: &'static str,
    pub(crate) value: &'static str,
    pub(crate) default: Option<&'static str>,
    pub(crate) repeated: bool,
    pub(crate) help: &'static str,
}

const fn setting(
    section: Section,
    name: &'static str,
    env: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting { section, name, serve_name: name, env, value, default, repeated: false, help }
}

impl Setting {
    /// The setting of this name.
    pub(crate) fn of(section: Section, name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.section == section && setting.name == name)
    }

    const fn in_serve(mut self, serve_name: &'static str) -> Self {
        self.serve_name = serve_name;
        self
    }

    const fn repeated(mut self) -> Self {
        self.repeated = true;
        self
    }
}

use Section::{Clients, Collector, Common, History, Staging};
use history_server::Redaction;

/// Every setting, in the order of `--help`.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(Common, "store", "HEARTH_STORE", "URL", Some("file:./hearth-data"),
        "The object store: file:FOLDER, memory:, s3://BUCKET/PREFIX, oss://, gs://, az:// or abfss://. Credentials are taken from where the cloud's own tools take them"),
    setting(Common, "admin-listen", "HEARTH_ADMIN_LISTEN", "ADDR", Some("127.0.0.1:18090"),
        "Where /livez, /readyz and /metrics are served; 'off' for nowhere"),
    setting(Common, "drain-timeout", "HEARTH_DRAIN_TIMEOUT", "TIME", Some("30s"),
        "How long requests and uploads under way may take to end after SIGTERM"),
    setting(Common, "shutdown-delay", "HEARTH_SHUTDOWN_DELAY", "TIME", Some("3s"),
        "How long after SIGTERM requests are still taken, unready, until load balancers have noticed; part of a pod's grace period, as is --drain-timeout"),
    setting(Clients, "max-connections", "HEARTH_MAX_CONNECTIONS", "NUMBER", Some("10000"),
        "How many connections all ports but the admin one may have, as far as the limit on open files allows; the one that has longest said nothing gives way to a new one"),
    setting(Clients, "header-timeout", "HEARTH_HEADER_TIMEOUT", "TIME", Some("15s"), "How long a client may take to send the header of a request"),
    setting(Clients, "idle-timeout", "HEARTH_IDLE_TIMEOUT", "TIME", Some("75s"), "How long a connection is kept for the next request"),
    setting(Clients, "stall-timeout", "HEARTH_STALL_TIMEOUT", "TIME", Some("1m"),
        "How long an upload or a download may stand still before its connection is cut; event logs that are being written may be silent for longer"),
    setting(Common, "log-format", "HEARTH_LOG_FORMAT", "FORMAT", Some("text"), "What the program's own log lines look like: text or json"),
    setting(Common, "log-filter", "HEARTH_LOG_FILTER", "FILTER", Some("info"),
        "Which of them are written, as tracing-subscriber's EnvFilter reads it: a level, or target=level pairs"),
    setting(Clients, "tls-cert", "HEARTH_TLS_CERT", "FILE", None,
        "The certificate chain that servers show, in PEM: they speak TLS, and swebhdfs://. Read again when it changes"),
    setting(Clients, "tls-key", "HEARTH_TLS_KEY", "FILE", None, "Its private key, in PEM"),
    setting(Clients, "tls-client-ca", "HEARTH_TLS_CLIENT_CA", "FILE", None,
        "Who signs clients' certificates, in PEM. The common name of one is the caller's name, its organisations are groups; clients without one are let in too"),
    setting(Clients, "access", "HEARTH_ACCESS", "MODE", None,
        "open: whoever reaches a server may do everything. guarded: callers have to be known, and hold what a path needs. Without it, guarded as soon as a server listens beyond loopback"),
    setting(Clients, "kubernetes-access", "HEARTH_KUBERNETES_ACCESS", "BOOL", None,
        "Know callers by their Kubernetes tokens (TokenReview), and ask the cluster what they may do (SubjectAccessReview); without it, where a cluster is found"),
    setting(Clients, "token-audience", "HEARTH_TOKEN_AUDIENCE", "NAME", None,
        "An audience that Kubernetes tokens have to be made for; may be repeated; without it, the API server's own").repeated(),
    setting(Clients, "token-key-file", "HEARTH_TOKEN_KEY_FILE", "FILE", None,
        "A secret of 32 bytes or more that all replicas share, to sign what POST /oauth2/token gives out; without it, one that is forgotten at the end"),
    setting(Clients, "token-lifetime", "HEARTH_TOKEN_LIFETIME", "TIME", Some("10m"), "How long such a token is good for"),
    setting(Clients, "oidc-issuer-url", "HEARTH_OIDC_ISSUER_URL", "URL", None, "Know callers by tokens of this OpenID Connect issuer, too"),
    setting(Clients, "oidc-client-id", "HEARTH_OIDC_CLIENT_ID", "ID", None, "The client that its tokens have to be made for"),
    setting(Clients, "oidc-username-claim", "HEARTH_OIDC_USERNAME_CLAIM", "NAME", Some("sub"), "The claim with the user's name"),
    setting(Clients, "oidc-username-prefix", "HEARTH_OIDC_USERNAME_PREFIX", "TEXT", None, "What goes before that name, as kube-apiserver's flag of this name"),
    setting(Clients, "oidc-groups-claim", "HEARTH_OIDC_GROUPS_CLAIM", "NAME", Some("groups"), "The claim with the user's groups"),
    setting(Clients, "oidc-groups-prefix", "HEARTH_OIDC_GROUPS_PREFIX", "TEXT", None, "What goes before each of them"),
    setting(Clients, "trusted-proxy", "HEARTH_TRUSTED_PROXY", "NET", None,
        "The address of a proxy, such as 10.0.0.7 or 10.0.0.0/8, whose X-Forwarded-* and --user-header count; from anybody else they do not; may be repeated").repeated(),
    setting(Clients, "user-header", "HEARTH_USER_HEADER", "NAME", None,
        "The request header in which a --trusted-proxy says who asks, such as X-Forwarded-User"),
    setting(Clients, "groups-header", "HEARTH_GROUPS_HEADER", "NAME", None, "The one in which it says that user's groups, with commas between"),
    setting(Clients, "admin-user", "HEARTH_ADMIN_USER", "NAME", None, "A user who may do everything, and see every application; may be repeated").repeated(),
    setting(Clients, "admin-group", "HEARTH_ADMIN_GROUP", "NAME", None, "A group whose members may; may be repeated").repeated(),
    setting(Staging, "listen", "HEARTH_STAGING_LISTEN", "ADDR", Some("127.0.0.1:10000"), "Where the staging server listens")
        .in_serve("staging-listen"),
    setting(Staging, "public-url", "HEARTH_STAGING_PUBLIC_URL", "URL", None,
        "How clients reach the staging server, for redirects; without it, by the Host header of each request, or by what a --trusted-proxy says in X-Forwarded-*")
        .in_serve("staging-public-url"),
    setting(Staging, "max-upload-size", "HEARTH_STAGING_MAX_UPLOAD_SIZE", "SIZE", Some("5GiB"), "The largest file that may be uploaded"),
    setting(Staging, "max-uploads", "HEARTH_STAGING_MAX_UPLOADS", "NUMBER", Some("100"),
        "How many uploads may be under way at once in this process; each holds up to 40 MiB of memory. More are told to try again (429)"),
    setting(Staging, "max-namespace-uploads", "HEARTH_STAGING_MAX_NAMESPACE_UPLOADS", "NUMBER", Some("50"),
        "The same for those of one namespace"),
    setting(Staging, "max-namespace-upload-rate", "HEARTH_STAGING_MAX_NAMESPACE_UPLOAD_RATE", "NUMBER", Some("100"),
        "How many uploads of one namespace may begin in a second in this process; ten times as many after a pause"),
    setting(Staging, "max-namespace-size", "HEARTH_STAGING_MAX_NAMESPACE_SIZE", "SIZE", None,
        "How many bytes the uploads of one namespace may have together; without it, as many as the store takes. Looked at anew twice a minute, so that uploads at the same time may pass it"),
    setting(Staging, "first-use-timeout", "HEARTH_STAGING_FIRST_USE_TIMEOUT", "TIME", None,
        "How long an upload is kept that nobody reads: a time such as 7d, off for ever, or NAMESPACE=TIME or NAMESPACE/PATH=TIME for what is below that; may be repeated [default: 7d]").repeated(),
    setting(Staging, "upload-lifetime", "HEARTH_STAGING_UPLOAD_LIFETIME", "TIME", None,
        "How long an upload is kept since it was read last, in the same way; may be repeated [default: 30d]").repeated(),
    setting(Staging, "sweep-interval", "HEARTH_STAGING_SWEEP_INTERVAL", "TIME", Some("1h"),
        "The pause between two looks for uploads that are over, and content that nothing needs; one replica does it. Or off, for this process never to do it"),
    setting(Staging, "sweep-grace", "HEARTH_STAGING_SWEEP_GRACE", "TIME", Some("1d"),
        "How old at least content is that is removed, what a crash left behind, and a name that is free"),
    setting(Staging, "upload-owners", "HEARTH_STAGING_UPLOAD_OWNERS", "WORD", Some("off"),
        "kubernetes: an upload that a driver's pod names, in its command line or in a ConfigMap that it mounts, stays as long as that pod, whatever its time; needs the right to list pods and get configmaps. off: time alone decides"),
    setting(Staging, "owner-grace", "HEARTH_STAGING_OWNER_GRACE", "TIME", Some("1h"),
        "How long such an upload stays when its driver's pod has ended or gone; then it is removed, even before its time"),
    setting(Staging, "event-log-drain-timeout", "HEARTH_EVENT_LOG_DRAIN_TIMEOUT", "TIME", Some("30s"),
        "How long after SIGTERM event logs that are being written may go on: Spark does not resume them elsewhere; or off, for as long as their applications run"),
    setting(Collector, "pod-logs", "HEARTH_POD_LOGS", "DIR", None,
        "The node's folder of pod logs, /var/log/pods on most. 'hearth log-collector' takes that one when it is given neither this nor --event-log-dir"),
    setting(Collector, "api-logs", "HEARTH_API_LOGS", "DIR", None,
        "A folder to work in: with it, pods' logs are taken from the Kubernetes API (pods/log) and not from the node's files, for nodes whose files cannot be read. It holds what has not been shipped, and should outlive the process"),
    setting(Collector, "event-log-dir", "HEARTH_EVENT_LOG_DIR", "DIR", None,
        "A local folder that Spark writes event logs to, shipped to <store>/event-logs while they grow; may be repeated").repeated(),
    setting(Collector, "kubelet-dir", "HEARTH_KUBELET_DIR", "DIR", None,
        "The kubelet's folder, /var/lib/kubelet on most: with it, event logs are shipped that drivers write to an emptyDir volume of the name --event-log-volume"),
    setting(Collector, "event-log-volume", "HEARTH_EVENT_LOG_VOLUME", "NAME", Some("spark-event-logs"),
        "The name of the emptyDir volume that drivers write event logs to"),
    setting(Collector, "pod-identity", "HEARTH_POD_IDENTITY", "HOW", Some("kubernetes"),
        "How Spark's pods are recognised: 'kubernetes' by their labels, from the API server; 'names' by the names that Spark gives to pods and containers"),
    setting(Collector, "namespace", "HEARTH_NAMESPACE", "NAME", None, "Collect the pods of this namespace only; may be repeated").repeated(),
    setting(Collector, "node-name", "HEARTH_NODE_NAME", "NAME", None,
        "Watch only this node's pods, which spares the API server; in a DaemonSet, from the field spec.nodeName"),
    setting(Collector, "pod-selector", "HEARTH_POD_SELECTOR", "LABELS", None,
        "Ship pods with these labels too, besides Spark's: KEY, !KEY, KEY=VALUE, KEY!=VALUE, with commas between. Needs --pod-identity kubernetes"),
    setting(Collector, "application-label", "HEARTH_APPLICATION_LABEL", "KEY", None,
        "The label of such pods whose value is the application that their logs belong to; without it, they are found by the pods' names"),
    setting(Collector, "containers", "HEARTH_CONTAINERS", "WHICH", Some("all"),
        "Which containers of a pod are shipped: all, with its init containers and those beside, or main, the one that Spark runs in"),
    setting(Collector, "flush-interval", "HEARTH_FLUSH_INTERVAL", "TIME", Some("5s"),
        "How long a line may wait before it is shipped: it can be read so long after it was written, and the time that the store takes"),
    setting(Collector, "pin-dir", "HEARTH_PIN_DIR", "DIR", Some("auto"),
        "A folder on the file system of the pods' logs, outside of --pod-logs and reached by the same mount, for hard links to log files that have not been shipped: with it, what the kubelet deletes while no collector runs is not lost. 'auto' is a hidden one beside --pod-logs; 'off' for none"),
    setting(Collector, "spill-dir", "HEARTH_SPILL_DIR", "DIR", None,
        "A folder for copies of log files that have not been shipped and have no link, made while the store takes nothing: for where --pin-dir cannot serve. What is deleted meanwhile is not lost then, nor when this process is killed, if the folder outlives it"),
    setting(Collector, "spill-max-size", "HEARTH_SPILL_MAX_SIZE", "SIZE", Some("1GiB"),
        "How much may lie there. Of what finds no room and is lost, a gap in the log says how much it was"),
    setting(Collector, "logs-max-age", "HEARTH_LOGS_MAX_AGE", "TIME", None,
        "Delete applications' logs, their event logs with them, that nothing was added to for this long; without it, none for their age. One collector of all does it"),
    setting(Collector, "logs-max-size", "HEARTH_LOGS_MAX_SIZE", "SIZE", None,
        "Delete the oldest of them while all of them take more room than this; without it, none for their size"),
    setting(Collector, "logs-clean-interval", "HEARTH_LOGS_CLEAN_INTERVAL", "TIME", Some("1h"),
        "The pause between two looks, where any is asked for"),
    setting(History, "listen", "HEARTH_HISTORY_LISTEN", "ADDR", Some("127.0.0.1:18080"), "Where the history server listens")
        .in_serve("history-listen"),
    setting(History, "public-prefix", "HEARTH_HISTORY_PUBLIC_PREFIX", "PATH", None,
        "The path under which a reverse proxy shows the history server, such as /spark-history; what a --trusted-proxy says in X-Forwarded-Prefix goes before it")
        .in_serve("history-public-prefix"),
    setting(History, "title", "HEARTH_HISTORY_TITLE", "TEXT", Some("Hearth"), "What the pages say above the list, as spark.history.ui.title"),
    setting(History, "event-logs", "HEARTH_EVENT_LOGS", "URL", None,
        "A folder of event logs, as a store URL or NAME=URL; may be repeated [default: <store>/event-logs]").repeated(),
    setting(History, "scan-interval", "HEARTH_SCAN_INTERVAL", "TIME", Some("10s"), "The pause between two looks for new and changed event logs"),
    setting(History, "cache-size", "HEARTH_CACHE_SIZE", "SIZE", Some("1GiB"), "How much memory replayed applications may take, about"),
    setting(History, "replay-ahead", "HEARTH_REPLAY_AHEAD", "TIME", Some("1d"),
        "Replay applications whose event logs were finished no longer ago than this before anyone asks, so that their first page is fast too; or off"),
    setting(History, "replay-memory", "HEARTH_REPLAY_MEMORY", "SIZE", Some("2GiB"),
        "How much memory the replay of one event log may take, about; of a log that needs more, what that holds is shown"),
    setting(History, "max-line-size", "HEARTH_MAX_LINE_SIZE", "SIZE", Some("256MiB"), "Longer lines of an event log are left out, and counted"),
    setting(History, "retained-jobs", "HEARTH_RETAINED_JOBS", "NUMBER", None, "Show no more than the newest so many jobs, as spark.ui.retainedJobs; without it, all"),
    setting(History, "retained-stages", "HEARTH_RETAINED_STAGES", "NUMBER", None, "The same for stages, as spark.ui.retainedStages"),
    setting(History, "retained-tasks", "HEARTH_RETAINED_TASKS", "NUMBER", None, "The same for the tasks of a stage, as spark.ui.retainedTasks"),
    setting(History, "retained-dead-executors", "HEARTH_RETAINED_DEAD_EXECUTORS", "NUMBER", None,
        "The same for executors that are gone, as spark.ui.retainedDeadExecutors"),
    setting(History, "retained-executions", "HEARTH_RETAINED_EXECUTIONS", "NUMBER", None, "The same for SQL executions, as spark.sql.ui.retainedExecutions"),
    setting(History, "retained-streaming-queries", "HEARTH_RETAINED_STREAMING_QUERIES", "NUMBER", None,
        "The same for streaming queries that have ended, as spark.sql.streaming.ui.retainedQueries"),
    setting(History, "retained-streaming-updates", "HEARTH_RETAINED_STREAMING_UPDATES", "NUMBER", None,
        "The same for what a streaming query reports after each batch, as spark.sql.streaming.ui.retainedProgressUpdates"),
    setting(History, "retained-thrift-sessions", "HEARTH_RETAINED_THRIFT_SESSIONS", "NUMBER", None,
        "The same for sessions of the JDBC/ODBC server, as spark.sql.thriftserver.ui.retainedSessions"),
    setting(History, "retained-thrift-statements", "HEARTH_RETAINED_THRIFT_STATEMENTS", "NUMBER", None,
        "The same for its statements, as spark.sql.thriftserver.ui.retainedStatements"),
    setting(History, "retained-connect-sessions", "HEARTH_RETAINED_CONNECT_SESSIONS", "NUMBER", None,
        "The same for sessions of Spark Connect, as spark.sql.connect.ui.retainedSessions"),
    setting(History, "retained-connect-statements", "HEARTH_RETAINED_CONNECT_STATEMENTS", "NUMBER", None,
        "The same for its operations, as spark.sql.connect.ui.retainedStatements"),
    setting(History, "executor-log-url", "HEARTH_EXECUTOR_LOG_URL", "PATTERN", None,
        "Where executors' logs are that Hearth does not collect, as spark.history.custom.executor.log.url"),
    setting(History, "executor-log-url-of-incomplete", "HEARTH_EXECUTOR_LOG_URL_OF_INCOMPLETE", "BOOL", Some("true"),
        "Use it for applications that are still running, too, as spark.history.custom.executor.log.url.applyIncompleteApplication"),
    setting(History, "redaction-regex", "HEARTH_REDACTION_REGEX", "PATTERN", Some(Redaction::DEFAULT),
        "Properties of an application whose name or value has a part like this are shown masked, as spark.redaction.regex"),
    setting(History, "clean-max-age", "HEARTH_CLEAN_MAX_AGE", "TIME", None, "Delete event logs that have not changed for this long; without it, none for their age"),
    setting(History, "clean-max-logs", "HEARTH_CLEAN_MAX_LOGS", "NUMBER", None,
        "Delete the oldest event logs of completed applications while there are more than so many; without it, none for their number"),
    setting(History, "clean-interval", "HEARTH_CLEAN_INTERVAL", "TIME", Some("1d"), "The pause between two cleanings, where any is asked for"),
    setting(History, "acls", "HEARTH_ACLS", "BOOL", Some("false"),
        "Show an application only to its user, those its own ACLs name, and the admins; needs a way to know who asks, such as --user-header"),
];
