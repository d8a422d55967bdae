//! The list in memory, small: a row for each log, texts that repeat held once.
//!
//! An application takes about 700 bytes, measured with a million of them under as many names (the whole process took 730 MB):
//! its row, its log's name, its id, its name, and its place in four indexes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::summary::Summary;
use super::symbols::{Symbol, Symbols};
use crate::access::Acls;

/// One log.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The index of its source.
    pub(crate) source: u16,
    pub(crate) log: Box<str>,
    /// Absent for a log that has not said which application it is of.
    pub(crate) app: Option<Arc<str>>,
    pub(crate) attempt_id: Option<Box<str>>,
    pub(crate) name: Symbol,
    pub(crate) user: Symbol,
    pub(crate) spark_version: Symbol,
    pub(crate) acls: u32,
    pub(crate) start_millis: i64,
    /// -1 while there is no end.
    pub(crate) end_millis: i64,
    pub(crate) exit_code: Option<i32>,
    pub(crate) updated_millis: i64,
    /// When the log was read last; for cleaning those without an application.
    pub(crate) found_millis: i64,
    pub(crate) modified_millis: i64,
    pub(crate) size_bytes: u64,
    pub(crate) fingerprint: u64,
    pub(crate) ended: bool,
    pub(crate) complete: bool,
    /// The scan that saw it last.
    pub(crate) scan: u32,
}

/// A log as it was found, with what its events say.
pub(crate) struct Seen {
    pub(crate) source: u16,
    pub(crate) log: String,
    pub(crate) summary: Summary,
    pub(crate) fingerprint: u64,
    pub(crate) size_bytes: u64,
    pub(crate) modified_millis: i64,
    pub(crate) updated_millis: i64,
    pub(crate) found_millis: i64,
    pub(crate) complete: bool,
    pub(crate) scan: u32,
}

/// The place of an application in the list: latest end first, then by id from behind, as Spark's store answers.
type Place = (Reverse<i64>, Reverse<Arc<str>>);

/// All rows and their indexes.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) symbols: Symbols,
    acl_texts: Vec<Acls>,
    acl_ids: HashMap<Acls, u32>,
    rows: Vec<Option<Row>>,
    free: Vec<u32>,
    /// By a hash of source and log name; two logs of one hash share an entry.
    logs: HashMap<u64, Ids>,
    hasher: RandomState,
    apps: HashMap<Arc<str>, App>,
    /// The shown attempts of every application, once more: a query goes through all of them.
    order: BTreeMap<Place, Ids>,
}

/// The attempts of an application that are shown, newest first, and where it stands in the order.
struct App {
    attempts: Ids,
    /// Logs of the same attempt that are not shown.
    hidden: Ids,
    end_millis: i64,
}

/// Attempts of an application, newest first.
#[derive(Clone)]
pub(crate) struct Attempts<'a> {
    rows: &'a Rows,
    ids: std::slice::Iter<'a, u32>,
}

impl<'a> Iterator for Attempts<'a> {
    type Item = &'a Row;

    fn next(&mut self) -> Option<&'a Row> {
        self.ids.find_map(|id| self.rows.row(*id))
    }
}

/// Row numbers: mostly one.
#[derive(Clone, Debug, Default)]
enum Ids {
    #[default]
    None,
    One(u32),
    Many(Box<[u32]>),
}

impl Ids {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::None => &[],
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

impl From<Vec<u32>> for Ids {
    fn from(ids: Vec<u32>) -> Self {
        match ids.as_slice() {
            [] => Self::None,
            [one] => Self::One(*one),
            _ => Self::Many(ids.into()),
        }
    }
}

impl Rows {
    pub(crate) fn acls(&self, id: u32) -> &Acls {
        &self.acl_texts[id as usize]
    }

    /// How many applications are listed.
    pub(crate) fn app_count(&self) -> usize {
        self.apps.len()
    }

