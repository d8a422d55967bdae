//! The signals that tell the program to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// SIGTERM: whoever runs us takes us out of service.
    Terminate,
    /// Ctrl-C.
    Interrupt,
    /// SIGHUP: the terminal is gone.
    Hangup,
}

impl Told {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Hangup => "SIGHUP",
        }
    }
}

/// Listens from its making on.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// None when whoever started us wants us to outlive the terminal, as `nohup` does.
    hangup: Option<Signal>,
}

impl Signals {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hangup })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Told {
        let Self { terminate, interrupt, hangup } = self;
        let hangup = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => Told::Terminate,
            _ = interrupt.recv() => Told::Interrupt,
            _ = hangup => Told::Hangup,
        }
    }
}

/// Whether SIGHUP, signal 1, was ignored when the program started, as Linux tells.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
