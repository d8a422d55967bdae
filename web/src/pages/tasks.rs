//! The tasks of a stage, as its page shows them: read from the columns of the model, row by row that is shown.

use std::collections::HashMap;

use history_server::api::v1::types::Date;
use history_server::model::metric;
use history_server::model::tasks::TaskColumn;

use crate::app::App;
use crate::cell::{Badge, Cell};
use crate::format;
use crate::frame::Tab;
use crate::logs::ExecutorLogs;
use crate::params::Params;
use crate::table::{Column, Rank, Table, TableSpec};
use crate::task::Task;

/// Which tasks to show: `task.status` and `task.search` in the URL.
pub(crate) struct TaskFilter {
    pub(crate) statuses: Vec<Tab>,
    pub(crate) search: String,
    /// What the search form carries on.
    pub(crate) kept: Vec<(String, String)>,
    status: Option<String>,
}

impl TaskFilter {
    pub(crate) fn new(tasks: &[Task<'_>], params: &Params) -> Self {
        let status = params.text("task.status").map(str::to_uppercase);
        let mut counts = HashMap::<&str, usize>::new();
        for task in tasks {
            *counts.entry(task.status()).or_default() += 1;
        }
        let mut statuses = vec![Self::choice("All", None, tasks.len(), status.as_deref(), params)];
        for (text, wanted) in
            [("Failed", "FAILED"), ("Running", "RUNNING"), ("Killed", "KILLED"), ("Succeeded", "SUCCESS")]
        {
            if let Some(number) = counts.get(wanted) {
                statuses.push(Self::choice(text, Some(wanted), *number, status.as_deref(), params));
            }
        }
        let search = params.text("task.search").unwrap_or_default().to_owned();
        Self { statuses, search, kept: params.except(&["task.search", "task.page"]), status }
    }

    fn choice(text: &str, wanted: Option<&str>, number: usize, status: Option<&str>, params: &Params) -> Tab {
        let href = params.with(&[("task.status", wanted), ("task.page", None)]);
        let number = format::count(i64::try_from(number).unwrap_or(i64::MAX));
        Tab { text: format!("{text} {number}"), href: format!("{href}#task"), current: wanted == status }
    }

    /// Those that the URL asks for.
    pub(crate) fn apply<'a>(&self, mut tasks: Vec<Task<'a>>) -> Vec<Task<'a>> {
        if let Some(status) = &self.status {
            tasks.retain(|task| task.status() == *status);
        }
        if !self.search.is_empty() {
            let needle = self.search.to_lowercase();
            let number: Option<i64> = self.search.parse().ok();
            tasks.retain(|task| {
                task.executor() == self.search
                    || number == Some(task.get(TaskColumn::TaskId))
                    || task.text(TaskColumn::Host).to_lowercase().contains(&needle)
                    || task.error().is_some_and(|error| error.to_lowercase().contains(&needle))
            });
        }
        tasks
    }
}

