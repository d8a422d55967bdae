//! Flags, environment and file become one [`Config`]; nothing else in Hearth reads any of them.
//!
//! A flag beats an environment variable (`HEARTH_…`), that one the TOML file, that one the default. Every mistake is
//! reported, not just the first.

mod access;
mod command_line;
mod layers;
mod logs;
mod settings;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use history_server::Redaction;
use storage::StoreUrl;

pub(crate) use self::access::{Access, TlsFiles};
pub(crate) use self::logs::LogsWanted;
pub(crate) use command_line::Refusal;
use layers::Layers;
use settings::{SETTINGS, Section};

/// What the program was asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Run one or several servers until told to stop.
    Serve(Box<Config>),
    /// Print shipped logs.
    Logs(Box<LogsRequest>),
}

/// Everything that the servers need to know.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: StoreUrl,
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) shutdown_delay: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) http: Http,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) access: Access,
    pub(crate) telemetry: Telemetry,
    /// Put the sample application into the store before anything starts.
    pub(crate) sample: bool,
    pub(crate) staging: Option<Staging>,
    pub(crate) collector: Option<Collector>,
    pub(crate) history: Option<History>,
}

/// What clients of any port are granted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http {
    pub(crate) max_connections: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) stall_timeout: Duration,
}

/// How the program's own log lines are written.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    pub(crate) json: bool,
    pub(crate) filter: String,
}

/// The staging server's settings.
#[derive(Debug)]
pub(crate) struct Staging {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<url::Url>,
    pub(crate) max_upload_bytes: u64,
    /// How long event logs that are being written are waited for at the end; `None`: as long as it takes.
    pub(crate) event_log_drain_timeout: Option<Duration>,
}

/// How Spark's pods are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodIdentity {
    Kubernetes,
    Names,
}

/// The log collector's settings.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) pod_logs: Option<PathBuf>,
    pub(crate) event_log_dirs: Vec<PathBuf>,
    pub(crate) pod_identity: PodIdentity,
    pub(crate) namespaces: Vec<String>,
    pub(crate) node_name: Option<String>,
    pub(crate) flush_interval: Duration,
    pub(crate) pin_dir: Option<PathBuf>,
    pub(crate) kubelet_dir: Option<PathBuf>,
    pub(crate) event_log_volume: String,
}

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

/// `hearth logs`
#[derive(Debug)]
pub(crate) struct LogsRequest {
    pub(crate) store: StoreUrl,
    pub(crate) telemetry: Telemetry,
    pub(crate) wanted: LogsWanted,
}

/// Reads the command line, the environment, and the file that they name.
pub(crate) fn read(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Request, Refusal> {
    let (matches, misread) = command_line::read(&command(), args.into_iter().collect())?;
    let (name, matches) = matches.subcommand().unwrap_or(("serve", &matches));
    let mut layers = Layers::new(matches, name == "serve");
    misread.into_iter().for_each(|mistake| layers.mistake(mistake));
    if let Ok(Some(path)) = matches.try_get_one::<OsString>("config") {
        let by_variable = matches.value_source("config") == Some(ValueSource::EnvVariable);
        layers.read_file(if by_variable { "HEARTH_CONFIG" } else { "--config" }, Path::new(path));
    }
    let request = match name {
        "logs" => read_logs(&mut layers, matches).map(|request| Request::Logs(Box::new(request))),
        _ => read_config(&mut layers, matches, name).map(|config| Request::Serve(Box::new(config))),
    };
    match (request, layers.into_mistakes()) {
        (Some(request), mistakes) if mistakes.is_empty() => Ok(request),
        (_, mistakes) => Err(Refusal::Mistakes(mistakes)),
    }
}

fn read_config(layers: &mut Layers<'_>, matches: &ArgMatches, role: &str) -> Option<Config> {
    let has = |section: Section| role == "serve" || section.role() == Some(role);
    let store = store(layers);
    let admin_listen = layers.one_with(Section::Common, "admin-listen", |text| match text {
        "off" => Ok(None),
        text => values::address(text).map(Some),
    });
    let drain_timeout = layers.one_with(Section::Common, "drain-timeout", values::duration);
    let shutdown_delay = layers.one_with(Section::Common, "shutdown-delay", values::duration);
    let (http, telemetry) = (http(layers), telemetry(layers));
    let tls = access::tls(layers);
    let access = access::read(layers, tls.as_ref());
    // Every part is read before any is given up, so that the mistakes of all are reported.
    let staging = has(Section::Staging).then(|| staging(layers));
    let collector = has(Section::Collector).then(|| collector(layers, role == "serve"));
    let history = has(Section::History).then(|| history(layers));
    if let (Some(Some(history)), Some(access)) = (&history, &access) {
        access::check_acls(layers, history.acls, access);
    }
    Some(Config {
        store: store?,
        admin_listen: admin_listen?,
        shutdown_delay: shutdown_delay?,
        drain_timeout: drain_timeout?,
        http: http?,
        tls,
        access: access?,
        telemetry: telemetry?,
        sample: matches.try_get_one::<bool>("sample").ok().flatten().copied().unwrap_or(false),
        staging: staging.map_or(Some(None), |part| part.map(Some))?,
        collector: collector.map_or(Some(None), |part| part.map(Some))?,
        history: history.map_or(Some(None), |part| part.map(Some))?,
    })
}

fn store(layers: &mut Layers<'_>) -> Option<StoreUrl> {
    layers.one(Section::Common, "store")
}

fn http(layers: &mut Layers<'_>) -> Option<Http> {
    let max_connections = layers.one_with(Section::Clients, "max-connections", values::positive);
    let header_timeout = layers.one_with(Section::Clients, "header-timeout", values::duration);
    let idle_timeout = layers.one_with(Section::Clients, "idle-timeout", values::duration);
    let stall_timeout = layers.one_with(Section::Clients, "stall-timeout", values::duration);
    Some(Http {
        max_connections: max_connections?,
        header_timeout: header_timeout?,
        idle_timeout: idle_timeout?,
        stall_timeout: stall_timeout?,
    })
}

fn telemetry(layers: &mut Layers<'_>) -> Option<Telemetry> {
    let json = layers.one_with(Section::Common, "log-format", |text| match text {
        "text" => Ok(false),
        "json" => Ok(true),
        _ => Err("there are text and json".to_owned()),
    });
    let filter = layers.one_with(Section::Common, "log-filter", |text| {
        tracing_subscriber::EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|e| e.to_string())
    });
    Some(Telemetry { json: json?, filter: filter? })
}

