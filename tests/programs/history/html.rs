//! What is on Spark's pages: cells of its tables, and the numbers that its scripts draw. Spark writes its pages in one
//! way, so this need not be a reader of any HTML.

use std::collections::BTreeMap;

use serde_json::Value;

/// The text between the first `from` and the next `to`.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let rest = &text[text.find(from)? + from.len()..];
    rest.find(to).map(|end| &rest[..end])
}

/// All texts between a `from` and the next `to`.
pub(super) fn all_between<'a>(mut text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    while let Some(inner) = between(text, from, to) {
        found.push(inner);
        let end = inner.as_ptr() as usize - text.as_ptr() as usize + inner.len();
        text = &text[end..];
    }
    found
}

/// The rows of the table of this id, as the texts of their cells; nothing where there is no such table.
pub(super) fn table(page: &str, id: &str) -> Option<Vec<Vec<String>>> {
    let tables = all_between(page, "<table ", "</table>");
    let table = tables
        .into_iter()
        .find(|table| table.split('>').next().is_some_and(|tag| tag.contains(&format!("id=\"{id}\""))))?;
    let body = &table[table.find("<tbody")?..];
    Some(all_between(body, "<tr", "</tr>").into_iter().map(cells).collect())
}

fn cells(row: &str) -> Vec<String> {
    // A cell's own text may be short for what is folded away beside it.
    let text = |cell: &str| match between(cell, "<pre>", "</pre>") {
        Some(whole) => flat(&unescaped(whole)),
        None => flat(&unescaped(&without_tags(cell.split_once('>').map_or("", |(_, inner)| inner)))),
    };
    all_between(row, "<td", "</td>").into_iter().map(text).collect()
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        rest = &rest[end..];
    }
    text + rest
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&amp;", "&")
}

/// With one space wherever there is any.
pub(super) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The points of every time-line of a page, by its id.
pub(super) fn timelines(page: &str) -> BTreeMap<String, Vec<(i64, f64)>> {
    let points = |name: &str| -> Vec<(i64, f64)> {
        let data = between(page, &format!("var {name} = "), ";").unwrap();
        let data: Vec<Value> = serde_json::from_str(data).unwrap();
        data.iter().map(|point| (point["x"].as_i64().unwrap(), point["y"].as_f64().unwrap())).collect()
    };
    let drawn = all_between(page, "drawTimeline('#", "', ");
    let named = drawn.into_iter().map(|id| {
        let name = between(page, &format!("drawTimeline('#{id}', "), ",").unwrap();
        (id.to_owned(), points(name))
    });
    named.collect()
}

/// What a page stacks in its one area chart: by time of day, numbers by name.
pub(super) fn stacked(page: &str) -> Vec<(String, BTreeMap<String, f64>)> {
    let Some((_, name)) =
        between(page, "drawAreaStack('#duration-area-stack', ", ")").and_then(|it| it.split_once(", "))
    else {
        return Vec::new();
    };
    let data = between(page, &format!("var {name} = "), ";").unwrap().replace("{x:", "{\"x\":");
    let data: Vec<BTreeMap<String, String>> = serde_json::from_str(&data).unwrap();
    let row = |mut row: BTreeMap<String, String>| {
        let time = row.remove("x").unwrap();
        (time, row.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect())
    };
    data.into_iter().map(row).collect()
}
