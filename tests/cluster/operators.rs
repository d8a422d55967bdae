//! What `hearth submit` and the examples hand to Kubeflow's operator, as a real API server judges it by the operator's own
//! definitions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::support::cache;
use crate::support::cluster::{Namespace, Node};
use crate::support::hearth::Hearth;
use crate::support::process::{Output, guarded, run};
use crate::support::wait::eventually;

const PATIENCE: Duration = Duration::from_secs(180);

/// The shared node, on which the definitions of Kubeflow's operator are.
async fn node() -> &'static Node {
    static KNOWN: OnceCell<()> = OnceCell::const_new();
    let node = Node::shared().await;
    KNOWN
        .get_or_init(async || {
            for entry in std::fs::read_dir(cache::spark_operator()).unwrap() {
                let file = entry.unwrap().path();
                node.kubectl(&["apply", "--server-side", "-f", file.to_str().unwrap()]).await.succeeded();
            }
            let established = ["wait", "--for=condition=Established", "crd/sparkapplications.sparkoperator.k8s.io"];
            // It has no conditions at all in its first moment, which is an error to kubectl.
            eventually("the definition", PATIENCE, async || {
                node.kubectl(&established).await.status.success().then_some(())
            })
            .await;
        })
        .await;
    node
}

/// A manifest that the API server takes as it is, every field known.
async fn taken(node: &Node, namespace: &str, file: &Path) -> Output {
    let strict = ["create", "--dry-run=server", "--validate=strict", "--namespace", namespace, "-f"];
    node.kubectl(&[&strict[..], &[file.to_str().unwrap()]].concat()).await
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples").join(name)
}

/// Every argument that a manifest can express, together and in parts.
const SUBMISSIONS: [&str; 7] = [
    "local:///app.py",
    "--class a.Main --driver-memory 2g --executor-memory 3g --driver-cores 2 --executor-cores 2 --num-executors 4 local:///app.jar one two",
    "--jars http://h/a.jar,http://h/b.jar --files http://h/f.txt#g --archives http://h/e.tgz#env --py-files http://h/p.zip local:///app.py",
    "--packages g:a:1,g:b:1 --exclude-packages g:a --repositories http://r --proxy-user u local:///app.py",
    "--driver-java-options -Dx=y --driver-library-path /l --driver-class-path /c --total-executor-cores 8 --principal p local:///app.py",
    "--conf spark.kubernetes.container.image.pullPolicy=Always --conf spark.kubernetes.container.image.pullSecrets=a,b \
     --conf spark.kubernetes.driver.request.cores=100m --conf spark.kubernetes.executor.limit.cores=1 \
     --conf spark.driver.memoryOverhead=512m --conf spark.executor.extraJavaOptions=-Da=b local:///app.R",
    "--conf spark.kubernetes.authenticate.driver.serviceAccountName=spark --conf spark.eventLog.enabled=true --name a-name local:///app.py",
];

#[tokio::test]
async fn every_manifest_is_what_the_operators_definition_accepts() {
    let node = node().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("application.yaml");
    for submission in SUBMISSIONS {
        let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
        command.args(["submit", "--via", "operator", "--dry-run", "--"]);
        command.args(["--conf", "spark.kubernetes.container.image=apache/spark:4.0.1"]);
        let printed = run(command.args(submission.split_whitespace()), PATIENCE).await.succeeded().stdout;
        std::fs::write(&file, &printed).unwrap();
        let judged = taken(node, "default", &file).await;
        assert!(judged.status.success(), "{submission}\n{printed}\n{}", judged.stderr);
    }
    // That it does judge.
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("mainApplicationFile", "mainFile")).unwrap();
    let refused = taken(node, "default", &file).await;
    assert!(!refused.status.success() && refused.stderr.contains("mainFile"), "{}", refused.stderr);

    node.kubectl(&["create", "namespace", "my-namespace"]).await.succeeded();
    taken(node, "my-namespace", &example("spark-application.yaml")).await.succeeded();
}

/// A staging server on the node, and a folder with a job and what it imports.
struct Project {
    staging: Hearth,
    folder: tempfile::TempDir,
}

