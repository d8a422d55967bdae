//! What is stored has a format number, by which another version of this program knows what it can read. Here is written down what
//! logs that real Spark wrote are stored as: whoever changes that has to raise the number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use storage::{ObjectPath, Store};

use crate::stored::{open, settle};
use crate::support::scanned;

const LOGS: [&str; 5] = ["connect", "jobs", "sql", "streaming", "thrift"];
/// The log of an application to which everything happens that has a table: written by hand.
pub(crate) const EVERYTHING: &str = include_str!("../data/everything.log");
/// Set, it has what is stored now written down, if the number was raised.
const WRITE: &str = "HEARTH_WRITE_STORED_FORM";

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What some logs are stored as, in words: the format, the columns of all tables, and of each log hashes of what is stored.
#[derive(Debug, Default, PartialEq, Eq)]
struct Form {
    format: String,
    lines: BTreeSet<String>,
}

impl Form {
    fn read(text: &str) -> Self {
        let (format, rest) = text.split_once('\n').unwrap_or_default();
        Self { format: format.to_owned(), lines: rest.lines().map(str::to_owned).collect() }
    }

    fn text(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| format!("{line}\n")).collect();
        format!("{}\n{}", self.format, lines.concat())
    }

    /// Takes the model that a log is stored as.
    fn add_model(&mut self, log: &str, bytes: &[u8]) {
        let text = String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap();
        let (head, stored) = text.split_once('\n').unwrap();
        let head: Value = serde_json::from_str(head).unwrap();
        self.format = format!("format {}", head["format"]);
        let mut stored: BTreeMap<String, Value> = serde_json::from_str(stored).unwrap();
        // How many bytes a table's groups take depends on how well ids pack that are new in each writing.
        for place in stored
            .get_mut("places")
            .unwrap()
            .as_object_mut()
            .unwrap()
            .values_mut()
            .flat_map(|table| table.as_array_mut().unwrap())
        {
            place["bytes"] = Value::Null;
            place["footer_bytes"] = Value::Null;
        }
        let Some(Value::Object(model)) = stored.remove("model") else { panic!("{log} has no model") };
        let parts = model.iter().map(|(name, part)| (format!("model.{name}"), part));
        for (name, part) in parts.chain(stored.iter().map(|(name, part)| (name.clone(), part))) {
            self.lines.insert(format!("{log} {name} {}", hash(&part.to_string())));
        }
    }

    /// Takes a table that a log is stored as.
    fn add_table(&mut self, log: &str, table: &str, bytes: bytes::Bytes) {
        let file = SerializedFileReader::new(bytes).unwrap();
        let mut schema = Vec::new();
        parquet::schema::printer::print_schema(&mut schema, file.metadata().file_metadata().schema());
        for (place, line) in String::from_utf8(schema).unwrap().lines().enumerate().skip(1) {
            if line.trim() != "}" {
                self.lines.insert(format!("{table}.parquet {place:03} {}", line.trim_end()));
            }
        }
        let rows: Vec<_> = file.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        self.lines.insert(format!("{log} {table}.parquet {} rows {}", rows.len(), hash(&rows.join("\n"))));
    }
}

/// Where the tables and the model are that an application's log was stored as.
pub(crate) struct Kept {
    pub(crate) log: &'static str,
    store: Store,
    folder: ObjectPath,
}

impl Kept {
    async fn of(log: &'static str, file: &str, bytes: &[u8], id: &str) -> Self {
        let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory());
        let file = folder.path().join(file);
        fs::write(&file, bytes).unwrap();
        // Tasks without an end have run until then.
        let then = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        fs::File::options().append(true).open(&file).unwrap().set_modified(then).unwrap();
        let history = scanned(folder.path(), Some(store.clone())).await;
        open(&history, id).await;
        settle(&history).await;
        Self { log, store, folder: ObjectPath::parse(&format!("history/{id}/default")).unwrap() }
    }

    /// The objects, by name.
    pub(crate) async fn objects(&self) -> Vec<(String, bytes::Bytes)> {
        let mut all = Vec::new();
        for object in self.store.list_folder(&self.folder).await.unwrap().objects {
            all.push((object.path.name().to_owned(), self.store.get(&object.path, 1 << 24).await.unwrap()));
        }
        all
    }
}

/// What all logs are stored as that are known here.
pub(crate) async fn kept() -> Vec<Kept> {
    let mut all = vec![Kept::of("everything", "app-1", EVERYTHING.as_bytes(), "app-1").await];
    for log in LOGS {
        let packed = fs::read(data(&format!("{log}.zstd"))).unwrap();
        let text = zstd::decode_all(&packed[..]).unwrap();
        let lines =
            text.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice::<Value>(line).unwrap_or_default());
        let id = lines.map(|line| line["App ID"].as_str().unwrap_or_default().to_owned()).find(|id| !id.is_empty());
        all.push(Kept::of(log, &format!("{log}.zstd"), &packed, &id.unwrap()).await);
    }
    all
}

async fn stored_now() -> Form {
    let mut form = Form::default();
    for kept in kept().await {
        for (name, bytes) in kept.objects().await {
            match name.strip_suffix(".parquet") {
                Some(table) => form.add_table(kept.log, table, bytes),
                None => form.add_model(kept.log, &bytes),
            }
        }
    }
    form
}

#[expect(clippy::disallowed_methods, reason = "whoever runs this test asks for it so")]
fn is_to_be_written() -> bool {
    std::env::var_os(WRITE).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_under_a_format_number_stays_as_it_is() {
    let path = data("stored-form.txt");
    let (known, now) = (Form::read(&fs::read_to_string(&path).unwrap_or_default()), stored_now().await);
    assert!(now.lines.len() > 100, "{now:?}");
    if is_to_be_written() && known.format != now.format {
        fs::write(&path, now.text()).unwrap();
        return;
    }
    let gone: Vec<_> = known.lines.difference(&now.lines).map(|line| format!("- {line}")).collect();
    let new: Vec<_> = now.lines.difference(&known.lines).map(|line| format!("+ {line}")).collect();
    let differ = [gone, new].concat().join("\n");
    assert!(
        known == now,
        "this program stores {}, and tests/data/stored-form.txt tells of {}.\n{differ}\nWhat was stored before is not read as what is \
         stored now: raise FORMAT in history-server/src/tables.rs by one, unless that is done, and write down what is stored now: \
         {WRITE}=1 cargo test --workspace --test history format::",
        now.format,
        known.format,
    );
}
