//! Asking the list: Spark's filters first, then ours.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::rows::{Attempts, Row, Rows};
use super::symbols::Symbol;
use crate::access::{AccessConfig, Viewer};
use crate::event_log::LogSource;
use history_model::types::{ApplicationAttemptInfo, ApplicationInfo, Date};

/// What is asked of the list. The default asks for everything in Spark's order: latest end first.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Applications whose newest attempt has ended.
    pub completed: bool,
    /// Applications whose newest attempt has not.
    pub running: bool,
    /// On an attempt's start, in milliseconds since the epoch; both ends belong to it.
    pub start_millis: (i64, i64),
    /// On an attempt's end. Of running applications: they are left out when its latest moment has passed.
    pub end_millis: (i64, i64),
    /// So many of those that pass all filters are passed over.
    pub skip: usize,
    /// At most this many of the others.
    pub limit: usize,
    /// In the application's name, in any case.
    pub name: Option<String>,
    /// Exactly the user that ran it.
    pub user: Option<String>,
    /// Of any version of Spark that begins with this.
    pub spark_version: Option<String>,
    /// What became of an attempt; of any, when empty.
    pub outcome: Option<Outcome>,
    /// In the application's id, in any case.
    pub id: Option<String>,
    /// In name, user or id, in any case.
    pub search: Option<String>,
    /// In which order.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// Behind the last application of a page: that page's [`Page::next_cursor`].
    pub cursor: Option<String>,
    /// Who asks; others' applications are left out.
    pub viewer: Viewer,
}

/// What became of an attempt, as far as its event log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its driver ended, and without an error if it says so: Spark does from 4.0 on.
    Completed,
    /// Its driver ended with an error.
    Failed,
    /// Its driver was told to end, or killed, by a signal.
    Killed,
    /// Its event log has no end, and grows.
    InProgress,
    /// Its event log has no end, and has not grown for an hour.
    Lost,
}

impl Outcome {
    /// An event log without an end that has not grown for so long belongs to a driver that is gone, it seems.
    const SILENT_MILLIS: i64 = 3_600_000;

    /// That of an attempt, at this moment.
    pub fn of(attempt: &ApplicationAttemptInfo, now_millis: i64) -> Self {
        Self::told(attempt.completed, attempt.exit_code, attempt.last_updated.0, now_millis)
    }

    fn told(ended: bool, exit_code: Option<i32>, updated_millis: i64, now_millis: i64) -> Self {
        match (ended, exit_code.unwrap_or(0)) {
            (true, 0) => Self::Completed,
            // As a shell tells it: 128, and the number of the signal.
            (true, 130 | 137 | 143) => Self::Killed,
            (true, _) => Self::Failed,
            (false, _) if now_millis.saturating_sub(updated_millis) > Self::SILENT_MILLIS => Self::Lost,
            (false, _) => Self::InProgress,
        }
    }
}

/// What the list is sorted by; ties by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Latest end first; then those that run.
    #[default]
    End,
    /// Latest start first.
    Start,
    /// Longest first.
    Duration,
    /// Last changed first.
    Updated,
    /// By name, from A to Z.
    Name,
    /// By user, from A to Z.
    User,
    /// By id.
    Id,
}

impl Default for Filter {
    fn default() -> Self {
        // Spark's own bounds: 2010-01-01 to 3000-01-01.
        const ALWAYS: (i64, i64) = (1_262_304_000_000, 32_503_680_000_000);
        Self {
            completed: true,
            running: true,
            start_millis: ALWAYS,
            end_millis: ALWAYS,
            skip: 0,
            limit: usize::MAX,
            name: None,
            user: None,
            spark_version: None,
            outcome: None,
            id: None,
            search: None,
            sort: Sort::default(),
            reverse: false,
            cursor: None,
            viewer: Viewer::default(),
        }
    }
}

/// A part of the list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In the order asked for.
    pub applications: Vec<ApplicationInfo>,
    /// How many there are in all that the filter lets through, on this page or not.
    pub total: usize,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<String>,
}

/// Which applications a filter finds.
pub(crate) struct Found {
    /// Their ids, in the order asked for.
    pub(crate) ids: Vec<Arc<str>>,
    /// How many there are in all, on this page or not.
    pub(crate) total: usize,
    /// Where the next page begins, if there is one.
    pub(crate) next_cursor: Option<String>,
}

/// Everything a query looks at.
pub(super) struct Asked<'a> {
    pub(super) rows: &'a Rows,
    pub(super) sources: &'a [LogSource],
    pub(super) access: &'a AccessConfig,
    pub(super) now_millis: i64,
}

impl<'a> Asked<'a> {
    pub(super) fn page(&self, filter: &Filter) -> Page {
        let Found { ids, total, next_cursor } = self.find(filter);
        Page { applications: ids.iter().filter_map(|id| self.application(id)).collect(), total, next_cursor }
    }

