//! Numbers as text, in the units and with the rounding of Spark's own pages.

use chrono::{DateTime, SecondsFormat, Utc};
use history_server::api::v1::types::Date;

/// A duration as Spark's pages write it: `35 ms`, `0.5 s`, `42 s`, `3.2 min`, `12 min`, `1.4 h`.
pub(crate) fn duration(millis: i64) -> String {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    match millis {
        ..100 => format!("{millis} ms"),
        100..1000 => format!("{} s", tenths(millis, 1000)),
        1000..MINUTE => format!("{} s", whole(millis, 1000)),
        MINUTE..600_000 => format!("{} min", tenths(millis, MINUTE)),
        600_000..HOUR => format!("{} min", whole(millis, MINUTE)),
        _ => format!("{} h", tenths(millis, HOUR)),
    }
}

/// A size as Spark writes it: the largest unit of which there are two, so `1024.0 MiB` for 1 GiB.
pub(crate) fn bytes(size: i64) -> String {
    const UNITS: [(&str, i64); 6] =
        [("EiB", 1 << 60), ("PiB", 1 << 50), ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let (unit, one) = UNITS.into_iter().find(|(_, one)| size / 2 >= *one).unwrap_or(("B", 1));
    format!("{} {unit}", tenths(size, one))
}

/// A whole number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `2 tasks`.
pub(crate) fn plural(number: i64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// An instant as people read it, in UTC, to the second; `None` for one that no calendar has.
pub(crate) fn time(at: Date) -> Option<String> {
    Some(instant(at)?.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// An instant for `<time datetime>`, to the millisecond.
pub(crate) fn iso(at: Date) -> Option<String> {
    Some(instant(at)?.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Before the epoch is how Spark says "not yet".
fn instant(at: Date) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(at.0).filter(|_| at.0 > 0)
}

/// The first line of a text of many, and not much of it.
pub(crate) fn first_line(text: &str, limit_chars: usize) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    match line.char_indices().nth(limit_chars) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}

/// The line of an error that says most: of a Python traceback the exception at its end, else the first.
pub(crate) fn headline(text: &str, limit_chars: usize) -> String {
    let exception = text.rsplit_once("Traceback (most recent call last):").and_then(|(_, trace)| {
        let mut lines = trace.lines().skip(1);
        lines.find(|line| !line.starts_with(char::is_whitespace) && !line.is_empty())
    });
    first_line(exception.unwrap_or(text), limit_chars)
}

/// Executor ids are numbers, except the driver's and those of old or foreign cluster managers: numbers first, in order.
pub(crate) fn natural(id: &str) -> (i64, String) {
    (id.parse().unwrap_or(i64::MAX), id.to_owned())
}

/// One decimal, halves rounded up as Java's formatter does.
fn tenths(number: i64, unit: i64) -> String {
    let tenths = (i128::from(number) * 10 + i128::from(unit / 2)) / i128::from(unit);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn whole(number: i64, unit: i64) -> i64 {
    (number + unit / 2) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_on_sparks_pages() {
        let cases = [
            (0, "0 ms"),
            (99, "99 ms"),
            (100, "0.1 s"),
            (250, "0.3 s"),
            (999, "1.0 s"),
            (1_499, "1 s"),
            (59_999, "60 s"),
            (60_000, "1.0 min"),
            (192_000, "3.2 min"),
            (600_000, "10 min"),
            (3_600_000, "1.0 h"),
            (360_000_000, "100.0 h"),
        ];
        for (millis, text) in cases {
            assert_eq!(duration(millis), text, "{millis}");
        }
    }

    #[test]
    fn sizes_keep_the_smaller_unit_below_two_of_the_larger() {
        let cases = [
            (0, "0.0 B"),
            (2_047, "2047.0 B"),
            (2_048, "2.0 KiB"),
            (1 << 30, "1024.0 MiB"),
            (2 << 30, "2.0 GiB"),
            (i64::MAX, "8.0 EiB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text, "{size}");
        }
    }

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn the_headline_of_a_traceback_is_its_exception() {
        let text = "PythonException: Traceback (most recent call last):\n  File \"a.py\", line 1\n    f()\nValueError: no\n\tat x";
        assert_eq!(headline(text, 40), "ValueError: no");
        assert_eq!(headline("Traceback (most recent call last):", 40), "Traceback (most recent call last):");
        assert_eq!(headline("java.lang.Error: x\n\tat y", 40), "java.lang.Error: x");
    }

    #[test]
    fn a_long_first_line_is_cut_between_characters() {
        assert_eq!(first_line("\n  größe: 12\nmore", 40), "größe: 12");
        assert_eq!(first_line("größe", 3), "grö…");
        assert_eq!(first_line("", 3), "");
    }
}
