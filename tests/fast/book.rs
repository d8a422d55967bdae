//! The manual: every chapter is in it, and every link of it, and of what else people read, leads somewhere.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A text as mdBook shows it: with the parts of others that it includes.
fn text(path: &Path) -> String {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let Some((before, rest)) = text.split_once("{{#include ") else { return text };
    let (included, after) = rest.split_once("}}").unwrap();
    let (file, anchor) = included.split_once(':').expect("an include names a part of a file");
    let other = std::fs::read_to_string(root().join(path).parent().unwrap().join(file)).unwrap();
    let begin = format!("<!-- ANCHOR: {anchor} -->");
    let end = format!("<!-- ANCHOR_END: {anchor} -->");
    let part = other.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end));
    let (part, _) = part.unwrap_or_else(|| panic!("{} includes {included}, which is not there", path.display()));
    format!("{before}{part}{after}")
}

/// What a text links to, and the anchors that its headings make, as mdBook and the forges name them.
fn links_and_anchors(markdown: &str) -> (Vec<String>, BTreeSet<String>) {
    let (mut links, mut anchors, mut heading) = (Vec::new(), BTreeSet::new(), None::<String>);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string())
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|heading| anchor(&heading))),
            _ => {}
        }
    }
    (links, anchors)
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// `path` without what leads up and down again.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{} leads out of the project", path.display()),
            part => plain.push(part),
        }
    }
    plain
}

fn markdown_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_chapter_is_in_the_book_once() {
    let (mut links, _) = links_and_anchors(&text(Path::new("docs/SUMMARY.md")));
    let mut chapters: Vec<String> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    links.sort();
    chapters.sort();
    assert_eq!(links, chapters, "docs/SUMMARY.md, and the chapters that there are");
}

#[test]
fn every_link_leads_somewhere() {
    let mut texts: Vec<PathBuf> = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(PathBuf::from).into();
    texts.extend(markdown_below("docs"));
    texts.extend(markdown_below("deploy"));
    let mut seen = 0;
    for path in texts {
        let (links, _) = links_and_anchors(&text(&path));
        for link in links.iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { plain(&path.parent().unwrap().join(file)) };
            assert!(root().join(&target).exists(), "{}: {link} is not there", path.display());
            let in_book = |path: &Path| path.starts_with("docs");
            assert!(!in_book(&path) || in_book(&target), "{}: {link} is not in the book", path.display());
            if !fragment.is_empty() {
                let (_, anchors) = links_and_anchors(&text(&target));
                assert!(anchors.contains(fragment), "{}: {link}: there are {anchors:?}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} links were found");
}