    pub(super) fn find(&self, filter: &Filter) -> Found {
        if filter.sort == Sort::End { self.find_in_order(filter) } else { self.find_sorted(filter) }
    }

    /// In the list's own order, in which all applications are already.
    fn find_in_order(&self, filter: &Filter) -> Found {
        let test = Test::new(self, filter);
        let passing = |(id, attempts): (&'a Arc<str>, Attempts<'a>)| test.passes(id, attempts).then_some(id);
        let found: Vec<&Arc<str>> = match filter.reverse {
            true => self.rows.in_order().rev().filter_map(passing).collect(),
            false => self.rows.in_order().filter_map(passing).collect(),
        };
        let total = found.len();
        let start = filter.cursor.as_deref().map_or(0, |cursor| self.behind(filter, &found, cursor));
        let start = start.saturating_add(filter.skip);
        let ids = found.iter().skip(start).take(filter.limit).map(|id| Arc::clone(id)).collect();
        let more = start.saturating_add(filter.limit) < total;
        let last = found.get(start.saturating_add(filter.limit).saturating_sub(1)).filter(|_| more && filter.limit > 0);
        let next_cursor = last.map(|id| self.key(filter.sort, id).to_cursor());
        Found { ids, total, next_cursor }
    }

    /// In another order. Only the page is sorted.
    fn find_sorted(&self, filter: &Filter) -> Found {
        let test = Test::new(self, filter);
        let passing = self.rows.in_order().filter(|(id, attempts)| test.passes(id, attempts.clone()));
        let mut found: Vec<_> = passing.map(|(id, _)| self.key(filter.sort, id)).collect();
        let total = found.len();
        let compare = |a: &SortKey, b: &SortKey| if filter.reverse { b.cmp(a) } else { a.cmp(b) };
        if let Some(cursor) = filter.cursor.as_deref().and_then(SortKey::of_cursor) {
            found.retain(|key| compare(key, &cursor).is_gt());
        }
        let end = filter.skip.saturating_add(filter.limit);
        let more = filter.limit > 0 && found.len() > end;
        if more {
            found.select_nth_unstable_by(end - 1, compare);
        }
        found.truncate(end);
        found.sort_unstable_by(compare);
        found.drain(..filter.skip.min(found.len()));
        let next_cursor = found.last().filter(|_| more).map(SortKey::to_cursor);
        Found { ids: found.into_iter().map(|key| key.id).collect(), total, next_cursor }
    }

    /// An application, if it is there and may be seen.
    pub(super) fn application(&self, app_id: &str) -> Option<ApplicationInfo> {
        let attempts: Vec<_> = self.rows.attempts(app_id)?.collect();
        let name = self.rows.symbols.get(attempts.first()?.name).to_owned();
        let attempts = attempts.into_iter().map(|row| self.attempt(row)).collect();
        Some(ApplicationInfo { id: app_id.to_owned(), name, attempts, ..ApplicationInfo::default() })
    }

    fn attempt(&self, row: &Row) -> ApplicationAttemptInfo {
        let source = self.sources.get(usize::from(row.source));
        ApplicationAttemptInfo {
            attempt_id: row.attempt_id.as_deref().map(str::to_owned),
            start_time: Date(row.start_millis),
            end_time: Date(row.end_millis),
            last_updated: Date(row.updated_millis),
            duration: duration(row),
            spark_user: self.rows.symbols.get(row.user).to_owned(),
            completed: row.ended,
            app_spark_version: self.rows.symbols.get(row.spark_version).to_owned(),
            exit_code: row.exit_code,
            log_source_name: source.map(|source| source.name.clone()),
            log_source_full_path: source.map(|source| source.full_path.clone()),
            start_time_epoch: row.start_millis,
            end_time_epoch: row.end_millis,
            last_updated_epoch: row.updated_millis,
        }
    }

    fn newest(&self, app_id: &str) -> Option<&Row> {
        self.rows.attempts(app_id)?.next()
    }

    fn key(&self, sort: Sort, id: &Arc<str>) -> SortKey {
        let Some(row) = self.newest(id) else { return SortKey { number: 0, text: String::new(), id: Arc::clone(id) } };
        let text = |symbol| self.rows.symbols.get(symbol).to_lowercase();
        let (number, text) = match sort {
            Sort::End => (row.end_millis.saturating_neg(), String::new()),
            Sort::Start => (row.start_millis.saturating_neg(), String::new()),
            Sort::Duration => (duration(row).saturating_neg(), String::new()),
            Sort::Updated => (row.updated_millis.saturating_neg(), String::new()),
            Sort::Name => (0, text(row.name)),
            Sort::User => (0, text(row.user)),
            Sort::Id => (0, String::new()),
        };
        SortKey { number, text, id: Arc::clone(id) }
    }

