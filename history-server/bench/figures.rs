//! What is measured, and how.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::logs::Logs;
use crate::multiply::Form;
use crate::pages;
use crate::server::{Program, Server, get, get_page};

/// All that is needed to measure, and what has been measured.
pub(crate) struct Bench {
    pub(crate) programs: Vec<Program>,
    pub(crate) logs: Logs,
    pub(crate) runs: usize,
    pub(crate) rows: Vec<Row>,
}

/// One figure of one program in one run.
pub(crate) struct Row {
    figure: String,
    program: &'static str,
    value: Value,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug)]
enum Value {
    Time(Duration),
    Bytes(u64),
}

impl Bench {
    pub(crate) fn measure(&mut self, figure: &str) -> anyhow::Result<()> {
        match figure {
            "open" => self.open("plain", Form::Plain, 25),
            "zstd" => self.open("zstd", Form::Zstd, 25),
            "large" => self.open("1 M tasks with SQL metrics, zstd", Form::Zstd, 250),
            "listing" => self.listing("5,000 logs", 5000, None),
            "sizes" => {
                self.listing("100 logs of 1 MB, zstd", 100, Some(MEGABYTE_QUERIES))?;
                self.listing("10 logs of 100 MB, zstd", 10, Some(100 * MEGABYTE_QUERIES))
            }
            "known" => self.known("100,000", 100_000),
            "million" => self.known("1,000,000", 1_000_000),
            "readers" => self.readers(),
            "many" => self.many(),
            "pages" => self.pages(),
            _ => Ok(()),
        }
    }

    fn add(&mut self, figure: impl Into<String>, program: &Program, value: Value) {
        let (figure, program) = (figure.into(), program.name());
        eprintln!("{figure}: {program} {value}");
        self.rows.push(Row { figure, program, value });
    }

    /// First open, nothing cached, then again after a restart.
    fn open(&mut self, name: &str, form: Form, queries: u64) -> anyhow::Result<()> {
        let logs = self.logs.sql(form, queries)?;
        let id = only_application(&logs)?;
        let path = format!("/applications/{id}/jobs");
        for program in self.each_run(|_| true) {
            read_once(&logs)?;
            let state = tempfile::tempdir()?;
            let (first, server) = match opened(&program, &logs, state.path(), &path) {
                // An application may be too large for what Spark's server has by default: its place in the table stays empty.
                Err(error) if program.is_spark() => {
                    eprintln!("{name}: {program:?} does not open it: {error:#}");
                    continue;
                }
                opened => opened?,
            };
            match &program {
                Program::Spark { .. } | Program::HearthWhenAsked { .. } => {
                    self.first_open(name, &program, first, &server)?
                }
                Program::SparkWithStore { .. } => {}
                Program::Hearth { .. } => {
                    self.add(format!("{name}: replay ahead on, asked once it is listed"), &program, Value::Time(first));
                    wait_until_idle(&server)?;
                    let later = server.get(&path)?.took;
                    self.add(format!("{name}: replay ahead on, asked once it is idle"), &program, Value::Time(later));
                }
            }
            wait_until_idle(&server)?;
            drop(server);
            if matches!(program, Program::SparkWithStore { .. } | Program::HearthWhenAsked { .. }) {
                let kept = format!("{name}: kept of a log of {}", Value::Bytes(size_bytes(&logs)?));
                self.add(kept, &program, Value::Bytes(size_bytes(state.path())?));
            }
            let (second, _server) = opened(&program, &logs, state.path(), &path)?;
            let plain = format!("{name}: open after a restart");
            let beside_store = format!("{plain}, Spark with a store (RocksDB)");
            match &program {
                Program::Spark { .. } => self.add(plain, &program, Value::Time(second)),
                Program::SparkWithStore { .. } => self.add(beside_store, &program, Value::Time(second)),
                Program::Hearth { .. } => {
                    self.add(plain, &program, Value::Time(second));
                    self.add(beside_store, &program, Value::Time(second));
                }
                Program::HearthWhenAsked { .. } => {}
            }
        }
        Ok(())
    }

    fn first_open(&mut self, name: &str, program: &Program, took: Duration, server: &Server) -> anyhow::Result<()> {
        let (until, peak, spent) = (server.started.elapsed(), server.peak_memory_bytes()?, server.processor_time()?);
        self.add(format!("{name}: first open"), program, Value::Time(took));
        self.add(format!("{name}: start to first answer"), program, Value::Time(until));
        self.add(format!("{name}: peak memory"), program, Value::Bytes(peak));
        self.add(format!("{name}: processor time, start to answer"), program, Value::Time(spent));
        Ok(())
    }

