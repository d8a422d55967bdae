//! One artifact, from its first request to its place.

use std::path::Path;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use super::artifact::{Artifact, Unpack};
use super::client::Client;
use super::event::{Event, Observer, Outcome};
use super::part_file::PartFile;
use super::place::{self, Scratch};
use super::settings::Settings;
use super::transfer::Resume;
use super::unpack;
use crate::{Failure, wire};

pub(super) struct Task<'a> {
    pub(super) index: usize,
    pub(super) artifact: &'a Artifact,
    pub(super) client: &'a Client,
    pub(super) settings: &'a Settings,
    pub(super) deadline: Instant,
    pub(super) observer: &'a Observer,
}

/// How far a transfer has come, over all its attempts.
#[derive(Default)]
struct Progress {
    resume: Resume,
    retries: u32,
    last: Option<String>,
}

/// What is in place.
#[derive(Default)]
struct Put {
    entries: Option<u64>,
    note: Option<String>,
}

impl Task<'_> {
    pub(super) async fn run(&self) -> Outcome {
        let began = Instant::now();
        let mut progress = Progress::default();
        let result = self.bring(&mut progress).await;
        let (put, failure) = match result {
            Ok(put) => (put, None),
            Err(failure) => (Put::default(), Some(failure)),
        };
        Outcome {
            source: self.artifact.source.to_string(),
            path: self.artifact.place(),
            size_bytes: progress.resume.offset,
            entries: put.entries,
            retries: progress.retries,
            elapsed: began.elapsed(),
            note: put.note,
            failure,
        }
    }

    async fn bring(&self, progress: &mut Progress) -> Result<Put, Failure> {
        let artifact = self.artifact;
        let part = place::beside(&artifact.folder, &artifact.name, "part");
        let mut file = PartFile::create(part, artifact.sha256.is_some())?;
        let transfer = timeout_at(self.deadline, self.transfer(&mut file, progress)).await;
        let digest = transfer.unwrap_or_else(|_| Err(self.too_late(progress)))?;
        if digest != artifact.sha256 {
            return Err(Failure::lasting("its SHA-256 is not the one that was asked for").advising(
                "either the artifact has changed, or it was damaged on its way: compare with sha256sum, and mend one or the other",
            ));
        }
        let work = Work {
            artifact: artifact.clone(),
            limits: self.settings.unpack.clone(),
            deadline: self.deadline.into_std(),
        };
        let done = tokio::task::spawn_blocking(move || (work.put(file.path()), file)).await;
        done.map_err(|e| Failure::lasting(format!("unpacking ended: {e}")))?.0
    }

    fn too_late(&self, progress: &Progress) -> Failure {
        let total = progress.resume.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let last = progress.last.as_ref().map(|last| format!("; before that, {last}")).unwrap_or_default();
        let limit = self.settings.deadline.as_secs_f64();
        Failure::lasting(format!(
            "it was not there after {limit} s, of which {}{total} bytes had arrived{last}",
            progress.resume.offset
        ))
        .advising("--deadline TIME gives it longer")
    }

    /// Transfers until all has arrived; takes up again what broke off.
    async fn transfer(&self, file: &mut PartFile, progress: &mut Progress) -> Result<Option<[u8; 32]>, Failure> {
        let mut in_vain = 0;
        loop {
            let before = progress.resume.offset;
            let failure = match self.attempt(file, progress).await {
                Ok(()) => return file.finish().await,
                Err(failure) if failure.may_pass => failure,
                Err(failure) => return Err(failure),
            };
            in_vain = if progress.resume.offset > before { 0 } else { in_vain + 1 };
            if in_vain > self.settings.retries {
                let reason = format!("{} (tried {} times)", failure.reason, progress.retries + 1);
                return Err(Failure { reason, ..failure });
            }
            let pause = failure.pause.unwrap_or_else(|| wire::pause(self.settings.pause, in_vain));
            progress.retries += 1;
            progress.last = Some(failure.reason.clone());
            (self.observer)(Event::Retrying { index: self.index, reason: failure.reason, pause });
            sleep(pause).await;
        }
    }

    async fn attempt(&self, file: &mut PartFile, progress: &mut Progress) -> Result<(), Failure> {
        let mut opened = self.client.open(&self.artifact.source, &progress.resume).await?;
        if opened.start != file.length() {
            file.clear().await?;
        }
        let limit = self.settings.max_bytes;
        let too_large =
            || Failure::lasting(format!("it is larger than {limit} bytes")).advising("--max-size SIZE allows more");
        if opened.total.is_some_and(|total| total > limit) {
            return Err(too_large());
        }
        progress.resume = Resume { offset: opened.start, total: opened.total, validator: opened.validator };
        (self.observer)(Event::Began { index: self.index, total_bytes: opened.total });
        while let Some(chunk) = opened.body.next().await {
            let chunk = chunk?;
            file.write(&chunk).await?;
            progress.resume.offset = file.length();
            if file.length() > limit {
                return Err(too_large());
            }
            (self.observer)(Event::Arrived { index: self.index, bytes: file.length() });
        }
        match progress.resume.total {
            Some(total) if file.length() < total => {
                Err(Failure::passing(format!("the connection ended after {} of {total} bytes", file.length())))
            }
            Some(total) if file.length() > total => {
                Err(Failure::lasting(format!("{} bytes came where {total} were announced", file.length())))
            }
            _ => Ok(()),
        }
    }
}

