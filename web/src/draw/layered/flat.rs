//! One level of a graph: boxes in layers, arrows from each down to others.

use super::coordinates::coordinates;
use super::geometry::{PORT_WIDTH, Point, Size};
use super::layers::{Layers, Segment, Vertex};
use super::order::order;

/// Between two layers.
const LAYER_GAP: f64 = 34.0;
/// The same where arrows only come in or go out.
const PORT_GAP: f64 = 8.0;

/// With more turns than these, long arrows go straight, behind what is in their way: of so many none can be followed
/// anyway.
const MAX_TURNS: usize = 30_000;

/// Boxes and arrows.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) sizes: Vec<Size>,
    pub(super) links: Vec<Link>,
    /// Boxes that have to be in the first layer.
    pub(super) top: Vec<usize>,
}

/// An arrow, and how far from the left of its boxes it leaves and enters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) from_x: f64,
    pub(super) to: usize,
    pub(super) to_x: f64,
}

/// Where they stand.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) size: Size,
    /// The upper left corner of each box.
    pub(super) items: Vec<Point>,
    /// The points of each arrow.
    pub(super) paths: Vec<Vec<Point>>,
}

impl Flat {
    pub(super) fn place(&self) -> Placed {
        if self.sizes.is_empty() {
            return Placed::default();
        }
        let reversed = self.reversed();
        let mut layers = self.layers(&reversed);
        order(&mut layers);
        let lefts = coordinates(&layers);
        let (tops, heights) = bands(&layers);
        let middle = |vertex: usize| {
            let one = layers.vertices[vertex];
            tops[one.layer] + (heights[one.layer] - one.height) / 2.0
        };
        let items: Vec<Point> = (0..self.sizes.len()).map(|at| Point { x: lefts[at], y: middle(at) }).collect();
        let right = |at: usize| lefts[at] + layers.vertices[at].width;
        let width = (0..lefts.len()).map(right).fold(0.0, f64::max);
        let height = tops.iter().zip(&heights).map(|(top, height)| top + height).fold(0.0, f64::max);
        let paths = (0..self.links.len())
            .map(|link| {
                let mut points = self.path(link, &layers, &lefts, &items, (&tops, &heights), reversed[link]);
                if reversed[link] {
                    points.reverse();
                }
                points
            })
            .collect();
        Placed { size: Size { width, height }, items, paths }
    }

    /// Upper and lower end of an arrow with their distances from the left.
    fn ends(&self, link: usize, reversed: bool) -> ((usize, f64), (usize, f64)) {
        let Link { from, from_x, to, to_x } = self.links[link];
        if reversed { ((to, to_x), (from, from_x)) } else { ((from, from_x), (to, to_x)) }
    }

    /// Which arrows have to be turned so that none leads back to where it began.
    fn reversed(&self) -> Vec<bool> {
        let mut out = vec![Vec::new(); self.sizes.len()];
        for (index, link) in self.links.iter().enumerate() {
            out[link.from].push(index);
        }
        let mut reversed = vec![false; self.links.len()];
        // 0: not seen, 1: on the way, 2: done.
        let mut state = vec![0_u8; self.sizes.len()];
        for start in 0..self.sizes.len() {
            let mut stack = if state[start] == 0 { vec![(start, 0)] } else { Vec::new() };
            while let Some((at, next)) = stack.pop() {
                state[at] = 1;
                let Some(&link) = out[at].get(next) else {
                    state[at] = 2;
                    continue;
                };
                stack.push((at, next + 1));
                let to = self.links[link].to;
                match state[to] {
                    0 => stack.push((to, 0)),
                    1 => reversed[link] = true,
                    _ => {}
                }
            }
        }
        reversed
    }

