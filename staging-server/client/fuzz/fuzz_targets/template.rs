#![no_main]

mod text;

libfuzzer_sys::fuzz_target!(|text: &str| text::read(text));
