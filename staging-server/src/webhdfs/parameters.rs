use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use axum::http::Method;
use chrono::{DateTime, Utc};

use crate::file_system::Creation;
use crate::status::{NOBODY, Permission, Wish};
use crate::{Error, Result};

/// The query of a request. Names are compared without regard to case, as Hadoop does; of two of one name the first counts.
pub(super) struct Parameters(HashMap<String, String>);

const MAX_NAME_BYTES: usize = 128;
const MAX_USER_BYTES: usize = 400;

/// Those of `org.apache.hadoop.fs.CreateFlag`.
const CREATE_FLAGS: &[&str] = &[
    "CREATE",
    "OVERWRITE",
    "APPEND",
    "SYNC_BLOCK",
    "LAZY_PERSIST",
    "NEW_BLOCK",
    "NO_LOCAL_WRITE",
    "SHOULD_REPLICATE",
    "IGNORE_CLIENT_LOCALITY",
    "NO_LOCAL_RACK",
];

/// What the newer rename is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RenameOptions {
    pub(super) overwrite: bool,
}

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

    /// HDFS reads every parameter that a method has, whichever operation is asked for; so a bad one is told even where it
    /// would not count.
    pub(super) fn check(&self, method: &Method) -> Result<()> {
        self.user()?;
        self.at_least::<i32>("buffersize", 1)?;
        match *method {
            Method::GET | Method::HEAD => {
                self.at_least::<i64>("offset", 0)?;
                self.length()?;
                self.flag("noredirect")?;
            }
            Method::PUT => {
                self.wish()?;
                self.creation()?;
                self.flag("noredirect")?;
                self.rename_options()?;
            }
            Method::POST => {
                self.at_least::<i64>("newlength", 0)?;
                self.flag("noredirect")?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Who asks, by their own words; HDFS's own word for somebody who says nothing.
    pub(super) fn user(&self) -> Result<&str> {
        let Some(name) = self.text("user.name") else { return Ok(NOBODY) };
        let stem = name.strip_suffix('$').unwrap_or(name);
        let first = stem.bytes().next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
        let rest = stem.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'));
        match first && rest && name.len() <= MAX_USER_BYTES {
            true => Ok(name),
            false => Err(invalid("user.name", name, "a name is a letter, then letters, digits, '.', '_' and '-'")),
        }
    }

    /// How many bytes are wanted; `null` is HDFS's own word for all.
    pub(super) fn length(&self) -> Result<Option<u64>> {
        match self.text("length") {
            Some(text) if text.eq_ignore_ascii_case("null") => Ok(None),
            _ => Ok(self.at_least::<i64>("length", 0)?.and_then(|length| u64::try_from(length).ok())),
        }
    }

    /// Where to start.
    pub(super) fn offset(&self) -> Result<Option<u64>> {
        Ok(self.at_least::<i64>("offset", 0)?.and_then(|offset| u64::try_from(offset).ok()))
    }

    /// A number with a lower bound.
    pub(super) fn at_least<T: FromStr + PartialOrd + fmt::Display>(&self, name: &str, least: T) -> Result<Option<T>> {
        match self.number::<T>(name)? {
            Some(number) if number < least => {
                Err(invalid(name, &number.to_string(), &format!("it must be at least {least}")))
            }
            found => Ok(found),
        }
    }

    /// How a file is to be made. Flags and `overwrite` add to each other.
    pub(super) fn creation(&self) -> Result<Creation> {
        self.at_least::<i16>("replication", 1)?;
        self.at_least::<i64>("blocksize", 1)?;
        let flags = self.text("createflag").map(|flags| flags.split(',').map(str::trim).collect::<Vec<_>>());
        if let Some(bad) =
            flags.iter().flatten().find(|flag| !CREATE_FLAGS.iter().any(|f| f.eq_ignore_ascii_case(flag)))
        {
            return Err(invalid("createflag", bad, "no such flag is known here"));
        }
        let has = |word: &str| flags.as_ref().is_some_and(|all| all.iter().any(|flag| flag.eq_ignore_ascii_case(word)));
        let mut wish = self.wish_of_maker()?;
        // A file has no sticky bit.
        wish.permission = wish.permission.map(|permission| Permission(permission.0 & 0o777));
        Ok(Creation {
            wish,
            overwrite: self.flag("overwrite")? || has("overwrite"),
            create: flags.is_none() || has("create"),
            create_parents: self.text("createparent").is_none() || self.flag("createparent")?,
        })
    }

    /// The newer rename's options; `None` for the older one, which has none.
    pub(super) fn rename_options(&self) -> Result<Option<RenameOptions>> {
        let Some(text) = self.text("renameoptions") else { return Ok(None) };
        let mut options = RenameOptions { overwrite: false };
        for word in text.split(',').map(str::trim) {
            match word.to_ascii_uppercase().as_str() {
                "OVERWRITE" => options.overwrite = true,
                // What is moved to the trash is moved.
                "NONE" | "TO_TRASH" => {}
                _ => return Err(invalid("renameoptions", word, "write NONE, OVERWRITE or TO_TRASH")),
            }
        }
        Ok(Some(options))
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
        Ok(Wish { owner: Some(self.user()?.to_owned()), ..self.wish()? })
    }

    fn permission(&self) -> Result<Option<Permission>> {
        for name in ["unmaskedpermission", "permission"] {
            let Some(text) = self.text(name) else { continue };
            let digits = text.strip_prefix('+').unwrap_or(text);
            let is_octal = !digits.is_empty() && digits.bytes().all(|c| (b'0'..=b'7').contains(&c));
            match u16::from_str_radix(digits, 8).ok().filter(|bits| is_octal && *bits <= 0o1777) {
                None => return Err(invalid(name, text, "write octal digits, at most 1777")),
                // What a mask has not been put to counts where no mask has been put.
                Some(bits) if name == "permission" || self.text("permission").is_none() => {
                    return Ok(Some(Permission(bits)));
                }
                Some(_) => {}
            }
        }
        Ok(None)
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
            Some(millis) if millis < -1 => Err(invalid(name, &millis.to_string(), "it must be at least -1")),
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
