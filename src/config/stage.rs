//! The command lines of `hearth stage` and `hearth submit`, which both put files on a staging server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use staging_client::submit::Submission;
use staging_client::{Access, Secret, stage};

use super::common::{Telemetry, read_file, telemetry, variable, with_settings_if};
use super::layers::Layers;
use super::values;

/// How URLs of staged files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `webhdfs://` (`swebhdfs://` over TLS): every Spark has a client for it.
    WebHdfs,
    /// `http://` or `https://`
    Http,
}

/// Whom files are sent to.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) access: Access,
    pub(crate) settings: stage::Settings,
    pub(crate) scheme: Scheme,
}

/// What `hearth stage` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
    Conf,
}

/// `hearth stage`
#[derive(Debug)]
pub(crate) struct StageRequest {
    pub(crate) telemetry: Telemetry,
    pub(crate) server: Server,
    pub(crate) items: Vec<stage::Item>,
    pub(crate) output: Output,
}

/// Who starts the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    SparkSubmit,
    Operator,
    ApacheOperator,
}

/// `hearth submit`
#[derive(Debug)]
pub(crate) struct SubmitRequest {
    pub(crate) telemetry: Telemetry,
    /// `None` when none is named: then nothing may have to be uploaded.
    pub(crate) server: Option<Server>,
    pub(crate) submission: Submission,
    pub(crate) via: Via,
    pub(crate) spark_submit: PathBuf,
    pub(crate) spark_version: Option<String>,
    pub(crate) dry_run: bool,
    /// Print the manifest in place of applying it.
    pub(crate) manifest: Option<ManifestFormat>,
    pub(crate) detach: bool,
    pub(crate) delete_on_interrupt: bool,
}

/// How a manifest is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ManifestFormat {
    Yaml,
    Json,
}

