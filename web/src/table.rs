//! Tables that sort and turn their pages by links alone. The parameters are Spark's own: of a table with the tag
//! `completedJob`, `completedJob.sort` is a column's title, `completedJob.desc`, `completedJob.page` and
//! `completedJob.pageSize` say the rest; links keep the parameters of the page's other tables.

mod fit;

use std::cmp::Ordering;
use std::ops::Range;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::cell::Cell;
use crate::format;
use crate::params::Params;
pub(crate) use fit::Rank;
use fit::Width;

const DEFAULT_PAGE_SIZE: usize = 100;

/// Rows on one page at most, whatever the URL asks for: a browser is slow with more, and a page is made in memory.
const MAX_PAGE_SIZE: usize = 5000;

/// Rows on a page of a table that is not what the page is about.
pub(crate) const FEW_ROWS: usize = 20;

/// A table with no more rows needs no search.
const SEARCHED_ROWS: usize = 20;

/// Of so many pages each has a link.
const JUMP_PAGES: usize = 9;

/// A title longer than this may take two lines.
const LONG_TITLE_CHARS: usize = 18;

/// A column of a table of `T`.
pub(crate) struct Column<'a, T> {
    title: &'static str,
    hint: &'static str,
    class: &'static str,
    rank: Rank,
    order: Option<Order<'a, T>>,
    cell: Box<dyn Fn(&T) -> Cell + 'a>,
    needed: Option<Needed<'a, T>>,
}

type Needed<'a, T> = Box<dyn Fn(&T) -> bool + 'a>;
type Order<'a, T> = Box<dyn Fn(&T, &T) -> Ordering + 'a>;

impl<'a, T> Column<'a, T> {
    pub(crate) fn new(title: &'static str, cell: impl Fn(&T) -> Cell + 'a) -> Self {
        Self { title, hint: "", class: "", rank: Rank::Always, order: None, cell: Box::new(cell), needed: None }
    }

    /// What the title means, in a tooltip.
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// To the right, figures below each other.
    pub(crate) fn number(mut self) -> Self {
        self.class = "num";
        self
    }

    /// Room for prose.
    pub(crate) fn prose(mut self) -> Self {
        self.class = "text";
        self
    }

    /// Kept on one line.
    pub(crate) fn tight(mut self) -> Self {
        self.class = "tight";
        self
    }

    /// Gives way in a window that is too narrow for all columns.
    pub(crate) fn rank(mut self, rank: Rank) -> Self {
        self.rank = rank;
        self
    }

    /// Left out when no row has anything to show in it.
    pub(crate) fn if_any(mut self, needed: impl Fn(&T) -> bool + 'a) -> Self {
        self.needed = Some(Box::new(needed));
        self
    }

    /// The classes of its cells.
    fn classes(&self) -> String {
        match (self.class, self.rank.class()) {
            (class, "") => class.to_owned(),
            ("", rank) => rank.to_owned(),
            (class, rank) => format!("{class} {rank}"),
        }
    }

    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// Makes the column one that does not sort.
    pub(crate) fn unsorted(self) -> Self {
        Self { order: None, ..self }
    }

    /// Makes the column one to sort by, where something else does the sorting.
    pub(crate) fn sortable(self) -> Self {
        self.by(|_| ())
    }

    /// Makes the column one to sort by.
    pub(crate) fn by<K: Ord>(mut self, key: impl Fn(&T) -> K + 'a) -> Self {
        self.order = Some(Box::new(move |a, b| key(a).cmp(&key(b))));
        self
    }
}

/// What a table is, without its rows.
pub(crate) struct TableSpec<'a, T> {
    pub(crate) tag: &'static str,
    pub(crate) title: &'static str,
    pub(crate) columns: Vec<Column<'a, T>>,
    /// Title of the column that sorts when the URL names none, and whether downwards.
    pub(crate) sort: (&'static str, bool),
    /// Said in place of rows.
    pub(crate) empty: &'static str,
}

/// A table, ready to be drawn.
#[derive(Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    pub(crate) tag: &'static str,
    pub(crate) title: &'static str,
    /// Where Spark's links to the table lead: `completed` of `completedJob`.
    pub(crate) anchor: &'static str,
    pub(crate) total: String,
    /// The class of the column that gives way first; empty when none does.
    pub(crate) gives_way: &'static str,
    pub(crate) search: Option<Search>,
    pub(crate) head: Vec<Head>,
    pub(crate) rows: Vec<Vec<Drawn>>,
    pub(crate) empty: &'static str,
    pub(crate) pager: Option<Pager>,
}

