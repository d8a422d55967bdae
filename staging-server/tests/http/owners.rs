//! Uploads that are somebody's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use staging_server::{Clock, Config, Driver, Drivers, Owning, Swept};

use crate::client::Server;

/// A cluster whose drivers a test names.
#[derive(Default)]
struct Cluster(Mutex<Option<Vec<Driver>>>);

#[async_trait]
impl Drivers for Cluster {
    async fn living(&self) -> Result<Vec<Driver>, String> {
        self.0.lock().unwrap().clone().ok_or_else(|| "the cluster is away".to_owned())
    }
}

struct Scene {
    server: Server,
    cluster: Arc<Cluster>,
    hours: Arc<AtomicI64>,
}

impl Scene {
    fn new() -> Self {
        let (cluster, hours) = (Arc::new(Cluster::default()), Arc::new(AtomicI64::new(0)));
        let ahead = Arc::clone(&hours);
        let mut config = Config {
            clock: Clock::new(move || Utc::now() + TimeDelta::hours(ahead.load(Ordering::SeqCst))),
            owning: Some(Owning {
                drivers: Arc::clone(&cluster) as Arc<dyn Drivers>,
                grace: Duration::from_secs(2 * 3600),
            }),
            ..Config::default()
        };
        config.sweeps.notice = Duration::ZERO;
        Self { server: Server::with(config), cluster, hours }
    }

    fn living(&self, drivers: Option<&[&str]>) {
        let driver = |text: &&str| Driver {
            namespace: "etl".to_owned(),
            name: "pi".to_owned(),
            labels: BTreeMap::from([("app".to_owned(), "pi".to_owned())]),
            texts: vec![(*text).to_owned()],
        };
        *self.cluster.0.lock().unwrap() = drivers.map(|texts| texts.iter().map(driver).collect());
    }

    async fn sweep_at(&self, hours: i64) -> Swept {
        self.hours.store(hours, Ordering::SeqCst);
        self.server.staging.sweeper().sweep().await.unwrap()
    }
}

const DAY: i64 = 24;

#[tokio::test]
async fn an_upload_lives_as_long_as_the_driver_that_names_it_and_a_while_longer() {
    let scene = Scene::new();
    let server = &scene.server;
    for name in ["spark-upload-1/a.jar", "other.jar"] {
        server.create(&format!("/staging/etl/{name}"), name).await;
    }
    scene.living(Some(&["spark.jars=webhdfs\\://h\\:1/staging/etl/spark-upload-1/a.jar"]));
    assert_eq!(scene.sweep_at(0).await.uploads, 0);
    // Long after its time, which the other one has not outlived.
    assert_eq!(scene.sweep_at(100 * DAY).await.uploads, 1);
    assert_eq!(server.names("/staging/etl").await, ["spark-upload-1/"]);
    // Its driver goes: from when that was seen on.
    scene.living(Some(&[]));
    assert_eq!(scene.sweep_at(101 * DAY).await.uploads, 0);
    assert_eq!(scene.sweep_at(101 * DAY + 1).await.uploads, 0);
    assert_eq!(server.read("/staging/etl/spark-upload-1/a.jar").await, "spark-upload-1/a.jar");
    scene.hours.store(101 * DAY + 3, Ordering::SeqCst);
    let said = server.staging.sweeper().preview().await.unwrap();
    assert!(said.len() == 1 && said[0].ends_with("the driver that it was for has been gone for its time"), "{said:?}");
    assert_eq!(scene.sweep_at(101 * DAY + 3).await.uploads, 1);
}

#[tokio::test]
async fn a_driver_that_comes_back_keeps_what_is_its_own() {
    let scene = Scene::new();
    let names = "/staging/etl/spark-upload-1/a.jar";
    scene.server.create(names, "jar").await;
    for hours in [0, 10 * DAY] {
        scene.living(Some(&[names]));
        assert_eq!(scene.sweep_at(hours).await.uploads, 0);
        scene.living(Some(&[]));
        assert_eq!(scene.sweep_at(hours + 1).await.uploads, 0);
        assert_eq!(scene.sweep_at(hours + 2).await.uploads, 0);
    }
    // Its configuration need not be readable any more for that.
    scene.living(Some(&[""]));
    assert_eq!(scene.sweep_at(20 * DAY).await.uploads, 0);
}

#[tokio::test]
async fn nothing_is_removed_while_it_cannot_be_asked_whose_things_are() {
    let scene = Scene::new();
    let sweeper = scene.server.staging.sweeper();
    scene.server.create("/staging/etl/f", "f").await;
    scene.hours.store(100 * DAY, Ordering::SeqCst);
    assert!(sweeper.sweep().await.unwrap_err().to_string().contains("the cluster is away"));
    assert!(sweeper.preview().await.is_err());
    assert_eq!((sweeper.totals().failures, sweeper.totals().removed), (0, Swept::default()));
    assert!(sweeper.trouble().unwrap().contains("no upload is removed"));
    assert_eq!(scene.server.read("/staging/etl/f").await, "f");
    scene.living(Some(&[]));
    scene.sweep_at(200 * DAY).await;
    assert_eq!(sweeper.trouble(), None);
    assert_eq!(scene.server.ask("GET", "/staging/etl/f", &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_bundle_lives_as_long_as_a_driver_with_its_labels() {
    let scene = Scene::new();
    let form = concat!(
        "--b\r\nContent-Disposition: form-data; name=\"resources\"\r\n\r\nbytes\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"resourcesOwner\"\r\nContent-Type: application/json\r\n\r\n",
        "{\"ownerNamespace\":\"etl\",\"ownerLabels\":{\"app\":\"pi\"}}\r\n--b--\r\n"
    );
    let kind = "Content-Type: multipart/form-data; boundary=b";
    let sent = scene.server.ask("POST", "/api/v0/resources/", &[kind], form).await;
    assert_eq!(sent.status, StatusCode::OK, "{:?}", sent.body);
    scene.living(Some(&[""]));
    assert_eq!(scene.sweep_at(100 * DAY).await.uploads, 0);
    scene.living(Some(&[]));
    assert_eq!(scene.sweep_at(101 * DAY).await.uploads, 0);
    assert_eq!(scene.sweep_at(101 * DAY + 3).await.uploads, 1);
}
