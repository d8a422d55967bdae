//! The tasks of a stage, as its page shows them: of the columns of the model only those rows are looked at that are shown.

use std::collections::HashMap;

use history_server::api::v1::types::{Date, TaskMetricDistributions};
use history_server::model::tasks::TaskColumn;
use history_server::model::{ROWS_AT_ONCE, RowQuery, TellWanted, metric};

use crate::app::App;
use crate::cell::{Badge, Cell};
use crate::format;
use crate::frame::Tab;
use crate::logs::ExecutorLogs;
use crate::params::Params;
use crate::table::{Column, Rank, Slice, Table, TableSpec};
use crate::task::{Task, Tasks, Value, read_duration};

/// Which tasks to show: `task.status` and `task.search` in the URL.
pub(crate) struct TaskFilter {
    pub(crate) statuses: Vec<Tab>,
    pub(crate) search: String,
    /// What the search form carries on.
    pub(crate) kept: Vec<(String, String)>,
    status: Option<String>,
}

impl TaskFilter {
    pub(crate) fn new(tasks: Tasks<'_>, params: &Params) -> Self {
        let status = params.text("task.status").map(str::to_uppercase);
        let counts = tasks.count(TaskColumn::Status);
        let mut statuses = vec![Self::choice("All", None, tasks.len(), status.as_deref(), params)];
        for (text, wanted) in
            [("Failed", "FAILED"), ("Running", "RUNNING"), ("Killed", "KILLED"), ("Succeeded", "SUCCESS")]
        {
            if let Some(number) = counts.get(&tasks.code(wanted)) {
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

    /// What the URL asks for; `None` where that is all of them.
    fn wanted<'a>(&self, tasks: Tasks<'a>) -> Option<Wanted<'a>> {
        if self.status.is_none() && self.search.is_empty() {
            return None;
        }
        let strings = tasks.strings();
        let needle = self.search.to_lowercase();
        let found =
            |code: usize| u32::try_from(code).is_ok_and(|code| strings.get(code).to_lowercase().contains(&needle));
        let texts = if needle.is_empty() { Vec::new() } else { (0..strings.len()).map(found).collect() };
        Some(Wanted {
            tasks,
            status: self.status.as_deref().map(|status| tasks.code(status)),
            texts,
            executor: tasks.code(&self.search),
            id: self.search.parse().ok(),
        })
    }
}

/// Tasks that are looked for.
struct Wanted<'a> {
    tasks: Tasks<'a>,
    /// Code of their status; `None` for any.
    status: Option<i64>,
    /// Whether the text of a code has the words in it; empty where no words are looked for.
    texts: Vec<bool>,
    /// What is looked for, as code of an executor and as a task's id.
    executor: i64,
    id: Option<i64>,
}

impl Wanted<'_> {
    /// Makes `false` of those that are not wanted, from the row `start` on.
    fn tell(&self, start: usize, out: &mut [bool]) {
        let table = self.tasks.table();
        let mut buffer = [0; ROWS_AT_ONCE];
        let buffer = &mut buffer[..out.len()];
        if let Some(status) = self.status {
            table.column(TaskColumn::Status).read(start, buffer);
            out.iter_mut().zip(&*buffer).for_each(|(wanted, code)| *wanted &= *code == status);
        }
        if self.texts.is_empty() {
            return;
        }
        let mut found = [false; ROWS_AT_ONCE];
        let found = &mut found[..out.len()];
        let mut look = |column: TaskColumn, is: &dyn Fn(i64) -> bool| {
            table.column(column).read(start, buffer);
            found.iter_mut().zip(&*buffer).for_each(|(found, value)| *found |= is(*value));
        };
        let has = |code: i64| usize::try_from(code).ok().and_then(|code| self.texts.get(code)).is_some_and(|has| *has);
        look(TaskColumn::Executor, &|code| code == self.executor);
        look(TaskColumn::Host, &has);
        // An error's code is one higher.
        look(TaskColumn::Error, &|code| code > 0 && has(code - 1));
        if let Some(id) = self.id {
            look(TaskColumn::TaskId, &|value| value == id);
        }
        out.iter_mut().zip(&*found).for_each(|(wanted, found)| *wanted &= *found);
    }

    fn count(&self) -> usize {
        let mut number = 0;
        for rows in self.tasks.portions() {
            let mut wanted = [true; ROWS_AT_ONCE];
            let wanted = &mut wanted[..rows.len()];
            self.tell(rows.start, wanted);
            number += wanted.iter().filter(|wanted| **wanted).count();
        }
        number
    }
}

