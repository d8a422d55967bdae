//! Which containers and streams a page shows, and the links to the others.

use log_collector::{ContainerLog, Stream};

use super::about::{self, container_id, size};
use super::find::{self, Wanted};
use super::merged::Merged;
use super::page::{LogPage, title};
use super::part;
use super::place::{self, Shown, elsewhere};
use crate::error::Error;
use crate::format;
use crate::frame::{Frame, Notice, Tab};
use crate::links;
use crate::logs::EVERYBODY;
use crate::params::Params;

/// In the place of a container's or a stream's name.
const ALL: &str = "all";
/// So many containers are shown as one.
const MAX_MERGED: usize = 40;

/// Some of several containers, and some of their streams.
pub(super) struct View {
    all: Vec<ContainerLog>,
    /// Places in `all`.
    chosen: Vec<usize>,
    streams: Vec<Stream>,
}

/// Where a page of a log is.
pub(super) struct Address<'a> {
    /// An executor, or [`EVERYBODY`].
    pub(super) executor: &'a str,
    pub(super) base: &'a str,
    /// What the query must have besides.
    pub(super) ids: &'a [(&'a str, &'a str)],
}

impl View {
    /// What the URL asks for; else stderr of the container that wrote last among those that are Spark's, and of all executors
    /// everything.
    pub(super) fn choose(all: Vec<ContainerLog>, executor: &str, params: &Params) -> Option<Self> {
        let everybody = executor == EVERYBODY;
        let asked = params.text("container");
        let chosen = if asked == Some(ALL) || everybody && asked.is_none() {
            newest(&all, MAX_MERGED)
        } else {
            let asked = asked.and_then(|id| all.iter().position(|log| container_id(log) == id));
            let rank = |log: &ContainerLog| (log.container.name.starts_with("spark-kubernetes-"), log.last_shipped);
            vec![asked.or_else(|| (0..all.len()).max_by_key(|index| rank(&all[*index])))?]
        };
        let streams = match params.text("stream") {
            Some(ALL) => Stream::ALL.to_vec(),
            Some(name) => vec![Stream::parse(name).unwrap_or(Stream::Stderr)],
            None if everybody => Stream::ALL.to_vec(),
            None => vec![Stream::Stderr],
        };
        (!chosen.is_empty()).then_some(Self { all, chosen, streams })
    }

    fn logs(&self) -> Vec<&ContainerLog> {
        self.chosen.iter().filter_map(|index| self.all.get(*index)).collect()
    }

    /// The one stream of the one container that is shown, if it is one.
    pub(super) fn single(&self) -> Option<(&ContainerLog, Stream)> {
        match (self.chosen.as_slice(), self.streams.as_slice()) {
            ([index], [stream]) => Some((self.all.get(*index)?, *stream)),
            _ => None,
        }
    }

    pub(super) fn merged(&self) -> Merged {
        let logs = self.logs();
        let differ = |what: fn(&ContainerLog) -> String| logs.iter().any(|log| what(log) != what(logs[0]));
        let who = |log: &ContainerLog| log.executor.clone().unwrap_or_else(|| log.container.pod.clone());
        let what = |log: &ContainerLog| match log.container.restart {
            0 => log.container.name.clone(),
            restart => format!("{} (restart {restart})", log.container.name),
        };
        let (by_who, by_what) = (differ(who), differ(what) && !differ(who));
        let mut merged = Merged { parts: Vec::new(), names: Vec::new() };
        for log in &logs {
            for stream in &self.streams {
                let words = [by_who.then(|| who(log)), by_what.then(|| what(log)), Some(stream.name().to_owned())];
                let several = [logs.len() > 1, logs.len() > 1, self.streams.len() > 1];
                let words = words.into_iter().zip(several).filter_map(|(word, shown)| word.filter(|_| shown));
                merged.names.push(words.collect::<Vec<_>>().join(" "));
                merged.parts.push(((*log).clone(), *stream));
            }
        }
        merged
    }

    /// What the links to a part of this view have besides the place: it is named, for what is shown unless told may change.
    fn fixed(&self, params: &Params) -> String {
        let container = self.container_name();
        elsewhere(params, &[("stream", self.stream_name()), ("container", container.as_str())])
    }