/// What is left to do on a thread for blocking work.
struct Work {
    artifact: Artifact,
    limits: unpack::Limits,
    deadline: std::time::Instant,
}

impl Work {
    fn put(&self, part: &Path) -> Result<Put, Failure> {
        let (artifact, name) = (&self.artifact, &self.artifact.name);
        let kind = unpack::Kind::of_name(&artifact.source.name()).or_else(|| unpack::Kind::of_name(name));
        match (artifact.unpack, kind) {
            (Unpack::Never, _) => self.put_file(part).map(|()| Put::default()),
            (Unpack::Folder | Unpack::Beside, None) => {
                self.put_file(part)?;
                let note = "its name is not one of an archive (.zip, .jar, .tar, .tar.gz, .tgz): it stays a file";
                Ok(Put { entries: None, note: (artifact.unpack == Unpack::Folder).then(|| note.to_owned()) })
            }
            (Unpack::Folder, Some(kind)) => {
                let scratch = Scratch(place::beside(&artifact.folder, name, "unpacking"));
                let entries = self.unpack(part, kind, &scratch.0)?;
                place::put(&scratch.0, &artifact.place())?;
                Ok(Put { entries: Some(entries), note: None })
            }
            (Unpack::Beside, Some(kind)) => {
                let entries = self.merge(part, kind)?;
                self.put_file(part)?;
                Ok(Put { entries: Some(entries), note: None })
            }
            // Bundles of the staging protocol are always that, whatever they are called.
            (Unpack::Into, kind) => {
                let entries = self.merge(part, kind.unwrap_or(unpack::Kind::TarGz))?;
                Ok(Put { entries: Some(entries), note: None })
            }
        }
    }

    fn merge(&self, part: &Path, kind: unpack::Kind) -> Result<u64, Failure> {
        let scratch = Scratch(place::beside(&self.artifact.folder, &self.artifact.name, "unpacking"));
        let entries = self.unpack(part, kind, &scratch.0)?;
        place::merge(&scratch.0, &self.artifact.folder)?;
        Ok(entries)
    }

    fn unpack(&self, part: &Path, kind: unpack::Kind, into: &Path) -> Result<u64, Failure> {
        unpack::unpack(part, kind, into, &self.limits, Some(self.deadline)).map_err(|refused| {
            let failure = Failure::lasting(format!("it cannot be unpacked: {refused}"));
            match refused.advice() {
                Some(advice) => failure.advising(advice),
                None => failure,
            }
        })
    }

    fn put_file(&self, part: &Path) -> Result<(), Failure> {
        if self.artifact.executable {
            make_executable(part).map_err(|e| Failure::of_file("set the mode of", part, &e))?;
        }
        place::put(part, &self.artifact.folder.join(&self.artifact.name))
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | 0o111))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
