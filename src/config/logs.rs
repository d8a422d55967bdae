//! What `hearth logs` is asked for.

use std::time::SystemTime;

use clap::{Arg, ArgAction, ArgMatches, Command};
use regex::bytes::Regex;

use super::values;

/// Whose lines are wanted, and which.
#[derive(Debug)]
pub(crate) struct LogsWanted {
    /// Without one, the applications are listed.
    pub(crate) app_id: Option<String>,
    pub(crate) executor: Option<String>,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
    pub(crate) follow: bool,
    pub(crate) tail_lines: Option<u64>,
    /// Only what was written from then on.
    pub(crate) since: Option<SystemTime>,
    /// Only lines that match, and so many before and after each.
    pub(crate) grep: Option<Regex>,
    pub(crate) context_lines: usize,
}

impl LogsWanted {
    pub(super) fn read(matches: &ArgMatches) -> Self {
        let flag = |name: &str| matches.get_flag(name);
        Self {
            app_id: matches.get_one::<String>("app").cloned(),
            executor: matches.get_one::<String>("executor").cloned(),
            stdout: flag("stdout") || !flag("stderr"),
            stderr: flag("stderr") || !flag("stdout"),
            follow: flag("follow"),
            tail_lines: matches.get_one::<u64>("tail").copied(),
            since: matches.get_one::<SystemTime>("since").copied(),
            grep: matches.get_one::<Regex>("grep").cloned(),
            context_lines: matches.get_one::<usize>("context").copied().unwrap_or_default(),
        }
    }
}

/// The command, without the settings that it shares with others.
pub(super) fn command() -> Command {
    let switch =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("logs")
        .about("Prints the shipped logs of an application, or of one of its executors")
        .arg(
            Arg::new("app")
                .value_name("APP")
                .help("The application's id, such as spark-6ad2…; without it, those that have logs are listed"),
        )
        .arg(
            Arg::new("executor")
                .value_name("EXECUTOR")
                .help("'driver' or the executor's number; without it, all of them"),
        )
        .arg(switch("stdout", "Only standard output"))
        .arg(switch("stderr", "Only standard error"))
        .arg(switch("follow", "Go on printing what arrives").short('f'))
        .arg(
            Arg::new("tail")
                .long("tail")
                .value_name("LINES")
                .value_parser(clap::value_parser!(u64))
                .help("Only the last so many lines"),
        )
        .arg(
            Arg::new("since")
                .long("since")
                .value_name("TIME")
                .value_parser(values::since)
                .help("Only what was written from then on: 2026-01-02T03:04:05Z, or so long ago, as 15m or 2h"),
        )
        .arg(
            Arg::new("grep")
                .long("grep")
                .value_name("REGEX")
                .value_parser(Regex::new)
                .help("Only the lines that match this regular expression"),
        )
        .arg(
            Arg::new("context")
                .long("context")
                .short('C')
                .value_name("LINES")
                .value_parser(clap::value_parser!(usize))
                .requires("grep")
                .help("With --grep: so many lines before and after each as well"),
        )
}
