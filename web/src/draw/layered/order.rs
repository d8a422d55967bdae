//! The order of boxes in their layers, with few arrows that cross.

use super::layers::Layers;

/// How often all layers are gone through, downwards and upwards.
const ROUNDS: usize = 6;

/// Neighbours of each vertex in the layer above, or below.
type Neighbours = Vec<Vec<usize>>;

/// Orders each layer.
pub(super) fn order(layers: &mut Layers) {
    let mut above: Neighbours = vec![Vec::new(); layers.vertices.len()];
    let mut below = above.clone();
    for segment in &layers.segments {
        above[segment.lower].push(segment.upper);
        below[segment.upper].push(segment.lower);
    }
    layers.layers = by_branches(layers, &above, &below);
    let mut best = layers.layers.clone();
    let mut fewest = crossings(&best, &below, layers.vertices.len());
    for round in 0..ROUNDS {
        if fewest == 0 {
            break;
        }
        sweep(layers, if round % 2 == 0 { &above } else { &below }, round % 2 == 0);
        let now = crossings(&layers.layers, &below, layers.vertices.len());
        if now < fewest {
            (fewest, best) = (now, layers.layers.clone());
        }
    }
    layers.layers = best;
}

/// Each layer in the order in which going along the arrows from the last boxes upwards meets them: a tree has no crossings
/// then.
fn by_branches(layers: &Layers, above: &Neighbours, below: &Neighbours) -> Vec<Vec<usize>> {
    let mut ordered = vec![Vec::new(); layers.layers.len()];
    let mut seen = vec![false; layers.vertices.len()];
    let last_first = layers.layers.iter().rev().flatten().copied();
    for start in last_first {
        let mut stack = vec![start];
        while let Some(at) = stack.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            ordered[layers.vertices[at].layer].push(at);
            stack.extend(below[at].iter().chain(above[at].iter().rev()).filter(|next| !seen[**next]));
        }
    }
    ordered
}

/// Orders each layer by where its neighbours in the one before stand.
fn sweep(layers: &mut Layers, neighbours: &Neighbours, down: bool) {
    let mut places = places(&layers.layers, layers.vertices.len());
    let count = layers.layers.len();
    for step in 1..count {
        let layer = &mut layers.layers[if down { step } else { count - 1 - step }];
        let mut keyed: Vec<(f64, usize)> = (layer.iter())
            .map(|at| {
                let around = &neighbours[*at];
                let sum: usize = around.iter().map(|one| places[*one]).sum();
                let key = if around.is_empty() { places[*at] as f64 } else { sum as f64 / around.len() as f64 };
                (key, *at)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        *layer = keyed.into_iter().map(|(_, at)| at).collect();
        for (place, at) in layer.iter().enumerate() {
            places[*at] = place;
        }
    }
}

fn places(layers: &[Vec<usize>], count: usize) -> Vec<usize> {
    let mut places = vec![0; count];
    for layer in layers {
        for (place, at) in layer.iter().enumerate() {
            places[*at] = place;
        }
    }
    places
}

/// How many pairs of arrows cross.
fn crossings(layers: &[Vec<usize>], below: &Neighbours, count: usize) -> u64 {
    let places = places(layers, count);
    let mut crossings = 0;
    for pair in layers.windows(2) {
        // A tree of sums over the places of the lower layer: how many arrows seen so far end to the right.
        let mut sums = vec![0_u64; pair[1].len() + 1];
        let mut seen = 0;
        for at in &pair[0] {
            let mut ends: Vec<usize> = below[*at].iter().map(|lower| places[*lower]).collect();
            ends.sort_unstable();
            for end in &ends {
                let (mut index, mut not_right) = (end + 1, 0);
                while index > 0 {
                    not_right += sums[index];
                    index &= index - 1;
                }
                crossings += seen - not_right;
            }
            for end in ends {
                let mut index = end + 1;
                while index < sums.len() {
                    sums[index] += 1;
                    index += index & index.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    crossings
}
