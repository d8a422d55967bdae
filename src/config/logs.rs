//! What `hearth logs` is asked for.

use std::ops::Range;
use std::time::SystemTime;

use clap::{Arg, ArgAction, ArgMatches, Command};
use log_collector::Wanted;
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
    /// Which part of each stream.
    pub(crate) part: Wanted,
    /// All of it, as an archive.
    pub(crate) archives: bool,
    /// All streams as one, by time.
    pub(crate) merge: bool,
    /// Only the first line of each container that tells of an error, and some behind it.
    pub(crate) first_error: bool,
    /// `None`: where a terminal shows them.
    pub(crate) color: Option<bool>,
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
            part: Wanted {
                tail_lines: matches.get_one::<u64>("tail").copied(),
                since: matches.get_one::<SystemTime>("since").copied().map(Into::into),
                until: matches.get_one::<SystemTime>("until").copied().map(Into::into),
                lines: matches.get_one::<Range<u64>>("lines").map(|lines| lines.start.saturating_sub(1)..lines.end),
                bytes: matches.get_one::<Range<u64>>("bytes").map(|bytes| bytes.start..bytes.end.saturating_add(1)),
            },
            archives: matches.get_one::<String>("output").is_some_and(|output| output == "zip"),
            merge: flag("merge"),
            first_error: flag("first-error"),
            color: matches.get_one::<String>("color").filter(|when| *when != "auto").map(|when| when == "always"),
            grep: matches.get_one::<Regex>("grep").cloned(),
            context_lines: matches.get_one::<usize>("context").copied().unwrap_or_default(),
        }
    }
}

/// The command, without the settings that it shares with others.
pub(super) fn command() -> Command {
    let whose = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).value_name(name).help(help);
    let color = valued("color", "WHEN", "Whether names and matches are coloured; auto: on a terminal");
    Command::new("logs")
        .about("Prints the shipped logs of an application, or of one of its executors")
        .arg(whose("app", "APP", "The application's id, such as spark-6ad2…; without it, those that have logs are listed"))
        .arg(whose("executor", "EXECUTOR", "'driver' or the executor's number; without it, all of them"))
        .arg(switch("stdout", "Only standard output"))
        .arg(switch("stderr", "Only standard error"))
        .arg(switch("follow", "Go on printing what arrives").short('f'))
        .args(parts())
        .arg(
            switch("merge", "All streams as one, line by line in the order of time, each behind its name")
                .conflicts_with("follow"),
        )
        .arg(
            switch("first-error", "Of each container, the first line that tells of an error and 20 lines from there on, or --tail; the earliest first")
                .conflicts_with_all(["follow", "merge", "grep", "since", "until", "lines", "bytes"]),
        )
        .arg(
            valued("grep", "REGEX", "Only the lines that match this regular expression").value_parser(Regex::new),
        )
        .arg(
            valued("context", "LINES", "With --grep: so many lines before and after each as well")
                .short('C')
                .value_parser(clap::value_parser!(usize))
                .requires("grep"),
        )
        .arg(
            valued("output", "FORMAT", "text, or zip: an archive of all that they wrote, a file for each container and stream")
                .value_parser(["text", "zip"])
                .default_value("text"),
        )
        .arg(color.value_parser(["auto", "always", "never"]).default_value("auto"))
}

/// What says which part of each stream is wanted.
fn parts() -> [Arg; 5] {
    let since = "Only what was written from then on: 2026-01-02T03:04:05Z, or so long ago, as 15m or 2h";
    let lines = "Only these lines of each stream, counted from 1: 10-20, or 10- for all from there on";
    let bytes = "Only these bytes of each stream, counted from 0, as in an HTTP range";
    [
        valued("tail", "LINES", "Only the last so many lines").value_parser(clap::value_parser!(u64)),
        valued("since", "TIME", since).value_parser(values::since),
        valued("until", "TIME", "Only what was written before then")
            .value_parser(values::since)
            .conflicts_with("follow"),
        valued("lines", "FIRST-LAST", lines).value_parser(range).conflicts_with("follow"),
        valued("bytes", "FIRST-LAST", bytes).value_parser(range).conflicts_with("follow"),
    ]
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn valued(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// `FIRST-LAST`, or `FIRST-`: both of them are in it.
fn range(text: &str) -> Result<Range<u64>, String> {
    let range = text.split_once('-').and_then(|(first, last)| {
        let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
        Some(first.parse().ok()?..last)
    });
    range.filter(|range| range.start <= range.end).ok_or_else(|| "write two numbers, such as 10-20, or 10-".to_owned())
}
