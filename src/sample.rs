//! The sample application of `--sample`: its event log and the logs of its pods, as a staging server and a log collector of
//! Hearth left them in a store when stock Spark 4.3 ran it on a Kubernetes cluster.

use std::io::Read as _;

use anyhow::Context as _;
use storage::{Error, ObjectPath, Store};

const ARCHIVE: &[u8] = include_bytes!("sample.tar.gz");
const MAX_OBJECT_BYTES: u64 = 8 * 1024 * 1024;

/// Puts the sample's objects into `store`, each where none is yet.
pub(crate) async fn add(store: &Store) -> anyhow::Result<()> {
    for (path, bytes) in objects()? {
        match store.put_if_absent(&path, bytes).await {
            Ok(_) | Err(Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn objects() -> anyhow::Result<Vec<(ObjectPath, Vec<u8>)>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(ARCHIVE));
    let mut objects = Vec::new();
    for entry in archive.entries()? {
        let entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.to_str().context("a name in the sample is not UTF-8")?.to_owned();
        let mut bytes = Vec::new();
        entry.take(MAX_OBJECT_BYTES).read_to_end(&mut bytes)?;
        objects.push((ObjectPath::parse(path.trim_start_matches("./"))?, bytes));
    }
    Ok(objects)
}
