//! Where the boxes and arrows of a graph stand: in layers, so that arrows go down, with boxes around clusters.
//!
//! Each cluster is laid out by itself ([`flat`]) and is then a box of its parent's. An arrow that leaves a cluster does so
//! through a port on its edge, for which there is a place among the boxes of the cluster's last layer: so no arrow runs
//! over a box, and no two boxes overlap unless one holds the other.

mod coordinates;
mod flat;
mod geometry;
mod layers;
mod order;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use flat::{Flat, Link, Placed};
use geometry::PORT_WIDTH;
pub(crate) use geometry::{Point, Rect, Size};

/// Room between a cluster's frame and what is in it.
const PADDING: f64 = 12.0;
/// Room for a cluster's title.
const TITLE_HEIGHT: f64 = 20.0;
/// What is to be laid out. Arrows name nodes by their places; one from a node to itself, or to one that is not there, is
/// not drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    /// Each after the one that it is in.
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) edges: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) size: Size,
    pub(crate) cluster: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) parent: Option<usize>,
    pub(crate) title_width: f64,
}

/// Where everything stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) size: Size,
    pub(crate) nodes: Vec<Rect>,
    pub(crate) clusters: Vec<Rect>,
    /// The points of each arrow; none of one that is not drawn.
    pub(crate) edges: Vec<Vec<Point>>,
}

/// A box in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Node(usize),
    Cluster(usize),
    /// Where the arrows that come from a node leave the container.
    Exit(usize),
    /// Where the arrows that lead to a node enter it.
    Entry(usize),
}

/// What is in a container: a cluster, or the whole.
#[derive(Debug, Default)]
struct Container {
    items: Vec<Item>,
    /// Arrows between two of its items.
    inner: Vec<usize>,
    exits: BTreeSet<usize>,
    entries: BTreeSet<usize>,
    placed: Placed,
    /// Which path of `placed` an arrow, an exit or an entry has.
    paths: BTreeMap<Path, usize>,
    size: Size,
    /// From the frame to what is in it.
    shift: Point,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Path {
    Inner(usize),
    Exit(usize),
    Entry(usize),
}

/// Lays out a graph.
pub(crate) fn lay_out(graph: &Graph) -> Layout {
    let mut whole = Whole::new(graph);
    // Clusters stand after those that they are in.
    for container in (0..=graph.clusters.len()).rev() {
        whole.place(container);
    }
    whole.layout()
}

/// Containers: at 0 the whole, at n + 1 cluster n.
struct Whole<'a> {
    graph: &'a Graph,
    containers: Vec<Container>,
}