/// Tasks that failed or were killed, grouped by what was said of it, the most frequent first.
pub(crate) fn failure_table(app: &App, logs: &ExecutorLogs, tasks: &[Task<'_>], params: &Params) -> Option<Table> {
    let groups = failures(tasks);
    if groups.is_empty() {
        return None;
    }
    type Group<'a> = (i64, Task<'a>);
    let columns = vec![
        Column::new("Tasks", |(number, _): &Group<'_>| Cell::number(*number)).number().by(|(number, _)| *number),
        Column::new("Status", |(_, task): &Group<'_>| Cell::Badge(Badge::of_status(task.status()))),
        Column::new("Reason", |(_, task): &Group<'_>| Cell::long(task.error().unwrap_or("no reason in the event log")))
            .prose()
            .hint("In full: of one of these tasks"),
        Column::new("For example", |(_, task): &Group<'_>| {
            let (id, executor, host) = (task.get(TaskColumn::TaskId), task.executor(), task.text(TaskColumn::Host));
            Cell::Text(format!("task {id} on executor {executor} ({host})"))
        }),
        Column::new("Logs", |(_, task): &Group<'_>| Cell::Logs(logs.task_links(&app.links, app.model(), *task))),
    ];
    let spec = TableSpec { tag: "failure", title: "Why tasks failed", columns, sort: ("Tasks", true), empty: "" };
    let mut table = spec.draw(groups, params);
    table.total = String::new();
    Some(table)
}

/// Groups of tasks of which the same was said, each with its first task, in the order of these.
pub(crate) fn failures<'a>(tasks: &[Task<'a>]) -> Vec<(i64, Task<'a>)> {
    // Equal errors have equal codes; those that differ only in numbers are brought together afterwards.
    let mut by_code = HashMap::<i64, (i64, Task<'a>)>::new();
    for task in tasks.iter().filter(|task| matches!(task.status(), "FAILED" | "KILLED")) {
        by_code.entry(task.error_code()).and_modify(|(number, _)| *number += 1).or_insert((1, *task));
    }
    let mut by_code: Vec<_> = by_code.into_values().collect();
    by_code.sort_unstable_by_key(|(_, task)| task.place());
    let mut places = HashMap::<String, usize>::new();
    let mut groups = Vec::<(i64, Task<'a>)>::new();
    for (number, task) in by_code {
        let place = *places.entry(error_kind(task.error().unwrap_or_default())).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((sum, _)) => *sum += number,
            None => groups.push((number, task)),
        }
    }
    groups
}

/// What an error says without its numbers, so that the same failure of many tasks is one.
pub(crate) fn error_kind(message: &str) -> String {
    let headline = format::headline(message, 200);
    let (mut kind, mut chars) = (String::with_capacity(headline.len()), headline.chars().peekable());
    while let Some(c) = chars.next() {
        if !c.is_ascii_digit() {
            kind.push(c);
            continue;
        }
        kind.push('#');
        // An address in memory is a number too.
        let is_address = c == '0' && chars.next_if_eq(&'x').is_some();
        while chars.next_if(|c| c.is_ascii_digit() || is_address && c.is_ascii_hexdigit()).is_some() {}
    }
    kind
}

/// What the duration of a task is.
const DURATION: &str = "Time that the executor ran the task; what came before and after is in the other columns";

/// The table of tasks. Columns in which no task has anything are left out.
pub(crate) fn table<'a>(app: &'a App, logs: &'a ExecutorLogs, tasks: Vec<Task<'a>>, params: &Params) -> Table {
    let mut columns = identity_columns(app, logs);
    columns.push(
        Column::new("Duration", |task: &Task<'a>| Cell::duration(Some(task.duration())))
            .hint(DURATION)
            .number()
            .by(|task| task.duration()),
    );
    for measure in MEASURES {
        let column = Column::new(measure.title, move |task: &Task<'a>| measure.kind.cell((measure.value)(*task)));
        let any = move |task: &Task<'a>| (measure.value)(*task) != (0, 0);
        columns.push(
            column.hint(measure.hint).number().rank(measure.rank).by(move |task| (measure.value)(*task)).if_any(any),
        );
    }
    columns.push(
        Column::new("Errors", |task: &Task<'a>| task.error().map_or_else(Cell::empty, Cell::long))
            .prose()
            .by(|task| task.error())
            .if_any(|task| task.error_code() > 0),
    );
    let empty = "No task of this stage, or none that you are looking for.";
    TableSpec { tag: "task", title: "", columns, sort: ("Index", false), empty }.draw(tasks, params)
}

/// Which task it is, where and when it ran.
fn identity_columns<'a>(app: &'a App, logs: &'a ExecutorLogs) -> Vec<Column<'a, Task<'a>>> {
    use TaskColumn::{Attempt, Host, Index, Locality, TaskId};
    let text = |title, column: TaskColumn| {
        Column::new(title, move |task: &Task<'a>| Cell::Text(task.text(column).to_owned()))
            .tight()
            .by(move |task| task.text(column))
    };
    vec![
        Column::new("Index", |task: &Task<'a>| Cell::Text(task.get(Index).to_string()))
            .number()
            .by(|task| (task.get(Index), task.get(Attempt))),
        Column::new("Task ID", |task: &Task<'a>| Cell::Text(task.get(TaskId).to_string()))
            .number()
            .rank(Rank::Wider)
            .by(|task| task.get(TaskId)),
        Column::new("Attempt", |task: &Task<'a>| attempt(*task))
            .number()
            .rank(Rank::Medium)
            .by(|task| task.get(Attempt)),
        Column::new("Status", |task: &Task<'a>| Cell::Badge(Badge::of_status(task.status()))).by(|task| task.status()),
        text("Locality Level", Locality).rank(Rank::Widest),
        Column::new("Executor ID", |task: &Task<'a>| Cell::Text(task.executor().to_owned()))
            .by(|task| format::natural(task.executor())),
        text("Host", Host).rank(Rank::Wider),
        Column::new("Logs", |task: &Task<'a>| Cell::Logs(logs.task_links(&app.links, app.model(), *task))),
        Column::new("Launch Time", |task: &Task<'a>| Cell::time(Some(Date(task.launched()))))
            .tight()
            .rank(Rank::Wide)
            .by(|task| task.launched()),
    ]
}

fn attempt(task: Task<'_>) -> Cell {
    let number = task.get(TaskColumn::Attempt);
    Cell::Text(if task.get(TaskColumn::Speculative) == 1 {
        format!("{number} (speculative)")
    } else {
        number.to_string()
    })
}

/// What a number counts.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Millis,
    Nanos,
    Bytes,
    BytesAndRecords,
}

impl Kind {
    pub(crate) fn cell(self, (value, records): (i64, i64)) -> Cell {
        if value == 0 && records == 0 { Cell::empty() } else { self.exact((value, records)) }
    }

    /// The same, where nothing is a value as well.
    pub(crate) fn exact(self, (value, records): (i64, i64)) -> Cell {
        match self {
            Self::Bytes | Self::BytesAndRecords if value == 0 && records == 0 => Cell::Text(format::bytes(0)),
            Self::Millis => Cell::duration(Some(value)),
            Self::Nanos => Cell::duration(Some(value / 1_000_000)),
            Self::Bytes => Cell::bytes(value),
            Self::BytesAndRecords => Cell::bytes_and_records(value, records),
        }
    }
}

/// Something that tasks measured: a value and, where there are such, its records.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    rank: Rank,
    hint: &'static str,
    pub(crate) value: fn(Task<'_>) -> (i64, i64),
}

const fn measure(title: &'static str, kind: Kind, value: fn(Task<'_>) -> (i64, i64)) -> Measure {
    Measure { title, kind, rank: Rank::Medium, hint: "", value }
}

impl Measure {
    /// Spark shows it when it is asked for.
    const fn asked(self, hint: &'static str) -> Self {
        Self { rank: Rank::Asked, hint, ..self }
    }
}

/// In Spark's order.
pub(crate) const MEASURES: [Measure; 15] = [
    measure("GC Time", Kind::Millis, |task| (task.metric(metric::JVM_GC_TIME), 0)),
    measure("Input Size / Records", Kind::BytesAndRecords, |task| {
        (task.metric(metric::INPUT_BYTES_READ), task.metric(metric::INPUT_RECORDS_READ))
    }),
    measure("Output Size / Records", Kind::BytesAndRecords, |task| {
        (task.metric(metric::OUTPUT_BYTES_WRITTEN), task.metric(metric::OUTPUT_RECORDS_WRITTEN))
    }),
    measure("Shuffle Read Size / Records", Kind::BytesAndRecords, |task| {
        let bytes =
            task.metric(metric::SHUFFLE_REMOTE_BYTES_READ).wrapping_add(task.metric(metric::SHUFFLE_LOCAL_BYTES_READ));
        (bytes, task.metric(metric::SHUFFLE_RECORDS_READ))
    }),
    measure("Shuffle Write Size / Records", Kind::BytesAndRecords, |task| {
        (task.metric(metric::SHUFFLE_BYTES_WRITTEN), task.metric(metric::SHUFFLE_RECORDS_WRITTEN))
    }),
    measure("Spill (Memory)", Kind::Bytes, |task| (task.metric(metric::MEMORY_BYTES_SPILLED), 0)),
    measure("Spill (Disk)", Kind::Bytes, |task| (task.metric(metric::DISK_BYTES_SPILLED), 0)),
    measure("Scheduler Delay", Kind::Millis, |task| (task.scheduler_delay(), 0))
        .asked("Time to ship the task to the executor and its result back, without what was measured there"),
    measure("Task Deserialization Time", Kind::Millis, |task| (task.metric(metric::EXECUTOR_DESERIALIZE_TIME), 0))
        .asked("Time to deserialize the task's closure on the executor, its fetching included"),
    measure("Shuffle Read Fetch Wait Time", Kind::Millis, |task| (task.metric(metric::SHUFFLE_FETCH_WAIT_TIME), 0))
        .asked("Time that the task waited for shuffle blocks of other executors"),
    measure("Shuffle Remote Reads", Kind::Bytes, |task| (task.metric(metric::SHUFFLE_REMOTE_BYTES_READ), 0))
        .asked("Shuffle bytes read from other executors"),
    measure("Shuffle Write Time", Kind::Nanos, |task| (task.metric(metric::SHUFFLE_WRITE_TIME), 0))
        .asked("Time that the task waited while shuffle data was written"),
    measure("Result Serialization Time", Kind::Millis, |task| (task.metric(metric::RESULT_SERIALIZATION_TIME), 0))
        .asked("Time to serialize the result on the executor"),
    measure("Getting Result Time", Kind::Millis, |task| (task.getting_result(), 0))
        .asked("Time that the driver took to fetch the result"),
    measure("Peak Execution Memory", Kind::Bytes, |task| (task.metric(metric::PEAK_EXECUTION_MEMORY), 0))
        .asked("The most that shuffles, aggregations and joins of the task held in memory"),
];