    /// From the start to the whole list, of small logs or of such with so many queries.
    fn listing(&mut self, name: &str, count: u64, queries: Option<u64>) -> anyhow::Result<()> {
        let logs = match queries {
            None => self.logs.small(count, Form::Plain)?,
            Some(queries) => self.logs.long(count, queries)?,
        };
        for program in
            self.each_run(|program| matches!(program, Program::Spark { .. } | Program::HearthWhenAsked { .. }))
        {
            read_once(&logs)?;
            let state = tempfile::tempdir()?;
            let mut server = program.start(&logs, state.path())?;
            let took = server.wait_for_applications(count as usize)?;
            self.add(format!("{name}: start to all listed"), &program, Value::Time(took));
            self.add(format!("{name}: peak memory"), &program, Value::Bytes(server.peak_memory_bytes()?));
            self.add(format!("{name}: processor time"), &program, Value::Time(server.processor_time()?));
            self.add(format!("{name}: the whole list"), &program, Value::Time(server.get("/applications")?.took));
        }
        Ok(())
    }

    /// Spark keeps no list unless it is given a folder for it, which is not its default; so only Hearth.
    fn known(&mut self, name: &str, count: usize) -> anyhow::Result<()> {
        let logs =
            if count > 100_000 { self.logs.idle(count as u64)? } else { self.logs.small(count as u64, Form::Zstd)? };
        for program in self.programs.clone().into_iter().filter(is_when_asked) {
            let state = tempfile::tempdir()?;
            let mut server = program.start(&logs, state.path())?;
            let first = server.wait_for_total(count)?;
            self.add(format!("{name} logs: start to all listed"), &program, Value::Time(first));
            wait_until_idle(&server)?;
            self.add(format!("{name} logs: peak memory"), &program, Value::Bytes(server.peak_memory_bytes()?));
            drop(server);
            let mut server = program.start(&logs, state.path())?;
            let took = server.wait_for_total(count)?;
            self.add(format!("{name} logs: restart to all listed"), &program, Value::Time(took));
            wait_until_idle(&server)?;
            self.add(format!("{name} logs: bytes read by the restart"), &program, Value::Bytes(server.read_bytes()?));
            let memory = server.peak_memory_bytes()?;
            self.add(format!("{name} logs: peak memory of the restart"), &program, Value::Bytes(memory));
            for page in ["limit=100", "limit=100&sort=name", "limit=100&search=99", "limit=100&minDate=2020-09-14"] {
                let took = server.get(&format!("/applications?{page}"))?.took;
                self.add(format!("{name} logs: applications?{page}"), &program, Value::Time(took));
            }
            let whole = server.get("/applications")?;
            ensure!(whole.body.len() > count * 100, "the list is cut short");
            self.add(format!("{name} logs: the whole list"), &program, Value::Time(whole.took));
        }
        Ok(())
    }

    /// 100 clients ask at once for an application that is not open yet.
    fn readers(&mut self) -> anyhow::Result<()> {
        let logs = self.logs.sql(Form::Plain, 25)?;
        let id = only_application(&logs)?;
        let size = std::fs::metadata(logs.join(&id))?.len();
        for program in
            self.each_run(|program| matches!(program, Program::Spark { .. } | Program::HearthWhenAsked { .. }))
        {
            let state = tempfile::tempdir()?;
            let mut server = program.start(&logs, state.path())?;
            server.wait_for_applications(1)?;
            let (before, began) = (server.read_bytes()?, Instant::now());
            let paths = [
                "jobs",
                "stages",
                "stages/0/0/taskSummary",
                "stages/2/0/taskList?sortBy=-runtime",
                "sql",
                "allexecutors",
            ];
            let clients = (0..100).map(|n| {
                let (address, path) = (server.address, format!("/applications/{id}/{}", paths[n % paths.len()]));
                // Spark's server turns connections away when so many come at once; who comes again is answered.
                std::thread::spawn(move || (0..100).find_map(|_| get(address, &path).ok()))
            });
            for client in clients.collect::<Vec<_>>() {
                let answer = client.join().ok().flatten().context("a client was not answered")?;
                ensure!(answer.status == 200, "a client was answered {}", answer.status);
            }
            self.add("100 readers: until all are answered", &program, Value::Time(began.elapsed()));
            let read = server.read_bytes()?.saturating_sub(before);
            self.add("100 readers: bytes read", &program, Value::Bytes(read));
            if !program.is_spark() {
                ensure!(read < size + size / 2, "the log of {size} bytes was read more than once: {read} bytes");
            }
        }
        Ok(())
    }

