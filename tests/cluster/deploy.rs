//! The manifests of `deploy/`, as a real API server takes them.

use crate::support::cluster::Node;

#[tokio::test]
async fn the_manifests_are_what_kubernetes_takes() {
    let node = Node::shared().await;
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kubernetes.yaml");
    // A dry run makes no namespace for what comes after it in the file.
    node.kubectl(&["create", "namespace", "hearth"]).await.succeeded();
    let strict =
        ["apply", "--namespace", "hearth", "--server-side", "--dry-run=server", "--validate=strict", "-f", manifests];
    let applied = node.kubectl(&strict).await.succeeded();
    for kind in
        ["daemonset.apps/hearth-log-collector", "deployment.apps/hearth-staging-server", "service/hearth-history"]
    {
        assert!(applied.stdout.contains(kind), "{kind} is missing:\n{}", applied.stdout);
    }
}
