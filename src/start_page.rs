//! `/` of the staging server: what this is and how it is used, in the format that the caller likes best.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use url::Url;
use web::{StagingPage, Way};

use crate::version;

const WHAT: &str = "This is a Hearth staging server. It takes jars and files from spark-submit and gives them to drivers and \
                    executors, by WebHDFS and by plain GET.";

/// The page's route. Where it is reached: at `public_url`, or as the request says.
pub(crate) fn router(public_url: Option<Url>) -> Router {
    Router::new().route("/", get(page)).with_state(public_url)
}

async fn page(State(public_url): State<Option<Url>>, headers: HeaderMap) -> Response {
    let base = webhdfs(public_url.as_ref(), &headers);
    let upload = ("spark.kubernetes.file.upload.path", format!("{base}/staging/NAMESPACE"));
    let log = ("spark.eventLog.dir", format!("{base}/event-logs"));
    let ways = vec![
        Way {
            purpose: "Upload local jars and files", how: format!("spark-submit --conf {}={} …", upload.0, upload.1)
        },
        Way {
            purpose: "Keep the event log",
            how: format!("spark-submit --conf spark.eventLog.enabled=true --conf {}={} …", log.0, log.1),
        },
    ];
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/html") {
        StagingPage { what: WHAT.to_owned(), ways }.html()
    } else if accepted.contains("application/json") {
        let conf = json!({upload.0: upload.1, "spark.eventLog.enabled": "true", log.0: log.1});
        let server = json!({
            "server": "Hearth staging server", "version": version::NUMBER, "commit": version::COMMIT, "what": WHAT, "conf": conf
        });
        Json(server).into_response()
    } else {
        let lines: Vec<String> = ways.iter().map(|way| format!("{}: {}", way.purpose, way.how)).collect();
        format!("{WHAT}\n{}\n", lines.join("\n")).into_response()
    }
}

/// The server's address as Hadoop's client wants it: with a port, or that client takes HDFS's own.
fn webhdfs(public_url: Option<&Url>, headers: &HeaderMap) -> String {
    let read = |name: &str| Some(headers.get(name)?.to_str().ok()?.split(',').next()?.trim().to_owned());
    let (secure, host) = match public_url {
        Some(url) => {
            let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
            (url.scheme() == "https", format!("{}{port}", url.host_str().unwrap_or_default()))
        }
        None => {
            let host = read("x-forwarded-host").or_else(|| read("host")).unwrap_or_else(|| "HOST:PORT".to_owned());
            (read("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")), host)
        }
    };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok() || port == "PORT");
    let port = match (has_port, secure) {
        (true, _) => "",
        (false, true) => ":443",
        (false, false) => ":80",
    };
    format!("{}://{host}{port}", if secure { "swebhdfs" } else { "webhdfs" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_a_scheme_and_a_port_that_work() {
        let with = |headers: &[(&'static str, &'static str)]| {
            webhdfs(None, &headers.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect())
        };
        assert_eq!(with(&[("host", "hearth:10000")]), "webhdfs://hearth:10000");
        let proxied =
            [("host", "10.0.0.1:10000"), ("x-forwarded-host", "up.example.org"), ("x-forwarded-proto", "https")];
        assert_eq!(with(&proxied), "swebhdfs://up.example.org:443");
        let public = Url::parse("https://hearth.example.org").unwrap();
        assert_eq!(webhdfs(Some(&public), &HeaderMap::new()), "swebhdfs://hearth.example.org:443");
    }
}
