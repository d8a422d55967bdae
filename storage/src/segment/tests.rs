use futures::TryStreamExt as _;
use proptest::prelude::*;

use super::*;
use crate::{Key, ObjectPath, Store};

#[derive(Clone, Debug)]
struct Line {
    stream: usize,
    content: Vec<u8>,
    ends_line: bool,
    later_ms: i64,
    /// 0: nothing, 1: the segment is written, 2: it is written, and the next one begins, 3: it is written, let go of, and taken
    /// up again with the next write.
    flush: u8,
}

fn any_line() -> impl Strategy<Value = Line> {
    let content = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..60),
        1 => (any::<u8>(), 1usize..400_000).prop_map(|(byte, length)| vec![byte; length]),
    ];
    let flush = prop_oneof![8 => Just(0u8), 2 => Just(1), 1 => Just(2), 1 => Just(3)];
    (0usize..2, content, prop::bool::weighted(0.8), 0i64..5_000, flush)
        .prop_map(|(stream, content, ends_line, later_ms, flush)| Line { stream, content, ends_line, later_ms, flush })
}

/// What a run must answer: the bytes of each stream, and where its lines start and when they were written.
#[derive(Default)]
struct Expected {
    content: Vec<u8>,
    starts: Vec<(usize, i64)>,
    in_line: bool,
}

impl Expected {
    fn push(&mut self, line: &Line, time_ms: i64) {
        for &byte in line.content.iter().chain(line.ends_line.then_some(&b'\n')) {
            if !self.in_line {
                self.starts.push((self.content.len(), time_ms));
            }
            self.content.push(byte);
            self.in_line = byte != b'\n';
        }
    }
}

/// Writes a segment, behind what was left in the store.
async fn put(store: &Store, folder: &ObjectPath, writer: &mut Writer, left: &mut Option<ObjectPath>, is_last: bool) {
    if let Some(left) = left.take() {
        let whole = Whole::parse(&store.get(&left, u64::MAX).await.unwrap()).unwrap();
        assert!(writer.put_before(&whole));
    }
    let path = folder.join(&writer.start().segment_name()).unwrap();
    store.put(&path, writer.encode(if is_last { b"end" } else { b"{}" }, is_last)).await.unwrap();
}

async fn write(store: &Store, folder: &ObjectPath, lines: &[Line]) -> [Expected; 2] {
    let mut expected = [Expected::default(), Expected::default()];
    let mut writer = Writer::new(Position::start(2), &[]);
    let (mut time_ms, mut source, mut left) = (1_700_000_000_000, 0, None);
    for line in lines {
        time_ms += line.later_ms;
        let source_end = source + line.content.len() as u64 + 40;
        writer.push(Record {
            stream: line.stream,
            content: &line.content,
            ends_line: line.ends_line,
            time_ms,
            source_start: source,
            source_end,
        });
        source = source_end;
        expected[line.stream].push(line, time_ms);
        if line.flush > 0 {
            put(store, folder, &mut writer, &mut left, false).await;
        }
        if line.flush > 2 {
            left = folder.join(&writer.start().segment_name()).ok();
        }
        if line.flush > 1 {
            writer = writer.next();
        }
    }
    put(store, folder, &mut writer, &mut left, true).await;
    expected
}

/// Lines from any place on: those that start there, each with its time, and before them the rest of the one before.
async fn check_timed_lines(run: &Run, stream: usize, expected: &Expected, at: &[(f64, f64)]) {
    for from in at.iter().map(|(from, _)| (expected.content.len() as f64 * from) as usize).chain([0]) {
        let lines: Vec<super::Line> = run.lines(stream, from as u64..u64::MAX).try_collect().await.unwrap();
        let joined: Vec<u8> = lines.iter().flat_map(|line| line.bytes.to_vec()).collect();
        assert!(joined == expected.content.get(from..).unwrap_or_default());
        for line in &lines {
            let start = usize::try_from(line.start_bytes).unwrap();
            if let Some((_, time_ms)) = expected.starts.iter().find(|(at, _)| *at == start) {
                assert_eq!(line.time_ms, *time_ms, "the line at {start}");
            } else {
                let goes_on = start > 0 && expected.content[start - 1] != b'\n';
                assert!(start == from || goes_on, "only the first line may be one that began before");
            }
        }
    }
}