    /// How many logs are known.
    pub(crate) fn log_count(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// The names of a source's logs that a scan has not seen.
    pub(crate) fn unseen(&self, source: u16, scan: u32) -> Vec<String> {
        let unseen = self.iter().filter(|row| row.source == source && row.scan != scan);
        unseen.map(|row| row.log.to_string()).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flatten()
    }

    /// The applications in the list's own order, each with its attempts, newest first.
    pub(crate) fn in_order(&self) -> impl DoubleEndedIterator<Item = (&Arc<str>, Attempts<'_>)> {
        self.order.iter().map(|((_, id), ids)| (&id.0, Attempts { rows: self, ids: ids.as_slice().iter() }))
    }

    /// The attempts of an application, newest first.
    pub(crate) fn attempts(&self, app_id: &str) -> Option<Attempts<'_>> {
        let app = self.apps.get(app_id)?;
        Some(Attempts { rows: self, ids: app.attempts.as_slice().iter() })
    }

    /// Whether a log of this attempt is known.
    pub(crate) fn has_attempt(&self, app_id: &str, attempt_id: Option<&str>) -> bool {
        let mut rows = self.attempts(app_id).into_iter().flatten().chain(self.hidden_logs(app_id));
        rows.any(|row| row.attempt_id.as_deref() == attempt_id)
    }

    /// The logs that are not shown because another one is of the same attempt.
    pub(crate) fn hidden_logs(&self, app_id: &str) -> impl Iterator<Item = &Row> {
        let ids = self.apps.get(app_id).map_or(&[][..], |app| app.hidden.as_slice());
        ids.iter().filter_map(|id| self.row(*id))
    }

    fn row(&self, id: u32) -> Option<&Row> {
        self.rows.get(id as usize)?.as_ref()
    }

    fn log_hash(&self, source: u16, log: &str) -> u64 {
        self.hasher.hash_one((source, log))
    }

    fn id_of(&self, source: u16, log: &str) -> Option<u32> {
        let same = |id: &u32| self.row(*id).is_some_and(|row| row.source == source && *row.log == *log);
        self.logs.get(&self.log_hash(source, log))?.as_slice().iter().copied().find(same)
    }

    /// What is known of a log.
    pub(crate) fn log(&self, source: u16, log: &str) -> Option<&Row> {
        self.row(self.id_of(source, log)?)
    }

    /// Notes that a scan has seen a log; `false` for one that is not known.
    pub(crate) fn mark(&mut self, source: u16, log: &str, scan: u32) -> bool {
        let Some(id) = self.id_of(source, log) else { return false };
        if let Some(Some(row)) = self.rows.get_mut(id as usize) {
            row.scan = scan;
        }
        true
    }

    /// Notes that a growing log has grown, which changes nothing else of what is listed.
    pub(crate) fn grown(&mut self, source: u16, log: &str, seen: (u64, u64, i64), now_millis: i64) {
        let Some(id) = self.id_of(source, log) else { return };
        if let Some(Some(row)) = self.rows.get_mut(id as usize) {
            (row.fingerprint, row.size_bytes, row.modified_millis) = seen;
            row.updated_millis = now_millis;
        }
    }

