//! The command line of `hearth pod-template`.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use staging_client::pod_template::{Fetch, LIMIT_BYTES, Role, Use};
use storage::StoreUrl;

use super::common::{Telemetry, store, telemetry, with_settings_if};
use super::layers::Layers;
use super::settings::Section;
use super::values;

/// `hearth pod-template`
#[derive(Debug)]
pub(crate) struct PodTemplateRequest {
    pub(crate) telemetry: Telemetry,
    pub(crate) json: bool,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    Check { file: Text, purpose: Use },
    Render { template: String, fetch: Fetch },
    Publish { file: Text, purpose: Use, store: StoreUrl, namespace: String, name: String, force: bool },
    List { store: StoreUrl, namespace: Option<String> },
    Get { store: StoreUrl, namespace: String, name: String },
    Delete { store: StoreUrl, namespace: String, name: String },
}

/// A file's content.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) content: String,
}

const EXAMPLES: &str = "\
Examples:
  hearth pod-template check driver.yaml --role driver --spark 3.5
  hearth pod-template render driver.yaml --image registry/hearth:1 --mount /opt/artifacts -- s3://bucket/libs/a.jar
  hearth pod-template publish driver.yaml --namespace team-a --store s3://bucket/hearth
  spark-submit --conf spark.kubernetes.driver.podTemplateFile=webhdfs://hearth:10000/pod-templates/team-a/driver.yaml ...

Exit status: 0 when all is well, 1 when a check finds an error or a template cannot be had, 64 when the command line is wrong.";

pub(super) fn command() -> Command {
    let file =
        |help| Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf)).help(help);
    let name = || Arg::new("name").value_name("NAME").required(true).help("The template's name, without .yaml");
    let namespace = || flag("namespace", "NAME", "The Kubernetes namespace whose template it is").short('n');
    let output = || flag("output", "FORMAT", "text or json").default_value("text").value_parser(["text", "json"]);
    let with_store =
        |command| with_settings_if(command, false, |s| ["store", "log-format", "log-filter"].contains(&s.name));
    let plain = |command| with_settings_if(command, false, |s| ["log-format", "log-filter"].contains(&s.name));
    let check = Command::new("check")
        .about(
            "Says what Kubernetes does not know in a template, and what Spark makes of the rest, with line and column",
        )
        .arg(file("The template; - for standard input"))
        .arg(output());
    let publish = Command::new("publish")
        .about("Keeps a template in the store, where the staging server serves it; one with errors is refused")
        .arg(file("The template; - for standard input"))
        .arg(namespace().required(true))
        .arg(flag("name", "NAME", "What it is called [default: the file's name without .yaml]"))
        .arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help("Keep it although it has errors"))
        .arg(output());
    Command::new("pod-template")
        .about("Checks, renders and keeps pod templates for Spark")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(plain(with_purpose(check)))
        .subcommand(plain(render_command()))
        .subcommand(with_store(with_purpose(publish)))
        .subcommand(with_store(
            Command::new("list").about("Lists the templates in the store").arg(namespace()).arg(output()),
        ))
        .subcommand(with_store(
            Command::new("get").about("Prints a template of the store").arg(name()).arg(namespace().required(true)),
        ))
        .subcommand(with_store(
            Command::new("delete")
                .about("Removes a template from the store")
                .arg(name())
                .arg(namespace().required(true)),
        ))
}

fn flag(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn with_purpose(command: Command) -> Command {
    command
        .arg(flag("role", "ROLE", "driver or executor; without it, both").value_parser(["driver", "executor"]))
        .arg(
            flag(
                "spark",
                "VERSION",
                "The version of Spark that will read it, from 3.0 to 4.3; may be repeated; without it, all",
            )
            .action(ArgAction::Append),
        )
        .arg(flag(
            "container",
            "NAME",
            "The container that podTemplateContainerName names; without it, the first one is Spark's",
        ))
}

fn render_command() -> Command {
    Command::new("render")
        .about("Adds the fetcher's init container, its volume and its mounts to a template, and prints it")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The template; - for standard input; without it, one is made from nothing"),
        )
        .arg(flag("image", "IMAGE", "The image that has hearth as its entry point").required(true))
        .arg(
            flag("mount", "FOLDER", "Where the artifacts are, for the fetcher and for Spark")
                .default_value("/opt/hearth"),
        )
        .arg(
            flag("secret", "NAME", "A Secret whose keys the fetcher has in its environment; may be repeated")
                .action(ArgAction::Append),
        )
        .arg(flag("container", "NAME", "The container that Spark runs in [default: the first one]"))
        .arg(
            Arg::new("fetch")
                .value_name("ARGUMENT")
                .action(ArgAction::Append)
                .last(true)
                .required(true)
                .help("What 'hearth fetch' is called with: sources and flags, but --to"),
        )
}

