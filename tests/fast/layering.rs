//! Which crate may use which, and within a crate, which file: what keeps the servers apart, the pages free of storage and the model
//! free of pages, and every file readable without those that use it.

mod circles;
mod modules;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each crate with those of the workspace that it may use.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("access", &[]),
    ("storage", &[]),
    ("staging-server", &["access", "storage"]),
    ("staging-client", &["storage"]),
    ("log-collector", &["storage"]),
    ("history-model", &[]),
    ("history-replay", &["history-model"]),
    ("history-server", &["storage", "history-model", "history-replay"]),
    ("web", &["staging-server", "log-collector", "history-server"]),
    ("hearth", &["access", "storage", "staging-server", "staging-client", "log-collector", "history-server", "web"]),
];

/// Dependencies that belong to a subject, with the crates whose subject it is. The root makes what it passes in.
const BELONGS_TO: [(&str, &[&str]); 7] = [
    ("object_store", &["storage"]),
    ("aws-sdk-s3", &["storage"]),
    ("askama", &["web"]),
    ("kube", &["access", "staging-server", "log-collector", "hearth"]),
    ("k8s-openapi", &["access", "staging-server", "staging-client", "log-collector", "hearth"]),
    ("clap", &["hearth"]),
    ("anyhow", &["hearth"]),
];

/// Crates that only work things out: of bytes, numbers and texts. They may use nothing that waits, reads files or talks to others.
const PURE: [(&str, &[&str]); 2] = [
    ("history-model", &["chrono", "foldhash", "serde"]),
    ("history-replay", &["chrono", "foldhash", "history-model", "memchr", "serde", "serde_json"]),
];

/// Where each crate's sources are.
const SOURCES: [&str; 10] = [
    "src",
    "storage/src",
    "staging-server/src",
    "staging-server/access/src",
    "staging-server/client/src",
    "log-collector/src",
    "history-server/model/src",
    "history-server/replay/src",
    "history-server/src",
    "web/src",
];

#[test]
fn crates_use_only_what_they_may() {
    let allowed: BTreeSet<_> = MAY_USE.iter().flat_map(|(user, used)| used.iter().map(|used| (*user, *used))).collect();
    let ours: BTreeSet<_> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let packages = packages();
    let names: BTreeSet<_> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert_eq!(names, ours, "a crate that this table does not know, or knows in vain");
    for (user, used) in edges(&packages) {
        let forbidden = ours.contains(used) && !allowed.contains(&(user, used));
        assert!(!forbidden, "{user} must not use {used}");
    }
}

#[test]
fn dependencies_stay_with_their_subject() {
    let packages = packages();
    for (user, used) in edges(&packages) {
        let homes = BELONGS_TO.iter().find(|(dependency, _)| *dependency == used).map(|(_, homes)| *homes);
        assert!(homes.is_none_or(|homes| homes.contains(&user)), "{user} must not use {used}: that is for {homes:?}");
    }
}

#[test]
fn what_is_pure_uses_nothing_that_is_not() {
    let packages = packages();
    for (user, used) in edges(&packages) {
        let all = PURE.iter().find(|(pure, _)| *pure == user).map(|(_, all)| *all);
        assert!(all.is_none_or(|all| all.contains(&used)), "{user} must not use {used}: it is pure");
    }
    for (file, text) in sources() {
        let pure = ["history-server/model", "history-server/replay"].iter().any(|folder| file.starts_with(folder));
        let waits = ["std::fs", "std::net", "std::process", "thread::sleep"].iter().any(|word| text.contains(word));
        assert!(!(pure && waits), "{} is pure, and reads, waits or talks to others", file.display());
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    for (file, text) in sources() {
        let reads = ["env::var", "env::vars", "env!(\"HOME\")"].iter().any(|word| text.contains(word));
        let may = file.starts_with("src/config") || file.starts_with("src/config.rs");
        assert!(may || !reads, "{} reads the environment: take it from a Config", file.display());
    }
}

#[test]
fn no_file_is_named_mod_and_none_is_longer_than_500_lines() {
    for (file, text) in sources() {
        assert_ne!(file.file_name().unwrap(), "mod.rs", "{}", file.display());
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines: it holds more than one thing", file.display());
    }
}

/// The packages of the workspace, as cargo describes them.
fn packages() -> Vec<Value> {
    let described = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(described.status.success(), "{}", String::from_utf8_lossy(&described.stderr));
    let mut described: Value = serde_json::from_slice(&described.stdout).unwrap();
    serde_json::from_value(described["packages"].take()).unwrap()
}

/// Who uses whom, but for what only tests use.
fn edges(packages: &[Value]) -> impl Iterator<Item = (&str, &str)> {
    packages.iter().flat_map(|package| {
        let used = package["dependencies"].as_array().unwrap().iter().filter(|used| used["kind"] != "dev");
        used.map(|used| (package["name"].as_str().unwrap(), used["name"].as_str().unwrap()))
    })
}

/// Every source file but tests, with its path from the root.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for name in SOURCES {
        collect(&root().join(name), &mut found);
    }
    assert!(found.len() > SOURCES.len(), "{found:?}");
    let read = |file: PathBuf| (file.strip_prefix(root()).unwrap().to_owned(), std::fs::read_to_string(&file).unwrap());
    found.into_iter().map(read).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            into.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
