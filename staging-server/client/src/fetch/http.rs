//! HTTP as servers in the field speak it: some know ranges, some do not, some only say so.

use futures::StreamExt as _;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::transfer::{Opened, Resume};
use crate::Failure;
use crate::wire::{of_request, refused, text};

pub(super) async fn get(client: &Client, url: &Url, headers: HeaderMap, resume: &Resume) -> Result<Opened, Failure> {
    if resume.offset > 0 {
        let range = format!("bytes={}-", resume.offset);
        let mut request = client.get(url.clone()).headers(headers.clone()).header(RANGE, range);
        if let Some(validator) = &resume.validator {
            request = request.header(IF_RANGE, validator);
        }
        let answer = send(request).await?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT if continues(&answer, resume) => {
                return Ok(Opened {
                    start: resume.offset,
                    total: resume.total,
                    validator: resume.validator.clone(),
                    body: body(answer),
                });
            }
            StatusCode::OK => return whole(answer),
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {}
            _ => return Err(refused(answer).await),
        }
    }
    let answer = send(client.get(url.clone()).headers(headers)).await?;
    if answer.status() == StatusCode::OK { whole(answer) } else { Err(refused(answer).await) }
}

/// Sends a request that wants the bytes as they are.
pub(super) async fn send(request: reqwest::RequestBuilder) -> Result<Response, Failure> {
    request.header(ACCEPT_ENCODING, "identity").send().await.map_err(of_request)
}

fn whole(answer: Response) -> Result<Opened, Failure> {
    let total = text(&answer, CONTENT_LENGTH).and_then(|length| length.parse().ok());
    // A weak tag promises too little for parts of two answers to fit.
    let tag = text(&answer, ETAG).filter(|tag| !tag.starts_with("W/"));
    let validator = tag.or_else(|| text(&answer, LAST_MODIFIED)).map(str::to_owned);
    Ok(Opened { start: 0, total, validator, body: body(answer) })
}

/// Whether what comes begins where the last transfer ended, in content of the same length.
fn continues(answer: &Response, resume: &Resume) -> bool {
    let Some(range) = text(answer, CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes ")) else { return false };
    let Some((range, total)) = range.split_once('/') else { return false };
    let start = range.split_once('-').and_then(|(start, _)| start.parse::<u64>().ok());
    let total: Option<u64> = total.parse().ok();
    let same_length = resume.total.is_none() || total.is_none() || total == resume.total;
    // Without a validator, only the length tells whether it is still the same content.
    let told = resume.validator.is_some() || (total.is_some() && total == resume.total);
    start == Some(resume.offset) && same_length && told
}

pub(super) fn body(answer: Response) -> futures::stream::BoxStream<'static, Result<bytes::Bytes, Failure>> {
    answer.bytes_stream().map(|chunk| chunk.map_err(of_request)).boxed()
}
