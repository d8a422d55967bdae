use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

/// What time it is. A test can have it another one.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// A clock that says what `now` says.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }

    /// The moment `ago` before now.
    pub(crate) fn before(&self, ago: std::time::Duration) -> DateTime<Utc> {
        let ago = TimeDelta::from_std(ago).ok();
        ago.and_then(|ago| self.now().checked_sub_signed(ago)).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Utc::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