    /// 10,000,000 tasks. Spark's own would need days of heap tuning; so only Hearth.
    fn many(&mut self) -> anyhow::Result<()> {
        let logs = self.logs.many()?;
        let id = only_application(&logs)?;
        for program in self.programs.clone().into_iter().filter(is_when_asked) {
            let state = tempfile::tempdir()?;
            let (first, server) = opened(&program, &logs, state.path(), &format!("/applications/{id}/jobs"))?;
            self.add("10 M tasks: first open", &program, Value::Time(first));
            self.add("10 M tasks: peak memory of it", &program, Value::Bytes(server.peak_memory_bytes()?));
            wait_until_idle(&server)?;
            drop(server);
            let (second, server) = opened(&program, &logs, state.path(), &format!("/applications/{id}/jobs"))?;
            self.add("10 M tasks: open after a restart", &program, Value::Time(second));
            let ask = |path: &str| -> anyhow::Result<Duration> {
                let answer = server.get(&format!("/applications/{id}/stages/0/0/{path}"))?;
                ensure!(answer.status == 200, "{path}: {}", answer.status);
                Ok(answer.took)
            };
            // The first one reads the tasks.
            self.add("10 M tasks: taskList, cold", &program, Value::Time(ask("taskList")?));
            for path in LISTS {
                self.add(format!("10 M tasks: {path}, first"), &program, Value::Time(ask(path)?));
                self.add(format!("10 M tasks: {path}, again"), &program, Value::Time(ask(path)?));
            }
            for page in [0, 5_000_000] {
                let mut slowest = (Duration::ZERO, "");
                for column in COLUMNS {
                    slowest = slowest.max((ask(&task_table(column, page))?, column));
                }
                let figure =
                    format!("10 M tasks: sorted by any of {} columns, rows from {page}, the slowest", COLUMNS.len());
                eprintln!("the slowest is {}", slowest.1);
                self.add(figure, &program, Value::Time(slowest.0));
            }
            let sorted = server.peak_memory_bytes()?;
            self.add("10 M tasks: peak memory of sorting", &program, Value::Bytes(sorted));
            self.stage_pages(&program, &server, &id)?;
            self.add("10 M tasks: the same of pages", &program, Value::Bytes(server.peak_memory_bytes()?));
        }
        Ok(())
    }

    fn stage_pages(&mut self, program: &Program, server: &Server, id: &str) -> anyhow::Result<()> {
        for (figure, query) in [
            ("page of the stage, first", ""),
            ("page of the stage, again", ""),
            ("page of the stage, by duration", "&task.sort=Duration&task.desc=true"),
            ("page of the stage, row 5,000,001 by GC time", "&task.sort=GC%20Time&task.page=50001"),
            ("page of the stage, searched", "&task.search=localhost"),
        ] {
            let answer = get_page(server.address, &format!("/history/{id}/stages/stage/?id=0{query}"))?;
            ensure!(answer.status == 200, "{figure}: {}", answer.status);
            self.add(format!("10 M tasks: {figure}"), program, Value::Time(answer.took));
        }
        Ok(())
    }

    /// Every page of the application of 100,000 tasks, and the plan of a query of 1,000 operators.
    fn pages(&mut self) -> anyhow::Result<()> {
        let logs = self.logs.sql(Form::Zstd, 25)?;
        let id = only_application(&logs)?;
        for program in self.programs.clone().into_iter().filter(is_when_asked) {
            let state = tempfile::tempdir()?;
            let (_, server) = opened(&program, &logs, state.path(), &format!("/applications/{id}/jobs"))?;
            wait_until_idle(&server)?;
            pages::print(&server, &id)?;
            let plan = tempfile::tempdir()?;
            pages::write_plan(&plan.path().join("local-1700000000000"), 1000)?;
            let state = tempfile::tempdir()?;
            let (_, server) = opened(&program, plan.path(), state.path(), "/applications/local-1700000000000/sql")?;
            for figure in ["first", "again"] {
                let answer = get_page(server.address, "/history/local-1700000000000/SQL/execution/?id=0")?;
                ensure!(answer.status == 200, "the plan: {}", answer.status);
                self.add(format!("plan of 1,000 operators, {figure}"), &program, Value::Time(answer.took));
                self.add("plan of 1,000 operators, bytes", &program, Value::Bytes(answer.body.len() as u64));
            }
        }
        Ok(())
    }

    /// Each wanted program in turn, as often as asked for: what disturbs the machine disturbs all.
    fn each_run(&self, wanted: impl Fn(&Program) -> bool) -> Vec<Program> {
        let programs: Vec<_> = self.programs.iter().filter(|program| wanted(program)).cloned().collect();
        (0..self.runs).flat_map(|_| programs.clone()).collect()
    }

