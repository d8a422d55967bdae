use proptest::prelude::*;

use super::*;

/// Rounding may bring boxes this near to each other.
const EPSILON: f64 = 1e-6;

fn overlap(a: Rect, b: Rect) -> bool {
    let apart = |from: f64, length: f64, other: f64| from + length <= other + EPSILON;
    !(apart(a.at.x, a.size.width, b.at.x)
        || apart(b.at.x, b.size.width, a.at.x)
        || apart(a.at.y, a.size.height, b.at.y)
        || apart(b.at.y, b.size.height, a.at.y))
}

fn holds(outer: Rect, inner: Rect) -> bool {
    outer.at.x <= inner.at.x + EPSILON
        && outer.at.y <= inner.at.y + EPSILON
        && inner.at.x + inner.size.width <= outer.at.x + outer.size.width + EPSILON
        && inner.at.y + inner.size.height <= outer.at.y + outer.size.height + EPSILON
}

/// Whether a line between two points runs through a box (and not along its edge).
fn crosses(from: Point, to: Point, rect: Rect) -> bool {
    let mut range = (0.0_f64, 1.0_f64);
    for (start, way, low, high) in [
        (from.x, to.x - from.x, rect.at.x, rect.at.x + rect.size.width),
        (from.y, to.y - from.y, rect.at.y, rect.at.y + rect.size.height),
    ] {
        if way.abs() < EPSILON {
            if start <= low + EPSILON || start >= high - EPSILON {
                return false;
            }
            continue;
        }
        let (a, b) = ((low - start) / way, (high - start) / way);
        range = (range.0.max(a.min(b)), range.1.min(a.max(b)));
    }
    range.1 - range.0 > EPSILON
}

fn clusters_of(graph: &Graph, node: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = graph.nodes[node].cluster;
    while let Some(cluster) = at {
        found.push(cluster);
        at = graph.clusters[cluster].parent;
    }
    found
}

fn check(graph: &Graph) {
    let layout = lay_out(graph);
    let whole = Rect { at: Point::default(), size: layout.size };
    for (a, rect) in layout.nodes.iter().enumerate() {
        assert!(holds(whole, *rect), "{rect:?} is not in {whole:?}");
        for other in &layout.nodes[a + 1..] {
            assert!(!overlap(*rect, *other), "{rect:?} and {other:?}");
        }
        let own = clusters_of(graph, a);
        for (cluster, frame) in layout.clusters.iter().enumerate() {
            if own.contains(&cluster) {
                assert!(holds(*frame, *rect), "{rect:?} is not in its {frame:?}");
            } else {
                assert!(!overlap(*frame, *rect), "{rect:?} is in another's {frame:?}");
            }
        }
    }
    for ((from, to), points) in graph.edges.iter().zip(&layout.edges) {
        if from == to {
            assert!(points.is_empty());
            continue;
        }
        let touches = |rect: Rect, at: Point| {
            at.x >= rect.at.x - EPSILON
                && at.x <= rect.at.x + rect.size.width + EPSILON
                && ((at.y - rect.at.y).abs() < EPSILON || (at.y - rect.at.y - rect.size.height).abs() < EPSILON)
        };
        assert!(touches(layout.nodes[*from], points[0]), "{points:?} begins at {:?}", layout.nodes[*from]);
        assert!(touches(layout.nodes[*to], points[points.len() - 1]), "{points:?} ends at {:?}", layout.nodes[*to]);
        // Between layers an arrow is drawn as a curve that stays between them, as the straight line does.
        for pair in points.windows(2) {
            let through = layout.nodes.iter().position(|rect| crosses(pair[0], pair[1], *rect));
            assert_eq!(through, None, "{from} to {to} runs over a box: {pair:?}");
        }
    }
}

type Index = prop::sample::Index;