impl Project {
    async fn new(namespace: &Namespace) -> Self {
        let listen = format!("{}:0", namespace.node.host());
        let arguments = ["staging-server", "--store", "memory:", "--listen", &listen, "--access", "open"];
        let staging =
            Hearth::start(&[&arguments[..], &["--admin-listen", "off"]].concat(), &[], &["staging server"]).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("job.py"), "import helpers\nprint(helpers.WORD)\n").unwrap();
        std::fs::write(folder.path().join("helpers.py"), "WORD = 'what the helper says'\n").unwrap();
        Self { staging, folder }
    }

    /// Runs a program in the folder, with `hearth` on its path.
    async fn run(&self, namespace: &Namespace, command: &mut Command) -> Output {
        let hearth = Path::new(env!("CARGO_BIN_EXE_hearth")).parent().unwrap();
        command.current_dir(self.folder.path()).env("PATH", format!("{}:/usr/bin:/bin", hearth.display()));
        command.env("HEARTH_STAGING_URL", self.staging.address("staging server")).env("NAMESPACE", &namespace.name);
        command.env("KUBECONFIG", namespace.node.kubeconfig()).env("POD_IP", namespace.node.host());
        command.env("SPARK_IMAGE", "localhost/spark:test");
        run(command.env("SPARK_MASTER", format!("k8s://{}", namespace.node.api_server())), PATIENCE).await
    }
}

#[tokio::test]
async fn the_example_in_the_place_of_sparkctl_creates_an_application_whose_files_can_be_read() {
    node().await;
    let namespace = Namespace::new("sparkctl").await;
    let project = Project::new(&namespace).await;
    project.run(&namespace, guarded("sh").arg(example("sparkctl-create.sh"))).await.succeeded();
    let path = "jsonpath={.items[0].spec.mainApplicationFile}";
    let file = namespace.kubectl(&["get", "sparkapplications", "-o", path]).await.succeeded().stdout;
    let url = file.replacen("webhdfs://", "http://", 1);
    let read = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert_eq!(read, "import helpers\nprint(helpers.WORD)\n", "{file}");
    project.staging.stop().await;
}

/// The part of Airflow that the example calls: a task is called when its value is needed, an operator says what it was given.
const AIRFLOW: &str = "
import sys, types
def module(name, **content):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(content)
def operator(task_id, namespace, application_file):
    print(application_file)
for name in ['airflow', 'airflow.providers', 'airflow.providers.cncf', 'airflow.providers.cncf.kubernetes',
             'airflow.providers.cncf.kubernetes.operators']:
    module(name)
module('airflow.decorators', dag=lambda **settings: lambda function: function, task=lambda function: function)
module('airflow.providers.cncf.kubernetes.operators.spark_kubernetes', SparkKubernetesOperator=operator)
path = sys.argv[1]
exec(compile(open(path).read(), path, 'exec'), {'__name__': 'example', '__file__': 'airflow.py'})
";

#[tokio::test]
async fn the_example_for_airflow_makes_an_application_that_is_accepted() {
    let node = node().await;
    let namespace = Namespace::new("airflow").await;
    let project = Project::new(&namespace).await;
    let mut python = guarded("python3");
    let made =
        project.run(&namespace, python.args(["-c", AIRFLOW]).arg(example("airflow.py"))).await.succeeded().stdout;
    let file = project.folder.path().join("application.yaml");
    std::fs::write(&file, &made).unwrap();
    taken(node, &namespace.name, &file).await.succeeded();
    assert!(made.contains("helpers.py") && made.contains("webhdfs://"), "{made}");
    project.staging.stop().await;
}

#[tokio::test]
async fn the_example_for_notebooks_runs_on_executors_in_pods() {
    let namespace = Namespace::new("notebook").await;
    let project = Project::new(&namespace).await;
    let cells =
        "import helpers\nprint(helpers.WORD, spark.range(1000).selectExpr('sum(id)').first()[0])\nspark.stop()\n";
    let notebook = std::fs::read_to_string(example("notebook.py")).unwrap() + cells;
    std::fs::write(project.folder.path().join("notebook.py"), notebook).unwrap();
    let _turn = crate::job::turn().await;
    let mut python = guarded(cache::python("4.3"));
    // Smaller than what it asks for by itself.
    let small = "--conf spark.kubernetes.executor.request.cores=100m --conf spark.executor.memory=512m pyspark-shell";
    let ran = project.run(&namespace, python.arg("notebook.py").env("PYSPARK_SUBMIT_ARGS", small)).await;
    assert!(ran.status.success(), "{}{}\n{}", ran.stdout, ran.stderr, namespace.describe().await);
    assert!(ran.stdout.contains("what the helper says 499500"), "{}{}", ran.stdout, ran.stderr);
    let list = format!("{}/webhdfs/v1/event-logs?op=LISTSTATUS", project.staging.address("staging server"));
    let logs = reqwest::get(list).await.unwrap().text().await.unwrap();
    assert!(logs.contains("spark-") && !logs.contains(".inprogress"), "{logs}");
    project.staging.stop().await;
}
