//! The manual, as mdBook makes pages of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;

use crate::support::cache;
use crate::support::process::{guarded, run};

#[tokio::test]
async fn the_book_is_built_and_every_link_of_its_pages_leads_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut mdbook = guarded(cache::tool("mdbook"));
    mdbook.arg("build").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).arg("--dest-dir").arg(folder.path());
    let built = run(&mut mdbook, Duration::from_secs(120)).await.succeeded();
    let said = format!("{}{}", built.stdout, built.stderr);
    assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");

    // The page of what is not there has its links from the root of a site.
    let pages: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "html") && !path.ends_with("404.html"))
        .collect();
    let address = Regex::new(r#"(?:href|src)="([^"]*)""#).unwrap();
    let mut seen = 0;
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        assert!(!text.contains("{{#"), "{} has an include that was not followed", page.display());
        for (_, [link]) in address.captures_iter(&text).map(|found| found.extract()) {
            if link.is_empty() || link.contains(':') {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { folder.path().join(file) };
            assert!(target.exists(), "{}: {link} is not there", page.display());
            let has = |id: &str| std::fs::read_to_string(&target).unwrap().contains(&format!("id=\"{id}\""));
            assert!(fragment.is_empty() || has(fragment), "{}: {link} has no such place", page.display());
            seen += 1;
        }
    }
    assert!(pages.len() > 15 && seen > 300, "{} pages, {seen} links", pages.len());
}
