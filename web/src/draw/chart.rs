//! Numbers over time: a line, or areas above each other; and how they are spread.

use super::svg::{Picture, Svg, number};
use super::times::TimeAxis;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 150.0;
/// Width of one that has a page to itself.
const WIDE: f64 = 1200.0;
/// Room for the numbers at the left, and for the spread at the right.
const NUMBERS: f64 = 74.0;
const SPREAD: f64 = 150.0;
const AXIS: f64 = 20.0;
const TOP: f64 = 8.0;

/// More points are brought together, the highest of each group kept.
const MAX_POINTS: usize = 300;
const BINS: usize = 10;

/// Numbers over time.
#[derive(Debug)]
pub(crate) struct Chart {
    /// For those who do not see it.
    pub(crate) name: String,
    /// Milliseconds since the epoch, ascending.
    pub(crate) times: Vec<i64>,
    pub(crate) series: Vec<Series>,
    /// Whether the series are parts of a whole, drawn above each other.
    pub(crate) is_stacked: bool,
    /// Whether it has a page's width, and then no spread of its numbers beside it.
    pub(crate) is_wide: bool,
    /// How a number is written.
    pub(crate) unit: fn(f64) -> String,
}

#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// One for each time; none where nothing was told.
    pub(crate) values: Vec<Option<f64>>,
}

impl Chart {
    /// `None` when there is no number.
    pub(crate) fn draw(&self) -> Option<Picture> {
        let points = self.points();
        let totals = |point: &(i64, Vec<Option<f64>>)| self.height(&point.1);
        let most = points.iter().filter_map(totals).reduce(f64::max)?;
        let top = nice(most);
        let (first, last) = (points.first()?.0, points.last()?.0);
        let bottom = -nice_or_zero(-points.iter().filter_map(totals).fold(0.0, f64::min));
        let (width, right) = if self.is_wide { (WIDE, WIDE - 16.0) } else { (WIDTH, WIDTH - SPREAD) };
        let axis = TimeAxis::new(first, last.saturating_add(1), NUMBERS, right - NUMBERS);
        let y = |value: f64| TOP + (top - value) / (top - bottom) * (HEIGHT - TOP);
        let class = if self.is_wide { "picture chart wide-chart" } else { "picture chart" };
        let mut svg = Svg::new(width, HEIGHT + AXIS, class, &self.name);
        for part in [0.0, 0.5, 1.0] {
            let value = bottom + (top - bottom) * part;
            svg.line((NUMBERS, y(value)), (right, y(value)), "grid");
            svg.text((NUMBERS - 6.0, y(value) + 4.0), "number", &(self.unit)(value));
        }
        axis.draw(&mut svg, TOP, HEIGHT);
        if self.is_stacked {
            self.draw_areas(&mut svg, &points, &axis, y);
        } else {
            self.draw_lines(&mut svg, &points, &axis, y);
        }
        self.draw_hints(&mut svg, &points, &axis);
        if !self.is_wide {
            draw_spread(&mut svg, &self.all_heights(), (bottom, top), y);
        }
        Some(svg.finish())
    }

    /// What a point's height is: the sum of a stack, else the highest.
    fn height(&self, values: &[Option<f64>]) -> Option<f64> {
        let known = values.iter().flatten().copied().filter(|value| value.is_finite());
        if self.is_stacked { known.reduce(|a, b| a + b) } else { known.reduce(f64::max) }
    }

    fn all_heights(&self) -> Vec<f64> {
        let at = |index: usize| -> Vec<Option<f64>> {
            self.series.iter().map(|series| series.values.get(index).copied().flatten()).collect()
        };
        (0..self.times.len()).filter_map(|index| self.height(&at(index))).collect()
    }

    /// Times with the values of all series, few enough to be drawn.
    fn points(&self) -> Vec<(i64, Vec<Option<f64>>)> {
        let group = self.times.len().div_ceil(MAX_POINTS).max(1);
        let value = |series: &Series, range: std::ops::Range<usize>| {
            series.values.get(range)?.iter().flatten().copied().filter(|value| value.is_finite()).reduce(f64::max)
        };
        (0..self.times.len())
            .step_by(group)
            .map(|from| {
                let range = from..(from + group).min(self.times.len());
                (self.times[from], self.series.iter().map(|series| value(series, range.clone())).collect())
            })
            .collect()
    }

    fn draw_lines(&self, svg: &mut Svg, points: &[(i64, Vec<Option<f64>>)], axis: &TimeAxis, y: impl Fn(f64) -> f64) {
        for index in 0..self.series.len() {
            let mut path = String::new();
            let mut after_gap = true;
            for (at, values) in points {
                let Some(value) = values[index] else {
                    after_gap = true;
                    continue;
                };
                let (x, y) = (number(axis.x(*at)), number(y(value)));
                path.push_str(&format!("{}{x} {y}", if after_gap { "M" } else { "L" }));
                if after_gap {
                    // A point by itself is seen as well.
                    path.push_str("h.1");
                }
                after_gap = false;
            }
            svg.open("path").attr("class", &format!("series s{}", index % 8)).attr("d", &path).close();
        }
    }

