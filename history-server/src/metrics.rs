/// What a history server has done so far, and what it holds: plain numbers, for whoever renders metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Scans of all sources that came to an end.
    pub scans: u64,
    /// Sources or logs that could not be asked or read.
    pub scan_failures: u64,
    /// How long the last scan took.
    pub last_scan_micros: u64,
    /// When the last scan ended, in milliseconds since the epoch; 0 before the first.
    pub last_scan_millis: i64,
    /// Logs read for the list.
    pub logs_read: u64,
    /// Logs that wait to be read for the list.
    pub logs_pending: u64,
    /// Rolling logs whose files leave a gap, at the last scan.
    pub bad_folders: u64,
    /// Logs known.
    pub logs: u64,
    /// Applications listed.
    pub applications: u64,
    /// Applications asked for.
    pub opens: u64,
    /// Of these, answered from memory.
    pub cache_hits: u64,
    /// Logs replayed.
    pub replays: u64,
    /// Replays that failed.
    pub replay_failures: u64,
    /// Lines and logs at which this program itself failed; what came before them was shown.
    pub replay_faults: u64,
    /// How long all replays took.
    pub replay_micros: u64,
    /// How much text they read.
    pub replay_bytes: u64,
    /// Applications opened from their stored form.
    pub stored_opens: u64,
    /// Applications written into their stored form.
    pub stored_writes: u64,
    /// Applications that were not written because too many waited for it.
    pub stored_skips: u64,
    /// Places of event logs that could not be listed at the last scan.
    pub unreachable_places: u64,
    /// Logs deleted for their age or number.
    pub cleaned: u64,
    /// Applications held in memory.
    pub cached: u64,
    /// About how much memory they take.
    pub cached_bytes: u64,
    /// Loads under way.
    pub loading: u64,
}