const STAGE_EXAMPLES: &str = "\
Examples:
  hearth stage --staging-url http://hearth:10000 --namespace team-a app.jar 'libs/*.jar' data/
  spark-submit $(hearth stage --output conf libs/*.jar) ...

Exit status: 0 when all is on the server, 1 when something is not, 64 when the command line is wrong.";

const SUBMIT_EXAMPLES: &str = "\
Examples:
  hearth submit --staging-url http://hearth:10000 -- --master k8s://https://... --deploy-mode cluster --jars lib.jar app.jar
  hearth submit --via operator -- --conf spark.kubernetes.container.image=apache/spark:4.0.1 job.py

Exit status: spark-submit's own, or with an operator that of the driver; 1 when it was not reached or nobody knows better, 130 after
Ctrl-C, 64 when the command line is wrong.";

fn one(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// The flags that say which server it is, and who asks.
pub(super) fn with_access(command: Command, default_url: Option<&'static str>) -> Command {
    let file = |name, help| one(name, "FILE", help).value_parser(value_parser!(PathBuf));
    let url = one("staging-url", "URL", "The staging server").env("HEARTH_STAGING_URL");
    command
        .arg(if let Some(default) = default_url { url.default_value(default) } else { url })
        .arg(file("token-file", "A token, sent as 'Authorization: Bearer' to the server").env("HEARTH_TOKEN_FILE"))
        .arg(
            one("webhdfs-user", "NAME", "Who uploads, for servers that believe it")
                .env("HADOOP_USER_NAME")
                .hide_env_values(true),
        )
        .arg(file("ca-file", "Certificates in PEM to trust beside the system's"))
}

fn with_server(command: Command) -> Command {
    with_access(command, None)
        .arg(
            one("url", "SCHEME", "How URLs are written: webhdfs, or http")
                .default_value("webhdfs")
                .value_parser(["webhdfs", "http"]),
        )
        .arg(one("parallel", "NUMBER", "How many files are under way at once [default: 4]"))
        .arg(one("retries", "NUMBER", "How often in a row a file may fail [default: 6]"))
}

/// The flag that names a spark-submit.
pub(super) fn with_spark_submit(command: Command) -> Command {
    command.arg(
        one(
            "spark-submit",
            "PROGRAM",
            "Which spark-submit [default: $SPARK_HOME/bin/spark-submit, or the one on the PATH]",
        )
        .env("HEARTH_SPARK_SUBMIT")
        .value_parser(value_parser!(PathBuf)),
    )
}

/// The spark-submit that is meant.
pub(super) fn spark_submit(matches: &ArgMatches) -> PathBuf {
    let named = matches.get_one::<PathBuf>("spark-submit").cloned();
    let home = || variable("SPARK_HOME").map(|home| PathBuf::from(home).join("bin/spark-submit"));
    named.or_else(home).unwrap_or_else(|| PathBuf::from("spark-submit"))
}

pub(super) fn stage_command() -> Command {
    let command = Command::new("stage")
        .about("Uploads files and folders to the staging server, and prints their URLs")
        .after_help(STAGE_EXAMPLES)
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .action(ArgAction::Append)
                .help("A file, a folder, or a pattern such as 'libs/*.jar'"),
        )
        .arg(one("namespace", "NAME", "The Kubernetes namespace that they are for").short('n').default_value("default"))
        .arg(
            one("output", "FORMAT", "text: a URL a line; json; conf: --conf lines for spark-submit")
                .default_value("text")
                .value_parser(["text", "json", "conf"]),
        );
    with_settings_if(with_server(command), false, |s| ["log-format", "log-filter"].contains(&s.name))
}

pub(super) fn submit_command() -> Command {
    let command = Command::new("submit")
        .about(
            "Takes spark-submit's arguments: uploads what is local, and runs spark-submit, or has an operator run it and follows it to its end",
        )
        .after_help(SUBMIT_EXAMPLES)
        .arg(
            one("via", "WHOM", "Who starts it: spark-submit, which is run; or operator (Kubeflow's) or spark-operator-apache, which get a SparkApplication")
                .default_value("spark-submit")
                .value_parser(["spark-submit", "operator", "spark-operator-apache"]),
        )
        .arg(one("spark-version", "VERSION", "The Spark in the image, for an operator, where its tag does not say"))
        .arg(switch("dry-run", "Print what would be run or applied; upload and start nothing"))
        .arg(
            one("manifest", "FORMAT", "For an operator: upload, and print the SparkApplication in place of applying it: yaml or json")
                .value_parser(["yaml", "json"]),
        )
        .arg(switch("detach", "For an operator: do not wait for the application's end"))
        .arg(switch("delete-on-interrupt", "For an operator: delete the application on Ctrl-C, in place of leaving it alone"))
        .arg(
            Arg::new("argument")
                .value_name("ARGUMENT")
                .action(ArgAction::Append)
                .required(true)
                .last(true)
                .allow_hyphen_values(true)
                .help("spark-submit's arguments"),
        );
    let command = with_spark_submit(with_server(command));
    with_settings_if(command, false, |s| ["log-format", "log-filter"].contains(&s.name))
}

pub(super) fn read_stage(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<StageRequest> {
    let telemetry = telemetry(layers);
    let namespace = matches.get_one::<String>("namespace").cloned().unwrap_or_default();
    let server = server(layers, matches, namespace);
    if server.is_none() {
        layers.mistake("--staging-url is missing: which server are the files for?".to_owned());
    }
    let files: Vec<String> = matches.get_many("file").into_iter().flatten().cloned().collect();
    let items = match stage::collect(&files) {
        Ok(items) => items,
        Err(mistakes) => {
            mistakes.into_iter().for_each(|mistake| layers.mistake(mistake));
            Vec::new()
        }
    };
    let output = match matches.get_one::<String>("output").map(String::as_str) {
        Some("json") => Output::Json,
        Some("conf") => Output::Conf,
        _ => Output::Text,
    };
    Some(StageRequest { telemetry: telemetry?, server: server?, items, output })
}

pub(super) fn read_submit(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<SubmitRequest> {
    let telemetry = telemetry(layers);
    let arguments: Vec<String> = matches.get_many("argument").into_iter().flatten().cloned().collect();
    let submission = match Submission::parse(&arguments, &|path| read_file(path.as_ref())) {
        Ok(submission) => submission,
        Err(reason) => {
            layers.mistake(reason);
            return None;
        }
    };
    let namespace = submission.settings().remove("spark.kubernetes.namespace").unwrap_or_else(|| "default".to_owned());
    let via = match matches.get_one::<String>("via").map(String::as_str) {
        Some("operator") => Via::Operator,
        Some("spark-operator-apache") => Via::ApacheOperator,
        _ => Via::SparkSubmit,
    };
    Some(SubmitRequest {
        telemetry: telemetry?,
        server: server(layers, matches, namespace),
        submission,
        via,
        spark_submit: spark_submit(matches),
        spark_version: matches.get_one::<String>("spark-version").cloned(),
        dry_run: matches.get_flag("dry-run"),
        manifest: matches.get_one::<String>("manifest").map(|format| match format.as_str() {
            "json" => ManifestFormat::Json,
            _ => ManifestFormat::Yaml,
        }),
        detach: matches.get_flag("detach"),
        delete_on_interrupt: matches.get_flag("delete-on-interrupt"),
    })
}

/// Whom files are sent to, if that is said.
pub(super) fn server(layers: &mut Layers<'_>, matches: &ArgMatches, namespace: String) -> Option<Server> {
    let url = matches.get_one::<String>("staging-url")?;
    let url =
        values::base_url(url).map_err(|reason| layers.mistake(format!("--staging-url {url:?}: {reason}"))).ok()?;
    let mut content = |name: &str| {
        let path = matches.get_one::<PathBuf>(name)?;
        read_file(path).map_err(|reason| layers.mistake(format!("--{name} {reason}"))).ok()
    };
    let bearer = content("token-file").map(|text| Secret::new(&text));
    let certificates_pem = content("ca-file").map(String::into_bytes);
    // Not every command has all of these flags.
    let given = |name: &str| matches.try_get_one::<String>(name).ok().flatten();
    let mut number = |name: &str, default: u32| match given(name).map(|text| text.parse()) {
        None => default,
        Some(Ok(number)) => number,
        Some(Err(_)) => {
            layers.mistake(format!("--{name}: write a number"));
            default
        }
    };
    let settings = stage::Settings {
        server: url,
        namespace,
        parallel: number("parallel", 4).clamp(1, 64) as usize,
        retries: number("retries", 6),
        pause: Duration::from_millis(500),
        silence: Duration::from_secs(60),
    };
    let access = Access {
        bearer,
        webhdfs_user: matches.get_one::<String>("webhdfs-user").cloned(),
        certificates_pem,
        ..Access::default()
    };
    let is_http = given("url").is_some_and(|scheme| scheme == "http");
    Some(Server { access, settings, scheme: if is_http { Scheme::Http } else { Scheme::WebHdfs } })
}