/// Reads the arguments of `name`, one of the commands of `hearth pod-template`.
pub(super) fn read(layers: &mut Layers<'_>, matches: &ArgMatches, name: &str) -> Option<PodTemplateRequest> {
    let telemetry = telemetry(layers);
    let json = one(matches, "output").is_some_and(|format| format == "json");
    let action = match name {
        "check" => check(layers, matches),
        "render" => render(layers, matches),
        "publish" => publish(layers, matches),
        "list" => kept_in(layers).map(|store| Action::List { store, namespace: one(matches, "namespace") }),
        "get" => kept(layers, matches).map(|(store, namespace, name)| Action::Get { store, namespace, name }),
        _ => kept(layers, matches).map(|(store, namespace, name)| Action::Delete { store, namespace, name }),
    };
    Some(PodTemplateRequest { telemetry: telemetry?, json, action: action? })
}

fn check(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<Action> {
    let (file, purpose) = (read_text(layers, file(matches)?), purpose(layers, matches));
    Some(Action::Check { file: file?, purpose })
}

fn render(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<Action> {
    let template = match file(matches) {
        Some(path) => read_text(layers, path)?.content,
        None => String::new(),
    };
    let fetch = Fetch {
        image: one(matches, "image")?,
        folder: one(matches, "mount")?,
        arguments: many(matches, "fetch"),
        secrets: many(matches, "secret"),
        container: one(matches, "container"),
    };
    Some(Action::Render { template, fetch })
}

fn publish(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<Action> {
    let path = file(matches)?;
    let (text, purpose, store) = (read_text(layers, path), purpose(layers, matches), store(layers));
    let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = one(matches, "name").or_else(stem)?;
    let (namespace, force) = (one(matches, "namespace")?, matches.get_flag("force"));
    Some(Action::Publish { file: text?, purpose, store: store?, namespace, name, force })
}

fn kept(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<(StoreUrl, String, String)> {
    Some((kept_in(layers)?, one(matches, "namespace")?, one(matches, "name")?))
}

/// A store that templates are in already.
fn kept_in(layers: &mut Layers<'_>) -> Option<StoreUrl> {
    layers.one_with(Section::Common, "store", values::store_to_read)
}

fn file(matches: &ArgMatches) -> Option<&Path> {
    matches.get_one::<PathBuf>("file").map(PathBuf::as_path)
}

fn one(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}

fn many(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.try_get_many::<String>(name).ok().flatten().into_iter().flatten().cloned().collect()
}

fn purpose(layers: &mut Layers<'_>, matches: &ArgMatches) -> Use {
    let roles =
        many(matches, "role").iter().map(|role| if role == "driver" { Role::Driver } else { Role::Executor }).collect();
    let mut versions = Vec::new();
    for text in many(matches, "spark") {
        match text.parse() {
            Ok(version) => versions.push(version),
            Err(reason) => layers.mistake(format!("--spark {text:?}: {reason}")),
        }
    }
    Use { roles, versions, container: one(matches, "container") }
}

fn read_text(layers: &mut Layers<'_>, path: &Path) -> Option<Text> {
    use std::io::Read as _;
    let mut content = String::new();
    let open = || -> std::io::Result<Box<dyn std::io::Read>> {
        if path.as_os_str() == "-" { Ok(Box::new(std::io::stdin())) } else { Ok(Box::new(std::fs::File::open(path)?)) }
    };
    let read = open().and_then(|file| file.take(LIMIT_BYTES + 1).read_to_string(&mut content));
    match read {
        Ok(_) if content.len() as u64 > LIMIT_BYTES => {
            layers.mistake(format!("{}: larger than any template", path.display()));
            None
        }
        Ok(_) => Some(Text { name: path.display().to_string(), content }),
        Err(error) => {
            layers.mistake(format!("{}: {error}", path.display()));
            None
        }
    }
}
