use std::sync::Arc;

use storage::Store;
use tokio_util::task::TaskTracker;

use crate::condemned::Condemned;
use crate::file_system::FileSystem;
use crate::{Config, Sweeper};

/// The staging server over one store. Cheap to clone; every clone is the same server.
#[derive(Clone)]
pub struct Staging {
    inner: Arc<Inner>,
}

struct Inner {
    files: FileSystem,
    config: Config,
    uploads: TaskTracker,
    sweeper: Sweeper,
}

impl Staging {
    /// A server over `store`. It starts nothing: it works when a request comes.
    #[must_use]
    pub fn new(store: Store, config: Config) -> Self {
        let uploads = TaskTracker::new();
        let condemned = Arc::new(Condemned::new(store.clone(), config.sweeps.notice, config.sweeps.patience));
        let files = FileSystem::new(&store, &config, Arc::clone(&condemned), &uploads);
        let (lifetimes, clock) = (config.lifetimes.clone(), config.clock.clone());
        let sweeper = Sweeper::new(store, lifetimes, config.owning.clone(), config.sweeps, clock, condemned);
        Self { inner: Arc::new(Inner { files, config, uploads, sweeper }) }
    }

    /// Waits until every upload under way has ended and what arrived of it is in the store.
    ///
    /// To stop without loss: say that the server is not ready, so that no new clients come; shut the listener down
    /// gracefully, which lets the requests under way go on to their end; then wait for this, which also covers uploads
    /// whose client has gone. An event log is one request as long as its application, so put a deadline on both: what has
    /// arrived of a log is durable at any instant, what would have come after the deadline is lost to it.
    pub async fn drain(&self) {
        self.inner.uploads.close();
        self.inner.uploads.wait().await;
    }

    /// Uploads under way, and how many were refused for a limit so far.
    #[must_use]
    pub fn upload_numbers(&self) -> (u64, u64) {
        self.files().gate().numbers()
    }

    /// What removes uploads that are over; somebody has to run it.
    #[must_use]
    pub fn sweeper(&self) -> Sweeper {
        self.inner.sweeper.clone()
    }

    pub(crate) fn files(&self) -> &FileSystem {
        &self.inner.files
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Where uploads run: apart from their connection, so that a client that vanishes does not cut them off in the middle.
    pub(crate) fn uploads(&self) -> &TaskTracker {
        &self.inner.uploads
    }
}
