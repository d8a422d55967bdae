//! The dashboards and alert rules of `deploy/monitoring`, as a real Prometheus answers and evaluates them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::support::cache;
use crate::support::hearth::{FREE_PORTS, Hearth, ROLES};
use crate::support::process::{guarded, run};
use crate::support::wait::eventually;

const PATIENCE: Duration = Duration::from_secs(120);

/// The files of `deploy/monitoring` with this end of their names.
fn files(end: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring");
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = all.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    assert!(found.len() >= 3, "one for each server: {found:?}");
    found
}

/// A Prometheus that scrapes every second, and where it answers.
struct Prometheus {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Prometheus {
    /// Scrapes `target` as the jobs that the chart's `PodMonitor` makes.
    async fn start(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let jobs = ["log-collector", "staging-server", "history-server"];
        let jobs = jobs.map(|role| format!("{{job_name: hearth-{role}, static_configs: [{{targets: ['{target}']}}]}}"));
        let rules = files(".rules.yaml").iter().map(|path| format!("'{}'", path.display())).collect::<Vec<_>>();
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nscrape_configs: [{}]\nrule_files: [{}]\n",
            jobs.join(", "),
            rules.join(", ")
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let mut command = guarded(cache::tool("prometheus"));
        command.arg("--config.file").arg(&file).arg("--storage.tsdb.path").arg(folder.path().join("data"));
        command.args(["--web.listen-address", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let url = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
            let Some(line) = line else { panic!("Prometheus ended:\n{said}") };
            said += &line;
            said.push('\n');
            if let Some((_, address)) = line.split_once("msg=\"Listening on\" address=") {
                break format!("http://{}", address.split_whitespace().next().unwrap());
            }
        };
        // What it says later is of no interest, and must not stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, url, _folder: folder }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let asked = reqwest::Client::new().get(format!("{}/api/v1/{path}", self.url)).query(query);
        asked.send().await.unwrap().json().await.unwrap()
    }
}

/// Every query of a dashboard, with the panel that it is of.
fn queries(dashboard: &Path) -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(dashboard).unwrap()).unwrap();
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap().clone();
        targets.into_iter().map(move |target| (title.clone(), target["expr"].as_str().unwrap().to_owned()))
    };
    dashboard["panels"].as_array().unwrap().iter().flat_map(of_panel).collect()
}

#[tokio::test]
async fn every_panel_has_an_answer_and_every_rule_can_be_evaluated() {
    let pods = tempfile::tempdir().unwrap();
    let servers = ["serve", "--store", "memory:", "--scan-interval", "1s", "--pod-identity", "names", "--pod-logs"];
    let arguments = [&servers[..], &[pods.path().to_str().unwrap()], &FREE_PORTS].concat();
    let hearth = Hearth::start(&arguments, &[], &ROLES).await;
    let prometheus = Prometheus::start(hearth.address("admin").trim_start_matches("http://")).await;

    let mut asked = 0;
    for dashboard in files(".dashboard.json") {
        for (panel, query) in queries(&dashboard) {
            eventually(&format!("an answer to {query} ({panel} of {})", dashboard.display()), PATIENCE, async || {
                let answer = prometheus.get("query", &[("query", &query)]).await;
                assert_eq!(answer["status"], "success", "{query}: {answer}");
                (!answer["data"]["result"].as_array().unwrap().is_empty()).then_some(())
            })
            .await;
            asked += 1;
        }
    }
    assert!(asked > 30, "only {asked} queries");

    let rules = eventually("every rule's evaluation", PATIENCE, async || {
        let groups = prometheus.get("rules", &[]).await["data"]["groups"].as_array().unwrap().clone();
        let rules: Vec<Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    })
    .await;
    assert!(rules.len() > 15, "{rules:?}");
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        assert_eq!(rule["state"], "inactive", "a healthy process has no alerts: {rule}");
    }
    drop(prometheus.child);
    hearth.stop().await;
}

#[tokio::test]
async fn every_alert_is_raised_by_what_it_is_for() {
    let mut promtool = guarded(cache::tool("promtool"));
    promtool.args(["test", "rules"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/alerts.yaml"));
    let tested = run(&mut promtool, PATIENCE).await;
    assert!(tested.status.success(), "{}{}", tested.stdout, tested.stderr);
    let cases = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/alerts.yaml")).unwrap();
    for file in files(".rules.yaml") {
        let rules = std::fs::read_to_string(&file).unwrap();
        for name in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
            assert!(cases.contains(&format!("alertname: {name}\n")), "no case of tests/data/alerts.yaml raises {name}");
        }
    }
}
