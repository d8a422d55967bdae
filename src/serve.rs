//! Starts the roles, watches over them, and stops them.
//!
//! Start: sockets bound, addresses printed, the store asked, then ready. A role that ends by itself ends the process, so that
//! Kubernetes starts it again.

mod roles;
mod stop;

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use storage::Store;
use tokio::task::JoinError;

use crate::access::Access;
use crate::config::Config;
use crate::http::{Connections, Tls};
use crate::signals::{Signals, Told};
use crate::{http, sample, store};
use roles::{Doors, Roles, Sockets, Task};

/// Runs what `config` asks for until told to stop.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    // Listening for signals comes first: one that arrives during the start is not to be lost.
    let mut signals = Signals::listen()?;
    let object_store = Store::open(&config.store)?;
    let connections = Connections::new(http::open_files(config.http.max_connections));
    let mut roles = Roles::new(connections);
    let sockets = Sockets::bind(&config).await?;
    let access = Access::build(&config.access, &sockets.open_to_clients()).await?;
    let tls = config.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
    let doors = Doors { access, tls };
    if config.sample {
        sample::add(&object_store).await.context("the sample applications could not be put into the store")?;
    }
    roles.start(&config, &object_store, sockets, &doors)?;
    roles.announce(&config);

    let ended = tokio::select! {
        told = signals.next() => Ended::Told(told),
        error = store::until_usable(std::mem::take(&mut roles.places), roles.admin.clone()) => Ended::Early(Some(Ok(Err(error)))),
        ended = roles.tasks.join_next() => Ended::Early(ended),
    };
    match ended {
        Ended::Told(told) => stop::stop(roles, &config, signals, Some(told)).await,
        Ended::Early(ended) => {
            stop::stop(roles, &config, signals, None).await?;
            Err(reason(ended))
        }
    }
}

enum Ended {
    Told(Told),
    Early(Option<Result<Task, JoinError>>),
}

fn reason(ended: Option<Result<Task, JoinError>>) -> anyhow::Error {
    match ended {
        None | Some(Ok(Ok(()))) => anyhow!("a server ended by itself"),
        Some(Ok(Err(error))) => error,
        Some(Err(error)) => error.into(),
    }
}