fn folder() -> ObjectPath {
    Key::Log(ObjectPath::parse("app/1/uid.main.0").unwrap()).path()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn check_ranges(run: &Run, stream: usize, expected: &Expected, at: &[(f64, f64)]) {
    let size = expected.content.len() as u64;
    assert_eq!(run.end().of(stream).bytes, size);
    for &(from, length) in at {
        let from = (size as f64 * from) as u64;
        let range = from..from + (size as f64 * length) as u64 + 1;
        let got = run.read(stream, range.clone()).await.unwrap();
        let end = usize::try_from(range.end.min(size)).unwrap();
        let start = usize::try_from(from).unwrap().min(end);
        assert!(got == expected.content[start..end], "bytes {range:?} of {size}");
    }
}

async fn check_lines(run: &Run, stream: usize, expected: &Expected, at: &[(f64, f64)]) {
    for &(from, _) in at {
        let line = (expected.starts.len() as f64 * from) as usize;
        let Some(&(start, _)) = expected.starts.get(line) else { continue };
        assert_eq!(run.offset_of_line(stream, line as u64).await.unwrap(), start as u64, "line {line}");
        assert_eq!(run.line_at(stream, start as u64).await.unwrap(), line as u64, "byte {start}");
    }
    let last = run.line_at(stream, expected.content.len() as u64).await.unwrap();
    assert_eq!(last, expected.content.iter().filter(|byte| **byte == b'\n').count() as u64);
    let behind = run.offset_of_line(stream, expected.starts.len() as u64 + 1).await.unwrap();
    assert_eq!(behind, expected.content.len() as u64);
}

async fn check_times(run: &Run, stream: usize, expected: &Expected, at: &[(f64, f64)]) {
    for &(from, _) in at {
        let line = (expected.starts.len() as f64 * from) as usize;
        let Some(&(_, time_ms)) = expected.starts.get(line) else { continue };
        let first = expected.starts.iter().find(|&&(_, stamp)| stamp >= time_ms).unwrap().0;
        assert_eq!(run.offset_of_time(stream, time_ms).await.unwrap(), first as u64, "time {time_ms}");
    }
    assert_eq!(run.offset_of_time(stream, i64::MAX).await.unwrap(), expected.content.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_lines_are_read_back_by_any_range(
        lines in prop::collection::vec(any_line(), 0..60),
        at in prop::collection::vec((0.0f64..1.1, 0.0f64..0.5), 1..8),
    ) {
        block_on(async {
            let store = Store::in_memory();
            let expected = write(&store, &folder(), &lines).await;
            let run = Run::open(&store, &folder()).await.unwrap().unwrap();
            assert!(run.last().finished && run.last().note == b"end");
            for (stream, expected) in expected.iter().enumerate() {
                assert_eq!(run.end().of(stream).lines, expected.content.iter().filter(|&&b| b == b'\n').count() as u64);
                check_ranges(&run, stream, expected, &at).await;
                check_lines(&run, stream, expected, &at).await;
                check_times(&run, stream, expected, &at).await;
                check_timed_lines(&run, stream, expected, &at).await;
            }
        });
    }

    #[test]
    fn a_damaged_segment_is_an_error_and_never_a_panic(
        lines in prop::collection::vec(any_line(), 1..8),
        damage in prop::collection::vec((0.0f64..1.0, 1u8..255), 1..4),
        cut in prop::option::of(0.0f64..1.0),
    ) {
        block_on(async {
            let store = Store::in_memory();
            let expected = write(&store, &folder(), &lines).await;
            let last = store.list(&folder()).try_collect::<Vec<_>>().await.unwrap().pop().unwrap();
            let mut bytes = store.get(&last.path, u64::MAX).await.unwrap().to_vec();
            for (place, xor) in damage {
                let place = (bytes.len() as f64 * place) as usize;
                bytes[place] ^= xor;
            }
            bytes.truncate(cut.map_or(bytes.len(), |cut| (bytes.len() as f64 * cut) as usize));
            store.put(&last.path, bytes).await.unwrap();
            let Ok(Some(run)) = Run::open(&store, &folder()).await else { return };
            for (stream, expected) in expected.iter().enumerate() {
                let _ = (run.offset_of_line(stream, 3).await, run.offset_of_time(stream, 1_700_000_000_100).await);
                // Every frame has a checksum: content is right, or it is refused. Without its footer, the segment is as good
                // as not there.
                if let Ok(got) = run.read(stream, 0..u64::MAX).await {
                    assert!(got == expected.content || (run.is_damaged() && expected.content.starts_with(&got)));
                }
                let _ = run.lines(stream, 0..u64::MAX).try_collect::<Vec<_>>().await;
            }
        });
    }

    #[test]
    fn any_bytes_are_no_footer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Footer::parse(&bytes, bytes.len() as u64).is_err());
    }

    #[test]
    fn a_segment_s_name_is_read_back(source in 0u64..1 << 48, numbers in prop::collection::vec((0u64..1 << 48, 0u64..1 << 48), 1..4)) {
        let streams = numbers.into_iter().map(|(bytes, lines)| StreamPosition { bytes, lines }).collect();
        let position = Position { source_bytes: source, streams };
        prop_assert_eq!(Position::parse_segment_name(&position.segment_name()), Some(position));
    }
}

fn record(source: u64, content: &[u8]) -> Record<'_> {
    Record { stream: 0, content, ends_line: true, time_ms: 0, source_start: source, source_end: source + 10 }
}

