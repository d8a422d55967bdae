//! A one-node Kubernetes, API server to containerd, as a machine of its own in namespaces of the kernel. All tests of
//! one binary share the node; each has a namespace of Kubernetes in it.
//!
//! The shell scripts beside this file start and end it: see `cluster/guardian` for why nothing stays behind.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::process::{Output, guarded, run};
use super::{cache, images};

/// A running node; ends when dropped, when the test panics, and when its process dies.
#[derive(Debug)]
pub(crate) struct Node {
    guardian: Child,
    lifeline: Option<ChildStdin>,
    folder: PathBuf,
    host: String,
    api_server: String,
}

impl Node {
    /// The node that the tests of this binary share, with Hearth's own images. It ends with the test process.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Node> = OnceCell::const_new();
        let start = async || {
            let (_folder, images) = images::build().await;
            tokio::task::spawn_blocking(move || Self::start(&images)).await.unwrap()
        };
        SHARED.get_or_init(start).await
    }

    /// Starts another node, that has these images too (OCI archives), and returns when it takes pods.
    pub(crate) fn start(images_too: &[PathBuf]) -> Self {
        let programs = ["kube-apiserver", "etcd", "coredns"].map(cache::node_program);
        let images = ["image-pause/image.tar", "image-spark/image.tar"].map(|path| cache::needed(path, "cluster"));
        // Ctrl-C is for the test; the guardian sees that the test has ended.
        let mut command = Command::new("setsid");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/cluster/guardian"));
        command.arg(cache::folder().join("machines")).args(programs.iter().map(|program| program.parent().unwrap()));
        let pipes =
            command.args(images).args(images_too).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guardian = pipes.spawn().expect("setsid and bash run");
        let lifeline = guardian.stdin.take();
        let mut said = BufReader::new(guardian.stdout.take().unwrap()).lines();
        let mut facts = std::collections::BTreeMap::new();
        loop {
            match said.next().transpose().unwrap().as_deref() {
                Some("ready") => break,
                Some(line) => facts.extend(line.split_once('=').map(|(name, fact)| (name.to_owned(), fact.to_owned()))),
                None => {
                    let mut why = String::new();
                    guardian.stderr.take().unwrap().read_to_string(&mut why).unwrap();
                    panic!("the node did not start (it needs Linux and root):\n{why}");
                }
            }
        }
        let mut fact = |name: &str| facts.remove(name).expect("the machine says all that a test must know");
        Self { guardian, lifeline, folder: fact("folder").into(), host: fact("host"), api_server: fact("api_server") }
    }

    /// The address of this machine as pods see it, and where a server must listen for them.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The API server's URL.
    pub(crate) fn api_server(&self) -> &str {
        &self.api_server
    }

    /// A kubeconfig that may do anything.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// What is `/var/log/pods` on the node.
    pub(crate) fn pod_logs(&self) -> PathBuf {
        self.folder.join("var-log/pods")
    }

    /// Where the node keeps everything; its name is that of its control groups too.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `kubectl` to its end.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Output {
        let mut command = guarded(cache::node_program("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig()).arg("--cache-dir").arg(self.folder.join("kubectl"));
        run(command.args(arguments), Duration::from_secs(60)).await
    }

    /// Process id of the guardian.
    pub(crate) fn guardian(&self) -> u32 {
        self.guardian.id()
    }

    /// Ends the node, as its test's death would, and waits until nothing is left.
    pub(crate) fn end(mut self) {
        drop(self.lifeline.take());
        self.guardian.wait().unwrap();
    }
}

/// A namespace of a test's own, in which the service account `spark` may do what a driver does.
#[derive(Debug)]
pub(crate) struct Namespace {
    /// The node it is on.
    pub(crate) node: &'static Node,
    /// Its name.
    pub(crate) name: String,
}

impl Namespace {
    /// Makes a namespace of this name on the shared node.
    pub(crate) async fn new(name: &str) -> Self {
        let namespace = Self { node: Node::shared().await, name: name.to_owned() };
        namespace.node.kubectl(&["create", "namespace", name]).await.succeeded();
        namespace.kubectl(&["create", "serviceaccount", "spark"]).await.succeeded();
        let account = format!("--serviceaccount={name}:spark");
        namespace.kubectl(&["create", "rolebinding", "spark", "--clusterrole=edit", &account]).await.succeeded();
        namespace
    }

    /// Runs `kubectl` in this namespace.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Output {
        self.node.kubectl(&[&["--namespace", &self.name], arguments].concat()).await
    }

    /// What a person would want to see when a test of pods has failed.
    pub(crate) async fn describe(&self) -> String {
        let pods = self.kubectl(&["get", "pods", "-o", "wide"]).await.stdout;
        let events = self.kubectl(&["get", "events"]).await.stdout;
        format!("{pods}\n{events}")
    }
}
