//! The list in memory, small: a row for each log, all texts one behind the other, those that repeat once.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use super::order::Order;
use super::row::{Listed, Parts, Row, Seen, Span};
use super::symbols::Symbols;
use crate::access::Acls;

/// Texts of logs that are gone are cleared away when there are so many bytes of them, and more than of the others.
const WASTE_BYTES: usize = 1 << 20;

/// All rows and their indexes.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) symbols: Symbols,
    acl_texts: Vec<Acls>,
    acl_ids: HashMap<Acls, u32>,
    rows: Vec<Option<Row>>,
    free: Vec<u32>,
    /// What [`Row::text`] is a part of.
    texts: String,
    wasted_bytes: usize,
    hasher: RandomState,
    /// Rows by source and name of their log.
    logs: HashTable<u32>,
    /// Of each application the first of its attempts that are shown, by id.
    apps: HashTable<u32>,
    /// The applications with more logs than one, by that first.
    several: HashMap<u32, Several>,
    /// All of `apps`: latest end first, then by id from behind, as Spark's store answers.
    order: Order,
    /// When those that are or were listed started: the first and the last.
    starts: Option<(i64, i64)>,
    /// When those ended that have.
    ends: Option<(i64, i64)>,
}

/// The range with another moment in it.
fn with(range: Option<(i64, i64)>, at: i64) -> Option<(i64, i64)> {
    Some(range.map_or((at, at), |(first, last)| (first.min(at), last.max(at))))
}

/// The logs of an application that has more than one.
struct Several {
    /// The attempts that are shown, newest first.
    attempts: Vec<u32>,
    /// Other logs of these attempts.
    hidden: Vec<u32>,
}

/// An application.
#[derive(Clone, Copy)]
pub(crate) struct App<'a> {
    rows: &'a Rows,
    first: u32,
}

impl<'a> App<'a> {
    pub(crate) fn id(self) -> &'a str {
        self.newest().and_then(Listed::app).unwrap_or_default()
    }

    pub(crate) fn newest(self) -> Option<Listed<'a>> {
        self.rows.row(self.first)
    }

    /// Its attempts, newest first.
    pub(crate) fn attempts(self) -> impl Iterator<Item = Listed<'a>> {
        let others = self.rows.several.get(&self.first).map_or(&[][..], |several| &several.attempts[1..]);
        std::iter::once(self.first).chain(others.iter().copied()).filter_map(move |id| self.rows.row(id))
    }

    /// Other logs of these attempts.
    fn hidden_logs(self) -> impl Iterator<Item = Listed<'a>> {
        let several = self.rows.several.get(&self.first);
        several.into_iter().flat_map(|several| &several.hidden).filter_map(move |id| self.rows.row(*id))
    }

    /// What [`Rows::app_numbered`] knows it by, as long as the list stays as it is.
    pub(super) fn number(self) -> u32 {
        self.first
    }
}

impl Rows {
    pub(crate) fn acls(&self, id: u32) -> &Acls {
        &self.acl_texts[id as usize]
    }

    /// How many applications are listed.
    pub(crate) fn app_count(&self) -> usize {
        self.order.len()
    }

    /// How many logs are known.
    pub(crate) fn log_count(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Whether all that is listed started and ended within these ranges; `false` also where that is not known.
    pub(super) fn all_within(&self, start_millis: (i64, i64), end_millis: (i64, i64)) -> bool {
        let inside = |all: Option<(i64, i64)>, range: (i64, i64)| {
            all.is_none_or(|(first, last)| range.0 <= first && last <= range.1)
        };
        inside(self.starts, start_millis) && inside(self.ends, end_millis)
    }

    /// The names of a source's logs that a scan has not seen.
    pub(crate) fn unseen(&self, source: u16, scan: u32) -> Vec<String> {
        let unseen = self.iter().filter(|row| row.source == source && row.scan != scan);
        unseen.map(|row| row.log().to_owned()).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Listed<'_>> {
        self.rows.iter().flatten().map(|row| Listed::new(row, &self.texts))
    }

    /// The applications in the list's own order.
    pub(crate) fn in_order(&self) -> impl DoubleEndedIterator<Item = App<'_>> {
        self.order.iter().map(|first| App { rows: self, first })
    }

    /// How many applications come before the first of which `is_before` is not true; none behind that may be so.
    pub(super) fn partition_point(&self, is_before: impl Fn(App<'_>) -> bool) -> usize {
        self.order.partition_point(|first| is_before(App { rows: self, first }))
    }

    pub(super) fn app_numbered(&self, first: u32) -> App<'_> {
        App { rows: self, first }
    }