    /// Takes in a log, in place of what was known of it.
    pub(crate) fn insert(&mut self, seen: Seen) {
        self.remove(seen.source, &seen.log);
        let Summary {
            app_id,
            app_name,
            attempt_id,
            user,
            spark_version,
            start_millis,
            end_millis,
            exit_code,
            acls,
            ..
        } = seen.summary;
        let app = app_id.map(|id| match self.apps.get_key_value(id.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => id.into(),
        });
        let row = Row {
            source: seen.source,
            app: app.clone(),
            attempt_id: attempt_id.map(Into::into),
            name: self.symbols.intern(&app_name),
            user: self.symbols.intern(&user),
            spark_version: self.symbols.intern(&spark_version),
            acls: self.intern_acls(acls),
            start_millis,
            end_millis: end_millis.unwrap_or(-1),
            exit_code,
            updated_millis: seen.updated_millis,
            found_millis: seen.found_millis,
            modified_millis: seen.modified_millis,
            size_bytes: seen.size_bytes,
            fingerprint: seen.fingerprint,
            ended: end_millis.is_some(),
            complete: seen.complete,
            scan: seen.scan,
            log: seen.log.into(),
        };
        let hash = self.log_hash(row.source, &row.log);
        let id = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        });
        self.rows[id as usize] = Some(row);
        let entry = self.logs.entry(hash).or_default();
        *entry = [entry.as_slice(), &[id]].concat().into();
        if let Some(app) = app {
            let ids = self.apps.get(&app).map(App::all).unwrap_or_default();
            self.place(app, [ids.as_slice(), &[id]].concat());
        }
    }

    /// Forgets a log. Its application stays as long as another log is of it.
    pub(crate) fn remove(&mut self, source: u16, log: &str) -> Option<Row> {
        let id = self.id_of(source, log)?;
        let hash = self.log_hash(source, log);
        let without = |ids: &[u32]| ids.iter().copied().filter(|other| *other != id).collect::<Vec<_>>();
        let rest = without(self.logs.get(&hash).map_or(&[], Ids::as_slice));
        if rest.is_empty() {
            self.logs.remove(&hash);
        } else {
            self.logs.insert(hash, rest.into());
        }
        let row = self.rows.get_mut(id as usize)?.take()?;
        self.free.push(id);
        if let Some(app) = &row.app {
            let ids = self.apps.get(app).map(App::all).unwrap_or_default();
            self.place(Arc::clone(app), without(&ids));
        }
        Some(row)
    }

    /// Puts an application where its logs say.
    fn place(&mut self, app: Arc<str>, mut ids: Vec<u32>) {
        if let Some(old) = self.apps.remove(&app) {
            self.order.remove(&(Reverse(old.end_millis), Reverse(Arc::clone(&app))));
        }
        ids.retain(|id| self.row(*id).is_some());
        if ids.is_empty() {
            return;
        }
        let (attempts, hidden) = self.shown(ids);
        let end_millis = attempts.first().and_then(|id| self.row(*id)).map_or(-1, |row| row.end_millis);
        let attempts = Ids::from(attempts);
        self.order.insert((Reverse(end_millis), Reverse(Arc::clone(&app))), attempts.clone());
        self.apps.insert(app, App { attempts, hidden: hidden.into(), end_millis });
    }

    /// Of several logs of one attempt, one that has ended is shown, the oldest of those: a server of Spark's that starts
    /// on these files keeps that one.
    fn shown(&self, mut ids: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
        let key = |id: &u32| {
            self.row(*id).map(|row| (row.attempt_id.clone(), !row.ended, row.modified_millis, row.log.clone()))
        };
        ids.sort_by_cached_key(key);
        let (mut shown, mut hidden): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for id in ids {
            let attempt = |id: &u32| self.row(*id).and_then(|row| row.attempt_id.as_deref());
            let same = shown.last().is_some_and(|last| attempt(last) == attempt(&id));
            if same { hidden.push(id) } else { shown.push(id) }
        }
        shown.sort_by_key(|id| {
            let attempt = |row: &Row| row.attempt_id.as_deref().and_then(|attempt| attempt.parse::<u64>().ok());
            Reverse(self.row(*id).map(|row| (row.start_millis, attempt(row))))
        });
        (shown, hidden)
    }

    fn intern_acls(&mut self, acls: Acls) -> u32 {
        if let Some(id) = self.acl_ids.get(&acls) {
            return *id;
        }
        let id = u32::try_from(self.acl_texts.len()).unwrap_or(u32::MAX);
        self.acl_texts.push(acls.clone());
        self.acl_ids.insert(acls, id);
        id
    }
}

impl App {
    fn all(&self) -> Vec<u32> {
        [self.attempts.as_slice(), self.hidden.as_slice()].concat()
    }
}
