//! What the binary says of settings that cannot work.

use std::time::Duration;

use super::s3_server::{self, S3Server};
use super::support::hearth::Hearth;
use super::support::process::{guarded, run};
use super::support::wait::eventually;

const LIMIT: Duration = Duration::from_secs(60);

async fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    let ended = run(command.args(arguments).envs(environment.iter().copied()), LIMIT).await;
    (ended.status.code(), ended.stderr)
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_not_made_where_something_is_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("logs");
    let name = missing.to_str().unwrap();
    for arguments in
        [&["history-server", "--store", "memory:", "--event-logs", name][..], &["logs", "--store", name, "app-1"]]
    {
        let (code, said) = refused(arguments, &[]).await;
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(&format!("there is no folder {name}")), "{said}");
        assert!(!missing.exists());
    }
}

#[tokio::test]
async fn an_empty_variable_is_blamed_and_not_the_flag() {
    let (code, said) = refused(&["serve"], &[("HEARTH_CONFIG", "")]).await;
    assert_eq!(code, Some(64));
    assert!(said.contains("HEARTH_CONFIG") && !said.contains("--config"), "{said}");
}

#[tokio::test]
async fn the_sample_is_not_put_anywhere_by_a_start_that_fails() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let arguments = ["serve", "--sample", "--store", store.to_str().unwrap(), "--history-listen", &address];
    let (code, said) = refused(&arguments, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    let found = std::fs::read_dir(&store).map(Iterator::count).unwrap_or_default();
    assert_eq!(found, 0, "{said}");
}

#[tokio::test]
async fn a_store_that_can_never_be_used_ends_the_start_and_says_what_to_do() {
    let s3 = S3Server::start().await;
    let missing = s3.url("x").replace(s3_server::BUCKET, "no-such-bucket");
    let key = ("AWS_ACCESS_KEY_ID", s3_server::KEY);
    for (store, secret, advice) in
        [(missing, s3_server::SECRET, "no such bucket"), (s3.url("x"), "another", "refuses access")]
    {
        let arguments = ["history-server", "--store", &store, "--listen", "127.0.0.1:0", "--admin-listen", "off"];
        let (code, said) = refused(&arguments, &[key, ("AWS_SECRET_ACCESS_KEY", secret)]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(advice) && said.contains("--store"), "{said}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_keeps_the_server_unready_and_readyz_says_so() {
    // Nobody listens on the port that the system has just given back.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = format!("s3://the-bucket/x?endpoint=http://{nobody}");
    let arguments = ["staging-server", "--store", &store, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let environment = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let hearth = Hearth::start(&arguments, &environment, &["staging server", "admin"]).await;
    let readyz = format!("{}/readyz", hearth.address("admin"));
    let said = eventually("the reason", Duration::from_secs(120), async || {
        let answer = reqwest::get(&readyz).await.ok()?;
        assert_eq!(answer.status(), 503);
        answer.text().await.ok().filter(|text| text != "starting\n")
    })
    .await;
    assert!(said.contains("does not answer") && said.contains("--store"), "{said}");
    for _ in 0..3 {
        assert_eq!(reqwest::get(&readyz).await.unwrap().status(), 503);
    }
    let log = hearth.log();
    let (warnings, errors) = (log.matches("not ready: ").count(), log.matches("ERROR").count());
    assert_eq!((warnings, errors), (1, 0), "each refusal is told, or none:\n{log}");
    assert!(log.contains("WARN") && log.contains("--store"), "{log}");
    assert_eq!(reqwest::get(readyz.replace("readyz", "livez")).await.unwrap().status(), 200);
}
