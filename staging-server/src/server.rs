use std::sync::Arc;

use axum::Router;
use storage::Store;
use tokio_util::task::TaskTracker;

use crate::file_system::FileSystem;
use crate::{Config, plain, webhdfs};

/// The staging server over one store. Cheap to clone; every clone is the same server.
#[derive(Clone)]
pub struct Staging {
    inner: Arc<Inner>,
}

struct Inner {
    files: FileSystem,
    config: Config,
    uploads: TaskTracker,
}

impl Staging {
    /// A server over `store`. It starts nothing: it works when a request comes.
    #[must_use]
    pub fn new(store: Store, config: Config) -> Self {
        let uploads = TaskTracker::new();
        let files = FileSystem::new(&store, &config, &uploads);
        Self { inner: Arc::new(Inner { files, config, uploads }) }
    }

    /// All that it serves: `/webhdfs/v1/…`, and plain GET of `/staging/…` and `/pod-templates/…`.
    pub fn router(&self) -> Router {
        Router::new().merge(webhdfs::router()).merge(plain::router()).with_state(self.clone())
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
