use std::time::Duration;

use access::Rules;

use crate::clock::Clock;
use crate::lifetime::Lifetimes;
use crate::limits::Limits;
use crate::owners::Owning;
use crate::sweep::Sweeps;

/// What an operator can say of a staging server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The URL under which clients reach this server, without a path. Without it, uploads are redirected to the name by
    /// which the client called (`X-Forwarded-Host` and `X-Forwarded-Proto`, else `Host`).
    pub public_url: Option<url::Url>,
    /// What callers may do.
    pub rules: Rules,
    /// The largest file that an upload may make. Event logs have no limit: they are as long as their application.
    pub max_upload_bytes: u64,
    /// How much uploads may take at once, and a namespace for itself.
    pub limits: Limits,
    /// How long uploads are kept.
    pub lifetimes: Lifetimes,
    /// How uploads have owners; `None`: time alone decides.
    pub owning: Option<Owning>,
    /// When what is over is removed.
    pub sweeps: Sweeps,
    /// What time it is.
    pub clock: Clock,
    /// The largest pod template.
    pub max_pod_template_bytes: u64,
    /// After how many bytes what has arrived of an event log is written to the store.
    pub event_log_flush_bytes: usize,
    /// After how long at most it is.
    pub event_log_flush_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            rules: Rules::open(),
            max_upload_bytes: 5 << 30,
            limits: Limits::default(),
            lifetimes: Lifetimes::default(),
            owning: None,
            sweeps: Sweeps::default(),
            clock: Clock::default(),
            max_pod_template_bytes: 1 << 20,
            event_log_flush_bytes: 1 << 20,
            event_log_flush_interval: Duration::from_secs(2),
        }
    }
}
