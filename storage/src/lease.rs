use std::time::{Duration, Instant};

use crate::{Error, Key, ObjectPath, Result, Store, Version};

/// What one of several processes holds, so that the others leave its work alone: an object that its holder writes again and
/// again, by compare-and-swap.
///
/// A holder that has not written it for its term is passed over, by the clock of whoever waits: clocks need not agree. Between
/// two writes a holder that was stopped for long may still take itself for one; so what is done under a lease must do no
/// harm when it is done twice.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    path: ObjectPath,
    holder: String,
    term: Duration,
    turn: u64,
    held: Option<Version>,
    /// Somebody else's, and since when it has been that.
    seen: Option<(Version, Instant)>,
}

/// The first line of what is written; then the holder, which is nothing when nobody holds it, and a number that is another
/// one each time.
const FORMAT: &str = "lease 1";
const LIMIT_BYTES: u64 = 4096;

impl Lease {
    /// The lease of that name (letters, digits and `-`). Nobody holds it by this.
    #[must_use]
    pub fn new(store: Store, name: &str, term: Duration) -> Self {
        let (path, holder) = (Key::Lease(name.to_owned()).path(), uuid::Uuid::new_v4().to_string());
        Self { store, path, holder, term, turn: 0, held: None, seen: None }
    }

    /// Takes it, or keeps it: to be called several times within a term. `false` when somebody else has it.
    ///
    /// # Errors
    /// A failure of the store: it may be held or not.
    pub async fn take(&mut self) -> Result<bool> {
        if let Some(version) = self.held.take()
            && self.swap(&version).await?
        {
            return Ok(true);
        }
        let (bytes, version) = match self.store.get_versioned(&self.path, LIMIT_BYTES).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return self.begin().await,
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        let holder = text.strip_prefix(FORMAT).and_then(|rest| rest.lines().nth(1)).unwrap_or_default();
        // Its own is one that it was not told of.
        let is_free = holder.is_empty() || holder == self.holder;
        let since = self.seen.as_ref().filter(|(seen, _)| *seen == version).map(|(_, since)| *since);
        if is_free || since.is_some_and(|since| since.elapsed() >= self.term) {
            return self.swap(&version).await;
        }
        self.seen = Some((version, since.unwrap_or_else(Instant::now)));
        Ok(false)
    }

    /// Lets go of it, so that nobody has to wait.
    ///
    /// # Errors
    /// A failure of the store: then it ends with its term.
    pub async fn release(&mut self) -> Result<()> {
        let Some(version) = self.held.take() else { return Ok(()) };
        self.turn += 1;
        match self.store.put_if_match(&self.path, self.record(""), &version).await {
            Ok(_) | Err(Error::Changed { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn begin(&mut self) -> Result<bool> {
        let put = self.store.put_if_absent(&self.path, self.record(&self.holder)).await;
        self.note(put)
    }

    async fn swap(&mut self, seen: &Version) -> Result<bool> {
        self.turn += 1;
        let put = self.store.put_if_match(&self.path, self.record(&self.holder), seen).await;
        self.note(put)
    }

    fn note(&mut self, put: Result<Version>) -> Result<bool> {
        match put {
            Ok(version) => {
                self.held = Some(version);
                Ok(true)
            }
            Err(Error::Changed { .. } | Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn record(&self, holder: &str) -> Vec<u8> {
        format!("{FORMAT}\n{holder}\n{}\n", self.turn).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_of_several_has_it_until_it_says_nothing_any_more() {
        let store = Store::in_memory();
        let lease = |term| Lease::new(store.clone(), "sweep", term);
        let (mut first, mut second) = (lease(Duration::from_secs(3600)), lease(Duration::ZERO));
        assert!(first.take().await.unwrap());
        // Seen once, it may be alive.
        assert!(!second.take().await.unwrap());
        assert!(first.take().await.unwrap());
        // Seen again, it is another one: its holder is alive.
        assert!(!second.take().await.unwrap());
        assert!(second.take().await.unwrap());
        assert!(!first.take().await.unwrap());
        second.release().await.unwrap();
        assert!(first.take().await.unwrap());
        // Whoever was passed over is told.
        assert!(!second.take().await.unwrap());
    }

    #[tokio::test]
    async fn of_many_at_once_one_has_it() {
        let store = Store::in_memory();
        let takes = (0..20).map(|_| {
            let mut lease = Lease::new(store.clone(), "sweep", Duration::from_secs(3600));
            async move { lease.take().await.unwrap() }
        });
        let taken = futures::future::join_all(takes).await;
        assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
    }
}
