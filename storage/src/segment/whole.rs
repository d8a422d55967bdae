use bytes::Bytes;

use super::Footer;

/// A segment with all that it holds, as it lies in the store.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What it says of itself.
    pub footer: Footer,
    frames: Bytes,
}

impl Whole {
    /// Reads an object.
    ///
    /// # Errors
    /// What is wrong with it, when it is no whole segment.
    pub fn parse(object: &Bytes) -> Result<Self, &'static str> {
        let footer = Footer::parse(object, object.len() as u64)?;
        let end = footer.frames.last().map_or(0, |frame| frame.stamps.end);
        let end = usize::try_from(end).ok().filter(|&end| end <= object.len());
        let frames = object.slice(..end.ok_or("its footer does not fit its content")?);
        Ok(Self { footer, frames })
    }

    /// Its frames as they lie there, without the footer.
    pub(super) fn frames(&self) -> &[u8] {
        &self.frames
    }
}
