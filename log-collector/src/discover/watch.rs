//! Tells at once when something appears in a folder, where the system can. Where it cannot, folders are looked through
//! again and again anyway.

use std::path::Path;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Folders, Watcher};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{Folders, Watcher};

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use futures::{FutureExt as _, StreamExt as _};
    use inotify::{EventStream, Inotify, WatchMask, Watches};

    /// Large enough for an event with the longest file name.
    const BUFFER_BYTES: usize = 4096;

    /// Waits for something to appear in the folders that are watched.
    pub(crate) struct Watcher(Option<EventStream<[u8; BUFFER_BYTES]>>);

    /// Adds folders to a [`Watcher`].
    #[derive(Clone)]
    pub(crate) struct Folders(Option<Watches>);

    impl Watcher {
        /// Watches nothing yet. Where there is no inotify left to be had, waits for ever.
        pub(crate) fn new() -> Self {
            let stream = Inotify::init().and_then(|inotify| inotify.into_event_stream([0; BUFFER_BYTES]));
            if let Err(error) = &stream {
                tracing::warn!(%error, "no inotify: files are found a little later, by looking again and again");
            }
            Self(stream.ok())
        }

        pub(crate) fn folders(&self) -> Folders {
            Folders(self.0.as_ref().map(EventStream::watches))
        }

        /// Returns when something has appeared since the last call.
        pub(crate) async fn changed(&mut self) {
            let Some(stream) = &mut self.0 else { return std::future::pending().await };
            if stream.next().await.is_none() {
                return std::future::pending().await;
            }
            // Whoever waits looks at everything; one call for all that has come meanwhile is enough.
            while let Some(Some(_)) = stream.next().now_or_never() {}
        }
    }

    impl Folders {
        /// Watches a folder until it is deleted.
        pub(super) fn add_folder(&self, folder: &Path) -> std::io::Result<()> {
            let mask = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::MOVED_FROM | WatchMask::ONLYDIR;
            self.0.clone().map_or(Ok(()), |mut watches| watches.add(folder, mask).map(drop))
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::path::Path;

    /// Waits for ever.
    pub(crate) struct Watcher;

    /// Takes folders and does nothing with them.
    #[derive(Clone)]
    pub(crate) struct Folders;

    impl Watcher {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn folders(&self) -> Folders {
            Folders
        }

        pub(crate) async fn changed(&mut self) {
            std::future::pending().await
        }
    }

    impl Folders {
        pub(super) fn add_folder(&self, _folder: &Path) -> std::io::Result<()> {
            Ok(())
        }
    }
}

impl Folders {
    /// Watches a folder until it is deleted. A folder that cannot be watched is looked through all the same.
    pub(crate) fn add(&self, folder: &Path) {
        match self.add_folder(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), "a folder cannot be watched: what appears in it is found a little later");
            }
            _ => {}
        }
    }
}
