//! Builds and runs the staging server.

use access::Rules;
use axum::http::{Method, Uri};
use staging_server::Staging;
use storage::Store;

use crate::config;
use crate::store::Place;

pub(crate) fn build(config: &config::Staging, store: &Store, rules: Rules) -> Staging {
    let settings = staging_server::Config {
        public_url: config.public_url.clone(),
        rules,
        max_upload_bytes: config.max_upload_bytes,
        ..staging_server::Config::default()
    };
    Staging::new(store.clone(), settings)
}

/// What a staging server cannot do without.
pub(crate) fn place(store: &Store) -> Place {
    Place { store: store.clone(), is_written: true, setting: "--store" }
}

/// Whether a request writes an event log: as long as its application, and silent for as long as that has nothing to say.
pub(crate) fn is_stream(method: &Method, uri: &Uri) -> bool {
    matches!(*method, Method::PUT | Method::POST) && uri.path().starts_with("/webhdfs/v1/event-logs/")
}
