//! The URL of every page, made from ids. No template writes one by itself.

use std::fmt::Write as _;

use axum::http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::assets::Asset;

/// All but what RFC 3986 calls unreserved.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text as one part of a path, or as a value of a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// A query with these parameters, `?` included; empty when there are none.
pub(crate) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        let lead = if text.is_empty() { '?' } else { '&' };
        let _ = write!(text, "{lead}{}={}", encode(key), encode(value));
    }
    text
}

/// Links of the whole server, below the path under which a reverse proxy shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    prefix: String,
}

impl Links {
    /// The prefix that the proxy in front names in `X-Forwarded-Prefix` (or Knox's `X-Forwarded-Context`), else `configured`.
    pub(crate) fn new(headers: &HeaderMap, configured: &str) -> Self {
        let named = ["x-forwarded-prefix", "x-forwarded-context"]
            .into_iter()
            .find_map(|name| headers.get(name)?.to_str().ok().and_then(clean_prefix));
        Self { prefix: named.or_else(|| clean_prefix(configured)).unwrap_or_default() }
    }

    pub(crate) fn list(&self) -> String {
        format!("{}/", self.prefix)
    }

    pub(crate) fn incomplete(&self) -> String {
        format!("{}/?showIncomplete=true", self.prefix)
    }

    /// Logs by ids alone.
    pub(crate) fn logs(&self) -> String {
        format!("{}/logs/", self.prefix)
    }

    pub(crate) fn asset(&self, asset: &Asset) -> String {
        format!("{}/static/{}", self.prefix, asset.file_name())
    }

    pub(crate) fn event_log(&self, app: &str, attempt: Option<&str>) -> String {
        format!("{}/api/v1/applications/{}/logs", self.prefix, id_path(app, attempt))
    }

    pub(crate) fn app(&self, app: &str, attempt: Option<&str>) -> AppLinks {
        AppLinks { base: format!("{}/history/{}", self.prefix, id_path(app, attempt)) }
    }
}

/// Links of the pages of one attempt of an application.
#[derive(Clone, Debug, Default)]
pub(crate) struct AppLinks {
    base: String,
}

impl AppLinks {
    /// What comes before the path of any page, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn root(&self) -> String {
        format!("{}/", self.base)
    }

    pub(crate) fn tab(&self, name: &str) -> String {
        format!("{}/{name}/", self.base)
    }

    pub(crate) fn spark_defaults(&self) -> String {
        format!("{}/environment/spark-defaults.conf", self.base)
    }

    pub(crate) fn job(&self, id: i64) -> String {
        format!("{}/jobs/job/?id={id}", self.base)
    }

    pub(crate) fn stage(&self, id: i64, attempt: i64) -> String {
        format!("{}/stages/stage/?id={id}&attempt={attempt}", self.base)
    }

    /// A task among those of its stage.
    pub(crate) fn task(&self, stage: i64, attempt: i64, task: i64) -> String {
        format!("{}/stages/stage/?id={stage}&attempt={attempt}&task.search={task}#task", self.base)
    }

    pub(crate) fn execution(&self, id: i64) -> String {
        format!("{}/SQL/execution/?id={id}", self.base)
    }

    pub(crate) fn rdd(&self, id: i64) -> String {
        format!("{}/storage/rdd/?id={id}", self.base)
    }

    /// A run of a streaming query.
    pub(crate) fn streaming_query(&self, run_id: &str) -> String {
        format!("{}/StreamingQuery/statistics/{}", self.base, query([("id", run_id)]))
    }

    /// A session of the Thrift server.
    pub(crate) fn thrift_session(&self, id: &str) -> String {
        format!("{}/sqlserver/session/{}", self.base, query([("id", id)]))
    }

    /// A session of the Connect server; Spark writes the user's id in base 64.
    pub(crate) fn connect_session(&self, id: &str, user_base64: &str) -> String {
        format!("{}/connect/session/{}", self.base, query([("id", id), ("userId", user_base64)]))
    }

    pub(crate) fn pool(&self, name: &str) -> String {
        format!("{}/stages/pool/{}", self.base, query([("poolname", name)]))
    }

    /// The log page of an executor (or `driver`).
    pub(crate) fn log_page(&self, executor: &str) -> String {
        format!("{}/executors/{}/logs/", self.base, encode(executor))
    }

    /// The newest lines of one of its streams.
    pub(crate) fn log(&self, executor: &str, stream: &str) -> String {
        format!("{}{}#end", self.log_page(executor), query([("stream", stream)]))
    }

    /// What it wrote between two moments, in milliseconds since the epoch.
    pub(crate) fn log_window(&self, executor: &str, stream: &str, since: i64, until: i64) -> String {
        let (since, until) = (since.to_string(), until.to_string());
        let query = query([("stream", stream), ("since", &since), ("until", &until)]);
        format!("{}{query}", self.log_page(executor))
    }
}

fn id_path(app: &str, attempt: Option<&str>) -> String {
    match attempt {
        Some(attempt) => format!("{}/{}", encode(app), encode(attempt)),
        None => encode(app),
    }
}

/// A prefix that is safe to put in front of a path: `/a/b`, no empty parts (a link must not lead to another host), only
/// unreserved characters. The root is the empty prefix.
fn clean_prefix(text: &str) -> Option<String> {
    // Proxies in a row each add theirs; the first is the one that the browser sees.
    let text = text.split(',').next().unwrap_or_default().trim().trim_end_matches('/');
    let valid = |part: &str| {
        !part.is_empty()
            && part != ".."
            && part != "."
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
    };
    match text.strip_prefix('/') {
        Some(rest) if rest.split('/').all(valid) => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_their_place_in_the_url() {
        let app = Links::default().app("a/../b?c#d", Some("1&2"));
        assert_eq!(app.job(3), "/history/a%2F..%2Fb%3Fc%23d/1%262/jobs/job/?id=3");
        assert_eq!(
            app.log("7\"", "std err"),
            "/history/a%2F..%2Fb%3Fc%23d/1%262/executors/7%22/logs/?stream=std%20err#end"
        );
    }

    #[test]
    fn a_prefix_that_could_lead_elsewhere_is_ignored() {
        let prefix = |named: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-prefix", named.parse().unwrap());
            Links::new(&headers, "/configured").list()
        };
        assert_eq!(prefix("/team/spark/"), "/team/spark/");
        assert_eq!(prefix("/first, /second"), "/first/");
        for hostile in ["//evil.example", "https://evil.example", "/a/../b", "/<script>", "", "/"] {
            assert_eq!(prefix(hostile), "/configured/", "{hostile}");
        }
    }
}
