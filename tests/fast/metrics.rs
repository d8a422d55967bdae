//! What `/metrics` says, beside what people are told of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::support::hearth::{FREE_PORTS, Hearth, ROLES};

/// The chapters of `docs/metrics.md`, and what the names of their metrics begin with.
const PARTS: [(&str, &str); 5] = [
    ("Every process", "hearth_build_"),
    ("Connections of clients", "hearth_http_"),
    ("Staging server", "hearth_staging_"),
    ("Log collector", "hearth_log_collector_"),
    ("History server", "hearth_history_"),
];

/// One metric: type, labels, what it is.
#[derive(Default)]
struct Told {
    kind: String,
    labels: Vec<String>,
    help: String,
}

/// What a process with all roles says, in its order.
async fn told() -> Vec<(String, Told)> {
    let pods = tempfile::tempdir().unwrap();
    let more = ["serve", "--store", "memory:", "--pod-identity", "names", "--pod-logs"];
    let arguments = [&more[..], &[pods.path().to_str().unwrap()], &FREE_PORTS].concat();
    let hearth = Hearth::start(&arguments, &[], &ROLES).await;
    let text = reqwest::get(format!("{}/metrics", hearth.address("admin"))).await.unwrap().text().await.unwrap();
    hearth.stop().await;
    let mut order: Vec<String> = Vec::new();
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            order.push(name.to_owned());
            told.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            told.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else if let Some((name, rest)) = line.split_once('{') {
            let labels = rest.split_once('}').unwrap().0.split("\",").filter_map(|label| label.split_once('='));
            told.get_mut(name).unwrap().labels = labels.map(|(label, _)| label.to_owned()).collect();
        }
    }
    order
        .into_iter()
        .map(|name| {
            let about = told.remove(&name).unwrap();
            (name, about)
        })
        .collect()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[tokio::test]
async fn the_manual_lists_every_metric() {
    let told = told().await;
    let known = |name: &str| PARTS.iter().any(|(_, prefix)| name.starts_with(prefix));
    let strange: Vec<_> = told.iter().map(|(name, _)| name).filter(|name| !known(name)).collect();
    assert!(strange.is_empty(), "no part of the manual is for {strange:?}");
    let mut expected = String::new();
    for (title, prefix) in PARTS {
        let _ = write!(expected, "## {title}\n\n| metric | type | labels | what it is |\n| --- | --- | --- | --- |\n");
        for (name, about) in told.iter().filter(|(name, _)| name.starts_with(prefix)) {
            let labels: Vec<_> = about.labels.iter().map(|label| format!("`{label}`")).collect();
            let _ = writeln!(expected, "| `{name}` | {} | {} | {} |", about.kind, labels.join(", "), about.help);
        }
        expected.push('\n');
    }
    assert!(file("docs/metrics.md").contains(expected.trim_end()), "docs/metrics.md should contain:\n\n{expected}");
}

/// The files of a folder with this end of their names.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.to_str().unwrap().ends_with(end)).collect()
}

#[tokio::test]
async fn dashboards_alerts_and_the_manual_name_metrics_that_there_are() {
    let told = told().await;
    let monitoring =
        [files("deploy/monitoring", ".dashboard.json"), files("deploy/monitoring", ".rules.yaml")].concat();
    assert!(monitoring.len() >= 6, "a dashboard and alerts for each server: {monitoring:?}");
    for path in monitoring.iter().chain(&files("docs", ".md")) {
        let text = std::fs::read_to_string(path).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: Vec<&str> = words.filter(|word| word.starts_with("hearth_")).collect();
        assert!(named.len() >= 3 || !monitoring.contains(path), "{} asks for hardly anything", path.display());
        for metric in named {
            let there = told.iter().any(|(name, _)| name == metric);
            assert!(there, "{} names {metric}, which the program does not tell", path.display());
        }
    }
}
