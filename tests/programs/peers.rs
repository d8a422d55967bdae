//! The peers themselves: that what `tests/setup programs` brought really runs, so that another test's failure is not
//! theirs.

use std::time::Duration;

use crate::support::browser::{Browser, Scheme};
use crate::support::cache;
use crate::support::output_folder;
use crate::support::process::{guarded, run};
use crate::support::wait::eventually;

#[tokio::test]
async fn spark_of_every_version_runs() {
    for spark in ["3.5", "4.0", "4.1", "4.3"] {
        let mut command = guarded(cache::spark_home(spark).join("bin/spark-submit"));
        let output = run(command.arg("--version"), Duration::from_secs(120)).await.succeeded();
        assert!(output.stderr.contains(&format!("version {spark}.")), "{}", output.stderr);
    }
}

#[tokio::test]
async fn a_browser_opens_a_page_in_light_and_dark() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let text = "<style>@media (prefers-color-scheme: dark) { p::after { content: ' by night' } }</style><p>Seen</p><a href='#there'>go</a>";
    std::fs::write(&page, text).unwrap();
    let browser = Browser::start(800, 600).await;
    browser.open(&format!("file://{}", page.display())).await;
    assert_eq!(browser.text("p").await, "Seen");
    let after = "return getComputedStyle(document.querySelector('p'), '::after').content";
    browser.prefer(Scheme::Dark).await;
    assert_eq!(browser.script(after).await, "\" by night\"");
    browser.prefer(Scheme::Light).await;
    assert_eq!(browser.script(after).await, "none");
    browser.click_link("go").await;
    assert!(browser.url().await.ends_with("#there"));
    let picture = output_folder("peers").join("page.png");
    browser.screenshot(&picture).await;
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn a_process_that_the_test_lets_go_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    let script = format!("sleep 1000 & echo $$ $! > {}; wait", ids.display());
    let child = guarded("sh").args(["-c", &script]).spawn().unwrap();
    let minute = Duration::from_secs(60);
    let started = eventually("ids of both processes", minute, async || {
        let text = std::fs::read_to_string(&ids).ok()?;
        text.ends_with('\n').then(|| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    })
    .await;
    // A process that nobody has waited for yet is still listed, as a zombie.
    let running = |id: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    assert!(started.iter().all(running), "{started:?}");
    drop(child);
    eventually("the end of both", minute, async || (!started.iter().any(running)).then_some(())).await;
}
