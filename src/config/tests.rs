use super::*;

fn read_args(args: &[&str]) -> Result<Request, Refusal> {
    read(std::iter::once("hearth").chain(args.iter().copied()).map(Into::into))
}

fn config(args: &[&str]) -> Config {
    match read_args(args).unwrap() {
        Request::Serve(config) => *config,
        other => panic!("not a server: {other:?}"),
    }
}

fn mistakes(args: &[&str]) -> Vec<String> {
    match read_args(args) {
        Err(Refusal::Mistakes(mistakes)) => mistakes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_is_sound() {
    command().debug_assert();
}

#[test]
fn a_bare_command_serves_everything_on_loopback_and_a_local_folder() {
    let config = config(&[]);
    assert_eq!(config.store.to_string(), "file:./hearth-data");
    let staging = config.staging.unwrap();
    assert_eq!(staging.listen.to_string(), "127.0.0.1:10000");
    assert_eq!(staging.max_upload_bytes, 5 << 30);
    assert_eq!(config.history.unwrap().listen.to_string(), "127.0.0.1:18080");
    assert_eq!(config.collector.unwrap().pod_logs, None);
}

#[test]
fn a_role_has_its_own_settings_and_no_others() {
    let config = config(&[
        "history-server",
        "--listen",
        "0.0.0.0:1",
        "--event-logs",
        "memory:",
        "--event-logs",
        "old=s3://bucket/p",
    ]);
    let history = config.history.unwrap();
    assert_eq!(history.listen.to_string(), "0.0.0.0:1");
    assert_eq!(history.event_logs.len(), 2);
    assert_eq!(history.event_logs[1].name.as_deref(), Some("old"));
    assert!(config.staging.is_none() && config.collector.is_none());
    assert_eq!(mistakes(&["history-server", "--pod-logs", "/"]).len(), 1);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let found = mistakes(&[
        "serve",
        "--store",
        "ftp://x/y",
        "--history-listen",
        "nowhere",
        "--staging-listen",
        "1",
        "--drain-timeout",
        "soon",
    ]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].starts_with("--store \"ftp://x/y\": "), "{found:#?}");
    assert!(found.iter().any(|m| m.contains("HOST:PORT")), "{found:#?}");
}

#[test]
fn a_file_is_read_below_the_flags_and_its_unknown_keys_are_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hearth.toml");
    let text = "store = 'memory:'\n[history-server]\nlisten = '127.0.0.1:2'\nevent-logs = ['memory:', 'file:/']\n";
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let history = config(&["serve", "--config", path]).history.unwrap();
    assert_eq!((history.listen.port(), history.event_logs.len()), (2, 2));
    let history = config(&["serve", "--config", path, "--history-listen", "127.0.0.1:3"]).history.unwrap();
    assert_eq!(history.listen.port(), 3);

    std::fs::write(&file, "stroe = 'memory:'\nhistory-server = 3\n[staging-server]\nlisten = true\nport = 5\n")
        .unwrap();
    let found = mistakes(&["serve", "--config", path]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(mistakes(&["serve", "--config", "/does/not/exist"])[0].contains("/does/not/exist"));
}

#[test]
fn a_file_has_true_and_false_and_numbers_where_they_belong_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hearth.toml");
    let text = "max-connections = 7\naccess = 'guarded'\n[history-server]\nacls = true\ncache-size = 1024\n";
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let config = config(&["history-server", "--config", path]);
    let history = config.history.unwrap();
    assert_eq!((config.http.max_connections, history.acls, history.cache_bytes), (7, true, 1024));
    std::fs::write(&file, "store = 5\ndrain-timeout = 5\nlog-filter = true\n[history-server]\nacls = 1\n").unwrap();
    let found = mistakes(&["history-server", "--config", path]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(
        found.iter().any(|m| m.ends_with(
            "drain-timeout: a integer does not fit here, write a number and a unit in quotes, such as \"10s\""
        )),
        "{found:#?}"
    );
}

#[test]
fn what_clap_cannot_read_is_reported_with_the_rest() {
    let found = mistakes(&[
        "serve",
        "--hisotry-listen",
        "x:1",
        "--drain-timeout",
        "soon",
        "--bogus=1",
        "--scan-interval",
        "often",
    ]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().any(|m| m.contains("--history-listen")), "{found:#?}");
    assert_eq!(mistakes(&["logs", "app-1", "--tail", "many", "--store", "nowhere:x"]).len(), 2);
}

#[test]
fn what_belongs_together_is_asked_for_together() {
    for (args, said) in [
        (&["serve", "--acls", "true"] as &[&str], "--acls needs"),
        (&["serve", "--user-header", "x-user"], "needs --trusted-proxy"),
        (&["serve", "--tls-cert", "/tmp/x"], "belong together"),
        (&["serve", "--oidc-client-id", "x"], "belong together"),
        (&["serve", "--trusted-proxy", "everybody"], "10.0.0.0/8"),
        (&["serve", "--event-logs", "/does/not/exist"], "there is no folder"),
    ] {
        let found = mistakes(args);
        assert!(found.len() == 1 && found[0].contains(said), "{args:?}: {found:#?}");
    }
}

#[test]
fn the_redaction_pattern_has_to_be_one() {
    let found = mistakes(&["history-server", "--redaction-regex", "secret("]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("--redaction-regex \"secret(\": unclosed group"), "{found:#?}");
}

#[test]
fn the_readme_lists_every_setting() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(&table()), "README.md should contain:\n\n{}", table());
}

#[test]
fn hearth_s_own_settings_go_before_spark_s_and_spark_s_before_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("properties");
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let text = format!(
        "spark.history.fs.logDirectory file:{}\nspark.history.ui.port 19000\nspark.history.ui.title Ours",
        logs.display()
    );
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let read = config(&["spark-history-server", "--properties-file", file, "--title", "Theirs"]);
    let history = read.history.unwrap();
    assert_eq!(history.listen.to_string(), "0.0.0.0:19000");
    assert_eq!((history.title.as_str(), history.keeps), ("Theirs", false));
    assert_eq!(history.event_logs[0].url.as_folder().unwrap(), logs);
    assert_eq!(read.access.guarded, Some(false));
    assert!(read.admin_listen.is_none() && read.staging.is_none());
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "store = 5").unwrap();
    let arguments = ["spark-history-server", "--properties-file", file, "--config", wrong.to_str().unwrap()];
    assert_eq!(mistakes(&arguments).len(), 1, "a mistake is told once");
    let kept = config(&["spark-history-server", "--properties-file", file, "--store", "memory:"]);
    assert!(kept.history.unwrap().keeps);
}

#[test]
fn the_check_prints_what_becomes_of_each_and_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("properties");
    std::fs::write(&file, "spark.history.fs.logDirectory hdfs://nn/logs\nspark.history.numbers 7").unwrap();
    match read_args(&["check-config", "--properties-file", file.to_str().unwrap()]).unwrap() {
        Request::CheckConfig { report, mistakes } => {
            assert!(report.contains("refused  spark.history.fs.logDirectory=hdfs://nn/logs"), "{report}");
            assert!(report.contains("unknown  spark.history.numbers=7"), "{report}");
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        }
        other => panic!("{other:?}"),
    }
}
