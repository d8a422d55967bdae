//! `hearth apps`, `app`, `open` and `doctor` against servers, and against what is none.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;

use super::support::clients::site;
use super::support::hearth::Hearth;
use super::support::process::{Output, guarded, run};
use super::support::scripted::{Scripted, reply};

const PATIENCE: Duration = Duration::from_secs(120);

async fn hearth(arguments: &[&str]) -> Output {
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    for variable in ["BROWSER", "SPARK_HOME", "HEARTH_HISTORY_URL", "HEARTH_STAGING_URL", "HEARTH_STORE"] {
        command.env_remove(variable);
    }
    run(command.args(arguments), PATIENCE).await
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", output.stdout, output.stderr))
}

#[tokio::test]
async fn applications_are_listed_summed_up_and_opened() {
    let (server, folder) = site().await;
    let url = server.address("history server");
    let with = async |arguments: &[&str]| hearth(&[arguments, &["--history-url", &url]].concat()).await;

    let list = with(&["apps", "--sort", "id"]).await.succeeded().stdout;
    let lines: Vec<_> = list.lines().collect();
    assert!(lines[0].starts_with("ID     NAME"), "{list}");
    assert!(lines[1].starts_with("app-1  ") && lines[2].starts_with("app-2  ") && lines.len() == 3, "{list}");
    let one = with(&["apps", "app-", "--limit", "1"]).await.succeeded().stdout;
    assert!(one.ends_with("1 of 2; --limit shows more\n"), "{one}");
    let report = json(&with(&["apps", "app-2", "--output", "json"]).await.succeeded());
    assert_eq!((&report["total"], &report["applications"][0]["id"]), (&1.into(), &"app-2".into()), "{report}");

    let shown = with(&["app", "app-1"]).await.succeeded().stdout;
    let page = format!("{url}/history/app-1/jobs/");
    assert!(shown.contains("\nTasks       3000, ") && shown.contains(&format!("\nPage        {page}\n")), "{shown}");
    let report = json(&with(&["app", "app-1", "--output", "json"]).await.succeeded());
    assert_eq!((&report["tasks"]["total"], &report["url"]), (&3000.into(), &page.as_str().into()), "{report}");

    let (program, opened) = (folder.path().join("browser"), folder.path().join("opened"));
    std::fs::write(&program, format!("#!/bin/sh\necho \"$1\" > '{}'\n", opened.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let printed = with(&["open", "app-1", "--browser", program.to_str().unwrap()]).await.succeeded().stdout;
    assert_eq!((printed.trim(), std::fs::read_to_string(&opened).unwrap().trim()), (page.as_str(), page.as_str()));
    assert_eq!(reqwest::get(&page).await.unwrap().status(), 200);

    for (arguments, says) in [
        (&["app", "none"][..], "unknown app: none; 'hearth apps' lists"),
        (&["app", "app-1", "--attempt", "7"], "app-1 has no such attempt"),
        (&["open", "app-1", "--browser", "/none"], "/none cannot be started"),
    ] {
        let refused = with(arguments).await;
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(refused.stderr.contains(says), "{arguments:?}: {}", refused.stderr);
    }
    assert_eq!(with(&["apps", "--limit", "many"]).await.status.code(), Some(64));
    assert_eq!(hearth(&["apps", "--history-url", "ftp://x"]).await.status.code(), Some(64));
}

/// What each check is called, how it ended, and what it says.
fn checks(output: &Output) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let report = json(output);
    let checks = report["checks"].as_array().unwrap().iter();
    checks.map(|check| (text(&check["what"]), text(&check["status"]), text(&check["says"]))).collect()
}

#[tokio::test]
async fn the_doctor_goes_through_every_door() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("file:{}", folder.path().join("store").display());
    let arguments = [
        "serve",
        "--store",
        &store,
        "--staging-listen",
        "127.0.0.1:0",
        "--history-listen",
        "127.0.0.1:0",
        "--admin-listen",
        "off",
    ];
    let server = Hearth::start(&arguments, &[], &["staging server", "history server"]).await;
    let (staging, history) = (server.address("staging server"), server.address("history server"));
    let common = ["doctor", "--output", "json", "--spark-submit", "/none/spark-submit"];
    let urls = ["--staging-url", &staging, "--history-url", &history, "--store", &store, "--namespace", "team"];
    let output = hearth(&[&common[..], &urls].concat()).await.succeeded();
    let found = checks(&output);
    let names: Vec<_> = found.iter().map(|(what, status, _)| format!("{what}: {status}")).collect();
    let expected = [
        "staging server: ok",
        "upload: ok",
        "read: ok",
        "history server: ok",
        "object store: ok",
        "spark-submit: warning",
    ];
    assert_eq!(names, expected, "{}", output.stdout);
    let left = reqwest::get(format!("{staging}/webhdfs/v1/staging/team?op=LISTSTATUS")).await.unwrap();
    assert!(!left.text().await.unwrap().contains("spark-upload-"), "what was uploaded is removed");

    // The two addresses mixed up, and a store that is not there.
    let urls = ["--staging-url", &history, "--history-url", &staging];
    let output = hearth(&[&common[..], &urls].concat()).await;
    assert_eq!(output.status.code(), Some(1));
    let found = checks(&output);
    assert_eq!((found[0].1.as_str(), found[1].1.as_str()), ("failed", "failed"), "{}", output.stdout);
    let text = hearth(&["doctor", "--staging-url", "http://127.0.0.1:1", "--history-url", &history]).await;
    assert!(text.stdout.starts_with("failed   staging server  http://127.0.0.1:1/"), "{}", text.stdout);
    assert!(text.stdout.contains("what to do: start it"), "{}", text.stdout);
}

#[tokio::test]
async fn the_doctor_sees_clocks_that_differ_and_uploads_that_are_refused() {
    let server = Scripted::start(|head, _| {
        let date = ("Date", "Tue, 15 Nov 1994 08:12:31 GMT");
        Some(match head.starts_with("GET / ") {
            true => reply("200 OK", &[date], br#"{"server": "Hearth staging server"}"#),
            false => reply("403 Forbidden", &[], br#"{"RemoteException":{"message":"not in this namespace"}}"#),
        })
    })
    .await;
    let output = hearth(&["doctor", "--output", "json", "--staging-url", &server.url("")]).await;
    assert_eq!(output.status.code(), Some(1));
    let found = checks(&output);
    let says = |what: &str| found.iter().find(|(name, ..)| name == what).map(|(_, _, says)| says.as_str()).unwrap();
    assert!(says("clock").contains("s apart"), "{found:?}");
    assert!(says("upload").contains("403 Forbidden: not in this namespace"), "{found:?}");
    assert!(says("staging server").contains("has version of before 0.1"), "{found:?}");
}