    fn container_name(&self) -> String {
        match self.chosen.as_slice() {
            [index] => self.all.get(*index).map(container_id).unwrap_or_default(),
            _ => ALL.to_owned(),
        }
    }

    fn stream_name(&self) -> &'static str {
        match self.streams.as_slice() {
            [stream] => stream.name(),
            _ => ALL,
        }
    }

    async fn shown(&self, params: &Params) -> Result<Shown, Error> {
        let wanted = match Wanted::of(params) {
            Ok(wanted) => wanted,
            Err(why) => {
                let mut shown = self.part(params).await?;
                shown.notice = Some(Notice { class: "warn", text: why, details: Vec::new() });
                return Ok(shown);
            }
        };
        let Some(wanted) = wanted else { return self.part(params).await };
        match self.single() {
            Some((log, stream)) => find::in_stream(log, stream, params, &self.fixed(params), &wanted).await,
            None => find::in_merged(&self.merged(), params, &wanted).await,
        }
    }

    async fn part(&self, params: &Params) -> Result<Shown, Error> {
        match self.single() {
            Some((log, stream)) => part::read(log, stream, params, &self.fixed(params), None).await,
            None => self.merged().read(params, None).await,
        }
    }

    pub(super) async fn draw(&self, params: &Params, frame: Frame, at: Address<'_>) -> Result<LogPage, Error> {
        let shown = self.shown(params).await?;
        let container = self.container_name();
        let file = |inline: bool| {
            let own = [("container", container.as_str()), ("stream", self.stream_name())];
            let inline = inline.then_some(("inline", "true"));
            format!("{}download{}", at.base, links::query(at.ids.iter().copied().chain(own).chain(inline)))
        };
        let logs = self.logs();
        let nowrap = params.get("wrap") == Some("false");
        let finished = logs.iter().all(|log| log.finished);
        let following = params.is_true("follow") && !finished;
        let mut frame = frame;
        if following {
            frame.refresh = format!("10;url={}#end", params.with(&[]));
        }
        let notices =
            about::gaps(&logs, &self.streams).into_iter().chain(self.left_out()).chain(shown.notice).collect();
        let labelled = shown.lines.iter().any(|line| !line.label.is_empty());
        Ok(LogPage {
            title: format!("Log of {}", title(at.executor)),
            state: about::state(&logs),
            facts: about::facts(&logs, &self.streams),
            notices,
            streams: self.streams(params),
            containers: self.containers(params),
            wrap: Tab {
                text: if nowrap { "Wrap lines" } else { "Do not wrap" }.to_owned(),
                href: params.with(&[("wrap", if nowrap { None } else { Some("false") })]),
                current: false,
            },
            follow: (!finished).then(|| follow(params, following)),
            first_error: self.first_error(params),
            find: params.get("find").unwrap_or_default().to_owned(),
            regex: params.is_true("regex"),
            context: find::context(params),
            time: place::field(params, &logs),
            back: params.text("find").map(|_| elsewhere(params, &[])),
            kept: params.except(&KEPT_NOT),
            moves: shown.moves,
            range: shown.range,
            whole: file(true),
            download: file(false),
            empty: self.empty(params),
            several: shown.lines.iter().any(|line| !line.source.is_empty()),
            timed: shown.lines.iter().any(|line| line.time_ms.is_some()),
            class: classes(!nowrap, labelled),
            lines: shown.lines,
            following,
            frame,
        })
    }

    fn empty(&self, params: &Params) -> String {
        if params.text("find").is_some() {
            return "No line has it.".to_owned();
        }
        match self.single() {
            Some((log, stream)) => about::empty(log, stream),
            None => "Nothing was written so far.".to_owned(),
        }
    }

    /// Says so when there are more containers than are shown as one.
    fn left_out(&self) -> Option<Notice> {
        let left_out = self.all.len() - self.chosen.len();
        let text = format!(
            "Shown are the {} containers that wrote last; {} more have logs: choose an executor to see its own.",
            self.chosen.len(),
            left_out
        );
        (self.chosen.len() > 1 && left_out > 0).then(|| Notice { class: "", text, details: Vec::new() })
    }

    /// How many lines tell of an error.
    fn errors(&self) -> u64 {
        let of = |log: &&ContainerLog| -> u64 {
            let each = Stream::ALL.into_iter().zip(log.errors);
            each.filter(|(stream, _)| self.streams.contains(stream)).map(|(_, errors)| errors.lines).sum()
        };
        self.logs().iter().map(of).sum()
    }

    fn first_error(&self, params: &Params) -> Option<Tab> {
        let count = i64::try_from(self.errors()).unwrap_or(i64::MAX);
        let link = || Tab {
            text: format!("First error of {}", format::count(count)),
            href: format!("{}#here", elsewhere(params, &[("error", "first")])),
            current: place::wants_first_error(params),
        };
        (count > 0).then(link)
    }

    fn streams(&self, params: &Params) -> Vec<Tab> {
        let sum = |stream: Stream| self.logs().iter().map(|log| log.size_bytes(stream)).sum::<u64>();
        let tab = |name: &str, text: String| Tab {
            text,
            href: format!("{}#end", self.same_place(params, "stream", name)),
            current: name == self.stream_name(),
        };
        let each = Stream::ALL.into_iter().map(|one| tab(one.name(), format!("{} {}", one.name(), size(sum(one)))));
        each.chain([tab(ALL, "both by time".to_owned())]).collect()
    }

    fn containers(&self, params: &Params) -> Vec<Tab> {
        if self.all.len() < 2 {
            return Vec::new();
        }
        let differ = self.all.iter().any(|log| log.executor != self.all[0].executor);
        let mut tabs: Vec<Tab> = Vec::new();
        for (index, log) in self.all.iter().enumerate().take(MAX_MERGED) {
            let container = &log.container;
            let restart =
                if container.restart > 0 { format!(" (restart {})", container.restart) } else { String::new() };
            let (id, current) = (container_id(log), self.chosen == [index]);
            let text = match &log.executor {
                // Of many executors the short name is enough; whatever is not Spark's container names itself.
                Some(executor) if differ => {
                    let spark_s = container.name.starts_with("spark-kubernetes-");
                    let name = if spark_s { String::new() } else { format!(" {}", container.name) };
                    let who = if executor == "driver" { "driver".to_owned() } else { format!("executor {executor}") };
                    format!("{who}{name}{restart}")
                }
                _ => format!("{} {}{restart}", container.pod, container.name),
            };
            tabs.push(Tab { text, href: self.same_place(params, "container", &id), current });
        }
        let current = self.chosen.len() > 1;
        tabs.push(Tab { text: "all by time".to_owned(), href: self.same_place(params, "container", ALL), current });
        tabs
    }

    /// A link to another stream or container. A moment stays one there, a byte or a line does not.
    fn same_place(&self, params: &Params, name: &str, value: &str) -> String {
        let kept = ["since", "until", "time", "error", "find", "regex", "context"];
        let kept = kept.into_iter().filter_map(|name| Some((name, params.text(name)?)));
        let place: Vec<_> = kept.chain([(name, value)]).collect();
        elsewhere(params, &place)
    }
}

/// What the forms of the page say themselves.
const KEPT_NOT: [&str; 13] =
    ["find", "regex", "context", "time", "from", "to", "line", "since", "until", "start", "end", "error", "follow"];

fn classes(wrap: bool, labelled: bool) -> &'static str {
    match (wrap, labelled) {
        (true, true) => "wrap numbered",
        (true, false) => "wrap",
        (false, true) => "numbered",
        (false, false) => "",
    }
}

/// The places of those that were added to last, in order.
fn newest(all: &[ContainerLog], most: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.sort_by_key(|index| std::cmp::Reverse(all.get(*index).map(|log| log.last_shipped)));
    places.truncate(most);
    places.sort_unstable();
    places
}

fn follow(params: &Params, following: bool) -> Tab {
    let mut changes = vec![("follow", "true")];
    changes.retain(|_| !following);
    Tab {
        text: if following { "Stop following" } else { "Follow" }.to_owned(),
        href: format!("{}#end", elsewhere(params, &changes)),
        current: following,
    }
}
