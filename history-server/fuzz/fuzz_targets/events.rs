//! Any bytes as lines of an event log.
#![no_main]

mod lines;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lines::replay(bytes));
