use axum::http::StatusCode;

use crate::client::Server;

#[tokio::test]
async fn a_template_is_written_listed_and_read() {
    let server = Server::new();
    let path = "/pod-templates/team-a/driver.yaml";
    assert_eq!(server.create(path, "kind: Pod\n").await.status, StatusCode::CREATED);
    assert_eq!(server.read(path).await, "kind: Pod\n");
    assert_eq!(server.names("/pod-templates").await, ["team-a/"]);
    assert_eq!(server.names("/pod-templates/team-a").await, ["driver.yaml"]);
    let key = storage::ObjectPath::parse("pod-templates/team-a/driver.yaml").unwrap();
    assert_eq!(server.store.get(&key, 100).await.unwrap(), "kind: Pod\n");
}

/// `hadoop fs -put` writes beside the file and renames.
#[tokio::test]
async fn a_template_is_put_as_hadoop_puts_files() {
    let server = Server::new();
    let temporary = "/pod-templates/team-a/driver.yaml._COPYING_";
    server.create(temporary, "kind: Pod\n").await;
    assert_eq!(server.status(temporary).await["length"], 10);
    assert_eq!(server.names("/pod-templates/team-a").await, [""; 0]);
    server.put(temporary, "RENAME&destination=/pod-templates/team-a/driver.yaml").await;
    assert!(!server.exists(temporary).await);
    assert_eq!(server.names("/pod-templates/team-a").await, ["driver.yaml"]);
}

#[tokio::test]
async fn what_is_no_template_is_refused() {
    let server = Server::new();
    for (path, expected) in [
        ("/pod-templates/team-a/driver.json", "400 IllegalArgumentException"),
        ("/pod-templates/team-a/deep/driver.yaml", "400 IllegalArgumentException"),
        ("/pod-templates/driver.yaml", "400 IllegalArgumentException"),
        ("/pod-templates/Team_A/driver.yaml", "400 IllegalArgumentException"),
    ] {
        let (code, message) = server.create(path, "x").await.exception();
        assert_eq!(code, expected, "{path}");
        assert!(message.contains("/pod-templates/"), "{message}");
    }
    let large = server.create("/pod-templates/team-a/driver.yaml", vec![b'x'; (1 << 20) + 1]).await;
    assert_eq!(large.exception().0, "413 IOException");
    assert!(!server.exists("/pod-templates/team-a/driver.yaml").await);
}
