//! What all three servers share: the object store, the keys in it, and the two ways in which a file grows there.
//!
//! Everything that Hearth keeps, it keeps here; a server can be killed at any instant and another can go on from the
//! store alone. This crate is the only one that names `object_store`, and it knows nothing of HTTP, HTML, Kubernetes or
//! Spark's events.
//!
//! Read [`Store`] first, then [`Key`] for what lies where, then [`growing`] for files that are still being written, and
//! [`segment`] for lines with timestamps.

mod backend;
mod blob;
mod check;
mod client;
mod codec;
mod digest;
mod error;
mod faults;
mod folder;
pub mod growing;
mod key;
mod lease;
mod options;
mod path;
mod s3;
pub mod segment;
mod store;
mod url;
pub mod zip;

pub use blob::{BlobWriter, Written};
pub use check::Unusable;
pub use digest::Sha256Digest;
pub use error::Error;
pub use faults::{Failure, Faults};
pub use key::Key;
pub use lease::Lease;
pub use options::{AccessKey, AzureIdentity, StoreOptions};
pub use path::ObjectPath;
pub use store::{After, ByteStream, Listing, ObjectMeta, Page, PageEntry, Store, Version};
pub use url::StoreUrl;

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
