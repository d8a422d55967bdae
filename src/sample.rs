//! The applications of `--sample`: their event logs and the logs of their pods, as Hearth left them in a store when stock
//! Spark 4.3 ran them. One went the whole way on a Kubernetes cluster (`tests/cluster/whole_way.rs` records it); the others
//! are a small fleet (`tests/data/sample/record.py`): what went well, what was skewed, what the kernel ended, what streams,
//! and what still runs.

use std::collections::HashSet;
use std::io::Read as _;

use anyhow::Context as _;
use storage::{Error, ObjectPath, Store};

const ARCHIVES: [&[u8]; 2] = [include_bytes!("sample.tar.gz"), include_bytes!("sample-fleet.tar.gz")];
const MAX_OBJECT_BYTES: u64 = 8 * 1024 * 1024;

/// Puts the samples' objects into `store`, each where none is yet. What still runs is put there at each start: its log has
/// just been written to, so that it is not taken for lost.
pub(crate) async fn add(store: &Store) -> anyhow::Result<()> {
    let objects = objects()?;
    let growing =
        |(path, _): &(ObjectPath, Vec<u8>)| path.name().ends_with(".inprogress").then(|| path.parent()).flatten();
    let growing: HashSet<ObjectPath> = objects.iter().filter_map(growing).collect();
    for (path, bytes) in objects {
        if growing.iter().any(|folder| path.as_str().starts_with(&format!("{folder}/"))) {
            store.put(&path, bytes).await?;
            continue;
        }
        match store.put_if_absent(&path, bytes).await {
            Ok(_) | Err(Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn objects() -> anyhow::Result<Vec<(ObjectPath, Vec<u8>)>> {
    let mut objects = Vec::new();
    for archive in ARCHIVES {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
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
    }
    Ok(objects)
}
