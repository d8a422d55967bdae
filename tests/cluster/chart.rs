//! The Helm chart: what Helm renders of it is taken by a real API server, and installed by its defaults it works.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, StatusCode};

use crate::support::cache;
use crate::support::cluster::Node;
use crate::support::process::{Output, guarded, run};
use crate::support::wait::{eventually, within};

const PATIENCE: Duration = Duration::from_secs(300);
/// Where the chart is installed.
const NAMESPACE: &str = "hearth-of-the-chart";

/// The chart's folder.
pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/helm/hearth")
}

/// Runs Helm, which keeps nothing.
pub(crate) async fn helm(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = guarded(cache::node_program("helm"));
    for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(variable, home.path());
    }
    run(command.args(arguments), PATIENCE).await
}

/// What Helm renders with these arguments.
async fn rendered(arguments: &[&str]) -> Output {
    let chart = chart();
    helm(&[&["template", "hearth", chart.to_str().unwrap(), "--namespace", "chart"], arguments].concat()).await
}

#[tokio::test]
async fn every_file_of_values_renders_to_what_kubernetes_takes() {
    let node = Node::shared().await;
    node.kubectl(&["create", "namespace", "chart"]).await.succeeded();
    // A pod is only taken, on trial or not, where its account is there. That of the chart's test is among what is tried.
    node.kubectl(&["create", "serviceaccount", "hearth-test", "--namespace", "chart"]).await.succeeded();
    helm(&["lint", "--strict", chart().to_str().unwrap()]).await.succeeded();
    let mut choices: Vec<Vec<String>> = vec![Vec::new()];
    for file in std::fs::read_dir(chart().join("values")).unwrap() {
        choices.push(vec!["--values".to_owned(), file.unwrap().path().to_str().unwrap().to_owned()]);
    }
    let all_on = "tls.enabled=true,networkPolicy.enabled=true,access.userHeader=X-User,access.trustedProxies={10.0.0.0/8},\
                  access.oidc.issuerUrl=https://issuer.example,access.oidc.clientId=hearth,access.adminUsers={a b},\
                  logCollector.pins=true,logCollector.namespaces={chart},stagingServer.ingress.enabled=true,\
                  stagingServer.ingress.host=s.example,stagingServer.autoscaling.enabled=true,\
                  historyServer.ingress.enabled=true,historyServer.ingress.host=h.example,historyServer.cleanMaxAge=30d,\
                  stagingServer.lifetime.firstUse={12h,chart=2d},stagingServer.lifetime.lastUse={30d,chart/shared=off},\
                  stagingServer.limits.namespaceSize=1TiB,logCollector.eventLogs.kubeletDir=/var/lib/kubelet,\
                  logCollector.virtualNodes={virtual-1,virtual.example.org},logCollector.spill.size=1GiB,\
                  monitoring.dashboards.enabled=true,stagingServer.uploadOwners=true";
    choices.push(vec!["--set".to_owned(), all_on.to_owned()]);
    let folder = tempfile::tempdir().unwrap();
    for choice in choices {
        let arguments: Vec<&str> = choice.iter().map(String::as_str).collect();
        let manifests = rendered(&arguments).await.succeeded().stdout;
        let file = folder.path().join("manifests.yaml");
        std::fs::write(&file, &manifests).unwrap();
        let strict = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--namespace", "chart", "-f"];
        let applied = node.kubectl(&[&strict[..], &[file.to_str().unwrap()]].concat()).await.succeeded().stdout;
        for kind in
            ["daemonset.apps/hearth-log-collector", "deployment.apps/hearth-staging-server", "service/hearth-history"]
        {
            assert!(applied.contains(kind), "{choice:?}: {kind} is missing:\n{applied}");
        }
    }
}

#[tokio::test]
async fn values_that_are_wrong_are_refused_with_a_word_on_which() {
    for (wrong, named) in [
        ("stagingServer.drainTimeout=soon", "drainTimeout"),
        ("stagingServer.replica=3", "replica"),
        ("access.stagingServer=closed", "access"),
        ("access.trustedProxies={proxy}", "trustedProxies"),
        ("store.url=ftp://x", "url"),
        ("historyServer.ingress.enabled=true", "ingress.host"),
        ("stagingServer.lifetime.lastUse={a while}", "lastUse"),
        ("stagingServer.limits.uploads=0", "uploads"),
        ("logCollector.virtualNodes={A_B}", "virtualNodes"),
    ] {
        let refused = rendered(&["--set", wrong]).await;
        assert!(!refused.status.success(), "{wrong} was taken");
        assert!(refused.stderr.contains(named), "{wrong}: {}", refused.stderr);
    }
}

