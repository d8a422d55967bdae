//! Values of metrics of a query, as Spark writes them.

/// What all tasks together measured, and how that is spread over them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Value {
    /// In all, such as `704.0 B`.
    pub(crate) total: String,
    /// Least, median and most.
    pub(crate) spread: Option<[String; 3]>,
    /// Where the most comes from: stage, attempt and task.
    pub(crate) place: Option<(i64, i64, i64)>,
}

impl Value {
    /// Of `50,000`, or `total (min, med, max (stageId: taskId))\n704.0 B (352.0 B, 352.0 B, 352.0 B (stage 2.0: task 9))`.
    pub(crate) fn parse(text: &str) -> Self {
        let line = text.trim().lines().last().unwrap_or_default().trim();
        // An average has no total.
        let (total, rest) = match line.strip_prefix('(') {
            Some(rest) => ("", rest),
            None => line.split_once(" (").unwrap_or((line, "")),
        };
        let rest = rest.strip_suffix(')').unwrap_or(rest);
        let (numbers, place) =
            rest.split_once(" (").map_or((rest, None), |(numbers, place)| (numbers, place_of(place)));
        let parts: Vec<&str> = numbers.split(", ").collect();
        let spread = <[&str; 3]>::try_from(parts).ok().map(|parts| parts.map(str::to_owned));
        let total = match (&spread, total) {
            (Some([_, median, _]), "") => format!("median {median}"),
            (_, total) => total.to_owned(),
        };
        Self { total, spread, place }
    }
}

/// Of `stage 2.0: task 9)`.
fn place_of(text: &str) -> Option<(i64, i64, i64)> {
    let (stage, task) = text.trim_end_matches(')').strip_prefix("stage ")?.split_once(": task ")?;
    let (stage, attempt) = stage.split_once('.')?;
    Some((stage.parse().ok()?, attempt.parse().ok()?, task.parse().ok()?))
}

/// Milliseconds of a duration such as `1.2 s`.
pub(crate) fn millis(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: f64 = number.replace(',', "").parse().ok()?;
    let one = match unit {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    Some(number * one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_apart() {
        assert_eq!(Value::parse("50,000").total, "50,000");
        let value = Value::parse(
            "total (min, med, max (stageId: taskId))\n704.0 B (352.0 B, 353.0 B, 354.0 B (stage 102.1: task 109))",
        );
        assert_eq!(value.total, "704.0 B");
        assert_eq!(value.spread.unwrap(), ["352.0 B", "353.0 B", "354.0 B"]);
        assert_eq!(value.place, Some((102, 1, 109)));
        let value = Value::parse("total (min, med, max (stageId: taskId))\n1.2 s (0 ms, 0 ms, 1.2 s (driver))");
        assert_eq!((value.total.as_str(), value.place), ("1.2 s", None));
        let value = Value::parse("avg (min, med, max (stageId: taskId)):\n(1, 1.2, 2 (stage 3.0: task 4))");
        assert_eq!((value.total.as_str(), value.place), ("median 1.2", Some((3, 0, 4))));
        for odd in ["", "(", ")", " (", "a (b", "N/A", "1 (2, 3)", "x (stage : task )"] {
            Value::parse(odd);
        }
    }

    #[test]
    fn durations_are_read_back() {
        for (text, expected) in [("35 ms", 35.0), ("1.2 s", 1200.0), ("3.2 m", 192_000.0), ("1.40 h", 5_040_000.0)] {
            assert!((millis(text).unwrap() - expected).abs() < 1e-6, "{text}");
        }
        assert_eq!(millis("12.0 MiB"), None);
    }
}