impl<'a> Whole<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut whole = Self { graph, containers: Vec::new() };
        whole.containers.resize_with(graph.clusters.len() + 1, Container::default);
        for node in 0..graph.nodes.len() {
            let at = whole.home(node);
            whole.containers[at].items.push(Item::Node(node));
        }
        for cluster in 0..graph.clusters.len() {
            let at = whole.parent(cluster + 1).unwrap_or(0);
            whole.containers[at].items.push(Item::Cluster(cluster));
        }
        for (edge, &(from, to)) in graph.edges.iter().enumerate() {
            if from != to && from < graph.nodes.len() && to < graph.nodes.len() {
                whole.connect(edge, from, to);
            }
        }
        whole
    }

    fn home(&self, node: usize) -> usize {
        let cluster = self.graph.nodes[node].cluster.filter(|cluster| *cluster < self.graph.clusters.len());
        cluster.map_or(0, |cluster| cluster + 1)
    }

    fn parent(&self, container: usize) -> Option<usize> {
        let cluster = container.checked_sub(1)?;
        Some(self.graph.clusters[cluster].parent.filter(|parent| *parent < cluster).map_or(0, |parent| parent + 1))
    }

    /// The containers of a node, the innermost first.
    fn chain(&self, node: usize) -> Vec<usize> {
        let mut chain = vec![self.home(node)];
        while let Some(parent) = chain.last().and_then(|last| self.parent(*last)) {
            chain.push(parent);
        }
        chain
    }

    /// The containers that an arrow leaves and those that it enters, the innermost first, and the one that holds both ends.
    fn way(&self, from: usize, to: usize) -> (Vec<usize>, usize, Vec<usize>) {
        let (mut leaves, mut enters) = (self.chain(from), self.chain(to));
        let mut common = 0;
        while let (Some(a), Some(b)) = (leaves.last(), enters.last()) {
            if a != b {
                break;
            }
            common = *a;
            leaves.pop();
            enters.pop();
        }
        (leaves, common, enters)
    }

    fn connect(&mut self, edge: usize, from: usize, to: usize) {
        let (leaves, common, enters) = self.way(from, to);
        for container in leaves {
            self.containers[container].exits.insert(from);
        }
        for container in enters {
            self.containers[container].entries.insert(to);
        }
        self.containers[common].inner.push(edge);
    }

    /// The item of a container in which a node is, and how far from the item's left its arrows leave or enter.
    fn end(&self, container: usize, node: usize, leaves: bool) -> (Item, f64) {
        let chain = self.chain(node);
        let at = chain.iter().position(|one| *one == container).unwrap_or(0);
        match at.checked_sub(1).map(|below| chain[below]) {
            None => (Item::Node(node), self.graph.nodes[node].size.width / 2.0),
            Some(below) => (Item::Cluster(below - 1), self.containers[below].port(node, leaves)),
        }
    }

    fn place(&mut self, container: usize) {
        let mut flat = Flat::default();
        let mut paths = BTreeMap::new();
        let mut items = self.containers[container].items.clone();
        items.extend(self.containers[container].exits.iter().map(|node| Item::Exit(*node)));
        items.extend(self.containers[container].entries.iter().map(|node| Item::Entry(*node)));
        let places: BTreeMap<Item, usize> = items.iter().enumerate().map(|(at, item)| (*item, at)).collect();
        flat.sizes = items.iter().map(|item| self.size(*item)).collect();
        flat.top = (0..items.len()).filter(|at| matches!(items[*at], Item::Entry(_))).collect();
        let mut link = |path: Path, from: (Item, f64), to: (Item, f64)| {
            paths.insert(path, flat.links.len());
            flat.links.push(Link { from: places[&from.0], from_x: from.1, to: places[&to.0], to_x: to.1 });
        };
        for &edge in &self.containers[container].inner {
            let (from, to) = self.graph.edges[edge];
            link(Path::Inner(edge), self.end(container, from, true), self.end(container, to, false));
        }
        for &node in &self.containers[container].exits {
            link(Path::Exit(node), self.end(container, node, true), (Item::Exit(node), PORT_WIDTH / 2.0));
        }
        for &node in &self.containers[container].entries {
            link(Path::Entry(node), (Item::Entry(node), PORT_WIDTH / 2.0), self.end(container, node, false));
        }
        let placed = flat.place();
        let title = container.checked_sub(1).map(|cluster| self.graph.clusters[cluster].title_width);
        let one = &mut self.containers[container];
        one.fit(placed.size, title);
        (one.placed, one.items, one.paths) = (placed, items, paths);
    }

    fn size(&self, item: Item) -> Size {
        match item {
            Item::Node(node) => self.graph.nodes[node].size,
            Item::Cluster(cluster) => self.containers[cluster + 1].size,
            Item::Exit(_) | Item::Entry(_) => Size { width: PORT_WIDTH, height: 0.0 },
        }
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout {
            size: self.containers[0].size,
            nodes: vec![Rect::default(); self.graph.nodes.len()],
            clusters: vec![Rect::default(); self.graph.clusters.len()],
            edges: Vec::new(),
        };
        for (index, container) in self.containers.iter().enumerate() {
            let origin = self.origin(&layout, index);
            for (item, at) in container.items.iter().zip(&container.placed.items) {
                let rect = Rect { at: Point { x: origin.x + at.x, y: origin.y + at.y }, size: self.size(*item) };
                match item {
                    Item::Node(node) => layout.nodes[*node] = rect,
                    Item::Cluster(cluster) => layout.clusters[*cluster] = rect,
                    Item::Exit(_) | Item::Entry(_) => {}
                }
            }
        }
        layout.edges = (0..self.graph.edges.len()).map(|edge| self.path(&layout, edge)).collect();
        layout
    }

    /// Where a container's inside begins.
    fn origin(&self, layout: &Layout, container: usize) -> Point {
        let frame = container.checked_sub(1).map(|cluster| layout.clusters[cluster].at).unwrap_or_default();
        let shift = self.containers[container].shift;
        Point { x: frame.x + shift.x, y: frame.y + shift.y }
    }

    fn path(&self, layout: &Layout, edge: usize) -> Vec<Point> {
        let (from, to) = self.graph.edges[edge];
        if from == to || from >= self.graph.nodes.len() || to >= self.graph.nodes.len() {
            return Vec::new();
        }
        let (leaves, common, enters) = self.way(from, to);
        let mut points = Vec::<Point>::new();
        let mut add = |container: usize, path: Path| {
            let origin = self.origin(layout, container);
            let one = &self.containers[container];
            let part = one.paths.get(&path).map_or(&[][..], |at| &one.placed.paths[*at]);
            points.extend(part.iter().map(|at| Point { x: origin.x + at.x, y: origin.y + at.y }));
        };
        leaves.iter().for_each(|container| add(*container, Path::Exit(from)));
        add(common, Path::Inner(edge));
        enters.iter().rev().for_each(|container| add(*container, Path::Entry(to)));
        points.dedup();
        points
    }
}

impl Container {
    /// How far from the left of the frame the arrows of a node leave or enter.
    fn port(&self, node: usize, leaves: bool) -> f64 {
        let path = if leaves { Path::Exit(node) } else { Path::Entry(node) };
        let points = self.paths.get(&path).map(|at| &self.placed.paths[*at]);
        let point = points.and_then(|points| if leaves { points.last() } else { points.first() });
        self.shift.x + point.map_or(0.0, |point| point.x)
    }

    /// Puts a frame around what is inside; around the whole there is none.
    fn fit(&mut self, inside: Size, title_width: Option<f64>) {
        let Some(title_width) = title_width else {
            self.size = inside;
            return;
        };
        let width = (inside.width + 2.0 * PADDING).max(title_width + 2.0 * PADDING);
        self.size = Size { width, height: inside.height + TITLE_HEIGHT + 2.0 * PADDING };
        self.shift = Point { x: (width - inside.width) / 2.0, y: TITLE_HEIGHT + PADDING };
    }
}
