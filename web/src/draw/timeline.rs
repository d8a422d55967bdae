//! What happened when: bars over time, in lanes.

use super::svg::{Picture, Svg, fitting};
use super::times::{TimeAxis, drawable};

/// Width of a picture; a page shows it as wide as there is room.
pub(super) const WIDTH: f64 = 1200.0;
/// Room for the names of lanes.
pub(super) const LABELS: f64 = 150.0;
const ROW: f64 = 19.0;
const BAR: f64 = 15.0;
const LANE_GAP: f64 = 10.0;
/// Room for the times below.
pub(super) const AXIS: f64 = 22.0;

/// Of more bars in a lane, or more rows of them, how many there are at each time is drawn instead of each.
const MAX_BARS: usize = 400;
const MAX_ROWS: usize = 40;

/// How finely those are counted.
const STEPS: usize = 300;
/// Height of such a lane.
const COUNTS: f64 = 90.0;

/// Bars over time, milliseconds since the epoch.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// For those who do not see it.
    pub(crate) name: String,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) lanes: Vec<Lane>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    pub(crate) label: String,
    pub(crate) bars: Vec<Bar>,
}

#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// For the style sheet: what became of it.
    pub(crate) class: &'static str,
    /// Written on it, as far as there is room.
    pub(crate) text: String,
    /// Everything, for a pointer that rests on it and for screen readers.
    pub(crate) hint: String,
    /// Where it leads; may be empty.
    pub(crate) href: String,
}

impl Timeline {
    /// `None` when there is nothing to draw.
    pub(crate) fn draw(mut self) -> Option<Picture> {
        self.lanes.retain(|lane| !lane.bars.is_empty());
        let axis = TimeAxis::new(self.start, self.end, LABELS, WIDTH - LABELS - 10.0);
        for bar in self.lanes.iter_mut().flat_map(|lane| &mut lane.bars) {
            (bar.start, bar.end) = (drawable(bar.start), drawable(bar.end));
        }
        if self.lanes.is_empty() {
            return None;
        }
        let lanes: Vec<(Lane, Drawn)> = self.lanes.into_iter().map(|lane| lane.arrange(axis.start, axis.end)).collect();
        let height: f64 = lanes.iter().map(|(_, drawn)| drawn.height() + LANE_GAP).sum();
        let mut svg = Svg::new(WIDTH, height + AXIS, "picture timeline", &self.name);
        axis.draw(&mut svg, 0.0, height);
        let mut top = LANE_GAP / 2.0;
        for (lane, drawn) in &lanes {
            svg.text((4.0, top + 12.0), "lane", &fitting(&lane.label, LABELS - 12.0));
            match drawn {
                Drawn::Rows(places, _) => lane.draw(&mut svg, &axis, top, places),
                Drawn::Counts(counts) => draw_counts(&mut svg, &axis, top, counts, lane),
            }
            top += drawn.height() + LANE_GAP;
            svg.line((0.0, top - LANE_GAP / 2.0), (WIDTH, top - LANE_GAP / 2.0), "grid");
        }
        Some(svg.finish())
    }
}

