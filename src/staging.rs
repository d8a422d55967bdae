//! Builds and runs the staging server.

use staging_server::Staging;
use storage::Store;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::http::{self, Bound};

pub(crate) fn build(config: &config::Staging, store: &Store) -> Staging {
    let settings = staging_server::Config {
        public_url: config.public_url.clone(),
        max_upload_bytes: config.max_upload_bytes,
        ..staging_server::Config::default()
    };
    Staging::new(store.clone(), settings)
}

/// Serves until `stop`, then until every upload under way has ended.
pub(crate) async fn serve(server: Staging, socket: Bound, stop: CancellationToken) -> anyhow::Result<()> {
    http::serve(socket, server.router(), stop).await?;
    server.drain().await;
    Ok(())
}
