#![no_main]

mod archive;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| archive::read(bytes, staging_client::fetch::unpack::Kind::Zip));
