//! What `hearth sweep` is asked for.

use clap::{Arg, ArgAction, ArgMatches, Command};
use storage::StoreUrl;

use super::common::{Telemetry, store, telemetry, with_settings_if};
use super::layers::Layers;
use super::settings::Section;
use super::staging::{self, Staging};

/// A sweep at once.
#[derive(Debug)]
pub(crate) struct SweepRequest {
    pub(crate) store: StoreUrl,
    pub(crate) telemetry: Telemetry,
    pub(crate) staging: Staging,
    /// Only say what would go, and why.
    pub(crate) dry_run: bool,
}

pub(super) fn read(layers: &mut Layers<'_>, matches: &ArgMatches) -> Option<SweepRequest> {
    let (store, telemetry, staging) = (store(layers), telemetry(layers), staging::read(layers));
    Some(SweepRequest { store: store?, telemetry: telemetry?, staging: staging?, dry_run: matches.get_flag("dry-run") })
}

pub(super) fn command() -> Command {
    let dry_run = Arg::new("dry-run")
        .long("dry-run")
        .action(ArgAction::SetTrue)
        .help("Remove nothing; print what would be removed of the uploads, and why");
    let command = Command::new("sweep")
        .about("Removes uploads that are over, as a staging server does by itself")
        .after_help(
            "Give it the staging server's settings. Beside a running one it does no harm. Where content is to go, it takes two \
             minutes. Exit status: 0 done, 64 wrong settings, 1 anything else.",
        )
        .arg(dry_run);
    const COMMON: [&str; 3] = ["store", "log-format", "log-filter"];
    const OWN: [&str; 5] = ["first-use-timeout", "upload-lifetime", "sweep-grace", "upload-owners", "owner-grace"];
    with_settings_if(command, false, |setting| match setting.section {
        Section::Common => COMMON.contains(&setting.name),
        Section::Staging => OWN.contains(&setting.name),
        Section::Clients | Section::Collector | Section::History => false,
    })
}
