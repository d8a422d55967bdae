//! Takes jars and files from submitters and serves them to drivers, executors and init containers.
//!
//! Four doors: WebHDFS, which a stock `spark-submit` and `hadoop fs` speak; plain GET for whatever takes a URL; the resource staging
//! protocol of Spark 2.2's Kubernetes fork, whose bundles have no names; and the native one, `/v1`, whose contents are named by
//! their digests. The first two lead to the same three trees:
//!
//! | path | is |
//! | --- | --- |
//! | `/staging/<namespace>/…` | uploads; content is kept once, whatever it is called |
//! | `/event-logs/…` | event logs as Spark lays them out, readable while they are written |
//! | `/pod-templates/<namespace>/<name>.yaml` | pod templates |
//!
//! WebHDFS answers as HDFS does, status and exception alike, but where an object store cannot or where one can be kinder: an
//! operation that an object store has no means for (snapshots, quotas, ACLs …) says so, a read at the very end of a file is empty
//! and no error, a home directory is one that is there, and a path has at most 900 bytes.
//!
//! It keeps no state of its own: any replica serves what another took, also while it is being written. Who calls, whoever
//! serves its router says: by an [`access::Caller`] among the request's extensions. What that one may do, [`Config`]'s rules say.
//!
//! Read [`Staging`] first, then the tree behind a path (`tree`), then `webhdfs` for the protocol.

mod artifact;
mod blobs;
mod bundle;
mod clock;
mod condemned;
mod config;
mod error;
mod file_system;
mod lifetime;
mod limits;
mod owners;
mod path;
mod plain;
mod range;
mod resources;
mod routes;
mod served;
mod server;
mod status;
mod sweep;
mod told;
mod tree;
mod upload;
mod v0;
mod v1;
mod webhdfs;

pub use clock::Clock;
pub use config::Config;
pub use error::Error;
pub use lifetime::{ByPath, Lifetimes};
pub use limits::Limits;
pub use owners::{Driver, Drivers, KubernetesDrivers, Owning};
pub use server::Staging;
pub use sweep::{SweepTotals, Sweeper, Sweeps, Swept};

type Result<T, E = Error> = std::result::Result<T, E>;
