//! A level of a graph, cut into layers.

/// A box, or the place where an arrow goes through a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) layer: usize,
    pub(super) is_turn: bool,
}

/// Part of an arrow, from one layer to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) upper: usize,
    pub(super) upper_x: f64,
    pub(super) lower: usize,
    pub(super) lower_x: f64,
}

/// The vertices in their layers, and the parts of arrows between these.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) vertices: Vec<Vertex>,
    pub(super) segments: Vec<Segment>,
    pub(super) layers: Vec<Vec<usize>>,
    /// The vertices that each arrow goes through, downwards.
    pub(super) chains: Vec<Vec<usize>>,
}
