//! A job whose jar and data are in an S3 bucket only: `hearth fetch` brings them, in an init container of a template that
//! `hearth pod-template` made, which is itself in the bucket and served to stock spark-submit.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::job;
use crate::s3_server::{BUCKET, KEY, S3Server, SECRET};
use crate::support::cluster::Namespace;
use crate::support::hearth::Hearth;
use crate::support::images::HEARTH;
use crate::support::process::{Output, guarded, run};

const PATIENCE: Duration = Duration::from_secs(180);

fn credentials(s3: &S3Server) -> [(&str, &str); 5] {
    [
        ("AWS_ENDPOINT_URL", &s3.endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_ALLOW_HTTP", "true"),
    ]
}

async fn hearth(s3: &S3Server, arguments: &[&str]) -> Output {
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    run(command.envs(credentials(s3)).args(arguments), PATIENCE).await.succeeded()
}

/// Puts a template with the fetcher in it into the bucket.
async fn publish_template(namespace: &Namespace, s3: &S3Server, store: &str, folder: &Path) {
    let mut secret = vec!["create".to_owned(), "secret".to_owned(), "generic".to_owned(), "bucket".to_owned()];
    secret.extend(credentials(s3).map(|(name, value)| format!("--from-literal={name}={value}")));
    let secret: Vec<_> = secret.iter().map(String::as_str).collect();
    namespace.kubectl(&secret).await.succeeded();
    let (jar, data) = (format!("s3://{BUCKET}/jobs/job.jar"), format!("s3://{BUCKET}/jobs/data.txt"));
    let render = ["pod-template", "render", "--image", HEARTH, "--mount", "/opt/artifacts", "--secret", "bucket"];
    let rendered = hearth(s3, &[&render[..], &["--", &jar, &data]].concat()).await.stdout;
    let file = folder.join("from-store.yaml");
    std::fs::write(&file, rendered).unwrap();
    let publish = ["pod-template", "publish", file.to_str().unwrap(), "--namespace", &namespace.name, "--store", store];
    hearth(s3, &publish).await;
}

async fn submitted(mut command: Command, namespace: &Namespace, template: &str) -> String {
    for role in ["driver", "executor"] {
        command.arg("--conf").arg(format!("spark.kubernetes.{role}.podTemplateFile={template}"));
    }
    command.args(["--conf", "spark.executor.instances=1", "--class", "FromStore"]);
    command.args(["local:///opt/artifacts/job.jar", "/opt/artifacts/data.txt"]);
    let submitted = run(&mut command, Duration::from_secs(600)).await;
    let (log, phase) = job::driver(namespace).await;
    let well = submitted.status.success() && phase == "Succeeded";
    assert!(well, "{}\n{}\n{log}", submitted.stderr, namespace.describe().await);
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_fetched_from_a_bucket_by_a_template_that_is_in_it() {
    let namespace = Namespace::new("fetched").await;
    let folder = tempfile::tempdir().unwrap();
    let s3 = S3Server::listening_on(namespace.node.host()).await;
    let jar = job::jar("from-store/FromStore.java", folder.path()).await;
    s3.keep("jobs/job.jar", &std::fs::read(jar).unwrap());
    s3.keep("jobs/data.txt", b"what is in the bucket\n");
    let store = format!("s3://{BUCKET}/hearth");
    publish_template(&namespace, &s3, &store, folder.path()).await;

    let listen = format!("{}:0", namespace.node.host());
    let serving =
        ["staging-server", "--store", &store, "--listen", &listen, "--access", "open", "--admin-listen", "off"];
    let staging = Hearth::start(&serving, &credentials(&s3), &["staging server"]).await;
    let template = format!("{}/pod-templates/fetched/from-store.yaml", staging.address("staging server"));
    let _turn = job::turn().await;
    let log = submitted(job::spark_submit(&namespace), &namespace, &template).await;
    for who in ["driver", "1"] {
        assert!(log.contains(&format!("{who} found what is in the bucket")), "{log}");
    }
    let (code, log) = staging.stop().await;
    assert_eq!(code, Some(0), "{log}");
}
