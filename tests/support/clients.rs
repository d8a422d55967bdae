//! A history server with an application whose answers are long, and what there is to ask it.

use std::time::Duration;

use tempfile::TempDir;

use super::hearth::Hearth;
use super::wait::eventually;

#[path = "../../history-server/tests/history/support.rs"]
mod logs;

/// The application.
pub(crate) const APP: &str = "app-1";
/// How many tasks its only stage has: a few megabytes as JSON.
const TASKS: usize = 3000;

/// Addresses of the REST API.
pub(crate) const API: [&str; 20] = [
    "/api/v1/version",
    "/api/v1/applications",
    "/api/v1/applications/app-1",
    "/api/v1/applications/app-1/jobs",
    "/api/v1/applications/app-1/jobs/0",
    "/api/v1/applications/app-1/stages",
    "/api/v1/applications/app-1/stages?details=true&withSummaries=true",
    "/api/v1/applications/app-1/stages/0",
    "/api/v1/applications/app-1/stages/0/0",
    "/api/v1/applications/app-1/stages/0/0/taskSummary",
    "/api/v1/applications/app-1/stages/0/0/taskList",
    "/api/v1/applications/app-1/stages/0/0/taskList?sortBy=-runtime&length=100000",
    "/api/v1/applications/app-1/stages/0/0/taskTable?numTasks=3000&start=0&length=3000&columnNameToSort=ID&order%5B0%5D%5Bdir%5D=asc",
    "/api/v1/applications/app-1/executors",
    "/api/v1/applications/app-1/allexecutors",
    "/api/v1/applications/app-1/environment",
    "/api/v1/applications/app-1/storage/rdd",
    "/api/v1/applications/app-1/sql",
    "/api/v1/applications/app-1/logs",
    "/api/v1/applications/app-2/logs",
];

/// Pages.
pub(crate) const PAGES: [&str; 8] = [
    "/",
    "/history/app-1/jobs/",
    "/history/app-1/jobs/job/?id=0",
    "/history/app-1/stages/",
    "/history/app-1/stages/stage/?id=0&attempt=0&task.pageSize=3000",
    "/history/app-1/executors/",
    "/history/app-1/environment/",
    "/history/app-1/storage/",
];

/// Starts it. The second application has a compressed log of some length.
pub(crate) async fn site() -> (Hearth, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let event_logs = folder.path().join("event-logs");
    std::fs::create_dir(&event_logs).unwrap();
    std::fs::write(event_logs.join(APP), logs::log(APP, 1, TASKS)).unwrap();
    let other = logs::log("app-2", 60, 40);
    let packed: Vec<u8> = other.as_bytes().chunks(4096).flat_map(|some| zstd::encode_all(some, 1).unwrap()).collect();
    std::fs::write(event_logs.join("app-2.zstd"), packed).unwrap();
    let store = format!("file:{}", folder.path().display());
    let arguments = ["history-server", "--store", &store, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let hearth = Hearth::start(&arguments, &[], &["history server"]).await;
    let list = format!("{}/api/v1/applications", hearth.address("history server"));
    eventually("both applications in the list", Duration::from_secs(60), async || {
        let list = reqwest::get(&list).await.ok()?.text().await.ok()?;
        (list.contains(APP) && list.contains("app-2")).then_some(())
    })
    .await;
    (hearth, folder)
}