    fn draw_areas(&self, svg: &mut Svg, points: &[(i64, Vec<Option<f64>>)], axis: &TimeAxis, y: impl Fn(f64) -> f64) {
        let mut below = vec![0.0; points.len()];
        for index in 0..self.series.len() {
            let mut forth = String::new();
            let mut back = String::new();
            for (place, (at, values)) in points.iter().enumerate() {
                let x = number(axis.x(*at));
                back = format!("L{x} {}{back}", number(y(below[place])));
                below[place] += values[index].unwrap_or(0.0).max(0.0);
                forth.push_str(&format!("{}{x} {}", if place == 0 { "M" } else { "L" }, number(y(below[place]))));
            }
            svg.open("path").attr("class", &format!("area s{}", index % 8)).attr("d", &format!("{forth}{back}z"));
            svg.title(&self.series[index].name).close();
        }
    }

    /// Over each point a column that nobody sees, and that tells its numbers.
    fn draw_hints(&self, svg: &mut Svg, points: &[(i64, Vec<Option<f64>>)], axis: &TimeAxis) {
        let width = axis.width / points.len() as f64;
        for (at, values) in points {
            let known = self.series.iter().zip(values).filter_map(|(series, value)| Some((&series.name, (*value)?)));
            let lines: Vec<String> = known.map(|(name, value)| format!("{name}: {}", (self.unit)(value))).collect();
            svg.rect((axis.x(*at) - width / 2.0, TOP), (width, HEIGHT - TOP), "hint");
            svg.title(&lines.join("\n")).close();
        }
    }
}

/// How many values there are at which height, as bars from the right.
fn draw_spread(svg: &mut Svg, values: &[f64], (bottom, top): (f64, f64), y: impl Fn(f64) -> f64) {
    let mut bins = [0_usize; BINS];
    for value in values {
        let place = (value - bottom).max(0.0) / (top - bottom) * BINS as f64;
        bins[(place as usize).min(BINS - 1)] += 1;
    }
    let height_of = |bin: usize| bottom + (top - bottom) * bin as f64 / BINS as f64;
    let most = bins.iter().copied().max().unwrap_or(0).max(1);
    let left = WIDTH - SPREAD + 16.0;
    let room = SPREAD - 60.0;
    for (index, number) in bins.iter().enumerate().filter(|(_, number)| **number > 0) {
        let upper = y(height_of(index + 1));
        let height = y(height_of(index)) - upper;
        let width = *number as f64 / most as f64 * room;
        svg.rect((left, upper + 0.5), (width.max(1.0), height - 1.0), "bin").close();
        svg.text((left + width + 4.0, upper + height - 2.5), "tick-left", &number.to_string());
    }
}

fn nice_or_zero(value: f64) -> f64 {
    if value > 0.0 { nice(value) } else { 0.0 }
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= value * 0.9999).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: Vec<Option<f64>>, is_stacked: bool) -> Chart {
        let times = (0..values.len() as i64).map(|n| n * 1000).collect();
        let series = |name: &str| Series { name: name.to_owned(), values: values.clone() };
        let series = vec![series("a <b>"), series("c")];
        let unit = |value| format!("{value:.0} rows");
        Chart { name: "Rates".to_owned(), times, series, is_stacked, is_wide: false, unit }
    }

    #[test]
    fn numbers_that_are_missing_leave_gaps() {
        let drawn = chart(vec![Some(1.0), None, Some(3.0), Some(f64::NAN)], false).draw().unwrap().to_string();
        assert!(drawn.contains("a &#60;b&#62;: 3 rows") && !drawn.contains("NaN"), "{drawn}");
        assert_eq!(
            drawn.split("class=\"series s0\" d=\"").nth(1).unwrap().split('"').next().unwrap().matches('M').count(),
            2
        );
    }

    #[test]
    fn numbers_below_nothing_stay_in_the_picture() {
        let drawn = chart(vec![Some(-1.0), Some(-3.0)], false).draw().unwrap().to_string();
        let path = drawn.split("class=\"series s0\" d=\"M").nth(1).unwrap().split('"').next().unwrap();
        let heights = path.replace("h.1", "").replace('L', " ");
        let heights: Vec<f64> = heights.split(' ').skip(1).step_by(2).map(|y| y.parse().unwrap()).collect();
        assert!(heights.len() == 2 && heights.iter().all(|y| (TOP..=HEIGHT).contains(y)), "{path}");
    }

    #[test]
    fn what_was_never_told_is_not_drawn() {
        assert!(chart(vec![None, None], false).draw().is_none());
        assert!(chart(Vec::new(), true).draw().is_none());
    }

    #[test]
    fn many_points_stay_few_and_keep_their_peaks() {
        let mut values = vec![Some(1.0); 100_000];
        values[77_777] = Some(900.0);
        for is_stacked in [false, true] {
            let drawn = chart(values.clone(), is_stacked).draw().unwrap().to_string();
            assert!(drawn.len() < 80_000 && drawn.contains("900 rows"), "{} bytes", drawn.len());
        }
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, top) in [(0.0, 1.0), (1.0, 1.0), (1.1, 2.0), (230.0, 250.0), (0.03, 0.05), (6.0, 10.0)] {
            assert!((nice(value) - top).abs() < 1e-9, "{value}: {}", nice(value));
        }
    }
}
