use std::fs;
use std::time::{Duration, Instant};

use history_server::{Config, History, Viewer};
use storage::Store;

use crate::support::{config, log};

const STAGES: usize = 4;

async fn scanned(config: Config) -> History {
    let history = History::new(config);
    history.scan().await;
    history
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_in_memory_has_a_bound() {
    let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
    for n in 0..5 {
        fs::write(folder.path().join(format!("app-{n}")), log(&format!("app-{n}"), STAGES, 200)).unwrap();
    }
    let bounded = |cache_bytes| Config { cache_bytes, ..config(folder.path(), Some(store.clone())) };

    let narrow = scanned(bounded(1)).await;
    for n in 0..5 {
        narrow.open(&format!("app-{n}"), None, &Viewer::default()).await.unwrap();
        assert_eq!(narrow.figures().cached, 1, "only the last one is held");
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    // What would take too much while it waits for its turn is not kept.
    while narrow.figures().stored_writes + narrow.figures().stored_skips < 5 {
        assert!(Instant::now() < deadline, "not all were written or left");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    // Of tasks that are read from the stored form, too.
    let mut taken = Vec::new();
    for cache_bytes in [1, 1 << 30] {
        let history = scanned(bounded(cache_bytes)).await;
        let opened = history.open("app-0", None, &Viewer::default()).await.unwrap();
        let model = history.figures().cached_bytes;
        let mut tasks = Vec::new();
        for stage in 0..STAGES {
            let rows = opened.stage_tasks(stage as i32, 0).await.unwrap().unwrap();
            assert_eq!(rows.table.len(), 200);
            tasks.push(history.figures().cached_bytes - model);
        }
        assert_eq!(history.figures().replays, 0);
        drop(opened);
        taken.push(tasks);
    }
    let (narrow, wide) = (&taken[0], &taken[1]);
    assert!(narrow[0] > 0 && narrow[STAGES - 1] < 2 * narrow[0], "{narrow:?}");
    assert!(wide[STAGES - 1] > 3 * wide[0], "{wide:?}");
}
