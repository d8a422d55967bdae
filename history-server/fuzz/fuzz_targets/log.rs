//! Reads a log of one file through the same door as the server: at once, and as one that grew while it was read.

use std::sync::LazyLock;

use history_server::event_log::{Checkpoint, EventLog, LineBlocks, LogFile, ReadOptions};
use storage::{ObjectPath, Store};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime starts"));
const OPTIONS: ReadOptions = ReadOptions { max_line_bytes: 1 << 16, block_bytes: 1 << 10 };

/// Whatever the bytes are: reading ends, and gives the same whether the file was there at once or grew. Of a damaged file
/// not less when it grew: what a decoder made in the same go in which it met the damage is not given.
pub(crate) fn read(bytes: &[u8], codec: &str) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let (whole, _, damaged) = lines(&store(bytes, codec), None);
    let half = bytes.len() * usize::from(*cut) / 255;
    let (mut grown, checkpoint, _) = lines(&store(&bytes[..half], codec), None);
    let (rest, ..) = lines(&store(bytes, codec), checkpoint);
    grown.extend_from_slice(&rest);
    let same = if damaged { grown.starts_with(&whole) } else { grown == whole };
    assert!(same, "read at once: {} bytes, grown at {half}: {} bytes", whole.len(), grown.len());
}

fn store(bytes: &[u8], codec: &str) -> (Store, EventLog) {
    let store = Store::in_memory();
    let name = format!("app-1.{codec}.inprogress");
    let path = ObjectPath::parse(&name).expect("a plain name");
    let bytes = bytes.to_vec();
    let meta = RUNTIME.block_on(async {
        store.put(&path, bytes).await.expect("memory takes it");
        store.head(&path).await.expect("memory has it")
    });
    let file =
        LogFile { path, size_bytes: meta.size_bytes, last_modified: meta.last_modified, e_tag: None, growing: None };
    (store, EventLog { name, rolling: false, complete: false, files: vec![file], others: Vec::new() })
}

/// The text, where to go on, and whether anything could not be read.
fn lines((store, log): &(Store, EventLog), from: Option<Checkpoint>) -> (Vec<u8>, Option<Checkpoint>, bool) {
    let runtime = RUNTIME.handle().clone();
    let resumed = from.and_then(|from| LineBlocks::resume(store, log, &from, runtime.clone(), OPTIONS));
    let mut blocks = resumed.unwrap_or_else(|| LineBlocks::new(store, log, runtime, OPTIONS));
    let mut text = Vec::new();
    while let Some(block) = blocks.next_block().expect("memory does not fail") {
        assert_eq!(block.last(), Some(&b'\n'), "blocks are whole lines");
        text.extend_from_slice(&block);
    }
    let damaged = !blocks.problems().is_empty();
    (text, blocks.checkpoint(), damaged)
}