fn staging(layers: &mut Layers<'_>) -> Option<Staging> {
    let listen = layers.one_with(Section::Staging, "listen", values::address);
    let public_url = layers.one_with(Section::Staging, "public-url", values::base_url);
    let max_upload_bytes = layers.one_with(Section::Staging, "max-upload-size", values::size_bytes);
    let event_log_drain_timeout = layers.one_with(Section::Staging, "event-log-drain-timeout", values::duration_or_off);
    Some(Staging {
        listen: listen?,
        public_url,
        max_upload_bytes: max_upload_bytes?,
        event_log_drain_timeout: event_log_drain_timeout?,
    })
}

fn collector(layers: &mut Layers<'_>, serve: bool) -> Option<Collector> {
    let folder = |text: &str| match std::fs::metadata(text) {
        Ok(meta) if !meta.is_dir() => Err("it is not a folder".to_owned()),
        Ok(_) => Ok(PathBuf::from(text)),
        Err(error) => Err(error.to_string()),
    };
    let mut pod_logs = layers.many_with(Section::Collector, "pod-logs", folder).pop();
    let event_log_dirs = layers.many_with(Section::Collector, "event-log-dir", folder);
    let kubelet_dir = layers.many_with(Section::Collector, "kubelet-dir", folder).pop();
    let event_log_volume = layers.one(Section::Collector, "event-log-volume");
    if pod_logs.is_none() && event_log_dirs.is_empty() && kubelet_dir.is_none() && !serve {
        pod_logs = Some(PathBuf::from("/var/log/pods"));
    }
    let pin_dir = match layers.one::<String>(Section::Collector, "pin-dir").as_deref() {
        Some("off") => None,
        Some("auto") | None => pod_logs.as_deref().and_then(beside),
        Some(folder) => Some(PathBuf::from(folder)),
    };
    let pod_identity = layers.one_with(Section::Collector, "pod-identity", |text| match text {
        "kubernetes" => Ok(PodIdentity::Kubernetes),
        "names" => Ok(PodIdentity::Names),
        _ => Err("there are kubernetes and names".to_owned()),
    });
    let namespaces = layers.many_with(Section::Collector, "namespace", |text| Ok(text.to_owned()));
    let node_name = layers.one(Section::Collector, "node-name");
    let flush_interval = layers.one_with(Section::Collector, "flush-interval", values::duration);
    Some(Collector {
        pod_logs,
        event_log_dirs,
        pod_identity: pod_identity?,
        namespaces,
        node_name,
        flush_interval: flush_interval?,
        pin_dir,
        kubelet_dir,
        event_log_volume: event_log_volume?,
    })
}

/// A hidden folder beside `folder`, on the same file system unless that is a mount point.
fn beside(folder: &Path) -> Option<PathBuf> {
    Some(folder.with_file_name(format!(".{}-hearth-pins", folder.file_name()?.to_str()?)))
}

