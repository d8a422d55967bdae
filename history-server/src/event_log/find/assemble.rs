//! From names to logs, without looking at a store.

use storage::ObjectPath;

use crate::event_log::Problem;
use crate::event_log::log::{EventLog, LogFile};
use crate::event_log::name::{self, RollingFile};

/// The log that a file beside the folders is; `None` for one that Spark does not look at.
pub(super) fn single(file: LogFile) -> Option<EventLog> {
    let name = file.path.name().to_owned();
    if name.is_empty() || name.starts_with('.') {
        return None;
    }
    let complete = file.growing.is_none() && !name::is_in_progress(&name);
    Some(EventLog { name, rolling: false, complete, files: vec![file], others: Vec::new() })
}

/// The log that a folder is: `None` when it is not one (yet), a problem when it is one that cannot be read.
pub(super) fn rolling(folder: &ObjectPath, files: Vec<LogFile>) -> Result<Option<EventLog>, Problem> {
    let name = folder.name().to_owned();
    let (mut events, mut others, mut in_progress) = (Vec::new(), Vec::new(), None);
    for file in without_doubles(files) {
        match RollingFile::parse(file.path.name()) {
            Some(RollingFile::Events { index, compacted }) => events.push(((index, compacted), file)),
            Some(RollingFile::Status { in_progress: still }) => {
                in_progress = Some(in_progress.unwrap_or(true) && still);
                others.push(file);
            }
            None if file.path.name().starts_with('.') => {}
            None => others.push(file),
        }
    }
    let Some(in_progress) = in_progress.filter(|_| !events.is_empty()) else { return Ok(None) };
    events.sort_by_key(|(key, _)| *key);
    let start = events.iter().rposition(|((_, compacted), _)| *compacted).unwrap_or_default();
    let read = events.split_off(start);
    others.extend(events.into_iter().map(|(_, file)| file));
    let gap = read.windows(2).find(|pair| pair[0].0.0.checked_add(1) != Some(pair[1].0.0));
    if let Some([before, after]) = gap {
        let message = format!(
            "the files of this rolling log leave a gap: after events_{} comes events_{}; it is not listed",
            before.0.0, after.0.0
        );
        return Err(Problem { file: name, message });
    }
    let files: Vec<_> = read.into_iter().map(|(_, file)| file).collect();
    Ok(Some(EventLog { name, rolling: true, complete: !in_progress, files, others }))
}

/// A file that is both finished and growing is finished: the writer stopped before it had cleared up.
fn without_doubles(mut files: Vec<LogFile>) -> Vec<LogFile> {
    files.sort_by(|a, b| (&a.path, a.growing.is_some()).cmp(&(&b.path, b.growing.is_some())));
    files.dedup_by(|later, first| later.path == first.path);
    files
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn found(names: &[&str]) -> Result<Option<EventLog>, Problem> {
        let folder = ObjectPath::parse("eventlog_v2_a").unwrap();
        let file = |name: &&str| LogFile {
            path: folder.join(name).unwrap(),
            size_bytes: 1,
            last_modified: DateTime::UNIX_EPOCH,
            e_tag: None,
            growing: None,
        };
        rolling(&folder, names.iter().map(file).collect())
    }

    fn read(names: &[&str]) -> Vec<String> {
        found(names).unwrap().unwrap().files.iter().map(|file| file.path.name().to_owned()).collect()
    }

    #[test]
    fn files_are_read_by_number() {
        assert_eq!(read(&["events_10_a", "events_9_a", "appstatus_a"]), ["events_9_a", "events_10_a"]);
    }

    #[test]
    fn what_was_compacted_is_not_read() {
        let names = ["events_1_a", "events_2_a", "events_2_a.compact", "events_3_a", "appstatus_a.inprogress"];
        assert_eq!(read(&names), ["events_2_a.compact", "events_3_a"]);
        assert_eq!(found(&names).unwrap().unwrap().others.len(), 3);
        assert!(!found(&names).unwrap().unwrap().complete);
    }

    #[test]
    fn a_folder_without_marker_or_without_events_is_no_log() {
        assert!(found(&["events_1_a"]).unwrap().is_none());
        assert!(found(&["appstatus_a"]).unwrap().is_none());
    }

    #[test]
    fn a_gap_is_told() {
        let problem = found(&["events_1_a", "events_3_a", "appstatus_a"]).unwrap_err();
        assert!(problem.message.contains("after events_1 comes events_3"), "{problem:?}");
    }

    #[test]
    fn a_finished_marker_beside_an_unfinished_one_ends_the_log() {
        assert!(found(&["events_1_a", "appstatus_a", "appstatus_a.inprogress"]).unwrap().unwrap().complete);
    }
}
