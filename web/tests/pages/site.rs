//! A site to visit, and what to look for on its pages.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use history_server::event_log::LogSource;
use history_server::{Config, History};
use http_body_util::BodyExt as _;
use log_collector::{Collector, Logs};
use storage::{Faults, ObjectPath, Store};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Where the pages of `orders` are.
pub(crate) const ORDERS: &str = "/history/app-20261120093732-0000";
/// Where those of `cut-short` are.
pub(crate) const CUT_SHORT: &str = "/history/local-1795167533439";

/// Where those of an application with job groups, tags and kills are.
pub(crate) const JOBS: &str = "/history/local-1795169247183";
/// Where those of one with many queries are.
pub(crate) const SQL: &str = "/history/local-1795169288471";
/// Where those of one with streaming queries are.
pub(crate) const STREAMING: &str = "/history/local-1795181962915";
/// Where those of a Thrift server are.
pub(crate) const THRIFT: &str = "/history/local-1795182006577";
/// Where those of a Connect server are.
pub(crate) const CONNECT: &str = "/history/local-1795182051890";

/// Pages and REST API over one store, as the binary mounts them.
pub(crate) struct Site {
    store: Store,
    router: Router,
}

impl Site {
    /// With nothing in it.
    pub(crate) async fn empty() -> Self {
        Self::with(&[], |_| {}).await
    }

    /// With the applications of `tests/data`.
    pub(crate) async fn recorded() -> Self {
        let logs = ["orders.zstd", "nothing-ran.zstd", "cut-short.inprogress"].map(|name| (name, read(name)));
        Self::with(&logs, |_| {}).await
    }

    /// The same, where event logs are read of a store that fails as it is told.
    pub(crate) async fn recorded_with_faults(faults: &Arc<Faults>) -> Self {
        let logs = ["orders.zstd", "nothing-ran.zstd", "cut-short.inprogress"].map(|name| (name, read(name)));
        Self::with(&logs, |config| {
            for source in &mut config.event_logs {
                source.store = source.store.with_faults(faults);
            }
        })
        .await
    }

    /// With the applications with which the replay is tested: groups and tags, SQL, streaming, Connect, Thrift.
    pub(crate) async fn of_many_kinds() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../history-server/tests/data");
        let logs = ["jobs", "sql", "streaming", "connect", "thrift"].map(|name| format!("{name}.zstd"));
        let logs = logs.each_ref().map(|name| (name.as_str(), std::fs::read(folder.join(name)).unwrap()));
        Self::with(&logs, |_| {}).await
    }

    /// With these event logs, by name.
    pub(crate) async fn with(logs: &[(&str, Vec<u8>)], configure: impl FnOnce(&mut Config)) -> Self {
        let store = Store::in_memory();
        let folder = ObjectPath::parse("event-logs").unwrap();
        for (name, bytes) in logs {
            store.put(&folder.join(name).unwrap(), bytes.clone()).await.unwrap();
        }
        let mut config = Config::new(vec![LogSource::new(store.below(&folder).unwrap(), None)], None);
        configure(&mut config);
        let history = History::new(config);
        history.scan().await;
        let pages = web::Config {
            history: history.clone(),
            logs: Logs::new(store.clone()),
            title: "Test <site>".to_owned(),
            public_prefix: String::new(),
        };
        let router = history_server::api::router(history).merge(web::router(pages));
        Self { store, router }
    }

    /// Ships a folder of pod logs, laid out as a kubelet does.
    pub(crate) async fn ship(&self, pods: &Path) {
        let config = log_collector::Config {
            pod_logs: Some(pods.to_owned()),
            flush_interval: Duration::from_millis(20),
            poll_interval: Duration::from_millis(10),
            scan_interval: Duration::from_millis(20),
            ..log_collector::Config::default()
        };
        let stop = CancellationToken::new();
        let collector = tokio::spawn(Collector::new(self.store.clone(), config).run(stop.clone()));
        let folders = std::fs::read_dir(pods).unwrap().count();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let logs = Logs::new(self.store.clone());
        let mut shipped = 0;
        while shipped < folders {
            assert!(tokio::time::Instant::now() < deadline, "{shipped} of {folders} pods shipped");
            tokio::time::sleep(Duration::from_millis(10)).await;
            shipped = 0;
            for folder in std::fs::read_dir(pods).unwrap() {
                let name = folder.unwrap().file_name().into_string().unwrap();
                let mut parts = name.split('_');
                let (namespace, pod) = (parts.next().unwrap(), parts.next().unwrap());
                shipped += usize::from(!logs.of_pod(namespace, pod).await.unwrap().is_empty());
            }
        }
        // Told to stop, it ships what is left first.
        stop.cancel();
        collector.await.unwrap().unwrap();
    }

    pub(crate) async fn request(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    pub(crate) async fn get(&self, url: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.request(Request::get(url).body(Body::empty()).unwrap()).await
    }

    /// A page that there is.
    pub(crate) async fn html(&self, url: &str) -> String {
        let (status, headers, body) = self.get(url).await;
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::OK, "{url}: {text}");
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{url}");
        text
    }
}

/// A file of `tests/data`.
pub(crate) fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// How many rows the table with this tag has.
pub(crate) fn rows(page: &str, tag: &str) -> usize {
    body(page, tag).matches("<tr>").count()
}

/// The texts of a column of that table, markup left out.
pub(crate) fn column(page: &str, tag: &str, index: usize) -> Vec<String> {
    let cell = |row: &str| {
        let row = row.replace("<th scope=\"row\"", "<td");
        let cell = row.split("<td").nth(index + 1).unwrap();
        let cell = &cell[cell.find('>').unwrap() + 1..];
        let cell = cell.split("</td>").next().unwrap().split("</th>").next().unwrap();
        let mut text = String::new();
        let mut depth = 0;
        for c in cell.chars() {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                c if depth == 0 => text.push(c),
                _ => {}
            }
        }
        text.trim().to_owned()
    };
    body(page, tag).split("<tr>").skip(1).map(cell).collect()
}

fn body<'a>(page: &'a str, tag: &str) -> &'a str {
    let from = page.find(&format!("<section id=\"{tag}\"")).unwrap_or_else(|| panic!("no table {tag}"));
    let section = &page[from..];
    let section = &section[..section.find("</section>").unwrap()];
    section.split("<tbody>").nth(1).unwrap_or_default()
}

/// A number as pages write it.
pub(crate) fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
