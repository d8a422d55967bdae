//! Replays lines, whole, in pieces, and on several threads.

use history_replay::{Replay, Settings};

fn settings(threads: usize) -> Settings {
    Settings { max_line_bytes: 1 << 16, threads, ..Settings::default() }
}

/// Whatever the lines are: nothing panics, and neither how the bytes were split, nor how many threads read them, nor looking in between,
/// which a growing log lives by, makes a difference. The first byte says how to split the rest.
pub(crate) fn replay(bytes: &[u8]) {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let step = usize::from(*step) * 7 + 1;
    let mut whole = Replay::new(settings(1));
    whole.feed(bytes);
    let mut pieces = Replay::new(settings(1));
    for piece in bytes.chunks(step) {
        pieces.feed(piece);
    }
    let mut threads = Replay::new(Settings { piece_bytes: step, ..settings(3) });
    threads.feed(bytes);
    let looked_at = pieces.snapshot(0);
    assert!(looked_at.problems.fault_count() == 0, "the program fails at a line");
    assert!(looked_at == threads.finish(0), "threads change the model");
    assert!(looked_at == whole.finish(0), "the split changes the model");
    assert!(looked_at == pieces.finish(0), "looking changes the model");
}