    /// The median of each figure, and how often Hearth's goes into Spark's.
    pub(crate) fn print(&self) {
        let mut figures: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !figures.contains(&row.figure.as_str()) {
                figures.push(&row.figure);
            }
        }
        println!("| median of up to {} runs | Spark | Hearth | ratio |\n|---|---:|---:|---:|", self.runs);
        for figure in figures {
            let [spark, hearth] = ["Spark", "Hearth"].map(|program| self.median(figure, program));
            let ratio = match (spark, hearth) {
                (Some(spark), Some(hearth)) => format!("{:.1}", spark.number() / hearth.number()),
                _ => String::new(),
            };
            let [spark, hearth] = [spark, hearth].map(|value| value.map(|value| value.to_string()).unwrap_or_default());
            println!("| {figure} | {spark} | {hearth} | {ratio} |");
        }
    }

    fn median(&self, figure: &str, program: &str) -> Option<Value> {
        let of_it = self.rows.iter().filter(|row| row.figure == figure && row.program == program);
        let mut values: Vec<_> = of_it.map(|row| row.value).collect();
        values.sort_by(|a, b| a.number().total_cmp(&b.number()));
        values.get(values.len() / 2).copied()
    }
}

impl Value {
    fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Bytes(bytes) => bytes as f64,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time(time) => write!(f, "{:.1} ms", time.as_secs_f64() * 1e3),
            Self::Bytes(bytes) => write!(f, "{:.1} MB", *bytes as f64 / 1e6),
        }
    }
}

/// How many queries of the seed make a log of about 1 MB with zstd.
const MEGABYTE_QUERIES: u64 = 1;

fn is_when_asked(program: &Program) -> bool {
    matches!(program, Program::HearthWhenAsked { .. })
}

/// Parts of the list of tasks, and the summary of their metrics.
const LISTS: [&str; 5] = [
    "taskList",
    "taskList?sortBy=runtime",
    "taskList?sortBy=-runtime&offset=5000000&length=100",
    "taskSummary",
    "taskSummary?quantiles=0,0.25,0.5,0.75,1",
];

/// What the table of tasks can be sorted by.
const COLUMNS: [&str; 26] = [
    "ID",
    "Attempt",
    "Accumulators",
    "Output Size / Records",
    "Shuffle Read Fetch Wait Time",
    "Shuffle Read Size / Records",
    "Shuffle Remote Reads",
    "Shuffle Write Time",
    "Spill (Disk)",
    "Index",
    "Duration",
    "GC Time",
    "Scheduler Delay",
    "Task Deserialization Time",
    "Result Serialization Time",
    "Getting Result Time",
    "Peak Execution Memory",
    "Launch Time",
    "Executor ID",
    "Host",
    "Status",
    "Locality Level",
    "Input Size / Records",
    "Shuffle Write Size / Records",
    "Spill (Memory)",
    "Errors",
];

/// A page of the table of tasks, from this row on.
fn task_table(column: &str, start: usize) -> String {
    let column = column.replace(' ', "%20").replace('/', "%2F");
    format!(
        "taskTable?numTasks=10000000&start={start}&length=20&columnNameToSort={column}&order%5B0%5D%5Bdir%5D=desc\
         &search%5Bvalue%5D=&details=true&draw=1&columnIndexToSort=0"
    )
}

/// Starts a server, waits until it lists the application, and asks for `path`: what that took, and the server.
fn opened(program: &Program, logs: &Path, state: &Path, path: &str) -> anyhow::Result<(Duration, Server)> {
    let mut server = program.start(logs, state)?;
    server.wait_for_applications(1)?;
    let answer = server.get(path)?;
    let log = state.join(format!("{}.log", program.name()));
    ensure!(
        answer.status == 200,
        "{} answered {} with {}\n{}",
        program.name(),
        answer.status,
        String::from_utf8_lossy(&answer.body),
        std::fs::read_to_string(log)?
    );
    Ok((answer.took, server))
}

/// Waits until the server has been idle for a while: what it does behind an answer is part of no figure.
fn wait_until_idle(server: &Server) -> anyhow::Result<()> {
    let (mut quiet, mut before) = (0, server.processor_time()?);
    for _ in 0..6000 {
        std::thread::sleep(Duration::from_millis(100));
        let now = server.processor_time()?;
        quiet = if now - before <= Duration::from_millis(10) { quiet + 1 } else { 0 };
        if quiet == 10 {
            return Ok(());
        }
        before = now;
    }
    anyhow::bail!("the server was not idle within ten minutes")
}

/// The id of the only application in a folder: its file's name.
/// How much there is in a folder.
fn size_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut all = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        all += if found.is_dir() { size_bytes(&entry.path())? } else { found.len() };
    }
    Ok(all)
}

fn only_application(logs: &Path) -> anyhow::Result<String> {
    let entry = std::fs::read_dir(logs)?.next().context("the folder is empty")??;
    let name = entry.file_name().to_string_lossy().into_owned();
    Ok(name.trim_end_matches(".zstd").to_owned())
}

/// Reads all files, so that each program finds them in the kernel's cache.
fn read_once(logs: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(logs)? {
        std::io::copy(&mut std::fs::File::open(entry?.path())?, &mut std::io::sink())?;
    }
    Ok(())
}