/// How a lane is drawn: each bar in a row, and how many rows; or by class how many bars there are at each step.
enum Drawn {
    Rows(Vec<usize>, usize),
    Counts(Vec<(&'static str, Vec<u32>)>),
}

impl Drawn {
    fn height(&self) -> f64 {
        match self {
            Self::Rows(_, rows) => *rows as f64 * ROW,
            Self::Counts(_) => COUNTS,
        }
    }
}

impl Lane {
    fn arrange(mut self, start: i64, end: i64) -> (Self, Drawn) {
        self.bars.sort_by_key(|bar| (bar.start, bar.end));
        // A bar that is too short to be seen takes room all the same.
        let least = (end - start) / 300;
        let mut rows: Vec<i64> = Vec::new();
        let mut places = Vec::with_capacity(self.bars.len());
        for bar in &self.bars {
            let until = bar.end.max(bar.start.saturating_add(least));
            let free = rows.iter().position(|free_from| *free_from <= bar.start);
            let row = free.unwrap_or(rows.len());
            if row == rows.len() {
                rows.push(until);
            } else {
                rows[row] = until;
            }
            places.push(row);
            if rows.len() > MAX_ROWS {
                break;
            }
        }
        let drawn = if self.bars.len() > MAX_BARS || rows.len() > MAX_ROWS {
            Drawn::Counts(counts(&self.bars, start, end))
        } else {
            Drawn::Rows(places, rows.len())
        };
        (self, drawn)
    }

    fn draw(&self, svg: &mut Svg, axis: &TimeAxis, top: f64, places: &[usize]) {
        for (bar, row) in self.bars.iter().zip(places) {
            let (from, to) = (axis.x(bar.start), axis.x(bar.end));
            let width = (to - from).max(2.0);
            let y = top + *row as f64 * ROW;
            svg.link(&bar.href, "bar").title(&bar.hint);
            svg.rect((from, y), (width, BAR), bar.class).num("rx", 2.0).close();
            if width > 24.0 {
                svg.text((from + 4.0, y + 11.5), "", &fitting(&bar.text, width - 6.0));
            }
            svg.close();
        }
    }
}

/// By class, how many bars there are at each of [`STEPS`] moments.
fn counts(bars: &[Bar], start: i64, end: i64) -> Vec<(&'static str, Vec<u32>)> {
    let span = (end - start).max(1) as f64;
    let step = |at: i64| ((at.clamp(start, end) - start) as f64 / span * STEPS as f64) as usize;
    let mut classes: Vec<&'static str> = bars.iter().map(|bar| bar.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let count = |class: &'static str| {
        // What begins less what ends at each step; then the sums.
        let mut changes = vec![0_i64; STEPS + 1];
        for bar in bars.iter().filter(|bar| bar.class == class) {
            let from = step(bar.start).min(STEPS - 1);
            changes[from] += 1;
            changes[step(bar.end).clamp(from + 1, STEPS)] -= 1;
        }
        let sum = |sum: &mut i64, change: &i64| {
            *sum += change;
            Some(u32::try_from(*sum).unwrap_or(0))
        };
        changes[..STEPS].iter().scan(0, sum).collect()
    };
    classes.into_iter().map(|class| (class, count(class))).collect()
}

fn draw_counts(svg: &mut Svg, axis: &TimeAxis, top: f64, counts: &[(&'static str, Vec<u32>)], lane: &Lane) {
    let totals: Vec<u32> = (0..STEPS).map(|step| counts.iter().map(|(_, of)| of[step]).sum()).collect();
    let most = totals.iter().copied().max().unwrap_or(0).max(1);
    let (width, height) = (axis.width / STEPS as f64, COUNTS - 16.0);
    let mut below = vec![0_u32; STEPS];
    for (class, of) in counts {
        let mut path = String::new();
        for (step, number) in of.iter().enumerate().filter(|(_, number)| **number > 0) {
            let tall = f64::from(*number) / f64::from(most) * height;
            let y = top + COUNTS - f64::from(below[step]) / f64::from(most) * height;
            path.push_str(&column(axis.left + step as f64 * width, y, width, tall));
            below[step] += number;
        }
        svg.open("path").attr("class", class).attr("d", &path).close();
    }
    svg.text((4.0, top + 28.0), "", &format!("{} in all,", lane.bars.len()));
    svg.text((4.0, top + 42.0), "", &format!("at most {most} at once"));
}

/// A column that stands on `y`, as part of a path.
pub(super) fn column(x: f64, y: f64, width: f64, height: f64) -> String {
    use super::svg::number;
    format!("M{} {}v-{}h{}v{}z", number(x), number(y), number(height), number(width), number(height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bar(start: i64, end: i64) -> Bar {
        Bar { start, end, class: "good", text: "t".to_owned(), hint: "h".to_owned(), href: String::new() }
    }

    fn timeline(bars: Vec<Bar>) -> Timeline {
        let lane = Lane { label: "Jobs".to_owned(), bars };
        Timeline { name: "n".to_owned(), start: 0, end: 10_000, lanes: vec![lane, Lane::default()] }
    }

    #[test]
    fn nothing_gives_no_picture() {
        assert!(timeline(Vec::new()).draw().is_none());
    }

    #[test]
    fn of_very_many_bars_their_number_is_drawn() {
        let many = (0..100_000).map(|n| bar(n % 9_000, n % 9_000 + 500)).collect();
        let drawn = timeline(many).draw().unwrap().to_string();
        assert!(drawn.contains("100000 in all") && drawn.len() < 20_000, "{} bytes", drawn.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bars_of_a_row_do_not_overlap(times in prop::collection::vec((-100_i64..11_000, 0_i64..3_000), 1..200)) {
            let lane = Lane { label: String::new(), bars: times.iter().map(|(at, long)| bar(*at, at + long)).collect() };
            let (lane, drawn) = lane.arrange(0, 10_000);
            if let Drawn::Rows(places, rows) = drawn {
                for row in 0..rows {
                    let of_row: Vec<&Bar> = lane.bars.iter().zip(&places).filter(|(_, at)| **at == row).map(|(bar, _)| bar).collect();
                    prop_assert!(of_row.windows(2).all(|pair| pair[0].end <= pair[1].start));
                }
            }
        }

        #[test]
        fn every_bar_is_counted(times in prop::collection::vec((0_i64..10_000, 0_i64..3_000), 1..200)) {
            let bars: Vec<Bar> = times.iter().map(|(at, long)| bar(*at, at + long)).collect();
            let counts = counts(&bars, 0, 10_000);
            let most = counts[0].1.iter().copied().max().unwrap();
            prop_assert!(most >= 1 && most as usize <= bars.len());
        }
    }
}
