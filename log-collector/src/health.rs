use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A fault of this program is told of for so long.
const FAULT: Duration = Duration::from_mins(10);

/// Whether a collector does its job.
#[derive(Debug, Default)]
pub struct Health {
    troubles: Mutex<BTreeMap<String, Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    text: String,
    until: Option<Instant>,
}

impl Health {
    /// What keeps the collector from its job now, a sentence for each; empty when nothing does.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        troubles.retain(|_, trouble| trouble.until.is_none_or(|until| until > now));
        troubles.values().map(|trouble| trouble.text.clone()).collect()
    }

    /// Tells that `what` is in trouble until it is [`Health::clear`]ed.
    pub(crate) fn tell(&self, what: &str, text: String) {
        self.put(what, Trouble { text, until: None });
    }

    pub(crate) fn clear(&self, what: &str) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }

    /// Tells of a fault of this program, which has been worked around, for some time.
    pub(crate) fn fault(&self, what: &str) {
        let text = format!("the work on {what} broke off by a fault of this program, and began again");
        self.put("fault", Trouble { text, until: Some(Instant::now() + FAULT) });
    }

    fn put(&self, what: &str, trouble: Trouble) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned(), trouble);
    }
}
