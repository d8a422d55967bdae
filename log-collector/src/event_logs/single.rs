use std::path::Path;

use storage::{Key, ObjectPath};
use tokio::time::Instant;

use super::file::{self, EventFile, IN_PROGRESS};
use crate::ship::{Context, Stopped};

/// Ships a log that is one file; `true` when all of it is there.
pub(super) async fn ship(context: &Context, folder: &Path, name: &str) -> Result<bool, Stopped> {
    let growing_name = format!("{name}{IN_PROGRESS}");
    let complete = folder.join(name);
    let (Ok(object), Ok(growing)) = (ObjectPath::parse(name), ObjectPath::parse(&growing_name)) else {
        return Ok(true);
    };
    let opened = match file::open(context, folder, growing_name.as_ref()).await {
        Some(opened) => Some(opened),
        None => file::open(context, folder, name.as_ref()).await,
    };
    let Some(opened) = opened else { return Ok(false) };
    let (object, growing) = (Key::EventLog(object).path(), Key::EventLog(growing).path());
    let mut log = EventFile::recover(context, opened, object, growing).await?;
    let mut gone_since = None;
    loop {
        // Asked before the file is read: what was written before the rename is read after it was seen.
        if log.is_at(&complete) {
            log.complete().await?;
            return Ok(true);
        }
        log.show().await?;
        let stopping = context.stop.is_cancelled();
        let is_gone = log.is_unlinked();
        while log.ship_on(stopping || is_gone).await? {
            gone_since = None;
        }
        // Its writer has gone with it, or goes soon.
        if is_gone && gone_since.get_or_insert_with(Instant::now).elapsed() >= context.settings.rotation_grace {
            log.cut(None).await?;
            return Ok(false);
        }
        if stopping {
            return Ok(false);
        }
        context.pause().await?;
    }
}
