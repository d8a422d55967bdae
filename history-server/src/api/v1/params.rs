//! Query parameters, read as Spark's server reads them.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::Refusal;
use history_model::types::{JobExecutionStatus, StageStatus};

/// The parameters of a request, decoded, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Decodes again what a proxy has encoded once more.
fn decode_fully(mut text: String) -> String {
    for _ in 0..8 {
        let decoded = decode(&text);
        if decoded == text {
            break;
        }
        text = decoded;
    }
    text
}

impl Params {
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    /// With every name and value decoded until nothing changes any more.
    pub(super) fn fully_decoded(self) -> Self {
        Self(self.0.into_iter().map(|(name, value)| (decode_fully(name), decode_fully(value))).collect())
    }

    /// The first value of this name.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of them as a query string, with another value for one.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let others =
            self.0.iter().filter(|(known, _)| known != name).map(|(name, value)| (name.as_str(), value.as_str()));
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pairs = others.chain([(name, value)]).map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.first(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn int(&self, name: &str, default: i32) -> Result<i32, Refusal> {
        match self.first(name) {
            None | Some("") => Ok(default),
            Some(value) => value.parse().map_err(|_| Refusal::NO_SUCH_PAGE),
        }
    }

    /// All values of this name. An empty one is `None`: it asks for what nothing is.
    pub(super) fn each<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<Option<T>>, Refusal> {
        let one =
            |value: &str| if value.is_empty() { Ok(None) } else { read(value).map(Some).ok_or(Refusal::NO_SUCH_PAGE) };
        self.all(name).map(one).collect()
    }

    /// The statuses of tasks that are asked for by this name.
    pub(super) fn task_statuses(&self, name: &str) -> Result<Vec<&'static str>, Refusal> {
        Ok(self.each(name, task_status)?.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Quantiles, ascending.
    pub(super) fn quantiles(&self, default: &str) -> Result<Vec<f64>, Refusal> {
        let text = self.first("quantiles").unwrap_or(default);
        let mut parts: Vec<_> = text.split(',').collect();
        while parts.len() > 1 && parts.last() == Some(&"") {
            parts.pop();
        }
        let mut quantiles = parts.into_iter().map(quantile).collect::<Result<Vec<_>, _>>()?;
        quantiles.sort_by(f64::total_cmp);
        Ok(quantiles)
    }
}

/// A double as Java reads it.
fn quantile(text: &str) -> Result<f64, Refusal> {
    let trimmed = text.trim_matches(|c: char| c <= ' ');
    let number = match trimmed.strip_suffix(['d', 'D', 'f', 'F']) {
        Some(number) if number.ends_with(|c: char| c.is_ascii_digit() || c == '.') => number,
        _ => trimmed,
    };
    let special = number.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_alphabetic());
    let known = matches!(number.trim_start_matches(['+', '-']), "NaN" | "Infinity");
    number.parse().ok().filter(|_| !special || known).ok_or_else(|| {
        let sentence = format!("Bad value for parameter \"quantiles\".  Expected a double, got \"{text}\"");
        Refusal::Text(http::StatusCode::BAD_REQUEST, sentence)
    })
}

pub(super) fn job_status(text: &str) -> Option<JobExecutionStatus> {
    Some(match text.to_ascii_uppercase().as_str() {
        "RUNNING" => JobExecutionStatus::Running,
        "SUCCEEDED" => JobExecutionStatus::Succeeded,
        "FAILED" => JobExecutionStatus::Failed,
        "UNKNOWN" => JobExecutionStatus::Unknown,
        _ => return None,
    })
}

pub(super) fn stage_status(text: &str) -> Option<StageStatus> {
    Some(match text.to_ascii_uppercase().as_str() {
        "ACTIVE" => StageStatus::Active,
        "COMPLETE" => StageStatus::Complete,
        "FAILED" => StageStatus::Failed,
        "PENDING" => StageStatus::Pending,
        "SKIPPED" => StageStatus::Skipped,
        _ => return None,
    })
}

/// A task's status, as rows hold it.
fn task_status(text: &str) -> Option<&'static str> {
    ["RUNNING", "KILLED", "FAILED", "SUCCESS", "UNKNOWN"].into_iter().find(|known| known.eq_ignore_ascii_case(text))
}