/// Tasks that failed or were killed, grouped by what was said of it, the most frequent first.
pub(crate) fn failure_table(app: &App, logs: &ExecutorLogs, tasks: Tasks<'_>, params: &Params) -> Option<Table> {
    let groups = failures(tasks.with_status(&["FAILED", "KILLED"]));
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
pub(crate) fn failures<'a>(tasks: impl Iterator<Item = Task<'a>>) -> Vec<(i64, Task<'a>)> {
    // Equal errors have equal codes; those that differ only in numbers are brought together afterwards.
    let mut by_code = HashMap::<i64, (i64, Task<'a>)>::new();
    for task in tasks {
        by_code.entry(task.error_code()).and_modify(|(number, _)| *number += 1).or_insert((1, task));
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

/// The table of those tasks that the URL asks for. Columns in which no task of the stage has anything are left out.
pub(crate) fn table<'a>(
    app: &'a App,
    logs: &'a ExecutorLogs,
    tasks: Tasks<'a>,
    filter: &TaskFilter,
    params: &Params,
) -> Table {
    let mut columns = identity_columns(app, logs);
    columns.push(
        Column::new("Duration", |task: &Task<'a>| Cell::duration(Some(task.duration())))
            .hint(DURATION)
            .number()
            .sortable(),
    );
    for measure in MEASURES.iter().filter(|measure| measure.is_any(tasks)) {
        let column = Column::new(measure.title, move |task: &Task<'a>| measure.kind.cell(measure.of(*task)));
        columns.push(column.hint(measure.hint).number().rank(measure.rank).sortable());
    }
    if !tasks.table().accumulables.is_empty() {
        columns.push(
            Column::new("Accumulators", |task: &Task<'a>| accumulators(*task))
                .hint("What the task added to named accumulators of the application")
                .rank(Rank::Asked),
        );
    }
    if tasks.table().column(TaskColumn::Error).constant() != Some(0) {
        columns.push(
            Column::new("Errors", |task: &Task<'a>| task.error().map_or_else(Cell::empty, Cell::long))
                .prose()
                .sortable(),
        );
    }
    let empty = "No task of this stage, or none that you are looking for.";
    let spec = TableSpec { tag: "task", title: "", columns, sort: ("Index", false), empty };
    let wanted = filter.wanted(tasks);
    let total = wanted.as_ref().map_or(tasks.len(), Wanted::count);
    let slice = Slice::of("task", total, params);
    let (title, descending) = spec.sorting(params);
    let key = Key::of(title, tasks);
    let tell = |start: usize, out: &mut [bool]| wanted.iter().for_each(|wanted| wanted.tell(start, out));
    let rows = tasks.table().rows_in_order(&RowQuery {
        keys: &|start, out| key.read(tasks, start, out),
        wanted: wanted.as_ref().map(|_| &tell as TellWanted<'_>),
        ascending: !descending,
        offset: slice.start,
        length: slice.end - slice.start,
    });
    let shown: Vec<Task<'_>> = rows.into_iter().map(|row| tasks.at(row as usize)).collect();
    spec.draw_page(&shown, &slice, params)
}

/// What tasks are sorted by.
enum Key {
    Column(TaskColumn),
    /// A column that holds codes of texts, less so much, and the place of each text among all.
    Ranked(TaskColumn, i64, Vec<i64>),
    Duration,
    Measured(Value),
}

impl Key {
    /// By the title of a column.
    fn of(title: &str, tasks: Tasks<'_>) -> Self {
        let ranked = |column, less| Self::Ranked(column, less, ranks(tasks));
        if let Some(measure) = MEASURES.iter().find(|measure| measure.title == title) {
            let bytes_tell_nothing = !measure.value.is_any(tasks);
            return Self::Measured(measure.records.filter(|_| bytes_tell_nothing).map_or(measure.value, Value::Of));
        }
        match title {
            "Task ID" => Self::Column(TaskColumn::TaskId),
            "Attempt" => Self::Column(TaskColumn::Attempt),
            "Launch Time" => Self::Column(TaskColumn::LaunchTime),
            "Duration" => Self::Duration,
            "Status" => ranked(TaskColumn::Status, 0),
            "Locality Level" => ranked(TaskColumn::Locality, 0),
            "Executor ID" => ranked(TaskColumn::Executor, 0),
            "Host" => ranked(TaskColumn::Host, 0),
            "Errors" => ranked(TaskColumn::Error, 1),
            _ => Self::Column(TaskColumn::Index),
        }
    }

    fn read(&self, tasks: Tasks<'_>, start: usize, out: &mut [i64]) {
        match self {
            Self::Column(column) => tasks.table().column(*column).read(start, out),
            Self::Duration => read_duration(tasks, start, out),
            Self::Measured(value) => value.read(tasks, start, out),
            Self::Ranked(column, less, ranks) => {
                tasks.table().column(*column).read(start, out);
                for key in out {
                    // Where there is no text, there is no rank.
                    let code = usize::try_from(*key - less).ok();
                    *key = code.and_then(|code| ranks.get(code)).map_or(-1, |rank| *rank);
                }
            }
        }
    }
}

/// The place of each text among all, by code: numbers in their order, before all else.
fn ranks(tasks: Tasks<'_>) -> Vec<i64> {
    let strings = tasks.strings();
    let mut codes: Vec<u32> = (0..u32::try_from(strings.len()).unwrap_or(u32::MAX)).collect();
    codes.sort_by_cached_key(|code| format::natural(strings.get(*code)));
    let mut ranks = vec![0; codes.len()];
    (0..).zip(codes).for_each(|(rank, code)| ranks[code as usize] = rank);
    ranks
}

fn accumulators(task: Task<'_>) -> Cell {
    let lines: Vec<String> = task.accumulators().map(|(name, update)| format!("{name}: {update}")).collect();
    if lines.is_empty() { Cell::empty() } else { Cell::Lines(lines) }
}

/// Which task it is, where and when it ran.
fn identity_columns<'a>(app: &'a App, logs: &'a ExecutorLogs) -> Vec<Column<'a, Task<'a>>> {
    use TaskColumn::{Host, Index, Locality, TaskId};
    let text = |title, column: TaskColumn| {
        Column::new(title, move |task: &Task<'a>| Cell::Text(task.text(column).to_owned())).tight().sortable()
    };
    vec![
        Column::new("Index", |task: &Task<'a>| Cell::Text(task.get(Index).to_string())).number().sortable(),
        Column::new("Task ID", |task: &Task<'a>| Cell::Text(task.get(TaskId).to_string()))
            .number()
            .rank(Rank::Wider)
            .sortable(),
        Column::new("Attempt", |task: &Task<'a>| attempt(*task)).number().rank(Rank::Medium).sortable(),
        Column::new("Status", |task: &Task<'a>| Cell::Badge(Badge::of_status(task.status()))).sortable(),
        text("Locality Level", Locality).rank(Rank::Widest),
        Column::new("Executor ID", |task: &Task<'a>| Cell::Text(task.executor().to_owned()))
            .rank(Rank::Medium)
            .sortable(),
        text("Host", Host).rank(Rank::Wider),
        Column::new("Logs", |task: &Task<'a>| Cell::Logs(logs.task_links(&app.links, app.model(), *task))),
        Column::new("Launch Time", |task: &Task<'a>| Cell::time(Some(Date(task.launched()))))
            .tight()
            .rank(Rank::Wide)
            .sortable(),
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
    value: Value,
    records: Option<usize>,
    /// Its quantiles, and those of its records.
    pub(crate) spread: fn(&TaskMetricDistributions) -> (&[f64], &[f64]),
}

type Spread = fn(&TaskMetricDistributions) -> (&[f64], &[f64]);

const fn measure(title: &'static str, kind: Kind, value: Value, spread: Spread) -> Measure {
    Measure { title, kind, rank: Rank::Medium, hint: "", value, records: None, spread }
}

impl Measure {
    /// Spark shows it when it is asked for.
    const fn asked(self, hint: &'static str) -> Self {
        Self { rank: Rank::Asked, hint, ..self }
    }

    const fn with_records(self, metric: usize) -> Self {
        Self { records: Some(metric), ..self }
    }

    pub(crate) fn of(&self, task: Task<'_>) -> (i64, i64) {
        (self.value.of(task), self.records.map_or(0, |metric| task.metric(metric)))
    }

    /// Whether any task has something of it.
    fn is_any(&self, tasks: Tasks<'_>) -> bool {
        self.value.is_any(tasks) || self.records.is_some_and(|metric| Value::Of(metric).is_any(tasks))
    }
}

/// In Spark's order.
pub(crate) const MEASURES: [Measure; 15] = [
    measure("GC Time", Kind::Millis, Value::Of(metric::JVM_GC_TIME), |all| (&all.jvm_gc_time, &[])),
    measure("Input Size / Records", Kind::BytesAndRecords, Value::Of(metric::INPUT_BYTES_READ), |all| {
        (&all.input_metrics.bytes_read, &all.input_metrics.records_read)
    })
    .with_records(metric::INPUT_RECORDS_READ),
    measure("Output Size / Records", Kind::BytesAndRecords, Value::Of(metric::OUTPUT_BYTES_WRITTEN), |all| {
        (&all.output_metrics.bytes_written, &all.output_metrics.records_written)
    })
    .with_records(metric::OUTPUT_RECORDS_WRITTEN),
    measure(
        "Shuffle Read Size / Records",
        Kind::BytesAndRecords,
        Value::Sum(metric::SHUFFLE_REMOTE_BYTES_READ, metric::SHUFFLE_LOCAL_BYTES_READ),
        |all| (&all.shuffle_read_metrics.read_bytes, &all.shuffle_read_metrics.read_records),
    )
    .with_records(metric::SHUFFLE_RECORDS_READ),
    measure("Shuffle Write Size / Records", Kind::BytesAndRecords, Value::Of(metric::SHUFFLE_BYTES_WRITTEN), |all| {
        (&all.shuffle_write_metrics.write_bytes, &all.shuffle_write_metrics.write_records)
    })
    .with_records(metric::SHUFFLE_RECORDS_WRITTEN),
    measure("Spill (Memory)", Kind::Bytes, Value::Of(metric::MEMORY_BYTES_SPILLED), |all| {
        (&all.memory_bytes_spilled, &[])
    }),
    measure("Spill (Disk)", Kind::Bytes, Value::Of(metric::DISK_BYTES_SPILLED), |all| (&all.disk_bytes_spilled, &[])),
    measure("Scheduler Delay", Kind::Millis, Value::SchedulerDelay, |all| (&all.scheduler_delay, &[]))
        .asked("Time to ship the task to the executor and its result back, without what was measured there"),
    measure("Task Deserialization Time", Kind::Millis, Value::Of(metric::EXECUTOR_DESERIALIZE_TIME), |all| {
        (&all.executor_deserialize_time, &[])
    })
    .asked("Time to deserialize the task's closure on the executor, its fetching included"),
    measure("Shuffle Read Fetch Wait Time", Kind::Millis, Value::Of(metric::SHUFFLE_FETCH_WAIT_TIME), |all| {
        (&all.shuffle_read_metrics.fetch_wait_time, &[])
    })
    .asked("Time that the task waited for shuffle blocks of other executors"),
    measure("Shuffle Remote Reads", Kind::Bytes, Value::Of(metric::SHUFFLE_REMOTE_BYTES_READ), |all| {
        (&all.shuffle_read_metrics.remote_bytes_read, &[])
    })
    .asked("Shuffle bytes read from other executors"),
    measure("Shuffle Write Time", Kind::Nanos, Value::Of(metric::SHUFFLE_WRITE_TIME), |all| {
        (&all.shuffle_write_metrics.write_time, &[])
    })
    .asked("Time that the task waited while shuffle data was written"),
    measure("Result Serialization Time", Kind::Millis, Value::Of(metric::RESULT_SERIALIZATION_TIME), |all| {
        (&all.result_serialization_time, &[])
    })
    .asked("Time to serialize the result on the executor"),
    measure("Getting Result Time", Kind::Millis, Value::GettingResult, |all| (&all.getting_result_time, &[]))
        .asked("Time that the driver took to fetch the result"),
    measure("Peak Execution Memory", Kind::Bytes, Value::Of(metric::PEAK_EXECUTION_MEMORY), |all| {
        (&all.peak_execution_memory, &[])
    })
    .asked("The most that shuffles, aggregations and joins of the task held in memory"),
];
