//! The object that a container's newest lines go to, and what keeps two collectors from writing it at one time.
//!
//! A run of segments has one end, and only there it grows: a segment is written in place of exactly the version that its
//! writer knows, or where nothing is; and a new one begins only when the one before was written with a mark that it is
//! **sealed**. Whoever goes on after another collector goes on with its last segment if that is not sealed. So a collector
//! that comes back after its successor has written finds its next write refused, whatever it is.

use bytes::Bytes;
use storage::segment::Whole;
use storage::{Error, ObjectPath, Version};

use super::{Context, Stopped};
use crate::layout::{Author, Note};

/// More than any segment has.
const OBJECT_LIMIT_BYTES: u64 = 256 * 1024 * 1024;

/// What is known of it.
#[derive(Clone, Debug)]
enum Known {
    /// Nothing is there yet.
    Absent,
    /// It is there, and what it holds is in memory.
    Here(Version),
    /// It is there, and what it holds is not in memory.
    Left(ObjectPath),
}

/// The object, as one collector knows it.
#[derive(Debug)]
pub(super) struct Object {
    known: Known,
    author: Author,
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// It is there.
    Done,
    /// Another collector has written there meanwhile, and nothing was done.
    Others,
}

/// What there is to go on with.
#[derive(Debug)]
pub(super) enum Left {
    /// Nothing that is not in memory.
    Nothing,
    /// This.
    Segment(Box<Whole>),
    /// What another collector has written meanwhile.
    Others,
}

impl Object {
    /// An object that nobody has written.
    pub(super) fn new(author: Author) -> Self {
        Self { known: Known::Absent, author }
    }

    /// Who writes it.
    pub(super) fn author(&self) -> &Author {
        &self.author
    }

    /// Goes on with a new one: this one is sealed.
    pub(super) fn seal(&mut self) {
        self.known = Known::Absent;
    }

    /// Goes on with what lies at `path`, without holding it.
    pub(super) fn leave(&mut self, path: ObjectPath) {
        self.known = Known::Left(path);
    }

    /// Whether it is there, and in memory.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.known, Known::Here(_))
    }

    /// Goes before `other` from now on; `false` when that one is the younger, and should be left alone for a while.
    pub(super) fn overtake(&mut self, other: &Author) -> bool {
        let is_younger = other.writer != self.author.writer && other.epoch > self.author.epoch;
        self.author.epoch = self.author.epoch.max(other.epoch + 1);
        !is_younger
    }

    /// What was left in the store, to be put before what is to be written. It is in memory from then on.
    pub(super) async fn take_up(&mut self, context: &Context) -> Result<Left, Stopped> {
        let Known::Left(path) = &self.known else { return Ok(Left::Nothing) };
        let (known, left) = match fetch(context, path).await? {
            Some((Some((whole, author)), version)) => match author.epoch > self.author.epoch {
                true => return Ok(Left::Others),
                false => (Known::Here(version), Left::Segment(Box::new(whole))),
            },
            // Removed, or damaged: what follows goes beside it.
            Some((None, _)) | None => (Known::Absent, Left::Nothing),
        };
        self.known = known;
        Ok(left)
    }

    /// Writes what `encode` gives, of about `size_bytes`, if nobody else has.
    pub(super) async fn put(
        &mut self,
        context: &Context,
        path: &ObjectPath,
        size_bytes: usize,
        encode: impl Fn() -> Bytes,
    ) -> Result<Wrote, Stopped> {
        loop {
            let known = self.known.clone();
            let put = || write(context, path, encode(), &known);
            if let Some(version) = context.ask_briefly("shipping a log", size_bytes, put).await? {
                self.known = Known::Here(version);
                return Ok(Wrote::Done);
            }
            match fetch(context, path).await? {
                Some((Some((_, author)), _)) if author.writer != self.author.writer => return Ok(Wrote::Others),
                // Its own, of which it was not told; or what is no segment at all.
                Some((_, version)) => self.known = Known::Here(version),
                None => self.known = Known::Absent,
            }
        }
    }
}

/// `None` when what is there is not what is known.
async fn write(context: &Context, path: &ObjectPath, bytes: Bytes, known: &Known) -> storage::Result<Option<Version>> {
    crate::Metrics::add(&context.metrics.written_bytes, bytes.len() as u64);
    let put = match known {
        Known::Here(version) => context.store.put_if_match(path, bytes, version).await,
        Known::Absent | Known::Left(_) => context.store.put_if_absent(path, bytes).await,
    };
    match put {
        Err(Error::AlreadyExists { .. } | Error::Changed { .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// The segment at `path`, if it is one, with who wrote it; and its version.
async fn fetch(context: &Context, path: &ObjectPath) -> Result<Option<(Option<(Whole, Author)>, Version)>, Stopped> {
    let get = || async {
        match context.store.get_versioned(path, OBJECT_LIMIT_BYTES).await {
            Err(Error::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    };
    let Some((bytes, version)) = context.ask_briefly("reading what was shipped", 0, get).await? else {
        return Ok(None);
    };
    let whole = Whole::parse(&bytes).ok().map(|whole| {
        let author = Note::parse(&whole.footer.note).map(|note| note.author).unwrap_or_default();
        (whole, author)
    });
    Ok(Some((whole, version)))
}
