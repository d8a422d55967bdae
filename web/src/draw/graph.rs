//! Boxes and arrows: RDDs of a stage, stages of a job, operators of a query.

use super::layered::{self, Layout, Point, Rect, Size};
use super::svg::{Picture, Svg, fitting, number, text_width};

/// Room around the picture.
const MARGIN: f64 = 8.0;
/// Widest box.
const MAX_WIDTH: f64 = 300.0;
const MIN_WIDTH: f64 = 70.0;
const LINE: f64 = 15.0;
const PADDING: f64 = 9.0;

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawing {
    /// For those who do not see it.
    pub(crate) name: String,
    pub(crate) boxes: Vec<Boxed>,
    /// Frames around boxes, each after the one that it is in.
    pub(crate) frames: Vec<Frame>,
    pub(crate) arrows: Vec<Arrow>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Boxed {
    /// By which the page refers to it.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Further lines.
    pub(crate) lines: Vec<String>,
    /// For the style sheet.
    pub(crate) class: String,
    /// Where it leads; may be empty.
    pub(crate) href: String,
    /// For a pointer that rests on it.
    pub(crate) hint: String,
    pub(crate) frame: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) class: String,
    pub(crate) href: String,
    pub(crate) hint: String,
    pub(crate) parent: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Written beside it.
    pub(crate) label: String,
    pub(crate) class: &'static str,
}

impl Drawing {
    /// `None` when there is nothing to draw.
    pub(crate) fn draw(&self) -> Option<Picture> {
        if self.boxes.is_empty() {
            return None;
        }
        let layout = layered::lay_out(&self.graph());
        let (width, height) = (layout.size.width + 2.0 * MARGIN, layout.size.height + 2.0 * MARGIN);
        let mut svg = Svg::new(width, height, "picture graph", &self.name);
        svg.open("g").attr("transform", &format!("translate({0} {0})", number(MARGIN)));
        for (frame, rect) in self.frames.iter().zip(&layout.clusters) {
            draw_frame(&mut svg, frame, *rect);
        }
        self.draw_arrows(&mut svg, &layout);
        // Above the arrows, which may run below a title.
        for (frame, rect) in self.frames.iter().zip(&layout.clusters) {
            draw_title(&mut svg, frame, *rect);
        }
        for (one, rect) in self.boxes.iter().zip(&layout.nodes) {
            draw_box(&mut svg, one, *rect);
        }
        svg.close();
        Some(svg.finish())
    }

    fn graph(&self) -> layered::Graph {
        let node = |one: &Boxed| layered::Node { size: size(one), cluster: one.frame };
        let cluster =
            |one: &Frame| layered::Cluster { parent: one.parent, title_width: bold_width(&one.title).min(MAX_WIDTH) };
        layered::Graph {
            nodes: self.boxes.iter().map(node).collect(),
            clusters: self.frames.iter().map(cluster).collect(),
            edges: self.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect(),
        }
    }

    fn draw_arrows(&self, svg: &mut Svg, layout: &Layout) {
        for (arrow, points) in self.arrows.iter().zip(&layout.edges) {
            let (Some(before), Some(end)) = (points.iter().rev().nth(1), points.last()) else { continue };
            svg.open("path").attr("class", &format!("arrow {}", arrow.class)).attr("d", &curve(points)).close();
            let tip = if before.y <= end.y { -6.0 } else { 6.0 };
            let head = format!("M{} {}l-4 {}h8z", number(end.x), number(end.y), number(tip));
            svg.open("path").attr("class", &format!("head {}", arrow.class)).attr("d", &head).close();
            if !arrow.label.is_empty() {
                svg.text((end.x + 6.0, end.y - 8.0), "on-arrow", &arrow.label);
            }
        }
    }
}

/// Titles are bold, and wider for it.
const BOLD: f64 = 1.12;

fn bold_width(text: &str) -> f64 {
    text_width(text) * BOLD
}