impl HtmlSafe for Table {}

/// The search of a table.
pub(crate) struct Search {
    /// The parameter.
    pub(crate) name: String,
    pub(crate) text: String,
    /// What the form carries on.
    pub(crate) kept: Vec<(String, String)>,
    /// The same page without the search.
    pub(crate) clear: String,
}

/// A column's title.
pub(crate) struct Head {
    pub(crate) title: &'static str,
    pub(crate) hint: &'static str,
    /// That of its cells.
    pub(crate) side: &'static str,
    /// `long` when it may take two lines.
    pub(crate) class: &'static str,
    pub(crate) rank: &'static str,
    /// Sorts by this column; empty where one cannot.
    pub(crate) href: String,
    /// The value of `aria-sort`; empty when another column sorts.
    pub(crate) sorted: &'static str,
}

/// A cell and the class of its column.
pub(crate) struct Drawn {
    pub(crate) class: String,
    pub(crate) cell: Cell,
}

type Jump = (String, String, Vec<(String, String)>);

/// Where in a long table this page is.
pub(crate) struct Pager {
    pub(crate) shown: String,
    /// Text, link, whether it is this page.
    pub(crate) pages: Vec<(String, String, bool)>,
    pub(crate) sizes: Vec<(String, String, bool)>,
    /// A form for the number of a page, where there are many: the parameter, the last page, and what is carried on.
    pub(crate) jump: Option<Jump>,
}

