//! Parts of logs as one text, which comes as it is read.

use std::collections::HashMap;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::grep::{Grep, Search};
use super::{Added, Logs, Part, merge};
use crate::{Container, Result, Stream};

/// A text as it comes.
pub type Text = BoxStream<'static, Result<Bytes>>;

const HEAD: [&str; 2] = ["\x1b[1;36m", "\x1b[0m"];

/// How parts of logs are shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Only the lines that match.
    pub search: Option<Search>,
    /// Whether the lines that name parts have colours, as a terminal shows them.
    pub is_coloured: bool,
}

impl Shown {
    /// The line that goes before a part.
    #[must_use]
    pub fn head(&self, text: &str) -> String {
        if self.is_coloured { format!("{}{text}{}\n", HEAD[0], HEAD[1]) } else { format!("{text}\n") }
    }

    /// The parts one after another, each under a line that names it when there is more than one.
    #[must_use]
    pub fn one_after_another(&self, parts: Vec<Part>) -> Text {
        let (shown, is_headed) = (self.clone(), parts.len() > 1);
        let of_part = move |part: Part| {
            let head = is_headed.then(|| Ok(Bytes::from(shown.head(&part.head()))));
            let bytes = part.log.range(part.stream, part.range.clone()).map_err(crate::Error::from).boxed();
            stream::iter(head).chain(shown.searched(bytes))
        };
        stream::iter(parts).flat_map(of_part).boxed()
    }

    /// All parts as one, line by line in the order of time, each behind the name of its part when there is more than one.
    #[must_use]
    pub fn merged(&self, parts: Vec<Part>) -> Text {
        let names: Vec<String> = parts.iter().map(Part::name).collect();
        let lines = merge(parts.into_iter().map(|part| (part.log, part.stream, part.range)).collect());
        let lines = lines.map_ok(move |line| {
            let name = names.get(line.part).filter(|_| names.len() > 1);
            let mut text = name.map(|name| format!("{name} | ")).unwrap_or_default().into_bytes();
            text.extend_from_slice(&line.bytes);
            // A line of its own, even without its end.
            if text.last() != Some(&b'\n') {
                text.push(b'\n');
            }
            Bytes::from(text)
        });
        self.searched(lines.boxed())
    }

    /// What is there of the parts and what comes, as it comes, also of containers that are started later; where another one goes
    /// on, a line names it. See [`Logs::follow_all`].
    #[must_use]
    pub fn followed(&self, logs: &Logs, whose: (&str, Option<&str>), streams: &[Stream], parts: Vec<Part>) -> Text {
        let is_headed = parts.len() > 1;
        let begun = parts.into_iter().map(|part| (part.log, part.stream, part.range.start)).collect();
        let following = Following {
            shown: self.clone(),
            all: Some(logs.follow_all(whose, streams, begun)),
            greps: HashMap::new(),
            last: None,
            is_headed,
        };
        stream::try_unfold(following, |mut following| async {
            Ok(following.next().await?.map(|text| (text, following)))
        })
        .boxed()
    }

    fn searched(&self, bytes: Text) -> Text {
        let Some(search) = self.search.clone() else { return bytes };
        let begun = (bytes, Some(Grep::new(search)));
        stream::try_unfold(begun, |(mut bytes, mut grep)| async move {
            let mut out = Vec::new();
            while let Some(picking) = &mut grep {
                match bytes.try_next().await? {
                    Some(chunk) => picking.push(&chunk, &mut out),
                    None => {
                        picking.finish(&mut out);
                        grep = None;
                    }
                }
                if !out.is_empty() {
                    return Ok(Some((Bytes::from(out), (bytes, grep))));
                }
            }
            Ok(None)
        })
        .boxed()
    }
}

struct Following {
    shown: Shown,
    all: Option<BoxStream<'static, Result<Added>>>,
    greps: HashMap<(Container, Stream), Grep>,
    last: Option<(Container, Stream)>,
    is_headed: bool,
}

impl Following {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(all) = &mut self.all {
            let mut out = Vec::new();
            match all.try_next().await? {
                Some(added) => self.add(&added, &mut out),
                None => {
                    self.all = None;
                    self.greps.values_mut().for_each(|grep| grep.finish(&mut out));
                }
            }
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
        }
        Ok(None)
    }

    fn add(&mut self, added: &Added, out: &mut Vec<u8>) {
        let whose = (added.log.container.clone(), added.stream);
        let mut text = Vec::new();
        match &self.shown.search {
            Some(search) => {
                let grep = self.greps.entry(whose.clone()).or_insert_with(|| Grep::new(search.clone()));
                grep.push(&added.bytes, &mut text);
            }
            None => text.extend_from_slice(&added.bytes),
        }
        if text.is_empty() {
            return;
        }
        let is_other = self.last.as_ref() != Some(&whose);
        // One that follows alone needs no name, until another one comes.
        self.is_headed |= is_other && self.last.is_some();
        if self.is_headed && is_other {
            let part = Part { log: added.log.clone(), stream: added.stream, range: 0..u64::MAX };
            out.extend_from_slice(self.shown.head(&part.head()).as_bytes());
        }
        out.extend(text);
        self.last = Some(whose);
    }
}
