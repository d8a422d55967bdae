//! Points, boxes, and how wide an arrow is, in pixels.

/// Width of an arrow where it stands between boxes.
pub(super) const PORT_WIDTH: f64 = 12.0;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) at: Point,
    pub(crate) size: Size,
}
