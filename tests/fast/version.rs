//! Which version and commit the program says that it is of, and that all that has a version has the same.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::support::process::{guarded, run};

const LIMIT: Duration = Duration::from_secs(60);
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[tokio::test]
async fn the_program_says_its_version_and_the_commit_that_was_checked_out() {
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).current_dir(ROOT).output();
    let head = git.ok().filter(|output| output.status.success() && Path::new(ROOT).join(".git").exists());
    let commit =
        head.map_or("unknown".to_owned(), |output| String::from_utf8(output.stdout).unwrap().trim().to_owned());
    let said = run(guarded(env!("CARGO_BIN_EXE_hearth")).arg("--version"), LIMIT).await.succeeded().stdout;
    assert_eq!(said, format!("hearth {} ({commit})\n", env!("CARGO_PKG_VERSION")));
}

/// What the build script finds in `folder`.
async fn found(script: &Path, folder: &Path, told: Option<&str>) -> String {
    let mut command = guarded(script);
    command.current_dir(folder).env_remove("HEARTH_COMMIT").envs(told.map(|commit| ("HEARTH_COMMIT", commit)));
    let said = run(&mut command, LIMIT).await.succeeded().stdout;
    said.lines().find_map(|line| line.strip_prefix("cargo::rustc-env=HEARTH_COMMIT=")).unwrap().to_owned()
}

#[tokio::test]
async fn packagers_name_the_commit_and_without_git_none_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    let mut rustc = guarded("rustc");
    rustc.args(["--edition", "2024", "-o"]).arg(&script).arg(Path::new(ROOT).join("build.rs"));
    run(&mut rustc, LIMIT).await.succeeded();

    let git = async |arguments: &[&str], at: &Path| {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
        run(guarded("git").args(who).args(arguments).current_dir(at), LIMIT).await.succeeded().stdout.trim().to_owned()
    };
    let unpacked = folder.path().join("others/unpacked");
    std::fs::create_dir_all(&unpacked).unwrap();
    assert_eq!(found(&script, &unpacked, None).await, "unknown");
    assert_eq!(found(&script, &unpacked, Some("v1.2-3")).await, "v1.2-3");
    assert_eq!(found(&script, &unpacked, Some(" ")).await, "unknown");

    let others = folder.path().join("others");
    git(&["init", "--quiet"], &others).await;
    git(&["commit", "--quiet", "--allow-empty", "-m", "x"], &others).await;
    let head = git(&["rev-parse", "--short=12", "HEAD"], &others).await;
    assert_eq!(found(&script, &others, None).await, head);
    assert_eq!(found(&script, &unpacked, None).await, "unknown", "the commit of a tree that it only lies in");
}

#[test]
fn the_chart_has_the_version_of_the_program() {
    let chart = std::fs::read_to_string(Path::new(ROOT).join("deploy/helm/hearth/Chart.yaml")).unwrap();
    for key in ["version", "appVersion"] {
        let line = format!("\n{key}: {}\n", env!("CARGO_PKG_VERSION"));
        assert!(chart.contains(&line), "Chart.yaml should have the line{line}");
    }
}