/// Clusters of runs of nodes, each run whole within another or apart from it; so that no two clusters need each other.
fn runs(wanted: &[(Index, Index, f64)], nodes: &mut [Node]) -> Vec<Cluster> {
    let mut runs: Vec<(usize, usize, f64)> = (wanted.iter())
        .map(|(a, b, title_width)| {
            let (a, b) = (a.index(nodes.len()), b.index(nodes.len()));
            (a.min(b), a.max(b), *title_width)
        })
        .collect();
    runs.sort_by_key(|(from, to, _)| (*from, usize::MAX - to));
    let mut clusters = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (from, to, title_width) in runs {
        while open.last().is_some_and(|(end, _)| *end < from) {
            open.pop();
        }
        if open.last().is_some_and(|(end, _)| *end < to) {
            continue;
        }
        clusters.push(Cluster { parent: open.last().map(|(_, cluster)| *cluster), title_width });
        open.push((to, clusters.len() - 1));
        nodes[from..=to].iter_mut().for_each(|node| node.cluster = Some(clusters.len() - 1));
    }
    clusters
}

prop_compose! {
    fn graphs(acyclic: bool)(
        clusters in prop::collection::vec((any::<Index>(), any::<Index>(), 0.0..200.0), 0..8),
        sizes in prop::collection::vec((1.0..220.0, 1.0..90.0, any::<Index>()), 1..40),
        edges in prop::collection::vec((any::<Index>(), any::<Index>()), 0..60),
    ) -> Graph {
        let size = |(width, height, _): &(f64, f64, Index)| Size { width: *width, height: *height };
        let mut nodes: Vec<Node> = sizes.iter().map(|one| Node { size: size(one), cluster: None }).collect();
        let clusters = runs(&clusters, &mut nodes);
        if !acyclic && !clusters.is_empty() {
            for (node, (_, _, cluster)) in nodes.iter_mut().zip(&sizes) {
                node.cluster = Some(cluster.index(clusters.len()));
            }
        }
        let edge = |(a, b): &(Index, Index)| {
            let (a, b) = (a.index(nodes.len()), b.index(nodes.len()));
            if acyclic { (a.min(b), a.max(b)) } else { (a, b) }
        };
        let edges = edges.iter().map(edge).collect();
        Graph { nodes, clusters, edges }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn no_box_overlaps_and_no_arrow_runs_over_one(graph in graphs(true)) {
        check(&graph);
    }

    #[test]
    fn a_graph_that_goes_in_circles_is_drawn_as_well(graph in graphs(false)) {
        let layout = lay_out(&graph);
        for (at, rect) in layout.nodes.iter().enumerate() {
            prop_assert!(layout.nodes[at + 1..].iter().all(|other| !overlap(*rect, *other)));
        }
    }
}

fn node(cluster: Option<usize>) -> Node {
    Node { size: Size { width: 100.0, height: 30.0 }, cluster }
}

#[test]
fn a_chain_is_a_straight_line_downwards() {
    let graph = Graph { nodes: vec![node(None); 4], clusters: Vec::new(), edges: vec![(0, 1), (1, 2), (2, 3)] };
    let layout = lay_out(&graph);
    assert!(layout.nodes.windows(2).all(|pair| pair[0].at.x == pair[1].at.x && pair[0].at.y < pair[1].at.y));
    assert!(layout.edges.iter().all(|points| points.len() == 2));
}

#[test]
fn a_tree_has_no_crossings_and_its_root_stands_below_the_middle() {
    let graph = Graph { nodes: vec![node(None); 5], clusters: Vec::new(), edges: vec![(0, 2), (1, 2), (3, 4), (2, 4)] };
    let layout = lay_out(&graph);
    let middle = (layout.nodes[0].at.x + layout.nodes[1].at.x) / 2.0;
    assert!((layout.nodes[2].at.x - middle).abs() < 1.0, "{:?}", layout.nodes);
    assert_eq!(layout.nodes[3].at.y, layout.nodes[2].at.y);
}

#[test]
fn a_thousand_boxes_are_few_enough_to_be_laid_out_at_once() {
    // As a plan of many joins is: each of two branches, in clusters of three.
    let nodes = (0..1000).map(|at| node(Some(at / 3))).collect::<Vec<_>>();
    let clusters = (0..334).map(|_| Cluster { parent: None, title_width: 80.0 }).collect();
    let edges = (1..1000_usize).map(|at| (at, (at - 1) / 2)).collect();
    let layout = lay_out(&Graph { nodes, clusters, edges });
    assert!(layout.edges.iter().all(|points| points.len() >= 2));
}

#[test]
fn nothing_is_laid_out_as_nothing() {
    let layout = lay_out(&Graph::default());
    assert_eq!(layout.size, Size::default());
}
