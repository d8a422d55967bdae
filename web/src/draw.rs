//! Pictures: SVG made on the server from plain numbers and texts. Nothing here knows an application, a page or a URL; each
//! picture has its own input, and reads without scripts.

pub(crate) mod chart;
pub(crate) mod graph;
pub(crate) mod layered;
pub(crate) mod svg;
pub(crate) mod task_counts;
pub(crate) mod tasks;
pub(crate) mod timeline;
pub(crate) mod times;
