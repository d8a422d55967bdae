//! Access control against a real API server: tokens that it made, and rights of its RBAC.

use std::time::Duration;

use reqwest::Client;

use crate::support::cluster::Namespace;
use crate::support::hearth::Hearth;
use crate::support::wait::eventually;

async fn token(namespace: &Namespace, account: &str) -> String {
    namespace.kubectl(&["create", "token", account]).await.succeeded().stdout.trim().to_owned()
}

#[tokio::test]
async fn who_may_create_pods_in_a_namespace_uploads_there_and_nobody_else() {
    let namespace = Namespace::new("access").await;
    namespace.kubectl(&["create", "serviceaccount", "stranger"]).await.succeeded();
    let kubeconfig = namespace.node.kubeconfig();
    let listen = format!("{}:0", namespace.node.host());
    // Beyond loopback access is guarded without a word.
    let arguments = ["staging-server", "--store", "memory:", "--admin-listen", "off", "--listen", &listen];
    let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
    let hearth = Hearth::start(&arguments, &environment, &["staging server"]).await;
    let staging = hearth.address("staging server");
    let put = async |namespace: &str, token: &str| {
        let url = format!("{staging}/webhdfs/v1/staging/{namespace}/x?op=CREATE&data=true&overwrite=true");
        let answer = Client::new().put(url).bearer_auth(token).body("x").send().await.unwrap();
        answer.status().as_u16()
    };
    let (spark, stranger) = (token(&namespace, "spark").await, token(&namespace, "stranger").await);
    assert_eq!(put("access", &spark).await, 201);
    assert_eq!(put("default", &spark).await, 403);
    assert_eq!(put("access", &stranger).await, 403);
    assert_eq!(put("access", "not-a-token").await, 401);

    namespace.kubectl(&["delete", "rolebinding", "spark"]).await.succeeded();
    eventually("an end of the right to upload", Duration::from_secs(180), async || {
        (put("access", &spark).await == 403).then_some(())
    })
    .await;
    let (code, log) = hearth.stop().await;
    assert_eq!(code, Some(0), "{log}");
}
