use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, HeaderMap};
use url::Url;

use crate::{Access, Failure, wire};

/// A server may say nothing for so long.
const SILENCE: Duration = Duration::from_secs(60);

/// Of an answer.
const LIMIT_BYTES: usize = 64 << 20;

/// A server that is asked for JSON.
#[derive(Debug)]
pub struct Site {
    http: reqwest::Client,
    url: Url,
    access: Access,
}

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    /// The body.
    pub value: serde_json::Value,
    /// The headers before it.
    pub headers: HeaderMap,
}

impl Site {
    /// Makes one of the server at `url`, which may have a path; nothing is sent yet. A token of `access` goes to this server,
    /// whatever hosts it is for.
    ///
    /// # Errors
    /// [`Failure`] when a certificate to trust cannot be used.
    pub fn new(url: Url, access: Access) -> Result<Self, Failure> {
        let http = wire::client(&access, SILENCE)?.build().map_err(|e| Failure::lasting(wire::chain(&e)))?;
        Ok(Self { http, url, access })
    }

    /// The address of what is below the server's own by these names, which are encoded.
    #[must_use]
    pub fn address(&self, parts: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// Asks once for what is there.
    ///
    /// # Errors
    /// [`Failure`] with the server's own words where it has nothing there, and when it does not answer in JSON of at most 64 MiB.
    pub async fn get(&self, parts: &[&str], query: &[(&str, &str)]) -> Result<Reply, Failure> {
        let mut url = self.address(parts);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.get(url).headers(wire::bearer(&self.access)?).header(ACCEPT, "application/json");
        let answer = request.send().await.map_err(wire::of_request)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(wire::not_found(answer).await),
            _ => return Err(wire::refused(answer).await),
        }
        let headers = answer.headers().clone();
        let value = wire::json(answer, LIMIT_BYTES).await;
        let value = value.ok_or_else(|| {
            Failure::lasting("it does not answer in JSON, as a server of Hearth's does").advising("look at the address")
        })?;
        Ok(Reply { value, headers })
    }
}