#[tokio::test]
async fn the_plain_manifests_are_what_the_chart_renders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let values = root.join("deploy/helm/kubernetes.yaml");
    let chart = chart();
    let arguments =
        ["template", "hearth", chart.to_str().unwrap(), "--namespace", "hearth", "--skip-tests", "--values"];
    let rendered = helm(&[&arguments[..], &[values.to_str().unwrap()]].concat()).await.succeeded().stdout;
    let manifests = std::fs::read_to_string(root.join("deploy/kubernetes.yaml")).unwrap();
    // What stands before the first document is for people.
    let (head, documents) = manifests.split_at(manifests.find("---\n").unwrap());
    if documents != rendered {
        let file = crate::support::output_folder("chart").join("kubernetes.yaml");
        std::fs::write(&file, format!("{head}{rendered}")).unwrap();
        panic!("deploy/kubernetes.yaml is not what the chart renders: {} is", file.display());
    }
}

/// The arguments of the container in one of the manifests.
fn arguments_of(manifests: &str, kind: &str, name: &str) -> Vec<String> {
    let wanted = [format!("\nkind: {kind}\n"), format!("\n  name: {name}\n")];
    let document = manifests.split("\n---\n").find(|document| wanted.iter().all(|line| document.contains(line)));
    let (_, arguments) =
        document.unwrap_or_else(|| panic!("no {kind} {name}")).split_once("\n          args:\n").unwrap();
    let arguments = arguments.lines().map_while(|line| line.strip_prefix("            - "));
    arguments.map(|argument| argument.trim_matches('"').to_owned()).collect()
}

/// What `hearth` says of its settings when a container is started so: nothing, if they are right.
async fn refused(arguments: &[String], folder: &Path) -> String {
    let mut command = guarded(env!("CARGO_BIN_EXE_hearth"));
    // A store that can never be used ends the start, once all settings have been read.
    let store = folder.join("no-folder");
    std::fs::write(&store, "").unwrap();
    // Folders of a container are not on this machine.
    let here = |argument: &String| match argument.split_once("=/") {
        Some((flag, _)) => format!("{flag}={}", folder.display()),
        None => argument.clone(),
    };
    command.args(arguments.iter().map(here)).env("HEARTH_STORE", format!("file:{}", store.join("below").display()));
    command.env("HEARTH_ADMIN_LISTEN", "127.0.0.1:0").env("HEARTH_NODE_NAME", "node");
    let ended = run(&mut command, PATIENCE).await;
    if ended.status.code() == Some(64) { ended.stderr } else { String::new() }
}

#[tokio::test]
async fn the_program_takes_every_argument_that_the_chart_gives_it() {
    let values = "stagingServer.lifetime.firstUse={12h,chart=2d},stagingServer.lifetime.lastUse={30d,chart/shared=off},\
                  stagingServer.limits.namespaceSize=1TiB,stagingServer.lifetime.sweepInterval=off,\
                  stagingServer.uploadOwners=true,\
                  logCollector.eventLogs.kubeletDir=/var/lib/kubelet,logCollector.virtualNodes={virtual-1},\
                  logCollector.spill.size=1GiB,access.stagingServer=open,access.historyServer=open";
    let expected = [
        ("Deployment", "hearth-staging-server", "--upload-lifetime=chart/shared=off"),
        ("Deployment", "hearth-history-server", "--cache-size=1GiB"),
        ("DaemonSet", "hearth-log-collector", "--kubelet-dir=/var/lib/kubelet"),
        ("Deployment", "hearth-log-collector-virtual-1", "--node-name=virtual-1"),
    ];
    let manifests = rendered(&["--set", values]).await.succeeded().stdout;
    for (kind, name, argument) in expected {
        let arguments = arguments_of(&manifests, kind, name);
        assert!(arguments.iter().any(|given| given == argument), "{name}: {arguments:?}");
        let folder = tempfile::tempdir().unwrap();
        let said = refused(&arguments, folder.path()).await;
        assert_eq!(said, "", "{name}: {arguments:?}");
    }
}

/// Where a Service of type `NodePort` is for this machine.
pub(crate) async fn node_port(node: &Node, namespace: &str, service: &str) -> String {
    let path = "jsonpath={.spec.ports[0].nodePort}";
    let port =
        node.kubectl(&["--namespace", namespace, "get", "service", service, "-o", path]).await.succeeded().stdout;
    let host = node.api_server().trim_start_matches("https://").split(':').next().unwrap().to_owned();
    let url = format!("http://{host}:{port}");
    // The node's rules follow its pods after a moment.
    eventually("the Service", PATIENCE, async || reqwest::get(&url).await.ok()).await;
    url
}

/// Why nothing became of it.
async fn describe(node: &Node) -> String {
    let mut text = String::new();
    for what in
        [&["get", "all,pvc"][..], &["get", "events"], &["logs", "-l", "app.kubernetes.io/name=hearth", "--tail=20"]]
    {
        let shown = node.kubectl(&[&["--namespace", NAMESPACE], what].concat()).await;
        writeln!(text, "{}{}", shown.stdout, shown.stderr).unwrap();
    }
    text
}

