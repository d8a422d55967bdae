//! What a release is made by: the workflows of the public forge, and the scripts that they call.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::support::process::{Output, guarded, run};

const LIMIT: Duration = Duration::from_secs(60);
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn workflows() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(ROOT).join(".github/workflows");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let read = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path, read)
    };
    files.map(read).collect()
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().unwrap().iter()
}

fn steps(job: &Value) -> &Vec<Value> {
    job["steps"].as_array().unwrap()
}

#[tokio::test]
async fn scripts_of_the_workflows_are_shell_and_jobs_wait_for_jobs_that_there_are() {
    let workflows = workflows();
    assert_eq!(workflows.len(), 2);
    for (path, workflow) in &workflows {
        let names: Vec<&String> = jobs(workflow).map(|(name, _)| name).collect();
        for (name, job) in jobs(workflow) {
            let needs = match &job["needs"] {
                Value::String(one) => vec![one.clone()],
                Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
                _ => Vec::new(),
            };
            assert!(needs.iter().all(|need| names.contains(&need)), "{}: {name} needs {needs:?}", path.display());
            for script in steps(job).iter().filter_map(|step| step["run"].as_str()) {
                let checked = run(guarded("bash").args(["-n", "-c", script]), LIMIT).await;
                assert!(checked.status.success(), "{}: {name}: {script}\n{}", path.display(), checked.stderr);
            }
            // Signing without keys needs the workflow's own identity.
            let signs =
                steps(job).iter().any(|step| step["run"].as_str().is_some_and(|script| script.contains("cosign ")));
            assert_eq!(signs, job["permissions"]["id-token"] == "write", "{}: {name}", path.display());
        }
    }
}

#[test]
fn what_the_workflows_call_is_there() {
    for (path, workflow) in workflows() {
        let text = std::fs::read_to_string(&path).unwrap();
        let words = text.split(|c: char| c.is_whitespace() || "\"'(){},".contains(c));
        let ours =
            words.filter(|word| ["deploy/", "tests/", ".ci/", "docs/"].iter().any(|start| word.starts_with(start)));
        for word in ours.map(|word| word.trim_end_matches("/**")) {
            assert!(Path::new(ROOT).join(word).exists(), "{}: {word} is not there", path.display());
        }
        for (name, job) in jobs(&workflow) {
            for action in steps(job).iter().filter_map(|step| step["uses"].as_str()) {
                assert!(action.contains("@v"), "{}: {name} takes whatever {action} is", path.display());
            }
        }
    }
}

#[test]
fn binaries_are_made_for_linux_and_macos_on_both_architectures() {
    let (_, release) = workflows().into_iter().find(|(path, _)| path.ends_with("release.yaml")).unwrap();
    let matrix = &release["jobs"]["binaries"]["strategy"]["matrix"]["include"];
    let mut targets: Vec<&str> = matrix.as_array().unwrap().iter().map(|row| row["target"].as_str().unwrap()).collect();
    targets.sort_unstable();
    let all = ["aarch64-apple-darwin", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "x86_64-unknown-linux-gnu"];
    assert_eq!(targets, all);
    let deny = std::fs::read_to_string(Path::new(ROOT).join("deny.toml")).unwrap();
    assert!(all.iter().all(|target| deny.contains(&format!("\"{target}\""))), "deny.toml looks at other targets");
}

/// A tree with the scripts, whose changelog has this part; as of a commit.
fn tree(part: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let shell = format!(
        "mkdir deploy && cp -r '{ROOT}/deploy/release' deploy/ && cp '{ROOT}/Cargo.toml' . && git init -q . \
         && git -c user.name=A -c user.email=a@example.org -c commit.gpgsign=false commit -q --allow-empty -m x"
    );
    assert!(Command::new("bash").args(["-ec", &shell]).current_dir(folder.path()).status().unwrap().success());
    let text =
        format!("# Changelog\n\n## [Unreleased]\n\n- later\n\n{part}\n\n- new\n\n## [0.0.1] - 2025-01-01\n\n- old\n");
    std::fs::write(folder.path().join("CHANGELOG.md"), text).unwrap();
    folder
}

async fn script(tree: &Path, name: &str, argument: &str) -> Output {
    run(guarded(tree.join("deploy/release").join(name)).arg(argument).current_dir(tree), LIMIT).await
}

#[tokio::test]
async fn a_tag_is_released_when_the_sources_and_the_changelog_have_its_version() {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let ready = tree(&format!("## [{VERSION}] - 2026-01-01"));
    let said = script(ready.path(), "version", &format!("v{VERSION}")).await.succeeded().stdout;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], format!("version={VERSION}"));
    assert!(lines[1].starts_with("commit=") && lines[1].len() == 19, "{said}");
    assert_eq!(lines[2], format!("rust={}", env!("CARGO_PKG_RUST_VERSION")));
    assert_eq!(script(ready.path(), "notes", VERSION).await.succeeded().stdout.trim(), "- new");

    let other = script(ready.path(), "version", "v99.0.0").await;
    assert!(!other.status.success() && other.stderr.contains("Cargo.toml says"), "{}", other.stderr);
    let untold = script(tree("## Other").path(), "version", &format!("v{VERSION}")).await;
    assert!(!untold.status.success() && untold.stderr.contains("CHANGELOG.md"), "{}", untold.stderr);
}
