//! Applications in another order than the list's own, and where a page of them ends.

use std::borrow::Cow;
use std::cmp::Ordering;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::filter::Sort;
use super::rows::{App, Rows};

/// What a list is sorted by. Numbers come first, then texts in lower case, then ids.
fn number(sort: Sort, app: App<'_>) -> i64 {
    let Some(row) = app.newest() else { return 0 };
    match sort {
        Sort::End => row.end_millis.saturating_neg(),
        Sort::Start => row.start_millis.saturating_neg(),
        Sort::Duration => row.duration().saturating_neg(),
        Sort::Updated => row.updated_millis.saturating_neg(),
        Sort::Name | Sort::User | Sort::Id => 0,
    }
}

/// The text, as it is written.
fn text<'a>(sort: Sort, rows: &'a Rows, app: App<'a>) -> &'a str {
    let symbol = app.newest().and_then(|row| match sort {
        Sort::Name => Some(row.name),
        Sort::User => Some(row.user),
        Sort::End | Sort::Start | Sort::Duration | Sort::Updated | Sort::Id => None,
    });
    symbol.map_or("", |symbol| rows.symbols.get(symbol))
}

fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { text.into() } else { text.to_lowercase().into() }
}

/// What an application is sorted by, as far as it fits: few are alike in that, and only these are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    high: u64,
    low: u64,
    app: u32,
}

impl Key {
    pub(super) fn of(sort: Sort, rows: &Rows, app: App<'_>) -> Self {
        let beginning = |text: &str| {
            let mut bytes = [0; 16];
            let len = text.len().min(16);
            bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
            u128::from_be_bytes(bytes)
        };
        let begin = match sort {
            Sort::End | Sort::Start | Sort::Duration | Sort::Updated => {
                // Numbers below 0 come first.
                u128::from(number(sort, app) as u64 ^ (1 << 63)) << 64
            }
            Sort::Name | Sort::User => beginning(&lower(text(sort, rows, app))),
            Sort::Id => beginning(app.id()),
        };
        Self { high: (begin >> 64) as u64, low: begin as u64, app: app.number() }
    }

    pub(super) fn app<'a>(&self, rows: &'a Rows) -> App<'a> {
        rows.app_numbered(self.app)
    }

    pub(super) fn compare(&self, other: &Self, sort: Sort, rows: &Rows) -> Ordering {
        (self.high, self.low).cmp(&(other.high, other.low)).then_with(|| {
            let [one, two] = [self, other].map(|key| (lower(text(sort, rows, key.app(rows))), key.app(rows).id()));
            one.cmp(&two)
        })
    }
}

/// The last application of a page, by what it was sorted by: it may be gone when the next page is asked for.
#[derive(Debug)]
pub(super) struct Cursor {
    number: i64,
    text: String,
    id: String,
}

impl Cursor {
    pub(super) fn at(sort: Sort, rows: &Rows, app: App<'_>) -> Self {
        let text = lower(text(sort, rows, app)).into_owned();
        Self { number: number(sort, app), text, id: app.id().to_owned() }
    }

    /// In the list's own order.
    pub(super) fn at_end(app: App<'_>) -> Self {
        Self { number: number(Sort::End, app), text: String::new(), id: app.id().to_owned() }
    }

    pub(super) fn to_text(&self) -> String {
        let [text, id] = [&self.text, &self.id].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        format!("{}~{text}~{id}", self.number)
    }

    pub(super) fn of(cursor: &str) -> Option<Self> {
        let mut parts = cursor.splitn(3, '~');
        let mut text = || percent_decode_str(parts.next()?).decode_utf8().ok();
        Some(Self { number: text()?.parse().ok()?, text: text()?.into_owned(), id: text()?.into_owned() })
    }

    /// How an application stands to it.
    pub(super) fn compare(&self, sort: Sort, rows: &Rows, app: App<'_>) -> Ordering {
        let stands = (number(sort, app), lower(text(sort, rows, app)), app.id());
        stands.cmp(&(self.number, Cow::Borrowed(&*self.text), &*self.id))
    }

    /// The same in the list's own order: by end, then by id from behind.
    pub(super) fn in_own_order(&self, app: App<'_>) -> Ordering {
        number(Sort::End, app).cmp(&self.number).then_with(|| self.id.as_str().cmp(app.id()))
    }
}
