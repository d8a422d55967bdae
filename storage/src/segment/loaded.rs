use std::ops::Range;

use bytes::Bytes;
use object_store::{GetOptions, GetRange};

use super::{Footer, Frame};
use crate::{Error, ObjectMeta, ObjectPath, Result, Store, codec};

/// How much of a segment's end is read for its footer: with it come, most often, the frames that are wanted too.
const TAIL_BYTES: u64 = 64 * 1024;
/// The longest footer that a reader holds.
const MAX_FOOTER_BYTES: u64 = 16 * 1024 * 1024;
/// How often a segment may change under a reader's hands before it gives up.
pub(super) const ATTEMPTS: usize = 8;

/// A segment's footer, and the bytes that came with it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) footer: Footer,
    pub(super) meta: ObjectMeta,
    tail: Bytes,
}

impl Loaded {
    /// Reads the footer of the object that `meta` is of, or of what has taken its place since.
    pub(super) async fn read(store: &Store, meta: &ObjectMeta) -> Result<Self> {
        let mut meta = meta.clone();
        for _ in 0..ATTEMPTS {
            let size = meta.size_bytes;
            let tail = get(store, &meta.path, size.saturating_sub(TAIL_BYTES)..size, None).await;
            let tail = match tail {
                Ok(Some((now, tail))) if now.size_bytes == size => (now, tail),
                Ok(Some((now, _))) => {
                    meta = now;
                    continue;
                }
                Err(error) if error.is_not_found() => return Err(error),
                // Nobody answers a range that starts behind the end of what is now a shorter object.
                other @ (Ok(None) | Err(_)) => {
                    let now = store.head(&meta.path).await?;
                    if now.size_bytes == size {
                        return Err(other.err().unwrap_or_else(|| corrupt(&meta.path, "it is empty")));
                    }
                    meta = now;
                    continue;
                }
            };
            let (now, mut tail) = tail;
            let footer_bytes =
                Footer::size_bytes(&tail).ok_or_else(|| corrupt(&meta.path, "it does not end as a segment does"))?;
            if footer_bytes > tail.len() as u64 && footer_bytes <= size.min(MAX_FOOTER_BYTES) {
                match get(store, &meta.path, size - footer_bytes..size, now.e_tag.as_deref()).await? {
                    Some((_, longer)) => tail = longer,
                    None => continue,
                }
            }
            let footer = Footer::parse(&tail, size).map_err(|reason| corrupt(&meta.path, reason))?;
            return Ok(Self { footer, meta: now, tail });
        }
        Err(corrupt(&meta.path, "it changes faster than it can be read"))
    }

    /// Bytes of the object that the footer is of; `None` when it was written again meanwhile.
    pub(super) async fn bytes(&self, store: &Store, range: Range<u64>) -> Result<Option<Bytes>> {
        let tail_start = self.meta.size_bytes - self.tail.len() as u64;
        if let (Some(from), Some(to)) = (range.start.checked_sub(tail_start), range.end.checked_sub(tail_start))
            && let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to))
        {
            return Ok(Some(self.tail.slice(from..to.min(self.tail.len()))));
        }
        let got = get(store, &self.meta.path, range, self.meta.e_tag.as_deref()).await?;
        Ok(got.filter(|(meta, _)| meta.size_bytes == self.meta.size_bytes).map(|(_, bytes)| bytes))
    }

    /// The content of frames that follow one another in a stream, out of the bytes from the first to the last of them.
    pub(super) fn decode(&self, frames: &[&Frame], bytes: &[u8]) -> Result<Bytes> {
        let base = frames.first().map_or(0, |frame| frame.stored.start);
        let mut content = Vec::new();
        for frame in frames {
            let place = frame.stored.start.checked_sub(base).zip(frame.stored.end.checked_sub(base));
            let place = place.and_then(|(from, to)| Some(usize::try_from(from).ok()?..usize::try_from(to).ok()?));
            let size = usize::try_from(frame.size_bytes).unwrap_or_default();
            let part = place.and_then(|place| bytes.get(place)).and_then(|frame| codec::decompress(frame, size));
            match part {
                Some(part) if part.len() == size => content.extend_from_slice(&part),
                _ => return Err(corrupt(&self.meta.path, "a frame of it cannot be decompressed")),
            }
        }
        Ok(content.into())
    }
}

pub(super) fn corrupt(path: &ObjectPath, reason: &str) -> Error {
    Error::Corrupt { path: path.clone(), reason: reason.to_owned() }
}

/// A range of an object; `None` when it is no longer the one with that tag.
async fn get(
    store: &Store,
    path: &ObjectPath,
    range: Range<u64>,
    e_tag: Option<&str>,
) -> Result<Option<(ObjectMeta, Bytes)>> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(range.clone())),
        if_match: e_tag.map(str::to_owned),
        ..GetOptions::default()
    };
    if range.is_empty() {
        return Ok(None);
    }
    let got = match store.inner().get_opts(&store.full(path)?, options).await {
        Err(object_store::Error::Precondition { .. }) => return Ok(None),
        other => other.map_err(|e| Error::from_store(path, e))?,
    };
    let meta = ObjectMeta {
        path: path.clone(),
        size_bytes: got.meta.size,
        last_modified: got.meta.last_modified,
        e_tag: got.meta.e_tag.clone(),
    };
    let bytes = got.bytes().await.map_err(|e| Error::from_store(path, e))?;
    Ok(Some((meta, bytes)))
}
