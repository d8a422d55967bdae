//! The pages as a browser shows them: light, dark and narrow; from the list to the line of a log by clicks.

use std::path::Path;
use std::time::Duration;

use super::support::browser::{Browser, Scheme};
use super::support::cache::axe;
use super::support::hearth::{FREE_PORTS, Hearth};
use super::support::output_folder;
use super::support::wait::eventually;
use serde_json::json;
use tempfile::TempDir;

const STREAMING: &str = "/history/local-1795181962915";
const RUN: &str = "a4936ce2-356e-4544-9a76-2b883b0d6d89";
const THRIFT: &str = "/history/local-1795182006577";
const CONNECT: &str = "/history/local-1795182051890";
const SQL: &str = "/history/local-1795169288471";
const APP: &str = "app-20261120093732-0000";

/// `hearth serve` over a folder with recorded event logs, and with pod logs of their executors.
async fn start() -> (Hearth, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("store/event-logs");
    std::fs::create_dir_all(&logs).unwrap();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/tests/data");
    for name in ["orders.zstd", "nothing-ran.zstd", "cut-short.inprogress"] {
        std::fs::copy(recorded.join(name), logs.join(name)).unwrap();
    }
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("history-server/tests/data");
    for name in ["sql.zstd", "streaming.zstd", "connect.zstd", "thrift.zstd"] {
        std::fs::copy(recorded.join(name), logs.join(name)).unwrap();
    }
    let pods = folder.path().join("pods");
    for executor in [0, 1] {
        let pod = pods.join(format!("default_orders-7f3a-exec-{executor}_uid-{executor}/spark-kubernetes-executor"));
        std::fs::create_dir_all(&pod).unwrap();
        let line = |n: usize| {
            let level = if n % 97 == 96 { "ERROR" } else { "INFO" };
            let second = n * 60 / 3000;
            format!(
                "2026-11-20T09:38:{second:02}Z stderr F 26/11/20 09:38:{second:02} {level} Executor: line {n} of {executor}\n"
            )
        };
        std::fs::write(pod.join("0.log"), (0..3000).map(line).collect::<String>()).unwrap();
    }
    let (store, pods) = (format!("file:{}", folder.path().join("store").display()), pods.display().to_string());
    let arguments = ["serve", "--store", &store, "--pod-logs", &pods, "--pod-identity", "names"];
    let arguments = [&arguments[..], &FREE_PORTS].concat();
    (Hearth::start(&arguments, &[], &["history server"]).await, folder)
}

/// A page of each kind: a name for it, and where it is.
fn all_pages(site: &str) -> Vec<(&'static str, String)> {
    let app = format!("{site}/history/{APP}");
    vec![
        ("applications", format!("{site}/")),
        ("in-progress", format!("{site}/?showIncomplete=true")),
        ("overview", format!("{app}/overview/")),
        ("jobs", format!("{app}/jobs/")),
        ("job", format!("{app}/jobs/job/?id=5")),
        ("job-of-two-stages", format!("{app}/jobs/job/?id=1")),
        ("stages", format!("{app}/stages/")),
        ("stage-failed", format!("{app}/stages/stage/?id=10")),
        ("executors", format!("{app}/executors/")),
        ("environment", format!("{app}/environment/")),
        ("queries", format!("{app}/SQL/")),
        ("query", format!("{app}/SQL/execution/?id=0")),
        ("storage", format!("{app}/storage/")),
        ("rdd", format!("{app}/storage/rdd/?id=1")),
        ("log", format!("{app}/executors/0/logs/?stream=stderr")),
        ("not-found", format!("{site}/history/nobody/")),
        ("no-such-job", format!("{app}/jobs/job/?id=999")),
        ("streaming", format!("{site}{STREAMING}/StreamingQuery/")),
        ("streaming-statistics", format!("{site}{STREAMING}/StreamingQuery/statistics/?id={RUN}")),
        ("thrift", format!("{site}{THRIFT}/sqlserver/")),
        ("connect", format!("{site}{CONNECT}/connect/")),
        ("query-of-many-operators", format!("{site}{SQL}/SQL/execution/?id=20")),
    ]
}

