//! What the command lines of several commands have in common.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use storage::StoreUrl;

use super::layers::Layers;
use super::settings::{SETTINGS, Section, Setting};

/// How the program's own log lines are written.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    pub(crate) json: bool,
    pub(crate) filter: String,
}

/// A variable of the environment that a file refers to.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment, but for what clap reads")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The text of a file of at most 1 MiB: no token, certificate or property file is larger.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    const LIMIT_BYTES: u64 = 1024 * 1024;
    let text = match std::fs::metadata(path) {
        Ok(meta) if meta.len() > LIMIT_BYTES => Err("larger than 1 MiB".to_owned()),
        Ok(_) => std::fs::read_to_string(path).map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    text.map_err(|reason| format!("{}: {reason}", path.display()))
}

/// The store that everything is kept in.
pub(super) fn store(layers: &mut Layers<'_>) -> Option<StoreUrl> {
    layers.one(Section::Common, "store")
}

/// How to tell what happens.
pub(super) fn telemetry(layers: &mut Layers<'_>) -> Option<Telemetry> {
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

/// A command with the settings that are wanted, and `--config`.
pub(super) fn with_settings_if(command: Command, serve: bool, wanted: impl Fn(&Setting) -> bool) -> Command {
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