fn size(one: &Boxed) -> Size {
    let widest = one.lines.iter().map(|line| text_width(line)).fold(bold_width(&one.title), f64::max);
    Size {
        width: (widest + 2.0 * PADDING).clamp(MIN_WIDTH, MAX_WIDTH),
        height: LINE * (1 + one.lines.len()) as f64 + PADDING,
    }
}

fn draw_box(svg: &mut Svg, one: &Boxed, rect: Rect) {
    svg.link(&one.href, &format!("box {}", one.class));
    if !one.id.is_empty() {
        svg.attr("id", &one.id);
    }
    svg.title(&one.hint);
    svg.rect((rect.at.x, rect.at.y), (rect.size.width, rect.size.height), "").num("rx", 4.0).close();
    let room = rect.size.width - 2.0 * PADDING + 2.0;
    let x = rect.at.x + PADDING;
    svg.text((x, rect.at.y + LINE), "name", &fitting(&one.title, room / BOLD));
    for (index, line) in one.lines.iter().enumerate() {
        svg.text((x, rect.at.y + LINE * (index + 2) as f64), "", &fitting(line, room));
    }
    svg.close();
}

fn draw_frame(svg: &mut Svg, frame: &Frame, rect: Rect) {
    svg.link(&frame.href, &format!("frame {}", frame.class)).title(&frame.hint);
    svg.rect((rect.at.x, rect.at.y), (rect.size.width, rect.size.height), "").num("rx", 6.0).close();
    svg.close();
}

fn draw_title(svg: &mut Svg, frame: &Frame, rect: Rect) {
    svg.link(&frame.href, "frame-title").title(&frame.hint);
    svg.text((rect.at.x + 8.0, rect.at.y + LINE), "name", &fitting(&frame.title, (rect.size.width - 12.0) / BOLD));
    svg.close();
}

/// Straight where the points stand below each other, and bent between.
fn curve(points: &[Point]) -> String {
    let mut path = String::new();
    let mut last: Option<Point> = None;
    for point in points {
        match last {
            None => path = format!("M{} {}", number(point.x), number(point.y)),
            Some(before) if (before.x - point.x).abs() < 0.05 => path.push_str(&format!("V{}", number(point.y))),
            Some(before) => {
                let middle = number((before.y + point.y) / 2.0);
                path.push_str(&format!(
                    "C{} {middle} {} {middle} {} {}",
                    number(before.x),
                    number(point.x),
                    number(point.x),
                    number(point.y)
                ));
            }
        }
        last = Some(*point);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(title: &str, frame: Option<usize>) -> Boxed {
        Boxed { title: title.to_owned(), lines: vec!["rows: 1,000".to_owned()], frame, ..Boxed::default() }
    }

    #[test]
    fn boxes_frames_and_arrows_are_all_there() {
        let arrow = |from, to| Arrow { from, to, label: "1,000 rows".to_owned(), class: "" };
        let drawing = Drawing {
            name: "Plan".to_owned(),
            boxes: vec![boxed("Scan", Some(0)), boxed("Filter", Some(0)), boxed("Exchange", None)],
            frames: vec![Frame { title: "WholeStageCodegen (1)".to_owned(), ..Frame::default() }],
            arrows: vec![arrow(0, 1), arrow(1, 2), arrow(2, 9)],
        };
        let drawn = drawing.draw().unwrap().to_string();
        for part in ["Scan", "Filter", "Exchange", "WholeStageCodegen (1)", "1,000 rows"] {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
        assert_eq!(drawn.matches("class=\"head ").count(), 2, "one leads to nothing");
        assert!(Drawing::default().draw().is_none());
    }

    #[test]
    fn long_names_are_cut_and_kept_in_full_for_who_asks() {
        let hint = "x".repeat(300);
        let one = Boxed { title: hint.clone(), hint: hint.clone(), ..Boxed::default() };
        let drawn = Drawing { boxes: vec![one], ..Drawing::default() }.draw().unwrap().to_string();
        assert!(drawn.contains(&format!("<title>{hint}</title>")) && drawn.contains("xxx…</text>"), "{drawn}");
    }
}
