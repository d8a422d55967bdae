use std::collections::HashMap;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::status::Wish;
use crate::{Error, Result};

/// The query of a request. Names are compared without regard to case, as Hadoop does; of two of one name the first counts.
pub(super) struct Parameters(HashMap<String, String>);

const MAX_NAME_BYTES: usize = 128;

impl Parameters {
    pub(super) fn parse(query: &str) -> Self {
        let mut all = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            all.entry(name.to_ascii_lowercase()).or_insert_with(|| value.into_owned());
        }
        Self(all)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str> {
        self.text(name).ok_or_else(|| Error::Invalid(format!("Required param {name} for op is missing")))
    }

    /// A yes or no; no where it is not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.text(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(invalid(name, text, "write true or false")),
        }
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.text(name)
            .map(|text| text.parse().map_err(|_| invalid(name, text, "it is not a number in range")))
            .transpose()
    }

    /// What is to be set of a file's attributes.
    pub(super) fn wish(&self) -> Result<Wish> {
        Ok(Wish {
            permission: self.permission()?,
            owner: self.person("owner")?,
            group: self.person("group")?,
            modified: self.time("modificationtime")?,
            accessed: self.time("accesstime")?,
        })
    }

    /// What is known of something new: it is its maker's.
    pub(super) fn wish_of_maker(&self) -> Result<Wish> {
        Ok(Wish { owner: self.person("user.name")?, ..self.wish()? })
    }

    fn permission(&self) -> Result<Option<String>> {
        match self.text("permission") {
            None => Ok(None),
            Some(text) if (1..=4).contains(&text.len()) && text.bytes().all(|c| (b'0'..=b'7').contains(&c)) => {
                Ok(Some(text.to_owned()))
            }
            Some(text) => Err(invalid("permission", text, "write one to four octal digits")),
        }
    }

    fn person(&self, name: &str) -> Result<Option<String>> {
        match self.text(name) {
            Some(text) if text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) => {
                Err(invalid(name, text, "it is too long or has control characters"))
            }
            found => Ok(found.map(ToOwned::to_owned)),
        }
    }

    /// Milliseconds since 1970; -1 leaves a time as it is.
    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>> {
        match self.number::<i64>(name)? {
            None | Some(-1) => Ok(None),
            Some(millis) => {
                let time = DateTime::from_timestamp_millis(millis);
                time.map(Some).ok_or_else(|| invalid(name, &millis.to_string(), "it is no time"))
            }
        }
    }
}

/// In Hadoop's own words, which its client looks for.
pub(super) fn invalid(name: &str, value: &str, reason: &str) -> Error {
    let value: String = value.chars().take(MAX_NAME_BYTES).collect();
    Error::Invalid(format!("Invalid value for webhdfs parameter \"{name}\": {value:?}: {reason}"))
}