    /// The index behind what `cursor` names in the list's own order, whether that is still there or not.
    fn behind(&self, filter: &Filter, found: &[&Arc<str>], cursor: &str) -> usize {
        let Some(cursor) = SortKey::of_cursor(cursor) else { return 0 };
        found.partition_point(|id| {
            let key = self.key(filter.sort, id);
            // By end, then by id from behind.
            let order = key.number.cmp(&cursor.number).then(cursor.id.cmp(&key.id));
            order == Ordering::Equal || (order == Ordering::Less) != filter.reverse
        })
    }
}

fn duration(row: &Row) -> i64 {
    if row.ended { row.end_millis.saturating_sub(row.start_millis) } else { 0 }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SortKey {
    number: i64,
    text: String,
    id: Arc<str>,
}

impl SortKey {
    fn to_cursor(&self) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let text = utf8_percent_encode(&self.text, NON_ALPHANUMERIC);
        format!("{}~{text}~{}", self.number, utf8_percent_encode(&self.id, NON_ALPHANUMERIC))
    }

    fn of_cursor(cursor: &str) -> Option<Self> {
        let mut parts = cursor.splitn(3, '~');
        let mut text = || percent_encoding::percent_decode_str(parts.next()?).decode_utf8().ok();
        Some(Self { number: text()?.parse().ok()?, text: text()?.into_owned(), id: text()?.into() })
    }
}

/// A filter made ready: texts that repeat are compared once.
struct Test<'a> {
    asked: &'a Asked<'a>,
    filter: &'a Filter,
    names: Option<Vec<bool>>,
    users: Option<Vec<bool>>,
    versions: Option<Vec<bool>>,
    id: Option<String>,
    search: Option<(Vec<bool>, String)>,
    /// By ACLs and owner: few of them differ.
    allowed: RefCell<HashMap<(u32, Symbol), bool>>,
}

impl<'a> Test<'a> {
    fn new(asked: &'a Asked<'a>, filter: &'a Filter) -> Self {
        let symbols = &asked.rows.symbols;
        let containing = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            symbols.matching(|text| text.to_lowercase().contains(&wanted))
        };
        Self {
            asked,
            filter,
            names: filter.name.as_ref().map(containing),
            users: filter.user.as_ref().map(|user| symbols.matching(|text| text == user)),
            versions: (filter.spark_version.as_ref())
                .map(|version| symbols.matching(|text| text.starts_with(version.as_str()))),
            id: filter.id.as_ref().map(|id| id.to_lowercase()),
            search: filter.search.as_ref().map(|text| (containing(text), text.to_lowercase())),
            allowed: RefCell::default(),
        }
    }

    fn passes(&self, id: &str, mut attempts: Attempts<'_>) -> bool {
        let Some(newest) = attempts.next() else { return false };
        let running = !newest.ended;
        let Filter { completed, running: also_running, .. } = *self.filter;
        (if running { also_running } else { completed })
            && self.names_match(newest, id)
            && std::iter::once(newest).chain(attempts).any(|row| self.in_range(row, running) && self.became(row))
            && self.visible(newest)
    }

    fn names_match(&self, row: &Row, id: &str) -> bool {
        let says = |table: &[bool], symbol: Symbol| table.get(symbol.index()).copied().unwrap_or(false);
        let in_id = |wanted: &str| id.to_lowercase().contains(wanted);
        self.names.as_deref().is_none_or(|names| says(names, row.name))
            && self.users.as_deref().is_none_or(|users| says(users, row.user))
            && self.versions.as_deref().is_none_or(|versions| says(versions, row.spark_version))
            && self.id.as_deref().is_none_or(in_id)
            && (self.search.as_ref())
                .is_none_or(|(texts, wanted)| says(texts, row.name) || says(texts, row.user) || in_id(wanted))
    }

    fn became(&self, row: &Row) -> bool {
        let told = || Outcome::told(row.ended, row.exit_code, row.updated_millis, self.asked.now_millis);
        self.filter.outcome.is_none_or(|outcome| outcome == told())
    }

    fn in_range(&self, row: &Row, running: bool) -> bool {
        let within = |at: i64, (first, last): (i64, i64)| (first..=last).contains(&at);
        let end_fits = match running {
            true => self.filter.end_millis.1 > self.asked.now_millis,
            false => within(row.end_millis, self.filter.end_millis),
        };
        end_fits && within(row.start_millis, self.filter.start_millis)
    }

    fn visible(&self, row: &Row) -> bool {
        if !self.asked.access.enabled {
            return true;
        }
        *self.allowed.borrow_mut().entry((row.acls, row.user)).or_insert_with(|| {
            let owner = self.asked.rows.symbols.get(row.user);
            self.asked.access.allows(&self.filter.viewer, owner, self.asked.rows.acls(row.acls))
        })
    }
}
