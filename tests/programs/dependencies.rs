//! What the project depends on, as cargo-deny judges it by `deny.toml`.

use std::time::Duration;

use crate::support::cache;
use crate::support::process::{guarded, run};

#[tokio::test]
async fn licences_duplicates_and_sources_are_as_agreed() {
    let mut deny = guarded(cache::tool("cargo-deny"));
    deny.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Advisories are a repository of their own, which is not here.
    deny.args([
        "--offline",
        "--locked",
        "--color",
        "never",
        "check",
        "--deny",
        "warnings",
        "bans",
        "licenses",
        "sources",
    ]);
    let checked = run(&mut deny, Duration::from_secs(120)).await;
    assert!(checked.status.success(), "{}{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.contains("bans ok, licenses ok, sources ok"), "{}{}", checked.stdout, checked.stderr);
}
