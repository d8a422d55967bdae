//! How far from the left each box stands: near those that it is connected with, and never over another of its layer.

use super::layers::Layers;

/// Between two boxes of a layer.
const GAP: f64 = 22.0;

/// How often all layers are gone through.
const ROUNDS: usize = 10;

/// How much more an arrow between boxes wants to be straight than a box wants to be in the middle.
const TURN_WEIGHT: f64 = 4.0;

/// How much a vertex without neighbours there wants to stay.
const STAY_WEIGHT: f64 = 0.01;

/// The left of every vertex; the smallest is 0.
pub(super) fn coordinates(layers: &Layers) -> Vec<f64> {
    let mut lefts = vec![0.0; layers.vertices.len()];
    for layer in &layers.layers {
        let mut x = 0.0;
        for &at in layer {
            lefts[at] = x;
            x += layers.vertices[at].width + GAP;
        }
    }
    let pulls = pulls(layers);
    let count = layers.layers.len();
    for round in 0..ROUNDS {
        let (up, down) = match round {
            _ if round + 2 >= ROUNDS => (true, true),
            _ => (round % 2 == 0, round % 2 == 1),
        };
        for step in 0..count {
            let layer = &layers.layers[if round % 2 == 0 { step } else { count - 1 - step }];
            settle(layers, layer, &pulls, (up, down), &mut lefts);
        }
    }
    let least = lefts.iter().copied().fold(f64::INFINITY, f64::min);
    lefts.iter_mut().for_each(|left| *left -= least);
    lefts
}

/// What draws a vertex: the other one, and how far apart the two lefts are when the arrow between them is straight.
#[derive(Clone, Debug, Default)]
struct Pulls {
    above: Vec<(usize, f64)>,
    below: Vec<(usize, f64)>,
}

fn pulls(layers: &Layers) -> Vec<Pulls> {
    let mut pulls = vec![Pulls::default(); layers.vertices.len()];
    for segment in &layers.segments {
        let apart = segment.upper_x - segment.lower_x;
        pulls[segment.lower].above.push((segment.upper, apart));
        pulls[segment.upper].below.push((segment.lower, -apart));
    }
    pulls
}

/// Puts the boxes of a layer as near as can be to where they are drawn, in their order and with gaps: least squares under
/// these constraints, which pooling neighbours that violate them solves exactly.
fn settle(layers: &Layers, layer: &[usize], pulls: &[Pulls], (up, down): (bool, bool), lefts: &mut [f64]) {
    // Sum of weighted wishes, sum of weights, number of vertices.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(layer.len());
    for &at in layer {
        let around = || {
            let above = pulls[at].above.iter().filter(move |_| up);
            above.chain(pulls[at].below.iter().filter(move |_| down))
        };
        let number = around().count();
        let (wish, weight) = if number == 0 {
            (lefts[at], STAY_WEIGHT)
        } else {
            let sum: f64 = around().map(|(other, apart)| lefts[*other] + apart).sum();
            let weight = if layers.vertices[at].is_turn { TURN_WEIGHT } else { 1.0 };
            (sum / number as f64, weight * number as f64)
        };
        offsets.push(offset);
        let mut block = ((wish - offset) * weight, weight, 1);
        while let Some(last) = blocks.last() {
            if last.0 / last.1 <= block.0 / block.1 {
                break;
            }
            block = (block.0 + last.0, block.1 + last.1, block.2 + last.2);
            blocks.pop();
        }
        blocks.push(block);
        offset += layers.vertices[at].width + GAP;
    }
    let mut place = 0;
    for (wishes, weight, number) in blocks {
        for _ in 0..number {
            lefts[layer[place]] = wishes / weight + offsets[place];
            place += 1;
        }
    }
}