impl<T> TableSpec<'_, T> {
    /// The same of those rows in which the words are found that `T.search` in the URL says.
    pub(crate) fn draw_searched(self, rows: Vec<T>, params: &Params) -> Table {
        self.draw_searched_by(DEFAULT_PAGE_SIZE, rows, params)
    }

    /// The same, with so many rows on a page where the URL does not say it.
    pub(crate) fn draw_searched_by(self, page_size: usize, mut rows: Vec<T>, params: &Params) -> Table {
        let name = self.name("search");
        let search = Search {
            text: params.text(&name).unwrap_or_default().to_owned(),
            kept: params.except(&[&name, &self.name("page")]),
            clear: params.with(&[(&name, None), (&self.name("page"), None)]),
            name,
        };
        let total = rows.len();
        if !search.text.is_empty() {
            let needle = search.text.to_lowercase();
            rows.retain(|row| self.columns.iter().any(|column| (column.cell)(row).holds(&needle)));
        }
        let (found, searched) = (rows.len(), !search.text.is_empty());
        let mut table = self.draw_by(page_size, rows, params);
        if searched {
            let number = |n: usize| format::count(i64::try_from(n).unwrap_or(i64::MAX));
            table.total = format!("{} of {}", number(found), number(total));
            table.empty = "Your words are found in none of them.";
        }
        table.search = (searched || total > SEARCHED_ROWS).then_some(search);
        table
    }

    /// The page of `rows` that the URL asks for, in the order that it asks for.
    pub(crate) fn draw(self, rows: Vec<T>, params: &Params) -> Table {
        self.draw_by(DEFAULT_PAGE_SIZE, rows, params)
    }

    fn draw_by(mut self, page_size: usize, rows: Vec<T>, params: &Params) -> Table {
        self.columns.retain(|column| column.needed.as_ref().is_none_or(|needed| rows.iter().any(needed)));
        let (sorted_by, descending) = self.order(params);
        let total = rows.len();
        let slice = Slice::by(page_size, self.tag, total, params);
        let order = sorted_by.and_then(|index| self.columns[index].order.as_ref());
        let shown = match order {
            Some(order) => {
                ordered(&rows, slice.start..slice.end, |a, b| if descending { order(b, a) } else { order(a, b) })
            }
            None => (slice.start..slice.end).collect(),
        };
        let shown: Vec<&T> = shown.into_iter().map(|index| &rows[index]).collect();
        let total = format::count(i64::try_from(total).unwrap_or(i64::MAX));
        Table { total, ..self.finish(&shown, &slice, params) }
    }

    /// Draws rows that are sorted and cut already, as [`TableSpec::sorting`] and `slice` say.
    pub(crate) fn draw_page(self, rows: &[T], slice: &Slice, params: &Params) -> Table {
        self.finish(&rows.iter().collect::<Vec<_>>(), slice, params)
    }

    /// The table with these rows, which are all that is shown.
    fn finish(mut self, rows: &[&T], slice: &Slice, params: &Params) -> Table {
        let cells: Vec<Vec<Cell>> =
            rows.iter().map(|row| self.columns.iter().map(|column| (column.cell)(row)).collect()).collect();
        self.fit(&cells);
        let (sorted_by, descending) = self.order(params);
        let classes: Vec<String> = self.columns.iter().map(Column::classes).collect();
        let drawn = |row: Vec<Cell>| {
            row.into_iter().zip(&classes).map(|(cell, class)| Drawn { class: class.clone(), cell }).collect()
        };
        Table {
            tag: self.tag,
            title: self.title,
            anchor: anchor(self.tag),
            total: String::new(),
            gives_way: self.gives_way(),
            search: None,
            head: self.head(params, sorted_by, descending),
            rows: cells.into_iter().map(drawn).collect(),
            empty: self.empty,
            pager: slice.pager(self.tag, params),
        }
    }

    /// Lets columns give way that a window of their rank has no room for.
    fn fit(&mut self, cells: &[Vec<Cell>]) {
        let width = |(index, column): (usize, &Column<'_, T>)| {
            let long = column.title.len() > LONG_TITLE_CHARS;
            let mut width = Width::new(column.rank, column.title, long, column.order.is_some());
            cells.iter().filter_map(|row| row.get(index)).for_each(|cell| width.hold(cell, column.class));
            width
        };
        let widths: Vec<Width> = self.columns.iter().enumerate().map(width).collect();
        for (column, rank) in self.columns.iter_mut().zip(fit::ranks(&widths)) {
            column.rank = rank;
        }
    }

    /// The title of the column that sorts, and whether downwards.
    pub(crate) fn sorting(&self, params: &Params) -> (&'static str, bool) {
        let (sorted_by, descending) = self.order(params);
        (sorted_by.map_or("", |index| self.columns[index].title), descending)
    }

    fn gives_way(&self) -> &'static str {
        self.columns.iter().map(|column| column.rank).max().unwrap_or_default().class()
    }

    /// Which column sorts, and whether downwards. As in Spark the default column has its own direction and any other
    /// goes upwards unless the URL says otherwise.
    fn order(&self, params: &Params) -> (Option<usize>, bool) {
        let find = |title: &str| {
            self.columns.iter().position(|column| column.order.is_some() && column.title.eq_ignore_ascii_case(title))
        };
        let asked = params.text(&self.name("sort")).and_then(find);
        let default = find(self.sort.0);
        let descending = match params.text(&self.name("desc")) {
            Some(text) => text.eq_ignore_ascii_case("true"),
            None => (asked.is_none() || asked == default) && self.sort.1,
        };
        (asked.or(default), descending)
    }

    fn head(&self, params: &Params, sorted_by: Option<usize>, descending: bool) -> Vec<Head> {
        let (sort, desc, page) = (self.name("sort"), self.name("desc"), self.name("page"));
        let head = |(index, column): (usize, &Column<'_, T>)| {
            let here = sorted_by == Some(index);
            // Numbers and times are looked at from the largest down.
            let next = if here { !descending } else { column.class == "num" };
            let next = if next { "true" } else { "false" };
            let href = params.with(&[(&sort, Some(column.title)), (&desc, Some(next)), (&page, None)]);
            let sortable = column.order.is_some();
            Head {
                title: column.title,
                hint: column.hint,
                class: if column.title.len() > LONG_TITLE_CHARS { "long" } else { "" },
                side: column.class,
                rank: column.rank.class(),
                href: if sortable { format!("{href}#{}", self.tag) } else { String::new() },
                sorted: match (here, descending) {
                    (false, _) => "",
                    (true, true) => "descending",
                    (true, false) => "ascending",
                },
            }
        };
        self.columns.iter().enumerate().map(head).collect()
    }

    fn name(&self, what: &str) -> String {
        format!("{}.{what}", self.tag)
    }
}

