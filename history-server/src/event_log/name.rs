//! What the names of Spark's event logs say (`EventLogFileWriters.scala`).

/// The folder of a rolling log.
pub(super) const ROLLING_PREFIX: &str = "eventlog_v2_";
const EVENTS_PREFIX: &str = "events_";
const STATUS_PREFIX: &str = "appstatus_";
const IN_PROGRESS: &str = ".inprogress";
const COMPACTED: &str = ".compact";

/// The name of a log of one file, without the mark of one that is still written.
pub(super) fn finished_name(name: &str) -> &str {
    name.strip_suffix(IN_PROGRESS).unwrap_or(name)
}

/// Whether a file's name says that it is still written.
pub(super) fn is_in_progress(name: &str) -> bool {
    name.strip_suffix(COMPACTED).unwrap_or(name).ends_with(IN_PROGRESS)
}

/// The extension that names the codec, if there is one.
pub(super) fn extension(name: &str) -> Option<&str> {
    let name = name.strip_suffix(COMPACTED).unwrap_or(name);
    let name = name.strip_suffix(IN_PROGRESS).unwrap_or(name);
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// A file of a rolling log's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RollingFile {
    /// `events_<index>_<app>…`, perhaps `.compact`.
    Events { index: u64, compacted: bool },
    /// `appstatus_<app>`, perhaps `.inprogress`.
    Status { in_progress: bool },
}

impl RollingFile {
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name.starts_with(STATUS_PREFIX) {
            return Some(Self::Status { in_progress: name.ends_with(IN_PROGRESS) });
        }
        let index = name.strip_prefix(EVENTS_PREFIX)?.split('_').next()?.parse().ok()?;
        Some(Self::Events { index, compacted: name.ends_with(COMPACTED) })
    }
}

/// The names that Spark gives to the log of an application: the folder of a rolling one, or the file, without codec.
pub(super) fn for_application(app_id: &str, attempt_id: Option<&str>) -> String {
    let mut name = sanitize(app_id);
    if let Some(attempt) = attempt_id {
        name.push('_');
        name.push_str(&sanitize(attempt));
    }
    name
}

fn sanitize(text: &str) -> String {
    let clean = |c| match c {
        ' ' | ':' | '/' => '-',
        '.' | '$' | '{' | '}' | '\'' | '"' => '_',
        c => c,
    };
    text.chars().map(clean).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_looked_for_behind_the_marks() {
        assert_eq!(extension("app-1"), None);
        assert_eq!(extension("app-1.inprogress"), None);
        assert_eq!(extension("app-1.zstd.inprogress"), Some("zstd"));
        assert_eq!(extension("events_3_app-1.lz4.compact"), Some("lz4"));
        assert!(is_in_progress("app-1.zstd.inprogress") && is_in_progress("app-1.inprogress.compact"));
        assert!(!is_in_progress("app-1.zstd"));
    }

    #[test]
    fn files_of_a_rolling_log() {
        let events = |index, compacted| Some(RollingFile::Events { index, compacted });
        assert_eq!(RollingFile::parse("events_12_app-1.zstd"), events(12, false));
        assert_eq!(RollingFile::parse("events_12_app-1.zstd.compact"), events(12, true));
        assert_eq!(RollingFile::parse("events_x_app-1"), None);
        assert_eq!(RollingFile::parse("appstatus_app-1.inprogress"), Some(RollingFile::Status { in_progress: true }));
        assert_eq!(RollingFile::parse("something"), None);
    }

    #[test]
    fn ids_become_names_as_spark_makes_them() {
        assert_eq!(for_application("App 1:2/3.x", None), "app-1-2-3_x");
        assert_eq!(for_application("application_1_2", Some("1")), "application_1_2_1");
    }
}