    pub(crate) fn app(&self, app_id: &str) -> Option<App<'_>> {
        let first = *self.apps.find(self.hasher.hash_one(app_id), |id| self.app_of(*id) == Some(app_id))?;
        Some(App { rows: self, first })
    }

    /// The attempts of an application, newest first.
    pub(crate) fn attempts(&self, app_id: &str) -> Option<impl Iterator<Item = Listed<'_>>> {
        Some(self.app(app_id)?.attempts())
    }

    /// Whether a log of this attempt is known.
    pub(crate) fn has_attempt(&self, app_id: &str, attempt_id: Option<&str>) -> bool {
        let mut rows = self.attempts(app_id).into_iter().flatten().chain(self.hidden_logs(app_id));
        rows.any(|row| row.attempt_id() == attempt_id)
    }

    /// The logs that are not shown because another one is of the same attempt.
    pub(crate) fn hidden_logs(&self, app_id: &str) -> impl Iterator<Item = Listed<'_>> {
        self.app(app_id).into_iter().flat_map(App::hidden_logs)
    }

    /// All logs: those of an application together, in the list's own order; then those that are of none.
    pub(super) fn all_in_order(&self) -> impl Iterator<Item = Listed<'_>> {
        let of_apps = self.in_order().flat_map(|app| app.attempts().chain(app.hidden_logs()));
        of_apps.chain(self.iter().filter(|row| row.app().is_none()))
    }

    fn row(&self, id: u32) -> Option<Listed<'_>> {
        Some(Listed::new(self.rows.get(id as usize)?.as_ref()?, &self.texts))
    }

    fn app_of(&self, id: u32) -> Option<&str> {
        self.row(id)?.app()
    }

    fn log_hash(&self, source: u16, log: &str) -> u64 {
        self.hasher.hash_one((source, log))
    }

    fn id_of(&self, source: u16, log: &str) -> Option<u32> {
        let same = |id: &u32| self.row(*id).is_some_and(|row| row.source == source && row.log() == log);
        self.logs.find(self.log_hash(source, log), same).copied()
    }

    /// What is known of a log.
    pub(crate) fn log(&self, source: u16, log: &str) -> Option<Listed<'_>> {
        self.row(self.id_of(source, log)?)
    }

    fn log_mut(&mut self, source: u16, log: &str) -> Option<&mut Row> {
        let id = self.id_of(source, log)?;
        self.rows.get_mut(id as usize)?.as_mut()
    }

    /// Notes that a scan has seen a log; `false` for one that is not known.
    pub(crate) fn mark(&mut self, source: u16, log: &str, scan: u32) -> bool {
        let row = self.log_mut(source, log);
        row.map(|row| row.scan = scan).is_some()
    }

    /// Notes that a growing log has grown, which changes nothing else of what is listed.
    pub(crate) fn grown(&mut self, source: u16, log: &str, seen: (u64, u64, i64), now_millis: i64) {
        if let Some(row) = self.log_mut(source, log) {
            (row.fingerprint, row.size_bytes, row.modified_millis) = seen;
            row.updated_millis = now_millis;
        }
    }

    /// Takes in a log, in place of what was known of it. There is room for four gigabytes of names.
    pub(crate) fn insert(&mut self, seen: Seen) {
        self.remove(seen.source, &seen.log);
        let packed = Parts::of(&seen).and_then(|(text, parts)| {
            let span = Span::new(self.texts.len(), text.len())?;
            Some((text, span, parts))
        });
        let Some((text, span, parts)) = packed else { return };
        self.texts.push_str(&text);
        let summary = &seen.summary;
        let symbols = [&summary.app_name, &summary.user, &summary.spark_version].map(|text| self.symbols.intern(text));
        let acls = self.intern_acls(&summary.acls);
        let row = Row::new(&seen, span, parts, symbols, acls);
        let id = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        });
        self.rows[id as usize] = Some(row);
        let hash = self.log_hash(seen.source, &seen.log);
        let Self { rows, texts, hasher, logs, .. } = self;
        logs.insert_unique(hash, id, |id| {
            let listed = rows[*id as usize].as_ref().map(|row| Listed::new(row, texts));
            listed.map_or(0, |row| hasher.hash_one((row.source, row.log())))
        });
        if let Some(app) = &seen.summary.app_id {
            self.starts = with(self.starts, row.start_millis);
            self.ends = if row.ended { with(self.ends, row.end_millis) } else { self.ends };
            let mut ids = self.take_app(app);
            ids.push(id);
            self.place(ids);
        }
    }

    /// Forgets a log; `false` for one that is not known. Its application stays as long as another log is of it.
    pub(crate) fn remove(&mut self, source: u16, log: &str) -> bool {
        let Some(id) = self.id_of(source, log) else { return false };
        let mut others = self.app_of(id).map(str::to_owned).map(|app| self.take_app(&app)).unwrap_or_default();
        others.retain(|other| *other != id);
        if let Ok(entry) = self.logs.find_entry(self.log_hash(source, log), |other| *other == id) {
            entry.remove();
        }
        if let Some(row) = self.rows.get_mut(id as usize).and_then(Option::take) {
            self.wasted_bytes += row.text.range().len();
            self.free.push(id);
        }
        self.place(others);
        if self.wasted_bytes > WASTE_BYTES.max(self.texts.len() / 2) {
            self.clear_away();
        }
        true
    }

    /// Drops the texts of logs that are gone.
    fn clear_away(&mut self) {
        let mut texts = String::with_capacity(self.texts.len() - self.wasted_bytes);
        for row in self.rows.iter_mut().flatten() {
            let text = &self.texts[row.text.range()];
            if let Some(span) = Span::new(texts.len(), text.len()) {
                row.text = span;
                texts.push_str(text);
            }
        }
        (self.texts, self.wasted_bytes) = (texts, 0);
    }

    /// How the application of a row stands to another one in the list's own order.
    fn stands(&self, id: u32, other: u32) -> Ordering {
        let place = |id| self.row(id).map(|row| (Reverse(row.end_millis), Reverse(row.app())));
        place(id).cmp(&place(other))
    }

    /// Takes an application out of the indexes, and gives all its logs.
    fn take_app(&mut self, app_id: &str) -> Vec<u32> {
        let hash = self.hasher.hash_one(app_id);
        let Some(first) = self.app(app_id).map(App::number) else { return Vec::new() };
        let mut order = std::mem::take(&mut self.order);
        order.remove(first, |other| self.stands(other, first));
        self.order = order;
        if let Ok(entry) = self.apps.find_entry(hash, |other| *other == first) {
            entry.remove();
        }
        match self.several.remove(&first) {
            Some(Several { mut attempts, hidden }) => {
                attempts.extend(hidden);
                attempts
            }
            None => vec![first],
        }
    }

    /// Puts an application where its logs say; it is in no index.
    fn place(&mut self, ids: Vec<u32>) {
        let (attempts, hidden) = self.shown(ids);
        let Some(first) = attempts.first().copied() else { return };
        let mut order = std::mem::take(&mut self.order);
        order.insert(first, |other| self.stands(other, first));
        self.order = order;
        let Self { rows, texts, hasher, apps, .. } = self;
        let hash = |id: &u32| {
            let listed = rows[*id as usize].as_ref().map(|row| Listed::new(row, texts));
            hasher.hash_one(listed.and_then(Listed::app).unwrap_or_default())
        };
        apps.insert_unique(hash(&first), first, hash);
        if attempts.len() + hidden.len() > 1 {
            self.several.insert(first, Several { attempts, hidden });
        }
    }

    /// Of several logs of one attempt, one that has ended is shown, the oldest of those: a server of Spark's that starts
    /// on these files keeps that one.
    fn shown(&self, mut ids: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
        if ids.len() < 2 {
            return (ids, Vec::new());
        }
        ids.sort_by_key(|id| self.row(*id).map(|row| (row.attempt_id(), !row.ended, row.modified_millis, row.log())));
        let (mut shown, mut hidden): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for id in ids {
            let attempt = |id: &u32| self.row(*id).and_then(Listed::attempt_id);
            let same = shown.last().is_some_and(|last| attempt(last) == attempt(&id));
            if same { hidden.push(id) } else { shown.push(id) }
        }
        shown.sort_by_key(|id| {
            let attempt = |row: Listed<'_>| row.attempt_id().and_then(|attempt| attempt.parse::<u64>().ok());
            Reverse(self.row(*id).map(|row| (row.start_millis, attempt(row))))
        });
        (shown, hidden)
    }

    fn intern_acls(&mut self, acls: &Acls) -> u32 {
        if let Some(id) = self.acl_ids.get(acls) {
            return *id;
        }
        let id = u32::try_from(self.acl_texts.len()).unwrap_or(u32::MAX);
        self.acl_texts.push(acls.clone());
        self.acl_ids.insert(acls.clone(), id);
        id
    }
}