    /// How many layers are below each box: as few as its arrows allow.
    fn ranks(&self, reversed: &[bool]) -> Vec<usize> {
        let mut above = vec![Vec::new(); self.sizes.len()];
        let mut waits_for = vec![0_usize; self.sizes.len()];
        for (link, turned) in reversed.iter().enumerate() {
            let ((upper, _), (lower, _)) = self.ends(link, *turned);
            above[lower].push(upper);
            waits_for[upper] += 1;
        }
        let mut ranks = vec![0; self.sizes.len()];
        let mut ready: Vec<usize> = (0..self.sizes.len()).filter(|at| waits_for[*at] == 0).collect();
        while let Some(at) = ready.pop() {
            for &upper in &above[at] {
                ranks[upper] = ranks[upper].max(ranks[at] + 1);
                waits_for[upper] -= 1;
                if waits_for[upper] == 0 {
                    ready.push(upper);
                }
            }
        }
        let highest = ranks.iter().copied().max().unwrap_or(0);
        for &at in &self.top {
            ranks[at] = highest;
        }
        ranks
    }

    fn layers(&self, reversed: &[bool]) -> Layers {
        let ranks = self.ranks(reversed);
        let highest = ranks.iter().copied().max().unwrap_or(0);
        let vertex = |(at, size): (usize, &Size)| Vertex {
            width: size.width,
            height: size.height,
            layer: highest - ranks[at],
            is_turn: false,
        };
        let mut all = Layers { vertices: self.sizes.iter().enumerate().map(vertex).collect(), ..Layers::default() };
        let turns: usize = self.links.iter().map(|link| ranks[link.from].abs_diff(ranks[link.to])).sum();
        for (link, turned) in reversed.iter().enumerate() {
            let ((upper, upper_x), (lower, lower_x)) = self.ends(link, *turned);
            let (from, to) = (all.vertices[upper].layer, all.vertices[lower].layer);
            let mut chain = vec![upper];
            let straight = turns > MAX_TURNS && to - from > 2;
            let mut last = (upper, upper_x);
            for layer in from + 1..to {
                if straight {
                    break;
                }
                let turn = all.vertices.len();
                all.vertices.push(Vertex { width: PORT_WIDTH, height: 0.0, layer, is_turn: true });
                all.segments.push(Segment { upper: last.0, upper_x: last.1, lower: turn, lower_x: PORT_WIDTH / 2.0 });
                last = (turn, PORT_WIDTH / 2.0);
                chain.push(turn);
            }
            chain.push(lower);
            if !straight {
                all.segments.push(Segment { upper: last.0, upper_x: last.1, lower, lower_x });
            }
            all.chains.push(chain);
        }
        all.layers = vec![Vec::new(); highest + 1];
        for (at, vertex) in all.vertices.iter().enumerate() {
            all.layers[vertex.layer].push(at);
        }
        all
    }

    fn path(
        &self,
        link: usize,
        layers: &Layers,
        lefts: &[f64],
        items: &[Point],
        (tops, heights): (&[f64], &[f64]),
        reversed: bool,
    ) -> Vec<Point> {
        let ((upper, upper_x), (lower, lower_x)) = self.ends(link, reversed);
        let chain = &layers.chains[link];
        let mut points = Vec::with_capacity(chain.len() * 2);
        let band = |vertex: usize| {
            let layer = layers.vertices[vertex].layer;
            (tops[layer], tops[layer] + heights[layer])
        };
        let x = lefts[upper] + upper_x;
        points.push(Point { x, y: items[upper].y + self.sizes[upper].height });
        points.push(Point { x, y: band(upper).1 });
        for &turn in &chain[1..chain.len() - 1] {
            let (top, bottom) = band(turn);
            let x = lefts[turn] + PORT_WIDTH / 2.0;
            points.push(Point { x, y: top });
            points.push(Point { x, y: bottom });
        }
        let x = lefts[lower] + lower_x;
        points.push(Point { x, y: band(lower).0 });
        points.push(Point { x, y: items[lower].y });
        points.dedup();
        points
    }
}

/// Top and height of each layer.
fn bands(layers: &Layers) -> (Vec<f64>, Vec<f64>) {
    let height = |layer: &Vec<usize>| layer.iter().map(|at| layers.vertices[*at].height).fold(0.0, f64::max);
    let heights: Vec<f64> = layers.layers.iter().map(height).collect();
    let mut tops = Vec::with_capacity(heights.len());
    let mut y = 0.0;
    for (layer, height) in heights.iter().enumerate() {
        tops.push(y);
        let is_port = *height == 0.0 || heights.get(layer + 1) == Some(&0.0);
        y += height + if is_port { PORT_GAP } else { LAYER_GAP };
    }
    (tops, heights)
}
