//! The command line, read to its end whatever is wrong in it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};

/// Why nothing can be done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The command line cannot be read, or asks for help or the version.
    CommandLine(clap::Error),
    /// Everything that is wrong with the settings.
    Mistakes(Vec<String>),
}

/// What could be understood, and a sentence for each argument that could not.
///
/// # Errors
/// [`Refusal::CommandLine`] for help and version; [`Refusal::Mistakes`] where what is left makes no sense.
pub(super) fn read(command: &Command, mut args: Vec<OsString>) -> Result<(ArgMatches, Vec<String>), Refusal> {
    let mut mistakes = Vec::new();
    loop {
        let error = match command.clone().try_get_matches_from(&args) {
            Ok(matches) => return Ok((matches, mistakes)),
            Err(error) if !error.use_stderr() => return Err(Refusal::CommandLine(error)),
            Err(error) => error,
        };
        mistakes.push(sentence(&error));
        match without_cause(command, &error, &args) {
            Some(rest) => args = rest,
            None => return Err(Refusal::Mistakes(mistakes)),
        }
    }
}

/// The first line of what clap would print, and what it suggests.
fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")).collect();
    let said = lines.iter().filter(|line| !line.is_empty()).copied().collect::<Vec<_>>().join("; ");
    said.trim_start_matches("error: ").to_owned()
}

/// The arguments without the one that cannot be understood, and without what looks like its value.
fn without_cause(command: &Command, error: &clap::Error, args: &[OsString]) -> Option<Vec<OsString>> {
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else { return None };
    // As in `--tail <LINES>`.
    let named = named.split([' ', '=']).next()?;
    let is_it = |arg: &OsString| {
        let arg = arg.to_string_lossy();
        arg == named || arg.split_once('=').is_some_and(|(flag, _)| flag == named)
    };
    let at = args.iter().skip(1).position(is_it)? + 1;
    let mut rest = args.to_vec();
    rest.remove(at);
    let has_value = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidValue);
    let is_value = |arg: &OsString| {
        let arg = arg.to_string_lossy();
        !arg.starts_with('-') && command.find_subcommand(&*arg).is_none()
    };
    if has_value && named.starts_with('-') && args.get(at)? == named && rest.get(at).is_some_and(is_value) {
        rest.remove(at);
    }
    Some(rest)
}
