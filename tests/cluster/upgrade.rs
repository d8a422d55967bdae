//! The chart upgraded and scaled while it is used: two replicas of each server over one S3 store, clients that ask all the time, and a pod
//! that writes all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;

use crate::chart::{chart, helm, node_port};
use crate::s3_server::{BUCKET, KEY, S3Server, SECRET};
use crate::support::cluster::{Namespace, Node};
use crate::support::process::{guarded, run};
use crate::support::wait::within;

const PATIENCE: Duration = Duration::from_secs(300);
const NAMESPACE: &str = "upgraded";
/// What the pod writes, ten lines a second.
const LINES: usize = 400;

/// Lets Helm do something with the release, and waits until all its pods are as it wants them.
async fn release(node: &Node, verb: &[&str], settings: &str, s3: &S3Server) {
    let (chart, kubeconfig) = (chart(), node.kubeconfig());
    let store = format!(
        "store.url=s3://{BUCKET}/h,store.credentialsSecret=bucket,store.env.AWS_REGION=us-east-1,\
         store.env.AWS_ENDPOINT_URL={},store.env.AWS_ALLOW_HTTP=true",
        s3.endpoint
    );
    let image = "image.repository=localhost/hearth,image.tag=test,image.pullPolicy=Never,access.stagingServer=open";
    let ports = "stagingServer.service.type=NodePort,historyServer.service.type=NodePort";
    let mut arguments = verb.to_vec();
    arguments.extend(["hearth", chart.to_str().unwrap(), "--kubeconfig", kubeconfig.to_str().unwrap()]);
    arguments.extend(["--namespace", NAMESPACE, "--wait", "--timeout", "4m"]);
    for values in [&store, image, ports, settings] {
        arguments.extend(["--set", values]);
    }
    let done = helm(&arguments).await;
    if !done.status.success() {
        let pods = node.kubectl(&["--namespace", NAMESPACE, "get", "pods,events"]).await.stdout;
        panic!("{}{}\n{pods}", done.stdout, done.stderr);
    }
}

/// Clients that upload, read and list until they are told to stop.
struct Clients {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Clients {
    fn start(staging: &str, history: &str) -> Self {
        let (stop, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let tasks = (0..3).map(|number| {
            let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
            let file = format!("{staging}/webhdfs/v1/staging/{NAMESPACE}/{number}.txt");
            let list = format!("{history}/api/v1/applications");
            // Each request a connection of its own, as spark-submit's are: all replicas get some.
            let client = Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(PATIENCE).build().unwrap();
            tokio::spawn(async move {
                let mut wrong = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let put = client.put(format!("{file}?op=CREATE&data=true&overwrite=true")).body("content").send();
                    let get = client.get(format!("{file}?op=OPEN")).send();
                    for answer in [put.await, get.await, client.get(&list).send().await] {
                        match answer {
                            Ok(answer) if answer.status().is_success() => {}
                            Ok(answer) => wrong.push(format!("{}: {}", answer.url(), answer.status())),
                            Err(error) => wrong.push(format!("{error:?}")),
                        }
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
                wrong
            })
        });
        Self { tasks: tasks.collect(), stop, asked }
    }

    /// How many requests there were, and what became of those that failed.
    async fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut wrong = Vec::new();
        for task in self.tasks {
            wrong.extend(task.await.unwrap());
        }
        (self.asked.load(Ordering::Relaxed), wrong)
    }
}

/// A driver's pod, as the collector knows one, that writes numbered lines. Its names are short because the S3 server of the tests makes
/// names of files from whole keys, and those have their limit.
async fn write_lines(namespace: &Namespace) {
    let labels = "--labels=spark-app-selector=app-1,spark-role=driver,spark-app-name=upgraded";
    let script = format!("i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); sleep 0.1; done");
    let pod = ["run", "d", "--image=localhost/spark:test", "--image-pull-policy=Never"];
    let command = ["--restart=Never", labels, "--command", "--", "bash", "-c", &script];
    namespace.kubectl(&[&pod[..], &command].concat()).await.succeeded();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_and_a_change_of_scale_fail_no_request_and_lose_no_line() {
    let namespace = Namespace::new(NAMESPACE).await;
    let node = namespace.node;
    let s3 = S3Server::listening_on(node.host()).await;
    let (key, secret) = (format!("AWS_ACCESS_KEY_ID={KEY}"), format!("AWS_SECRET_ACCESS_KEY={SECRET}"));
    let literals = [format!("--from-literal={key}"), format!("--from-literal={secret}")];
    namespace.kubectl(&["create", "secret", "generic", "bucket", &literals[0], &literals[1]]).await.succeeded();
    release(node, &["install"], "log.filter=info", &s3).await;
    let staging = node_port(node, NAMESPACE, "hearth-staging").await;
    let history = node_port(node, NAMESPACE, "hearth-history").await;

    write_lines(&namespace).await;
    let clients = Clients::start(&staging, &history);
    // Another configuration: every pod is replaced.
    release(node, &["upgrade"], "log.filter=info\\,storage=warn", &s3).await;
    for replicas in ["1", "2"] {
        for deployment in ["deployment/hearth-staging-server", "deployment/hearth-history-server"] {
            namespace.kubectl(&["scale", deployment, "--replicas", replicas]).await.succeeded();
            namespace.kubectl(&["rollout", "status", deployment, "--timeout=55s"]).await.succeeded();
        }
    }
    let (asked, wrong) = clients.stop().await;
    assert!(wrong.is_empty(), "{} of {asked} requests failed: {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    assert!(asked > 100, "only {asked} requests were made meanwhile");

    let environment = [
        ("AWS_ENDPOINT_URL", s3.endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let expected: Vec<String> = (0..LINES).map(|number| format!("line {number}")).collect();
    let mut last = String::new();
    let whole = within(Duration::from_secs(90), async || {
        let mut logs = guarded(env!("CARGO_BIN_EXE_hearth"));
        logs.args(["logs", "--store", &format!("s3://{BUCKET}/h"), "app-1", "driver", "--stdout"]);
        last = run(logs.envs(environment), PATIENCE).await.stdout;
        last.lines().eq(expected.iter().map(String::as_str)).then_some(())
    });
    if whole.await.is_none() {
        let collector = ["logs", "--selector", "app.kubernetes.io/component=log-collector", "--tail=200"];
        let collector = namespace.kubectl(&collector).await;
        let (count, end) = (last.lines().count(), last.lines().last());
        panic!("{count} of {LINES} lines, the last: {end:?}\n{}\n{}", namespace.describe().await, collector.stdout);
    }
    let kubeconfig = node.kubeconfig();
    let from =
        ["uninstall", "hearth", "--kubeconfig", kubeconfig.to_str().unwrap(), "--namespace", NAMESPACE, "--wait"];
    helm(&from).await.succeeded();
}
