//! Asking the list: Spark's filters first, then ours.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use super::filter::{Filter, Outcome, Sort};
use super::row::{Listed, Row};
use super::rows::{App, Rows};
use super::sorted::{Cursor, Key};
use super::symbols::{Symbol, Wanted};
use crate::access::AccessConfig;
use crate::event_log::LogSource;
use history_model::types::{ApplicationAttemptInfo, ApplicationInfo, Date};

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
    pub(crate) ids: Vec<Box<str>>,
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
        let cursor = filter.cursor.as_deref().and_then(Cursor::of);
        // Whether an application is on an earlier page, or the last of one.
        let is_before = |app: App<'_>| {
            cursor.as_ref().is_some_and(|cursor| {
                let order = cursor.in_own_order(app);
                order == Ordering::Equal || (order == Ordering::Less) != filter.reverse
            })
        };
        if test.lets_all_through() {
            let total = self.rows.app_count();
            let start = match filter.reverse {
                true => total - self.rows.partition_point(|app| !is_before(app)),
                false => self.rows.partition_point(is_before),
            };
            let start = start.saturating_add(filter.skip);
            return match filter.reverse {
                true => part(self.rows.in_order().rev().skip(start), start, total, filter),
                false => part(self.rows.in_order().skip(start), start, total, filter),
            };
        }
        let passing = |app: &App<'a>| test.passes(*app);
        let found: Vec<App<'a>> = match filter.reverse {
            true => self.rows.in_order().rev().filter(passing).collect(),
            false => self.rows.in_order().filter(passing).collect(),
        };
        let start = found.partition_point(|app| is_before(*app)).saturating_add(filter.skip);
        let total = found.len();
        part(found.into_iter().skip(start), start, total, filter)
    }

    /// In another order. Only the page is sorted.
    fn find_sorted(&self, filter: &Filter) -> Found {
        let test = Test::new(self, filter);
        let all = test.lets_all_through();
        let passing = self.rows.in_order().filter(|app| all || test.passes(*app));
        let mut found: Vec<Key> = passing.map(|app| Key::of(filter.sort, self.rows, app)).collect();
        let total = found.len();
        let directed = |order: Ordering| if filter.reverse { order.reverse() } else { order };
        let compare = |a: &Key, b: &Key| directed(a.compare(b, filter.sort, self.rows));
        if let Some(cursor) = filter.cursor.as_deref().and_then(Cursor::of) {
            let stands = |key: &Key| cursor.compare(filter.sort, self.rows, key.app(self.rows));
            found.retain(|key| directed(stands(key)).is_gt());
        }
        let end = filter.skip.saturating_add(filter.limit);
        let more = filter.limit > 0 && found.len() > end;
        if more {
            found.select_nth_unstable_by(end - 1, compare);
        }
        found.truncate(end);
        found.sort_unstable_by(compare);
        found.drain(..filter.skip.min(found.len()));
        let last = found.last().filter(|_| more).map(|key| key.app(self.rows));
        let next_cursor = last.map(|app| Cursor::at(filter.sort, self.rows, app).to_text());
        Found { ids: found.iter().map(|key| key.app(self.rows).id().into()).collect(), total, next_cursor }
    }

    /// An application, if it is there and may be seen.
    pub(super) fn application(&self, app_id: &str) -> Option<ApplicationInfo> {
        let attempts: Vec<_> = self.rows.attempts(app_id)?.collect();
        let name = self.rows.symbols.get(attempts.first()?.name).to_owned();
        let attempts = attempts.into_iter().map(|row| self.attempt(row)).collect();
        Some(ApplicationInfo { id: app_id.to_owned(), name, attempts, ..ApplicationInfo::default() })
    }

    fn attempt(&self, row: Listed<'_>) -> ApplicationAttemptInfo {
        let source = self.sources.get(usize::from(row.source));
        ApplicationAttemptInfo {
            attempt_id: row.attempt_id().map(str::to_owned),
            start_time: Date(row.start_millis),
            end_time: Date(row.end_millis),
            last_updated: Date(row.updated_millis),
            duration: row.duration(),
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
}

/// The page that begins with the first of `rest`, which is number `start` of `total`.
fn part<'a>(rest: impl Iterator<Item = App<'a>>, start: usize, total: usize, filter: &Filter) -> Found {
    let mut last = None;
    let ids = rest.take(filter.limit).inspect(|app| last = Some(*app)).map(|app| app.id().into()).collect();
    let more = filter.limit > 0 && start.saturating_add(filter.limit) < total;
    let next_cursor = last.filter(|_| more).map(|app| Cursor::at_end(app).to_text());
    Found { ids, total, next_cursor }
}

/// A filter made ready: texts that repeat are compared once.
struct Test<'a> {
    asked: &'a Asked<'a>,
    filter: &'a Filter,
    names: Option<Vec<bool>>,
    users: Option<Vec<bool>>,
    versions: Option<Vec<bool>>,
    id: Option<Wanted>,
    search: Option<(Vec<bool>, Wanted)>,
    /// By ACLs and owner: few of them differ.
    allowed: RefCell<HashMap<(u32, Symbol), bool>>,
}

impl<'a> Test<'a> {
    fn new(asked: &'a Asked<'a>, filter: &'a Filter) -> Self {
        let symbols = &asked.rows.symbols;
        let containing = |wanted: &String| symbols.containing(&Wanted::new(wanted));
        Self {
            asked,
            filter,
            names: filter.name.as_ref().map(containing),
            users: filter.user.as_ref().map(|user| symbols.matching(|text| text == user)),
            versions: (filter.spark_version.as_ref())
                .map(|version| symbols.matching(|text| text.starts_with(version.as_str()))),
            id: filter.id.as_deref().map(Wanted::new),
            search: filter.search.as_ref().map(|text| (containing(text), Wanted::new(text))),
            allowed: RefCell::default(),
        }
    }

    /// Whether nothing is asked for but the list.
    fn lets_all_through(&self) -> bool {
        let Filter { completed, running, start_millis, end_millis, outcome, .. } = self.filter;
        let Filter { start_millis: any_start, end_millis: any_end, .. } = Filter::default();
        let texts = self.names.is_none() && self.users.is_none() && self.versions.is_none();
        let ranges =
            (*start_millis, *end_millis) == (any_start, any_end) && self.asked.rows.all_within(any_start, any_end);
        *completed
            && *running
            && texts
            && self.id.is_none()
            && self.search.is_none()
            && outcome.is_none()
            && ranges
            && !self.asked.access.enabled
    }

    fn passes(&self, app: App<'_>) -> bool {
        let Some(newest) = app.newest() else { return false };
        let running = !newest.ended;
        let Filter { completed, running: also_running, .. } = *self.filter;
        (if running { also_running } else { completed })
            && self.names_match(&newest, app)
            && app.attempts().any(|row| self.in_range(&row, running) && self.became(&row))
            && self.visible(&newest)
    }

    fn names_match(&self, row: &Row, app: App<'_>) -> bool {
        let says = |table: &[bool], symbol: Symbol| table.get(symbol.index()).copied().unwrap_or(false);
        let in_id = |wanted: &Wanted| wanted.is_in(app.id());
        self.names.as_deref().is_none_or(|names| says(names, row.name))
            && self.users.as_deref().is_none_or(|users| says(users, row.user))
            && self.versions.as_deref().is_none_or(|versions| says(versions, row.spark_version))
            && self.id.as_ref().is_none_or(in_id)
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
