//! No file of a crate leads back to itself over what it imports.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::modules::{Edges, edges};
use super::{SOURCES, root};

#[test]
fn no_files_go_in_a_circle() {
    let circles = circles(&all());
    assert!(circles.is_empty(), "files that lead back to themselves:\n{}", circles.join("\n"));
}

/// The modules of the history server: each uses only those of rows above its own.
const HISTORY_SERVER: [&[&str]; 7] = [
    &["progress"],
    &["access", "clean", "error", "event_log", "log_url", "metrics", "pods", "redaction"],
    &["config", "listing", "tables"],
    &["opened"],
    &["cache", "load"],
    &["history"],
    &["api"],
];

#[test]
fn the_history_server_goes_from_files_to_answers() {
    let root = root().join("history-server/src");
    let row = |file: &Path| {
        let inside = file.strip_prefix(&root).unwrap().with_extension("");
        let module = inside.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        let row = HISTORY_SERVER.iter().position(|row| row.contains(&module.as_str()));
        (row.unwrap_or_else(|| panic!("{module} has no place in the table of modules")), module)
    };
    for (user, all) in edges(&root.join("lib.rs")).iter().filter(|(user, _)| !user.ends_with("lib.rs")) {
        for (used, path) in all {
            let ((above, one), (below, other)) = (row(user), row(used));
            assert!(
                one == other || below < above,
                "{} must not use {path}: {other} is no row above {one}",
                user.display()
            );
        }
    }
}

#[test]
fn a_circle_is_found_through_re_exports_and_a_tree_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("room")).unwrap();
    write("lib.rs", "mod desk; mod room; pub use desk::Desk; pub use room::Room;");
    write("desk.rs", "pub struct Desk; #[cfg(test)] mod tests { use crate::Room; }");
    write("room.rs", "mod wall; pub use wall::Wall; use crate::Desk; pub struct Room(Desk);");
    write("room/wall.rs", "use super::Room; pub struct Wall(Room);");
    let root = folder.path().join("lib.rs");
    assert_eq!(circles(&edges(&root)), Vec::<String>::new());
    write("desk.rs", "pub struct Desk; fn look() { println!(\"{}\", size_of::<crate::room::Wall>()) }");
    let found = circles(&edges(&root));
    assert_eq!(found.len(), 1, "{found:?}");
    for part in ["desk.rs → ", "(crate::room::Wall)", "room/wall.rs → ", "(super::Room)", "room.rs → ", "(crate::Desk)"]
    {
        assert!(found[0].contains(part), "{part}: {found:?}");
    }
}

/// Who uses whom in the whole workspace, with paths from its root.
fn all() -> Edges {
    let mut all = Edges::new();
    for folder in SOURCES {
        let folder = root().join(folder);
        let file = ["lib.rs", "main.rs"].map(|name| folder.join(name)).into_iter().find(|file| file.is_file()).unwrap();
        let short = |file: PathBuf| file.strip_prefix(root()).unwrap().to_owned();
        for (user, used) in edges(&file) {
            all.insert(short(user), used.into_iter().map(|(used, path)| (short(used), path)).collect());
        }
    }
    all
}

/// The shortest circle through each file that is in one, each once.
fn circles(edges: &Edges) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let circles = edges.keys().filter_map(|file| shortest(edges, file));
    let new = circles.filter(|circle| seen.insert(circle.iter().copied().collect::<BTreeSet<_>>())).collect::<Vec<_>>();
    let step = |from: &Path, to: &Path| format!("{} → ({}) ", from.display(), edges[from][to]);
    let shown = |circle: Vec<&Path>| {
        let steps = (0..circle.len()).map(|at| step(circle[at], circle[(at + 1) % circle.len()]));
        steps.collect::<String>() + &circle[0].display().to_string()
    };
    new.into_iter().map(shown).collect()
}

fn shortest<'a>(edges: &'a Edges, start: &'a Path) -> Option<Vec<&'a Path>> {
    let mut came_from: BTreeMap<&Path, &Path> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(file) = next.pop_front() {
        for used in edges.get(file).into_iter().flat_map(BTreeMap::keys) {
            if used == start {
                let mut circle: Vec<_> = std::iter::successors(Some(file), |at| came_from.get(at).copied()).collect();
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(used.as_path()) {
                came_from.insert(used, file);
                next.push_back(used);
            }
        }
    }
    None
}
