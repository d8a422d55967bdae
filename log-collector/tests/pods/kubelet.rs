//! A folder of pod logs, written as containerd and the kubelet write it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

/// One run of one container that writes its log.
pub(crate) struct Container {
    folder: PathBuf,
    restart: u32,
    file: File,
    rotations: u32,
    /// When the next line is written: half a second after the one before.
    pub(crate) clock: DateTime<Utc>,
    /// What was written to stdout and to stderr.
    pub(crate) written: [Vec<u8>; 2],
}

impl Container {
    pub(crate) fn start(root: &Path, pod: &str, container: &str) -> Self {
        let folder = root.join(format!("ns_{pod}_uid-of-{pod}")).join(container);
        fs::create_dir_all(&folder).unwrap();
        let file = File::create_new(folder.join("0.log")).unwrap();
        let clock = DateTime::from_timestamp(1_767_323_045, 123_456_789).unwrap();
        Self { folder, restart: 0, file, rotations: 0, clock, written: [Vec::new(), Vec::new()] }
    }

    /// An executor of that number.
    pub(crate) fn executor(root: &Path, number: u32) -> Self {
        Self::start(root, &format!("pi-exec-{number}"), "spark-kubernetes-executor")
    }

    /// A record: a line's end, or a part of a line.
    pub(crate) fn write(&mut self, stream: usize, content: &[u8], ends_line: bool) {
        let name = ["stdout", "stderr"][stream];
        let time = self.clock.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
        let mut record = format!("{time} {name} {} ", if ends_line { "F" } else { "P" }).into_bytes();
        record.extend_from_slice(content);
        record.push(b'\n');
        self.file.write_all(&record).unwrap();
        self.written[stream].extend_from_slice(content);
        self.written[stream].extend(ends_line.then_some(b'\n'));
        self.clock += chrono::TimeDelta::milliseconds(500);
    }

    pub(crate) fn line(&mut self, stream: usize, text: &str) {
        self.write(stream, text.as_bytes(), true);
    }

    /// What comes without being a record.
    pub(crate) fn write_raw(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).unwrap();
    }

    /// As containerd reopens a log: the new file is there before the old one is done with. What the old file's writer still
    /// holds comes by [`Container::write_late`].
    pub(crate) fn rotate_slowly(&mut self) -> File {
        let old = self.file.try_clone().unwrap();
        self.rotate();
        old
    }

    /// A line that goes to the file before.
    pub(crate) fn write_late(&mut self, mut old: File, text: &str) {
        let time = self.clock.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
        old.write_all(format!("{time} stdout F {text}\n").as_bytes()).unwrap();
    }

    pub(crate) fn live(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.restart))
    }

    pub(crate) fn rotated(&self, rotation: u32) -> PathBuf {
        self.folder.join(format!("{}.log.20260102-{rotation:06}", self.restart))
    }

    /// As the kubelet does it: the last rotated file is compressed, the live one renamed, a new one opened.
    pub(crate) fn rotate(&mut self) {
        if self.rotations > 0 {
            self.compress(self.rotations);
        }
        self.rotations += 1;
        fs::rename(self.live(), self.rotated(self.rotations)).unwrap();
        self.file = OpenOptions::new().append(true).create_new(true).open(self.live()).unwrap();
    }

    fn compress(&self, rotation: u32) {
        let plain = self.rotated(rotation);
        let (temporary, gz) = (with(&plain, ".tmp"), with(&plain, ".gz"));
        let mut encoder = flate2::write::GzEncoder::new(File::create(&temporary).unwrap(), flate2::Compression::fast());
        encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
        encoder.finish().unwrap();
        fs::rename(temporary, gz).unwrap();
        fs::remove_file(plain).unwrap();
    }

    /// Deletes what a rotation left, as the kubelet does with the oldest.
    pub(crate) fn drop_rotated(&self, rotation: u32) {
        let plain = self.rotated(rotation);
        fs::remove_file(with(&plain, ".gz")).or_else(|_| fs::remove_file(plain)).unwrap();
    }

    /// The container ends and its files go, the folder of the pod last.
    pub(crate) fn delete(self) -> [Vec<u8>; 2] {
        for entry in fs::read_dir(&self.folder).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        fs::remove_dir_all(self.folder.parent().unwrap()).unwrap();
        self.written
    }
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
