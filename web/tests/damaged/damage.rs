//! Logs that were recorded, and what can happen to them.

use std::path::Path;

use super::random::Random;

const FILES: [&str; 8] = [
    "web/tests/data/orders.zstd",
    "web/tests/data/nothing-ran.zstd",
    "web/tests/data/cut-short.inprogress",
    "history-server/tests/data/connect.zstd",
    "history-server/tests/data/jobs.zstd",
    "history-server/tests/data/sql.zstd",
    "history-server/tests/data/streaming.zstd",
    "history-server/tests/data/thrift.zstd",
];

/// Numbers that nobody expects.
const NUMBERS: [&str; 22] = [
    "-1",
    "0",
    "1",
    "63",
    "64",
    "2147483647",
    "-2147483648",
    "2147483648",
    "4294967295",
    "67108863",
    "67108864",
    "16777216",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "1e308",
    "-1e308",
    "1e999",
    "0.1",
    "00",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999",
];

/// What may stand in a text.
const BYTES: [&[u8]; 18] = [
    b"\\u\xe2\x82\xac",
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\\u12",
    b"\\x",
    b"\\",
    b"\\\"",
    b"\"",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\0",
    b"\r",
    b"\n",
    b"</script><script>",
    b"\xf0\x9f\x98\x80",
];

/// What may stand in the place of a value.
const VALUES: [&str; 10] =
    ["null", "true", "[]", "{}", "\"\"", "[null]", "{\"a\":{}}", "NaN", "\"\\ud83d\"", "[[[[]]]]"];

/// How deep the deepest things nest.
const DEPTH: usize = 100_000;
/// From here on a log is read in pieces, on several threads.
pub(crate) const LARGE_BYTES: usize = 3 << 20;

/// A log in a file.
pub(crate) struct Damaged {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// How much text there was before it was compressed.
    pub(crate) text_bytes: usize,
}

/// Recorded logs: the id of the application, and the lines.
pub(crate) struct Logs(Vec<(String, Vec<Vec<u8>>)>);

impl Logs {
    pub(crate) fn recorded() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let lines = |file: &&str| {
            let bytes = std::fs::read(root.join(file)).unwrap();
            let text = if file.ends_with(".zstd") { zstd::decode_all(&bytes[..]).unwrap() } else { bytes };
            let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            (id_of(&text), lines)
        };
        Self(FILES.iter().map(lines).collect())
    }

    /// A log, damaged as the seed says.
    pub(crate) fn damaged(&self, seed: u64) -> Damaged {
        let mut random = Random::new(seed);
        let (id, lines) = random.of(&self.0);
        let mut lines: Vec<_> = lines.iter().map(|line| replaced(line, id, &format!("app-{seed}"))).collect();
        if random.one_in(8) {
            grow(&mut lines);
        }
        for _ in 0..random.below(12) {
            damage_lines(&mut lines, &mut random);
        }
        let mut text = lines.concat();
        for _ in 0..random.below(4) {
            damage_bytes(&mut text, &mut random);
        }
        let text_bytes = text.len();
        let (mut bytes, extension) = match random.below(3) {
            0 => (zstd::encode_all(&text[..], 1).unwrap(), ".zstd"),
            1 => (text.chunks(64 * 1024).flat_map(|some| zstd::encode_all(some, 1).unwrap()).collect(), ".zstd"),
            _ => (text, ""),
        };
        if random.one_in(5) {
            damage_bytes(&mut bytes, &mut random);
        }
        let growing = if random.one_in(4) { ".inprogress" } else { "" };
        Damaged { name: format!("log-{seed}{extension}{growing}"), bytes, text_bytes }
    }
}