#[test]
fn a_zstd_program_prints_the_content_alone() {
    let mut writer = Writer::new(Position::start(1), &[]);
    for n in 0..20_000 {
        writer.push(record(n * 10, format!("line {n}").as_bytes()));
    }
    let printed = zstd::stream::decode_all(writer.encode(b"note", true).as_ref()).unwrap();
    let expected: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    assert_eq!(String::from_utf8(printed).unwrap(), expected);
}

#[test]
fn a_late_write_of_a_dead_writer_does_not_double_a_line() {
    block_on(async {
        let (store, folder) = (Store::in_memory(), folder());
        let mut first = Writer::new(Position::start(1), &[]);
        first.push(record(0, b"one"));
        let mut second = first.next();
        second.push(record(10, b"two"));
        second.push(record(20, b"three"));
        first.push(record(10, b"two"));
        for writer in [&second, &first] {
            store.put(&folder.join(&writer.start().segment_name()).unwrap(), writer.encode(b"", false)).await.unwrap();
        }
        let run = Run::open(&store, &folder).await.unwrap().unwrap();
        assert_eq!(run.read(0, 0..100).await.unwrap(), "one\ntwo\nthree\n");
        assert_eq!(run.offset_of_line(0, 2).await.unwrap(), 8);
    });
}

#[test]
fn a_run_stays_readable_while_its_last_segment_is_written_again() {
    block_on(async {
        let (store, folder) = (Store::in_memory(), folder());
        let path = folder.join(&Position::start(1).segment_name()).unwrap();
        let mut writer = Writer::new(Position::start(1), &[]);
        // Incompressible, so that what is read lies before the bytes that came with the footer.
        let noise: Vec<u8> = (0..400_000u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u8 | 1).collect();
        writer.push(record(0, &noise));
        store.put(&path, writer.encode(b"", false)).await.unwrap();
        let run = Run::open(&store, &folder).await.unwrap().unwrap();
        writer.push(record(10, b"more"));
        store.put(&path, writer.encode(b"", false)).await.unwrap();
        let mut expected = noise;
        expected.push(b'\n');
        let expected: Vec<u8> = expected.into_iter().collect();
        assert!(run.read(0, 0..u64::MAX).await.unwrap() == expected);
    });
}

#[test]
fn what_a_late_short_segment_lacks_is_read_from_the_one_before() {
    block_on(async {
        let (store, folder) = (Store::in_memory(), folder());
        let mut first = Writer::new(Position::start(1), &[]);
        first.push(record(0, b"one"));
        let mut late = first.next();
        late.push(record(10, b"two"));
        for (n, line) in [b"two".as_slice(), b"three", b"four"].into_iter().enumerate() {
            first.push(record(10 * (n as u64 + 1), line));
        }
        let last = first.next();
        for writer in [&first, &late, &last] {
            store.put(&folder.join(&writer.start().segment_name()).unwrap(), writer.encode(b"", false)).await.unwrap();
        }
        let run = Run::open(&store, &folder).await.unwrap().unwrap();
        assert_eq!(run.read(0, 0..100).await.unwrap(), "one\ntwo\nthree\nfour\n");
        let lines: Vec<super::Line> = run.lines(0, 5..100).try_collect().await.unwrap();
        assert_eq!(lines.into_iter().map(|line| line.bytes).collect::<Vec<_>>(), ["wo\n", "three\n", "four\n"]);
    });
}

#[test]
fn a_damaged_segment_costs_what_lies_in_it() {
    block_on(async {
        let (store, folder) = (Store::in_memory(), folder());
        let mut writer = Writer::new(Position::start(1), &[]);
        let mut paths = Vec::new();
        for (n, line) in [b"one".as_slice(), b"two", b"three"].into_iter().enumerate() {
            writer.push(record(10 * n as u64, line));
            paths.push(folder.join(&writer.start().segment_name()).unwrap());
            store.put(&paths[n], writer.encode(b"", false)).await.unwrap();
            writer = writer.next();
        }
        let whole = store.get(&paths[1], u64::MAX).await.unwrap();
        store.put(&paths[1], whole.slice(..whole.len() - 1)).await.unwrap();
        let run = Run::open(&store, &folder).await.unwrap().unwrap();
        assert!(!run.is_damaged());
        assert_eq!(run.read(0, 0..4).await.unwrap(), "one\n");
        assert!(run.read(0, 4..8).await.is_err());
        assert_eq!(run.behind_damage(0, 4), 8);
        assert_eq!(run.read(0, 8..100).await.unwrap(), "three\n");
        // The last one: the run ends before it.
        store.put(&paths[1], whole).await.unwrap();
        store.put(&paths[2], Vec::new()).await.unwrap();
        let run = Run::open(&store, &folder).await.unwrap().unwrap();
        assert!(run.is_damaged());
        assert_eq!(run.read(0, 0..100).await.unwrap(), "one\ntwo\n");
        for path in &paths[..2] {
            store.put(path, Vec::new()).await.unwrap();
        }
        assert!(Run::open(&store, &folder).await.is_err());
    });
}
