//! `hearth pod-template` as people use it, and what it keeps, as the staging server serves it.

use std::time::Duration;

use super::support::hearth::Hearth;
use super::support::process::{Output, guarded, run};

const PATIENCE: Duration = Duration::from_secs(60);

async fn pod_template(arguments: &[&str]) -> Output {
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    run(command.arg("pod-template").args(arguments), PATIENCE).await
}

#[tokio::test]
async fn a_template_is_checked_rendered_kept_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let store = format!("file:{}", folder.path().join("store").display());
    let plain = file("plain.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  restartPolicy: Always\n");
    let wrong = file("wrong.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  retsartPolicy: Always\n");

    let checked = pod_template(&["check", &plain, "--role", "driver"]).await.succeeded();
    assert!(
        checked.stdout.ends_with("plain.yaml:4:3: warning: spec.restartPolicy: Spark replaces it by Never\n"),
        "{}",
        checked.stdout
    );
    let checked = pod_template(&["check", &wrong, "--output", "json"]).await;
    assert_eq!(checked.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!((&report["findings"][0]["line"], &report["findings"][0]["column"]), (&4.into(), &3.into()), "{report}");
    assert_eq!(report["findings"][0]["field"], "spec.retsartPolicy");

    let rendered =
        pod_template(&["render", &plain, "--image", "hearth:1", "--mount", "/a", "--", "s3://b/x.jar"]).await;
    let rendered = file("rendered.yaml", &rendered.succeeded().stdout);
    let publish = |path: &str| {
        vec!["publish".to_owned(), path.to_owned(), "-n".into(), "team-a".into(), "--store".into(), store.clone()]
    };
    let published = publish(&rendered);
    let published = pod_template(&published.iter().map(String::as_str).collect::<Vec<_>>()).await.succeeded();
    assert_eq!(published.stdout, "/pod-templates/team-a/rendered.yaml\n");
    let again = publish(&rendered);
    let again = again.iter().map(String::as_str).chain(["--output", "json"]).collect::<Vec<_>>();
    let report: serde_json::Value = serde_json::from_str(&pod_template(&again).await.succeeded().stdout).unwrap();
    assert_eq!(report["path"], "/pod-templates/team-a/rendered.yaml");
    assert_eq!(report["findings"][0]["field"], "spec.restartPolicy", "{report}");
    let refused = publish(&wrong);
    let refused = pod_template(&refused.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("nothing was published"), "{}", refused.stderr);

    let arguments = ["staging-server", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--store", &store];
    let hearth = Hearth::start(&arguments, &[], &["staging server"]).await;
    let url = format!("{}/webhdfs/v1/pod-templates/team-a/rendered.yaml?op=OPEN", hearth.address("staging server"));
    let served = reqwest::get(url).await.unwrap().text().await.unwrap();
    let kept = pod_template(&["get", "rendered", "-n", "team-a", "--store", &store]).await.succeeded().stdout;
    assert!(served == kept && kept.contains("hearth-fetch"), "{served}\n{kept}");
    let listed = pod_template(&["list", "--store", &store]).await.succeeded();
    assert!(listed.stdout.starts_with("team-a/rendered\t"), "{}", listed.stdout);
    pod_template(&["delete", "rendered", "-n", "team-a", "--store", &store]).await.succeeded();
    let gone = pod_template(&["get", "rendered", "-n", "team-a", "--store", &store]).await;
    assert_eq!(gone.status.code(), Some(1));
    assert!(gone.stderr.contains("there is no template team-a/rendered"), "{}", gone.stderr);
}

#[tokio::test]
async fn what_is_wrong_with_the_command_line_is_told() {
    let found = pod_template(&["check", "/none.yaml", "--spark", "2.4"]).await;
    assert_eq!(found.status.code(), Some(64));
    assert!(found.stderr.contains("/none.yaml") && found.stderr.contains("there are 3.0, 3.1"), "{}", found.stderr);
    assert_eq!(pod_template(&["get", "x"]).await.status.code(), Some(64));
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("store");
    let found = pod_template(&["list", "--store", missing.to_str().unwrap()]).await;
    assert_eq!(found.status.code(), Some(64));
    assert!(found.stderr.contains("there is no folder") && !missing.exists(), "{}", found.stderr);
}

#[tokio::test]
async fn the_example_is_what_rendering_makes_and_has_nothing_that_spark_replaces() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples/driver-template.yaml");
    let checked = pod_template(&["check", example]).await.succeeded();
    assert!(!checked.stdout.contains("warning") && !checked.stdout.contains("error"), "{}", checked.stdout);
    let arguments =
        ["render", "--image", "my-registry/hearth:0.1", "--mount", "/opt/artifacts", "--secret", "s3-credentials"];
    let fetched = ["--", "s3://my-bucket/libs/a.jar", "--archive", "s3://my-bucket/model.tar.gz#model"];
    let rendered = pod_template(&[&arguments[..], &fetched].concat()).await.succeeded().stdout;
    // Rendering the example with the same again changes nothing in it, so it says the same.
    let arguments = [&arguments[..1], &[example], &arguments[1..]].concat();
    let again = pod_template(&[&arguments[..], &fetched].concat()).await.succeeded().stdout;
    assert_eq!(again, rendered);
}
