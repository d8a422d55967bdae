use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use storage::{Key, ObjectPath, growing};

use super::file::{self, EventFile, IN_PROGRESS};
use crate::files;
use crate::ship::{Context, Stopped};

const EVENTS: &str = "events_";
const STATUS: &str = "appstatus_";

/// A file of events, or that it is complete in the store.
type Events<'a> = Option<EventFile<'a>>;

/// What lies in the local folder.
#[derive(Debug, Default)]
struct Folder {
    /// Files of events by their number and name.
    events: BTreeSet<(u64, String)>,
    /// The application's status, without `.inprogress`.
    status: Option<String>,
    is_complete: bool,
}

/// Ships a log that is a folder of files; `true` when all of it is there.
pub(super) async fn ship(context: &Context, folder: &Path, name: &str) -> Result<bool, Stopped> {
    let Ok(object) = ObjectPath::parse(name) else { return Ok(true) };
    let object = Key::EventLog(object).path();
    let mut files: BTreeMap<(u64, String), Events<'_>> = BTreeMap::new();
    let mut is_shown = false;
    loop {
        // Looked at before the files are read: what was written before it became so is read after.
        let found = look(folder, name).await;
        let is_gone = found.is_none();
        let found = found.unwrap_or_default();
        if let (Some(status), false, false) = (&found.status, found.is_complete, is_shown) {
            mark(context, &object, &format!("{status}{IN_PROGRESS}")).await?;
            is_shown = true;
        }
        let stopping = context.stop.is_cancelled();
        open_new(context, folder, name, &object, &found, &mut files).await?;
        let last = files.keys().next_back().cloned();
        for (key, file) in &mut files {
            ship_file(file, found.is_complete || Some(key) != last.as_ref(), stopping).await?;
        }
        if let (Some(status), true) = (&found.status, found.is_complete) {
            mark(context, &object, status).await?;
            unmark(context, &object, &format!("{status}{IN_PROGRESS}")).await?;
            return Ok(true);
        }
        if is_gone {
            cut(context, &object, &mut files).await?;
        }
        if stopping || is_gone {
            return Ok(false);
        }
        context.pause().await?;
    }
}

/// Makes objects of all files of a log that ended without its end. It stays marked as one in progress, for as such Spark's
/// history server opens it; another mark says that nothing will follow.
async fn cut(
    context: &Context,
    object: &ObjectPath,
    files: &mut BTreeMap<(u64, String), Events<'_>>,
) -> Result<(), Stopped> {
    if files.is_empty() {
        return Ok(());
    }
    for file in files.values_mut() {
        ship_file(file, true, true).await?;
    }
    let put = || async { context.store.put(&growing::note_path(object, file::CUT)?, file::cut_note(None)).await };
    context.ask("marking an event log", 0, put).await
}

/// What is there; `None` when the folder is not (any more).
async fn look(folder: &Path, name: &str) -> Option<Folder> {
    let (folder, local) = (folder.to_owned(), PathBuf::from(name));
    let names = tokio::task::spawn_blocking(move || files::names_below(&folder, &local));
    let names = match names.await.map_err(std::io::Error::other).flatten() {
        Err(error) if files::is_nothing_below(&error) => return None,
        names => names.unwrap_or_default(),
    };
    let names = names.into_iter().filter_map(|name| name.into_string().ok());
    let mut found = Folder::default();
    for name in names.filter(|name| !name.ends_with(".crc")) {
        let number = name.strip_prefix(EVENTS).and_then(|rest| rest.split('_').next()?.parse().ok());
        if let Some(number) = number {
            found.events.insert((number, name));
        } else if name.starts_with(STATUS) {
            found.is_complete |= !name.ends_with(IN_PROGRESS);
            found.status = Some(name.strip_suffix(IN_PROGRESS).unwrap_or(&name).to_owned());
        }
    }
    Some(found)
}

async fn open_new<'a>(
    context: &'a Context,
    folder: &Path,
    name: &str,
    object: &ObjectPath,
    found: &Folder,
    files: &mut BTreeMap<(u64, String), Events<'a>>,
) -> Result<(), Stopped> {
    for key in &found.events {
        if files.contains_key(key) {
            continue;
        }
        let Ok(path) = object.join(&key.1) else { continue };
        let Some(opened) = file::open(context, folder, &Path::new(name).join(&key.1)).await else { continue };
        let file = EventFile::recover(context, opened, path.clone(), path).await?;
        files.insert(key.clone(), Some(file));
    }
    Ok(())
}

/// Ships what there is of a file; makes it an object, and closes it, when it does not grow any more.
async fn ship_file(file: &mut Events<'_>, is_whole: bool, stopping: bool) -> Result<(), Stopped> {
    let Some(open) = file else { return Ok(()) };
    if is_whole {
        open.complete().await?;
        *file = None;
        return Ok(());
    }
    open.show().await?;
    let now = stopping || open.is_unlinked();
    while open.ship_on(now).await? {}
    Ok(())
}

async fn mark(context: &Context, object: &ObjectPath, name: &str) -> Result<(), Stopped> {
    let put = || async { context.store.put(&object.join(name)?, Vec::new()).await };
    context.ask("marking an event log", 0, put).await
}

async fn unmark(context: &Context, object: &ObjectPath, name: &str) -> Result<(), Stopped> {
    let delete = || async { context.store.delete(&object.join(name)?).await };
    context.ask("marking an event log", 0, delete).await
}
