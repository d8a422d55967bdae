//! What the list says of a log, from the four events that Spark's own server looks at for it.

use std::borrow::Cow;

use serde::Deserialize;

use crate::access::Acls;

/// What an attempt's events say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// `None` until the start of the application was read: such a log is not listed.
    pub(crate) app_id: Option<String>,
    pub(crate) app_name: String,
    pub(crate) attempt_id: Option<String>,
    pub(crate) user: String,
    pub(crate) spark_version: String,
    pub(crate) start_millis: i64,
    pub(crate) end_millis: Option<i64>,
    /// What the driver ended with, where its Spark (4.0 or later) says so.
    pub(crate) exit_code: Option<i32>,
    pub(crate) acls: Acls,
    /// The first environment was read; later ones change no ACL.
    pub(crate) has_environment: bool,
    /// One of the events is no JSON. Spark does not list a finished log like that.
    pub(crate) malformed: bool,
}

#[derive(Deserialize)]
struct LogStart<'a> {
    #[serde(rename = "Spark Version", borrow)]
    version: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ApplicationStart<'a> {
    #[serde(rename = "App Name", borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "App ID", borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(rename = "Timestamp")]
    time: i64,
    #[serde(rename = "User", borrow, default)]
    user: Cow<'a, str>,
    #[serde(rename = "App Attempt ID", borrow, default)]
    attempt_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ApplicationEnd {
    #[serde(rename = "Timestamp")]
    time: i64,
    #[serde(rename = "ExitCode", default)]
    exit_code: Option<i32>,
}

#[derive(Deserialize)]
struct EnvironmentUpdate {
    #[serde(rename = "Spark Properties", default)]
    spark_properties: Acls,
}

const PREFIX: &[u8] = b"{\"Event\":\"SparkListener";
/// What begins a line with the end of an application.
pub(super) const END: &[u8] = b"{\"Event\":\"SparkListenerApplicationEnd\"";

impl Summary {
    /// Whether nothing more is needed but the end.
    pub(crate) fn has_start(&self) -> bool {
        self.app_id.is_some() && self.has_environment
    }

    /// Takes in a line, if it is one of the four events; as Spark does, by how it begins.
    pub(crate) fn take_line(&mut self, line: &[u8]) {
        let Some(rest) = line.strip_prefix(PREFIX) else { return };
        let taken = if rest.starts_with(b"LogStart\"") {
            serde_json::from_slice(line).map(|event: LogStart<'_>| self.spark_version = event.version.into_owned())
        } else if rest.starts_with(b"ApplicationStart\"") {
            serde_json::from_slice(line).map(|event| self.start(event))
        } else if rest.starts_with(b"ApplicationEnd\"") {
            serde_json::from_slice(line).map(|event: ApplicationEnd| {
                self.end_millis = Some(event.time);
                self.exit_code = event.exit_code;
            })
        } else if rest.starts_with(b"EnvironmentUpdate\",") && !self.has_environment {
            self.has_environment = true;
            serde_json::from_slice(line).map(|event: EnvironmentUpdate| self.acls = event.spark_properties)
        } else {
            Ok(())
        };
        // A line that says something else than expected says nothing; the replay tells people of it.
        self.malformed |= taken.is_err_and(|error| error.is_syntax());
    }

    fn start(&mut self, event: ApplicationStart<'_>) {
        self.app_id = event.id.map(Cow::into_owned);
        self.app_name = event.name.into_owned();
        self.attempt_id = event.attempt_id.map(Cow::into_owned);
        self.start_millis = event.time;
        self.user = event.user.into_owned();
    }

    /// Takes in every line of `text`, up to what `enough` says.
    pub(crate) fn take_text(&mut self, text: &[u8], enough: impl Fn(&Self) -> bool) {
        // Of a hundred lines four matter: they are looked for, not the others passed over.
        let mut start = 0;
        while let Some(at) = next_line(&text[start..]) {
            let line_start = start + at;
            let end = memchr::memchr(b'\n', &text[line_start..]).map_or(text.len(), |length| line_start + length);
            self.take_line(&text[line_start..end]);
            if enough(self) {
                return;
            }
            start = end;
        }
    }
}

/// Where the next line begins that may matter.
fn next_line(text: &[u8]) -> Option<usize> {
    let matters = |rest: &[u8]| {
        let Some(rest) = rest.strip_prefix(PREFIX) else { return false };
        rest.starts_with(b"LogStart") || rest.starts_with(b"Application") || rest.starts_with(b"EnvironmentUpdate")
    };
    if matters(text) {
        return Some(0);
    }
    memchr::memchr_iter(b'\n', text).map(|at| at + 1).find(|at| matters(&text[*at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_events_are_found_among_others() {
        let text = br#"{"Event":"SparkListenerLogStart","Spark Version":"3.5.1"}
{"Event":"SparkListenerBlockManagerAdded","Timestamp":1}
{"Event":"SparkListenerEnvironmentUpdate","JVM Information":{},"Spark Properties":{"spark.ui.view.acls":"ann,bob","x":"y"}}
{"Event":"SparkListenerApplicationStart","App Name":"a \"b\"","App ID":"app-1","Timestamp":10,"User":"eve","App Attempt ID":"2"}
{"Event":"SparkListenerEnvironmentUpdate","Spark Properties":{"spark.ui.view.acls":"*"}}
not json
{"Event":"SparkListenerApplicationEnd","Timestamp":20,"ExitCode":3}"#;
        let mut summary = Summary::default();
        summary.take_text(text, |_| false);
        let acls = Acls { view: "ann,bob".into(), ..Acls::default() };
        let expected = Summary {
            app_id: Some("app-1".into()),
            app_name: "a \"b\"".into(),
            attempt_id: Some("2".into()),
            user: "eve".into(),
            spark_version: "3.5.1".into(),
            start_millis: 10,
            end_millis: Some(20),
            exit_code: Some(3),
            acls,
            has_environment: true,
            malformed: false,
        };
        assert_eq!(summary, expected);
    }
}
