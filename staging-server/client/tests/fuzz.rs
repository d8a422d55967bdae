//! What the fuzz targets do, on a few seeds and on what fuzzing has found: so they compile with everything else.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test, as the test itself would")]

#[path = "../fuzz/fuzz_targets/archive.rs"]
mod archive;
#[path = "../fuzz/fuzz_targets/text.rs"]
mod text;

use std::io::{Cursor, Write as _};

use staging_client::fetch::unpack::Kind;
use zip::write::SimpleFileOptions;

fn tar() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in [("a/b", "text"), ("c", "")] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn tgz() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&tar()).unwrap();
    encoder.finish().unwrap()
}

fn zip() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("a/b", SimpleFileOptions::default()).unwrap();
    writer.write_all(b"text").unwrap();
    writer.add_symlink("l", "a/b", SimpleFileOptions::default()).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn archives_whole_cut_and_damaged_at_every_byte() {
    for (bytes, kind) in [(tar(), Kind::Tar), (tgz(), Kind::TarGz), (zip(), Kind::Zip)] {
        archive::read(&bytes, kind);
        // Of a tar, the two headers and the content.
        for at in 0..bytes.len().min(1200) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            archive::read(&damaged, kind);
        }
        (0..bytes.len().min(1200)).step_by(7).for_each(|end| archive::read(&bytes[..end], kind));
    }
    for kind in [Kind::Tar, Kind::TarGz, Kind::Zip] {
        archive::read(b"", kind);
        archive::read(&[0xff; 700], kind);
    }
}

#[test]
fn texts_of_any_kind() {
    let whole =
        "apiVersion: v1\nkind: Pod\nspec: &s {containers: [{name: \"a\", x: *y}], volumes: 3}\n--- \n? [a]\n: !!int b";
    for end in (0..=whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        text::read(&whole[..end]);
    }
    for odd in [
        "*a",
        "&a *a",
        "{",
        "- - - - -",
        "a: |\n  b\n c",
        "\u{feff}a: 1",
        "\t",
        "%YAML 1.9\n---\n",
        "spec: {containers: {}}",
        "spec: []",
    ] {
        text::read(odd);
    }
}
