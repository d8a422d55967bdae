//! The command lines of what asks servers: `hearth apps`, `app`, `open` and `doctor`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use staging_client::{Access, Secret};
use storage::StoreUrl;
use url::Url;

use super::common::{Telemetry, read_file, telemetry, variable, with_settings_if};
use super::layers::Layers;
use super::{stage, values};

/// The history server, and how its answers are printed.
#[derive(Debug)]
pub(crate) struct HistorySite {
    pub(crate) url: Url,
    pub(crate) access: Access,
}

/// `hearth apps`
#[derive(Debug)]
pub(crate) struct AppsRequest {
    pub(crate) telemetry: Telemetry,
    pub(crate) site: HistorySite,
    /// As the list of REST takes them.
    pub(crate) filters: Vec<(&'static str, String)>,
    pub(crate) json: bool,
}

/// `hearth app`
#[derive(Debug)]
pub(crate) struct AppRequest {
    pub(crate) telemetry: Telemetry,
    pub(crate) site: HistorySite,
    pub(crate) app_id: String,
    /// Without one, the latest.
    pub(crate) attempt: Option<String>,
    pub(crate) json: bool,
}

/// `hearth open`
#[derive(Debug)]
pub(crate) struct OpenRequest {
    pub(crate) app: AppRequest,
    pub(crate) browser: String,
}

/// `hearth doctor`
#[derive(Debug)]
pub(crate) struct DoctorRequest {
    pub(crate) telemetry: Telemetry,
    pub(crate) history: HistorySite,
    pub(crate) staging: stage::Server,
    pub(crate) store: Option<StoreUrl>,
    pub(crate) spark_submit: PathBuf,
    pub(crate) json: bool,
}

const EXIT: &str = "Exit status: 0 when it is there, 1 when it is not or the server does not answer, 64 when the command line is wrong.";

const DOCTOR: &str = "\
Every line begins with ok, warning or failed; what is not ok is followed by what to do about it.

Exit status: 0 when nothing failed, 1 when something did, 64 when the command line is wrong.";

fn one(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn output() -> Arg {
    one("output", "FORMAT", "text or json").default_value("text").value_parser(["text", "json"])
}

fn history_url() -> Arg {
    one("history-url", "URL", "The history server, with the path before its pages if it has one")
        .env("HEARTH_HISTORY_URL")
        .default_value("http://127.0.0.1:18080")
}

fn with_history(command: Command) -> Command {
    let file = |name, help| one(name, "FILE", help).value_parser(value_parser!(PathBuf));
    let command = command
        .arg(history_url())
        .arg(
            file("token-file", "A token, sent as 'Authorization: Bearer' to the history server")
                .env("HEARTH_TOKEN_FILE"),
        )
        .arg(file("ca-file", "Certificates in PEM to trust beside the system's"))
        .arg(output());
    with_settings_if(command, false, |s| ["log-format", "log-filter"].contains(&s.name))
}

fn with_app(command: Command) -> Command {
    let app = Arg::new("app").value_name("ID").required(true).help("The application's id, such as spark-6ad2…");
    with_history(command.arg(app).arg(one("attempt", "ID", "Which attempt [default: the latest]")).after_help(EXIT))
}

pub(super) fn apps_command() -> Command {
    let command = Command::new("apps")
        .about("Lists applications")
        .arg(Arg::new("search").value_name("TEXT").help("Only those with this in their name, user or id"))
        .arg(one("name", "TEXT", "Only those of this name"))
        .arg(one("user", "TEXT", "Only those of this user"))
        .arg(
            one("status", "STATUS", "Only those that are completed, or running").value_parser(["completed", "running"]),
        )
        .arg(
            one("sort", "KEY", "end, start, duration, updated, name, user or id; as the pages of the list do")
                .default_value("end")
                .value_parser(["end", "start", "duration", "updated", "name", "user", "id"]),
        )
        .arg(Arg::new("reverse").long("reverse").action(ArgAction::SetTrue).help("The other way round"))
        .arg(one("limit", "NUMBER", "At most so many").default_value("20").value_parser(value_parser!(u32)));
    with_history(command.after_help(EXIT))
}

pub(super) fn app_command() -> Command {
    with_app(Command::new("app").about("Sums an application up: when, how long, on what, and what failed"))
}

pub(super) fn open_command() -> Command {
    let browser = one("browser", "PROGRAM", "What opens an address [default: $BROWSER, or the desktop's own]");
    with_app(
        Command::new("open")
            .about("Opens the pages of an application in a browser, and prints their address")
            .arg(browser),
    )
}

pub(super) fn doctor_command() -> Command {
    let command = Command::new("doctor")
        .about("Tries every door from where it runs, and says what to change")
        .after_help(DOCTOR)
        .arg(
            one("namespace", "NAME", "The Kubernetes namespace that a file is uploaded for")
                .short('n')
                .default_value("default"),
        )
        .arg(one("store", "URL", "An object store that this machine should reach, too").env("HEARTH_STORE"))
        .arg(history_url())
        .arg(output());
    let command = stage::with_access(stage::with_spark_submit(command), Some("http://127.0.0.1:10000"));
    with_settings_if(command, false, |s| ["log-format", "log-filter"].contains(&s.name))
}

pub(super) fn read_apps(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<AppsRequest> {
    let (telemetry, site) = (telemetry(layers), site(layers, matches));
    let given = ["search", "name", "user", "status", "sort"];
    let given = given.into_iter().filter_map(|name| Some((name, matches.get_one::<String>(name)?.clone())));
    let limit = ("limit", matches.get_one::<u32>("limit")?.to_string());
    let order = matches.get_flag("reverse").then(|| ("order", "reverse".to_owned()));
    let filters = given.chain([limit]).chain(order).collect();
    Some(AppsRequest { telemetry: telemetry?, site: site?, filters, json: is_json(matches) })
}

pub(super) fn read_app(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<AppRequest> {
    let (telemetry, site) = (telemetry(layers), site(layers, matches));
    Some(AppRequest {
        telemetry: telemetry?,
        site: site?,
        app_id: matches.get_one::<String>("app")?.clone(),
        attempt: matches.get_one::<String>("attempt").cloned(),
        json: is_json(matches),
    })
}

pub(super) fn read_open(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<OpenRequest> {
    let own = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let named = matches.get_one::<String>("browser").cloned().or_else(|| variable("BROWSER"));
    let browser = named.filter(|name| !name.is_empty()).unwrap_or_else(|| own.to_owned());
    Some(OpenRequest { app: read_app(layers, matches)?, browser })
}

pub(super) fn read_doctor(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<DoctorRequest> {
    let (telemetry, history) = (telemetry(layers), site(layers, matches));
    let namespace = matches.get_one::<String>("namespace").cloned().unwrap_or_default();
    let staging = stage::server(layers, matches, namespace);
    let store = matches.get_one::<String>("store").map(|text| values::store_to_read(text));
    let store = store.and_then(|store| store.map_err(|reason| layers.mistake(format!("--store: {reason}"))).ok());
    Some(DoctorRequest {
        telemetry: telemetry?,
        history: history?,
        staging: staging?,
        store,
        spark_submit: stage::spark_submit(matches),
        json: is_json(matches),
    })
}

fn is_json(matches: &ArgMatches) -> bool {
    matches.get_one::<String>("output").is_some_and(|format| format == "json")
}

fn site(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<HistorySite> {
    let text = matches.get_one::<String>("history-url")?;
    let url = values::site_url(text).map_err(|reason| layers.mistake(format!("--history-url {text:?}: {reason}")));
    let mut content = |name: &str| {
        let path = matches.get_one::<PathBuf>(name)?;
        read_file(path).map_err(|reason| layers.mistake(format!("--{name} {reason}"))).ok()
    };
    let bearer = content("token-file").map(|text| Secret::new(&text));
    let certificates_pem = content("ca-file").map(String::into_bytes);
    Some(HistorySite { url: url.ok()?, access: Access { bearer, certificates_pem, ..Access::default() } })
}
