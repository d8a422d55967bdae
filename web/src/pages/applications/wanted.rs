//! Which applications the reader wants to see: what the form of the list asks for.

use chrono::{NaiveDate, NaiveTime};
use history_server::{Filter, Outcome};

use crate::params::Params;

/// What of the list is asked for, as it stands in the URL.
pub(crate) struct Wanted {
    /// Those that have not ended, rather than those that have.
    pub(crate) incomplete: bool,
    pub(crate) search: String,
    pub(crate) user: String,
    /// How the version of Spark begins.
    pub(crate) version: String,
    /// The days, in UTC, on which an attempt started: the first and the last.
    pub(crate) from: String,
    pub(crate) to: String,
    state: String,
}

/// Each state in the URL, and what it says.
const ENDED: [(&str, Outcome); 3] =
    [("completed", Outcome::Completed), ("failed", Outcome::Failed), ("killed", Outcome::Killed)];
const NOT_ENDED: [(&str, Outcome); 2] = [("in progress", Outcome::InProgress), ("lost", Outcome::Lost)];

const DAY_MILLIS: i64 = 86_400_000;

impl Wanted {
    /// The parameters of the form.
    pub(crate) const NAMES: [&str; 6] = ["q", "user", "version", "state", "from", "to"];

    pub(crate) fn new(params: &Params, incomplete: bool) -> Self {
        let text = |name: &str| params.text(name).unwrap_or_default().to_owned();
        // A day that is none asks for nothing.
        let day =
            |name: &str| params.text(name).filter(|text| start_of_day(text).is_some()).unwrap_or_default().to_owned();
        Self {
            incomplete,
            search: text("q"),
            user: text("user"),
            version: text("version"),
            from: day("from"),
            to: day("to"),
            state: text("state"),
        }
    }

    /// Whether anything is asked for but the words.
    pub(crate) fn is_filtered(&self) -> bool {
        let texts = [&self.user, &self.version, &self.from, &self.to];
        texts.into_iter().any(|text| !text.is_empty()) || self.outcome().is_some()
    }

    /// Whether anything at all is asked for.
    pub(crate) fn is_narrowed(&self) -> bool {
        !self.search.is_empty() || self.is_filtered()
    }

    /// The states to choose from, and which is chosen.
    pub(crate) fn states(&self) -> Vec<(&'static str, bool)> {
        self.outcomes().iter().map(|(name, _)| (*name, *name == self.state)).collect()
    }

    pub(crate) fn filter(&self) -> Filter {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let all = Filter::default();
        let first = start_of_day(&self.from).unwrap_or(all.start_millis.0);
        let last = start_of_day(&self.to).map_or(all.start_millis.1, |start| start.saturating_add(DAY_MILLIS - 1));
        Filter {
            completed: !self.incomplete,
            running: self.incomplete,
            start_millis: (first, last),
            user: some(&self.user),
            spark_version: some(&self.version),
            outcome: self.outcome(),
            search: some(&self.search),
            ..all
        }
    }

    fn outcomes(&self) -> &'static [(&'static str, Outcome)] {
        if self.incomplete { &NOT_ENDED } else { &ENDED }
    }

    fn outcome(&self) -> Option<Outcome> {
        self.outcomes().iter().find(|(name, _)| *name == self.state).map(|(_, outcome)| *outcome)
    }
}

/// The first moment of a day, in milliseconds since the epoch; `None` when it is not written as forms write days.
fn start_of_day(text: &str) -> Option<i64> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}
