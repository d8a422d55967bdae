//! Brings artifacts into folders: in parallel, resumed when a connection breaks, checked, and each of them whole or not
//! at all.
//!
//! An [`Artifact`] says what comes from where and what becomes of it; [`manifest`] and [`properties`] read lists of them.
//! [`Fetcher::run`] brings them all and tells an observer what happens. Whatever fails in passing (a connection, a 503,
//! a name that is not known yet) is tried again with growing pauses until the deadline; what cannot get better is told
//! at once.

mod artifact;
mod client;
mod download;
mod event;
mod http;
pub mod manifest;
mod part_file;
mod place;
pub mod properties;
mod settings;
mod source;
mod transfer;
pub mod unpack;
mod webhdfs;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use tokio::time::Instant;

pub use artifact::{Artifact, Unpack, parse_digest};
pub use event::{Event, Observer, Outcome};
pub use settings::Settings;
pub use source::Source;

use client::Client;
use download::Task;

use crate::{Access, Failure};

/// Brings artifacts.
#[derive(Debug)]
pub struct Fetcher {
    client: Arc<Client>,
    settings: Settings,
}

impl Fetcher {
    /// Makes one; nothing is sent yet.
    ///
    /// # Errors
    /// [`Failure`] when what it may say of itself, or a certificate to trust, cannot be used.
    pub fn new(access: Access, settings: Settings) -> Result<Self, Failure> {
        let client = Arc::new(Client::new(access, settings.silence)?);
        Ok(Self { client, settings })
    }

    /// Brings all of `artifacts`, and returns what became of each, in their order. One that fails does not keep the others.
    ///
    /// # Errors
    /// Every place that two different artifacts claim; nothing is fetched then.
    pub async fn run(&self, artifacts: &[Artifact], observer: &Observer) -> Result<Vec<Outcome>, Vec<String>> {
        let clashes = clashes(artifacts);
        if !clashes.is_empty() {
            return Err(clashes);
        }
        let deadline = Instant::now() + self.settings.deadline;
        let tasks = artifacts.iter().enumerate().map(|(index, artifact)| {
            let settings = &self.settings;
            let task = Task { index, artifact, client: &self.client, settings, deadline, observer };
            async move {
                let outcome = task.run().await;
                observer(Event::Ended { index, outcome: outcome.clone() });
                outcome
            }
        });
        Ok(futures::stream::iter(tasks).buffered(self.settings.parallel.max(1)).collect().await)
    }
}

fn clashes(artifacts: &[Artifact]) -> Vec<String> {
    let mut taken: BTreeMap<PathBuf, &Artifact> = BTreeMap::new();
    let mut clashes = Vec::new();
    for artifact in artifacts {
        let place = artifact.place();
        match taken.get(&place) {
            Some(other) if artifact.unpack != Unpack::Into => clashes.push(format!(
                "{} and {} would both become {}: give one of them another name, as in {}#NAME",
                other.source,
                artifact.source,
                place.display(),
                artifact.source,
            )),
            _ => {
                taken.insert(place, artifact);
            }
        }
    }
    clashes
}
