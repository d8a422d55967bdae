//! Whether a store can be used at all, and what to do where it cannot.

use std::time::Duration;

use futures::TryStreamExt as _;

use crate::{Error, ObjectPath, Store, StoreUrl};

/// How long a store may take to answer at all.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// A store that cannot be used as it is configured. Its text says what to do; its cause has the store's own words.
#[derive(Debug, thiserror::Error)]
#[error("the store {url} cannot be used: {}", advice(source))]
pub struct Unusable {
    /// Which store.
    pub url: StoreUrl,
    /// What came of the attempt.
    #[source]
    pub source: Error,
}

impl Unusable {
    /// Whether it may come right by itself: the store is not reachable at the moment. Everything else needs somebody to
    /// change the URL, the credentials or the store.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.source.may_pass()
    }
}

impl Store {
    /// Asks the store whether it is there and can be listed, and, if it is to be written, whether an object can be written,
    /// read and removed (`.hearth-check-<id>`). Answers within 20 seconds.
    ///
    /// # Errors
    /// [`Unusable`], which says what to do.
    pub async fn check(&self, is_to_be_written: bool) -> Result<(), Unusable> {
        let unusable = |source| Unusable { url: self.url().clone(), source };
        match tokio::time::timeout(ANSWERS_WITHIN, self.tried(is_to_be_written)).await {
            Ok(tried) => tried.map_err(unusable),
            Err(_) => {
                let source = format!("no answer within {} seconds", ANSWERS_WITHIN.as_secs()).into();
                Err(unusable(Error::Unavailable { path: ObjectPath::root(), source }))
            }
        }
    }

    async fn tried(&self, is_to_be_written: bool) -> Result<(), Error> {
        let name = format!(".hearth-check-{}", uuid::Uuid::new_v4());
        let probe = ObjectPath::parse(&name)?;
        // Listed below a name that nobody has: of a full store, too, nothing comes back.
        let _: Vec<_> = self.list(&probe).try_collect().await?;
        if is_to_be_written {
            self.put(&probe, name.clone()).await?;
            let got = self.get(&probe, 1024).await;
            let removed = self.delete(&probe).await;
            if got? != name {
                return Err(Error::Corrupt {
                    path: probe,
                    reason: "it does not read back as it was written".to_owned(),
                });
            }
            removed?;
        }
        Ok(())
    }
}

fn advice(error: &Error) -> &'static str {
    match error {
        Error::NoSuchBucket { .. } => {
            "there is no such bucket or container. Make it, or correct the name or the region in the URL"
        }
        Error::PermissionDenied { .. } => {
            "it refuses access. Give this process credentials (environment, profile, workload identity) that may list, \
             read, write and delete below the URL, or the folder's permissions; a wrong clock or region is refused so, too"
        }
        Error::Full { .. } => "it is full. Free some room, or raise its quota",
        Error::Refused { .. } => {
            "it does not take our requests. Check the bucket's name, the region and the endpoint in the URL"
        }
        Error::Unavailable { .. } => {
            "it does not answer. Check the endpoint in the URL, name resolution and network policies; it is asked again"
        }
        Error::Corrupt { .. } => "it gives back other bytes than were written",
        _ => "see the cause",
    }
}
