//! The time axis that all pictures over time share.

use chrono::DateTime;

use super::svg::{Svg, text_width};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps that people count in, in milliseconds.
const STEPS: [i64; 30] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    30 * DAY,
];

/// The end of the year 9999: a log may claim any time, and what is drawn has to be reckoned with.
const LAST: i64 = 253_402_300_799_999;

/// A time as near to the one that is claimed as can be drawn.
pub(crate) fn drawable(at: i64) -> i64 {
    at.clamp(0, LAST)
}

/// About so many pixels between two marks.
const MARK_PIXELS: f64 = 110.0;

/// A stretch of time (milliseconds since the epoch) on a stretch of pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeAxis {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) left: f64,
    pub(crate) width: f64,
}

impl TimeAxis {
    /// An axis from one time to another, of which either may be anything.
    pub(crate) fn new(start: i64, end: i64, left: f64, width: f64) -> Self {
        let start = drawable(start);
        Self { start, end: drawable(end).max(start), left, width }
    }

    pub(crate) fn x(&self, at: i64) -> f64 {
        let span = (self.end - self.start).max(1) as f64;
        self.left + (at.clamp(self.start, self.end) - self.start) as f64 / span * self.width
    }

    /// Round times, each with where it is.
    fn marks(&self) -> (i64, Vec<i64>) {
        let wanted = (self.end - self.start).max(1) as f64 * MARK_PIXELS / self.width.max(1.0);
        let fits = |step: &&i64| **step as f64 >= wanted;
        let step = STEPS.iter().find(fits).copied().unwrap_or_else(|| {
            let months = (wanted / (30 * DAY) as f64).ceil() as i64;
            months.max(1) * 30 * DAY
        });
        let first = self.start.div_euclid(step) * step;
        (
            step,
            (0..)
                .map(|n| first + n * step)
                .skip_while(|at| *at < self.start)
                .take_while(|at| *at <= self.end)
                .collect(),
        )
    }

    /// Lines through the picture from `top` to `bottom`, with the times written below the latter.
    pub(crate) fn draw(&self, svg: &mut Svg, top: f64, bottom: f64) {
        let (step, marks) = self.marks();
        for at in marks {
            let x = self.x(at);
            svg.line((x, top), (x, bottom), "grid");
            let text = clock(at, step);
            if x + text_width(&text) / 2.0 > self.left + self.width + 8.0 {
                continue;
            }
            svg.open("text").attr("class", "tick").num("x", x).num("y", bottom + 14.0);
            // A script writes the reader's own time in its place.
            svg.attr("data-time", &at.to_string()).attr("data-step", &step.to_string());
            svg.say(&text).close();
        }
    }
}

/// A time as precisely as marks so far apart need it, in UTC.
fn clock(at: i64, step: i64) -> String {
    let Some(time) = DateTime::from_timestamp_millis(at) else { return String::new() };
    let form = match step {
        ..SECOND => "%H:%M:%S%.3f",
        SECOND..MINUTE => "%H:%M:%S",
        MINUTE..DAY => "%H:%M",
        _ => "%Y-%m-%d",
    };
    time.format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_neither_few_nor_many() {
        for span in [1_i64, 7, 950, 12_345, 600_000, 86_400_000, 40_000_000_000, 2_000_000_000_000] {
            let axis = TimeAxis { start: 1_700_000_000_123, end: 1_700_000_000_123 + span, left: 100.0, width: 1000.0 };
            let (step, marks) = axis.marks();
            assert!(marks.len() <= 11, "{span}: {marks:?}");
            assert!(span < 10 || marks.len() >= 2, "{span}: {marks:?}");
            assert!(marks.iter().all(|at| at % step == 0 && (100.0..=1100.0).contains(&axis.x(*at))));
        }
    }

    #[test]
    fn an_instant_is_drawn_too() {
        let axis = TimeAxis { start: 5, end: 5, left: 0.0, width: 10.0 };
        assert_eq!(axis.x(5), 0.0);
        assert_eq!(axis.x(i64::MAX), 0.0);
        for (start, end) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN)] {
            let axis = TimeAxis::new(start, end, 0.0, 10.0);
            assert!(axis.marks().1.len() < 12 && axis.x(0) >= 0.0, "{axis:?}");
        }
    }
}