/// Links in Spark's output name tables by their state alone.
fn anchor(tag: &'static str) -> &'static str {
    tag.strip_suffix("Job").or_else(|| tag.strip_suffix("Stage")).unwrap_or("")
}

/// Which rows stand at the places of `range` when all are in order; equal ones stay as they were. Of many rows only
/// those of the range are sorted.
fn ordered<T>(rows: &[T], range: Range<usize>, order: impl Fn(&T, &T) -> Ordering) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..rows.len()).collect();
    let compare = |a: &usize, b: &usize| order(&rows[*a], &rows[*b]).then(a.cmp(b));
    if range.end < indices.len() {
        indices.select_nth_unstable_by(range.end, compare);
        indices.truncate(range.end);
    }
    if range.start > 0 && range.start < indices.len() {
        indices.select_nth_unstable_by(range.start, compare);
    }
    let mut shown = indices.split_off(range.start.min(indices.len()));
    shown.sort_unstable_by(compare);
    shown
}

/// The rows of one page.
pub(crate) struct Slice {
    pub(crate) start: usize,
    pub(crate) end: usize,
    total: usize,
    size: usize,
    page: usize,
}

impl Slice {
    /// The page that the URL asks for, or the nearest that there is.
    pub(crate) fn of(tag: &str, total: usize, params: &Params) -> Self {
        Self::by(DEFAULT_PAGE_SIZE, tag, total, params)
    }

    fn by(page_size: usize, tag: &str, total: usize, params: &Params) -> Self {
        let asked = params.number(&format!("{tag}.pageSize"));
        let size = match asked {
            None => page_size,
            Some(size) => {
                usize::try_from(size).ok().filter(|size| *size > 0).unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE)
            }
        };
        let pages = total.div_ceil(size).max(1);
        let page = params.number(&format!("{tag}.page")).unwrap_or(1);
        let page = usize::try_from(page).unwrap_or(1).clamp(1, pages);
        let start = (page - 1) * size;
        Self { start, end: total.min(start + size), total, size, page }
    }

    /// Links to other pages and sizes; `None` when all of a short table is shown.
    pub(crate) fn pager(&self, tag: &str, params: &Params) -> Option<Pager> {
        const SIZES: [usize; 4] = [20, 100, 500, MAX_PAGE_SIZE];
        if self.total <= SIZES[0] {
            return None;
        }
        let (page, size) = (format!("{tag}.page"), format!("{tag}.pageSize"));
        let number = |n: usize| format::count(i64::try_from(n).unwrap_or(i64::MAX));
        let to_page = |text: String, n: usize| {
            let href = params.with(&[(&page, Some(&n.to_string()))]);
            (text, format!("{href}#{tag}"), n == self.page)
        };
        let to_size = |n: &usize| {
            let href = params.with(&[(&size, Some(&n.to_string())), (&page, None)]);
            (number(*n), format!("{href}#{tag}"), *n == self.size)
        };
        let pages = self.total.div_ceil(self.size);
        let jump = (pages > JUMP_PAGES).then(|| (page.clone(), pages.to_string(), params.except(&[&page])));
        Some(Pager {
            jump,
            shown: format!("{}–{} of {}", number(self.start + 1), number(self.end), number(self.total)),
            pages: page_numbers(self.page, pages).into_iter().map(|n| to_page(number(n), n)).collect(),
            sizes: SIZES.iter().map(to_size).collect(),
        })
    }
}

/// First, last, and those around `page`; nothing when there is one page only.
fn page_numbers(page: usize, pages: usize) -> Vec<usize> {
    if pages < 2 {
        return Vec::new();
    }
    let mut numbers: Vec<usize> = (page.saturating_sub(3).max(1)..=(page + 3).min(pages)).collect();
    if numbers.first() != Some(&1) {
        numbers.insert(0, 1);
    }
    if numbers.last() != Some(&pages) {
        numbers.push(pages);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_many_rows_is_a_part_of_the_whole_in_order() {
        let rows: Vec<u32> = (0..1000).map(|n| n * 7919 % 501).collect();
        let mut all: Vec<usize> = (0..rows.len()).collect();
        all.sort_by_key(|index| rows[*index]);
        for range in [0..10, 0..1000, 500..510, 990..1000, 0..0] {
            assert_eq!(ordered(&rows, range.clone(), u32::cmp), all[range]);
        }
        assert!(ordered(&[] as &[u32], 0..0, u32::cmp).is_empty());
    }

    #[test]
    fn page_numbers_keep_the_ends_in_reach() {
        assert_eq!(page_numbers(1, 1), [0; 0]);
        assert_eq!(page_numbers(1, 3), [1, 2, 3]);
        assert_eq!(page_numbers(50, 100), [1, 47, 48, 49, 50, 51, 52, 53, 100]);
    }
}