#[tokio::test]
async fn pages_fit_every_window_and_scheme() {
    let (hearth, _folder) = start().await;
    let (site, output) = (hearth.address("history server"), output_folder("pages"));
    let pages = all_pages(&site);
    let browser = Browser::start(1280, 900).await;
    let mut backgrounds = Vec::new();
    for (kind, scheme, width) in [
        ("light", Scheme::Light, 1280),
        ("dark", Scheme::Dark, 1280),
        ("narrow", Scheme::Light, 360),
        ("wide", Scheme::Light, 1920),
    ] {
        browser.resize(width, 900).await;
        browser.prefer(scheme).await;
        for (name, url) in &pages {
            browser.open(url).await;
            browser.screenshot_of_all(&output.join(format!("{name}-{kind}.png"))).await;
            let too_wide = "return document.documentElement.scrollWidth - window.innerWidth";
            assert!(browser.script(too_wide).await.as_i64().unwrap() <= 0, "{name} is wider than the {kind} window");
            // Columns give way before a table is cut.
            if width >= 1280 {
                let cut = "return [...document.querySelectorAll('section .scroll')].filter(box => box.scrollWidth > \
                           box.clientWidth + 1).map(box => box.closest('section').id).join()";
                assert_eq!(browser.script(cut).await, "", "{name} has tables that do not fit the {kind} window");
            }
            let styled = "return document.styleSheets.length === 1 && document.styleSheets[0].cssRules.length > 50";
            assert_eq!(browser.script(styled).await, true, "{name} has its style sheet");
        }
        backgrounds.push(browser.script("return getComputedStyle(document.body).backgroundColor").await);
    }
    assert_ne!(backgrounds[0], backgrounds[1], "dark is not light");
}

