//! Logs with damage anywhere: they are listed and opened as far as they read, and what is kept of them is what was read.

use history_server::event_log::LogSource;
use history_server::model::Application;
use history_server::{Config, Error, Filter, History, Viewer};
use proptest::prelude::*;
use storage::{Key, ObjectPath, Store};
use tokio_util::sync::CancellationToken;

use crate::support::{log, scanned};

/// A log as Spark writes it: a frame a flush, or plain.
fn written(compressed: bool) -> Vec<u8> {
    let text = log("app-1", 3, 4);
    match compressed {
        false => text.into_bytes(),
        true => text.split_inclusive('\n').flat_map(|line| zstd::encode_all(line.as_bytes(), 1).unwrap()).collect(),
    }
}

fn history_of(store: &Store) -> History {
    let folder = Key::EventLog(ObjectPath::root()).path();
    let source = LogSource::new(store.below(&folder).unwrap(), None);
    History::new(Config::new(vec![source], Some(store.clone())))
}

/// How many tasks an application has, all else, and what could not be read; or why it cannot be opened.
type Told = Result<(usize, Application, String), String>;

/// Opens all that a history lists, and waits until it is kept. With it, how many logs were replayed.
async fn everything(store: &Store) -> (Vec<Told>, u64) {
    let history = history_of(store);
    history.scan().await;
    let mut told = Vec::new();
    for app in history.applications(&Filter::default()).applications {
        for attempt in &app.attempts {
            let opened = history.open(&app.id, attempt.attempt_id.as_deref(), &Viewer::default()).await;
            match opened {
                Ok(opened) => {
                    let mut tasks = 0;
                    for stage in &opened.model.stages {
                        let key = (stage.data.stage_id, stage.data.attempt_id);
                        tasks += opened.stage_tasks(key.0, key.1).await.unwrap().map_or(0, |rows| rows.table.len());
                    }
                    told.push(Ok((tasks, opened.model.clone(), format!("{:?}", opened.problems))));
                }
                // Nothing is listed that is not there.
                Err(error) => {
                    assert!(!matches!(error, Error::UnknownApplication { .. } | Error::UnknownAttempt { .. }));
                    told.push(Err(error.to_string()));
                }
            }
        }
    }
    let stop = CancellationToken::new();
    stop.cancel();
    history.run(stop).await;
    (told, history.figures().replays)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn damage_anywhere_hides_no_more_than_what_is_behind_it(
        compressed: bool,
        growing: bool,
        length: prop::sample::Index,
        cut: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = written(compressed);
        for (at, byte) in &damage {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let name = format!("app-1{}{}", if compressed { ".zstd" } else { "" }, if growing { ".inprogress" } else { "" });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (first, second) = runtime.block_on(async {
            let store = Store::in_memory();
            store.put(&Key::EventLog(ObjectPath::parse(&name).unwrap()).path(), bytes).await.unwrap();
            (everything(&store).await, everything(&store).await)
        });
        if !growing {
            // The second is another server, and has what the first has kept.
            prop_assert!(first.0 == second.0, "{:?}\n{:?}", first.0, second.0);
            prop_assert_eq!(second.1, 0);
        }
        if damage.is_empty() && !cut {
            prop_assert_eq!(first.0.len(), 1);
            prop_assert!(matches!(&first.0[0], Ok((12, _, problems)) if problems == "[]"), "{:?}", first.0);
        }
    }
}

#[tokio::test]
async fn a_bad_escape_costs_its_own_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = log("app-1", 1, 5).replacen(
        "{\"Event\":\"SparkListenerJobStart",
        "{\"\\u\u{20ac}x\":1}\n{\"Event\":\"SparkListenerJobStart",
        1,
    );
    std::fs::write(folder.path().join("app-1"), text).unwrap();
    let history = scanned(folder.path(), None).await;
    let opened = history.open("app-1", None, &Viewer::default()).await.unwrap();
    assert_eq!((opened.model.problems.bad_lines, opened.model.problems.first_bad_line), (1, Some(4)));
    assert_eq!(opened.model.jobs[0].data.num_completed_tasks, 5);
    assert_eq!((history.figures().replay_failures, history.figures().replay_faults), (0, 0));
}
