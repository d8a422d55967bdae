//! The node itself: that it leaves nothing behind, whoever dies.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::cluster::Node;
use crate::support::wait::eventually;

#[tokio::test]
async fn a_node_that_ends_leaves_nothing() {
    let node = tokio::task::spawn_blocking(|| Node::start(&[])).await.unwrap();
    let (folder, link) = (node.folder().to_owned(), link(&node));
    assert!(!processes(&folder).is_empty());
    tokio::task::spawn_blocking(|| node.end()).await.unwrap();
    assert!(!folder.exists());
    assert_eq!(groups(&folder), "");
    nothing_runs(&folder, &link).await;
}

#[tokio::test]
async fn a_node_whose_guardian_was_killed_ends_and_the_next_one_cleans_up() {
    let node = tokio::task::spawn_blocking(|| Node::start(&[])).await.unwrap();
    let (folder, link) = (node.folder().to_owned(), link(&node));
    let killed = Command::new("kill").args(["-KILL", &node.guardian().to_string()]).status().unwrap();
    assert!(killed.success());
    nothing_runs(&folder, &link).await;

    let next = tokio::task::spawn_blocking(|| Node::start(&[])).await.unwrap();
    assert!(!folder.exists());
    assert_eq!(groups(&folder), "");
    tokio::task::spawn_blocking(|| next.end()).await.unwrap();
}

async fn nothing_runs(folder: &Path, link: &str) {
    eventually("an end of all processes, mounts and links", Duration::from_secs(30), async || {
        let mounted = std::fs::read_to_string("/proc/mounts").unwrap().contains(folder.to_str().unwrap());
        let linked = Path::new("/sys/class/net").join(link).exists();
        (processes(folder).is_empty() && !mounted && !linked).then_some(())
    })
    .await;
}

/// The processes that name the node's folder.
fn processes(folder: &Path) -> Vec<String> {
    let listed = Command::new("ps").args(["-e", "-o", "args="]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    listed.lines().filter(|line| line.contains(folder.to_str().unwrap())).map(str::to_owned).collect()
}

/// The control groups of the node.
fn groups(folder: &Path) -> String {
    let name = folder.file_name().unwrap();
    let found = Command::new("find").args(["/sys/fs/cgroup", "-type", "d", "-name"]).arg(name).output().unwrap();
    String::from_utf8_lossy(&found.stdout).into_owned()
}

/// The host's end of the link to the node, which is named by the third number of its address.
fn link(node: &Node) -> String {
    format!("hearth{}", node.host().split('.').nth(2).unwrap())
}