/// The application's id, as its start names it.
fn id_of(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once("\"App ID\":\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// The line, of another application.
fn replaced(line: &[u8], id: &str, other: &str) -> Vec<u8> {
    match std::str::from_utf8(line) {
        Ok(text) => text.replace(id, other).into_bytes(),
        Err(_) => line.to_vec(),
    }
}

/// Makes a log large: what tasks say comes again and again, with other numbers.
fn grow(lines: &mut Vec<Vec<u8>>) {
    let is_task = |line: &&Vec<u8>| line.starts_with(b"{\"Event\":\"SparkListenerTask") && line.len() < 20_000;
    let tasks: Vec<Vec<u8>> = lines.iter().filter(is_task).cloned().collect();
    let last = lines.pop();
    let mut bytes = 0;
    for round in 1.. {
        for task in &tasks {
            let line = String::from_utf8_lossy(task).replacen("\"Task ID\":", &format!("\"Task ID\":{round}0"), 1);
            let line = line.replacen("\"Index\":", &format!("\"Index\":{round}"), 1);
            bytes += line.len();
            lines.push(line.into_bytes());
        }
        if bytes > LARGE_BYTES || tasks.is_empty() {
            break;
        }
    }
    lines.extend(last);
}

fn damage_lines(lines: &mut Vec<Vec<u8>>, random: &mut Random) {
    if lines.is_empty() {
        return;
    }
    let (at, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(14) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => lines[at..=at.max(other)].reverse(),
        4 => {
            let line = &mut lines[at];
            line.truncate(random.below(line.len()));
        }
        5 => {
            // Cut, and the rest of it on a line of its own.
            let cut = random.below(lines[at].len());
            let rest = lines[at].split_off(cut);
            lines[at].push(b'\n');
            lines.insert(at + 1, rest);
        }
        6 => lines.insert(at, deep(random)),
        7 => lines.insert(at, [b"{\"Event\":\"".as_slice(), &vec![b'x'; 1 << random.below(20)], b"\"}\n"].concat()),
        8 | 9 => replace_number(&mut lines[at], random),
        10 => {
            // Everywhere the same number: of stages, tasks, executors.
            for _ in 0..random.below(200) {
                let at = random.below(lines.len());
                replace_number(&mut lines[at], random);
            }
        }
        11 => insert(&mut lines[at], random.of::<&[u8]>(&BYTES), random),
        12 => replace_value(&mut lines[at], random),
        _ => {
            let copies = vec![lines[at].clone(); random.below(50)];
            lines.splice(other..other, copies);
        }
    }
}

fn damage_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    match random.below(5) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            for _ in 0..=random.below(60) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
        2 => insert(bytes, random.of::<&[u8]>(&BYTES), random),
        3 => {
            let (from, length) = (random.below(bytes.len()), random.below(5000));
            bytes.drain(from..(from + length).min(bytes.len()));
        }
        _ => {
            let (from, length) = (random.below(bytes.len()), random.below(5000));
            let some = bytes[from..(from + length).min(bytes.len())].to_vec();
            let at = random.below(bytes.len());
            bytes.splice(at..at, some);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, some: &[u8], random: &mut Random) {
    let at = random.below(bytes.len());
    bytes.splice(at..at, some.iter().copied());
}

/// A line that nests.
fn deep(random: &mut Random) -> Vec<u8> {
    let depth = *random.of(&[10, 127, 128, 999, 1000, 1001, DEPTH]);
    let (open, close) = *random.of(&[("[", "]"), ("{\"a\":", "}"), ("{\"children\":[", "]}")]);
    let name =
        random.of(&["SparkListenerTaskEnd", "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart", "x"]);
    let closed = if random.one_in(2) { depth } else { 0 };
    let key = random.of(&["sparkPlanInfo", "Task Info", "any"]);
    format!("{{\"Event\":\"{name}\",\"{key}\":{}1{}}}\n", open.repeat(depth), close.repeat(closed)).into_bytes()
}

/// Puts another number in the place of one.
fn replace_number(line: &mut Vec<u8>, random: &mut Random) {
    let starts: Vec<usize> =
        (1..line.len()).filter(|at| line[*at].is_ascii_digit() && !line[at - 1].is_ascii_digit()).collect();
    if starts.is_empty() {
        return;
    }
    let from = *random.of(&starts);
    let to = (from..line.len()).find(|at| !line[*at].is_ascii_digit()).unwrap_or(line.len());
    line.splice(from..to, random.of(&NUMBERS).bytes());
}

/// Puts something of another kind in the place of a value.
fn replace_value(line: &mut Vec<u8>, random: &mut Random) {
    let starts: Vec<usize> = (1..line.len()).filter(|at| line[at - 1] == b':').collect();
    if starts.is_empty() {
        return;
    }
    let from = *random.of(&starts);
    let to = (from..line.len()).find(|at| matches!(line[*at], b',' | b'}')).unwrap_or(line.len());
    line.splice(from..to, random.of(&VALUES).bytes());
}
