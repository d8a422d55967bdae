use std::path::PathBuf;

/// What can go wrong with collecting logs, or reading them back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder of this machine cannot be read, so that there is nothing to collect.
    #[error("the folder {folder:?} cannot be read; does it exist, and may this process read it?", folder = .folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// The system's own words.
        #[source]
        source: std::io::Error,
    },
    /// There is no way to the Kubernetes API.
    #[error(
        "there is no way to the Kubernetes API; run inside the cluster, point KUBECONFIG at a file, or choose pod identity 'names'"
    )]
    Kubernetes(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A part of the collector has ended though nobody told it to: a fault of this program. What was shipped is safe; started
    /// again, the collector goes on from there.
    #[error("{part} has ended by a fault of this program; start the collector again, it goes on where it was")]
    Broken {
        /// Which part.
        part: &'static str,
    },
    /// Text that cannot name an application, an executor, a namespace or a pod.
    #[error("{text:?} cannot be the name of an application, an executor or a pod")]
    InvalidName {
        /// What was given.
        text: String,
    },
    /// The store failed, or holds what this program did not write.
    #[error(transparent)]
    Store(#[from] storage::Error),
}

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
