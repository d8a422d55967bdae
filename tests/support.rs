//! What the tests of all tiers share: waiting, processes, the `hearth` binary, programs of the cache, a browser.

#![allow(dead_code, reason = "each tier uses its part of this")]

#[path = "support/browser.rs"]
pub(crate) mod browser;
#[path = "support/cache.rs"]
pub(crate) mod cache;
#[path = "support/clients.rs"]
pub(crate) mod clients;
#[path = "support/cluster.rs"]
pub(crate) mod cluster;
#[path = "support/hearth.rs"]
pub(crate) mod hearth;
#[path = "support/images.rs"]
pub(crate) mod images;
#[path = "support/length.rs"]
pub(crate) mod length;
#[path = "support/process.rs"]
pub(crate) mod process;
#[path = "support/scripted.rs"]
pub(crate) mod scripted;
#[path = "support/wait.rs"]
pub(crate) mod wait;

use std::path::PathBuf;

/// A folder under `target/test-output` for what people look at after a test: screenshots, logs. Emptied first.
pub(crate) fn output_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/test-output").join(name);
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