#[tokio::test]
async fn axe_finds_nothing_that_keeps_people_out() {
    let (hearth, _folder) = start().await;
    let site = hearth.address("history server");
    let browser = Browser::start(1280, 900).await;
    let axe = axe();
    let mut found = Vec::new();
    for (name, url) in all_pages(&site) {
        for (kind, scheme, rules) in [
            ("light", Scheme::Light, "{}"),
            ("dark", Scheme::Dark, "{runOnly: ['color-contrast', 'link-in-text-block']}"),
        ] {
            browser.prefer(scheme).await;
            browser.open(&url).await;
            browser.script(&axe).await;
            let run = format!(
                "axe.run(document, {rules}).then(told => done({{passes: told.passes.length, violations: \
                 told.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).slice(0, 3).join(' '))}}))"
            );
            let told = browser.script_that_waits(&run).await;
            assert!(told["passes"].as_u64().unwrap() > 0, "axe looked at {name}: {told}");
            let violations = told["violations"].as_array().unwrap();
            found.extend(violations.iter().map(|violation| format!("{name} ({kind}): {violation}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn from_the_list_to_a_line_of_a_log_by_clicks() {
    let (hearth, _folder) = start().await;
    let (site, output) = (hearth.address("history server"), output_folder("pages-clicks"));
    let browser = Browser::start(1280, 900).await;
    browser.open(&site).await;
    browser.click_link(APP).await;
    browser.click_link("Executors").await;
    let executors = browser.url().await;
    eventually("links to shipped logs", Duration::from_secs(30), async || {
        browser.open(&executors).await;
        let links = "return document.querySelectorAll('a[href*=\"/executors/0/logs/\"]').length";
        (browser.script(links).await.as_i64() == Some(2)).then_some(())
    })
    .await;
    browser.click_link("stderr").await;
    let in_sight = "const line = [...document.querySelectorAll('.log li')].pop(); const at = line.getBoundingClientRect(); \
                    return at.top >= 0 && at.bottom <= window.innerHeight ? line.textContent : 'out of sight'";
    let newest = browser.script(in_sight).await;
    assert!(newest.as_str().unwrap().contains("line 2999 of 0"), "the newest line is in sight: {newest}");
    browser.screenshot(&output.join("newest.png")).await;
    browser.click_link("« Oldest").await;
    assert!(browser.text(".log li").await.contains("line 0 of 0"));
    browser.open(&format!("{site}/history/{APP}/jobs/")).await;
    browser.click("#failedJob td a[href*='stages/stage/?id=10']").await;
    browser.click("#failure a[href*='stream=stderr']").await;
    browser.screenshot(&output.join("of-a-failed-task.png")).await;
    assert!(browser.text(".notice").await.contains("while the task ran"));
}

#[tokio::test]
async fn scripts_add_to_what_is_there() {
    let (hearth, _folder) = start().await;
    let site = hearth.address("history server");
    let browser = Browser::start(1280, 900).await;
    let output = output_folder("pages-scripts");

    browser.open(&format!("{site}{SQL}/SQL/execution/?id=20")).await;
    let view = "return document.querySelector('#plan-graph .canvas svg').getAttribute('viewBox')";
    let whole = browser.script(view).await;
    browser.click("#plan-graph button[title='Larger']").await;
    assert_ne!(browser.script(view).await, whole, "zoomed");
    browser.click("#plan-graph button[title='Fit the whole picture']").await;
    assert_eq!(browser.script(view).await, whole);
    browser.click("#plan-graph a.box").await;
    browser.screenshot(&output.join("side-panel.png")).await;
    assert!(!browser.text(".panel h3").await.is_empty(), "the side panel names the operator");

    let background = "return getComputedStyle(document.body).backgroundColor";
    browser.prefer(Scheme::Light).await;
    let light = browser.script(background).await;
    browser.click("#page-tools button[title='Light or dark (t)']").await;
    assert_ne!(browser.script(background).await, light);
    browser.open(&format!("{site}/history/{APP}/stages/")).await;
    assert_ne!(browser.script(background).await, light, "the choice is kept");

    browser.click("#completedStage .menu summary").await;
    browser.click("#completedStage .menu-list label:nth-of-type(2) input").await;
    let shown = "return getComputedStyle(document.querySelector('#completedStage th:nth-child(3)')).display";
    assert_eq!(browser.script(shown).await, "none", "the column is gone");
    browser.open(&format!("{site}/history/{APP}/stages/")).await;
    assert_eq!(browser.script(shown).await, "none", "and stays so");
}

#[tokio::test]
async fn lists_answer_as_one_types_and_tables_sort_in_place() {
    let (hearth, _folder) = start().await;
    let site = hearth.address("history server");
    let browser = Browser::start(1280, 900).await;
    let same_page = "return window.stays === true";
    let type_in = |words: &str| {
        format!(
            "window.stays = true; const box = document.querySelector('input[name=q]'); box.value = '{words}'; \
             box.dispatchEvent(new InputEvent('input', {{bubbles: true}}))"
        )
    };
    browser.open(&site).await;
    browser.script(&type_in("nothing ran")).await;
    let rows = "return [...document.querySelectorAll('#app tbody tr')].map(row => row.cells[1].textContent).join()";
    let found = async || (browser.script(rows).await == "Nothing ran").then_some(());
    eventually("the one application that has these words", Duration::from_secs(30), found).await;
    assert_eq!(browser.script(same_page).await, true, "the page was not loaded anew");
    assert!(browser.url().await.contains("q=nothing"), "the address can be shared: {}", browser.url().await);

    browser.open(&format!("{site}/history/{APP}/stages/")).await;
    browser.script("window.stays = true").await;
    browser.click("#completedStage thead a[href*='Duration']").await;
    let sorted = "return document.querySelector('#completedStage th[aria-sort]').textContent";
    let by_duration = async || (browser.script(sorted).await == "Duration").then_some(());
    eventually("the order by duration", Duration::from_secs(30), by_duration).await;
    assert_eq!(browser.script(same_page).await, true, "the page was not loaded anew");

    browser.script("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '?', bubbles: true}))").await;
    assert!(browser.text("dialog[open]").await.contains("light or dark"), "the keys are told");
}

#[tokio::test]
async fn times_are_the_readers_and_what_is_shown_can_be_taken_along() {
    let (hearth, _folder) = start().await;
    let site = hearth.address("history server");
    let browser = Browser::start(1280, 900).await;
    browser.command("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Tokyo"})).await;
    browser.open(&format!("{site}/history/{APP}/jobs/")).await;
    assert!(browser.text(".facts").await.contains("2026-11-20 18:37:26"), "{}", browser.text(".facts").await);
    assert_eq!(browser.text(".zone").await, "Times in Asia/Tokyo");
    browser.click(".zone").await;
    assert!(browser.text(".facts").await.contains("2026-11-20 09:37:26"), "{}", browser.text(".facts").await);

    let taken = |button: &str| {
        format!(
            "URL.createObjectURL = blob => {{ blob.text().then(done); return '#'; }}; \
             document.querySelector(\"{button}\").click()"
        )
    };
    let csv = browser.script_that_waits(&taken("#failedJob .tools button[title*='CSV']")).await;
    let lines: Vec<&str> = csv.as_str().unwrap().lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("Job Id (Job Group),"), "{csv}");
    assert!(lines[1..].iter().all(|line| line.contains("2026-11-20T09:38:")), "{csv}");
    let svg = browser.script_that_waits(&taken("#timeline .tools button[title*='SVG']")).await;
    let well_formed = format!(
        "const read = new DOMParser().parseFromString({svg}, 'image/svg+xml'); \
         return read.querySelector('parsererror') === null && read.querySelectorAll('rect').length > 5"
    );
    assert_eq!(browser.script(&well_formed).await, true, "{svg}");

    browser.command("Emulation.setEmulatedMedia", json!({"media": "print"})).await;
    let on_paper = "return ['#page-tools button:not(.zone)', '.tools', '.tabs'].map(one => \
                    getComputedStyle(document.querySelector(one)).display).join()";
    assert_eq!(browser.script(on_paper).await, "none,none,none");
    browser.screenshot_of_all(&output_folder("pages-print").join("jobs.png")).await;
}

#[tokio::test]
async fn the_sample_has_the_pictures_of_the_readme() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("file:{}", folder.path().display());
    let arguments = [&["serve", "--sample", "--store", &store][..], &FREE_PORTS].concat();
    let hearth = Hearth::start(&arguments, &[], &["history server"]).await;
    let (site, output) = (hearth.address("history server"), output_folder("readme"));
    let browser = Browser::start(1100, 760).await;
    browser.prefer(Scheme::Light).await;
    eventually("the sample in the list", Duration::from_secs(30), async || {
        browser.open(&site).await;
        browser.text("main").await.contains("Subscription calendar").then_some(())
    })
    .await;
    browser.click_link("Subscription calendar").await;
    assert!(browser.text(".reason").await.contains("Command exited with code 137"), "the kernel ended its executors");
    browser.screenshot(&output.join("overview.png")).await;
    browser.click_link("Executors").await;
    browser.click_link("Logs of all, by time").await;
    browser.click(".error-link").await;
    assert!(browser.text(".log li.here").await.contains("ERROR"), "{}", browser.text(".log").await);
    browser.screenshot(&output.join("log.png")).await;
    browser.open(&site).await;
    browser.click_link("Nightly sales report").await;
    browser.click_link("SQL / DataFrame").await;
    browser.click_link("Revenue by country and month").await;
    assert!(browser.text("#plan-graph").await.contains("BroadcastExchange"));
    browser.screenshot(&output.join("plan.png")).await;
}
