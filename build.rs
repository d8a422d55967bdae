//! Tells the program which commit it is of: what `HEARTH_COMMIT` says, for who builds from an archive; otherwise what git says
//! where this is the root of a git work tree; otherwise `unknown`.
//!
//! In the root package alone, whose sources are few, because a new commit compiles anew what this is part of.

#![expect(clippy::disallowed_methods, reason = "cargo and packagers tell a build script by the environment")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=HEARTH_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let told = std::env::var("HEARTH_COMMIT").ok().filter(|commit| !commit.trim().is_empty());
    let commit = told.or_else(checked_out).unwrap_or_else(|| "unknown".to_owned());
    let commit = commit.trim();
    assert!(
        commit.chars().all(|c| c.is_ascii_alphanumeric() || ".-_+".contains(c)),
        "HEARTH_COMMIT is {commit:?}: give the commit's hash, or another name of letters, digits, '.', '-', '_' and '+'"
    );
    println!("cargo::rustc-env=HEARTH_COMMIT={commit}");
}

/// The commit of the work tree whose root this is; of one that this merely lies in, nothing can be said.
fn checked_out() -> Option<String> {
    let root = Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    if root != Path::new(".").canonicalize().ok()? {
        return None;
    }
    // The second changes with each commit, wherever git keeps the branch.
    for name in ["HEAD", "logs/HEAD"] {
        let file = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