fn history(layers: &mut Layers<'_>) -> Option<History> {
    let listen = layers.one_with(Section::History, "listen", values::address);
    let public_prefix = layers.one_with(Section::History, "public-prefix", values::path_prefix);
    let event_logs = layers.many_with(Section::History, "event-logs", |text| {
        let (name, url) = match text.split_once('=') {
            Some((name, url)) if !name.contains([':', '/']) => (Some(name.to_owned()), url),
            _ => (None, text),
        };
        Ok(EventLogs { name, url: values::store_to_read(url)? })
    });
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
    let redaction = layers.one_with(Section::History, "redaction-regex", Redaction::new);
    let acls = layers.one_with(Section::History, "acls", values::boolean);
    let clean = clean(layers);
    Some(History {
        listen: listen?,
        public_prefix: public_prefix.unwrap_or_default(),
        event_logs,
        scan_interval: scan_interval?,
        cache_bytes: cache_bytes?,
        replay_ahead: replay_ahead?,
        max_line_bytes: usize::try_from(max_line_bytes?).unwrap_or(usize::MAX),
        replay_memory_bytes: usize::try_from(replay_memory_bytes?).unwrap_or(usize::MAX),
        retained,
        executor_log_url,
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

fn read_logs(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<LogsRequest> {
    let store = layers.one_with(Section::Common, "store", values::store_to_read);
    let telemetry = telemetry(layers);
    Some(LogsRequest { store: store?, telemetry: telemetry?, wanted: LogsWanted::read(matches) })
}

fn command() -> Command {
    let serve = |command: Command| {
        let command = with_settings(command, true, |_| true);
        command.arg(
            Arg::new("sample")
                .long("sample")
                .action(ArgAction::SetTrue)
                .help("First put a sample application, run by real Spark on a real Kubernetes, into the store"),
        )
    };
    let role = |section: Section, about: &'static str| {
        let command = Command::new(section.role().unwrap_or_default()).about(about);
        let with_clients = section != Section::Collector;
        with_settings(command, false, |s| {
            s == Section::Common || s == section || (s == Section::Clients && with_clients)
        })
    };
    // The bare command is `serve`, so it takes the same flags.
    serve(Command::new("hearth"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("What a Spark job on Kubernetes needs before it starts, and what it leaves behind when it is gone")
        .after_help("Without a command: serve. Exit status: 0 stopped as told, 64 wrong settings, 1 anything else.")
        .args_conflicts_with_subcommands(true)
        .subcommand(
            serve(Command::new("serve"))
                .about("All three servers in one process, on a local folder unless told otherwise"),
        )
        .subcommand(role(
            Section::Staging,
            "Takes jars and files from submitters and serves them to drivers, executors and init containers",
        ))
        .subcommand(role(Section::Collector, "Ships the logs of Spark's pods, and Spark's event logs, to the store"))
        .subcommand(role(Section::History, "Shows completed and running applications, with the logs of every executor"))
        .subcommand(logs_command())
}

fn logs_command() -> Command {
    let shown = ["store", "log-format", "log-filter"];
    with_settings_if(logs::command(), false, |s| s.section == Section::Common && shown.contains(&s.name))
}

fn with_settings(command: Command, serve: bool, wanted: impl Fn(Section) -> bool) -> Command {
    with_settings_if(command, serve, |setting| wanted(setting.section))
}

fn with_settings_if(command: Command, serve: bool, wanted: impl Fn(&settings::Setting) -> bool) -> Command {
    let config = Arg::new("config")
        .long("config")
        .env("HEARTH_CONFIG")
        .value_name("FILE")
        .value_parser(clap::value_parser!(OsString))
        .help("A TOML file of the settings below; a role's own stand in a table of its name, such as [history-server]");
    let args = SETTINGS.iter().filter(|setting| wanted(setting)).map(|setting| {
        let name = if serve { setting.serve_name } else { setting.name };
        let help = match setting.default {
            Some(default) => format!("{} [default: {default}]", setting.help),
            None => setting.help.to_owned(),
        };
        let arg = Arg::new(name).long(name).env(setting.env).hide_env_values(true).value_name(setting.value).help(help);
        let arg = arg.help_heading(setting.section.role().filter(|_| serve));
        if setting.repeated { arg.action(ArgAction::Append).value_delimiter(',') } else { arg }
    });
    command.arg(config).args(args)
}

/// The settings as the README shows them.
#[cfg(test)]
pub(crate) fn table() -> String {
    let mut table = String::from("| flag | environment | default | what it is |\n| --- | --- | --- | --- |\n");
    for setting in SETTINGS {
        let role = setting.section.role().map(|role| format!("{role}: ")).unwrap_or_default();
        let flag = if setting.name == setting.serve_name {
            format!("`--{}`", setting.name)
        } else {
            format!("`--{}` (serve: `--{}`)", setting.name, setting.serve_name)
        };
        let default = setting.default.map(|d| format!("`{}`", d.replace('|', "\\|"))).unwrap_or_default();
        let help = setting.help.replace('<', "\\<");
        table += &format!("| {flag} | `{}` | {default} | {role}{help} |\n", setting.env);
    }
    table
}

#[cfg(test)]
mod tests;
