//! Flags, environment and file become one [`Config`]; nothing else in Hearth reads any of them.
//!
//! A flag beats an environment variable (`HEARTH_…`), that one the TOML file, that one the default. Every mistake is
//! reported, not just the first.

mod access;
mod ask;
mod collector;
mod command_line;
mod common;
mod fetch;
mod history;
mod layers;
mod logs;
mod pod_template;
mod settings;
mod spark;
mod stage;
mod staging;
mod sweep;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use storage::StoreUrl;

pub(crate) use self::access::{Access, TlsFiles};
pub(crate) use self::collector::{Collector, PodIdentity};
pub(crate) use self::logs::LogsWanted;
pub(crate) use self::staging::{PathTime, Staging};
pub(crate) use ask::{AppRequest, AppsRequest, DoctorRequest, HistorySite, OpenRequest};
pub(crate) use command_line::Refusal;
pub(crate) use common::Telemetry;
use common::{store, telemetry, variable, with_settings_if};
pub(crate) use fetch::FetchRequest;
pub(crate) use history::{Clean, EventLogs, History};
use layers::Layers;
pub(crate) use pod_template::{Action as PodTemplateAction, PodTemplateRequest, Text};
use settings::Section;
use spark::Spark;
pub(crate) use stage::{
    ManifestFormat, Output as StageOutput, Scheme, Server as StageServer, StageRequest, SubmitRequest, Via,
};
pub(crate) use sweep::SweepRequest;

use crate::version;

/// What the program was asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Run one or several servers until told to stop.
    Serve(Box<Config>),
    /// Print shipped logs.
    Logs(Box<LogsRequest>),
    /// Print what becomes of the settings of Spark's history server, and what is wrong with them.
    CheckConfig {
        /// What becomes of each.
        report: String,
        /// Why a server would not start.
        mistakes: Vec<String>,
    },
    /// Bring artifacts into a folder.
    Fetch(Box<FetchRequest>),
    /// Put files on the staging server.
    Stage(Box<StageRequest>),
    /// Submit an application.
    Submit(Box<SubmitRequest>),
    /// Check, render or keep a pod template.
    PodTemplate(Box<PodTemplateRequest>),
    /// List applications.
    Apps(Box<AppsRequest>),
    /// Sum an application up.
    App(Box<AppRequest>),
    /// Open an application's pages.
    Open(Box<OpenRequest>),
    /// Try every door.
    Doctor(Box<DoctorRequest>),
    /// Remove what is over of the uploads.
    Sweep(Box<SweepRequest>),
    /// Print what completes command lines in a shell.
    Completions(clap_complete::Shell),
    /// Write the manual's pages into a folder.
    Manual(PathBuf),
}

impl Request {
    /// How to tell what happens; `None` where nothing does that has to be told.
    pub(crate) fn telemetry(&self) -> Option<&Telemetry> {
        match self {
            Self::Serve(config) => Some(&config.telemetry),
            Self::Logs(request) => Some(&request.telemetry),
            Self::Fetch(request) => Some(&request.telemetry),
            Self::Stage(request) => Some(&request.telemetry),
            Self::Submit(request) => Some(&request.telemetry),
            Self::PodTemplate(request) => Some(&request.telemetry),
            Self::Apps(request) => Some(&request.telemetry),
            Self::App(request) => Some(&request.telemetry),
            Self::Open(request) => Some(&request.app.telemetry),
            Self::Doctor(request) => Some(&request.telemetry),
            Self::Sweep(request) => Some(&request.telemetry),
            Self::CheckConfig { .. } | Self::Completions(_) | Self::Manual(_) => None,
        }
    }
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
    /// What Spark's settings say that is not followed; `None` where they are not read.
    pub(crate) spark_notes: Option<Vec<String>>,
}

/// What clients of any port are granted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http {
    pub(crate) max_connections: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) stall_timeout: Duration,
}

/// `hearth logs`
#[derive(Debug)]
pub(crate) struct LogsRequest {
    pub(crate) store: StoreUrl,
    pub(crate) telemetry: Telemetry,
    pub(crate) wanted: LogsWanted,
}

/// The history server, configured as Spark's own is.
const SPARK_HISTORY_SERVER: &str = "spark-history-server";
const CHECK_CONFIG: &str = "check-config";
/// The commands that read Spark's settings.
const SPARKS: [&str; 2] = [SPARK_HISTORY_SERVER, CHECK_CONFIG];

