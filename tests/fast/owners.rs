//! Uploads that live as long as the driver that names them: the real binary beside a Kubernetes API.

use std::time::Duration;

use reqwest::{Client, StatusCode};

use super::cluster_api::ClusterApi;
use super::support::hearth::Hearth;
use super::support::process::{Output, guarded, run};
use super::support::wait::eventually;

const LIMIT: Duration = Duration::from_secs(90);

/// A store of its own, with a cluster beside it.
struct Scene {
    api: ClusterApi,
    store: tempfile::TempDir,
    hearth: Hearth,
}

impl Scene {
    async fn start() -> Self {
        let (api, store) = (ClusterApi::start().await, tempfile::tempdir().unwrap());
        let place = store.path().to_str().unwrap();
        let arguments =
            ["staging-server", "--store", place, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let kubeconfig = api.kubeconfig();
        let arguments = [&arguments[..], &["--access", "open", "--upload-owners", "kubernetes"]].concat();
        let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
        let hearth = Hearth::start(&arguments, &environment, &["staging server", "admin"]).await;
        Self { api, store, hearth }
    }

    fn url(&self, name: &str) -> String {
        format!("{}/staging/etl/{name}", self.hearth.address("staging server"))
    }

    async fn upload(&self, name: &str) {
        let url = self.url(name).replacen("/staging/", "/webhdfs/v1/staging/", 1);
        let put = Client::new().put(format!("{url}?op=CREATE&data=true")).body("jar");
        assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    }

    async fn is_there(&self, name: &str) -> bool {
        Client::new().head(self.url(name)).send().await.unwrap().status() == StatusCode::OK
    }

    /// `hearth sweep`, with times that are over at once.
    async fn sweep(&self, arguments: &[&str]) -> Output {
        self.sweep_by("kubernetes", arguments).await
    }

    async fn sweep_by(&self, owners: &str, arguments: &[&str]) -> Output {
        let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
        command.args(["sweep", "--store", self.store.path().to_str().unwrap(), "--upload-owners", owners]);
        command.args(["--first-use-timeout", "1s", "--upload-lifetime", "1s"]).args(arguments);
        run(command.env("KUBECONFIG", self.api.kubeconfig()), LIMIT).await
    }

    /// Sweeps until an upload has gone.
    async fn sweep_until_gone(&self, name: &str, arguments: &[&str]) {
        eventually(name, LIMIT, async || {
            self.sweep(arguments).await.succeeded();
            (!self.is_there(name).await).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_upload_stays_while_its_driver_runs_and_goes_when_that_has_ended() {
    const JAR: &str = "spark-upload-0a1b2c3d-1111-4222-8333-00000000000f/a.jar";
    let scene = Scene::start().await;
    for name in [JAR, "other.jar"] {
        scene.upload(name).await;
    }
    scene.api.start_driver("etl", "other-driver", "spark.app.name=other");
    let properties = format!("spark.jars=webhdfs\\://hearth\\:10000/staging/etl/{JAR}\nspark.app.name=pi\n");
    scene.api.start_driver("etl", "pi-driver", &properties);
    scene.sweep_until_gone("other.jar", &[]).await;
    assert!(scene.is_there(JAR).await);
    scene.api.end_drivers();
    // Now this is known, and its time begins.
    scene.sweep(&[]).await.succeeded();
    assert!(scene.is_there(JAR).await);
    let said = eventually("the reason", LIMIT, async || {
        let said = scene.sweep(&["--dry-run", "--owner-grace", "1s"]).await.succeeded().stdout;
        said.contains("the driver that it was for has been gone").then_some(said)
    })
    .await;
    assert!(
        said.starts_with(&format!("/staging/etl/{JAR}: ")) && said.ends_with("1 uploads would be removed\n"),
        "{said}"
    );
    assert!(scene.is_there(JAR).await);
    scene.sweep_until_gone(JAR, &["--owner-grace", "1s"]).await;
}

#[tokio::test]
async fn while_the_cluster_cannot_be_asked_nothing_is_removed_and_all_say_so() {
    let scene = Scene::start().await;
    scene.upload("a.jar").await;
    scene.api.go_away();
    // Its time is over, as this one says that does not ask.
    eventually("its end", LIMIT, async || {
        let said = scene.sweep_by("off", &["--dry-run"]).await.succeeded().stdout;
        said.contains("a.jar").then_some(())
    })
    .await;
    for arguments in [&[][..], &["--dry-run"]] {
        let ended = scene.sweep(arguments).await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("no upload is removed"), "{}", ended.stderr);
    }
    assert!(scene.is_there("a.jar").await);
    // A server whose own sweeps cannot ask is of use to clients all the same, and says what it does not do.
    let admin = scene.hearth.address("admin");
    let said = eventually("the note", Duration::from_secs(180), async || {
        let answer = reqwest::get(format!("{admin}/readyz")).await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        text.contains("no upload is removed").then_some((status, text))
    })
    .await;
    assert!(said.0 == StatusCode::OK && said.1.starts_with("ok\n"), "{said:?}");
    let metrics = reqwest::get(format!("{admin}/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("hearth_staging_owners_unknown 1\n"), "{metrics}");
    assert!(scene.hearth.log().contains("no upload is removed"));
}
