//! `hearth completions` and `hearth man`: the command line, told to shells and to readers.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap_complete::Shell;

use crate::config;

/// Prints a script for `shell`.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut config::command(), "hearth", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}

/// Writes a page for each command into `folder`.
///
/// # Errors
/// When one cannot be written.
pub(crate) fn pages(folder: &Path) -> anyhow::Result<()> {
    let write = || {
        std::fs::create_dir_all(folder)?;
        clap_mangen::generate_to(config::command(), folder)
    };
    write().with_context(|| format!("the manual cannot be written into {}", folder.display()))
}