/// Reads the command line, the environment, and the file that they name.
pub(crate) fn read(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Request, Refusal> {
    let (matches, misread) = command_line::read(&command(), args.into_iter().collect())?;
    let (name, matches) = matches.subcommand().unwrap_or(("serve", &matches));
    // A command of a command has all the settings itself.
    let (inner, matches) = matches.subcommand().unwrap_or((name, matches));
    let mut layers = Layers::new(matches, name == "serve");
    misread.into_iter().for_each(|mistake| layers.mistake(mistake));
    if let Ok(Some(path)) = matches.try_get_one::<OsString>("config") {
        let by_variable = matches.value_source("config") == Some(ValueSource::EnvVariable);
        layers.read_file(if by_variable { "HEARTH_CONFIG" } else { "--config" }, Path::new(path));
    }
    if SPARKS.contains(&name) {
        let file = matches.get_one::<OsString>("properties-file").map(Path::new);
        let said = |name: &str| variable(name).filter(|text| !text.is_empty());
        layers.set_spark(spark::read(file, &said));
    }
    let request = match name {
        SPARK_HISTORY_SERVER => {
            read_config(&mut layers, matches, "history-server").map(|config| Request::Serve(Box::new(config)))
        }
        CHECK_CONFIG => {
            let _ = read_config(&mut layers, matches, "history-server");
            let report = layers.spark().map(spark::report).unwrap_or_default();
            return Ok(Request::CheckConfig { report, mistakes: layers.into_mistakes() });
        }
        "logs" => read_logs(&mut layers, matches).map(|request| Request::Logs(Box::new(request))),
        "fetch" => fetch::read(&mut layers, matches).map(|request| Request::Fetch(Box::new(request))),
        "stage" => stage::read_stage(&mut layers, matches).map(|request| Request::Stage(Box::new(request))),
        "submit" => stage::read_submit(&mut layers, matches).map(|request| Request::Submit(Box::new(request))),
        "pod-template" => {
            pod_template::read(&mut layers, matches, inner).map(|request| Request::PodTemplate(Box::new(request)))
        }
        "apps" => ask::read_apps(&mut layers, matches).map(|request| Request::Apps(Box::new(request))),
        "app" => ask::read_app(&mut layers, matches).map(|request| Request::App(Box::new(request))),
        "open" => ask::read_open(&mut layers, matches).map(|request| Request::Open(Box::new(request))),
        "doctor" => ask::read_doctor(&mut layers, matches).map(|request| Request::Doctor(Box::new(request))),
        "sweep" => sweep::read(&mut layers, matches).map(|request| Request::Sweep(Box::new(request))),
        "completions" => matches.get_one("shell").copied().map(Request::Completions),
        "man" => matches.get_one("folder").cloned().map(Request::Manual),
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
    let staging = has(Section::Staging).then(|| staging::read(layers));
    let collector = has(Section::Collector).then(|| collector::read(layers, role == "serve"));
    let history = has(Section::History).then(|| history::read(layers));
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
        spark_notes: layers.spark().map(Spark::notes),
    })
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

fn read_logs(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<LogsRequest> {
    let store = layers.one_with(Section::Common, "store", values::store_to_read);
    let telemetry = telemetry(layers);
    Some(LogsRequest { store: store?, telemetry: telemetry?, wanted: LogsWanted::read(matches) })
}

/// The whole command line.
pub(crate) fn command() -> Command {
    let serve = |command: Command| {
        let command = with_settings(command, true, |_| true);
        command.arg(
            Arg::new("sample")
                .long("sample")
                .action(ArgAction::SetTrue)
                .help("First put sample applications, run by real Spark, into the store"),
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
        .version(version::LONG)
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
        .subcommand(role_as_spark(
            SPARK_HISTORY_SERVER,
            "The history server in the place of Spark's own: spark.history.… by a properties file, SPARK_HISTORY_OPTS and \
             SPARK_DAEMON_JAVA_OPTS",
        ))
        .subcommand(role_as_spark(CHECK_CONFIG, "Prints what becomes of each setting of Spark's history server that is found"))
        .subcommands(tools())
        .subcommands(manual_commands())
}

/// The commands of those who submit, and of pods that start.
fn tools() -> [Command; 10] {
    [
        logs_command(),
        fetch::command(),
        pod_template::command(),
        stage::stage_command(),
        stage::submit_command(),
        ask::apps_command(),
        ask::app_command(),
        ask::open_command(),
        ask::doctor_command(),
        sweep::command(),
    ]
}

/// The commands that tell of the others.
fn manual_commands() -> [Command; 2] {
    let shell = Arg::new("shell").value_name("SHELL").required(true);
    let folder = Arg::new("folder").value_name("FOLDER").required(true).value_parser(clap::value_parser!(PathBuf));
    [
        Command::new("completions")
            .about("Prints a script by which a shell completes the command lines of hearth")
            .after_help("Example: source <(hearth completions bash)")
            .arg(shell.value_parser(clap::value_parser!(clap_complete::Shell))),
        Command::new("man")
            .about("Writes the manual into a folder, a page for each command: hearth.1, hearth-fetch.1, ...")
            .arg(folder.help("Made when it is missing; on Debian, /usr/local/share/man/man1")),
    ]
}

fn role_as_spark(name: &'static str, about: &'static str) -> Command {
    let file = Arg::new("properties-file")
        .long("properties-file")
        .value_name("FILE")
        .value_parser(clap::value_parser!(OsString))
        .help("Spark's settings [default: spark-defaults.conf in SPARK_CONF_DIR, or in SPARK_HOME/conf]");
    let wanted = |section| matches!(section, Section::Common | Section::Clients | Section::History);
    with_settings(Command::new(name).about(about), false, wanted).arg(file)
}

fn logs_command() -> Command {
    let shown = ["store", "log-format", "log-filter"];
    with_settings_if(logs::command(), false, |s| s.section == Section::Common && shown.contains(&s.name))
}

fn with_settings(command: Command, serve: bool, wanted: impl Fn(Section) -> bool) -> Command {
    with_settings_if(command, serve, |setting| wanted(setting.section))
}

/// The settings as the README shows them.
#[cfg(test)]
pub(crate) fn table() -> String {
    let mut table = String::from("| flag | environment | default | what it is |\n| --- | --- | --- | --- |\n");
    for setting in settings::SETTINGS {
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
