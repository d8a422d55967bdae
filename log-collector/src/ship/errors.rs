//! Lines that tell of an error, counted while they pass.

use memchr::memmem;

use crate::container::{ErrorLines, STREAMS};

/// Where in a line the word stands, if it stands anywhere: behind a time, a level and a name.
const HEAD_BYTES: usize = 160;
/// Words of their own, and what the names of Java's exceptions end with.
const WORDS: [&[u8]; 3] = [b"ERROR", b"FATAL", b"Traceback"];
const ENDING: &[u8] = b"Exception";

/// Whether such a line may be among these bytes. Much cheaper than to ask of each line.
pub(super) fn may_be_in(bytes: &[u8]) -> bool {
    WORDS.iter().chain([&ENDING]).any(|word| memmem::find(bytes, word).is_some())
}

/// Whether a line that begins like this tells of an error.
pub(super) fn is_error(line: &[u8]) -> bool {
    let head = line.get(..HEAD_BYTES).unwrap_or(line);
    let ends = |to: usize| head.get(to).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let begins = |from: usize| from == 0 || head.get(from - 1).is_some_and(|byte| !byte.is_ascii_alphanumeric());
    let is_word = |word: &[u8]| memmem::find_iter(head, word).any(|at| begins(at) && ends(at + word.len()));
    WORDS.iter().any(|word| is_word(word)) || memmem::find_iter(head, ENDING).any(|at| ends(at + ENDING.len()))
}

/// Counts one that starts at `first_bytes` of its stream.
pub(super) fn count(errors: &mut [ErrorLines; STREAMS], stream: usize, first_bytes: u64, time_ms: i64) {
    let Some(errors) = errors.get_mut(stream) else { return };
    if errors.lines == 0 {
        (errors.first_bytes, errors.first_ms) = (first_bytes, time_ms);
    }
    errors.lines += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_tell_of_an_error_are_told_from_others() {
        for line in [
            "26/01/02 03:04:05 ERROR Executor: Exception in task 1.0 in stage 2.0 (TID 3)",
            "java.lang.OutOfMemoryError: Java heap space\tat java.lang.IllegalStateException",
            "Exception in thread \"main\" org.apache.spark.SparkException: Job aborted",
            "Traceback (most recent call last):",
            "[FATAL] it is over",
        ] {
            assert!(may_be_in(line.as_bytes()) && is_error(line.as_bytes()), "{line}");
        }
        let far = format!("{} ERROR", "x".repeat(200));
        for line in ["26/01/02 03:04:05 INFO Executor: 0 ERRORS", "ExceptionHandler installed", "NOERROR", &far, ""] {
            assert!(!is_error(line.as_bytes()), "{line}");
        }
    }
}
