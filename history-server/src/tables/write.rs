use std::io::{self, BufWriter, Write};

use parquet::file::metadata::KeyValue;
use storage::{BlobWriter, Store};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::content::Content;
use super::schema::{self, Rows};
use super::sheet::Owner;
use super::{FORMAT, Folder, Identity, Places, Stored, StoredHead};

/// Writes the tables and then the model. Tables without rows are not written, but for those that every application has, and what is
/// there and not written now is removed. Blocks: for blocking threads only.
///
/// # Errors
/// A failure of the store, as what the writer said.
pub(crate) fn save(store: &Store, folder: &Folder, content: &Content<'_>, runtime: &Handle) -> io::Result<()> {
    let rows = Rows::new(content);
    let owner = Owner { app_id: content.app_id, attempt_id: content.attempt_id };
    let generation = Uuid::new_v4();
    let there = runtime.block_on(store.list_folder(&folder.0)).map_err(io::Error::other)?.objects;
    let mut written = vec![folder.model().map_err(io::Error::other)?];
    let mut places = Places::new();
    for sheet in rows.sheets(&owner) {
        if sheet.rows == 0 && !schema::ALWAYS.contains(&sheet.name) {
            continue;
        }
        let path = folder.table(sheet.name).map_err(io::Error::other)?;
        let mut upload = Upload { writer: store.writer(&path), runtime };
        let mut sink = BufWriter::with_capacity(1024 * 1024, &mut upload);
        let found = sheet.write(identity(&content.identity, generation), &mut sink).map_err(io::Error::other)?;
        sink.flush()?;
        drop(sink);
        upload.finish()?;
        written.push(path);
        if !found.is_empty() {
            places.insert(sheet.name.to_owned(), found);
        }
    }
    for object in there.iter().filter(|object| !written.contains(&object.path)) {
        runtime.block_on(store.delete(&object.path)).map_err(io::Error::other)?;
    }
    let head = StoredHead { format: FORMAT, identity: content.identity.clone(), generation };
    let stored = Stored {
        problems: content.problems.to_vec(),
        logged_links: content.logged_links.clone(),
        strings: content.strings.clone(),
        stages: rows.of_stages().to_vec(),
        other_events: content.other_events.len(),
        places,
        model: content.model,
    };
    let path = folder.model().map_err(io::Error::other)?;
    let mut upload = Upload { writer: store.writer(&path), runtime };
    let mut packed = zstd::Encoder::new(BufWriter::with_capacity(256 * 1024, &mut upload), 1)?;
    let mut text = BufWriter::with_capacity(64 * 1024, &mut packed);
    serde_json::to_writer(&mut text, &head)?;
    text.write_all(b"\n")?;
    serde_json::to_writer(&mut text, &stored)?;
    text.flush()?;
    drop(text);
    packed.finish()?.flush()?;
    upload.finish()
}

/// What a table's footer says of the log that it is of, and of who wrote it: replicas with other settings write other tables.
pub(super) fn identity(identity: &Identity, generation: Uuid) -> Vec<KeyValue> {
    vec![
        KeyValue::new("hearth.format".to_owned(), FORMAT.to_string()),
        KeyValue::new("hearth.log".to_owned(), identity.log.clone()),
        KeyValue::new("hearth.fingerprint".to_owned(), format!("{:016x}", identity.fingerprint)),
        KeyValue::new("hearth.settings".to_owned(), identity.settings.clone()),
        KeyValue::new("hearth.generation".to_owned(), generation.to_string()),
    ]
}

/// An object in the making, for who writes without waiting.
struct Upload<'a> {
    writer: BlobWriter,
    runtime: &'a Handle,
}

impl Upload<'_> {
    fn finish(self) -> io::Result<()> {
        self.runtime.block_on(self.writer.finish()).map(drop).map_err(io::Error::other)
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime.block_on(self.writer.write(bytes)).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