/// A volume for the chart's claim, which nobody provides here; and a namespace in which `spark` may create pods.
async fn prepare(node: &Node, store: &Path, folder: &Path) {
    std::fs::create_dir(store).unwrap();
    // As a volume is made for `fsGroup`, which Kubernetes does for any but a folder of the host.
    std::os::unix::fs::chown(store, None, Some(65534)).unwrap();
    std::fs::set_permissions(store, std::fs::Permissions::from_mode(0o2775)).unwrap();
    let volume = format!(
        "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: store}}, spec: {{capacity: {{storage: 20Gi}}, \
         accessModes: [ReadWriteOnce], hostPath: {{path: {}}}}}}}",
        store.display()
    );
    let file = folder.join("volume.yaml");
    std::fs::write(&file, volume).unwrap();
    for arguments in [
        &["apply", "-f", file.to_str().unwrap()][..],
        &["create", "namespace", "etl"],
        &["create", "serviceaccount", "spark", "--namespace=etl"],
        &["create", "rolebinding", "spark", "--namespace=etl", "--clusterrole=edit", "--serviceaccount=etl:spark"],
    ] {
        node.kubectl(arguments).await.succeeded();
    }
}

#[tokio::test]
async fn installed_by_its_defaults_it_takes_files_from_who_may_and_collects_logs() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::shared().await;
    let store = node.folder().join("store");
    prepare(node, &store, folder.path()).await;
    let (chart, kubeconfig) = (chart(), node.kubeconfig());
    let mut arguments =
        vec!["install", "hearth", chart.to_str().unwrap(), "--kubeconfig", kubeconfig.to_str().unwrap()];
    arguments.extend(["--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "4m"]);
    arguments.extend(["--set", "image.repository=localhost/hearth,image.tag=test,image.pullPolicy=Never"]);
    // The node's network is not this machine's.
    arguments.extend(["--set", "stagingServer.service.type=NodePort,historyServer.service.type=NodePort"]);
    let installed = helm(&arguments).await;
    assert!(installed.status.success(), "{}{}\n{}", installed.stdout, installed.stderr, describe(node).await);
    assert!(installed.stdout.contains("spark-submit"), "{}", installed.stdout);

    let staging = node_port(node, NAMESPACE, "hearth-staging").await;
    let file = format!("{staging}/webhdfs/v1/staging/etl/data-0.txt");
    let client = Client::builder().no_proxy().build().unwrap();
    let nobody = client.put(format!("{file}?op=CREATE&data=true")).body("x").send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{}", describe(node).await);
    let token = node.kubectl(&["create", "token", "spark", "--namespace=etl"]).await.succeeded().stdout;
    // So many that the server, which is another user than the collector, has made all there is to share.
    for number in (0..40).rev() {
        let file = format!("{staging}/webhdfs/v1/staging/etl/data-{number}.txt?op=CREATE&data=true");
        let put = client.put(file).bearer_auth(token.trim()).body("some data").send().await.unwrap();
        assert_eq!(put.status(), StatusCode::CREATED, "{}", put.text().await.unwrap());
    }
    let got = client.get(format!("{file}?op=OPEN")).bearer_auth(token.trim()).send().await.unwrap();
    assert_eq!(got.text().await.unwrap(), "some data");
    let other = format!("{staging}/webhdfs/v1/staging/default/data.txt?op=CREATE&data=true");
    let other = client.put(other).bearer_auth(token.trim()).body("x").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::FORBIDDEN);

    let labels = "--labels=spark-app-selector=spark-of-the-chart,spark-role=driver,spark-app-name=chart";
    let words =
        ["--image=localhost/spark:test", "--image-pull-policy=Never", "--restart=Never", labels, "--command", "--"];
    let say = ["run", "spark-kubernetes-driver", "--namespace=etl"];
    node.kubectl(&[&say[..], &words, &["echo", "a line of the driver"]].concat()).await.succeeded();
    let store_url = format!("file:{}", store.display());
    let line = within(PATIENCE, async || {
        let mut logs = guarded(env!("CARGO_BIN_EXE_hearth"));
        let said = run(logs.args(["logs", "--store", &store_url, "spark-of-the-chart"]), Duration::from_secs(60)).await;
        said.stdout.contains("a line of the driver").then_some(())
    });
    if line.await.is_none() {
        panic!("the driver's line is not in the store\n{}", describe(node).await);
    }
    let history = node_port(node, NAMESPACE, "hearth-history").await;
    assert_eq!(client.get(&history).send().await.unwrap().status(), StatusCode::OK);

    // A pod of the namespace tries every door.
    let kubeconfig_of = ["--kubeconfig", kubeconfig.to_str().unwrap(), "--namespace", NAMESPACE];
    let tested = helm(&[&["test", "hearth", "--logs"], &kubeconfig_of[..]].concat()).await;
    assert!(tested.status.success(), "{}{}\n{}", tested.stdout, tested.stderr, describe(node).await);

    let from = ["--kubeconfig", kubeconfig.to_str().unwrap(), "--namespace", NAMESPACE, "--wait"];
    helm(&[&["uninstall", "hearth"], &from[..]].concat()).await.succeeded();
    let claim = node.kubectl(&["get", "pvc", "hearth-store", "--namespace", NAMESPACE]).await;
    claim.succeeded();
}
