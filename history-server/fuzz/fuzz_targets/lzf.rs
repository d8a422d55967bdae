//! Any bytes as an event log named `.lzf`.
#![no_main]

mod log;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| log::read(bytes, "lzf"));
