//! The way through a plan on which most time was spent.

use std::collections::HashSet;

/// The nodes of the path (along edges) whose times together are the most; of several the first.
pub(super) fn path(times: &[f64], edges: &[(usize, usize)]) -> HashSet<usize> {
    let mut next = vec![Vec::new(); times.len()];
    let mut waits_for = vec![0_usize; times.len()];
    for (from, to) in edges {
        next[*from].push(*to);
        waits_for[*to] += 1;
    }
    let mut best = times.to_vec();
    let mut before: Vec<Option<usize>> = vec![None; times.len()];
    let mut ready: Vec<usize> = (0..times.len()).filter(|at| waits_for[*at] == 0).collect();
    let mut done = 0;
    while let Some(&at) = ready.get(done) {
        done += 1;
        for &to in &next[at] {
            if before[to].is_none() || best[at] + times[to] > best[to] {
                best[to] = best[at] + times[to];
                before[to] = Some(at);
            }
            waits_for[to] -= 1;
            if waits_for[to] == 0 {
                ready.push(to);
            }
        }
    }
    let last = (0..times.len()).rev().max_by(|a, b| best[*a].total_cmp(&best[*b]));
    let mut path = HashSet::new();
    let mut at = last;
    while let Some(node) = at {
        // A plan has no circles; a log may say otherwise.
        if !path.insert(node) {
            break;
        }
        at = before[node];
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_path_goes_by_the_slowest_branch() {
        let found = path(&[1.0, 9.0, 1.0, 0.0], &[(0, 2), (1, 2), (2, 3)]);
        assert!(found.contains(&1) && found.contains(&2) && !found.contains(&0), "{found:?}");
    }

    #[test]
    fn a_circle_ends() {
        assert!(path(&[1.0, 1.0], &[(0, 1), (1, 0)]).len() <= 2);
        assert!(path(&[], &[]).is_empty());
    }
}
