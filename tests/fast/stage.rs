//! `hearth stage` and `hearth submit` against a staging server, and a spark-submit that says what it was given.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use super::cluster_api::ClusterApi;
use super::support::hearth::Hearth;
use super::support::process::{Output, guarded, run};
use super::support::scripted::{Scripted, reply};

const PATIENCE: Duration = Duration::from_secs(120);

struct Case {
    folder: tempfile::TempDir,
    hearth: Hearth,
}

impl Case {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("file:{}", folder.path().join("store").display());
        let arguments = ["staging-server", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--store", &store];
        let hearth = Hearth::start(&arguments, &[], &["staging server"]).await;
        Self { folder, hearth }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join("local").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    async fn hearth(&self, command: &str, arguments: &[&str]) -> Output {
        let mut hearth = guarded(env!("CARGO_BIN_EXE_hearth"));
        hearth.arg(command).args(["--staging-url", &self.hearth.address("staging server")]).args(arguments);
        hearth.current_dir(self.folder.path().join("local")).env_remove("SPARK_HOME").env_remove("HADOOP_USER_NAME");
        run(&mut hearth, PATIENCE).await
    }

    /// What a URL that was printed leads to.
    async fn get(&self, url: &str) -> String {
        let (_, path) = url.split_once("/staging/").unwrap();
        let answer = reqwest::get(format!("{}/staging/{path}", self.hearth.address("staging server"))).await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
        answer.text().await.unwrap()
    }
}

#[tokio::test]
async fn the_same_bytes_are_sent_once_and_folders_and_patterns_are_files() {
    let case = Case::new().await;
    case.write("a.jar", "jar a");
    case.write("b.jar", "jar b");
    case.write("some data/deep/x 1.csv", "x,1");
    let arguments = ["*.jar", "some data", "--namespace", "team", "--output", "json"];
    let first = case.hearth("stage", &arguments).await.succeeded();
    let report: serde_json::Value = serde_json::from_str(&first.stdout).unwrap();
    let files = report["files"].as_array().unwrap();
    let contents = ["jar a", "jar b", "x,1"];
    for (file, content) in files.iter().zip(contents) {
        assert_eq!((&file["uploaded"], &file["namespace"]), (&true.into(), &"team".into()));
        let url = file["url"].as_str().unwrap();
        assert!(url.starts_with("webhdfs://127.0.0.1:") && url.contains("/staging/team/spark-upload-"), "{url}");
        assert_eq!(case.get(url).await, content);
    }
    assert_eq!(files.len(), contents.len());
    assert!(files[2]["path"].as_str().unwrap().ends_with("/some data/deep/x 1.csv"), "{report}");

    case.write("copy.jar", "jar a");
    let again = case.hearth("stage", &arguments).await.succeeded();
    let again: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    let sent = |name: &str| {
        let files = again["files"].as_array().unwrap();
        files.iter().find(|file| file["file"] == name).map(|file| file["uploaded"].as_bool().unwrap())
    };
    assert_eq!((sent("a.jar"), sent("b.jar"), sent("copy.jar")), (Some(false), Some(false), Some(true)));

    let conf =
        case.hearth("stage", &["a.jar", "b.jar", "some data", "--url", "http", "--output", "conf"]).await.succeeded();
    let lines: Vec<_> = conf.stdout.lines().collect();
    assert!(
        lines[0].starts_with("--conf spark.jars=http://127.0.0.1:") && lines[0].contains(".jar,http://"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("--conf spark.files=http://") && lines.len() == 2, "{lines:?}");
}

#[tokio::test]
async fn an_upload_that_fails_in_passing_is_done_again_and_a_refusal_is_told() {
    let case = Case::new().await;
    case.write("a.jar", "jar a");
    let server = Scripted::start(|head, before| {
        let line = head.lines().next().unwrap();
        let status = |length: u32| format!("{{\"FileStatus\":{{\"length\":{length},\"type\":\"FILE\"}}}}");
        Some(match (line.contains("/refused/"), line.contains("GETFILESTATUS"), before) {
            (true, true, _) => reply("404 Not Found", &[], b""),
            (true, false, _) => {
                reply("403 Forbidden", &[], br#"{"RemoteException":{"message":"you may not upload to refused"}}"#)
            }
            (false, true, 0) => reply("404 Not Found", &[], b""),
            (false, true, 1) => reply("503 Service Unavailable", &[("Retry-After", "0")], b""),
            (false, true, _) => reply("200 OK", &[], status(5).as_bytes()),
            _ => reply("500 Internal Server Error", &[], b"in a moment"),
        })
    })
    .await;
    let stage = async |namespace: &str| {
        let mut hearth = guarded(env!("CARGO_BIN_EXE_hearth"));
        hearth.arg("stage").arg(case.folder.path().join("local/a.jar"));
        hearth.args(["--staging-url", &server.url(""), "--namespace", namespace]);
        run(&mut hearth, PATIENCE).await
    };
    let done = stage("ns").await.succeeded();
    assert!(done.stderr.contains("in a moment") && done.stderr.contains("503"), "{}", done.stderr);
    let refused = stage("refused").await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("403 Forbidden: you may not upload to refused"), "{}", refused.stderr);
    let none = case.hearth("stage", &["none.jar", "no*.jar"]).await;
    assert_eq!(none.status.code(), Some(64));
    assert!(
        none.stderr.contains("none.jar: No such file") && none.stderr.contains("no*.jar: no file"),
        "{}",
        none.stderr
    );
}

#[tokio::test]
async fn spark_submit_is_given_urls_and_its_exit_code_is_passed_on() {
    let case = Case::new().await;
    for name in ["app.jar", "lib.jar", "env.tgz", "spark.conf"] {
        case.write(name, name);
    }
    case.write("spark.conf", "spark.files=lib.jar\n");
    let program = case.write("bin/spark-submit", "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 7\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = program.display().to_string();
    let common = [
        "--spark-submit",
        &program,
        "--",
        "--master",
        "k8s://x",
        "--properties-file",
        "spark.conf",
        "--archives",
        "env.tgz#e",
    ];
    let cluster = [&common[..], &["--deploy-mode", "cluster", "app.jar", "lib.jar", "--x"]].concat();
    let output = case.hearth("submit", &cluster).await;
    assert_eq!(output.status.code(), Some(7), "{}", output.stderr);
    let given: Vec<_> = output.stdout.lines().collect();
    let archive = given.iter().position(|argument| *argument == "--archives").unwrap() + 1;
    let (url, fragment) = given[archive].split_once('#').unwrap();
    assert_eq!((case.get(url).await.as_str(), fragment), ("env.tgz", "e"));
    let [.., files, app, lib, x] = given.as_slice() else { panic!("{given:?}") };
    assert_eq!(case.get(files.strip_prefix("spark.files=").unwrap()).await, "lib.jar");
    assert_eq!(case.get(app).await, "app.jar");
    assert_eq!((*lib, *x), ("lib.jar", "--x"), "the application's own arguments are not touched");

    let client = [&common[..], &["app.jar"]].concat();
    let output = case.hearth("submit", &client).await;
    assert!(
        output.stdout.ends_with("env.tgz#e\napp.jar\n"),
        "in client mode the driver serves them: {}",
        output.stdout
    );
}

#[tokio::test]
async fn without_spark_a_manifest_is_printed() {
    let case = Case::new().await;
    case.write("job.py", "print()");
    let image = "spark.kubernetes.container.image=apache/spark:4.0.1";
    let output = case
        .hearth(
            "submit",
            &["--via", "operator", "--manifest", "yaml", "--", "--conf", image, "--py-files", "job.py", "job.py"],
        )
        .await;
    let manifest = output.succeeded().stdout;
    for part in ["apiVersion: sparkoperator.k8s.io/v1beta2", "kind: SparkApplication", "type: Python", "mode: cluster"]
    {
        assert!(manifest.contains(part), "{part}: {manifest}");
    }
    let url = manifest.lines().find_map(|line| line.trim().strip_prefix("mainApplicationFile: ")).unwrap();
    assert_eq!(case.get(url.trim_matches(['"', '\''])).await, "print()");
    assert!(manifest.ends_with('\n'), "{manifest}");
    let refused = case.hearth("submit", &["--via", "operator", "--", "--supervise", "job.py"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("--supervise: this is for standalone clusters"), "{}", refused.stderr);
    let none = case.hearth("submit", &["--spark-submit", "/none/spark-submit", "--", "local:///a.jar"]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(none.stderr.contains("--via operator needs none"), "{}", none.stderr);
}

#[tokio::test]
async fn where_callers_have_to_be_known_a_token_stages_and_pods_need_none() {
    let api = ClusterApi::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let (jar, other) = (file("a.jar", "jar a"), file("b.jar", "jar b"));
    let (ann, nobody) = (file("ann", "token-of-ann\n"), file("nobody", "another"));
    let arguments = [
        "staging-server",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "off",
        "--store",
        "memory:",
        "--access",
        "guarded",
    ];
    let kubeconfig = api.kubeconfig();
    let server = Hearth::start(&arguments, &[("KUBECONFIG", kubeconfig.to_str().unwrap())], &["staging server"]).await;
    let url = server.address("staging server");
    let hearth = async |arguments: &[&str]| {
        let mut hearth = guarded(env!("CARGO_BIN_EXE_hearth"));
        run(hearth.args(arguments).args(["--staging-url", &url]).env_remove("HEARTH_TOKEN_FILE"), PATIENCE).await
    };
    let staged = hearth(&["stage", &jar, "--namespace", "etl", "--token-file", &ann]).await.succeeded();
    let again = hearth(&["stage", &jar, "--namespace", "etl", "--token-file", &ann]).await.succeeded();
    assert!(again.stderr.starts_with("there "), "{}", again.stderr);
    for (namespace, token) in [("other", Some(&ann)), ("etl", Some(&nobody)), ("etl", None)] {
        let token: Vec<&str> = token.map(|token| vec!["--token-file", token.as_str()]).unwrap_or_default();
        let refused = hearth(&[&["stage", &other, "--namespace", namespace][..], &token].concat()).await;
        assert_eq!(refused.status.code(), Some(1), "{namespace}, {token:?}");
        assert!(refused.stderr.contains("the server answered 40"), "{}", refused.stderr);
    }
    // An init container has the URL, and no token.
    let out = folder.path().join("out");
    let mut fetch = guarded(env!("CARGO_BIN_EXE_hearth"));
    fetch.args(["fetch", "--to", out.to_str().unwrap(), staged.stdout.trim()]).env_remove("HEARTH_TOKEN_FILE");
    run(&mut fetch, PATIENCE).await.succeeded();
    assert_eq!(std::fs::read_to_string(out.join("a.jar")).unwrap(), "jar a");

    let doctor = ["doctor", "--history-url", &url, "--namespace", "etl", "--token-file", &ann, "--output", "json"];
    let report: serde_json::Value = serde_json::from_str(&hearth(&doctor).await.stdout).unwrap();
    let status = |what: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["what"] == what).map(|check| check["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        ["staging server", "upload", "read"].map(status),
        [Some("ok".into()), Some("ok".into()), Some("ok".into())],
        "{report}"
    );
}
